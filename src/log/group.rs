//! [`Group`]: group commit. Records queue up while a sync is under way; whoever finds nobody syncing takes all that is
//! queued, writes it with one call and syncs once.
//!
//! Between [`Log`](super::Log), which everybody calls, and `segment`, which has one writer. Always holds: what is durable
//! grows in the order of the queue; after a failed write or sync nothing is retried; the queue is bounded, and whoever
//! would overfill it writes first.

use super::durable::Durable;
use super::{FULL_QUEUE_BYTES, ignore_poison};
use crate::error::{Error, Result};
use crate::io::Env;
use crate::segment::format::{Chain, Header, RECORD_BYTES_MAX, push_frame, u32_at};
use crate::segment::writer::{Batch, SegmentWriter};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

/// What all that append share.
#[derive(Debug)]
pub(super) struct Group {
    env: Env,
    dir: PathBuf,
    segment_bytes: u64,
    queue: Mutex<Queue>,
    writer: Mutex<Option<SegmentWriter>>,
    /// Whether somebody is writing and syncing, and the bell that rings when that is done.
    syncing: Mutex<bool>,
    synced: Condvar,
    /// Tasks to wake at the same moment.
    wakers: Mutex<Vec<Waker>>,
    durable: Arc<Durable>,
    failure: OnceLock<Arc<Error>>,
}

/// Records in order, framed, waiting for whoever syncs next.
#[derive(Debug, Default)]
struct Queue {
    frames: Vec<u8>,
    ends: Vec<usize>,
    head: u64,
    chain: Chain,
}

impl Group {
    pub(super) fn new(env: &Env, dir: PathBuf, segment_bytes: u64, writer: SegmentWriter) -> Self {
        let queue = Queue { head: writer.head(), chain: writer.chain(), ..Queue::default() };
        Group {
            env: env.clone(),
            dir,
            segment_bytes,
            durable: Arc::new(Durable::new(writer.head(), writer.header().base, writer.positions())),
            queue: Mutex::new(queue),
            writer: Mutex::new(Some(writer)),
            syncing: Mutex::new(false),
            synced: Condvar::new(),
            wakers: Mutex::default(),
            failure: OnceLock::new(),
        }
    }

    /// What is durable, as it grows.
    pub(super) fn durable(&self) -> &Arc<Durable> {
        &self.durable
    }

    pub(super) fn head(&self) -> u64 {
        self.durable.head()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.get().is_some()
    }

    /// The offset and the chain that the next record continues, whether or not what precedes it is durable yet.
    pub(super) fn end(&self) -> (u64, Chain) {
        let queue = ignore_poison(&self.queue);
        (queue.head, queue.chain)
    }

    /// Gives a body its place in the log and returns its offset and the chain after it. It is not durable yet, and
    /// nobody can read it: see [`wait`](Log::wait).
    pub(super) fn enqueue(&self, body: &[u8]) -> Result<(u64, Chain)> {
        self.check()?;
        if body.is_empty() || body.len() > RECORD_BYTES_MAX as usize {
            return Err(Error::TooLarge { bytes: body.len() as u64, limit: RECORD_BYTES_MAX.into() });
        }
        let mut queue = self.queue_with_room()?;
        let queue = &mut *queue;
        queue.chain = push_frame(&mut queue.frames, body, queue.chain);
        queue.ends.push(queue.frames.len());
        queue.head += 1;
        Ok((queue.head - 1, queue.chain))
    }

    /// The queue, once it is not full: a program that changes faster than the disk takes it is held up here rather than
    /// running out of memory.
    fn queue_with_room(&self) -> Result<MutexGuard<'_, Queue>> {
        loop {
            let queue = ignore_poison(&self.queue);
            if queue.frames.len() < FULL_QUEUE_BYTES {
                return Ok(queue);
            }
            let last = queue.head - 1;
            drop(queue);
            self.wait(last)?;
        }
    }

    /// Has `waker` woken when more has become durable, or when nothing ever will. Look again after calling this: it may
    /// have happened in between.
    pub(super) fn wake_when_synced(&self, waker: &Waker) {
        ignore_poison(&self.wakers).push(waker.clone());
    }

    fn wake(&self) {
        let wakers = std::mem::take(&mut *ignore_poison(&self.wakers));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns once the record at `offset` is durable. Whoever finds nobody syncing writes and syncs all that is queued, in
    /// one batch; the others sleep until that is done. A lone caller waits for nobody.
    pub(super) fn wait(&self, offset: u64) -> Result<()> {
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
            self.wake();
            answer?;
        }
        Ok(())
    }

    /// Makes durable all that is queued.
    pub(super) fn sync_all(&self) -> Result<()> {
        let (head, _) = self.end();
        head.checked_sub(1).map_or(Ok(()), |last| self.wait(last))
    }

    /// The error that everything after a failure gets.
    pub(super) fn check(&self) -> Result<()> {
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
            self.durable.grow(active.head(), active.header().base, active.positions());
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

    pub(super) fn finish(&self) -> Result<()> {
        let mut writer = ignore_poison(&self.writer);
        self.check()?;
        self.flush(&mut writer).map_err(|error| self.fail(error))?;
        match writer.take() {
            Some(mut active) => active.close().map_err(|error| self.fail(error)),
            None => Ok(()),
        }
    }
}
