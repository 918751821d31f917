//! The public reading half: [`Reader`] for a store that somebody else may be writing.
//!
//! Leaves how a state comes about to `history`, and its changes to `changes`. Always: takes no lock and writes nothing; the version a reader shows
//! never goes back.

use super::changes::Changes;
use super::lookup::{Guide, NoIndex};
use super::migrate::recorded_in;
use super::{Options, restore};
use crate::error::{Damage, Error, Result, Role};
use crate::history::{History, Tip, open_view};
#[cfg(feature = "index")]
use crate::index::Index;
use crate::io::Env;
use crate::log::StoreId;
use crate::merge::Rules;
use crate::state::State;
use crate::value::Value;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A store opened for reading only, perhaps while a writer is at work in another process.
///
/// Takes no lock and writes nothing. Sees what is durable, as of [`open`](Reader::open) or the last
/// [`refresh`](Reader::refresh). What a crashed writer left unproved becomes visible once a writer has opened the store.
#[derive(Debug)]
pub struct Reader<S: State = Value> {
    pub(crate) history: History<S>,
    tip: Mutex<Arc<Tip<S>>>,
    #[cfg(feature = "index")]
    index: Option<Arc<Index>>,
}

impl<S: State + Default> Reader<S> {
    /// Opens the store, or replica, in the directory `path`. Costs the reading that opening for writing costs, and no sync.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Role`] when it is a log, [`Error::Misfit`] when what is recorded does not fit the type,
    /// [`Error::Migration`], [`Error::NewerSchema`], [`Error::Damaged`], [`Error::Newer`], [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().open_read_only(path)
    }

    /// Opens the store, or replica, in the directory `path` as it was at `version`, which is all that this reader shows until it
    /// is [refreshed](Reader::refresh). So an older program can look at what was there before a newer one migrated the store.
    /// Costs what [`at`](Reader::at) costs.
    ///
    /// # Errors
    /// As [`open`](Reader::open), and as [`at`](Reader::at).
    pub fn open_at(path: impl AsRef<Path>, version: u64) -> Result<Self> {
        Options::new().open_read_only_at(path, version)
    }

    pub(crate) fn in_env(env: &Env, path: &Path, segment_bytes: u64, version: Option<u64>) -> Result<Self> {
        let history = History::new(env, path.to_owned(), open_view(env, path)?, segment_bytes);
        let tip = match version {
            None => history.newest()?,
            Some(version) => history.tip_at(version)?,
        };
        match version.filter(|&version| tip.version < version) {
            Some(version) => Err(Error::BeyondHead { version, head: tip.version }),
            None => Ok(Reader {
                history,
                tip: Mutex::new(tip),
                #[cfg(feature = "index")]
                index: None,
            }),
        }
    }

    /// The same with an index of its own over the history, in a directory that nobody else uses, which is made: so that
    /// [`blame`](Reader::blame), [`life`](Reader::life) and [narrowed](Changes::matching) changes cost what comes out of them. A reader
    /// writes nothing into the store, and so has none otherwise. The first question reads all of the history; what is in the directory is
    /// used again by who opens the same store with it. The directory may be removed at any time that no reader uses it. O(1).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?; let aside = tempfile::tempdir()?;
    /// use redraft::{Filter, Lookup, Reader, Store, Value, value::Pointer};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce(|doc| doc["title"] = "garden".into())?;
    /// let reader = Reader::<Value>::open(dir.path())?.with_index(aside.path());
    /// let titles = Filter::new().touching(Pointer::parse("/title")?);
    /// let mut changes = reader.changes(..)?.matching(titles).newest_first();
    /// assert_eq!(changes.next().transpose()?.map(|change| change.version), Some(1));
    /// assert_eq!(changes.lookup(), Some(&Lookup::Index));
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "index")]
    #[must_use]
    pub fn with_index(self, dir: impl AsRef<Path>) -> Self {
        Reader { index: Some(Arc::new(Index::of(dir.as_ref()))), ..self }
    }

    /// Who can be asked where changes are.
    #[cfg(feature = "index")]
    pub(super) fn guide(&self) -> Guide {
        self.index.as_ref().map_or(Guide::None(NoIndex::Reader), |index| Guide::Index(Arc::downgrade(index)))
    }

    #[cfg(not(feature = "index"))]
    pub(super) fn guide(&self) -> Guide {
        Guide::None(NoIndex::Reader)
    }

    /// The schema of the version seen, as it is recorded. The state is of the type's own. O(1).
    pub fn schema(&self) -> u32 {
        recorded_in(&self.tip())
    }

    pub(super) fn tip(&self) -> Arc<Tip<S>> {
        Arc::clone(&self.tip.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for what has become durable since, and returns the version now seen. Costs reading the new changes and applying
    /// them.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Misfit`], [`Error::Io`]. What is seen stays what it was.
    pub fn refresh(&self) -> Result<u64> {
        let found = self.history.after(&self.tip())?;
        let mut tip = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have looked later and been faster.
        if found.version > tip.version {
            *tip = found;
        }
        Ok(tip.version)
    }

    /// The snapshots that could not be used so far, and why: an older one, or the beginning, was started from instead. O(1).
    pub fn passed_over(&self) -> Vec<Damage> {
        self.history.passed_over()
    }

    /// Identifies the store and its replicas. O(1).
    pub fn id(&self) -> StoreId {
        self.history.view.id()
    }

    /// The log that the state is made from. O(1).
    pub fn log(&self) -> crate::log::Reader {
        self.history.view.clone()
    }

    /// Whether it is a store, a replica or a backup, which its newest segment says. Reads a header.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Reader, Role, Store, Value};
    ///
    /// Store::<Value>::open(dir.path())?.close()?;
    /// assert_eq!(Reader::<Value>::open(dir.path())?.role()?, Role::Store);
    /// # Ok(()) }
    /// ```
    pub fn role(&self) -> Result<Role> {
        self.history.view.header().map(|header| Role::of(&header))
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

    /// What is done where changes meet that were made at the same time, at the newest version seen. O(1). See [`Store::set_rules`](super::Store::set_rules).
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.tip().ledger.rules)
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
        Ok(Changes::in_range(&self.history.view, self.guide(), &range, self.version())?.up_to_head())
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
