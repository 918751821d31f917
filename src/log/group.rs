//! [`Group`]: group commit. Records queue up while a sync is under way; whoever finds nobody syncing takes all that is
//! queued, writes it with one call and syncs once.
//!
//! Between [`Log`](super::Log), which everybody calls, and `segment`, which has one writer. Always holds: what is written and
//! what is durable grow in the order of the queue; after a failed write or sync nothing is retried; the queue is bounded,
//! and whoever would overfill it writes first. Two pairs of buffers go round, so that in the long run nothing is allocated.

use super::durable::Durable;
use super::{FULL_QUEUE_BYTES, ignore_poison};
use crate::error::{Error, Result};
use crate::io::Env;
use crate::layout::{Chain, u32_at};
use crate::segment::format::{Header, RECORD_BYTES_MAX, push_frame};
use crate::segment::writer::{Batch, SegmentWriter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// For what part of the time that a sync takes a leader waits, at most, for those who were with it the last time.
const GATHERING_PART: u32 = 3;
/// And for how long at most.
const GATHERING_MAX: Duration = Duration::from_millis(1);
/// What the buffers may hold on to between batches, in bytes.
const KEPT_BYTES_MAX: usize = 2 * FULL_QUEUE_BYTES;

/// What all that append share.
#[derive(Debug)]
pub(super) struct Group {
    env: Env,
    dir: PathBuf,
    segment_bytes: u64,
    queue: Mutex<Queue>,
    desk: Mutex<Desk>,
    turn: Mutex<Turn>,
    /// Rings when the turn is over.
    turned: Condvar,
    /// The offset after the last record that was handed to the operating system.
    written: AtomicU64,
    durable: Arc<Durable>,
    failure: OnceLock<Arc<Error>>,
    /// The process that opened the log.
    process: u32,
    /// How long a leader may wait for company.
    gathering_ns: AtomicU64,
}

/// How far a record has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The operating system has it: it survives the death of the process.
    Written,
    /// The disk has it.
    Durable,
}

/// Records in order, framed, waiting for whoever writes next.
#[derive(Debug, Default)]
struct Queue {
    frames: Vec<u8>,
    ends: Vec<usize>,
    head: u64,
    chain: Chain,
}

/// Where one thread at a time writes.
#[derive(Debug)]
struct Desk {
    writer: Option<SegmentWriter>,
    frames: Vec<u8>,
    ends: Vec<usize>,
}

/// Whose turn it is to write and sync.
#[derive(Debug, Default)]
struct Turn {
    taken: bool,
    /// How many wait for it to be over.
    waiting: usize,
    /// How many waited the last time: they are likely to be back at once.
    company: usize,
}

