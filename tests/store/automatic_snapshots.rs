//! Snapshots that a store takes by itself: when they are due, beside writers, and only those that the policy keeps.

use crate::common::waiting::until;
use crate::common::watched::{Call, Watched};
use crate::common::{check, dir, open, options};
use redraft::io::MemoryDisk;
use redraft::{Retention, SnapshotPolicy, Store, Value};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;

fn store(disk: &MemoryDisk, policy: SnapshotPolicy) -> Store<Value> {
    options(disk).create(true).snapshots(policy).open(dir()).unwrap()
}

fn write(store: &Store<Value>, count: u64) {
    for _ in 0..count {
        let next = store.version() as i64 + 1;
        store.produce(|doc| doc["n"] = next.into()).unwrap();
    }
}

fn snapshots(disk: &MemoryDisk) -> Vec<u64> {
    options(disk).open_read_only::<Value>(dir()).unwrap().snapshots().unwrap()
}

#[test]
fn a_snapshot_is_taken_once_it_is_due() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand().every_changes(50));
    write(&store, 49);
    assert!(snapshots(&disk).is_empty());
    write(&store, 11);
    until(|| !snapshots(&disk).is_empty());
    let taken = snapshots(&disk)[0];
    assert!((49..=60).contains(&taken), "{taken}");
    store.close().unwrap();
    let opened = open(&disk).unwrap();
    assert_eq!((opened.opened().from_snapshot, opened.version()), (Some(taken), 60));
    assert!(check(&disk).unwrap().is_sound());
}

/// What was replayed when the store was opened counts.
#[test]
fn a_store_that_is_opened_and_closed_again_and_again_gets_its_snapshot() {
    let disk = MemoryDisk::new();
    for _ in 0..10 {
        let store = store(&disk, SnapshotPolicy::on_demand().every_changes(25));
        write(&store, 3);
        store.close().unwrap();
    }
    assert_eq!(snapshots(&disk).len(), 1, "{:?}", snapshots(&disk));
}

#[test]
fn none_is_taken_that_nobody_asked_for() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand());
    write(&store, 500);
    store.close().unwrap();
    assert!(snapshots(&disk).is_empty());
}

/// While the disk takes its time with a snapshot, writers go on.
#[test]
fn writers_do_not_wait_for_it() {
    let memory = MemoryDisk::new();
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (once, gate) = (AtomicBool::new(true), std::sync::Mutex::new((begun, released)));
    let watched = Watched::new(memory.clone(), move |call| {
        if let Call::Rename(_, to) = call
            && to.extension().is_some_and(|ending| ending == "snap")
            && once.swap(false, SeqCst)
        {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            gate.1.recv().unwrap();
        }
    });
    let policy = SnapshotPolicy::on_demand().every_changes(10);
    let store: Store<Value> = options(&watched).create(true).snapshots(policy).open(dir()).unwrap();
    write(&store, 20);
    has_begun.recv().unwrap();
    write(&store, 200);
    assert_eq!((store.version(), snapshots(&memory)), (220, vec![]));
    release.send(()).unwrap();
    until(|| !snapshots(&memory).is_empty());
    store.close().unwrap();
}

#[test]
fn those_that_no_rule_keeps_go_and_the_newest_stays() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand().every_changes(10).keep_last(2));
    for round in 1..=8 {
        write(&store, 10);
        until(|| snapshots(&disk).last().is_some_and(|&newest| newest + 10 >= round * 10));
    }
    store.close().unwrap();
    let left = snapshots(&disk);
    assert!(left.len() <= 2 && left.last().is_some_and(|&newest| newest >= 70), "{left:?}");
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn history_beyond_what_is_to_be_kept_goes_with_it() {
    let disk = MemoryDisk::new();
    let policy = SnapshotPolicy::on_demand().every_changes(50).keep_last(1);
    let options = options(&disk).create(true).snapshots(policy).retention(Retention::Changes(40));
    let store: Store<Value> = options.open(dir()).unwrap();
    write(&store, 400);
    until(|| store.oldest() > 200);
    store.close().unwrap();
    let opened = open(&disk).unwrap();
    assert_eq!(opened.state()["n"].as_i64(), Some(400));
    assert_eq!(opened.at(360).unwrap()["n"].as_i64(), Some(360));
    assert!(check(&disk).unwrap().is_sound());
}

/// A snapshot that fails is no failure of the store.
#[test]
fn one_that_fails_costs_nothing_and_is_tried_again() {
    let memory = MemoryDisk::new();
    let broken = std::sync::Arc::new(AtomicBool::new(true));
    let disk = redraft::io::FaultDisk::new(memory.clone(), None);
    let (full, on) = (disk.clone(), std::sync::Arc::clone(&broken));
    let failed = std::sync::Arc::new(AtomicBool::new(false));
    let noted = std::sync::Arc::clone(&failed);
    let watched = Watched::new(disk, move |call| {
        // The disk is full just while the snapshot is created.
        if let Call::Open(path, redraft::io::Access::Create) = call {
            let snapshot = path.to_string_lossy().contains(".snap");
            full.fill(snapshot && on.load(SeqCst));
            noted.fetch_or(snapshot, SeqCst);
        }
    });
    let policy = SnapshotPolicy::on_demand().every_changes(10);
    let store: Store<Value> =
        options(&watched).create(true).segment_bytes(1 << 16).snapshots(policy).open(dir()).unwrap();
    write(&store, 15);
    until(|| failed.load(SeqCst));
    broken.store(false, SeqCst);
    assert!(snapshots(&memory).is_empty());
    write(&store, 30);
    until(|| !snapshots(&memory).is_empty());
    assert_eq!(store.version(), 45);
}
