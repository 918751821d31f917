//! [`Map`]: an ordered map with structural sharing.
//!
//! The tree whose items are entries in key order and whose branches know the first key of each of their nodes. Keys are
//! looked up first, which copies nothing; writing then goes by position. Always holds: keys are strictly increasing.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Bound, Index, RangeBounds};
use std::sync::Arc;

use equivalent::Comparable;

use super::contents::{Entries, EntriesMut};
use super::cursor::Pairs;
use super::difference::MapChanges;
use super::entry::Entry;
use super::iter;
use super::node::{Mark, Node, start_of};
use super::tree::Tree;

/// The first key of a node.
#[derive(Clone)]
pub(super) struct First<K>(pub(super) K);

impl<K: Clone, V> Mark<Vec<(K, V)>> for First<K> {
    fn of(entries: &Vec<(K, V)>) -> Option<Self> {
        entries.first().map(|(key, _)| Self(key.clone()))
    }
}

/// A persistent ordered map.
///
/// Cloning is O(1). A clone shares everything with its origin until one of them is written to, and then all but the
/// O(log n) nodes on the way to the change. Iteration is in key order.
///
/// ```
/// use redraft::collections::{MapChange, Map};
///
/// let old: Map<u32, &str> = (0..1000).map(|n| (n, "old")).collect();
/// let mut new = old.clone();
/// new.insert(7, "new");
/// let mut changes = old.diff(&new, |a, b| a == b); // found without reading all of the other 999
/// assert_eq!(changes.next(), Some(MapChange::Updated { key: &7, old: &"old", new: &"new" }));
/// assert_eq!(changes.next(), None);
/// ```
pub struct Map<K, V> {
    tree: Tree<Vec<(K, V)>, First<K>>,
}

impl<K, V> Map<K, V> {
    /// An empty map. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { tree: Tree::new() }
    }

    /// The number of entries. O(1).
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there are no entries. O(1).
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Whether both are the same map in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.tree.ptr_eq(&other.tree)
    }

    /// The first entry. O(log n).
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.tree.get(0).map(parts)
    }

    /// The last entry. O(log n).
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.tree.get(self.len().checked_sub(1)?).map(parts)
    }

    /// The entries in key order, from both ends. O(1) to start.
    pub fn iter(&self) -> Entries<'_, K, V> {
        Entries { inner: self.tree.iter() }
    }

    /// The keys in order. O(1) to start.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// The values in key order. O(1) to start.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// The value at `key`. O(log n).
    pub fn get<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The stored key and the value at `key`. O(log n).
    pub fn get_key_value<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Option<(&K, &V)> {
        let mut node = &**self.tree.root()?;
        loop {
            match node {
                Node::Branch(children) => {
                    let slot = children.partition_point(|child| key.compare(&child.mark.0).is_ge());
                    node = &children.get(slot.saturating_sub(1))?.node;
                }
                Node::Leaf(items) => {
                    let at = items.binary_search_by(|(at, _)| key.compare(at).reverse()).ok()?;
                    return items.get(at).map(parts);
                }
            }
        }
    }

    /// Whether `key` is present. O(log n).
    pub fn contains_key<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> bool {
        self.get_key_value(key).is_some()
    }

    /// The entries between two keys, in order, from both ends. O(log n) to start.
    ///
    /// # Panics
    /// If the range begins after it ends.
    pub fn range<Q: Comparable<K>>(&self, range: impl RangeBounds<Q>) -> Entries<'_, K, V> {
        let start = match range.start_bound() {
            Bound::Included(key) => self.position(key).unwrap_or_else(|before| before),
            Bound::Excluded(key) => self.position(key).map_or_else(|before| before, |at| at + 1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(key) => self.position(key).map_or_else(|before| before, |at| at + 1),
            Bound::Excluded(key) => self.position(key).unwrap_or_else(|before| before),
            Bound::Unbounded => self.len(),
        };
        assert!(start <= end, "range of a map begins after its end");
        Entries { inner: self.tree.range(start, end) }
    }

    /// The entries from a position on, counted in key order; none if there are not so many. O(log n) to start.
    #[cfg(feature = "inspect")]
    pub(crate) fn entries_from(&self, start: usize) -> Entries<'_, K, V> {
        Entries { inner: self.tree.range(start.min(self.len()), self.len()) }
    }

    /// The position of a key, counted in key order. O(log n).
    #[cfg(feature = "inspect")]
    pub(crate) fn position_of<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Option<usize> {
        self.position(key).ok()
    }

    /// The position at which `key` is in order, or else before which it belongs.
    pub(super) fn position<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Result<usize, usize> {
        let Some(mut node) = self.tree.root().map(|root| &**root) else { return Err(0) };
        let mut before = 0;
        loop {
            match node {
                Node::Branch(children) => {
                    let slot = children.partition_point(|child| key.compare(&child.mark.0).is_ge());
                    let slot = slot.saturating_sub(1);
                    before += start_of(children, slot);
                    let Some(child) = children.get(slot) else { return Err(before) };
                    node = &child.node;
                }
                Node::Leaf(items) => {
                    let found = items.binary_search_by(|(at, _)| key.compare(at).reverse());
                    return found.map(|at| before + at).map_err(|at| before + at);
                }
            }
        }
    }

    /// Whether dropping it would leave its contents to somebody else, or has nothing to leave. A guess while other threads
    /// are dropping clones.
    pub(crate) fn is_shared(&self) -> bool {
        self.tree.root().is_none_or(|root| Arc::strong_count(root) > 1)
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &Tree<Vec<(K, V)>, First<K>> {
        &self.tree
    }
}

