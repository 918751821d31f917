//! Merging what grew apart: the changes of one store, since it and another had the same history, taken into the other.
//!
//! Each is a submission to [`Store::merge`], which decides. All of one store are by one writer that stands for it, since each of them saw
//! those before it, whoever made them. Always: how manieth it is after the last common version is its number, so that it is taken
//! once, however often the two are merged.

use super::{Reader, Receipt, Store};
use crate::error::{Error, Result};
use crate::history::{change_at, decode};
use crate::layout::edition_of;
use crate::log;
use crate::merge::{Outcome, Seen, Submission};
use crate::patch::Patch;
use crate::record::{Change, WriterId};
use crate::state::State;
use crate::value;

/// Under which tags a change that was taken from another store keeps who made it, and which version it made there.
const FROM_WRITER: &str = "from.writer";
const FROM_VERSION: &str = "from.version";
/// So many are held in memory, and share a sync.
const BATCH: usize = 1_000;

/// What merging two stores came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reunion {
    /// The newest version that both have in common.
    pub base: u64,
    /// What was taken now: the version that a change had made in the other store, and what became of it here.
    pub taken: Vec<(u64, Receipt)>,
}

impl<S: State + Default> Store<S> {
    /// Takes in what another store has and this one has not, if the two were one once: a [fork](Store::fork) of this one, what this one
    /// was forked from, another fork of the same, or a copy. Each change since the last common version is
    /// [merged](Store::merge) by the [rules](Store::rules) of this store, in the order it has there. The other one is only read; to have it take in what is
    /// here, merge the other way round.
    ///
    /// Doing it again takes what is new there since. What came from here is not taken back, nor what both took from elsewhere: a
    /// change of nothing stands for each of these, once there is something behind it to take. Labels and tags stay; who made a change, and which version it made there, are in the
    /// tags `from.writer` and `from.version`. Rules and migrations are not taken over.
    ///
    /// Costs finding the last common version, a few looks at either; reading what came since there; and what `merge` costs for each,
    /// with a sync for a thousand of them.
    ///
    /// # Errors
    /// [`Error::Foreign`] when they never were one store; [`Error::Compacted`] when what they have in common was given up,
    /// [`Error::TooOld`] when it is too many versions back; [`Error::Diverged`] when something was redacted in one of them only;
    /// [`Error::Misfit`] when they are of different schemas. Otherwise as `merge`: what was taken before stays, and doing it again goes on.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (path, other) = (dir.path().join("notes"), dir.path().join("other"));
    /// use redraft::{Reader, Store, Value, value};
    ///
    /// let store = Store::<Value>::open(&path)?;
    /// store.produce(|doc| *doc = value!({ "list": ["a"] }))?;
    /// store.fork(1, &other)?;
    /// let fork = Store::<Value>::open(&other)?;
    /// fork.produce(|doc| doc["list"].as_list_mut().unwrap().push("b"))?;
    /// store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "x"))?;
    ///
    /// let merged = store.reunite(&Reader::<Value>::open(&other)?)?;
    /// assert_eq!((merged.base, merged.taken.len()), (1, 2)); // that it is a fork is a change too
    /// assert_eq!(store.state()["list"], value!(["x", "a", "b"]));
    /// assert!(store.reunite(&Reader::<Value>::open(&other)?)?.taken.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn reunite<T: State + Default>(&self, other: &Reader<T>) -> Result<Reunion> {
        self.sync()?;
        let (theirs, head) = (&other.history.view, other.version());
        let base = self.last_common(other)?;
        let mut reunion = Reunion { base, taken: Vec::new() };
        if base == head {
            return Ok(reunion);
        }
        let mut taking = self.taking(theirs, base)?;
        let mut records = theirs.records(base)?;
        // Those that stand for nothing go along with the next one that says something: by themselves they would be taken for ever, to and fro.
        let (mut batch, mut ready): (Vec<(u64, Submission)>, usize) = (Vec::new(), 0);
        for version in base + 1..=head {
            let Some(frame) = records.next_record()? else { break };
            let change = decode(&frame)?;
            // What became otherwise of a change than its maker believes has to be told there, also where that is nothing new here.
            let is_otherwise = change.merged.as_ref().is_some_and(|merged| merged.outcome != Outcome::Clean);
            if let Some(mut submission) = taking.submission(change) {
                let says_something = !submission.patch.is_empty() || is_otherwise;
                if says_something {
                    // Not all of what it saw was brought over as it was there.
                    submission.seen = Seen::of(other.history.at(version - 1)?);
                }
                batch.push((version, submission));
                ready = if says_something { batch.len() } else { ready };
            }
            if ready >= BATCH || version == head {
                self.take(&batch[..ready], &mut reunion)?;
                batch.drain(..std::mem::take(&mut ready));
            }
        }
        Ok(reunion)
    }

    fn take(&self, submissions: &[(u64, Submission)], reunion: &mut Reunion) -> Result<()> {
        for batch in submissions.chunks(BATCH) {
            let receipts = self.merge_all(batch.iter().map(|(_, submission)| submission))?;
            reunion.taken.extend(batch.iter().map(|(version, _)| *version).zip(receipts));
        }
        Ok(())
    }

    /// The newest version at which both have the same history.
    fn last_common<T: State + Default>(&self, other: &Reader<T>) -> Result<u64> {
        let (here, theirs) = (&self.history.view, &other.history.view);
        if self.id() != other.id() {
            return Err(Error::Foreign { expected: self.id(), found: other.id() });
        }
        if self.schema() != other.schema() {
            let (ours, found) = (self.schema(), other.schema());
            let reason =
                format!("it is of schema {found}, and this store of {ours}; migrate the older one first");
            return Err(Error::Misfit { version: other.version(), path: value::Path::root(), reason });
        }
        let (replica_head, source_head) = (self.log.head(), other.version());
        let (oldest, common) = (self.oldest().max(other.oldest()?), replica_head.min(source_head));
        if oldest > common {
            return Err(Error::Compacted { version: common, oldest });
        }
        let is_made_anew = edition_of(self.log.epoch()) != edition_of(theirs.header()?.epoch);
        if is_made_anew || here.chain_at(oldest)? != theirs.chain_at(oldest)? {
            return Err(Error::Diverged { offset: oldest, source_head, replica_head });
        }
        let theirs_at = |offset| theirs.chain_at(offset);
        Ok(here.first_difference(theirs_at, oldest, common)?.unwrap_or(common))
    }

    fn taking(&self, theirs: &log::Reader, base: u64) -> Result<Taking> {
        let newest = self.published.tip();
        let writer = stand_in(theirs, base)?;
        let ours = if base < self.log.head() { Some(stand_in(&self.history.view, base)?) } else { None };
        let done = newest.sequence_of(writer);
        Ok(Taking { base, writer, ours, done, seen: base, sequences: newest.ledger.sequences.clone() })
    }
}

