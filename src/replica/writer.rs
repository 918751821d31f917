//! [`Writer`]: a replica that writes. Its changes show at once, wait on its own disk, and are merged elsewhere.
//!
//! Leaves bringing them over what comes in to `queue`, submitting them to `push`, and deciding to the [`Sequencer`]. Always: what waits is durable; it waits until
//! it is seen in the history, whatever was answered; numbers have no gaps.

use super::queue::{Queue, Taken};
use super::recipes::{Recipe, is_given_back};
use super::sequencer::Sequencer;
use super::settled::{Listener, Pending, Settled};
use super::{Replica, ignore_poison};
use crate::draft::{Drafted, Outcome as RecipeOutcome, draft};
use crate::error::Result;
use crate::log::{self, Log};
use crate::merge::{Outcome, Submission};
use crate::record::{Change, Meta, Stamp, WriterId};
use crate::state::State;
use crate::value::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// The directory in that of the replica where changes wait.
const PENDING: &str = "pending";
/// What no longer waits goes segment by segment, once there is one that can go.
const SEGMENT_BYTES: u64 = 1 << 20;
/// So many changes that came are taken in at a time, where somebody else may want the queue as well.
const PIECE: u64 = 256;
/// So much room for the bytes of a change is kept.
const ROOM_BYTES: usize = 64 << 10;
/// A replica that writes.
///
/// What it makes shows at once in its [`view`](Writer::view) and is durable on its own disk: it survives a crash, and waits for as long as
/// the sequencer cannot be reached. It is acknowledged only once it comes back with the history ([`Settled`]): until then others
/// do not see it, and it may still turn out otherwise than it shows.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let (primary, copy) = (dir.path().join("primary"), dir.path().join("copy"));
/// use redraft::{Replica, Store, Value, value};
/// use std::sync::Arc;
///
/// let store = Arc::new(Store::<Value>::open(&primary)?);
/// store.produce(|doc| doc["list"] = value!(["a"]))?;
/// let writer = Replica::<Value>::open(&primary, &copy)?.write_through(Arc::clone(&store))?;
/// writer.exchange()?;
///
/// writer.produce(|doc| doc["list"].as_list_mut().unwrap().push("mine"))?; // offline, for all we care
/// store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "theirs"))?;
/// assert_eq!(writer.view()?["list"], value!(["a", "mine"]));
///
/// writer.exchange()?; // what waits goes there, and what is new comes here
/// assert_eq!(writer.view()?["list"], value!(["theirs", "a", "mine"]));
/// assert_eq!(writer.pending(), 0);
/// assert_eq!(store.state(), writer.view()?);
/// # Ok(()) }
/// ```
pub struct Writer<S: State + Default = Value> {
    pub(super) replica: Replica<S>,
    pub(super) sequencer: Arc<dyn Sequencer>,
    pub(super) log: Log,
    pub(super) queue: Mutex<Inner<S>>,
    /// How many bytes were kept since nothing waited last. Counted with the queue locked.
    pub(super) kept_bytes: AtomicU64,
    /// Held while what is kept is read from its beginning, or that is given up. Whoever holds it asks for no queue.
    pub(super) beginning: Mutex<()>,
    pub(super) recipes: Mutex<BTreeMap<String, Arc<Recipe<S>>>>,
    pub(super) listeners: Mutex<Vec<Weak<Listener>>>,
}

pub(super) struct Inner<S> {
    pub(super) queue: Queue<S>,
    /// The newest number that was given.
    pub(super) last: u64,
    /// The clock: not before anything that was seen.
    pub(super) stamp: Stamp,
    /// What was settled and nobody has heard of yet.
    pub(super) untold: Vec<Settled>,
    /// The newest number that was put among them.
    pub(super) settled: u64,
    /// Those whose recipe is to be run again, once it is known.
    pub(super) given_back: Vec<Submission>,
    /// What was made before this version is submitted as it reads by then.
    pub(super) read_as_of: u64,
    /// Whether something waits that an earlier session may have brought, which the history tells, and how.
    pub(super) looks_first: bool,
    /// What no longer waits: dropping it takes a while, which nobody else need wait for.
    spent: Vec<Submission>,
    /// Where what waits begins, in the log, once what is before that is to go.
    gives_up: Option<u64>,
    /// Room for the bytes of one change.
    room: Vec<u8>,
    /// Whether something failed while what came was taken in, so that what is here is not what it should be.
    is_off: bool,
}

