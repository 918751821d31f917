//! Operations made at the same time as others, as they must read after those.
//!
//! Two patches made on one base are brought into one order: one is the earlier, the other the later. `meet` says what one
//! operation does to one other, `span` counts positions, and here whole patches are led past each other, operation by
//! operation, both sides changing as they go. Holds no policy: what could not be carried over is dropped and reported,
//! and whoever merges writers decides what that means. Never looks at a state.
//!
//! Always holds: if both patches fit a document, then each, transformed over the other, fits what the other left, and both
//! ways end in the same document (the property known as TP1), but for sums that no longer fit 64 bits. Typed states may refuse
//! what comes of it; they are never left half changed.

mod meet;
mod span;

use std::cell::LazyCell;
use std::collections::HashSet;

use super::{Action, Insert, Op, Patch};
use crate::value::{Path, Segment, Value};
use meet::{Fate, meet, stands_behind};

/// Which of two patches counts as the earlier one.
///
/// What the later one inserts at the same place comes behind; where both write to the same place, the later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The patch counts as made before the other one.
    Earlier,
    /// The patch counts as made after the other one: what a log does with all that comes in.
    Later,
}

/// A patch as it reads after another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transformed {
    /// What is left to be done.
    pub patch: Patch,
    /// Operations of which nothing is left, in the order they fell.
    pub dropped: Vec<Dropped>,
}

/// An operation of which nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The operation, counted from 0 in the patch as it was made.
    pub op_index: usize,
    /// Why there is nothing left to do.
    pub reason: DropReason,
    /// The operation of the other patch that is the cause, counted from 0.
    pub because_of: usize,
}

/// Why nothing is left of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// The other side did the same, or there was nothing to do in the first place. Nothing is lost.
    Done,
    /// What it worked on, or something around that, was taken away or exchanged for something else.
    Gone,
    /// The other side wrote to the same place, and counts.
    Overwritten,
}

/// Where a place is found after operations that were done one after the other. Nothing if the element of a list that it lies in was
/// taken away; that it was overwritten is not looked at.
pub(crate) fn carried<'o>(place: &Path, ops: impl IntoIterator<Item = &'o Op>) -> Option<Path> {
    ops.into_iter().try_fold(place.clone(), |place, op| meet::carried_place(&place, op))
}

/// Where a place was found before operations that were done one after the other. Nothing if it came with one of them.
pub(crate) fn carried_back<'o>(place: &Path, ops: impl DoubleEndedIterator<Item = &'o Op>) -> Option<Path> {
    ops.rev().try_fold(place.clone(), |place, op| meet::carried_place(&place, &reversed(op)))
}

/// What takes an operation back, as far as places are concerned: what it wrote or took away is not known here, and a stand-in
/// comes in its place. Never to be applied.
fn reversed(op: &Op) -> Op {
    let stand_in = || Value::Bytes(b"redraft: what was here before".as_slice().into());
    let in_list = matches!(op.path.last(), Some(Segment::Index(_)));
    let action = match &op.action {
        Action::Add(_) if in_list => Action::Remove,
        Action::Add(_) | Action::Replace(_) => Action::Replace(stand_in()),
        Action::Remove => Action::Add(stand_in()),
        Action::Inc(by) => Action::Inc(by.wrapping_neg()),
        Action::Splice { at, del, ins } => {
            let brought_back = match ins {
                Insert::Items(_) => Insert::Items(vec![stand_in(); *del]),
                Insert::Text(_) => Insert::Text(" ".repeat(*del).into()),
            };
            Action::Splice { at: *at, del: ins.len(), ins: brought_back }
        }
    };
    Op::new(op.path.clone(), action)
}

