//! Taking in what was made elsewhere: brought over what came since, recorded as it takes effect, and answered for.
//!
//! Leaves deciding to `sequence` and to `merge`. Always: a submission of a writer is recorded once, even if nothing of it takes effect;
//! the answer comes once that is acknowledged.

use super::propose::Proposal;
use super::recent::Recent;
use super::sequence::Decided;
use super::{Commit, Store, ignore_poison};
use crate::draft::Drafted;
use crate::error::{Error, Result};
use crate::history::Tip;
use crate::merge::{Bridge, Entry, Functions, Outcome, Rules, Submission, Window};
use crate::patch::Patch;
use crate::record::{Change, Meta, Note, WriterId};
use crate::state::State;
use crate::value::Value;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// How many changes back a submission may have been made, unless somebody says otherwise.
const WINDOW: usize = 1 << 16;
/// How far ahead a writer's clock is believed, unless somebody says otherwise.
const DRIFT_MS: u64 = 60_000;

/// What a store's options say about merging.
#[derive(Clone, Debug)]
pub(super) struct Arbiter {
    pub(super) functions: Arc<Functions>,
    pub(super) window: usize,
    /// How many times as far back what is made here may be that is placed elsewhere: only who is behind has to look for it.
    pub(super) reach: usize,
    pub(super) drift_ms: u64,
}

impl Arbiter {
    /// How many versions back a submission may have been made.
    pub(super) fn horizon(&self) -> u64 {
        self.window.saturating_mul(self.reach) as u64
    }
}

impl Default for Arbiter {
    fn default() -> Self {
        Arbiter { functions: Arc::default(), window: WINDOW, reach: 1, drift_ms: DRIFT_MS }
    }
}

/// A recipe that can be run again, with what it is to be run with.
pub(super) type Recipe<S> =
    dyn Fn(&mut S, &Value) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync;

/// What a store needs for merging.
pub(super) struct Merging<S> {
    pub(super) arbiter: Arbiter,
    /// The newest changes, once something was merged. Locked while the newest state is.
    pub(super) window: Mutex<Option<Window>>,
    /// The newest changes as they came from elsewhere, for who writes as well.
    pub(super) recent: Mutex<Recent>,
    /// What was proposed here, has its place elsewhere, and is on its way back.
    pub(super) placed: Mutex<Option<Proposal<S>>>,
    /// The newest version that came from elsewhere and was not proposed here, or became something else than was submitted.
    pub(super) otherwise: AtomicU64,
    recipes: Mutex<BTreeMap<String, Arc<Recipe<S>>>>,
}

impl<S> Merging<S> {
    pub(super) fn new(arbiter: Arbiter) -> Self {
        Merging {
            arbiter,
            window: Mutex::default(),
            recent: Mutex::default(),
            placed: Mutex::default(),
            otherwise: AtomicU64::new(0),
            recipes: Mutex::default(),
        }
    }

    pub(super) fn recipe(&self, name: &str) -> Option<Arc<Recipe<S>>> {
        ignore_poison(&self.recipes).get(name).cloned()
    }
}

impl<S> fmt::Debug for Merging<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merging").field("arbiter", &self.arbiter).finish_non_exhaustive()
    }
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The version it made, also if nothing of it took effect; the newest version if there was nothing to record. Of one that was
    /// recorded before and whose record is no longer kept, the oldest version that is.
    pub version: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it met other changes, and what was done there.
    pub notes: Vec<Note>,
    /// Whether it was recorded now: not if the same one was submitted before, or there was nothing to record.
    pub is_new: bool,
}

impl Receipt {
    /// The one for a change that was recorded before.
    #[cfg(feature = "http")]
    pub(crate) fn of_before(change: Change) -> Receipt {
        let merged = change.merged.map(|merged| (merged.outcome, merged.notes));
        let (outcome, notes) = merged.unwrap_or((Outcome::Clean, Vec::new()));
        Receipt { version: change.version, outcome, notes, is_new: false }
    }
}

/// A submission that is decided, as the change that is to be recorded.
pub(super) struct Ready<S> {
    /// All of it but the patch.
    pub(super) change: Change,
    pub(super) drafted: Drafted<Arc<S>>,
    pub(super) bridge: Bridge,
    pub(super) passed: Patch,
    pub(super) receipt: Receipt,
}

