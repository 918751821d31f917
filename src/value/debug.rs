//! `Debug` of values: Rust-like, and cut at [`DEPTH_MAX`] with `..` so that printing never uses up the stack.
//!
//! For people: nothing reads it back.

use std::fmt;

use super::key::write_hex;
use super::{DEPTH_MAX, List, Map, Value};

/// A value at a known depth.
struct At<'a>(&'a Value, usize);

impl fmt::Debug for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        value(self.0, f, self.1)
    }
}

pub(super) fn value(value: &Value, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(flag) => write!(f, "{flag}"),
        Value::Int(number) => write!(f, "{number}"),
        Value::Uint(number) => write!(f, "{number}"),
        Value::Float(number) => write!(f, "{number:?}"),
        Value::Str(text) => write!(f, "{text:?}"),
        Value::Bytes(bytes) => write_hex(f, bytes),
        Value::List(items) => list(items, f, depth),
        Value::Map(entries) => map(entries, f, depth),
    }
}

pub(super) fn map(map: &Map, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if depth >= DEPTH_MAX {
        return f.write_str("..");
    }
    f.debug_map().entries(map.iter().map(|(key, value)| (key, At(value, depth + 1)))).finish()
}

pub(super) fn list(list: &List, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if depth >= DEPTH_MAX {
        return f.write_str("..");
    }
    f.debug_list().entries(list.iter().map(|value| At(value, depth + 1))).finish()
}
