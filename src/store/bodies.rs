//! [`Bodies`]: records that are not in a log yet, one behind the other in one piece of memory.
//!
//! Always: what was put in is what comes out, in order; none is empty.

use crate::layout::{CHECK_BYTES, LENGTH_BYTES};

/// The bodies of records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Bodies {
    /// Adds what is written; the same as it is then.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let first = self.bytes.len();
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
        &self.bytes[first..]
    }

    /// Takes the last one away.
    pub(super) fn pop(&mut self) {
        self.ends.pop();
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they take in a feed.
    pub(super) fn framed_bytes(&self) -> usize {
        self.bytes.len() + self.len() * (LENGTH_BYTES + CHECK_BYTES)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let firsts = std::iter::once(0).chain(self.ends.iter().copied());
        firsts.zip(&self.ends).map(|(first, end)| &self.bytes[first..*end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_in_order_and_the_last_can_be_taken_back() {
        let mut bodies = Bodies::default();
        assert!(bodies.is_empty());
        for body in [&b"a"[..], b"bcd", b"ef"] {
            assert_eq!(bodies.push(|out| out.extend_from_slice(body)), body);
        }
        assert_eq!(bodies.framed_bytes(), 6 + 3 * 8);
        bodies.pop();
        assert_eq!(bodies.iter().collect::<Vec<_>>(), [&b"a"[..], b"bcd"]);
        bodies.push(|out| out.push(b'g'));
        assert_eq!(bodies.iter().collect::<Vec<_>>(), [&b"a"[..], b"bcd", b"g"]);
        (0..3).for_each(|_| bodies.pop());
        assert_eq!((bodies.len(), bodies.framed_bytes()), (0, 0));
    }
}
