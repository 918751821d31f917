//! The works, as far as one process does them.

pub(crate) mod append;
pub(crate) mod fill;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod open;
pub(crate) mod read;

use std::ops::ControlFlow;

use anyhow::{Result, ensure};

use crate::engine::{Engine, Lacks, Setup};
use crate::task::Task;

/// How many records a batch has.
pub(crate) const BATCH: u64 = 1_000;

/// Whether a log that was closed still has all that was appended: no peer is given a figure for records it lost.
fn confirm<E: Engine>(task: &Task, setup: Setup, appended: u64) -> Result<()> {
    let log = E::open(&task.dir, setup)?;
    let found = count(&log)?;
    ensure!(found == appended, "appended {appended} records and found {found} after opening again");
    log.close()
}

fn count(log: &impl Engine) -> Result<u64> {
    match log.head() {
        Err(error) if error.is::<Lacks>() => counted(log),
        head => head,
    }
}

fn counted(log: &impl Engine) -> Result<u64> {
    let mut count = 0;
    log.replay(0, |_| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}
