//! Work 14: how much longer than usual the slowest synced appends take while segments roll.

use std::time::Instant;

use anyhow::{Context, Result};

use super::confirm;
use crate::engine::{Engine, Setup};
use crate::records::Records;
use crate::task::{Figures, Task, figures};

/// So few that several segments fill up while it is measured, with records of any length.
const RECORDS_A_SEGMENT: u64 = 8 << 10;

pub(crate) fn latency<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let segment_bytes = RECORDS_A_SEGMENT * task.bytes as u64;
    let setup = Setup { segment_bytes: Some(segment_bytes), ..Setup::SYNCED };
    let log = E::open(&task.dir, setup)?;
    let (mut took, start) = (Vec::new(), Instant::now());
    while start.elapsed() < task.time {
        let begin = Instant::now();
        log.append(0, records.get(took.len() as u64))?;
        took.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    log.close()?;
    let appended = took.len() as u64;
    took.sort_by(f64::total_cmp);
    let (median, slow) = (quantile(&took, 0.5)?, quantile(&took, 0.999)?);
    let slowest = took.last().copied().unwrap_or(f64::NAN);
    if E::KEEPS_ALL {
        confirm::<E>(task, setup, appended)?;
    }
    Ok(figures([("ratio", slow / median), ("slow", slow), ("median", median), ("slowest", slowest)]))
}

fn quantile(sorted: &[f64], quantile: f64) -> Result<f64> {
    let index = (sorted.len() as f64 * quantile) as usize;
    sorted.get(index).copied().context("nothing was appended in time")
}