impl<K: Ord, V> Map<K, V> {
    /// What turns `self` into `newer`, in key order.
    ///
    /// Nodes that both maps share are skipped; the values of the others are shown to `same`, which is to answer at once
    /// and may say `false` of values that are equal. Values are never compared otherwise. O(nodes that are not shared).
    pub fn diff<'a, S>(&'a self, newer: &'a Self, same: S) -> MapChanges<'a, K, V, S>
    where
        S: FnMut(&V, &V) -> bool,
    {
        MapChanges::new(self.tree.root(), newer.tree.root(), same)
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    /// The value at `key`, writable. O(log n); copies shared nodes on the way, and nothing when the key is absent.
    pub fn get_mut<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V> {
        let at = self.position(key).ok()?;
        self.tree.get_mut(at).map(|(_, value)| value)
    }

    /// Sets `key` to `value` and returns what was there before. O(log n). The key is replaced, too, which shows if keys
    /// that are equal can be told apart.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.position(&key) {
            Ok(at) => {
                let entry = self.tree.get_mut(at)?;
                Some(std::mem::replace(entry, (key, value)).1)
            }
            Err(at) => {
                self.tree.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes `key` and returns what was there. O(log n); copies nothing when the key is absent.
    pub fn remove<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<V> {
        self.remove_entry(key).map(|(_, value)| value)
    }

    /// Removes `key` and returns the entry that was there. O(log n); copies nothing when the key is absent.
    pub fn remove_entry<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<(K, V)> {
        let at = self.position(key).ok()?;
        self.tree.remove(at)
    }

    /// Takes the first entry out. O(log n).
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        self.tree.remove(0)
    }

    /// Takes the last entry out. O(log n).
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        self.tree.remove(self.len().checked_sub(1)?)
    }

    /// Takes off the entries from `key` on. O(log n).
    pub fn split_off<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Self {
        let at = self.position(key).unwrap_or_else(|before| before);
        Self { tree: self.tree.split_off(at) }
    }

