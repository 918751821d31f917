//! Where the records of the active segment start, or every second or fourth of them: written by the writer, read by
//! readers in its process at the same time.
//!
//! Always: nobody waits for anybody. A position never changes, and one that can be read is that of a whole record.

use super::footer::Table;
use super::format::HEADER_BYTES;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// The first piece; each one after it is twice as long, so that nothing is ever moved.
const FIRST_PIECE: usize = 64;
/// Enough for as many records as a segment can hold.
const PIECES: usize = 26;

/// The longest segment of which every record is known; of longer ones, fewer are, so that memory does not grow with them.
const DENSE_BYTES: u64 = 64 << 20;

/// A list of positions that only grows, by one writer.
#[derive(Debug)]
pub(crate) struct Positions {
    /// How many records there are from one position to the next.
    stride: u32,
    pieces: [OnceLock<Box<[AtomicU32]>>; PIECES],
    len: AtomicUsize,
    /// The byte after the last record.
    end: AtomicU64,
}

/// In which piece an index is, how long that is, and where in it.
fn place(index: usize) -> (usize, usize, usize) {
    let piece = (index / FIRST_PIECE + 1).ilog2() as usize;
    let length = FIRST_PIECE << piece;
    (piece, length, index + FIRST_PIECE - length)
}

impl Positions {
    /// None yet, of a segment that may become so long.
    pub(crate) fn none_of(allocated: u64) -> Positions {
        let stride = match allocated.div_ceil(DENSE_BYTES) {
            0..=1 => 1,
            2 => 2,
            _ => 4,
        };
        let end = AtomicU64::new(HEADER_BYTES as u64);
        Positions { stride, pieces: Default::default(), len: AtomicUsize::new(0), end }
    }

    /// Those that are known of a segment that may become so long, and whose records end at a byte.
    pub(crate) fn of(known: Table, end: u64, allocated: u64) -> Positions {
        let mut positions = Positions::none_of(allocated);
        let known = known.thinned(positions.stride);
        positions.stride = known.stride;
        known.positions.iter().for_each(|&position| positions.push(position));
        positions.ends_at(end);
        positions
    }

    pub(crate) fn stride(&self) -> u32 {
        self.stride
    }

    /// The byte after the last record that was written, durable or not. What is behind it was never written, or will be written over.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// To be called by the one writer only, once the bytes before it are written.
    pub(crate) fn ends_at(&self, byte: u64) {
        self.end.store(byte, Ordering::Release);
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
        let stride = u64::from(self.stride);
        let last = self.len.load(Ordering::Acquire).checked_sub(1)?;
        let slot = usize::try_from(index / stride).unwrap_or(usize::MAX).min(last);
        Some((self.get(slot)?.into(), slot as u64 * stride))
    }

    /// All of them. O(records).
    pub(crate) fn table(&self) -> Table {
        let positions = (0..self.len.load(Ordering::Acquire)).filter_map(|index| self.get(index)).collect();
        Table { stride: self.stride, positions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_found_wherever_the_pieces_end() {
        for (allocated, stride) in [(1 << 20, 1), (100 << 20, 2), (1 << 30, 4)] {
            let positions = Positions::none_of(allocated);
            assert_eq!((positions.stride(), positions.before(0)), (stride, None));
            let many = 5_000_u32;
            for number in 0..many {
                positions.push(number * 7);
            }
            let stride = u64::from(stride);
            for number in 0..u64::from(many) {
                let index = number * stride;
                assert_eq!(positions.before(index + stride - 1), Some((number * 7, index)));
            }
            let last = u64::from(many - 1);
            let found = Some((last * 7, last * stride));
            assert_eq!(positions.before(u64::MAX), found, "the last one, for whatever follows");
            assert_eq!(positions.table().positions.len(), many as usize);
        }
    }

    #[test]
    fn what_is_known_is_kept_as_densely_as_the_segment_allows() {
        let known = |stride| Table { stride, positions: (0..100).collect() };
        for (stride, allocated, kept) in
            [(1, 1 << 20, 1), (4, 1 << 20, 4), (1, 100 << 20, 2), (2, 1 << 30, 4)]
        {
            let positions = Positions::of(known(stride), 100, allocated);
            let step = (kept / stride) as usize;
            let expected = Table { stride: kept, positions: (0..100).step_by(step).collect() };
            assert_eq!(positions.table(), expected);
        }
    }
}
