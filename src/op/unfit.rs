//! [`StateError`]: why a value is no state of the wanted type, and where in it.
//!
//! Names no operation and no version: who met it adds those. Always: the path grows from the inside out, on the way
//! back.

use crate::value::{Path, Segment, Value};

/// A value does not describe a state of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at \"{path}\": {kind}")]
#[non_exhaustive]
pub struct StateError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong there.
    pub kind: StateErrorKind,
}

/// Why a value does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateErrorKind {
    /// Something else is there than what the type holds.
    #[error("expected {expected}, found {found}")]
    Unfit {
        /// What the type wants.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A field of a struct is not there, and there is no default for it.
    #[error("the field is missing")]
    MissingField,
    /// The struct has no field of this name.
    #[error("the type has no such field")]
    UnknownField,
    /// The enum has no variant of this name.
    #[error("the type has no such variant")]
    UnknownVariant,
    /// The key cannot be a key of this map, or an element of this set.
    #[error("not a key of this map")]
    BadKey,
    /// The order of a keyed list does not name each of its items exactly once.
    #[error("the order does not name every item exactly once")]
    Order,
    /// The type's own `Deserialize` refused it.
    #[error("{0}")]
    Serde(String),
}

impl StateError {
    /// Something wrong with the value itself; [`within`](Self::within) adds where that value sits.
    pub fn new(kind: StateErrorKind) -> Self {
        Self { path: Path::root(), kind }
    }

    /// The value is something else than what is wanted.
    pub fn unfit(expected: impl Into<String>, found: &Value) -> Self {
        Self::new(StateErrorKind::Unfit { expected: expected.into(), found: name(found) })
    }

    /// The same error, seen from one step further out. O(length of the path).
    #[must_use]
    pub fn within(self, segment: impl Into<Segment>) -> Self {
        let path = std::iter::once(segment.into()).chain(self.path.iter().cloned()).collect();
        Self { path, ..self }
    }
}

/// Numbers as they are, since they may be what is out of range; of everything else the kind.
fn name(value: &Value) -> String {
    match value {
        Value::Int(number) => format!("integer {number}"),
        Value::Uint(number) => format!("integer {number}"),
        Value::Float(number) => format!("float {number:?}"),
        Value::List(list) => format!("list of {}", list.len()),
        other => other.kind().into(),
    }
}
