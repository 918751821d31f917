//! The facade: a program's state, changed by recipes, durable as a log of patches.
//!
//! Names the stages and keeps them in order; every algorithm lives in the stage itself. [`Store`] writes, [`Reader`]
//! only reads and works beside a writer in another process.
//!
//! Always:
//! * `Ok` from a change means that it survives power loss, unless the store was opened with a [`Durability`] that says less.
//! * Readers see acknowledged states only, in order; they never wait for a writer and no writer waits for them.
//! * A recipe that fails or panics has changed nothing.

#[cfg(feature = "archive")]
mod archive;
mod backup;
mod based;
mod bisect;
mod blame;
pub(crate) mod bodies;
mod changes;
mod compact;
pub(crate) mod complete;
mod cursors;
#[cfg(feature = "http")]
mod document;
mod durable;
mod filter;
mod followed;
mod fork;
mod lookup;
mod merge;
mod migrate;
mod newest;
pub(crate) mod open;
mod packing;
mod place;
mod placed;
mod policy;
pub(crate) mod propose;
mod publish;
pub(crate) mod reader;
mod recent;
mod restore;
mod reunion;
mod sequence;
mod snapshotter;
mod ticket;
mod time;
mod undo;

#[cfg(feature = "inspect")]
pub(crate) use bisect::bisect;
pub use bisect::{Bisected, Verdict};
pub use blame::{Life, Touch};
pub use changes::Changes;
pub use compact::Compaction;
pub use filter::Filter;
pub use lookup::{Lookup, NoIndex};
pub use merge::{Preview, Receipt};
pub use open::{Opened, Options};
pub use policy::{Retention, SnapshotPolicy};
pub use publish::Listening;
pub use reader::Reader;
pub use reunion::Reunion;
pub use snapshotter::SnapshotReport;
pub use ticket::Ticket;

use crate::draft::{Draft, Drafted, Outcome, draft};
use crate::error::{Error, Result};
use crate::history::{History, Tip};
#[cfg(feature = "index")]
use crate::index::Index;
use crate::log::{Durability, Log, StoreId};
use crate::patch::Patch;
use crate::record::Meta;
use crate::state::State;
use crate::value::Value;
use complete::applied;
use lookup::Guide;
use merge::Merging;
use packing::Packing;
use publish::Published;
use snapshotter::Snapshotter;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A state that a program owns, with all of its history.
///
/// Any number of threads may use one store at the same time; put it into an [`Arc`] to share it. One process writes a
/// store; any number of others can read it meanwhile, with [`Reader`].
///
/// Dropping a store closes it, without telling whether that worked; [`close`](Store::close) tells.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("board.redraft");
/// use redraft::{Store, Value, value};
///
/// let store = Store::<Value>::open(&path)?;
/// let commit = store.produce(|doc| doc["title"] = "ship it".into())?; // Ok: acknowledged, and so durable
/// assert_eq!(store.state()["title"].as_str(), Some("ship it"));
/// assert_eq!(*store.at(commit.version() - 1)?, value!({}));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Store<S: State = Value> {
    /// Closed before the log is, whose lock is what makes this process the only one to use it.
    #[cfg(feature = "index")]
    index: std::result::Result<Arc<Index>, NoIndex>,
    log: Arc<Log>,
    history: Arc<History<S>>,
    /// The newest state, which the next recipe starts from; it may not be durable yet.
    newest: Mutex<Arc<Tip<S>>>,
    published: Arc<Published<S>>,
    merging: Merging<S>,
    snapshotter: Snapshotter<S>,
    packing: Packing,
    opened: Opened,
}

/// One change that a store made.
#[derive(Clone, Debug)]
pub struct Commit<S> {
    version: u64,
    state: Arc<S>,
    patch: Patch,
    inverse: Patch,
}

impl<S> Commit<S> {
    /// The version the change made; the unchanged version if the recipe changed nothing.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The state at that version.
    pub fn state(&self) -> &Arc<S> {
        &self.state
    }

    /// What changed. Empty if nothing did; then nothing was recorded.
    pub fn patch(&self) -> &Patch {
        &self.patch
    }

    /// What takes the change back, from exactly this state.
    pub fn inverse(&self) -> &Patch {
        &self.inverse
    }
}

