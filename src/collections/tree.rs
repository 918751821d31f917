//! [`Tree`]: a root or nothing, as [`List`](super::List) and [`Map`](super::Map) hold it.
//!
//! Puts `edit` and `join` behind positions that have been checked. Always holds: an empty tree has no root and costs no
//! allocation; a clone costs one reference.

use std::sync::Arc;

use super::iter::Iter;
use super::node::{Link, Mark, Node};
use super::run::{Run, Splice};
use super::{edit, join};

pub(super) struct Tree<R, M> {
    root: Option<Link<R, M>>,
}

impl<R, M> Tree<R, M> {
    pub(super) const fn new() -> Self {
        Self { root: None }
    }

    pub(super) fn root(&self) -> Option<&Link<R, M>> {
        self.root.as_ref()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    pub(super) fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl<R: Run, M> Tree<R, M> {
    /// The number of positions.
    pub(super) fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.len())
    }
}

impl<R: Splice, M: Mark<R>> Tree<R, M> {
    /// A tree of these runs, all of which are large enough to stand alone but perhaps the last one.
    pub(super) fn of_runs(runs: impl Iterator<Item = R>) -> Self {
        Self { root: join::of_runs(runs) }
    }

    /// Has `put` put something before position `at`, which is at most the length; it returns what no longer fits. Does
    /// nothing to an empty tree.
    pub(super) fn put(&mut self, at: usize, put: impl FnOnce(&mut R, usize) -> Option<R>) {
        debug_assert!(at <= self.len(), "callers check positions");
        if let Some(root) = &mut self.root
            && let Some(beside) = edit::insert(root, at, put)
        {
            *root = join::grow(root.clone(), Some(beside));
        }
    }

    /// Has `take` take something out at position `at`, if there is one.
    pub(super) fn take<T>(&mut self, at: usize, take: impl FnOnce(&mut R, usize) -> T) -> Option<T> {
        if at >= self.len() {
            return None;
        }
        let taken = edit::remove(self.root.as_mut()?, at, take);
        if self.root.as_ref().is_some_and(|root| root.slots() < 2) {
            self.root = self.root.take().and_then(join::shrink);
        }
        Some(taken)
    }

    /// Adds all of `other` at the end. O(log n).
    pub(super) fn append(&mut self, other: Self) {
        self.root = join::join(self.root.take(), other.root);
    }

    /// Takes off what stands from `at` on. O(log n).
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let Some(root) = self.root.take() else { return Self::new() };
        let (left, right) = join::split(root, at);
        self.root = left;
        Self { root: right }
    }
}

impl<E, M> Tree<Vec<E>, M> {
    pub(super) fn get(&self, at: usize) -> Option<&E> {
        self.root.as_ref()?.get(at)
    }

    pub(super) fn iter(&self) -> Iter<'_, E, M> {
        self.range(0, self.len())
    }

    /// The items from `start` to before `end`.
    pub(super) fn range(&self, start: usize, end: usize) -> Iter<'_, E, M> {
        Iter::new(self.root.as_deref(), start..end.min(self.len()))
    }
}

impl<E: Clone, M: Mark<Vec<E>>> Tree<Vec<E>, M> {
    /// A tree of the items, in their order. O(n).
    pub(super) fn build(items: impl IntoIterator<Item = E>) -> Self {
        Self { root: join::build(items) }
    }

    /// The same of items that are in a vector, which becomes the only leaf if it is small enough.
    pub(super) fn of_vec(mut items: Vec<E>) -> Self {
        if items.is_empty() || items.len() > M::LEAF {
            return Self::build(items);
        }
        items.shrink_to_fit();
        Self { root: Some(Arc::new(Node::Leaf(items))) }
    }

    /// Copies nothing when there is no item at `at`.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut E> {
        if at >= self.len() {
            return None;
        }
        edit::get_mut(self.root.as_mut()?, at)
    }

    pub(super) fn root_mut(&mut self) -> Option<&mut Node<Vec<E>, M>> {
        self.root.as_mut().map(Arc::make_mut)
    }

    /// Puts an item before position `at`, which is at most the length.
    pub(super) fn insert(&mut self, at: usize, item: E) {
        match &self.root {
            Some(_) => self.put(at, |items, at| edit::put_item(items, at, item, M::LEAF)),
            None => self.root = Some(Arc::new(Node::Leaf(vec![item]))),
        }
    }

    /// Takes out the item at `at`, if there is one.
    pub(super) fn remove(&mut self, at: usize) -> Option<E> {
        self.take(at, Vec::remove)
    }

    /// All items, moved where nobody else holds them.
    pub(super) fn into_vec(self) -> Vec<E> {
        let mut items = Vec::with_capacity(self.len());
        if let Some(root) = self.root {
            join::unload(root, &mut items);
        }
        items
    }
}

impl<R, M> Clone for Tree<R, M> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone() }
    }
}

impl<R, M> Default for Tree<R, M> {
    fn default() -> Self {
        Self::new()
    }
}
