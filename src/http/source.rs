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
use crate::record::{Change, Meta, WriterId};
use crate::replica::{Node, snapshot_bytes, snapshot_file};
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

/// What a server serves: a [`Store`] that this program writes, a [`Node`] that writes into an order, or a [`Reader`] of a store that
/// somebody else writes, which then takes no submissions. Made from any of them by `into`, with or without an [`Arc`] around it. O(1).
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
    read: Arc<dyn Read>,
    /// Nothing where nothing can be changed.
    written: Option<Arc<dyn Write>>,
    /// The newest version that is known to be there.
    newest: watch::Receiver<u64>,
    _listening: Option<Arc<Listening>>,
}

/// What became of submissions, up to the first that failed.
pub(super) type Merged = Result<(Vec<Receipt>, Option<Error>)>;

/// What is asked of a store or a reader.
trait Read: Send + Sync {
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
    /// What a writer saw who knew a version, and made changes of its own since.
    fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value>;
    /// The newest number of a writer.
    fn sequence_of(&self, writer: WriterId) -> Result<u64>;
    /// How far those have come who said so. Nothing where nobody can.
    fn cursors(&self) -> Result<BTreeMap<String, u64>>;
    fn env(&self) -> &Env;
    fn refresh(&self) -> Result<()>;
}

/// What is asked of who changes it.
trait Write: Send + Sync {
    fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Result<u64>;
    fn merge_on(&self, head: u64, submission: &Submission) -> Result<Receipt>;
    fn merge_unless(&self, looked: u64, is_it: &IsIt<'_>, submission: &Submission) -> Result<Receipt>;
    fn merge(&self, submissions: &[Submission]) -> Merged;
    fn set_cursor(&self, name: &str, version: u64) -> Result<()>;
    fn check(&self) -> Result<()>;
    /// Returns once a version is here, or after a moment: who asks for it saw it elsewhere.
    fn await_version(&self, version: u64);
    /// Whether what is next is decided here, so that it takes no way to find out.
    fn decides(&self) -> bool;
}

/// Whether a change is what somebody asks for.
type IsIt<'a> = dyn Fn(&Change) -> bool + 'a;

impl<S: State + Default> Read for Store<S> {
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
    fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value> {
        Store::document_seen(self, base, writer)
    }
    fn sequence_of(&self, writer: WriterId) -> Result<u64> {
        self.sequence_at(writer, Store::version(self))
    }
    fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        Store::cursors(self)
    }
    fn env(&self) -> &Env {
        Store::env(self)
    }
    fn refresh(&self) -> Result<()> {
        Ok(())
    }
}

impl<S: State + Default> Write for Store<S> {
    fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Result<u64> {
        Store::apply_on(self, base, meta, patch).map(|commit| commit.version())
    }
    fn merge_on(&self, head: u64, submission: &Submission) -> Result<Receipt> {
        Store::merge_on(self, Some(head), submission)
    }
    fn merge_unless(&self, looked: u64, is_it: &IsIt<'_>, submission: &Submission) -> Result<Receipt> {
        Store::merge_unless(self, looked, is_it, submission)
    }
    fn merge(&self, submissions: &[Submission]) -> Merged {
        self.merge_up_to_one_that_fails(submissions)
    }
    fn set_cursor(&self, name: &str, version: u64) -> Result<()> {
        Store::set_cursor(self, name, version)
    }
    fn check(&self) -> Result<()> {
        Store::check(self)
    }
    fn await_version(&self, _: u64) {}
    fn decides(&self) -> bool {
        true
    }
}

