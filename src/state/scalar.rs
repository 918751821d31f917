//! [`State`] for what has no inside: truth values, numbers, characters, text, bytes, nothing.
//!
//! Each changes as a whole (`replace`). Always holds: what a type cannot hold exactly is refused, not rounded or cut.

use std::sync::Arc;

use super::whole::{apply_leaf, diff_leaf};
use super::{Differ, NeverNull, State, StateError};
use crate::op::{Action, ApplyErrorKind};
use crate::value::{Segment, Str, Value, float_bits};

/// The part of the trait that is alike for all leaves.
macro_rules! leaf {
    () => {
        const LEAF: bool = true;

        fn diff_from(&self, old: &Self, out: &mut Differ) {
            diff_leaf(self, old, out);
        }

        fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
            apply_leaf(self, path, action)
        }
    };
}

macro_rules! integers {
    ($($int:ident)*) => {$(
        impl State for $int {
            leaf!();

            fn same(&self, other: &Self) -> bool {
                self == other
            }

            fn to_value(&self) -> Value {
                Value::from(*self)
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let fits = match &value {
                    Value::Int(number) => Self::try_from(*number).ok(),
                    Value::Uint(number) => Self::try_from(*number).ok(),
                    _ => None,
                };
                fits.ok_or_else(|| StateError::unfit(integer(Self::MIN, Self::MAX), &value))
            }
        }

        impl NeverNull for $int {}
    )*};
}

integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

fn integer(min: impl std::fmt::Display, max: impl std::fmt::Display) -> String {
    format!("an integer from {min} to {max}")
}

/// Values have no integers of 128 bits: shown as decimal text, in its one usual spelling.
macro_rules! wide_integers {
    ($($int:ident)*) => {$(
        impl State for $int {
            leaf!();

            fn same(&self, other: &Self) -> bool {
                self == other
            }

            fn to_value(&self) -> Value {
                Value::from(self.to_string())
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let number = value.as_str().and_then(|text| Some((text, text.parse::<Self>().ok()?)));
                match number {
                    Some((text, number)) if number.to_string() == text => Ok(number),
                    _ => Err(StateError::unfit("a 128-bit integer as decimal text", &value)),
                }
            }
        }

        impl NeverNull for $int {}
    )*};
}

wide_integers!(i128 u128);

/// Compared by bits, so that a NaN is no change for ever. An integer is no float: the two are not equal as values.
macro_rules! floats {
    ($($float:ident)*) => {$(
        impl State for $float {
            leaf!();

            fn same(&self, other: &Self) -> bool {
                float_bits((*self).into()) == float_bits((*other).into())
            }

            fn to_value(&self) -> Value {
                Value::Float((*self).into())
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                match value {
                    Value::Float(wide) if float_bits(f64::from(wide as $float)) == float_bits(wide) => {
                        Ok(wide as $float)
                    }
                    other => Err(StateError::unfit(concat!("a float that fits ", stringify!($float)), &other)),
                }
            }
        }

        impl NeverNull for $float {}
    )*};
}

floats!(f32 f64);

impl State for bool {
    leaf!();

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        value.as_bool().ok_or_else(|| StateError::unfit("bool", &value))
    }
}

impl NeverNull for bool {}

impl State for char {
    leaf!();

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        Value::from(&*self.encode_utf8(&mut [0; 4]))
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        let mut chars = value.as_str().unwrap_or_default().chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(StateError::unfit("a string of one character", &value)),
        }
    }
}

impl NeverNull for char {}

/// Changes as a whole; comparing costs its length.
impl State for String {
    leaf!();

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        Value::from(self)
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        value.as_str().map(Self::from).ok_or_else(|| StateError::unfit("string", &value))
    }
}

impl NeverNull for String {}

/// The cheapest text to keep where it is seldom changed: see [`Str`].
impl State for Str {
    leaf!();

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        Value::Str(self.clone())
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        match value {
            Value::Str(text) => Ok(text),
            other => Err(StateError::unfit("string", &other)),
        }
    }
}

impl NeverNull for Str {}

/// Text that is shared rather than copied, with the state and, where it is long, with its patches.
impl State for Arc<str> {
    leaf!();

    fn same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other) || self == other
    }

    fn to_value(&self) -> Value {
        Value::from(self.clone())
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        Str::from_value(value).map(Self::from)
    }
}

impl NeverNull for Arc<str> {}

/// Bytes, shared rather than copied. (A `Vec<u8>` shows as a list of integers, as any vector does.)
impl State for Arc<[u8]> {
    leaf!();

    fn same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other) || self == other
    }

    fn to_value(&self) -> Value {
        Value::Bytes(self.clone())
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(StateError::unfit("bytes", &other)),
        }
    }
}

impl NeverNull for Arc<[u8]> {}

/// Shows as null.
impl State for () {
    leaf!();

    fn same(&self, (): &Self) -> bool {
        true
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        if value.is_null() { Ok(()) } else { Err(StateError::unfit("null", &value)) }
    }
}
