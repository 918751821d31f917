//! What derived implementations call. Not for anybody else: it changes without notice.
//!
//! Keeps what `#[derive(State)]` writes short: a derived implementation names fields and variants, the work is here.

pub use super::atomic;
pub use super::fixed::{Items, Target, apply_to_whole};
pub use super::whole::{apply_leaf, apply_whole};

use super::{Differ, State, StateError, StateErrorKind, fills, whole};
use crate::op::{Action, ApplyErrorKind};
pub use crate::rules::{OnDeleted, Places, Policy};
use crate::value::{Key, Map, Segment, Value};
use std::any::TypeId;

/// The functions of [`State`] as [`atomic`] has them too, so that one name chooses between the two.
pub mod plain {
    use super::{Action, ApplyErrorKind, Differ, Segment, State, StateError, Value, whole};

    /// Whether nothing differs, if that is found out at once: most fields did not change, and for those it saves the step
    /// into them.
    pub fn settled<T: State>(new: &T, old: &T) -> bool {
        T::LEAF && new.same(old)
    }

    /// See [`State::diff_from`].
    pub fn diff<T: State>(new: &T, old: &T, out: &mut Differ) {
        new.diff_from(old, out);
    }

    /// See [`State::apply`]; a part cannot be removed.
    pub fn apply<T: State>(
        state: &mut T,
        path: &[Segment],
        action: &Action,
    ) -> Result<Action, ApplyErrorKind> {
        whole::apply_part(state, path, action)
    }

    /// See [`State::same`].
    pub fn same<T: State>(a: &T, b: &T) -> bool {
        a.same(b)
    }

    /// See [`State::to_value`].
    pub fn to_value<T: State>(state: &T) -> Value {
        state.to_value()
    }

    /// See [`State::from_value`].
    pub fn from_value<T: State>(value: Value) -> Result<T, StateError> {
        T::from_value(value)
    }
}

/// What the type of a part says of what is done where changes meet.
pub fn rules<T: State>(places: &mut Places) {
    places.within(TypeId::of::<T>(), T::rules);
}

/// The same for each entry or element of a collection.
pub fn rules_of_each<T: State>(places: &mut Places) {
    places.each(rules::<T>);
}

/// A policy by the name it is written with.
pub fn custom(name: &str, version: u32) -> Policy {
    Policy::Custom { name: name.to_owned(), version }
}

/// A map of named parts.
pub fn map<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    fields.into_iter().collect::<Map>().into()
}

/// A map of one part: a variant with something inside.
pub fn tagged(name: &'static str, inner: Value) -> Value {
    map([(name, inner)])
}

/// The fields of a struct on their way in.
#[derive(Debug)]
pub struct Fields {
    left: Map,
}

impl Fields {
    /// Takes a value that must be a map.
    pub fn new(value: Value) -> Result<Self, StateError> {
        match value {
            Value::Map(left) => Ok(Self { left }),
            other => Err(StateError::unfit("map", &other)),
        }
    }

    /// A field that must be there.
    pub fn take<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let value = self.left.remove(name).ok_or(StateError::new(StateErrorKind::MissingField));
        value.and_then(read).map_err(|error| error.within(name))
    }

    /// A field that is filled in when it is missing.
    pub fn take_or<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, StateError>,
        default: impl FnOnce() -> T,
    ) -> Result<T, StateError> {
        if self.left.contains_key(name) {
            return self.take(name, read);
        }
        fills::note();
        Ok(default())
    }

    /// What no field has taken, for the field that keeps it.
    pub fn rest<T>(&mut self, read: impl FnOnce(Value) -> Result<T, StateError>) -> Result<T, StateError> {
        read(std::mem::take(&mut self.left).into())
    }

    /// Refuses what no field has taken.
    pub fn finish(self) -> Result<(), StateError> {
        match self.left.keys().next() {
            Some(key) => Err(StateError::new(StateErrorKind::UnknownField).within(key)),
            None => Ok(()),
        }
    }
}