impl Group {
    pub(super) fn new(
        env: &Env,
        dir: PathBuf,
        segment_bytes: u64,
        writer: SegmentWriter,
        bases: Vec<u64>,
    ) -> Self {
        let queue = Queue { head: writer.head(), chain: writer.chain(), ..Queue::default() };
        Group {
            env: env.clone(),
            dir,
            segment_bytes,
            written: AtomicU64::new(writer.head()),
            durable: Arc::new(Durable::new(writer.head(), bases, Arc::clone(writer.positions()))),
            queue: Mutex::new(queue),
            desk: Mutex::new(Desk { writer: Some(writer), frames: Vec::new(), ends: Vec::new() }),
            turn: Mutex::default(),
            turned: Condvar::new(),
            failure: OnceLock::new(),
            process: std::process::id(),
            gathering_ns: AtomicU64::new(0),
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

    /// Gives bodies their places in the log, one after the other, and returns the offset and the chain after the last of
    /// them, and how many bytes are queued now. They are not durable yet, and nobody can read them: see
    /// [`reach`](Self::reach). If one is refused, none is queued.
    pub(super) fn enqueue<P: AsRef<[u8]>>(&self, bodies: &[P]) -> Result<(u64, Chain, usize)> {
        self.check()?;
        let mut queue = self.queue_with_room()?;
        let mut pushed = Pushed::onto(&mut queue);
        for (index, body) in bodies.iter().enumerate() {
            pushed.queue.push(index, body.as_ref())?;
        }
        pushed.all = true;
        drop(pushed);
        Ok((queue.head, queue.chain, queue.frames.len()))
    }

    /// The queue, once it is not full: a program that changes faster than the disk takes it is held up here rather than
    /// running out of memory.
    fn queue_with_room(&self) -> Result<MutexGuard<'_, Queue>> {
        loop {
            let queue = ignore_poison(&self.queue);
            if queue.frames.len() < FULL_QUEUE_BYTES {
                return Ok(queue);
            }
            let head = queue.head;
            drop(queue);
            self.reach(head, Stage::Written)?;
        }
    }

    fn has_reached(&self, head: u64, stage: Stage) -> bool {
        match stage {
            Stage::Written => self.written.load(Ordering::Acquire) >= head,
            Stage::Durable => self.head() >= head,
        }
    }

    /// Returns once all before `head` has come that far. Whoever finds nobody writing takes all that is queued, in one
    /// batch; the others sleep until that is done. A lone caller waits for nobody.
    pub(super) fn reach(&self, head: u64, stage: Stage) -> Result<()> {
        if self.has_reached(head, stage) {
            return Ok(());
        }
        let answer = self.take_turns(head, stage);
        self.durable.wake();
        answer
    }

    fn take_turns(&self, head: u64, stage: Stage) -> Result<()> {
        let mut turn = ignore_poison(&self.turn);
        while !self.has_reached(head, stage) {
            self.check()?;
            if turn.taken {
                turn.waiting += 1;
                turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            turn.taken = true;
            let company = turn.company;
            drop(turn);
            let answer = self.lead(stage, company);
            turn = self.end_turn();
            answer?;
        }
        Ok(())
    }

    /// Writes what is queued, unless somebody is writing already.
    pub(super) fn write_unless_busy(&self) -> Result<()> {
        let mut turn = ignore_poison(&self.turn);
        if turn.taken {
            return Ok(());
        }
        turn.taken = true;
        drop(turn);
        let answer = self.lead(Stage::Written, 0);
        drop(self.end_turn());
        self.durable.wake();
        answer
    }

    /// Writes what is queued. Called by who has the turn.
    fn lead(&self, stage: Stage, company: usize) -> Result<()> {
        if stage == Stage::Durable {
            self.gather(company);
        }
        let ending = Unwinding { group: self, has_turn: true };
        let answer = self.at_desk(|desk| self.flush(desk, stage));
        ending.came_to_an_end();
        answer
    }

    /// Does something where one thread at a time writes. If it fails, the log has failed.
    fn at_desk(&self, work: impl FnOnce(&mut Desk) -> Result<()>) -> Result<()> {
        let mut desk = ignore_poison(&self.desk);
        // Who was here before may have failed while this thread waited, and then there may be no writer.
        self.check()?;
        self.must_not_be_forked()?;
        work(&mut desk).map_err(|error| self.fail(error))
    }

    /// A process that was forked after the log was opened has the same files, and the lock with them. If both wrote, each
    /// would write over what the other was told is durable.
    fn must_not_be_forked(&self) -> Result<()> {
        match std::process::id() == self.process {
            true => Ok(()),
            false => Err(Error::Locked { path: self.dir.clone(), holder: Some(self.process) }),
        }
    }

    fn end_turn(&self) -> MutexGuard<'_, Turn> {
        let mut turn = ignore_poison(&self.turn);
        turn.taken = false;
        (turn.company, turn.waiting) = (turn.waiting, 0);
        if turn.company > 0 {
            self.turned.notify_all();
        }
        turn
    }

    /// Lets those who waited for the last sync queue what they want next, so that one sync serves all of them: they were
    /// woken a moment ago and need only be let run. Without company this does nothing, and it never takes more than a small
    /// part of what a sync does.
    fn gather(&self, company: usize) {
        if company == 0 {
            return;
        }
        let (start, most) = (Instant::now(), Duration::from_nanos(self.gathering_ns.load(Ordering::Relaxed)));
        while ignore_poison(&self.queue).ends.len() <= company && start.elapsed() < most {
            std::thread::yield_now();
        }
    }

    /// Makes durable all that is queued.
    pub(super) fn sync_all(&self) -> Result<()> {
        self.reach(self.end().0, Stage::Durable)
    }

    /// The error that everything after a failure gets.
    pub(super) fn check(&self) -> Result<()> {
        match self.failure.get() {
            Some(source) => Err(Error::Poisoned { source: Arc::clone(source), pending: None }),
            None => Ok(()),
        }
    }

    /// Nothing will ever be durable that is not. Whoever awaits it must be woken to hear of that, once no lock is held.
    fn fail(&self, error: Error) -> Error {
        let source = Arc::clone(self.failure.get_or_init(|| Arc::new(error)));
        let cause: &(dyn std::error::Error + 'static) = &*source;
        tracing::error!(cause, "the log accepts nothing more until it is opened again");
        Error::Poisoned { source, pending: None }
    }

    fn flush(&self, desk: &mut Desk, stage: Stage) -> Result<()> {
        let Desk { writer, frames, ends } = desk;
        let head = self.take_queue(frames, ends);
        self.write(writer, frames, ends)?;
        self.written.store(head, Ordering::Release);
        if let (Some(active), Stage::Durable) = (writer, stage) {
            self.commit(active)?;
        }
        Ok(())
    }

    fn write(&self, writer: &mut Option<SegmentWriter>, frames: &mut [u8], ends: &[usize]) -> Result<()> {
        let (mut first, mut start) = (0, 0);
        while first < ends.len() {
            let Some(active) = writer.as_mut() else { return Err(no_writer(&self.dir)) };
            let count = active.room_for(&ends[first..], start);
            if count == 0 {
                self.roll(writer, ends[first] - start, |_| ())?;
                continue;
            }
            let end = ends[first + count - 1];
            let chain = u32_at(frames, end - 4);
            let ends = &ends[first..first + count];
            active.write(&mut Batch { frames: &mut frames[start..end], ends, start, chain })?;
            (first, start) = (first + count, end);
        }
        Ok(())
    }

    fn commit(&self, active: &mut SegmentWriter) -> Result<()> {
        let start = Instant::now();
        active.commit()?;
        let gathering = (start.elapsed() / GATHERING_PART).min(GATHERING_MAX);
        self.gathering_ns.store(gathering.as_nanos() as u64, Ordering::Relaxed);
        if self.head() < active.head() {
            self.durable.grow(active.head());
        }
        Ok(())
    }

    /// Takes all that is queued, leaving emptied buffers in exchange; the offset after the last of it.
    fn take_queue(&self, frames: &mut Vec<u8>, ends: &mut Vec<usize>) -> u64 {
        frames.clear();
        ends.clear();
        frames.shrink_to(KEPT_BYTES_MAX);
        let mut queue = ignore_poison(&self.queue);
        std::mem::swap(&mut queue.frames, frames);
        std::mem::swap(&mut queue.ends, ends);
        queue.head
    }

    /// Starts the next segment, with room for a frame of `frame_bytes` at least, then seals the full one: so a sealed
    /// segment always has a successor. What a segment holds is durable before it has one. An empty segment that is too
    /// small is replaced by a larger one.
    fn roll(
        &self,
        writer: &mut Option<SegmentWriter>,
        frame_bytes: usize,
        change: impl FnOnce(&mut Header),
    ) -> Result<()> {
        let Some(mut full) = writer.take() else { return Ok(()) };
        let span = tracing::info_span!("roll", head = full.head());
        let _entered = span.enter();
        self.commit(&mut full)?;
        let mut header = Header {
            base: full.head(),
            chain: full.chain(),
            allocated: self.segment_bytes.max(SegmentWriter::bytes_for(frame_bytes)),
            ..*full.header()
        };
        change(&mut header);
        let next = SegmentWriter::create(&*self.env.disk, &self.dir, header)?;
        if !full.is_empty() {
            full.seal()?;
        }
        self.durable.roll(header.base, next.positions());
        *writer = Some(next);
        Ok(())
    }

    /// Begins a new segment that says that the log now starts at `origin`, which makes it durable that what is before may
    /// be gone.
    pub(super) fn begin_at_origin(&self, origin: u64) -> Result<()> {
        self.sync_all()?;
        self.begin_with(|header| header.origin = origin)
    }

    /// Begins a new segment whose header says something else than the one before; that is durable on return, as is all before it.
    pub(super) fn begin_with(&self, change: impl FnOnce(&mut Header)) -> Result<()> {
        self.sync_all()?;
        self.alone(|desk| self.roll(&mut desk.writer, 0, change))
    }

    /// Begins a new segment where the one that is written has more than `bytes`, or a quarter of what it may have. If it cannot be made
    /// for want of room, the log goes on as it was: nobody had to have it.
    pub(super) fn seal_above(&self, bytes: u64) -> Result<()> {
        self.sync_all()?;
        let bytes = bytes.min(self.segment_bytes / 4);
        self.alone(|desk| match &desk.writer {
            Some(active)
                if active.end() > bytes && active.has_room_beside(&*self.env.disk, self.segment_bytes) =>
            {
                self.roll(&mut desk.writer, 0, |_| ())
            }
            _ => Ok(()),
        })
    }

    /// Writes all that is queued and ends the session.
    pub(super) fn finish(&self) -> Result<()> {
        self.alone(|desk| {
            self.flush(desk, Stage::Durable)?;
            desk.writer.take().map_or(Ok(()), |mut active| active.close())
        })
    }

    /// Does something at the desk without having the turn.
    fn alone(&self, work: impl FnOnce(&mut Desk) -> Result<()>) -> Result<()> {
        let ending = Unwinding { group: self, has_turn: false };
        let answer = self.at_desk(work);
        ending.came_to_an_end();
        self.durable.wake();
        answer
    }
}

/// A disk that panics has failed as well: others must not wait for ever, nor be told that all went well.
struct Unwinding<'g> {
    group: &'g Group,
    has_turn: bool,
}

impl Unwinding<'_> {
    fn came_to_an_end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        self.group.fail(no_writer(&self.group.dir));
        if self.has_turn {
            drop(self.group.end_turn());
        }
        // A waker that panics now would end the process.
        let _ = catch_unwind(AssertUnwindSafe(|| self.group.durable.wake()));
    }
}

