//! [`MapKey`]: Rust types that can be the key of a map or the element of a set.
//!
//! Stands under `map` and `set`. Always: two values are equal exactly when their keys are, and a key read back is the
//! value it was made of.

use std::sync::Arc;

use crate::value::{KEY_BYTES_MAX, Key, Str};

/// A type whose values can be written as a [`Key`] and read back.
///
/// Law: two values are equal exactly when their keys are, and `from_key(&key.to_key())` is `Some(key)`; so a map of them
/// has as many entries as the document it shows as. Derived for structs of one unnamed field whose type is a key, and for
/// enums without fields (by variant name).
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use redraft::state::MapKey;
///
/// #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, MapKey)]
/// struct CardId(u64);
///
/// assert_eq!(CardId::from_key(&CardId(7).to_key()), Some(CardId(7)));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a map",
    label = "does not implement `MapKey`",
    note = "keys are strings, integers, `bool` and arrays of at most 32 bytes; put `#[derive(MapKey)]` on a struct of one \
            unnamed field of such a type, or on an enum without fields"
)]
pub trait MapKey: Clone + Send + Sync + Sized + 'static {
    /// The key as documents hold it.
    fn to_key(&self) -> Key;

    /// The value of this key, `None` if it is none of this type.
    fn from_key(key: &Key) -> Option<Self>;
}

macro_rules! integer_keys {
    ($($int:ident as $wide:ident),*) => {$(
        impl MapKey for $int {
            fn to_key(&self) -> Key {
                Key::from(*self as $wide)
            }

            fn from_key(key: &Key) -> Option<Self> {
                match key {
                    Key::Int(number) => Self::try_from(*number).ok(),
                    Key::Uint(number) => Self::try_from(*number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integer_keys!(
    i8 as i64,
    i16 as i64,
    i32 as i64,
    i64 as i64,
    isize as i64,
    u8 as u64,
    u16 as u64,
    u32 as u64,
    u64 as u64,
    usize as u64
);

macro_rules! text_keys {
    ($($text:ty),*) => {$(
        impl MapKey for $text {
            fn to_key(&self) -> Key {
                Key::Str(AsRef::<str>::as_ref(self).into())
            }

            fn from_key(key: &Key) -> Option<Self> {
                key.as_str().map(Self::from)
            }
        }
    )*};
}

text_keys!(String, Box<str>);

impl MapKey for Str {
    fn to_key(&self) -> Key {
        Key::Str(self.clone())
    }

    fn from_key(key: &Key) -> Option<Self> {
        match key {
            Key::Str(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl MapKey for Arc<str> {
    fn to_key(&self) -> Key {
        Key::from(self.clone())
    }

    fn from_key(key: &Key) -> Option<Self> {
        Str::from_key(key).map(Self::from)
    }
}

impl MapKey for char {
    fn to_key(&self) -> Key {
        Key::from(&*self.encode_utf8(&mut [0; 4]))
    }

    fn from_key(key: &Key) -> Option<Self> {
        let mut chars = key.as_str()?.chars();
        chars.next().filter(|_| chars.next().is_none())
    }
}

impl MapKey for bool {
    fn to_key(&self) -> Key {
        Key::Bool(*self)
    }

    fn from_key(key: &Key) -> Option<Self> {
        match key {
            Key::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

/// For identifiers of up to 32 bytes; a longer array does not compile.
impl<const N: usize> MapKey for [u8; N] {
    fn to_key(&self) -> Key {
        const { assert!(N <= KEY_BYTES_MAX, "a key has at most 32 bytes") };
        Key::Bytes(self[..].into())
    }

    fn from_key(key: &Key) -> Option<Self> {
        match key {
            Key::Bytes(bytes) => Self::try_from(&**bytes).ok(),
            _ => None,
        }
    }
}

/// Any key, for maps that mix them. Bytes that are too long are refused when they are to be recorded.
impl MapKey for Key {
    fn to_key(&self) -> Key {
        self.clone()
    }

    fn from_key(key: &Key) -> Option<Self> {
        Some(key.clone())
    }
}