impl<S> Inner<S> {
    /// Puts a change among what is to be told. What is taken in once more is not told once more.
    pub(super) fn settle(&mut self, settled: Settled) {
        if settled.sequence > self.settled {
            self.settled = settled.sequence;
            self.untold.push(settled);
        }
    }
}

/// The number of a change of a writer.
pub(super) fn number(submission: &Submission) -> u64 {
    submission.by.map_or(0, |(_, sequence)| sequence)
}

impl<S: State + Default> fmt::Debug for Writer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("replica", &self.replica.store.path()).finish_non_exhaustive()
    }
}

impl<S: State + Default> Replica<S> {
    /// Makes of it a replica that writes, through whoever merges for the store that it follows. What waited when it was open last is
    /// there. Costs reading that, and what came since; a handful of syncs the first time.
    ///
    /// # Errors
    /// As opening a log.
    pub fn write_through(self, sequencer: impl Sequencer + 'static) -> Result<Writer<S>> {
        let dir = self.store.path().join(PENDING);
        let options = log::Options::new().env(self.store.env().clone()).segment_bytes(SEGMENT_BYTES);
        let log = options.open(&dir)?;
        let writer = WriterId::of(log.id());
        self.store.keep_recent();
        let (confirmed, state) = self.store.newest();
        let inner = Inner {
            queue: Queue::on(writer, confirmed, state),
            last: 0,
            stamp: Stamp::default(),
            untold: Vec::new(),
            settled: 0,
            given_back: Vec::new(),
            read_as_of: 0,
            looks_first: false,
            spent: Vec::new(),
            gives_up: None,
            room: Vec::new(),
            is_off: false,
        };
        let writer = Writer {
            replica: self,
            sequencer: Arc::new(sequencer),
            log,
            queue: Mutex::new(inner),
            kept_bytes: AtomicU64::new(0),
            beginning: Mutex::default(),
            recipes: Mutex::default(),
            listeners: Mutex::default(),
        };
        writer.resume(&mut ignore_poison(&writer.queue))?;
        Ok(writer)
    }
}

impl<S: State + Default> Writer<S> {
    /// The replica beneath: what is confirmed, its history, following. O(1).
    pub fn replica(&self) -> &Replica<S> {
        &self.replica
    }

    /// Who its changes are by, in the history. O(1).
    pub fn id(&self) -> WriterId {
        WriterId::of(self.log.id())
    }

    /// What is confirmed here, with all that waits. O(what came since it was asked for last, led past what waits).
    ///
    /// # Errors
    /// As reading the history.
    pub fn view(&self) -> Result<Arc<S>> {
        self.with_queue(|inner| Ok(Arc::clone(&inner.queue.view)))
    }

    /// Takes in what is visible, piece by piece: whoever writes meanwhile need not wait for all of it.
    pub(super) fn settle(&self) -> Result<()> {
        while ignore_poison(&self.queue).queue.confirmed < self.replica.store.version() {
            self.with_queue_at(|_| PIECE, |_| Ok(()))?;
        }
        Ok(())
    }

    /// The newest number that was given.
    pub(super) fn newest_number(&self) -> u64 {
        ignore_poison(&self.queue).last
    }

    /// How many changes wait. O(1).
    pub fn pending(&self) -> usize {
        ignore_poison(&self.queue).queue.waiting.len()
    }

    /// Runs `recipe` on a draft of the view. What it changed waits from then on, durably: one sync. Reaches nobody.
    ///
    /// # Errors
    /// As [`Store::produce`](crate::Store::produce).
    pub fn produce<R: RecipeOutcome>(&self, recipe: impl FnOnce(&mut S) -> R) -> Result<Pending<S>> {
        self.produce_with(Meta::default(), recipe)
    }

    /// [`produce`](Writer::produce), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `produce`.
    pub fn produce_with<R: RecipeOutcome>(
        &self,
        meta: Meta,
        recipe: impl FnOnce(&mut S) -> R,
    ) -> Result<Pending<S>> {
        let pending = self.produce_noted(meta, recipe, Pending::clone)?;
        self.keep()?;
        Ok(pending)
    }