pub(super) enum Readied<S> {
    ToRecord(Box<Ready<S>>),
    /// There is nothing to record.
    Nothing(Receipt),
}

/// What would become of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// The version it would be applied to.
    pub head: u64,
    /// What would become of it.
    pub outcome: Outcome,
    /// Where it would meet other changes, and what would be done there.
    pub notes: Vec<Note>,
    /// What would take effect.
    pub patch: Patch,
}

impl<S: State + Default> Store<S> {
    /// Takes in a change that was made elsewhere, on a version its writer knew: led past all that was recorded since, by the
    /// [rules](Store::rules) wherever it meets something. Blocks until that is acknowledged, as [`produce`](Store::produce) does.
    ///
    /// A submission [by](Submission::by) a writer is recorded whatever becomes of it, also if it is refused, and once, however often it
    /// is submitted: by the pair of writer and number, for ever. Its numbers have no gaps. One by nobody is recorded if it changes
    /// something.
    ///
    /// Costs what `produce` costs, and looking for what it meets: O(operations * path length), however many changes came since. What
    /// it meets costs that much again; rules that make a value of both sides cost O(state) for typed states. The first one of a
    /// session reads what came since from the log; a sync if some of that is not on the disk yet.
    ///
    /// # Errors
    /// [`Error::TooOld`] when it was made too many versions back, [`Error::BeyondHead`] when its version does not exist,
    /// [`Error::SequenceGap`] when one before it is missing, [`Error::WriterClash`] when another one has its number: nothing changed.
    /// Otherwise as `produce`. That it is refused by a rule is no error.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::merge::{Outcome, Submission};
    /// use redraft::{Store, Value, draft, value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// let base = store.produce(|doc| doc["list"] = value!(["a", "b"]))?;
    /// // Somebody elsewhere appends; meanwhile something comes in front.
    /// let theirs = draft(&**base.state(), |doc| doc["list"].as_list_mut().unwrap().push("c"))?;
    /// store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "x"))?;
    ///
    /// let submission = Submission::new(base.version(), theirs.patch).by("4d2".parse()?, 1);
    /// let receipt = store.merge(&submission)?;
    /// assert_eq!(receipt.outcome, Outcome::Rebased);
    /// assert_eq!(store.state()["list"], value!(["x", "a", "b", "c"]));
    /// assert_eq!(store.merge(&submission)?.version, receipt.version); // nothing new
    /// # Ok(()) }
    /// ```
    pub fn merge(&self, submission: &Submission) -> Result<Receipt> {
        self.merge_on(None, submission)
    }

    /// [`merge`](Store::merge), only if a version is still the newest one; whoever asked again for what was done before is answered anyway.
    ///
    /// # Errors
    /// [`Error::Outdated`] if it is not, once what was faster is acknowledged. Otherwise as `merge`.
    pub(crate) fn merge_on(&self, head: Option<u64>, submission: &Submission) -> Result<Receipt> {
        let placed = self.place_merged(head, submission);
        if let Err(Error::Outdated { head, .. }) = placed {
            self.settle(head)?;
        }
        let receipt = placed?;
        self.settle(receipt.version).map_err(|error| error.pending(receipt.version))?;
        Ok(receipt)
    }

