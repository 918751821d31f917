//! Reading and writing parts of a [`Value`]: by type, by index, by path.
//!
//! Reading something that is not there gives `Null` or `None`; only writing through `[]` can panic, and says so.

use std::ops::{Index, IndexMut};

use super::{Key, List, Map, Path, Pointer, Segment, Value};

/// Something that picks one element out of a container: a string or [`Key`] out of a map, a `usize` out of a list.
/// Nothing else can be one.
pub trait ValueIndex: sealed::Sealed {
    /// The element, if the value is of the right kind and has it.
    #[doc(hidden)]
    fn find(self, value: &Value) -> Option<&Value>;
    /// The same, writable.
    #[doc(hidden)]
    fn find_mut(self, value: &mut Value) -> Option<&mut Value>;
}

mod sealed {
    use crate::value::{Key, Segment};

    pub trait Sealed {}

    impl Sealed for &str {}
    impl Sealed for &Key {}
    impl Sealed for usize {}
    impl Sealed for &Segment {}
}

impl ValueIndex for &str {
    fn find(self, value: &Value) -> Option<&Value> {
        value.as_map()?.get(self)
    }

    fn find_mut(self, value: &mut Value) -> Option<&mut Value> {
        value.as_map_mut()?.get_mut(self)
    }
}

impl ValueIndex for &Key {
    fn find(self, value: &Value) -> Option<&Value> {
        value.as_map()?.get(self)
    }

    fn find_mut(self, value: &mut Value) -> Option<&mut Value> {
        value.as_map_mut()?.get_mut(self)
    }
}

impl ValueIndex for usize {
    fn find(self, value: &Value) -> Option<&Value> {
        value.as_list()?.get(self)
    }

    fn find_mut(self, value: &mut Value) -> Option<&mut Value> {
        value.as_list_mut()?.get_mut(self)
    }
}

impl ValueIndex for &Segment {
    fn find(self, value: &Value) -> Option<&Value> {
        match self {
            Segment::Key(key) => key.find(value),
            Segment::Index(index) => index.find(value),
        }
    }

    fn find_mut(self, value: &mut Value) -> Option<&mut Value> {
        match self {
            Segment::Key(key) => key.find_mut(value),
            Segment::Index(index) => index.find_mut(value),
        }
    }
}

impl Value {
    /// Whether this is `Null`. O(1).
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The truth value, if it is one. O(1).
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The integer, if it is one and fits. O(1).
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Uint(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The integer, if it is one and not negative. O(1).
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Uint(number) => Some(*number),
            _ => None,
        }
    }

    /// The number as a float, rounding an integer that needs more than 53 bits. O(1).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The text, if it is a string. O(1).
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if it is bytes. O(1).
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The list, if it is one. O(1).
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The list, writable, if it is one. O(1).
    pub fn as_list_mut(&mut self) -> Option<&mut List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The map, if it is one. O(1).
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The map, writable, if it is one. O(1).
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The element at a map key or list index. O(log n).
    ///
    /// ```
    /// use redraft::{value, value::Value};
    ///
    /// let doc = value!({ "list": [10, 20] });
    /// assert_eq!(doc.get("list").and_then(|list| list.get(1)), Some(&Value::from(20)));
    /// assert_eq!(doc.get(0), None);
    /// ```
    pub fn get(&self, index: impl ValueIndex) -> Option<&Value> {
        index.find(self)
    }

    /// The element at a map key or list index, writable. O(log n); copies nothing when it is absent.
    pub fn get_mut(&mut self, index: impl ValueIndex) -> Option<&mut Value> {
        index.find_mut(self)
    }

    /// The value at a JSON Pointer, `None` if the text is no pointer or points at nothing. O(length * log n).
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let path = Pointer::parse(pointer).ok()?.resolve(self).ok()?;
        self.at_path(&path)
    }

    /// The value at a path. O(length * log n).
    pub fn at_path(&self, path: &Path) -> Option<&Value> {
        path.iter().try_fold(self, |value, segment| value.get(segment))
    }
}

impl Index<&str> for Value {
    type Output = Value;

    /// Reads an entry of a map; anything missing, or no map at all, reads as `Null`.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

impl Index<usize> for Value {
    type Output = Value;

    /// Reads an element of a list; anything missing, or no list at all, reads as `Null`.
    fn index(&self, index: usize) -> &Value {
        self.get(index).unwrap_or(&Value::Null)
    }
}

impl IndexMut<&str> for Value {
    /// Writes an entry of a map. A missing entry is inserted as `Null`; a `Null` turns into a map first, so that
    /// `doc["a"]["b"] = 1.into()` works on an empty document.
    ///
    /// # Panics
    /// If the value is neither map nor null. In a recipe that means that nothing happened.
    fn index_mut(&mut self, key: &str) -> &mut Value {
        if self.is_null() {
            *self = Self::default();
        }
        match self {
            Self::Map(map) => map.get_or_null(key),
            other => misused(format_args!("cannot write key {key:?} in a {}", other.kind())),
        }
    }
}

impl IndexMut<usize> for Value {
    /// Writes an element of a list.
    ///
    /// # Panics
    /// If the value is no list or the index is out of bounds. In a recipe that means that nothing happened.
    fn index_mut(&mut self, index: usize) -> &mut Value {
        match self {
            Self::List(list) => &mut list[index],
            other => misused(format_args!("cannot write index {index} in a {}", other.kind())),
        }
    }
}

/// `[]` has no way to return an error, so it treats a wrong type as slices treat a wrong index.
#[allow(clippy::panic, reason = "documented on both callers; `get_mut` is the way that cannot panic")]
fn misused(what: std::fmt::Arguments<'_>) -> ! {
    panic!("{what}")
}
