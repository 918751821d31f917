//! [`Worker`]: a thread that does one thing whenever it is rung for.
//!
//! What nobody waits for: making durable what was queued and left, taking a snapshot. Always holds: what was there to do
//! before [`ring`](Worker::ring) is taken care of after it; the thread is gone when [`stop`](Worker::stop) returns, unless
//! it called that itself.

use super::ignore_poison;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Worker {
    bell: Arc<Bell>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is to do next.
#[derive(Debug, Default)]
struct Bell {
    /// Whether it has been rung and not been answered yet: whoever finds it so need not ring again.
    rung: AtomicBool,
    call: Mutex<Call>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Call {
    work: bool,
    stop: bool,
}

impl Worker {
    /// Starts the thread; it answers a ring with `work`, after `patience`.
    pub(crate) fn start(
        name: &str,
        patience: Duration,
        mut work: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        let run = move || {
            while heard.wait(patience) {
                work();
            }
        };
        let thread = thread::Builder::new().name(name.into()).spawn(run)?;
        Ok(Worker { bell, thread: Mutex::new(Some(thread)) })
    }

    /// There is something to do. Costs next to nothing if that is known already.
    pub(crate) fn ring(&self) {
        if !self.bell.rung.swap(true, Ordering::SeqCst) {
            ignore_poison(&self.bell.call).work = true;
            self.bell.changed.notify_one();
        }
    }

    /// Ends the thread, after what it is doing now, or has been rung for.
    pub(crate) fn stop(&self) {
        ignore_poison(&self.bell.call).stop = true;
        self.bell.changed.notify_one();
        let Some(thread) = ignore_poison(&self.thread).take() else { return };
        // The log may be dropped by what the thread itself calls; it cannot wait for itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("a thread of the log panicked");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Bell {
    /// Waits for a ring, and for as long as `patience` says after it. False says stop: there is nothing left to do.
    fn wait(&self, patience: Duration) -> bool {
        let call = ignore_poison(&self.call);
        let idle = |call: &mut Call| !call.work && !call.stop;
        let call = self.changed.wait_while(call, idle).unwrap_or_else(PoisonError::into_inner);
        let unhurried = |call: &mut Call| !call.stop;
        let (mut call, _) = match patience {
            Duration::ZERO => (call, None),
            _ => {
                let waited = self.changed.wait_timeout_while(call, patience, unhurried);
                let (call, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                (call, Some(timeout))
            }
        };
        let work = std::mem::take(&mut call.work);
        // Before the work that follows: what comes up from now on rings again.
        self.rung.store(false, Ordering::SeqCst);
        work || !call.stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// A worker that counts what it does, and shares the count for as long as its thread is there.
    fn counting(patience: Duration) -> (Worker, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&count);
        let work = move || {
            theirs.fetch_add(1, Ordering::SeqCst);
        };
        (Worker::start("counts", patience, work).unwrap(), count)
    }

    #[test]
    fn what_was_rung_for_is_done_when_the_worker_has_stopped_and_its_thread_is_gone() {
        for patience in [Duration::ZERO, Duration::from_secs(3600)] {
            let (worker, count) = counting(patience);
            worker.ring();
            worker.stop();
            assert_eq!((count.load(Ordering::SeqCst), Arc::strong_count(&count)), (1, 1));
            worker.stop();
        }
    }

    #[test]
    fn a_worker_that_is_dropped_stops() {
        let (worker, count) = counting(Duration::ZERO);
        drop(worker);
        assert_eq!((count.load(Ordering::SeqCst), Arc::strong_count(&count)), (0, 1));
    }
}
