//! What a disk refuses is told as it refuses it: nothing counts as missing, free or gone because it could not be looked at.

use crate::common::logs::{forward, options};
use crate::common::watched::{Call, Watched};
use crate::common::{contents, dir, segment_path};
use redraft::io::{Access, MemoryDisk};
use redraft::log::Log;
use redraft::{Error, Occupant, Result};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A disk that refuses some calls while the switch is on.
fn refusing(disk: &MemoryDisk, with: ErrorKind, calls: fn(&Call) -> bool) -> (Watched, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&on);
    (Watched::refusing(disk.clone(), move |call| (switch.load(SeqCst) && calls(call)).then_some(with)), on)
}

/// A log of several small segments.
fn written(disk: &MemoryDisk) -> Log {
    let log = options(disk).create(true).open(dir()).unwrap();
    (0..10_u8).for_each(|number| assert_eq!(log.append(&[number + 1; 170]).unwrap(), u64::from(number)));
    log
}

fn refusal<T: std::fmt::Debug>(answer: Result<T>) -> ErrorKind {
    let error = answer.unwrap_err();
    error.io().unwrap_or_else(|| panic!("another error: {error:?}")).kind()
}

#[test]
fn a_directory_that_cannot_be_listed_is_neither_missing_nor_free() {
    let disk = MemoryDisk::new();
    drop(written(&disk));
    let before = contents(&disk);
    for kind in [ErrorKind::PermissionDenied, ErrorKind::TimedOut] {
        let (watched, on) = refusing(&disk, kind, |call| *call == Call::List);
        on.store(true, SeqCst);
        assert_eq!(refusal(options(&watched).create(true).open(dir())), kind);
        assert_eq!(refusal(options(&watched).create_new(dir())), kind);
        assert_eq!(refusal(options(&watched).open_read_only(dir())), kind);
        assert_eq!(contents(&disk), before);
    }
}

#[test]
fn a_log_is_made_only_where_it_is_wanted() {
    for made in [false, true] {
        let disk = MemoryDisk::new();
        if made {
            redraft::io::Disk::create_dir(&disk, dir()).unwrap();
        }
        let expected = if made { Occupant::Empty } else { Occupant::Missing };
        let answer = options(&disk).open(dir());
        assert!(matches!(&answer, Err(Error::NotAStore { found, .. }) if *found == expected), "{answer:?}");
        assert!(disk.files().is_empty());
    }
}

fn opens_the_fourth(call: &Call) -> bool {
    matches!(call, Call::Open(path, Access::Read) if *path == segment_path(4))
}

#[test]
fn a_segment_that_cannot_be_opened_stops_a_reader_until_it_can() {
    let disk = MemoryDisk::new();
    let log = written(&disk);
    assert!(log.head() == 10 && disk.bytes(&segment_path(4)).is_some());
    let (watched, on) = refusing(&disk, ErrorKind::PermissionDenied, opens_the_fourth);
    let reader = options(&watched).open_read_only(dir()).unwrap();
    let mut records = reader.records(2).unwrap();
    on.store(true, SeqCst);
    assert_eq!(records.next_record().unwrap().unwrap().payload(), [3; 170]);
    assert_eq!(records.next_record().unwrap().unwrap().payload(), [4; 170]);
    for _ in 0..2 {
        assert_eq!(refusal(records.next_record().map(drop)), ErrorKind::PermissionDenied);
    }
    on.store(false, SeqCst);
    assert_eq!(records.next_record().unwrap().unwrap().payload(), [5; 170]);
}

/// A name that is there stands for a record that was not given up, whatever the disk says when it is opened.
#[test]
fn the_oldest_record_is_not_gone_because_its_file_is_said_to_be() {
    let disk = MemoryDisk::new();
    let log = written(&disk);
    assert_eq!(log.truncate_front(4).unwrap(), 4);
    let (watched, on) = refusing(&disk, ErrorKind::NotFound, opens_the_fourth);
    let reader = options(&watched).open_read_only(dir()).unwrap();
    on.store(true, SeqCst);
    assert_eq!(refusal(reader.read(4)), ErrorKind::NotFound);
    assert_eq!(refusal(reader.records(4)), ErrorKind::NotFound);
    assert!(matches!(reader.read(3), Err(Error::Compacted { version: 3, oldest: 4 })));
    on.store(false, SeqCst);
    assert_eq!(forward(&reader, 4).unwrap().len(), 6);
}

/// It was looked at while it was empty, and is looked for again, for a larger one may have taken its place.
#[test]
fn an_empty_log_is_not_gone_because_its_file_is_said_to_be() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).open(dir()).unwrap();
    let (watched, on) =
        refusing(&disk, ErrorKind::NotFound, |call| matches!(call, Call::Open(_, Access::Read)));
    let reader = options(&watched).open_read_only(dir()).unwrap();
    let mut records = reader.records(0).unwrap();
    on.store(true, SeqCst);
    assert_eq!(refusal(records.next_record().map(drop)), ErrorKind::NotFound);
    on.store(false, SeqCst);
    assert!(records.next_record().unwrap().is_none());
    log.append_all(["first", "second"]).unwrap();
    assert_eq!(records.next_record().unwrap().unwrap().payload(), b"first");
}
