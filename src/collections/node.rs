//! [`Node`]: one node of the shared tree beneath [`List`](super::List) and [`Map`](super::Map), and how it is read.
//!
//! Leaves hold runs of the sequence, branches hold nodes of one height; both are shared by `Arc` and found by position.
//! Changing nodes is left to `edit` and `join`. Always holds: every leaf has the same distance from the root; every node but the
//! root has between [`least`] and its maximum of slots; a branch at the root has at least two; no node is empty. Leaves
//! are as large as what they hold, so that a small collection is small.

use std::sync::Arc;

use super::run::Run;

/// What a branch keeps about each of its nodes: nothing in a list, the first key in a map, the bytes in a text.
pub(super) trait Mark<R>: Clone {
    /// The most items in the run of a leaf.
    const LEAF: usize = 16;
    /// The most nodes in a branch.
    const BRANCH: usize = 16;

    /// What is kept about a leaf. `None` only for an empty one, which no tree has.
    fn of(run: &R) -> Option<Self>;

    /// What is kept about a branch.
    fn above(children: &[Child<R, Self>]) -> Option<Self> {
        children.first().map(|first| first.mark.clone())
    }
}

/// A list finds its items by position alone.
impl<R> Mark<R> for () {
    fn of(_: &R) -> Option<()> {
        Some(())
    }
}

pub(super) enum Node<R, M> {
    Leaf(R),
    Branch(Vec<Child<R, M>>),
}

/// A node as others hold it: shared, and copied before it is written to.
pub(super) type Link<R, M> = Arc<Node<R, M>>;

/// A node in a branch.
pub(super) struct Child<R, M> {
    /// The position after its last one, counted from the first position of the branch.
    pub(super) end: usize,
    pub(super) mark: M,
    pub(super) node: Link<R, M>,
}

impl<R, M: Clone> Clone for Child<R, M> {
    fn clone(&self) -> Self {
        Self { end: self.end, mark: self.mark.clone(), node: self.node.clone() }
    }
}

impl<R: Clone, M: Clone> Clone for Node<R, M> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(run) => Self::Leaf(run.clone()),
            Self::Branch(children) => Self::Branch(children.clone()),
        }
    }
}

/// The fewest slots of a node that has a neighbour, out of at most `most`. A quarter, not half: a leaf that a push has
/// filled can then be left nearly full, and a node at the limit does not flap between splitting and merging.
pub(super) const fn least(most: usize) -> usize {
    if most < 8 { 2 } else { most / 4 }
}

impl<R: Run, M> Node<R, M> {
    /// The number of positions beneath.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(run) => run.len(),
            Self::Branch(children) => children.last().map_or(0, |last| last.end),
        }
    }

    /// The number of items in a leaf, of nodes in a branch.
    pub(super) fn slots(&self) -> usize {
        match self {
            Self::Leaf(run) => run.items().len(),
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

    /// The run that holds position `at`, and which of its own positions that is.
    pub(super) fn leaf_at(&self, at: usize) -> Option<(&R, usize)> {
        let (mut node, mut at) = (self, at);
        loop {
            match node {
                Self::Leaf(run) => return (at < run.len()).then_some((run, at)),
                Self::Branch(children) => {
                    let slot = slot_of(children, at);
                    at -= start_of(children, slot);
                    node = &children.get(slot)?.node;
                }
            }
        }
    }
}

impl<E, M> Node<Vec<E>, M> {
    pub(super) fn get(&self, at: usize) -> Option<&E> {
        let (items, at) = self.leaf_at(at)?;
        items.get(at)
    }
}

impl<R: Run, M: Mark<R>> Node<R, M> {
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
            Self::Leaf(run) => M::of(run),
            Self::Branch(children) => M::above(children),
        }
    }
}

/// The slot of the child that holds position `at`; the number of children if there is none.
pub(super) fn slot_of<R, M>(children: &[Child<R, M>], at: usize) -> usize {
    children.partition_point(|child| child.end <= at)
}

/// The first position of the child in `slot`.
pub(super) fn start_of<R, M>(children: &[Child<R, M>], slot: usize) -> usize {
    slot.checked_sub(1).and_then(|before| children.get(before)).map_or(0, |before| before.end)
}
