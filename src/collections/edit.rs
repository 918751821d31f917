//! One item put in or taken out, with the splits and merges that follow.
//!
//! Works on the way from the root to one leaf. Nodes that nobody else holds are edited in place, others are copied
//! first. Runs of items are left to `join`. Always holds: when a function returns, the node it was given satisfies what
//! `node` promises, or has one slot too few, which its caller mends; what it had too much is returned as a neighbour.

use std::sync::Arc;

use super::node::{Child, Link, Mark, Node, least, slot_of, start_of};

/// The item at `at`, writable.
pub(super) fn get_mut<E: Clone, M: Mark<E>>(link: &mut Link<E, M>, at: usize) -> Option<&mut E> {
    match Arc::make_mut(link) {
        Node::Leaf(items) => items.get_mut(at),
        Node::Branch(children) => {
            let slot = slot_of(children, at);
            let start = start_of(children, slot);
            get_mut(&mut children.get_mut(slot)?.node, at - start)
        }
    }
}

/// Puts an item before position `at`. What no longer fits is returned: a neighbour to the right.
pub(super) fn insert<E: Clone, M: Mark<E>>(link: &mut Link<E, M>, at: usize, item: E) -> Option<Link<E, M>> {
    match make_mut_with_room(link) {
        Node::Leaf(items) => {
            make_room(items, M::LEAF);
            items.insert(at, item);
            let cut = overfull(items.len(), M::LEAF, at)?;
            Some(Arc::new(Node::Leaf(items.split_off(cut))))
        }
        Node::Branch(children) => {
            // Between two children the left one takes the item: in a map it belongs before the right one's mark.
            let slot = children.partition_point(|child| child.end < at);
            let start = start_of(children, slot);
            let beside = insert(&mut children[slot].node, at - start, item);
            settle(children, slot, beside)
        }
    }
}

/// Takes out the item at `at`, which must exist.
pub(super) fn remove<E: Clone, M: Mark<E>>(link: &mut Link<E, M>, at: usize) -> E {
    match Arc::make_mut(link) {
        Node::Leaf(items) => items.remove(at),
        Node::Branch(children) => {
            let slot = slot_of(children, at);
            let start = start_of(children, slot);
            let item = remove(&mut children[slot].node, at - start);
            let beside = settle(children, slot, None);
            debug_assert!(beside.is_none(), "nothing was added");
            mend(children, slot);
            item
        }
    }
}

/// Brings a branch up to date after its child in `slot` has changed and has got a neighbour to its right. What no
/// longer fits is returned.
pub(super) fn settle<E: Clone, M: Mark<E>>(
    children: &mut Vec<Child<E, M>>,
    slot: usize,
    beside: Option<Link<E, M>>,
) -> Option<Link<E, M>> {
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
fn mend<E: Clone, M: Mark<E>>(children: &mut Vec<Child<E, M>>, slot: usize) {
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
pub(super) fn fuse<E: Clone, M: Mark<E>>(left: &mut Link<E, M>, right: Link<E, M>) -> Option<Link<E, M>> {
    if !left.is_thin() && !right.is_thin() {
        return Some(right);
    }
    let node = Arc::make_mut(left);
    match (&mut *node, Arc::unwrap_or_clone(right)) {
        (Node::Leaf(items), Node::Leaf(more)) => {
            items.reserve_exact(more.len());
            items.extend(more);
        }
        (Node::Branch(children), Node::Branch(more)) => append_children(children, more),
        _ => debug_assert!(false, "neighbours have one height"),
    }
    let (slots, most) = (node.slots(), node.most());
    (slots > most).then(|| Arc::new(cut_in_two(node, slots / 2)))
}

/// Keeps the slots before `cut` and returns the others.
fn cut_in_two<E, M>(node: &mut Node<E, M>, cut: usize) -> Node<E, M> {
    match node {
        Node::Leaf(items) => {
            let more = items.split_off(cut);
            items.shrink_to_fit();
            Node::Leaf(more)
        }
        Node::Branch(children) => Node::Branch(split_children(children, cut)),
    }
}

/// Where to cut a node that has one slot too many, put in at `slot`; `None` if it has not. At an edge the cut is made
/// as close to that edge as can be: lists that grow at one end are left nearly full rather than half empty.
fn overfull(slots: usize, most: usize, slot: usize) -> Option<usize> {
    let least = least(most);
    match slot {
        _ if slots <= most => None,
        0 => Some(least),
        slot if slot + 2 >= slots => Some(slots - least),
        _ => Some(slots / 2),
    }
}

/// The children from `cut` on, positions counted anew.
pub(super) fn split_children<E, M>(children: &mut Vec<Child<E, M>>, cut: usize) -> Vec<Child<E, M>> {
    let start = start_of(children, cut);
    let mut more = children.split_off(cut);
    more.iter_mut().for_each(|child| child.end -= start);
    more
}

fn append_children<E, M>(children: &mut Vec<Child<E, M>>, more: Vec<Child<E, M>>) {
    let start = start_of(children, children.len());
    children.reserve_exact(more.len());
    children.extend(more.into_iter().map(|child| Child { end: child.end + start, ..child }));
}

/// As `Arc::make_mut`, but a copy has room for one more slot, so that filling it does not copy once more.
fn make_mut_with_room<E: Clone, M: Mark<E>>(link: &mut Link<E, M>) -> &mut Node<E, M> {
    // Only a guess, which costs no synchronisation; `make_mut` decides.
    if Arc::strong_count(link) > 1 {
        *link = Arc::new(match &**link {
            Node::Leaf(items) => Node::Leaf(with_room(items)),
            Node::Branch(children) => Node::Branch(children.clone()),
        });
    }
    Arc::make_mut(link)
}

fn with_room<X: Clone>(slots: &[X]) -> Vec<X> {
    let mut copy = Vec::with_capacity(slots.len() + 1);
    copy.extend_from_slice(slots);
    copy
}

/// Makes room for one more. Doubles from one on instead of beginning with four, because most collections are small,
/// and goes past `most` by the one slot only that will make the node split.
fn make_room<X>(slots: &mut Vec<X>, most: usize) {
    if slots.len() == slots.capacity() {
        let more = slots.len().min(most.saturating_sub(slots.len())).max(1);
        slots.reserve_exact(more);
    }
}
