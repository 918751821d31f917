//! A durable log: opaque payloads in, dense offsets out, over as many segment files as it takes.
//!
//! The layer beneath [`Store`](crate::Store), for programs that want only that. It knows bytes and offsets, never patches.
//! Below it is `segment`, one file at a time.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("events");
//! use redraft::log::Log;
//!
//! let log = Log::open(&path)?;
//! let first = log.append(b"ready")?; // durable
//! log.append_all(["steady", "go"])?; // one sync for both
//! assert_eq!(log.read(first)?, b"ready");
//!
//! let mut records = log.reader().records(1)?;
//! while let Some(record) = records.next_record()? {
//!     println!("{}: {:?}", record.offset(), record.payload());
//! }
//! # Ok(()) }
//! ```
//!
//! Always:
//! * Offsets are given in the order of appending, from 0, and have no gaps.
//! * What was acknowledged is there, as the log's [`Durability`] says; and so is everything before it.
//! * What is not durable is not readable. Every record is verified whenever it is read, against the chain of checksums of
//!   all before it.
//! * After a failed write or sync nothing is retried: the kernel may have dropped the pages. The log refuses all further
//!   work until it is opened again, which decides anew from what is on the disk.

mod backward;
pub(crate) mod directory;
mod durable;
mod extent;
mod found;
mod group;
pub(crate) mod options;
mod reader;
mod records;
mod role;
mod search;
mod ticket;
mod worker;

pub use crate::layout::StoreId;
pub use crate::segment::format::RECORD_BYTES_MAX;
pub use crate::segment::recovery::Cut;
pub use backward::{Backward, BackwardRecord};
pub use options::{Durability, Options};
pub use reader::Reader;
pub use records::{Record, Records};
pub use ticket::Ticket;

pub(crate) use crate::layout::Chain;
pub(crate) use crate::segment::format::Codec;
pub(crate) use crate::segment::recovery::Proven;
pub(crate) use found::Found;
pub(crate) use reader::first_difference;
pub(crate) use role::Birth;
pub(crate) use worker::Worker;

#[cfg(doc)]
use crate::error::Error;
use crate::error::{IoContext, Result};
use crate::io::{Access, Disk, Env, Lock};
use crate::segment::format::Header;
use crate::segment::packed;
use crate::segment::writer::SegmentWriter;
use crate::segment::{bases_in, path_of};
use group::{Group, Stage};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// Positions inside a segment are 32 bits wide.
const SEGMENT_BYTES_MAX: u64 = 1 << 31;
/// Room for a header, a record and a footer.
const SEGMENT_BYTES_MIN: u64 = 512;

/// So much may be queued before whoever queues more has to write first.
const FULL_QUEUE_BYTES: usize = 2 << 20;
/// So much is worth a write of its own where nobody waits for a sync.
const LARGE_WRITE_BYTES: usize = 256 << 10;

/// A log opened for writing.
///
/// Any number of threads may append and read at the same time; one process may have it open for writing, any number of
/// others can read it meanwhile with [`Reader::open`]. Dropping a log closes it, without telling whether that worked;
/// [`close`](Log::close) tells.
#[derive(Debug)]
pub struct Log {
    env: Env,
    dir: PathBuf,
    header: Header,
    /// As the newest segment says it.
    epoch: AtomicU32,
    durability: Durability,
    group: Arc<Group>,
    reader: Reader,
    /// The thread that syncs what nobody waits for; started when it is first needed.
    syncer: OnceLock<Worker>,
    cut: Option<Cut>,
    /// Held while the front is truncated.
    truncating: Mutex<()>,
    _lock: Box<dyn Lock>,
}

