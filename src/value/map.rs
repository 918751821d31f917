//! [`Map`]: the ordered map inside a [`Value`], persistent and cheap to clone.
//!
//! Wraps [`collections::Map`](crate::collections::Map). Leaves equality in depth to `equal` and dropping to `release`. Always holds: a
//! clone shares everything until one side is written to, and reading through `&mut` (a `get_mut` that finds nothing)
//! copies nothing, so that identity keeps meaning "unchanged".

use std::fmt;
use std::ops::Index;

use super::release::{Contents, release};
use super::{Key, KeyRef, Value, equal};
use crate::collections;

type Tree = collections::Map<Key, Value>;

/// An ordered map from [`Key`] to [`Value`].
///
/// Cloning is O(1); reading and writing one entry is O(log n). Iteration is in key order.
///
/// ```
/// use redraft::value::Map;
///
/// let mut ages = Map::new();
/// ages.insert("ada", 36);
/// let before = ages.clone();
/// ages.insert("ada", 37);
/// assert_eq!(before["ada"].as_i64(), Some(36));
/// assert_eq!(ages["ada"].as_i64(), Some(37));
/// ```
#[derive(Clone, Default)]
pub struct Map {
    tree: Tree,
}

/// One difference between two maps, found by [`Map::changes`].
pub(crate) type Change<'a> = collections::MapChange<'a, Key, Value>;

impl Map {
    /// An empty map. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { tree: Tree::new() }
    }

    /// A map of entries that are in strict order. O(n), and nothing is copied that fits into one leaf.
    pub(crate) fn of_sorted(entries: Vec<(Key, Value)>) -> Self {
        Self { tree: Tree::of_sorted(entries) }
    }

    /// The number of entries. O(1).
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there are no entries. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same map in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.tree.ptr_eq(&other.tree)
    }

    /// The value at `key`. O(log n), allocates nothing.
    pub fn get<'k>(&self, key: impl Into<KeyRef<'k>>) -> Option<&Value> {
        self.tree.get(&key.into())
    }

    /// The value at `key`, writable. O(log n); copies shared nodes on the way, and nothing when the key is absent.
    pub fn get_mut<'k>(&mut self, key: impl Into<KeyRef<'k>>) -> Option<&mut Value> {
        self.tree.get_mut(&key.into())
    }

    /// The stored key and value at `key`. O(log n).
    pub fn get_key_value<'k>(&self, key: impl Into<KeyRef<'k>>) -> Option<(&Key, &Value)> {
        self.tree.get_key_value(&key.into())
    }

    /// Whether `key` is present. O(log n).
    pub fn contains_key<'k>(&self, key: impl Into<KeyRef<'k>>) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key` to `value` and returns what was there before. O(log n).
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.tree.insert(key.into(), value.into())
    }

    /// Removes `key` and returns what was there. O(log n); copies nothing when the key is absent.
    pub fn remove<'k>(&mut self, key: impl Into<KeyRef<'k>>) -> Option<Value> {
        self.tree.remove(&key.into())
    }

    /// The value at `key`, put there by `default` if absent. O(log n).
    ///
    /// ```
    /// use redraft::value::{Map, Value};
    ///
    /// let mut map = Map::new();
    /// *map.entry("hits").or_insert_with(|| Value::Int(0)) = Value::Int(1);
    /// assert_eq!(map["hits"], Value::Int(1));
    /// ```
    pub fn entry(&mut self, key: impl Into<Key>) -> Entry<'_> {
        Entry { inner: self.tree.entry(key.into()) }
    }

    /// The value at `key`, a null put there if absent.
    pub(super) fn get_or_null(&mut self, key: &str) -> &mut Value {
        let found = self.tree.get_or_insert_with(&KeyRef::Str(key), || (Key::from(key), Value::Null));
        // There is one by now; this only gets it out of the option.
        found.unwrap_or_else(|| unreachable!())
    }

    /// Keeps the entries for which `keep` says so. O(n).
    pub fn retain(&mut self, keep: impl FnMut(&Key, &Value) -> bool) {
        self.tree.retain(keep);
    }

    /// Removes every entry. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The entries in key order. O(1) to start.
    pub fn iter(&self) -> MapIter<'_> {
        MapIter { inner: self.tree.iter() }
    }

    /// The keys in order. O(1) to start.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> {
        self.tree.keys()
    }

    /// The values in key order. O(1) to start.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.tree.values()
    }

    /// The entries from a position on, counted in key order. O(log n) to start.
    #[cfg(feature = "inspect")]
    pub(crate) fn entries_from(&self, start: usize) -> MapIter<'_> {
        MapIter { inner: self.tree.entries_from(start) }
    }

    /// The position of a key, counted in key order. O(log n).
    #[cfg(feature = "inspect")]
    pub(crate) fn position_of(&self, key: &Key) -> Option<usize> {
        self.tree.position_of(&key.as_ref())
    }

    /// What turns `self` into `new`, in key order, skipping every shared node. Containers count as changed as soon as
    /// they are not the same in memory; it is for the caller to look inside.
    pub(crate) fn changes<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = Change<'a>> {
        self.tree.diff(&new.tree, equal::same)
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if !self.tree.is_shared() {
            release(Contents::Map(std::mem::take(&mut self.tree)));
        }
    }
}

/// A place in a [`Map`], from [`Map::entry`].
#[derive(Debug)]
pub struct Entry<'a> {
    inner: collections::Entry<'a, Key, Value>,
}

impl<'a> Entry<'a> {
    /// The value there, or `default` put there. O(log n).
    pub fn or_insert(self, default: impl Into<Value>) -> &'a mut Value {
        self.or_insert_with(|| default.into())
    }

    /// The value there, or what `default` makes put there. O(log n).
    pub fn or_insert_with(self, default: impl FnOnce() -> Value) -> &'a mut Value {
        self.inner.or_insert_with(default)
    }

    /// Runs `change` on the value if there is one. O(log n).
    pub fn and_modify(self, change: impl FnOnce(&mut Value)) -> Self {
        Self { inner: self.inner.and_modify(change) }
    }
}

/// The entries of a [`Map`] in key order.
#[derive(Clone, Debug)]
pub struct MapIter<'a> {
    inner: collections::Entries<'a, Key, Value>,
}

impl<'a> Iterator for MapIter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, each: F) -> B {
        self.inner.fold(init, each)
    }
}

impl DoubleEndedIterator for MapIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.inner.next_back()
    }
}

impl ExactSizeIterator for MapIter<'_> {}

impl std::iter::FusedIterator for MapIter<'_> {}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = MapIter<'a>;

    fn into_iter(self) -> MapIter<'a> {
        self.iter()
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self { tree: entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }
}

impl<K: Into<Key>, V: Into<Value>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.tree.extend(entries.into_iter().map(|(key, value)| (key.into(), value.into())));
    }
}

/// Reads an entry; a missing one reads as `Null`.
impl Index<&str> for Map {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

/// Reads an entry; a missing one reads as `Null`.
impl Index<&Key> for Map {
    type Output = Value;

    fn index(&self, key: &Key) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

/// Compares contents; O(1) for clones of each other, and only into subtrees that are not shared otherwise.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        equal::maps_equal(self, other)
    }
}

impl Eq for Map {}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug::map(self, f, 0)
    }
}
