//! The last chunk of every posting list, in memory: what a catch-up appends to.
//!
//! Leaves keeping them to `tree`. Always: a chunk that is full is never touched again, so what changes on the disk is the
//! last chunk of those lists that something was added to.

use super::chunk::{self, POSTINGS_MAX, Posting};
use super::term::{LISTS, Term};

/// The last chunk of one list.
#[derive(Debug, Default)]
struct Tail {
    first: u64,
    postings: Vec<Posting>,
    /// What the entry for it adds to the sum over all, as it is on the disk; nothing if it is not there yet.
    stored: Option<u64>,
    changed: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Tails {
    tails: Vec<Tail>,
    /// The lists whose last chunk is not on the disk as it is here.
    changed: Vec<u16>,
    scratch: Vec<Posting>,
}

/// What goes to the disk: puts chunks, and tells how that changes the sum over all.
pub(super) trait Chunks {
    /// Puts a chunk in the place of one that added `before` to the sum; returns what this one adds.
    fn put(&mut self, key: &[u8], value: Vec<u8>, before: Option<u64>) -> u64;
}

impl Tails {
    pub(super) fn new() -> Self {
        let tails = std::iter::repeat_with(Tail::default).take(LISTS).collect();
        Tails { tails, changed: Vec::new(), scratch: Vec::new() }
    }

    /// Takes over a chunk that is on the disk; of each list the last one given stays.
    pub(super) fn load(&mut self, list: u16, first: u64, value: &[u8], stored: u64) {
        if let Some(tail) = self.tails.get_mut(usize::from(list)) {
            let postings = chunk::decode(value);
            *tail = Tail { first, postings, stored: Some(stored), changed: false };
        }
    }

    /// Notes that the change at `offset` is to be found by `term`. Offsets come in order.
    pub(super) fn post(&mut self, term: Term, offset: u64, chunks: &mut impl Chunks) {
        let Some(tail) = self.tails.get_mut(usize::from(term.list)) else { return };
        if tail.is_closed(offset) {
            tail.write(term.list, &mut self.scratch, chunks);
            tail.postings.clear();
            (tail.first, tail.stored) = (offset, None);
        } else if tail.postings.is_empty() {
            tail.first = offset;
        }
        tail.postings.push(((offset - tail.first) as u32, term.mark));
        if !tail.changed {
            tail.changed = true;
            self.changed.push(term.list);
        }
    }

    /// Puts what has changed since the last time.
    pub(super) fn write(&mut self, chunks: &mut impl Chunks) {
        for list in self.changed.drain(..) {
            if let Some(tail) = self.tails.get_mut(usize::from(list)) {
                tail.write(list, &mut self.scratch, chunks);
            }
        }
    }
}

impl Tail {
    /// Whether a posting at `offset` must begin a new chunk.
    fn is_closed(&self, offset: u64) -> bool {
        self.postings.len() >= POSTINGS_MAX
            || offset - self.first > u64::from(u32::MAX) && !self.postings.is_empty()
    }

    fn write(&mut self, list: u16, scratch: &mut Vec<Posting>, chunks: &mut impl Chunks) {
        if self.changed {
            scratch.clear();
            scratch.extend_from_slice(&self.postings);
            let value = chunk::encode(scratch);
            self.stored = Some(chunks.put(&chunk::key(list, self.first), value, self.stored));
            self.changed = false;
        }
    }
}
