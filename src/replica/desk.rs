//! [`Desk`]: where the changes of a node are brought into the order, by a thread of its own, and waited for.
//!
//! Leaves what a change is to `node`, `intake` and `revise`, what waits to `writer`, and deciding to `ordering`. Always: what does not pass ends
//! the work, and is told to everybody who makes a change from then on; what passes is tried again.

use super::follow::{Following, Pause, end_of};
use super::ignore_poison;
use super::intake::Intake;
use super::ordering::Ordering;
use super::outcomes::{Awaited, Outcomes};
use super::settled::{Pending, Settled};
use super::writer::Writer;
use crate::error::{Error, IoContext, Result};
use crate::log::Worker;
use crate::merge::Outcome;
use crate::patch::Patch;
use crate::record::Meta;
use crate::state::State;
use crate::store::Store;
use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

/// How long the thread that brings changes into the order sleeps at most before it looks for itself.
const NAP: Duration = Duration::from_millis(200);
/// More than this is not kept for changes that wait, while the order takes them: then they are waited for.
const KEPT_BYTES: u64 = 64 << 20;
const BREATH: Duration = Duration::from_millis(1);
/// An order that cannot be reached is tried again at least this often: somebody waits for it, as a rule.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the thread of a node and those who use it share.
pub(super) struct Desk<S: State + Default> {
    pub(super) writer: Writer<S>,
    pub(super) ordering: Arc<Ordering<S>>,
    pub(super) intake: Intake,
    outcomes: Arc<Outcomes>,
    /// Finds out what became of changes, as they come back.
    settler: OnceLock<Arc<Worker>>,
    stopped: AtomicBool,
    /// Whether there may be something to do.
    rung: Mutex<bool>,
    bell: Condvar,
    /// Why it brings nothing into the order any longer.
    ended_by: Mutex<Option<Arc<Error>>>,
    /// Why nothing could be brought there the last time, if that was so.
    hindered_by: Mutex<Option<String>>,
}

/// The threads of a node, for as long as it lives.
#[derive(Debug)]
pub(super) struct Work<S: State + Default> {
    desk: Arc<Desk<S>>,
    following: Option<Following>,
    thread: Option<JoinHandle<()>>,
}

impl<S: State + Default> Work<S> {
    /// Whoever works from now on is known to follow before anybody brings anything.
    pub(super) fn begin(desk: &Arc<Desk<S>>) -> Result<Work<S>> {
        let following = Some(desk.writer.replica().follow_after(Pause::up_to(LONGEST_PAUSE))?);
        desk.settle_as_it_comes()?;
        let works = Arc::clone(desk);
        let thread = thread::Builder::new().name("redraft-order".into()).spawn(move || works.run());
        let thread = Some(thread.during("start a thread for", desk.store().path())?);
        Ok(Work { desk: Arc::clone(desk), following, thread })
    }
}

impl<S: State + Default> Drop for Work<S> {
    fn drop(&mut self) {
        self.desk.stopped.store(true, Atomic::SeqCst);
        self.desk.ring();
        drop(self.following.take());
        let source = self.desk.ordering.order();
        if self.thread.take().is_some_and(|thread| end_of(thread, source).is_err()) {
            tracing::error!("the thread of a node panicked");
        }
        // Who opens this directory next must not find it taken.
        self.desk.writer.replica().rest();
        self.desk.settler.get().into_iter().for_each(|settler| settler.stop());
    }
}

impl<S: State + Default> fmt::Debug for Desk<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("writer", &self.writer).finish_non_exhaustive()
    }
}

impl<S: State + Default> Desk<S> {
    pub(super) fn of(writer: Writer<S>, ordering: Arc<Ordering<S>>, outcomes: Arc<Outcomes>) -> Desk<S> {
        Desk {
            writer,
            ordering,
            intake: Intake::default(),
            outcomes,
            settler: OnceLock::new(),
            stopped: AtomicBool::new(false),
            rung: Mutex::new(true),
            bell: Condvar::new(),
            ended_by: Mutex::default(),
            hindered_by: Mutex::default(),
        }
    }

    pub(super) fn store(&self) -> &Arc<Store<S>> {
        self.ordering.store()
    }

    /// A patch, made for the state that it is applied to, on its way; or why it could not be made.
    pub(super) fn applied<E>(
        &self,
        patience: Duration,
        meta: Meta,
        make: impl FnOnce(&S) -> Result<Patch, E>,
    ) -> Result<Result<Awaited, E>> {
        self.breathe(patience)?;
        let awaited = self.writer.apply_noted(meta, make, |pending| self.awaited(pending))?;
        self.ring();
        Ok(awaited)
    }

    pub(super) fn awaited(&self, pending: &Pending<S>) -> Awaited {
        let nothing = || {
            let (outcome, notes) = (Outcome::Clean, Vec::new());
            Settled { sequence: 0, version: self.store().version(), outcome, notes, again_as: None }
        };
        pending.sequence.map_or_else(|| Awaited::over(nothing()), |sequence| self.outcomes.awaited(sequence))
    }

    pub(super) fn ring(&self) {
        if !std::mem::replace(&mut *ignore_poison(&self.rung), true) {
            self.bell.notify_all();
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Atomic::SeqCst)
    }

