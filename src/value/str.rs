//! [`Str`]: the text of keys and values.
//!
//! Both are copied wherever a node that holds them is, and keys are compared wherever one is looked for, so where the text
//! is in memory decides what that costs. Always holds: text of up to 23 bytes stands in the key or value itself, so that
//! copying and comparing it follows no pointer and counts no reference; longer text is shared.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;

/// The text of a [`Key`](super::Key) or a [`Value`](super::Value): immutable, and O(1) to clone. Reads as a `str`.
///
/// Also the right type for short texts in typed states: a `String` is copied with its allocation wherever its neighbours in
/// a collection are, this is not. (For texts that are edited, see [`Text`](crate::collections::Text).)
///
/// ```
/// use redraft::value::{Key, Str};
///
/// let title = Str::from("title");
/// assert_eq!(title.len(), 5);
/// assert_eq!(Key::Str(title), Key::from("title"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(SmolStr);

impl Str {
    /// A name that is in the program itself. O(1).
    pub(crate) const fn of_static(text: &'static str) -> Self {
        Self(SmolStr::new_static(text))
    }

    /// The text. O(1).
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Shares the text if it is too long for the name itself.
impl From<Arc<str>> for Str {
    fn from(text: Arc<str>) -> Self {
        Self(text.into())
    }
}

/// Shares the text if it was too long for the name itself.
impl From<Str> for Arc<str> {
    fn from(name: Str) -> Self {
        name.0.into()
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
