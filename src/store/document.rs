//! What the log says of a version, whatever the type of the state: what is told to those who do not know the type.
//!
//! Leaves replaying to `history`. Always: the changes after a version, as they are recorded, apply to its document.

#[cfg(feature = "inspect")]
use super::lookup::Guide;
use super::{Reader, Store};
use crate::error::{Error, Result};
use crate::history::{History, Tip};
use crate::log;
use crate::state::State;
use crate::value::Value;

impl<S: State + Default> Store<S> {
    /// Costs what [`at`](Store::at) costs, and for a state that is not made of our collections O(state).
    pub(crate) fn document(&self, version: u64) -> Result<Value> {
        let tip = self.published.tip();
        if version < self.oldest() && version < tip.version {
            return Err(Error::Compacted { version, oldest: self.oldest() });
        }
        self.on_disk(version)?;
        document(&self.history, &tip, version)
    }

    /// The history as documents, where this store does not hold it as such itself, to be asked again and again.
    #[cfg(feature = "inspect")]
    pub(crate) fn documents(&self) -> Option<History<Value>> {
        documents(&self.history)
    }

    /// Whether there is somebody to ask where changes are.
    #[cfg(feature = "inspect")]
    pub(crate) fn has_index(&self) -> bool {
        matches!(self.guide(), Guide::Index(_))
    }

    /// Makes sure that what leads to a version can be read.
    #[cfg(feature = "inspect")]
    pub(crate) fn readable(&self, version: u64) -> Result<()> {
        self.on_disk(version)
    }

    /// The log, to be read beside this store.
    pub(crate) fn view(&self) -> log::Reader {
        self.history.view.clone()
    }

    /// When the newest change was recorded, in milliseconds since 1970, and what time it is now.
    pub(crate) fn clocks(&self) -> (u64, u64) {
        (self.published.tip().stamp.millis(), self.history.env.clock.now_ms())
    }

    /// The versions that have a snapshot, ascending. Reads the directory.
    pub(crate) fn snapshot_versions(&self) -> Result<Vec<u64>> {
        self.history.snapshots()
    }

    /// What everybody is told who would change something, once the log has failed.
    pub(crate) fn check(&self) -> Result<()> {
        self.log.check()
    }
}

impl<S: State + Default> Reader<S> {
    /// As [`Store::document`].
    pub(crate) fn document(&self, version: u64) -> Result<Value> {
        document(&self.history, &self.tip(), version)
    }

    /// As [`Store::documents`].
    #[cfg(feature = "inspect")]
    pub(crate) fn documents(&self) -> Option<History<Value>> {
        documents(&self.history)
    }

    /// As [`Store::has_index`].
    #[cfg(feature = "inspect")]
    pub(crate) fn has_index(&self) -> bool {
        matches!(self.guide(), Guide::Index(_))
    }

    /// The log, to be read beside this reader.
    pub(crate) fn view(&self) -> log::Reader {
        self.history.view.clone()
    }

    /// As [`Store::clocks`].
    pub(crate) fn clocks(&self) -> (u64, u64) {
        (self.tip().stamp.millis(), self.history.env.clock.now_ms())
    }
}

#[cfg(feature = "inspect")]
fn documents<S: State + Default>(history: &History<S>) -> Option<History<Value>> {
    (std::any::TypeId::of::<S>() != std::any::TypeId::of::<Value>()).then(|| history.documents())
}

fn document<S: State + Default>(history: &History<S>, newest: &Tip<S>, version: u64) -> Result<Value> {
    match version {
        _ if version == newest.version => history.logged(newest),
        _ if version > newest.version => Err(Error::BeyondHead { version, head: newest.version }),
        _ => history.logged(&*history.tip_at(version)?),
    }
}
