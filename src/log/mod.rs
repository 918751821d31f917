//! The log: opaque bodies in, dense offsets out, over as many segments as it takes.
//!
//! Fed by `store` with encoded records and by `replica` with another store's; read through [`View`](view::View). Knows
//! bytes and offsets, never patches.
//!
//! Always:
//! * Offsets are given in the order of [`Log::enqueue`] and have no gaps.
//! * When [`Log::wait`] says yes, the record survives power loss, and so does everything before it.
//! * What is not durable is not readable.
//! * After a failed write or sync nothing is retried: the kernel may have dropped the pages. The log refuses all further
//!   work until it is opened again, which decides anew from what is on the disk.

pub(crate) mod reader;
pub(crate) mod view;

use crate::error::{Error, IoContext, Result};
use crate::io::{Disk, Env, Lock, LockAttempt};
use crate::segment::format::{Chain, FRAME_BYTES, Header, RECORD_BYTES_MAX, StoreId, push_frame, u32_at};
use crate::segment::recovery::{self, Cut, Proven};
use crate::segment::writer::{Batch, SegmentWriter};
use crate::segment::{UNFINISHED, bases_in};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use view::View;

pub(crate) const LOCK_NAME: &str = "LOCK";
/// Positions inside a segment are 32 bits wide.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 1 << 31;
/// Room for a header, a record and a footer.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 512;

/// Where a log begins: its identity and the place in history of its first record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    pub(crate) store: StoreId,
    pub(crate) replica: bool,
    pub(crate) epoch: u32,
    pub(crate) base: u64,
    pub(crate) chain: Chain,
}

/// A log opened for writing. Any number of threads may append; one process may hold it.
#[derive(Debug)]
pub(crate) struct Log {
    env: Env,
    dir: PathBuf,
    segment_bytes: u64,
    header: Header,
    queue: Mutex<Queue>,
    writer: Mutex<Option<SegmentWriter>>,
    /// Whether somebody is writing and syncing, and the bell that rings when that is done.
    syncing: Mutex<bool>,
    synced: Condvar,
    durable: Arc<AtomicU64>,
    failure: OnceLock<Arc<Error>>,
    _lock: Box<dyn Lock>,
}

/// Records in order, framed, waiting for whoever syncs next.
#[derive(Debug, Default)]
struct Queue {
    frames: Vec<u8>,
    ends: Vec<usize>,
    head: u64,
    chain: Chain,
}

/// Takes the lock that makes this process the only writer.
pub(crate) fn lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn Lock>> {
    let path = dir.join(LOCK_NAME);
    match disk.try_lock(&path).during("lock", &path)? {
        LockAttempt::Taken(lock) => Ok(lock),
        LockAttempt::Held(holder) => Err(Error::Locked { path: dir.to_owned(), holder }),
    }
}

/// Removes what an interrupted creation of a segment or snapshot left behind.
pub(crate) fn remove_unfinished(disk: &dyn Disk, dir: &Path, names: &[String]) -> Result<()> {
    for name in
        names.iter().filter(|name| Path::new(name).extension().is_some_and(|ending| ending == UNFINISHED))
    {
        let path = dir.join(name);
        tracing::info!(path = %path.display(), "removing an unfinished file");
        disk.remove(&path).during("remove unfinished file", &path)?;
    }
    Ok(())
}

impl Log {
    /// Makes the first segment of a log in an existing directory. Durable on return.
    pub(crate) fn create(
        env: &Env,
        dir: &Path,
        birth: Birth,
        segment_bytes: u64,
        lock: Box<dyn Lock>,
    ) -> Result<Log> {
        let segment_bytes = segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        let Birth { store, replica, epoch, base, chain } = birth;
        let header = Header { replica, epoch, store, base, allocated: segment_bytes, origin: base, chain };
        let writer = SegmentWriter::create(&*env.disk, dir, header)?;
        Ok(Log::over(env, dir, writer, segment_bytes, lock))
    }

