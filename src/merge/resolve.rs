//! Bringing a submission over what its writer had not seen, by the rules.
//!
//! Led past one change after the other; wherever only one of two operations can have its way, `verdict` says which, and what is to be
//! made of both is put aside as an `extra` until the rest is done. Leaves the log, the clock and types to `store`. Always: the answer
//! depends on its arguments alone.

use super::bridge::Ahead;
use super::combine::{Combiner, Refused};
use super::extra::{Extra, Growing, Kind};
use super::function::Functions;
use super::standing::Standing;
use super::submission::Submission;
use super::verdict::{Pair, Verdict};
use super::views::{UNFIT_MAX, Views};
use super::window::{Entry, Window};
use crate::error::Result;
use crate::op::{Action, Op, Patch};
use crate::patch::{self, Contest, Led, Step, carried, carried_back, lead, steps, without};
use crate::record::{Note, Refusal, Resolution, Stamp};
use crate::rules::{Policy, Rules};
use crate::value::{Path, Segment};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A submission, and all that has a say in what becomes of it.
pub(crate) struct Case<'c> {
    pub(crate) submission: &'c Submission,
    /// When it was written, as far as that is believed.
    pub(crate) written: Stamp,
    pub(crate) rules: &'c Rules,
    pub(crate) functions: &'c Functions,
    pub(crate) window: &'c Window,
    /// What it is to be led over.
    pub(crate) ahead: &'c Ahead,
    pub(crate) views: &'c Views<'c>,
}

/// What becomes of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// This, of the newest state.
    Patch(Patch, Vec<Note>),
    /// Nothing, and why.
    Refused(Refused, Vec<Note>),
    /// Whatever its recipe makes of the newest state.
    Rerun(Vec<Note>),
}

struct Resolving<'c> {
    case: &'c Case<'c>,
    /// What is left of the submission, as it reads after what it was led past so far.
    run: Vec<Step>,
    extras: Vec<Extra>,
    notes: Vec<Note>,
    /// What it was led past.
    behind: Vec<&'c [Step]>,
}

/// Why there is nothing to go on with.
enum Stop {
    Refused(Refused),
    Rerun,
}

impl Stop {
    /// What it means for the operation that led to it.
    fn resolution(&self) -> Resolution {
        match self {
            Stop::Refused(_) => Resolution::Dropped,
            Stop::Rerun => Resolution::Combined,
        }
    }
}

/// Brings a submission over all it has not seen. Costs what it meets; O(state) of typed states, and the way to older ones, where values
/// have to be made of both sides.
pub(crate) fn resolve(case: &Case<'_>) -> Result<Resolved> {
    let run = steps(&case.submission.patch);
    let (notes, behind) = (Vec::with_capacity(case.ahead.len()), Vec::with_capacity(case.ahead.len()));
    let mut resolving = Resolving { case, run, extras: Vec::new(), notes, behind };
    for (version, item) in case.ahead {
        match resolving.meet(*version, item)? {
            None => {}
            Some(Stop::Rerun) => return Ok(Resolved::Rerun(resolving.notes)),
            Some(Stop::Refused(why)) => return Ok(Resolved::Refused(why, resolving.notes)),
        }
    }
    resolving.finish()
}

fn ops(steps: &[Step]) -> impl DoubleEndedIterator<Item = &Op> {
    steps.iter().map(|step| &step.op)
}

fn first_of(steps: &[Step], origin: usize) -> Option<(usize, &Op)> {
    steps.iter().enumerate().find(|(_, step)| step.origin == origin).map(|(at, step)| (at, &step.op))
}