    /// The entries in key order, values writable. Copies the nodes that a clone shares as it comes to them.
    pub fn iter_mut(&mut self) -> EntriesMut<'_, K, V> {
        EntriesMut { inner: iter::IterMut::new(self.tree.root_mut()) }
    }

    /// The values in key order, writable. Copies the nodes that a clone shares as it comes to them.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// A place in the map, to be filled or changed. O(log n).
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry::find(self, key)
    }

    /// Keeps the entries for which `keep` says so. O(n), and copies nothing when all are kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let gone: Vec<usize> =
            self.iter().zip(0..).filter(|((key, value), _)| !keep(key, value)).map(|(_, at)| at).collect();
        if gone.len() <= self.len() / 2 {
            gone.into_iter().rev().for_each(|at| drop(self.tree.remove(at)));
            return;
        }
        let mut gone = gone.into_iter().peekable();
        let kept = self.tree.iter().zip(0..).filter(|(_, at)| gone.next_if_eq(at).is_none());
        self.tree = Tree::build(kept.map(|(entry, _)| entry.clone()));
    }

    /// Removes every entry. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    pub(super) fn into_vec(self) -> Vec<(K, V)> {
        self.tree.into_vec()
    }

    /// The value at a key, writable, which `entry` puts there if it is absent: as [`entry`](Self::entry), but makes an
    /// owned key only when it needs one. O(log n).
    pub(crate) fn get_or_insert_with<Q: Comparable<K> + ?Sized>(
        &mut self,
        key: &Q,
        entry: impl FnOnce() -> (K, V),
    ) -> Option<&mut V> {
        let found = self.position(key);
        if let Err(at) = found {
            self.put_at(at, entry());
        }
        self.value_at(found.unwrap_or_else(|at| at))
    }

    /// The value at a position, for whoever has looked the position up.
    pub(super) fn value_at(&mut self, at: usize) -> Option<&mut V> {
        self.tree.get_mut(at).map(|(_, value)| value)
    }

    /// Puts an entry before a position, which must be where its key belongs.
    pub(super) fn put_at(&mut self, at: usize, entry: (K, V)) {
        self.tree.insert(at, entry);
    }

    pub(super) fn take_at(&mut self, at: usize) -> Option<(K, V)> {
        self.tree.remove(at)
    }

    /// A map of entries that are in strict order. O(n).
    pub(crate) fn of_sorted(entries: Vec<(K, V)>) -> Self {
        debug_assert!(entries.is_sorted_by(|a, b| a.0 < b.0), "the caller has looked");
        Self { tree: Tree::of_vec(entries) }
    }

    /// Later entries win. O(n) if the entries are in key order.
    fn of_vec(mut entries: Vec<(K, V)>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.reverse();
            entries.dedup_by(|later, earlier| later.0 == earlier.0);
            entries.reverse();
        }
        Self::of_sorted(entries)
    }
}

pub(super) fn parts<K, V>(entry: &(K, V)) -> (&K, &V) {
    (&entry.0, &entry.1)
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Entries<'a, K, V>;

    fn into_iter(self) -> Entries<'a, K, V> {
        self.iter()
    }
}

impl<'a, K: Ord + Clone, V: Clone> IntoIterator for &'a mut Map<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = EntriesMut<'a, K, V>;

    fn into_iter(self) -> EntriesMut<'a, K, V> {
        self.iter_mut()
    }
}

/// Of entries with equal keys the last one counts. O(n) if the entries are in key order, else O(n log n).
impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::of_vec(entries.into_iter().collect())
    }
}

impl<K: Ord + Clone, V: Clone> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        if self.is_empty() {
            *self = entries.into_iter().collect();
            return;
        }
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Self { tree: self.tree.clone() }
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// # Panics
/// If the key is absent.
impl<K, V, Q: Comparable<K> + ?Sized> Index<&Q> for Map<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        let found = self.get(key);
        assert!(found.is_some(), "a key that is not in the map");
        // The assertion above is what tells; this only gets the value out of the option.
        found.unwrap_or_else(|| unreachable!())
    }
}

/// As `BTreeMap`s compare, except that what both maps share is taken to be equal without being looked at.
impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && Pairs::new(self.tree.root(), other.tree.root()).all(|(_, a, b)| a == b)
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K: PartialOrd, V: PartialOrd> PartialOrd for Map<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other.iter())
    }
}

impl<K: Ord, V: Ord> Ord for Map<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = Pairs::new(self.tree.root(), other.tree.root());
        let differ = pairs.map(|(_, a, b)| a.cmp(b)).find(|order| order.is_ne());
        differ.unwrap_or_else(|| self.len().cmp(&other.len()))
    }
}

impl<K: Hash, V: Hash> Hash for Map<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}
