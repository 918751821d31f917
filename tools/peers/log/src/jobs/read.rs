//! Works 9 to 11: reading a log of many records, the page cache warm.

use std::fs;
use std::hint::black_box;
use std::io::{Read, sink};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::engine::{Engine, Setup};
use crate::records::Records;
use crate::result::median;
use crate::task::{Figures, Task, figures};

/// What is copied at a time in the reference: what fits into the caches well, as any reader would choose.
const COPIED_BYTES: usize = 64 << 10;

const FIRSTS: u64 = 101;

/// Reads that are checked, before others are measured.
const CHECKED: u64 = 1_000;

const POINTS: u64 = 200_000;

const POINTS_BETWEEN_CLOCKS: u64 = 64;

/// Every record must be what was written.
pub(crate) fn verify<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = E::open(&task.dir, Setup::SYNCED)?;
    let (mut number, mut checked) = (0, Ok(()));
    log.replay(0, |payload| {
        checked = records.check(number, payload);
        number += 1;
        if checked.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    checked?;
    ensure!(number == task.records, "of {} records {number} came back", task.records);
    Ok(Figures::new())
}

/// Next to it the least that a verified replay can cost: the same bytes, already in memory, copied and checksummed.
pub(crate) fn replay<E: Engine>(task: &Task) -> Result<Figures> {
    warm(task)?;
    let log = E::open(&task.dir, Setup::SYNCED)?;
    let (mut count, start) = (0, Instant::now());
    log.replay(0, |payload| {
        black_box(payload);
        count += 1;
        ControlFlow::Continue(())
    })?;
    let rate = task.records as f64 / start.elapsed().as_secs_f64();
    ensure!(count == task.records, "of {} records {count} came back", task.records);
    drop(log);
    Ok(figures([("rate", rate), ("of reference", rate / reference(task))]))
}

fn reference(task: &Task) -> f64 {
    let mut source = vec![0; task.records as usize * task.bytes];
    fastrand::Rng::with_seed(9).fill(&mut source);
    let mut copy = vec![0; COPIED_BYTES - COPIED_BYTES % task.bytes];
    let start = Instant::now();
    for part in source.chunks(copy.len()) {
        let copy = &mut copy[..part.len()];
        copy.copy_from_slice(part);
        for record in copy.chunks_exact(task.bytes) {
            black_box(crc32fast::hash(record));
        }
    }
    task.records as f64 / start.elapsed().as_secs_f64()
}

fn warm(task: &Task) -> Result<()> {
    for entry in fs::read_dir(&task.dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::io::copy(&mut fs::File::open(entry.path())?.take(u64::MAX), &mut sink())?;
        }
    }
    Ok(())
}

/// An iterator is made in the middle, and its first record is in hand.
pub(crate) fn middle<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = E::open(&task.dir, Setup::SYNCED)?;
    let first = |number: u64| {
        let (mut checked, start) = (Ok(()), Instant::now());
        let mut elapsed = Duration::ZERO;
        log.replay(number, |payload| {
            elapsed = start.elapsed();
            checked = records.check(number, payload);
            ControlFlow::Break(())
        })?;
        checked.map(|()| elapsed.as_secs_f64() * 1e6)
    };
    let middle = task.records / 2;
    let all = (middle..middle + FIRSTS).map(first).collect::<Result<Vec<f64>>>()?;
    Ok(figures([("us", median(all))]))
}

pub(crate) fn points<E: Engine>(task: &Task, records: &Records) -> Result<Figures> {
    let log = E::open(&task.dir, Setup::SYNCED)?;
    let mut random = fastrand::Rng::with_seed(11);
    let mut anywhere = || random.u64(..task.records);
    for _ in 0..CHECKED {
        let number = anywhere();
        let mut checked = Ok(());
        log.read(number, |payload| checked = records.check(number, payload))?;
        checked?;
    }
    let (mut count, start) = (0, Instant::now());
    while count < POINTS && start.elapsed() < task.time {
        for _ in 0..POINTS_BETWEEN_CLOCKS {
            log.read(anywhere(), |payload| {
                black_box(payload);
            })?;
        }
        count += POINTS_BETWEEN_CLOCKS;
    }
    Ok(figures([("rate", count as f64 / start.elapsed().as_secs_f64())]))
}
