//! Fields of types that are no [`State`](super::State) but implement serde's traits: one leaf each.
//!
//! Behind `#[state(atomic)]`. A change replaces the leaf. An operation beneath it is done to what it shows and read back.
//! Unordered sets inside are written again when their order has changed; ordered ones are the better choice.
//! Free functions rather than a wrapper type, so that the field keeps its own type in the program.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Differ, State, StateError, StateErrorKind, fills};
use crate::op::{Action, ApplyErrorKind};
use crate::value::{KEY_BYTES_MAX, Key, List, Map, Segment, Value};

/// Nothing is found out at once about what has to be written down first.
pub fn settled<T>(_new: &T, _old: &T) -> bool {
    false
}

/// See [`State::diff_from`].
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

/// See [`State::from_value`]. What the type fills in is noted; what it would pass over in silence is refused, since the
/// document would go on holding it.
#[allow(clippy::needless_pass_by_value, reason = "as `State::from_value` takes it, which it stands in for")]
pub fn from_value<T: Serialize + DeserializeOwned>(value: Value) -> Result<T, StateError> {
    let read: T = value.deserialize_into().map_err(|error| StateError {
        path: error.path().clone(),
        kind: StateErrorKind::Serde(error.message().into()),
    })?;
    let shown = to_value(&read);
    if shown == value {
        return Ok(read);
    }
    fills::note();
    passed_over(&value, &shown).map_or(Ok(read), Err)
}

/// What of a document does not show in the state read from it.
fn passed_over(document: &Value, shown: &Value) -> Option<StateError> {
    match (document, shown) {
        (Value::Map(document), Value::Map(shown)) => document.iter().find_map(|(key, inside)| {
            let found = match shown.get(key) {
                Some(shown) => passed_over(inside, shown),
                None => Some(StateError::new(StateErrorKind::UnknownField)),
            };
            found.map(|error| error.within(key))
        }),
        (Value::List(document), Value::List(shown)) if document.len() == shown.len() => {
            if prints(document) == prints(shown) {
                // A set of the standard library has another order each time it is read.
                return None;
            }
            let pairs = document.iter().zip(shown.iter()).enumerate();
            let mut found = pairs.filter_map(|(index, (inside, shown))| {
                passed_over(inside, shown).map(|error| error.within(index))
            });
            found.next()
        }
        _ if document == shown => None,
        _ => Some(StateError::unfit(format!("what reads back the same, not as {shown:?}"), document)),
    }
}

/// What a list holds, in whatever order.
fn prints(list: &List) -> Vec<u64> {
    let mut prints: Vec<u64> = list.iter().map(Value::fingerprint).collect();
    prints.sort_unstable();
    prints
}
