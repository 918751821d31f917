//! [`Inspected`]: the store that is looked into, whatever the type of its state and whether it is written here.
//!
//! Stands on `http`'s [`Served`], and asks the store for what is not served to programs: lives of places, undo. All calls block.

use crate::error::{Damage, Error, Result};
use crate::history::History;
use crate::http::Served;
use crate::io::Env;
use crate::log;
use crate::patch::Patch;
use crate::record::Meta;
use crate::replica::Node;
use crate::state::State;
use crate::store::{Life, Reader, Store};
use crate::value::{Pointer, Value};
use std::fmt;
use std::sync::Arc;

/// What an inspector looks into: a [`Store`] that this program writes, a [`Node`] that writes into an order, or a [`Reader`] of a store that
/// somebody else writes, or of a replica or a backup. Made from any of them by `into`, with or without an [`Arc`] around it. O(1).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::{Reader, Store, Value, inspect::Inspected};
/// use std::sync::Arc;
///
/// let store = Arc::new(Store::<Value>::open(dir.path())?);
/// let written_here: Inspected = Arc::clone(&store).into();
/// let written_elsewhere: Inspected = Reader::<Value>::open(dir.path())?.into();
/// # let _ = (written_here, written_elsewhere);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Inspected {
    served: Served,
    read: Arc<dyn Read>,
    /// Nothing where nothing can be changed.
    written: Option<Arc<dyn Write>>,
}

/// What is asked of a store or a reader besides what is served.
trait Read: Send + Sync {
    fn documents(&self) -> Option<History<Value>>;
    fn env(&self) -> &Env;
    fn log(&self) -> log::Reader;
    fn readable(&self, version: u64) -> Result<()>;
    fn life(&self, place: &Pointer, at: u64) -> Result<Life<'_>>;
    fn has_index(&self) -> bool;
    fn passed_over(&self) -> Vec<Damage>;
}

/// What is asked of who changes it.
trait Write: Send + Sync {
    fn preview_undo(&self, version: u64) -> Result<(u64, Patch)>;
    fn undo(&self, on: Option<u64>, version: u64) -> Result<u64>;
    fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Result<u64>;
}

impl<S: State + Default> Read for Store<S> {
    fn documents(&self) -> Option<History<Value>> {
        Store::documents(self)
    }
    fn env(&self) -> &Env {
        Store::env(self)
    }
    fn log(&self) -> log::Reader {
        self.view()
    }
    fn readable(&self, version: u64) -> Result<()> {
        Store::readable(self, version)
    }
    fn life(&self, place: &Pointer, at: u64) -> Result<Life<'_>> {
        self.life_at(place, at)
    }
    fn has_index(&self) -> bool {
        Store::has_index(self)
    }
    fn passed_over(&self) -> Vec<Damage> {
        self.opened().passed_over.iter().filter_map(Error::damage).cloned().collect()
    }
}

impl<S: State + Default> Write for Store<S> {
    fn preview_undo(&self, version: u64) -> Result<(u64, Patch)> {
        Store::preview_undo(self, version)
    }
    fn undo(&self, on: Option<u64>, version: u64) -> Result<u64> {
        let done = match on {
            Some(on) => self.undo_on(on, Meta::default(), version),
            None => Store::undo(self, version),
        };
        done.map(|commit| commit.version())
    }
    fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Result<u64> {
        let (old, mut draft) = (self.at(version)?, self.draft());
        if let (Some(on), Some(base)) = (on, draft.version())
            && on != base
        {
            return Err(Error::Outdated { base: Some(on), head: base });
        }
        *draft = S::clone(&old);
        self.commit_with(meta, draft).map(|commit| commit.version())
    }
}

impl<S: State + Default> Write for Node<S> {
    fn preview_undo(&self, version: u64) -> Result<(u64, Patch)> {
        self.store().preview_undo(version)
    }
    fn undo(&self, on: Option<u64>, version: u64) -> Result<u64> {
        self.undo_on(on, version)
    }
    fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Result<u64> {
        Node::return_to(self, on, &meta, version)
    }
}

