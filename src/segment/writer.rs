//! Writes the active segment: batches, marks, and at the end the footer.
//!
//! Always: a batch is durable when [`SegmentWriter::append`] returns, and a new segment's name is durable before
//! anything is written into it. After any error the writer must not be used again; the log poisons itself.

use super::format::{self, Chain, Footer, HEADER_BYTES, Header, MARK_BYTES, POSITION_STRIDE};
use super::{path_of, unfinished};
use crate::error::{IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at, write_all_at};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    file: Arc<dyn File>,
    path: PathBuf,
    header: Header,
    count: u32,
    /// Where the next frame goes, in bytes.
    end: u64,
    chain: Chain,
    positions: Vec<u32>,
    /// Whether this session has made sure that the file has its full length, durably.
    extended: bool,
}

/// Frames that are written and synced together.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// The frames, one after the other.
    pub(crate) frames: &'a mut [u8],
    /// Where each frame ends, less `start`, in `frames`.
    pub(crate) ends: &'a [usize],
    /// Where the first frame starts.
    pub(crate) start: usize,
    /// The chain after the last of them.
    pub(crate) chain: Chain,
}

/// What recovery or a reader found out about a segment that is not sealed.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) header: Header,
    pub(crate) count: u32,
    pub(crate) end: u64,
    pub(crate) chain: Chain,
    pub(crate) positions: Vec<u32>,
    pub(crate) file_bytes: u64,
    /// Whether a mark stands at the end.
    pub(crate) marked: bool,
    /// Where the last batch starts: nothing after it proves that this batch was synced.
    pub(crate) last_batch: u64,
}

impl SegmentWriter {
    /// Makes a new segment, durable before this returns; an empty one of the same name is replaced. Costs two syncs.
    pub(crate) fn create(disk: &dyn Disk, dir: &Path, header: Header) -> Result<SegmentWriter> {
        let path = path_of(dir, header.base);
        let unfinished = unfinished(&path);
        if disk.remove(&unfinished).is_ok() {
            tracing::debug!(path = %unfinished.display(), "removed an unfinished segment");
        }
        let file = disk.open(&unfinished, Access::Create).during("create segment", &unfinished)?;
        file.allocate(header.allocated).during("allocate segment", &unfinished)?;
        write_all_at(&*file, &header.encode(), 0).during("write segment header", &unfinished)?;
        let mark = format::mark(header.base, header.chain);
        write_all_at(&*file, &mark, HEADER_BYTES as u64).during("write segment header", &unfinished)?;
        file.sync().during("sync segment", &unfinished)?;
        disk.rename(&unfinished, &path).during("rename segment", &path)?;
        disk.sync_dir(dir).during("sync directory", dir)?;
        let (end, chain) = (HEADER_BYTES as u64, header.chain);
        Ok(SegmentWriter { file, path, header, count: 0, end, chain, positions: Vec::new(), extended: true })
    }

