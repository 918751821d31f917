//! [`Places`]: which changes worked where, so that a submission is held against those alone that it can meet.
//!
//! A tree of path segments in which all indexes of a list are one: positions move, lists do not. Always errs on the safe side: what
//! it does not name has nothing to do with the operation asked for.

use crate::op::{Action, Op};
use crate::record::WriterId;
use crate::value::{Key, Segment};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};

/// What worked where.
#[derive(Debug, Default)]
pub(crate) struct Places {
    root: Place,
}

#[derive(Debug, Default)]
struct Place {
    /// The versions whose changes worked exactly here, ascending, and who made them.
    here: VecDeque<(u64, WriterId)>,
    /// No version that worked here or beneath is newer.
    newest: u64,
    keys: HashMap<Key, Place, RandomState>,
    elements: Option<Box<Place>>,
}

/// Where an operation works: on its list, where it inserts or removes an element.
pub(super) fn place_of(op: &Op) -> &[Segment] {
    let path = op.path.as_slice();
    match (&op.action, path.split_last()) {
        (Action::Add(_) | Action::Remove, Some((Segment::Index(_), list))) => list,
        _ => path,
    }
}

impl Place {
    fn beneath(&self, segment: &Segment) -> Option<&Place> {
        match segment {
            Segment::Key(key) => self.keys.get(key),
            Segment::Index(_) => self.elements.as_deref(),
        }
    }

    fn beneath_mut(&mut self, segment: &Segment) -> &mut Place {
        match segment {
            Segment::Key(key) => self.keys.entry(key.clone()).or_default(),
            Segment::Index(_) => self.elements.get_or_insert_default(),
        }
    }

    fn collect_here(&self, sought: &Sought, found: &mut Vec<u64>) {
        let newest_first = self.here.iter().rev().take_while(|(version, _)| *version > sought.after);
        let others = newest_first.filter(|(_, writer)| Some(*writer) != sought.but_by);
        found.extend(others.map(|(version, _)| version));
    }

    fn collect(&self, sought: &Sought, found: &mut Vec<u64>) {
        if self.newest > sought.after {
            self.collect_here(sought, found);
            self.inner().for_each(|place| place.collect(sought, found));
        }
    }

    fn inner(&self) -> impl Iterator<Item = &Place> {
        self.keys.values().chain(self.elements.as_deref())
    }

    /// Gives up what is not newer than a version; whether something is left.
    fn forget(&mut self, version: u64) -> bool {
        if self.newest <= version {
            return false;
        }
        self.here.drain(..self.here.partition_point(|(known, _)| *known <= version));
        self.keys.retain(|_, place| place.forget(version));
        self.elements.take_if(|place| !place.forget(version));
        true
    }
}

/// Which changes are asked for.
struct Sought {
    after: u64,
    but_by: Option<WriterId>,
}

impl Places {
    /// Notes a change, which must be newer than all that were noted. O(operations * path length).
    pub(crate) fn note(&mut self, version: u64, writer: WriterId, ops: &[Op]) {
        for op in ops {
            let mut place = &mut self.root;
            for segment in place_of(op) {
                place.newest = version;
                place = place.beneath_mut(segment);
            }
            place.newest = version;
            if place.here.back().is_none_or(|(last, _)| *last != version) {
                place.here.push_back((version, writer));
            }
        }
    }

    /// Takes back what was noted last. `newest` may say too much from then on, which costs looking in vain.
    pub(crate) fn take_back(&mut self, version: u64, ops: &[Op]) {
        for op in ops {
            let place = place_of(op).iter().fold(&mut self.root, |place, segment| place.beneath_mut(segment));
            if place.here.back().is_some_and(|(last, _)| *last == version) {
                place.here.pop_back();
            }
        }
    }

    /// Gives up all that is not newer than a version. O(all places, and what goes).
    pub(crate) fn forget(&mut self, version: u64) {
        if !self.root.forget(version) {
            self.root = Place::default();
        }
    }