impl<S: State + Default> Store<S> {
    /// Opens the store in the directory `path`, or makes a new one where there is nothing. See [`Options`] for more choice.
    ///
    /// Costs reading the newest snapshot and the changes after it; a few syncs where the session before did not end properly,
    /// or a store is made.
    ///
    /// # Errors
    /// [`Error::Locked`] when another writer has it, [`Error::NotAStore`] when the directory holds something else,
    /// [`Error::Role`] when it is a replica or a log, [`Error::Misfit`] when what is recorded does not fit the type,
    /// [`Error::Migration`] when it cannot be brought to the type's schema, [`Error::NewerSchema`] when it is of a newer one,
    /// [`Error::Damaged`] when bytes are not what was written, [`Error::Newer`] when a newer redraft wrote them,
    /// [`Error::Io`] when the system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(path)
    }

    /// Makes a new store in a directory that does not exist or is empty. Durable on return; a handful of syncs.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is something, [`Error::Locked`] when somebody else is making one there, [`Error::Io`]
    /// when the system refuses.
    pub fn create_new(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().create_new(path)
    }

    /// What opening the store found and did. O(1).
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The directory of the store. O(1).
    pub fn path(&self) -> &Path {
        self.log.path()
    }

    /// Identifies the store and its replicas. O(1).
    pub fn id(&self) -> StoreId {
        self.log.id()
    }

    /// The schema of what is recorded: that of the type, or for a [`Value`] of whichever type wrote it. O(1).
    pub fn schema(&self) -> u32 {
        migrate::recorded_in(&self.published.tip())
    }

    /// The newest acknowledged state, which is durable unless the store was opened with another
    /// [`Durability`](crate::Durability) than the default. O(1); never waits.
    pub fn state(&self) -> Arc<S> {
        Arc::clone(&self.published.tip().state)
    }

    /// The version of that state: how many changes there have been. O(1); never waits.
    pub fn version(&self) -> u64 {
        self.published.tip().version
    }

    /// State and version that belong together. O(1); never waits.
    pub fn newest(&self) -> (u64, Arc<S>) {
        let tip = self.published.tip();
        (tip.version, Arc::clone(&tip.state))
    }

    /// Runs `recipe` on a draft of the newest state and records what it changed. Blocks until that is acknowledged, which
    /// means durable unless the store was opened with another [`Durability`].
    ///
    /// Recipes of one store run one after the other, so keep them short; their syncs are shared. A recipe that changes
    /// nothing records nothing. A recipe may return a `Result`: an error means that nothing happened. So does a panic,
    /// which goes on to the caller. Costs what changed, one record and (a share of) one sync.
    ///
    /// # Errors
    /// [`Error::Draft`] when the recipe fails ([`Error::recipe`] gives back its own error), [`Error::Reentrant`] when called
    /// from a recipe of the same store, [`Error::TooLarge`]: nothing changed. [`Error::Poisoned`] when the disk fails, now or
    /// earlier: its `pending` says whether and how to look for the change when the store is open again. [`Error::Io`] when
    /// the thread that [`Durability::Interval`] needs cannot be started.
    pub fn produce<R: Outcome>(&self, recipe: impl FnOnce(&mut S) -> R) -> Result<Commit<S>> {
        self.produce_with(Meta::default(), recipe)
    }

    /// [`produce`](Store::produce), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `produce`.
    pub fn produce_with<R: Outcome>(
        &self,
        meta: Meta,
        recipe: impl FnOnce(&mut S) -> R,
    ) -> Result<Commit<S>> {
        self.change(meta, |newest| Ok(draft(&*newest.state, recipe)?))
    }

    /// Begins a draft on the newest acknowledged state, to be finished by hand with [`commit`](Store::commit). Holds no lock:
    /// any number of drafts may be open, in any thread, and others go on changing the store. O(1), plus one clone.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Error, Store, Value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// let mut draft = store.draft();
    /// draft["title"] = "plan".into();
    /// let late = store.draft();
    /// store.commit(draft)?;
    /// assert!(matches!(store.commit(late), Err(Error::Outdated { base: Some(0), head: 1 })));
    /// # Ok(()) }
    /// ```
    pub fn draft(&self) -> Draft<S> {
        let tip = self.published.tip();
        Draft::at(tip.version, Arc::clone(&tip.state))
    }

    /// Records what a draft changed, as [`produce`](Store::produce) does and for the same cost, if nothing has changed since it
    /// was begun.
    ///
    /// # Errors
    /// [`Error::Outdated`] if something has: whether the draft still makes sense is for the program to say. It comes once
    /// what was faster is acknowledged, so that a new draft begins on it; that may take a sync. Otherwise as `produce`.
    pub fn commit(&self, draft: Draft<S>) -> Result<Commit<S>> {
        self.commit_with(Meta::default(), draft)
    }

    /// [`commit`](Store::commit), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `commit`.
    pub fn commit_with(&self, meta: Meta, draft: Draft<S>) -> Result<Commit<S>> {
        let answer = self.change(meta, |newest| finished(newest, draft));
        if let Err(Error::Outdated { head, .. }) = answer {
            // What it lost against may be on its way still: a draft begun now must not lose against the same again.
            self.settle(head)?;
        }
        answer
    }

    /// Calls `listener` with every change that this store makes from now on, once it is acknowledged and visible, for as long
    /// as the returned guard lives. Patches and inverses come along.
    ///
    /// Changes come in the order of versions, one at a time, on the thread of one of the callers that wait for their
    /// change, and not necessarily before that call returns; or, after [`submit`](Store::submit), on the store's own thread
    /// that syncs. A listener must be quick: it holds up the thread it runs on, and with the latter all syncs. It may change the store itself. A listener that panics is reported through `tracing`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value};
    /// use std::sync::mpsc;
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// let (sender, changes) = mpsc::channel();
    /// let listening = store.listen(move |commit| drop(sender.send(commit.patch().clone())));
    /// store.produce(|doc| doc["title"] = "plan".into())?;
    /// assert_eq!(changes.recv()?[0].path.to_string(), "/title");
    /// drop(listening);
    /// # Ok(()) }
    /// ```
    pub fn listen(&self, listener: impl Fn(&Commit<S>) + Send + Sync + 'static) -> Listening {
        self.published.listen(listener)
    }

    /// Calls `waiter` with the newest version whenever that is another one; see `publish`. Unlike for a listener nothing is kept for it.
    #[cfg(feature = "http")]
    pub(crate) fn wait_with(&self, waiter: impl Fn(u64) + Send + Sync + 'static) -> Listening {
        self.published.wait_with(waiter)
    }

    /// Applies a patch to the newest state and records it as it is. All or nothing; blocks until acknowledged. Costs what
    /// [`patch::apply`](crate::patch::apply) costs, one record and (a share of) one sync.
    ///
    /// # Errors
    /// [`Error::Apply`] naming op and path when it does not fit; otherwise as [`produce`](Store::produce).
    pub fn apply(&self, patch: &Patch) -> Result<Commit<S>> {
        self.apply_with(Meta::default(), patch)
    }

    /// [`apply`](Store::apply), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `apply`.
    pub fn apply_with(&self, meta: Meta, patch: &Patch) -> Result<Commit<S>> {
        self.change(meta, |newest| applied(&*newest.state, patch))
    }

    /// The path of every change: draft, record, log, publish.
    fn change(&self, meta: Meta, make: impl FnOnce(&Tip<S>) -> Result<Drafted<S>>) -> Result<Commit<S>> {
        let span = tracing::debug_span!("produce", version = tracing::field::Empty);
        let _entered = span.enter();
        if let Durability::Interval(_) = self.log.durability() {
            // Before there is anything to acknowledge: a thread may not be to be had.
            self.syncer()?;
        }
        let commit = self.place(meta, make)?;
        span.record("version", commit.version);
        self.settled(commit)
    }

    /// A change that has its place, once it is acknowledged.
    fn settled(&self, commit: Commit<S>) -> Result<Commit<S>> {
        self.settle(commit.version).map_err(|error| error.pending(commit.version))?;
        Ok(commit)
    }

    /// The state at any version that is kept. O(changes since the nearest snapshot or a state still in memory); one sync if
    /// that version is acknowledged and not on the disk yet.
    ///
    /// # Errors
    /// [`Error::BeyondHead`], [`Error::Compacted`], [`Error::Damaged`] when the way there is, [`Error::Misfit`] when that
    /// version does not fit the type, [`Error::Poisoned`] when that sync fails, [`Error::Io`].
    pub fn at(&self, version: u64) -> Result<Arc<S>> {
        let (head, state) = self.newest();
        match version {
            _ if version == head => Ok(state),
            _ if version > head => Err(Error::BeyondHead { version, head }),
            _ if version < self.oldest() => Err(Error::Compacted { version, oldest: self.oldest() }),
            _ => {
                self.on_disk(version)?;
                self.history.at(version)
            }
        }
    }

    /// The oldest version that [`at`](Store::at) can give. O(1).
    pub fn oldest(&self) -> u64 {
        self.log.oldest()
    }

    /// The changes that made the versions in `range`, oldest first. Costs what is read; one sync if something acknowledged is
    /// not on the disk yet. [`Changes::matching`] narrows them, [`Changes::newest_first`] turns them round.
    ///
    /// # Errors
    /// [`Error::Compacted`] when the range starts before what is kept, [`Error::BeyondHead`] when it starts behind the
    /// version that comes next, [`Error::Poisoned`] when that sync fails; later trouble comes out of the iterator.
    pub fn changes(&self, range: impl RangeBounds<u64>) -> Result<Changes> {
        let head = self.version();
        self.on_disk(head)?;
        Changes::in_range(&self.history.view, self.guide(), &range, head)
    }

    /// Who can be asked where changes are.
    #[cfg(feature = "index")]
    fn guide(&self) -> Guide {
        match &self.index {
            Ok(index) => Guide::Index(Arc::downgrade(index)),
            Err(why) => Guide::None(why.clone()),
        }
    }

    #[cfg(not(feature = "index"))]
    fn guide(&self) -> Guide {
        Guide::None(NoIndex::Off)
    }

    /// Takes a snapshot of the newest acknowledged state now (the store takes some by itself, see
    /// [`SnapshotPolicy`]), so that opening the store and going back to versions after this one
    /// start from here. Three syncs, and one more if that state is not on the disk yet; other threads may go on changing the
    /// store.
    ///
    /// Costs the changes since the last snapshot, which is what it holds then; or O(state), when there is none yet or
    /// nothing has changed, after eight such ones, and when the changes since the last whole one take more bytes than that.
    ///
    /// # Errors
    /// [`Error::Io`]: the store itself is not affected. [`Error::Poisoned`] when that state cannot be made durable,
    /// [`Error::Damaged`] when what its type filled in has to be compared with a log that is.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value, value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce(|doc| doc["rows"] = (0..10_000).map(|n| value!({ "n": n * n })).collect::<Vec<_>>().into())?;
    /// let whole = store.snapshot()?;
    /// store.produce(|doc| doc["rows"][7]["n"] = 0.into())?;
    /// let delta = store.snapshot()?;
    /// assert_eq!((whole.parent, delta.parent), (None, Some(whole.version)));
    /// assert!(delta.bytes < 1000 && delta.bytes < whole.bytes);
    /// # Ok(()) }
    /// ```
    pub fn snapshot(&self) -> Result<SnapshotReport> {
        self.snapshotter.take()
    }

    /// Writes the state at `version` into a new store in the directory `target`, which must not exist or be empty. The new
    /// store begins at that version, with an identity of its own; this one is not touched. Costs what [`at`](Store::at)
    /// costs, O(state) and a handful of syncs.
    ///
    /// # Errors
    /// As `at`, and [`Error::Exists`].
    pub fn restore(&self, version: u64, target: impl AsRef<Path>) -> Result<()> {
        let head = self.version();
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        self.on_disk(version)?;
        restore::restore(&self.history, version, target.as_ref())
    }

    /// Closes the store: takes a snapshot if one is [due](SnapshotPolicy), and makes durable all that was acknowledged or submitted. From then on all damage to its files can be told
    /// from a write that was cut short. At most two syncs.
    ///
    /// # Errors
    /// [`Error::Poisoned`] when that fails, or the disk failed before; what was durable is safe all the same.
    pub fn close(self) -> Result<()> {
        self.snapshotter.stop();
        self.packing.stop();
        #[cfg(feature = "index")]
        drop(self.index);
        self.log.finish()
    }
}

/// What a draft comes to, if nothing has changed since it was begun.
fn finished<S: State>(newest: &Tip<S>, draft: Draft<S>) -> Result<Drafted<S>> {
    // The address tells: the draft keeps the state it was begun on alive.
    if !Arc::ptr_eq(&newest.state, draft.original()) {
        return Err(Error::Outdated { base: draft.version(), head: newest.version });
    }
    Ok(draft.finish()?)
}

/// Whatever panicked while it held one of our locks left nothing half done: what a lock guards is replaced as a whole.
fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
