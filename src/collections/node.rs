//! [`Node`]: one node of the shared tree beneath [`List`](super::List) and [`Map`](super::Map), and how it is read.
//!
//! Leaves hold the items, branches hold nodes of one height; both are shared by `Arc` and found by position. Changing
//! nodes is left to `edit` and `join`. Always holds: every leaf has the same distance from the root; every node but the
//! root has between [`least`] and its maximum of slots; a branch at the root has at least two; no node is empty. Leaves
//! are as large as what they hold, so that a small collection is small.

use std::sync::Arc;

/// What a branch keeps about the first item of each of its nodes: nothing in a list, the key in a map.
pub(super) trait Mark<E>: Clone {
    /// The most items in a leaf.
    const LEAF: usize = 32;
    /// The most nodes in a branch.
    const BRANCH: usize = 32;

    /// What is kept about a node whose first item this is.
    fn of(first: &E) -> Self;
}

/// A list finds its items by position alone.
impl<T> Mark<T> for () {
    fn of(_: &T) {}
}

pub(super) enum Node<E, M> {
    Leaf(Vec<E>),
    Branch(Vec<Child<E, M>>),
}

/// A node as others hold it: shared, and copied before it is written to.
pub(super) type Link<E, M> = Arc<Node<E, M>>;

/// A node in a branch.
pub(super) struct Child<E, M> {
    /// The position after its last item, counted from the first item of the branch.
    pub(super) end: usize,
    pub(super) mark: M,
    pub(super) node: Link<E, M>,
}

impl<E, M: Clone> Clone for Child<E, M> {
    fn clone(&self) -> Self {
        Self { end: self.end, mark: self.mark.clone(), node: self.node.clone() }
    }
}

impl<E: Clone, M: Clone> Clone for Node<E, M> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(items) => Self::Leaf(items.clone()),
            Self::Branch(children) => Self::Branch(children.clone()),
        }
    }
}

/// The fewest slots of a node that has a neighbour, out of at most `most`. A quarter, not half: a leaf that a push has
/// filled can then be left nearly full, and a node at the limit does not flap between splitting and merging.
pub(super) const fn least(most: usize) -> usize {
    if most < 8 { 2 } else { most / 4 }
}

impl<E, M> Node<E, M> {
    /// The number of items beneath.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Branch(children) => children.last().map_or(0, |last| last.end),
        }
    }

    /// The number of items in a leaf, of nodes in a branch.
    pub(super) fn slots(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Branch(children) => children.len(),
        }
    }

    /// The number of branches between this node and a leaf, itself included: 0 for a leaf.
    pub(super) fn height(&self) -> usize {
        let mut height = 0;
        let mut node = self;
        while let Self::Branch(children) = node {
            let Some(first) = children.first() else { break };
            node = &first.node;
            height += 1;
        }
        height
    }

    /// The leaf that holds the item at `at`, and where in it.
    pub(super) fn leaf_at(&self, at: usize) -> Option<(&[E], usize)> {
        let (mut node, mut at) = (self, at);
        loop {
            match node {
                Self::Leaf(items) => return (at < items.len()).then_some((items, at)),
                Self::Branch(children) => {
                    let slot = slot_of(children, at);
                    at -= start_of(children, slot);
                    node = &children.get(slot)?.node;
                }
            }
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<&E> {
        let (items, at) = self.leaf_at(at)?;
        items.get(at)
    }
}

impl<E: Clone, M: Mark<E>> Node<E, M> {
    /// The most slots a node of this kind may have.
    pub(super) fn most(&self) -> usize {
        match self {
            Self::Leaf(_) => M::LEAF,
            Self::Branch(_) => M::BRANCH,
        }
    }

    /// Whether the node has too few slots to stand beside others.
    pub(super) fn is_thin(&self) -> bool {
        self.slots() < least(self.most())
    }

    /// What a branch keeps about this node. `None` only for an empty node, which no tree has.
    pub(super) fn mark(&self) -> Option<M> {
        match self {
            Self::Leaf(items) => items.first().map(M::of),
            Self::Branch(children) => children.first().map(|first| first.mark.clone()),
        }
    }
}

/// The slot of the child that holds the item at `at`; the number of children if there is none.
pub(super) fn slot_of<E, M>(children: &[Child<E, M>], at: usize) -> usize {
    children.partition_point(|child| child.end <= at)
}

/// The position of the first item of the child in `slot`.
pub(super) fn start_of<E, M>(children: &[Child<E, M>], slot: usize) -> usize {
    slot.checked_sub(1).and_then(|before| children.get(before)).map_or(0, |before| before.end)
}
