//! Iterators over a text: its pieces, and the characters in them.
//!
//! As those of lists they find each chunk by its position and keep no stack.

use std::iter::FusedIterator;
use std::ops::Range;
use std::str;

use super::super::chunk::{Bytes, Chunk};
use super::super::node::Node;
use super::super::run::Run;

/// A [`Text`](super::Text) in pieces, in order.
#[derive(Clone)]
pub struct Chunks<'a> {
    root: Option<&'a Node<Chunk, Bytes>>,
    /// The characters not yet handed out.
    range: Range<usize>,
}

impl<'a> Chunks<'a> {
    /// The characters at these positions, all of which exist.
    pub(super) fn new(root: Option<&'a Node<Chunk, Bytes>>, range: Range<usize>) -> Self {
        Self { root, range }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.range.is_empty() {
            return None;
        }
        let (chunk, at) = self.root?.leaf_at(self.range.start)?;
        let end = chunk.len().min(at + self.range.len());
        self.range.start += end - at;
        Some(chunk.slice(at..end))
    }
}

impl DoubleEndedIterator for Chunks<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.range.is_empty() {
            return None;
        }
        let (chunk, last) = self.root?.leaf_at(self.range.end - 1)?;
        let start = (last + 1).saturating_sub(self.range.len());
        self.range.end -= last + 1 - start;
        Some(chunk.slice(start..last + 1))
    }
}

impl FusedIterator for Chunks<'_> {}

/// The characters of a [`Text`](super::Text) in order.
#[derive(Clone)]
pub struct Chars<'a> {
    front: str::Chars<'a>,
    middle: Chunks<'a>,
    back: str::Chars<'a>,
}

impl<'a> Chars<'a> {
    pub(super) fn new(chunks: Chunks<'a>) -> Self {
        Self { front: "".chars(), middle: chunks, back: "".chars() }
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            if let Some(char) = self.front.next() {
                return Some(char);
            }
            match self.middle.next() {
                Some(chunk) => self.front = chunk.chars(),
                None => return self.back.next(),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (front, back) = (self.front.size_hint(), self.back.size_hint());
        let middle = self.middle.range.len();
        (front.0 + middle + back.0, front.1.zip(back.1).map(|(front, back)| front + middle + back))
    }

    /// A chunk at a time: that is what `for_each`, `count` and `collect` run on.
    fn fold<B, F: FnMut(B, char) -> B>(self, init: B, mut each: F) -> B {
        let folded = self.front.fold(init, &mut each);
        let folded = self.middle.fold(folded, |folded, chunk| chunk.chars().fold(folded, &mut each));
        self.back.fold(folded, each)
    }
}

impl DoubleEndedIterator for Chars<'_> {
    fn next_back(&mut self) -> Option<char> {
        loop {
            if let Some(char) = self.back.next_back() {
                return Some(char);
            }
            match self.middle.next_back() {
                Some(chunk) => self.back = chunk.chars(),
                None => return self.front.next_back(),
            }
        }
    }
}

impl FusedIterator for Chars<'_> {}
