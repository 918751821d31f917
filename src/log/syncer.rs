//! [`Syncer`]: a thread that makes durable what nobody waits for.
//!
//! Only for records that were queued and left, so a log whose callers all wait has no such thread. It commits as any caller
//! does, through [`Group::sync_all`]; where the log is made durable at intervals, it lets that long pass first. Always
//! holds: what was queued before [`ring`](Syncer::ring) is taken care of after it; the thread is gone, or about to end
//! without writing anything more, when [`stop`](Syncer::stop) returns.

use super::group::Group;
use super::ignore_poison;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Syncer {
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
    sync: bool,
    stop: bool,
}

impl Syncer {
    /// Starts the thread; it answers a ring after `patience`, and calls `synced` with the head whenever it has made
    /// something durable.
    pub(super) fn start(
        group: Arc<Group>,
        patience: Duration,
        synced: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        let run = move || {
            while heard.wait(patience) {
                // A failure is told to everybody who asks the log; there is nobody to tell it to here.
                if group.sync_all().is_ok() {
                    synced(group.head());
                }
            }
        };
        let thread = thread::Builder::new().name("redraft-sync".into()).spawn(run)?;
        Ok(Syncer { bell, thread: Mutex::new(Some(thread)) })
    }

    /// There is something to sync. Costs next to nothing if that is known already.
    pub(crate) fn ring(&self) {
        if !self.bell.rung.swap(true, Ordering::SeqCst) {
            ignore_poison(&self.bell.call).sync = true;
            self.bell.changed.notify_one();
        }
    }

    /// Ends the thread, after what it is doing now.
    pub(super) fn stop(&self) {
        ignore_poison(&self.bell.call).stop = true;
        self.bell.changed.notify_one();
        let Some(thread) = ignore_poison(&self.thread).take() else { return };
        // The log may be dropped by what the thread itself calls; it cannot wait for itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the syncing thread panicked");
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Bell {
    /// Waits for a ring, and for as long as `patience` says after it. False says stop.
    fn wait(&self, patience: Duration) -> bool {
        let call = ignore_poison(&self.call);
        let idle = |call: &mut Call| !call.sync && !call.stop;
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
        call.sync = false;
        // Before the sync that follows: what is queued from now on rings again.
        self.rung.store(false, Ordering::SeqCst);
        !call.stop
    }
}
