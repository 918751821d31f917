//! A replica: the same history under the same chain, in a directory of its own, and the state that follows from it.
//!
//! [`Replica`] has the state, [`Mirror`] only the history; both move it with `link` from a [`Source`], which `begin` lets them begin
//! from. What goes over the way between is a [`Feed`], verified by `arrival` when it comes in.
//!
//! Always: a record is appended only if it continues the replica's chain, so source and replica agree on every byte of
//! history up to the replica's head. When they do not, both are left as they are. The state is made from the replica's own
//! log, once that is durable, by the same code that opens it.

mod ahead;
mod arrival;
#[cfg(feature = "http")]
mod based;
mod begin;
mod desk;
mod feed;
mod follow;
mod intake;
mod link;
mod local;
mod mirror;
mod moving;
mod node;
mod office;
mod order;
mod ordering;
mod outcomes;
#[cfg(any(feature = "http", feature = "jetstream"))]
mod patience;
mod push;
mod queue;
mod recipes;
mod resume;
mod revise;
mod rouse;
mod sequencer;
mod settled;
mod source;
mod turn;
#[cfg(any(feature = "http", feature = "jetstream"))]
mod wait;
mod writer;

pub use feed::Feed;
pub use follow::{Following, Lag};
pub use local::LocalOrder;
pub use mirror::Mirror;
pub use moving::move_in;
pub use node::Node;
pub use office::{Rejoin, compare};
pub use order::{Order, Place};
pub use outcomes::Awaited;
pub use sequencer::Sequencer;
pub use settled::{Pending, Settled, Writing};
pub use source::{Directory, Source, Status};
#[cfg(feature = "http")]
pub(crate) use source::{snapshot_bytes, snapshot_file};
pub use writer::Writer;
#[cfg(any(feature = "http", feature = "jetstream"))]
pub(crate) use {feed::PULSE, patience::Patience, wait::wait_here};

use crate::error::{Error, IoContext, Result};
use crate::log::Worker;
use crate::state::State;
use crate::store::{self, Store};
use crate::value::Value;
use arrival::unreachable;
use follow::Course;
use link::Link;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where a new replica begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beginning {
    /// Where the source's history does: nothing is left out.
    #[default]
    Oldest,
    /// At the newest snapshot that the source has: what was before it can be asked for there.
    NewestSnapshot,
}

/// How far a replica has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The replica's version, durable.
    pub version: u64,
    /// Changes copied by this call so far.
    pub copied: u64,
    /// The source's version when it was last looked at.
    pub source_version: u64,
    /// How many bytes the source had then that are not copied: 0 if it does not tell.
    pub behind_bytes: u64,
    /// Whether the source is being heard: one that is not may have come further.
    pub connected: bool,
}

/// A state that follows a store elsewhere, with a copy of its history.
///
/// Its directory is a full store: it opens, restores, is verified, and is followed by others.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let (primary, copy) = (dir.path().join("primary"), dir.path().join("copy"));
/// use redraft::{Replica, Store, Value};
/// use std::time::Duration;
///
/// let store = Store::<Value>::open(&primary)?;
/// let replica = Replica::<Value>::open(&primary, &copy)?;
/// let following = replica.follow()?;
/// let written = store.produce(|doc| doc["title"] = "plan".into())?;
/// replica.wait_for(written.version(), Duration::from_secs(10))?; // what was written is read
/// assert_eq!(replica.store().state(), store.state());
/// following.stop();
/// replica.close()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Replica<S: State + Default = Value> {
    source: Arc<dyn Source>,
    /// Held by the thread that copies.
    link: Arc<Mutex<Link>>,
    /// Makes the state of what has become durable.
    replayer: Arc<Worker>,
    course: Arc<Course>,
    store: Arc<Store<S>>,
}

/// So many seconds in a row a source may answer without being heard.
const UNHEARD: u32 = 3;

impl store::Options {
    /// [`Replica::open`], with these options for the replica: the machine, which is also the source's, the size of its
    /// segments, its snapshots and what is kept, and whether it may be started where there is nothing.
    ///
    /// # Errors
    /// As `Replica::open`.
    pub fn open_replica<S: State + Default>(
        &self,
        source: impl AsRef<Path>,
        replica: impl AsRef<Path>,
    ) -> Result<Replica<S>> {
        let source = Directory::open_in(&self.log.env, source)?;
        self.replica_of(Arc::new(source), replica, Beginning::Oldest)
    }

    /// The same, of any source, beginning where it is told.
    ///
    /// # Errors
    /// As [`Replica::open`], and what the source answers.
    pub fn replica_of<S: State + Default>(
        &self,
        source: Arc<dyn Source>,
        replica: impl AsRef<Path>,
        begin: Beginning,
    ) -> Result<Replica<S>> {
        let dir = replica.as_ref();
        let span = tracing::info_span!("follow", source = source.name(), replica = %dir.display());
        let _entered = span.enter();
        let log = begin::log_of(self, &source, dir, begin)?;
        let mut link = Link::new(source, None);
        link.agrees(&log)?;
        log.close()?;
        let store = Arc::new(self.open_followed(dir)?);
        Replica::over(store, link)
    }
}

