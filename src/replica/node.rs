//! [`Node`]: a replica that writes into an order which no store keeps. Every node has the state, reads it here, and writes it here.
//!
//! Leaves what waits to `writer`, deciding to `ordering`, and the way back to `follow`. Always: what was settled has its place in the order
//! and shows in this node's own history; what was not waits here, durably, for as long as the order cannot be reached.

use super::begin::has_begun;
use super::follow::{Following, Pause, end_of};
use super::intake::Intake;
use super::link::Link;
use super::order::Order;
use super::ordering::Ordering;
use super::outcomes::{Awaited, Outcomes};
use super::settled::{Pending, Settled, Writing};
use super::source::Source;
use super::writer::Writer;
use super::{Beginning, Replica, ignore_poison};
use crate::draft::Outcome as RecipeOutcome;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::log::Worker;
use crate::merge::{Outcome, Rules};
use crate::patch::Patch;
use crate::record::Meta;
use crate::state::State;
use crate::store::{self, Store};
use crate::value::Value;
use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the thread that brings changes into the order sleeps at most before it looks for itself.
const NAP: Duration = Duration::from_millis(200);
/// More than this is not kept for changes that wait, while the order takes them: then they are waited for.
const KEPT_BYTES: u64 = 64 << 20;
const BREATH: Duration = Duration::from_millis(1);
/// An order that cannot be reached is tried again at least this often: somebody waits for it, as a rule.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a change is waited for, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// A state that several machines change, each on its own disk, in one order that is kept elsewhere.
///
/// [`produce`](Node::produce) runs its recipe here, on all that this node knows, and returns once the change has its place in the order.
/// What others were faster with is merged by the [rules](Store::rules), as at a [`Store`] that merges: there is no primary, so each node
/// does that for its own changes. What cannot reach the order waits, and shows here meanwhile.
///
/// Its directory is that of a [`Replica`]: it opens without the order too, for reading, for backups, for going on alone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::replica::{LocalOrder, Node};
/// use redraft::merge::{Policy, Rules};
/// use redraft::Value;
/// use std::sync::Arc;
///
/// let order = Arc::new(LocalOrder::open(dir.path().join("order"))?);
/// let nodes = [1, 2].map(|n| Node::<Value>::open(order.clone(), dir.path().join(n.to_string())));
/// let [here, there] = nodes.map(Result::unwrap);
/// here.set_rules(Rules::new().with("/votes".parse()?, Policy::Counter))?;
/// here.produce(|doc| doc["votes"] = 1.into())?;
/// std::thread::scope(|scope| {
///     for node in [&here, &there] {
///         scope.spawn(move || {
///             for _ in 0..10 {
///                 node.produce(|doc| doc["votes"] = (doc["votes"].as_i64().unwrap_or(0) + 1).into()).unwrap();
///             }
///         });
///     }
/// });
/// there.wait_for(here.store().version().max(there.store().version()))?;
/// # let newest = redraft::replica::Source::status(&*order)?.head;
/// # here.wait_for(newest)?;
/// assert_eq!(here.state()?["votes"].as_i64(), Some(21)); // nothing was lost, whoever was faster
/// # here.close()?;
/// # there.close()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Node<S: State + Default = Value> {
    pub(super) desk: Arc<Desk<S>>,
    work: Work<S>,
    patience: Duration,
    settling: Writing,
}

