//! Whether a change can still be undone after others came on top of it, and whether it can have changed what is at a path.
//!
//! Reads paths only, never a state. Always errs on the safe side: `None` and `false` are promises, a path and `true` are
//! suspicions. The transform that could undo in spite of shifted positions belongs to merging, not here.

use std::collections::{HashMap, HashSet};

use super::{Action, Insert, Op, Patch};
use crate::value::{Path, Pointer, Segment, parse_index};

/// Whether undoing `done` could go wrong because `later` was applied on top of it: the path of the first operation of
/// `later` that stands in the way, or `None` if the inverse of `done` still fits and undoes nothing of `later`.
///
/// In the way is what works on a place `done` touched, contains it or lies beneath it; and what inserts into or removes
/// from a list or text at or before such a place, so that positions have moved. Increments of one number do not get
/// into each other's way. O((operations of both) * path length).
///
/// ```
/// use redraft::{draft, patch::interferes, value};
///
/// let base = value!({ "a": 1, "b": 1 });
/// let a = draft(&base, |doc| doc["a"] = 2.into())?;
/// let b = draft(&a.state, |doc| doc["b"] = 2.into())?;
/// assert_eq!(interferes(&a.patch, &b.patch), None);
/// let again = draft(&a.state, |doc| doc["a"] = 3.into())?;
/// assert_eq!(interferes(&a.patch, &again.patch).unwrap().to_string(), "/a");
/// # Ok::<(), redraft::DraftError>(())
/// ```
pub fn interferes(done: &Patch, later: &Patch) -> Option<Path> {
    let mut touched = Touched::default();
    done.iter().for_each(|op| touched.note(op));
    later.iter().find(|op| touched.blocks(op)).map(|op| op.path.clone())
}

/// Whether the patch touches `place`: whether what is there, or that something is there, can be another after it than before.
/// Segments are compared by their text, so a place may come from somebody who does not know what kind of key `7` is.
///
/// That is so where an operation works on the place or beneath it; where it puts something else in the place of a container
/// of it, or takes that away; and where it exchanges or moves the element of a list that the place leads through. What
/// happens to elements in front of that one only matters if their number changes. O(operations * path length).
pub(crate) fn touches(patch: &Patch, place: &Pointer) -> bool {
    patch.iter().any(|op| touched_by(op, place))
}

pub(super) fn touched_by(op: &Op, place: &Pointer) -> bool {
    let within = op.path.len() >= place.tokens().len() && place.meets(&op.path);
    within || reaches_down_to(op, place)
}

/// Whether the operation changes what is at a place that is not above its own.
fn reaches_down_to(op: &Op, place: &Pointer) -> bool {
    let tokens = place.tokens();
    let Some(depth) = reach(op).filter(|&depth| depth < tokens.len()) else { return false };
    if !op.path.iter().take(depth).zip(tokens).all(|(segment, token)| segment.reads_as(token)) {
        return false;
    }
    match shift(op) {
        None => true,
        Some(shift) => parse_index(&tokens[depth]).is_some_and(|index| {
            index >= shift.at && (shift.moves() || index < shift.at.saturating_add(shift.del))
        }),
    }
}

/// How many leading segments of its path lead to the place beneath which the operation can change more than is beneath its
/// own path; nothing if it works on something that has nothing beneath it.
pub(crate) fn reach(op: &Op) -> Option<usize> {
    match &op.action {
        Action::Inc(_) | Action::Splice { ins: Insert::Text(_), .. } => None,
        _ => Some(shift(op).map_or(op.path.len(), |shift| shift.list.len())),
    }
}

/// Everything a patch touched, in the coordinates of the state it left.
#[derive(Default)]
struct Touched<'a> {
    /// Places written to, and whether every write was an increment.
    places: HashMap<&'a [Segment], bool>,
    /// Places above these.
    above: HashSet<&'a [Segment]>,
    /// Lists and texts of which positions were used.
    stretches: HashMap<&'a [Segment], Stretch>,
}

/// The positions used in one list or text.
#[derive(Clone, Copy)]
struct Stretch {
    start: usize,
    end: usize,
    /// Whether elements were inserted or removed. Then the positions used before have moved within `start..end`, and
    /// nothing in between can be told apart.
    shifted: bool,
}

