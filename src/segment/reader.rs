//! Walks over the records of one segment, in order, verifying each.
//!
//! Reads large pieces into one buffer that is reused. Decides nothing: it says what stands at a place, and whether
//! something further on proves that a record must have been there; `log` and `recovery` draw the conclusions.
//! Readers never write.

use super::footer::{self, Ending, Footer, Table};
use super::format::{self, FOOTER_TAG, FRAME_BYTES, HEADER_BYTES, Header, Item, MARK_BYTES};
use super::packed::{self, Opened};
use super::positions::Positions;
use super::proof;
use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Disk, File, read_full_at};
use crate::layout::{CHECK_BYTES, Chain, LENGTH_BYTES, u32_at};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read at a time, in bytes: little at first, for who wants a record, then more, for who wants them all.
const WINDOW_BYTES_MIN: usize = 8 * 1024;
const WINDOW_BYTES_MAX: usize = 256 * 1024;

/// A place in one segment, and the way on from there.
pub(crate) struct SegmentReader {
    file: Arc<dyn File>,
    path: PathBuf,
    header: Header,
    window: Vec<u8>,
    /// The byte of the file at which the window starts.
    window_at: u64,
    file_bytes: u64,
    /// Outside of these nothing was ever written, where that is known.
    written: Option<Vec<Range<u64>>>,
    /// What whoever writes it in this process has written.
    writer: Option<Arc<Positions>>,
    /// The byte of the next frame, its offset, and the chain before it.
    at: u64,
    offset: u64,
    chain: Chain,
}

impl fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SegmentReader { path, at, offset, .. } = self;
        f.debug_struct("SegmentReader")
            .field("path", path)
            .field("at", at)
            .field("offset", offset)
            .finish_non_exhaustive()
    }
}

impl SegmentReader {
    /// Opens a segment and reads its header; checks that the file's name says what is in it.
    pub(crate) fn open(disk: &dyn Disk, path: PathBuf, named: u64) -> Result<SegmentReader> {
        let Opened { file, head, count, .. } = packed::open(disk, &path)?;
        let header = Header::decode(&head[..count], &path)?;
        if header.base != named {
            let defect = Defect::Misnamed { named, found: header.base };
            return Err(Damage { path, byte: 32, defect, intact: None }.into());
        }
        SegmentReader::over(file, path, header)
    }

    /// Reads a segment that is open already, from its beginning.
    pub(crate) fn over(file: Arc<dyn File>, path: PathBuf, header: Header) -> Result<SegmentReader> {
        let file_bytes = file.len().during("measure segment", &path)?;
        let (at, offset, chain) = (HEADER_BYTES as u64, header.base, header.chain);
        Ok(SegmentReader {
            file,
            path,
            header,
            window: Vec::new(),
            window_at: 0,
            file_bytes,
            written: None,
            writer: None,
            at,
            offset,
            chain,
        })
    }

    /// The segment is written while it is read. What is not written yet is not read ahead: it would be read again, and a file system that is
    /// asked for what nobody wrote makes pages of zeros of it, and of more behind it.
    pub(crate) fn is_written_by(&mut self, writer: &Arc<Positions>) {
        self.writer = Some(Arc::clone(writer));
    }

