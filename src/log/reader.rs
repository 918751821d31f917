//! [`Reader`]: a way to read a log, with or without its writer in the same process.
//!
//! Finds the segment and the place in it; leaves going through records to [`Records`] and [`Backward`]. Always holds: no
//! lock that a writer would feel is taken, and nothing is written.

use super::directory::{must_be_there, not_a_store};
use super::durable::{Durable, holding};
use super::{Backward, Records, ignore_poison};
use crate::error::{Error, ErrorKind, IoContext, Occupant, Result};
use crate::io::{Disk, Env};
use crate::layout::StoreId;
use crate::segment::format::Header;
use crate::segment::point::PointReader;
use crate::segment::reader::SegmentReader;
use crate::segment::recovery::{self, Proven};
use crate::segment::{bases_in, path_of};
use arc_swap::ArcSwap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How many segments a reader keeps open for looking up records.
const OPEN_SEGMENTS_MAX: usize = 16;

/// How a reader knows what is durable.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// From the writer in the same process.
    Writer(Arc<Durable>),
    /// From the proofs in the segments (FORMAT.md), and from what was proven before.
    Proof(Arc<Seen>),
}

impl Bound {
    /// The segment that begins at `base`, to be read from its beginning.
    pub(super) fn open(&self, disk: &dyn Disk, dir: &Path, base: u64) -> Result<SegmentReader> {
        let mut segment = SegmentReader::open(disk, path_of(dir, base), base)?;
        self.tell_writer(&mut segment);
        Ok(segment)
    }

    /// Tells who writes a segment in this process, if somebody does: of one that was just begun they may not have said so when it was opened.
    pub(super) fn tell_writer(&self, segment: &mut SegmentReader) {
        if let Bound::Writer(durable) = self {
            let (segments, base) = (durable.segments(), segment.header().base);
            segments.active(base).into_iter().for_each(|writer| segment.is_written_by(writer));
        }
    }
}

/// What readers in another process than the writer's have seen. A writer overwrites a mark with the next batch, so that for
/// a moment, or after a crash in that moment, nothing but memory proves what it proved.
#[derive(Debug)]
pub(super) struct Seen {
    /// The offset after the last record proven to be durable.
    pub(super) head: AtomicU64,
    /// Where the segments began when the directory was last looked at.
    bases: ArcSwap<Vec<u64>>,
}

/// Reads a log: single records, or all of them in order from anywhere, forward or backward.
///
/// It may be shared by threads; clones are cheap, share nothing that anybody waits for, and keep a few files open each, so
/// give each thread its own. What it reads is durable, and verified every time.
#[derive(Debug)]
pub struct Reader {
    pub(super) env: Env,
    pub(super) dir: PathBuf,
    id: StoreId,
    bound: Bound,
    /// The segments used last for looking up records, the newest use last.
    open: Mutex<Vec<PointReader>>,
}

impl Clone for Reader {
    fn clone(&self) -> Self {
        Reader::over(&self.env, &self.dir, self.id, self.bound.clone())
    }
}

