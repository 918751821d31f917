//! Collections taken apart and made of others: owned iterators, and conversions from the standard library's.
//!
//! Always: what nobody shares is moved, the rest is cloned.

use std::collections::BTreeMap;
use std::iter::FusedIterator;
use std::vec;

use super::{List, Map};

/// The contents of a collection, owned.
#[derive(Clone, Debug)]
pub struct IntoIter<E> {
    inner: vec::IntoIter<E>,
}

impl<E> From<Vec<E>> for IntoIter<E> {
    fn from(items: Vec<E>) -> Self {
        Self { inner: items.into_iter() }
    }
}

impl<E> Iterator for IntoIter<E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<E> DoubleEndedIterator for IntoIter<E> {
    fn next_back(&mut self) -> Option<E> {
        self.inner.next_back()
    }
}

impl<E> ExactSizeIterator for IntoIter<E> {}

impl<E> FusedIterator for IntoIter<E> {}

/// Elements are moved where nobody shares them, cloned elsewhere. O(n) to start.
impl<T: Clone> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        self.into_vec().into()
    }
}

/// Entries are moved where nobody shares them, cloned elsewhere. O(n) to start.
impl<K: Ord + Clone, V: Clone> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<(K, V)>;

    fn into_iter(self) -> IntoIter<(K, V)> {
        self.into_vec().into()
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    /// The keys in order, owned. O(n) to start.
    pub fn into_keys(self) -> IntoIter<K> {
        self.into_iter().map(|(key, _)| key).collect::<Vec<_>>().into()
    }

    /// The values in key order, owned. O(n) to start.
    pub fn into_values(self) -> IntoIter<V> {
        self.into_iter().map(|(_, value)| value).collect::<Vec<_>>().into()
    }
}

impl<T: Clone> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Clone> From<&[T]> for List<T> {
    fn from(items: &[T]) -> Self {
        items.iter().cloned().collect()
    }
}

impl<T: Clone, const N: usize> From<[T; N]> for List<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Clone> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Self {
        list.into_vec()
    }
}

impl<K: Ord + Clone, V: Clone, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Ord + Clone, V: Clone> From<BTreeMap<K, V>> for Map<K, V> {
    fn from(entries: BTreeMap<K, V>) -> Self {
        entries.into_iter().collect()
    }
}

macro_rules! list_eq {
    ($([$($generics:tt)*] $with:ty),* $(,)?) => {$(
        impl<T: PartialEq<U>, U, $($generics)*> PartialEq<$with> for List<T> {
            fn eq(&self, other: &$with) -> bool {
                self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
            }
        }
    )*};
}

list_eq!([] Vec<U>, [] [U], [] &[U], [const N: usize] [U; N], [const N: usize] &[U; N]);
