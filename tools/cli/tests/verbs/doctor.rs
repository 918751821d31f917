//! `redraft doctor` tells what is the matter with whatever is at a path, what to do about it, and touches nothing.

use crate::common::{Place, command, content, done, overwrite, redraft, redraft_fed, segment};
use redraft::{Store, Value as State};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

/// What was found about a topic, the worst first.
fn findings<'a>(health: &'a Value, topic: &str) -> Vec<&'a Value> {
    health["findings"].as_array().unwrap().iter().filter(|finding| finding["topic"] == topic).collect()
}

#[track_caller]
fn examined(args: &[&str], code: i32) -> Value {
    let done = redraft(&[&["doctor", "--json"], args].concat());
    assert_eq!(done.code, code, "{done:?}");
    serde_json::from_str(&done.out).unwrap()
}

#[test]
fn a_good_store_is_well_and_no_byte_of_it_changes() {
    let place = Place::new();
    let store = place.store("s", 20);
    redraft(&["snapshot", &store]).ok();
    let before = (content(&store), std::fs::read(format!("{store}/LOCK")).unwrap());
    let told = redraft(&["doctor", &store]).ok();
    for said in
        ["a store at version 20", "format 1", "not at: older records", "nobody", "free", "ago", "all is well"]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    let deep = redraft(&["doctor", "--deep", &store]).ok();
    assert!(deep.contains("20 records and 1 snapshot are good"), "{deep}");
    let health = examined(&[&store], 0);
    assert_eq!((&health["role"], &health["worst"]), (&"store".into(), &"ok".into()), "{health}");
    assert_eq!((&health["snapshot"], &health["version"]), (&20.into(), &20.into()));
    assert_eq!((content(&store), std::fs::read(format!("{store}/LOCK")).unwrap()), before);
}

