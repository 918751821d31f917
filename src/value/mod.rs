//! The self-describing value, its keys, and the paths that point into it.
//!
//! First stage of everything: recipes edit values, patches carry them, records write them down. Knows nothing of
//! patches, bytes or disks. Always holds: cloning is O(1); two values are equal when no reader could tell them apart
//! (integers by number, floats by bits); no operation here uses stack in proportion to the depth of a value.

mod access;
mod bridge;
mod convert;
mod debug;
mod equal;
mod fingerprint;
mod flaw;
#[cfg(feature = "json")]
pub(crate) mod json;
mod key;
mod list;
mod macros;
mod map;
mod path;
mod pointer;
mod release;
mod serde;
mod str;

use std::sync::Arc;

pub use access::ValueIndex;
pub use bridge::ConvertError;
pub(crate) use equal::{float_bits, same};
pub(crate) use flaw::Flaw;
#[cfg(feature = "json")]
pub use json::JsonError;
pub use key::{KEY_BYTES_MAX, Key, KeyRef};
pub use list::{List, ListIter};
pub(crate) use map::Change;
pub use map::{Entry, Map, MapIter};
pub(crate) use path::Trail;
pub use path::{Path, Segment};
#[cfg(feature = "json")]
pub(crate) use pointer::key_in;
pub(crate) use pointer::parse_index;
pub use pointer::{Pointer, PointerError};
pub use str::Str;

/// How deep values may be nested wherever one is parsed, stored, applied or printed.
///
/// A scalar has depth 0, `{}` has depth 1, `{"a": {}}` has depth 2. The limit lets everything that walks a value use
/// plain recursion below it, and makes a value from outside that would not fit the stack an error.
pub const DEPTH_MAX: usize = 128;

/// A JSON-like value: what a dynamic document consists of, and what patches carry.
///
/// Cloning is O(1). Maps and lists are persistent: a changed clone shares everything but the nodes on the way to the
/// change. Equality: integers by number whichever variant carries them; floats by bits, all NaN being one, -0.0 and
/// 0.0 being two; an integer never equals a float.
///
/// ```
/// use redraft::{value, value::Value};
///
/// let mut board = value!({ "title": "plan", "cards": [1, 2] });
/// board["cards"].as_list_mut().unwrap().push(3);
/// assert_eq!(board.pointer("/cards/2"), Some(&Value::from(3)));
/// ```
#[derive(Clone)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer that fits 64 signed bits.
    Int(i64),
    /// An integer that may need 64 unsigned bits. Equal to `Int` of the same number.
    Uint(u64),
    /// A 64-bit float.
    Float(f64),
    /// Text.
    Str(Str),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A sequence.
    List(List),
    /// An ordered map.
    Map(Map),
}

impl Value {
    /// What the value is, in the words error messages use: `null`, `bool`, `integer`, `float`, `string`, `bytes`,
    /// `list` or `map`. O(1).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "integer",
            Self::Float(_) => "float",
            Self::Str(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// The empty map, not null: a document that has just been opened is `{}`, so that a first recipe may write
/// `doc["title"] = ...` without asking whether anything is there yet.
impl Default for Value {
    fn default() -> Self {
        Self::Map(Map::new())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        equal::values_equal(self, other)
    }
}

impl Eq for Value {}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        debug::value(self, f, 0)
    }
}

#[cfg(test)]
mod tests;
