//! Where every 4th record of the active segment starts: written by the writer, read by readers in its process at the
//! same time.
//!
//! Always: nobody waits for anybody. A position never changes, and one that can be read is that of a whole record.

use super::format::POSITION_STRIDE;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The first piece; each one after it is twice as long, so that nothing is ever moved.
const FIRST_PIECE: usize = 64;
/// Enough for as many records as a segment can hold.
const PIECES: usize = 26;

/// A list of positions that only grows, by one writer.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    pieces: [OnceLock<Box<[AtomicU32]>>; PIECES],
    len: AtomicUsize,
}

/// In which piece an index is, how long that is, and where in it.
fn place(index: usize) -> (usize, usize, usize) {
    let piece = (index / FIRST_PIECE + 1).ilog2() as usize;
    let length = FIRST_PIECE << piece;
    (piece, length, index + FIRST_PIECE - length)
}

impl Positions {
    pub(crate) fn of(known: &[u32]) -> Positions {
        let positions = Positions::default();
        known.iter().for_each(|&position| positions.push(position));
        positions
    }

    /// To be called by the one writer only.
    pub(crate) fn push(&self, position: u32) {
        let index = self.len.load(Ordering::Relaxed);
        let (piece, length, at) = place(index);
        let Some(piece) = self.pieces.get(piece) else { return };
        let piece = piece.get_or_init(|| (0..length).map(|_| AtomicU32::new(0)).collect());
        piece[at].store(position, Ordering::Relaxed);
        self.len.store(index + 1, Ordering::Release);
    }

    fn get(&self, index: usize) -> Option<u32> {
        if index >= self.len.load(Ordering::Acquire) {
            return None;
        }
        let (piece, _, at) = place(index);
        self.pieces.get(piece)?.get()?.get(at).map(|position| position.load(Ordering::Relaxed))
    }

    /// The last known record at or before the `index`th of the segment: its byte, and its own index.
    pub(crate) fn before(&self, index: u64) -> Option<(u64, u64)> {
        let stride = u64::from(POSITION_STRIDE);
        let last = self.len.load(Ordering::Acquire).checked_sub(1)?;
        let slot = usize::try_from(index / stride).unwrap_or(usize::MAX).min(last);
        Some((self.get(slot)?.into(), slot as u64 * stride))
    }

    /// All of them. O(records).
    pub(crate) fn to_vec(&self) -> Vec<u32> {
        (0..self.len.load(Ordering::Acquire)).filter_map(|index| self.get(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_found_wherever_the_pieces_end() {
        let positions = Positions::default();
        assert_eq!(positions.before(0), None);
        let many = 5_000_u32;
        for number in 0..many {
            positions.push(number * 7);
        }
        for number in 0..u64::from(many) {
            let index = number * u64::from(POSITION_STRIDE);
            assert_eq!(positions.before(index + 3), Some((number * 7, index)));
        }
        let last = u64::from(many - 1);
        let found = Some((last * 7, last * u64::from(POSITION_STRIDE)));
        assert_eq!(positions.before(u64::MAX), found, "the last one, for whatever follows");
        assert_eq!(positions.to_vec().len(), many as usize);
    }
}
