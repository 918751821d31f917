//! Any type with serde's traits, as a [`Value`] and back, without a text in between.
//!
//! Beside `serde`, which is the other direction: values written and read by other formats. Always holds: nothing deeper
//! than [`DEPTH_MAX`] comes out or is read; a key stands once in a map; an error says where.
//!
//! Counts as human-readable, so that dates, addresses and UUIDs are text in the log, as they are in patches that people
//! and browsers write. Map keys keep their types. `None` and `()` are null, so an `Option<Option<_>>` loses a level.

mod de;
mod ser;

use std::cell::Cell;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DEPTH_MAX, Path, Segment, Value};

/// Why a Rust value could not become a [`Value`], or a `Value` the Rust type wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    path: Path,
    message: String,
}

impl ConvertError {
    /// Where.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why, in the words of the type's own implementation.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn new(message: impl fmt::Display) -> Self {
        Self { path: Path::root(), message: message.to_string() }
    }

    fn too_deep() -> Self {
        Self::new(format_args!("nested deeper than {DEPTH_MAX}"))
    }

    /// The same error, seen from one step further out.
    fn within(self, segment: impl Into<Segment>) -> Self {
        let path = std::iter::once(segment.into()).chain(self.path.iter().cloned()).collect();
        Self { path, ..self }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at \"{}\": {}", self.path, self.message)
    }
}

impl std::error::Error for ConvertError {}

impl serde::ser::Error for ConvertError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for ConvertError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl Value {
    /// What serde says a Rust value consists of. Structs become maps, enums are tagged from outside. O(size).
    ///
    /// # Errors
    /// [`ConvertError`] when the type's own implementation fails, when something stands as a map key that cannot be
    /// one, or when it is nested too deep.
    ///
    /// ```
    /// use redraft::{Value, value};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    /// struct Card { text: String, votes: (u8, u8) }
    ///
    /// let card = Card { text: "ship it".into(), votes: (3, 1) };
    /// let shown = Value::from_serialize(&card)?;
    /// assert_eq!(shown, value!({ "text": "ship it", "votes": [3, 1] }));
    /// assert_eq!(shown.deserialize_into::<Card>()?, card);
    ///
    /// let error = value!({ "text": "ship it", "votes": [3, 1000] }).deserialize_into::<Card>().unwrap_err();
    /// assert_eq!(error.path().to_string(), "/votes/1");
    /// # Ok::<(), redraft::value::ConvertError>(())
    /// ```
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, ConvertError> {
        let _inside = Inside::enter();
        value.serialize(ser::Writer::new(DEPTH_MAX))
    }

    /// Reads a Rust value from this one. O(size).
    ///
    /// # Errors
    /// [`ConvertError`] when the type's own implementation refuses it, or when it is nested too deep.
    pub fn deserialize_into<T: DeserializeOwned>(&self) -> Result<T, ConvertError> {
        T::deserialize(de::Reader::new(self, DEPTH_MAX))
    }
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Notes that a [`Value`] is being made, for as long as it lives. A `Value` inside what is written has bytes as text
/// for human-readable formats; here it must stay what it is, and serde gives it no other way to know where it goes.
struct Inside {
    before: bool,
}

impl Inside {
    fn enter() -> Self {
        Self { before: INSIDE.replace(true) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.before);
    }
}

/// Whether what is being serialized becomes a [`Value`].
pub(super) fn is_inside() -> bool {
    INSIDE.get()
}
