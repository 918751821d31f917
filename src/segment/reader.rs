//! Walks over the records of one segment, in order, verifying each.
//!
//! Reads large pieces into one buffer that is reused. Decides nothing: it says what stands at a place, and whether
//! something further on proves that a record must have been there; `log` and `recovery` draw the conclusions.
//! Readers never write.

use super::format::{self, CHECK_BYTES, Chain, FOOTER_TAIL_BYTES, Footer, HEADER_BYTES, Header, Item};
use super::format::{LENGTH_BYTES, MARK_BYTES, POSITION_STRIDE, RECORD_BYTES_MAX, u32_at, u64_at};
use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read at a time, in bytes.
const WINDOW_BYTES: usize = 256 * 1024;

/// A place in one segment, and the way on from there.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    file: Arc<dyn File>,
    path: PathBuf,
    header: Header,
    window: Vec<u8>,
    /// The byte of the file at which the window starts.
    window_at: u64,
    file_bytes: u64,
    /// The byte of the next frame, its offset, and the chain before it.
    at: u64,
    offset: u64,
    chain: Chain,
}

impl SegmentReader {
    /// Opens a segment and reads its header; checks that the file's name says what is in it.
    pub(crate) fn open(disk: &dyn Disk, path: PathBuf, named: u64) -> Result<SegmentReader> {
        let file = disk.open(&path, Access::Read).during("open segment", &path)?;
        let mut bytes = [0; HEADER_BYTES];
        let count = read_full_at(&*file, &mut bytes, 0).during("read segment header", &path)?;
        let header = Header::decode(&bytes[..count], &path)?;
        if header.base != named {
            let defect = Defect::Misnamed { named, found: header.base };
            return Err(Damage { path, byte: 32, defect, intact: None }.into());
        }
        let file_bytes = file.len().during("measure segment", &path)?;
        let (at, offset, chain) = (HEADER_BYTES as u64, header.base, header.chain);
        Ok(SegmentReader {
            file,
            path,
            header,
            window: Vec::new(),
            window_at: 0,
            file_bytes,
            at,
            offset,
            chain,
        })
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

    /// What stands at the current place. Does not move.
    pub(crate) fn look(&mut self) -> Result<Item> {
        self.look_at(self.at, self.chain)
    }

    fn look_at(&mut self, at: u64, chain: Chain) -> Result<Item> {
        let mut wanted = LENGTH_BYTES;
        loop {
            let rest = self.file_bytes.saturating_sub(at);
            let window = self.bytes(at, wanted)?;
            match format::parse(window, rest, chain) {
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
        let (mut at, mut chain) = (self.at, self.chain);
        loop {
            match self.look_at(at, chain)? {
                Item::Record { first: true, .. } if at > self.at => return Ok(at),
                Item::Record { body, chain: after, .. } => {
                    at += (body + format::FRAME_BYTES) as u64;
                    chain = after;
                }
                Item::Mark { .. } | Item::FooterTag => return Ok(at),
                _ => return Ok(self.at),
            }
        }
    }

    /// The body of the record that [`look`](Self::look) just found here.
    pub(crate) fn body(&self, length: usize) -> &[u8] {
        let start = (self.at - self.window_at) as usize + LENGTH_BYTES;
        &self.window[start..start + length]
    }

    /// Moves past the record that [`look`](Self::look) just found here.
    pub(crate) fn pass(&mut self, length: usize, chain: Chain) {
        self.at += (length + format::FRAME_BYTES) as u64;
        self.offset += 1;
        self.chain = chain;
    }

    /// Forgets what was read ahead: the bytes from here on may have changed.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        self.window.clear();
        self.file_bytes = self.file.len().during("measure segment", &self.path)?;
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

    fn fill(&mut self, at: u64, wanted: usize) -> Result<()> {
        let rest = usize::try_from(self.file_bytes.saturating_sub(at)).unwrap_or(usize::MAX);
        self.window.resize(wanted.max(WINDOW_BYTES).min(rest), 0);
        let count = read_full_at(&*self.file, &mut self.window, at).during("read segment", &self.path)?;
        self.window.truncate(count);
        self.window_at = at;
        Ok(())
    }

    /// The footer, if the segment is sealed by a good one.
    pub(crate) fn footer(&mut self) -> Result<Option<Footer>> {
        let Some(tail_at) = self.file_bytes.checked_sub(FOOTER_TAIL_BYTES as u64) else { return Ok(None) };
        let file_bytes = self.file_bytes;
        let Some(tail) = self.bytes(tail_at, FOOTER_TAIL_BYTES)?.first_chunk::<FOOTER_TAIL_BYTES>() else {
            return Ok(None);
        };
        let Some(start) = Footer::start(tail, file_bytes) else { return Ok(None) };
        if start < HEADER_BYTES as u64 {
            return Ok(None);
        }
        let wanted = (file_bytes - start) as usize;
        let bytes = self.bytes(start, wanted)?;
        Ok(Footer::decode(bytes).filter(|footer| footer.data_end == start))
    }

    /// Moves to a record of a sealed segment without reading what precedes it.
    /// At most 15 frames are scanned.
    pub(crate) fn seek(&mut self, offset: u64, footer: &Footer) -> Result<()> {
        let index = offset - self.header.base;
        let stride = u64::from(POSITION_STRIDE);
        if index >= u64::from(footer.count) {
            (self.at, self.offset, self.chain) =
                (footer.data_end, self.header.base + u64::from(footer.count), footer.chain);
            return Ok(());
        }
        let position = footer.positions.get((index / stride) as usize).copied().unwrap_or(0);
        self.jump(position.into(), self.header.base + index / stride * stride)?;
        while self.offset < offset {
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

    /// Whether the file ends as a segment may: at least as long as it was allocated, or with a good mark.
    pub(crate) fn ends_properly(&mut self) -> Result<bool> {
        loop {
            if self.file_bytes >= self.header.allocated || self.ends_with_mark()? {
                return Ok(true);
            }
            // A writer may extend the file and overwrite the mark just now.
            let before = self.file_bytes;
            self.refresh()?;
            if self.file_bytes == before {
                return Ok(false);
            }
        }
    }

    fn ends_with_mark(&mut self) -> Result<bool> {
        let tail = (CHECK_BYTES + MARK_BYTES) as u64;
        if self.file_bytes < HEADER_BYTES as u64 + MARK_BYTES as u64 {
            return Ok(false);
        }
        let bytes = self.bytes(self.file_bytes - tail, tail as usize)?;
        Ok(bytes.len() == tail as usize && is_mark(bytes))
    }

    /// What further on proves that a record must stand at the current place (FORMAT.md, "Proof").
    /// Costs a read of the rest of the segment; only called once something looks wrong.
    pub(crate) fn proof(&mut self) -> Result<Option<&'static str>> {
        if self.footer()?.is_some() {
            return Ok(Some("the footer"));
        }
        Ok(find_proof(&self.rest()?, self.offset))
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

    /// The byte after the last one that is not zero, or the current place if all are. Reads the rest of the file, keeps
    /// none of it.
    pub(crate) fn solid_end(&self) -> Result<u64> {
        let left = usize::try_from(self.file_bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(WINDOW_BYTES)];
        let (mut at, mut solid) = (self.at, self.at);
        while at < self.file_bytes {
            let count = read_full_at(&*self.file, &mut piece, at).during("read segment", &self.path)?;
            if count == 0 {
                break;
            }
            let last = piece[..count].iter().rposition(|&byte| byte != 0);
            solid = last.map_or(solid, |last| at + last as u64 + 1);
            at += count as u64;
        }
        Ok(solid)
    }
}

/// Whether a mark follows the first four bytes. If these are damaged too its check cannot be computed; then it is enough
/// that it names a head that as many bytes could have led to.
fn could_be_mark(bytes: &[u8], offset: u64) -> bool {
    let head = u64_at(bytes, CHECK_BYTES + LENGTH_BYTES);
    let most = u64::from(u32::MAX) / format::FRAME_BYTES as u64;
    is_mark(bytes) || (head > offset && head - offset <= most)
}

/// Four bytes of check followed by a mark that continues from it.
fn is_mark(bytes: &[u8]) -> bool {
    let before = u32_at(bytes, 0);
    [before, !before].into_iter().any(|chain| {
        matches!(format::parse(&bytes[CHECK_BYTES..], MARK_BYTES as u64, chain), Item::Mark { .. })
    })
}

/// Looks for a mark or the first record of a batch behind the (bad) place `bytes[4..]`.
///
/// Every byte is a candidate, but few lengths are plausible, and fewer lead from one plausible length to the next; only
/// those are checksummed. A budget bounds even bytes made to deceive; when it is used up we answer as if proof had been
/// found, because an error can be looked into and a cut cannot be undone.
fn find_proof(bytes: &[u8], offset: u64) -> Option<&'static str> {
    let mut budget = 64 * bytes.len() as u64 + (1 << 20);
    for at in LENGTH_BYTES + 1..bytes.len().saturating_sub(LENGTH_BYTES - 1) {
        let word = u32_at(bytes, at);
        if word == 0 {
            continue;
        }
        if word == u32::MAX
            && at + MARK_BYTES <= bytes.len()
            && could_be_mark(&bytes[at - CHECK_BYTES..], offset)
        {
            return Some("a later mark");
        }
        if word > RECORD_BYTES_MAX || !leads_on(bytes, at) {
            continue;
        }
        budget = match budget.checked_sub(word.into()) {
            Some(left) => left,
            None => return Some("possibly a later record (too many candidates to tell)"),
        };
        if starts_batch(bytes, at) {
            return Some("a later record");
        }
    }
    None
}

/// Whether the length at `at` leads over a few plausible frames, or to the end.
fn leads_on(bytes: &[u8], mut at: usize) -> bool {
    const HOPS: usize = 4;
    for _ in 0..HOPS {
        if at + LENGTH_BYTES > bytes.len() {
            return true;
        }
        match u32_at(bytes, at) {
            0 | u32::MAX => return true,
            length if length == u32::MAX - 1 => return true,
            length
                if length > RECORD_BYTES_MAX || at + length as usize + format::FRAME_BYTES > bytes.len() =>
            {
                return false;
            }
            length => at += length as usize + format::FRAME_BYTES,
        }
    }
    true
}

fn starts_batch(bytes: &[u8], at: usize) -> bool {
    let before = u32_at(bytes, at - CHECK_BYTES);
    let rest = (bytes.len() - at) as u64;
    let first_after =
        |chain| matches!(format::parse(&bytes[at..], rest, chain), Item::Record { first: true, .. });
    // The chain here is what is stored or its complement; take the reading under which the record is good at all.
    first_after(before) || first_after(!before)
}
