//! Writes the active segment: batches, marks, and at the end the footer.
//!
//! Always: what [`SegmentWriter::write`] took is durable when [`SegmentWriter::commit`] returns, and a new segment's name
//! is durable before anything is written into it. After any error the writer must not be used again; the log poisons itself.

use super::copy::fresh;
use super::footer::{self, Ending, Footer, Table};
use super::format::{self, HEADER_BYTES, Header, Item, MARK_BYTES};
use super::path_of;
use super::positions::Positions;
use super::reader::SegmentReader;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at, write_all_at};
use crate::layout::{Chain, unfinished};
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
    positions: Arc<Positions>,
    /// Whether this session has made sure that the file has its full length, durably.
    extended: bool,
    /// Up to which byte a footer of rest stands behind the mark; 0 if there is none.
    footer_until: u64,
    /// Whether all that was written is durable.
    synced: bool,
    /// Up to which byte the file was written, if only with zeros.
    written: u64,
}

/// How many zeros are written ahead of small batches, and in which pieces.
const AHEAD_BYTES: u64 = 64 * 1024;
static ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];
/// Larger batches pay little for what is saved by writing ahead, and more for the zeros.
const SMALL_BATCH_BYTES: usize = 16 * 1024;

/// Frames that are written together.
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
    pub(crate) table: Table,
    /// Whether a clean close made this the end, and nothing has been done since.
    pub(crate) at_rest: bool,
    /// Up to which byte a footer of rest stands behind the mark, though this may not be the end any more; 0 if there is none.
    pub(crate) footer_until: u64,
    /// Where the last batch starts: nothing after it proves that this batch was synced.
    pub(crate) last_batch: u64,
}

impl SegmentWriter {
    /// Makes a new segment, durable before this returns; an empty one of the same name is replaced. Costs two syncs.
    pub(crate) fn create(disk: &dyn Disk, dir: &Path, header: Header) -> Result<SegmentWriter> {
        let path = path_of(dir, header.base);
        refuse_to_replace(disk, &path, header.base)?;
        let unfinished = unfinished(&path);
        if disk.remove(&unfinished).is_ok() {
            tracing::debug!(path = %unfinished.display(), "removed an unfinished segment");
        }
        let file = disk.open(&unfinished, Access::Create).during("create segment", &unfinished)?;
        file.allocate(header.allocated).during("allocate segment", &unfinished)?;
        write_all_at(&*file, &header.encode(), 0).during("write segment header", &unfinished)?;
        let mark = format::mark(&header.store, header.base, header.chain);
        write_all_at(&*file, &mark, HEADER_BYTES as u64).during("write segment header", &unfinished)?;
        file.sync().during("sync segment", &unfinished)?;
        disk.rename(&unfinished, &path).during("rename segment", &path)?;
        disk.sync_dir(dir).during("sync directory", dir)?;
        Ok(SegmentWriter {
            file,
            path,
            header,
            count: 0,
            end: HEADER_BYTES as u64,
            chain: header.chain,
            positions: Arc::new(Positions::none_of(header.allocated)),
            extended: true,
            footer_until: 0,
            synced: true,
            written: 0,
        })
    }

