//! What two lists do not share: the structural difference of two trees.
//!
//! Goes down both trees level by level. Nodes that stand in both at one level are the same items and are left closed;
//! what lies between them is opened and compared one level further down. Insertions shift positions but not addresses,
//! so they cost no more than overwriting. Always holds: outside the gaps both lists are the same, in order; gaps are in
//! order and do not touch; an address means one node because both trees are alive.

use std::ops::Range;
use std::sync::Arc;

use super::node::{Link, Node, start_of};
use super::run::Run;

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
struct Spot<'a, R, M> {
    node: &'a Link<R, M>,
    start: usize,
}

/// Neighbouring nodes of one height, and the position after the last of them.
struct Level<'a, R, M> {
    spots: Vec<Spot<'a, R, M>>,
    end: usize,
}

/// The gaps between two trees; `None` is an empty one.
pub(super) fn gaps<R: Run, M>(old: Option<&Link<R, M>>, new: Option<&Link<R, M>>) -> Vec<Gap> {
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

/// The one leaf that differs between two trees, and the position both have it at, if that is all that differs. What
/// one edit in a leaf does, so it is worth finding without an allocation.
pub(super) fn one_leaf<'a, R: Run, M>(
    old: &'a Link<R, M>,
    new: &'a Link<R, M>,
) -> Option<(usize, &'a R, &'a R)> {
    if old.height() != new.height() {
        return None;
    }
    let (old, new) = narrow(Spot { node: old, start: 0 }, Spot { node: new, start: 0 });
    match (&**old.node, &**new.node) {
        (Node::Leaf(in_old), Node::Leaf(in_new)) => Some((new.start, in_old, in_new)),
        _ => None,
    }
}

/// Goes down two different trees of one height for as long as the nodes on the way differ in one child.
fn narrow<'a, R, M>(mut old: Spot<'a, R, M>, mut new: Spot<'a, R, M>) -> (Spot<'a, R, M>, Spot<'a, R, M>) {
    while let Some((in_old, in_new)) = one_child(&old, &new) {
        (old, new) = (in_old, in_new);
    }
    (old, new)
}

/// The child that two branches differ in, if it is the only one.
fn one_child<'a, R, M>(
    old: &Spot<'a, R, M>,
    new: &Spot<'a, R, M>,
) -> Option<(Spot<'a, R, M>, Spot<'a, R, M>)> {
    let (Node::Branch(in_old), Node::Branch(in_new)) = (&**old.node, &**new.node) else { return None };
    if in_old.len() != in_new.len() {
        return None;
    }
    let mut differ = (0..in_old.len()).filter(|slot| !Arc::ptr_eq(&in_old[*slot].node, &in_new[*slot].node));
    let (slot, None) = (differ.next()?, differ.next()) else { return None };
    #[cfg(test)]
    (0..2).for_each(|_| super::visits::count());
    // All before it is shared, so it starts at one position in both.
    let start = start_of(in_old, slot);
    let below = |spot: &Spot<'a, R, M>, node| Spot { node, start: spot.start + start };
    Some((below(old, &in_old[slot].node), below(new, &in_new[slot].node)))
}

/// Opens the higher tree down to the height of the other: only nodes of one height can be the same.
fn compare_roots<R: Run, M>(old: &Link<R, M>, new: &Link<R, M>, found: &mut Vec<Gap>) {
    let (old_height, new_height) = (old.height(), new.height());
    let (old, new) = (Spot { node: old, start: 0 }, Spot { node: new, start: 0 });
    if old_height == new_height {
        let (old, new) = narrow(old, new);
        let height = old.node.height();
        return compare(&Level::of(old), &Level::of(new), height, found);
    }
    let height = old_height.min(new_height);
    let (mut old, mut new) = (Level::of(old), Level::of(new));
    (height..old_height).for_each(|_| old = open(&old.spots, old.end));
    (height..new_height).for_each(|_| new = open(&new.spots, new.end));
    compare(&old, &new, height, found);
}

impl<'a, R: Run, M> Level<'a, R, M> {
    fn of(spot: Spot<'a, R, M>) -> Self {
        let end = spot.start + spot.node.len();
        Self { spots: vec![spot], end }
    }

    /// The position at which the spot of this number starts, or would.
    fn start(&self, spot: usize) -> usize {
        self.spots.get(spot).map_or(self.end, |spot| spot.start)
    }
}

/// The children of nodes, as the next level.
fn open<'a, R: Run, M>(spots: &[Spot<'a, R, M>], end: usize) -> Level<'a, R, M> {
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
fn compare<R: Run, M>(old: &Level<'_, R, M>, new: &Level<'_, R, M>, height: usize, found: &mut Vec<Gap>) {
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

fn same<R, M>(old: &Spot<'_, R, M>, new: &Spot<'_, R, M>) -> bool {
    Arc::ptr_eq(old.node, new.node)
}

/// Nodes that both levels have, as pairs of indexes that increase on both sides.
fn matches<R, M>(old: &[Spot<'_, R, M>], new: &[Spot<'_, R, M>]) -> Vec<(usize, usize)> {
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
fn look_ahead<R, M>(old: &[Spot<'_, R, M>], new: &[Spot<'_, R, M>]) -> Option<(usize, usize)> {
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
fn look_everywhere<R, M>(old: &[Spot<'_, R, M>], new: &[Spot<'_, R, M>]) -> Vec<(usize, usize)> {
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

fn by_address<R, M>(spots: &[Spot<'_, R, M>]) -> Vec<(*const Node<R, M>, usize)> {
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
