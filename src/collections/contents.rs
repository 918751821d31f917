//! Iterators over the contents of a [`List`](super::List) and a [`Map`](super::Map), reading and writing.
//!
//! Names and traits only: the going is done by `iter`.

use std::iter::FusedIterator;

use super::iter;
use super::map::{First, parts};

/// The entries of a [`Map`](super::Map) in key order.
pub struct Entries<'a, K, V> {
    pub(super) inner: iter::Iter<'a, (K, V), First<K>>,
}

impl<K, V> Clone for Entries<'_, K, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<'a, K, V> Iterator for Entries<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next().map(parts)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut each: F) -> B {
        self.inner.fold(init, |folded, entry| each(folded, parts(entry)))
    }
}

impl<K, V> DoubleEndedIterator for Entries<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.inner.next_back().map(parts)
    }
}

impl<K, V> ExactSizeIterator for Entries<'_, K, V> {}

impl<K, V> FusedIterator for Entries<'_, K, V> {}

/// The entries of a [`Map`](super::Map) in key order, values writable.
pub struct EntriesMut<'a, K, V> {
    pub(super) inner: iter::IterMut<'a, (K, V), First<K>>,
}

impl<'a, K: Clone, V: Clone> Iterator for EntriesMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next().map(|(key, value)| (&*key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<K: Clone, V: Clone> ExactSizeIterator for EntriesMut<'_, K, V> {}

impl<K: Clone, V: Clone> FusedIterator for EntriesMut<'_, K, V> {}

/// The elements of a [`List`](super::List) in order.
pub struct Iter<'a, T> {
    pub(super) inner: iter::Iter<'a, T, ()>,
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn fold<B, F: FnMut(B, &'a T) -> B>(self, init: B, each: F) -> B {
        self.inner.fold(init, each)
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.inner.next_back()
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> FusedIterator for Iter<'_, T> {}

/// The elements of a [`List`](super::List) in order, writable.
pub struct IterMut<'a, T> {
    pub(super) inner: iter::IterMut<'a, T, ()>,
}

impl<'a, T: Clone> Iterator for IterMut<'a, T> {
    type Item = &'a mut T;

    fn next(&mut self) -> Option<&'a mut T> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T: Clone> ExactSizeIterator for IterMut<'_, T> {}

impl<T: Clone> FusedIterator for IterMut<'_, T> {}
