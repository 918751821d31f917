//! What the harness asks of a log. One implementation a file in `engines`; a method that an engine has nothing for is not
//! written there, and its default says so.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::records::Records;

/// How a log is opened. Everything not said here is as the engine comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// Whether an append returns only when it is as durable as the engine can make it.
    pub(crate) synced: bool,
    /// Whether several appends will be under way at a time.
    pub(crate) shared: bool,
    /// How large a file of the log gets; the engine's own choice when nothing is said.
    pub(crate) segment_bytes: Option<u64>,
}

impl Setup {
    pub(crate) const SYNCED: Self = Self { synced: true, shared: false, segment_bytes: None };
    pub(crate) const UNSYNCED: Self = Self { synced: false, ..Self::SYNCED };
}

/// A log of numbered records. Numbers begin at 0 and are dense.
pub(crate) trait Engine: Sized {
    /// Whether what was appended stays when segments roll.
    const KEEPS_ALL: bool = true;

    /// How a log is opened that is to be filled.
    const FILLED: Setup = Setup::SYNCED;

    /// Opens or makes the log in a directory that exists.
    fn open(dir: &Path, setup: Setup) -> Result<Self>;

    /// Appends one record, from one of several threads. An engine that has many logs in one may give each thread its own.
    fn append(&self, thread: u64, payload: &[u8]) -> Result<()>;

    /// Appends all of them with one sync, as atomically as the engine can.
    fn append_all(&self, payloads: &[&[u8]]) -> Result<()>;

    /// Makes durable what was appended.
    fn sync(&self) -> Result<()>;

    /// How many records there are.
    fn head(&self) -> Result<u64> {
        lacks("does not tell how many records it holds")
    }

    /// Shows the records from `from` on, in order, until there are no more or `visit` has seen enough. Verified by the
    /// engine's own checksums if it has any.
    fn replay(&self, from: u64, visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()>;

    /// Shows record `number`.
    fn read(&self, _number: u64, _visit: impl FnOnce(&[u8])) -> Result<()> {
        lacks("has no random access")
    }

    /// Appends for so long with so many appends under way, each of them synced, from this one thread. Says how many.
    fn keep_in_flight(&self, _records: &Records, _count: usize, _time: Duration) -> Result<u64> {
        lacks("an append gives no ticket")
    }

    /// A clean shutdown.
    fn close(self) -> Result<()> {
        Ok(())
    }
}

/// The error of a method that the engine's interface has nothing for: a dash in the tables, with the reason.
#[derive(Debug)]
pub(crate) struct Lacks(pub(crate) &'static str);

impl fmt::Display for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Lacks {}

pub(crate) fn lacks<T>(what: &'static str) -> Result<T> {
    Err(Lacks(what).into())
}
