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

mod durable;
mod group;
pub(crate) mod reader;
mod syncer;
pub(crate) mod view;

use crate::error::{Error, IoContext, Result};
use crate::io::{Disk, Env, Lock, LockAttempt};
use crate::segment::format::{Chain, FRAME_BYTES, Header, StoreId};
use crate::segment::recovery::{self, Cut, Proven};
use crate::segment::writer::SegmentWriter;
use crate::segment::{UNFINISHED, bases_in};
use group::Group;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use syncer::Syncer;
use view::View;

pub(crate) const LOCK_NAME: &str = "LOCK";
/// Positions inside a segment are 32 bits wide.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 1 << 31;
/// Room for a header, a record and a footer.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 512;

/// So much may be queued before whoever queues more has to write first.
const FULL_QUEUE_BYTES: usize = 8 << 20;

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
    header: Header,
    group: Arc<Group>,
    /// The thread that syncs what nobody waits for; started when it is first needed.
    syncer: OnceLock<Syncer>,
    _lock: Box<dyn Lock>,
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
        Log {
            env: env.clone(),
            dir: dir.to_owned(),
            header: *writer.header(),
            group: Arc::new(Group::new(env, dir.to_owned(), segment_bytes, writer)),
            syncer: OnceLock::new(),
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

    /// The offset after the last durable record.
    pub(crate) fn head(&self) -> u64 {
        self.group.head()
    }

    /// A way to read this log that sees exactly what is durable.
    pub(crate) fn view(&self) -> View {
        View::of_writer(&self.env, &self.dir, Arc::clone(self.group.durable()))
    }

    /// The offset and the chain that the next record continues, whether or not what precedes it is durable yet.
    pub(crate) fn end(&self) -> (u64, Chain) {
        self.group.end()
    }

    /// Gives a body its place in the log and returns its offset and the chain after it. It is not durable yet, and
    /// nobody can read it: see [`wait`](Log::wait). Waits only if very much is queued.
    pub(crate) fn enqueue(&self, body: &[u8]) -> Result<(u64, Chain)> {
        self.group.enqueue(body)
    }

    /// Returns once the record at `offset` is durable. A lone caller waits for nobody.
    pub(crate) fn wait(&self, offset: u64) -> Result<()> {
        self.group.wait(offset)
    }

    /// The error that everything after a failure gets.
    pub(crate) fn check(&self) -> Result<()> {
        self.group.check()
    }

    /// Has a thread of the log's own make durable what is queued, and call `synced` with the head after that.
    pub(crate) fn sync_soon(&self, synced: impl Fn(u64) + Send + 'static) -> Result<()> {
        if self.syncer.get().is_none() {
            let syncer =
                Syncer::start(Arc::clone(&self.group), synced).during("start a thread for", &self.dir)?;
            // Somebody may have been faster; the thread that is not needed ends with its handle.
            drop(self.syncer.set(syncer));
        }
        self.syncer.get().into_iter().for_each(Syncer::ring);
        Ok(())
    }

    /// Has `waker` woken when more has become durable, or when nothing ever will. Look again after calling this.
    pub(crate) fn wake_when_synced(&self, waker: &Waker) {
        self.group.wake_when_synced(waker);
    }

    /// Writes what is queued, ends the active file with a durable mark and gives the lock back. Afterwards all damage can
    /// be told from a torn write. Dropping the log does the same, without telling whether it worked.
    pub(crate) fn close(self) -> Result<()> {
        self.finish()
    }

    fn finish(&self) -> Result<()> {
        self.syncer.get().into_iter().for_each(Syncer::stop);
        self.group.finish()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.group.has_failed() {
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
