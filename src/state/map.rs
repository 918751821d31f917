//! [`State`] for maps, the standard library's and our own. An entry that came is `add`, one that went is `remove`.
//!
//! Those of the standard library cost O(n) to compare, and to clone for a draft; ours cost what was changed. Always
//! holds: operations are told in the order of the keys they have outside, so that the same change makes the same patch
//! whatever order the map itself keeps.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::derived::rules_of_each;
use super::whole::{apply_whole, mismatch};
use super::{Differ, MapKey, NeverNull, State, StateError, StateErrorKind};
use crate::collections::{self, MapChange};
use crate::op::{Action, ApplyErrorKind};
use crate::rules::Places;
use crate::value::{Key, Map, Segment, Value};

/// What all kinds of map must offer; the rest is written once.
trait Entries: State {
    type Key: MapKey;
    type Item: State;

    fn get(&self, key: &Self::Key) -> Option<&Self::Item>;
    fn get_mut(&mut self, key: &Self::Key) -> Option<&mut Self::Item>;
    fn insert(&mut self, key: Self::Key, item: Self::Item) -> Option<Self::Item>;
    fn remove(&mut self, key: &Self::Key) -> Option<Self::Item>;
    fn entries<'a>(&'a self) -> impl Iterator<Item = (&'a Self::Key, &'a Self::Item)>
    where
        Self::Key: 'a,
        Self::Item: 'a;
    fn len(&self) -> usize;

    /// What turns `old` into this map, in any order.
    fn changes<'a>(&'a self, old: &'a Self) -> Vec<(Key, Change<'a, Self::Item>)> {
        every_change(self, old)
    }

    fn same_entries(&self, other: &Self) -> bool {
        let same = |(key, item): (_, &Self::Item)| other.get(key).is_some_and(|other| item.same(other));
        self.len() == other.len() && self.entries().all(same)
    }
}

/// One difference between two maps.
enum Change<'a, T> {
    Added(&'a T),
    Removed(&'a T),
    Inside { old: &'a T, new: &'a T },
}

/// Looks at every entry.
fn every_change<'a, M: Entries>(new: &'a M, old: &'a M) -> Vec<(Key, Change<'a, M::Item>)> {
    let mut changes = Vec::new();
    for (key, item) in new.entries() {
        match old.get(key) {
            None => changes.push((key.to_key(), Change::Added(item))),
            Some(before) if item.same(before) => {}
            Some(before) => changes.push((key.to_key(), Change::Inside { old: before, new: item })),
        }
    }
    let gone = old.entries().filter(|(key, _)| new.get(key).is_none());
    changes.extend(gone.map(|(key, item)| (key.to_key(), Change::Removed(item))));
    changes
}

/// Looks at what the two do not share.
fn unshared_changes<'a, K: MapKey + Ord, V: State>(
    new: &'a collections::Map<K, V>,
    old: &'a collections::Map<K, V>,
) -> Vec<(Key, Change<'a, V>)> {
    let changes = old.diff(new, |old, new| new.shares(old));
    let told = changes.map(|change| match change {
        MapChange::Added(key, new) => (key.to_key(), Change::Added(new)),
        MapChange::Removed(key, old) => (key.to_key(), Change::Removed(old)),
        MapChange::Updated { key, old, new } => (key.to_key(), Change::Inside { old, new }),
    });
    told.collect()
}

fn diff<M: Entries>(new: &M, old: &M, out: &mut Differ) {
    let mut changes = new.changes(old);
    changes.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, change) in &changes {
        out.key(key, |out| tell(change, out));
    }
}

fn tell<T: State>(change: &Change<'_, T>, out: &mut Differ) {
    match change {
        Change::Added(new) => {
            let shown = out.shown(*new);
            out.add(shown);
        }
        Change::Removed(old) => out.remove(old.to_value()),
        Change::Inside { old, new } => new.diff_from(old, out),
    }
}

