//! [`List`]: the sequence inside a [`Value`], persistent and cheap to clone.
//!
//! Wraps [`collections::List`](crate::collections::List). Leaves equality in depth to `equal` and dropping to
//! `release`. Always holds: a clone shares everything until one side is written to; indexes are 0-based and count
//! elements.

use std::fmt;
use std::ops::{Index, IndexMut, RangeBounds};

use super::release::{Contents, release};
use super::{Value, equal};
use crate::collections;

type Items = collections::List<Value>;

/// A sequence of [`Value`]s.
///
/// Cloning is O(1); reading, writing, inserting and removing one element is O(log n). Methods that take a position
/// panic when it lies outside the list, as those of `Vec` do: inside a recipe that means that nothing happened.
#[derive(Clone, Default)]
pub struct List {
    items: Items,
}

impl List {
    /// An empty list. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { items: Items::new() }
    }

    /// The number of elements. O(1).
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no elements. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same list in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.items.ptr_eq(&other.items)
    }

    /// The element at `index`. O(log n).
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.items.get(index)
    }

    /// The element at `index`, writable. O(log n); copies nothing when the index is out of bounds.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Value> {
        self.items.get_mut(index)
    }

    /// The first element. O(log n).
    pub fn first(&self) -> Option<&Value> {
        self.get(0)
    }

    /// The last element. O(log n).
    pub fn last(&self) -> Option<&Value> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Appends an element. O(log n).
    pub fn push(&mut self, value: impl Into<Value>) {
        self.items.push(value.into());
    }

    /// Takes the last element off. O(log n).
    pub fn pop(&mut self) -> Option<Value> {
        self.items.pop()
    }

    /// Inserts before position `index`. O(log n).
    ///
    /// # Panics
    /// If `index` is greater than the length.
    pub fn insert(&mut self, index: usize, value: impl Into<Value>) {
        self.items.insert(index, value.into());
    }

    /// Removes the element at `index` and returns it. O(log n).
    ///
    /// # Panics
    /// If there is no element at `index`.
    pub fn remove(&mut self, index: usize) -> Value {
        self.items.remove(index)
    }

    /// Replaces a stretch of elements by others and returns the ones taken out. O(log n + taken out + put in).
    ///
    /// # Panics
    /// If the range begins after it ends, or ends after the list does.
    ///
    /// ```
    /// use redraft::value::{List, Value};
    ///
    /// let mut list: List = (0..5).collect();
    /// let out = list.splice(1..4, [Value::from(9)]);
    /// assert_eq!(out, (1..4).map(Value::from).collect::<Vec<_>>());
    /// assert_eq!(list, [0, 9, 4].into_iter().collect());
    /// ```
    pub fn splice(
        &mut self,
        range: impl RangeBounds<usize>,
        items: impl IntoIterator<Item = Value>,
    ) -> Vec<Value> {
        self.items.splice(range, items).into_vec()
    }

    /// Drops every element from `len` on; does nothing if there are none. O(log n + dropped).
    pub fn truncate(&mut self, len: usize) {
        self.items.truncate(len);
    }

    /// Exchanges two elements. O(log n).
    ///
    /// # Panics
    /// If one of them is out of bounds.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.items.swap(a, b);
    }

    /// Removes every element. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The elements in order. O(1) to start.
    pub fn iter(&self) -> ListIter<'_> {
        ListIter { inner: self.items.iter() }
    }

    /// The elements in order, writable. O(1) to start, and copies what a clone shares as it goes.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.items.iter_mut()
    }

    /// The list without the wrapping.
    pub(crate) fn items(&self) -> &collections::List<Value> {
        &self.items
    }

    /// The elements at equal positions that are not shared.
    pub(super) fn pairs<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Value, &'a Value)> {
        self.items.pairs(&other.items).flat_map(|(_, a, b)| a.iter().zip(b))
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if !self.items.is_shared() {
            release(Contents::List(std::mem::take(&mut self.items)));
        }
    }
}

/// The elements of a [`List`] in order.
#[derive(Clone, Debug)]
pub struct ListIter<'a> {
    inner: collections::Iter<'a, Value>,
}

impl<'a> Iterator for ListIter<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn fold<B, F: FnMut(B, &'a Value) -> B>(self, init: B, each: F) -> B {
        self.inner.fold(init, each)
    }
}

impl<'a> DoubleEndedIterator for ListIter<'a> {
    fn next_back(&mut self) -> Option<&'a Value> {
        self.inner.next_back()
    }
}

impl ExactSizeIterator for ListIter<'_> {}

impl std::iter::FusedIterator for ListIter<'_> {}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = ListIter<'a>;

    fn into_iter(self) -> ListIter<'a> {
        self.iter()
    }
}

impl<V: Into<Value>> FromIterator<V> for List {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self { items: values.into_iter().map(Into::into).collect() }
    }
}

impl<V: Into<Value>> Extend<V> for List {
    fn extend<I: IntoIterator<Item = V>>(&mut self, values: I) {
        self.items.extend(values.into_iter().map(Into::into));
    }
}

/// Reads an element; one out of bounds reads as `Null`.
impl Index<usize> for List {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        self.get(index).unwrap_or(&Value::Null)
    }
}

/// Writes an element.
///
/// # Panics
/// If the index is out of bounds.
impl IndexMut<usize> for List {
    fn index_mut(&mut self, index: usize) -> &mut Value {
        &mut self.items[index]
    }
}

/// Compares contents; O(1) for clones of each other, and shared runs are skipped otherwise.
impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        equal::lists_equal(self, other)
    }
}

impl Eq for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug::list(self, f, 0)
    }
}
