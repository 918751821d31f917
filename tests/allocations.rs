//! In the long run a log allocates nothing: not for a record that is appended, and not for one that is read. On a real disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use allocation_counter::measure;
use redraft::log::{Durability, Log, Options};
use std::time::Duration;

const RECORDS: u64 = 10_000;
/// Appended one by one: each costs a sync.
const SYNCED: u64 = 500;
/// What may be allocated all the same: the list of places grows by doubling, and so do the four buffers, up to what the disk
/// makes queue up.
const A_FEW: u64 = 64;
const PAYLOAD: [u8; 100] = [0xa5; 100];
const HOUR: Duration = Duration::from_secs(3600);

fn fresh(durability: Durability) -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Options::new().durability(durability).open(dir.path().join("log")).unwrap();
    (dir, log)
}

/// How often this thread allocates while `work` does something so many times, once it is used to it.
fn allocations(times: u64, mut work: impl FnMut(u64)) -> u64 {
    (0..times).for_each(&mut work);
    let counted = measure(|| (times..2 * times).for_each(&mut work));
    assert!(measure(|| drop(std::hint::black_box(vec![times]))).count_total > 0, "it counts");
    counted.count_total
}

fn a_few(count: u64) {
    assert!(count <= A_FEW, "{count} allocations");
}

#[test]
fn appending_durably_allocates_nothing() {
    let (_dir, log) = fresh(Durability::Immediate);
    a_few(allocations(SYNCED, |number| assert_eq!(log.append(&PAYLOAD).unwrap(), number)));
}

#[test]
fn appending_with_an_interval_allocates_nothing() {
    for interval in [Duration::from_millis(1), HOUR] {
        let (_dir, log) = fresh(Durability::Interval(interval));
        a_few(allocations(RECORDS, |number| assert_eq!(log.append(&PAYLOAD).unwrap(), number)));
    }
}

#[test]
fn appending_without_sync_allocates_nothing() {
    let (_dir, log) = fresh(Durability::UnsafeNoSync);
    a_few(allocations(RECORDS, |number| assert_eq!(log.append(&PAYLOAD).unwrap(), number)));
}

#[test]
fn submitting_allocates_nothing() {
    let (_dir, log) = fresh(Durability::Immediate);
    a_few(allocations(RECORDS, |number| assert_eq!(log.submit(&PAYLOAD).unwrap().offsets().start, number)));
}

/// The list that is taken from the caller's iterator before any lock is the one allocation.
#[test]
fn appending_a_batch_allocates_once_however_many_records_it_has() {
    const BATCHES: u64 = 500;
    let (_dir, log) = fresh(Durability::Interval(HOUR));
    let count = allocations(BATCHES, |number| {
        assert_eq!(log.append_all([&PAYLOAD; 100]).unwrap().start, 100 * number);
    });
    a_few(count - BATCHES);
}

/// A log of many records, in one segment that is full, one that is being written, or several.
fn written(segment_bytes: u64) -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().durability(Durability::Interval(HOUR)).segment_bytes(segment_bytes);
    let log = options.open(dir.path().join("log")).unwrap();
    (0..2 * RECORDS).for_each(|number| assert_eq!(log.append(&PAYLOAD).unwrap(), number));
    log.sync().unwrap();
    (dir, log)
}

#[test]
fn reading_into_a_buffer_allocates_nothing_wherever_the_record_is() {
    for segment_bytes in [64 << 20, 512 << 10] {
        let (_dir, log) = written(segment_bytes);
        let (reader, mut buffer) = (log.reader(), Vec::new());
        a_few(allocations(RECORDS, |number| {
            reader.read_into(number * 7919 % (2 * RECORDS), &mut buffer).unwrap();
            assert_eq!(buffer, PAYLOAD);
        }));
    }
}

#[test]
fn reading_on_and_back_allocates_nothing_for_a_record() {
    let (_dir, log) = written(64 << 20);
    let mut records = log.reader().records(0).unwrap();
    a_few(allocations(RECORDS, |number| {
        let record = records.next_record().unwrap().unwrap();
        assert_eq!((record.offset(), record.payload()), (number, &PAYLOAD[..]));
    }));
    let mut records = log.reader().backward(2 * RECORDS).unwrap();
    let back = allocations(RECORDS, |number| {
        let record = records.next_record().unwrap().unwrap();
        assert_eq!((record.offset(), record.payload()), (2 * RECORDS - 1 - number, &PAYLOAD[..]));
    });
    // A place to start from for every sixteen.
    assert!(back <= RECORDS, "{back} allocations for {RECORDS} records read backward");
}