impl Log {
    /// Opens the log in the directory `path`, or makes a new one where there is nothing. See [`Options`] for more choice.
    ///
    /// After a clean close this reads a few hundred bytes of each segment, and the places of the records in the last one (at
    /// most four bytes for each). Otherwise it reads the last segment, as far as it was written, and cuts an unacknowledged write that was torn: see [`cut`](Log::cut).
    ///
    /// # Errors
    /// [`Error::Locked`] when another writer has it, [`Error::NotAStore`] when the directory holds something else,
    /// [`Error::Role`] when it is a store's, [`Error::Damaged`] when bytes are not what was written, [`Error::Newer`] when a
    /// newer redraft wrote them, [`Error::Io`] when the system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Log> {
        Options::new().open(path)
    }

    /// Makes a new log in a directory that does not exist or is empty. Durable on return; a handful of syncs.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is something, [`Error::Locked`] when somebody else is making one there, [`Error::Io`]
    /// when the system refuses.
    pub fn create_new(path: impl AsRef<Path>) -> Result<Log> {
        Options::new().create_new(path)
    }

    /// Makes the first segment of a log in an existing directory. Durable on return.
    pub(crate) fn create(options: &Options, dir: &Path, birth: Birth, lock: Box<dyn Lock>) -> Result<Log> {
        let Birth { codec, store, replica, epoch, base, chain } = birth;
        let allocated = allocation(options);
        let (backup, origin) = (false, base);
        let header = Header { codec, replica, backup, epoch, store, base, allocated, origin, chain };
        let writer = SegmentWriter::create(&*options.env.disk, dir, header)?;
        Ok(Log::over(options, dir, writer, vec![base], None, lock))
    }

    fn over(
        options: &Options,
        dir: &Path,
        writer: SegmentWriter,
        bases: Vec<u64>,
        cut: Option<Cut>,
        lock: Box<dyn Lock>,
    ) -> Log {
        let (env, dir, header) = (&options.env, dir.to_owned(), *writer.header());
        let group = Group::new(env, dir.clone(), allocation(options), writer, bases);
        Log {
            env: env.clone(),
            header,
            epoch: AtomicU32::new(header.epoch),
            durability: options.durability,
            reader: Reader::of_writer(env, &dir, header.store, Arc::clone(group.durable())),
            dir,
            group: Arc::new(group),
            syncer: OnceLock::new(),
            cut,
            truncating: Mutex::new(()),
            _lock: lock,
        }
    }

    /// Appends a record and returns its offset, once it is acknowledged as the log's [`Durability`] says: with the default
    /// it is durable then, and shares its sync with what other threads append at the same time.
    ///
    /// # Errors
    /// [`Error::EmptyRecord`], [`Error::TooLarge`] beyond [`RECORD_BYTES_MAX`]: nothing was appended.
    /// [`Error::Poisoned`] when the disk fails, now or earlier: its `pending` says whether and where to look for the record
    /// when the log is open again. [`Error::Io`] when the thread that [`Durability::Interval`] needs cannot be started.
    pub fn append(&self, payload: &[u8]) -> Result<u64> {
        self.prepare()?;
        let (end, _) = self.enqueue(&[payload])?;
        self.acknowledge(end).map_err(|error| error.pending(end))?;
        Ok(end - 1)
    }

    /// Appends records one after the other, as one batch: one write, one sync. Returns their offsets, once all of them are
    /// acknowledged. If one is refused, none is appended; a crash before the acknowledgement may leave the first few.
    ///
    /// # Errors
    /// As [`append`](Log::append).
    pub fn append_all<P: AsRef<[u8]>>(&self, payloads: impl IntoIterator<Item = P>) -> Result<Range<u64>> {
        self.prepare()?;
        // Before any lock is taken: the iterator is the caller's, and may do anything.
        let payloads: Vec<P> = payloads.into_iter().collect();
        let (end, _) = self.enqueue(&payloads)?;
        let first = end - payloads.len() as u64;
        self.acknowledge(end).map_err(|error| error.pending(first + 1))?;
        Ok(first..end)
    }

    /// Appends a record without waiting for the disk: a thread of the log makes it durable, together with all that has been
    /// appended by then. When more than 2 MiB are on their way, it waits until there is room.
    ///
    /// # Errors
    /// As [`append`](Log::append), except that a failing disk is told by the ticket, and by every later call.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let log = redraft::log::Log::open(dir.path())?;
    /// let tickets: Vec<_> =
    ///     (0..100).map(|n: u64| log.submit(&n.to_le_bytes())).collect::<redraft::Result<_>>()?;
    /// for ticket in tickets {
    ///     ticket.wait()?; // a handful of syncs for all of them; `ticket.await?` in async code
    /// }
    /// # Ok(()) }
    /// ```
    pub fn submit(&self, payload: &[u8]) -> Result<Ticket<'_>> {
        self.submit_slice(&[payload])
    }

    /// [`submit`](Log::submit) for several records, which get offsets one after the other. Costs their length, and no sync of
    /// its own.
    ///
    /// # Errors
    /// As `submit`. If one is refused, none is appended.
    pub fn submit_all<P: AsRef<[u8]>>(&self, payloads: impl IntoIterator<Item = P>) -> Result<Ticket<'_>> {
        self.submit_slice(&payloads.into_iter().collect::<Vec<P>>())
    }

    fn submit_slice<P: AsRef<[u8]>>(&self, payloads: &[P]) -> Result<Ticket<'_>> {
        let syncer = self.syncer(|_| {})?;
        let (end, _) = self.enqueue(payloads)?;
        syncer.ring();
        Ok(Ticket::new(self, end - payloads.len() as u64..end))
    }

    /// Makes durable all that was appended before, whatever the log's [`Durability`], and returns the head. One sync, or none
    /// if there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn sync(&self) -> Result<u64> {
        self.group.sync_all()?;
        Ok(self.head())
    }

    /// The offset after the last durable record: how far readers see. O(1); never waits.
    pub fn head(&self) -> u64 {
        self.group.head()
    }

    /// The offset that the next record will get. What lies between [`head`](Log::head) and this is on its way. O(1).
    pub fn end(&self) -> u64 {
        self.group.end().0
    }

    /// The offset of the first record that is kept. O(1).
    pub fn oldest(&self) -> u64 {
        self.group.durable().segments().bases.first().copied().unwrap_or(0)
    }

    /// Where the segments begin, ascending. O(segments).
    pub(crate) fn bases(&self) -> Vec<u64> {
        self.group.durable().segments().bases.clone()
    }

    /// How many segments there are. O(1).
    pub(crate) fn segment_count(&self) -> usize {
        self.group.durable().segments().bases.len()
    }

    /// How long the segment that begins at `base` is, in bytes.
    pub(crate) fn segment_bytes(&self, base: u64) -> Result<u64> {
        let path = path_of(&self.dir, base);
        let file = self.env.disk.open(&path, Access::Read).during("open segment", &path)?;
        file.len().during("measure segment", &path)
    }

    /// When something that was appended counts as done. O(1).
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The directory of the log. O(1).
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Identifies the log and its copies. O(1).
    pub fn id(&self) -> StoreId {
        self.header.store
    }

    /// The unacknowledged write that opening the log found torn and cut, if there was one. O(1).
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// A way to read what is durable. Costs nothing; each clone keeps a few files open of its own.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// The record at `offset`, verified. See [`Reader::read`].
    ///
    /// # Errors
    /// As `Reader::read`.
    pub fn read(&self, offset: u64) -> Result<Vec<u8>> {
        self.reader.read(offset)
    }

    /// Gives up the records before `offset`, by whole segments, and returns the oldest offset that is still there: the
    /// segment that holds `offset` stays, and so does the active one. Costs a new segment, and a removal and a sync of the
    /// directory for each that goes; after a crash in the middle, those that are still there go when the log is opened the next
    /// time.
    ///
    /// Whoever is reading them goes on undisturbed; later readers are told [`Error::Compacted`].
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::Io`] when a file cannot be removed, then those after it are still there.
    pub fn truncate_front(&self, offset: u64) -> Result<u64> {
        let _alone = ignore_poison(&self.truncating);
        let segments = self.group.durable().segments().bases.clone();
        let kept = durable::holding(&segments, offset.min(self.head())).unwrap_or(0).max(self.oldest());
        // As the directory has them: one that could not be removed before is no longer known, and must go all the same, for
        // it would leave a gap behind those that go now.
        let names = self.env.disk.list(&self.dir).during("list store", &self.dir)?;
        let gone: Vec<u64> = bases_in(&names).into_iter().filter(|&base| base < kept).collect();
        if gone.is_empty() {
            return Ok(kept);
        }
        // Durably, before anything is missing: otherwise it would be missed.
        self.group.begin_at_origin(kept)?;
        self.group.durable().forget(kept);
        remove_segments(&*self.env.disk, &self.dir, gone)?;
        tracing::info!(oldest = kept, "truncated the front");
        Ok(kept)
    }

    /// Packs the segments that are sealed and not packed yet (FORMAT.md, "Packed segment"); offsets, chain and what is read stay what
    /// they were, and reading a single record costs unpacking a few KiB. How many bytes of disk that saves, and in how many
    /// segments. Costs reading each twice and writing it, and two syncs for each; others may go on. A log that is read only in
    /// order from its end, or not at all, gains most.
    ///
    /// Without the feature `zstd` nothing gets smaller, and nothing is done.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]: the segment it is about is as it was; those before it are packed.
    pub fn pack(&self) -> Result<(u64, usize)> {
        self.pack_with(|_, _| ())
    }

    /// [`pack`](Log::pack), telling `progress` after each segment with how many were dealt with, and of how many.
    ///
    /// # Errors
    /// As `pack`.
    pub fn pack_with(&self, mut progress: impl FnMut(usize, usize)) -> Result<(u64, usize)> {
        // Nothing that goes meanwhile comes back.
        let _alone = ignore_poison(&self.truncating);
        let (mut saved, mut count) = (0, 0);
        let bases = self.bases();
        let sealed = bases.split_last().map_or(&[][..], |(_, sealed)| sealed);
        for (done, &base) in sealed.iter().enumerate() {
            let bytes = packed::pack(&*self.env.disk, &self.dir, &path_of(&self.dir, base))?;
            (saved, count) = (saved + bytes, count + usize::from(bytes > 0));
            progress(done + 1, sealed.len());
        }
        Ok((saved, count))
    }

    /// Ends the session: makes durable all that was appended, and ends the active file so that the next session opens it
    /// without reading it, and so that all damage can be told from a torn write. Dropping the log does the same, without
    /// telling whether it worked. At most two syncs.
    ///
    /// # Errors
    /// [`Error::Poisoned`] when that fails; what was durable before is so all the same.
    pub fn close(self) -> Result<()> {
        self.finish()
    }

    /// [`close`](Log::close), by one of several who have the log; nothing can be appended any more.
    pub(crate) fn finish(&self) -> Result<()> {
        self.syncer.get().into_iter().for_each(Worker::stop);
        self.group.finish()
    }

    /// Makes durable all that was appended, and has a segment begin behind it; unless that would end one of not more than `bytes` and a
    /// quarter of its length, or there is no room for another.
    pub(crate) fn seal_above(&self, bytes: u64) -> Result<()> {
        self.group.seal_above(bytes)
    }

    /// The offset and the chain that the next record continues, whether or not what precedes it is durable yet.
    pub(crate) fn end_and_chain(&self) -> (u64, Chain) {
        self.group.end()
    }

    /// Gives bodies their places in the log; the offset and the chain after them. They are not acknowledged yet: see
    /// [`acknowledge`](Log::acknowledge). Waits only if very much is queued.
    pub(crate) fn enqueue<P: AsRef<[u8]>>(&self, bodies: &[P]) -> Result<(u64, Chain)> {
        let (end, chain, queued) = self.group.enqueue(bodies)?;
        if queued >= LARGE_WRITE_BYTES && self.durability != Durability::Immediate {
            let first = end + 1 - bodies.len() as u64;
            self.group.write_unless_busy().map_err(|error| error.pending(first))?;
        }
        Ok((end, chain))
    }

    /// Returns once all before `end` is as safe as this log's durability asks.
    pub(crate) fn acknowledge(&self, end: u64) -> Result<()> {
        match self.durability {
            Durability::Immediate => self.group.reach(end, Stage::Durable),
            Durability::Interval(_) => self.sync_soon(),
            Durability::UnsafeNoSync => self.group.reach(end, Stage::Written),
        }
    }

    /// Returns once all before `end` is durable.
    pub(crate) fn make_durable(&self, end: u64) -> Result<()> {
        self.group.reach(end, Stage::Durable)
    }

    /// The error that everything after a failure gets.
    pub(crate) fn check(&self) -> Result<()> {
        self.group.check()
    }

    /// Has a thread of the log's own make durable what is queued.
    pub(crate) fn sync_soon(&self) -> Result<()> {
        self.syncer(|_| {}).map(Worker::ring)
    }

    /// What has to be there before something can be acknowledged: a thread that could not be started after a record was
    /// queued would leave that neither refused nor on its way.
    fn prepare(&self) -> Result<()> {
        match self.durability {
            Durability::Interval(_) => self.syncer(|_| {}).map(drop),
            Durability::Immediate | Durability::UnsafeNoSync => Ok(()),
        }
    }

    /// The thread that syncs what nobody waits for, started if need be. It calls `synced` with the head whenever it has made
    /// something durable; only the first such call counts.
    pub(crate) fn syncer(&self, synced: impl Fn(u64) + Send + 'static) -> Result<&Worker> {
        if let Some(syncer) = self.syncer.get() {
            return Ok(syncer);
        }
        let patience = match self.durability {
            Durability::Interval(patience) => patience,
            Durability::Immediate | Durability::UnsafeNoSync => Duration::ZERO,
        };
        let group = Arc::clone(&self.group);
        let work = move || {
            // A failure is told to everybody who asks the log; there is nobody to tell it to here.
            if group.sync_all().is_ok() {
                synced(group.head());
            }
        };
        let syncer = Worker::start("redraft-sync", patience, work).during("start a thread for", &self.dir)?;
        // Somebody may have been faster; the thread that is not needed ends with its handle.
        Ok(self.syncer.get_or_init(|| syncer))
    }

    /// Has `waker` woken when more is durable, or when nothing ever will be. Look again after calling this.
    pub(crate) fn wake_when_durable(&self, waker: &Waker) {
        self.group.durable().wake_when_grown(waker);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.group.has_failed() {
            return;
        }
        if let Err(error) = self.finish() {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "closing the log failed; opening it again will sort it out");
        }
    }
}

fn allocation(options: &Options) -> u64 {
    options.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
}

/// Removes segments that were given up, in the order of the log.
fn remove_segments(disk: &dyn Disk, dir: &Path, bases: Vec<u64>) -> Result<()> {
    for base in bases {
        let path = path_of(dir, base);
        disk.remove(&path).during("remove segment", &path)?;
        // One after the other: a power cut that kept the name of this one but not of the next would leave a gap.
        disk.sync_dir(dir).during("sync directory", dir)?;
    }
    Ok(())
}

/// A panic of another thread while it held one of our locks leaves nothing half done that later steps rely on: the
/// failure flag, not the mutex, says whether the log is usable.
fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
