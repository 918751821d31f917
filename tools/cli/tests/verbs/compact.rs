//! `compact` gives up what is before what was asked for, says what it did, and refuses what it does not understand.

use crate::common::{Place, redraft};
use redraft::{Options, Store, Value};

/// A store of 200 changes in small segments.
fn long(place: &Place) -> String {
    let path = place.at("long");
    let store: Store<Value> = Options::new().segment_bytes(512).open(&path).unwrap();
    (0..200).for_each(|n| drop(store.produce(|doc| doc["n"] = n.into()).unwrap()));
    store.close().unwrap();
    path
}

#[test]
fn what_was_asked_for_stays_and_the_rest_is_said_to_be_gone() {
    let place = Place::new();
    let store = long(&place);
    let before = redraft(&["show", &store]).ok();
    let done = redraft(&["compact", &store, "--keep-changes", "50", "--json"]).json();
    let oldest = done["oldest"].as_u64().unwrap();
    assert!((1..=150).contains(&oldest) && done["segments"].as_u64() > Some(0), "{done}");
    assert!(done["freed_bytes"].as_u64() > Some(2048), "{done}");
    assert_eq!(redraft(&["show", &store]).ok(), before);
    assert_eq!(redraft(&["show", &store, "--at", "150"]).ok(), "{\n  \"n\": 149\n}\n");
    let gone = redraft(&["show", &store, "--at", "0"]);
    gone.refused(1);
    redraft(&["verify", &store]).ok();
    let again = redraft(&["compact", &store, "--keep-changes", "50"]).ok();
    assert_eq!(again, format!("nothing to give up: the oldest version is {oldest}\n"));
}

#[test]
fn ages_and_sizes_are_what_people_write() {
    let place = Place::new();
    let store = long(&place);
    for kept in
        [["--keep-age", "30d"], ["--keep-age", "2 weeks"], ["--keep-bytes", "1GiB"], ["--keep-bytes", "5 MB"]]
    {
        let done = redraft(&["compact", &store, kept[0], kept[1]]).ok();
        assert_eq!(done, "nothing to give up: the oldest version is 0\n", "{kept:?}");
    }
    let done = redraft(&["compact", &store, "--keep-bytes", "1KiB"]).ok();
    assert!(done.starts_with("gave up what is before version "), "{done}");
}

#[test]
fn what_to_keep_has_to_be_said_once_and_clearly() {
    let place = Place::new();
    let store = long(&place);
    for wrong in [
        &[][..],
        &["--keep-changes", "-1"],
        &["--keep-changes", "many"],
        &["--keep-age", "soon"],
        &["--keep-age", "-3d"],
        &["--keep-bytes", "large"],
        &["--keep-changes", "1", "--keep-age", "1d"],
    ] {
        redraft(&[&["compact", &store], wrong].concat()).refused(2);
    }
    assert_eq!(redraft(&["log", &store, "--json"]).json_lines().len(), 200);
    redraft(&["compact", &place.at("nowhere"), "--keep-changes", "1"]).refused(1);
}
