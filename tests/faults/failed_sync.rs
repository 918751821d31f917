//! A failed sync ends the session: nothing is retried, nothing unacknowledged is shown, nothing acknowledged is lost.
//!
//! After a sync has failed the kernel calls the pages clean and the next sync succeeds without writing them. A store that
//! went on would acknowledge changes that are not on the disk.

use crate::common::{dir, open, options};
use redraft::io::{FaultDisk, MemoryDisk};
use redraft::{Error, ErrorKind, Store, Value};

fn store_of_three() -> (FaultDisk, Store<Value>) {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    for number in 1..=3i64 {
        store.produce(|doc| doc["n"] = number.into()).unwrap();
    }
    (disk, store)
}

fn set(store: &Store<Value>, number: i64) -> Result<u64, Error> {
    store.produce(|doc| doc["n"] = number.into()).map(|commit| commit.version())
}

fn pending(error: &Error) -> Option<u64> {
    let Error::Poisoned { pending, .. } = error else { panic!("{error:?}") };
    *pending
}

#[test]
fn after_a_failed_sync_all_changes_are_refused_even_if_the_disk_recovers() {
    let (disk, store) = store_of_three();
    disk.fail_syncs(true);
    let first = set(&store, 4).unwrap_err();
    assert_eq!(pending(&first), Some(4), "whether version 4 is there will be known when it is opened again");
    disk.fail_syncs(false);
    let calls = disk.calls();
    let again = set(&store, 5).unwrap_err();
    assert_eq!((again.kind(), pending(&again)), (ErrorKind::Poisoned, None), "it is surely not done");
    assert!(matches!(store.undo(1), Err(Error::Poisoned { .. } | Error::UndoConflict { .. })));
    assert_eq!(set(&store, 6).unwrap_err().to_string(), again.to_string());
    assert!(matches!(store.close(), Err(Error::Poisoned { .. })), "closing does not try again either");
    let writes = disk.memory().process_kill();
    drop(disk);
    assert!(open(&writes).unwrap().version() >= 3);
    assert!(calls > 0);
}

#[test]
fn what_was_not_acknowledged_is_not_shown_and_what_was_stays_readable() {
    let (disk, store) = store_of_three();
    disk.fail_syncs(true);
    set(&store, 4).unwrap_err();
    assert_eq!((store.version(), store.state()["n"].as_i64()), (3, Some(3)));
    assert_eq!(store.at(2).unwrap()["n"].as_i64(), Some(2));
    assert_eq!(store.changes(..).unwrap().count(), 3);
}

#[test]
fn every_thread_that_waits_for_the_failed_sync_gets_the_error() {
    let (disk, store) = store_of_three();
    disk.fail_syncs(true);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let store = &store;
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || set(store, 100 + number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))), "{answers:?}");
    assert_eq!(store.version(), 3);
}

#[test]
fn of_a_log_the_first_record_of_the_call_is_the_one_to_look_for() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let log = crate::common::logs::options(&disk).create(true).open(dir()).unwrap();
    log.append_all(["a", "b"]).unwrap();
    disk.fail_syncs(true);
    assert_eq!(pending(&log.append_all(["c", "d", "e"]).unwrap_err()), Some(3));
    assert_eq!(pending(&log.append(b"f").unwrap_err()), None);
    disk.fail_syncs(false);
    drop(log);
    let log = crate::common::logs::options(&disk).open(dir()).unwrap();
    assert!(log.head() == 2 || log.head() >= 3, "there or not, with all before it");
}

#[test]
fn opening_again_makes_sure_of_what_it_shows() {
    let (disk, store) = store_of_three();
    disk.fail_syncs(true);
    set(&store, 4).unwrap_err();
    drop(store);
    disk.fail_syncs(false);
    // The page cache still shows the fourth change; whatever the new session opens with must be on the disk from then on.
    let store = open(&disk).unwrap();
    let (version, state) = store.newest();
    assert!(version >= 3);
    for seed in 0..200 {
        let image = disk.memory().power_cut(seed);
        let survived = open(&image).unwrap();
        assert_eq!((survived.version(), survived.state()), (version, state.clone()), "image {seed}");
    }
    assert_eq!(set(&store, 5).unwrap(), version + 1);
}

#[test]
fn a_full_disk_is_an_error_that_reading_does_not_feel_and_space_mends() {
    let (disk, store) = store_of_three();
    disk.fill(true);
    // The active segment has its space already; sooner or later a new one is needed.
    let error = (0..200).find_map(|number| set(&store, number).err()).unwrap();
    assert_eq!(error.io().unwrap().kind(), std::io::ErrorKind::StorageFull, "{error:?}");
    let (acknowledged, state) = store.newest();
    assert_eq!(store.at(acknowledged).unwrap(), state);
    assert!(store.snapshot().is_err(), "a snapshot needs space as well");
    drop(store);
    disk.fill(false);
    let store = open(&disk).unwrap();
    assert!(store.version() >= acknowledged);
    assert_eq!(set(&store, 7).unwrap(), store.version());
}
