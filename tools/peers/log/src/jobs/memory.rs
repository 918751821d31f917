//! Work 13: what the process keeps in memory after it has written and read everything.

use std::fs;
use std::hint::black_box;
use std::ops::ControlFlow;

use anyhow::{Context, Result, ensure};

use super::fill::fill;
use crate::engine::Engine;
use crate::records::Records;
use crate::task::{Figures, Task, figures};

pub(crate) fn memory<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = fill::<E>(task, records, E::FILLED)?;
    let mut count = 0;
    log.replay(0, |payload| {
        black_box(payload);
        count += 1;
        ControlFlow::Continue(())
    })?;
    ensure!(count == task.records, "of {} records {count} came back", task.records);
    let status = fs::read_to_string("/proc/self/status")?;
    log.close()?;
    Ok(figures([("peak", mebibytes(&status, "VmHWM:")?), ("MiB", mebibytes(&status, "VmRSS:")?)]))
}

fn mebibytes(status: &str, field: &str) -> Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim_end().parse()?;
    Ok(kibibytes / 1024.0)
}