impl<'c> Resolving<'c> {
    /// Leads what is left past the next change. Each time something is taken out because of it, once more without that.
    fn meet(&mut self, version: u64, item: &'c [Step]) -> Result<Option<Stop>> {
        let (mut known, before) = (BTreeSet::new(), self.extras.len());
        loop {
            let Led { later, contests, .. } = lead(item, self.run.clone());
            let mut out = BTreeMap::new();
            let opponent = if contests.is_empty() { None } else { Some(self.opponent(version)?) };
            // The next one of this writer need not ask once more who that was.
            let met = opponent.map_or(version, |opponent| opponent.version);
            for (op_index, policy, judged) in self.judge_all(opponent, item, &contests, &mut known)? {
                match judged {
                    Judged::Stop(stop) => {
                        self.note(op_index, met, &policy, stop.resolution());
                        return Ok(Some(stop));
                    }
                    Judged::Stays(found) => self.take(found),
                    Judged::Out(gone, found) => {
                        out.extend(gone.into_iter().map(|origin| (origin, policy.clone())));
                        self.take(found);
                    }
                }
            }
            if out.is_empty() {
                self.run = later;
                self.carry_extras(before, version, item);
                self.behind.push(item);
                return Ok(None);
            }
            self.take_out(met, &out);
        }
    }

    /// What is said of all that stand against each other, and were not judged before.
    fn judge_all(
        &self,
        opponent: Option<Opponent>,
        item: &[Step],
        contests: &[Contest],
        known: &mut BTreeSet<(usize, usize)>,
    ) -> Result<Vec<(usize, Policy, Judged)>> {
        let Some(opponent) = opponent else { return Ok(Vec::new()) };
        let (rules, is_newer) = (self.case.rules, opponent.is_older);
        let mut all = Vec::with_capacity(contests.len());
        for &contest in contests.iter().filter(|contest| known.insert((contest.earlier, contest.later))) {
            let both = first_of(item, contest.earlier).zip(first_of(&self.run, contest.later));
            let Some((logged, mine)) = both else { continue };
            let pair = Pair { rules, logged: logged.1, submitted: mine.1, contest, is_newer };
            let (met, verdict) =
                (Met { version: opponent.version, item, logged, mine, pair }, pair.verdict());
            if opponent.is_somebody || *pair.policy() == Policy::Counter {
                all.push((contest.later, pair.policy().clone(), self.judge(&met, verdict)?));
            }
        }
        Ok(all)
    }

    /// Whose change it is that is being met. Where the writer's own one was corrected, that of whoever had their way there: it may be older than
    /// what is remembered, and the rules have their say all the same, also where nobody can tell whose it was.
    fn opponent(&self, mut version: u64) -> Result<Opponent> {
        loop {
            let entry = match self.case.window.entry(version) {
                Some(entry) => Some(Cow::Borrowed(entry)),
                None => (self.case.views.change)(version)?.map(Cow::Owned),
            };
            let Some(entry) = entry else { return Ok(Opponent::unknown(version, true)) };
            let is_own = Some(entry.writer) == self.case.submission.writer();
            match entry.met {
                _ if !is_own => {
                    let is_older = self.is_newer_than(&entry);
                    return Ok(Opponent { version, is_older, is_somebody: true });
                }
                Some(met) if met < version => version = met,
                _ => return Ok(Opponent::unknown(version, entry.is_lost_to_somebody)),
            }
        }
    }

    fn take_out(&mut self, version: u64, out: &BTreeMap<usize, Policy>) {
        let (run, needed) = without(std::mem::take(&mut self.run), |origin| out.contains_key(&origin));
        self.run = run;
        let policy = out.values().next().cloned().unwrap_or_default();
        for op_index in needed {
            self.note(op_index, version, &policy, Resolution::Dropped);
        }
    }

    fn take(&mut self, found: Found) {
        self.extras.extend(found.extra);
        self.notes.extend(found.note);
    }

    fn note(&mut self, op_index: usize, met: u64, policy: &Policy, resolution: Resolution) {
        self.notes.push(Note { op_index, met, policy: policy.clone(), resolution });
    }

    /// Of two that were written at the same time the greater writer's is the newer one.
    fn is_newer_than(&self, entry: &Entry) -> bool {
        let (writer, sequence) = self.case.submission.by.unwrap_or_default();
        (self.case.written, writer, sequence) > (entry.written, entry.writer, entry.sequence)
    }

