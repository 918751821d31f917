//! Reads single records of a segment, without what precedes them.
//!
//! Keeps the file open and what it has read of the footer's table, so that a record costs one read of the file. Leaves
//! everything unusual (damage, places that nobody knows) to [`SegmentReader`], which goes through the records in order
//! and says what is wrong.
//!
//! Always: a record that comes out continues the chain from a place that was told by a table with a good checksum or by the
//! writer.

use super::footer::{self, BLOCK_POSITIONS, Ending, Footer};
use super::format::{self, FRAME_BYTES, HEADER_BYTES, Header, RECORD_BYTES_MAX};
use super::positions::Positions;
use super::reader::SegmentReader;
use crate::error::{IoContext, Result};
use crate::io::{Disk, File, read_full_at};
use crate::layout::{CHECK_BYTES, Chain, LENGTH_BYTES};
use std::path::PathBuf;
use std::sync::Arc;

/// How much is read at once where records are long, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;
/// How much is read where nobody knows how far four records reach.
const GUESS_BYTES: u64 = 4 * 1024;

/// One segment, for looking up records.
#[derive(Debug)]
pub(crate) struct PointReader {
    file: Arc<dyn File>,
    path: PathBuf,
    header: Header,
    places: Places,
    file_bytes: u64,
    /// What was read last, and from which byte on.
    scratch: Vec<u8>,
    scratch_at: u64,
}

/// Who knows where the records are.
#[derive(Debug)]
enum Places {
    /// The footer. Its table is read block by block, as it is needed, and kept in one piece: two blocks of their own would
    /// be two more misses of the processor's cache for each record.
    Table { footer: Footer, positions: Vec<u32>, loaded: Vec<bool> },
    /// The writer, in the same process.
    Writer(Arc<Positions>),
}

/// Where a record is, or a group of two or four that have one position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The byte of its first frame.
    pub(crate) byte: u64,
    /// The offset of its first record.
    pub(crate) offset: u64,
    /// The byte after its last frame, where that is known.
    end: Option<u64>,
}

