//! sled: a tree, the record's number as its key.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ::sled::{Batch, Config, Db};
use anyhow::{Context, Result};

use crate::engine::{Engine, Setup};
use crate::engines::{key, number};

pub(crate) struct Sled {
    db: Db,
    synced: bool,
    next: AtomicU64,
}

impl Sled {
    fn flush_if_asked(&self) -> Result<()> {
        if self.synced { self.sync() } else { Ok(()) }
    }
}

impl Engine for Sled {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let db = Config::new().path(dir).open()?;
        let next = db.last()?.map_or(Ok(0), |(last, _)| number(&last).map(|last| last + 1))?;
        Ok(Self { db, synced: setup.synced, next: AtomicU64::new(next) })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        self.db.insert(key(self.next.fetch_add(1, Ordering::Relaxed)), payload)?;
        self.flush_if_asked()
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let first = self.next.fetch_add(payloads.len() as u64, Ordering::Relaxed);
        let mut batch = Batch::default();
        (first..).zip(payloads).for_each(|(number, payload)| batch.insert(&key(number), *payload));
        self.db.apply_batch(batch)?;
        self.flush_if_asked()
    }

    fn sync(&self) -> Result<()> {
        self.db.flush()?;
        Ok(())
    }

    fn head(&self) -> Result<u64> {
        Ok(self.next.load(Ordering::Relaxed))
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        for entry in self.db.range(key(from)..) {
            if visit(&entry?.1).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        visit(&self.db.get(key(number))?.with_context(|| format!("there is no record {number}"))?);
        Ok(())
    }

    fn close(self) -> Result<()> {
        self.sync()
    }
}