    /// Brings what waits into the order, until it is stopped or something happens that does not pass: also where a type or an order panics.
    fn run(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            let (operation, path) = ("bring changes into the order", self.store().path().to_owned());
            let source = Error::Io { operation, path, source: io::Error::other("its thread panicked") };
            tracing::error!(%source, "the thread of a node ends");
            *ignore_poison(&self.ended_by) =
                Some(Arc::new(Error::Poisoned { source: Arc::new(source), pending: None }));
        }
    }

    fn work(&self) {
        let mut pause = Pause::up_to(LONGEST_PAUSE);
        while !self.is_stopped() {
            self.sleep(NAP);
            let answer = self.bring();
            let (failed, got_on) = (answer.is_err(), matches!(answer, Ok(count) if count > 0));
            *ignore_poison(&self.hindered_by) = answer.as_ref().err().map(text_of);
            if let Err(error) = pause.after(answer.map(drop), got_on) {
                *ignore_poison(&self.ended_by) = Some(Arc::new(error));
                return;
            }
            if failed {
                *ignore_poison(&self.rung) = false;
                self.sleep(pause.next(&*self.store().env().entropy));
            }
        }
    }

    /// All that waits now; how many changes that were.
    fn bring(&self) -> Result<usize> {
        let replica = self.writer.replica();
        if !replica.is_following() && !self.is_stopped() {
            // Whatever ended that says so.
            replica.catch_up()?;
        }
        // What comes meanwhile goes along.
        self.ordering.await_turn();
        self.writer.push()
    }

    /// Has a thread find out what became of changes whenever some come back, so that whoever decides need not.
    fn settle_as_it_comes(self: &Arc<Self>) -> Result<()> {
        let desk = Arc::downgrade(self);
        let work = move || {
            // What fails is done again, and told, by who looks next.
            let failed = desk.upgrade().and_then(|desk| desk.writer.settle().err());
            failed
                .iter()
                .for_each(|error| tracing::warn!(%error, "what came cannot be held against what waits"));
        };
        let worker = Worker::start("redraft-settle", Duration::ZERO, work);
        let worker = Arc::new(worker.during("start a thread for", self.store().path())?);
        self.writer.replica().rings(&worker);
        drop(self.settler.set(worker));
        Ok(())
    }

    /// Until somebody rings, or for so long.
    fn sleep(&self, longest: Duration) {
        let rung = ignore_poison(&self.rung);
        let waited = self.bell.wait_timeout_while(rung, longest, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// What is kept for changes that wait goes once none does. While the order takes them, that is waited for now and then.
    pub(super) fn breathe(&self, patience: Duration) -> Result<()> {
        let (mut begun, mut front) = (Instant::now(), None);
        while self.writer.kept_bytes() > KEPT_BYTES
            && self.writer.replica().lag().connected
            && !self.is_stopped()
        {
            self.must_work()?;
            let waits = self.writer.front();
            if waits != front {
                (begun, front) = (Instant::now(), waits);
            }
            if begun.elapsed() >= patience {
                return Err(self.full());
            }
            thread::sleep(BREATH);
        }
        Ok(())
    }

    /// Nothing is made: so much waits, and the order takes none of it.
    fn full(&self) -> Error {
        let hindered = ignore_poison(&self.hindered_by);
        let why = hindered.as_ref().map_or(String::new(), |why| format!("; the last time, {why}"));
        let text = format!("{} MiB wait, and the order takes nothing{why}", KEPT_BYTES >> 20);
        let source = io::Error::new(io::ErrorKind::QuotaExceeded, text);
        Error::Io {
            operation: "keep another change that waits",
            path: self.store().path().to_owned(),
            source,
        }
    }

    pub(super) fn must_work(&self) -> Result<()> {
        match &*ignore_poison(&self.ended_by) {
            Some(source) => Err(Error::Ended { source: Arc::clone(source) }),
            None => Ok(()),
        }
    }

    /// See [`Node::flush`](super::Node::flush).
    pub(super) fn flush(&self, patience: Duration) -> Result<()> {
        let (begun, last) = (Instant::now(), self.writer.newest_number());
        loop {
            let next = self.store().version() + 1;
            self.writer.view()?;
            if self.writer.front().is_none_or(|front| front > last) {
                return Ok(());
            }
            self.must_work()?;
            if begun.elapsed() >= patience {
                return Err(self.unheard());
            }
            // Whatever comes may be the last of it.
            match self.writer.replica().wait_for(next, NAP) {
                Err(Error::BeyondHead { .. }) | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Why it brings nothing into the order any longer.
    pub(super) fn ended_by(&self) -> Option<Arc<Error>> {
        ignore_poison(&self.ended_by).clone()
    }

    pub(super) fn close(self) -> Result<()> {
        let Desk { writer, ordering, .. } = self;
        drop(ordering);
        writer.close()
    }

    pub(super) fn unheard(&self) -> Error {
        let hindered = ignore_poison(&self.hindered_by);
        let source = hindered.as_ref().map_or_else(
            || io::ErrorKind::TimedOut.into(),
            |why| io::Error::new(io::ErrorKind::TimedOut, format!("timed out; the last time, {why}")),
        );
        Error::Unreachable { from: self.ordering.name(), operation: "hear what became of a change", source }
    }
}

/// What an error says, and what that came from.
fn text_of(error: &Error) -> String {
    let sources = std::iter::successors(Some(error as &(dyn StdError + 'static)), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