    fn judge(&self, met: &Met<'_>, verdict: Verdict) -> Result<Judged> {
        let op_index = met.pair.contest.later;
        let note = |resolution| {
            let (met, policy) = (met.version, met.pair.policy().clone());
            Found { note: Some(Note { op_index, met, policy, resolution }), extra: None }
        };
        Ok(match verdict {
            Verdict::Won => Judged::Stays(note(Resolution::Won)),
            Verdict::Agreed => Judged::Stays(self.agreed(met)),
            Verdict::Dropped => Judged::Out(vec![op_index], note(Resolution::Dropped)),
            Verdict::Refused => Judged::Stop(Stop::Refused(met.refusal())),
            Verdict::Rerun => Judged::Stop(Stop::Rerun),
            Verdict::Layered => Judged::Stays(self.extra(met, met.logged_after(), Kind::Head)),
            Verdict::Kept => {
                let at = self.made(op_index, met.mine.1.path.len());
                let kind = at.map(|at| Kind::Made { at });
                Judged::Out(
                    vec![op_index],
                    self.extra_or_dropped(met, self.mine_after(met, met.mine.1.path.len()), kind),
                )
            }
            Verdict::Restored => Judged::Out(vec![op_index], self.restoring(met)?),
            Verdict::Combined(place) => self.combining(met, &place),
        })
    }

    /// Something to be done at a place; dropped if that is gone.
    fn extra(&self, met: &Met<'_>, place: Option<Path>, kind: Kind) -> Found {
        self.extra_or_dropped(met, place, Some(kind))
    }

    fn extra_or_dropped(&self, met: &Met<'_>, place: Option<Path>, kind: Option<Kind>) -> Found {
        let (op_index, version, policy) = (met.pair.contest.later, met.version, met.pair.policy().clone());
        match (place, kind) {
            (Some(place), Some(kind)) => {
                Found { note: None, extra: Some(Extra { op_index, met: version, policy, place, kind }) }
            }
            _ => {
                let resolution = Resolution::Dropped;
                Found { note: Some(Note { op_index, met: version, policy, resolution }), extra: None }
            }
        }
    }

    fn combining(&self, met: &Met<'_>, place: &Path) -> Judged {
        let (op_index, mine) = (met.pair.contest.later, met.mine.1);
        let is_newer = met.pair.is_newer;
        if mine.path.starts_with(place) {
            // All that the submission does there comes out of the run: it is part of what it made.
            let there = |step: &&Step| step.op.path.starts_with(place);
            let gone = self.run.iter().filter(there).map(|step| step.origin).chain([op_index]).collect();
            let (seen, made) = (self.seen(op_index, place.len()), self.made(op_index, place.len()));
            let kind = seen.zip(made).map(|(seen, made)| Kind::Combine { seen, made, is_newer });
            return Judged::Out(gone, self.extra_or_dropped(met, self.mine_after(met, place.len()), kind));
        }
        let short = |path: Path| path.iter().take(place.len()).cloned().collect::<Path>();
        let seen = met.logged_before().and_then(|before| self.seen_from(&before)).map(short);
        let made = seen.as_ref().and_then(|seen| carried(seen, &*self.case.submission.patch));
        let kind = seen.zip(made).map(|(seen, made)| Kind::Combine { seen, made, is_newer });
        match kind {
            Some(kind) => Judged::Stays(self.extra(met, met.logged_after().map(short), kind)),
            None => Judged::Stays(Found::default()),
        }
    }

    fn restoring(&self, met: &Met<'_>) -> Result<Found> {
        let depth = match &met.logged.1.action {
            Action::Splice { .. } => met.logged.1.path.len() + 1,
            _ => met.logged.1.path.len(),
        };
        let mine = met.mine.1;
        let Some(before) = carried_back(&mine.path, ops(&self.run[..met.mine.0])) else {
            return Ok(self.extra_or_dropped(met, None, None));
        };
        let root: Path = before.iter().take(depth).cloned().collect();
        let document = (self.case.views.before)(met.version)?;
        let (old, standing) = (document.at_path(&root).cloned(), Standing::of(&document, &root));
        let beneath: Vec<Segment> = mine.path.iter().skip(depth).cloned().collect();
        let kind = Kind::Restore { old, standing, beneath, action: mine.action.clone() };
        Ok(self.extra(met, Some(root), kind))
    }

