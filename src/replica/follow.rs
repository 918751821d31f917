//! Following without being asked: a thread that takes what comes, and comes back after every trouble that passes.
//!
//! Three threads share the work, so that none waits for what another does: this one receives and verifies, the log's own syncs, and
//! one makes the state. Always: what is visible is durable here; a trouble that does not pass ends the following and
//! nothing else.

use super::link::{Link, Pulled, is_passing};
use super::source::Source;
use super::{Replica, ignore_poison};
use crate::error::{Error, IoContext, Result};
use crate::io::Entropy;
use crate::log::{Log, Worker};
use crate::state::State;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The first pause after a trouble; each that follows is twice as long, up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Who is to end is roused again after this, and after twice as long each time, up to the longest: mostly it has ended by then.
const ROUSED_AFTER: Duration = Duration::from_micros(100);
const ROUSED_EVERY: Duration = Duration::from_millis(10);

/// So many pieces are told apart that have arrived and are not visible; more of them count as one.
const PIECES_MAX: usize = 1024;

/// How far a replica is behind, for all that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lag {
    /// How many changes of the source are known of and not visible here.
    pub changes: u64,
    /// How many bytes those take, as they are sent: to within a piece of a feed, 256 KiB. What a source that does not tell has not sent
    /// yet is not among them.
    pub bytes: u64,
    /// For how long there have been such; nothing if there are none.
    pub since: Option<Duration>,
    /// Whether the source is being heard: one that is not may have come further.
    pub connected: bool,
}

/// Keeps a replica following. Dropping it stops that, and waits for it.
#[must_use = "dropping it ends the following"]
pub struct Following {
    course: Arc<Course>,
    /// Of this one: another may follow by then.
    stopped: Arc<AtomicBool>,
    source: Arc<dyn Source>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("source", &self.source.name()).finish_non_exhaustive()
    }
}

impl Following {
    /// Stops following: soon if the source can be [roused](Source::rouse), which takes two seconds where it does not answer; otherwise when it
    /// says the next time that it is there, which it does every second, or has had the patience to be asked.
    pub fn stop(self) {
        drop(self);
    }

    /// Whether it has ended by itself, which only a trouble that does not pass brings about. O(1).
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops following, and says why it had ended by itself if it had.
    ///
    /// # Errors
    /// As [`Replica::catch_up`].
    pub fn finish(mut self) -> Result<()> {
        self.end();
        ignore_poison(&self.course.ended_by).take().map_or(Ok(()), Err)
    }

