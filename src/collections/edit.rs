//! One item put in or taken out, with the splits and merges that follow.
//!
//! Works on the way from the root to one leaf. Nodes that nobody else holds are edited in place, others are copied
//! first. Runs of items are left to `join`. Always holds: when a function returns, the node it was given satisfies what
//! `node` promises, or has one slot too few, which its caller mends; what it had too much is returned as a neighbour.

use std::sync::Arc;

use super::node::{Child, Link, Mark, Node, least, slot_of, start_of};
use super::run::Splice;

/// The item at `at`, writable.
pub(super) fn get_mut<E: Clone, M: Mark<Vec<E>>>(link: &mut Link<Vec<E>, M>, at: usize) -> Option<&mut E> {
    match Arc::make_mut(link) {
        Node::Leaf(items) => items.get_mut(at),
        Node::Branch(children) => {
            let slot = slot_of(children, at);
            let start = start_of(children, slot);
            get_mut(&mut children.get_mut(slot)?.node, at - start)
        }
    }
}

/// Has something put before position `at`. `put` is given the run of a leaf and the position in it, and returns what no
/// longer fits, as this function does: a neighbour to the right.
pub(super) fn insert<R: Splice, M: Mark<R>>(
    link: &mut Link<R, M>,
    at: usize,
    put: impl FnOnce(&mut R, usize) -> Option<R>,
) -> Option<Link<R, M>> {
    match make_mut_with_room(link) {
        Node::Leaf(run) => put(run, at).map(|beside| Arc::new(Node::Leaf(beside))),
        Node::Branch(children) => {
            // Between two children the left one takes what comes: in a map it belongs before the right one's mark.
            let slot = children.partition_point(|child| child.end < at);
            let start = start_of(children, slot);
            let beside = insert(&mut children[slot].node, at - start, put);
            settle(children, slot, beside)
        }
    }
}

/// Puts an item into a leaf that holds at most `most`. What no longer fits is returned.
pub(super) fn put_item<E>(items: &mut Vec<E>, at: usize, item: E, most: usize) -> Option<Vec<E>> {
    make_room(items, most);
    items.insert(at, item);
    let cut = overfull(items.len(), most, at)?;
    Some(items.split_off(cut))
}

/// Has something taken out at position `at`, which must exist. `take` is given the run of a leaf and the position in it.
pub(super) fn remove<R: Splice, M: Mark<R>, T>(
    link: &mut Link<R, M>,
    at: usize,
    take: impl FnOnce(&mut R, usize) -> T,
) -> T {
    match Arc::make_mut(link) {
        Node::Leaf(run) => take(run, at),
        Node::Branch(children) => {
            let slot = slot_of(children, at);
            let start = start_of(children, slot);
            let taken = remove(&mut children[slot].node, at - start, take);
            let beside = settle(children, slot, None);
            debug_assert!(beside.is_none(), "nothing was added");
            mend(children, slot);
            taken
        }
    }
}

/// Brings a branch up to date after its child in `slot` has changed and has got a neighbour to its right. What no
/// longer fits is returned.
pub(super) fn settle<R: Splice, M: Mark<R>>(
    children: &mut Vec<Child<R, M>>,
    slot: usize,
    beside: Option<Link<R, M>>,
) -> Option<Link<R, M>> {
    let start = start_of(children, slot);
    let child = &mut children[slot];
    let before = child.end;
    child.end = start + child.node.len();
    if let Some(mark) = child.node.mark() {
        child.mark = mark;
    }
    let mut end = child.end;
    let mut next = slot + 1;
    if let Some((node, mark)) = beside.and_then(|node| node.mark().map(|mark| (node, mark))) {
        end += node.len();
        make_room(children, M::BRANCH);
        children.insert(next, Child { end, mark, node });
        next += 1;
    }
    for child in &mut children[next..] {
        child.end = child.end - before + end;
    }
    let cut = overfull(children.len(), M::BRANCH, slot)?;
    Some(Arc::new(Node::Branch(split_children(children, cut))))
}

