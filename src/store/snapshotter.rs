//! [`Snapshotter`]: takes snapshots, when asked to and by itself, and removes those that the policy does not keep.
//!
//! By itself it works in a thread of its own, from states that nobody can change: writers never wait for it. The thread exists
//! once the first snapshot is due. Always holds: what a snapshot shows was durable in the log before it gets its name; the
//! snapshot that the log begins with stays, and so does the newest; what another one continues goes after that.

use super::Retention;
use super::compact::Compaction;
use super::ignore_poison;
use super::policy::{Keeping, Last, SnapshotPolicy, unneeded};
use super::publish::Published;
use crate::error::{Damage, Error, ErrorKind, IoContext, Result};
use crate::history::{History, Tip};
use crate::log::{Log, Worker};
use crate::snapshot::{self, Delta, Header, Snapshot};
use crate::state::State;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// A snapshot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotReport {
    /// The version whose state it holds.
    pub version: u64,
    /// The version of the snapshot that it continues; nothing if it holds the whole state.
    pub parent: Option<u64>,
    /// How long it is, in bytes.
    pub bytes: u64,
}

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
    last: Mutex<Last>,
    newest: Newest,
    /// Whether a whole snapshot is due, whatever the numbers say.
    whole_wanted: AtomicBool,
}

/// What was recorded last. It may not be acknowledged yet.
#[derive(Debug, Default)]
struct Newest {
    version: AtomicU64,
    recorded_bytes: AtomicU64,
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
        let (alone, last, newest) = (Mutex::default(), Mutex::default(), Newest::default());
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
            whole_wanted: AtomicBool::new(false),
        };
        Snapshotter { keeper: Arc::new(keeper), thread: OnceLock::new() }
    }

    /// Opening began with the snapshot of `version`, if there was one.
    pub(super) fn begin_from(&self, version: u64) {
        *self.keeper.last() = self.keeper.lengths(version).unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(%error, "cannot tell how long a snapshot is");
            }
            Last::opened(version, 0, &[])
        });
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

    /// The state was migrated: has a whole snapshot taken, so that nobody need replay what was before to get here. None where none
    /// is taken without being asked for.
    pub(super) fn migrated(&self) {
        if self.keeper.policy.takes_any() {
            self.keeper.whole_wanted.store(true, Ordering::Relaxed);
            self.ring();
        }
    }

    /// Takes a snapshot of the newest acknowledged state. Once no more deltas may follow, the thread merges them.
    pub(super) fn take(&self) -> Result<SnapshotReport> {
        let report = self.keeper.take()?;
        if self.keeper.is_to_merge() {
            self.ring();
        }
        Ok(report)
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
                let tip = self.keeper.published.tip();
                self.keeper.last().tried(tip.version, tip.recorded_bytes);
            }
        }
    }

    /// Ends the thread, after a snapshot that is due.
    pub(super) fn stop(&self) {
        self.thread.get().into_iter().for_each(Worker::stop);
    }
}