impl<S: State + Default> Replica<S> {
    /// Opens the replica in the directory `replica` of the store in the directory `source`, or starts one there if it does
    /// not exist or is empty. The source is only read; its writer may be at work. Costs opening both, and a few looks
    /// into either; starting one costs its first snapshot, if there is one, and a handful of syncs. Where something was
    /// [redacted](crate::Redaction) in the source since, or what comes next was given up there, everything is fetched anew, and
    /// takes the place of what is here once it is complete. [`Options::skip_ahead`](store::Options::skip_ahead) does the same where it
    /// is cheaper.
    ///
    /// # Errors
    /// [`Error::Foreign`] when it follows another store, [`Error::Diverged`] when
    /// their histories differ or the replica has more, [`Error::Role`] when it is no replica; otherwise as
    /// opening a store.
    pub fn open(source: impl AsRef<Path>, replica: impl AsRef<Path>) -> Result<Self> {
        store::Options::new().open_replica(source, replica)
    }

    fn over(store: Arc<Store<S>>, link: Link) -> Result<Self> {
        let course = Arc::new(Course::new(&link));
        let (replayed, told) = (Arc::clone(&store), Arc::clone(&course));
        let work = move || told.note(&replayed.take_over());
        let worker = Worker::start("redraft-replay", Duration::ZERO, work);
        let replayer = Arc::new(worker.during("start a thread for", store.path())?);
        let source = Arc::clone(&link.source);
        Ok(Replica { source, link: Arc::new(Mutex::new(link)), replayer, course, store })
    }

    /// Ends what is done in threads.
    fn rest(&self) {
        self.course.stop();
        self.replayer.stop();
    }

    /// The same replica, for who works for it.
    fn handle(&self) -> Replica<S> {
        Replica {
            source: Arc::clone(&self.source),
            link: Arc::clone(&self.link),
            replayer: Arc::clone(&self.replayer),
            course: Arc::clone(&self.course),
            store: Arc::clone(&self.store),
        }
    }

    /// The store that the copy is: its state, its history, listeners, snapshots, backups. Whatever would change it is refused
    /// as [`Error::Role`]. O(1).
    pub fn store(&self) -> &Arc<Store<S>> {
        &self.store
    }

    /// Copies what the source has and the replica has not; durable and visible on return. Returns how far it came. Costs what is
    /// copied and applied, and a sync for every few MiB; next to nothing when there is nothing new. Waits for another thread
    /// that does the same. While one [follows](Replica::follow) it only waits for what the source has, for as long as that is heard.
    ///
    /// # Errors
    /// As [`Mirror::catch_up`], and when what came does not fit the type: [`Error::Misfit`],
    /// [`Error::NewerSchema`]; that is copied all the same.
    pub fn catch_up(&self) -> Result<Progress> {
        self.catch_up_with(|_| ())
    }

    /// [`catch_up`](Replica::catch_up), telling `progress` now and then what is durable, and once in the end.
    ///
    /// # Errors
    /// As `catch_up`.
    pub fn catch_up_with(&self, mut progress: impl FnMut(Progress)) -> Result<Progress> {
        if self.is_following() {
            return self.await_the_source();
        }
        let mut link = ignore_poison(&self.link);
        let log = self.store.log();
        let done = link.catch_up(log, &mut |step| {
            self.replayer.ring();
            progress(step);
        })?;
        self.course.hears(&link, log.end());
        drop(link);
        self.store.take_over()?;
        Ok(done)
    }

    /// What a call comes to while a thread does the work.
    fn await_the_source(&self) -> Result<Progress> {
        let (source_version, mut unheard) = (self.source.status()?.head, 0);
        while self.store.version() < source_version && self.is_following() {
            match self.wait_for(source_version, Duration::from_secs(1)) {
                Err(Error::BeyondHead { .. }) if self.lag().connected => unheard = 0,
                // It is there, for it answers; who follows may not have noticed yet.
                Err(Error::BeyondHead { .. }) if unheard < UNHEARD => {
                    self.source.status()?;
                    self.course.hurry();
                    unheard += 1;
                }
                Err(Error::BeyondHead { .. }) => return Err(self.silent()),
                answer => drop(answer?),
            }
        }
        let lag = self.lag();
        let (version, behind_bytes, connected) = (self.store.version(), lag.bytes, lag.connected);
        Ok(Progress { version, copied: 0, source_version, behind_bytes, connected })
    }

    fn silent(&self) -> Error {
        unreachable(&self.source.name(), std::io::ErrorKind::NotConnected.into())
    }

    /// Has the source hold back the history that this replica has not copied yet, under this name, for as long as it is
    /// [willing to](crate::Options::hold_for_cursors). Told now and then, and after each [`catch_up`](Replica::catch_up).
    #[must_use]
    pub fn acknowledged_as(self, follower: impl Into<String>) -> Self {
        ignore_poison(&self.link).follower = Some(follower.into());
        self
    }

    /// Ends the replica's session cleanly, as [`Store::close`] does; one that [follows](Replica::follow) is stopped first, and
    /// waited for, as [`Following::stop`] does. At most two syncs.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; what was copied before is there all the same.
    pub fn close(self) -> Result<()> {
        self.rest();
        self.await_the_end();
        let Replica { link, replayer, store, .. } = self;
        drop((link, replayer));
        match Arc::try_unwrap(store) {
            Ok(store) => store.close(),
            // Somebody has it still, and will drop it.
            Err(store) => store.sync().map(drop),
        }
    }
}

fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