/// The threads of a node, for as long as it lives.
#[derive(Debug)]
struct Work<S: State + Default> {
    desk: Arc<Desk<S>>,
    following: Option<Following>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread of a node and those who use it share.
pub(super) struct Desk<S: State + Default> {
    writer: Writer<S>,
    pub(super) ordering: Arc<Ordering<S>>,
    pub(super) intake: Intake,
    outcomes: Arc<Outcomes>,
    /// Finds out what became of changes, as they come back.
    settler: OnceLock<Arc<Worker>>,
    stopped: AtomicBool,
    /// Whether there may be something to do.
    rung: Mutex<bool>,
    bell: Condvar,
    /// Why it brings nothing into the order any longer.
    ended_by: Mutex<Option<Arc<Error>>>,
    /// Why nothing could be brought there the last time, if that was so.
    hindered_by: Mutex<Option<String>>,
}

impl store::Options {
    /// [`Node::open`], with these options for the node: the machine, its segments, its snapshots and what is kept, functions for merging.
    ///
    /// # Errors
    /// As `Node::open`.
    pub fn open_node<S: State + Default>(
        &self,
        order: Arc<dyn Order>,
        path: impl AsRef<Path>,
    ) -> Result<Node<S>> {
        let replica = self.replica_in_order(&order, path.as_ref())?;
        Node::over(replica, order)
    }

    /// The replica beneath a node. One that has begun opens without the order too.
    fn replica_in_order<S: State + Default>(&self, order: &Arc<dyn Order>, dir: &Path) -> Result<Replica<S>> {
        let source: Arc<dyn Source> = Arc::clone(order) as Arc<dyn Source>;
        let begun = self.replica_of(Arc::clone(&source), dir, Beginning::Oldest);
        let caught_up = begun.and_then(|replica: Replica<S>| match replica.catch_up() {
            Ok(_) => Ok(replica),
            Err(error) => {
                replica.rest();
                Err(error)
            }
        });
        match caught_up {
            Err(error) if error.kind() == ErrorKind::Unreachable && has_begun(&*self.log.env.disk, dir)? => {
                tracing::warn!(%error, "the order cannot be reached: what is here is shown, and changes wait");
                Replica::over(Arc::new(self.open_followed(dir)?), Link::new(source, None))
            }
            answer => answer,
        }
    }
}

impl<S: State + Default> Node<S> {
    /// Opens the node in a directory, or begins one there: with all that the order has. One that has begun opens also while the order cannot be
    /// reached. Costs what opening a [`Replica`] costs, reading what waits, and four threads.
    ///
    /// # Errors
    /// As [`Replica::open`] and [`Replica::write_through`]; what the order answers.
    pub fn open(order: Arc<dyn Order>, path: impl AsRef<Path>) -> Result<Node<S>> {
        store::Options::new().open_node(order, path)
    }

    fn over(replica: Replica<S>, order: Arc<dyn Order>) -> Result<Node<S>> {
        let ordering = Arc::new(Ordering::new(replica.handle(), order));
        let writer = replica.write_through(Arc::clone(&ordering))?;
        let following = Some(writer.replica().follow_after(Pause::up_to(LONGEST_PAUSE))?);
        let outcomes = Arc::new(Outcomes::default());
        let told = Arc::clone(&outcomes);
        let settling = writer.listen(move |settled| told.tell(settled));
        let desk = Arc::new(Desk {
            writer,
            ordering,
            intake: Intake::default(),
            outcomes,
            settler: OnceLock::new(),
            stopped: AtomicBool::new(false),
            rung: Mutex::new(true),
            bell: Condvar::new(),
            ended_by: Mutex::default(),
            hindered_by: Mutex::default(),
        });
        desk.settle_as_it_comes()?;
        let works = Arc::clone(&desk);
        let thread = thread::Builder::new().name("redraft-order".into()).spawn(move || works.run());
        let thread = Some(thread.during("start a thread for", desk.store().path())?);
        let work = Work { desk: Arc::clone(&desk), following, thread };
        Ok(Node { desk, work, patience: PATIENCE, settling })
    }

    /// For how long [`produce`](Node::produce) and [`wait_for`](Node::wait_for) wait; half a minute unless said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What this node has of the history: confirmed states, changes, snapshots, backups. Whatever would change it is refused. O(1).
    pub fn store(&self) -> &Arc<Store<S>> {
        self.desk.store()
    }

    /// The writer beneath: what waits, recipes by name, what becomes of changes.
    pub fn writer(&self) -> &Writer<S> {
        &self.desk.writer
    }

