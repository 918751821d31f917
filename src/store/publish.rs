//! What readers see: the newest acknowledged state, and who wants to hear of each change that becomes so.
//!
//! Between `record`, which gives a change its place before it is acknowledged, and everybody else. Always holds: what is
//! published is acknowledged, in the order of versions; every listener hears of every change after it was published, in
//! order, one at a time.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, TryLockError, Weak};

use arc_swap::ArcSwap;

use super::{Commit, ignore_poison};
use crate::history::Tip;

/// Keeps a listener listening, until it is dropped. See [`Store::listen`](super::Store::listen).
#[must_use = "dropping it ends the listening"]
pub struct Listening {
    _listener: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}

type Listener<S> = dyn Fn(&Commit<S>) + Send + Sync;
type Waiter = dyn Fn(u64) + Send + Sync;

/// The states of a store between being made and being seen.
pub(super) struct Published<S> {
    /// The newest acknowledged state.
    newest: ArcSwap<Tip<S>>,
    /// On their way to the disk, oldest first.
    waiting: Mutex<VecDeque<Waiting<S>>>,
    listeners: Mutex<Vec<Weak<Listener<S>>>>,
    /// Told which version is the newest, and nothing else: nobody keeps changes for them.
    waiters: Mutex<Vec<Weak<Waiter>>>,
    /// Acknowledged, but not told to the listeners yet.
    untold: Mutex<VecDeque<Commit<S>>>,
    /// Held by the one thread that tells.
    telling: Mutex<()>,
}

struct Waiting<S> {
    tip: Arc<Tip<S>>,
    /// Only if somebody listens.
    commit: Option<Commit<S>>,
}

impl<S> Published<S> {
    pub(super) fn new(tip: Arc<Tip<S>>) -> Self {
        Self {
            newest: ArcSwap::new(tip),
            waiting: Mutex::default(),
            listeners: Mutex::default(),
            waiters: Mutex::default(),
            untold: Mutex::default(),
            telling: Mutex::default(),
        }
    }

    /// The newest acknowledged state, with what belongs to it.
    pub(super) fn tip(&self) -> Arc<Tip<S>> {
        self.newest.load_full()
    }

    /// Puts a state into the queue; callers keep the order by holding the lock on the newest state.
    pub(super) fn await_durable(&self, tip: Arc<Tip<S>>, commit: impl FnOnce() -> Commit<S>) {
        let commit = self.is_heard().then(commit);
        ignore_poison(&self.waiting).push_back(Waiting { tip, commit });
    }

    /// Lets everybody see what is acknowledged: the changes before offset `head`.
    pub(super) fn up_to(&self, head: u64) {
        let (shown, heard) = self.show(head);
        if let Some(version) = shown {
            self.wake(version);
        }
        if heard {
            self.tell();
        }
    }

    /// Returns the newest version if it is another one now, and whether there is something to tell.
    fn show(&self, head: u64) -> (Option<u64>, bool) {
        let mut waiting = ignore_poison(&self.waiting);
        let mut newest = None;
        let mut heard = Vec::new();
        let durable = waiting.partition_point(|next| next.tip.version <= head);
        for next in waiting.drain(..durable) {
            heard.extend(next.commit);
            newest = Some(next.tip);
        }
        let shown = newest.as_ref().map(|tip| tip.version);
        if let Some(tip) = newest {
            self.newest.store(tip);
        }
        // Still under the lock, or two threads could queue their changes in the wrong order.
        let any = !heard.is_empty();
        if any {
            ignore_poison(&self.untold).extend(heard);
        }
        (shown, any)
    }

    pub(super) fn listen(&self, listener: impl Fn(&Commit<S>) + Send + Sync + 'static) -> Listening {
        let listener = Arc::new(listener);
        // The closure of a type that the store need not know; held weakly, so that only the caller keeps it alive.
        let heard: Arc<Listener<S>> = listener.clone();
        let mut listeners = ignore_poison(&self.listeners);
        listeners.retain(|known| known.strong_count() > 0);
        listeners.push(Arc::downgrade(&heard));
        Listening { _listener: listener }
    }

    /// Calls `waiter` with the newest version whenever that is another one, as long as what is returned is kept. It may hear of two in
    /// the wrong order.
    #[cfg(feature = "http")]
    pub(super) fn wait_with(&self, waiter: impl Fn(u64) + Send + Sync + 'static) -> Listening {
        let waiter = Arc::new(waiter);
        let told: Arc<Waiter> = waiter.clone();
        let mut waiters = ignore_poison(&self.waiters);
        waiters.retain(|known| known.strong_count() > 0);
        waiters.push(Arc::downgrade(&told));
        Listening { _listener: waiter }
    }

    /// Nobody is called under a lock.
    fn wake(&self, version: u64) {
        let waiters: Vec<_> = ignore_poison(&self.waiters).iter().filter_map(Weak::upgrade).collect();
        waiters.iter().for_each(|waiter| waiter(version));
    }

    pub(super) fn is_heard(&self) -> bool {
        ignore_poison(&self.listeners).iter().any(|listener| listener.strong_count() > 0)
    }

    /// Tells what there is to tell, unless another thread is at it, or this one further up the stack: that one goes on
    /// until there is nothing left.
    fn tell(&self) {
        loop {
            let telling = match self.telling.try_lock() {
                Ok(telling) => telling,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while let Some(commit) = self.next_untold() {
                self.tell_of(&commit);
            }
            drop(telling);
            // Somebody may have queued a change just before the lock was let go, and have gone away on seeing it held.
            if ignore_poison(&self.untold).is_empty() {
                return;
            }
        }
    }

    fn next_untold(&self) -> Option<Commit<S>> {
        ignore_poison(&self.untold).pop_front()
    }

    fn tell_of(&self, commit: &Commit<S>) {
        let listeners: Vec<_> = ignore_poison(&self.listeners).iter().filter_map(Weak::upgrade).collect();
        for listener in listeners {
            // The change is durable whatever a listener makes of it, and the others want to hear of it too.
            if catch_unwind(AssertUnwindSafe(|| listener(commit))).is_err() {
                tracing::error!(version = commit.version, "a listener panicked");
            }
        }
    }
}

impl<S> fmt::Debug for Published<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("version", &self.newest.load().version).finish_non_exhaustive()
    }
}
