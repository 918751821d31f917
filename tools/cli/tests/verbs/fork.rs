//! `redraft fork` makes a store that goes on by itself, beside whoever writes its source, and refuses what would harm.

use crate::common::{Place, content, redraft, redraft_fed, told};
use redraft::{Options, Store, Value};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A store of 200 changes in small segments, and a snapshot.
fn long(place: &Place) -> (String, Store<Value>) {
    let path = place.at("long");
    let store: Store<Value> = Options::new().segment_bytes(1024).open(&path).unwrap();
    for n in 1..=200 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
        if n == 99 {
            store.snapshot().unwrap();
        }
    }
    (path, store)
}

fn shared(dir: &str) -> usize {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    files.filter(|file| file.nlink() > 1).count()
}

#[test]
fn a_fork_says_what_it_shares_and_goes_on_by_itself() {
    let place = Place::new();
    let (source, store) = long(&place);
    store.close().unwrap();
    let (past, newest) = (place.at("past"), place.at("newest"));
    let done = redraft(&["fork", &source, "--at", "150", "--to", &past, "--json"]).json();
    assert_eq!(
        (&done["version"], &done["oldest"], &done["segments_copied"]),
        (&150.into(), &0.into(), &0.into())
    );
    let linked = done["segments_linked"].as_u64().unwrap() + done["snapshots_linked"].as_u64().unwrap();
    assert_eq!(shared(&past) as u64, linked);
    let human = redraft(&["fork", &source, "--to", &newest]).ok();
    assert!(
        human.starts_with(&format!("version 200 forked to {newest}: ")) && human.contains(" shared, "),
        "{human}"
    );
    for (fork, version) in [(&past, 151), (&newest, 201)] {
        redraft(&["verify", fork]).ok();
        redraft_fed(&["apply", fork], br#"[{"op": "add", "path": "/mine", "value": true}]"#).ok();
        assert_eq!(redraft(&["show", fork, "/mine"]).ok(), "true\n");
        let change = redraft(&["log", fork, "--limit", "2", "--json"]).json_lines();
        let label = change.iter().find(|change| change["version"] == version).unwrap();
        assert!(label["label"].as_str().unwrap().starts_with("forked from "), "{label}");
    }
    assert_eq!(redraft(&["show", &past, "/n"]).ok(), "150\n");
    assert_eq!(redraft(&["show", &source, "/n"]).ok(), "200\n");
}

#[test]
fn a_store_that_is_being_written_is_forked_beside_its_writer() {
    let place = Place::new();
    let (source, store) = long(&place);
    let (before, fork) = (content(&source), place.at("fork"));
    redraft(&["fork", &source, "--to", &fork]).ok();
    assert_eq!(content(&source), before);
    store.produce(|doc| doc["n"] = 0.into()).unwrap();
    assert_eq!(redraft(&["show", &fork, "/n"]).ok(), "200\n");
    // So are a backup and what is only read.
    let backup = place.at("backup");
    redraft(&["backup", &source, &backup]).ok();
    let before = told(&backup);
    redraft(&["fork", &backup, "--at", "77", "--to", &place.at("of backup")]).ok();
    assert_eq!(
        (redraft(&["show", &place.at("of backup"), "/n"]).ok(), told(&backup)),
        ("77\n".into(), before)
    );
}

#[test]
fn what_is_in_the_way_is_refused() {
    let place = Place::new();
    let (source, store) = long(&place);
    store.close().unwrap();
    let message = redraft(&["fork", &source, "--at", "201", "--to", &place.at("x")]).refused(1);
    assert!(message.contains("version 201 does not exist: the newest is 200"), "{message}");
    let message = redraft(&["fork", &source, "--to", &source]).refused(1);
    assert!(message.contains("already exists"), "{message}");
    let message = redraft(&["fork", &source, "--to", &format!("{source}/x")]).refused(1);
    assert!(message.contains("lies inside of the store"), "{message}");
    redraft(&["fork", &source]).refused(2);
    redraft(&["fork", &place.at("none"), "--to", &place.at("x")]).refused(1);
    assert!(!Path::new(&place.at("x")).exists() && !Path::new(&place.at("x.tmp")).exists());
}