    /// The place of a submitted operation, or one above it, behind the change it met.
    fn mine_after(&self, met: &Met<'_>, length: usize) -> Option<Path> {
        let place: Path = met.mine.1.path.iter().take(length).cloned().collect();
        carried(&carried_back(&place, ops(&self.run[..met.mine.0]))?, ops(met.item))
    }

    /// The same in the state that the writer saw.
    fn seen(&self, op_index: usize, length: usize) -> Option<Path> {
        let patch = &self.case.submission.patch;
        carried_back(&self.original(op_index, length)?, patch[..op_index].iter())
    }

    /// The same in the state that the writer made.
    fn made(&self, op_index: usize, length: usize) -> Option<Path> {
        carried(&self.original(op_index, length)?, self.case.submission.patch.get(op_index + 1..)?)
    }

    fn original(&self, op_index: usize, length: usize) -> Option<Path> {
        Some(self.case.submission.patch.get(op_index)?.path.iter().take(length).cloned().collect())
    }

    /// A place before the change that is being met, in the state that the writer saw.
    fn seen_from(&self, place: &Path) -> Option<Path> {
        self.behind.iter().rev().try_fold(place.clone(), |place, item| carried_back(&place, ops(item)))
    }

    /// What was put aside before goes along; what a later change takes away or overwrites goes with that.
    fn carry_extras(&mut self, known: usize, version: u64, item: &[Step]) {
        let newer = self.case.window.entry(version).is_some_and(|entry| self.is_newer_than(entry));
        let late = self.extras.split_off(known);
        for mut extra in std::mem::take(&mut self.extras) {
            let covered = ops(item).any(|op| covers(op, &extra, newer));
            if let Kind::Agreed { is_overwritten, .. } = &mut extra.kind
                && ops(item).any(|op| overwrites(op, &extra.place, &extra.policy, newer))
            {
                *is_overwritten = true;
                extra.met = version;
            }
            match carried(&extra.place, ops(item)) {
                Some(place) if !covered => {
                    extra.place = place;
                    self.extras.push(extra);
                }
                _ => self.note(extra.op_index, version, &extra.policy, Resolution::Dropped),
            }
        }
        self.extras.extend(late);
    }

    /// Both wrote the same to one place.
    fn agreed(&self, met: &Met<'_>) -> Found {
        let (policy, is_newer, place) = (met.pair.policy(), met.pair.is_newer, &met.logged.1.path);
        let counts_by_time_or_order = matches!(policy, Policy::LastAppended | Policy::LastWritten);
        let is_overwritten =
            ops(&met.item[met.logged.0 + 1..]).any(|op| overwrites(op, place, policy, is_newer));
        let (op_index, length) = (met.pair.contest.later, met.mine.1.path.len());
        let both = self.mine_after(met, length).zip(self.made(op_index, length));
        match both.filter(|_| counts_by_time_or_order) {
            Some((place, at)) => {
                let kind = Kind::Agreed { at, is_newer, is_overwritten };
                self.extra(met, Some(place), kind)
            }
            None => Found::default(),
        }
    }

    fn finish(mut self) -> Result<Resolved> {
        let head = self.case.views.head().clone();
        let mut left_out = 0;
        let document = loop {
            match patch::apply(&head, &ops(&self.run).cloned().collect()) {
                Ok(applied) => break applied.state,
                Err(refused) if left_out >= UNFIT_MAX => {
                    return Ok(Resolved::Refused((Refusal::Inapplicable, refused.to_string()), self.notes));
                }
                Err(refused) => self.drop_unfit(refused.op_index),
            }
            left_out += 1;
        };
        let combiner = Combiner { rules: self.case.rules, functions: self.case.functions, is_newer: true };
        let done = ops(&self.run).cloned().collect();
        let (views, notes) = (self.case.views, std::mem::take(&mut self.notes));
        let mut growing = Growing { views, combiner, document, done, notes, restored: BTreeMap::new() };
        // What is layered goes on top.
        self.extras.sort_by_key(|extra| !matches!(extra.kind, Kind::Agreed { .. }));
        for extra in &self.extras {
            if let Err(refused) = growing.grow(extra)? {
                return Ok(Resolved::Refused(refused, growing.notes));
            }
        }
        let mut notes = growing.notes;
        // Of an operation that had its way with one of a change and not with another, that it is gone is what counts.
        notes.sort_by_key(|note| (note.op_index, note.met, note.resolution != Resolution::Dropped));
        notes.dedup_by_key(|note| (note.op_index, note.met));
        Ok(Resolved::Patch(growing.done.into(), notes))
    }

