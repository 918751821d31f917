//! Where there is no index, the answers are the same, and say why.

use crate::asked::{ask, asked_store, files, index_of, open, options, place, scan, touching};
use crate::common;
use redraft::io::{Env, MemoryDisk};
use redraft::{Lookup, NoIndex, Options, Store, Value};

fn scanned(why: NoIndex) -> Lookup {
    Lookup::Scan { why }
}

#[test]
fn an_index_that_is_switched_off_is_not_made_and_one_that_is_there_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let off = || options().index(false).open::<Value>(dir.path()).unwrap();
    let store = off();
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    assert_eq!(ask(&store, &place("/n"), ..), (vec![1], scanned(NoIndex::Off)));
    assert!(!index_of(dir.path()).exists());
    drop(store);
    assert_eq!(ask(&open(dir.path()), &place("/n"), ..), (vec![1], Lookup::Index));
    let before: Vec<Vec<u8>> = files(dir.path()).iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!before.is_empty());
    assert_eq!(ask(&off(), &place("/n"), ..), (vec![1], scanned(NoIndex::Off)));
    let after: Vec<Vec<u8>> = files(dir.path()).iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn opening_and_writing_touch_no_index_until_somebody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    assert!(!index_of(dir.path()).exists());
    drop(store.changes(..).unwrap());
    assert!(!index_of(dir.path()).exists());
    ask(&store, &place("/n"), ..);
    assert!(!files(dir.path()).is_empty());
}

#[test]
fn a_store_on_a_disk_of_its_own_has_none() {
    let disk = MemoryDisk::new();
    let store: Store<Value> =
        Options::new().env(Env::simulated(disk.clone(), 7)).open(common::dir()).unwrap();
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    assert_eq!(ask(&store, &place("/n"), ..), (vec![1], scanned(NoIndex::Disk)));
    assert!(disk.files().iter().all(|file| !file.to_string_lossy().contains("index")));
}

/// Beside the writer, and after it.
#[test]
fn a_reader_has_none_and_writes_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..3 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    assert_eq!(scan(dir.path(), &place("/n"), ..), [3, 2, 1]);
    assert_eq!(ask(&store, &place("/n"), ..), (vec![3, 2, 1], Lookup::Index));
    assert_eq!(scan(dir.path(), &place("/n"), ..2), [1]);
    store.close().unwrap();
    let before = files(dir.path());
    assert_eq!(scan(dir.path(), &place("/n"), ..), [3, 2, 1]);
    assert_eq!(before, files(dir.path()));
}

#[test]
fn where_the_index_cannot_be_made_the_answer_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    std::fs::write(index_of(dir.path()), "in the way").unwrap();
    let (versions, lookup) = ask(&store, &place("/n"), ..);
    assert_eq!(versions, [1]);
    assert!(
        matches!(&lookup, Lookup::Scan { why: NoIndex::Failed { why } } if why.contains("index")),
        "{lookup:?}"
    );
    // Nothing that was in the way is taken away for it.
    assert_eq!(std::fs::read(index_of(dir.path())).unwrap(), b"in the way");
}

/// An answer that somebody still holds keeps the index of the closed store open.
#[test]
fn an_answer_outlives_its_store() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 700);
    let store = open(dir.path());
    let mut answer = touching(&store, &places[0]);
    assert_eq!(answer.next().unwrap().unwrap().version, 700);
    store.close().unwrap();
    let store = open(dir.path());
    assert_eq!(ask(&store, &places[0], ..).0.len(), 700);
    assert_eq!(
        answer.map(|change| change.unwrap().version).collect::<Vec<_>>(),
        (1..700).rev().collect::<Vec<u64>>()
    );
}
