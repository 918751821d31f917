//! [`Pointer`]: JSON Pointer text (RFC 6901), parsed but not yet tied to a document.
//!
//! Text does not say whether `7` is a list index, an integer key or the string "7"; a [`Path`] does. So a pointer
//! becomes a path only against a document. History filters, which have no document, compare by text instead.

use std::fmt;
use std::str::FromStr;

use super::{Key, KeyRef, List, Map, Path, Segment, Value};

/// The tokens of a JSON Pointer, unescaped.
///
/// ```
/// use redraft::{value, value::Pointer};
///
/// let doc = value!({ "a/b": [10, 20] });
/// let path = Pointer::parse("/a~1b/1")?.resolve(&doc)?;
/// assert_eq!(doc.at_path(&path).and_then(|found| found.as_i64()), Some(20));
/// # Ok::<(), redraft::value::PointerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer {
    tokens: Vec<String>,
}

/// Why a text is no JSON Pointer, or why it names no place in a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointerError {
    /// A pointer that is not empty starts with `/`.
    #[error("pointer does not start with '/'")]
    NoSlash,
    /// `~` is followed by something other than `0` or `1`.
    #[error("pointer has a '~' at byte {byte} that is not '~0' or '~1'")]
    Escape {
        /// Where the `~` stands in the text.
        byte: usize,
    },
    /// A token meant for a list is no index: not a number, or one with leading zeros.
    #[error("{token:?} at {parent:?} is no list index")]
    Index {
        /// The token as it was written.
        token: String,
        /// The list.
        parent: Path,
    },
    /// The pointer leads through something that is not there.
    #[error("nothing at {at:?}")]
    NotFound {
        /// The place that is missing.
        at: Path,
    },
    /// The pointer leads into a scalar.
    #[error("{at:?} is a {found}, which has no elements")]
    Scalar {
        /// The scalar.
        at: Path,
        /// What it is.
        found: &'static str,
    },
}

impl Pointer {
    /// Parses the text. O(length).
    ///
    /// # Errors
    /// [`PointerError::NoSlash`] and [`PointerError::Escape`].
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self { tokens: Vec::new() });
        }
        let body = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        let mut byte = 1;
        let mut tokens = Vec::new();
        for token in body.split('/') {
            tokens.push(unescape(token).map_err(|within| PointerError::Escape { byte: byte + within })?);
            byte += token.len() + 1;
        }
        Ok(Self { tokens })
    }

    /// The tokens, unescaped. O(1).
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(crate) fn of_tokens(tokens: Vec<String>) -> Self {
        Self { tokens }
    }

    /// What the pointer leads to in a document, if there is something.
    pub(crate) fn find<'v>(&self, doc: &'v Value) -> Option<&'v Value> {
        self.resolve(doc).ok().and_then(|path| doc.at_path(&path))
    }

    /// Whether the place at `path` is the one the pointer names, lies inside it or contains it, as far as text can tell:
    /// `/cards/7` meets the entry of a map as well as the element of a list. O(length).
    pub(crate) fn meets(&self, path: &Path) -> bool {
        self.tokens.iter().zip(path).all(|(token, segment)| segment.reads_as(token))
    }

    /// Ties the pointer to a document. O(length * log n).
    ///
    /// All but the last token must lead through what is there. The last may name what could be added: a key not in its
    /// map yet (then it is a string key), or in a list the index one past the end, also written `-`. A token for a map
    /// means the string key if there is one, else the integer or boolean key that prints like it.
    ///
    /// # Errors
    /// [`PointerError::NotFound`], [`PointerError::Index`] and [`PointerError::Scalar`].
    pub fn resolve(&self, doc: &Value) -> Result<Path, PointerError> {
        let mut segments: Vec<Segment> = Vec::with_capacity(self.tokens.len());
        let mut here = Some(doc);
        for token in &self.tokens {
            let Some(value) = here else {
                return Err(PointerError::NotFound { at: segments.into() });
            };
            let segment = step(value, token, &segments)?;
            here = value.get(&segment);
            segments.push(segment);
        }
        Ok(segments.into())
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        Self::parse(text)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Path = self.tokens.iter().map(|token| Segment::from(token.as_str())).collect();
        fmt::Display::fmt(&path, f)
    }
}

/// Where a bad `~` stands is the error.
fn unescape(token: &str) -> Result<String, usize> {
    let mut plain = String::with_capacity(token.len());
    let mut chars = token.char_indices();
    while let Some((byte, char)) = chars.next() {
        plain.push(match char {
            '~' => match chars.next() {
                Some((_, '0')) => '~',
                Some((_, '1')) => '/',
                _ => return Err(byte),
            },
            plain => plain,
        });
    }
    Ok(plain)
}

fn step(value: &Value, token: &str, so_far: &[Segment]) -> Result<Segment, PointerError> {
    match value {
        Value::Map(map) => Ok(Segment::Key(key_in(map, token))),
        Value::List(list) => list_index(list, token)
            .map(Segment::Index)
            .ok_or_else(|| PointerError::Index { token: token.into(), parent: so_far.into() }),
        scalar => Err(PointerError::Scalar { at: so_far.into(), found: scalar.kind() }),
    }
}

/// The index a token means in a list. `-` is the place after the last element.
fn list_index(list: &List, token: &str) -> Option<usize> {
    if token == "-" { Some(list.len()) } else { parse_index(token) }
}

/// Decimal digits without sign and without leading zeros, as RFC 6901 wants.
pub(crate) fn parse_index(token: &str) -> Option<usize> {
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    let index = token.parse().ok().filter(|_| plain && (token == "0" || !token.starts_with('0')))?;
    Some(index)
}

/// The key of `map` that the text means: the string if it is there, else a key of another type that prints the same,
/// else the string.
pub(crate) fn key_in(map: &Map, text: &str) -> Key {
    let other = || other_key(text).filter(|key| map.contains_key(*key)).map(KeyRef::to_key);
    if map.contains_key(text) { text.into() } else { other().unwrap_or_else(|| text.into()) }
}

/// The key that is not a string and prints as `text`. Spellings such as `+1` or `01` print otherwise and are none.
fn other_key(text: &str) -> Option<KeyRef<'static>> {
    let int = || text.parse().ok().map(KeyRef::Int);
    let uint = || text.parse().ok().map(KeyRef::Uint);
    let flag = || text.parse().ok().map(KeyRef::Bool);
    int().or_else(uint).or_else(flag).filter(|key| key.to_key().to_string() == text)
}
