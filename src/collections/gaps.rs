//! What two lists do not share: the structural difference of two trees.
//!
//! Goes down both trees level by level. Nodes that stand in both at one level are the same items and are left closed;
//! what lies between them is opened and compared one level further down. Insertions shift positions but not addresses,
//! so they cost no more than overwriting. Always holds: outside the gaps both lists are the same, in order; gaps are in
//! order and do not touch; an address means one node because both trees are alive.

use std::ops::Range;
use std::sync::Arc;

use super::node::{Link, Node};

/// A stretch of an old list and what stands in its place in the new one. Never empty on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Positions in the old list.
    pub old: Range<usize>,
    /// Positions in the new list.
    pub new: Range<usize>,
}

/// How many nodes two levels together may differ by before the next node in common, for it to be found by looking
/// ahead. Edits change a node into one to three; only long runs inserted or removed take the long way.
const AHEAD: usize = 8;

/// A node and the position of its first item.
struct Spot<'a, E, M> {
    node: &'a Link<E, M>,
    start: usize,
}

/// Neighbouring nodes of one height, and the position after the last of them.
struct Level<'a, E, M> {
    spots: Vec<Spot<'a, E, M>>,
    end: usize,
}

/// The gaps between two trees; `None` is an empty one.
pub(super) fn gaps<E, M>(old: Option<&Link<E, M>>, new: Option<&Link<E, M>>) -> Vec<Gap> {
    let mut found = Vec::new();
    match (old, new) {
        (Some(old), Some(new)) if Arc::ptr_eq(old, new) => {}
        (Some(old), Some(new)) => compare_roots(old, new, &mut found),
        (Some(old), None) => found.push(Gap { old: 0..old.len(), new: 0..0 }),
        (None, Some(new)) => found.push(Gap { old: 0..0, new: 0..new.len() }),
        (None, None) => {}
    }
    found
}

/// Opens the higher tree down to the height of the other: only nodes of one height can be the same.
fn compare_roots<E, M>(old: &Link<E, M>, new: &Link<E, M>, found: &mut Vec<Gap>) {
    let (old_height, new_height) = (old.height(), new.height());
    let height = old_height.min(new_height);
    let (mut old, mut new) = (Level::of_root(old), Level::of_root(new));
    (height..old_height).for_each(|_| old = open(&old.spots, old.end));
    (height..new_height).for_each(|_| new = open(&new.spots, new.end));
    compare(&old, &new, height, found);
}

impl<'a, E, M> Level<'a, E, M> {
    fn of_root(root: &'a Link<E, M>) -> Self {
        Self { spots: vec![Spot { node: root, start: 0 }], end: root.len() }
    }

    /// The position at which the spot of this number starts, or would.
    fn start(&self, spot: usize) -> usize {
        self.spots.get(spot).map_or(self.end, |spot| spot.start)
    }
}

/// The children of nodes, as the next level.
fn open<'a, E, M>(spots: &[Spot<'a, E, M>], end: usize) -> Level<'a, E, M> {
    let mut below = Vec::with_capacity(spots.iter().map(|spot| spot.node.slots()).sum());
    for spot in spots {
        #[cfg(test)]
        super::visits::count();
        if let Node::Branch(children) = &**spot.node {
            let mut start = spot.start;
            for child in children {
                below.push(Spot { node: &child.node, start });
                start = spot.start + child.end;
            }
        }
    }
    Level { spots: below, end }
}

/// Adds the gaps between two stretches of nodes of this height. Recursion is as deep as the trees are high.
fn compare<E, M>(old: &Level<'_, E, M>, new: &Level<'_, E, M>, height: usize, found: &mut Vec<Gap>) {
    let (mut i, mut j) = (0, 0);
    let ends = (old.spots.len(), new.spots.len());
    for (at_old, at_new) in matches(&old.spots, &new.spots).into_iter().chain([ends]) {
        let (spots_old, spots_new) = (&old.spots[i..at_old], &new.spots[j..at_new]);
        let gap = Gap { old: old.start(i)..old.start(at_old), new: new.start(j)..new.start(at_new) };
        (i, j) = (at_old + 1, at_new + 1);
        if spots_old.is_empty() && spots_new.is_empty() {
            continue;
        }
        if height == 0 || spots_old.is_empty() || spots_new.is_empty() {
            found.push(gap);
        } else {
            compare(&open(spots_old, gap.old.end), &open(spots_new, gap.new.end), height - 1, found);
        }
    }
}

fn same<E, M>(old: &Spot<'_, E, M>, new: &Spot<'_, E, M>) -> bool {
    Arc::ptr_eq(old.node, new.node)
}

/// Nodes that both levels have, as pairs of indexes that increase on both sides.
fn matches<E, M>(old: &[Spot<'_, E, M>], new: &[Spot<'_, E, M>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if same(&old[i], &new[j]) {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if let Some((in_old, in_new)) = look_ahead(&old[i..], &new[j..]) {
            (i, j) = (i + in_old, j + in_new);
        } else {
            let far = look_everywhere(&old[i..], &new[j..]);
            found.extend(far.into_iter().map(|(in_old, in_new)| (i + in_old, j + in_new)));
            break;
        }
    }
    found
}

/// How many nodes to leave out on each side to come to one that both have, if that is near.
fn look_ahead<E, M>(old: &[Spot<'_, E, M>], new: &[Spot<'_, E, M>]) -> Option<(usize, usize)> {
    for together in 1..=AHEAD {
        let in_old = (together + 1).saturating_sub(new.len())..=together.min(old.len() - 1);
        let near = in_old.map(|i| (i, together - i)).find(|(i, j)| same(&old[*i], &new[*j]));
        if near.is_some() {
            return near;
        }
    }
    None
}

/// The nodes both sides have, wherever they are: the longest run of them that is in order on both sides.
fn look_everywhere<E, M>(old: &[Spot<'_, E, M>], new: &[Spot<'_, E, M>]) -> Vec<(usize, usize)> {
    if old.len() + new.len() <= AHEAD + 2 {
        // All pairs have just been looked at.
        return Vec::new();
    }
    let (old, new) = (by_address(old), by_address(new));
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < old.len() && j < new.len() {
        let (in_old, in_new) = (old[i], new[j]);
        if in_old.0 == in_new.0 {
            // A node that stands in a list several times is paired in order: the first with the first, and so on.
            pairs.push((in_old.1, in_new.1));
        }
        i += usize::from(in_old.0 <= in_new.0);
        j += usize::from(in_new.0 <= in_old.0);
    }
    pairs.sort_unstable_by_key(|(_, in_new)| *in_new);
    longest_increasing(&pairs)
}

fn by_address<E, M>(spots: &[Spot<'_, E, M>]) -> Vec<(*const Node<E, M>, usize)> {
    let mut sorted: Vec<_> =
        spots.iter().enumerate().map(|(index, spot)| (Arc::as_ptr(spot.node), index)).collect();
    sorted.sort_unstable();
    sorted
}

/// The longest choice of pairs whose first numbers increase, by patience sorting. O(n log n).
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair with the smallest first number that ends a choice of that length.
    let mut tops: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let length = tops.partition_point(|top| pairs[*top].0 < pair.0);
        before.push(length.checked_sub(1).map(|shorter| tops[shorter]));
        match tops.get_mut(length) {
            Some(top) => *top = index,
            None => tops.push(index),
        }
    }
    let mut chosen: Vec<_> = std::iter::successors(tops.last().copied(), |index| before[*index]).collect();
    chosen.reverse();
    chosen.into_iter().map(|index| pairs[index]).collect()
}
