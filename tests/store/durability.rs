//! What each durability loses, and what it does not: the table in the documentation of `Durability`, cell by cell, for a log
//! and for a store.

use crate::common::dir;
use crate::common::logs::{DURABILITIES, HOUR, forward, options};
use crate::common::waiting::{PATIENCE, block_on};
use redraft::io::MemoryDisk;
use redraft::log::{Durability, Log, Ticket};
use redraft::{Reader, Store, Value, value};
use std::sync::Arc;
use std::time::{Duration, Instant};

const RECORDS: u64 = 20;
const IMAGES: u64 = 200;
const SOON: Duration = Duration::from_millis(20);

fn log(durability: Durability) -> (MemoryDisk, Log) {
    let disk = MemoryDisk::new();
    // One segment, so that none is made durable because it is full.
    let options = options(&disk).create(true).segment_bytes(1 << 16).durability(durability);
    let log = options.open(dir()).unwrap();
    (disk, log)
}

fn store(durability: Durability) -> (MemoryDisk, Store<Value>) {
    let disk = MemoryDisk::new();
    let options = crate::common::options(&disk).create(true).segment_bytes(1 << 16).durability(durability);
    let store = options.open(dir()).unwrap();
    (disk, store)
}

fn payload(number: u64) -> Vec<u8> {
    format!("record {number}").into()
}

fn append(log: &Log, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| assert_eq!(log.append(&payload(number)).unwrap(), number));
}

/// How many records an image holds; they must be the first that were appended.
fn left(image: &MemoryDisk) -> u64 {
    let log = options(image).open(dir()).unwrap();
    let found = forward(&log.reader(), 0).unwrap();
    let expected: Vec<Vec<u8>> = (0..found.len() as u64).map(payload).collect();
    assert_eq!(found, expected, "what is left is the beginning, without holes");
    log.head()
}

fn least_and_most_after_a_power_cut(disk: &MemoryDisk) -> (u64, u64) {
    let counts: Vec<u64> = (0..IMAGES).map(|seed| left(&disk.power_cut(seed))).collect();
    (counts.iter().copied().min().unwrap(), counts.into_iter().max().unwrap())
}

