//! What no field of a struct is there for, kept in one of its fields. What derived implementations call for it.
//!
//! The entries stand beside the fields in the document. Always: an entry is not also a field; if a program puts one under the name
//! of a field, the change is refused, and the field is what shows.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::{Differ, MapKey, State};
use crate::collections;
use crate::value::{Key, Map, Value};

/// A map that can keep what no field is there for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep what no field is there for",
    note = "make it a map, such as `BTreeMap<String, Value>`"
)]
pub trait Rest: State {
    /// Whether there is an entry of this name.
    fn has(&self, name: &str) -> bool;
}

fn typed<K: MapKey>(name: &str) -> Option<K> {
    K::from_key(&Key::from(name))
}

impl<K: MapKey + Ord, V: State> Rest for BTreeMap<K, V> {
    fn has(&self, name: &str) -> bool {
        typed::<K>(name).is_some_and(|key| self.contains_key(&key))
    }
}

impl<K: MapKey + Eq + Hash, V: State, H: BuildHasher + Clone + Default + Send + Sync + 'static> Rest
    for HashMap<K, V, H>
{
    fn has(&self, name: &str) -> bool {
        typed::<K>(name).is_some_and(|key| self.contains_key(&key))
    }
}

impl<K: MapKey + Ord, V: State> Rest for collections::Map<K, V> {
    fn has(&self, name: &str) -> bool {
        typed::<K>(name).is_some_and(|key| self.contains_key(&key))
    }
}

/// See [`State::diff_from`]; `fields` are the names that are taken.
pub fn diff<T: Rest>(new: &T, old: &T, fields: &[&'static str], out: &mut Differ) {
    for name in fields.iter().filter(|name| new.has(name)) {
        out.field(name, Differ::refuse_double);
    }
    new.diff_from(old, out);
}

/// The map of the entries and of the fields.
pub fn show<T: Rest, const N: usize>(rest: &T, fields: [(&'static str, Value); N]) -> Value {
    let Value::Map(mut shown) = rest.to_value() else { return Map::from_iter(fields).into() };
    for (name, value) in fields {
        shown.insert(name, value);
    }
    shown.into()
}
