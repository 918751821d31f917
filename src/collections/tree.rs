//! [`Tree`]: a root or nothing, as [`List`](super::List) and [`Map`](super::Map) hold it.
//!
//! Puts `edit` and `join` behind positions that have been checked. Always holds: an empty tree has no root and costs no
//! allocation; a clone costs one reference.

use std::sync::Arc;

use super::iter::Iter;
use super::node::{Link, Mark, Node};
use super::{edit, join};

pub(super) struct Tree<E, M> {
    root: Option<Link<E, M>>,
}

impl<E, M> Tree<E, M> {
    pub(super) const fn new() -> Self {
        Self { root: None }
    }

    pub(super) fn root(&self) -> Option<&Link<E, M>> {
        self.root.as_ref()
    }

    pub(super) fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.len())
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

impl<E: Clone, M: Mark<E>> Tree<E, M> {
    /// A tree of the items, in their order. O(n).
    pub(super) fn build(items: impl IntoIterator<Item = E>) -> Self {
        Self { root: join::build(items) }
    }

    /// Copies nothing when there is no item at `at`.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut E> {
        if at >= self.len() {
            return None;
        }
        edit::get_mut(self.root.as_mut()?, at)
    }

    pub(super) fn root_mut(&mut self) -> Option<&mut Node<E, M>> {
        self.root.as_mut().map(Arc::make_mut)
    }

    /// Puts an item before position `at`, which is at most the length.
    pub(super) fn insert(&mut self, at: usize, item: E) {
        debug_assert!(at <= self.len(), "callers check positions");
        match &mut self.root {
            Some(root) => {
                if let Some(beside) = edit::insert(root, at, item) {
                    *root = join::grow(root.clone(), Some(beside));
                }
            }
            None => self.root = Some(Arc::new(Node::Leaf(vec![item]))),
        }
    }

    /// Takes out the item at `at`, if there is one.
    pub(super) fn remove(&mut self, at: usize) -> Option<E> {
        if at >= self.len() {
            return None;
        }
        let item = edit::remove(self.root.as_mut()?, at);
        self.root = self.root.take().and_then(join::shrink);
        Some(item)
    }

    /// Adds all items of `other` at the end. O(log n).
    pub(super) fn append(&mut self, other: Self) {
        self.root = join::join(self.root.take(), other.root);
    }

    /// Takes off the items from `at` on. O(log n).
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let Some(root) = self.root.take() else { return Self::new() };
        let (left, right) = join::split(root, at);
        self.root = left;
        Self { root: right }
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

impl<E, M> Clone for Tree<E, M> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone() }
    }
}

impl<E, M> Default for Tree<E, M> {
    fn default() -> Self {
        Self::new()
    }
}
