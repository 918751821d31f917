//! [`Name`]: the text of a key.
//!
//! Keys are copied wherever a node of a map is, and compared wherever one is looked for, so where their text is in memory
//! decides what both cost. Always holds: text of up to 23 bytes stands in the key itself, so that copying and comparing
//! it follows no pointer and counts no reference; longer text is shared.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;

/// The text of a [`Key`](super::Key): immutable, cheap to clone. Reads as a `str`.
///
/// ```
/// use redraft::value::{Key, Name};
///
/// let name = Name::from("title");
/// assert_eq!(name.len(), 5);
/// assert_eq!(Key::Str(name), Key::from("title"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

impl Name {
    /// A name that is in the program itself. O(1).
    pub(crate) const fn of_static(text: &'static str) -> Self {
        Self(SmolStr::new_static(text))
    }

    /// The text. O(1).
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Shares the text if it is too long for the name itself.
impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        Self(text.into())
    }
}

/// Shares the text if it was too long for the name itself.
impl From<Name> for Arc<str> {
    fn from(name: Name) -> Self {
        name.0.into()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