    /// What is confirmed here, with all that waits: [`Writer::view`].
    ///
    /// # Errors
    /// As reading the history.
    pub fn state(&self) -> Result<Arc<S>> {
        self.desk.writer.view()
    }

    /// Runs `recipe` on a draft of the [state](Node::state), and waits until what it changed has its place in the order, which is when it
    /// is as durable as the order makes anything, and shows in this node's history. What became of it is told: others may have been
    /// faster, and the rules decide then. If the recipe changes nothing, nothing is recorded, and the number told is 0.
    ///
    /// Many threads may do so at once; their changes share the way to the order and the syncs.
    ///
    /// # Errors
    /// As [`Store::produce`]: nothing changed. [`Error::Unreachable`] when nothing was heard of it in time: it waits here durably, and will
    /// have its place as soon as the order can be reached ([`Writer::listen`] tells). What ended this node's work, if something did.
    pub fn produce<R: RecipeOutcome>(&self, recipe: impl FnOnce(&mut S) -> R) -> Result<Settled> {
        self.produce_with(Meta::default(), recipe)
    }

    /// [`produce`](Node::produce), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `produce`.
    pub fn produce_with<R: RecipeOutcome>(
        &self,
        meta: Meta,
        recipe: impl FnOnce(&mut S) -> R,
    ) -> Result<Settled> {
        let awaited = self.submit_with(meta, recipe)?;
        self.wait(&awaited)
    }

    /// [`produce`](Node::produce) by a recipe that is known by its name ([`recipe`](Node::recipe)): where the rules say so, it is run again
    /// on what others made meanwhile.
    ///
    /// # Errors
    /// As `produce`; [`Error::NoRecipe`].
    pub fn run(&self, name: &str, args: impl Into<Value>) -> Result<Settled> {
        self.desk.breathe()?;
        let awaited = self.desk.writer.run_noted(name, args.into(), |pending| self.desk.awaited(pending))?;
        self.desk.ring();
        self.wait(&awaited)
    }

    /// Makes a recipe known by a name, for [`run`](Node::run). One of the same name is replaced. O(1).
    pub fn recipe<E: Into<Box<dyn StdError + Send + Sync>>>(
        &self,
        name: impl Into<String>,
        recipe: impl Fn(&mut S, &Value) -> std::result::Result<(), E> + Send + Sync + 'static,
    ) {
        let (name, recipe) = (name.into(), Arc::new(recipe));
        let again = Arc::clone(&recipe);
        // Where it is run again, that is done on the very state it is then appended to.
        self.desk.store().recipe(name.clone(), move |state: &mut S, args: &Value| again(state, args));
        self.desk.writer.recipe(name, move |state: &mut S, args: &Value| recipe(state, args));
    }

    /// The first half of [`produce`](Node::produce): the change shows here and is on its way, and is not durable anywhere yet. One thread
    /// can so have many under way, and [wait](Node::wait) for each.
    ///
    /// # Errors
    /// As [`Store::produce`].
    pub fn submit<R: RecipeOutcome>(&self, recipe: impl FnOnce(&mut S) -> R) -> Result<Awaited> {
        self.submit_with(Meta::default(), recipe)
    }

    /// [`submit`](Node::submit), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `submit`.
    pub fn submit_with<R: RecipeOutcome>(
        &self,
        meta: Meta,
        recipe: impl FnOnce(&mut S) -> R,
    ) -> Result<Awaited> {
        self.desk.breathe()?;
        let awaited = self.desk.writer.produce_noted(meta, recipe, |pending| self.desk.awaited(pending))?;
        self.desk.ring();
        Ok(awaited)
    }

    /// Waits for what becomes of a change. See [`produce`](Node::produce).
    ///
    /// # Errors
    /// As `produce`, once it is made.
    pub fn wait(&self, awaited: &Awaited) -> Result<Settled> {
        match awaited.wait(self.patience, || self.desk.must_work())? {
            Some(settled) => Ok(settled),
            None => Err(self.desk.unheard()),
        }
    }

