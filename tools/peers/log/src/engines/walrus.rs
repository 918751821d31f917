//! walrus-rust: topics with a reading position each. Where its files are it learns from the environment, which the harness
//! sets for every engine.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use ::walrus_rust::{FsyncSchedule, ReadConsistency, Walrus as Wal};
use anyhow::Result;

use crate::engine::{Engine, Setup, lacks};

const TOPIC: &str = "log";

/// It gives up at 2,000 entries, whatever is asked for.
const READ_BYTES: usize = 1 << 20;

/// How often the reading position is saved: not while it is measured.
const NEVER: ReadConsistency = ReadConsistency::AtLeastOnce { persist_every: u32::MAX };

pub(crate) struct Walrus(Wal);

impl Engine for Walrus {
    /// Synced, it would take an hour: every record of a batch is synced alone.
    const FILLED: Setup = Setup::UNSYNCED;

    fn open(_dir: &Path, setup: Setup) -> Result<Self> {
        let schedule = if setup.synced { FsyncSchedule::SyncEach } else { FsyncSchedule::NoFsync };
        Ok(Self(Wal::with_consistency_and_schedule(NEVER, schedule)?))
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        loop {
            match self.0.append_for_topic(TOPIC, payload) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                outcome => return Ok(outcome?),
            }
        }
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        Ok(self.0.batch_append_for_topic(TOPIC, payloads)?)
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        if from > 0 {
            return lacks("is read from where its reader was last");
        }
        loop {
            let entries = self.0.batch_read_for_topic(TOPIC, READ_BYTES, true)?;
            if entries.is_empty() || entries.iter().any(|entry| visit(&entry.data).is_break()) {
                return Ok(());
            }
        }
    }
}
