//! [`Map`]: the ordered map inside a [`Value`], persistent and cheap to clone.
//!
//! Wraps a shared B+ tree and hides it. Leaves equality in depth to `equal` and dropping to `release`. Always holds: a
//! clone shares everything until one side is written to, and reading through `&mut` (a `get_mut` that finds nothing)
//! copies nothing, so that identity keeps meaning "unchanged".

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::{DiffItem, Iter as TreeIter};
use imbl::shared_ptr::DefaultSharedPtr;

use super::release::{Contents, release};
use super::{Key, KeyRef, Value, equal};

/// A value inside the tree, equal to another when it is the *same* one: containers by address, everything else by
/// content. The tree compares values while it looks for differences, and must never walk into a subtree for that.
#[derive(Clone)]
pub(super) struct Slot(pub(super) Value);

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        equal::same(&self.0, &other.0)
    }
}

type Tree = OrdMap<Key, Slot>;

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
    /// `None` is the empty map, which then costs no allocation.
    tree: Option<Arc<Tree>>,
}

/// One difference between two maps, found by [`Map::changes`].
pub(crate) enum Change<'a> {
    Added(&'a Key, &'a Value),
    Updated { key: &'a Key, old: &'a Value, new: &'a Value },
    Removed(&'a Key, &'a Value),
}

impl Map {
    /// An empty map. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { tree: None }
    }

    /// The number of entries. O(1).
    pub fn len(&self) -> usize {
        self.tree.as_ref().map_or(0, |tree| tree.len())
    }

    /// Whether there are no entries. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same map in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.tree, &other.tree) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.ptr_eq(b),
            _ => self.is_empty() && other.is_empty(),
        }
    }

    /// The value at `key`. O(log n), allocates nothing.
    pub fn get<'k>(&self, key: impl Into<KeyRef<'k>>) -> Option<&Value> {
        let slot = self.tree.as_ref()?.get(&key.into())?;
        Some(&slot.0)
    }

    /// The value at `key`, writable. O(log n); copies shared nodes on the way, and nothing when the key is absent.
    pub fn get_mut<'k>(&mut self, key: impl Into<KeyRef<'k>>) -> Option<&mut Value> {
        let key = key.into();
        if !self.contains_key(key) {
            return None;
        }
        let slot = Arc::make_mut(self.tree.as_mut()?).get_mut(&key)?;
        Some(&mut slot.0)
    }

    /// The stored key and value at `key`. O(log n).
    pub fn get_key_value<'k>(&self, key: impl Into<KeyRef<'k>>) -> Option<(&Key, &Value)> {
        let (key, slot) = self.tree.as_ref()?.get_key_value(&key.into())?;
        Some((key, &slot.0))
    }

    /// Whether `key` is present. O(log n).
    pub fn contains_key<'k>(&self, key: impl Into<KeyRef<'k>>) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key` to `value` and returns what was there before. O(log n).
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.tree_mut().insert(key.into(), Slot(value.into())).map(|slot| slot.0)
    }

    /// Removes `key` and returns what was there. O(log n); copies nothing when the key is absent.
    pub fn remove<'k>(&mut self, key: impl Into<KeyRef<'k>>) -> Option<Value> {
        let key = key.into();
        if !self.contains_key(key) {
            return None;
        }
        self.tree_mut().remove(&key).map(|slot| slot.0)
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
        Entry { map: self, key: key.into() }
    }

    /// Keeps the entries for which `keep` says so. O(n).
    pub fn retain(&mut self, mut keep: impl FnMut(&Key, &Value) -> bool) {
        let gone: Vec<Key> =
            self.iter().filter(|(key, value)| !keep(key, value)).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.remove(key);
        }
    }

    /// Removes every entry. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The entries in key order. O(1) to start.
    pub fn iter(&self) -> MapIter<'_> {
        MapIter { inner: self.tree.as_deref().map(Tree::iter) }
    }

    /// The keys in order. O(1) to start.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in key order. O(1) to start.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// What turns `self` into `new`, in key order, skipping every shared node. Containers count as changed as soon as
    /// they are not the same in memory; it is for the caller to look inside.
    pub(crate) fn changes<'a>(&'a self, new: &'a Self) -> Box<dyn Iterator<Item = Change<'a>> + 'a> {
        match (&self.tree, &new.tree) {
            (Some(old), Some(new)) => Box::new(old.diff(new).map(Change::from)),
            (Some(_), None) => Box::new(self.iter().map(|(key, value)| Change::Removed(key, value))),
            (None, _) => Box::new(new.iter().map(|(key, value)| Change::Added(key, value))),
        }
    }

    fn tree_mut(&mut self) -> &mut Tree {
        Arc::make_mut(self.tree.get_or_insert_default())
    }
}

impl<'a> From<DiffItem<'a, 'a, Key, Slot>> for Change<'a> {
    fn from(item: DiffItem<'a, 'a, Key, Slot>) -> Self {
        match item {
            DiffItem::Add(key, value) => Self::Added(key, &value.0),
            DiffItem::Remove(key, value) => Self::Removed(key, &value.0),
            DiffItem::Update { old, new } => Self::Updated { key: new.0, old: &old.1.0, new: &new.1.0 },
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(tree) = self.tree.take() {
            release(Contents::Map(tree));
        }
    }
}

/// A place in a [`Map`], from [`Map::entry`].
pub struct Entry<'a> {
    map: &'a mut Map,
    key: Key,
}

impl<'a> Entry<'a> {
    /// The value there, or `default` put there. O(log n).
    pub fn or_insert(self, default: impl Into<Value>) -> &'a mut Value {
        self.or_insert_with(|| default.into())
    }

    /// The value there, or what `default` makes put there. O(log n).
    pub fn or_insert_with(self, default: impl FnOnce() -> Value) -> &'a mut Value {
        let slot = self.map.tree_mut().entry(self.key).or_insert_with(|| Slot(default()));
        &mut slot.0
    }

    /// Runs `change` on the value if there is one. O(log n).
    pub fn and_modify(self, change: impl FnOnce(&mut Value)) -> Self {
        if let Some(value) = self.map.get_mut(&self.key) {
            change(value);
        }
        self
    }
}

/// The entries of a [`Map`] in key order.
#[derive(Clone)]
pub struct MapIter<'a> {
    inner: Option<TreeIter<'a, Key, Slot, DefaultSharedPtr>>,
}

impl<'a> Iterator for MapIter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, slot) = self.inner.as_mut()?.next()?;
        Some((key, &slot.0))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), TreeIter::size_hint)
    }
}

impl DoubleEndedIterator for MapIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (key, slot) = self.inner.as_mut()?.next_back()?;
        Some((key, &slot.0))
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
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Into<Key>, V: Into<Value>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
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
