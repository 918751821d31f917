//! Who takes part: the baseline, redraft, and everyone else.

#[cfg(feature = "others")]
mod batpak;
#[cfg(feature = "others")]
mod commitlog;
#[cfg(feature = "others")]
mod fjall;
#[cfg(feature = "others")]
mod okaywal;
#[cfg(feature = "others")]
mod raft_engine;
mod raw;
#[cfg(feature = "others")]
mod redb;
mod redraft;
#[cfg(feature = "others")]
mod salamander;
#[cfg(feature = "others")]
mod sled;
#[cfg(feature = "others")]
mod sqlite;
#[cfg(feature = "others")]
mod walrus;

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::task::{Figures, Task};

/// Where walrus, which takes no path, keeps its files; and what makes it say less.
pub(crate) const PLACE: &str = "WALRUS_DATA_DIR";
pub(crate) const QUIET: &str = "WALRUS_QUIET";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Name {
    Raw,
    Redraft,
    RaftEngine,
    Okaywal,
    Commitlog,
    Walrus,
    Sled,
    Fjall,
    Redb,
    Sqlite,
    Salamander,
    Batpak,
}

impl Name {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 12] = [
        Self::Raw,
        Self::Redraft,
        Self::RaftEngine,
        Self::Okaywal,
        Self::Commitlog,
        Self::Walrus,
        Self::Sled,
        Self::Fjall,
        Self::Redb,
        Self::Sqlite,
        Self::Salamander,
        Self::Batpak,
    ];

    /// Does the task with this engine, in this process.
    pub(crate) fn perform(self, task: &Task) -> Result<Figures> {
        match self {
            Self::Raw => task.perform::<raw::Raw>(),
            Self::Redraft => task.perform::<redraft::Redraft>(),
            #[cfg(feature = "others")]
            Self::RaftEngine => task.perform::<raft_engine::RaftEngine>(),
            #[cfg(feature = "others")]
            Self::Okaywal => task.perform::<okaywal::Okaywal>(),
            #[cfg(feature = "others")]
            Self::Commitlog => task.perform::<commitlog::Commitlog>(),
            #[cfg(feature = "others")]
            Self::Walrus => task.perform::<walrus::Walrus>(),
            #[cfg(feature = "others")]
            Self::Sled => task.perform::<sled::Sled>(),
            #[cfg(feature = "others")]
            Self::Fjall => task.perform::<fjall::Fjall>(),
            #[cfg(feature = "others")]
            Self::Redb => task.perform::<redb::Redb>(),
            #[cfg(feature = "others")]
            Self::Sqlite => task.perform::<sqlite::Sqlite>(),
            #[cfg(feature = "others")]
            Self::Salamander => task.perform_alone::<salamander::Salamander>(),
            #[cfg(feature = "others")]
            Self::Batpak => task.perform::<batpak::Batpak>(),
            #[cfg(not(feature = "others"))]
            _ => anyhow::bail!("this was built without the other engines"),
        }
    }

    /// What readers know it as. † marks whose synced appends do not survive a power cut.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Redraft => "**redraft**",
            Self::RaftEngine => "raft-engine 0.4",
            Self::Okaywal => "okaywal 0.3",
            Self::Commitlog => "commitlog 0.2 †",
            Self::Walrus => "walrus-rust 0.2",
            Self::Sled => "sled 0.34 †",
            Self::Fjall => "fjall 3",
            Self::Redb => "redb 4",
            Self::Sqlite => "SQLite, WAL",
            Self::Salamander => "salamander-db 0.2",
            Self::Batpak => "batpak 0.10",
        }
    }
}

/// What a lock says after a thread that held it panicked.
#[derive(Debug)]
struct Poisoned;

impl fmt::Display for Poisoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a thread panicked while it held the log")
    }
}

impl std::error::Error for Poisoned {}

fn locked<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    mutex.lock().map_err(|_| Poisoned.into())
}

/// The key of a store that sorts by bytes.
fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn number(key: &[u8]) -> Result<u64> {
    Ok(u64::from_be_bytes(key.try_into().context("a key of another length than ours")?))
}
