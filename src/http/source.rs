//! [`Served`]: what is served, whatever the type of its state and whether it can be changed here.
//!
//! Leaves reading to the store, or to a reader beside one. All calls block, and belong on a thread that may. Always: what is
//! told of a version is its document, as the log says it, so that a state and the changes after it agree.

use crate::error::{Error, Result};
use crate::io::Env;
use crate::layout::StoreId;
use crate::log;
use crate::merge::Submission;
use crate::patch::Patch;
use crate::record::{Meta, WriterId};
use crate::replica::{snapshot_bytes, snapshot_file};
use crate::segment::format::Header;
use crate::state::State;
use crate::store::{Changes, Listening, Reader, Receipt, Store};
use crate::value::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the files of a store that another process writes are looked at, at most.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// What a server serves: a [`Store`] that this program writes, or a [`Reader`] of one that somebody else does, which then
/// takes no submissions. Made from either by `into`, with or without an [`Arc`] around it. O(1).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::{Reader, Store, Value, http::Served};
/// use std::sync::Arc;
///
/// let store = Arc::new(Store::<Value>::open(dir.path())?);
/// let written_here: Served = Arc::clone(&store).into();
/// let written_elsewhere: Served = Reader::<Value>::open(dir.path())?.into();
/// # let _ = (written_here, written_elsewhere);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Served {
    backing: Arc<dyn Backing>,
    /// The newest version that is known to be there.
    newest: watch::Receiver<u64>,
    _listening: Option<Arc<Listening>>,
}

/// What became of submissions, up to the first that failed.
pub(super) type Merged = Result<(Vec<Receipt>, Option<Error>)>;

/// What is asked of a store or a reader.
trait Backing: Send + Sync {
    fn view(&self) -> log::Reader;
    fn path(&self) -> &Path;
    fn id(&self) -> StoreId;
    fn schema(&self) -> u32;
    fn version(&self) -> u64;
    fn durable(&self) -> u64;
    fn oldest(&self) -> Result<u64>;
    fn snapshots(&self) -> Result<Vec<u64>>;
    fn clocks(&self) -> (u64, u64);
    fn document(&self, version: u64) -> Result<Value>;
    fn version_at(&self, time_ms: i64) -> Result<u64>;
    fn changes(&self, first: u64, last: u64) -> Result<Changes>;
    /// Nothing where nothing can be changed.
    fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Option<Result<u64>>;
    /// What a writer saw who knew a version, and made changes of its own since.
    fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value>;
    /// The newest number of a writer.
    fn sequence_of(&self, writer: WriterId) -> Result<u64>;
    /// Nothing where nothing can be changed.
    fn merge_on(&self, head: Option<u64>, submission: &Submission) -> Option<Result<Receipt>>;
    /// Nothing where nothing can be changed.
    fn merge(&self, submissions: &[Submission]) -> Option<Merged>;
    /// Nothing where nothing can be noted.
    fn set_cursor(&self, name: &str, version: u64) -> Option<Result<()>>;
    /// How far those have come who said so. Nothing where nobody can.
    fn cursors(&self) -> Result<BTreeMap<String, u64>>;
    fn env(&self) -> &Env;
    fn check(&self) -> Result<()>;
    fn refresh(&self) -> Result<()>;
    fn is_written_here(&self) -> bool;
}