/// What it shows is its store's; what changes it goes to the order.
impl<S: State + Default> Write for Node<S> {
    fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Result<u64> {
        Node::apply_on(self, base, &meta, patch)
    }
    fn merge_on(&self, head: u64, submission: &Submission) -> Result<Receipt> {
        Node::merge_on(self, head, submission)
    }
    fn merge_unless(&self, looked: u64, is_it: &IsIt<'_>, submission: &Submission) -> Result<Receipt> {
        Node::merge_unless(self, looked, is_it, submission)
    }
    fn merge(&self, submissions: &[Submission]) -> Merged {
        self.merge_up_to_one_that_fails(submissions)
    }
    fn set_cursor(&self, name: &str, version: u64) -> Result<()> {
        self.store().set_cursor(name, version)
    }
    fn check(&self) -> Result<()> {
        self.must_work()?;
        self.store().check()
    }
    fn await_version(&self, version: u64) {
        Node::await_version(self, version);
    }
    fn decides(&self) -> bool {
        false
    }
}

/// A reader, and when it was last brought up to date.
struct Looked<S: State> {
    reader: Arc<Reader<S>>,
    last: Mutex<Option<Instant>>,
    newest: watch::Sender<u64>,
}

impl<S: State + Default> Read for Looked<S> {
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
    fn document_seen(&self, base: u64, _: Option<WriterId>) -> Result<Value> {
        self.reader.document(base)
    }
    fn sequence_of(&self, _: WriterId) -> Result<u64> {
        Ok(0)
    }
    fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        Ok(BTreeMap::new())
    }
    fn env(&self) -> &Env {
        &self.reader.history.env
    }
    fn refresh(&self) -> Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= LOOK) {
            self.newest.send_replace(self.reader.refresh()?);
            *last = Some(Instant::now());
        }
        Ok(())
    }
}

impl<S: State + Default> From<Arc<Store<S>>> for Served {
    fn from(store: Arc<Store<S>>) -> Served {
        let written = Arc::clone(&store);
        Served::told(store, written)
    }
}

impl<S: State + Default> From<Store<S>> for Served {
    fn from(store: Store<S>) -> Served {
        Arc::new(store).into()
    }
}

impl<S: State + Default> From<Arc<Node<S>>> for Served {
    fn from(node: Arc<Node<S>>) -> Served {
        Served::told(Arc::clone(node.store()), node)
    }
}

impl<S: State + Default> From<Node<S>> for Served {
    fn from(node: Node<S>) -> Served {
        Arc::new(node).into()
    }
}

