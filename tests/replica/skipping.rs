//! A replica that is far behind begins anew at a snapshot if it was told that it may and that is fewer bytes; else it copies.

use crate::common::{Model, dir, env, options, written};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::replica::{Beginning, Directory};
use redraft::{Error, Options, Retention, Store, Value};
use std::sync::Arc;

fn source(disk: &MemoryDisk) -> Arc<Directory> {
    Arc::new(Directory::open_in(&env(disk), dir()).unwrap())
}

/// Brings the copy up to date with these options: where it begins then, and which version it has.
fn caught_up(options: &Options, of: &MemoryDisk) -> redraft::Result<(u64, u64)> {
    let mut mirror = options.mirror_of(source(of), dir(), Beginning::Oldest)?;
    mirror.catch_up()?;
    mirror.close()?;
    let reader = options.open_read_only::<Value>(dir())?;
    Ok((reader.oldest()?, reader.version()))
}

/// A store with 300 changes and a snapshot of the 290th, of which the copy has 30.
fn far_behind() -> (MemoryDisk, MemoryDisk, Store<Value>, Model) {
    let (disk, store, mut model) = written(1, 30, &[]);
    let copy = MemoryDisk::new();
    assert_eq!(caught_up(&options(&copy).create(true), &disk).unwrap(), (0, 30));
    let dice = SeededEntropy::new(2);
    while store.version() < 300 {
        if model.produce(&store, &dice).unwrap() == 290 {
            store.snapshot().unwrap();
        }
    }
    (disk, copy, store, model)
}

#[test]
fn a_replica_far_behind_begins_at_a_snapshot_only_if_it_may() {
    let (disk, copy, _store, model) = far_behind();
    let other = copy.process_kill();
    assert_eq!(caught_up(&options(&other), &disk).unwrap(), (0, 300));
    assert_eq!(caught_up(&options(&copy).skip_ahead(true), &disk).unwrap(), (290, 300));
    let replica = options(&copy).open_read_only::<Value>(dir()).unwrap();
    for version in 290..=300 {
        assert_eq!(*replica.at(version).unwrap(), model.states[version as usize]);
    }
    match replica.at(30) {
        Err(Error::Compacted { version: 30, oldest: 290 }) => {}
        told => panic!("{told:?}"),
    }
    let report = options(&copy).verify(dir()).unwrap();
    assert!(report.is_sound() && report.intact == 300, "{report:?}");
    // It is not behind any longer.
    assert_eq!(caught_up(&options(&copy).skip_ahead(true), &disk).unwrap(), (290, 300));
}

/// A large state that changed little is copied change by change, whatever may be skipped.
#[test]
fn a_replica_that_lacks_less_than_a_snapshot_takes_the_changes() {
    let (disk, store, _) = written(1, 30, &[]);
    let dice = SeededEntropy::new(7);
    let bytes: Vec<u8> = (0..20_000).map(|_| dice.next() as u8).collect();
    store.produce(|doc| doc["large"] = Value::Bytes(bytes.into())).unwrap();
    let copy = MemoryDisk::new();
    let options = options(&copy).create(true).skip_ahead(true);
    caught_up(&options, &disk).unwrap();
    for n in 0..20_u64 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    store.snapshot().unwrap();
    assert_eq!(caught_up(&options, &disk).unwrap(), (0, 51));
}

/// Skipping is for those who have the same history: what differs is told, and stays.
#[test]
fn what_differs_is_told_and_not_skipped() {
    let (disk, copy, store, _) = far_behind();
    drop(store);
    let ahead = MemoryDisk::new();
    assert_eq!(caught_up(&options(&ahead).create(true), &disk).unwrap(), (0, 300));
    options(&copy).promote(dir()).unwrap();
    let other: Store<Value> = options(&copy).open(dir()).unwrap();
    for n in 0..500_u64 {
        other.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    other.snapshot().unwrap();
    let before = ahead.files();
    match caught_up(&options(&ahead).skip_ahead(true), &copy) {
        Err(Error::Diverged { offset: 30, .. }) => {}
        told => panic!("{told:?}"),
    }
    assert_eq!(ahead.files(), before);
}

/// Others may have skipped to it, or begin after what it gave up: they are fetched anew, as where history was given up.
#[test]
fn who_follows_one_that_skipped_ahead_is_fetched_anew() {
    let (disk, near, _store, _) = far_behind();
    let far = MemoryDisk::new();
    assert_eq!(caught_up(&options(&far).create(true), &near).unwrap(), (0, 30));
    assert_eq!(caught_up(&options(&near).skip_ahead(true), &disk).unwrap(), (290, 300));
    assert_eq!(caught_up(&options(&far), &near).unwrap(), (290, 300));
}

/// Wherever it dies, there is all of the old or all of the new, and the next attempt ends well.
#[test]
fn a_skip_that_was_interrupted_leaves_all_of_the_old_or_of_the_new() {
    let (disk, begun, store, model) = far_behind();
    store.compact_to(Retention::Everything).unwrap();
    let (mut call, mut skipped) = (0, 0);
    loop {
        let copy = begun.process_kill();
        let dies = FaultPlan { call, failure: Failure::Medium, forever: true };
        let fault = FaultDisk::new(copy.clone(), Some(dies));
        let mirror = options(&fault).skip_ahead(true).mirror_of(source(&disk), dir(), Beginning::Oldest);
        let done = mirror.is_ok();
        drop(mirror);
        let image = copy.power_cut(call);
        // A writer looks first: what is half exchanged is finished then.
        let end = options(&image).mirror_of(source(&disk), dir(), Beginning::Oldest).unwrap();
        end.close().unwrap();
        let reader = options(&image).open_read_only::<Value>(dir()).unwrap();
        let (oldest, version) = (reader.oldest().unwrap(), reader.version());
        assert!(
            [(0, 30), (290, 300)].contains(&(oldest, version)),
            "after call {call}: {oldest} to {version}"
        );
        assert_eq!(*reader.state(), model.states[version as usize], "after call {call}");
        skipped += u64::from(oldest == 290);
        assert_eq!(caught_up(&options(&image), &disk).unwrap().1, 300);
        if done {
            assert!(call > 30 && skipped > 1, "{call} calls, {skipped} skipped");
            return;
        }
        call += 1;
    }
}