/// A run of operations without some of them, and without what needed those. Returns what is left, and the origins of the latter.
pub(crate) fn without(run: Vec<Step>, gone: impl Fn(usize) -> bool) -> (Vec<Step>, Vec<usize>) {
    let (mut kept, mut needed, mut undo) = (Vec::with_capacity(run.len()), Vec::new(), Vec::new());
    for step in run {
        if gone(step.origin) {
            undo.insert(0, Step { op: reversed(&step.op), origin: step.origin, behind: false });
            continue;
        }
        let origin = step.origin;
        let led = lead(&undo, vec![step]);
        undo = led.earlier;
        if led.later.is_empty() {
            needed.push(origin);
        }
        kept.extend(led.later);
    }
    (kept, needed)
}

/// What `incoming` must read after `logged`, both having been made on the same state. `side` says what `incoming` is.
///
/// * Positions of lists and texts move with what was inserted and removed before them, in every path that leads through.
///   Insertions at the same place stand in the order of the sides; what both delete is deleted once.
/// * Beneath something that the other side removed or overwrote there is nothing left to do.
/// * Where both write to the same place, the later one wins, and brings back what the earlier one removed. A number counted
///   up by the later side is counted on from what the earlier side wrote.
/// * An operation may become two: a stretch into which the other side has inserted is deleted around that.
///
/// For two writers who saw the same state, `transform(b, a, Later)` after `a` and `transform(a, b, Earlier)` after `b` end
/// in the same state. O(operations of one * operations of the other * path length).
///
/// What comes of it may be refused when it is applied, and then nothing happens: two counts whose sum does not fit 64 bits,
/// and changes on both sides to one key of a [`KeyedList`](crate::collections::KeyedList) (both add it, both move it, one
/// removes it and the other changes or moves it), since its items and its order are two parts for all who know no types.
///
/// ```
/// use redraft::patch::{DropReason, Side, transform};
/// use redraft::{apply, draft, value};
///
/// let base = value!({ "list": ["a", "b", "c"] });
/// let push = |at: usize, item: &'static str| {
///     draft(&base, move |doc| doc["list"].as_list_mut().unwrap().insert(at, item))
/// };
/// let (first, second) = (push(1, "x")?, push(2, "y")?);
/// let moved = transform(&second.patch, &first.patch, Side::Later);
/// assert_eq!(apply(&first.state, &moved.patch)?.state["list"], value!(["a", "x", "b", "y", "c"]));
///
/// let title = |text: &'static str| draft(&base, move |doc| doc["title"] = text.into());
/// let lost = transform(&title("mine")?.patch, &title("theirs")?.patch, Side::Earlier);
/// assert_eq!(lost.dropped[0].reason, DropReason::Overwritten);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn transform(incoming: &Patch, logged: &Patch, side: Side) -> Transformed {
    match side {
        Side::Earlier => transform_both(incoming, logged).0,
        Side::Later => transform_both(logged, incoming).1,
    }
}

/// Both sides at once: the earlier patch as it reads after the later one, and the later one after the earlier one.
///
/// What a writer with changes of its own on the way needs for each change that comes in: the change for its own state,
/// and its own changes for the next. See [`transform`].
pub fn transform_both(earlier: &Patch, later: &Patch) -> (Transformed, Transformed) {
    let mut lost = Lost::default();
    let (steps_earlier, steps_later) = lost.pass(steps(earlier), steps(later));
    (finish(steps_earlier, lost.earlier), finish(steps_later, lost.later))
}

/// An operation, and which one of its patch it was, or is a part of.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) origin: usize,
    /// Whether what it inserts stood behind something that the other side took away. What that side inserts in the same place from then
    /// on stands where that was: in front.
    pub(crate) behind: bool,
}

/// The operations of a patch, numbered; those of these numbers insert behind something that was taken away.
pub(crate) fn steps_behind(patch: &[Op], behind: &[usize]) -> Vec<Step> {
    let mut steps = steps(patch);
    behind.iter().for_each(|at| steps.get_mut(*at).into_iter().for_each(|step| step.behind = true));
    steps
}

/// The operations of a patch, numbered.
pub(crate) fn steps(patch: &[Op]) -> Vec<Step> {
    patch.iter().enumerate().map(|(origin, op)| Step { op: op.clone(), origin, behind: false }).collect()
}