    /// The same before it is durable, noted by somebody before it can be settled.
    pub(super) fn produce_noted<R: RecipeOutcome, T>(
        &self,
        meta: Meta,
        recipe: impl FnOnce(&mut S) -> R,
        noted: impl FnOnce(&Pending<S>) -> T,
    ) -> Result<T> {
        self.with_view(|inner| {
            let drafted = draft(&*inner.queue.view, recipe)?;
            Ok(noted(&self.wait(inner, drafted, |submission| submission.meta(meta))?))
        })
    }

    /// Makes durable what waits. One sync, shared by all who ask for it at the same time. If it fails, what is here is made anew from what
    /// is on the disk.
    pub(super) fn keep(&self) -> Result<()> {
        self.log.sync().map(drop).inspect_err(|_| ignore_poison(&self.queue).is_off = true)
    }

    /// The same for what was given a number before the log ended there.
    pub(super) fn keep_up_to(&self, end: u64) -> Result<()> {
        self.log.make_durable(end).inspect_err(|_| ignore_poison(&self.queue).is_off = true)
    }

    /// How many bytes are kept for what waits, and for what that stands on. O(1).
    pub(super) fn kept_bytes(&self) -> u64 {
        self.kept_bytes.load(Ordering::Relaxed)
    }

    /// Ends the session cleanly. What waits goes on waiting.
    ///
    /// # Errors
    /// As [`Replica::close`].
    pub fn close(self) -> Result<()> {
        let Writer { replica, sequencer, log, .. } = self;
        log.close()?;
        drop(sequencer);
        replica.close()
    }

    /// Gives a change its number and its place among those that wait; [`keep`](Self::keep) makes it durable.
    pub(super) fn wait(
        &self,
        inner: &mut Inner<S>,
        drafted: Drafted<S>,
        about: impl FnOnce(Submission) -> Submission,
    ) -> Result<Pending<S>> {
        if drafted.patch.is_empty() {
            return Ok(Pending { sequence: None, state: Arc::clone(&inner.queue.view) });
        }
        let (sequence, writer) = (inner.last + 1, inner.queue.writer);
        inner.stamp = inner.stamp.next(self.replica.store.env().clock.now_ms());
        let Drafted { state, patch, .. } = drafted.shared();
        let submission = Submission::new(inner.queue.confirmed, patch).by(writer, sequence);
        let submission = about(submission.written(inner.stamp));
        inner.room.clear();
        submission.append_to(&mut inner.room);
        self.log.enqueue(&[&inner.room])?;
        self.kept_bytes.fetch_add(inner.room.len() as u64, Ordering::Relaxed);
        inner.room.shrink_to(ROOM_BYTES);
        inner.queue.made(sequence, submission, Arc::clone(&state));
        inner.last = sequence;
        Ok(Pending { sequence: Some(sequence), state })
    }

    /// Brings the queue up to what is visible, and does something with it.
    pub(super) fn with_queue<T>(&self, then: impl FnOnce(&mut Inner<S>) -> Result<T>) -> Result<T> {
        self.with_queue_at(|_| u64::MAX, then)
    }

    /// The same, for whom what shows is enough: that is the same, whatever of what waits has come back, as long as nothing else came.
    pub(super) fn with_view<T>(&self, then: impl FnOnce(&mut Inner<S>) -> Result<T>) -> Result<T> {
        let store = &self.replica.store;
        let piece = |confirmed| if store.came_as_believed_since(confirmed) { 0 } else { u64::MAX };
        self.with_queue_at(piece, then)
    }

    /// The same, taking in no more than so many changes first, which what is confirmed may decide.
    pub(super) fn with_queue_at<T>(
        &self,
        piece: impl FnOnce(u64) -> u64,
        then: impl FnOnce(&mut Inner<S>) -> Result<T>,
    ) -> Result<T> {
        let mut inner = ignore_poison(&self.queue);
        // Whatever ends this before it is done, even a panic of a type, leaves something half done.
        if std::mem::replace(&mut inner.is_off, true) {
            self.resume(&mut inner)?;
        }
        let piece = piece(inner.queue.confirmed);
        self.refresh(&mut inner, piece)?;
        inner.is_off = false;
        let answer = then(&mut inner);
        let (is_told, gives_up) = (inner.untold.is_empty(), inner.gives_up.take());
        // As many come again, as a rule.
        let room = Vec::with_capacity(inner.spent.len());
        let spent = std::mem::replace(&mut inner.spent, room);
        let gone = std::mem::take(&mut inner.queue.gone);
        drop(inner);
        drop((spent, gone));
        if !is_told {
            self.tell();
        }
        gives_up.into_iter().for_each(|first| self.give_up_before(first));
        answer
    }