    fn end(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.course.tell();
        if self.thread.take().is_some_and(|thread| end_of(thread, &*self.source).is_err()) {
            tracing::error!("the thread that follows panicked");
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

/// Waits for the end of a thread that was told to stop, whatever it asks the source until it hears of that.
pub(super) fn end_of(thread: JoinHandle<()>, source: &dyn Source) -> thread::Result<()> {
    rouse_until(source, || thread.is_finished());
    thread.join()
}

fn rouse_until(source: &dyn Source, mut is_over: impl FnMut() -> bool) {
    let mut pause = ROUSED_AFTER;
    while !is_over() {
        source.rouse();
        thread::sleep(pause);
        pause = (pause * 2).min(ROUSED_EVERY);
    }
}

/// What the threads of a replica tell each other, and those who wait.
#[derive(Debug)]
pub(super) struct Course {
    /// Nobody follows any longer, ever.
    stopped: AtomicBool,
    /// How many threads follow, or are about to.
    follow: AtomicUsize,
    connected: AtomicBool,
    /// Whether somebody waits who has seen that the source is there.
    hurried: AtomicBool,
    /// The source's version when it was last heard of.
    seen: AtomicU64,
    /// How many bytes it had then that have not arrived.
    awaited_bytes: AtomicU64,
    arrived: Mutex<Arrived>,
    /// Since when there is something that is not visible here.
    behind: Mutex<Option<Instant>>,
    /// Why the following ended.
    ended_by: Mutex<Option<Error>>,
    /// Whether making the state failed the last time.
    misfits: AtomicBool,
    /// Counts what is worth looking at again.
    news: Mutex<u64>,
    heard: Condvar,
    /// Who is rung for whenever something became visible.
    rung: OnceLock<Arc<Worker>>,
}

/// What has arrived, and how much of it is visible.
#[derive(Debug, Default)]
struct Arrived {
    bytes: u64,
    visible_bytes: u64,
    /// How many had arrived when the log ended at this offset, for all that is not visible yet.
    up_to: VecDeque<(u64, u64)>,
}

impl Arrived {
    fn invisible_bytes(&mut self, version: u64) -> u64 {
        while self.up_to.front().is_some_and(|(end, _)| *end <= version) {
            self.visible_bytes = self.up_to.pop_front().map_or(0, |(_, bytes)| bytes);
        }
        self.bytes - self.visible_bytes
    }
}

impl Course {
    pub(super) fn new(link: &Link) -> Course {
        Course {
            stopped: AtomicBool::new(false),
            follow: AtomicUsize::new(0),
            connected: AtomicBool::new(false),
            hurried: AtomicBool::new(false),
            seen: AtomicU64::new(link.seen),
            awaited_bytes: AtomicU64::new(link.awaited_bytes),
            arrived: Mutex::default(),
            behind: Mutex::default(),
            ended_by: Mutex::default(),
            misfits: AtomicBool::new(false),
            news: Mutex::default(),
            heard: Condvar::new(),
            rung: OnceLock::new(),
        }
    }

    /// What the link knows of the source, and what has come of it: the log ends at `end` with that.
    pub(super) fn hears(&self, link: &Link, end: u64) {
        self.seen.fetch_max(link.seen, Ordering::SeqCst);
        self.awaited_bytes.store(link.awaited_bytes, Ordering::SeqCst);
        let mut arrived = ignore_poison(&self.arrived);
        if link.arrived_bytes > arrived.bytes {
            arrived.bytes = link.arrived_bytes;
            if arrived.up_to.len() == PIECES_MAX {
                arrived.up_to.pop_back();
            }
            arrived.up_to.push_back((end, link.arrived_bytes));
        }
    }

    /// How many bytes are known of and not part of `version`, which is visible.
    fn behind_bytes(&self, version: u64) -> u64 {
        ignore_poison(&self.arrived).invisible_bytes(version) + self.awaited_bytes.load(Ordering::SeqCst)
    }

    /// A piece of the log was made into a state, or could not be.
    pub(super) fn note(&self, answer: &Result<u64>) {
        if let Err(error) = answer {
            tracing::error!(%error, "what came cannot be made visible");
        }
        if let Ok(version) = answer {
            ignore_poison(&self.arrived).invisible_bytes(*version);
        }
        self.misfits.store(answer.is_err(), Ordering::SeqCst);
        self.tell();
        self.rung.get().into_iter().for_each(|worker| worker.ring());
    }

    /// Ends a pause between attempts.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::SeqCst);
        self.tell();
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.tell();
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn tell(&self) {
        *ignore_poison(&self.news) += 1;
        self.heard.notify_all();
    }

    /// Sleeps until `enough`, or for as long as `patience` says; whether it was enough.
    fn wait(&self, patience: Duration, mut enough: impl FnMut() -> bool) -> bool {
        let news = ignore_poison(&self.news);
        let waited = self.heard.wait_timeout_while(news, patience, |_| !enough());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl<S: State + Default> Replica<S> {
    /// Follows the source in a thread of its own, for as long as the returned guard lives: takes each change as soon as it is
    /// durable there. A source that cannot be reached, or stops answering, is tried again, at first after a tenth of a second,
    /// in the end every half minute, never at the same moments as other replicas.
    ///
    /// # Errors
    /// [`Error::Io`] when no thread can be started. What ends it later, [`Following::finish`] tells.
    pub fn follow(&self) -> Result<Following> {
        self.follow_after(Pause::up_to(LONGEST_PAUSE))
    }

    /// The same, with other pauses between attempts.
    pub(super) fn follow_after(&self, pause: Pause) -> Result<Following> {
        let replayer = Arc::clone(&self.replayer);
        self.store.log().syncer(move |_| replayer.ring())?;
        let course = Arc::clone(&self.course);
        let (link, store) = (Arc::clone(&self.link), Arc::clone(&self.store));
        // Said before there is a thread: whoever asks from now on must not wait for the link, which that one keeps.
        let at_work = AtWork::on(&course);
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        let run = move || {
            let stops = Stops { course: &at_work.0, this: &is_stopped };
            if let Some(mut link) = stops.taken(&link) {
                follow(&mut link, store.log(), &*store.env().entropy, &stops, pause);
            }
            // Whoever waits for the end of this has the store for itself then.
            drop((link, store));
            drop(at_work);
        };
        let thread = thread::Builder::new().name("redraft-follow".into()).spawn(run);
        let thread = thread.during("start a thread for", self.store.path())?;
        Ok(Following { course, stopped, source: Arc::clone(&self.source), thread: Some(thread) })
    }

    /// Waits until `version` is visible here, so that who wrote it elsewhere can read it here; up to `patience`. The state then,
    /// which may be a later one.
    ///
    /// # Errors
    /// [`Error::BeyondHead`] when it did not come in time; what making the state of it failed with.
    pub fn wait_for(&self, version: u64, patience: Duration) -> Result<Arc<S>> {
        let is_there = || self.store.version() >= version;
        let is_over = || is_there() || self.course.misfits.load(Ordering::SeqCst);
        self.course.wait(patience, is_over);
        if !is_there() && self.course.misfits.load(Ordering::SeqCst) {
            self.store.take_over()?;
        }
        let (head, state) = self.store.newest();
        if head >= version { Ok(state) } else { Err(Error::BeyondHead { version, head }) }
    }

    /// Has somebody be rung for whenever something became visible, for as long as this lives.
    pub(super) fn rings(&self, worker: &Arc<Worker>) {
        drop(self.course.rung.set(Arc::clone(worker)));
    }

    /// How far the replica is behind. O(1).
    pub fn lag(&self) -> Lag {
        let changes = self.course.seen.load(Ordering::SeqCst).saturating_sub(self.store.version());
        let bytes = self.course.behind_bytes(self.store.version());
        let mut behind = ignore_poison(&self.course.behind);
        let since = (changes > 0).then(|| behind.get_or_insert_with(Instant::now).elapsed());
        if changes == 0 {
            *behind = None;
        }
        Lag {
            changes,
            bytes: if changes == 0 { 0 } else { bytes },
            since,
            connected: self.course.connected.load(Ordering::SeqCst),
        }
    }

    /// Returns once no thread follows any longer, each of which was told to stop.
    pub(super) fn await_the_end(&self) {
        rouse_until(&*self.source, || !self.is_following());
    }

    /// Whether a thread follows, which has what a call would do done already.
    pub(super) fn is_following(&self) -> bool {
        self.course.follow.load(Ordering::SeqCst) > 0
    }
}

/// A thread that follows, or is about to, for as long as this lives.
struct AtWork(Arc<Course>);

impl AtWork {
    fn on(course: &Arc<Course>) -> AtWork {
        course.follow.fetch_add(1, Ordering::SeqCst);
        AtWork(Arc::clone(course))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // Another one may be connected by now.
        if self.0.follow.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.connected.store(false, Ordering::SeqCst);
        }
        self.0.tell();
    }
}

/// What a thread that follows is told to stop by.
struct Stops<'c> {
    course: &'c Course,
    this: &'c AtomicBool,
}

impl Stops<'_> {
    fn is_stopped(&self) -> bool {
        self.course.is_stopped() || self.this.load(Ordering::SeqCst)
    }

    /// What somebody else may have in hand, who follows for longer than this one is to; nothing if that is so.
    fn taken<'l>(&self, link: &'l Mutex<Link>) -> Option<MutexGuard<'l, Link>> {
        loop {
            match link.try_lock() {
                _ if self.is_stopped() => return None,
                Ok(link) => return Some(link),
                Err(TryLockError::Poisoned(link)) => return Some(link.into_inner()),
                Err(TryLockError::WouldBlock) => drop(self.course.wait(ROUSED_EVERY, || self.is_stopped())),
            }
        }
    }
}