/// Two operations that cannot both have their way: one of them is dropped because of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contest {
    /// The operation of the earlier side, by its origin.
    pub(crate) earlier: usize,
    /// That of the later one.
    pub(crate) later: usize,
    /// Which one is dropped.
    pub(crate) loser: Side,
    /// Why.
    pub(crate) reason: DropReason,
}

/// Two runs of operations, led past each other.
pub(crate) struct Led {
    /// The earlier side as it reads after the later one.
    pub(crate) earlier: Vec<Step>,
    /// The later side as it reads after the earlier one.
    pub(crate) later: Vec<Step>,
    /// Every pair of which only one has its way, and those that write the same to one place; not those that take away the same.
    pub(crate) contests: Vec<Contest>,
}

/// Leads two runs of operations past each other that were made on the same state, and tells who stood in whose way.
pub(crate) fn lead(earlier: &[Step], later: Vec<Step>) -> Led {
    let mut lost = Lost::default();
    let (left, later) = match earlier {
        [step] if later.len() == 1 => lost.pass_each_other(step, later),
        _ => lost.pass(earlier.to_vec(), later),
    };
    let contests = lost.contests(earlier);
    Led { earlier: left, later, contests }
}

fn finish(steps: Vec<Step>, mut dropped: Vec<Dropped>) -> Transformed {
    let mut seen: HashSet<usize> = steps.iter().map(|step| step.origin).collect();
    dropped.retain(|drop| seen.insert(drop.op_index));
    Transformed { patch: steps.into_iter().map(|step| step.op).collect(), dropped }
}

/// What was dropped so far, of both sides. Parts of operations are noted too.
#[derive(Default)]
struct Lost {
    earlier: Vec<Dropped>,
    later: Vec<Dropped>,
}

impl Lost {
    /// Leads two runs of operations past each other, which both begin at the same state.
    fn pass(&mut self, earlier: Vec<Step>, mut later: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
        let mut passed = Vec::with_capacity(earlier.len());
        for step in earlier {
            let (steps, rest) = self.pass_one(step, later);
            passed.extend(steps);
            later = rest;
        }
        (passed, later)
    }

    /// The same of one operation each, as most are, in the room that they have.
    fn pass_each_other(&mut self, step: &Step, mut later: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
        let other = later.pop();
        let left = other.and_then(|other| self.pass_other(step, other, &mut later));
        (left.unwrap_or_else(|| vec![step.clone()]), later)
    }

    /// Leads one operation past a run. Once it has become two, they go on as a run of their own.
    fn pass_one(&mut self, earlier: Step, later: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
        let mut passing = vec![earlier];
        let mut passed = Vec::with_capacity(later.len());
        for other in later {
            if let [step] = &passing[..] {
                passing = self.pass_other(step, other, &mut passed).unwrap_or(passing);
            } else {
                let (steps, others) = self.pass(passing, vec![other]);
                passing = steps;
                passed.extend(others);
            }
        }
        (passing, passed)
    }

    /// Leads one operation past one other, of which what is left is put behind what passed. What is left of the first one; nothing if it
    /// stays as it is.
    fn pass_other(&mut self, step: &Step, other: Step, passed: &mut Vec<Step>) -> Option<Vec<Step>> {
        let (a, b) = meet(step, &other);
        let from_other = other.origin;
        let (behind, other_behind) = (stands_behind(step, &other.op), stands_behind(&other, &step.op));
        settle(b, Step { behind: other_behind, ..other }, step.origin, &mut self.later, passed);
        if matches!(a, Fate::Same) && !behind {
            return None;
        }
        let mut left = Vec::new();
        settle(a, Step { behind, ..step.clone() }, from_other, &mut self.earlier, &mut left);
        Some(left)
    }

