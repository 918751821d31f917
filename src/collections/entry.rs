//! [`Entry`]: a place in a [`Map`], found once and then filled, changed or cleared.
//!
//! Always: the place is still the one that was found, since the map is borrowed as long.

use std::fmt;

use super::Map;

/// A place in a [`Map`], from [`Map::entry`].
pub enum Entry<'a, K, V> {
    /// The key is there.
    Occupied(OccupiedEntry<'a, K, V>),
    /// The key is not there.
    Vacant(VacantEntry<'a, K, V>),
}

/// A place in a [`Map`] that holds an entry.
pub struct OccupiedEntry<'a, K, V> {
    place: Place<'a, K, V>,
}

/// A place in a [`Map`] that holds nothing yet.
pub struct VacantEntry<'a, K, V> {
    place: Place<'a, K, V>,
}

struct Place<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
    at: usize,
}

impl<'a, K: Ord + Clone, V: Clone> Entry<'a, K, V> {
    pub(super) fn find(map: &'a mut Map<K, V>, key: K) -> Self {
        match map.position(&key) {
            Ok(at) => Self::Occupied(OccupiedEntry { place: Place { map, key, at } }),
            Err(at) => Self::Vacant(VacantEntry { place: Place { map, key, at } }),
        }
    }

    /// The key the place belongs to. O(1).
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// The value there, or `default` put there. O(log n).
    pub fn or_insert(self, default: V) -> &'a mut V {
        self.or_insert_with(|| default)
    }

    /// The value there, or what `default` makes put there. O(log n).
    pub fn or_insert_with(self, default: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| default())
    }

    /// The value there, or what `default` makes of the key put there. O(log n).
    pub fn or_insert_with_key(self, default: impl FnOnce(&K) -> V) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => {
                let value = default(entry.key());
                entry.insert(value)
            }
        }
    }

    /// The value there, or the default of its type put there. O(log n).
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Runs `change` on the value if there is one. O(log n).
    #[must_use = "it is a place still: fill it, or use `get_mut`"]
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }
}

impl<'a, K: Ord + Clone, V: Clone> Place<'a, K, V> {
    fn value(self) -> &'a mut V {
        let found = self.map.value_at(self.at);
        // There is an entry at a position that was found or has just been filled.
        found.unwrap_or_else(|| unreachable!())
    }
}

impl<'a, K: Ord + Clone, V: Clone> OccupiedEntry<'a, K, V> {
    /// The key the place belongs to. O(1).
    pub fn key(&self) -> &K {
        &self.place.key
    }

    /// The value. O(log n).
    pub fn get(&self) -> &V {
        &self.place.map[&self.place.key]
    }

    /// The value, writable. O(log n).
    pub fn get_mut(&mut self) -> &mut V {
        let found = self.place.map.value_at(self.place.at);
        found.unwrap_or_else(|| unreachable!())
    }

    /// The value, writable for as long as the map is borrowed. O(log n).
    pub fn into_mut(self) -> &'a mut V {
        self.place.value()
    }

    /// Sets the value and returns the one before. O(log n).
    pub fn insert(&mut self, value: V) -> V {
        std::mem::replace(self.get_mut(), value)
    }

    /// Takes the entry out and returns its value. O(log n).
    pub fn remove(self) -> V {
        self.remove_entry().1
    }

    /// Takes the entry out. O(log n).
    pub fn remove_entry(self) -> (K, V) {
        let removed = self.place.map.take_at(self.place.at);
        removed.unwrap_or_else(|| unreachable!())
    }
}

impl<'a, K: Ord + Clone, V: Clone> VacantEntry<'a, K, V> {
    /// The key the place belongs to. O(1).
    pub fn key(&self) -> &K {
        &self.place.key
    }

    /// The key, owned. O(1).
    pub fn into_key(self) -> K {
        self.place.key
    }

    /// Fills the place. O(log n).
    pub fn insert(self, value: V) -> &'a mut V {
        let Place { map, key, at } = self.place;
        map.put_at(at, (key, value));
        let found = map.value_at(at);
        found.unwrap_or_else(|| unreachable!())
    }
}

impl<K: Ord + Clone + fmt::Debug, V: Clone + fmt::Debug> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => f.debug_tuple("Occupied").field(entry.key()).field(entry.get()).finish(),
            Self::Vacant(entry) => f.debug_tuple("Vacant").field(entry.key()).finish(),
        }
    }
}