impl Reader {
    /// Opens the log in the directory `path` for reading only; a writer may be at work in another process, or there may be
    /// none. Reads what opening for writing reads, changes nothing and takes no lock.
    ///
    /// What a crashed writer left unproved becomes visible once a writer has opened the log.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Damaged`], [`Error::Newer`], [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Reader> {
        Reader::in_env(&Env::real(), path.as_ref(), None)
    }

    /// The same, refusing a log that ends before what a snapshot has `proven`.
    pub(crate) fn in_env(env: &Env, dir: &Path, proven: Option<&Proven>) -> Result<Reader> {
        must_be_there(&*env.disk, dir)?;
        let layout = recovery::inspect_live(&*env.disk, dir)?;
        layout.reaches(proven)?;
        // A snapshot of another store proves nothing here, nor one that a backup is yet to begin with.
        let (store, head) = (layout.active.header.store, layout.head());
        let known = proven.filter(|proven| proven.store == store && proven.version <= head);
        let known = known.map_or(0, |proven| proven.version);
        let seen = Seen { head: AtomicU64::new(known), bases: ArcSwap::default() };
        let reader = Reader::over(env, dir, store, Bound::Proof(Arc::new(seen)));
        reader.look_again()?;
        Ok(reader)
    }

    pub(super) fn of_writer(env: &Env, dir: &Path, id: StoreId, durable: Arc<Durable>) -> Reader {
        Reader::over(env, dir, id, Bound::Writer(durable))
    }

    fn over(env: &Env, dir: &Path, id: StoreId, bound: Bound) -> Reader {
        Reader { env: env.clone(), dir: dir.to_owned(), id, bound, open: Mutex::default() }
    }

    /// Looks which segments there are now.
    fn look_again(&self) -> Result<Arc<Vec<u64>>> {
        let Bound::Proof(seen) = &self.bound else { return Ok(Arc::default()) };
        let bases = bases_in(&self.env.disk.list(&self.dir).during("list store", &self.dir)?);
        let Some(&newest) = bases.last() else { return Err(not_a_store(&self.dir, Occupant::Other)) };
        // A segment is named only after everything before it was durable.
        seen.head.fetch_max(newest, Ordering::AcqRel);
        let bases = Arc::new(bases);
        seen.bases.store(Arc::clone(&bases));
        Ok(bases)
    }

    /// Where the segments begin, ascending.
    pub(crate) fn bases(&self) -> Result<Vec<u64>> {
        match &self.bound {
            Bound::Writer(durable) => Ok(durable.segments().bases.clone()),
            Bound::Proof(_) => self.look_again().map(|bases| bases.to_vec()),
        }
    }

    fn ends(&self) -> Result<(u64, u64)> {
        let ends = |bases: &[u64]| (bases.first().copied().unwrap_or(0), bases.last().copied().unwrap_or(0));
        match &self.bound {
            Bound::Writer(durable) => Ok(ends(&durable.segments().bases)),
            Bound::Proof(_) => Ok(ends(&self.look_again()?)),
        }
    }

    /// The header of the newest segment: identity, epoch, role.
    pub(crate) fn header(&self) -> Result<Header> {
        loop {
            let (_, newest) = self.ends()?;
            match SegmentReader::open(&*self.env.disk, path_of(&self.dir, newest), newest) {
                // So much came meanwhile that this one was given up.
                Err(error) if error.kind() == ErrorKind::NotFound && self.ends()?.1 > newest => {}
                answer => return answer.map(|segment| *segment.header()),
            }
        }
    }

    /// Identifies the log and its copies. O(1).
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// The offset of the first record that is kept. O(1) beside the writer, else reads the directory and the header of the
    /// newest segment.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Damaged`].
    pub fn oldest(&self) -> Result<u64> {
        if let Bound::Writer(_) = &self.bound {
            return Ok(self.ends()?.0);
        }
        loop {
            let header = self.header()?;
            let bases = self.look_again()?;
            // What was given up may still be there, if who gave it up was interrupted.
            let kept = bases.contains(&header.origin).then_some(header.origin);
            if bases.last() == Some(&header.base) {
                return Ok(kept.or(bases.first().copied()).unwrap_or(0));
            }
        }
    }

    /// The offset after the last durable record. O(1) beside the writer, else reads the newest segment.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn head(&self) -> Result<u64> {
        if let Bound::Writer(durable) = &self.bound {
            return Ok(durable.head());
        }
        loop {
            let (_, newest) = self.ends()?;
            match self.end_of(newest) {
                // As in `header`.
                Err(error) if error.kind() == ErrorKind::NotFound && self.ends()?.1 > newest => {}
                answer => return answer,
            }
        }
    }

    fn end_of(&self, base: u64) -> Result<u64> {
        let mut records = self.records(base)?;
        while records.next_record()?.is_some() {}
        Ok(records.offset())
    }

    /// The base of the segment that holds `offset`.
    pub(crate) fn base_of(&self, offset: u64) -> Result<u64> {
        let found = match &self.bound {
            Bound::Writer(durable) => durable.segments().holding(offset),
            Bound::Proof(seen) => {
                let known = offset < seen.bases.load().last().copied().unwrap_or(0);
                let bases = if known { seen.bases.load_full() } else { self.look_again()? };
                holding(&bases, offset)
            }
        };
        match found {
            Some(base) => Ok(base),
            None => Err(Error::Compacted { version: offset, oldest: self.oldest()? }),
        }
    }

    /// Whether `offset` is durable for all that is known without looking.
    fn is_known_durable(&self, offset: u64) -> bool {
        match &self.bound {
            Bound::Writer(durable) => offset < durable.head(),
            Bound::Proof(seen) => offset < seen.head.load(Ordering::Acquire),
        }
    }

    /// Lets `use_it` look up something in the segment that begins at `base`. Nothing if nobody knows where its records are.
    pub(super) fn with_segment<T>(
        &self,
        base: u64,
        use_it: impl FnOnce(&mut PointReader) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let segments = match &self.bound {
            Bound::Writer(durable) => Some(durable.segments()),
            Bound::Proof(_) => None,
        };
        let active = segments.as_ref().and_then(|segments| segments.active(base));
        let mut open = ignore_poison(&self.open);
        let found = open.iter().position(|known| known.base() == base && known.is_current(active));
        let mut segment = match found {
            Some(index) if index + 1 == open.len() => return open.last_mut().map_or(Ok(None), use_it),
            Some(index) => open.remove(index),
            None => {
                open.retain(|known| known.base() != base);
                let path = path_of(&self.dir, base);
                match PointReader::open(&*self.env.disk, path, base, active.cloned())? {
                    Some(segment) => segment,
                    None => return Ok(None),
                }
            }
        };
        let answer = use_it(&mut segment);
        if open.len() == OPEN_SEGMENTS_MAX {
            open.remove(0);
        }
        open.push(segment);
        answer
    }

    /// The record at `offset`, verified. Costs one read of the file, of at most four records, once the segment has been
    /// used; beside a writer in another process, records of the newest segment cost a scan of it.
    ///
    /// # Errors
    /// [`Error::BeyondHead`], [`Error::Compacted`], [`Error::Damaged`], [`Error::Io`].
    pub fn read(&self, offset: u64) -> Result<Vec<u8>> {
        let mut payload = Vec::new();
        self.read_into(offset, &mut payload)?;
        Ok(payload)
    }

    /// [`read`](Reader::read) into a buffer that is used again; returns the checksum that identifies the log up to and
    /// including the record.
    ///
    /// # Errors
    /// As `read`; then the buffer holds nothing of use.
    pub fn read_into(&self, offset: u64, buffer: &mut Vec<u8>) -> Result<u32> {
        self.find(offset, buffer).map_err(|error| self.truncated(offset, error))
    }

    fn find(&self, offset: u64, buffer: &mut Vec<u8>) -> Result<u32> {
        if self.is_known_durable(offset) {
            let base = self.base_of(offset)?;
            if let Some(chain) = self.with_segment(base, |segment| segment.read(offset, buffer))? {
                return Ok(chain);
            }
        }
        // The long way, which also knows what is wrong.
        let mut records = self.records(offset)?;
        let Some(record) = records.next_record()? else {
            return Err(Error::BeyondHead { version: offset, head: offset });
        };
        buffer.clear();
        buffer.extend_from_slice(record.payload());
        Ok(record.chain())
    }

    /// Reads forward from `offset` on, which may be the head. Costs a look at one block of the segment's footer; in the newest
    /// segment nothing where the writer is in this process, else a scan up to there.
    ///
    /// # Errors
    /// As [`read`](Reader::read).
    pub fn records(&self, offset: u64) -> Result<Records> {
        self.start(offset).map_err(|error| self.truncated(offset, error))
    }

    /// What is wrong if a file that should hold `offset` is not there: it may have gone since somebody looked.
    pub(super) fn truncated(&self, offset: u64, error: Error) -> Error {
        let oldest = match error {
            // Met on the way there.
            Error::Compacted { oldest, .. } => Ok(oldest),
            Error::Io { .. } if error.kind() == ErrorKind::NotFound => self.oldest(),
            _ => return error,
        };
        match oldest {
            Ok(oldest) if offset < oldest => Error::Compacted { version: offset, oldest },
            _ => error,
        }
    }

    fn start(&self, offset: u64) -> Result<Records> {
        if let Bound::Writer(durable) = &self.bound {
            // The writer knows the places of what it has written; that is not durable yet.
            let head = durable.head();
            if offset > head {
                return Err(Error::BeyondHead { version: offset, head });
            }
        }
        let base = self.base_of(offset)?;
        let near = self.with_segment(base, |segment| segment.reader_at(offset).map(Some))?;
        let segment = match near {
            Some(segment) => segment,
            None => self.bound.open(&*self.env.disk, &self.dir, base)?,
        };
        Records::start(&self.env.disk, &self.dir, self.bound.clone(), segment)?.skip_to(offset)
    }

    /// Reads backward: the record before `end` first, which may be the head. Costs what is read, and as much memory as
    /// sixteen records, or 512 KiB if those are smaller.
    ///
    /// # Errors
    /// As [`read`](Reader::read); later trouble comes out of [`Backward`].
    pub fn backward(&self, end: u64) -> Result<Backward> {
        // Refuses what is beyond the head or gone.
        self.records(end)?;
        Ok(Backward::new(self.clone(), end))
    }

    /// Waits, without a thread, until there is something durable at or behind `offset`; false at once if its writer is in another
    /// process, which tells nobody.
    #[cfg(feature = "http")]
    pub(crate) async fn grows_beyond(&self, offset: u64) -> bool {
        let Bound::Writer(durable) = &self.bound else { return false };
        std::future::poll_fn(|context| {
            durable.wake_when_grown(context.waker());
            // It may have come before the waker was known.
            if durable.head() > offset { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        true
    }

    /// The first offset below `common` whose record differs in another log, of which `theirs` tells the chain. See [`first_difference`].
    pub(crate) fn first_difference(
        &self,
        theirs: impl Fn(u64) -> Result<u32>,
        agreed: u64,
        common: u64,
    ) -> Result<Option<u64>> {
        first_difference(|offset| self.chain_at(offset), theirs, agreed, common)
    }

    /// The checksum before `offset`: identifies the whole history up to there, so that two logs that have it in common
    /// have all of that in common.
    ///
    /// # Errors
    /// As [`read`](Reader::read).
    pub fn chain_at(&self, offset: u64) -> Result<u32> {
        let mut records = self.records(offset)?;
        let chain = records.chain();
        // At a known place the chain is what stands there; the record that continues it vouches for it.
        records.next_record()?;
        Ok(chain)
    }
}

/// The first offset below `common` whose record differs in two logs, of which `one` and `other` tell the chains, and which agree before
/// `agreed`; nothing if none does. A few questions to either: chains that differ stay different, so it is found by halving.
pub(crate) fn first_difference(
    one: impl Fn(u64) -> Result<u32>,
    other: impl Fn(u64) -> Result<u32>,
    agreed: u64,
    common: u64,
) -> Result<Option<u64>> {
    let same = |offset| Ok::<bool, Error>(one(offset)? == other(offset)?);
    if same(common)? {
        return Ok(None);
    }
    let (mut equal, mut different) = (agreed, common);
    while equal + 1 < different {
        let middle = equal + (different - equal) / 2;
        if same(middle)? { equal = middle } else { different = middle }
    }
    Ok(Some(different.saturating_sub(1).max(agreed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::MemoryDisk;
    use crate::log::Options;

    /// Nothing behind the only batch says that it is durable.
    #[test]
    fn a_snapshot_proves_what_it_was_taken_of_and_nothing_of_another_store() {
        let (disk, dir) = (MemoryDisk::new(), Path::new("/store"));
        let options = Options::new().env(Env::simulated(disk.clone(), 7)).segment_bytes(512);
        let log = options.open(dir).unwrap();
        log.append_all(["a", "b", "c"]).unwrap();
        let image = disk.process_kill();
        let mut bytes = image.bytes(&path_of(dir, 0)).unwrap();
        // Three frames of nine bytes.
        bytes[64 + 27..].fill(0);
        image.put(&path_of(dir, 0), bytes);
        let head = |store, version| {
            let proven = Proven { path: dir.join("a.snap"), store, version };
            Reader::in_env(&Env::simulated(image.clone(), 7), dir, Some(&proven))
                .and_then(|reader| reader.head())
        };
        let other = StoreId([9; 16]);
        assert_eq!(
            (head(log.id(), 0).unwrap(), head(log.id(), 2).unwrap(), head(log.id(), 3).unwrap()),
            (0, 2, 3)
        );
        assert_eq!(head(other, 2).unwrap(), 0);
        assert!(head(log.id(), 4).is_err() && head(other, 4).is_err(), "it is of a later one");
    }
}
