//! [`State`] for the maps of the standard library. An entry that came is `add`, one that went is `remove`.
//!
//! Costs O(n) to compare, and to clone for a draft. Always holds: operations are told in the order of the keys they have
//! outside, so that the same change makes the same patch whatever order the map itself keeps.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::whole::{apply_whole, mismatch};
use super::{Differ, MapKey, NeverNull, State, StateError, StateErrorKind};
use crate::patch::{Action, ApplyErrorKind};
use crate::value::{Key, Map, Segment, Value};

/// What both kinds of map must offer; the rest is written once.
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
}

/// One difference between two maps.
enum Change<'a, T> {
    Added(&'a T),
    Removed(&'a T),
    Inside { old: &'a T, new: &'a T },
}

fn diff<M: Entries>(new: &M, old: &M, out: &mut Differ) {
    let mut changes: Vec<(Key, Change<'_, M::Item>)> = Vec::new();
    for (key, item) in new.entries() {
        match old.get(key) {
            None => changes.push((key.to_key(), Change::Added(item))),
            Some(before) if item.same(before) => {}
            Some(before) => changes.push((key.to_key(), Change::Inside { old: before, new: item })),
        }
    }
    let gone = old.entries().filter(|(key, _)| new.get(key).is_none());
    changes.extend(gone.map(|(key, item)| (key.to_key(), Change::Removed(item))));
    changes.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, change) in &changes {
        out.key(key, |out| tell(change, out));
    }
}

fn tell<T: State>(change: &Change<'_, T>, out: &mut Differ) {
    match change {
        Change::Added(new) => out.add(new.to_value()),
        Change::Removed(old) => out.remove(old.to_value()),
        Change::Inside { old, new } => new.diff(old, out),
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

fn same<M: Entries>(a: &M, b: &M) -> bool {
    a.len() == b.len() && a.entries().all(|(key, item)| b.get(key).is_some_and(|other| item.same(other)))
}

fn to_value<M: Entries>(map: &M) -> Value {
    map.entries().map(|(key, item)| (key.to_key(), item.to_value())).collect::<Map>().into()
}

fn read<K: MapKey, V: State>((key, item): (&Key, &Value)) -> Result<(K, V), StateError> {
    let typed = K::from_key(key).ok_or(StateError::new(StateErrorKind::BadKey));
    let read = typed.and_then(|typed| Ok((typed, V::from_value(item.clone())?)));
    read.map_err(|error| error.within(key))
}

macro_rules! std_map {
    ($map:ident, [$($bounds:tt)*], [$($hasher:tt)*], [$($args:tt)*]) => {
        impl<K: MapKey + $($bounds)*, V: State, $($hasher)*> Entries for $map<K, V, $($args)*> {
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
        }

        /// Comparing costs the number of entries.
        impl<K: MapKey + $($bounds)*, V: State, $($hasher)*> State for $map<K, V, $($args)*> {
            fn diff(&self, old: &Self, out: &mut Differ) {
                diff(self, old, out);
            }

            fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
                apply(self, path, action)
            }

            fn same(&self, other: &Self) -> bool {
                same(self, other)
            }

            fn to_value(&self) -> Value {
                to_value(self)
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let Value::Map(map) = &value else { return Err(StateError::unfit("map", &value)) };
                map.iter().map(read).collect()
            }
        }

        impl<K: MapKey + $($bounds)*, V: State, $($hasher)*> NeverNull for $map<K, V, $($args)*> {}
    };
}

std_map!(BTreeMap, [Ord], [], []);
std_map!(HashMap, [Eq + Hash], [H: BuildHasher + Clone + Default + Send + Sync + 'static], [H]);
