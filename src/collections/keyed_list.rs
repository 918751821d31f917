//! [`KeyedList`]: a sequence of things that keep their identity wherever they stand.
//!
//! Two parts: a [`Map`] of items by key, and a [`List`] of the keys in order. Always holds, but for the moments in which
//! operations on the parts are being carried out one by one: the order names each key of the items exactly once.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::{Index, IndexMut};

use equivalent::{Comparable, Equivalent};

use super::{Entry, Iter, List, Map, MapChange};

/// A key in the order. A type of its own, so that it can be told what it is as a state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id<K>(pub(crate) K);

/// A persistent sequence of items with keys.
///
/// For lists of entities: an item is found, changed and recorded under its key, so what happens to the others, or to the
/// order, never moves it from under a change. Cloning is O(1).
///
/// ```
/// use redraft::collections::KeyedList;
/// use redraft::diff;
///
/// let mut old = KeyedList::new();
/// old.push(7, "plan".to_owned());
/// old.push(3, "build".to_owned());
/// let mut new = old.clone();
/// new.insert_at(0, 9, "dream".to_owned());
/// new[&7].push('!');
/// assert!(new.values().eq(&["dream", "plan!", "build"]));
///
/// let (patch, _) = diff(&old, &new)?;
/// let told: Vec<String> = patch.iter().map(|op| format!("{} {}", op.action.name(), op.path)).collect();
/// assert_eq!(told, ["replace /items/7", "add /items/9", "splice /order"]);
/// # Ok::<(), redraft::DraftError>(())
/// ```
///
/// As a document: `{"items": {"3": ..}, "order": [7, 3]}`. A patch made elsewhere that leaves the two parts disagreeing is
/// refused.
pub struct KeyedList<K, T> {
    items: Map<K, T>,
    order: List<Id<K>>,
}

impl<K, T> KeyedList<K, T> {
    /// An empty list. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { items: Map::new(), order: List::new() }
    }

    /// The number of items. O(1).
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items. O(1).
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether both are the same list in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.items.ptr_eq(&other.items) && self.order.ptr_eq(&other.order)
    }

    /// The keys in order. O(1) to start.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator + Clone {
        self.order.iter().map(|Id(key)| key)
    }
}

impl<K: Ord, T> KeyedList<K, T> {
    /// The item of a key. O(log n).
    pub fn get<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> Option<&T> {
        self.items.get(key)
    }

    /// Whether there is an item of this key. O(log n).
    pub fn contains_key<Q: Comparable<K> + ?Sized>(&self, key: &Q) -> bool {
        self.items.contains_key(key)
    }

    /// The key and item at a position. O(log n).
    pub fn at(&self, index: usize) -> Option<(&K, &T)> {
        self.items.get_key_value(&self.order.get(index)?.0)
    }

    /// The first key and item. O(log n).
    pub fn first(&self) -> Option<(&K, &T)> {
        self.at(0)
    }

    /// The last key and item. O(log n).
    pub fn last(&self) -> Option<(&K, &T)> {
        self.at(self.len().checked_sub(1)?)
    }

    /// Where the item of a key stands. O(n): the order is read through.
    pub fn position<Q: Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<usize> {
        self.order.iter().position(|Id(other)| key.equivalent(other))
    }

    /// Keys and items in order, from both ends. O(1) to start, O(log n) for each.
    pub fn iter(&self) -> KeyedItems<'_, K, T> {
        KeyedItems { items: &self.items, order: self.order.iter() }
    }

    /// The items in order. O(1) to start, O(log n) for each.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.iter().map(|(_, item)| item)
    }
}

impl<K: Ord + Clone, T: Clone> KeyedList<K, T> {
    /// The item of a key, writable. O(log n); copies nothing when the key is absent.
    pub fn get_mut<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut T> {
        self.items.get_mut(key)
    }

    /// Appends an item. If the key is there already, its item is replaced where it stands, and returned. O(log n).
    pub fn push(&mut self, key: K, item: T) -> Option<T> {
        match self.items.entry(key) {
            Entry::Occupied(mut entry) => Some(entry.insert(item)),
            Entry::Vacant(entry) => {
                self.order.push(Id(entry.key().clone()));
                entry.insert(item);
                None
            }
        }
    }

