//! `pack` makes the history smaller, says by how much, and changes nothing that is read.

use crate::common::{Place, command, content, redraft};
use redraft::{Options, Store, Value};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// A store of 300 changes in small segments.
fn long(place: &Place) -> String {
    let path = place.at("long");
    let store: Store<Value> = Options::new().segment_bytes(4096).open(&path).unwrap();
    (0..300).for_each(|n| drop(store.produce(|doc| doc["a counter that counts"] = n.into()).unwrap()));
    store.close().unwrap();
    path
}

fn segment_bytes(store: &str) -> u64 {
    let files = content(store);
    let segments = files.iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "seg"));
    segments.map(|(_, bytes)| bytes.len() as u64).sum()
}

#[test]
fn packing_saves_what_it_says_and_everything_reads_as_before() {
    let place = Place::new();
    let store = long(&place);
    let read = |store: &str| {
        let ask = |args: &[&str]| redraft(args).ok();
        (ask(&["log", store, "--json"]), ask(&["show", store, "--at", "7"]), ask(&["show", store]))
    };
    let (before, bytes) = (read(&store), segment_bytes(&store));
    let done = redraft(&["pack", &store, "--json"]).json();
    let saved = done["saved_bytes"].as_u64().unwrap();
    assert!(done["segments"].as_u64() > Some(1) && saved > 0, "{done}");
    assert_eq!(segment_bytes(&store), bytes - saved);
    assert_eq!(read(&store), before);
    redraft(&["verify", &store]).ok();
    let again = redraft(&["pack", &store]).ok();
    assert_eq!(again, "nothing to pack: no full segment that would get smaller\n");
}

#[test]
fn people_are_told_in_a_line() {
    let place = Place::new();
    let said = redraft(&["pack", &long(&place)]).ok();
    assert!(
        said.starts_with("packed ") && said.contains(" segments, ") && said.ends_with(" saved\n"),
        "{said}"
    );
}

#[test]
fn what_is_no_store_or_is_being_written_is_refused() {
    let place = Place::new();
    redraft(&["pack", &place.at("nowhere")]).refused(1);
    let store = long(&place);
    let mut writer =
        command(&["apply", &store, "--lines"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut lines, mut answers) =
        (writer.stdin.take().unwrap(), BufReader::new(writer.stdout.take().unwrap()));
    lines.write_all(b"[{\"op\":\"add\",\"path\":\"/n\",\"value\":0}]\n").unwrap();
    answers.read_line(&mut String::new()).unwrap();
    assert!(redraft(&["pack", &store]).refused(1).contains("one writer"));
    drop(lines);
    writer.wait().unwrap();
}
