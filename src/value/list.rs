//! [`List`]: the sequence inside a [`Value`], persistent and cheap to clone.
//!
//! Wraps a shared relaxed radix-balanced tree and hides it. Leaves equality in depth to `equal` and dropping to
//! `release`. Always holds: a clone shares everything until one side is written to; indexes are 0-based and count
//! elements.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use imbl::Vector;
use imbl::shared_ptr::DefaultSharedPtr;
use imbl::vector::Iter as TreeIter;

use super::release::{Contents, release};
use super::{Value, equal};

/// A sequence of [`Value`]s.
///
/// Cloning is O(1); reading, writing, inserting and removing one element is O(log n). Methods that take a position
/// panic when it lies outside the list, as those of `Vec` do: inside a recipe that means that nothing happened.
#[derive(Clone, Default)]
pub struct List {
    /// `None` is the empty list, which then costs no allocation.
    items: Option<Arc<Vector<Value>>>,
}

impl List {
    /// An empty list. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { items: None }
    }

    /// The number of elements. O(1).
    pub fn len(&self) -> usize {
        self.items.as_ref().map_or(0, |items| items.len())
    }

    /// Whether there are no elements. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same list in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || (a.len() == b.len() && a.ptr_eq(b)),
            _ => self.is_empty() && other.is_empty(),
        }
    }

    /// The element at `index`. O(log n).
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.items.as_ref()?.get(index)
    }

    /// The element at `index`, writable. O(log n); copies nothing when the index is out of bounds.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Value> {
        if index >= self.len() {
            return None;
        }
        self.items_mut().get_mut(index)
    }

    /// The first element. O(1).
    pub fn first(&self) -> Option<&Value> {
        self.get(0)
    }

    /// The last element. O(log n).
    pub fn last(&self) -> Option<&Value> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Appends an element. O(1) amortised.
    pub fn push(&mut self, value: impl Into<Value>) {
        self.items_mut().push_back(value.into());
    }

    /// Takes the last element off. O(1) amortised.
    pub fn pop(&mut self) -> Option<Value> {
        if self.is_empty() { None } else { self.items_mut().pop_back() }
    }

    /// Inserts before position `index`. O(log n).
    ///
    /// # Panics
    /// If `index` is greater than the length.
    pub fn insert(&mut self, index: usize, value: impl Into<Value>) {
        assert!(index <= self.len(), "insert at {index} in a list of {}", self.len());
        self.items_mut().insert(index, value.into());
    }

    /// Removes the element at `index` and returns it. O(log n).
    ///
    /// # Panics
    /// If there is no element at `index`.
    pub fn remove(&mut self, index: usize) -> Value {
        assert!(index < self.len(), "remove at {index} from a list of {}", self.len());
        self.items_mut().remove(index)
    }

    /// Replaces `del` elements from `at` on by `ins` and returns the ones taken out. O(log n + del + ins).
    ///
    /// # Panics
    /// If `at + del` is greater than the length.
    ///
    /// ```
    /// use redraft::value::{List, Value};
    ///
    /// let mut list: List = (0..5).collect();
    /// let out = list.splice(1, 3, [Value::from(9)]);
    /// assert_eq!(out, (1..4).map(Value::from).collect::<Vec<_>>());
    /// assert_eq!(list, [0, 9, 4].into_iter().collect());
    /// ```
    pub fn splice(&mut self, at: usize, del: usize, ins: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let fits = at.checked_add(del).is_some_and(|end| end <= self.len());
        assert!(fits, "splice of {del} elements at {at} in a list of {}", self.len());
        let items = self.items_mut();
        let mut tail = items.split_off(at);
        let kept = tail.split_off(del);
        items.extend(ins);
        items.append(kept);
        tail.into_iter().collect()
    }

    /// Drops every element from `len` on; does nothing if there are none. O(log n + dropped).
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.items_mut().truncate(len);
        }
    }

    /// Exchanges two elements. O(log n).
    ///
    /// # Panics
    /// If one of them is out of bounds.
    pub fn swap(&mut self, a: usize, b: usize) {
        assert!(a.max(b) < self.len(), "swap of {a} and {b} in a list of {}", self.len());
        if a != b {
            self.items_mut().swap(a, b);
        }
    }

    /// Removes every element. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The elements in order. O(1) to start.
    pub fn iter(&self) -> ListIter<'_> {
        ListIter { inner: self.items.as_deref().map(Vector::iter) }
    }

    /// The elements in order, writable. O(1) to start, and copies what a clone shares as it goes.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.items.as_mut().into_iter().flat_map(|items| Arc::make_mut(items).iter_mut())
    }

    /// The elements as runs of memory. Two lists of one origin share runs, which shows in their addresses.
    pub(crate) fn runs(&self) -> impl DoubleEndedIterator<Item = &[Value]> {
        self.items.as_deref().into_iter().flat_map(Vector::leaves)
    }

    fn items_mut(&mut self) -> &mut Vector<Value> {
        Arc::make_mut(self.items.get_or_insert_default())
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Some(items) = self.items.take() {
            release(Contents::List(items));
        }
    }
}

/// The elements of a [`List`] in order.
#[derive(Clone)]
pub struct ListIter<'a> {
    inner: Option<TreeIter<'a, Value, DefaultSharedPtr>>,
}

impl<'a> Iterator for ListIter<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        self.inner.as_mut()?.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), TreeIter::size_hint)
    }
}

impl<'a> DoubleEndedIterator for ListIter<'a> {
    fn next_back(&mut self) -> Option<&'a Value> {
        self.inner.as_mut()?.next_back()
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
        let mut list = Self::new();
        list.extend(values);
        list
    }
}

impl<V: Into<Value>> Extend<V> for List {
    fn extend<I: IntoIterator<Item = V>>(&mut self, values: I) {
        for value in values {
            self.push(value);
        }
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
        assert!(index < self.len(), "index {index} of a list of {}", self.len());
        &mut self.items_mut()[index]
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