    /// Puts an item at a position. If the key is there already, its item is replaced, moved there, and the one before is
    /// returned. O(log n), or O(n) if the key is there already.
    ///
    /// # Panics
    /// If the position is greater than the length, not counting an item to be moved.
    pub fn insert_at(&mut self, index: usize, key: K, item: T) -> Option<T> {
        let found = if self.items.contains_key(&key) { self.position(&key) } else { None };
        let len = self.len() - usize::from(found.is_some());
        assert!(index <= len, "insert at {index} in a keyed list of {len}");
        if let Some(found) = found {
            self.order.remove(found);
        }
        self.order.insert(index, Id(key.clone()));
        self.items.insert(key, item)
    }

    /// Removes the item of a key and returns it. O(n); copies nothing when the key is absent.
    pub fn remove<Q: Comparable<K> + ?Sized>(&mut self, key: &Q) -> Option<T> {
        let (key, item) = self.items.remove_entry(key)?;
        if let Some(index) = self.position(&key) {
            self.order.remove(index);
        }
        Some(item)
    }

    /// Takes the last item off. O(log n).
    pub fn pop(&mut self) -> Option<(K, T)> {
        let Id(key) = self.order.pop()?;
        self.items.remove_entry(&key)
    }

    /// Moves the item of a key so that it stands at `index`. Returns whether there is one. O(n).
    ///
    /// # Panics
    /// If there is an item of this key but no position `index`.
    pub fn move_to<Q: Equivalent<K> + ?Sized>(&mut self, key: &Q, index: usize) -> bool {
        let Some(found) = self.position(key) else { return false };
        assert!(index < self.len(), "move to {index} in a keyed list of {}", self.len());
        if found != index {
            let id = self.order.remove(found);
            self.order.insert(index, id);
        }
        true
    }

    /// Moves the item of a key so that it stands right before that of another. Returns whether there are both. O(n).
    pub fn move_before<Q, P>(&mut self, key: &Q, before: &P) -> bool
    where
        Q: Equivalent<K> + ?Sized,
        P: Equivalent<K> + ?Sized,
    {
        match (self.position(key), self.position(before)) {
            (Some(from), Some(to)) if from < to => self.move_to(key, to - 1),
            (Some(from), Some(to)) if from > to => self.move_to(key, to),
            (from, to) => from.is_some() && to.is_some(),
        }
    }

    /// Puts the items into the order of `compare`; equal ones stay as they stand. O(n log n).
    pub fn sort_by(&mut self, mut compare: impl FnMut((&K, &T), (&K, &T)) -> std::cmp::Ordering) {
        let mut sorted: Vec<(&K, &T)> = self.iter().collect();
        sorted.sort_by(|a, b| compare(*a, *b));
        if !sorted.iter().map(|(key, _)| *key).eq(self.keys()) {
            self.order = sorted.into_iter().map(|(key, _)| Id(key.clone())).collect();
        }
    }

    /// Keeps the items for which `keep` says so, asked in the order of the keys. O(n log n), and copies nothing when all
    /// are kept.
    pub fn retain(&mut self, keep: impl FnMut(&K, &T) -> bool) {
        self.items.retain(keep);
        if self.items.len() < self.order.len() {
            let items = &self.items;
            self.order.retain(|Id(key)| items.contains_key(key));
        }
    }

    /// Removes every item. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The items, writable, in the order of their keys (not of the list). Copies the nodes that a clone shares as it comes
    /// to them.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut T> {
        self.items.values_mut()
    }
}

/// The two parts, for what works on them one at a time.
impl<K: Ord + Clone, T: Clone> KeyedList<K, T> {
    /// `None` if the order does not name each key of the items exactly once. O(n log n).
    pub(crate) fn of_parts(items: Map<K, T>, order: List<Id<K>>) -> Option<Self> {
        let mut named: Vec<&K> = order.iter().map(|Id(key)| key).collect();
        named.sort_unstable();
        let agree = named.into_iter().eq(items.keys());
        agree.then_some(Self { items, order })
    }

    pub(crate) fn items(&self) -> &Map<K, T> {
        &self.items
    }

    pub(crate) fn order(&self) -> &List<Id<K>> {
        &self.order
    }

    pub(crate) fn items_mut(&mut self) -> &mut Map<K, T> {
        &mut self.items
    }