#[test]
fn a_writer_at_work_is_named_and_not_disturbed() {
    let place = Place::new();
    let store = place.store("s", 3);
    let mut writer =
        command(&["apply", &store, "--lines"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut give, mut take) =
        (writer.stdin.take().unwrap(), BufReader::new(writer.stdout.take().unwrap()).lines());
    let mut change = || {
        give.write_all(b"[{\"op\":\"add\",\"path\":\"/x\",\"value\":{}}]\n").unwrap();
        take.next().unwrap().unwrap()
    };
    assert_eq!(change(), "4");
    let health = examined(&[&store], 0);
    assert_eq!(health["writer_process"], writer.id(), "{health}");
    assert!(findings(&health, "lock")[0]["told"].as_str().unwrap().contains(&writer.id().to_string()));
    assert_eq!(change(), "5");
    drop(give);
    assert!(writer.wait().unwrap().success());
    assert_eq!(examined(&[&store], 0)["writer_process"], Value::Null);
}

#[test]
fn what_is_no_store_is_said_to_be_none_and_nothing_is_made() {
    let place = Place::new();
    std::fs::create_dir(place.at("empty")).unwrap();
    std::fs::create_dir(place.at("other")).unwrap();
    place.write("other/hosts", "x");
    let file = place.write("file", "x");
    let before = content(place.path());
    for (path, next) in [
        (place.at("nowhere"), "redraft init "),
        (place.at("empty"), "redraft init "),
        (place.at("other"), "ls -la "),
        (file, "ls -la "),
    ] {
        let health = examined(&[&path], 1);
        let finding = findings(&health, "store")[0];
        assert_eq!((&finding["severity"], &health["problems"]), (&"problem".into(), &1.into()), "{health}");
        assert!(finding["next"].as_str().unwrap().starts_with(next), "{finding}");
    }
    assert_eq!(content(place.path()), before);
    assert!(!std::path::Path::new(&place.at("nowhere")).exists());
}

#[test]
fn damage_is_told_with_its_place_and_what_to_do() {
    let place = Place::new();
    let store = place.store("s", 50);
    let bytes = std::fs::read(segment(&store)).unwrap();
    let middle = bytes.len() / 2;
    overwrite(&segment(&store), middle, &[bytes[middle] ^ 4]);
    let before = content(&store);
    for args in [vec![&*store], vec!["--deep", &store]] {
        let health = examined(&args, 3);
        let bad: Vec<&Value> = health["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["severity"] == "problem")
            .collect();
        assert!(bad.iter().any(|one| one["told"].as_str().unwrap().contains(".seg, byte ")), "{health}");
        assert!(bad.iter().any(|one| one["next"] == format!("redraft repair {store}")), "{health}");
    }
    assert_eq!(content(&store), before);
}

#[test]
fn a_damaged_snapshot_and_damaged_cursors_are_told_of_though_it_opens() {
    let place = Place::new();
    let store = place.store("s", 5);
    redraft(&["snapshot", &store]).ok();
    Store::<State>::open(&store).unwrap().set_cursor("mailer", 2).unwrap();
    assert!(
        findings(&examined(&[&store], 0), "cursors")[0]["told"].as_str().unwrap().contains("lacks 3 changes")
    );
    overwrite(std::path::Path::new(&format!("{store}/CURSORS")), 66, b"??");
    let health = examined(&[&store], 3);
    assert_eq!(findings(&health, "cursors")[0]["severity"], "problem", "{health}");
    let snapshot = format!("{store}/00000000000000000005.snap");
    overwrite(std::path::Path::new(&snapshot), 70, b"????");
    let health = examined(&[&store], 3);
    assert!(
        findings(&health, "damage").iter().any(|one| one["told"].as_str().unwrap().contains("snapshot")),
        "{health}"
    );
}

#[test]
fn a_newer_format_is_a_problem_and_no_damage() {
    let place = Place::new();
    let store = place.store("s", 2);
    overwrite(&segment(&store), 8, &[99]);
    let health = examined(&[&store], 1);
    assert_eq!((&health["format"], &health["worst"]), (&99.into(), &"problem".into()), "{health}");
    assert!(findings(&health, "format")[0]["told"].as_str().unwrap().contains("newer"), "{health}");
}

#[test]
fn what_was_left_behind_is_listed_with_what_to_do() {
    let place = Place::new();
    let store = place.store("s", 2);
    std::fs::create_dir(format!("{store}/exchange")).unwrap();
    place.write("s/exchange/00000000000000000000.seg", "12345");
    place.write("s/00000000000000000007.snap.tmp", "123");
    std::fs::create_dir(format!("{store}/damaged-1")).unwrap();
    std::fs::create_dir(place.at("s.trial-999999999")).unwrap();
    let health = examined(&[&store], 0);
    let left: Vec<&str> =
        findings(&health, "leftovers").iter().map(|one| one["next"].as_str().unwrap()).collect();
    assert_eq!(left.len(), 4, "{health}");
    assert!(left.iter().any(|next| next.ends_with("damaged-1/repair.txt")), "{left:?}");
    assert!(
        left.iter().any(|next| next.starts_with("rm -r ") && next.ends_with("s.trial-999999999")),
        "{left:?}"
    );
    // What it says to paste does what it says.
    let paste = left.iter().find(|next| next.contains("redraft apply")).unwrap();
    let program = env!("CARGO_BIN_EXE_redraft");
    let pasted = std::process::Command::new("sh")
        .args(["-c", &paste.replace("redraft apply", &format!("{program} apply"))])
        .status();
    assert!(pasted.unwrap().success());
    assert_eq!(findings(&examined(&[&store], 0), "leftovers").len(), 2);
}

#[test]
fn a_stamp_from_the_time_to_come_is_a_warning_about_clocks() {
    let place = Place::new();
    let store = place.store("s", 1);
    let patch = place.write("p.json", r#"[{"op":"add","path":"/x","value":1}]"#);
    let mut ahead = std::process::Command::new("faketime");
    ahead.args(["+3 days", env!("CARGO_BIN_EXE_redraft"), "apply", &store, &patch]);
    match ahead.output() {
        Err(error) => return eprintln!("SKIPPED: no faketime: {error}"),
        Ok(output) => assert!(output.status.success(), "{output:?}"),
    }
    let health = examined(&[&store], 0);
    let clock = findings(&health, "clock")[0];
    assert_eq!((&clock["severity"], &health["warnings"]), (&"warning".into(), &1.into()), "{health}");
    assert!(clock["told"].as_str().unwrap().contains("2 d 23 h in the future"), "{clock}");
}

#[test]
fn a_store_that_may_not_be_looked_at_names_its_owner() {
    let place = Place::new();
    let store = place.store("s", 1);
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&store, PermissionsExt::from_mode(0o000)).unwrap();
    let mut doctor = command(&["doctor", &store, "--json"]);
    if std::fs::read_dir(&store).is_ok() {
        // Root may look anywhere.
        doctor.uid(65_534).gid(65_534);
        if command(&["--version"]).uid(65_534).gid(65_534).output().is_err() {
            std::fs::set_permissions(&store, PermissionsExt::from_mode(0o755)).unwrap();
            return eprintln!("SKIPPED: root is not denied, and the command cannot run as another user");
        }
    }
    let run = done(doctor);
    std::fs::set_permissions(&store, PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(run.code, 1, "{run:?}");
    let health: Value = serde_json::from_str(&run.out).unwrap();
    let finding = findings(&health, "store")[0];
    assert!(finding["told"].as_str().unwrap().contains("ermission denied"), "{finding}");
    assert!(finding["next"].as_str().unwrap().contains("redraft doctor"), "{finding}");
}

#[test]
fn replicas_and_backups_are_called_what_they_are() {
    let place = Place::new();
    let store = place.store("s", 4);
    redraft(&["follow", &store, &place.at("replica")]).ok();
    redraft(&["backup", &store, &place.at("backup")]).ok();
    for role in ["replica", "backup"] {
        assert_eq!(examined(&[&place.at(role)], 0)["role"], role);
    }
    redraft_fed(&["doctor", "nats://127.0.0.1:1?stream=x"], b"").refused(2);
}
