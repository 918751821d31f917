//! [`Syncer`]: a thread that makes durable what nobody waits for.
//!
//! Only for records that were queued and left, so a log whose callers all wait has no such thread. It commits as any caller
//! does, through [`Group::wait`]. Always holds: what was queued before [`ring`](Syncer::ring) is taken care of after it;
//! the thread is gone, or about to end without writing anything more, when [`stop`](Syncer::stop) returns.

use super::group::Group;
use super::ignore_poison;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

#[derive(Debug)]
pub(super) struct Syncer {
    bell: Arc<Bell>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is to do next.
#[derive(Debug, Default)]
struct Bell {
    call: Mutex<Call>,
    rung: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Call {
    #[default]
    Nothing,
    Sync,
    Stop,
}

impl Syncer {
    /// Starts the thread; it calls `synced` with the head whenever it has made something durable.
    pub(super) fn start(group: Arc<Group>, synced: impl Fn(u64) + Send + 'static) -> io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        let run = move || {
            while heard.wait() == Call::Sync {
                // A failure is told to everybody who asks the log; there is nobody to tell it to here.
                if group.sync_all().is_ok() {
                    synced(group.head());
                }
            }
        };
        let thread = thread::Builder::new().name("redraft-sync".into()).spawn(run)?;
        Ok(Syncer { bell, thread: Mutex::new(Some(thread)) })
    }

    /// There is something to sync.
    pub(super) fn ring(&self) {
        self.bell.ring(Call::Sync);
    }

    /// Ends the thread, after what it is doing now.
    pub(super) fn stop(&self) {
        self.bell.ring(Call::Stop);
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
    fn ring(&self, call: Call) {
        let mut next = ignore_poison(&self.call);
        if *next != Call::Stop {
            *next = call;
        }
        self.rung.notify_one();
    }

    /// The next call, which is then taken care of; a stop stays.
    fn wait(&self) -> Call {
        let mut next = ignore_poison(&self.call);
        while *next == Call::Nothing {
            next = self.rung.wait(next).unwrap_or_else(PoisonError::into_inner);
        }
        let call = *next;
        if call == Call::Sync {
            *next = Call::Nothing;
        }
        call
    }
}
