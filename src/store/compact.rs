//! Compaction: gives up the beginning of a store's history, as far as its [`Retention`] allows.
//!
//! The log is to begin at the first record of some segment. First a snapshot of exactly that version is made sure of, which the
//! history begins with from then on; then the segments before it go, then the snapshots before it. Always holds: at any moment, and
//! after a crash at any moment, the log begins at 0 or at a good snapshot; doing it again comes to the same end.

use super::snapshotter::Keeper;
use super::{Retention, Store, ignore_poison};
use crate::cursors::Cursors;
use crate::error::{Error, Result};
use crate::snapshot::{self, Snapshot};
use crate::state::State;
use std::time::Duration;

/// What compaction came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// The oldest version that is kept.
    pub oldest: u64,
    /// How many bytes of files went.
    pub freed_bytes: u64,
    /// How many segments went.
    pub segments: usize,
    /// How many snapshots went.
    pub snapshots: usize,
    /// The cursor that has come least far, if more was kept for it than was asked for.
    pub held_for: Option<String>,
}

impl<S: State + Default> Store<S> {
    /// Gives up the history before what the store was [asked to keep](super::Options::retention), by whole segments, and what
    /// cursors [hold back](super::Options::hold_for_cursors) not yet.
    ///
    /// Costs a look at the directory if nothing is to go. Otherwise the state at the new beginning (as [`at`](Store::at)), a snapshot of it, a
    /// new segment, and a removal and a sync of the directory for each segment that goes. Others may go on changing and reading
    /// the store; who asks for what went is told [`Error::Compacted`].
    ///
    /// # Errors
    /// [`Error::Damaged`] when the way to the new beginning is, or the file of the cursors: then nothing went. [`Error::Poisoned`], [`Error::Io`]: what went
    /// is gone, the rest is whole.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Options, Retention, Store, Value};
    ///
    /// let options = Options::new().segment_bytes(4096).retention(Retention::Changes(100));
    /// let store: Store<Value> = options.open(dir.path())?;
    /// for n in 0..1000 {
    ///     store.produce(|doc| doc["n"] = n.into())?;
    /// }
    /// let done = store.compact()?;
    /// assert!(done.segments > 0 && done.oldest <= 900);
    /// assert_eq!(store.oldest(), done.oldest);
    /// assert_eq!(store.at(900)?["n"].as_i64(), Some(899));
    /// # Ok(()) }
    /// ```
    pub fn compact(&self) -> Result<Compaction> {
        self.compact_to(self.snapshotter.keeper.kept.retention)
    }

    /// [`compact`](Store::compact), keeping what `retention` says this time.
    ///
    /// # Errors
    /// As `compact`.
    pub fn compact_to(&self, retention: Retention) -> Result<Compaction> {
        self.snapshotter.keeper.compact(retention)
    }
}

impl<S: State + Default> Keeper<S> {
    pub(super) fn compact(&self, retention: Retention) -> Result<Compaction> {
        let (_alone, _cursors) = (ignore_poison(&self.alone), ignore_poison(&self.moving_cursors));
        let bases = self.log.bases();
        let oldest = bases.first().copied().unwrap_or(0);
        let asked = self.beginning(retention, &bases)?.max(oldest);
        let (beginning, held_for) = self.held_back(asked, &bases)?;
        let span = tracing::info_span!("compact", beginning);
        let _entered = span.enter();
        if beginning > oldest {
            self.make_sure_of(beginning)?;
        }
        let gone: Vec<u64> = bases.into_iter().filter(|&base| base < beginning).collect();
        let mut done =
            Compaction { oldest: beginning, segments: gone.len(), held_for, ..Compaction::default() };
        for base in gone {
            done.freed_bytes += self.log.segment_bytes(base)?;
        }
        // Also where nothing is to go: an attempt before this one may have been interrupted.
        self.log.truncate_front(beginning)?;
        self.history.forget_before(beginning);
        self.remove_snapshots_before(beginning, &mut done)?;
        tracing::info!(oldest = done.oldest, freed_bytes = done.freed_bytes, "compacted");
        Ok(done)
    }

    fn remove_snapshots_before(&self, beginning: u64, done: &mut Compaction) -> Result<()> {
        let mut old = self.history.snapshots()?;
        old.retain(|&version| version < beginning);
        for &version in &old {
            let path = snapshot::path_of(&self.history.dir, version);
            done.freed_bytes += snapshot::length(&*self.history.env.disk, &path)?;
        }
        done.snapshots = old.len();
        self.remove(&old)
    }

    /// Where the log is to begin: at the base of the newest segment that leaves all that is to be kept.
    fn beginning(&self, retention: Retention, bases: &[u64]) -> Result<u64> {
        let at_or_before = |version: u64| bases.iter().rfind(|&&base| base <= version).copied().unwrap_or(0);
        match retention {
            Retention::Everything => Ok(0),
            Retention::Changes(count) => Ok(at_or_before(self.log.head().saturating_sub(count))),
            Retention::Age(age) => self.younger_than(age).map(at_or_before),
            Retention::Bytes(bytes) => self.fitting_into(bytes, bases),
        }
    }

    /// Where the log is to begin if cursors are waited for, and the one that is.
    fn held_back(&self, asked: u64, bases: &[u64]) -> Result<(u64, Option<String>)> {
        let cursors = Cursors::read(&*self.history.env.disk, &self.history.dir, self.log.id())?;
        let slowest = cursors.by_name.into_iter().min_by_key(|(_, cursor)| cursor.version);
        let Some((name, cursor)) = slowest.filter(|(_, cursor)| cursor.version < asked) else {
            return Ok((asked, None));
        };
        let (mut beginning, mut bytes) = (asked, 0_u64);
        for &base in bases.iter().rev().skip_while(|&&base| base >= asked) {
            bytes = bytes.saturating_add(self.log.segment_bytes(base)?);
            if beginning <= cursor.version || bytes > self.kept.for_cursors_bytes {
                break;
            }
            beginning = base;
        }
        if beginning > cursor.version {
            tracing::warn!(cursor = name, at = cursor.version, beginning, "a cursor is left behind");
        }
        Ok((beginning, Some(name).filter(|_| beginning < asked)))
    }

    /// The version that the first change made this long before the newest one changed, or a later one.
    fn younger_than(&self, age: Duration) -> Result<u64> {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let since_ms = self.newest_ms().saturating_sub(age_ms);
        match self.history.version_at(since_ms - 1, self.log.head()) {
            Err(Error::BeforeKept { oldest, .. }) => Ok(oldest),
            answer => answer,
        }
    }

    fn fitting_into(&self, bytes: u64, bases: &[u64]) -> Result<u64> {
        let (mut taken, mut beginning) = (0_u64, bases.last().copied().unwrap_or(0));
        for &base in bases.iter().rev().skip(1) {
            taken = taken.saturating_add(self.log.segment_bytes(base)?);
            if taken > bytes {
                break;
            }
            beginning = base;
        }
        Ok(beginning)
    }

    /// A good snapshot of `version` is there when this returns.
    fn make_sure_of(&self, version: u64) -> Result<()> {
        let path = snapshot::path_of(&self.history.dir, version);
        if let Ok(taken) = Snapshot::read(&*self.history.env.disk, &path, version)
            && self.history.flaw_of(&taken.header, self.history.view.records(version)?.chain()).is_none()
        {
            return Ok(());
        }
        self.write(&*self.history.tip_at(version)?).map(drop)
    }
}
