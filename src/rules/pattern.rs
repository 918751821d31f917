//! [`Pattern`]: the places that a rule is for, as text.
//!
//! A JSON Pointer whose tokens may also be `*`, for any one segment. Always: which of two patterns is the more specific one does
//! not depend on the order in which they were given.

use crate::value::{Pointer, PointerError, Segment};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Stands for any one key or index.
const ANY: &str = "*";

/// The places that a [`Rule`](super::Rule) is for: `/cards/*/votes` is the votes of every card. It holds for all that is beneath
/// them too. The empty pattern is for everything.
///
/// ```
/// use redraft::merge::Pattern;
/// use redraft::value::Path;
///
/// let votes: Pattern = "/cards/*/votes".parse()?;
/// let card = Path::root().child("cards").child(7);
/// assert!(votes.covers(card.child("votes").as_slice()));
/// assert!(!votes.covers(card.as_slice()));
/// # Ok::<(), redraft::value::PointerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Pointer);

impl Pattern {
    /// Parses the text: a JSON Pointer (RFC 6901) in which the token `*` stands for any one segment. O(length).
    ///
    /// # Errors
    /// [`PointerError`] when it is no JSON Pointer.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        Pointer::parse(text).map(Self)
    }

    pub(crate) fn of_tokens(tokens: Vec<String>) -> Self {
        Self(Pointer::of_tokens(tokens))
    }

    pub(crate) fn tokens(&self) -> &[String] {
        self.0.tokens()
    }

    /// Whether the place at `path` is one that the pattern names, or beneath one. O(length).
    pub fn covers(&self, path: &[Segment]) -> bool {
        let tokens = self.tokens();
        let reads = |(token, segment): (&String, &Segment)| token == ANY || segment.reads_as(token);
        tokens.len() <= path.len() && tokens.iter().zip(path).all(reads)
    }

    /// How many segments the places have that it names. O(1).
    pub fn len(&self) -> usize {
        self.tokens().len()
    }

    /// Whether it is for everything. O(1).
    pub fn is_empty(&self) -> bool {
        self.tokens().is_empty()
    }
}

/// Of two that cover the same place the longer one is the greater, and of two as long the one that says something where the other
/// one first says "any".
impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        let says = |pattern: &Self| pattern.tokens().iter().map(|token| token != ANY).collect::<Vec<_>>();
        let (one, two) = (self.tokens(), other.tokens());
        one.len().cmp(&two.len()).then_with(|| says(self).cmp(&says(other))).then_with(|| one.cmp(two))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Pattern {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        Self::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