impl<S: State + Default> Keeper<S> {
    fn last(&self) -> MutexGuard<'_, Last> {
        ignore_poison(&self.last)
    }

    fn is_due(&self) -> bool {
        let (version, recorded_bytes) = (&self.newest.version, &self.newest.recorded_bytes);
        let now = |number: &AtomicU64| number.load(Ordering::Relaxed);
        self.whole_wanted.load(Ordering::Relaxed)
            || self.policy.is_due(now(version), now(recorded_bytes), &self.last())
    }

    /// Whether the thread is to merge what continues a whole snapshot.
    fn is_to_merge(&self) -> bool {
        self.policy.takes_any() && self.last().is_full()
    }

    /// What the thread does when it is rung for. Nobody waits for it, so nobody is told but through `tracing`.
    fn look_after(&self) {
        // Whoever rang may have looked just before the snapshot that was taken meanwhile.
        if !self.is_due() && !self.is_to_merge() {
            return;
        }
        let delta = self.begin_an_attempt();
        let work = || -> Result<()> {
            self.take_what_is_due(delta)?;
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

    /// Whether the attempt is to be a delta. Whatever comes of it: not again at once.
    fn begin_an_attempt(&self) -> bool {
        let tip = self.published.tip();
        let mut last = self.last();
        let whole_wanted = self.whole_wanted.swap(false, Ordering::Relaxed);
        let delta = !whole_wanted && last.invites_a_delta(tip.recorded_bytes);
        last.tried(tip.version, tip.recorded_bytes);
        delta
    }

    fn take(&self) -> Result<SnapshotReport> {
        let _alone = ignore_poison(&self.alone);
        let tip = self.published.tip();
        let delta = self.last().invites_a_delta(tip.recorded_bytes);
        self.take_of(&tip, delta)
    }

    fn take_what_is_due(&self, delta: bool) -> Result<()> {
        let _alone = ignore_poison(&self.alone);
        let tip = self.published.tip();
        // Somebody who asked for one may have been faster.
        let is_taken = delta && self.last().taken == tip.version;
        if is_taken { Ok(()) } else { self.take_of(&tip, delta).map(drop) }
    }

    /// Called by who is alone.
    fn take_of(&self, tip: &Tip<S>, delta: bool) -> Result<SnapshotReport> {
        let (version, recorded_bytes) = (tip.version, tip.recorded_bytes);
        if delta && let Some((parent, bytes)) = self.write_delta(tip)? {
            self.last().was_a_delta(version, recorded_bytes);
            return Ok(SnapshotReport { version, parent: Some(parent), bytes });
        }
        let bytes = self.write(tip)?;
        self.last().was_whole(version, recorded_bytes, bytes);
        Ok(SnapshotReport { version, parent: None, bytes })
    }

    /// Writes what changed since the newest snapshot; the version of that, and how many bytes. Nothing if there is no good one
    /// below this version, or the log since then is damaged: then a whole one is worth the more.
    fn write_delta(&self, tip: &Tip<S>) -> Result<Option<(u64, u64)>> {
        let parent = self.last().taken;
        // A header has four bytes for how far back the parent is.
        if parent >= tip.version || tip.version - parent > u64::from(u32::MAX) {
            return Ok(None);
        }
        self.make_durable(tip)?;
        match self.delta(tip, parent) {
            Ok(delta) => {
                let bytes = delta.write(&*self.history.env.disk, &self.history.dir)?;
                Ok(Some((parent, bytes)))
            }
            Err(error) if matches!(error.kind(), ErrorKind::Damage | ErrorKind::NotFound) => {
                tracing::warn!(%error, "a snapshot cannot continue the one before");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn delta(&self, tip: &Tip<S>, parent: u64) -> Result<Delta> {
        let (disk, dir) = (&*self.history.env.disk, &self.history.dir);
        let (parent_chain, patch) = self.history.changed(parent..tip.version)?;
        let lineage = snapshot::lineage(disk, dir, parent)?;
        if let Some(defect) = lineage.first().and_then(|header| self.history.flaw_of(header, parent_chain)) {
            return Err(Damage { path: snapshot::path_of(dir, parent), byte: 0, defect, intact: None }.into());
        }
        let ledger = (*tip.ledger).clone();
        Ok(Delta { header: self.header(tip, Some(parent)), parent_chain, ledger, patch })
    }

    fn header(&self, tip: &Tip<S>, parent: Option<u64>) -> Header {
        let (version, chain, stamp, schema) = (tip.version, tip.chain, tip.stamp, tip.schema);
        Header {
            store: self.log.id(),
            epoch: self.log.epoch(),
            version,
            chain,
            stamp,
            parent,
            schema,
            more: false,
        }
    }

    /// A snapshot proves how long the log is.
    fn make_durable(&self, tip: &Tip<S>) -> Result<()> {
        if self.log.head() < tip.version { self.log.sync().map(drop) } else { Ok(()) }
    }

    /// Writes a whole snapshot of a state, once that is durable; its length. Called by who is alone.
    pub(super) fn write(&self, tip: &Tip<S>) -> Result<u64> {
        self.make_durable(tip)?;
        let (ledger, state) = ((*tip.ledger).clone(), self.history.logged(tip)?);
        let snapshot = Snapshot { header: self.header(tip, None), ledger, state };
        snapshot.write(&*self.history.env.disk, &self.history.dir)
    }

    /// Removes the snapshots that no rule keeps and none that stays continues. Those that cannot be read stay: somebody may
    /// want to look into that.
    fn thin(&self) -> Result<()> {
        let _alone = ignore_poison(&self.alone);
        let headers = self.headers()?;
        let taken: Vec<(u64, u64)> =
            headers.iter().map(|header| (header.version, header.stamp.millis())).collect();
        let begins_at = self.log.oldest();
        let gone: Vec<u64> =
            self.policy.thinned(&taken).into_iter().filter(|&version| version != begins_at).collect();
        let parents = parents_in(&headers);
        self.remove(&unneeded(&gone, &parents), &parents)
    }

    /// The headers of all snapshots, ascending; of those that can be read.
    pub(super) fn headers(&self) -> Result<Vec<Header>> {
        let (disk, dir) = (&*self.history.env.disk, &*self.history.dir);
        let mut headers = Vec::new();
        for version in self.history.snapshots()? {
            match snapshot::read_header(disk, &snapshot::path_of(dir, version), version) {
                Ok(header) => headers.push(header),
                Err(Error::Damaged(damage)) => tracing::warn!(%damage, "a damaged snapshot is kept"),
                Err(error) => return Err(error),
            }
        }
        Ok(headers)
    }

    /// Removes snapshots, durably. Called by who is alone, with what continues others before those.
    pub(super) fn remove(&self, versions: &[u64], parents: &BTreeMap<u64, u64>) -> Result<()> {
        let (disk, dir) = (&*self.history.env.disk, &*self.history.dir);
        let sync = || disk.sync_dir(dir).during("sync directory", dir);
        for (index, version) in versions.iter().enumerate() {
            let path = snapshot::path_of(dir, *version);
            disk.remove(&path).during("remove snapshot", &path)?;
            // A power cut must not bring it back without what it continues.
            if parents.contains_key(version) || index + 1 == versions.len() {
                sync()?;
            }
        }
        if !versions.is_empty() {
            tracing::info!(count = versions.len(), "removed snapshots that no rule keeps");
        }
        Ok(())
    }

    /// How long the snapshot of `version` is, and what it continues.
    fn lengths(&self, version: u64) -> Result<Last> {
        let (disk, dir) = (&*self.history.env.disk, &*self.history.dir);
        let length = |header: &Header| snapshot::length(disk, &snapshot::path_of(dir, header.version));
        let lengths: Vec<u64> =
            snapshot::lineage(disk, dir, version)?.iter().map(length).collect::<Result<_>>()?;
        let (whole, deltas) = lengths.split_last().map_or((0, &[][..]), |(whole, deltas)| (*whole, deltas));
        Ok(Last::opened(version, whole, deltas))
    }
}

/// Which snapshot continues which.
pub(super) fn parents_in(headers: &[Header]) -> BTreeMap<u64, u64> {
    headers.iter().filter_map(|header| Some((header.version, header.parent?))).collect()
}
