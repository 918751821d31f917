//! How iterators and places look in `{:?}`: what they still have to hand out, where that can be seen without moving them.

use std::fmt::{Debug, Formatter, Result};

use super::{Chars, Chunks, Entries, EntriesMut, Iter, IterMut};
use super::{KeyedItems, MapChanges, OccupiedEntry, SetIter, VacantEntry};

impl<T: Debug> Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<T: Debug> Debug for SetIter<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_set().entries(self.clone()).finish()
    }
}

impl Debug for Chunks<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl Debug for Chars<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<K: Debug, V: Debug> Debug for Entries<'_, K, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

impl<K: Ord + Debug, T: Debug> Debug for KeyedItems<'_, K, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

impl<T> Debug for IterMut<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("IterMut").finish_non_exhaustive()
    }
}

impl<K, V> Debug for EntriesMut<'_, K, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("EntriesMut").finish_non_exhaustive()
    }
}

impl<K, V, S> Debug for MapChanges<'_, K, V, S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("MapChanges").finish_non_exhaustive()
    }
}

impl<K: Ord + Clone + Debug, V: Clone + Debug> Debug for OccupiedEntry<'_, K, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_tuple("OccupiedEntry").field(self.key()).field(self.get()).finish()
    }
}

impl<K: Ord + Clone + Debug, V: Clone> Debug for VacantEntry<'_, K, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_tuple("VacantEntry").field(self.key()).finish()
    }
}
