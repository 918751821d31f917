//! [`List`]: a sequence with structural sharing.
//!
//! The tree without marks, behind an interface like that of `Vec`. Always holds: positions are 0-based; the ones a
//! caller gives are checked here, once.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Bound, Index, IndexMut, Range, RangeBounds};
use std::sync::Arc;

use super::contents::{Iter, IterMut};
use super::cursor::Pairs;
use super::gaps::{Gap, gaps};
use super::tree::Tree;
use super::{iter, node::least};

/// So few elements are spliced one by one: less work than cutting the tree up and joining it again.
const FEW: usize = least(32);

/// A persistent sequence.
///
/// Cloning is O(1). A clone shares everything with its origin until one of them is written to, and then all but the
/// O(log n) nodes on the way to the change. Methods that take a position panic when it lies outside, as those of `Vec`.
///
/// ```
/// use redraft::collections::List;
///
/// let old: List<u32> = (0..1000).collect();
/// let mut new = old.clone();
/// new.insert(500, 7);
/// let gaps = old.diff(&new); // found without reading the other 1000
/// assert_eq!(gaps.len(), 1);
/// assert!(gaps[0].new.contains(&500));
/// ```
pub struct List<T> {
    tree: Tree<Vec<T>, ()>,
}

impl<T> List<T> {
    /// An empty list. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { tree: Tree::new() }
    }

    /// The number of elements. O(1).
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there are no elements. O(1).
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Whether both are the same list in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.tree.ptr_eq(&other.tree)
    }

    /// The element at `index`. O(log n).
    pub fn get(&self, index: usize) -> Option<&T> {
        self.tree.get(index)
    }

    /// The first element. O(log n).
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last element. O(log n).
    pub fn last(&self) -> Option<&T> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The elements in order, from both ends. O(1) to start.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { inner: self.tree.iter() }
    }

    /// The elements of a stretch. O(1) to start.
    ///
    /// # Panics
    /// If the stretch begins after it ends, or ends after the list does.
    pub fn range(&self, range: impl RangeBounds<usize>) -> Iter<'_, T> {
        let range = self.stretch(range);
        Iter { inner: self.tree.range(range.start, range.end) }
    }

    /// What turns `self` into `newer`: the stretches outside of which both lists are the same *by sharing*, in order.
    ///
    /// Elements are never compared; those within a gap may be equal, in part or all. O(nodes that are not shared), also
    /// where positions have shifted.
    pub fn diff(&self, newer: &Self) -> Vec<Gap> {
        gaps(self.tree.root(), newer.tree.root())
    }

    /// The elements at equal positions as pairs of runs, each with its position, without the runs that both lists share.
    /// Ends with the shorter list.
    pub(crate) fn pairs<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (usize, &'a [T], &'a [T])> {
        Pairs::new(self.tree.root(), other.tree.root())
    }

    /// Whether dropping it would leave its contents to somebody else, or has nothing to leave. A guess while other threads
    /// are dropping clones.
    pub(crate) fn is_shared(&self) -> bool {
        self.tree.root().is_none_or(|root| Arc::strong_count(root) > 1)
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &Tree<Vec<T>, ()> {
        &self.tree
    }

    pub(super) fn stretch(&self, range: impl RangeBounds<usize>) -> Range<usize> {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => self.len(),
        };
        assert!(start <= end && end <= self.len(), "stretch {start}..{end} of a list of {}", self.len());
        start..end
    }
}