/// Follows until it is stopped, or something is wrong that does not pass.
fn follow(link: &mut Link, log: &Log, entropy: &dyn Entropy, stops: &Stops<'_>, mut pause: Pause) {
    let course = stops.course;
    while !stops.is_stopped() {
        let before = log.end();
        let answer = follow_once(link, log, Syncing::Meanwhile, &mut |link| {
            course.connected.store(true, Ordering::SeqCst);
            course.hears(link, log.end());
            !stops.is_stopped()
        });
        course.connected.store(false, Ordering::SeqCst);
        if let Err(error) = pause.after(answer, log.end() > before) {
            *ignore_poison(&course.ended_by) = Some(error);
            return;
        }
        let is_over = || stops.is_stopped() || course.hurried.swap(false, Ordering::SeqCst);
        course.wait(pause.next(entropy), is_over);
    }
}

/// How long to wait before the next attempt.
pub(super) struct Pause {
    next: Duration,
    longest: Duration,
}

impl Pause {
    /// Each pause is twice as long as the one before, up to this.
    pub(super) fn up_to(longest: Duration) -> Pause {
        Pause { next: SHORTEST_PAUSE, longest }
    }

    /// One that is this long at most.
    pub(super) fn of(longest: Duration) -> Pause {
        Pause { next: longest, longest }
    }

