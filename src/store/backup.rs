//! Backing up: what a store or reader shows, copied as files into another directory.
//!
//! Leaves all of it to `backup`. Always: what is backed up is durable, and no lock is taken that a change would wait for.

use super::{Reader, Store};
use crate::backup::{Backup, Source};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::history::History;
use crate::state::State;
use std::path::Path;

impl<S: State + Default> Store<S> {
    /// Copies the store with all the history it keeps into the directory `to`, while others go on changing and reading it.
    /// The directory may be missing or empty, or hold an earlier backup of this store, to which only what is new is copied.
    ///
    /// A backup is a directory that [`Reader`] reads, [`verify`](crate::verify()) verifies and [`Reader::restore`] restores from;
    /// opening it for writing is refused. It holds all that was acknowledged when this was called. Interrupted at any moment, it
    /// is the store as it was at some version between the older backup and the new one, and calling this again finishes it. What
    /// the store has given up since, and the snapshots it has removed, go from the backup too, once the new one is complete.
    ///
    /// Costs reading and writing the segments and snapshots that are not there yet, among them all of the one that is being
    /// written; seven syncs for each segment, two for each snapshot. No change waits for it.
    ///
    /// # Errors
    /// [`Error::Exists`] when the directory holds something else, or what was copied from a replica; [`Error::Role`] when it is a
    /// store; [`Error::Foreign`] when it is a backup of another store, [`Error::Diverged`] of another history; [`Error::Locked`]
    /// when somebody is writing it; [`Error::Damaged`] when the log of either is: what is wrong with a snapshot is in the report.
    /// [`Error::Poisoned`] when what was acknowledged cannot be made durable; [`Error::Io`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (path, copy, new) = (dir.path().join("notes"), dir.path().join("copy"), dir.path().join("new"));
    /// use redraft::{Error, Reader, Store, Value};
    ///
    /// let store = Store::<Value>::open(&path)?;
    /// let first = store.produce(|doc| doc["title"] = "plan".into())?.version();
    /// assert_eq!(store.backup(&copy)?.version, 1);
    /// store.produce(|doc| doc["title"] = "launch".into())?;
    /// assert_eq!(store.backup(&copy)?.version, 2); // only what is new is copied
    ///
    /// let backup = Reader::<Value>::open(&copy)?;
    /// backup.restore(first, &new)?;
    /// assert_eq!(Store::<Value>::open(&new)?.state()["title"].as_str(), Some("plan"));
    /// assert!(matches!(Store::<Value>::open(&copy), Err(Error::Role { .. })));
    /// # Ok(()) }
    /// ```
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<Backup> {
        self.on_disk(self.version())?;
        back_up(&self.history, to.as_ref())
    }
}

impl<S: State + Default> Reader<S> {
    /// Copies the store with all the history it keeps into the directory `to`, beside a writer if there is one. What is copied is
    /// all that is durable, which may be more than this reader shows. See [`Store::backup`].
    ///
    /// # Errors
    /// As `Store::backup`.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<Backup> {
        back_up(&self.history, to.as_ref())
    }
}

fn back_up<S>(history: &History<S>, to: &Path) -> Result<Backup> {
    let source = Source { disk: &*history.env.disk, dir: &history.dir, view: &history.view };
    source.back_up(&history.env, to)
}