impl<S: State + Default> Backing for Store<S> {
    fn view(&self) -> log::Reader {
        Store::view(self)
    }
    fn path(&self) -> &Path {
        Store::path(self)
    }
    fn id(&self) -> StoreId {
        Store::id(self)
    }
    fn schema(&self) -> u32 {
        Store::schema(self)
    }
    fn version(&self) -> u64 {
        Store::version(self)
    }
    fn durable(&self) -> u64 {
        self.durable_version()
    }
    fn oldest(&self) -> Result<u64> {
        Ok(Store::oldest(self))
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.snapshot_versions()
    }
    fn clocks(&self) -> (u64, u64) {
        Store::clocks(self)
    }
    fn document(&self, version: u64) -> Result<Value> {
        Store::document(self, version)
    }
    fn version_at(&self, time_ms: i64) -> Result<u64> {
        Store::version_at(self, time_ms)
    }
    fn changes(&self, first: u64, last: u64) -> Result<Changes> {
        Store::changes(self, first..=last)
    }
    fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Option<Result<u64>> {
        Some(Store::apply_on(self, base, meta, patch).map(|commit| commit.version()))
    }
    fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value> {
        Store::document_seen(self, base, writer)
    }
    fn sequence_of(&self, writer: WriterId) -> Result<u64> {
        self.sequence_at(writer, Store::version(self))
    }
    fn merge_on(&self, head: Option<u64>, submission: &Submission) -> Option<Result<Receipt>> {
        Some(Store::merge_on(self, head, submission))
    }
    fn merge(&self, submissions: &[Submission]) -> Option<Merged> {
        Some(self.merge_up_to_one_that_fails(submissions))
    }
    fn set_cursor(&self, name: &str, version: u64) -> Option<Result<()>> {
        Some(Store::set_cursor(self, name, version))
    }
    fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        Store::cursors(self)
    }
    fn env(&self) -> &Env {
        Store::env(self)
    }
    fn check(&self) -> Result<()> {
        Store::check(self)
    }
    fn refresh(&self) -> Result<()> {
        Ok(())
    }
    fn is_written_here(&self) -> bool {
        true
    }
}

/// A reader, and when it was last brought up to date.
struct Looked<S: State> {
    reader: Arc<Reader<S>>,
    last: Mutex<Option<Instant>>,
    newest: watch::Sender<u64>,
}

impl<S: State + Default> Backing for Looked<S> {
    fn view(&self) -> log::Reader {
        self.reader.view()
    }
    fn path(&self) -> &Path {
        &self.reader.history.dir
    }
    fn id(&self) -> StoreId {
        self.reader.id()
    }
    fn schema(&self) -> u32 {
        self.reader.schema()
    }
    fn version(&self) -> u64 {
        self.reader.version()
    }
    fn durable(&self) -> u64 {
        self.reader.version()
    }
    fn oldest(&self) -> Result<u64> {
        self.reader.oldest()
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.reader.snapshots()
    }
    fn clocks(&self) -> (u64, u64) {
        self.reader.clocks()
    }
    fn document(&self, version: u64) -> Result<Value> {
        self.reader.document(version)
    }
    fn version_at(&self, time_ms: i64) -> Result<u64> {
        self.reader.version_at(time_ms)
    }
    fn changes(&self, first: u64, last: u64) -> Result<Changes> {
        self.reader.changes(first..=last)
    }
    fn apply_on(&self, _: u64, _: Meta, _: &Patch) -> Option<Result<u64>> {
        None
    }
    fn document_seen(&self, base: u64, _: Option<WriterId>) -> Result<Value> {
        self.reader.document(base)
    }
    fn sequence_of(&self, _: WriterId) -> Result<u64> {
        Ok(0)
    }
    fn merge_on(&self, _: Option<u64>, _: &Submission) -> Option<Result<Receipt>> {
        None
    }
    fn merge(&self, _: &[Submission]) -> Option<Merged> {
        None
    }
    fn set_cursor(&self, _: &str, _: u64) -> Option<Result<()>> {
        None
    }
    fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        Ok(BTreeMap::new())
    }
    fn env(&self) -> &Env {
        &self.reader.history.env
    }
    fn check(&self) -> Result<()> {
        Ok(())
    }
    fn refresh(&self) -> Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= LOOK) {
            self.newest.send_replace(self.reader.refresh()?);
            *last = Some(Instant::now());
        }
        Ok(())
    }
    fn is_written_here(&self) -> bool {
        false
    }
}

impl<S: State + Default> From<Arc<Store<S>>> for Served {
    fn from(store: Arc<Store<S>>) -> Served {
        let (newest, seen) = watch::channel(store.version());
        let listening = store.wait_with(move |version| {
            newest.send_if_modified(|known| std::mem::replace(known, version.max(*known)) < version);
        });
        Served { backing: store, newest: seen, _listening: Some(Arc::new(listening)) }
    }
}

impl<S: State + Default> From<Store<S>> for Served {
    fn from(store: Store<S>) -> Served {
        Arc::new(store).into()
    }
}

impl<S: State + Default> From<Arc<Reader<S>>> for Served {
    fn from(reader: Arc<Reader<S>>) -> Served {
        let (newest, seen) = watch::channel(reader.version());
        let backing = Arc::new(Looked { reader, last: Mutex::default(), newest });
        Served { backing, newest: seen, _listening: None }
    }
}