/// The writer that stands for one side of two that grew apart at a version: told by the first change it made alone.
fn stand_in(view: &log::Reader, base: u64) -> Result<WriterId> {
    let first = change_at(view, base)?.writer.0;
    let place = (u64::from(view.chain_at(base + 1)?) << 32) ^ base;
    Ok(WriterId(mixed(first ^ mixed(place))))
}

/// A number of which every bit depends on every bit of another one, and no two of which are the same (SplitMix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The changes of the other store, one after the other, as they are to be submitted.
struct Taking {
    base: u64,
    /// Who stands for the other store here.
    writer: WriterId,
    /// Who stands for this store there.
    ours: Option<WriterId>,
    /// So many were taken before.
    done: u64,
    /// The newest version of this store that the other one knew by then.
    seen: u64,
    sequences: std::collections::BTreeMap<WriterId, u64>,
}

impl Taking {
    /// Nothing for one that was taken before.
    fn submission(&mut self, change: Change) -> Option<Submission> {
        let is_ours = self.ours == Some(change.writer);
        if is_ours {
            let version = change.meta.tags.get(FROM_VERSION).and_then(|text| text.parse().ok());
            self.seen = self.seen.max(version.unwrap_or(0));
        }
        let number = change.version - self.base;
        if number <= self.done {
            return None;
        }
        let says_nothing = is_ours || change.is_fork || self.is_here(&change);
        let patch = if says_nothing { Patch::new() } else { change.patch };
        let written = change.merged.map_or(change.stamp, |merged| merged.written);
        let author = change.meta.tags.get(FROM_WRITER).cloned();
        let author = author.unwrap_or_else(|| change.writer.to_string());
        let meta = change.meta.tag(FROM_WRITER, author).tag(FROM_VERSION, change.version.to_string());
        Some(Submission::new(self.seen, patch).by(self.writer, number).written(written).meta(meta))
    }

    /// Whether both took it from the same writer elsewhere.
    fn is_here(&self, change: &Change) -> bool {
        let known = self.sequences.get(&change.writer).copied().unwrap_or(0);
        change.merged.is_some() && known >= change.sequence
    }
}
