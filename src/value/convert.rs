//! Conversions from Rust's own types into [`Value`], and the few back that cannot lose anything.
//!
//! Always: a number has one usual form, whatever type it came from.

use std::sync::Arc;

use super::equal::float_bits;
use super::{Key, List, Map, Str, Value};

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(from: $from) -> Self {
                Self::$variant(from.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool,
    i8 => Int, i16 => Int, i32 => Int, i64 => Int,
    u8 => Int, u16 => Int, u32 => Int,
    f32 => Float, f64 => Float,
    &str => Str, String => Str, Arc<str> => Str, Str => Str,
    Arc<[u8]> => Bytes,
    List => List, Map => Map,
}

/// Stays `Int` where the number fits, so that a number has one usual spelling.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Uint(number), Self::Int)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<isize> for Value {
    fn from(number: isize) -> Self {
        Self::Int(number as i64)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Str(text.as_str().into())
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

/// `None` is null.
impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().collect())
    }
}

impl<V: Into<Value>, const N: usize> From<[V; N]> for Value {
    fn from(values: [V; N]) -> Self {
        Self::List(values.into_iter().collect())
    }
}

impl<V: Into<Value>> FromIterator<V> for Value {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        Self::List(values.into_iter().collect())
    }
}

/// The usual value of a key: what it would be as an element of a list.
impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Bool(flag) => Self::Bool(flag),
            Key::Int(number) => Self::Int(number),
            Key::Uint(number) => Self::Uint(number),
            Key::Str(text) => Self::Str(text),
            Key::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

macro_rules! value_eq {
    ($($with:ty => $read:ident),* $(,)?) => {$(
        /// Saves spelling out the conversion in assertions and conditions.
        impl PartialEq<$with> for Value {
            fn eq(&self, other: &$with) -> bool {
                self.$read() == Some((*other).into())
            }
        }
    )*};
}

value_eq!(bool => as_bool, i32 => as_i64, i64 => as_i64, u64 => as_u64, &str => as_str);

/// By bits, as floats compare inside values, and never equal to an integer.
impl PartialEq<f64> for Value {
    fn eq(&self, other: &f64) -> bool {
        matches!(self, Self::Float(number) if float_bits(*number) == float_bits(*other))
    }
}