impl<S: State + Default> From<Reader<S>> for Served {
    fn from(reader: Reader<S>) -> Served {
        Arc::new(reader).into()
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Served {
    /// The log itself, to be read by a thread of its own.
    pub(crate) fn view(&self) -> log::Reader {
        self.backing.view()
    }

    /// Who it is, of which epoch, and whether it is a copy. Reads a header.
    pub(super) fn header(&self) -> Result<Header> {
        self.backing.view().header()
    }

    /// Where it is, which is nobody's business but ours.
    pub(crate) fn path(&self) -> &Path {
        self.backing.path()
    }

    pub(crate) fn id(&self) -> StoreId {
        self.backing.id()
    }

    pub(crate) fn schema(&self) -> u32 {
        self.backing.schema()
    }

    pub(crate) fn version(&self) -> u64 {
        self.backing.version()
    }

    pub(super) fn durable(&self) -> u64 {
        self.backing.durable()
    }

    pub(crate) fn oldest(&self) -> Result<u64> {
        self.backing.oldest()
    }

    pub(crate) fn snapshots(&self) -> Result<Vec<u64>> {
        self.backing.snapshots()
    }

    pub(super) fn clocks(&self) -> (u64, u64) {
        self.backing.clocks()
    }

    /// See `Store::document`.
    pub(crate) fn document(&self, version: u64) -> Result<Value> {
        self.backing.document(version)
    }

    pub(crate) fn version_at(&self, time_ms: i64) -> Result<u64> {
        self.backing.version_at(time_ms)
    }

    /// The changes that made the versions from `first` to `last`.
    pub(crate) fn changes(&self, first: u64, last: u64) -> Result<Changes> {
        self.backing.changes(first, last)
    }

    /// Nothing where nothing can be changed.
    pub(super) fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Option<Result<u64>> {
        self.backing.apply_on(base, meta, patch)
    }

    /// What a writer saw who knew a version, and made changes of its own since.
    pub(super) fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value> {
        self.backing.document_seen(base, writer)
    }

    /// The newest number of a writer, as far as it is acknowledged.
    pub(super) fn sequence_of(&self, writer: WriterId) -> Result<u64> {
        self.backing.sequence_of(writer)
    }

    /// See `Store::merge_on`. Nothing where nothing can be changed.
    pub(super) fn merge_on(&self, head: Option<u64>, submission: &Submission) -> Option<Result<Receipt>> {
        self.backing.merge_on(head, submission)
    }

    /// See `Store::merge_all`. Nothing where nothing can be changed.
    pub(super) fn merge(&self, submissions: &[Submission]) -> Option<Merged> {
        self.backing.merge(submissions)
    }

    /// Nothing where nothing can be noted.
    pub(super) fn set_cursor(&self, name: &str, version: u64) -> Option<Result<()>> {
        self.backing.set_cursor(name, version)
    }

    /// How far each follower has come that said so.
    pub(crate) fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        self.backing.cursors()
    }

    /// The bytes of the snapshot of a version.
    pub(super) fn snapshot(&self, version: u64) -> Result<Box<dyn std::io::Read + Send>> {
        snapshot_file(&*self.backing.env().disk, self.path(), version)
    }

    /// How many bytes have to be fetched for it.
    pub(super) fn snapshot_bytes(&self, version: u64) -> Result<u64> {
        snapshot_bytes(&*self.backing.env().disk, self.path(), version)
    }

    /// Whether it takes changes at all.
    pub(crate) fn is_written_here(&self) -> bool {
        self.backing.is_written_here()
    }

    /// Why it takes no more changes, if it has failed.
    pub(crate) fn check(&self) -> Result<()> {
        self.backing.check()
    }

    /// Looks what another process has written since, if one writes.
    pub(crate) fn refresh(&self) -> Result<()> {
        self.backing.refresh()
    }

    /// Tells of newer versions; what was there before counts as seen.
    pub(crate) fn newer(&self) -> watch::Receiver<u64> {
        let mut newest = self.newest.clone();
        newest.mark_unchanged();
        newest
    }

    /// What to say if a version is asked for that is not there.
    pub(crate) fn beyond(&self, version: u64) -> Error {
        Error::BeyondHead { version, head: self.version() }
    }
}