/// The name of a variant, and what is inside if the value shows one with something inside.
pub fn variant(value: &Value) -> Result<(Key, Option<Value>), StateError> {
    let entry = |map: &Map| map.iter().next().map(|(name, inside)| (name.clone(), Some(inside.clone())));
    let found = match value {
        Value::Str(name) => Some((Key::Str(name.clone()), None)),
        Value::Map(map) if map.len() == 1 => entry(map),
        _ => None,
    };
    found.ok_or_else(|| StateError::unfit("the name of a variant, or a map of one variant", value))
}

/// Nothing of this name, with or without something inside, is a variant of the type.
pub fn no_variant<T>(name: Key) -> Result<T, StateError> {
    Err(StateError::new(StateErrorKind::UnknownVariant).within(name))
}

/// What an operation on something with named parts works on.
#[derive(Debug)]
pub enum Place<'p> {
    /// The whole.
    Whole,
    /// The part of this name, at the rest of the path.
    Part(&'p str, &'p [Segment]),
    /// What has no name, but a number or the like, as no part has.
    Entry,
}

impl<'p> Place<'p> {
    /// What `path` works on in something that shows as `kind`.
    pub fn find(path: &'p [Segment], kind: &'static str) -> Result<Self, ApplyErrorKind> {
        match path {
            [] => Ok(Self::Whole),
            [Segment::Key(Key::Str(name)), rest @ ..] if kind == "map" => Ok(Self::Part(name, rest)),
            [Segment::Key(_), ..] if kind == "map" => Ok(Self::Entry),
            [segment, ..] => Err(whole::mismatch(segment, kind)),
        }
    }
}

/// Replaces all of a state but what it does not show: `keep` moves that over, from the old state to the new one.
pub fn apply_whole_keeping<S: State>(
    state: &mut S,
    action: &Action,
    keep: impl FnOnce(&mut S, &mut S),
) -> Result<Action, ApplyErrorKind> {
    let mut old = state.clone();
    let undo = apply_whole(state, action)?;
    keep(state, &mut old);
    Ok(undo)
}

/// An operation on a part inside a variant as a whole: what it becomes must be the same variant again.
pub fn apply_inside<S: State>(
    state: &mut S,
    path: &[Segment],
    action: &Action,
) -> Result<Action, ApplyErrorKind> {
    if matches!((path, action), ([_], Action::Remove)) {
        return Err(ApplyErrorKind::Required);
    }
    whole::through_value(state, path, action)
}

/// What an operation on an enum works on, given the variant that is there and how it shows: the rest of the path below
/// the variant, or nothing for the enum itself.
pub fn beneath<'p>(
    path: &'p [Segment],
    current: &str,
    kind: &'static str,
    variants: &[&str],
) -> Result<Option<&'p [Segment]>, ApplyErrorKind> {
    let Some((first, rest)) = path.split_first() else { return Ok(None) };
    match first {
        Segment::Key(Key::Str(name)) if kind == "map" && **name == *current => Ok(Some(rest)),
        Segment::Key(Key::Str(name)) if variants.contains(&&**name) => Err(ApplyErrorKind::Variant),
        Segment::Key(_) if kind == "map" => Err(ApplyErrorKind::UnknownField),
        segment => Err(whole::mismatch(segment, kind)),
    }
}

/// Reads what is inside a variant.
pub fn inside<T>(
    name: &'static str,
    value: Value,
    read: impl FnOnce(Value) -> Result<T, StateError>,
) -> Result<T, StateError> {
    read(value).map_err(|error| error.within(name))
}

/// What an atomic field of a generic type must be.
#[diagnostic::on_unimplemented(note = "an atomic field needs serde's `Serialize` and `Deserialize`")]
pub trait Atomic: serde::Serialize + serde::de::DeserializeOwned {}

impl<T: serde::Serialize + serde::de::DeserializeOwned> Atomic for T {}
