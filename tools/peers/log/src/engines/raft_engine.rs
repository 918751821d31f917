//! raft-engine: a log of protobuf entries with consecutive indexes, many logs ("regions") in one. Each thread gets a region of
//! its own, as each Raft group has.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use ::raft_engine::{Config, Engine as Store, LogBatch, MessageExt, ReadableSize, RecoveryMode};
use anyhow::{Context, Result};
use raft_proto::eraftpb::Entry;

use crate::engine::{Engine, Setup};
use crate::engines::locked;

/// Regions are numbered from 1, and so are the entries of ours.
const FIRST: u64 = 1;

/// How many entries are asked for at a time.
const PAGE: u64 = 1_000;

#[derive(Clone)]
struct Extension;

impl MessageExt for Extension {
    type Entry = Entry;

    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

pub(crate) struct RaftEngine {
    store: Store,
    synced: bool,
    /// The next index of each region.
    next: Mutex<HashMap<u64, u64>>,
}

impl RaftEngine {
    fn write(&self, region: u64, payloads: &[&[u8]]) -> Result<()> {
        let first = self.claim(region, payloads.len() as u64)?;
        let entry = |(index, payload): (u64, &&[u8])| Entry {
            index,
            data: payload.to_vec().into(),
            ..Entry::default()
        };
        let entries: Vec<Entry> = (first..).zip(payloads).map(entry).collect();
        let mut batch = LogBatch::with_capacity(1);
        batch.add_entries::<Extension>(region, &entries)?;
        self.store.write(&mut batch, self.synced)?;
        Ok(())
    }

    fn claim(&self, region: u64, count: u64) -> Result<u64> {
        let mut all = locked(&self.next)?;
        let next =
            all.entry(region).or_insert_with(|| self.store.last_index(region).map_or(FIRST, |last| last + 1));
        let first = *next;
        *next += count;
        Ok(first)
    }
}

impl Engine for RaftEngine {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let mut config = Config {
            dir: dir.to_str().context("a directory with an odd name")?.to_owned(),
            recovery_mode: RecoveryMode::TolerateTailCorruption,
            ..Config::default()
        };
        if let Some(bytes) = setup.segment_bytes {
            config.target_file_size = ReadableSize(bytes);
        }
        Ok(Self { store: Store::open(config)?, synced: setup.synced, next: Mutex::default() })
    }

    fn append(&self, thread: u64, payload: &[u8]) -> Result<()> {
        self.write(FIRST + thread, &[payload])
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        self.write(FIRST, payloads)
    }

    fn sync(&self) -> Result<()> {
        Ok(self.store.sync()?)
    }

    fn head(&self) -> Result<u64> {
        Ok(self.store.raft_groups().into_iter().filter_map(|region| self.store.last_index(region)).sum())
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let end = self.store.last_index(FIRST).map_or(FIRST, |last| last + 1);
        let mut page = Vec::new();
        let mut begin = FIRST + from;
        // The first page is short, for who wants one record only.
        let mut count = 1;
        while begin < end {
            page.clear();
            let until = end.min(begin + count);
            self.store.fetch_entries_to::<Extension>(FIRST, begin, until, None, &mut page)?;
            if page.iter().any(|entry| visit(&entry.data).is_break()) {
                break;
            }
            begin = until;
            count = PAGE;
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let entry = self.store.get_entry::<Extension>(FIRST, FIRST + number)?;
        visit(&entry.with_context(|| format!("there is no record {number}"))?.data);
        Ok(())
    }
}
