//! Packing what was sealed: when somebody asks for it, and in a thread of the store's if it was asked to do so by itself.
//!
//! Leaves how to the log. Always: nobody waits for the thread but who closes the store; trouble with it is told through `tracing` and costs
//! nothing but space.

use super::Store;
use crate::error::Result;
use crate::log::{Log, Worker};
use crate::state::State;
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

impl<S: State + Default> Store<S> {
    /// Compresses the sealed segments that are not compressed yet; by itself a store does so if
    /// [asked to](crate::Options::pack_sealed). How many bytes of disk that saves, and in how many segments. Versions, and what is
    /// read, stay what they were; reading a single change costs unpacking 8 KiB. Costs reading each twice and writing it, and two
    /// syncs for each; others may go on changing and reading the store.
    ///
    /// # Errors
    /// As [`Log::pack`](crate::log::Log::pack).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Options, Store, Value};
    ///
    /// let store: Store<Value> = Options::new().segment_bytes(16 << 10).open(dir.path())?;
    /// for n in 0..1500 {
    ///     drop(store.submit(|doc| doc["counter"] = n.into())?);
    /// }
    /// store.sync()?;
    /// let (saved_bytes, segments) = store.pack()?;
    /// # #[cfg(feature = "zstd")]
    /// assert!(saved_bytes > 8 << 10 && segments > 1);
    /// # let _ = (saved_bytes, segments);
    /// # Ok(()) }
    /// ```
    pub fn pack(&self) -> Result<(u64, usize)> {
        self.log.pack()
    }

    /// [`pack`](Store::pack), telling `progress` after each segment with how many were dealt with, and of how many.
    ///
    /// # Errors
    /// As `pack`.
    pub fn pack_with(&self, progress: impl FnMut(usize, usize)) -> Result<(u64, usize)> {
        self.log.pack_with(progress)
    }
}