    /// [`merge`](Store::merge) of many, in order, with one sync for all. Those behind one that fails are not looked at; those before it
    /// are recorded.
    ///
    /// # Errors
    /// As `merge`, of the first that fails.
    pub fn merge_all<'s>(
        &self,
        submissions: impl IntoIterator<Item = &'s Submission>,
    ) -> Result<Vec<Receipt>> {
        let (receipts, failed) = self.merge_up_to_one_that_fails(submissions)?;
        failed.map_or(Ok(receipts), Err)
    }

    /// [`merge_all`](Store::merge_all) for who wants to hear of those before one that fails, too.
    pub(crate) fn merge_up_to_one_that_fails<'s>(
        &self,
        submissions: impl IntoIterator<Item = &'s Submission>,
    ) -> Result<(Vec<Receipt>, Option<Error>)> {
        let mut receipts: Vec<Receipt> = Vec::new();
        let failed = submissions.into_iter().try_for_each(|submission| {
            receipts.push(self.place_merged(None, submission)?);
            Ok(())
        });
        if let Some(last) = receipts.iter().map(|receipt| receipt.version).max() {
            self.settle(last).map_err(|error| error.pending(last))?;
        }
        Ok((receipts, failed.err()))
    }

    /// What [`merge`](Store::merge) would do now, without doing it. Costs the same, but for the record and the sync.
    ///
    /// # Errors
    /// As `merge`. One that was recorded before is told as [`Error::WriterClash`].
    pub fn preview(&self, submission: &Submission) -> Result<Preview> {
        let newest = self.lock_newest()?;
        if let Some((writer, sequence)) = submission.by
            && sequence <= newest.sequence_of(writer)
        {
            return Err(Error::WriterClash { writer, sequence, version: None });
        }
        let decided = self.decided(&newest, submission)?;
        let patch = decided.drafted.map_or_else(Patch::default, |drafted| drafted.patch);
        Ok(Preview { head: newest.version, outcome: decided.outcome, notes: decided.notes, patch })
    }

    /// What is done where changes meet that were made at the same time. O(1).
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.published.tip().ledger.rules)
    }

    /// Sets what is done where changes meet, for all that is merged from now on. The rules are part of the history: every
    /// replica has them, and goes on with them should it become the primary. Records a change that changes nothing else; nothing if
    /// these are the rules. Blocks until that is acknowledged.
    ///
    /// # Errors
    /// As [`produce`](Store::produce).
    pub fn set_rules(&self, rules: Rules) -> Result<u64> {
        let mut newest = self.lock_newest()?;
        if *newest.ledger.rules == rules {
            return Ok(newest.version);
        }
        let change = self.change_after(&newest, Meta::label("rules for merging"), None);
        let change = Change { rules: Some(Arc::new(rules)), ..change };
        let drafted = self.complete_recorded(&newest, unchanged(&newest))?;
        let version = self.log_change(&mut newest, change, drafted)?.version;
        drop(newest);
        self.settle(version).map_err(|error| error.pending(version))?;
        Ok(version)
    }

    /// Makes a recipe known, for submissions that name it and meet something where the policy is to run it again
    /// ([`Policy::Rebase`](crate::merge::Policy::Rebase)). One of the same name is replaced. O(1).
    pub fn recipe<E: Into<Box<dyn StdError + Send + Sync>>>(
        &self,
        name: impl Into<String>,
        recipe: impl Fn(&mut S, &Value) -> Result<(), E> + Send + Sync + 'static,
    ) {
        let recipe = move |state: &mut S, args: &Value| recipe(state, args).map_err(Into::into);
        ignore_poison(&self.merging.recipes).insert(name.into(), Arc::new(recipe));
    }

    /// Gives a submission its place in the order; nothing is durable yet.
    fn place_merged(&self, on: Option<u64>, submission: &Submission) -> Result<Receipt> {
        let mut newest = self.lock_newest()?;
        if let Some((writer, sequence)) = submission.by
            && let Some(receipt) = self.known(&newest, submission, writer, sequence)?
        {
            return Ok(receipt);
        }
        if on.is_some_and(|version| version != newest.version) {
            return Err(Error::Outdated { base: on, head: newest.version });
        }
        let decided = self.decided(&newest, submission)?;
        self.record_merged(&mut newest, submission, decided)
    }

    fn record_merged(
        &self,
        newest: &mut Arc<Tip<S>>,
        submission: &Submission,
        decided: Decided<S>,
    ) -> Result<Receipt> {
        let Ready { change, drafted, bridge, passed, receipt } =
            match self.made_ready(newest, submission, decided)? {
                Readied::ToRecord(ready) => *ready,
                Readied::Nothing(receipt) => return Ok(receipt),
            };
        let before = Arc::clone(&newest.state);
        let commit: Commit<S> = self.log_change(newest, change, drafted)?;
        self.after_merged(&before, newest.version, submission.writer(), &commit.patch, (bridge, &passed));
        Ok(receipt)
    }

    /// What a submission comes to, completed and told, as a change on `newest`.
    pub(super) fn made_ready(
        &self,
        newest: &Arc<Tip<S>>,
        submission: &Submission,
        decided: Decided<S>,
    ) -> Result<Readied<S>> {
        let Decided { drafted, outcome, notes, mut merged, bridge, passed } = decided;
        let drafted = drafted.unwrap_or_else(|| unchanged(newest));
        if submission.by.is_none() && drafted.patch.is_empty() {
            let version = newest.version;
            return Ok(Readied::Nothing(Receipt { version, outcome, notes, is_new: false }));
        }
        let drafted = self.complete_recorded(newest, drafted)?;
        if drafted.patch != passed {
            // They are those of another patch.
            merged.behind.clear();
        }
        if drafted.patch != submission.patch {
            merged.original = Some(submission.patch.clone());
        }
        let mut change = self.change_after(newest, submission.meta.clone(), None);
        if let Some((writer, sequence)) = submission.by {
            (change.writer, change.sequence) = (writer, sequence);
        }
        change.base = submission.base;
        change.merged = Some(Box::new(merged));
        let receipt = Receipt { version: change.version, outcome, notes, is_new: true };
        Ok(Readied::ToRecord(Box::new(Ready { change, drafted, bridge, passed, receipt })))
    }

    /// The answer to a submission that was recorded before; nothing if it comes next.
    pub(super) fn known(
        &self,
        newest: &Tip<S>,
        submission: &Submission,
        writer: WriterId,
        sequence: u64,
    ) -> Result<Option<Receipt>> {
        let last = newest.sequence_of(writer);
        if writer == self.writer(newest) || writer == WriterId::of(self.id()) {
            return Err(Error::WriterClash { writer, sequence, version: None });
        }
        match sequence {
            0 => Err(Error::SequenceGap { writer, expected: last + 1, found: 0 }),
            known if known <= last => self.recorded_before(newest, submission, writer, sequence).map(Some),
            next if next == last + 1 => Ok(None),
            found => Err(Error::SequenceGap { writer, expected: last + 1, found }),
        }
    }

    fn recorded_before(
        &self,
        newest: &Tip<S>,
        submission: &Submission,
        writer: WriterId,
        sequence: u64,
    ) -> Result<Receipt> {
        self.must_be_logged(newest.version)?;
        let oldest = self.oldest();
        let is_it = |change: &Change| change.writer == writer && change.sequence == sequence;
        let known = ignore_poison(&self.merging.window)
            .as_ref()
            .and_then(|window| window.version_of(writer, sequence));
        let from = known.map_or(submission.base, |version| version - 1);
        let mut records = self.history.view.records(from.clamp(oldest, newest.version))?;
        while let Some(frame) = records.next_record()? {
            let Some(change) = crate::history::decode_if(&frame, is_it)? else { continue };
            let version = change.version;
            let merged = change.merged.unwrap_or_else(|| Box::new(super::sequence::as_it_was(change.stamp)));
            // A clock that was too far ahead was set back.
            if submission.written.is_some_and(|written| written < merged.written) {
                return Err(Error::WriterClash { writer, sequence, version: Some(version) });
            }
            return Ok(Receipt { version, outcome: merged.outcome, notes: merged.notes, is_new: false });
        }
        let outcome = Outcome::Clean;
        Ok(Receipt { version: oldest, outcome, notes: Vec::new(), is_new: false })
    }

    /// Every change that gets its place is noticed, once something was merged. It has its place by then, so nothing may fail: what cannot
    /// be told of it is read from the log when it is asked for.
    pub(super) fn notice(&self, newest: &Tip<S>, change: &Change) {
        let mut window = ignore_poison(&self.merging.window);
        let Some(known) = window.as_mut() else { return };
        match self.entry_of(newest, change) {
            Ok(entry) if known.head() + 1 == change.version => known.push(entry, self.merging.arbiter.window),
            _ => *window = None,
        }
    }

    /// What the first change says is held against what the type begins with: it says all, and most of that is nothing new.
    pub(super) fn entry_of(&self, after: &Tip<S>, change: &Change) -> Result<Entry> {
        let mut entry = Entry::of(change);
        let overwrites = change.patch.first().is_some_and(|op| op.path.is_root());
        if change.version == 1 && overwrites {
            let first = if after.version == 1 { Arc::clone(&after.state) } else { self.history.at(1)? };
            entry.patch = crate::draft::diff(&S::default().to_value(), &first.to_value())?.0;
        }
        Ok(entry)
    }
}

pub(super) fn unchanged<S: State>(newest: &Tip<S>) -> Drafted<Arc<S>> {
    Drafted { state: Arc::clone(&newest.state), patch: Patch::new(), inverse: Patch::new() }
}
