//! Opening and creating stores: which directory is one, who may write it, and where its state starts from.

use super::Store;
use super::history::{History, Start};
use super::publish::Published;
use super::restore;
use crate::error::{Error, IoContext, Result};
use crate::io::{Disk, Env, Lock};
use crate::log::{self, Birth, Log};
use crate::segment::format::StoreId;
use crate::segment::recovery::{Cut, Proven};
use crate::segment::{UNFINISHED, bases_in};
use crate::snapshot;
use crate::state::State;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The size of a segment unless the options say otherwise.
pub(crate) const USUAL_SEGMENT_BYTES: u64 = 64 << 20;

/// How a store is opened.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::{Options, Store, Value};
///
/// let store: Store<Value> = Options::new().segment_bytes(1 << 20).open(dir.path().join("notes"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    env: Env,
    segment_bytes: u64,
    create: bool,
}

/// What opening a store found and did.
#[derive(Debug, Default)]
pub struct Opened {
    /// An unacknowledged write that was cut from the end of the log.
    pub cut: Option<Cut>,
    /// The version of the snapshot the state was started from; nothing if it was replayed from the beginning.
    pub from_snapshot: Option<u64>,
    /// How many changes were replayed.
    pub replayed: u64,
    /// Snapshots that could not be used, and why.
    pub passed_over: Vec<Error>,
}

impl Default for Options {
    fn default() -> Self {
        Options { env: Env::real(), segment_bytes: USUAL_SEGMENT_BYTES, create: true }
    }
}

impl Options {
    /// The defaults: the real disk, segments of 64 MiB, a new store where there is nothing.
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

    /// Whether [`open`](Options::open) makes a new store where there is nothing. It does by default.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Another machine than the real one: see [`Env`].
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Opens the store in the directory `path`. See [`Store::open`].
    ///
    /// # Errors
    /// As `Store::open`.
    pub fn open<S: State + Default>(&self, path: impl AsRef<Path>) -> Result<Store<S>> {
        let path = path.as_ref();
        let span = tracing::info_span!("open", path = %path.display());
        let _entered = span.enter();
        match occupant(&*self.env.disk, path)? {
            Occupant::Store => self.open_existing(path),
            Occupant::Nothing if self.create => self.create_in(path),
            Occupant::Nothing => {
                Err(Error::NotAStore { path: path.to_owned(), why: "there is nothing in it" })
            }
            Occupant::Missing if self.create => self.create_in(path),
            Occupant::Missing => Err(Error::NotAStore { path: path.to_owned(), why: "it does not exist" }),
            Occupant::Other(why) => Err(Error::NotAStore { path: path.to_owned(), why }),
        }
    }

    /// Makes a new store in a directory that does not exist or is empty. See [`Store::create`].
    ///
    /// # Errors
    /// As `Store::create`.
    pub fn create_new<S: State + Default>(&self, path: impl AsRef<Path>) -> Result<Store<S>> {
        let path = path.as_ref();
        let span = tracing::info_span!("create", path = %path.display());
        let _entered = span.enter();
        must_be_free(&*self.env.disk, path)?;
        self.create_in(path)
    }

    /// Opens the store in `path` for reading only. See [`Reader`](super::Reader).
    ///
    /// # Errors
    /// As [`open`](Options::open), except that a writer elsewhere is no hindrance.
    pub fn open_read_only<S: State + Default>(&self, path: impl AsRef<Path>) -> Result<super::Reader<S>> {
        super::Reader::in_env(&self.env, path.as_ref(), self.segment_bytes)
    }

    fn create_in<S: State + Default>(&self, path: &Path) -> Result<Store<S>> {
        self.env.disk.create_dir(path).during("create directory", path)?;
        let lock = log::lock(&*self.env.disk, path)?;
        // Somebody may have been faster, between the look and the lock.
        if is_store(&*self.env.disk, path)? {
            return self.open_locked(path, lock);
        }
        let names = self.env.disk.list(path).during("list store", path)?;
        log::remove_unfinished(&*self.env.disk, path, &names)?;
        let store = new_identity(&self.env, path)?;
        let birth = Birth { store, replica: false, epoch: 1, base: 0, chain: store.genesis() };
        let log = Log::create(&self.env, path, birth, self.segment_bytes, lock)?;
        tracing::info!(store = %store, "created");
        self.assemble(path, log, None)
    }