    /// Who stood in whose way.
    fn contests(&self, earlier: &[Step]) -> Vec<Contest> {
        let by_earlier = self.earlier.iter().map(|drop| Contest {
            earlier: drop.op_index,
            later: drop.because_of,
            loser: Side::Earlier,
            reason: drop.reason,
        });
        let by_later = self.later.iter().map(|drop| Contest {
            earlier: drop.because_of,
            later: drop.op_index,
            loser: Side::Later,
            reason: drop.reason,
        });
        let writers = LazyCell::new(|| writers(earlier));
        let same = |of: &Contest| of.loser == Side::Earlier && writers.contains(&of.earlier);
        let counts = |contest: &Contest| contest.reason != DropReason::Done || same(contest);
        by_earlier.chain(by_later).filter(counts).collect()
    }
}

/// Which operations of a run write something.
fn writers(run: &[Step]) -> HashSet<usize> {
    let writes = |step: &&Step| matches!(step.op.action, Action::Add(_) | Action::Replace(_));
    run.iter().filter(writes).map(|step| step.origin).collect()
}

/// Puts what is left of an operation behind others, the loss being noted.
fn settle(fate: Fate, step: Step, because_of: usize, lost: &mut Vec<Dropped>, left: &mut Vec<Step>) {
    let Step { origin, behind, .. } = step;
    match fate {
        Fate::Same => left.push(step),
        Fate::Becomes(ops) => left.extend(ops.into_iter().map(|op| Step { op, origin, behind })),
        Fate::Dropped(reason) => {
            // One, as a rule.
            lost.reserve_exact(usize::from(lost.is_empty()));
            lost.push(Dropped { op_index: origin, reason, because_of });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ops() -> Vec<Op> {
        let (key, at) = (|key: &str| Segment::from(key), Segment::from);
        let (a, inner) = (Path::root().child("a"), [key("a"), key("b")].into_iter().collect::<Path>());
        let element = |index: usize| [key("a"), at(index)].into_iter().collect::<Path>();
        let written = |path: &Path, value: i64| {
            [Action::Add(value.into()), Action::Replace(value.into())]
                .map(|action| Op::new(path.clone(), action))
        };
        let taken = |path: &Path| Op::new(path.clone(), Action::Remove);
        let spliced =
            |cut: usize, del: usize, ins: Insert| Op::new(a.clone(), Action::Splice { at: cut, del, ins });
        let items = || Insert::Items(vec![Value::Null]);
        let places = [Path::root(), a.clone(), inner, element(0), element(2)];
        let mut ops: Vec<Op> =
            places.iter().flat_map(|path| written(path, 1).into_iter().chain(written(path, 2))).collect();
        ops.extend(places.iter().map(taken));
        ops.extend([Op::new(a.clone(), Action::Inc(1)), Op::new(Path::root(), Action::Inc(1))]);
        ops.extend([
            spliced(0, 2, items()),
            spliced(1, 0, items()),
            spliced(0, 4, Insert::Items(Vec::new())),
        ]);
        ops.extend([spliced(1, 3, Insert::Text("x".into())), spliced(2, 0, Insert::Text("y".into()))]);
        ops
    }

    #[test]
    fn two_operations_alone_pass_each_other_as_two_in_runs_do() {
        let (ops, mut contested) = (ops(), 0);
        let step = |op: &Op, origin, behind| Step { op: op.clone(), origin, behind };
        let sides = [(false, false), (true, false), (false, true), (true, true)];
        for (one, other) in ops.iter().flat_map(|one| ops.iter().map(move |other| (one, other))) {
            for (behind, other_behind) in sides {
                let (earlier, later) = ([step(one, 3, behind)], vec![step(other, 5, other_behind)]);
                let mut lost = Lost::default();
                let (left, passed) = lost.pass(earlier.to_vec(), later.clone());
                let expected = (left, passed, lost.contests(&earlier));
                let led = lead(&earlier, later);
                contested += usize::from(!led.contests.is_empty());
                assert_eq!(format!("{:?}", (led.earlier, led.later, led.contests)), format!("{expected:?}"));
            }
        }
        assert!(contested > 500, "{contested}");
    }
}
