//! Whole runs of items: trees built from them, taken apart and joined.
//!
//! `split` and `join` copy the nodes along one seam and share all others, so splicing, cutting and concatenating cost
//! O(log n) however long the runs are. Always holds: what is returned are whole trees that satisfy what `node` promises.

use std::sync::Arc;

use super::edit::{fuse, settle, split_children};
use super::node::{Child, Link, Mark, Node, slot_of, start_of};
use super::run::Splice;

/// A tree, or nothing when there are no items.
type Root<R, M> = Option<Link<R, M>>;

/// A tree of the items, in their order. O(n); nodes come out full.
pub(super) fn build<E: Clone, M: Mark<Vec<E>>>(items: impl IntoIterator<Item = E>) -> Root<Vec<E>, M> {
    let mut items = items.into_iter();
    of_runs(std::iter::from_fn(|| {
        // The most there can be, since of what may fail the least is nothing.
        let most = items.size_hint().1.map_or(M::LEAF, |most| most.min(M::LEAF));
        let mut run = Vec::with_capacity(most);
        run.extend(items.by_ref().take(M::LEAF));
        run.shrink_to_fit();
        (!run.is_empty()).then_some(run)
    }))
}

/// A tree of these runs, all of which are large enough to stand alone but perhaps the last one.
pub(super) fn of_runs<R: Splice, M: Mark<R>>(runs: impl Iterator<Item = R>) -> Root<R, M> {
    let mut level = runs.map(|run| Arc::new(Node::Leaf(run))).collect();
    mend_last(&mut level);
    while level.len() > 1 {
        level = branches(level);
    }
    level.pop()
}

fn branches<R: Splice, M: Mark<R>>(level: Vec<Link<R, M>>) -> Vec<Link<R, M>> {
    let mut nodes = level.into_iter().peekable();
    let mut above = Vec::new();
    while nodes.peek().is_some() {
        above.push(branch(nodes.by_ref().take(M::BRANCH)));
    }
    mend_last(&mut above);
    above
}

/// A branch of these nodes.
fn branch<R: Splice, M: Mark<R>>(nodes: impl Iterator<Item = Link<R, M>>) -> Link<R, M> {
    let mut children = Vec::with_capacity(nodes.size_hint().0);
    let mut end = 0;
    for node in nodes {
        let Some(mark) = node.mark() else { continue };
        end += node.len();
        children.push(Child { end, mark, node });
    }
    Arc::new(Node::Branch(children))
}

/// Whatever was left for the last node of a level may be too little for it to stand alone.
fn mend_last<R: Splice, M: Mark<R>>(level: &mut Vec<Link<R, M>>) {
    if level.len() > 1
        && let Some(last) = level.pop()
        && let Some(before) = level.last_mut()
    {
        let beside = fuse(before, last);
        level.extend(beside);
    }
}

/// The items of `left`, then those of `right`. O(log n).
pub(super) fn join<R: Splice, M: Mark<R>>(left: Root<R, M>, right: Root<R, M>) -> Root<R, M> {
    let (mut left, mut right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (left, right) => return left.or(right),
    };
    let (left_height, right_height) = (left.height(), right.height());
    if left_height >= right_height {
        let beside = append(&mut left, right, left_height - right_height);
        Some(grow(left, beside))
    } else {
        let beside = prepend(&mut right, left, right_height - left_height);
        Some(grow(right, beside))
    }
}

/// The root above a node that may have got a neighbour.
pub(super) fn grow<R: Splice, M: Mark<R>>(left: Link<R, M>, beside: Option<Link<R, M>>) -> Link<R, M> {
    match beside {
        Some(right) => branch([left, right].into_iter()),
        None => left,
    }
}

/// The root below a branch that has but one child left; nothing where nothing is left.
pub(super) fn shrink<R: Splice, M: Mark<R>>(mut link: Link<R, M>) -> Root<R, M> {
    loop {
        let only = match &*link {
            Node::Branch(children) if children.len() == 1 => children.first().map(|child| child.node.clone()),
            _ => None,
        };
        match only {
            Some(only) => link = only,
            None => return (link.slots() > 0).then_some(link),
        }
    }
}

/// Hangs a tree that is so many levels lower on the right edge. What no longer fits is returned.
fn append<R: Splice, M: Mark<R>>(link: &mut Link<R, M>, right: Link<R, M>, levels: usize) -> Root<R, M> {
    if levels == 0 {
        return fuse(link, right);
    }
    let Node::Branch(children) = Arc::make_mut(link) else { return Some(right) };
    let slot = children.len() - 1;
    let beside = append(&mut children[slot].node, right, levels - 1);
    settle(children, slot, beside)
}

/// Hangs a tree that is so many levels lower on the left edge. What no longer fits is returned, to the right.
fn prepend<R: Splice, M: Mark<R>>(link: &mut Link<R, M>, left: Link<R, M>, levels: usize) -> Root<R, M> {
    if levels == 0 {
        let right = std::mem::replace(link, left);
        return fuse(link, right);
    }
    let Node::Branch(children) = Arc::make_mut(link) else { return None };
    let beside = prepend(&mut children[0].node, left, levels - 1);
    settle(children, 0, beside)
}

/// The items before position `at`, and the others. O(log n).
pub(super) fn split<R: Splice, M: Mark<R>>(link: Link<R, M>, at: usize) -> (Root<R, M>, Root<R, M>) {
    if at == 0 {
        return (None, Some(link));
    }
    if at >= link.len() {
        return (Some(link), None);
    }
    match Arc::unwrap_or_clone(link) {
        Node::Leaf(mut run) => {
            let more = run.split_off(at);
            (Some(Arc::new(Node::Leaf(run))), Some(Arc::new(Node::Leaf(more))))
        }
        Node::Branch(children) => split_branch(children, at),
    }
}

fn split_branch<R: Splice, M: Mark<R>>(
    mut children: Vec<Child<R, M>>,
    at: usize,
) -> (Root<R, M>, Root<R, M>) {
    let slot = slot_of(&children, at);
    let start = start_of(&children, slot);
    let after = split_children(&mut children, slot + 1);
    let Some(middle) = children.pop() else { return (None, of_children(after)) };
    let (left, right) = split(middle.node, at - start);
    (join(of_children(children), left), join(right, of_children(after)))
}

/// The tree of some children of a branch.
fn of_children<R: Splice, M: Mark<R>>(children: Vec<Child<R, M>>) -> Root<R, M> {
    shrink(Arc::new(Node::Branch(children)))
}

/// Adds the items to `out`: moved where nobody else holds them, cloned elsewhere.
pub(super) fn unload<E: Clone, M: Mark<Vec<E>>>(link: Link<Vec<E>, M>, out: &mut Vec<E>) {
    match Arc::unwrap_or_clone(link) {
        Node::Leaf(items) => out.extend(items),
        Node::Branch(children) => children.into_iter().for_each(|child| unload(child.node, out)),
    }
}
