//! What is refused says in a line of its own what to do next.

use crate::common::{Place, command, overwrite, redraft, redraft_fed, segment};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// The line that says what to do.
#[track_caller]
fn next(args: &[&str]) -> String {
    let done = redraft_fed(args, b"[]");
    assert_ne!(done.code, 0, "{done:?}");
    let line = done.err.lines().find_map(|line| line.strip_prefix("next: "));
    line.unwrap_or_else(|| panic!("{args:?} says nothing: {done:?}")).to_owned()
}

#[test]
fn an_unknown_store_is_made_or_was_mistyped() {
    let place = Place::new();
    place.store("notes", 1);
    let nowhere = place.at("quite-another");
    assert_eq!(
        next(&["log", &nowhere]),
        format!("see whether the path is right; redraft init {nowhere} makes a new store there")
    );
    assert!(
        next(&["log", &place.at("notse")])
            .contains(&format!("there is {}: is that meant?", place.at("notes")))
    );
    assert!(next(&["show", &place.write("file", "x")]).contains("the directory that redraft init made"));
}

#[test]
fn a_locked_store_can_be_read_and_looked_at() {
    let place = Place::new();
    let store = place.store("s", 1);
    let mut writer =
        command(&["apply", &store, "--lines"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(writer.stdin.as_mut().unwrap(), b"[]\n").unwrap();
    BufReader::new(writer.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    assert!(next(&["apply", &store]).contains(&format!("redraft doctor {store}")));
    drop(writer.stdin.take());
    writer.wait().unwrap();
}

#[test]
fn damage_leads_to_a_repair_and_a_newer_format_to_a_newer_redraft() {
    let place = Place::new();
    let store = place.store("s", 50);
    let bytes = std::fs::read(segment(&store)).unwrap();
    overwrite(&segment(&store), bytes.len() / 2, &[bytes[bytes.len() / 2] ^ 4]);
    assert!(next(&["show", &store]).ends_with(&format!("redraft repair {store}")));
    overwrite(&segment(&store), 8, &[99]);
    assert!(next(&["show", &store]).contains("install the newer redraft"));
}

#[test]
fn versions_that_are_not_there_say_which_are() {
    let place = Place::new();
    let store = place.store("s", 3);
    assert!(next(&["show", &store, "--at", "9"]).starts_with("ask for version 3 or an earlier one"));
    let restored = place.at("restored");
    redraft(&["restore", &store, "--at", "2", "--to", &restored]).ok();
    assert!(next(&["show", &restored, "--at", "1"]).starts_with("ask for version 2 or a later one"));
    assert!(next(&["init", &store]).starts_with("take a directory that is empty"));
}

#[test]
fn copies_say_how_to_change_them_and_what_to_do_when_they_part() {
    let place = Place::new();
    let (store, replica, other) = (place.store("s", 3), place.at("r"), place.store("other", 3));
    redraft(&["follow", &store, &replica]).ok();
    assert!(next(&["apply", &replica]).contains(&format!("redraft promote {replica}")));
    assert!(next(&["follow", &other, &replica]).contains("never were one store"));
}

#[test]
fn a_typo_in_a_verb_or_a_flag_is_answered_with_what_was_meant() {
    let place = Place::new();
    let store = place.store("s", 1);
    assert!(redraft(&["logg", &store]).refused(2).contains("'log'"));
    assert!(redraft(&["log", &store, "--revers"]).refused(2).contains("'--reverse'"));
}

#[test]
fn the_same_is_in_the_json_of_an_error() {
    let place = Place::new();
    let done = redraft(&["show", &place.at("nowhere"), "--json"]);
    let error: serde_json::Value = serde_json::from_str(&done.err).unwrap();
    assert!(error["next"].as_str().unwrap().contains("redraft init "), "{error}");
}
