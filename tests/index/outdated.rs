//! An index that does not belong to the log beside it is made anew, and the answer says so.

use crate::asked::{agrees, ask, asked_store, copy, files, index_of, open, options, place, scan};
use redraft::log::Log;
use redraft::{Lookup, Store, Value};
use std::fs;

#[track_caller]
fn remade(lookup: &Lookup, because: &str) {
    assert!(matches!(lookup, Lookup::Remade { why } if why.contains(because)), "{lookup:?}");
}

#[test]
fn one_that_is_deleted_is_missed_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 300);
    fs::remove_dir_all(index_of(dir.path())).unwrap();
    assert_eq!(agrees(dir.path(), &places), Lookup::Index);
}

#[test]
fn one_of_another_store_is_made_anew() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = asked_store(dir.path(), 300);
    asked_store(other.path(), 300);
    fs::remove_dir_all(index_of(dir.path())).unwrap();
    copy(&index_of(other.path()), &index_of(dir.path()));
    remade(&agrees(dir.path(), &places), "of store");
    assert_eq!(agrees(dir.path(), &places), Lookup::Index);
}

/// As after a backup of the log alone was put back.
#[test]
fn one_that_is_ahead_of_the_log_is_made_anew() {
    let (dir, older) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = asked_store(dir.path(), 100);
    copy(dir.path(), older.path());
    let store = open(dir.path());
    store.produce(|doc| doc["n"] = (-1).into()).unwrap();
    assert_eq!(ask(&store, &places[0], ..).0.len(), 101);
    store.close().unwrap();
    fs::remove_dir_all(index_of(older.path())).unwrap();
    copy(&index_of(dir.path()), &index_of(older.path()));
    remade(&agrees(older.path(), &places), "ahead of the log");
}

/// The same, but the log has gone on since, elsewhere.
#[test]
fn one_that_followed_another_history_is_made_anew() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = asked_store(dir.path(), 100);
    copy(dir.path(), other.path());
    for (path, text) in [(dir.path(), "here"), (other.path(), "there")] {
        let store = open(path);
        for n in 0..10 {
            store.produce(|doc| doc[text] = n.into()).unwrap();
        }
        assert_eq!(ask(&store, &place("/here"), ..).0.len(), if text == "here" { 10 } else { 0 });
        store.close().unwrap();
    }
    fs::remove_dir_all(index_of(dir.path())).unwrap();
    copy(&index_of(other.path()), &index_of(dir.path()));
    remade(&agrees(dir.path(), &places), "another history");
    assert_eq!(scan(dir.path(), &place("/here"), ..).len(), 10);
}

/// A store whose front is given up, as a restored one that goes on: what the index knows of it comes out no more.
#[test]
fn versions_that_are_no_longer_kept_do_not_come_out() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 300);
    // The log beneath has no way to give up the front of a store yet, so the files are removed as it would.
    let store = open(dir.path());
    store.snapshot().unwrap();
    assert_eq!(store.oldest(), 0);
    let refused = Log::open(dir.path());
    assert!(refused.is_err(), "a log of its own is no store");
    store.close().unwrap();
    let target = tempfile::tempdir().unwrap();
    let restored = target.path().join("restored");
    open(dir.path()).restore(150, &restored).unwrap();
    copy(&index_of(dir.path()), &index_of(&restored));
    let store: Store<Value> = options().open(&restored).unwrap();
    for n in 0..10 {
        store.produce(|doc| doc["n"] = (n + 1000).into()).unwrap();
    }
    let (versions, lookup) = ask(&store, &places[0], ..);
    remade(&lookup, "of store");
    assert_eq!(versions, (151..=160).rev().collect::<Vec<u64>>());
    assert_eq!(versions, scan(&restored, &places[0], ..));
    assert!(files(&restored).iter().all(|file| file.starts_with(index_of(&restored))));
}
