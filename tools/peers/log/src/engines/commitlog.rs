//! commitlog: segments and an index file each, one writer. Threads take turns behind a mutex.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use ::commitlog::message::{MessageBuf, MessageSet};
use ::commitlog::{CommitLog, LogOptions, ReadLimit};
use anyhow::{Context, Result};

use crate::engine::{Engine, Setup};
use crate::engines::locked;

const MESSAGE_BYTES_MAX: usize = 16 << 20;

const READ_BYTES: usize = 64 << 10;

/// Longer than any of our records with its head, so that a read of so many bytes gets one.
const POINT_BYTES: usize = 2 << 10;

pub(crate) struct Commitlog {
    log: Mutex<CommitLog>,
    synced: bool,
}

impl Engine for Commitlog {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let mut options = LogOptions::new(dir);
        options.message_max_bytes(MESSAGE_BYTES_MAX);
        if let Some(bytes) = setup.segment_bytes {
            options.segment_max_bytes(bytes as usize);
        }
        Ok(Self { log: Mutex::new(CommitLog::new(options)?), synced: setup.synced })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        let mut log = locked(&self.log)?;
        log.append_msg(payload)?;
        if self.synced { Ok(log.flush()?) } else { Ok(()) }
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let mut messages: MessageBuf = payloads.iter().collect();
        let mut log = locked(&self.log)?;
        log.append(&mut messages)?;
        if self.synced { Ok(log.flush()?) } else { Ok(()) }
    }

    fn sync(&self) -> Result<()> {
        Ok(locked(&self.log)?.flush()?)
    }

    fn head(&self) -> Result<u64> {
        Ok(locked(&self.log)?.next_offset())
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let log = locked(&self.log)?;
        let mut next = from;
        while next < log.next_offset() {
            let messages = log.read(next, ReadLimit::max_bytes(READ_BYTES))?;
            if messages.iter().any(|message| visit(message.payload()).is_break()) {
                break;
            }
            next = messages.iter().last().context("nothing where a message should be")?.offset() + 1;
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let messages = locked(&self.log)?.read(number, ReadLimit::max_bytes(POINT_BYTES))?;
        visit(messages.iter().next().context("nothing where a message should be")?.payload());
        Ok(())
    }
}
