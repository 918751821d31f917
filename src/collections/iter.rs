//! Iterators over the items of a tree.
//!
//! Reading finds each leaf by its position and keeps no stack, so that starting costs no allocation. Always holds: the
//! items not yet handed out are those of `front`, then the positions in `middle`, then those of `back`.

use std::iter::FusedIterator;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

use super::node::{Child, Mark, Node};

/// Items of a tree in order, from both ends.
pub(super) struct Iter<'a, E, M> {
    root: Option<&'a Node<Vec<E>, M>>,
    front: slice::Iter<'a, E>,
    middle: Range<usize>,
    back: slice::Iter<'a, E>,
}

impl<'a, E, M> Iter<'a, E, M> {
    /// The items at these positions, all of which exist.
    pub(super) fn new(root: Option<&'a Node<Vec<E>, M>>, range: Range<usize>) -> Self {
        Self { root, front: [].iter(), middle: range, back: [].iter() }
    }

    /// The next leaf of the middle, or what the range leaves of it.
    fn next_run(&mut self) -> Option<&'a [E]> {
        if self.middle.is_empty() {
            return None;
        }
        let (leaf, at) = self.root?.leaf_at(self.middle.start)?;
        let run = &leaf[at..leaf.len().min(at + self.middle.len())];
        self.middle.start += run.len();
        Some(run)
    }

    /// The last leaf of the middle, or what the range leaves of it.
    fn next_run_back(&mut self) -> Option<&'a [E]> {
        if self.middle.is_empty() {
            return None;
        }
        let (leaf, at) = self.root?.leaf_at(self.middle.end - 1)?;
        let run = &leaf[(at + 1).saturating_sub(self.middle.len())..=at];
        self.middle.end -= run.len();
        Some(run)
    }
}

impl<'a, E, M> Iterator for Iter<'a, E, M> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        loop {
            if let Some(item) = self.front.next() {
                return Some(item);
            }
            match self.next_run() {
                Some(run) => self.front = run.iter(),
                None => return self.back.next(),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.front.len() + self.middle.len() + self.back.len();
        (left, Some(left))
    }

    /// A leaf at a time: that is what `for_each`, `sum` and `collect` run on.
    fn fold<B, F: FnMut(B, &'a E) -> B>(mut self, init: B, mut each: F) -> B {
        let mut folded = self.front.clone().fold(init, &mut each);
        while let Some(run) = self.next_run() {
            folded = run.iter().fold(folded, &mut each);
        }
        self.back.fold(folded, each)
    }
}

impl<'a, E, M> DoubleEndedIterator for Iter<'a, E, M> {
    fn next_back(&mut self) -> Option<&'a E> {
        loop {
            if let Some(item) = self.back.next_back() {
                return Some(item);
            }
            match self.next_run_back() {
                Some(run) => self.back = run.iter(),
                None => return self.front.next_back(),
            }
        }
    }
}

impl<E, M> ExactSizeIterator for Iter<'_, E, M> {}

impl<E, M> FusedIterator for Iter<'_, E, M> {}

impl<E, M> Clone for Iter<'_, E, M> {
    fn clone(&self) -> Self {
        Self {
            root: self.root,
            front: self.front.clone(),
            middle: self.middle.clone(),
            back: self.back.clone(),
        }
    }
}

/// Items of a tree in order, writable. Copies the nodes that others hold as it comes to them.
pub(super) struct IterMut<'a, E, M> {
    above: Vec<slice::IterMut<'a, Child<Vec<E>, M>>>,
    items: slice::IterMut<'a, E>,
    left: usize,
}

impl<'a, E: Clone, M: Mark<Vec<E>>> IterMut<'a, E, M> {
    pub(super) fn new(root: Option<&'a mut Node<Vec<E>, M>>) -> Self {
        let left = root.as_ref().map_or(0, |root| root.len());
        let mut iter = Self { above: Vec::new(), items: [].iter_mut(), left };
        if let Some(root) = root {
            iter.enter(root);
        }
        iter
    }

    fn enter(&mut self, node: &'a mut Node<Vec<E>, M>) {
        match node {
            Node::Leaf(items) => self.items = items.iter_mut(),
            Node::Branch(children) => self.above.push(children.iter_mut()),
        }
    }
}

impl<'a, E: Clone, M: Mark<Vec<E>>> Iterator for IterMut<'a, E, M> {
    type Item = &'a mut E;

    fn next(&mut self) -> Option<&'a mut E> {
        loop {
            if let Some(item) = self.items.next() {
                self.left -= 1;
                return Some(item);
            }
            match self.above.last_mut()?.next() {
                Some(child) => self.enter(Arc::make_mut(&mut child.node)),
                None => drop(self.above.pop()),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<E: Clone, M: Mark<Vec<E>>> ExactSizeIterator for IterMut<'_, E, M> {}

impl<E: Clone, M: Mark<Vec<E>>> FusedIterator for IterMut<'_, E, M> {}