    fn open_existing<S: State + Default>(&self, path: &Path) -> Result<Store<S>> {
        let lock = log::lock(&*self.env.disk, path)?;
        self.open_locked(path, lock)
    }

    fn open_locked<S: State + Default>(&self, path: &Path, lock: Box<dyn Lock>) -> Result<Store<S>> {
        let proven = proven_by_snapshot(&*self.env.disk, path)?;
        let (log, cut) = Log::open(&self.env, path, proven.as_ref(), self.segment_bytes, lock)?;
        if log.is_replica() {
            let why = "is a replica: changes are made in its source, this copy only follows";
            return Err(Error::Role { path: path.to_owned(), why });
        }
        self.assemble(path, log, cut)
    }

    /// Finds the state that the log ends with.
    fn assemble<S: State + Default>(&self, path: &Path, log: Log, cut: Option<Cut>) -> Result<Store<S>> {
        let history = History::new(&self.env, path.to_owned(), log.view(), self.segment_bytes);
        let Start { tip, records, from_snapshot, passed_over } = history.start(log.head())?;
        let first = tip.version;
        let tip = history.replay(tip, records, log.head())?;
        let opened = Opened { cut, from_snapshot, replayed: tip.version - first, passed_over };
        tracing::info!(version = tip.version, from_snapshot, replayed = opened.replayed, "opened");
        Ok(Store {
            log,
            history,
            newest: Mutex::new(tip.clone()),
            published: Arc::new(Published::new(tip)),
            snapshotting: Mutex::new(()),
            opened,
        })
    }
}

/// Refuses a directory that holds anything.
pub(crate) fn must_be_free(disk: &dyn Disk, path: &Path) -> Result<()> {
    match occupant(disk, path)? {
        Occupant::Missing | Occupant::Nothing => Ok(()),
        Occupant::Store | Occupant::Other(_) => Err(Error::Exists { path: path.to_owned() }),
    }
}

/// A fresh random identity.
pub(crate) fn new_identity(env: &Env, path: &Path) -> Result<StoreId> {
    let mut id = [0; 16];
    env.entropy.fill(&mut id).during("draw an identity for", path)?;
    Ok(StoreId(id))
}

/// What is in the place of a store.
pub(crate) enum Occupant {
    Missing,
    /// An empty directory, or what an interrupted creation left.
    Nothing,
    Store,
    Other(&'static str),
}

pub(crate) fn occupant(disk: &dyn Disk, path: &Path) -> Result<Occupant> {
    let names = match disk.list(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Occupant::Missing),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Ok(Occupant::Other("it is a file; a store is a directory"));
        }
        answer => answer.during("list", path)?,
    };
    let leftover = |name: &String| name == log::LOCK_NAME || name.ends_with(&format!(".{UNFINISHED}"));
    Ok(match () {
        () if !bases_in(&names).is_empty() => Occupant::Store,
        () if !snapshot::versions_in(&names).is_empty() => Occupant::Other("it has snapshots but no log"),
        () if names.iter().all(leftover) && disk.is_vacant(path).during("list", path)? => Occupant::Nothing,
        () => Occupant::Other("it holds other files and no segment"),
    })
}

fn is_store(disk: &dyn Disk, path: &Path) -> Result<bool> {
    Ok(matches!(occupant(disk, path)?, Occupant::Store))
}

/// The newest version that a snapshot proves to have been durable. A snapshot whose header cannot be read proves nothing.
pub(crate) fn proven_by_snapshot(disk: &dyn Disk, dir: &Path) -> Result<Option<Proven>> {
    let names = disk.list(dir).during("list store", dir)?;
    for version in snapshot::versions_in(&names).into_iter().rev() {
        let path = snapshot::path_of(dir, version);
        match snapshot::read_header(disk, &path, version) {
            Ok(header) => return Ok(Some(Proven { path, store: header.store, version })),
            Err(Error::Damaged(damage)) => tracing::warn!(%damage, "passing over a damaged snapshot"),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

pub(crate) use restore::begin_at;