    /// Waits until all that was made here before has its place in the order, also what an earlier session left. What was given back to be run
    /// again by a recipe that is not [known](Node::recipe) goes on waiting.
    ///
    /// # Errors
    /// As `produce`, once it is made.
    pub fn flush(&self) -> Result<()> {
        let (begun, writer) = (Instant::now(), &self.desk.writer);
        let last = writer.newest_number();
        loop {
            let next = self.store().version() + 1;
            writer.view()?;
            if writer.front().is_none_or(|front| front > last) {
                return Ok(());
            }
            self.desk.must_work()?;
            if begun.elapsed() >= self.patience {
                return Err(self.desk.unheard());
            }
            // Whatever comes may be the last of it.
            match writer.replica().wait_for(next, NAP) {
                Err(Error::BeyondHead { .. }) | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until `version` is visible here, so that who wrote it elsewhere can read it here.
    ///
    /// # Errors
    /// [`Error::BeyondHead`] when it did not come in time; what making the state of it failed with.
    pub fn wait_for(&self, version: u64) -> Result<Arc<S>> {
        self.desk.writer.replica().wait_for(version, self.patience)
    }

    /// Sets what is done where changes meet, for all nodes and all that comes from now on. The rules are part of the history.
    ///
    /// # Errors
    /// What the order answers: then they may be set, or not.
    pub fn set_rules(&self, rules: Rules) -> Result<()> {
        let (store, rules) = (self.desk.store(), Arc::new(rules));
        self.desk.ordering.place(|| store.propose_rules(&rules)).map(drop)
    }

    /// Why this node brings nothing into the order any longer, if something that does not pass has ended that: histories that differ,
    /// a disk that failed. What it shows stays, and what waits goes on waiting. O(1).
    pub fn ended_by(&self) -> Option<Arc<Error>> {
        ignore_poison(&self.desk.ended_by).clone()
    }

    /// That, as an error.
    #[cfg(feature = "http")]
    pub(crate) fn must_work(&self) -> Result<()> {
        self.desk.must_work()
    }

    /// Ends the session cleanly. What waits goes on waiting. A handful of syncs.
    ///
    /// # Errors
    /// As [`Store::close`].
    pub fn close(self) -> Result<()> {
        let Node { desk, work, settling, .. } = self;
        drop((work, settling));
        match Arc::try_unwrap(desk) {
            Ok(Desk { writer, ordering, .. }) => {
                drop(ordering);
                writer.close()
            }
            // Nobody else has it once the threads are gone.
            Err(desk) => desk.store().sync().map(drop),
        }
    }
}

impl<S: State + Default> Drop for Work<S> {
    fn drop(&mut self) {
        self.desk.stopped.store(true, Atomic::SeqCst);
        self.desk.ring();
        drop(self.following.take());
        let source = self.desk.ordering.order();
        if self.thread.take().is_some_and(|thread| end_of(thread, source).is_err()) {
            tracing::error!("the thread of a node panicked");
        }
        // Who opens this directory next must not find it taken.
        self.desk.writer.replica().rest();
        self.desk.settler.get().into_iter().for_each(|settler| settler.stop());
    }
}

impl<S: State + Default> std::fmt::Debug for Desk<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("writer", &self.writer).finish_non_exhaustive()
    }
}

impl<S: State + Default> Desk<S> {
    fn store(&self) -> &Arc<Store<S>> {
        self.ordering.store()
    }

    /// A patch, made for the state that it is applied to, on its way; or why it could not be made.
    pub(super) fn applied<E>(
        &self,
        meta: Meta,
        make: impl FnOnce(&S) -> Result<Patch, E>,
    ) -> Result<Result<Awaited, E>> {
        self.breathe()?;
        let awaited = self.writer.apply_noted(meta, make, |pending| self.awaited(pending))?;
        self.ring();
        Ok(awaited)
    }