    /// Opens the log in `dir`, cutting a torn tail and finishing an interrupted roll. A log that ends before what a
    /// snapshot has `proven` to be durable is damaged, not torn. Reads headers and footers of sealed segments and
    /// the whole active one.
    pub(crate) fn open(
        env: &Env,
        dir: &Path,
        proven: Option<&Proven>,
        segment_bytes: u64,
        lock: Box<dyn Lock>,
    ) -> Result<(Log, Option<Cut>)> {
        let span = tracing::info_span!("recover", dir = %dir.display());
        let _entered = span.enter();
        let names = env.disk.list(dir).during("list store", dir)?;
        let layout = recovery::inspect(&*env.disk, dir, &bases_in(&names))?;
        layout.reaches(proven)?;
        remove_unfinished(&*env.disk, dir, &names)?;
        let cut = layout.torn.clone();
        let writer = layout.mend(&*env.disk, dir)?;
        tracing::info!(head = writer.head(), torn = cut.is_some(), "log is ready");
        let segment_bytes = segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        Ok((Log::over(env, dir, writer, segment_bytes, lock), cut))
    }

    fn over(env: &Env, dir: &Path, writer: SegmentWriter, segment_bytes: u64, lock: Box<dyn Lock>) -> Log {
        let queue = Queue { head: writer.head(), chain: writer.chain(), ..Queue::default() };
        Log {
            env: env.clone(),
            dir: dir.to_owned(),
            segment_bytes,
            header: *writer.header(),
            durable: Arc::new(AtomicU64::new(writer.head())),
            queue: Mutex::new(queue),
            writer: Mutex::new(Some(writer)),
            syncing: Mutex::new(false),
            synced: Condvar::new(),
            failure: OnceLock::new(),
            _lock: lock,
        }
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.header.store
    }

    pub(crate) fn is_replica(&self) -> bool {
        self.header.replica
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.header.epoch
    }

    /// The offset and the chain that the next record continues, whether or not what precedes it is durable yet.
    pub(crate) fn end(&self) -> (u64, Chain) {
        let queue = ignore_poison(&self.queue);
        (queue.head, queue.chain)
    }