    /// The versions after `after` whose changes worked on, above or beneath a place where one of these operations works, but for those by
    /// one writer; each once, ascending. O(operations * path length), and what is found.
    pub(crate) fn meeting(&self, after: u64, ops: &[Op], but_by: Option<WriterId>) -> Vec<u64> {
        let (mut found, sought) = (Vec::new(), Sought { after, but_by });
        ops.iter().for_each(|op| self.meeting_one(&sought, op, &mut found));
        each_once(&mut found);
        found
    }

    fn meeting_one(&self, sought: &Sought, op: &Op, found: &mut Vec<u64>) {
        let mut place = &self.root;
        for segment in place_of(op) {
            if place.newest <= sought.after {
                return;
            }
            place.collect_here(sought, found);
            let Some(next) = place.beneath(segment) else { return };
            place = next;
        }
        place.collect(sought, found);
    }
}

/// Puts versions in order, of which some may be there more than once.
pub(super) fn each_once(versions: &mut Vec<u64>) {
    versions.sort_unstable();
    versions.dedup();
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::op::Insert;
    use crate::value::{Path, Value};

    pub(in super::super) fn op(path: &str, action: Action) -> Op {
        let segment =
            |token: &str| token.parse::<usize>().map_or_else(|_| Segment::from(token), Segment::from);
        Op::new(path.split('/').skip(1).map(segment).collect::<Path>(), action)
    }

    #[test]
    fn what_works_on_above_or_beneath_a_place_is_found_and_nothing_else() {
        let set = || Action::Replace(Value::Null);
        let splice = || Action::Splice { at: 0, del: 0, ins: Insert::Items(Vec::new()) };
        let mut places = Places::default();
        let noted = [
            op("/a/x", set()),
            op("/a/y", set()),
            op("/l", splice()),
            op("/l/3/x", set()),
            op("/l/9", Action::Remove),
            op("/a", set()),
        ];
        for (version, op) in (1..).zip(&noted) {
            places.note(version, WriterId(version % 2), std::slice::from_ref(op));
        }
        places.note(7, WriterId(1), std::slice::from_ref(&noted[0]));
        places.take_back(7, std::slice::from_ref(&noted[0]));
        let found = |after, path, action| places.meeting(after, &[op(path, action)], None);
        assert_eq!(found(0, "/a/x", set()), [1, 6]);
        assert_eq!(found(1, "/a/x", set()), [6]);
        assert_eq!(found(0, "/a/x/deep", set()), [1, 6]);
        assert_eq!(found(0, "/a", set()), [1, 2, 6]);
        assert_eq!(found(0, "/l/7/x", set()), [3, 4, 5]);
        assert_eq!(found(0, "/l/7", Action::Remove), [3, 4, 5]);
        assert_eq!(found(3, "/l/7/y", set()), [5]);
        assert_eq!(found(0, "/b", set()), [0; 0]);
        assert_eq!(found(0, "", set()), [1, 2, 3, 4, 5, 6]);
        let but_by_one = places.meeting(0, &[op("", set())], Some(WriterId(1)));
        assert_eq!(but_by_one, [2, 4, 6]);
    }

    #[test]
    fn what_is_given_up_is_not_found_and_takes_no_room() {
        let set = || Action::Replace(Value::Null);
        let mut places = Places::default();
        for (version, path) in (1..).zip(["/a/x", "/a/y", "/l/3", "/a/x", "/b"]) {
            places.note(version, WriterId(1), &[op(path, set())]);
        }
        let all = |places: &Places| places.meeting(0, &[op("", set())], None);
        places.forget(3);
        assert_eq!(all(&places), [4, 5]);
        assert_eq!(places.root.keys.len(), 2, "what is left is in /a and /b");
        assert_eq!(places.root.keys[&Key::from("a")].keys.len(), 1);
        places.forget(5);
        assert_eq!((all(&places), places.root.keys.len()), (vec![], 0));
    }
}