impl<S: State + Default> Read for Reader<S> {
    fn documents(&self) -> Option<History<Value>> {
        Reader::documents(self)
    }
    fn env(&self) -> &Env {
        &self.history.env
    }
    fn log(&self) -> log::Reader {
        self.view()
    }
    fn readable(&self, _: u64) -> Result<()> {
        Ok(())
    }
    fn life(&self, place: &Pointer, at: u64) -> Result<Life<'_>> {
        self.life_at(place, at)
    }
    fn has_index(&self) -> bool {
        Reader::has_index(self)
    }
    fn passed_over(&self) -> Vec<Damage> {
        Reader::passed_over(self)
    }
}

impl<S: State + Default> From<Arc<Store<S>>> for Inspected {
    fn from(store: Arc<Store<S>>) -> Inspected {
        Inspected { served: Arc::clone(&store).into(), written: Some(store.clone()), read: store }
    }
}

impl<S: State + Default> From<Store<S>> for Inspected {
    fn from(store: Store<S>) -> Inspected {
        Arc::new(store).into()
    }
}

impl<S: State + Default> From<Arc<Node<S>>> for Inspected {
    fn from(node: Arc<Node<S>>) -> Inspected {
        let read = Arc::clone(node.store());
        Inspected { served: Arc::clone(&node).into(), read, written: Some(node) }
    }
}

impl<S: State + Default> From<Node<S>> for Inspected {
    fn from(node: Node<S>) -> Inspected {
        Arc::new(node).into()
    }
}

impl<S: State + Default> From<Arc<Reader<S>>> for Inspected {
    fn from(reader: Arc<Reader<S>>) -> Inspected {
        Inspected { served: Arc::clone(&reader).into(), read: reader, written: None }
    }
}

impl<S: State + Default> From<Reader<S>> for Inspected {
    fn from(reader: Reader<S>) -> Inspected {
        Arc::new(reader).into()
    }
}

impl fmt::Debug for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspected").field("served", &self.served).finish_non_exhaustive()
    }
}

impl Inspected {
    pub(super) fn served(&self) -> &Served {
        &self.served
    }

    /// The history as documents, where the store does not hold it as such itself.
    pub(super) fn documents(&self) -> Option<History<Value>> {
        self.read.documents()
    }

    pub(super) fn env(&self) -> &Env {
        self.read.env()
    }

    pub(super) fn log(&self) -> log::Reader {
        self.read.log()
    }

    /// Makes sure that what leads to a version can be read.
    pub(super) fn readable(&self, version: u64) -> Result<()> {
        self.read.readable(version)
    }

    /// All that was done up to a version to what is at `place` there.
    pub(super) fn life(&self, place: &Pointer, at: u64) -> Result<Life<'_>> {
        self.read.life(place, at)
    }

    /// Whether what is asked of places is looked up, and not found by reading everything.
    pub(super) fn has_index(&self) -> bool {
        self.read.has_index()
    }

    /// The snapshots that could not be used so far.
    pub(super) fn passed_over(&self) -> Vec<Damage> {
        self.read.passed_over()
    }

    /// What an undo would do to which version. Nothing where nothing can be changed, as of the following.
    pub(super) fn preview_undo(&self, version: u64) -> Option<Result<(u64, Patch)>> {
        self.written.as_ref().map(|written| written.preview_undo(version))
    }

    /// The version that the undo made; on no other version than `on`, if that is said.
    pub(super) fn undo(&self, on: Option<u64>, version: u64) -> Option<Result<u64>> {
        self.written.as_ref().map(|written| written.undo(on, version))
    }

    /// Makes the newest state what it was at a version.
    pub(super) fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Option<Result<u64>> {
        self.written.as_ref().map(|written| written.return_to(on, meta, version))
    }
}
