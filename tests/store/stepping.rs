//! Going through history step by step: the states are those that were, in whatever order they are asked for, and a step costs
//! a few changes, not all since the last state somebody happened to keep.

use crate::common::{dir, options};
use proptest::prelude::*;
use redraft::io::{FaultDisk, MemoryDisk, SeededEntropy};
use redraft::{Reader, Store, Value};

/// More than two of the stretches after which a state is kept on a long way.
const CHANGES: u64 = 2_500;

/// A store in which `/n` is the version, closed.
fn counting(disk: &FaultDisk, snapshots: &[u64]) {
    counting_to(disk, CHANGES, snapshots);
}

fn counting_to(disk: &FaultDisk, changes: u64, snapshots: &[u64]) {
    let store: Store<Value> = options(disk).segment_bytes(16 << 10).create(true).open(dir()).unwrap();
    for version in 1..=changes {
        drop(store.submit(|doc| doc["n"] = version.into()).unwrap());
        if snapshots.contains(&version) {
            store.sync().unwrap();
            assert_eq!(store.snapshot().unwrap().version, version);
        }
    }
    store.close().unwrap();
}

fn n(reader: &Reader<Value>, version: u64) -> u64 {
    reader.at(version).unwrap()["n"].as_u64().unwrap_or(0)
}

/// Bytes read by `steps`, each a state.
fn bytes(disk: &FaultDisk, reader: &Reader<Value>, steps: impl Iterator<Item = u64>) -> u64 {
    let before = disk.bytes_read();
    steps.for_each(|version| assert_eq!(n(reader, version), version));
    disk.bytes_read() - before
}

#[test]
fn going_back_reads_a_few_times_what_going_forward_does() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    counting(&disk, &[]);
    let (from, steps) = (1_500, 700);
    let there = || -> Reader<Value> {
        let reader = options(&disk).open_read_only(dir()).unwrap();
        assert_eq!(n(&reader, from), from);
        reader
    };
    let forward = bytes(&disk, &there(), from..from + steps);
    let back = bytes(&disk, &there(), (from - steps..from).rev());
    assert!(back < 8 * forward, "{back} bytes back, {forward} forward");
}

/// Where somebody has been before, states are kept over all of it, not those alone that were met last.
#[test]
fn who_has_gone_through_all_of_it_goes_anywhere_for_a_small_part_of_that() {
    let (disk, changes) = (FaultDisk::new(MemoryDisk::new(), None), 60 << 10);
    counting_to(&disk, changes, &[]);
    let before = disk.bytes_read();
    let reader = options(&disk).open_read_only(dir()).unwrap();
    let all = disk.bytes_read() - before;
    let dice = SeededEntropy::new(3);
    let leaps = (0..12).map(|_| 1 + dice.below(changes as usize / 2) as u64);
    let leaping = bytes(&disk, &reader, leaps);
    assert!(leaping < all, "{leaping} bytes in 12 leaps, {all} in all");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Walks of neighbours with leaps in between, which is how people look around.
    #[test]
    fn every_state_is_the_one_that_was_however_one_comes_to_it(
        walks in prop::collection::vec((0..=CHANGES, -1..=1_i64, 1..80_u64), 1..12),
        snapshots in prop::collection::vec(1..=CHANGES, 0..3),
    ) {
        let disk = FaultDisk::new(MemoryDisk::new(), None);
        counting(&disk, &snapshots);
        let reader: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
        for (start, direction, steps) in walks {
            for step in 0..steps {
                let version = start.saturating_add_signed(direction * step as i64).min(CHANGES);
                prop_assert_eq!(n(&reader, version), version);
            }
        }
    }
}
