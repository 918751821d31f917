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
use crate::state::State;
use crate::store::{Life, Reader, Store};
use crate::value::{Pointer, Value};
use std::fmt;
use std::sync::Arc;

/// What an inspector looks into: a [`Store`] that this program writes, or a [`Reader`] of one that somebody else does, or of a
/// replica or a backup. Made from either by `into`, with or without an [`Arc`] around it. O(1).
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
    backing: Arc<dyn Backing>,
}

/// What is asked of a store or a reader besides what is served.
trait Backing: Send + Sync {
    fn documents(&self) -> Option<History<Value>>;
    fn env(&self) -> &Env;
    fn log(&self) -> log::Reader;
    fn readable(&self, version: u64) -> Result<()>;
    fn life(&self, place: &Pointer, at: u64) -> Result<Life<'_>>;
    fn has_index(&self) -> bool;
    fn passed_over(&self) -> Vec<Damage>;
    /// Nothing where nothing can be changed, as of the following.
    fn preview_undo(&self, version: u64) -> Option<Result<(u64, Patch)>>;
    fn undo(&self, on: Option<u64>, version: u64) -> Option<Result<u64>>;
    fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Option<Result<u64>>;
}

impl<S: State + Default> Backing for Store<S> {
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
    fn preview_undo(&self, version: u64) -> Option<Result<(u64, Patch)>> {
        Some(Store::preview_undo(self, version))
    }
    fn undo(&self, on: Option<u64>, version: u64) -> Option<Result<u64>> {
        let done = match on {
            Some(on) => self.undo_on(on, Meta::default(), version),
            None => Store::undo(self, version),
        };
        Some(done.map(|commit| commit.version()))
    }
    fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Option<Result<u64>> {
        let done = self.at(version).and_then(|old| {
            let mut draft = self.draft();
            if let (Some(on), Some(base)) = (on, draft.version())
                && on != base
            {
                return Err(Error::Outdated { base: Some(on), head: base });
            }
            *draft = S::clone(&old);
            self.commit_with(meta, draft)
        });
        Some(done.map(|commit| commit.version()))
    }
}

impl<S: State + Default> Backing for Reader<S> {
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
    fn preview_undo(&self, _: u64) -> Option<Result<(u64, Patch)>> {
        None
    }
    fn undo(&self, _: Option<u64>, _: u64) -> Option<Result<u64>> {
        None
    }
    fn return_to(&self, _: Option<u64>, _: Meta, _: u64) -> Option<Result<u64>> {
        None
    }
}

impl<S: State + Default> From<Arc<Store<S>>> for Inspected {
    fn from(store: Arc<Store<S>>) -> Inspected {
        Inspected { served: Arc::clone(&store).into(), backing: store }
    }
}

impl<S: State + Default> From<Store<S>> for Inspected {
    fn from(store: Store<S>) -> Inspected {
        Arc::new(store).into()
    }
}

impl<S: State + Default> From<Arc<Reader<S>>> for Inspected {
    fn from(reader: Arc<Reader<S>>) -> Inspected {
        Inspected { served: Arc::clone(&reader).into(), backing: reader }
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
        self.backing.documents()
    }

    pub(super) fn env(&self) -> &Env {
        self.backing.env()
    }

    pub(super) fn log(&self) -> log::Reader {
        self.backing.log()
    }

    /// Makes sure that what leads to a version can be read.
    pub(super) fn readable(&self, version: u64) -> Result<()> {
        self.backing.readable(version)
    }

    /// All that was done up to a version to what is at `place` there.
    pub(super) fn life(&self, place: &Pointer, at: u64) -> Result<Life<'_>> {
        self.backing.life(place, at)
    }

    /// Whether what is asked of places is looked up, and not found by reading everything.
    pub(super) fn has_index(&self) -> bool {
        self.backing.has_index()
    }

    /// The snapshots that could not be used so far.
    pub(super) fn passed_over(&self) -> Vec<Damage> {
        self.backing.passed_over()
    }

    /// What an undo would do to which version. Nothing where nothing can be changed, as of the following.
    pub(super) fn preview_undo(&self, version: u64) -> Option<Result<(u64, Patch)>> {
        self.backing.preview_undo(version)
    }

    /// The version that the undo made; on no other version than `on`, if that is said.
    pub(super) fn undo(&self, on: Option<u64>, version: u64) -> Option<Result<u64>> {
        self.backing.undo(on, version)
    }

    /// Makes the newest state what it was at a version.
    pub(super) fn return_to(&self, on: Option<u64>, meta: Meta, version: u64) -> Option<Result<u64>> {
        self.backing.return_to(on, meta, version)
    }
}
