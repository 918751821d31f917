//! Works 1 to 6: how many records a second are appended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use super::{BATCH, confirm};
use crate::engine::{Engine, Setup};
use crate::records::Records;
use crate::task::{Figures, Task, figures};

const THREADS: u64 = 8;

const IN_FLIGHT: usize = 1_000;

/// Reading the clock costs a tenth of the fastest append, so it is read once for so many.
const APPENDS_BETWEEN_CLOCKS: u64 = 64;

const SHARED: Setup = Setup { shared: true, ..Setup::SYNCED };

/// What every log has before it is measured, so that the first sync and what it brings along are nobody's.
const BEFORE: u64 = 1;

pub(crate) fn one_by_one<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = begin::<E>(task, Setup::SYNCED, records)?;
    let (mut number, start) = (BEFORE, Instant::now());
    while start.elapsed() < task.time {
        log.append(0, records.get(number))?;
        number += 1;
    }
    finish(task, log, Setup::SYNCED, number, start)
}

pub(crate) fn batches<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = begin::<E>(task, Setup::SYNCED, records)?;
    let (mut number, start) = (BEFORE, Instant::now());
    while start.elapsed() < task.time {
        log.append_all(&records.batch(number, BATCH))?;
        number += BATCH;
    }
    finish(task, log, Setup::SYNCED, number, start)
}

pub(crate) fn unsynced<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = begin::<E>(task, Setup::UNSYNCED, records)?;
    let (mut number, start) = (BEFORE, Instant::now());
    while number < task.records && start.elapsed() < task.time {
        for _ in 0..APPENDS_BETWEEN_CLOCKS {
            log.append(0, records.get(number))?;
            number += 1;
        }
    }
    finish(task, log, Setup::UNSYNCED, number, start)
}

pub(crate) fn unsynced_batches<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = begin::<E>(task, Setup::UNSYNCED, records)?;
    let (mut number, start) = (BEFORE, Instant::now());
    while number < task.records && start.elapsed() < task.time {
        log.append_all(&records.batch(number, BATCH))?;
        number += BATCH;
    }
    finish(task, log, Setup::UNSYNCED, number, start)
}

pub(crate) fn in_flight<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = begin::<E>(task, SHARED, records)?;
    let start = Instant::now();
    let appended = log.keep_in_flight(records, IN_FLIGHT, task.time)?;
    finish(task, log, SHARED, BEFORE + appended, start)
}

pub(crate) fn shared<E: Engine + Sync>(task: &Task, records: &Records) -> Result<Figures> {
    let log = begin::<E>(task, SHARED, records)?;
    let (appended, over) = (AtomicU64::new(BEFORE), AtomicBool::new(false));
    let start = Instant::now();
    thread::scope(|scope| {
        let worker = |thread| {
            let (log, appended, over) = (&log, &appended, &over);
            scope.spawn(move || append_until(over, log, thread, records, appended))
        };
        let workers: Vec<_> = (0..THREADS).map(worker).collect();
        thread::sleep(task.time);
        over.store(true, Ordering::Relaxed);
        workers.into_iter().try_for_each(|worker| worker.join().ok().context("a thread panicked")?)
    })?;
    finish(task, log, SHARED, appended.into_inner(), start)
}

fn append_until(
    over: &AtomicBool,
    log: &(impl Engine + Sync),
    thread: u64,
    records: &Records,
    appended: &AtomicU64,
) -> Result<()> {
    let mut number = thread;
    while !over.load(Ordering::Relaxed) {
        log.append(thread, records.get(number))?;
        appended.fetch_add(1, Ordering::Relaxed);
        number += THREADS;
    }
    Ok(())
}

/// A fresh log with one record in it.
fn begin<E: Engine>(task: &Task, setup: Setup, records: &Records) -> Result<E> {
    let log = E::open(&task.dir, setup)?;
    log.append(0, records.get(0))?;
    Ok(log)
}

fn finish<E: Engine>(task: &Task, log: E, setup: Setup, all: u64, start: Instant) -> Result<Figures> {
    let seconds = start.elapsed().as_secs_f64();
    log.close()?;
    confirm::<E>(task, setup, all)?;
    Ok(figures([("rate", (all - BEFORE) as f64 / seconds)]))
}
