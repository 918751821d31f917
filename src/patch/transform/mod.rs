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

use std::collections::HashSet;

use super::{Op, Patch};
use meet::{Fate, meet};

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
#[derive(Clone)]
struct Step {
    op: Op,
    origin: usize,
}

fn steps(patch: &Patch) -> Vec<Step> {
    patch.iter().enumerate().map(|(origin, op)| Step { op: op.clone(), origin }).collect()
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

    /// Leads one operation past a run. Once it has become two, they go on as a run of their own.
    fn pass_one(&mut self, earlier: Step, later: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
        let mut passing = vec![earlier];
        let mut passed = Vec::with_capacity(later.len());
        for other in later {
            if let [step] = &passing[..] {
                let (a, b) = meet(&step.op, &other.op);
                let (from_step, from_other) = (step.origin, other.origin);
                passed.extend(settle(b, other, from_step, &mut self.later));
                if !matches!(a, Fate::Same) {
                    let step = std::mem::take(&mut passing);
                    let became =
                        step.into_iter().map(|step| settle(a.clone(), step, from_other, &mut self.earlier));
                    passing = became.flatten().collect();
                }
            } else {
                let (steps, others) = self.pass(passing, vec![other]);
                passing = steps;
                passed.extend(others);
            }
        }
        (passing, passed)
    }
}

/// What is left of an operation, the loss being noted.
fn settle(fate: Fate, step: Step, because_of: usize, lost: &mut Vec<Dropped>) -> Vec<Step> {
    let origin = step.origin;
    match fate {
        Fate::Same => vec![step],
        Fate::Becomes(ops) => ops.into_iter().map(|op| Step { op, origin }).collect(),
        Fate::Dropped(reason) => {
            lost.push(Dropped { op_index: origin, reason, because_of });
            Vec::new()
        }
    }
}
