//! One change is found without reading those before it, in sealed segments and in the one that is being written.

use crate::common::{dir, options};
use redraft::io::{FaultDisk, MemoryDisk};
use redraft::{Store, Value};

const CHANGES: u64 = 5_000;

/// Changes of a kilobyte each.
fn store(disk: &FaultDisk, segment_bytes: u64) -> Store<Value> {
    let store: Store<Value> = options(disk).segment_bytes(segment_bytes).create(true).open(dir()).unwrap();
    let tickets: Vec<_> =
        (0..CHANGES).map(|n| store.submit(|doc| doc["text"] = letters(n).into()).unwrap()).collect();
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    store
}

/// A text that has nothing in common with the one before: what they share would not be written.
fn letters(n: u64) -> String {
    char::from(b'a' + (n % 26) as u8).to_string().repeat(1000)
}

/// Reads ahead are larger than a record, and never this large.
const READ_AHEAD_BYTES: u64 = 512 << 10;

/// Bytes read to come by the change which made this version.
fn bytes(disk: &FaultDisk, store: &Store<Value>, version: u64) -> u64 {
    let before = disk.bytes_read();
    let change = store.changes(version..=version).unwrap().next().unwrap().unwrap();
    assert_eq!(change.version, version);
    disk.bytes_read() - before
}

#[test]
fn a_change_in_the_segment_being_written_costs_the_same_wherever_it_is() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store = store(&disk, 64 << 20);
    for version in [2, 17, 18, 1_000, 2_499, CHANGES - 1, CHANGES] {
        let here = bytes(&disk, &store, version);
        assert!(here <= READ_AHEAD_BYTES, "{here} bytes for version {version}");
    }
}

#[test]
fn so_does_one_after_the_store_was_opened_again() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    drop(store(&disk, 64 << 20));
    let store: Store<Value> = options(&disk).open(dir()).unwrap();
    let here = bytes(&disk, &store, CHANGES);
    assert!(here <= READ_AHEAD_BYTES, "{here} bytes for the last version");
}

#[test]
fn a_change_in_a_sealed_segment_costs_no_more_than_finding_its_place() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store = store(&disk, 1 << 20);
    for version in [500, 2_500, CHANGES - 1] {
        let here = bytes(&disk, &store, version);
        assert!(here <= 2 * READ_AHEAD_BYTES, "{here} bytes for version {version}");
    }
}
