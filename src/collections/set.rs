//! [`Set`]: an ordered set with structural sharing.
//!
//! A [`Map`] whose values are nothing. Always holds: elements are strictly increasing; putting in what is there already
//! copies nothing, so that identity keeps meaning "unchanged".

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::{FusedIterator, Peekable};
use std::ops::{BitAnd, BitOr, BitXor, RangeBounds, Sub};

use equivalent::Comparable;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::{Entries, Entry, IntoIter, List, Map, MapChange};

/// A persistent ordered set.
///
/// Cloning is O(1). A clone shares everything with its origin until one of them is written to, and then all but the
/// O(log n) nodes on the way to the change. Iteration is in order.
///
/// ```
/// use redraft::collections::Set;
///
/// let old: Set<u32> = (0..1000).collect();
/// let mut new = old.clone();
/// new.insert(2000);
/// new.remove(&7);
/// assert!(new.difference(&old).eq(&[2000])); // found without reading the other 999
/// assert!(old.contains(&7) && !new.is_subset(&old));
/// ```
pub struct Set<T> {
    map: Map<T, ()>,
}

impl<T> Set<T> {
    /// An empty set. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { map: Map::new() }
    }

    /// The number of elements. O(1).
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are no elements. O(1).
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Whether both are the same set in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.map.ptr_eq(&other.map)
    }

    /// The smallest element. O(log n).
    pub fn first(&self) -> Option<&T> {
        self.map.first_key_value().map(|(item, ())| item)
    }

    /// The greatest element. O(log n).
    pub fn last(&self) -> Option<&T> {
        self.map.last_key_value().map(|(item, ())| item)
    }

    /// The elements in order, from both ends. O(1) to start.
    pub fn iter(&self) -> SetIter<'_, T> {
        SetIter { inner: self.map.iter() }
    }

    /// The elements between two others, in order, from both ends. O(log n) to start.
    ///
    /// # Panics
    /// If the range begins after it ends.
    pub fn range<Q: Comparable<T>>(&self, range: impl RangeBounds<Q>) -> SetIter<'_, T> {
        SetIter { inner: self.map.range(range) }
    }

    /// Whether an element is present. O(log n).
    pub fn contains<Q: Comparable<T> + ?Sized>(&self, item: &Q) -> bool {
        self.map.contains_key(item)
    }

    /// The stored element that equals this one. O(log n).
    pub fn get<Q: Comparable<T> + ?Sized>(&self, item: &Q) -> Option<&T> {
        self.map.get_key_value(item).map(|(item, ())| item)
    }
}

impl<T: Ord> Set<T> {
    /// What either set has and the other has not, in order. O(nodes that are not shared).
    pub fn symmetric_difference<'a>(&'a self, other: &'a Self) -> impl FusedIterator<Item = &'a T> {
        self.changes(other).map(|(item, _)| item)
    }

    /// What this set has and `other` has not, in order. O(nodes that are not shared).
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl FusedIterator<Item = &'a T> {
        self.changes(other).filter(|(_, came)| !came).map(|(item, _)| item)
    }

    /// What both sets have, in order. O(n log m), n being the length of this one.
    pub fn intersection<'a>(&'a self, other: &'a Self) -> impl FusedIterator<Item = &'a T> {
        self.iter().filter(|item| other.contains(*item))
    }

    /// What is in either set, in order. O(n + m).
    pub fn union<'a>(&'a self, other: &'a Self) -> impl FusedIterator<Item = &'a T> {
        Union { a: self.iter().peekable(), b: other.iter().peekable() }
    }

    /// Whether `other` has all elements of this set. O(nodes that are not shared).
    pub fn is_subset(&self, other: &Self) -> bool {
        self.len() <= other.len() && self.difference(other).next().is_none()
    }

    /// Whether this set has all elements of `other`. O(nodes that are not shared).
    pub fn is_superset(&self, other: &Self) -> bool {
        other.is_subset(self)
    }

    /// Whether no element is in both sets. O(n log m), n being the shorter length.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (short, long) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        short.intersection(long).next().is_none()
    }

    /// What turns this set into `newer`, in order; `true` is for elements that came. O(nodes that are not shared).
    pub(crate) fn changes<'a>(&'a self, newer: &'a Self) -> impl FusedIterator<Item = (&'a T, bool)> {
        let changes = self.map.diff(&newer.map, |(), ()| true);
        changes.map(|change| match change {
            MapChange::Added(item, ()) | MapChange::Updated { key: item, .. } => (item, true),
            MapChange::Removed(item, ()) => (item, false),
        })
    }
}