/// Joins the child in `slot` with a neighbour if it has become too thin.
fn mend<R: Splice, M: Mark<R>>(children: &mut Vec<Child<R, M>>, slot: usize) {
    if !children[slot].node.is_thin() || children.len() < 2 {
        return;
    }
    let left = slot.min(children.len() - 2);
    let right = children.remove(left + 1);
    let child = &mut children[left];
    let beside = fuse(&mut child.node, right.node);
    // For `settle` the one child now stands where both stood.
    child.end = right.end;
    let beside = settle(children, left, beside);
    debug_assert!(beside.is_none(), "two children took the place of two");
}

/// Moves the slots of `right` into `left`, two neighbours of one height, if one of them is too thin to stay as it is.
/// What stands beside the left one afterwards is returned.
pub(super) fn fuse<R: Splice, M: Mark<R>>(left: &mut Link<R, M>, right: Link<R, M>) -> Option<Link<R, M>> {
    if !left.is_thin() && !right.is_thin() {
        return Some(right);
    }
    let node = Arc::make_mut(left);
    match (&mut *node, Arc::unwrap_or_clone(right)) {
        (Node::Leaf(run), Node::Leaf(more)) => run.append(more),
        (Node::Branch(children), Node::Branch(more)) => append_children(children, more),
        _ => debug_assert!(false, "neighbours have one height"),
    }
    let (slots, most) = (node.slots(), node.most());
    (slots > most).then(|| Arc::new(cut_in_two(node, slots / 2)))
}

/// Keeps the slots before `cut` and returns the others.
fn cut_in_two<R: Splice, M>(node: &mut Node<R, M>, cut: usize) -> Node<R, M> {
    match node {
        Node::Leaf(run) => Node::Leaf(run.split_off(run.position(cut))),
        Node::Branch(children) => Node::Branch(split_children(children, cut)),
    }
}

/// Where to cut a node that has one slot too many, put in at `slot`; `None` if it has not. At an edge the cut is made
/// as close to that edge as can be: lists that grow at one end are left nearly full rather than half empty.
pub(super) fn overfull(slots: usize, most: usize, slot: usize) -> Option<usize> {
    let least = least(most);
    match slot {
        _ if slots <= most => None,
        0 => Some(least),
        slot if slot + 2 >= slots => Some(slots - least),
        _ => Some(slots / 2),
    }
}

/// The children from `cut` on, positions counted anew.
pub(super) fn split_children<R, M>(children: &mut Vec<Child<R, M>>, cut: usize) -> Vec<Child<R, M>> {
    let start = start_of(children, cut);
    let mut more = children.split_off(cut);
    more.iter_mut().for_each(|child| child.end -= start);
    more
}

fn append_children<R, M>(children: &mut Vec<Child<R, M>>, more: Vec<Child<R, M>>) {
    let start = start_of(children, children.len());
    children.reserve_exact(more.len());
    children.extend(more.into_iter().map(|child| Child { end: child.end + start, ..child }));
}

/// As `Arc::make_mut`, but a copy has room for one more slot, so that filling it does not copy once more.
fn make_mut_with_room<R: Splice, M: Mark<R>>(link: &mut Link<R, M>) -> &mut Node<R, M> {
    // Only a guess, which costs no synchronisation; `make_mut` decides.
    if Arc::strong_count(link) > 1 {
        *link = Arc::new(match &**link {
            Node::Leaf(run) => Node::Leaf(run.copy_with_room()),
            Node::Branch(children) => Node::Branch(children.clone()),
        });
    }
    Arc::make_mut(link)
}

/// Makes room for one more. Doubles from one on instead of beginning with four, because most collections are small,
/// and goes past `most` by the one slot only that will make the node split.
fn make_room<X>(slots: &mut Vec<X>, most: usize) {
    if slots.len() == slots.capacity() {
        let more = slots.len().min(most.saturating_sub(slots.len())).max(1);
        slots.reserve_exact(more);
    }
}
