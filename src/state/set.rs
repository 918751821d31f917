//! [`State`] for sets, the standard library's and our own: maps from element to null. An element that came is `add`, one
//! that went is `remove`.
//!
//! Those of the standard library cost O(n) to compare, and to clone for a draft; ours cost what was changed. Operations
//! are told in the order of the keys, as for maps.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash};

use super::whole::{apply_leaf, apply_whole, mismatch};
use super::{Differ, MapKey, NeverNull, State, StateError, StateErrorKind};
use crate::collections;
use crate::op::{Action, ApplyErrorKind};
use crate::value::{Key, Map, Segment, Value};

/// What all kinds of set must offer; the rest is written once.
trait Elements: State {
    type Item: MapKey;

    fn contains(&self, item: &Self::Item) -> bool;
    fn insert(&mut self, item: Self::Item) -> bool;
    fn remove(&mut self, item: &Self::Item) -> bool;
    fn elements<'a>(&'a self) -> impl Iterator<Item = &'a Self::Item>
    where
        Self::Item: 'a;
    fn len(&self) -> usize;

    /// The elements that came since `old`, and those that went, in any order; `true` is for those that came.
    fn changes(&self, old: &Self) -> Vec<(Key, bool)> {
        let came = self.elements().filter(|item| !old.contains(item)).map(|item| (item.to_key(), true));
        let gone = old.elements().filter(|item| !self.contains(item)).map(|item| (item.to_key(), false));
        came.chain(gone).collect()
    }

    fn same_elements(&self, other: &Self) -> bool {
        self.len() == other.len() && self.elements().all(|item| other.contains(item))
    }
}

fn diff<S: Elements>(new: &S, old: &S, out: &mut Differ) {
    let mut changes = new.changes(old);
    changes.sort();
    for (key, added) in &changes {
        out.key(key, |out| if *added { out.add(Value::Null) } else { out.remove(Value::Null) });
    }
}

fn apply<S: Elements>(set: &mut S, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
    let (key, rest) = match path {
        [] => return apply_whole(set, action),
        [Segment::Key(key), rest @ ..] => (key, rest),
        [segment, ..] => return Err(mismatch(segment, "map")),
    };
    let item = S::Item::from_key(key).ok_or(ApplyErrorKind::BadKey)?;
    match (rest, action) {
        ([], Action::Add(new)) => {
            <()>::from_value(new.clone())?;
            Ok(if set.insert(item) { Action::Remove } else { Action::Replace(Value::Null) })
        }
        ([], Action::Remove) if set.remove(&item) => Ok(Action::Add(Value::Null)),
        _ if set.contains(&item) => apply_leaf(&mut (), rest, action),
        _ => Err(ApplyErrorKind::NotFound),
    }
}

fn to_value<S: Elements>(set: &S) -> Value {
    set.elements().map(|item| (item.to_key(), Value::Null)).collect::<Map>().into()
}

fn read<K: MapKey>((key, value): (&Key, &Value)) -> Result<K, StateError> {
    let null = <()>::from_value(value.clone());
    let read = null.and_then(|()| K::from_key(key).ok_or(StateError::new(StateErrorKind::BadKey)));
    read.map_err(|error| error.within(key))
}

macro_rules! set {
    ($set:ty, [$($bounds:tt)*], [$($hasher:tt)*], $doc:literal, {$($shortcuts:tt)*}) => {
        impl<K: MapKey + $($bounds)*, $($hasher)*> Elements for $set {
            type Item = K;

            fn contains(&self, item: &K) -> bool {
                Self::contains(self, item)
            }

            fn insert(&mut self, item: K) -> bool {
                Self::insert(self, item)
            }

            fn remove(&mut self, item: &K) -> bool {
                Self::remove(self, item)
            }

            fn elements<'a>(&'a self) -> impl Iterator<Item = &'a K>
            where
                K: 'a,
            {
                self.iter()
            }

            fn len(&self) -> usize {
                Self::len(self)
            }

            $($shortcuts)*
        }

        #[doc = $doc]
        impl<K: MapKey + $($bounds)*, $($hasher)*> State for $set {
            fn diff_from(&self, old: &Self, out: &mut Differ) {
                diff(self, old, out);
            }

            fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
                apply(self, path, action)
            }

            fn same(&self, other: &Self) -> bool {
                self.same_elements(other)
            }

            fn to_value(&self) -> Value {
                to_value(self)
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let Value::Map(map) = &value else { return Err(StateError::unfit("map", &value)) };
                map.iter().map(read).collect()
            }
        }

        impl<K: MapKey + $($bounds)*, $($hasher)*> NeverNull for $set {}
    };
}

set!(BTreeSet<K>, [Ord], [], "Comparing costs the number of elements.", {});
set!(
    HashSet<K, H>,
    [Eq + Hash],
    [H: BuildHasher + Clone + Default + Send + Sync + 'static],
    "Comparing costs the number of elements.",
    {}
);
set!(collections::Set<K>, [Ord], [], "Comparing costs what changed: O(changes * log n).", {
    fn changes(&self, old: &Self) -> Vec<(Key, bool)> {
        old.changes(self).map(|(item, came)| (item.to_key(), came)).collect()
    }

    fn same_elements(&self, other: &Self) -> bool {
        self.len() == other.len() && self.changes(other).next().is_none()
    }
});
