//! What a change can be looked up by, as numbers of one width: paths, writers and labels.
//!
//! A [`Term`] is a hash, so two things may share one. What is found by a term is therefore a candidate, and whoever asks
//! looks at the change itself. Always: equal things have equal terms, in this and in every later version of the crate that
//! keeps the format of the index.

use crate::patch::reach;
use crate::record::{Change, WriterId};
use crate::value::{Key, Pointer, Segment};
use std::fmt::Write;

/// Deeper places are found by the first so many segments of their path.
const DEPTH_MAX: usize = 8;
const LIST_BITS: u32 = 10;
/// How many posting lists there are. It bounds what is kept in memory, and what one small catch-up can touch.
pub(super) const LISTS: usize = 1 << LIST_BITS;

/// Where to look: in which posting list, and by which mark inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Term {
    pub(super) list: u16,
    pub(super) mark: u16,
}

/// What a term is about. The same name can be a label and a path.
#[derive(Clone, Copy)]
enum About {
    /// This place: something is done there, or to the elements of the list there.
    At = 1,
    /// Something is done further down.
    Beneath = 2,
    Writer = 3,
    Label = 4,
}

/// FNV-1a over the pieces, so that the hash of a path goes on from that of its parent.
#[derive(Clone, Copy)]
struct Hasher(u64);

impl Hasher {
    const fn new() -> Self {
        Hasher(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// By its text, as in a pointer: questions come as one, and nobody knows what kind of key `7` is.
    fn step(&mut self, segment: &Segment) {
        match segment {
            Segment::Key(Key::Str(text)) => self.text(text),
            other => {
                // This hasher takes everything.
                let _infallible = write!(self, "{other}");
                self.text("");
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.add(text.as_bytes());
        // No text holds it, so that `/ab` and `/a/b` differ.
        self.add(&[0xff]);
    }

    fn term(self, about: About) -> Term {
        // The finalizer of MurmurHash3: FNV alone leaves the upper bits of short texts alike.
        let mut hash = self.0 ^ (about as u64) << 56;
        hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^= hash >> 33;
        Term { list: (hash >> (u64::BITS - LIST_BITS)) as u16, mark: (hash >> 32) as u16 }
    }
}

impl Write for Hasher {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

/// Replaces `terms` by those that a change is to be found by. The home writer has none: nearly all changes are by it.
pub(super) fn terms_of(change: &Change, home: WriterId, terms: &mut Vec<Term>) {
    terms.clear();
    for op in change.patch.iter() {
        let path = op.path.as_slice();
        // What moves the elements of a list is at the list, whichever of them it names.
        let beneath = reach(op).unwrap_or(path.len());
        let mut hasher = Hasher::new();
        for depth in 0..=path.len().min(DEPTH_MAX) {
            if depth > 0 {
                hasher.step(&path[depth - 1]);
            }
            if depth == beneath || depth == path.len() {
                terms.push(hasher.term(About::At));
            } else if depth > 0 {
                terms.push(hasher.term(About::Beneath));
            }
        }
    }
    terms.extend((change.writer != home).then(|| of_writer(change.writer)));
    terms.extend(change.meta.label.as_deref().map(of_label));
    terms.sort_unstable();
    terms.dedup();
}

/// What changes that touch a place, which is not the root, are found by: all of them have one of these terms. Deeper than the
/// index looks, that is what they have in common with those that touch the place above.
pub(crate) fn of_place(place: &Pointer) -> Vec<Term> {
    let mut hasher = Hasher::new();
    let mut terms = vec![hasher.term(About::At)];
    for token in place.tokens().iter().take(DEPTH_MAX) {
        hasher.text(token);
        terms.push(hasher.term(About::At));
    }
    terms.push(hasher.term(About::Beneath));
    terms
}

/// What the changes of a writer are found by, unless the store is home to it.
pub(crate) fn of_writer(writer: WriterId) -> Term {
    let mut hasher = Hasher::new();
    hasher.add(&writer.0.to_le_bytes());
    hasher.term(About::Writer)
}

/// What changes with this label are found by.
pub(crate) fn of_label(label: &str) -> Term {
    let mut hasher = Hasher::new();
    hasher.add(label.as_bytes());
    hasher.term(About::Label)
}