    /// Goes on where an unsealed segment ends.
    pub(crate) fn resume(disk: &dyn Disk, path: PathBuf, extent: Extent) -> Result<SegmentWriter> {
        let file = disk.open(&path, Access::Write).during("open segment for writing", &path)?;
        let Extent { header, count, end, chain, table, footer_until, .. } = extent;
        let positions = Arc::new(Positions::of(table, end, header.allocated));
        let (extended, synced, written) = (false, true, 0);
        Ok(SegmentWriter {
            file,
            path,
            header,
            count,
            end,
            chain,
            positions,
            extended,
            footer_until,
            synced,
            written,
        })
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// Where its records are, as it grows.
    pub(crate) fn positions(&self) -> &Arc<Positions> {
        &self.positions
    }

    /// The offset after the last record.
    pub(crate) fn head(&self) -> u64 {
        self.header.base + u64::from(self.count)
    }

    /// How many of the leading frames fit below the allocated length. Nothing is ever written beyond it: that is how a file
    /// that was cut short is told from one that a power cut kept from growing.
    pub(crate) fn room_for(&self, ends: &[usize], start: usize) -> usize {
        let fits = |count: usize| {
            let end = count.checked_sub(1).and_then(|last| ends.get(last)).map_or(0, |end| end - start);
            let (records, end) = (self.count.saturating_add(count as u32), self.end + end as u64);
            let stride = footer::stride_for(records, end).max(self.positions.stride());
            end + SegmentWriter::ending_bytes(records, stride) <= self.header.allocated
        };
        if fits(ends.len()) {
            return ends.len();
        }
        (1..=ends.len()).take_while(|&count| fits(count)).count()
    }

    /// What must fit behind so many records: a mark and a footer.
    fn ending_bytes(records: u32, stride: u32) -> u64 {
        (MARK_BYTES + Footer::bytes_for(records, stride)) as u64
    }

    /// How large a segment must be to hold a single frame.
    pub(crate) fn bytes_for(frame_bytes: usize) -> u64 {
        (HEADER_BYTES + frame_bytes) as u64 + SegmentWriter::ending_bytes(1, 1)
    }

    /// Where the next frame goes, in bytes.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Whether the disk has room for another segment of so many bytes just now.
    pub(crate) fn has_room_beside(&self, disk: &dyn Disk, bytes: u64) -> bool {
        let path = unfinished(&self.path);
        let made = fresh(disk, &path).is_ok_and(|file| file.allocate(bytes).is_ok());
        disk.remove(&path).is_ok() && made
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes a batch, without making it durable. If all before it is, its first record says so.
    pub(crate) fn write(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.extend()?;
        if self.synced {
            let first = batch.ends.first().map_or(0, |end| end - batch.start);
            format::mark_first(&mut batch.frames[..first]);
        }
        self.synced = false;
        debug_assert!(
            self.end + batch.frames.len() as u64 + MARK_BYTES as u64 <= self.header.allocated,
            "nothing is written beyond what was allocated"
        );
        write_all_at(&*self.file, &*batch.frames, self.end).during("append to segment", &self.path)?;
        self.account(batch);
        self.write_ahead(batch.frames.len())
    }

    /// Writes zeros behind a small batch, to be synced with it. Space that was reserved but never written is noted as in use
    /// when it is first synced, which costs the file system a write to its journal: so once for many batches, not for
    /// every one that begins a block. Zeros are what stands there anyway.
    fn write_ahead(&mut self, batch_bytes: usize) -> Result<()> {
        let marked = self.end + MARK_BYTES as u64;
        if marked <= self.written || batch_bytes > SMALL_BATCH_BYTES {
            return Ok(());
        }
        let until = (marked + AHEAD_BYTES).min(self.header.allocated);
        let mut at = self.end;
        while at < until {
            let piece = (until - at).min(ZEROS.len() as u64);
            write_all_at(&*self.file, &ZEROS[..piece as usize], at).during("write ahead", &self.path)?;
            at += piece;
        }
        self.written = until;
        Ok(())
    }

    /// Makes all that was written durable and says so with a mark. One sync, or none if there is nothing to do.
    pub(crate) fn commit(&mut self) -> Result<()> {
        if self.synced {
            return Ok(());
        }
        self.sync()?;
        self.synced = true;
        self.write_mark()
    }

    fn account(&mut self, batch: &Batch<'_>) {
        let stride = self.positions.stride();
        let next = (self.count.next_multiple_of(stride) - self.count) as usize;
        for index in (next..batch.ends.len()).step_by(stride as usize) {
            let start = index.checked_sub(1).map_or(batch.start, |before| batch.ends[before]);
            self.positions.push((self.end + (start - batch.start) as u64) as u32);
        }
        self.count += batch.ends.len() as u32;
        self.end += batch.frames.len() as u64;
        self.positions.ends_at(self.end);
        self.chain = batch.chain;
    }

    /// Gives a cleanly closed file its full length back, before its mark is overwritten: until then it ends with a footer or a
    /// mark, from then on it is long enough, and at no time is it neither. A length that is there already may be what
    /// a session before this one failed to sync, so it is synced once in each session. The footer of a segment at rest
    /// goes then, so that zeros stand behind the mark; not before, or a power cut could leave half of one at the end.
    fn extend(&mut self) -> Result<()> {
        if !self.extended {
            self.file.allocate(self.header.allocated).during("allocate segment", &self.path)?;
            self.sync()?;
            let marked = self.end + MARK_BYTES as u64;
            if self.footer_until > marked {
                let zeros = vec![0; (self.footer_until - marked) as usize];
                write_all_at(&*self.file, &zeros, marked).during("remove segment footer", &self.path)?;
            }
            (self.extended, self.footer_until) = (true, 0);
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

    fn sync(&self) -> Result<()> {
        let span = tracing::debug_span!("sync", segment = self.header.base, end = self.end);
        span.in_scope(|| self.file.sync()).during("sync segment", &self.path)
    }

    /// Says that everything written so far is durable, which it must be. The mark itself is not synced.
    pub(crate) fn write_mark(&self) -> Result<()> {
        debug_assert!(self.synced, "a mark says that all before it is durable");
        let mark = format::mark(&self.header.store, self.head(), self.chain);
        write_all_at(&*self.file, &mark, self.end).during("mark segment", &self.path)
    }

    /// Ends the segment with a footer. Its successor must exist durably, and all that was written be so too. Two syncs, or
    /// three where the file was closed before: a footer is longer than the mark it overwrites, so the file needs its
    /// length back first.
    pub(crate) fn seal(mut self) -> Result<()> {
        self.extend()?;
        self.finish(Ending::Sealed)?;
        tracing::debug!(segment = self.header.base, records = self.count, bytes = self.end, "sealed");
        Ok(())
    }

    /// Ends a session: mark and footer become durable, then the file is cut to end with them. Two syncs; none if nothing
    /// was done.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.commit()?;
        if !self.extended {
            return Ok(());
        }
        self.write_mark()?;
        self.footer_until = self.finish(Ending::AtRest)?;
        self.extended = false;
        Ok(())
    }

    /// Returns the length of the file.
    fn finish(&self, ending: Ending) -> Result<u64> {
        let table = self.positions.table();
        let limit = self.header.allocated;
        let footer = Footer::over(ending, self.count, self.end, self.chain, &table, limit);
        let bytes = footer.encode(table, self.header.chain);
        write_all_at(&*self.file, &bytes, footer.start()).during("write segment footer", &self.path)?;
        self.sync()?;
        let len = footer.start() + bytes.len() as u64;
        self.file.set_len(len).during("trim segment", &self.path)?;
        self.sync()?;
        Ok(len)
    }
}

/// A new segment may take the place of an empty one, or of what is damaged and was copied aside, but not of records. Whoever
/// creates a log has looked, so this finds only what somebody puts into the directory of a log that is open.
fn refuse_to_replace(disk: &dyn Disk, path: &Path, base: u64) -> Result<()> {
    match SegmentReader::open(disk, path.to_owned(), base) {
        Ok(mut reader) => match reader.look()? {
            Item::Record { .. } => Err(Error::Exists { path: path.to_owned() }),
            _ => Ok(()),
        },
        Err(Error::Damaged(_)) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
