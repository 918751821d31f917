//! What makes a value or state unfit to be stored: nesting too deep, a key of too many bytes, a field that is there twice.
//!
//! Asked by `draft` and by `apply` about every value that enters a patch. Leaves values already in a state alone.

use super::{Key, Value};

/// Why a value may not enter a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Depth,
    Key,
    /// Two things would have one name. Found in states, not in values.
    Field,
}

impl Value {
    /// The first reason not to store this value at a place with room for `limit` more levels. O(size).
    pub(crate) fn flaw(&self, limit: usize) -> Option<Flaw> {
        if !matches!(self, Self::List(_) | Self::Map(_)) {
            return None;
        }
        let Some(below) = limit.checked_sub(1) else { return Some(Flaw::Depth) };
        match self {
            Self::List(items) => items.iter().find_map(|item| item.flaw(below)),
            Self::Map(entries) => {
                entries.iter().find_map(|(key, value)| key_flaw(key).or_else(|| value.flaw(below)))
            }
            _ => None,
        }
    }
}

fn key_flaw(key: &Key) -> Option<Flaw> {
    (!key.is_valid()).then_some(Flaw::Key)
}
