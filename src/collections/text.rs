//! [`Text`]: a long string with structural sharing, a rope.
//!
//! The tree whose leaves are chunks of UTF-8 and whose branches know how many bytes are beneath. Looks like `String`;
//! the traits of the standard library are in `text/traits`. Always holds: positions are counted in characters, that is
//! in Unicode scalar values; the ones a caller gives are checked here, once.

mod iter;
mod traits;

use std::ops::{Bound, Range, RangeBounds};

pub use iter::{Chars, Chunks};

use super::chunk::{Bytes, Chunk};
use super::gaps::{Gap, gaps, one_leaf};
use super::node::{Mark, least};
use super::tree::Tree;

/// Pieces of up to so many bytes are put into the chunk that is there: less work than cutting the tree up and joining it.
const PIECE_BYTES: usize = least(Bytes::LEAF);

/// A persistent string: cheap to clone, and cheap to edit anywhere however long it is.
///
/// Positions are counted in **characters** (Unicode scalar values, what [`char`] is), not in bytes as in a `String`:
/// that is what patches count in, and every position is one between characters. Cloning is O(1). A clone shares
/// everything with its origin until one of them is written to, and then all but the O(log n) nodes on the way to the
/// change. Methods that take a position panic when it lies outside, as those of `Vec`; in a recipe that means that
/// nothing has happened.
///
/// As a part of a state it changes by splices: a keystroke is one operation, and two people's keystrokes in different
/// places are different operations.
///
/// ```
/// use redraft::collections::Text;
/// use redraft::draft;
///
/// let old = Text::from("Grüße aus Köln");
/// let new = draft(&old, |text| text.replace_range(10.., "Bern"))?;
/// assert_eq!(new.state, "Grüße aus Bern");
/// assert_eq!(format!("{:?}", new.patch), r#"[splice "" at 10 del 3 ins "Ber"]"#);
/// # Ok::<(), redraft::DraftError>(())
/// ```
#[derive(Clone, Default)]
pub struct Text {
    tree: Tree<Chunk, Bytes>,
}

impl Text {
    /// An empty text. O(1), allocates nothing.
    pub const fn new() -> Self {
        Self { tree: Tree::new() }
    }

    /// The number of characters (not of bytes, see [`len_bytes`](Self::len_bytes)). O(1).
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// The number of bytes as UTF-8. O(1).
    pub fn len_bytes(&self) -> usize {
        self.tree.root().and_then(|root| root.mark()).map_or(0, |bytes| bytes.0)
    }

