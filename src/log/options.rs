//! How a log is opened, and what it promises about what is appended. A store's options wrap these.
//!
//! Leaves looking into the directory to `directory`, and what a size is clamped to to `log`. Always: a directory is
//! looked at again once it is locked, and only what is looked at then counts.

use super::directory::occupant;
use super::{Birth, Found, Log, Reader, directory};
use crate::error::{Error, IoContext, Occupant, Result, Role};
use crate::io::Env;
use crate::layout::StoreId;
use crate::segment::format::Codec;
use std::path::Path;
use std::time::Duration;

/// The size of a segment unless the options say otherwise.
pub(crate) const USUAL_SEGMENT_BYTES: u64 = 64 << 20;

/// When something that was appended counts as done, and so what can be lost.
///
/// | acknowledged changes lost at most, when | the process is killed | the operating system crashes or the power fails |
/// |---|---|---|
/// | [`Immediate`](Durability::Immediate) | none | none |
/// | [`Interval(d)`](Durability::Interval) | those of the last `d` and one sync | the same |
/// | [`UnsafeNoSync`](Durability::UnsafeNoSync) | none | all since the last clean close, full segment or explicit sync |
///
/// Whatever is lost is the newest: what is left is always the log as it was at some moment, never one with holes. Ending a
/// session properly loses nothing in any of them. Readers in other processes and replicas see what is on the disk for
/// certain, so with the latter two they lag behind. A process that was forked after a log was opened must not append to it: it
/// is refused where something is written, but with `Interval` nothing is written at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Done means synced. What is appended by several threads at the same time shares a sync.
    #[default]
    Immediate,
    /// Done means queued, in memory. A thread writes and syncs when this much time has passed since the first record that
    /// is not synced.
    Interval(Duration),
    /// Done means handed to the operating system, which writes it when it likes. For what can be made again.
    UnsafeNoSync,
}

/// How a [`Log`] is opened.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::Durability;
/// use redraft::log::Options;
/// use std::time::Duration;
///
/// let log = Options::new().durability(Durability::Interval(Duration::from_millis(50))).open(dir.path())?;
/// log.append(b"soon on the disk")?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) env: Env,
    pub(crate) segment_bytes: u64,
    pub(crate) create: bool,
    pub(crate) durability: Durability,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            env: Env::real(),
            segment_bytes: USUAL_SEGMENT_BYTES,
            create: true,
            durability: Durability::default(),
        }
    }
}

impl Options {
    /// The defaults: the real disk, segments of 64 MiB, immediate durability, a new log where there is nothing.
    pub fn new() -> Self {
        Options::default()
    }

    /// The size a segment is given at birth, in bytes, between 512 and 2^31 (others are brought into this range). A larger
    /// record gets a segment of its own.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Whether [`open`](Options::open) makes a new log where there is nothing. It does by default.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// When something that was appended counts as done.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Another machine than the real one: see [`Env`].
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Opens the log in the directory `path` for writing, or makes a new one where there is nothing. See [`Log::open`].
    ///
    /// # Errors
    /// As `Log::open`.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Log> {
        let path = path.as_ref();
        match occupant(&*self.env.disk, path)? {
            None => self.open_existing(path),
            Some(Occupant::Empty | Occupant::Missing) if self.create => match self.create_in(path) {
                // Somebody was faster, between the look and the lock.
                Err(Error::Exists { .. }) => self.open_existing(path),
                answer => answer,
            },
            Some(found) => Err(directory::not_a_store(path, found)),
        }
    }

    /// Makes a new log in a directory that does not exist or is empty. See [`Log::create_new`].
    ///
    /// # Errors
    /// As `Log::create_new`.
    pub fn create_new(&self, path: impl AsRef<Path>) -> Result<Log> {
        let path = path.as_ref();
        directory::must_be_free(&*self.env.disk, path)?;
        self.create_in(path)
    }

    /// Opens the log in the directory `path` for reading. See [`Reader::open`].
    ///
    /// # Errors
    /// As `Reader::open`.
    pub fn open_read_only(&self, path: impl AsRef<Path>) -> Result<Reader> {
        Reader::in_env(&self.env, path.as_ref(), None)
    }

    fn open_existing(&self, path: &Path) -> Result<Log> {
        let lock = directory::lock(&*self.env.disk, path)?;
        Found::look(self, path, Role::Log, None, lock)?.mend().map(|(log, _)| log)
    }

    fn create_in(&self, path: &Path) -> Result<Log> {
        let lock = directory::claim(&*self.env.disk, path)?;
        let store = new_identity(&self.env, path)?;
        let birth =
            Birth { codec: Codec::Opaque, store, replica: false, epoch: 1, base: 0, chain: store.genesis() };
        Log::create(self, path, birth, lock)
    }
}

/// A fresh random identity.
pub(crate) fn new_identity(env: &Env, path: &Path) -> Result<StoreId> {
    let mut id = [0; 16];
    env.entropy.fill(&mut id).during("draw an identity for", path)?;
    Ok(StoreId(id))
}
