//! A place is taken by one: whoever makes a store, restores into a directory or starts a replica there looks again under
//! the lock. Found by reading: two restores into one directory at a time, and a store that had been made and changed
//! meanwhile was replaced by the slower one, which said that it had worked.

use crate::common::watched::{Call, Watched};
use crate::common::{check, dir, open, options, written};
use redraft::io::MemoryDisk;
use redraft::io::{Access, Disk};
use redraft::{Error, Result, Store, Value};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

fn target() -> &'static Path {
    Path::new("/target")
}

/// A disk on which somebody else makes a store in `target`, with one change, just before a lock is taken.
fn somebody_is_faster(disk: &MemoryDisk) -> Watched {
    let (there, done) = (disk.clone(), Arc::new(AtomicBool::new(false)));
    Watched::new(disk.clone(), move |call| {
        if *call == Call::Lock && !done.swap(true, SeqCst) {
            let store: Store<Value> = options(&there).create(true).open(target()).unwrap();
            store.produce(|doc| doc["acknowledged"] = true.into()).unwrap();
        }
    })
}

fn stands_as_acknowledged(disk: &MemoryDisk, slow: &Result<()>) {
    assert!(matches!(slow, Err(Error::Exists { .. })), "{slow:?}");
    let store: Store<Value> = options(disk).open(target()).unwrap();
    assert_eq!(store.state()["acknowledged"], true);
}

#[test]
fn a_slow_restore_replaces_nothing() {
    let (disk, store, _) = written(5, 30, &[10]);
    drop(store);
    for version in [0, 10, 30] {
        let disk = disk.process_kill();
        let reader = options(&somebody_is_faster(&disk)).open_read_only::<Value>(dir()).unwrap();
        stands_as_acknowledged(&disk, &reader.restore(version, target()));
    }
}

#[test]
fn a_replica_that_starts_slowly_replaces_nothing() {
    let (disk, store, _) = written(5, 30, &[10]);
    drop(store);
    let watched = somebody_is_faster(&disk);
    stands_as_acknowledged(&disk, &options(&watched).create(true).open_mirror(dir(), target()).map(drop));
}

/// It could not be opened: its log began with the source's genesis under an identity of its own.
#[test]
fn what_is_restored_to_the_beginning_is_a_store_like_any_new_one() {
    let (disk, store, _) = written(5, 30, &[10]);
    store.restore(0, target()).unwrap();
    let restored: Store<Value> = options(&disk).open(target()).unwrap();
    assert_eq!((restored.version(), &*restored.state()), (0, &Value::default()));
    restored.produce(|doc| doc["first"] = 1.into()).unwrap();
    drop(restored);
    let report = options(&disk).verify(target()).unwrap();
    assert!(report.is_sound() && report.intact == 1, "{report:?}");
    assert!(!options(&disk).plan_repair(target()).unwrap().is_needed());
}

#[test]
fn what_was_restored_is_good_up_to_the_version_it_begins_with() {
    let (disk, store, _) = written(5, 30, &[]);
    store.restore(20, target()).unwrap();
    let report = options(&disk).verify(target()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.intact, 20);
}

/// An error of the source in the middle of a catch-up left records in the replica's queue; the next call took them for a
/// history of its own.
#[test]
fn a_replica_goes_on_once_its_source_can_be_read_again() {
    let (disk, store, model) = written(5, 30, &[]);
    drop(store);
    let mut replica = options(&disk).create(true).open_mirror(dir(), target()).unwrap();
    let second = disk
        .files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .nth(1)
        .unwrap();
    let middle = disk.bytes(&second).unwrap().len() / 2;
    let flip = || {
        let (file, mut byte) = (disk.open(&second, Access::Write).unwrap(), [0]);
        file.read_at(&mut byte, middle as u64).unwrap();
        file.write_at(&[byte[0] ^ 1], middle as u64).unwrap();
    };
    flip();
    for _ in 0..2 {
        let answer = replica.catch_up();
        assert!(matches!(answer, Err(Error::Damaged(_))), "{answer:?}");
    }
    flip();
    assert_eq!(replica.catch_up().unwrap().version, 30);
    drop(replica);
    let copied = options(&disk).open_read_only::<Value>(target()).unwrap();
    assert_eq!(*copied.state(), model.states[30]);
    assert!(check(&disk).unwrap().is_sound());
    assert_eq!(open(&disk).unwrap().version(), 30);
}