    /// What an attempt that got on or not came to. What does not pass is handed on.
    pub(super) fn after(&mut self, answer: Result<()>, got_on: bool) -> Result<()> {
        match answer {
            Err(error) if !is_passing(&error) => {
                tracing::error!(%error, "following ends");
                return Err(error);
            }
            Err(error) => tracing::warn!(%error, pause = ?self.next, "following is interrupted"),
            Ok(()) => {}
        }
        if got_on {
            self.next = SHORTEST_PAUSE;
        }
        Ok(())
    }

    /// Between a half and the whole of it; the next one is longer.
    pub(super) fn next(&mut self, entropy: &dyn Entropy) -> Duration {
        let mut bytes = [0; 4];
        let drawn =
            entropy.fill(&mut bytes).map(|()| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX));
        // Without randomness all pauses are as long as they can be.
        let pause = self.next.mul_f64(0.5 + drawn.unwrap_or(1.0) / 2.0);
        self.next = (self.next * 2).min(self.longest);
        pause
    }
}

/// Who makes durable what came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syncing {
    /// A thread of the log, while the next piece comes.
    Meanwhile,
    /// This one, before it goes on.
    AtOnce,
}

/// Until the source ends the feed, something is wrong, or `go_on`, which is asked after each piece and each pulse, says no.
pub(super) fn follow_once(
    link: &mut Link,
    log: &Log,
    syncing: Syncing,
    go_on: &mut dyn FnMut(&Link) -> bool,
) -> Result<()> {
    link.agrees(log)?;
    let mut arrivals = link.begin(log, true)?;
    while go_on(link) {
        match link.pull(&mut arrivals, log)? {
            Pulled::Some { .. } if syncing == Syncing::Meanwhile => log.sync_soon()?,
            Pulled::Some { .. } => drop(log.sync()?),
            Pulled::None => {}
            Pulled::End => return Ok(()),
        }
        // A courtesy, without which what is copied is there all the same.
        if let Err(error) = link.acknowledge(log.head(), false) {
            tracing::warn!(%error, "the source cannot be told how far this replica is");
        }
    }
    Ok(())
}
