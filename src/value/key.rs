//! Map keys: typed, totally ordered, at most [`KEY_BYTES_MAX`] long when they are bytes.
//!
//! Sits under [`Map`](super::Map) and [`Segment`](super::Segment). Says how keys compare; where they live is left to
//! the map. Always holds: an integer is one key whichever variant carries it, so `Int(5)` and `Uint(5)` are equal,
//! order alike and hash alike, while `Int(1)` and `Str("1")` are two keys.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Str;
use equivalent::{Comparable, Equivalent};

/// The longest key made of bytes. Room for a digest or two UUIDs: whatever is longer is content, not a name.
pub const KEY_BYTES_MAX: usize = 32;

/// The key of an entry in a [`Map`](super::Map).
///
/// Keys are ordered: booleans, then integers by number, then strings, then bytes. Cloning is O(1).
#[derive(Clone)]
pub enum Key {
    /// `false` or `true`.
    Bool(bool),
    /// An integer that fits 64 signed bits.
    Int(i64),
    /// An integer that may need 64 unsigned bits. Equal to `Int` of the same number.
    Uint(u64),
    /// Text.
    Str(Str),
    /// At most [`KEY_BYTES_MAX`] bytes. A longer key is refused when it is to enter a patch.
    Bytes(Arc<[u8]>),
}

/// A borrowed [`Key`], so that looking one up allocates nothing.
#[derive(Clone, Copy, Debug)]
pub enum KeyRef<'a> {
    /// As [`Key::Bool`].
    Bool(bool),
    /// As [`Key::Int`].
    Int(i64),
    /// As [`Key::Uint`].
    Uint(u64),
    /// As [`Key::Str`].
    Str(&'a str),
    /// As [`Key::Bytes`].
    Bytes(&'a [u8]),
}

impl Key {
    /// This key, borrowed. O(1).
    pub fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Bool(flag) => KeyRef::Bool(*flag),
            Self::Int(number) => KeyRef::Int(*number),
            Self::Uint(number) => KeyRef::Uint(*number),
            Self::Str(text) => KeyRef::Str(text),
            Self::Bytes(bytes) => KeyRef::Bytes(bytes),
        }
    }

    /// The text of a string key, `None` for any other. O(1).
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the key may be stored: only bytes can be too long. O(1).
    pub fn is_valid(&self) -> bool {
        !matches!(self, Self::Bytes(bytes) if bytes.len() > KEY_BYTES_MAX)
    }
}

impl KeyRef<'_> {
    /// An owned copy. O(length).
    pub fn to_key(self) -> Key {
        match self {
            Self::Bool(flag) => Key::Bool(flag),
            Self::Int(number) => Key::Int(number),
            Self::Uint(number) => Key::Uint(number),
            Self::Str(text) => Key::Str(text.into()),
            Self::Bytes(bytes) => Key::Bytes(bytes.into()),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Uint(_) => 1,
            Self::Str(_) => 2,
            Self::Bytes(_) => 3,
        }
    }

    /// The number of an integer key, wide enough for both variants.
    fn number(self) -> i128 {
        match self {
            Self::Int(number) => number.into(),
            Self::Uint(number) => number.into(),
            _ => 0,
        }
    }
}

impl Ord for KeyRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(&b),
            (a, b) => a.rank().cmp(&b.rank()).then_with(|| a.number().cmp(&b.number())),
        }
    }
}

impl PartialOrd for KeyRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyRef<'_> {}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.rank());
        match self {
            Self::Bool(flag) => flag.hash(state),
            Self::Int(_) | Self::Uint(_) => self.number().hash(state),
            Self::Str(text) => text.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
        }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_ref()
    }
}

impl Comparable<Key> for KeyRef<'_> {
    fn compare(&self, key: &Key) -> Ordering {
        self.cmp(&key.as_ref())
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (a, b) => a.as_ref().cmp(&b.as_ref()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Two versions of one map are compared key by key, and nearly all of those are the same: the pairs that come up are
/// decided without going through the order.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (a, b) => a.as_ref() == b.as_ref(),
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

/// Plain text: strings as they are, numbers in decimal, `true`/`false`, bytes as `0x` and hexadecimal digits.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Uint(number) => write!(f, "{number}"),
            Self::Str(text) => f.write_str(text),
            Self::Bytes(bytes) => write_hex(f, bytes),
        }
    }
}

/// Like `Display`, with strings quoted so that `1` and `"1"` can be told apart.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => fmt::Debug::fmt(text, f),
            other => fmt::Display::fmt(other, f),
        }
    }
}

/// The one text form of bytes, in keys and in values.
pub(super) fn write_hex(out: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    out.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

macro_rules! key_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Key {
            fn from(from: $from) -> Self {
                Self::$variant(from.into())
            }
        }
    )*};
}

key_from! {
    bool => Bool,
    i8 => Int, i16 => Int, i32 => Int, i64 => Int,
    u8 => Int, u16 => Int, u32 => Int,
    &str => Str, String => Str, Arc<str> => Str, Str => Str,
}

/// Stays `Int` where the number fits, so that a key has one usual spelling.
impl From<u64> for Key {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Uint(number), Self::Int)
    }
}

impl From<&Key> for Key {
    fn from(key: &Key) -> Self {
        key.clone()
    }
}

impl From<&String> for Key {
    fn from(text: &String) -> Self {
        Self::Str(text.as_str().into())
    }
}

impl<'a> From<&'a Key> for KeyRef<'a> {
    fn from(key: &'a Key) -> Self {
        key.as_ref()
    }
}

impl<'a> From<&'a str> for KeyRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a String> for KeyRef<'a> {
    fn from(text: &'a String) -> Self {
        Self::Str(text)
    }
}

impl From<i64> for KeyRef<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for KeyRef<'_> {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u64> for KeyRef<'_> {
    fn from(number: u64) -> Self {
        Self::Uint(number)
    }
}

impl From<bool> for KeyRef<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}
