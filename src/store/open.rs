//! Opening and creating stores: which directory is one, who may write it, and where its state starts from.
//!
//! Leaves the bytes to `log` and replaying them to `history`. Always: nothing is made in a directory before it is
//! locked and was found free under the lock.

#[cfg(feature = "index")]
use super::NoIndex;
use super::merge::{Arbiter, Merging};
use super::packing::Packing;
use super::policy::{Keeping, Retention, SnapshotPolicy};
use super::publish::Published;
use super::snapshotter::Snapshotter;
use super::{Store, migrate};
use crate::error::{Error, Occupant, Result, Role};
use crate::history::{History, Reached, proven_by_snapshot};
#[cfg(feature = "index")]
use crate::index::Index;
use crate::io::Env;
use crate::log::Cut;
use crate::log::directory::{self, must_be_free, not_a_store, occupant};
use crate::log::options::new_identity;
use crate::log::{self, Birth, Codec, Durability, Found, Log};
use crate::merge::Functions;
use crate::state::State;
use std::path::Path;
use std::sync::{Arc, Mutex};

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
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A store's options are those of its log, and what becomes of its history.
    pub(crate) log: log::Options,
    snapshots: SnapshotPolicy,
    kept: Keeping,
    packed: bool,
    merging: Arbiter,
    /// For replicas.
    pub(crate) skips_ahead: bool,
    #[cfg(feature = "index")]
    without_index: bool,
}

/// What opening a store found and did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Opened {
    /// An unacknowledged write that was cut from the end of the log.
    pub cut: Option<Cut>,
    /// The version of the snapshot the state was started from; nothing if it was replayed from the beginning.
    pub from_snapshot: Option<u64>,
    /// How many changes were replayed.
    pub replayed: u64,
    /// Snapshots that could not be used, and why.
    pub passed_over: Vec<Error>,
    /// The schema that the state was of, if it was migrated to that of the type. The newest change is that migration.
    pub migrated_from: Option<u32>,
}

impl Options {
    /// The defaults: the real disk, segments of 64 MiB, immediate durability, a new store where there is nothing.
    pub fn new() -> Self {
        Options::default()
    }