impl PointReader {
    /// Opens a segment; `writer` knows the places if it is the active one of a writer in this process. Nothing if nobody
    /// knows them, or if it is at rest without any record: it may be replaced by a larger one.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: PathBuf,
        base: u64,
        writer: Option<Arc<Positions>>,
    ) -> Result<Option<PointReader>> {
        let mut reader = SegmentReader::open(disk, path, base)?;
        let footer = if writer.is_some() { None } else { reader.footer()?.filter(|footer| footer.count > 0) };
        let places = match (writer, footer) {
            (Some(positions), _) => Places::Writer(positions),
            (None, Some(footer)) => Places::Table {
                footer,
                positions: vec![0; footer.positions()],
                loaded: vec![false; footer.blocks()],
            },
            (None, None) => return Ok(None),
        };
        let file_bytes = match places {
            Places::Table { .. } => reader.file_bytes(),
            // It may be extended while we have it open.
            Places::Writer(_) => reader.header().allocated,
        };
        let (file, path, header) = reader.into_parts();
        Ok(Some(PointReader { file, path, header, places, file_bytes, scratch: Vec::new(), scratch_at: 0 }))
    }

    pub(crate) fn base(&self) -> u64 {
        self.header.base
    }

    /// Whether this is still how the segment should be read.
    pub(crate) fn is_current(&self, writer: Option<&Arc<Positions>>) -> bool {
        match (&self.places, writer) {
            (Places::Writer(known), Some(positions)) => Arc::ptr_eq(known, positions),
            (Places::Writer(_), None) => true,
            (Places::Table { footer, .. }, writer) => {
                writer.is_none() && (footer.ending == Ending::Sealed || self.is_at_rest_still())
            }
        }
    }

    /// Whoever goes on writing a segment that is at rest gives it its full length before anything else.
    fn is_at_rest_still(&self) -> bool {
        self.file.len().is_ok_and(|bytes| bytes == self.file_bytes)
    }

    /// The footer, if the segment was not being written when it was opened.
    pub(crate) fn footer(&self) -> Option<&Footer> {
        match &self.places {
            Places::Table { footer, .. } => Some(footer),
            Places::Writer(_) => None,
        }
    }

    /// A reader that goes through the records in order, from the nearest known place at or before `offset`.
    pub(crate) fn reader_at(&mut self, offset: u64) -> Result<SegmentReader> {
        let place = self.place_before(offset)?;
        let mut reader = SegmentReader::over(Arc::clone(&self.file), self.path.clone(), self.header)?;
        if let Places::Writer(positions) = &self.places {
            reader.is_written_by(positions);
        }
        match (self.footer(), place) {
            (Some(footer), _) if offset >= self.header.base + u64::from(footer.count) => {
                reader.seek_end(footer);
            }
            (_, Some(place)) => reader.jump(place.byte, place.offset)?,
            (_, None) => {}
        }
        Ok(reader)
    }

    /// The group that holds the record at `offset`, or the last one known before it.
    fn place_before(&mut self, offset: u64) -> Result<Option<Place>> {
        let base = self.header.base;
        let Some(index) = offset.checked_sub(base) else { return Ok(None) };
        if let Places::Writer(positions) = &self.places {
            let after = index + u64::from(positions.stride());
            let (near, next, end) = (positions.before(index), positions.before(after), positions.end());
            return Ok(near.map(|(byte, first)| {
                let next = next.map(|(next, _)| next).filter(|next| *next > byte).unwrap_or(end);
                Place { byte, offset: base + first, end: Some(next).filter(|end| *end > byte) }
            }));
        }
        self.place_in_table(index)
    }

    fn place_in_table(&mut self, index: u64) -> Result<Option<Place>> {
        let (Places::Table { footer, .. }, base) = (&self.places, self.header.base) else { return Ok(None) };
        let (stride, count, data_end) = (u64::from(footer.stride), u64::from(footer.count), footer.data_end);
        if index >= count {
            return Ok(None);
        }
        let slot = index / stride;
        let Some(byte) = self.position(slot)? else { return Ok(None) };
        let last = (slot + 1) * stride >= count;
        let end = if last { Some(data_end) } else { self.position(slot + 1)? };
        Ok(Some(Place { byte, offset: base + slot * stride, end }))
    }

    /// An entry of the footer's table; nothing if its block is damaged.
    #[inline]
    fn position(&mut self, slot: u64) -> Result<Option<u64>> {
        let (slot, block) = (slot as usize, slot as usize / BLOCK_POSITIONS);
        let Places::Table { positions, loaded, .. } = &self.places else { return Ok(None) };
        if loaded.get(block) == Some(&true) {
            return Ok(positions.get(slot).map(|&byte| byte.into()));
        }
        let read = self.load_block(block)?;
        Ok(read.and_then(|positions| positions.get(slot % BLOCK_POSITIONS).copied()).map(u64::from))
    }

    fn load_block(&mut self, block: usize) -> Result<Option<Vec<u32>>> {
        let Places::Table { footer, positions, loaded } = &mut self.places else { return Ok(None) };
        let (byte, length) = footer.block(block);
        let mut bytes = vec![0; length];
        let count = read_full_at(&*self.file, &mut bytes, byte).during("read position table", &self.path)?;
        let read = footer::decode_block(&bytes[..count], block, self.header.chain);
        match (&read, loaded.get_mut(block)) {
            (Some(read), Some(loaded)) => {
                let known = positions.iter_mut().skip(block * BLOCK_POSITIONS);
                known.zip(read).for_each(|(known, read)| *known = *read);
                *loaded = true;
            }
            _ => {
                tracing::warn!(path = %self.path.display(), block, "a damaged position table; going without");
            }
        }
        Ok(read)
    }

    /// Puts the body of the record at `offset` into `buffer` and returns the chain after it. Nothing if it is not to be
    /// found like this. One read of the file, of at most four records, unless they are long. Those of them before it are
    /// verified too: a damaged length among them could lead to another good record.
    pub(crate) fn read(&mut self, offset: u64, buffer: &mut Vec<u8>) -> Result<Option<Chain>> {
        let Some(Place { mut byte, offset: first, end }) = self.place_before(offset)? else {
            return Ok(None);
        };
        // The checksums of a table say that it is what was written, not that this made sense.
        if byte < HEADER_BYTES as u64 || end.is_some_and(|end| end < byte) {
            return Ok(None);
        }
        let group = end.map_or(GUESS_BYTES, |end| end - byte + CHECK_BYTES as u64);
        self.load(byte - CHECK_BYTES as u64, group.min(PIECE_BYTES) as usize)?;
        let mut before = None;
        for at in first..=offset {
            let Some(frame_bytes) = self.frame_bytes(byte)? else { return Ok(None) };
            let bytes = self.bytes(byte - CHECK_BYTES as u64, CHECK_BYTES + frame_bytes)?;
            let Some((body, chain)) = good_record(bytes, before) else { return Ok(None) };
            if at == offset {
                buffer.clear();
                buffer.extend_from_slice(body);
            }
            before = Some(chain);
            byte += frame_bytes as u64;
        }
        Ok(before)
    }

    /// How long the frame at `byte` says it is; nothing if it cannot be.
    fn frame_bytes(&mut self, byte: u64) -> Result<Option<usize>> {
        let length = self.bytes(byte, LENGTH_BYTES)?.first_chunk().map(|word| u32::from_le_bytes(*word));
        Ok(length
            .filter(|length| (1..=RECORD_BYTES_MAX).contains(length))
            .map(|length| length as usize + FRAME_BYTES))
    }

    /// The bytes from `byte` on, or fewer where the file ends.
    fn bytes(&mut self, byte: u64, wanted: usize) -> Result<&[u8]> {
        let loaded = self.scratch_at..=self.scratch_at + self.scratch.len() as u64;
        if !loaded.contains(&byte) || !loaded.contains(&(byte + wanted as u64)) {
            self.load(byte, wanted.max(GUESS_BYTES as usize))?;
        }
        let start = (byte - self.scratch_at) as usize;
        Ok(&self.scratch[start..self.scratch.len().min(start + wanted)])
    }

    fn load(&mut self, byte: u64, wanted: usize) -> Result<()> {
        let rest = self.file_bytes.saturating_sub(byte);
        self.scratch.resize(wanted.min(usize::try_from(rest).unwrap_or(usize::MAX)), 0);
        let count = read_full_at(&*self.file, &mut self.scratch, byte).during("read segment", &self.path)?;
        self.scratch.truncate(count);
        self.scratch_at = byte;
        Ok(())
    }
}

/// The record behind the four bytes of chain before it. Where that is not known for certain it is what stands there, which
/// may be complemented: the record tells.
fn good_record(bytes: &[u8], before: Option<Chain>) -> Option<(&[u8], Chain)> {
    let (stored, frame) = bytes.split_first_chunk()?;
    let stored = u32::from_le_bytes(*stored);
    let candidates = before.map_or([stored, !stored], |chain| [chain, chain]);
    let (length, chain, _) = candidates.into_iter().find_map(|chain| format::record_at(frame, chain))?;
    Some((frame.get(LENGTH_BYTES..LENGTH_BYTES + length)?, chain))
}
