//! Packing in the background: a thread that compresses what was sealed, if the store was asked to.
//!
//! Leaves how to the log. Always: nobody waits for it but who closes the store; trouble with it is told through `tracing` and costs
//! nothing but space.

use crate::log::{Log, Worker};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Packing {
    wanted: bool,
    thread: OnceLock<Worker>,
    /// How many segments there were when the thread was rung for last.
    known: AtomicUsize,
}

impl Packing {
    /// Also what an earlier session sealed is packed, once something is sealed in this one.
    pub(super) fn new(wanted: bool, log: &Log) -> Packing {
        Packing { wanted, thread: OnceLock::new(), known: AtomicUsize::new(log.segment_count()) }
    }

    /// A change was recorded. Rings if a segment was sealed by that; costs next to nothing if not.
    pub(super) fn recorded(&self, log: &Arc<Log>) {
        if !self.wanted {
            return;
        }
        let count = log.segment_count();
        if self.known.swap(count, Ordering::Relaxed) < count {
            self.ring(log);
        }
    }

    fn ring(&self, log: &Arc<Log>) {
        if let Some(thread) = self.thread.get() {
            return thread.ring();
        }
        let log = Arc::clone(log);
        match Worker::start("redraft-pack", Duration::ZERO, move || pack(&log)) {
            // Somebody may have been faster; the thread that is not needed ends with its handle.
            Ok(worker) => self.thread.get_or_init(|| worker).ring(),
            Err(error) => tracing::warn!(%error, "no thread to pack segments in"),
        }
    }

    /// Ends the thread, after what it is doing.
    pub(super) fn stop(&self) {
        self.thread.get().into_iter().for_each(Worker::stop);
    }
}

fn pack(log: &Log) {
    match log.pack() {
        Ok((saved_bytes, segments)) => tracing::debug!(saved_bytes, segments, "packed"),
        Err(error) => tracing::warn!(%error, "a sealed segment could not be packed"),
    }
}
