//! [`Corrections`]: where the rules made something else of a writer's own changes than it believes.
//!
//! Leaves what leads from the one to the other to `bridge`. An ordered set of places, in which all indexes of a list are one, so that a
//! change is held against those corrections alone that it can meet: a writer who loses often has thousands. Always: errs on the safe side.

use super::places::place_of;
use crate::collections::{Map, Set};
use crate::op::{Op, Patch};
use crate::value::{Path, Segment};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The versions of a writer's own changes that were corrected, and where. Cloned in O(1).
#[derive(Clone, Debug, Default)]
pub(super) struct Corrections {
    places: Map<u64, Arc<[Path]>>,
    by_place: Set<(Path, u64)>,
}

/// The same place for all elements of a list.
fn unindexed(place: &[Segment]) -> Path {
    let unindexed = |segment: &Segment| match segment {
        Segment::Index(_) => Segment::Index(0),
        key @ Segment::Key(_) => key.clone(),
    };
    place.iter().map(unindexed).collect()
}

impl Corrections {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.places.first_key_value().map(|(version, _)| *version)
    }

    /// Notes what corrects a change. O(operations * log corrections).
    pub(super) fn note(&mut self, version: u64, correction: &Patch) {
        let places: BTreeSet<Path> = correction.iter().map(|op| unindexed(place_of(op))).collect();
        for place in &places {
            self.by_place.insert((place.clone(), version));
        }
        self.places.insert(version, places.into_iter().collect());
    }

    /// Gives up what corrects one change.
    pub(super) fn forget(&mut self, version: u64) {
        for place in self.places.remove(&version).iter().flat_map(|places| places.iter()) {
            self.by_place.remove(&(place.clone(), version));
        }
    }

    /// Adds those that work on, above or beneath a place where one of these operations works. O(operations * path length * log
    /// corrections), and what is found.
    pub(super) fn meeting(&self, ops: &[Op], found: &mut Vec<u64>) {
        if !self.is_empty() {
            ops.iter().for_each(|op| self.meeting_one(&unindexed(place_of(op)), found));
        }
    }

    fn meeting_one(&self, place: &Path, found: &mut Vec<u64>) {
        for depth in 0..place.len() {
            let above = Path::from(&place.as_slice()[..depth]);
            let there = self.by_place.range((above.clone(), 0)..=(above, u64::MAX));
            found.extend(there.map(|(_, version)| *version));
        }
        let from_here = self.by_place.range((place.clone(), 0)..);
        let beneath = from_here.take_while(|(other, _)| other.starts_with(place));
        found.extend(beneath.map(|(_, version)| *version));
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::each_once;
    use super::super::places::tests::op;
    use super::*;
    use crate::op::Action;
    use crate::value::Value;

    fn set(path: &str) -> Op {
        op(path, Action::Replace(Value::Null))
    }

    fn found(corrections: &Corrections, op: Op) -> Vec<u64> {
        let mut found = Vec::new();
        corrections.meeting(&[op], &mut found);
        each_once(&mut found);
        found
    }

    #[test]
    fn those_on_above_or_beneath_a_place_are_found_and_no_others() {
        let mut corrections = Corrections::default();
        let noted =
            [set("/a/x"), set("/a/y"), set("/l/3/x"), op("/l/9", Action::Remove), set("/a"), set("/ab")];
        for (version, op) in (1..).zip(noted) {
            corrections.note(version, &[op].into_iter().collect());
        }
        assert_eq!(found(&corrections, set("/a/x")), [1, 5]);
        assert_eq!(found(&corrections, set("/a/x/deep")), [1, 5]);
        assert_eq!(found(&corrections, set("/a")), [1, 2, 5]);
        assert_eq!(found(&corrections, set("/l/7/x")), [3, 4]);
        assert_eq!(found(&corrections, op("/l/7", Action::Remove)), [3, 4]);
        assert_eq!(found(&corrections, set("/b")), [0; 0]);
        assert_eq!(found(&corrections, set("")), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_is_given_up_is_not_found() {
        let mut corrections = Corrections::default();
        corrections.note(1, &[set("/a"), set("/b")].into_iter().collect());
        corrections.note(2, &[set("/b")].into_iter().collect());
        corrections.forget(1);
        assert_eq!((found(&corrections, set("/a")), found(&corrections, set("/b"))), (vec![], vec![2]));
        assert_eq!(corrections.first(), Some(2));
        corrections.forget(2);
        assert!(corrections.is_empty() && corrections.by_place.is_empty());
    }
}
