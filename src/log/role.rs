//! What a log is, which its headers say: whether it is what it is opened as, and how it becomes something else.
//!
//! Leaves writing the headers to `group`. Always: what a log is changes with a new segment, whose header is durable before
//! anybody is told.

use super::{Chain, Log, StoreId};
use crate::error::{Error, Result, Role};
use crate::segment::format::{Codec, Header};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Where a log begins: its identity and the place in history of its first record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    pub(crate) codec: Codec,
    pub(crate) store: StoreId,
    pub(crate) replica: bool,
    pub(crate) epoch: u32,
    pub(crate) base: u64,
    pub(crate) chain: Chain,
}

impl Role {
    pub(crate) fn of(header: &Header) -> Role {
        match header.codec {
            Codec::Opaque => Role::Log,
            Codec::Change if header.backup => Role::Backup,
            Codec::Change if header.replica => Role::Replica,
            Codec::Change => Role::Store,
        }
    }

    /// Refuses to use one for another.
    pub(crate) fn must_be(self, wanted: Role, dir: &Path) -> Result<()> {
        if self == wanted {
            return Ok(());
        }
        Err(Error::Role { path: dir.to_owned(), wanted, found: self })
    }

    /// Refuses what does not hold the changes of a state, whoever makes them.
    pub(crate) fn must_have_a_state(self, dir: &Path) -> Result<()> {
        self.must_be(if self == Role::Log { Role::Store } else { self }, dir)
    }
}

impl Log {
    /// What the log's records are, and who makes them.
    pub(crate) fn role(&self) -> Role {
        Role::of(&self.header)
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// From here on the records are of another epoch. Durable on return: a new segment, whose header says so.
    pub(crate) fn begin_epoch(&self, epoch: u32) -> Result<()> {
        self.group.begin_with(|header| header.epoch = epoch)?;
        self.epoch.store(epoch, Ordering::SeqCst);
        Ok(())
    }

    /// Ends a replica's log as the log of a store, of the next epoch. Durable on return; what it is opened as next is a store.
    pub(crate) fn end_as_a_store(self) -> Result<u32> {
        let epoch = self.epoch().saturating_add(1);
        self.group.begin_with(|header| (header.epoch, header.replica) = (epoch, false))?;
        self.finish()?;
        Ok(epoch)
    }
}