    /// Whether somebody in this process writes it, or did when it was opened.
    pub(crate) fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    pub(crate) fn into_parts(self) -> (Arc<dyn File>, PathBuf, Header) {
        (self.file, self.path, self.header)
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The byte of the next frame.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The offset of the next record.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The chain before the next record.
    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// Passes the record at the current place if it is good and has been read already; the length of its body, and whether it
    /// is the first of its batch. An answer of nothing means nothing: [`look`](Self::look) then tells what is there.
    #[inline]
    pub(crate) fn pass_good(&mut self) -> Option<(usize, bool)> {
        let start = usize::try_from(self.at.checked_sub(self.window_at)?).ok()?;
        let (length, chain, first) = format::record_at(self.window.get(start..)?, self.chain)?;
        self.pass(length, chain);
        Some((length, first))
    }

    /// The body of the record that was passed last, and the byte its frame starts at.
    #[inline]
    pub(crate) fn passed(&self, length: usize) -> (u64, &[u8]) {
        let end = (self.at - self.window_at) as usize - CHECK_BYTES;
        (self.at - (length + FRAME_BYTES) as u64, &self.window[end - length..end])
    }

    /// What stands at the current place. Does not move.
    pub(crate) fn look(&mut self) -> Result<Item> {
        self.look_at(self.at, self.chain)
    }

    fn look_at(&mut self, at: u64, chain: Chain) -> Result<Item> {
        let (mut wanted, store) = (LENGTH_BYTES, self.header.store);
        loop {
            let rest = self.file_bytes.saturating_sub(at);
            let window = self.bytes(at, wanted)?;
            match format::parse(window, rest, chain, &store) {
                Item::More(more) if more > wanted => wanted = more,
                Item::More(_) => return Ok(Item::Bad(self.ended_early(at, wanted))),
                item => return Ok(item),
            }
        }
    }

    /// The file became shorter while it was read.
    fn ended_early(&self, at: u64, wanted: usize) -> Defect {
        Defect::Short { expected: at + wanted as u64, found: self.file_bytes }
    }

    /// From where on nothing is known to be durable: the furthest of the next batch's first record, a mark or a footer
    /// that can be reached over good records. Does not move.
    pub(crate) fn proven_until(&mut self) -> Result<u64> {
        let (mut at, mut chain, mut offset) = (self.at, self.chain, self.offset);
        loop {
            match self.look_at(at, chain)? {
                Item::Record { first: true, .. } if at > self.at => return Ok(at),
                Item::Record { body, chain: after, .. } => {
                    at += (body + FRAME_BYTES) as u64;
                    (chain, offset) = (after, offset + 1);
                }
                Item::Mark { .. } => return Ok(at),
                // The tag alone is a bit away from that of a mark that nobody wrote here yet.
                Item::FooterTag if self.is_sealed_at(at, offset)? => return Ok(at),
                _ => return Ok(self.at),
            }
        }
    }

    /// Whether a good footer starts at byte `at`, behind all records before `offset`. While a segment is being sealed, the file
    /// goes on behind its footer.
    fn is_sealed_at(&mut self, at: u64, offset: u64) -> Result<bool> {
        let count = (offset - self.header.base) as u32;
        for stride in footer::STRIDES {
            let end = at + Footer::bytes_for(count, stride) as u64;
            let found = self.footer_before(end)?;
            if found.is_some_and(|footer| footer.ending == Ending::Sealed && footer.start() == at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves past the record that [`look`](Self::look) just found here.
    pub(crate) fn pass(&mut self, length: usize, chain: Chain) {
        self.at += (length + FRAME_BYTES) as u64;
        self.offset += 1;
        self.chain = chain;
    }

    /// Forgets what was read ahead: the bytes from here on may have changed.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        self.window.clear();
        self.file_bytes = self.file.len().during("measure segment", &self.path)?;
        self.written = None;
        Ok(())
    }

    /// Asks the file system where the file was ever written. To be asked before reading: what was read ahead counts as
    /// written from then on, and systems read far ahead.
    pub(crate) fn measure_written(&mut self) -> Result<()> {
        let (mut written, mut at) = (Vec::new(), 0);
        while let Some(range) = self.file.next_data(at).during("measure segment", &self.path)? {
            // Whatever the file system says, this comes to an end.
            at = range.end.max(at + 1);
            written.push(range);
            if at >= self.file_bytes {
                break;
            }
        }
        self.written = Some(written);
        Ok(())
    }

    /// At least `wanted` bytes from `at` on, or as many as the file has.
    fn bytes(&mut self, at: u64, wanted: usize) -> Result<&[u8]> {
        let have = (self.window_at + self.window.len() as u64).saturating_sub(at) as usize;
        if at < self.window_at || have < wanted {
            self.fill(at, wanted)?;
        }
        let start = ((at - self.window_at) as usize).min(self.window.len());
        Ok(&self.window[start..])
    }

    fn is_in_window(&self, at: u64) -> bool {
        (self.window_at..self.window_at + self.window.len() as u64).contains(&at)
    }

    /// How many bytes from `at` on are written, with the mark behind them, as far as that is known. Who says that they end before this place
    /// speaks of another file, which this one took the place of while it was empty.
    fn is_there(&self, at: u64) -> usize {
        let end = self.writer.as_ref().map_or(u64::MAX, |writer| writer.end());
        let is_there = end.checked_sub(at).map_or(u64::MAX, |bytes| bytes.saturating_add(MARK_BYTES as u64));
        usize::try_from(is_there).unwrap_or(usize::MAX)
    }

    fn fill(&mut self, at: u64, wanted: usize) -> Result<()> {
        let rest = usize::try_from(self.file_bytes.saturating_sub(at)).unwrap_or(usize::MAX);
        let usual = if at == self.window_at + self.window.len() as u64 || self.is_in_window(at) {
            (2 * self.window.len()).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX)
        } else {
            WINDOW_BYTES_MIN
        };
        let usual = usual.min(self.is_there(at));
        let (mut window, bytes) = (std::mem::take(&mut self.window), wanted.max(usual).min(rest));
        match window.capacity() {
            // The system has zeros at hand.
            0 => window = vec![0; bytes],
            _ => window.resize(bytes, 0),
        }
        // If this fails there is no window, rather than one that says where other bytes are.
        let count = read_full_at(&*self.file, &mut window, at).during("read segment", &self.path)?;
        window.truncate(count);
        (self.window, self.window_at) = (window, at);
        Ok(())
    }

    /// The footer the file ends with, if it is a good one: the segment is sealed, or at rest.
    pub(crate) fn footer(&mut self) -> Result<Option<Footer>> {
        self.footer_before(self.file_bytes)
    }

    /// The footer that ends at a byte, if there is a good one.
    pub(crate) fn footer_before(&mut self, end: u64) -> Result<Option<Footer>> {
        let Some(start) = end.checked_sub(footer::TAIL_BYTES as u64) else { return Ok(None) };
        let found =
            self.bytes(start, footer::TAIL_BYTES)?.first_chunk().and_then(|tail| Footer::decode(tail, end));
        Ok(found.filter(|footer| footer.data_end >= HEADER_BYTES as u64))
    }

    /// The footer, if the segment is sealed by a good one.
    pub(crate) fn seal(&mut self) -> Result<Option<Footer>> {
        Ok(self.footer()?.filter(|footer| footer.ending == Ending::Sealed))
    }

    /// One block of a footer's table; nothing if it is damaged.
    pub(crate) fn block(&mut self, footer: &Footer, index: usize) -> Result<Option<Vec<u32>>> {
        let ((at, length), base) = (footer.block(index), self.header.chain);
        let bytes = self.bytes(at, length)?;
        Ok(bytes.get(..length).and_then(|bytes| footer::decode_block(bytes, index, base)))
    }

    /// The whole table of a footer; nothing if any of it, or the tag before it, is damaged.
    pub(crate) fn table(&mut self, footer: &Footer) -> Result<Option<Table>> {
        let tag = self.bytes(footer.start(), LENGTH_BYTES)?;
        if tag.first_chunk() != Some(&FOOTER_TAG.to_le_bytes()) {
            return Ok(None);
        }
        let mut positions = Vec::new();
        for index in 0..footer.blocks() {
            match self.block(footer, index)? {
                Some(block) => positions.extend(block),
                None => return Ok(None),
            }
        }
        Ok(Some(Table { stride: footer.stride, positions }))
    }

    /// Moves behind the last record of a segment that is not being written.
    pub(crate) fn seek_end(&mut self, footer: &Footer) {
        (self.at, self.offset) = (footer.data_end, self.header.base + u64::from(footer.count));
        self.chain = footer.chain;
    }

    /// Passes records until the next one is at `offset`.
    pub(crate) fn walk_to(&mut self, offset: u64) -> Result<()> {
        while self.offset < offset {
            if self.pass_good().is_some() {
                continue;
            }
            match self.look()? {
                Item::Record { body, chain, .. } => self.pass(body, chain),
                other => return Err(self.damage(other)),
            }
        }
        Ok(())
    }

    /// Moves to the record at a byte where one is known to start. Takes the chain from the four bytes before the frame; they
    /// may be complemented, the frame itself tells.
    pub(crate) fn jump(&mut self, position: u64, offset: u64) -> Result<()> {
        let before = self.bytes(position.saturating_sub(CHECK_BYTES as u64), CHECK_BYTES)?;
        let stored = if before.len() < CHECK_BYTES { 0 } else { u32_at(before, 0) };
        (self.at, self.offset, self.chain) = (position, offset, stored);
        if let Item::Bad(_) = self.look()? {
            self.chain = !stored;
        }
        Ok(())
    }

    /// The error for something that is not a record where there must be one.
    pub(crate) fn damage(&self, found: Item) -> Error {
        let defect = match found {
            Item::Bad(defect) => defect,
            _ => Defect::Hole { proof: "what follows it" },
        };
        self.damage_here(defect)
    }

    /// Damage at the current place.
    pub(crate) fn damage_here(&self, defect: Defect) -> Error {
        Damage { path: self.path.clone(), byte: self.at, defect, intact: Some(self.offset) }.into()
    }

    /// What further on proves that a record must stand at the current place (FORMAT.md, "Proof").
    /// Costs a read of the rest of the segment; only called once something looks wrong.
    pub(crate) fn proof(&mut self) -> Result<Option<&'static str>> {
        if self.footer()?.is_some_and(|footer| !self.fills_up(&footer)) {
            return Ok(Some("the footer"));
        }
        Ok(proof::find(&self.rest()?, self.offset, &self.header.store))
    }

    /// Whether it is a footer of rest behind the records that were passed, in a segment that is full with it. That one ends the
    /// file before it was synced, and so does not prove that the mark before it was.
    pub(crate) fn fills_up(&self, footer: &Footer) -> bool {
        let count = self.offset - self.header.base;
        let passed = (self.at, count, self.chain) == (footer.data_end, footer.count.into(), footer.chain);
        footer.ending == Ending::AtRest && passed && self.file_bytes == self.header.allocated
    }

    /// Whether the mark stands that belongs to the footer of a segment at rest. Does not move.
    pub(crate) fn has_mark(&mut self, footer: &Footer, head: u64) -> Result<bool> {
        Ok(self.look_at(footer.data_end, footer.chain)? == Item::Mark { head })
    }

    /// Everything from the current place on, with the four bytes before it, without the zeros at the end.
    fn rest(&self) -> Result<Vec<u8>> {
        let start = self.at - CHECK_BYTES as u64;
        // The last record may end with zeros of its own.
        let end = (self.solid_end()? + CHECK_BYTES as u64).min(self.file_bytes).max(start);
        let mut rest = vec![0; (end - start) as usize];
        let count = read_full_at(&*self.file, &mut rest, start).during("read segment", &self.path)?;
        rest.truncate(count);
        Ok(rest)
    }

    /// The byte after the last one that is not zero, or the current place if all are. Reads the rest of the file, as far as it
    /// was written, and keeps none of it.
    pub(crate) fn solid_end(&self) -> Result<u64> {
        let (mut solid, anywhere) = (self.at, 0..u64::MAX);
        for range in self.written.as_deref().unwrap_or(std::slice::from_ref(&anywhere)) {
            solid = solid.max(self.solid_in(range.start.max(self.at)..range.end.min(self.file_bytes))?);
        }
        Ok(solid)
    }

    /// The same for a part of it; 0 if all of that is zeros.
    fn solid_in(&self, part: Range<u64>) -> Result<u64> {
        let (mut piece, mut at, mut solid) = (Vec::new(), part.start, 0);
        while at < part.end {
            piece.resize((part.end - at).min(WINDOW_BYTES_MAX as u64) as usize, 0);
            let count = read_full_at(&*self.file, &mut piece, at).during("read segment", &self.path)?;
            if count == 0 {
                break;
            }
            solid = last_solid(&piece[..count]).map_or(solid, |last| at + last as u64 + 1);
            at += count as u64;
        }
        Ok(solid)
    }
}

/// Where the last byte is that is not zero. Most pieces are zeros, so whole runs are looked at before single bytes.
fn last_solid(piece: &[u8]) -> Option<usize> {
    const RUN: usize = 256;
    let is_solid = |run: &[u8]| run.iter().fold(0, |all, byte| all | byte) != 0;
    let run = piece.chunks(RUN).rposition(is_solid)?;
    let start = run * RUN;
    piece[start..].iter().rposition(|&byte| byte != 0).map(|last| start + last)
}
