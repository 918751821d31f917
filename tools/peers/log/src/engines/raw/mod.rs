//! The baseline: what a careful programmer writes without a library. Preallocated files, frames of length, checksum and
//! payload, one `pwrite` and one `fdatasync` a batch; threads share a sync by the classic leader and followers. `file` knows
//! bytes, `group` who syncs for whom, `reader` reads.

mod file;
mod group;
mod reader;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Result};

use crate::engine::{Engine, Setup};
use crate::engines::locked;
use file::{Writer, frame};
use group::Group;
use reader::Reader;

const SEGMENT_BYTES: u64 = 64 << 20;

pub(crate) struct Raw {
    dir: PathBuf,
    synced: bool,
    group: Group,
    writer: Mutex<Writer>,
    /// Sees what there was when it was first asked for.
    reader: OnceLock<Reader>,
    found: u64,
}

impl Raw {
    fn put(&self, frames: &[u8], sync: bool) -> Result<()> {
        locked(&self.writer)?.put(frames, sync)
    }

    fn reader(&self) -> Result<&Reader> {
        if self.reader.get().is_none() {
            // Whoever comes second reads what the first one found.
            let _ = self.reader.set(Reader::scan(&self.dir)?);
        }
        self.reader.get().context("the reader was just made")
    }
}

impl Engine for Raw {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let found = Reader::scan(dir)?;
        let writer = Writer::new(dir, setup.segment_bytes.unwrap_or(SEGMENT_BYTES), found.end())?;
        let records = found.len();
        Ok(Self {
            dir: dir.to_owned(),
            synced: setup.synced,
            group: Group::default(),
            writer: Mutex::new(writer),
            reader: if records == 0 { OnceLock::new() } else { OnceLock::from(found) },
            found: records,
        })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        if self.synced {
            return self.group.commit(payload, |frames| self.put(frames, true));
        }
        locked(&self.writer)?.put_one(payload)
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let bytes: usize = payloads.iter().map(|payload| payload.len() + file::HEAD_BYTES).sum();
        let mut frames = Vec::with_capacity(bytes);
        payloads.iter().for_each(|payload| frame(payload, &mut frames));
        self.put(&frames, self.synced)
    }

    fn sync(&self) -> Result<()> {
        locked(&self.writer)?.sync()
    }

    fn head(&self) -> Result<u64> {
        Ok(self.found)
    }

    fn replay(&self, from: u64, visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        self.reader()?.replay(from, visit)
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        self.reader()?.read(number, visit)
    }
}