    fn awaited(&self, pending: &Pending<S>) -> Awaited {
        let nothing = || {
            let (outcome, notes) = (Outcome::Clean, Vec::new());
            Settled { sequence: 0, version: self.store().version(), outcome, notes, again_as: None }
        };
        pending.sequence.map_or_else(|| Awaited::over(nothing()), |sequence| self.outcomes.awaited(sequence))
    }

    fn ring(&self) {
        if !std::mem::replace(&mut *ignore_poison(&self.rung), true) {
            self.bell.notify_all();
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Atomic::SeqCst)
    }

    /// Brings what waits into the order, until it is stopped or something happens that does not pass.
    fn run(&self) {
        let mut pause = Pause::up_to(LONGEST_PAUSE);
        while !self.is_stopped() {
            self.sleep(NAP);
            let answer = self.bring();
            let (failed, got_on) = (answer.is_err(), matches!(answer, Ok(count) if count > 0));
            *ignore_poison(&self.hindered_by) = answer.as_ref().err().map(text_of);
            if let Err(error) = pause.after(answer.map(drop), got_on) {
                *ignore_poison(&self.ended_by) = Some(Arc::new(error));
                return;
            }
            if failed {
                *ignore_poison(&self.rung) = false;
                self.sleep(pause.next(&*self.store().env().entropy));
            }
        }
    }

    /// All that waits now; how many changes that were.
    fn bring(&self) -> Result<usize> {
        let replica = self.writer.replica();
        if !replica.is_following() && !self.is_stopped() {
            // Whatever ended that says so.
            replica.catch_up()?;
        }
        // What comes meanwhile goes along.
        self.ordering.await_turn();
        self.writer.push()
    }

    /// Has a thread find out what became of changes whenever some come back, so that whoever decides need not.
    fn settle_as_it_comes(self: &Arc<Self>) -> Result<()> {
        let desk = Arc::downgrade(self);
        let work = move || {
            // What fails is done again, and told, by who looks next.
            let failed = desk.upgrade().and_then(|desk| desk.writer.settle().err());
            failed
                .iter()
                .for_each(|error| tracing::warn!(%error, "what came cannot be held against what waits"));
        };
        let worker = Worker::start("redraft-settle", Duration::ZERO, work);
        let worker = Arc::new(worker.during("start a thread for", self.store().path())?);
        self.writer.replica().rings(&worker);
        drop(self.settler.set(worker));
        Ok(())
    }

    /// Until somebody rings, or for so long.
    fn sleep(&self, longest: Duration) {
        let rung = ignore_poison(&self.rung);
        let waited = self.bell.wait_timeout_while(rung, longest, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// What is kept for changes that wait goes once none does. While the order takes them, that is waited for now and then.
    fn breathe(&self) -> Result<()> {
        while self.writer.kept_bytes() > KEPT_BYTES
            && self.writer.replica().lag().connected
            && !self.is_stopped()
        {
            self.must_work()?;
            thread::sleep(BREATH);
        }
        Ok(())
    }

    pub(super) fn must_work(&self) -> Result<()> {
        match &*ignore_poison(&self.ended_by) {
            Some(source) => Err(Error::Ended { source: Arc::clone(source) }),
            None => Ok(()),
        }
    }

    pub(super) fn unheard(&self) -> Error {
        let hindered = ignore_poison(&self.hindered_by);
        let source = hindered.as_ref().map_or_else(
            || io::ErrorKind::TimedOut.into(),
            |why| io::Error::new(io::ErrorKind::TimedOut, format!("timed out; the last time, {why}")),
        );
        Error::Unreachable { from: self.ordering.name(), operation: "hear what became of a change", source }
    }
}

/// What an error says, and what that came from.
fn text_of(error: &Error) -> String {
    let sources = std::iter::successors(Some(error as &(dyn StdError + 'static)), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
