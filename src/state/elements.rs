//! What differs between two stretches of a list, told as operations: the same for dynamic lists, `Vec` and `List`.
//!
//! Whoever has two lists finds the stretches that may differ (by what they share, or by trimming) and hands them over as
//! references. Always holds: operations are told from front to back, so that what stands before one of them is the new
//! list already.

use super::sequence::{self, Hunk};
use super::{Differ, State};
use crate::collections::{Gap, List};
use crate::op::Insert;

/// One in this many elements may differ for a stretch to count as overwritten in places: more look like a shift.
const IN_PLACE_SHARE: usize = 8;

/// And this many more as long as not all have been looked at, so that a few that stand together do not end the search.
const IN_PLACE_TOGETHER: usize = 8;

/// Tells what turns one list into another. Only what the two do not share is looked at.
pub(super) fn diff_lists<T: State>(old: &List<T>, new: &List<T>, out: &mut Differ) {
    if let Some(overwritten) = Overwritten::find(old, new) {
        return overwritten.tell(out);
    }
    for Gap { old: in_old, new: in_new } in old.diff(new) {
        let start = in_new.start;
        let states_old: Vec<&T> = old.range(in_old).collect();
        let states_new: Vec<&T> = new.range(in_new).collect();
        diff(start, &states_old, &states_new, out);
    }
}

/// The elements that differ between two lists of one length, by position: most edits overwrite a few elements, and then
/// this is all there is to find.
struct Overwritten<'a, T> {
    found: Vec<Pair<'a, T>>,
}

/// Two elements that differ, at one position of both lists.
struct Pair<'a, T> {
    at: usize,
    old: &'a T,
    new: &'a T,
}

impl<'a, T: State> Overwritten<'a, T> {
    /// `None` as soon as so many elements differ that some were more likely inserted and others removed.
    fn find(old: &'a List<T>, new: &'a List<T>) -> Option<Self> {
        if old.len() != new.len() {
            return None;
        }
        let mut overwritten = Self { found: Vec::new() };
        let mut seen = 0;
        for (start, in_old, in_new) in old.pairs(new) {
            overwritten.look(start, in_old, in_new);
            seen += in_new.len();
            if overwritten.found.len() > IN_PLACE_TOGETHER + seen / IN_PLACE_SHARE {
                return None;
            }
        }
        (overwritten.found.len() <= 1.max(seen / IN_PLACE_SHARE)).then_some(overwritten)
    }

    fn look(&mut self, start: usize, old: &'a [T], new: &'a [T]) {
        for (step, (old, new)) in old.iter().zip(new).enumerate() {
            if !new.shares(old) {
                self.found.push(Pair { at: start + step, old, new });
            }
        }
    }

    /// Neighbours are told together.
    fn tell(&self, out: &mut Differ) {
        for run in self.found.chunk_by(|a, b| a.at + 1 == b.at) {
            match run {
                [only] => out.index(only.at, |out| only.new.diff_from(only.old, out)),
                _ => {
                    let (old, new): (Vec<_>, Vec<_>) = run.iter().map(|pair| (pair.old, pair.new)).unzip();
                    diff_hunk(run[0].at, &old, &new, out);
                }
            }
        }
    }
}

/// Tells what turns `old` into `new`, which begins at position `start` of its list.
pub(super) fn diff<T: State>(start: usize, old: &[&T], new: &[&T], out: &mut Differ) {
    for hunk in hunks(old, new) {
        diff_hunk(start + hunk.new.start, &old[hunk.old], &new[hunk.new], out);
    }
}

/// How many elements at the start are the same on both sides.
pub(super) fn common<'a, T: State>(
    old: impl Iterator<Item = &'a T>,
    new: impl Iterator<Item = &'a T>,
) -> usize {
    old.zip(new).take_while(|(old, new)| new.same(old)).count()
}

/// What differs between two stretches that may hold anything.
fn hunks<T: State>(old: &[&T], new: &[&T]) -> Vec<Hunk> {
    if let Some(hunks) = in_place(old, new) {
        return hunks;
    }
    let start = common(old.iter().copied(), new.iter().copied());
    let (old, new) = (&old[start..], &new[start..]);
    let end = common(old.iter().rev().copied(), new.iter().rev().copied());
    let (old, new) = (Middle::new(&old[..old.len() - end]), Middle::new(&new[..new.len() - end]));
    let mut hunks = sequence::hunks(old.states.len(), new.states.len(), |a, b| old.same(a, &new, b));
    hunks.iter_mut().for_each(|hunk| hunk.shift(start));
    hunks
}

/// The elements that differ, if both stretches are equally long and few do: elements were overwritten, and none were
/// inserted or removed. Looking for the shortest way would give the same, but not at once.
fn in_place<T: State>(old: &[&T], new: &[&T]) -> Option<Vec<Hunk>> {
    if old.len() != new.len() {
        return None;
    }
    let most = 1.max(old.len() / IN_PLACE_SHARE);
    let differ: Vec<usize> = (0..old.len()).filter(|at| !new[*at].same(old[*at])).take(most + 1).collect();
    (differ.len() <= most).then(|| {
        let runs = differ.chunk_by(|a, b| a + 1 == *b);
        runs.map(|run| run[0]..run[0] + run.len()).map(|run| Hunk { old: run.clone(), new: run }).collect()
    })
}

/// What is left of a stretch when equal ends are cut off.
struct Middle<'a, T> {
    states: &'a [&'a T],
    prints: Vec<u64>,
}

impl<'a, T: State> Middle<'a, T> {
    fn new(states: &'a [&'a T]) -> Self {
        Self { states, prints: states.iter().map(|state| state.fingerprint()).collect() }
    }

    /// Most elements that differ have another fingerprint, so looking deep is the exception.
    fn same(&self, index: usize, other: &Self, other_index: usize) -> bool {
        self.prints[index] == other.prints[other_index] && other.states[other_index].same(self.states[index])
    }
}

/// One stretch that differs, at its place in the new list.
fn diff_hunk<T: State>(at: usize, old: &[&T], new: &[&T], out: &mut Differ) {
    if old.len() != new.len() {
        return splice(at, old, new, out);
    }
    let mut run = 0;
    for here in 0..=old.len() {
        let facing = here < old.len() && new[here].faces(old[here]);
        if here < old.len() && !facing {
            continue;
        }
        flat(at + run, &old[run..here], &new[run..here], out);
        if facing {
            out.index(at + here, |out| new[here].diff_from(old[here], out));
        }
        run = here + 1;
    }
}

/// Elements without an inside to look into: a single one is replaced, more are one splice.
fn flat<T: State>(at: usize, old: &[&T], new: &[&T], out: &mut Differ) {
    match (old, new) {
        ([], []) => {}
        ([old], [new]) => out.index(at, |out| new.diff_from(old, out)),
        _ => splice(at, old, new, out),
    }
}

fn splice<T: State>(at: usize, old: &[&T], new: &[&T], out: &mut Differ) {
    let old = old.iter().map(|state| state.to_value()).collect();
    let new = new.iter().map(|state| out.shown(*state)).collect();
    out.splice(at, Insert::Items(old), Insert::Items(new));
}
