//! [`Records`]: the records of a log in order, from any offset on, across segments, while a writer may be at work.
//!
//! Always: only durable records come out, verified, in order and without gaps; the end of what is durable is not an
//! error, and reading goes on from there when asked again.

use super::reader::{Bound, Seen};
use crate::error::{Damage, Defect, Error, ErrorKind, Result};
use crate::io::Disk;
use crate::layout::StoreId;
use crate::segment::bases_in;
use crate::segment::format::{FRAME_BYTES, Item};
use crate::segment::reader::SegmentReader;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

/// How often a log is looked at whose writer is in another process and cannot tell when there is more.
const POLL_EVERY: Duration = Duration::from_millis(5);

/// One record as it lies in the log, lent by who read it.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// What has just passed it: all else follows from there, for who asks.
    segment: &'a SegmentReader,
    length: usize,
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("offset", &self.offset()).field("payload", &self.payload()).finish()
    }
}

impl<'a> Record<'a> {
    /// Its place in the log.
    pub fn offset(&self) -> u64 {
        self.segment.offset() - 1
    }

    /// What was appended.
    pub fn payload(&self) -> &'a [u8] {
        self.segment.passed(self.length).1
    }

    /// The checksum that identifies the log up to and including this record.
    pub fn chain(&self) -> u32 {
        self.segment.chain()
    }

    /// Whose it is.
    pub(crate) fn store(&self) -> StoreId {
        self.segment.header().store
    }

    /// The file it is in, and the byte its frame starts at.
    pub(crate) fn place(&self) -> (&'a Path, u64) {
        (self.segment.path(), self.segment.passed(self.length).0)
    }

    /// The record that `segment` passed last.
    #[inline]
    pub(crate) fn passed(segment: &SegmentReader, length: usize) -> Record<'_> {
        Record { segment, length }
    }
}

/// A position in a log that moves forward. Made by [`Reader::records`](super::Reader::records).
#[derive(Debug)]
pub struct Records {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    bound: Bound,
    segment: SegmentReader,
    /// Records of this segment before this offset are known to be durable.
    durable_until: u64,
    /// The same, as a byte; what proves it may stand behind records that were not counted yet.
    proven_until: u64,
    /// What wakes the thread that waited for more the last time.
    sleeper: Option<(ThreadId, Waker)>,
}

impl Records {
    pub(super) fn start(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        bound: Bound,
        segment: SegmentReader,
    ) -> Result<Records> {
        let (disk, dir) = (Arc::clone(disk), dir.to_owned());
        let mut records =
            Records { disk, dir, bound, segment, durable_until: 0, proven_until: 0, sleeper: None };
        records.enter_segment()?;
        Ok(records)
    }

    /// Passes records until the next one is at `offset`.
    pub(super) fn skip_to(mut self, offset: u64) -> Result<Records> {
        while self.offset() < offset {
            if self.next_record()?.is_none() {
                let head = self.offset();
                return Err(Error::BeyondHead { version: offset, head });
            }
        }
        Ok(self)
    }

    /// The offset of the next record.
    pub fn offset(&self) -> u64 {
        self.segment.offset()
    }

    /// The checksum that identifies the log before the next record.
    pub fn chain(&self) -> u32 {
        self.segment.chain()
    }