impl<T: Clone> List<T> {
    /// The element at `index`, writable. O(log n); copies shared nodes on the way, and nothing when out of bounds.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.tree.get_mut(index)
    }

    /// Appends an element. O(log n).
    pub fn push(&mut self, item: T) {
        self.tree.insert(self.len(), item);
    }

    /// Takes the last element off. O(log n).
    pub fn pop(&mut self) -> Option<T> {
        self.tree.remove(self.len().checked_sub(1)?)
    }

    /// Inserts before position `index`. O(log n).
    ///
    /// # Panics
    /// If `index` is greater than the length.
    pub fn insert(&mut self, index: usize, item: T) {
        assert!(index <= self.len(), "insert at {index} in a list of {}", self.len());
        self.tree.insert(index, item);
    }

    /// Removes the element at `index` and returns it. O(log n).
    ///
    /// # Panics
    /// If there is no element at `index`.
    pub fn remove(&mut self, index: usize) -> T {
        let removed = self.tree.remove(index);
        assert!(removed.is_some(), "remove at {index} from a list of {}", self.len());
        // The assertion above is what tells; this only gets the element out of the option.
        removed.unwrap_or_else(|| unreachable!())
    }

    /// Puts `items` where the elements of `range` stood, and returns those. O(log n + items).
    ///
    /// # Panics
    /// If the range begins after it ends, or ends after the list does.
    ///
    /// ```
    /// use redraft::collections::List;
    ///
    /// let mut list: List<u32> = (0..5).collect();
    /// assert_eq!(list.splice(1..4, [9]), [1, 2, 3]);
    /// assert_eq!(list, [0, 9, 4]);
    /// ```
    pub fn splice(&mut self, range: impl RangeBounds<usize>, items: impl IntoIterator<Item = T>) -> Self {
        let Range { start, end } = self.stretch(range);
        let items = items.into_iter();
        let most = items.size_hint().1;
        if end - start <= FEW && most.is_some_and(|most| most <= FEW) {
            let removed = (start..end).filter_map(|_| self.tree.remove(start)).collect();
            items.zip(start..).for_each(|(item, at)| self.tree.insert(at, item));
            return removed;
        }
        let mut removed = self.tree.split_off(start);
        let after = removed.split_off(end - start);
        self.tree.append(Tree::build(items));
        self.tree.append(after);
        Self { tree: removed }
    }

    /// Takes off the elements from `at` on. O(log n).
    ///
    /// # Panics
    /// If `at` is greater than the length.
    pub fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.len(), "split at {at} of a list of {}", self.len());
        Self { tree: self.tree.split_off(at) }
    }

    /// Adds all elements of `other` at the end. O(log n), and both lists' nodes stay shared.
    pub fn append(&mut self, other: Self) {
        self.tree.append(other.tree);
    }

    /// Drops every element from `len` on; does nothing if there are none. O(log n + dropped).
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.tree.split_off(len);
        }
    }

    /// Exchanges two elements. O(log n).
    ///
    /// # Panics
    /// If one of them is out of bounds.
    pub fn swap(&mut self, a: usize, b: usize) {
        assert!(a.max(b) < self.len(), "swap of {a} and {b} in a list of {}", self.len());
        if a != b
            && let (Some(in_a), Some(in_b)) = (self.get(a).cloned(), self.get(b).cloned())
        {
            self[a] = in_b;
            self[b] = in_a;
        }
    }

    /// Removes every element. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The elements in order, writable. Copies the nodes that a clone shares as it comes to them.
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        IterMut { inner: iter::IterMut::new(self.tree.root_mut()) }
    }

    /// The elements as a vector: moved where nobody shares them, cloned elsewhere. O(n).
    pub fn into_vec(self) -> Vec<T> {
        self.tree.into_vec()
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self { tree: self.tree.clone() }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Clone> IntoIterator for &'a mut List<T> {
    type Item = &'a mut T;
    type IntoIter = IterMut<'a, T>;

    fn into_iter(self) -> IterMut<'a, T> {
        self.iter_mut()
    }
}

/// O(n), and every node comes out full.
impl<T: Clone> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self { tree: Tree::build(items) }
    }
}

impl<T: Clone> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.append(items.into_iter().collect());
    }
}

/// # Panics
/// If the index is out of bounds.
impl<T> Index<usize> for List<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        let leaf = self.tree.root().and_then(|root| root.leaf_at(index));
        assert!(leaf.is_some(), "index {index} of a list of {}", self.len());
        let (items, at) = leaf.map_or((&[] as &[T], index), |(items, at)| (items, at));
        &items[at]
    }
}

/// # Panics
/// If the index is out of bounds.
impl<T: Clone> IndexMut<usize> for List<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        let len = self.len();
        assert!(index < len, "index {index} of a list of {len}");
        let found = self.get_mut(index);
        // The assertion above is what tells; this only gets the element out of the option.
        found.unwrap_or_else(|| unreachable!())
    }
}

/// As slices compare, except that what both lists share is taken to be equal without being looked at.
impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.pairs(other).all(|(_, a, b)| a == b)
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: PartialOrd> PartialOrd for List<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other.iter())
    }
}

impl<T: Ord> Ord for List<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let differ = self.pairs(other).map(|(_, a, b)| a.cmp(b)).find(|order| order.is_ne());
        differ.unwrap_or_else(|| self.len().cmp(&other.len()))
    }
}

impl<T: Hash> Hash for List<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|item| item.hash(state));
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