fn apply<M: Entries>(map: &mut M, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
    let (key, rest) = match path {
        [] => return apply_whole(map, action),
        [Segment::Key(key), rest @ ..] => (key, rest),
        [segment, ..] => return Err(mismatch(segment, "map")),
    };
    let key = M::Key::from_key(key).ok_or(ApplyErrorKind::BadKey)?;
    match (rest, action) {
        ([], Action::Add(new)) => Ok(upsert(map, key, M::Item::from_value(new.clone())?)),
        ([], Action::Remove) => {
            map.remove(&key).map(|old| Action::Add(old.to_value())).ok_or(ApplyErrorKind::NotFound)
        }
        _ => map.get_mut(&key).ok_or(ApplyErrorKind::NotFound)?.apply(rest, action),
    }
}

fn upsert<M: Entries>(map: &mut M, key: M::Key, new: M::Item) -> Action {
    map.insert(key, new).map_or(Action::Remove, |old| Action::Replace(old.to_value()))
}

fn to_value<M: Entries>(map: &M) -> Value {
    map.entries().map(|(key, item)| (key.to_key(), item.to_value())).collect::<Map>().into()
}

fn read<K: MapKey, V: State>((key, item): (&Key, &Value)) -> Result<(K, V), StateError> {
    let typed = K::from_key(key).ok_or(StateError::new(StateErrorKind::BadKey));
    let read = typed.and_then(|typed| Ok((typed, V::from_value(item.clone())?)));
    read.map_err(|error| error.within(key))
}

macro_rules! map {
    ($map:ty, [$($bounds:tt)*], [$($hasher:tt)*], $doc:literal, {$($shortcuts:tt)*}) => {
        impl<K: MapKey + $($bounds)*, V: State, $($hasher)*> Entries for $map {
            type Key = K;
            type Item = V;

            fn get(&self, key: &K) -> Option<&V> {
                Self::get(self, key)
            }

            fn get_mut(&mut self, key: &K) -> Option<&mut V> {
                Self::get_mut(self, key)
            }

            fn insert(&mut self, key: K, item: V) -> Option<V> {
                Self::insert(self, key, item)
            }

            fn remove(&mut self, key: &K) -> Option<V> {
                Self::remove(self, key)
            }

            fn entries<'a>(&'a self) -> impl Iterator<Item = (&'a K, &'a V)>
            where
                K: 'a,
                V: 'a,
            {
                self.iter()
            }

            fn len(&self) -> usize {
                Self::len(self)
            }

            $($shortcuts)*
        }

        #[doc = $doc]
        impl<K: MapKey + $($bounds)*, V: State, $($hasher)*> State for $map {
            fn rules(places: &mut Places) {
                rules_of_each::<V>(places);
            }

            fn diff_from(&self, old: &Self, out: &mut Differ) {
                diff(self, old, out);
            }

            fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
                apply(self, path, action)
            }

            fn same(&self, other: &Self) -> bool {
                self.same_entries(other)
            }

            fn to_value(&self) -> Value {
                to_value(self)
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let Value::Map(map) = &value else { return Err(StateError::unfit("map", &value)) };
                map.iter().map(read).collect()
            }
        }

        impl<K: MapKey + $($bounds)*, V: State, $($hasher)*> NeverNull for $map {}
    };
}

map!(BTreeMap<K, V>, [Ord], [], "Comparing costs the number of entries.", {});
map!(
    HashMap<K, V, H>,
    [Eq + Hash],
    [H: BuildHasher + Clone + Default + Send + Sync + 'static],
    "Comparing costs the number of entries.",
    {}
);
map!(collections::Map<K, V>, [Ord], [], "Comparing costs what changed: O(changes * log n).", {
    fn changes<'a>(&'a self, old: &'a Self) -> Vec<(Key, Change<'a, V>)> {
        unshared_changes(self, old)
    }

    fn same_entries(&self, other: &Self) -> bool {
        self.len() == other.len() && other.diff(self, |a, b| a.same(b)).next().is_none()
    }
});
