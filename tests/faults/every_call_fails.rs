//! Each call to the disk fails once, and from each call on all fail: nothing acknowledged is lost, nothing panics, and the
//! store works again once the disk does.
//!
//! The workload creates, changes, rolls, takes snapshots of both kinds, reads the past, restores, compacts, closes and opens; the failing call
//! moves through it until a run meets no failure.

use crate::common::{counted, dir, options, seed};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::{Error, ErrorKind, Retention, Store, Value};
use std::path::Path;

/// What a run got acknowledged before it failed, if it did.
#[derive(Default)]
struct Outcome {
    acknowledged: i64,
    /// Snapshots that continue the one before.
    deltas: u32,
    failure: Option<Error>,
}

/// The workload; `n` counts the changes, so that the state tells its version.
fn work(disk: &FaultDisk, outcome: &mut Outcome) -> Result<(), Error> {
    for session in 0..2 {
        let store: Store<Value> = options(disk).create(true).open(dir())?;
        check_shown(&store, outcome.acknowledged);
        for count in 0..20 {
            if count == 8 {
                store.snapshot()?;
            }
            let next = store.version() as i64 + 1;
            let answer = store.produce(|doc| {
                doc["n"] = next.into();
                doc["padding"] = padding(next).into();
                if doc["ballast"].is_null() {
                    doc["ballast"] = ballast();
                }
            });
            check_shown(&store, outcome.acknowledged);
            outcome.acknowledged = answer?.version() as i64;
        }
        outcome.deltas += u32::from(store.snapshot()?.parent.is_some());
        let (first, past) = (store.oldest(), store.version() - 13);
        assert_eq!(store.at(past)?["n"].as_i64(), Some(past as i64));
        assert_eq!(store.changes(..)?.collect::<Result<Vec<_>, _>>()?.len() as u64, store.version() - first);
        store.restore(past, Path::new(&format!("/restored {session}")))?;
        let reader = options(disk).open_read_only::<Value>(dir())?;
        assert!(reader.version() as i64 >= outcome.acknowledged - 1);
        // A few changes less than a session makes: what the next one reads again stays.
        let oldest = store.compact_to(Retention::Changes(14))?.oldest;
        assert!(matches!(store.at(oldest - 1), Err(Error::Compacted { .. })));
        assert_eq!(store.at(oldest)?["n"].as_i64(), Some(oldest as i64));
        store.close()?;
    }
    Ok(())
}

/// Text that shares nothing with the one before, so that it is all written: what a failed sync lost must not come back by
/// chance, because the next change was written into the same sector.
fn padding(next: i64) -> String {
    char::from(b'a' + (next % 26) as u8).to_string().repeat(300)
}

/// Bytes that cannot be packed.
fn ballast() -> Value {
    let dice = SeededEntropy::new(1);
    Value::Bytes((0..6000).map(|_| dice.next() as u8).collect::<Vec<_>>().into())
}

/// Nothing is shown that is not acknowledged or being acknowledged, and the state belongs to the version.
fn check_shown(store: &Store<Value>, acknowledged: i64) {
    let (version, state) = store.newest();
    assert!(version as i64 >= acknowledged);
    assert_eq!(state["n"].as_i64().unwrap_or(0), version as i64);
}

/// Runs with the plan, then opens what is there on a disk that works: as it stands, and after a power cut.
fn run(plan: FaultPlan) -> bool {
    let disk = FaultDisk::new(MemoryDisk::new(), Some(plan));
    let mut outcome = Outcome::default();
    outcome.failure = work(&disk, &mut outcome).err();
    let met = disk.calls() > plan.call;
    if let Some(error) = &outcome.failure {
        let expected =
            matches!(error.kind(), ErrorKind::Environment | ErrorKind::NotFound | ErrorKind::Poisoned);
        assert!(expected, "{plan:?}: {error:?}");
    }
    for image in [disk.memory().process_kill(), disk.memory().power_cut(seed(plan.call))] {
        match options(&image).create(outcome.acknowledged == 0).open::<Value>(dir()) {
            Ok(store) => {
                check_shown(&store, outcome.acknowledged);
                let next = store.version() as i64 + 1;
                store.produce(|doc| doc["n"] = next.into()).unwrap();
            }
            Err(error) => panic!("{plan:?}: acknowledged {}, then {error:?}", outcome.acknowledged),
        }
    }
    met
}

fn every_call(failure: Failure, forever: bool) {
    let mut calls = 0;
    while run(FaultPlan { call: calls, failure, forever }) {
        calls += 1;
    }
    counted(calls, "calls failed");
    assert!(calls > 200, "only {calls} calls were made");
}

#[test]
fn a_medium_error_once() {
    every_call(Failure::Medium, false);
}

#[test]
fn a_medium_error_from_then_on() {
    every_call(Failure::Medium, true);
}

#[test]
fn no_space_once() {
    every_call(Failure::NoSpace, false);
}

#[test]
fn no_space_from_then_on() {
    every_call(Failure::NoSpace, true);
}

#[test]
fn an_interruption_once() {
    every_call(Failure::Interrupted, false);
}

#[test]
fn interruptions_from_then_on() {
    every_call(Failure::Interrupted, true);
}

#[test]
fn a_short_transfer_once_is_not_even_noticed() {
    let mut calls = 0;
    loop {
        let plan = FaultPlan { call: calls, failure: Failure::Short, forever: false };
        let disk = FaultDisk::new(MemoryDisk::new(), Some(plan));
        let mut outcome = Outcome::default();
        work(&disk, &mut outcome).unwrap();
        assert_eq!((outcome.acknowledged, outcome.deltas), (40, 1));
        if disk.calls() <= calls {
            break;
        }
        calls += 1;
    }
    assert!(calls > 200);
}

#[test]
fn transfers_that_are_always_short_only_take_longer() {
    let disk = FaultDisk::new(
        MemoryDisk::new(),
        Some(FaultPlan { call: 0, failure: Failure::Short, forever: true }),
    );
    let mut outcome = Outcome::default();
    work(&disk, &mut outcome).unwrap();
    assert_eq!((outcome.acknowledged, outcome.deltas), (40, 1));
}
