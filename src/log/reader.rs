//! Reads records in order, from any offset, across segments, while a writer may be at work.
//!
//! Always: only durable records come out, verified, in order and without gaps; the end of what is durable is not an
//! error, and the reader goes on from there when asked again.

use super::durable::Durable;
use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::Disk;
use crate::segment::format::{Chain, Item, StoreId};
use crate::segment::path_of;
use crate::segment::reader::SegmentReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a reader knows what is durable.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// From the writer in the same process.
    Head(Arc<Durable>),
    /// From the proofs in the segments (FORMAT.md), and from what was proven before: a writer overwrites a mark with the
    /// next batch, so that for a moment, or after a crash in that moment, nothing but memory proves what it proved.
    Proof(Arc<AtomicU64>),
}

/// One record as it lies in the log.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) store: StoreId,
    pub(crate) offset: u64,
    pub(crate) body: &'a [u8],
    /// The chain after this record.
    pub(crate) chain: Chain,
    /// Where its frame starts.
    pub(crate) path: &'a Path,
    pub(crate) byte: u64,
}

/// A position in the log that moves forward.
#[derive(Debug)]
pub(crate) struct Records {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    bound: Bound,
    segment: SegmentReader,
    /// Records before this byte of the segment are known to be durable.
    proven_until: u64,
    /// The record that was handed out last, not passed yet.
    current: Option<(usize, Chain)>,
}

impl Records {
    /// Starts at `offset`, which must not be beyond what is durable; `base` is the segment that holds it.
    pub(crate) fn start(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        bound: Bound,
        base: u64,
        offset: u64,
    ) -> Result<Records> {
        let mut segment = SegmentReader::open(&**disk, path_of(dir, base), base)?;
        let footer = segment.footer()?;
        let proven_until = if footer.is_some() { u64::MAX } else { 0 };
        if let Some(footer) = footer {
            segment.seek(offset, &footer)?;
        } else if let Bound::Head(durable) = &bound
            && let Some((byte, near)) = durable.place_before(base, offset)
        {
            segment.jump(byte, near)?;
        }
        let (disk, dir) = (Arc::clone(disk), dir.to_owned());
        let mut records = Records { disk, dir, bound, segment, proven_until, current: None };
        while records.offset() < offset {
            if records.next()?.is_none() {
                let head = records.offset();
                return Err(Error::BeyondHead { version: offset, head });
            }
        }
        records.settle();
        Ok(records)
    }

    /// The offset of the next record.
    pub(crate) fn offset(&self) -> u64 {
        self.segment.offset() + u64::from(self.current.is_some())
    }

    /// The chain before the next record.
    pub(crate) fn chain(&self) -> Chain {
        self.current.map_or(self.segment.chain(), |(_, chain)| chain)
    }

    fn settle(&mut self) {
        if let Some((length, chain)) = self.current.take() {
            self.segment.pass(length, chain);
        }
    }

    /// The next durable record, or nothing while there is none.
    pub(crate) fn next(&mut self) -> Result<Option<Frame<'_>>> {
        self.settle();
        let Some((length, chain)) = self.advance()? else { return Ok(None) };
        self.current = Some((length, chain));
        let segment = &self.segment;
        let (offset, byte, path) = (segment.offset(), segment.at(), segment.path());
        Ok(Some(Frame {
            store: segment.header().store,
            offset,
            body: segment.body(length),
            chain,
            path,
            byte,
        }))
    }

    fn advance(&mut self) -> Result<Option<(usize, Chain)>> {
        loop {
            match self.segment.look()? {
                Item::Record { body, chain, .. } => {
                    if self.is_durable(body)? {
                        // Looking for proof may have moved the window.
                        self.segment.look()?;
                        return Ok(Some((body, chain)));
                    }
                    self.segment.refresh()?;
                    return Ok(None);
                }
                Item::FooterTag => self.next_segment()?,
                _ if !self.is_owed()? => return Ok(None),
                _ => self.insist()?,
            }
        }
    }

    fn is_durable(&mut self, length: usize) -> Result<bool> {
        let offset = self.segment.offset();
        let known = match &self.bound {
            Bound::Head(head) => return Ok(offset < head.head()),
            Bound::Proof(known) => known,
        };
        if offset < known.load(Ordering::Acquire) {
            return Ok(true);
        }
        let end = self.segment.at() + crate::log::framed_bytes(length) as u64;
        if self.proven_until < end {
            self.proven_until = self.segment.proven_until()?;
        }
        let proven = end <= self.proven_until;
        if proven {
            known.fetch_max(offset + 1, Ordering::AcqRel);
        }
        Ok(proven)
    }

    /// Whether a record must be here although something else was seen. Leaves fresh bytes for the second look: what was
    /// seen may have been read before it was written.
    fn is_owed(&mut self) -> Result<bool> {
        self.refresh()?;
        match &self.bound {
            Bound::Head(head) => Ok(self.segment.offset() < head.head()),
            Bound::Proof(known) if self.segment.offset() < known.load(Ordering::Acquire) => Ok(true),
            Bound::Proof(_) => {
                let at_mark = matches!(self.segment.look()?, Item::Mark { .. });
                Ok(!at_mark && self.segment.proof()?.is_some())
            }
        }
    }

    /// A segment that is still empty may have been replaced by a larger one since it was opened: open files are not.
    fn refresh(&mut self) -> Result<()> {
        let base = self.segment.header().base;
        if self.segment.offset() == base {
            self.segment = SegmentReader::open(&*self.disk, self.segment.path().to_owned(), base)?;
        }
        self.segment.refresh()
    }

    /// Looks once more, with fresh bytes; what is still no record is damage.
    fn insist(&mut self) -> Result<()> {
        self.refresh()?;
        match self.segment.look()? {
            Item::Record { .. } | Item::FooterTag => Ok(()),
            other => Err(self.segment.damage(other)),
        }
    }

    fn next_segment(&mut self) -> Result<()> {
        let base = self.segment.offset();
        let next = match SegmentReader::open(&*self.disk, path_of(&self.dir, base), base) {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(self.segment.damage_here(Defect::SuccessorMissing { offset: base }));
            }
            answer => answer?,
        };
        continues(&self.segment, &next)?;
        self.segment = next;
        self.proven_until = if self.segment.footer()?.is_some() { u64::MAX } else { 0 };
        Ok(())
    }
}

fn continues(before: &SegmentReader, next: &SegmentReader) -> Result<()> {
    let (header, expected) = (next.header(), before.chain());
    let defect = if header.store != before.header().store {
        Defect::Foreign
    } else if header.chain != expected {
        Defect::Chain { expected, found: header.chain }
    } else {
        return Ok(());
    };
    Err(Damage { path: next.path().to_owned(), byte: 0, defect, intact: Some(before.offset()) }.into())
}

/// Lists the base offsets of the segments in `dir`, ascending.
pub(crate) fn bases(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>> {
    Ok(crate::segment::bases_in(&disk.list(dir).during("list store", dir)?))
}