    /// The size a segment is given at birth, in bytes, between 512 and 2^31 (others are brought into this range). A larger
    /// record gets a segment of its own.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.log = self.log.segment_bytes(bytes);
        self
    }

    /// Whether [`open`](Options::open) makes a new store where there is nothing. It does by default.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.log = self.log.create(create);
        self
    }

    /// When a change counts as done, and so what can be lost. With anything but the default, readers in other processes and
    /// replicas lag behind; reading the past of the store, and snapshots, make durable what they need.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.log = self.log.durability(durability);
        self
    }

    /// When the store takes snapshots by itself, and which it keeps.
    #[must_use]
    pub fn snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.snapshots = policy;
        self
    }

    /// How much history is kept when the store is compacted: by [`Store::compact`], and after every snapshot that it takes by
    /// itself. Everything, unless said otherwise.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.kept.retention = retention;
        self
    }

    /// Whether sealed segments are compressed, by a thread of the store, each time one was sealed. They are not unless asked
    /// for. See [`Store::pack`].
    #[must_use]
    pub fn pack_sealed(mut self, packed: bool) -> Self {
        self.packed = packed;
        self
    }

    /// How many bytes of history are kept beyond what is [asked for](Options::retention), as long as some
    /// [cursor](Store::set_cursor) has not dealt with them. A gibibyte unless said otherwise; 0 lets cursors keep nothing. One that
    /// was left behind asks for changes that are gone, and is told [`Error::Compacted`].
    #[must_use]
    pub fn hold_for_cursors(mut self, bytes: u64) -> Self {
        self.kept.for_cursors_bytes = bytes;
        self
    }

    /// Whether a [replica](crate::Replica) that is far behind when it is opened gives up its history, and begins anew at the newest
    /// snapshot of its source: if that and the changes after it are fewer bytes than the changes it lacks. It does not unless asked to,
    /// since what it gives up may be nowhere else: its source may keep less, and what is before the snapshot is
    /// [`Error::Compacted`] here from then on, also for who follows it in turn. What it has stays until all of the new is there. No
    /// effect on a store, on a replica that is following already, and with a [source](crate::replica::Source) that does not tell sizes.
    #[must_use]
    pub fn skip_ahead(mut self, skips: bool) -> Self {
        self.skips_ahead = skips;
        self
    }

    /// Whether questions about the history are answered with the help of an index, in the directory `index` of the store. They
    /// are by default; the answers are the same, see [`Changes::lookup`](super::Changes::lookup). An index that is there is left as it is.
    #[cfg(feature = "index")]
    #[must_use]
    pub fn index(mut self, index: bool) -> Self {
        self.without_index = !index;
        self
    }

    /// The functions that rules may name: see [`Policy::Custom`](crate::merge::Policy::Custom).
    #[must_use]
    pub fn merge_functions(mut self, functions: Functions) -> Self {
        self.merging.functions = Arc::new(functions);
        self
    }

    /// How many changes back the version may be that a submission was made on; 65,536 unless said otherwise. So many changes, and
    /// up to 1,024 more, are in memory once something was [merged](Store::merge). A [`Node`](crate::replica::Node), which decides for itself, does so also
    /// for what was made up to sixteen times as far back, by itself or by who submits to it, and has as much in memory meanwhile.
    ///
    /// What a [`Writer`](crate::replica::Writer) made before that is brought as it reads on the newest version, unless it met something of which
    /// only one could have its way: then it is [refused](crate::merge::Outcome::Rejected), or its recipe is run again.
    #[must_use]
    pub fn merge_window(mut self, changes: usize) -> Self {
        self.merging.window = changes.max(1);
        self
    }

    /// Has merging look so many times as far back as the window, where that is called for.
    pub(crate) fn merging_reaches(mut self, times: usize) -> Self {
        self.merging.reach = times;
        self
    }

    /// How far ahead of this machine's clock that of a writer elsewhere is believed, in milliseconds; a minute unless said
    /// otherwise. What claims to be written later counts as written then.
    #[must_use]
    pub fn clock_drift_ms(mut self, most: u64) -> Self {
        self.merging.drift_ms = most;
        self
    }

    /// Another machine than the real one: see [`Env`].
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.log = self.log.env(env);
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
        match occupant(&*self.log.env.disk, path)? {
            None => self.open_existing(path, Role::Store),
            Some(Occupant::Empty | Occupant::Missing) if self.log.create => match self.create_in(path) {
                // Somebody was faster, between the look and the lock.
                Err(Error::Exists { .. }) => self.open_existing(path, Role::Store),
                answer => answer,
            },
            Some(found) => Err(not_a_store(path, found)),
        }
    }

    /// Makes a new store in a directory that does not exist or is empty. See [`Store::create_new`].
    ///
    /// # Errors
    /// As `Store::create_new`.
    pub fn create_new<S: State + Default>(&self, path: impl AsRef<Path>) -> Result<Store<S>> {
        let path = path.as_ref();
        let span = tracing::info_span!("create", path = %path.display());
        let _entered = span.enter();
        must_be_free(&*self.log.env.disk, path)?;
        self.create_in(path)
    }

    /// Opens the store in `path` for reading only. See [`Reader`](super::Reader).
    ///
    /// # Errors
    /// As [`open`](Options::open), except that a writer elsewhere is no hindrance.
    pub fn open_read_only<S: State + Default>(&self, path: impl AsRef<Path>) -> Result<super::Reader<S>> {
        super::Reader::in_env(&self.log.env, path.as_ref(), self.log.segment_bytes, None)
    }

    /// The same, as it was at `version`. See [`Reader::open_at`](super::Reader::open_at).
    ///
    /// # Errors
    /// As `Reader::open_at`.
    pub fn open_read_only_at<S: State + Default>(
        &self,
        path: impl AsRef<Path>,
        version: u64,
    ) -> Result<super::Reader<S>> {
        super::Reader::in_env(&self.log.env, path.as_ref(), self.log.segment_bytes, Some(version))
    }

    #[cfg(feature = "index")]
    fn index_of(&self, path: &Path) -> std::result::Result<Arc<Index>, NoIndex> {
        match self.log.env.disk.local(path) {
            _ if self.without_index => Err(NoIndex::Off),
            Some(dir) => Ok(Arc::new(Index::of(&dir))),
            None => Err(NoIndex::Disk),
        }
    }

    fn create_in<S: State + Default>(&self, path: &Path) -> Result<Store<S>> {
        let lock = directory::claim(&*self.log.env.disk, path)?;
        let store = new_identity(&self.log.env, path)?;
        let (codec, chain) = (Codec::Change, store.genesis());
        let birth = Birth { codec, store, replica: false, epoch: 1, base: 0, chain };
        let log = Log::create(&self.log, path, birth, lock)?;
        tracing::info!(store = %store, "created");
        let history = History::new(&self.log.env, path.to_owned(), log.reader(), self.log.segment_bytes);
        let reached = history.reach(0)?;
        Ok(self.assemble(log, history, reached, None))
    }

    pub(super) fn open_existing<S: State + Default>(&self, path: &Path, role: Role) -> Result<Store<S>> {
        let lock = directory::lock(&*self.log.env.disk, path)?;
        let proven = proven_by_snapshot(&*self.log.env.disk, path)?;
        let found = Found::look(&self.log, path, role, proven.as_ref(), lock)?;
        let history = History::new(&self.log.env, path.to_owned(), found.reader(), self.log.segment_bytes);
        // Before anything is changed: a type that cannot read this must leave it as it is.
        let reached = history.reach(found.head())?;
        let migration = if role == Role::Store { migrate::due(&history, &reached.tip)? } else { None };
        let (log, cut) = found.mend()?;
        let history = history.written_through(log.reader());
        let mut store = self.assemble(log, history, reached, cut);
        if let Some(migration) = migration {
            store.opened.migrated_from = Some(store.schema());
            store.migrate(migration)?;
        }
        Ok(store)
    }

    /// A store from its log and the state that this ends with.
    fn assemble<S: State + Default>(
        &self,
        log: Log,
        history: History<S>,
        reached: Reached<S>,
        cut: Option<Cut>,
    ) -> Store<S> {
        let Reached { tip, first, from_snapshot, passed_over } = reached;
        let replayed = tip.version - first;
        let opened = Opened { cut, from_snapshot, replayed, passed_over, migrated_from: None };
        tracing::info!(version = tip.version, from_snapshot, replayed, "opened");
        #[cfg(feature = "index")]
        let index = self.index_of(&history.dir);
        let (log, history) = (Arc::new(log), Arc::new(history));
        let (newest, published) = (Mutex::new(tip.clone()), Arc::new(Published::new(tip)));
        let snapshotter = Snapshotter::new(&log, &history, &published, self.snapshots.clone(), self.kept);
        snapshotter.begin_from(first);
        Store {
            #[cfg(feature = "index")]
            index,
            packing: Packing::new(self.packed, &log),
            log,
            history,
            newest,
            published,
            merging: Merging::new(self.merging.clone()),
            snapshotter,
            opened,
        }
    }
}
