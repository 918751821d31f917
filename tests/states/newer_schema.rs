//! A program that is older than the data does not write: opening says which schema it found and which it knows, and changes
//! nothing on the disk. What was there before the migration it can still read.
#![cfg(feature = "derive")]

use crate::common::boards::{First, Second, Third};
use crate::common::{contents, dir, options};
use redraft::io::MemoryDisk;
use redraft::{Error, ErrorKind, Store, Value};
use std::path::Path;

/// Five changes under schema 1, the migration, three more.
fn migrated(snapshot: bool) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store: Store<First> = options(&disk).create(true).open(dir()).unwrap();
    for n in 0..5 {
        store.produce(|board| board.moves = n + 1).unwrap();
    }
    store.close().unwrap();
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    for n in 0..3 {
        store.produce(|board| board.tags.push(format!("{n}"))).unwrap();
    }
    if snapshot {
        store.snapshot().unwrap();
    }
    store.produce(|board| board.name = "x".repeat(40)).unwrap();
    disk.process_kill()
}

fn refused<T>(answer: Result<T, Error>, supported: u32) {
    match answer {
        Err(Error::NewerSchema { found: 3, supported: said, version }) => {
            // Five changes, or two, were made before the migration.
            assert!(version > 2 && said == supported, "{version}, {said}");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused"),
    }
}

/// Also where a crash left something that opening would mend.
#[test]
fn an_older_program_is_refused_and_nothing_is_changed() {
    for snapshot in [false, true] {
        let disk = migrated(snapshot);
        let newest = disk.files().into_iter().rfind(|file| file.extension().is_some_and(|e| e == "seg"));
        let newest = newest.unwrap();
        let mut bytes = disk.bytes(&newest).unwrap();
        let last = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        bytes[last + 30..last + 40].fill(7);
        disk.put(&newest, bytes);
        disk.put(&dir().join("00000000000000000007.snap.tmp"), vec![1, 2, 3]);
        let before = contents(&disk);
        refused(options(&disk).open::<First>(dir()), 1);
        refused(options(&disk).open::<Second>(dir()), 2);
        refused(options(&disk).open_read_only::<First>(dir()), 1);
        assert_eq!(contents(&disk), before);
        let error = options(&disk).open::<First>(dir()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NewerSchema);
        let store = options(&disk).open::<Third>(dir()).unwrap();
        assert!(store.opened().cut.is_some(), "there was something to mend");
        drop(store);
        assert_ne!(contents(&disk), before);
    }
}

#[test]
fn an_older_program_reads_what_was_there_before_the_migration() {
    for snapshot in [false, true] {
        let disk = migrated(snapshot);
        for version in 0..=5 {
            let reader = options(&disk).open_read_only_at::<First>(dir(), version).unwrap();
            assert_eq!((reader.version(), reader.schema()), (version, 1));
            assert_eq!(reader.state().moves, version as i64);
            assert_eq!(reader.at(version / 2).unwrap().moves, (version / 2) as i64);
            assert!(matches!(reader.at(version + 1), Err(Error::BeyondHead { .. })));
            refused(reader.refresh(), 1);
            assert_eq!((reader.version(), reader.state().moves), (version, version as i64));
        }
        for version in 6..=9 {
            refused(options(&disk).open_read_only_at::<First>(dir(), version), 1);
        }
        let beyond = options(&disk).open_read_only_at::<Third>(dir(), 99);
        assert!(matches!(beyond, Err(Error::BeyondHead { version: 99, .. })));
    }
}

#[test]
fn a_reader_that_sees_a_migration_come_goes_on_showing_what_it_showed() {
    let disk = MemoryDisk::new();
    let store: Store<First> = options(&disk).create(true).open(dir()).unwrap();
    store.produce(|board| board.moves = 1).unwrap();
    store.produce(|board| board.moves = 2).unwrap();
    drop(store);
    let reader = options(&disk).open_read_only::<First>(dir()).unwrap();
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    store.produce(|board| board.moves = 7).unwrap();
    refused(reader.refresh(), 1);
    assert_eq!((reader.version(), reader.state().moves, reader.at(1).unwrap().moves), (2, 2, 1));
}

/// A store whose first change is of a newer schema has no version that an older program could read, but its beginning.
#[test]
fn a_store_that_began_with_a_newer_schema_is_refused_too() {
    let disk = MemoryDisk::new();
    let store: Store<Third> = options(&disk).create(true).open(dir()).unwrap();
    drop(options(&disk).open_read_only::<First>(dir()).unwrap());
    store.produce(|board| board.moves = 1).unwrap();
    drop(store);
    let before = contents(&disk);
    for supported in [1, 2] {
        let answer = match supported {
            1 => options(&disk).open::<First>(dir()).map(drop),
            _ => options(&disk).open::<Second>(dir()).map(drop),
        };
        let expected = Err((1, 3, supported));
        let found = answer.map_err(|error| match error {
            Error::NewerSchema { version, found, supported } => (version, found, supported),
            other => panic!("{other:?}"),
        });
        assert_eq!(found, expected);
    }
    assert_eq!(contents(&disk), before);
}

#[test]
fn the_source_of_a_replica_may_be_newer_than_who_reads_the_replica() {
    let disk = migrated(true);
    let copy = Path::new("/copy");
    options(&disk).create(true).open_mirror(dir(), copy).unwrap().catch_up().unwrap();
    refused(options(&disk).open_read_only::<Second>(copy), 2);
    assert_eq!(options(&disk).open_read_only::<Value>(copy).unwrap().schema(), 3);
    assert_eq!(options(&disk).open_read_only_at::<First>(copy, 5).unwrap().state().moves, 5);
}
