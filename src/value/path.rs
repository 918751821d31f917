//! [`Path`]: the place of a value inside a document, and [`Trail`], a path under construction.
//!
//! Used by patches to say where, and by errors to say where not. Always holds: an [`Segment::Index`] stands for a
//! position in a list and a [`Segment::Key`] for anything named (a map key, a struct field), so that which positions
//! shift when a list changes can be read off a path alone.

use std::fmt;
use std::sync::Arc;

use super::{Key, KeyRef};

/// One step of a [`Path`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The entry of a map, or the field of a typed state.
    Key(Key),
    /// The element of a list, counted from 0.
    Index(usize),
}

/// Where a value sits in a document. Cloning is O(1). The empty path is the document itself.
///
/// ```
/// use redraft::value::Path;
///
/// let path = Path::root().child("cards").child(3usize).child("a/b");
/// assert_eq!(path.to_string(), "/cards/3/a~1b");
/// assert!(path.starts_with(&Path::root().child("cards")));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Arc<[Segment]>);

impl Path {
    /// The path of the document itself. O(1).
    pub fn root() -> Self {
        Self(Arc::default())
    }

    /// Whether this is the document itself. O(1).
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of segments. O(1).
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no segments; the same question as [`is_root`](Self::is_root). O(1).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments in order. O(1) to start.
    pub fn iter(&self) -> std::slice::Iter<'_, Segment> {
        self.0.iter()
    }

    /// The segments as a slice. O(1).
    pub fn as_slice(&self) -> &[Segment] {
        &self.0
    }

    /// The last segment, `None` at the root. O(1).
    pub fn last(&self) -> Option<&Segment> {
        self.0.last()
    }

    /// The path of the container, `None` at the root. O(length).
    pub fn parent(&self) -> Option<Self> {
        let (_, init) = self.0.split_last()?;
        Some(Self(init.into()))
    }

    /// The path of an element of what sits here. O(length).
    pub fn child(&self, segment: impl Into<Segment>) -> Self {
        self.iter().cloned().chain([segment.into()]).collect()
    }

    /// This path with another one appended. O(length).
    pub fn join(&self, below: &Self) -> Self {
        self.iter().chain(below.iter()).cloned().collect()
    }

    /// Whether `other` is this place or contains it. O(length of `other`).
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl Default for Path {
    fn default() -> Self {
        Self::root()
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl From<&[Segment]> for Path {
    fn from(segments: &[Segment]) -> Self {
        Self(segments.into())
    }
}

impl From<Vec<Segment>> for Path {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments.into())
    }
}

impl<'a> IntoIterator for &'a Path {
    type Item = &'a Segment;
    type IntoIter = std::slice::Iter<'a, Segment>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The JSON Pointer (RFC 6901) of the path. The root is the empty text. Which type a key has is not shown.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pointer(&self.0, f)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn write_pointer(segments: &[Segment], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    segments.iter().try_for_each(|segment| match segment {
        Segment::Index(index) => write!(f, "/{index}"),
        Segment::Key(key) => write!(f, "/{}", escape(&key.to_string())),
    })
}

/// `~` first, or the `~1` of an escaped slash would be escaped again.
fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

impl Segment {
    /// The key, `None` for a list index. O(1).
    pub fn as_key(&self) -> Option<KeyRef<'_>> {
        match self {
            Self::Key(key) => Some(key.as_ref()),
            Self::Index(_) => None,
        }
    }

    /// Whether the segment is written like this in a pointer, apart from escapes.
    pub(crate) fn reads_as(&self, token: &str) -> bool {
        match self {
            Self::Key(Key::Str(key)) => key.as_str() == token,
            Self::Index(index) => super::pointer::parse_index(token) == Some(*index),
            Self::Key(key) => key.to_string() == token,
        }
    }

    /// The list index, `None` for a key. O(1).
    pub fn as_index(&self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(*index),
            Self::Key(_) => None,
        }
    }
}

/// Plain text, without the escapes of a pointer.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => fmt::Display::fmt(key, f),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Indexes in brackets, keys as keys print.
impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => fmt::Debug::fmt(key, f),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(key.into())
    }
}

impl From<Key> for Segment {
    fn from(key: Key) -> Self {
        Self::Key(key)
    }
}

impl From<&Key> for Segment {
    fn from(key: &Key) -> Self {
        Self::Key(key.clone())
    }
}

/// A path that grows and shrinks while a document is walked; only what is kept becomes a [`Path`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail(Vec<Segment>);

impl Trail {
    /// A trail that stands at the root.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Steps down. O(1) amortised.
    pub(crate) fn push(&mut self, segment: impl Into<Segment>) {
        self.0.push(segment.into());
    }

    /// Steps up; at the root it stays there. O(1).
    pub(crate) fn pop(&mut self) -> Option<Segment> {
        self.0.pop()
    }

    /// Where the trail stands now. O(length).
    pub(crate) fn path(&self) -> Path {
        Path(self.0.as_slice().into())
    }
}