    fn refresh(&self, inner: &mut Inner<S>, piece: u64) -> Result<()> {
        let (version, state) = self.replica.store.newest();
        if inner.queue.waiting.is_empty() && inner.given_back.is_empty() {
            inner.queue.stand_on(version, state);
            inner.stamp = inner.stamp.max(self.replica.store.stamp());
            self.see_what_is_settled(inner);
            return Ok(());
        }
        let version = version.min(inner.queue.confirmed.saturating_add(piece));
        self.each_up_to(inner, version, |inner, change| self.take_next(inner, change))?;
        let given_back = std::mem::take(&mut inner.given_back).into_iter();
        let (known, unknown): (Vec<_>, Vec<_>) = given_back.partition(|given_back| self.is_known(given_back));
        inner.given_back = unknown;
        for given_back in known {
            self.again(inner, &given_back)?;
        }
        self.see_what_is_settled(inner);
        Ok(())
    }

    /// Shows each change up to a version that is not taken in yet.
    pub(super) fn each_up_to(
        &self,
        inner: &mut Inner<S>,
        version: u64,
        mut take: impl FnMut(&mut Inner<S>, &Change) -> Result<()>,
    ) -> Result<()> {
        if inner.queue.confirmed >= version {
            return Ok(());
        }
        let store = &self.replica.store;
        store.changes_between(inner.queue.confirmed, version, |change| take(inner, change))?;
        store.took_in(version);
        Ok(())
    }

    fn take_next(&self, inner: &mut Inner<S>, change: &Change) -> Result<()> {
        let Some((mut settled, ours)) = self.take_one(inner, change)? else { return Ok(()) };
        let is_given_back = is_given_back(&settled.outcome);
        match is_given_back && self.is_known(&ours) {
            true => settled.again_as = self.again(inner, &ours)?,
            false if is_given_back && ours.call.is_some() => inner.given_back.push(ours.clone()),
            false => {}
        }
        inner.spent.push(ours);
        inner.settle(settled);
        Ok(())
    }

    /// Takes in the next change that is visible; what became of it, if it is ours.
    pub(super) fn take_one(
        &self,
        inner: &mut Inner<S>,
        change: &Change,
    ) -> Result<Option<(Settled, Submission)>> {
        let (store, version) = (&self.replica.store, change.version);
        inner.stamp = inner.stamp.max(change.stamp);
        let before = || Ok(store.at(version - 1)?.to_value());
        let Taken::Ours(ours, merged) = inner.queue.take(change, before, || store.at(version))? else {
            return Ok(None);
        };
        if change.base > ours.submission.base {
            // Also by an earlier session.
            inner.read_as_of = inner.read_as_of.max(change.base);
        }
        let (outcome, notes) =
            merged.map_or((Outcome::Clean, Vec::new()), |merged| (merged.outcome, merged.notes));
        let settled = Settled { sequence: ours.sequence, version, outcome, notes, again_as: None };
        Ok(Some((settled, ours.submission)))
    }

    /// What is settled, and nothing that waits stands on, need not be kept. What waits for a recipe is kept, and nobody for whom nothing else waits
    /// has to wait for that.
    fn see_what_is_settled(&self, inner: &mut Inner<S>) {
        if self.kept_bytes() < SEGMENT_BYTES || !inner.queue.waiting.is_empty() {
            return;
        }
        if inner.given_back.is_empty() {
            inner.gives_up = Some(self.log.head());
        }
        self.kept_bytes.store(0, Ordering::Relaxed);
    }

    /// Makes room on the disk, while others make changes. What could not go goes the next time.
    fn give_up_before(&self, first: u64) {
        let _alone = ignore_poison(&self.beginning);
        if let Err(error) = self.log.truncate_front(first) {
            tracing::warn!(%error, "what no longer waits is still on the disk");
        }
    }
}
