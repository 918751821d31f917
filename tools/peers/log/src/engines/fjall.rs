//! fjall: an LSM tree, the record's number as its key.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use anyhow::{Context, Result};

use crate::engine::{Engine, Setup};
use crate::engines::{key, number};

pub(crate) struct Fjall {
    db: Database,
    log: Keyspace,
    synced: bool,
    next: AtomicU64,
}

impl Engine for Fjall {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let db = Database::builder(dir).open()?;
        let log = db.keyspace("log", KeyspaceCreateOptions::default)?;
        let next = match log.last_key_value() {
            Some(last) => number(&last.key()?)? + 1,
            None => 0,
        };
        Ok(Self { db, log, synced: setup.synced, next: AtomicU64::new(next) })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        self.log.insert(key(self.next.fetch_add(1, Ordering::Relaxed)), payload)?;
        if self.synced { self.sync() } else { Ok(()) }
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let first = self.next.fetch_add(payloads.len() as u64, Ordering::Relaxed);
        let mut batch = self.db.batch().durability(self.synced.then_some(PersistMode::SyncData));
        (first..).zip(payloads).for_each(|(number, payload)| batch.insert(&self.log, key(number), *payload));
        Ok(batch.commit()?)
    }

    fn sync(&self) -> Result<()> {
        Ok(self.db.persist(PersistMode::SyncData)?)
    }

    fn head(&self) -> Result<u64> {
        Ok(self.next.load(Ordering::Relaxed))
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        for entry in self.log.range(key(from)..) {
            if visit(&entry.value()?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        visit(&self.log.get(key(number))?.with_context(|| format!("there is no record {number}"))?);
        Ok(())
    }

    fn close(self) -> Result<()> {
        self.sync()
    }
}
