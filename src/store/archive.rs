//! Archiving: what a store has sealed, put into an [`Archive`]; and an archive, read like a store.
//!
//! Leaves both to `archive`. Always: what is archived is durable, and no lock is taken that a change would wait for.

use super::{Options, Reader, Store};
use crate::archive::Archive;
use crate::backup::{Backup, Source};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::history::History;
use crate::state::State;

impl<S: State + Default> Store<S> {
    /// Puts into an archive what it does not have yet of the segments that are full and of the snapshots within them. What the
    /// segment holds that is being written is not archived before it is full: see [`Options::segment_bytes`], and
    /// [`backup`](Store::backup) for all there is. Nothing goes from an archive that this store gives up.
    ///
    /// Costs reading and putting what is new, and a look at each segment in the archive. No change waits for it. Interrupted, it
    /// has archived what came first, and calling it again goes on.
    ///
    /// # Errors
    /// [`Error::Foreign`] when the archive is of another store, [`Error::Diverged`] of another history; [`Error::Exists`] when
    /// its segments begin elsewhere, as those of a replica do; [`Error::Damaged`] when the log of either is; [`Error::Io`].
    pub fn archive(&self, to: &Archive) -> Result<Backup> {
        add(&self.history, to)
    }
}

impl<S: State + Default> Reader<S> {
    /// Puts into an archive what it does not have yet, beside a writer if there is one. See [`Store::archive`].
    ///
    /// # Errors
    /// As `Store::archive`.
    pub fn archive(&self, to: &Archive) -> Result<Backup> {
        add(&self.history, to)
    }
}

impl Archive {
    /// Opens what is in the archive for reading, without fetching it: only what is asked for is read, and some 8 MiB of it are
    /// kept at hand. It shows what has been archived since after a [`refresh`](Reader::refresh). Costs what opening a store costs,
    /// in requests of 64 KiB and more. [`restore`](Reader::restore) writes into a directory of this machine.
    ///
    /// # Errors
    /// As [`Options::open_read_only`].
    pub fn open_read_only<S: State + Default>(&self) -> Result<Reader<S>> {
        Options::new().env(self.env()).open_read_only(self.root())
    }
}

fn add<S>(history: &History<S>, to: &Archive) -> Result<Backup> {
    to.add(&Source { disk: &*history.env.disk, dir: &history.dir, view: &history.view })
}
