//! The table at the end of a segment that is not being written: where its records are, and how many.
//!
//! A *sealed* segment ends with it for ever; one *at rest* after a clean close has it behind its mark, and loses it when
//! it is written again. Laid out in FORMAT.md, "Footer". The table is in blocks with checksums of their own, so that a
//! point read trusts 260 bytes instead of reading all of them.
//!
//! Always: everything in it can be computed from the records. A bad table costs time, never a record.

use super::format::{FOOTER_TAG, HEADER_BYTES, MARK_BYTES};

/// How many positions share a checksum.
pub(crate) const BLOCK_POSITIONS: usize = 64;
const BLOCK_BYTES: usize = 4 * BLOCK_POSITIONS + CHECK_BYTES;
/// What follows the table: stride, count, data end, chain, check, ending.
pub(crate) const TAIL_BYTES: usize = CHECKED_BYTES + CHECK_BYTES + 4;
const CHECKED_BYTES: usize = 4 + 4 + 8 + 4;
/// How many records there may be from one position to the next.
pub(crate) const STRIDES: [u32; 3] = [1, 2, 4];

/// Why a segment has a footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is full and has a successor.
    Sealed,
    /// Its writer closed it, and may go on with it.
    AtRest,
}

/// Where records of a segment start, in bytes: the first, and every `stride`th after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) stride: u32,
    pub(crate) positions: Vec<u32>,
}

/// The fixed part of a footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) ending: Ending,
    /// How many records there are from one position to the next.
    pub(crate) stride: u32,
    pub(crate) count: u32,
    /// The byte after the last record.
    pub(crate) data_end: u64,
    /// The chain after the last record.
    pub(crate) chain: Chain,
}

impl Ending {
    fn magic(self) -> &'static [u8; 4] {
        match self {
            Ending::Sealed => b"SEAL",
            Ending::AtRest => b"REST",
        }
    }

    fn of(magic: &[u8]) -> Option<Ending> {
        [Ending::Sealed, Ending::AtRest].into_iter().find(|ending| magic == ending.magic())
    }
}

/// The stride of a footer: a position for every record where that costs little, else one for two or four of them, so that
/// the table takes no more than a sixtieth of a segment unless its records are very small.
pub(crate) fn stride_for(count: u32, data_end: u64) -> u32 {
    match data_end.saturating_sub(HEADER_BYTES as u64) / u64::from(count.max(1)) {
        256.. => 1,
        128.. => 2,
        _ => 4,
    }
}

impl Table {
    /// The same with a position for every `stride`th record, or as many as there are.
    pub(crate) fn thinned(mut self, stride: u32) -> Table {
        let step = (stride / self.stride).max(1);
        if step > 1 {
            self.positions = self.positions.into_iter().step_by(step as usize).collect();
        }
        Table { stride: self.stride * step, ..self }
    }
}

impl Footer {
    /// The footer of a segment with these records, to end before byte `limit`. Its table may have fewer positions than are
    /// known, never more; the session that left just this room may have known fewer.
    pub(crate) fn over(
        ending: Ending,
        count: u32,
        data_end: u64,
        chain: Chain,
        known: &Table,
        limit: u64,
    ) -> Footer {
        let wanted = stride_for(count, data_end).max(known.stride);
        let footer = |stride| Footer { ending, stride, count, data_end, chain };
        let fits = |footer: &Footer| footer.start() + Footer::bytes_for(count, footer.stride) as u64 <= limit;
        let coarser = STRIDES.into_iter().filter(|&stride| stride >= wanted);
        coarser.map(footer).find(fits).unwrap_or_else(|| footer(wanted))
    }

    /// How many positions the table has.
    pub(crate) fn positions(&self) -> usize {
        self.count.div_ceil(self.stride) as usize
    }

