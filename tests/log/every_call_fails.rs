//! Each call that a log makes to the disk fails once, and from each call on all fail: what is there afterwards is what was
//! appended, to the last acknowledged record at least, whatever else was going on (rolling, truncating, closing).

use crate::common::logs::{forward, options};
use crate::common::{counted, dir, seed};
use redraft::io::MemoryDisk;
use redraft::io::{Failure, FaultDisk, FaultPlan};
use redraft::log::Log;
use redraft::{Error, Result};

/// What a run came to.
#[derive(Debug, Default)]
struct Outcome {
    /// All before this offset is acknowledged.
    acknowledged: u64,
    /// The front was to be given up as far as this, and may be.
    given_up: u64,
}

fn record(offset: u64) -> Vec<u8> {
    let letter = b'a' + (offset % 26) as u8;
    [offset.to_string().as_bytes(), &vec![letter; 90 + (offset % 7) as usize * 40]].concat()
}

fn records(from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count).map(record).collect()
}

fn append(log: &Log, outcome: &mut Outcome, count: u64) -> Result<()> {
    let answer = log.append_all(records(log.head(), count));
    outcome.acknowledged = answer?.end;
    Ok(())
}

fn truncate(log: &Log, outcome: &mut Outcome, offset: u64) -> Result<()> {
    outcome.given_up = outcome.given_up.max(offset);
    log.truncate_front(offset).map(drop)
}

fn work(disk: &FaultDisk, outcome: &mut Outcome) -> Result<()> {
    for session in 0..2 {
        let log = options(disk).create(true).open(dir())?;
        for _ in 0..3 {
            append(&log, outcome, 1)?;
            append(&log, outcome, 4)?;
        }
        let ticket = log.submit_all(records(log.head(), 3))?;
        ticket.wait()?;
        outcome.acknowledged = log.head();
        // If it fails the first time it must do no harm that the second time meets.
        let first = truncate(&log, outcome, 7 + session * 20);
        append(&log, outcome, 3)?;
        truncate(&log, outcome, 11 + session * 20)?;
        first?;
        append(&log, outcome, 2)?;
        log.close()?;
    }
    Ok(())
}

fn run(plan: FaultPlan) -> bool {
    let disk = FaultDisk::new(MemoryDisk::new(), Some(plan));
    let mut outcome = Outcome::default();
    if let Err(error) = work(&disk, &mut outcome) {
        assert!(matches!(error, Error::Io { .. } | Error::Poisoned { .. }), "{plan:?}: {error:?}");
    }
    for image in [disk.memory().process_kill(), disk.memory().power_cut(seed(plan.call))] {
        let log = options(&image).create(outcome.acknowledged == 0).open(dir());
        let log = log.unwrap_or_else(|error| panic!("{plan:?}: {outcome:?}, then {error:?}"));
        assert!(log.head() >= outcome.acknowledged, "{plan:?}: {outcome:?}");
        assert!(log.oldest() <= outcome.given_up, "{plan:?}: {outcome:?}");
        let found = forward(&log.reader(), log.oldest()).unwrap();
        assert_eq!(found, records(log.oldest(), log.head() - log.oldest()), "{plan:?}");
        log.append(b"and on").unwrap();
        log.truncate_front(log.head()).unwrap();
        log.close().unwrap();
        let again = crate::common::check(&image).unwrap();
        assert!(again.is_sound(), "{plan:?}: {again:?}");
    }
    disk.calls() > plan.call
}

#[test]
fn once_and_for_ever_in_every_way() {
    for failure in [Failure::Medium, Failure::NoSpace, Failure::Interrupted] {
        for forever in [false, true] {
            let mut calls = 0;
            while run(FaultPlan { call: calls, failure, forever }) {
                calls += 1;
            }
            counted(calls, "calls failed");
            assert!(calls > 150, "only {calls} calls were made");
        }
    }
}