    /// What no longer fits the newest state is left out.
    fn drop_unfit(&mut self, op_index: usize) {
        let unfit = self.run.get(op_index).map(|step| step.origin);
        let (run, needed) = without(std::mem::take(&mut self.run), |origin| Some(origin) == unfit);
        self.run = run;
        for op_index in unfit.into_iter().chain(needed) {
            self.note(op_index, 0, &Policy::LastAppended, Resolution::Dropped);
        }
    }
}

/// Whether an operation takes away what was put aside, or overwrites it, and counts; `newer` says that it was written before that.
fn covers(op: &Op, extra: &Extra, newer: bool) -> bool {
    let by_time = extra.policy == Policy::LastWritten;
    let (is_here, removes) = (op.path == extra.place, matches!(op.action, Action::Remove));
    let counts = match extra.kind {
        Kind::Made { .. } if removes => !(is_here && by_time && newer),
        Kind::Made { .. } => by_time && !newer,
        Kind::Agreed { .. } if by_time => !newer || removes && !is_here,
        Kind::Agreed { .. } => !is_here,
        _ => false,
    };
    counts
        && (removes || matches!(op.action, Action::Add(_) | Action::Replace(_)))
        && extra.place.starts_with(&op.path)
}

/// Whether something else is at a place now than was written there, and should not be; `newer` says that it was written before that. By
/// the clocks that counts for what is in it, too.
fn overwrites(op: &Op, place: &Path, policy: &Policy, newer: bool) -> bool {
    let writes = matches!(op.action, Action::Add(_) | Action::Replace(_) | Action::Remove);
    let is_over = writes && place.starts_with(&op.path);
    match policy {
        Policy::LastWritten => newer && (is_over || op.path.starts_with(place)),
        _ => is_over,
    }
}

/// Who had their way before the submission came.
#[derive(Clone, Copy)]
struct Opponent {
    version: u64,
    /// Whether that was written before the submission was.
    is_older: bool,
    /// Whether it was anybody else: what a writer's own change did not come to may be nobody's doing. There is nobody to win or lose against then,
    /// but who counts must not count that.
    is_somebody: bool,
}

impl Opponent {
    /// One that nobody can tell of any longer. The writer knew of it, as a rule.
    fn unknown(version: u64, is_somebody: bool) -> Opponent {
        Opponent { version, is_older: true, is_somebody }
    }
}

/// A submitted operation and a logged one, with where they stand.
struct Met<'m> {
    version: u64,
    item: &'m [Step],
    logged: (usize, &'m Op),
    mine: (usize, &'m Op),
    pair: Pair<'m>,
}

enum Judged {
    Stays(Found),
    Out(Vec<usize>, Found),
    Stop(Stop),
}

#[derive(Default)]
struct Found {
    note: Option<Note>,
    extra: Option<Extra>,
}

impl Met<'_> {
    fn refusal(&self) -> Refused {
        let place = self.pair.place();
        (Refusal::Conflict, format!("\"{place}\" was changed by version {}", self.version))
    }

    /// The place of the logged operation before its change.
    fn logged_before(&self) -> Option<Path> {
        carried_back(&self.logged.1.path, ops(&self.item[..self.logged.0]))
    }

    /// The same behind its change.
    fn logged_after(&self) -> Option<Path> {
        carried(&self.logged.1.path, ops(&self.item[self.logged.0 + 1..]))
    }
}
