//! `redraft repair`: tells before it does, does only what it is told to, and leaves a store that works.

use crate::common::{Place, command, content, overwrite, redraft, redraft_fed, segment};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

const REFUSED: i32 = 1;
const DAMAGE: i32 = 3;

/// A store of 50 changes with a bit flipped in the middle.
fn damaged(place: &Place) -> String {
    let store = place.store("s", 50);
    let bytes = std::fs::read(segment(&store)).unwrap();
    let middle = bytes.len() / 2;
    overwrite(&segment(&store), middle, &[bytes[middle] ^ 4]);
    store
}

#[test]
fn a_dry_run_tells_what_would_be_kept_lost_and_done_and_changes_no_byte() {
    let place = Place::new();
    let store = damaged(&place);
    let before = content(place.path());
    let run = redraft(&["repair", &store]);
    assert_eq!(run.code, DAMAGE, "{run:?}");
    for said in
        ["keep: up to version ", "lose: ", "first copy aside: 1 file to ", "damaged-1", "then rewrite "]
    {
        assert!(run.out.contains(said), "{said}: {run:?}");
    }
    assert!(run.err.contains("--yes"), "{run:?}");
    let run = redraft(&["repair", &store, "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let (head, lost) = (plan["head"].as_u64().unwrap(), plan["lost"]["at_least"].as_u64().unwrap());
    assert_eq!((head + lost, plan["lost"]["at_most"].as_u64()), (50, Some(lost)), "{plan}");
    assert_eq!(plan["steps"][0]["action"], "rewrite", "{plan}");
    let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!((run.code, &error["kind"]), (DAMAGE, &"damage".into()));
    assert_eq!(content(place.path()), before);
}

#[test]
fn a_newer_state_that_can_still_be_read_is_named_before_it_is_lost() {
    let place = Place::new();
    let store = place.store("s", 50);
    redraft(&["snapshot", &store]).ok();
    let bytes = std::fs::read(segment(&store)).unwrap();
    overwrite(&segment(&store), 300, &[bytes[300] ^ 4]);
    let told = redraft(&["repair", &store]);
    assert!(told.err.contains("the state at version 50 can still be read"), "{told:?}");
    assert!(told.err.contains("--at now --to DIR"), "{told:?}");
    let saved = place.at("saved");
    redraft(&["restore", &store, "--at", "now", "--to", &saved]).ok();
    assert_eq!(redraft(&["show", &saved, "/n"]).ok(), "50\n");
    redraft(&["repair", &store, "--yes"]).ok();
    let told = redraft(&["repair", &store]);
    assert!(!told.err.contains("can still be read"), "{told:?}");
}

#[test]
fn yes_mends_the_store_verifies_it_and_keeps_what_was_there_aside() {
    let place = Place::new();
    let store = damaged(&place);
    let was = std::fs::read(segment(&store)).unwrap();
    let plan = redraft(&["repair", &store, "--json"]).out;
    let head = serde_json::from_str::<serde_json::Value>(&plan).unwrap()["head"].as_u64().unwrap();
    let done = redraft(&["repair", &store, "--yes", "--json"]).json_lines();
    assert_eq!(done.len(), 2, "told, then done");
    assert_eq!(done[0].to_string(), serde_json::from_str::<serde_json::Value>(&plan).unwrap().to_string());
    assert_eq!((&done[1]["head"], &done[1]["verified"]["sound"]), (&head.into(), &true.into()));
    let aside = Path::new(done[1]["aside"].as_str().unwrap()).to_owned();
    assert_eq!(std::fs::read(aside.join(segment(&store).file_name().unwrap())).unwrap(), was);
    let report = std::fs::read_to_string(aside.join("repair.txt")).unwrap();
    assert!(report.contains("before they were repaired") && report.contains("rewrite "), "{report}");

    redraft(&["verify", &store]).ok();
    assert_eq!(redraft(&["show", &store, "/n"]).ok(), format!("{head}\n"));
    let patch = br#"[{"op":"add","path":"/n","value":0}]"#;
    assert_eq!(redraft_fed(&["apply", &store], patch).ok(), format!("version {}: 1 op\n", head + 1));
    assert!(redraft(&["repair", &store]).ok().starts_with("nothing to repair"));
}

#[test]
fn a_sound_store_is_left_as_it_is() {
    let place = Place::new();
    let store = place.store("s", 5);
    let before = content(place.path());
    assert_eq!(
        redraft(&["repair", &store, "--yes"]).ok(),
        "nothing to repair: what opening needs is good up to version 5\n"
    );
    assert_eq!(redraft(&["repair", &store, "--json"]).json()["needed"], false);
    assert_eq!(content(place.path()), before);
}

#[test]
fn a_store_that_a_writer_has_open_is_not_repaired() {
    let place = Place::new();
    let store = place.store("s", 50);
    let mut writer =
        command(&["apply", &store, "--lines"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut lines, mut answers) =
        (writer.stdin.take().unwrap(), BufReader::new(writer.stdout.take().unwrap()));
    lines.write_all(b"[{\"op\":\"add\",\"path\":\"/n\",\"value\":0}]\n").unwrap();
    answers.read_line(&mut String::new()).unwrap();
    // Not in the place of the whole file: the writer has that one open.
    let file = std::fs::OpenOptions::new().write(true).open(segment(&store)).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, &[0x55; 4], 200).unwrap();
    let before = content(place.path());
    let run = redraft(&["repair", &store, "--yes"]);
    assert_eq!(run.code, REFUSED, "{run:?}");
    assert!(run.err.contains("one writer") && run.err.contains(&writer.id().to_string()), "{run:?}");
    assert_eq!(content(place.path()), before);
    drop(lines);
    writer.wait().unwrap();
    redraft(&["repair", &store, "--yes"]).ok();
}

#[test]
fn the_store_can_be_the_directory_one_stands_in() {
    let place = Place::new();
    let store = damaged(&place);
    let mut run = command(&["repair", ".", "--yes"]);
    run.current_dir(&store);
    crate::common::done(run).ok();
    assert!(Path::new(&store).join("damaged-1").is_dir());
    redraft(&["verify", &store]).ok();
}