impl<T: Ord + Clone> Set<T> {
    /// Puts an element in and returns whether it was missing. O(log n); copies nothing when it was not.
    pub fn insert(&mut self, item: T) -> bool {
        match self.map.entry(item) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(());
                true
            }
        }
    }

    /// Puts an element in and returns the one that equalled it. O(log n).
    pub fn replace(&mut self, item: T) -> Option<T> {
        let old = self.take(&item);
        self.insert(item);
        old
    }

    /// Takes an element out and returns whether it was there. O(log n); copies nothing when it was not.
    pub fn remove<Q: Comparable<T> + ?Sized>(&mut self, item: &Q) -> bool {
        self.map.remove(item).is_some()
    }

    /// Takes an element out and returns it. O(log n).
    pub fn take<Q: Comparable<T> + ?Sized>(&mut self, item: &Q) -> Option<T> {
        self.map.remove_entry(item).map(|(item, ())| item)
    }

    /// Takes the smallest element out. O(log n).
    pub fn pop_first(&mut self) -> Option<T> {
        self.map.pop_first().map(|(item, ())| item)
    }

    /// Takes the greatest element out. O(log n).
    pub fn pop_last(&mut self) -> Option<T> {
        self.map.pop_last().map(|(item, ())| item)
    }

    /// Keeps the elements for which `keep` says so. O(n), and copies nothing when all are kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.map.retain(|item, ()| keep(item));
    }

    /// Takes every element out. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

/// The elements of a [`Set`] in order.
pub struct SetIter<'a, T> {
    inner: Entries<'a, T, ()>,
}

impl<T> Clone for SetIter<'_, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<'a, T> Iterator for SetIter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.inner.next().map(|(item, ())| item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn fold<B, F: FnMut(B, &'a T) -> B>(self, init: B, mut each: F) -> B {
        self.inner.fold(init, |folded, (item, ())| each(folded, item))
    }
}

impl<T> DoubleEndedIterator for SetIter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.inner.next_back().map(|(item, ())| item)
    }
}

impl<T> ExactSizeIterator for SetIter<'_, T> {}

impl<T> FusedIterator for SetIter<'_, T> {}

/// Two runs in order, as one.
struct Union<'a, T> {
    a: Peekable<SetIter<'a, T>>,
    b: Peekable<SetIter<'a, T>>,
}

impl<'a, T: Ord> Iterator for Union<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let order = match (self.a.peek(), self.b.peek()) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let from_b = if order.is_ge() { self.b.next() } else { None };
        if order.is_le() { self.a.next() } else { from_b }
    }
}

impl<T: Ord> FusedIterator for Union<'_, T> {}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = SetIter<'a, T>;

    fn into_iter(self) -> SetIter<'a, T> {
        self.iter()
    }
}

/// Elements are moved where nobody shares them, cloned elsewhere. O(n) to start.
impl<T: Ord + Clone> IntoIterator for Set<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        self.map.into_keys()
    }
}

/// O(n) if the elements are in order, else O(n log n).
impl<T: Ord + Clone> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self { map: items.into_iter().map(|item| (item, ())).collect() }
    }
}

impl<T: Ord + Clone> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| _ = self.insert(item));
    }
}

impl<T: Ord + Clone, const N: usize> From<[T; N]> for Set<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Ord + Clone> From<BTreeSet<T>> for Set<T> {
    fn from(items: BTreeSet<T>) -> Self {
        items.into_iter().collect()
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $named:ident),*) => {$(
        #[doc = concat!("See [`Set::", stringify!($named), "`].")]
        impl<T: Ord + Clone> $operator for &Set<T> {
            type Output = Set<T>;

            fn $method(self, other: Self) -> Set<T> {
                self.$named(other).cloned().collect()
            }
        }
    )*};
}

operators!(BitOr bitor union, BitAnd bitand intersection, Sub sub difference, BitXor bitxor symmetric_difference);

impl<T> Clone for Set<T> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone() }
    }
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// As `BTreeSet`s compare, except that what both sets share is taken to be equal without being looked at.
impl<T: PartialEq> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl<T: Eq> Eq for Set<T> {}

impl<T: PartialOrd> PartialOrd for Set<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.map.partial_cmp(&other.map)
    }
}

impl<T: Ord> Ord for Set<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.map.cmp(&other.map)
    }
}

impl<T: Hash> Hash for Set<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.map.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, T: Deserialize<'de> + Ord + Clone> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        List::deserialize(deserializer).map(|items: List<T>| items.into_iter().collect())
    }
}