/// What one operation does to the positions of a list or text.
struct Shift<'a> {
    list: &'a [Segment],
    at: usize,
    del: usize,
    ins: usize,
}

impl Shift<'_> {
    fn moves(&self) -> bool {
        self.del != self.ins
    }
}

impl<'a> Touched<'a> {
    fn note(&mut self, op: &'a Op) {
        let path = op.path.as_slice();
        let shift = shift(op);
        if !matches!(op.action, Action::Splice { .. }) {
            let inc = matches!(op.action, Action::Inc(_));
            self.places.entry(path).and_modify(|all| *all &= inc).or_insert(inc);
        }
        self.above.extend((0..path.len()).map(|len| &path[..len]));
        for (list, index) in positions(path) {
            self.use_positions(list, index, index + 1);
        }
        if let Some(shift) = shift {
            self.note_shift(&shift);
        }
    }

    fn use_positions(&mut self, list: &'a [Segment], start: usize, end: usize) {
        let stretch = self.stretches.entry(list).or_insert(Stretch { start, end, shifted: false });
        stretch.start = stretch.start.min(start);
        stretch.end = stretch.end.max(end);
    }

    /// What was used before may have moved up by all that was inserted; that much room is added at the end.
    fn note_shift(&mut self, shift: &Shift<'a>) {
        if let Some(stretch) = self.stretches.get_mut(shift.list).filter(|_| shift.moves()) {
            stretch.end = stretch.end.saturating_add(shift.ins);
        }
        self.use_positions(shift.list, shift.at, shift.at.saturating_add(shift.ins.max(shift.del)));
        if let Some(stretch) = self.stretches.get_mut(shift.list) {
            stretch.shifted = true;
        }
    }

    fn blocks(&self, op: &Op) -> bool {
        let path = op.path.as_slice();
        self.reaches(op) || shift(op).is_some_and(|shift| self.shifts(&shift)) || self.between(path)
    }

    /// Whether the operation works on, above or beneath a place that was touched.
    fn reaches(&self, op: &Op) -> bool {
        let path = op.path.as_slice();
        let beneath = (0..path.len()).any(|len| self.places.contains_key(&path[..len]));
        if matches!(op.action, Action::Splice { .. }) {
            // What a splice reaches inside its list is a question of positions; see `shifts`.
            return beneath || self.places.contains_key(path);
        }
        let inc = matches!(op.action, Action::Inc(_));
        let same = self.places.get(path).is_some_and(|all_inc| !(*all_inc && inc));
        beneath || same || self.above.contains(path) || self.stretches.contains_key(path)
    }

    /// Whether the operation moves or overwrites positions that were used.
    fn shifts(&self, shift: &Shift<'_>) -> bool {
        let Some(used) = self.stretches.get(shift.list) else { return false };
        let behind = shift.at >= used.end;
        let in_front = !shift.moves() && shift.at.saturating_add(shift.del) <= used.start;
        !(behind || in_front)
    }

    /// Whether the path leads through a position between those used, in a list whose positions moved.
    fn between(&self, path: &[Segment]) -> bool {
        positions(path).any(|(list, index)| {
            let used = self.stretches.get(list).filter(|used| used.shifted);
            used.is_some_and(|used| (used.start..used.end).contains(&index))
        })
    }
}

/// The lists a path leads through, with the position in each.
fn positions(path: &[Segment]) -> impl Iterator<Item = (&[Segment], usize)> {
    path.iter().enumerate().filter_map(|(depth, segment)| Some((&path[..depth], segment.as_index()?)))
}

