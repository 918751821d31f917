//! [`Chunk`]: a leaf of a [`Text`](super::Text), UTF-8 of limited length that knows how many characters it is.
//!
//! A run whose positions are characters (Unicode scalar values) and whose size is bytes. Always holds: it is cut between
//! characters only, and `chars` is the number there is, so that in a chunk of ASCII a position is a byte.

use std::ops::Range;

use super::node::{Child, Mark, least};
use super::run::{Run, Splice};

/// The most bytes of a chunk. Copying a chunk is the least a keystroke costs, copying the branches above it comes on top:
/// more bytes mean fewer branches. Measured, anything from half of this up made no difference to be told; a little below a
/// kibibyte is the most that allocators keep at hand.
const BYTES_MAX: usize = 960;

/// What a copy has room for besides its bytes: keystrokes, not pages.
const SPARE_BYTES: usize = 16;

#[derive(Clone)]
pub(super) struct Chunk {
    text: String,
    chars: usize,
}

/// The number of bytes beneath a node.
#[derive(Clone, Copy)]
pub(super) struct Bytes(pub(super) usize);

impl Mark<Chunk> for Bytes {
    const LEAF: usize = BYTES_MAX;
    // Narrow: each node in a branch that is copied costs two steps of a shared counter, one more branch to go through
    // costs two allocations. From 8 to 16 it made no difference.
    const BRANCH: usize = 12;

    fn of(chunk: &Chunk) -> Option<Self> {
        Some(Self(chunk.text.len()))
    }

    fn above(children: &[Child<Chunk, Self>]) -> Option<Self> {
        Some(Self(children.iter().map(|child| child.mark.0).sum()))
    }
}

impl Run for Chunk {
    type Item = u8;

    fn items(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn len(&self) -> usize {
        self.chars
    }
}

impl Splice for Chunk {
    fn copy_with_room(&self) -> Self {
        let mut text = String::with_capacity(self.text.len() + SPARE_BYTES);
        text.push_str(&self.text);
        Self { text, chars: self.chars }
    }

    fn position(&self, byte: usize) -> usize {
        if self.is_ascii() { byte } else { count(&self.text[..floor(&self.text, byte)]) }
    }

    fn split_off(&mut self, at: usize) -> Self {
        self.cut_at(self.byte_of(at))
    }

    fn append(&mut self, more: Self) {
        self.text.reserve_exact(more.text.len());
        self.text.push_str(&more.text);
        self.chars += more.chars;
    }
}

impl Chunk {
    /// The first chunk of a text, and what is left of it; `None` of an empty one.
    pub(super) fn first_of(text: &str) -> Option<(Self, &str)> {
        let (first, rest) = text.split_at(floor(text, BYTES_MAX));
        (!first.is_empty()).then(|| (Self { text: first.into(), chars: count(first) }, rest))
    }

    /// The characters of this stretch, all of which exist.
    pub(super) fn slice(&self, chars: Range<usize>) -> &str {
        let (start, width) = (self.byte_of(chars.start), chars.len());
        let rest = &self.text[start..];
        if self.is_ascii() { &rest[..width] } else { &rest[..byte_of(rest, width)] }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Puts a piece before the character at `at`; what no longer fits is returned. The piece is at most a quarter of what
    /// a chunk may be.
    pub(super) fn put(&mut self, at: usize, piece: &str) -> Option<Self> {
        let byte = self.byte_of(at);
        self.text.insert_str(byte, piece);
        self.chars += count(piece);
        let cut = self.overfull(byte, byte + piece.len())?;
        Some(self.cut_at(cut))
    }

    /// Takes out up to so many characters from `at` on; returns how many there were.
    pub(super) fn take(&mut self, at: usize, most: usize) -> usize {
        let width = most.min(self.chars - at);
        let start = self.byte_of(at);
        let end = start + self.slice(at..at + width).len();
        self.text.drain(start..end);
        self.chars -= width;
        width
    }

    /// Where to cut if there are too many bytes since those of this stretch were put in: at an edge as close to that
    /// edge as can be, so that texts that grow there are left nearly full.
    fn overfull(&self, start: usize, end: usize) -> Option<usize> {
        let (bytes, least) = (self.text.len(), least(BYTES_MAX));
        match (start, end) {
            _ if bytes <= BYTES_MAX => None,
            (0, _) => Some(ceil(&self.text, least.max(bytes - BYTES_MAX))),
            (_, end) if end == bytes => Some(floor(&self.text, BYTES_MAX.min(bytes - least))),
            _ => Some(floor(&self.text, bytes / 2)),
        }
    }

    /// Keeps the bytes before `byte`, in as much memory as they need, and returns the others.
    fn cut_at(&mut self, byte: usize) -> Self {
        let ascii = self.is_ascii();
        let text = self.text.split_off(byte);
        self.text.shrink_to_fit();
        let chars = if ascii { text.len() } else { count(&text) };
        self.chars -= chars;
        Self { text, chars }
    }

    fn is_ascii(&self) -> bool {
        self.chars == self.text.len()
    }

    /// The byte at which the character at `at` starts. O(1) in ASCII.
    fn byte_of(&self, at: usize) -> usize {
        if self.is_ascii() { at } else { byte_of(&self.text, at) }
    }
}

/// The byte at which the character of this number starts; the end of the text if there are fewer. O(n).
pub(crate) fn byte_of(text: &str, char: usize) -> usize {
    let mut rest = text.chars();
    match char.checked_sub(1) {
        Some(before) => drop(rest.nth(before)),
        None => return 0,
    }
    text.len() - rest.as_str().len()
}

/// The number of characters.
pub(super) fn count(text: &str) -> usize {
    text.chars().count()
}

/// The last place between characters up to `byte`.
fn floor(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0)
}

/// The first place between characters from `byte` on.
fn ceil(text: &str, byte: usize) -> usize {
    (byte..text.len()).find(|byte| text.is_char_boundary(*byte)).unwrap_or(text.len())
}
