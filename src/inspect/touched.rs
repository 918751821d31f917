//! [`Touched`]: the places that a change touched, as they are called after it, and what it took away.
//!
//! A tree of the operations' paths, in which elements of lists keep their identity while others come and go before them. Leaves
//! documents to others. Always: costs the change, never the state; what nothing is said of was not touched.

use super::preview::kind;
use crate::error::Result;
use crate::patch::{Action, Insert, Op, Patch, apply};
use crate::value::{Path, Segment, Value};
use std::collections::BTreeMap;

/// How many elements may be given other numbers before lists are told of as a whole: a patch of many insertions at the front would
/// take the square of their number.
const MOVES: usize = 1 << 20;
/// How many of what was taken away are compared with what was added, to find out what moved.
const SOURCES: usize = 64;
/// How many entries of a map that was replaced are looked through for what is gone.
const REPLACED: usize = 10_000;

/// What a change did to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    Added,
    Changed,
    Moved,
    Within,
}

impl Touch {
    pub(super) fn name(self) -> &'static str {
        match self {
            Touch::Added => "added",
            Touch::Changed => "changed",
            Touch::Moved => "moved",
            Touch::Within => "within",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Touched {
    root: Place,
    moves: usize,
}

/// A place on the way to where something was done, or where it was.
#[derive(Debug, Default)]
pub(super) struct Place {
    mark: Option<Touch>,
    /// What was there before, if it was something and is something else now.
    old: Option<Value>,
    below: BTreeMap<Segment, Place>,
    removed: Vec<(Segment, Value)>,
    /// Whether too much moved here to be told apart.
    is_coarse: bool,
}

/// What is known of a place that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look<'a> {
    Untouched,
    At(&'a Place),
    /// In something that was put there.
    New,
    /// In something that took the place of something else: what was here then.
    Over(Option<&'a Value>),
}

impl Touched {
    /// What a patch does to `before`. O(operations * path length), and what it inserts.
    pub(super) fn by(before: &Value, patch: &Patch) -> Result<Touched> {
        let (mut touched, mut state) = (Touched::default(), before.clone());
        for op in patch {
            touched.note(&state, op);
            state = apply(&state, &vec![op.clone()].into())?.state;
        }
        touched.tell_moves(&state);
        Ok(touched)
    }

    fn note(&mut self, state: &Value, op: &Op) {
        let old = state.at_path(&op.path);
        match (&op.action, op.path.as_slice()) {
            (Action::Remove, [list @ .., last]) => self.remove(list, last, old),
            (Action::Add(_), [list @ .., last]) => self.add(list, last, old),
            (Action::Splice { at, del, ins: Insert::Items(items) }, list) => {
                self.splice(list, (*at, *del, items.len()), old);
            }
            (_, path) => self.root.reach(path).overwrite(old),
        }
    }

    fn remove(&mut self, parent: &[Segment], last: &Segment, old: Option<&Value>) {
        let place = self.root.reach(parent);
        place.take(last, old);
        if let Segment::Index(index) = last {
            self.moves += place.shift(index + 1, -1);
            place.blur(self.moves);
        }
    }

    fn add(&mut self, parent: &[Segment], last: &Segment, old: Option<&Value>) {
        let place = self.root.reach(parent);
        match last {
            Segment::Index(index) => {
                self.moves += place.shift(*index, 1);
                place.insert(last.clone());
                place.blur(self.moves);
            }
            Segment::Key(_) => place.put(last, old),
        }
    }

    /// Where a stretch is as long as before, its elements are the same ones with other values.
    fn splice(&mut self, list: &[Segment], (at, del, ins): (usize, usize, usize), old: Option<&Value>) {
        let place = self.root.reach(list);
        let element = |index: usize| old.and_then(|list| list.get(index));
        let same = del.min(ins);
        for index in at..at + same {
            place.reach(&[Segment::Index(index)]).overwrite(element(index));
        }
        for index in at + same..at + del {
            place.take(&Segment::Index(index), element(index));
        }
        self.moves += place.shift(at + del, ins as isize - del as isize);
        (at + same..at + ins).for_each(|index| place.insert(Segment::Index(index)));
        place.blur(self.moves);
    }

    /// What was added is said to have moved, if the same was taken away elsewhere.
    fn tell_moves(&mut self, state: &Value) {
        let mut sources = Vec::new();
        self.root.gather_removed(&mut sources);
        if !sources.is_empty() {
            self.root.tell_moves(state, &sources);
        }
    }

    /// What is known of a place after the change. O(path length).
    pub(super) fn at(&self, path: &Path) -> Look<'_> {
        path.iter().fold(Look::At(&self.root), Look::below)
    }
}

impl Place {
    fn reach(&mut self, path: &[Segment]) -> &mut Place {
        path.iter().fold(self, |place, segment| place.below.entry(segment.clone()).or_default())
    }

    /// Something else is here now. What was here before the whole change is what it is compared with.
    fn overwrite(&mut self, old: Option<&Value>) {
        if self.mark.is_none() {
            (self.mark, self.old) = (Some(Touch::Changed), old.cloned());
        }
        self.below.clear();
        self.removed.clear();
    }

    fn take(&mut self, segment: &Segment, old: Option<&Value>) {
        let known = self.below.remove(segment).unwrap_or_default();
        if known.mark != Some(Touch::Added) {
            self.removed.extend(known.old.as_ref().or(old).map(|old| (segment.clone(), old.clone())));
        }
    }

    fn insert(&mut self, segment: Segment) {
        self.below.insert(segment, Place { mark: Some(Touch::Added), ..Place::default() });
    }

    /// Puts something under a key.
    fn put(&mut self, segment: &Segment, old: Option<&Value>) {
        let before = self.removed.iter().position(|(removed, _)| removed == segment);
        match (before.map(|at| self.removed.remove(at)), old) {
            (Some((_, old)), _) => self.reach(std::slice::from_ref(segment)).overwrite(Some(&old)),
            (None, Some(old)) => self.reach(std::slice::from_ref(segment)).overwrite(Some(old)),
            (None, None) => self.insert(segment.clone()),
        }
    }

    /// Gives all elements from `first` on other numbers; how many of them were known.
    fn shift(&mut self, first: usize, by: isize) -> usize {
        let moved = self.below.split_off(&Segment::Index(first));
        let count = moved.len();
        let renumbered = moved.into_iter().map(|(segment, place)| match segment {
            Segment::Index(index) => (Segment::Index(index.saturating_add_signed(by)), place),
            key => (key, place),
        });
        self.below.extend(renumbered);
        count
    }

    fn blur(&mut self, moves: usize) {
        if self.is_coarse || moves > MOVES {
            (self.below, self.is_coarse) = (BTreeMap::new(), true);
        }
    }

    fn gather_removed(&self, into: &mut Vec<Value>) {
        into.extend(self.removed.iter().map(|(_, old)| old.clone()).take(SOURCES - into.len().min(SOURCES)));
        if into.len() < SOURCES {
            self.below.values().for_each(|place| place.gather_removed(into));
        }
    }

    fn tell_moves(&mut self, here: &Value, sources: &[Value]) {
        if self.mark == Some(Touch::Added) && sources.contains(here) {
            self.mark = Some(Touch::Moved);
        }
        for (segment, place) in &mut self.below {
            if let Some(below) = here.get(segment) {
                place.tell_moves(below, sources);
            }
        }
    }
}

impl<'a> Look<'a> {
    /// The same of an element.
    pub(super) fn below(self, segment: &Segment) -> Look<'a> {
        match self {
            Look::At(place) => match (place.mark, &place.old) {
                (Some(Touch::Added | Touch::Moved), _) => Look::New,
                (Some(Touch::Changed), Some(old)) if !place.below.contains_key(segment) => {
                    Look::Over(old.get(segment))
                }
                _ => place.below.get(segment).map_or(Look::Untouched, Look::At),
            },
            Look::Over(old) => Look::Over(old.and_then(|old| old.get(segment))),
            other => other,
        }
    }

    /// What was done to it, which is `now` after the change.
    pub(super) fn touch(self, now: &Value) -> Option<Touch> {
        match self {
            Look::Untouched => None,
            Look::New | Look::Over(None) => Some(Touch::Added),
            Look::At(place) => place.mark.or(Some(Touch::Within)),
            Look::Over(Some(old)) if old == now => None,
            Look::Over(Some(old)) if is_container(now) && kind(old) == kind(now) => Some(Touch::Within),
            Look::Over(Some(_)) => Some(Touch::Changed),
        }
    }

    /// The elements that it lost, and what they were.
    pub(super) fn removed(self, now: &Value, most: usize) -> Vec<(Segment, Value)> {
        let replaced = |old: Option<&Value>| match (old, now) {
            (Some(Value::Map(old)), Value::Map(now)) => {
                let gone = old.iter().take(REPLACED).filter(|(key, _)| !now.contains_key(*key));
                gone.map(|(key, value)| (Segment::Key(key.clone()), value.clone())).take(most).collect()
            }
            _ => Vec::new(),
        };
        match self {
            Look::At(place) if place.old.is_some() => replaced(place.old.as_ref()),
            Look::At(place) => place.removed.iter().take(most).cloned().collect(),
            Look::Over(old) => replaced(old),
            Look::Untouched | Look::New => Vec::new(),
        }
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Pointer;
    use crate::{diff, value};

    fn touch(touched: &Touched, new: &Value, path: &str) -> Option<&'static str> {
        let path = Pointer::parse(path).unwrap().resolve(new).unwrap();
        touched.at(&path).touch(new.at_path(&path).unwrap()).map(Touch::name)
    }

    #[track_caller]
    fn told(old: &Value, new: &Value, expected: &[(&str, Option<&str>)]) -> Touched {
        let (patch, _) = diff(old, new).unwrap();
        let touched = Touched::by(old, &patch).unwrap();
        for (path, expected) in expected {
            assert_eq!(touch(&touched, new, path), *expected, "{path} after {patch:?}");
        }
        touched
    }

    #[test]
    fn places_are_told_apart_by_what_was_done_to_them() {
        let old = value!({ "a": { "x": 1, "y": 1 }, "b": 1, "gone": true });
        let new = value!({ "a": { "x": 2, "y": 1 }, "b": 1, "new": [1] });
        let touched = told(
            &old,
            &new,
            &[
                ("", Some("within")),
                ("/a", Some("within")),
                ("/a/x", Some("changed")),
                ("/a/y", None),
                ("/b", None),
                ("/new", Some("added")),
                ("/new/0", Some("added")),
            ],
        );
        let removed = touched.at(&Path::root()).removed(&new, 10);
        assert_eq!(removed, [(Segment::Key("gone".into()), true.into())]);
    }

    #[test]
    fn elements_keep_their_marks_while_others_come_and_go_before_them() {
        let op =
            |path: &[usize], action| Op::new(path.iter().map(|&at| Segment::Index(at)).collect(), action);
        let old = value!([10, 20, 30, 40]);
        let patch: Patch = vec![
            op(&[2], Action::Replace(31.into())),
            op(&[0], Action::Add(5.into())),
            op(&[1], Action::Remove),
            op(&[], Action::Splice { at: 0, del: 0, ins: Insert::Items(vec![1.into(), 2.into()]) }),
        ]
        .into();
        let new = apply(&old, &patch).unwrap().state;
        assert_eq!(new, value!([1, 2, 5, 20, 31, 40]));
        let touched = Touched::by(&old, &patch).unwrap();
        let marks: Vec<_> = (0..6).map(|at| touch(&touched, &new, &format!("/{at}"))).collect();
        assert_eq!(marks, [Some("added"), Some("added"), Some("added"), None, Some("changed"), None]);
        assert_eq!(touched.at(&Path::root()).removed(&new, 10).len(), 1);
    }

    #[test]
    fn what_is_taken_away_here_and_put_there_has_moved() {
        let card = value!({ "text": "ship it", "n": 1 });
        let old = value!({ "todo": { "7": card.clone() }, "done": {} });
        let new = value!({ "todo": {}, "done": { "7": card } });
        told(&old, &new, &[("/done/7", Some("moved")), ("/todo", Some("within"))]);
    }

    #[test]
    fn in_what_was_replaced_as_a_whole_only_what_differs_was_touched() {
        let (old, new) =
            (value!({ "a": 1, "b": { "c": 1 }, "d": 0 }), value!({ "a": 1, "b": { "c": 2 }, "e": 0 }));
        let patch: Patch = vec![Op::new(Path::root(), Action::Replace(new.clone()))].into();
        let touched = Touched::by(&old, &patch).unwrap();
        for (path, expected) in [
            ("", Some("changed")),
            ("/a", None),
            ("/b", Some("within")),
            ("/b/c", Some("changed")),
            ("/e", Some("added")),
        ] {
            assert_eq!(touch(&touched, &new, path), expected, "{path}");
        }
        assert_eq!(touched.at(&Path::root()).removed(&new, 10).len(), 1);
    }

    #[test]
    fn a_patch_of_many_insertions_at_the_front_is_told_of_as_a_whole() {
        let op = Op::new(Path::root().child(0_usize), Action::Add(1.into()));
        assert!(matches!(op.path.last(), Some(Segment::Index(0))), "{op:?}");
        let patch: Patch = std::iter::repeat_n(op, 5_000).collect();
        let touched = Touched::by(&value!([]), &patch).unwrap();
        assert!(touched.moves < MOVES + 5_000 && touched.root.is_coarse);
    }
}