    pub(crate) fn order_mut(&mut self) -> &mut List<Id<K>> {
        &mut self.order
    }

    /// Whether the parts agree, given that those of `old` do: then what came and went must be the same in both. O(what
    /// changed).
    pub(crate) fn agrees_since(&self, old: &Self) -> bool {
        let mut balance: BTreeMap<&K, i64> = BTreeMap::new();
        for gap in old.order.diff(&self.order) {
            old.order.range(gap.old).for_each(|Id(key)| *balance.entry(key).or_default() -= 1);
            self.order.range(gap.new).for_each(|Id(key)| *balance.entry(key).or_default() += 1);
        }
        for change in old.items.diff(&self.items, |_, _| true) {
            match change {
                MapChange::Added(key, _) => *balance.entry(key).or_default() -= 1,
                MapChange::Removed(key, _) => *balance.entry(key).or_default() += 1,
                MapChange::Updated { .. } => {}
            }
        }
        balance.values().all(|times| *times == 0)
    }
}

/// The keys and items of a [`KeyedList`] in order.
pub struct KeyedItems<'a, K, T> {
    items: &'a Map<K, T>,
    order: Iter<'a, Id<K>>,
}

impl<K, T> Clone for KeyedItems<'_, K, T> {
    fn clone(&self) -> Self {
        Self { items: self.items, order: self.order.clone() }
    }
}

impl<'a, K: Ord, T> Iterator for KeyedItems<'a, K, T> {
    type Item = (&'a K, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        self.order.next().and_then(|Id(key)| self.items.get_key_value(key))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl<K: Ord, T> DoubleEndedIterator for KeyedItems<'_, K, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.order.next_back().and_then(|Id(key)| self.items.get_key_value(key))
    }
}

impl<K: Ord, T> ExactSizeIterator for KeyedItems<'_, K, T> {}

impl<K: Ord, T> FusedIterator for KeyedItems<'_, K, T> {}

impl<'a, K: Ord, T> IntoIterator for &'a KeyedList<K, T> {
    type Item = (&'a K, &'a T);
    type IntoIter = KeyedItems<'a, K, T>;

    fn into_iter(self) -> KeyedItems<'a, K, T> {
        self.iter()
    }
}

/// Of items with equal keys the last one counts, at the place of the first.
impl<K: Ord + Clone, T: Clone> FromIterator<(K, T)> for KeyedList<K, T> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(items: I) -> Self {
        let mut list = Self::new();
        list.extend(items);
        list
    }
}

impl<K: Ord + Clone, T: Clone> Extend<(K, T)> for KeyedList<K, T> {
    fn extend<I: IntoIterator<Item = (K, T)>>(&mut self, items: I) {
        items.into_iter().for_each(|(key, item)| drop(self.push(key, item)));
    }
}

impl<K: Ord + Clone, T: Clone, const N: usize> From<[(K, T); N]> for KeyedList<K, T> {
    fn from(items: [(K, T); N]) -> Self {
        items.into_iter().collect()
    }
}

impl<K, T> Clone for KeyedList<K, T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), order: self.order.clone() }
    }
}

impl<K, T> Default for KeyedList<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

/// # Panics
/// If the key is absent.
impl<K, T, Q: Comparable<K> + ?Sized> Index<&Q> for KeyedList<K, T> {
    type Output = T;

    fn index(&self, key: &Q) -> &T {
        &self.items[key]
    }
}

/// # Panics
/// If the key is absent.
impl<K: Ord + Clone, T: Clone, Q: Comparable<K> + ?Sized> IndexMut<&Q> for KeyedList<K, T> {
    fn index_mut(&mut self, key: &Q) -> &mut T {
        let found = self.get_mut(key);
        assert!(found.is_some(), "a key that is not in the keyed list");
        // The assertion above is what tells; this only gets the item out of the option.
        found.unwrap_or_else(|| unreachable!())
    }
}

/// The same items under the same keys in the same order; what both lists share is not looked at.
impl<K: PartialEq, T: PartialEq> PartialEq for KeyedList<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order && self.items == other.items
    }
}

impl<K: Eq, T: Eq> Eq for KeyedList<K, T> {}

impl<K: Ord + fmt::Debug, T: fmt::Debug> fmt::Debug for KeyedList<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}
