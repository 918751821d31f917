//! Fields of types that are no [`State`](super::State) but implement serde's traits: one leaf each.
//!
//! Behind `#[state(atomic)]`. A change replaces the leaf. An operation beneath it is done to what it shows and read back.
//! Free functions rather than a wrapper type, so that the field keeps its own type in the program.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Differ, State, StateError, StateErrorKind, fills};
use crate::patch::{Action, ApplyErrorKind};
use crate::value::{KEY_BYTES_MAX, Key, Map, Segment, Value};

/// See [`State::diff`].
pub fn diff<T: Serialize>(new: &T, old: &T, out: &mut Differ) {
    let (old, new) = (to_value(old), to_value(new));
    if old != new {
        out.replace(old, new);
    }
}

/// See [`State::apply`].
pub fn apply<T: Serialize + DeserializeOwned>(
    state: &mut T,
    path: &[Segment],
    action: &Action,
) -> Result<Action, ApplyErrorKind> {
    if path.is_empty() && matches!(action, Action::Remove) {
        return Err(ApplyErrorKind::Required);
    }
    let mut shown = to_value(state);
    let undo = shown.apply(path, action)?;
    *state = from_value(shown)?;
    Ok(undo)
}

/// See [`State::same`].
pub fn same<T: Serialize>(a: &T, b: &T) -> bool {
    to_value(a) == to_value(b)
}

/// See [`State::to_value`]. What serde cannot write shows as something no patch may carry, so that the change is refused
/// instead of recorded wrongly.
pub fn to_value<T: Serialize>(state: &T) -> Value {
    Value::from_serialize(state).unwrap_or_else(|_| unstorable())
}

fn unstorable() -> Value {
    let mut map = Map::new();
    map.insert(Key::Bytes([0; KEY_BYTES_MAX + 1][..].into()), Value::Null);
    map.into()
}

/// See [`State::from_value`]. A type that ignores something, or fills something in, shows otherwise than the document.
pub fn from_value<T: Serialize + DeserializeOwned>(value: Value) -> Result<T, StateError> {
    let read: T = value.deserialize_into().map_err(|error| StateError {
        path: error.path().clone(),
        kind: StateErrorKind::Serde(error.message().into()),
    })?;
    if to_value(&read) != value {
        fills::note();
    }
    Ok(read)
}