fn shift(op: &Op) -> Option<Shift<'_>> {
    let path = op.path.as_slice();
    let element = || path.split_last().and_then(|(last, list)| Some((list, last.as_index()?)));
    let (list, at, del, ins) = match &op.action {
        Action::Splice { at, del, ins } => (path, *at, *del, ins.len()),
        Action::Add(_) => element().map(|(list, at)| (list, at, 0, 1))?,
        Action::Remove => element().map(|(list, at)| (list, at, 1, 0))?,
        Action::Replace(_) | Action::Inc(_) => return None,
    };
    Some(Shift { list, at, del, ins })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn op(path: &str, action: Action) -> Patch {
        let segment =
            |token: &str| token.parse::<usize>().map_or_else(|_| Segment::from(token), Segment::from);
        vec![Op::new(path.split('/').skip(1).map(segment).collect(), action)].into()
    }

    fn set(path: &str) -> Patch {
        op(path, Action::Replace(Value::Null))
    }

    fn splice(path: &str, at: usize, del: usize, ins: usize) -> Patch {
        op(path, Action::Splice { at, del, ins: Insert::Items(vec![Value::Null; ins]) })
    }

    #[track_caller]
    fn free(done: &Patch, later: &Patch) {
        assert_eq!(interferes(done, later), None);
    }

    #[track_caller]
    fn blocked(done: &Patch, later: &Patch) {
        assert_eq!(interferes(done, later).as_ref(), Some(&later[0].path));
    }

    #[test]
    fn disjoint_places_do_not_interfere_and_nested_ones_do() {
        free(&set("/a/x"), &set("/a/y"));
        free(&set("/l/1/x"), &set("/l/2/x"));
        blocked(&set("/a/x"), &set("/a/x"));
        blocked(&set("/a/x"), &set("/a"));
        blocked(&set("/a/x"), &set(""));
        blocked(&set("/a"), &set("/a/x/y"));
        blocked(&op("/a", Action::Add(Value::Null)), &op("/a", Action::Remove));
    }

    #[test]
    fn increments_of_one_number_do_not_interfere() {
        free(&op("/n", Action::Inc(1)), &op("/n", Action::Inc(2)));
        free(&op("/l/1", Action::Inc(1)), &op("/l/1", Action::Inc(2)));
        blocked(&op("/n", Action::Inc(1)), &set("/n"));
        blocked(&set("/n"), &op("/n", Action::Inc(1)));
    }

    #[test]
    fn positions_that_moved_interfere_and_those_behind_do_not() {
        blocked(&set("/l/3/x"), &splice("/l", 0, 0, 1));
        blocked(&set("/l/3/x"), &op("/l/3", Action::Add(Value::Null)));
        free(&set("/l/3/x"), &op("/l/4", Action::Add(Value::Null)));
        free(&set("/l/3/x"), &splice("/l", 0, 2, 2));
        blocked(&set("/l/3/x"), &splice("/l", 2, 2, 2));
        free(&splice("/l", 2, 1, 3), &splice("/l", 5, 4, 0));
        blocked(&splice("/l", 2, 1, 3), &splice("/l", 4, 4, 0));
        free(&splice("/l", 2, 1, 3), &set("/l/1/x"));
        blocked(&splice("/l", 2, 1, 3), &set("/l/4/x"));
        blocked(&splice("/l", 2, 1, 3), &set("/l"));
        blocked(&set("/t"), &splice("/t", 0, 0, 1));
        blocked(&splice("/a/t", 0, 0, 1), &set("/a"));
    }

    #[test]
    fn a_patch_touches_its_place_and_all_above_and_what_it_replaces_or_moves_beneath() {
        let touched = |patch: &Patch, path: &str| touches(patch, &Pointer::parse(path).unwrap());
        for path in ["", "/a", "/a/x", "/a/x/y"] {
            assert!(touched(&set("/a/x"), path), "{path}");
        }
        assert!(!touched(&set("/a/x"), "/a/y") && !touched(&set("/a/x"), "/b"));
        assert!(!touched(&op("/n", Action::Inc(1)), "/n/x"));
        for (patch, moved) in [(splice("/l", 2, 1, 0), true), (splice("/l", 2, 1, 1), false)] {
            assert!(touched(&patch, "/l") && touched(&patch, "/l/2/x") && !touched(&patch, "/l/1"));
            assert_eq!(touched(&patch, "/l/3"), moved);
        }
        assert!(
            touched(&op("/l/2", Action::Remove), "/l/5/x") && !touched(&op("/l/2", Action::Remove), "/l/1")
        );
        assert!(!touched(&Patch::new(), ""));
    }

    #[test]
    fn an_empty_patch_interferes_with_nothing() {
        free(&Patch::new(), &set(""));
        free(&set(""), &Patch::new());
    }
}
