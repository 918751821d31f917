//! [`Rouse`]: who waits in this process for what comes to a log, so that they can be had look up.
//!
//! Leaves waiting to the log. Always: who waits while others are roused looks up; who does not wait yet is not roused.

use super::ignore_poison;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

/// Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Rouse(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    times: AtomicU64,
    threads: Mutex<Vec<Thread>>,
}

impl Rouse {
    /// Has all who wait look up.
    pub(super) fn rouse(&self) {
        self.0.times.fetch_add(1, Ordering::SeqCst);
        ignore_poison(&self.0.threads).iter().for_each(Thread::unpark);
    }

    /// Waits on this thread, which is told whether it was roused.
    pub(super) fn wait<T>(&self, wait: impl FnOnce(&dyn Fn() -> bool) -> T) -> T {
        let before = self.0.times.load(Ordering::SeqCst);
        let waits = Waits::here(&self.0);
        wait(&|| waits.0.times.load(Ordering::SeqCst) != before)
    }
}

/// That this thread waits, for as long as this lives.
struct Waits<'w>(&'w Waiting);

impl Waits<'_> {
    fn here(waiting: &Waiting) -> Waits<'_> {
        ignore_poison(&waiting.threads).push(thread::current());
        Waits(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let (mut threads, this) = (ignore_poison(&self.0.threads), thread::current().id());
        let at = threads.iter().position(|thread| thread.id() == this);
        at.into_iter().for_each(|at| drop(threads.swap_remove(at)));
    }
}
