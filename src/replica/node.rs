//! [`Node`]: a replica that writes into an order which no store keeps. Every node has the state, reads it here, and writes it here.
//!
//! Leaves what waits to `writer`, bringing it into the order to `desk`, deciding to `ordering`, and the way back to `follow`. Always: what was settled has its place in the order
//! and shows in this node's own history; what was not waits here, durably, for as long as the order cannot be reached.

use super::begin::has_begun;
use super::desk::{Desk, Work};
use super::link::Link;
use super::order::Order;
use super::ordering::Ordering;
use super::outcomes::{Awaited, Outcomes};
use super::settled::{Settled, Writing};
use super::source::Source;
use super::writer::Writer;
use super::{Beginning, Replica};
use crate::draft::Outcome as RecipeOutcome;
use crate::error::{Error, ErrorKind, Result};
use crate::merge::Rules;
use crate::record::Meta;
use crate::state::State;
use crate::store::{self, Store};
use crate::value::Value;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a change is waited for, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many times as far back as others may be that a node may be itself: it was cut off, and has the history beside it.
const REACH: usize = 16;

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
    pub(super) patience: Duration,
    settling: Writing,
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
        let options = self.clone().merging_reaches(REACH);
        let replica = options.replica_in_order(&order, path.as_ref())?;
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
        let outcomes = Arc::new(Outcomes::default());
        let told = Arc::clone(&outcomes);
        let settling = writer.listen(move |settled| told.tell(settled));
        let desk = Arc::new(Desk::of(writer, ordering, outcomes));
        let work = Work::begin(&desk)?;
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
    /// As [`submit`](Node::submit): nothing changed. [`Error::Unreachable`] when nothing was heard of it in time: it waits here durably, and will
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
        self.desk.breathe(self.patience)?;
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
    /// As [`Store::produce`]. [`Error::Io`] when very much waits already, 64 MiB, and the order takes nothing of it for as long as the [patience](Node::patience) is,
    /// although it is heard: nothing was made. While it does take some, that is waited for.
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
        self.desk.breathe(self.patience)?;
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
        self.desk.flush(self.patience)
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
        self.desk.ended_by()
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
            Ok(desk) => desk.close(),
            // Nobody else has it once the threads are gone.
            Err(desk) => desk.store().sync().map(drop),
        }
    }
}
