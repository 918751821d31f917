//! What touches a path, as people would say it, and in which order it comes.

use crate::asked::{ask, open, place, scan, touching};
use redraft::{Error, Lookup, NoIndex, Value, value};

fn store_of(path: &std::path::Path, steps: &[fn(&mut Value)]) -> redraft::Store<Value> {
    let store = open(path);
    for step in steps {
        store.produce(step).unwrap();
    }
    store
}

#[track_caller]
fn touched(store: &redraft::Store<Value>, pointer: &str, expected: &[u64]) {
    let (versions, lookup) = ask(store, &place(pointer), ..);
    assert_eq!((versions.as_slice(), lookup), (expected, Lookup::Index), "{pointer}");
    assert_eq!(scan(store.path(), &place(pointer), ..), expected, "{pointer}");
}

#[test]
fn a_change_touches_its_place_and_what_is_above_and_beneath() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(
        dir.path(),
        &[
            |doc| doc["a"] = value!({ "x": { "deep": 1 }, "y": 1 }),
            |doc| doc["a"]["x"]["deep"] = 2.into(),
            |doc| doc["a"]["y"] = 2.into(),
            |doc| doc["b"] = 1.into(),
            |doc| doc["a"] = 5.into(),
            |doc| *doc = Value::Null,
        ],
    );
    touched(&store, "/a/x/deep", &[6, 5, 2, 1]);
    touched(&store, "/a/x", &[6, 5, 2, 1]);
    touched(&store, "/a/y", &[6, 5, 3, 1]);
    touched(&store, "/a", &[6, 5, 3, 2, 1]);
    touched(&store, "/b", &[6, 4]);
    touched(&store, "/c", &[6]);
}

#[test]
fn an_insertion_in_a_list_touches_what_it_moves_and_not_what_stands_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(
        dir.path(),
        &[
            |doc| doc["l"] = value!(["a", "b", "c", "d"]),
            |doc| doc["l"].as_list_mut().unwrap().insert(1, "new"),
            |doc| doc["l"][3] = "changed".into(),
            |doc| drop(doc["l"].as_list_mut().unwrap().remove(4)),
        ],
    );
    touched(&store, "/l", &[4, 3, 2, 1]);
    touched(&store, "/l/0", &[1]);
    touched(&store, "/l/3", &[3, 2, 1]);
    touched(&store, "/l/4", &[4, 2, 1]);
}

#[test]
fn a_place_deeper_than_the_index_looks_is_found_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let pointer: String = (0..20).map(|level| format!("/level {level}")).collect();
    for (n, cut) in [(1, 19), (2, 20), (3, 9), (4, 12)] {
        store
            .produce(|doc| {
                let mut at = doc;
                for level in 0..cut {
                    at = &mut at[format!("level {level}").as_str()];
                }
                *at = value!({ "n": n });
            })
            .unwrap();
    }
    touched(&store, &pointer, &[4, 3, 2, 1]);
    touched(&store, &pointer.replace("19", "other"), &[4, 3, 1]);
    touched(&store, &pointer.replace("level 7", "level x"), &[1]);
}

#[test]
fn the_root_is_touched_by_every_change_and_needs_no_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(dir.path(), &[|doc| doc["a"] = 1.into(), |doc| doc["b"] = 1.into()]);
    let (versions, lookup) = ask(&store, &place(""), ..);
    assert_eq!((versions, lookup), (vec![2, 1], Lookup::Scan { why: NoIndex::All }));
    assert!(!dir.path().join("index").exists());
}

#[test]
fn a_range_is_what_it_is_for_changes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..10 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    let n = place("/n");
    assert_eq!(ask(&store, &n, 3..=5).0, [5, 4, 3]);
    assert_eq!(ask(&store, &n, ..3).0, [2, 1]);
    assert_eq!(ask(&store, &n, 9..100).0, [10, 9]);
    assert_eq!(ask(&store, &n, 11..).0, [] as [u64; 0]);
    let beyond = store.changes(12..);
    assert!(matches!(beyond, Err(Error::BeyondHead { version: 12, head: 10 })), "{beyond:?}");
}

/// What is made while an answer is read belongs to the next one.
#[test]
fn an_answer_is_as_of_when_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..1000 {
        store.submit(|doc| doc["n"] = n.into()).unwrap().wait().unwrap();
    }
    let mut answer = touching(&store, &place("/n"));
    assert_eq!(answer.next().unwrap().unwrap().version, 1000);
    for n in 0..500 {
        store.produce(|doc| doc["n"] = (n + 5000).into()).unwrap();
    }
    assert_eq!(ask(&store, &place("/n"), ..).0.len(), 1500);
    assert_eq!(
        answer.map(|change| change.unwrap().version).collect::<Vec<_>>(),
        (1..1000).rev().collect::<Vec<u64>>()
    );
}