fn no_writer(dir: &Path) -> Error {
    let source = std::io::Error::other("the disk panicked, or the log is closed");
    Error::Io { operation: "write to", path: dir.to_owned(), source }
}

/// What is being queued by one call: all of it or, if that returns an error or panics, nothing.
struct Pushed<'q> {
    queue: &'q mut Queue,
    before: (usize, usize, u64, Chain),
    all: bool,
}

impl<'q> Pushed<'q> {
    fn onto(queue: &'q mut Queue) -> Self {
        let before = (queue.frames.len(), queue.ends.len(), queue.head, queue.chain);
        Pushed { queue, before, all: false }
    }
}

impl Drop for Pushed<'_> {
    fn drop(&mut self) {
        if !self.all {
            self.queue.take_back(self.before);
        }
    }
}

impl Queue {
    fn push(&mut self, index: usize, body: &[u8]) -> Result<()> {
        if body.is_empty() {
            return Err(Error::EmptyRecord { index });
        }
        let (bytes, limit) = (body.len() as u64, RECORD_BYTES_MAX.into());
        if bytes > limit {
            return Err(Error::TooLarge { index, bytes, limit });
        }
        self.chain = push_frame(&mut self.frames, body, self.chain);
        self.ends.push(self.frames.len());
        self.head += 1;
        Ok(())
    }

    fn take_back(&mut self, (bytes, count, head, chain): (usize, usize, u64, Chain)) {
        self.frames.truncate(bytes);
        self.ends.truncate(count);
        (self.head, self.chain) = (head, chain);
    }
}
