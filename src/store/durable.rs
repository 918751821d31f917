//! From a place in the order to a change that is acknowledged, and on to one that is durable.
//!
//! What is acknowledged is up to the store's [`Durability`]; what survives a power cut is up to the log. Always holds: what
//! readers see is acknowledged; what is read of the past is on the disk first.

use super::Store;
use crate::error::{Error, Result};
use crate::log::{Durability, Worker};
use crate::state::State;
use std::sync::Arc;

impl<S: State + Default> Store<S> {
    /// Returns once `version` is acknowledged, as the store's durability says, and readers can see it.
    pub(super) fn settle(&self, version: u64) -> Result<()> {
        match self.log.durability() {
            Durability::Immediate => {
                self.log.make_durable(version)?;
                self.published.up_to(self.log.head());
                return Ok(());
            }
            Durability::Interval(_) => self.syncer()?.ring(),
            Durability::UnsafeNoSync => self.log.acknowledge(version)?,
        }
        self.published.up_to(version);
        Ok(())
    }

    /// Returns once `version` is on the disk, for who reads the past of a state that is not published yet.
    ///
    /// # Errors
    /// [`Error::BeyondHead`] if it has no place in this log: it is proposed, and no more.
    pub(super) fn must_be_logged(&self, version: u64) -> Result<()> {
        let head = self.log.end();
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        self.log.make_durable(version)
    }

    /// The thread that makes durable what has a place in the order, and shows it, when it is rung for.
    pub(super) fn syncer(&self) -> Result<&Worker> {
        let published = Arc::clone(&self.published);
        self.log.syncer(move |head| published.up_to(head))
    }

    /// Makes durable all changes that were acknowledged or submitted before, whatever the store's
    /// [`Durability`](crate::Durability), and returns the version that is durable then. One sync, or none if there is nothing
    /// to do.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn sync(&self) -> Result<u64> {
        let head = self.log.sync()?;
        self.published.up_to(head);
        Ok(head)
    }

    /// The newest version that survives a power cut. The same as [`version`](Store::version) unless the store was opened with
    /// another [`Durability`](crate::Durability) than the default. O(1); never waits.
    pub fn durable_version(&self) -> u64 {
        self.log.head()
    }

    /// The past is read from the disk: makes sure that `version` is there, if it has been acknowledged.
    pub(super) fn on_disk(&self, version: u64) -> Result<()> {
        if self.log.head() < version.min(self.version()) {
            self.log.sync()?;
        }
        Ok(())
    }
}