impl<S: State + Default> From<Arc<Reader<S>>> for Served {
    fn from(reader: Arc<Reader<S>>) -> Served {
        let (newest, seen) = watch::channel(reader.version());
        let read = Arc::new(Looked { reader, last: Mutex::default(), newest });
        Served { read, written: None, newest: seen, _listening: None }
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
    /// A store that says when something is new.
    fn told<S: State + Default>(store: Arc<Store<S>>, written: Arc<dyn Write>) -> Served {
        let (newest, seen) = watch::channel(store.version());
        let listening = store.wait_with(move |version| {
            newest.send_if_modified(|known| std::mem::replace(known, version.max(*known)) < version);
        });
        Served { read: store, written: Some(written), newest: seen, _listening: Some(Arc::new(listening)) }
    }

    /// The log itself, to be read by a thread of its own.
    pub(crate) fn view(&self) -> log::Reader {
        self.read.view()
    }

    /// Who it is, of which epoch, and whether it is a copy. Reads a header.
    pub(super) fn header(&self) -> Result<Header> {
        self.read.view().header()
    }

    /// Where it is, which is nobody's business but ours.
    pub(crate) fn path(&self) -> &Path {
        self.read.path()
    }

    pub(crate) fn id(&self) -> StoreId {
        self.read.id()
    }

    pub(crate) fn schema(&self) -> u32 {
        self.read.schema()
    }

    pub(crate) fn version(&self) -> u64 {
        self.read.version()
    }

    pub(super) fn durable(&self) -> u64 {
        self.read.durable()
    }

    pub(crate) fn oldest(&self) -> Result<u64> {
        self.read.oldest()
    }

    pub(crate) fn snapshots(&self) -> Result<Vec<u64>> {
        self.read.snapshots()
    }

    pub(super) fn clocks(&self) -> (u64, u64) {
        self.read.clocks()
    }

    /// See `Store::document`.
    pub(crate) fn document(&self, version: u64) -> Result<Value> {
        self.read.document(version)
    }

    pub(crate) fn version_at(&self, time_ms: i64) -> Result<u64> {
        self.read.version_at(time_ms)
    }

    /// The changes that made the versions from `first` to `last`.
    pub(crate) fn changes(&self, first: u64, last: u64) -> Result<Changes> {
        self.read.changes(first, last)
    }

    /// Nothing where nothing can be changed.
    pub(super) fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Option<Result<u64>> {
        self.written.as_ref().map(|written| written.apply_on(base, meta, patch))
    }

    /// What a writer saw who knew a version, and made changes of its own since.
    pub(super) fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value> {
        self.read.document_seen(base, writer)
    }

    /// The newest number of a writer, as far as it is acknowledged.
    pub(super) fn sequence_of(&self, writer: WriterId) -> Result<u64> {
        self.read.sequence_of(writer)
    }

    /// See `Store::merge_on`. Nothing where nothing can be changed.
    pub(super) fn merge_on(&self, head: u64, submission: &Submission) -> Option<Result<Receipt>> {
        self.written.as_ref().map(|written| written.merge_on(head, submission))
    }

    /// See `Store::merge_unless`. Nothing where nothing can be changed.
    pub(super) fn merge_unless(
        &self,
        looked: u64,
        is_it: &IsIt<'_>,
        submission: &Submission,
    ) -> Option<Result<Receipt>> {
        self.written.as_ref().map(|written| written.merge_unless(looked, is_it, submission))
    }

    /// See `Store::merge`. Nothing where nothing can be changed.
    pub(super) fn merge_one(&self, submission: &Submission) -> Option<Result<Receipt>> {
        let merged = self.merge(std::slice::from_ref(submission))?;
        let one = |(receipts, failed): (Vec<Receipt>, Option<Error>)| {
            let lost = || Error::BeyondHead { version: submission.base, head: self.version() };
            failed.map_or_else(|| receipts.into_iter().next().ok_or_else(lost), Err)
        };
        Some(merged.and_then(one))
    }

    /// See `Store::merge_all`. Nothing where nothing can be changed.
    pub(super) fn merge(&self, submissions: &[Submission]) -> Option<Merged> {
        self.written.as_ref().map(|written| written.merge(submissions))
    }

    /// Nothing where nothing can be noted.
    pub(super) fn set_cursor(&self, name: &str, version: u64) -> Option<Result<()>> {
        self.written.as_ref().map(|written| written.set_cursor(name, version))
    }

    /// How far each follower has come that said so.
    pub(crate) fn cursors(&self) -> Result<BTreeMap<String, u64>> {
        self.read.cursors()
    }

    /// The bytes of the snapshot of a version.
    pub(super) fn snapshot(&self, version: u64) -> Result<Box<dyn std::io::Read + Send>> {
        snapshot_file(&*self.read.env().disk, self.path(), version)
    }

    /// How many bytes have to be fetched for it.
    pub(super) fn snapshot_bytes(&self, version: u64) -> Result<u64> {
        snapshot_bytes(&*self.read.env().disk, self.path(), version)
    }

    /// Whether it takes changes at all.
    pub(crate) fn is_written_here(&self) -> bool {
        self.written.is_some()
    }

    /// Waits a moment for a version that somebody saw elsewhere.
    pub(super) fn await_version(&self, version: u64) {
        self.written.iter().for_each(|written| written.await_version(version));
    }

    /// Whether what is next is decided here, and not in an order elsewhere.
    pub(super) fn decides(&self) -> bool {
        self.written.as_ref().is_some_and(|written| written.decides())
    }

    /// Why it takes no more changes, if it has failed.
    pub(crate) fn check(&self) -> Result<()> {
        self.written.as_ref().map_or(Ok(()), |written| written.check())
    }

    /// Looks what another process has written since, if one writes.
    pub(crate) fn refresh(&self) -> Result<()> {
        self.read.refresh()
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
