//! `backup`, `archive` and `restore --label` do what they say, and refuse what would harm.

use crate::common::{Place, command, content, redraft, redraft_fed, told};
use redraft::{Options, Store, Value};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// A store of 200 changes in small segments, and a snapshot.
fn long(place: &Place) -> String {
    let path = place.at("long");
    let store: Store<Value> = Options::new().segment_bytes(1024).open(&path).unwrap();
    for n in 0..200 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
        if n == 99 {
            store.snapshot().unwrap();
        }
    }
    store.close().unwrap();
    path
}

#[test]
fn a_backup_says_what_it_copied_and_is_read_like_a_store() {
    let place = Place::new();
    let (store, backup) = (long(&place), place.at("backup"));
    let before = content(&store);
    let done = redraft(&["backup", &store, &backup, "--json"]).json();
    assert_eq!(
        (&done["version"], &done["oldest"], &done["snapshots_copied"]),
        (&200.into(), &0.into(), &1.into())
    );
    assert!(
        done["segments_copied"].as_u64() > Some(3) && done["copied_bytes"].as_u64() > Some(4096),
        "{done}"
    );
    assert_eq!(content(&store), before);
    assert_eq!(told(&backup), told(&store));
    redraft(&["verify", &backup]).ok();
    let segments = done["segments_copied"].as_u64().unwrap();
    let again = redraft(&["backup", &store, &backup]).ok();
    let expected = format!("0 segments and 0 snapshots copied (0 B), {segments} and 1 kept\n");
    assert!(again.starts_with("version 200 backed up to ") && again.ends_with(&expected), "{again}");
    let message = redraft_fed(&["apply", &backup], b"[]").refused(1);
    assert!(message.contains("is a backup"), "{message}");
    redraft(&["restore", &backup, "--at", "150", "--to", &place.at("new")]).ok();
    assert_eq!(redraft(&["show", &place.at("new"), "/n"]).ok(), "149\n");
}

#[test]
fn a_backup_killed_again_and_again_goes_on_and_ends_equal() {
    let place = Place::new();
    let (store, backup) = (long(&place), place.at("backup"));
    let mut reached = Vec::new();
    for attempt in 0..12u64 {
        let mut child = command(&["backup", &store, &backup]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(2 * attempt));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = redraft(&["verify", &backup, "--json"]);
        if run.code == 0 {
            reached.push(run.json()["intact"].as_u64().unwrap());
        }
    }
    eprintln!("versions reached by killed runs: {reached:?}");
    assert!(reached.is_sorted(), "{reached:?}");
    redraft(&["backup", &store, &backup]).ok();
    assert_eq!(told(&backup), told(&store));
    redraft(&["verify", &backup]).ok();
}

#[test]
fn a_place_that_is_something_else_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let (store, other) = (long(&place), place.store("other", 2));
    redraft(&["backup", &other, &place.at("of other")]).ok();
    let file = place.write("file", "text");
    std::fs::create_dir(place.at("dir")).unwrap();
    place.write("dir/note", "text");
    let before = content(place.path());
    for (to, reason) in [
        (place.at("other"), "is a store, not a backup"),
        (store.clone(), "is a store, not a backup"),
        (place.at("of other"), "another store"),
        (file, "already exists"),
        (place.at("dir"), "already exists"),
    ] {
        let message = redraft(&["backup", &store, &to]).refused(1);
        assert!(message.contains(reason), "{to}: {message}");
    }
    assert_eq!(content(place.path()), before);
    redraft(&["backup", &place.at("nowhere"), &place.at("b")]).refused(1);
    assert!(!Path::new(&place.at("b")).exists());
}

#[test]
fn an_archive_is_pushed_fetched_and_restored_from() {
    let place = Place::new();
    let (store, archive) = (long(&place), place.at("archive"));
    let pushed = redraft(&["archive", "push", &store, &archive, "--json"]).json();
    let version = pushed["version"].as_u64().unwrap();
    assert!((100..200).contains(&version), "{pushed}");
    let small = redraft(&["archive", "push", &place.store("small", 2), &place.at("nothing")]);
    assert!(small.err.contains("versions 1 to 2 are in a segment that is not full yet"), "{small:?}");
    let url = format!("file://{archive}");
    let again = redraft(&["archive", "push", &store, &url]).ok();
    assert!(again.contains("0 segments and 0 snapshots copied"), "{again}");
    redraft(&["archive", "fetch", &url, &place.at("fetched")]).ok();
    redraft(&["verify", &place.at("fetched")]).ok();
    redraft(&["restore", &place.at("fetched"), "--at", "70", "--to", &place.at("new")]).ok();
    assert_eq!(redraft(&["show", &place.at("new"), "/n"]).ok(), "69\n");
    redraft(&["archive", "fetch", &place.at("nowhere"), &place.at("none")]).refused(1);
    redraft(&["archive", "fetch", "gopher://x/y", &place.at("none")]).refused(1);
    assert!(!Path::new(&place.at("none")).exists());
}

#[test]
fn a_label_stands_for_the_newest_version_that_has_it() {
    let place = Place::new();
    let store = place.store("s", 2);
    for (label, n) in [("release", 10), ("draft", 11), ("release", 12), ("draft", 13)] {
        let patch = format!(r#"[{{"op":"add","path":"/n","value":{n}}}]"#);
        redraft_fed(&["apply", &store, "--label", label], patch.as_bytes()).ok();
    }
    let done = redraft(&["restore", &store, "--label", "release", "--to", &place.at("r"), "--json"]).json();
    assert_eq!(done["version"], 5);
    assert_eq!(redraft(&["show", &place.at("r"), "/n"]).ok(), "12\n");
    let message = redraft(&["restore", &store, "--label", "none", "--to", &place.at("x")]).refused(1);
    assert!(message.contains("no change is labelled"), "{message}");
    redraft(&["restore", &store, "--label", "release", "--at", "1", "--to", &place.at("x")]).refused(2);
    redraft(&["restore", &store, "--to", &place.at("x")]).refused(2);
    assert!(!Path::new(&place.at("x")).exists());
}

#[test]
fn a_restore_that_had_to_pass_over_a_damaged_snapshot_says_so() {
    let place = Place::new();
    let store = long(&place);
    crate::common::overwrite(&Path::new(&store).join("00000000000000000100.snap"), 80, b"damage");
    let run = redraft(&["restore", &store, "--at", "150", "--to", &place.at("r")]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("note: passed over an unusable snapshot"), "{run:?}");
    assert_eq!(redraft(&["show", &place.at("r"), "/n"]).ok(), "149\n");
}
