//! A replica ends equal to its source whatever happens on the way, and refuses a source that is not its own.

use crate::common::{Place, command, content, redraft, redraft_fed, told};
use redraft::{Meta, Store, Value};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

fn add(store: &str, name: &str) {
    let patch = format!(r#"[{{"op":"add","path":"/{name}","value":1}}]"#);
    redraft_fed(&["apply", store], patch.as_bytes()).ok();
}

/// A store of some 12 MB: many times what is copied in one go.
fn large(place: &Place) -> String {
    let path = place.at("large");
    let store = Store::<Value>::create_new(&path).unwrap();
    for n in 0..300u64 {
        let text = format!("{n:05}").repeat(8000);
        let label = Meta::label(format!("change {n}"));
        store.produce_with(label, |doc| doc[format!("k{}", n % 40).as_str()] = text.as_str().into()).unwrap();
    }
    store.close().unwrap();
    path
}

#[test]
fn a_follow_killed_again_and_again_goes_on_and_ends_equal() {
    let place = Place::new();
    let (source, replica) = (large(&place), place.at("replica"));
    let mut reached = Vec::new();
    for attempt in 0..15u64 {
        let mut child =
            command(&["follow", &source, &replica, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        // At once, or after a piece was copied, and a little later each time.
        // The pipe stays open until then: a follow that cannot tell of its progress ends by itself.
        let mut progress = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..attempt % 2 {
            progress.next().unwrap().unwrap();
        }
        std::thread::sleep(Duration::from_millis(attempt));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = redraft(&["verify", &replica, "--json"]);
        // Killed before there was anything, it has left nothing that is a store.
        if run.code == 0 {
            reached.push(run.json()["intact"].as_u64().unwrap());
        }
    }
    eprintln!("versions reached by killed runs: {reached:?}");
    assert!(reached.is_sorted(), "{reached:?}");
    assert!(
        reached.iter().any(|version| (1..300).contains(version)),
        "no run was killed midway: {reached:?}"
    );
    let end = redraft(&["follow", &source, &replica, "--json"]).json_lines();
    assert_eq!((&end.last().unwrap()["version"], &end.last().unwrap()["source"]), (&300.into(), &300.into()));
    assert_eq!(told(&replica), told(&source));
    redraft(&["verify", &replica]).ok();
    assert_eq!(redraft(&["follow", &source, &replica]).ok(), "version 300 of 300, 0 changes copied\n");
}

#[test]
fn what_the_lines_count_is_what_was_copied() {
    let place = Place::new();
    let (source, replica) = (large(&place), place.at("replica"));
    let lines = redraft(&["follow", &source, &replica, "--json"]).json_lines();
    assert!(lines.len() > 2, "it came in one go: {lines:?}");
    let mut copied = 0;
    for line in &lines {
        copied += line["copied"].as_u64().unwrap();
        assert_eq!(line["version"], copied, "{lines:?}");
    }
    assert_eq!(copied, 300);
}

#[test]
fn a_live_follow_copies_what_comes_and_ends_when_told_to() {
    let place = Place::new();
    let (source, replica) = (place.store("s", 3), place.at("r"));
    let mut live = command(&["follow", &source, &replica, "--live"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(live.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "version 3 of 3, 3 changes copied");
    for version in 4..8u64 {
        add(&source, &format!("x{version}"));
        assert_eq!(next(), format!("version {version} of {version}, 1 change copied"));
        // Readable while it follows.
        assert_eq!(redraft(&["show", &replica, &format!("/x{version}")]).ok(), "1\n");
    }
    redraft(&["follow", &source, &replica]).refused(1);
    let told_to = Command::new("kill").args(["-TERM", &live.id().to_string()]).status().unwrap();
    assert!(told_to.success());
    assert!(live.wait().unwrap().success());
    assert_eq!(told(&replica), told(&source));
}

#[test]
fn a_replica_can_be_had_of_a_restored_store_and_is_read_only() {
    let place = Place::new();
    let source = place.store("s", 5);
    redraft(&["restore", &source, "--at", "3", "--to", &place.at("restored")]).ok();
    add(&place.at("restored"), "more");
    redraft(&["follow", &place.at("restored"), &place.at("r")]).ok();
    assert_eq!(told(&place.at("r")), told(&place.at("restored")));
    let message = redraft_fed(&["apply", &place.at("r")], b"[]").refused(1);
    assert!(message.contains("is a replica"), "{message}");
    let message = redraft(&["follow", &place.at("restored"), &source]).refused(1);
    assert!(message.contains("not a replica"), "{message}");
}

#[test]
fn a_foreign_source_is_refused() {
    let place = Place::new();
    let (own, other, replica) = (place.store("own", 3), place.store("other", 3), place.at("r"));
    redraft(&["follow", &own, &replica]).ok();
    let before = (content(&replica), content(&other));
    for args in [vec!["follow", &other, &replica], vec!["follow", &other, &replica, "--live"]] {
        let message = redraft(&args).refused(1);
        assert!(message.contains("another store"), "{message}");
    }
    // Opening the replica makes it ready to be written again, which is no change of what it says.
    assert_eq!(told(&replica), told(&own));
    assert_eq!(content(&other), before.1);
}

#[test]
fn a_diverged_or_shorter_source_is_refused() {
    let place = Place::new();
    let (source, replica) = (place.store("s", 3), place.at("r"));
    let copied = |to: &str| {
        assert!(Command::new("cp").args(["-r", &source, &place.at(to)]).status().unwrap().success());
        place.at(to)
    };
    let (shorter, diverged) = (copied("shorter"), copied("diverged"));
    for name in ["a", "b"] {
        add(&source, name);
    }
    for name in ["c", "d", "e"] {
        add(&diverged, name);
    }
    redraft(&["follow", &source, &replica]).ok();
    let message = redraft(&["follow", &diverged, &replica]).refused(1);
    assert!(message.contains("differ from offset 3 on"), "{message}");
    let message = redraft(&["follow", &shorter, &replica]).refused(1);
    assert!(message.contains("differ from offset 3 on"), "{message}");
    assert_eq!(told(&replica), told(&source));
    redraft(&["follow", &source, &replica]).ok();
}

#[test]
fn a_replica_that_has_to_begin_anew_says_what_is_not_there_any_longer() {
    let place = Place::new();
    let (source, replica) = (place.at("source"), place.at("replica"));
    let store: Store<Value> = redraft::Options::new().segment_bytes(1 << 14).open(&source).unwrap();
    let write = |count: u64| {
        for n in 0..count {
            store.produce(|doc| doc["n"] = format!("{n:0200}").as_str().into()).unwrap();
        }
    };
    write(10);
    redraft(&["follow", &source, &replica]).ok();
    write(1000);
    store.snapshot().unwrap();
    let oldest = store.compact_to(redraft::Retention::Changes(10)).unwrap().oldest;
    assert!(oldest > 10);
    let told = redraft(&["follow", &source, &replica]);
    let expected = format!("this replica was begun anew, at version {oldest}: it began at 0, ");
    assert!(told.code == 0 && told.err.contains(&expected), "{told:?}");
    assert_eq!(redraft(&["follow", &source, &replica]).err, "", "that was said");
}

#[test]
fn who_cannot_keep_anything_for_a_replica_is_not_asked_to() {
    let place = Place::new();
    let (source, replica) = (place.store("source", 3), place.at("replica"));
    let told = redraft(&["follow", &source, &replica, "--keep-for", "me"]).refused(2);
    assert!(told.contains("keeps nothing for a replica"), "{told}");
}
