//! [`Snapshotter`]: takes snapshots, when asked to and by itself, and removes those that the policy does not keep.
//!
//! By itself it works in a thread of its own, from states that nobody can change: writers never wait for it. The thread exists
//! once the first snapshot is due. Always holds: what a snapshot shows was durable in the log before it gets its name; the
//! snapshot that the log begins with stays, and so does the newest.

use super::Retention;
use super::compact::Compaction;
use super::ignore_poison;
use super::policy::{Keeping, SnapshotPolicy};
use super::publish::Published;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::history::{History, Tip};
use crate::log::{Log, Worker};
use crate::snapshot::{self, Snapshot};
use crate::state::State;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Snapshotter<S> {
    /// Ends before what it works with goes.
    thread: OnceLock<Worker>,
    pub(super) keeper: Arc<Keeper<S>>,
}

/// What the thread shares with who asks for a snapshot.
#[derive(Debug)]
pub(super) struct Keeper<S> {
    pub(super) log: Arc<Log>,
    pub(super) history: Arc<History<S>>,
    published: Arc<Published<S>>,
    policy: SnapshotPolicy,
    pub(super) kept: Keeping,
    /// Held while snapshots come and go: two of the same version would take each other's unfinished file.
    pub(super) alone: Mutex<()>,
    /// Held while the file of the cursors is replaced, and while what they have not dealt with may be given up.
    pub(super) moving_cursors: Mutex<()>,
    last: Last,
    newest: Newest,
}

/// What was recorded last. It may not be acknowledged yet.
#[derive(Debug, Default)]
struct Newest {
    version: AtomicU64,
    recorded_bytes: AtomicU64,
}

/// The last snapshot, or the last attempt at one.
#[derive(Debug, Default)]
struct Last {
    version: AtomicU64,
    /// How many bytes had been recorded by then, counted from where opening began.
    recorded_bytes: AtomicU64,
    /// How long the last snapshot is, in bytes.
    bytes: AtomicU64,
}

impl<S: State + Default> Snapshotter<S> {
    pub(super) fn new(
        log: &Arc<Log>,
        history: &Arc<History<S>>,
        published: &Arc<Published<S>>,
        policy: SnapshotPolicy,
        kept: Keeping,
    ) -> Self {
        let (log, history, published) = (Arc::clone(log), Arc::clone(history), Arc::clone(published));
        let (alone, last, newest) = (Mutex::default(), Last::default(), Newest::default());
        let keeper = Keeper {
            log,
            history,
            published,
            policy,
            kept,
            alone,
            moving_cursors: Mutex::default(),
            last,
            newest,
        };
        Snapshotter { keeper: Arc::new(keeper), thread: OnceLock::new() }
    }

    /// Opening began with the snapshot of `version`, if there was one.
    pub(super) fn begin_from(&self, version: u64) {
        let bytes = self.keeper.length_of(version);
        self.keeper.last.was(version, 0, bytes);
    }

    /// A change was recorded, `recorded_bytes` in all. Rings for a snapshot if one is due; costs next to nothing if not.
    pub(super) fn recorded(&self, version: u64, recorded_bytes: u64) {
        let newest = &self.keeper.newest;
        newest.version.store(version, Ordering::Relaxed);
        newest.recorded_bytes.store(recorded_bytes, Ordering::Relaxed);
        if self.keeper.is_due() {
            self.ring();
        }
    }

    fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            return thread.ring();
        }
        let keeper = Arc::clone(&self.keeper);
        match Worker::start("redraft-snapshot", Duration::ZERO, move || keeper.look_after()) {
            // Somebody may have been faster; the thread that is not needed ends with its handle.
            Ok(worker) => self.thread.get_or_init(|| worker).ring(),
            // Nothing is lost but time: it is tried again once as much has come up again.
            Err(error) => {
                tracing::warn!(%error, "no thread to take a snapshot in");
                self.keeper.last.tried(&self.keeper.published.tip());
            }
        }
    }

    /// Ends the thread, after a snapshot that is due.
    pub(super) fn stop(&self) {
        self.thread.get().into_iter().for_each(Worker::stop);
    }
}

