//! Fills a log for the works that need a full one.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::BATCH;
use crate::engine::{Engine, Setup};
use crate::records::Records;
use crate::task::{Figures, Task};

/// How many segments work 8 opens.
const SEGMENTS: u64 = 1_000;

const SEGMENT_BATCHES: u64 = 50;

pub(crate) fn and_close<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    fill::<E>(task, records, E::FILLED)?.close()?;
    Ok(Figures::new())
}

/// Everything is synced and nothing closed; the process goes on to [`hang`].
pub(crate) fn and_hang<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = fill::<E>(task, records, E::FILLED)?;
    std::mem::forget(log);
    Ok(Figures::new())
}

pub(crate) fn segments<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let bytes = task.records * task.bytes as u64 / SEGMENTS;
    fill::<E>(task, records, Setup { segment_bytes: Some(bytes), ..Setup::UNSYNCED })?.close()?;
    Ok(Figures::new())
}

pub(crate) fn fill<E: Engine>(task: &Task, records: &Records, setup: Setup) -> Result<E> {
    let log = E::open(&task.dir, setup)?;
    // A batch is not torn by a segment's end, so it must be much shorter than one.
    let batch = if setup.segment_bytes.is_some() { BATCH / SEGMENT_BATCHES } else { BATCH };
    let mut number = 0;
    while number < task.records {
        let count = batch.min(task.records - number);
        log.append_all(&records.batch(number, count))?;
        number += count;
    }
    log.sync()?;
    Ok(log)
}

/// Until the harness kills the process.
pub(crate) fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}
