//! redb: a copy-on-write B-tree, the record's number as its key. An append is a transaction.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use ::redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition,
};
use anyhow::{Context, Result};

use crate::engine::{Engine, Setup};

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

pub(crate) struct Redb {
    db: Database,
    synced: bool,
    /// The table as it was when it was first read.
    table: OnceLock<ReadOnlyTable<u64, &'static [u8]>>,
}

impl Redb {
    fn table(&self) -> Result<&ReadOnlyTable<u64, &'static [u8]>> {
        if self.table.get().is_none() {
            // Whoever comes second reads what the first one opened.
            let _ = self.table.set(self.db.begin_read()?.open_table(LOG)?);
        }
        self.table.get().context("the table was just opened")
    }

    fn write(&self, payloads: &[&[u8]], durability: Durability) -> Result<()> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut table = transaction.open_table(LOG)?;
            let next = table.last()?.map_or(0, |(last, _)| last.value() + 1);
            for (number, payload) in (next..).zip(payloads) {
                table.insert(number, *payload)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Engine for Redb {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let db = Database::create(dir.join("log.redb"))?;
        let redb = Self { db, synced: setup.synced, table: OnceLock::new() };
        if redb.db.begin_read()?.open_table(LOG).is_err() {
            redb.write(&[], Durability::Immediate)?;
        }
        Ok(redb)
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        self.append_all(&[payload])
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        self.write(payloads, if self.synced { Durability::Immediate } else { Durability::None })
    }

    fn sync(&self) -> Result<()> {
        self.write(&[], Durability::Immediate)
    }

    fn head(&self) -> Result<u64> {
        Ok(self.db.begin_read()?.open_table(LOG)?.len()?)
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        for entry in self.table()?.range(from..)? {
            if visit(entry?.1.value()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let found = self.table()?.get(number)?;
        visit(found.with_context(|| format!("there is no record {number}"))?.value());
        Ok(())
    }
}