    /// The offset after the last durable record.
    pub(crate) fn head(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// A way to read this log that sees exactly what is durable.
    pub(crate) fn view(&self) -> View {
        View::of_writer(&self.env, &self.dir, Arc::clone(&self.durable))
    }

    /// Gives a body its place in the log and returns its offset and the chain after it. It is not durable yet, and
    /// nobody can read it: see [`wait`](Log::wait).
    pub(crate) fn enqueue(&self, body: &[u8]) -> Result<(u64, Chain)> {
        self.check()?;
        if body.is_empty() || body.len() > RECORD_BYTES_MAX as usize {
            return Err(Error::TooLarge { bytes: body.len() as u64, limit: RECORD_BYTES_MAX.into() });
        }
        let mut queue = ignore_poison(&self.queue);
        let queue = &mut *queue;
        queue.chain = push_frame(&mut queue.frames, body, queue.chain);
        queue.ends.push(queue.frames.len());
        queue.head += 1;
        Ok((queue.head - 1, queue.chain))
    }

    /// Returns once the record at `offset` is durable. Whoever finds nobody syncing writes and syncs all that is queued, in
    /// one batch; the others sleep until that is done. A lone caller waits for nobody.
    pub(crate) fn wait(&self, offset: u64) -> Result<()> {
        let mut syncing = ignore_poison(&self.syncing);
        while self.head() <= offset {
            self.check()?;
            if *syncing {
                syncing = self.synced.wait(syncing).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            *syncing = true;
            drop(syncing);
            let answer = self.flush(&mut ignore_poison(&self.writer)).map_err(|error| self.fail(error));
            syncing = ignore_poison(&self.syncing);
            *syncing = false;
            self.synced.notify_all();
            answer?;
        }
        Ok(())
    }

    /// The error that everything after a failure gets.
    pub(crate) fn check(&self) -> Result<()> {
        match self.failure.get() {
            Some(cause) => Err(Error::Poisoned { cause: Arc::clone(cause) }),
            None => Ok(()),
        }
    }

    fn fail(&self, error: Error) -> Error {
        let cause = Arc::clone(self.failure.get_or_init(|| Arc::new(error)));
        tracing::error!(%cause, "the log accepts nothing more until it is opened again");
        Error::Poisoned { cause }
    }

    fn flush(&self, writer: &mut Option<SegmentWriter>) -> Result<()> {
        let (mut frames, ends) = self.take_queue();
        let (mut first, mut start) = (0, 0);
        while first < ends.len() {
            let Some(active) = writer.as_mut() else { return Ok(()) };
            let count = active.room_for(&ends[first..], start);
            if count == 0 {
                self.roll(writer, ends[first] - start)?;
                continue;
            }
            let end = ends[first + count - 1];
            let chain = u32_at(&frames, end - 4);
            let ends = &ends[first..first + count];
            active.append(&mut Batch { frames: &mut frames[start..end], ends, start, chain })?;
            self.durable.store(active.head(), Ordering::Release);
            (first, start) = (first + count, end);
        }
        self.give_back(frames, ends);
        Ok(())
    }

    fn take_queue(&self) -> (Vec<u8>, Vec<usize>) {
        let mut queue = ignore_poison(&self.queue);
        (std::mem::take(&mut queue.frames), std::mem::take(&mut queue.ends))
    }

    /// Hands the buffers back for the next batch, unless that has begun already.
    fn give_back(&self, mut frames: Vec<u8>, mut ends: Vec<usize>) {
        const KEPT_BYTES_MAX: usize = 1 << 20;
        let mut queue = ignore_poison(&self.queue);
        if queue.ends.is_empty() && frames.capacity() <= KEPT_BYTES_MAX {
            frames.clear();
            ends.clear();
            (queue.frames, queue.ends) = (frames, ends);
        }
    }

    /// Starts the next segment, with room for a frame of `frame_bytes` at least, then seals the full one: so a sealed
    /// segment always has a successor. An empty segment that is too small is replaced by a larger one.
    fn roll(&self, writer: &mut Option<SegmentWriter>, frame_bytes: usize) -> Result<()> {
        let Some(full) = writer.take() else { return Ok(()) };
        let span = tracing::info_span!("roll", head = full.head());
        let _entered = span.enter();
        let header = Header {
            base: full.head(),
            chain: full.chain(),
            allocated: self.segment_bytes.max(SegmentWriter::bytes_for(frame_bytes)),
            ..*full.header()
        };
        let next = SegmentWriter::create(&*self.env.disk, &self.dir, header)?;
        if !full.is_empty() {
            full.seal()?;
        }
        *writer = Some(next);
        Ok(())
    }

    /// Writes what is queued, ends the active file with a durable mark and gives the lock back. Afterwards all damage can
    /// be told from a torn write. Dropping the log does the same, without telling whether it worked.
    pub(crate) fn close(self) -> Result<()> {
        self.finish()
    }

    fn finish(&self) -> Result<()> {
        let mut writer = ignore_poison(&self.writer);
        self.check()?;
        self.flush(&mut writer).map_err(|error| self.fail(error))?;
        match writer.take() {
            Some(mut active) => active.close().map_err(|error| self.fail(error)),
            None => Ok(()),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.failure.get().is_some() {
            return;
        }
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "closing the log failed; opening it again will sort it out");
        }
    }
}

/// Bytes the frame of a body of this length takes.
pub(crate) fn framed_bytes(body: usize) -> usize {
    body + FRAME_BYTES
}

/// A panic of another thread while it held one of our locks leaves nothing half done that later steps rely on: the
/// failure flag, not the mutex, says whether the log is usable.
fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