    /// How many bytes the footer of a segment of `count` records takes.
    pub(crate) fn bytes_for(count: u32, stride: u32) -> usize {
        let positions = count.div_ceil(stride) as usize;
        LENGTH_BYTES + 4 * positions + CHECK_BYTES * positions.div_ceil(BLOCK_POSITIONS) + TAIL_BYTES
    }

    /// The byte at which the footer starts: behind the records, or behind the mark.
    pub(crate) fn start(&self) -> u64 {
        match self.ending {
            Ending::Sealed => self.data_end,
            Ending::AtRest => self.data_end + MARK_BYTES as u64,
        }
    }

    /// The whole footer; `base` is the chain that the segment starts from.
    pub(crate) fn encode(&self, known: Table, base: Chain) -> Vec<u8> {
        let table = known.thinned(self.stride);
        let mut bytes = Vec::with_capacity(Footer::bytes_for(self.count, self.stride));
        bytes.extend_from_slice(&FOOTER_TAG.to_le_bytes());
        for (index, block) in table.positions.chunks(BLOCK_POSITIONS).enumerate() {
            let start = bytes.len();
            bytes.extend(block.iter().flat_map(|position| position.to_le_bytes()));
            let check = block_check(base, index, &bytes[start..]);
            bytes.extend_from_slice(&check.to_le_bytes());
        }
        let start = bytes.len();
        bytes.extend_from_slice(&self.stride.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.data_end.to_le_bytes());
        bytes.extend_from_slice(&self.chain.to_le_bytes());
        let check = tail_check(self.chain, &bytes[start..], self.ending);
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes.extend_from_slice(self.ending.magic());
        bytes
    }

    /// What the last [`TAIL_BYTES`] before byte `end` say; nothing if they are not the end of a good footer.
    pub(crate) fn decode(tail: &[u8; TAIL_BYTES], end: u64) -> Option<Footer> {
        let ending = Ending::of(&tail[TAIL_BYTES - 4..])?;
        let (stride, count) = (u32_at(tail, 0), u32_at(tail, 4));
        let footer = Footer { ending, stride, count, data_end: u64_at(tail, 8), chain: u32_at(tail, 16) };
        let sound = tail_check(footer.chain, &tail[..CHECKED_BYTES], ending) == u32_at(tail, CHECKED_BYTES);
        let fits = || {
            let bytes = Footer::bytes_for(count, stride) as u64;
            footer.data_end.checked_add(MARK_BYTES as u64).is_some()
                && footer.start().checked_add(bytes) == Some(end)
        };
        (sound && STRIDES.contains(&stride) && fits()).then_some(footer)
    }

    /// Where block `index` of the table stands, in bytes of the file, and how long it is.
    pub(crate) fn block(&self, index: usize) -> (u64, usize) {
        let before = index.saturating_mul(BLOCK_POSITIONS);
        let held = self.positions().saturating_sub(before).min(BLOCK_POSITIONS);
        (self.start() + (LENGTH_BYTES + index * BLOCK_BYTES) as u64, 4 * held + CHECK_BYTES)
    }

    /// How many blocks the table has.
    pub(crate) fn blocks(&self) -> usize {
        self.positions().div_ceil(BLOCK_POSITIONS)
    }
}

/// The positions in a block of the table; nothing if it is damaged.
pub(crate) fn decode_block(bytes: &[u8], index: usize, base: Chain) -> Option<Vec<u32>> {
    let (positions, stored) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
    let sound = block_check(base, index, positions) == u32_at(stored, 0);
    sound.then(|| positions.chunks_exact(4).map(|word| u32_at(word, 0)).collect())
}

fn block_check(base: Chain, index: usize, positions: &[u8]) -> u32 {
    checksum(base, &[&(index as u32).to_le_bytes(), positions])
}

fn tail_check(chain: Chain, fields: &[u8], ending: Ending) -> u32 {
    checksum(chain, &[&FOOTER_TAG.to_le_bytes(), fields, ending.magic()])
}
use crate::layout::{CHECK_BYTES, Chain, LENGTH_BYTES, checksum, u32_at, u64_at};