    /// Whether there are no characters. O(1).
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Whether both are the same text in memory: the cheap proof that nothing changed. O(1).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.tree.ptr_eq(&other.tree)
    }

    /// The character at `at`, `None` where the text has ended. O(log n).
    pub fn char_at(&self, at: usize) -> Option<char> {
        let (chunk, at) = self.tree.root()?.leaf_at(at)?;
        chunk.slice(at..at + 1).chars().next()
    }

    /// The characters in order, from both ends. O(1) to start.
    pub fn chars(&self) -> Chars<'_> {
        Chars::new(self.chunks())
    }

    /// The text in pieces of some hundred bytes, in order, from both ends; where it is cut says nothing. O(1) to start.
    pub fn chunks(&self) -> Chunks<'_> {
        self.chunks_in(0..self.len())
    }

    /// A stretch of the text in pieces, as [`chunks`](Self::chunks). O(1) to start.
    ///
    /// # Panics
    /// If the stretch begins after it ends, or ends after the text does.
    pub fn range(&self, range: impl RangeBounds<usize>) -> Chunks<'_> {
        self.chunks_in(self.stretch(&range))
    }

    /// A copy of a stretch of the text. O(log n + stretch).
    ///
    /// # Panics
    /// If the stretch begins after it ends, or ends after the text does.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> String {
        self.range(range).collect()
    }

    /// As [`slice`](Self::slice), but `None` where that panics.
    pub fn get(&self, range: impl RangeBounds<usize>) -> Option<String> {
        let range = self.resolve(&range);
        self.holds(&range).then(|| self.chunks_in(range).collect())
    }

    /// What turns `self` into `newer`: the stretches outside of which both texts are the same *by sharing*, in order, as
    /// [`List::diff`](super::List::diff). O(nodes that are not shared).
    pub fn diff(&self, newer: &Self) -> Vec<Gap> {
        gaps(self.tree.root(), newer.tree.root())
    }

    /// Where two texts differ, if all that differs is in one chunk: its position, and what it is in each.
    pub(crate) fn one_chunk<'a>(&'a self, newer: &'a Self) -> Option<(usize, &'a str, &'a str)> {
        let (at, old, new) = one_leaf(self.tree.root()?, newer.tree.root()?)?;
        Some((at, old.as_str(), new.as_str()))
    }

    /// Appends a character. O(log n).
    pub fn push(&mut self, char: char) {
        self.push_str(char.encode_utf8(&mut [0; 4]));
    }

    /// Appends a string. O(log n + string).
    pub fn push_str(&mut self, text: &str) {
        self.put(self.len(), text);
    }

    /// Takes the last character off. O(log n).
    pub fn pop(&mut self) -> Option<char> {
        let last = self.len().checked_sub(1)?;
        let char = self.char_at(last)?;
        self.cut(last..last + 1);
        Some(char)
    }

    /// Inserts a string before the character at `at`. O(log n + string).
    ///
    /// # Panics
    /// If `at` is greater than the length.
    pub fn insert(&mut self, at: usize, text: &str) {
        assert!(at <= self.len(), "insert at {at} in a text of {}", self.len());
        self.put(at, text);
    }

    /// Removes the character at `at` and returns it. O(log n).
    ///
    /// # Panics
    /// If there is no character at `at`.
    pub fn remove(&mut self, at: usize) -> char {
        let removed = self.char_at(at);
        assert!(removed.is_some(), "remove at {at} from a text of {}", self.len());
        self.cut(at..at + 1);
        // The assertion above is what tells; this only gets the character out of the option.
        removed.unwrap_or_default()
    }

    /// Removes a stretch. O(log n + stretch).
    ///
    /// # Panics
    /// If the stretch begins after it ends, or ends after the text does.
    pub fn delete(&mut self, range: impl RangeBounds<usize>) {
        let range = self.stretch(&range);
        self.cut(range);
    }

    /// Puts `text` where the characters of `range` stood. O(log n + both).
    ///
    /// # Panics
    /// If the range begins after it ends, or ends after the text does.
    pub fn replace_range(&mut self, range: impl RangeBounds<usize>, text: &str) {
        let range = self.stretch(&range);
        let start = range.start;
        self.cut(range);
        self.put(start, text);
    }

    /// As [`replace_range`](Self::replace_range), and returns what stood there.
    ///
    /// # Panics
    /// If the range begins after it ends, or ends after the text does.
    ///
    /// ```
    /// use redraft::collections::Text;
    ///
    /// let mut text = Text::from("a good day");
    /// assert_eq!(text.splice(2..6, "fine"), "good");
    /// assert_eq!(text, "a fine day");
    /// ```
    pub fn splice(&mut self, range: impl RangeBounds<usize>, text: &str) -> String {
        let range = self.stretch(&range);
        let removed = self.slice(range.clone());
        self.replace_range(range, text);
        removed
    }

    /// Takes off the characters from `at` on. O(log n).
    ///
    /// # Panics
    /// If `at` is greater than the length.
    #[must_use = "to drop what comes after, use `truncate`"]
    pub fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.len(), "split at {at} of a text of {}", self.len());
        Self { tree: self.tree.split_off(at) }
    }

    /// Adds all of `other` at the end. O(log n), and both texts' nodes stay shared.
    pub fn append(&mut self, other: Self) {
        self.tree.append(other.tree);
    }

    /// Drops every character from `len` on; does nothing if there are none. O(log n + dropped).
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.tree.split_off(len);
        }
    }

    /// Removes every character. O(n), or O(1) while a clone shares them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &Tree<Chunk, Bytes> {
        &self.tree
    }

    fn put(&mut self, at: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.is_empty() && text.len() <= PIECE_BYTES {
            return self.tree.put(at, |chunk, at| chunk.put(at, text));
        }
        let after = self.tree.split_off(at);
        self.tree.append(build(text));
        self.tree.append(after);
    }

    fn cut(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let taken = self.tree.take(range.start, |chunk, at| chunk.take(at, range.len()));
        let left = range.len() - taken.unwrap_or(0);
        if left > 0 {
            let mut after = self.tree.split_off(range.start);
            self.tree.append(after.split_off(left));
        }
    }

    fn chunks_in(&self, range: Range<usize>) -> Chunks<'_> {
        Chunks::new(self.tree.root().map(|root| &**root), range)
    }

    fn stretch(&self, range: &impl RangeBounds<usize>) -> Range<usize> {
        let range = self.resolve(range);
        assert!(self.holds(&range), "stretch {range:?} of a text of {}", self.len());
        range
    }

    fn holds(&self, range: &Range<usize>) -> bool {
        range.start <= range.end && range.end <= self.len()
    }

    fn resolve(&self, range: &impl RangeBounds<usize>) -> Range<usize> {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => self.len(),
        };
        start..end
    }
}

/// A tree of a string's chunks, all of them full. O(n).
fn build(text: &str) -> Tree<Chunk, Bytes> {
    let mut rest = text;
    Tree::of_runs(std::iter::from_fn(|| {
        let (chunk, after) = Chunk::first_of(rest)?;
        rest = after;
        Some(chunk)
    }))
}