/// Waits for something to happen by itself.
fn eventually(happens: impl Fn() -> bool) {
    let begin = Instant::now();
    while !happens() {
        assert!(begin.elapsed() < PATIENCE, "it does not happen by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn immediate_loses_nothing_when_the_process_is_killed() {
    let (disk, log) = log(Durability::Immediate);
    append(&log, 0..RECORDS);
    assert_eq!((left(&disk.process_kill()), log.head()), (RECORDS, RECORDS));
}

#[test]
fn immediate_loses_nothing_when_the_power_fails() {
    let (disk, log) = log(Durability::Immediate);
    append(&log, 0..RECORDS);
    assert_eq!(least_and_most_after_a_power_cut(&disk), (RECORDS, RECORDS));
}

#[test]
fn an_interval_loses_what_it_has_not_come_to_and_nothing_before_when_the_process_is_killed() {
    let (disk, log) = log(Durability::Interval(HOUR));
    append(&log, 0..7);
    log.sync().unwrap();
    append(&log, 7..RECORDS);
    assert_eq!((log.head(), log.end()), (7, RECORDS));
    assert_eq!(left(&disk.process_kill()), 7);
}

#[test]
fn an_interval_loses_what_it_has_not_come_to_and_nothing_before_when_the_power_fails() {
    let (disk, log) = log(Durability::Interval(HOUR));
    append(&log, 0..7);
    log.sync().unwrap();
    append(&log, 7..RECORDS);
    assert_eq!(least_and_most_after_a_power_cut(&disk), (7, 7));
}

#[test]
fn after_the_interval_it_is_durable_by_itself_again_and_again() {
    let (disk, log) = log(Durability::Interval(SOON));
    for round in 1..=3 {
        append(&log, 10 * (round - 1)..10 * round);
        eventually(|| log.head() == 10 * round);
        assert_eq!(left(&disk.process_kill()), 10 * round);
        assert_eq!(least_and_most_after_a_power_cut(&disk), (10 * round, 10 * round));
    }
}

#[test]
fn an_interval_is_counted_from_the_first_record_that_is_not_durable_however_many_follow() {
    let (_disk, log) = log(Durability::Interval(SOON));
    let begin = Instant::now();
    for number in 0.. {
        append(&log, number..number + 1);
        if log.head() > 0 {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "records that keep coming keep it from being durable");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(begin.elapsed() >= SOON, "not before its time");
}

#[test]
fn without_sync_nothing_is_lost_when_the_process_is_killed() {
    let (disk, log) = log(Durability::UnsafeNoSync);
    append(&log, 0..RECORDS);
    assert_eq!((left(&disk.process_kill()), log.head()), (RECORDS, 0));
}

#[test]
fn without_sync_all_since_the_last_explicit_sync_may_be_lost_when_the_power_fails_and_nothing_before() {
    let (disk, log) = log(Durability::UnsafeNoSync);
    append(&log, 0..7);
    log.sync().unwrap();
    append(&log, 7..RECORDS);
    assert_eq!(least_and_most_after_a_power_cut(&disk), (7, RECORDS), "anything from nothing to all of it");
}

#[test]
fn without_sync_a_full_segment_is_durable() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).durability(Durability::UnsafeNoSync).open(dir()).unwrap();
    append(&log, 0..100);
    let segments = disk.files().iter().filter(|path| path.extension().is_some()).count() as u64;
    assert!(segments > 3, "{segments} segments");
    let (least, most) = least_and_most_after_a_power_cut(&disk);
    assert!(least >= log.head() && log.head() > 50 && most == 100, "{least} to {most} of {}", log.head());
}

#[test]
fn a_session_that_is_ended_properly_loses_nothing_with_any_durability() {
    for durability in DURABILITIES {
        for drops in [false, true] {
            let (disk, log) = log(durability);
            append(&log, 0..RECORDS);
            assert_eq!(log.submit(&payload(RECORDS)).unwrap().offsets(), RECORDS..RECORDS + 1);
            if drops {
                drop(log);
            } else {
                log.close().unwrap();
            }
            let all = RECORDS + 1;
            assert_eq!(least_and_most_after_a_power_cut(&disk), (all, all), "{durability:?}");
        }
    }
}

#[test]
fn a_reader_in_another_process_sees_what_is_durable_and_no_more() {
    for durability in DURABILITIES {
        let (disk, log) = log(durability);
        let reader = options(&disk).open_read_only(dir()).unwrap();
        append(&log, 0..RECORDS);
        assert_eq!(reader.head().unwrap(), log.head(), "{durability:?}");
        log.sync().unwrap();
        append(&log, RECORDS..RECORDS + 5);
        assert_eq!(reader.head().unwrap(), log.head(), "{durability:?}");
        assert_eq!(forward(&reader, 0).unwrap().len() as u64, log.head());
    }
}

#[test]
fn a_ticket_that_was_waited_for_is_durable_with_any_durability() {
    for durability in DURABILITIES {
        let (disk, log) = log(durability);
        append(&log, 0..3);
        let (first, second) = (log.submit(&payload(3)).unwrap(), log.submit(&payload(4)).unwrap());
        assert_eq!(first.wait().unwrap(), 3..4);
        let (least, _) = least_and_most_after_a_power_cut(&disk);
        assert!(least >= 4 && log.head() >= 4, "{durability:?}: {least}");
        assert_eq!(second.wait().unwrap(), 4..5);
        assert_eq!(least_and_most_after_a_power_cut(&disk), (5, 5), "{durability:?}");
    }
}

#[test]
fn a_ticket_says_that_it_is_durable_when_it_is_and_not_before() {
    let (disk, log) = log(Durability::Interval(HOUR));
    let ticket = log.submit(&payload(0)).unwrap();
    assert!(!ticket.is_durable());
    assert_eq!(left(&disk.process_kill()), 0);
    log.sync().unwrap();
    assert!(ticket.is_durable());
    assert_eq!(least_and_most_after_a_power_cut(&disk), (1, 1));
    assert_eq!(ticket.wait().unwrap(), 0..1);
}

#[test]
fn a_ticket_that_nobody_waits_for_becomes_durable_by_itself() {
    for durability in [Durability::Immediate, Durability::Interval(SOON), Durability::UnsafeNoSync] {
        let (disk, log) = log(durability);
        assert_eq!(log.submit(&payload(0)).unwrap().offsets(), 0..1);
        eventually(|| log.head() == 1);
        assert_eq!(least_and_most_after_a_power_cut(&disk), (1, 1), "{durability:?}");
    }
}

#[test]
fn a_ticket_can_be_awaited_with_any_durability() {
    for durability in [Durability::Immediate, Durability::Interval(SOON), Durability::UnsafeNoSync] {
        let (disk, log) = log(durability);
        append(&log, 0..3);
        let tickets: Vec<Ticket<'_>> = (3..6).map(|number| log.submit(&payload(number)).unwrap()).collect();
        let offsets: Vec<_> = tickets.into_iter().rev().map(|ticket| block_on(ticket).unwrap()).collect();
        assert_eq!(offsets, [5..6, 4..5, 3..4]);
        assert_eq!(least_and_most_after_a_power_cut(&disk), (6, 6), "{durability:?}");
        assert_eq!(block_on(log.submit_all([b""; 0]).unwrap()).unwrap(), 6..6, "nothing is durable already");
    }
}

#[test]
fn a_store_with_an_interval_shows_its_own_changes_at_once_and_to_others_what_is_durable() {
    let (disk, store) = store(Durability::Interval(HOUR));
    for number in 1..=3_i64 {
        let commit = store.produce(|doc| doc["n"] = number.into()).unwrap();
        assert_eq!((commit.version(), store.version()), (number as u64, number as u64));
        assert_eq!(store.state()["n"].as_i64(), Some(number));
    }
    assert_eq!(store.durable_version(), 0);
    let other: Reader<Value> = crate::common::reader(&disk).unwrap();
    assert_eq!((other.version(), other.state()), (0, Arc::new(Value::default())));
    assert_eq!(
        crate::common::open(&disk.process_kill()).unwrap().version(),
        0,
        "nothing was handed over yet"
    );

    assert_eq!(store.sync().unwrap(), 3);
    assert_eq!((store.durable_version(), other.refresh().unwrap()), (3, 3));
    store.produce(|doc| doc["m"] = 1.into()).unwrap();
    assert_eq!((store.version(), store.durable_version(), other.refresh().unwrap()), (4, 3, 3));
    for seed in 0..50 {
        assert_eq!(crate::common::open(&disk.power_cut(seed)).unwrap().version(), 3);
    }
}

/// The past is read from the disk: asking for it makes durable what it needs, and no more is asked of the caller.
#[test]
fn a_store_with_any_durability_reads_and_undoes_what_it_has_just_done() {
    for durability in DURABILITIES {
        let (disk, store) = store(durability);
        for number in 1..=3_i64 {
            store.produce(|doc| doc["n"] = number.into()).unwrap();
        }
        assert_eq!(store.at(3).unwrap()["n"].as_i64(), Some(3));
        assert_eq!(store.at(2).unwrap()["n"].as_i64(), Some(2));
        store.produce(|doc| doc["list"] = value!([1])).unwrap();
        let versions: Vec<u64> = store.changes(..).unwrap().map(|change| change.unwrap().version).collect();
        assert_eq!(versions, [1, 2, 3, 4], "{durability:?}");
        store.produce(|doc| doc["list"] = value!([1, 2])).unwrap();
        assert_eq!(store.undo(5).unwrap().version(), 6);
        assert_eq!(store.state()["list"], value!([1]));
        assert_eq!(store.redo(5).map(|commit| commit.version()).unwrap(), 7);
        assert_eq!(store.snapshot().unwrap().version, 7, "a snapshot is of what is durable");
        assert_eq!(store.durable_version(), 7);
        store.close().unwrap();
        assert_eq!(crate::common::open(&disk.power_cut(9)).unwrap().version(), 7);
    }
}

#[test]
fn a_store_without_sync_survives_the_death_of_the_process() {
    let (disk, store) = store(Durability::UnsafeNoSync);
    (1..=3_i64).for_each(|number| assert!(store.produce(|doc| doc["n"] = number.into()).is_ok()));
    assert_eq!((store.version(), store.durable_version()), (3, 0));
    assert_eq!(crate::common::open(&disk.process_kill()).unwrap().version(), 3);
}

#[test]
fn a_store_with_an_interval_becomes_durable_by_itself() {
    let (disk, store) = store(Durability::Interval(SOON));
    for number in 1..=3_u64 {
        store.produce(|doc| doc["n"] = number.into()).unwrap();
        eventually(|| store.durable_version() == number);
        assert_eq!(crate::common::open(&disk.power_cut(number)).unwrap().version(), number);
    }
}
