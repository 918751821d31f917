//! The public reading half: [`Reader`] for a store that somebody else may be writing, [`Changes`] for its history.
//!
//! Leaves how a state comes about to `history`. Always: takes no lock and writes nothing; the version a reader shows
//! never goes back.

use super::restore;
use crate::error::{Error, Result};
use crate::history::{History, Tip, decode, open_view};
use crate::io::Env;
use crate::log::options::USUAL_SEGMENT_BYTES;
use crate::log::{self, Records, StoreId};
use crate::record::Change;
use crate::state::State;
use crate::value::Value;
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A store opened for reading only, perhaps while a writer is at work in another process.
///
/// Takes no lock and writes nothing. Sees what is durable, as of [`open`](Reader::open) or the last
/// [`refresh`](Reader::refresh). What a crashed writer left unproved becomes visible once a writer has opened the store.
#[derive(Debug)]
pub struct Reader<S: State = Value> {
    pub(super) history: History<S>,
    tip: Mutex<Arc<Tip<S>>>,
}

impl<S: State + Default> Reader<S> {
    /// Opens the store, or replica, in the directory `path`. Costs the reading that opening for writing costs, and no sync.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Role`] when it is a log, [`Error::Misfit`] when what is recorded does not fit the type,
    /// [`Error::Damaged`], [`Error::Newer`], [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Reader::in_env(&Env::real(), path.as_ref(), USUAL_SEGMENT_BYTES)
    }

    pub(crate) fn in_env(env: &Env, path: &Path, segment_bytes: u64) -> Result<Self> {
        let history = History::new(env, path.to_owned(), open_view(env, path)?, segment_bytes);
        let start = history.start(u64::MAX)?;
        let tip = history.replay(Arc::new(start.tip), start.records, u64::MAX)?;
        Ok(Reader { history, tip: Mutex::new(tip) })
    }

    fn tip(&self) -> Arc<Tip<S>> {
        Arc::clone(&self.tip.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for what has become durable since, and returns the version now seen. Costs reading the new changes and applying
    /// them.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Misfit`], [`Error::Io`]. What is seen stays what it was.
    pub fn refresh(&self) -> Result<u64> {
        let before = self.tip();
        let records = self.history.view.records(before.version)?;
        let found = self.history.replay(before, records, u64::MAX)?;
        let mut tip = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have looked later and been faster.
        if found.version > tip.version {
            *tip = found;
        }
        Ok(tip.version)
    }

    /// Identifies the store and its replicas. O(1).
    pub fn id(&self) -> StoreId {
        self.history.view.id()
    }

    /// The newest state seen. O(1).
    pub fn state(&self) -> Arc<S> {
        Arc::clone(&self.tip().state)
    }

    /// The newest version seen. O(1).
    pub fn version(&self) -> u64 {
        self.tip().version
    }

    /// The oldest version that [`at`](Reader::at) can give. Reads the directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn oldest(&self) -> Result<u64> {
        self.history.oldest()
    }

    /// The versions that have a snapshot, ascending. Reads the directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn snapshots(&self) -> Result<Vec<u64>> {
        self.history.snapshots()
    }

    /// The state at any version that is kept. O(changes since the nearest snapshot or a state still in memory). See
    /// [`Store::at`](super::Store::at).
    ///
    /// # Errors
    /// As `Store::at`.
    pub fn at(&self, version: u64) -> Result<Arc<S>> {
        let tip = self.tip();
        match version {
            _ if version == tip.version => Ok(Arc::clone(&tip.state)),
            _ if version > tip.version => Err(Error::BeyondHead { version, head: tip.version }),
            _ => self.history.at(version),
        }
    }

    /// The changes that made the versions in `range`, up to the version that this reader shows. Costs what is read. See
    /// [`Store::changes`](super::Store::changes).
    ///
    /// # Errors
    /// As `Store::changes`.
    pub fn changes(&self, range: impl RangeBounds<u64>) -> Result<Changes> {
        let head = self.version();
        let changes = changes(&self.history.view, &range, head)?;
        Ok(Changes { last: changes.last.min(head), ..changes })
    }

    /// Writes the state at `version` into a new store. Costs what [`at`](Reader::at) costs, O(state) and a handful of syncs.
    /// See [`Store::restore`](super::Store::restore).
    ///
    /// # Errors
    /// As `Store::restore`.
    pub fn restore(&self, version: u64, target: impl AsRef<Path>) -> Result<()> {
        let head = self.version();
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        restore::restore(&self.history, version, target.as_ref())
    }
}

/// The changes of a range of versions, oldest first. Those of a store end with the newest durable one, and go on from there
/// when asked again; those of a reader end with the version it showed.
#[derive(Debug)]
pub struct Changes {
    records: Records,
    /// The last version wanted.
    last: u64,
    failed: bool,
}

pub(super) fn changes(view: &log::Reader, range: &impl RangeBounds<u64>, head: u64) -> Result<Changes> {
    let wanted = wanted(range, view.oldest()?, head)?;
    let records = view.records(wanted.start() - 1).map_err(of_versions)?;
    Ok(Changes { records, last: *wanted.end(), failed: false })
}

/// The versions of a range whose changes are asked for. Its end may lie beyond the head.
pub(super) fn wanted(range: &impl RangeBounds<u64>, oldest: u64, head: u64) -> Result<RangeInclusive<u64>> {
    let first = match range.start_bound() {
        Bound::Included(&version) => version,
        Bound::Excluded(&version) => version.saturating_add(1),
        Bound::Unbounded => oldest + 1,
    };
    let last = match range.end_bound() {
        Bound::Included(&version) => version,
        Bound::Excluded(&version) => version.saturating_sub(1),
        Bound::Unbounded => u64::MAX,
    };
    // Version 0 is the beginning: nobody made it.
    let first = first.max(1);
    if first <= oldest {
        return Err(Error::Compacted { version: first, oldest: oldest + 1 });
    }
    if first - 1 > head {
        return Err(Error::BeyondHead { version: first, head });
    }
    Ok(first..=last)
}

/// The log names offsets, and the record that made a version has the offset before it: the caller asked for versions.
fn of_versions(error: Error) -> Error {
    match error {
        Error::BeyondHead { version: offset, head } => Error::BeyondHead { version: offset + 1, head },
        Error::Compacted { version: offset, oldest } => {
            Error::Compacted { version: offset + 1, oldest: oldest + 1 }
        }
        other => other,
    }
}

impl Iterator for Changes {
    type Item = Result<Change>;

    /// An error is the last item: what follows a damaged record is not handed out as if nothing were missing.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.records.offset() >= self.last {
            return None;
        }
        let item = match self.records.next_record() {
            Ok(record) => decode(&record?),
            Err(error) => Err(of_versions(error)),
        };
        self.failed = item.is_err();
        Some(item)
    }
}
