//! SQLite: a table in WAL mode. Threads take turns at one connection.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Result;
use rusqlite::Connection;

use crate::engine::{Engine, Setup};
use crate::engines::locked;

const INSERT: &str = "INSERT INTO log (payload) VALUES (?1)";

pub(crate) struct Sqlite(Mutex<Connection>);

impl Engine for Sqlite {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let connection = Connection::open(dir.join("log.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", if setup.synced { "FULL" } else { "OFF" })?;
        connection
            .execute("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, payload BLOB NOT NULL)", [])?;
        Ok(Self(Mutex::new(connection)))
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        locked(&self.0)?.prepare_cached(INSERT)?.execute([payload])?;
        Ok(())
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let mut connection = locked(&self.0)?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for payload in payloads {
                insert.execute([payload])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn sync(&self) -> Result<()> {
        Ok(locked(&self.0)?.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()))?)
    }

    /// Rows are numbered from 1.
    fn head(&self) -> Result<u64> {
        let select = "SELECT ifnull(max(id), 0) FROM log";
        let last: i64 = locked(&self.0)?.query_row(select, [], |row| row.get(0))?;
        Ok(last.try_into()?)
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let connection = locked(&self.0)?;
        let mut select = connection.prepare_cached("SELECT payload FROM log WHERE id > ?1 ORDER BY id")?;
        let mut rows = select.query([i64::try_from(from)?])?;
        while let Some(row) = rows.next()? {
            if visit(row.get_ref(0)?.as_blob()?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let connection = locked(&self.0)?;
        let mut select = connection.prepare_cached("SELECT payload FROM log WHERE id = ?1")?;
        let mut rows = select.query([i64::try_from(number + 1)?])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        visit(row.get_ref(0)?.as_blob()?);
        Ok(())
    }
}
