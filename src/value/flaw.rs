//! What makes a value unfit to be stored: nesting too deep, or a key of too many bytes.
//!
//! Asked by `draft` and by `apply` about every value that enters a patch. Leaves values already in a state alone.

use super::{Key, Value};

/// Why a value may not enter a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Depth,
    Key,
}

impl Value {
    /// Whether at most `limit` containers are nested in this value.
    ///
    /// Looks at every element down to the limit and never beyond it: O(size above the limit), stack O(limit).
    ///
    /// ```
    /// use redraft::value;
    ///
    /// assert!(value!([[1]]).depth_within(2));
    /// assert!(!value!([[1]]).depth_within(1));
    /// ```
    pub fn depth_within(&self, limit: usize) -> bool {
        match self {
            Self::List(items) => limit > 0 && items.iter().all(|item| item.depth_within(limit - 1)),
            Self::Map(entries) => limit > 0 && entries.values().all(|value| value.depth_within(limit - 1)),
            _ => true,
        }
    }

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