    /// Goes on where an unsealed segment ends.
    pub(crate) fn resume(disk: &dyn Disk, path: PathBuf, extent: Extent) -> Result<SegmentWriter> {
        let file = disk.open(&path, Access::Write).during("open segment for writing", &path)?;
        let Extent { header, count, end, chain, positions, .. } = extent;
        Ok(SegmentWriter { file, path, header, count, end, chain, positions, extended: false })
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// Where every 16th record starts, in bytes.
    pub(crate) fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The offset after the last record.
    pub(crate) fn head(&self) -> u64 {
        self.header.base + u64::from(self.count)
    }

    /// How many of the leading frames fit below the allocated length. Nothing is ever written beyond it: that is how a file
    /// that was cut short is told from one that a power cut kept from growing.
    pub(crate) fn room_for(&self, ends: &[usize], start: usize) -> usize {
        let fits = |&(index, end): &(usize, &usize)| {
            let footer = Footer::bytes_for(self.count.saturating_add(index as u32 + 1)).max(MARK_BYTES);
            self.end + (*end - start + footer) as u64 <= self.header.allocated
        };
        ends.iter().enumerate().take_while(fits).count()
    }

    /// How large a segment must be to hold a single frame.
    pub(crate) fn bytes_for(frame_bytes: usize) -> u64 {
        (HEADER_BYTES + frame_bytes + Footer::bytes_for(1)) as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes a batch, makes it durable, and says so with a mark. One sync.
    pub(crate) fn append(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.extend()?;
        let first = batch.ends.first().map_or(0, |end| end - batch.start);
        format::mark_first(&mut batch.frames[..first]);
        write_all_at(&*self.file, &*batch.frames, self.end).during("append to segment", &self.path)?;
        self.sync()?;
        self.account(batch);
        self.write_mark()
    }

    fn account(&mut self, batch: &Batch<'_>) {
        let mut start = batch.start;
        for end in batch.ends {
            if self.count.is_multiple_of(POSITION_STRIDE) {
                self.positions.push((self.end + (start - batch.start) as u64) as u32);
            }
            self.count += 1;
            start = *end;
        }
        self.end += batch.frames.len() as u64;
        self.chain = batch.chain;
    }

    /// Gives a cleanly closed file its full length back, before its mark is overwritten: until then it ends with a
    /// mark, from then on it is long enough, and at no time is it neither. A length that is there already may be what
    /// a session before this one failed to sync, so it is synced once in each session.
    fn extend(&mut self) -> Result<()> {
        if !self.extended {
            self.file.allocate(self.header.allocated).during("allocate segment", &self.path)?;
            self.sync()?;
            self.extended = true;
        }
        Ok(())
    }

    /// Makes what a session before this one wrote, from byte `from` on, durable. Writes it once more: if the sync of that
    /// session failed, the kernel has dropped the pages, shows them all the same, and a sync alone would do nothing.
    pub(crate) fn renew(&mut self, from: u64) -> Result<()> {
        const PIECE_BYTES: u64 = 1 << 20;
        let mut at = from;
        while at < self.end {
            let mut piece = vec![0; (self.end - at).min(PIECE_BYTES) as usize];
            let count = read_full_at(&*self.file, &mut piece, at).during("read segment", &self.path)?;
            write_all_at(&*self.file, &piece[..count], at).during("renew segment", &self.path)?;
            at += (count as u64).max(1);
        }
        self.extend()
    }

    pub(crate) fn sync(&self) -> Result<()> {
        let span = tracing::debug_span!("sync", segment = self.header.base, end = self.end);
        span.in_scope(|| self.file.sync()).during("sync segment", &self.path)
    }

    /// Says that everything written so far is durable, which it must be. The mark itself is not synced.
    pub(crate) fn write_mark(&self) -> Result<()> {
        let mark = format::mark(self.head(), self.chain);
        write_all_at(&*self.file, &mark, self.end).during("mark segment", &self.path)
    }

    /// Ends the segment with a footer. Its successor must exist durably. Two syncs, or three where the file was closed
    /// before: a footer is longer than the mark it overwrites, so the file needs its length back first.
    pub(crate) fn seal(mut self) -> Result<()> {
        self.extend()?;
        let footer = Footer {
            positions: self.positions.clone(),
            count: self.count,
            data_end: self.end,
            chain: self.chain,
        };
        let bytes = footer.encode();
        write_all_at(&*self.file, &bytes, self.end).during("write segment footer", &self.path)?;
        self.sync()?;
        self.file.set_len(self.end + bytes.len() as u64).during("trim segment", &self.path)?;
        self.sync()?;
        tracing::debug!(segment = self.header.base, records = self.count, bytes = self.end, "sealed");
        Ok(())
    }

    /// Ends a session: the mark becomes durable, then the file is cut to end with it.
    pub(crate) fn close(&mut self) -> Result<()> {
        if !self.extended {
            return Ok(());
        }
        self.write_mark()?;
        self.sync()?;
        self.file.set_len(self.end + MARK_BYTES as u64).during("trim segment", &self.path)?;
        self.extended = false;
        self.sync()
    }
}
