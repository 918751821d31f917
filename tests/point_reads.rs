//! One change is found without reading those before it, in sealed segments and in the one that is being written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use common::{dir, options};
use redraft::io::fault::FaultDisk;
use redraft::io::memory::MemoryDisk;
use redraft::{Store, Value};

const CHANGES: u64 = 5_000;

/// Changes of a kilobyte each, so that reading all of them takes many calls.
fn store(disk: &FaultDisk, segment_bytes: u64) -> Store<Value> {
    let store: Store<Value> = options(disk).segment_bytes(segment_bytes).create(true).open(dir()).unwrap();
    let text = "x".repeat(1000);
    let tickets: Vec<_> = (0..CHANGES)
        .map(|n| store.submit(|doc| doc["text"] = format!("{n} {text}").into()).unwrap())
        .collect();
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    store
}

/// Calls to the disk that reading the change which made this version takes.
fn calls(disk: &FaultDisk, store: &Store<Value>, version: u64) -> u64 {
    let before = disk.calls();
    let change = store.changes(version..=version).unwrap().next().unwrap().unwrap();
    assert_eq!(change.version, version);
    disk.calls() - before
}

#[test]
fn a_change_in_the_segment_being_written_costs_the_same_wherever_it_is() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store = store(&disk, 64 << 20);
    let first = calls(&disk, &store, 1);
    for version in [2, 17, 18, 1_000, 2_499, CHANGES - 1, CHANGES] {
        let here = calls(&disk, &store, version);
        assert!(here <= first + 2, "{here} calls for version {version}, {first} for version 1");
    }
}

#[test]
fn so_does_one_after_the_store_was_opened_again() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    drop(store(&disk, 64 << 20));
    let store: Store<Value> = options(&disk).open(dir()).unwrap();
    let first = calls(&disk, &store, 1);
    let last = calls(&disk, &store, CHANGES);
    assert!(last <= first + 2, "{last} calls for the last version, {first} for the first");
}

#[test]
fn a_change_in_a_sealed_segment_costs_no_more_than_finding_its_place() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store = store(&disk, 1 << 20);
    let first = calls(&disk, &store, 1);
    for version in [500, 2_500, CHANGES - 1] {
        let here = calls(&disk, &store, version);
        assert!(here <= first + 4, "{here} calls for version {version}, {first} for version 1");
    }
}