impl Last {
    fn was(&self, version: u64, recorded_bytes: u64, bytes: u64) {
        self.version.store(version, Ordering::Relaxed);
        self.recorded_bytes.store(recorded_bytes, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    fn tried<S>(&self, tip: &Tip<S>) {
        self.was(tip.version, tip.recorded_bytes, self.bytes.load(Ordering::Relaxed));
    }
}

impl<S: State + Default> Keeper<S> {
    fn is_due(&self) -> bool {
        let Keeper { last, newest, policy, .. } = self;
        let since = |now: &AtomicU64, then: &AtomicU64| {
            now.load(Ordering::Relaxed).saturating_sub(then.load(Ordering::Relaxed))
        };
        let changes = since(&newest.version, &last.version);
        let bytes = since(&newest.recorded_bytes, &last.recorded_bytes);
        policy.is_due(changes, bytes, last.bytes.load(Ordering::Relaxed))
    }

    /// What the thread does when it is rung for. Nobody waits for it, so nobody is told but through `tracing`.
    fn look_after(&self) {
        // Whoever rang may have looked just before the snapshot that was taken meanwhile.
        if !self.is_due() {
            return;
        }
        // Whatever comes of it: not again at once.
        self.last.tried(&self.published.tip());
        let work = || -> Result<()> {
            self.take()?;
            self.thin()?;
            match self.kept.retention {
                Retention::Everything => Ok(()),
                retention => self.compact(retention).map(drop::<Compaction>),
            }
        };
        // The state's own code makes the document that is written, and may panic.
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a snapshot that was due failed"),
            Err(_) => tracing::error!("a state panicked while a snapshot was taken of it"),
        }
    }

    /// When the newest acknowledged change was recorded, in milliseconds since 1970.
    pub(super) fn newest_ms(&self) -> i64 {
        self.published.tip().stamp.at_ms()
    }

    /// Takes a snapshot of the newest acknowledged state; its version.
    pub(super) fn take(&self) -> Result<u64> {
        let _alone = ignore_poison(&self.alone);
        let tip = self.published.tip();
        let bytes = self.write(&tip)?;
        self.last.was(tip.version, tip.recorded_bytes, bytes);
        Ok(tip.version)
    }

    /// Writes a snapshot of a state, once that is durable; its length. Called by who is alone.
    pub(super) fn write(&self, tip: &Tip<S>) -> Result<u64> {
        // A snapshot proves how long the log is.
        if self.log.head() < tip.version {
            self.log.sync()?;
        }
        let header = snapshot::Header {
            store: self.log.id(),
            epoch: self.log.epoch(),
            version: tip.version,
            chain: tip.chain,
            stamp: tip.stamp,
        };
        let (writers, state) = ((*tip.writers).clone(), self.history.logged(tip)?);
        let snapshot = Snapshot { header, writers, state };
        snapshot.write(&*self.history.env.disk, &self.history.dir)
    }

    /// Removes the snapshots that no rule keeps. Those that cannot be read stay: somebody may want to look into that.
    fn thin(&self) -> Result<()> {
        let _alone = ignore_poison(&self.alone);
        let (disk, dir) = (&*self.history.env.disk, &*self.history.dir);
        let mut taken = Vec::new();
        for version in self.history.snapshots()? {
            match snapshot::read_header(disk, &snapshot::path_of(dir, version), version) {
                Ok(header) => taken.push((version, header.stamp.millis())),
                Err(Error::Damaged(damage)) => tracing::warn!(%damage, "a damaged snapshot is kept"),
                Err(error) => return Err(error),
            }
        }
        let begins_at = self.log.oldest();
        let gone: Vec<u64> =
            self.policy.thinned(&taken).into_iter().filter(|&version| version != begins_at).collect();
        self.remove(&gone)
    }

    /// Removes snapshots, durably. Called by who is alone.
    pub(super) fn remove(&self, versions: &[u64]) -> Result<()> {
        let (disk, dir) = (&*self.history.env.disk, &*self.history.dir);
        for &version in versions {
            let path = snapshot::path_of(dir, version);
            disk.remove(&path).during("remove snapshot", &path)?;
        }
        if !versions.is_empty() {
            disk.sync_dir(dir).during("sync directory", dir)?;
            tracing::info!(count = versions.len(), "removed snapshots that no rule keeps");
        }
        Ok(())
    }

    /// How long the snapshot of `version` is, in bytes; 0 if there is none.
    fn length_of(&self, version: u64) -> u64 {
        let path = snapshot::path_of(&self.history.dir, version);
        snapshot::length(&*self.history.env.disk, &path).unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(%error, "cannot tell how long a snapshot is");
            }
            0
        })
    }
}