    /// Where the next record is: the base of its segment, and the byte in it.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.segment.header().base, self.segment.at())
    }

    /// The next durable record, or nothing while there is none: ask again later. The record is lent until then. Costs its
    /// length; the file is read in pieces of up to 256 KiB.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the place; asking again gives the same answer. [`Error::Compacted`] when it has been given up
    /// meanwhile; [`Error::Io`].
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let known = self.segment.offset() < self.durable_until;
        if known && let Some((length, _)) = self.segment.pass_good() {
            return Ok(Some(Record::passed(&self.segment, length)));
        }
        let passed = self.advance()?;
        Ok(passed.map(|length| Record::passed(&self.segment, length)))
    }

    /// The next durable record, waiting up to `patience` for one. Where the writer is in this process it is woken at once,
    /// else it looks every few milliseconds, which costs a read of the file's end each time.
    ///
    /// # Errors
    /// As [`next_record`](Records::next_record).
    pub fn next_within(&mut self, patience: Duration) -> Result<Option<Record<'_>>> {
        self.next_within_unless(patience, &|| false)
    }

    /// The same, unless something is true meanwhile, which whoever makes it so unparks this thread for.
    pub(crate) fn next_within_unless(
        &mut self,
        patience: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Option<Record<'_>>> {
        let deadline = Instant::now().checked_add(patience);
        loop {
            if let Some(length) = self.advance()? {
                return Ok(Some(Record::passed(&self.segment, length)));
            }
            let left =
                deadline.map_or(POLL_EVERY, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() || is_over() {
                return Ok(None);
            }
            self.wait(left);
        }
    }

    fn wait(&mut self, patience: Duration) {
        let Bound::Writer(durable) = &self.bound else { return thread::sleep(patience.min(POLL_EVERY)) };
        let this = thread::current();
        if self.sleeper.as_ref().is_none_or(|(thread, _)| *thread != this.id()) {
            self.sleeper = Some((this.id(), Waker::from(Arc::new(Sleeper(this)))));
        }
        self.sleeper.iter().for_each(|(_, waker)| durable.wake_when_grown(waker));
        if durable.head() <= self.segment.offset() {
            thread::park_timeout(patience);
        }
    }

    /// Passes the next durable record; the length of its body.
    fn advance(&mut self) -> Result<Option<usize>> {
        loop {
            match self.segment.look()? {
                Item::Record { body, chain, .. } => {
                    if !self.is_durable(body)? {
                        self.segment.refresh()?;
                        return Ok(None);
                    }
                    // Looking for proof may have moved the window.
                    self.segment.look()?;
                    self.segment.pass(body, chain);
                    return Ok(Some(body));
                }
                // An empty segment has no footer: what looks like one would lead back to it.
                Item::FooterTag if self.segment.offset() > self.segment.header().base => {
                    if !self.next_segment()? {
                        return Ok(None);
                    }
                }
                _ if !self.is_owed()? => return Ok(None),
                _ => self.insist()?,
            }
        }
    }

    fn is_durable(&mut self, length: usize) -> Result<bool> {
        let offset = self.segment.offset();
        if offset < self.durable_until {
            return Ok(true);
        }
        let seen = match &self.bound {
            Bound::Writer(durable) => {
                self.durable_until = durable.head();
                self.bound.tell_writer(&mut self.segment);
                return Ok(offset < self.durable_until);
            }
            Bound::Proof(seen) => Arc::clone(seen),
        };
        self.durable_until = self.durable_until.max(seen.head.load(Ordering::Acquire));
        if offset < self.durable_until {
            return Ok(true);
        }
        self.is_proven(&seen, offset, length)
    }

    fn is_proven(&mut self, seen: &Seen, offset: u64, length: usize) -> Result<bool> {
        let end = self.segment.at() + (length + FRAME_BYTES) as u64;
        if self.proven_until < end {
            self.proven_until = self.segment.proven_until()?;
        }
        if self.proven_until < end {
            // What proves it may have been read while it was written.
            self.segment.refresh()?;
            self.proven_until = self.segment.proven_until()?;
        }
        let proven = end <= self.proven_until;
        if proven {
            seen.head.fetch_max(offset + 1, Ordering::AcqRel);
        }
        Ok(proven)
    }

    /// Whether a record must be here although something else was seen. Leaves fresh bytes for the second look: what was
    /// seen may have been read before it was written.
    fn is_owed(&mut self) -> Result<bool> {
        self.refresh()?;
        match &self.bound {
            _ if self.segment.offset() < self.durable_until => Ok(true),
            Bound::Writer(durable) => Ok(self.segment.offset() < durable.head()),
            Bound::Proof(seen) if self.segment.offset() < seen.head.load(Ordering::Acquire) => Ok(true),
            Bound::Proof(_) => match self.segment.look()? {
                // It came meanwhile. What proves it durable is asked where records are passed.
                Item::Record { .. } => Ok(true),
                Item::Mark { .. } => Ok(false),
                _ => Ok(self.segment.proof()?.is_some()),
            },
        }
    }

    /// A segment that is still empty may have been replaced by a larger one since it was opened: open files are not.
    fn refresh(&mut self) -> Result<()> {
        let base = self.segment.header().base;
        if self.segment.offset() == base {
            self.segment = match self.bound.open(&*self.disk, &self.dir, base) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(self.truncated(base, error)),
                answer => answer?,
            };
        }
        self.segment.refresh()
    }

    /// Looks once more, with fresh bytes; what is still no record is damage.
    fn insist(&mut self) -> Result<()> {
        self.refresh()?;
        match self.segment.look()? {
            // As in `advance`: without records there is no footer.
            Item::FooterTag if self.segment.offset() > self.segment.header().base => Ok(()),
            _ => self.insist_on_record(),
        }
    }

    fn insist_on_record(&mut self) -> Result<()> {
        match self.segment.look()? {
            Item::Record { .. } => Ok(()),
            // Unless all that is here was exchanged for a history that begins later.
            other => Err(self.truncated(self.segment.offset(), self.segment.damage(other))),
        }
    }

    /// Goes on with the next segment. False if there is none and none is owed: what looks like the beginning of a footer is
    /// a mark that was damaged, and nothing durable stands behind it.
    fn next_segment(&mut self) -> Result<bool> {
        let base = self.segment.offset();
        let next = match self.bound.open(&*self.disk, &self.dir, base) {
            Err(error) if error.kind() == ErrorKind::NotFound => return self.without_successor(base),
            answer => answer?,
        };
        continues(&self.segment, &next)?;
        self.segment = next;
        self.enter_segment().map(|()| true)
    }

    /// What the tag of a footer means where there is no segment that begins at `base`.
    fn without_successor(&mut self, base: u64) -> Result<bool> {
        // It may have been sealed, and its successor given up, since it was looked at.
        self.segment.refresh()?;
        let missing = match self.segment.seal()? {
            Some(footer) if footer.data_end == self.segment.at() => {
                self.segment.damage_here(Defect::SuccessorMissing { offset: base })
            }
            _ if !self.is_owed()? => return Ok(false),
            _ => match self.insist_on_record() {
                Ok(()) => return Ok(true),
                Err(error) => error,
            },
        };
        Err(self.truncated(base, missing))
    }

    /// Why the segment that holds `offset` is not there: the front was truncated meanwhile, or else `error`.
    fn truncated(&self, offset: u64, error: Error) -> Error {
        let oldest = self.disk.list(&self.dir).ok().and_then(|names| bases_in(&names).first().copied());
        match oldest {
            Some(oldest) if offset < oldest => Error::Compacted { version: offset, oldest },
            _ => error,
        }
    }

    /// What is known of the segment from the start: a footer is written only when all before it is durable. Whoever writes it tells more.
    fn enter_segment(&mut self) -> Result<()> {
        let footer = if self.segment.has_writer() { None } else { self.segment.footer()? };
        self.proven_until = footer.map_or(0, |footer| footer.data_end);
        let base = self.segment.header().base;
        self.durable_until = footer.map_or(0, |footer| base + u64::from(footer.count));
        if let Bound::Proof(seen) = &self.bound {
            seen.head.fetch_max(self.durable_until, Ordering::AcqRel);
        }
        Ok(())
    }
}

/// Wakes a thread.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
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
