//! [`Places`]: which changes worked where, so that a submission is held against those alone that it can meet.
//!
//! A tree of path segments in which all indexes of a list are one: positions move, lists do not. Always errs on the safe side: what
//! it does not name has nothing to do with the operation asked for.

use crate::op::{Action, Op};
use crate::value::{Key, Segment};
use foldhash::fast::RandomState;
use std::collections::{BTreeSet, HashMap};

/// What worked where.
#[derive(Debug, Default)]
pub(crate) struct Places {
    root: Place,
}

#[derive(Debug, Default)]
struct Place {
    /// The versions whose changes worked exactly here, ascending.
    here: Vec<u64>,
    /// No version that worked here or beneath is newer.
    newest: u64,
    keys: HashMap<Key, Place, RandomState>,
    elements: Option<Box<Place>>,
}

/// Where an operation works: on its list, where it inserts or removes an element.
fn place_of(op: &Op) -> &[Segment] {
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

    fn collect_here(&self, after: u64, found: &mut BTreeSet<u64>) {
        found.extend(&self.here[self.here.partition_point(|version| *version <= after)..]);
    }

    fn collect(&self, after: u64, found: &mut BTreeSet<u64>) {
        if self.newest > after {
            self.collect_here(after, found);
            self.keys.values().chain(self.elements.as_deref()).for_each(|place| place.collect(after, found));
        }
    }
}

impl Places {
    /// Notes a change, which must be newer than all that were noted. O(operations * path length).
    pub(crate) fn note(&mut self, version: u64, ops: &[Op]) {
        for op in ops {
            let mut place = &mut self.root;
            for segment in place_of(op) {
                place.newest = version;
                place = place.beneath_mut(segment);
            }
            place.newest = version;
            if place.here.last() != Some(&version) {
                place.here.push(version);
            }
        }
    }

    /// Takes back what was noted last. `newest` may say too much from then on, which costs looking in vain.
    pub(crate) fn take_back(&mut self, version: u64, ops: &[Op]) {
        for op in ops {
            let place = place_of(op).iter().fold(&mut self.root, |place, segment| place.beneath_mut(segment));
            if place.here.last() == Some(&version) {
                place.here.pop();
            }
        }
    }

    /// The versions after `after` whose changes worked on, above or beneath a place where one of these operations works. O(operations
    /// * path length), and what is found.
    pub(crate) fn meeting(&self, after: u64, ops: &[Op]) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        ops.iter().for_each(|op| self.meeting_one(after, op, &mut found));
        found
    }

    fn meeting_one(&self, after: u64, op: &Op, found: &mut BTreeSet<u64>) {
        let mut place = &self.root;
        for segment in place_of(op) {
            if place.newest <= after {
                return;
            }
            place.collect_here(after, found);
            let Some(next) = place.beneath(segment) else { return };
            place = next;
        }
        place.collect(after, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Insert;
    use crate::value::{Path, Value};

    fn op(path: &str, action: Action) -> Op {
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
            places.note(version, std::slice::from_ref(op));
        }
        places.note(7, std::slice::from_ref(&noted[0]));
        places.take_back(7, std::slice::from_ref(&noted[0]));
        let found = |after, path, action| {
            places.meeting(after, &[op(path, action)]).into_iter().collect::<Vec<u64>>()
        };
        assert_eq!(found(0, "/a/x", set()), [1, 6]);
        assert_eq!(found(1, "/a/x", set()), [6]);
        assert_eq!(found(0, "/a/x/deep", set()), [1, 6]);
        assert_eq!(found(0, "/a", set()), [1, 2, 6]);
        assert_eq!(found(0, "/l/7/x", set()), [3, 4, 5]);
        assert_eq!(found(0, "/l/7", Action::Remove), [3, 4, 5]);
        assert_eq!(found(3, "/l/7/y", set()), [5]);
        assert_eq!(found(0, "/b", set()), [0; 0]);
        assert_eq!(found(0, "", set()), [1, 2, 3, 4, 5, 6]);
    }
}
