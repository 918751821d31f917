//! Bad input of every kind: a clear error, the right exit code, and nothing changed.

use crate::common::{Place, command, content, done, overwrite, redraft, redraft_fed, segment, told};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const DAMAGE: i32 = 3;

/// Every verb that needs a store, asked for this one.
fn verbs_on<'a>(store: &'a str, elsewhere: &'a str) -> Vec<Vec<&'a str>> {
    vec![
        vec!["apply", store],
        vec!["log", store],
        vec!["show", store],
        vec!["diff", store, "0", "0"],
        vec!["blame", store, "/n"],
        vec!["bisect", store, "--where", "/n exists"],
        vec!["replay", store, "--speed", "max"],
        vec!["stats", store],
        vec!["export", store],
        vec!["undo", store, "1"],
        vec!["redo", store, "1"],
        vec!["snapshot", store],
        vec!["backup", store, elsewhere],
        vec!["archive", "push", store, elsewhere],
        vec!["restore", store, "--at", "0", "--to", elsewhere],
        vec!["verify", store],
        vec!["repair", store],
        vec!["follow", store, elsewhere],
    ]
}

#[track_caller]
fn all_verbs_refuse(place: &Place, store: &str, code: i32, reason: &str) {
    let elsewhere = place.at("elsewhere");
    let before = content(place.path());
    for verb in verbs_on(store, &elsewhere) {
        let run = redraft_fed(&verb, b"[]");
        assert_eq!(run.code, code, "{verb:?}: {run:?}");
        assert!(run.err.contains(reason), "{verb:?}: {run:?}");
        assert!(
            run.err.contains(Path::new(store).file_name().unwrap().to_str().unwrap()),
            "{verb:?}: {run:?}"
        );
        assert_eq!(content(place.path()), before, "{verb:?}");
        assert!(!Path::new(&elsewhere).exists(), "{verb:?}");
    }
}

#[test]
fn a_file_is_not_a_store() {
    let place = Place::new();
    let file = place.write("letter.txt", "hello");
    all_verbs_refuse(&place, &file, REFUSED, "is not a store");
    redraft(&["init", &file]).refused(REFUSED);
    assert_eq!(std::fs::read(&file).unwrap(), b"hello");
}

#[test]
fn a_directory_with_other_files_is_not_a_store() {
    let place = Place::new();
    std::fs::create_dir(place.at("conf")).unwrap();
    place.write("conf/hosts", "127.0.0.1");
    all_verbs_refuse(&place, &place.at("conf"), REFUSED, "is not a store");
    redraft(&["init", &place.at("conf")]).refused(REFUSED);
    redraft_fed(&["import", "jsonl", "-", &place.at("conf")], b"[]").refused(REFUSED);
    assert_eq!(content(place.at("conf")).len(), 1);
}

#[test]
fn snapshots_without_a_segment_are_named_and_no_place_for_another_store() {
    let place = Place::new();
    let store = place.store("s", 2);
    redraft(&["snapshot", &store]).ok();
    std::fs::remove_file(segment(&store)).unwrap();
    all_verbs_refuse(&place, &store, REFUSED, "what is left of one");
    let doctor = redraft(&["doctor", &store]);
    assert_eq!(doctor.code, REFUSED, "{doctor:?}");
    assert!(doctor.out.contains("archive fetch"), "{doctor:?}");
    redraft(&["init", &store]).refused(REFUSED);
}

#[test]
fn an_empty_directory_is_not_a_store_and_stays_empty() {
    let place = Place::new();
    std::fs::create_dir(place.at("empty")).unwrap();
    all_verbs_refuse(&place, &place.at("empty"), REFUSED, "is not a store");
    assert_eq!(std::fs::read_dir(place.at("empty")).unwrap().count(), 0);
}

#[test]
fn a_path_where_nothing_is_is_not_a_store_and_is_not_made() {
    let place = Place::new();
    all_verbs_refuse(&place, &place.at("nowhere"), REFUSED, "is not a store");
    assert!(!Path::new(&place.at("nowhere")).exists());
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let place = Place::new();
    let store = place.store("s", 2);
    overwrite(&segment(&store), 8, &[99]);
    all_verbs_refuse(&place, &store, REFUSED, "99");
}

#[test]
fn an_impossible_length_is_damage_and_no_allocation() {
    let place = Place::new();
    let store = place.store("s", 3);
    overwrite(&segment(&store), 64, &0x4000_0000u32.to_le_bytes());
    let elsewhere = place.at("elsewhere");
    let before = content(place.path());
    for verb in verbs_on(&store, &elsewhere) {
        let mut limited = std::process::Command::new("sh");
        limited.arg("-c").arg("ulimit -v 600000; exec \"$0\" \"$@\"").arg(env!("CARGO_BIN_EXE_redraft"));
        let run = done({
            limited.args(&verb).stdin(Stdio::null());
            limited
        });
        assert_eq!(run.code, DAMAGE, "{verb:?}: {run:?}");
        assert!(run.err.starts_with("error: "), "{verb:?}: {run:?}");
        let _ = std::fs::remove_dir_all(&elsewhere);
        assert_eq!(content(place.path()), before, "{verb:?}");
    }
    let report = redraft(&["verify", &store]);
    assert!(report.out.contains("byte 64"), "{report:?}");
}

#[test]
fn a_flipped_bit_is_found_by_verify_and_tells_how_much_is_good() {
    let place = Place::new();
    let store = place.store("s", 50);
    let middle = std::fs::metadata(segment(&store)).unwrap().len() as usize / 2;
    let byte = std::fs::read(segment(&store)).unwrap()[middle];
    overwrite(&segment(&store), middle, &[byte ^ 4]);
    let before = content(&store);
    let human = redraft(&["verify", &store]);
    assert_eq!(human.code, DAMAGE, "{human:?}");
    assert!(
        human.out.contains("damage: ") && human.out.contains("damaged: good up to version "),
        "{human:?}"
    );
    let run = redraft(&["verify", &store, "--json"]);
    assert_eq!(run.code, DAMAGE);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["sound"], false);
    assert!((10..40).contains(&report["intact"].as_u64().unwrap()), "{report}");
    assert_eq!(report["damage"].as_array().unwrap().len(), 1, "{report}");
    let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!((&error["kind"], &error["exit"]), (&"damage".into(), &3.into()));
    assert_eq!(content(&store), before);
}

#[test]
fn a_torn_tail_is_reported_and_is_no_damage() {
    let place = Place::new();
    let store = place.store("s", 3);
    let mut bytes = std::fs::read(segment(&store)).unwrap();
    // As a killed writer leaves it: not cut to its mark but as long as it was allocated, the last record half there.
    let mark = bytes.windows(4).rposition(|word| word == [0xff; 4]).unwrap();
    bytes.truncate(mark);
    bytes.extend([30, 0, 0, 0, 1, 2, 3]);
    let allocated = u64::from_le_bytes(bytes[40..48].try_into().unwrap());
    bytes.resize(allocated as usize, 0);
    std::fs::write(segment(&store), bytes).unwrap();
    let report = redraft(&["verify", &store, "--json"]).json();
    assert_eq!(report["sound"], true, "{report}");
    assert_eq!(report["torn"]["byte"], mark as u64, "{report}");
    assert!(redraft(&["verify", &store]).ok().contains("not damage"));
}

#[test]
fn an_unwritable_directory_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.at("closed")).unwrap();
    let allow = |mode| std::fs::set_permissions(place.at("closed"), PermissionsExt::from_mode(mode)).unwrap();
    let target = place.at("closed/s");
    allow(0o555);
    let mut init = command(&["init", &target]);
    if std::fs::write(place.at("closed/probe"), "").is_ok() {
        // Root may write anywhere, so the command runs as somebody else, who must be able to come here.
        std::fs::remove_file(place.at("closed/probe")).unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        init.uid(65_534).gid(65_534);
        if let Err(error) = command(&["--version"]).uid(65_534).gid(65_534).output() {
            eprintln!("SKIPPED: root is not denied, and the command cannot run as another user: {error}");
            return;
        }
    }
    let message = done(init).refused(REFUSED);
    allow(0o755);
    assert!(message.contains("ermission denied") && message.contains("closed"), "{message}");
    assert_eq!(std::fs::read_dir(place.at("closed")).unwrap().count(), 0);
}

#[test]
fn malformed_json_is_refused_with_line_and_column() {
    let place = Place::new();
    let store = place.store("s", 1);
    let before = told(&store);
    let patch = place.write("p.json", "[\n  {\"op\": \"add\",\n   \"path\" \"/a\"}]");
    let message = redraft(&["apply", &store, &patch]).refused(REFUSED);
    assert!(message.contains("p.json") && message.contains("line 3 column 11"), "{message}");
    let state = place.write("state.json", "{\"a\":\n nope}");
    let message = redraft(&["init", &place.at("new"), "--state", &state]).refused(REFUSED);
    assert!(message.contains("state.json") && message.contains("line 2 column 3"), "{message}");
    assert!(!Path::new(&place.at("new")).exists());
    let message = redraft_fed(&["import", "jsonl", "-", &place.at("new")], b"\n[{]\n").refused(REFUSED);
    assert!(message.contains("line 2") && message.contains("column 3"), "{message}");
    assert!(!Path::new(&place.at("new")).exists());
    assert_eq!(told(&store), before);
}

#[test]
fn a_patch_that_does_not_apply_is_refused_with_op_and_path() {
    let place = Place::new();
    let store = place.store("s", 1);
    let before = told(&store);
    let patch = br#"[{"op":"add","path":"/a","value":1},{"op":"remove","path":"/gone/x"}]"#;
    let message = redraft_fed(&["apply", &store], patch).refused(REFUSED);
    assert!(message.contains("op 1") && message.contains("/gone"), "{message}");
    for (format, patch) in [
        ("immer", r#"[{"op":"replace","path":["n","deeper"],"value":1}]"#),
        ("native", r#"[{"op":"splice","path":["n"],"at":0,"del":1,"ins":""}]"#),
    ] {
        let message =
            redraft_fed(&["apply", &store, "-", "--format", format], patch.as_bytes()).refused(REFUSED);
        assert!(message.contains("op 0") && message.contains('n'), "{message}");
    }
    assert_eq!(told(&store), before);
}

#[test]
fn json_nested_a_hundred_thousand_deep_is_refused() {
    let place = Place::new();
    let store = place.store("s", 1);
    let before = told(&store);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    redraft_fed(&["apply", &store], deep.as_bytes()).refused(REFUSED);
    let add = format!(r#"[{{"op":"add","path":"/deep","value":{deep}}}]"#);
    redraft_fed(&["apply", &store], add.as_bytes()).refused(REFUSED);
    redraft_fed(&["apply", &store, "--format", "merge-patch"], deep.as_bytes()).refused(REFUSED);
    redraft_fed(&["init", &place.at("new"), "--state", "-"], deep.as_bytes()).refused(REFUSED);
    redraft_fed(&["import", "jsonl", "-", &place.at("new")], add.as_bytes()).refused(REFUSED);
    let entry = format!(r#"{{"label":"deep","patch":{add}}}"#);
    redraft_fed(&["import", "jsonl", "-", &place.at("new")], entry.as_bytes()).refused(REFUSED);
    let pointer = "/a".repeat(30_000);
    redraft(&["show", &store, &pointer]).refused(REFUSED);
    assert!(!Path::new(&place.at("new")).exists());
    assert_eq!(told(&store), before);
}

#[test]
fn rubbish_as_a_patch_is_refused() {
    let place = Place::new();
    let store = place.store("s", 1);
    let before = told(&store);
    let rubbish: Vec<u8> = (0..5000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for format in ["json-patch", "merge-patch", "immer", "native"] {
        let message = redraft_fed(&["apply", &store, "--format", format], &rubbish).refused(REFUSED);
        assert!(message.contains("line 1"), "{message}");
        assert!(!message.trim_end().contains(char::is_control), "{message:?}");
    }
    for not_a_list in ["", "7", "\"add\"", "{}", "[7]", "[{}]", "[{\"op\":\"fly\",\"path\":\"/a\"}]"] {
        redraft_fed(&["apply", &store], not_a_list.as_bytes()).refused(REFUSED);
    }
    assert_eq!(told(&store), before);
}

#[test]
fn a_version_beyond_the_newest_is_refused() {
    let place = Place::new();
    let store = place.store("s", 3);
    let before = told(&store);
    let elsewhere = place.at("elsewhere");
    let attempts: [&[&str]; 7] = [
        &["show", &store, "--at", "4"],
        &["diff", &store, "1", "4"],
        &["log", &store, "--from", "4"],
        &["log", &store, "--to", "18446744073709551615"],
        &["undo", &store, "4"],
        &["undo", &store, "18446744073709551615"],
        &["restore", &store, "--at", "4", "--to", &elsewhere],
    ];
    for attempt in attempts {
        let message = redraft(attempt).refused(REFUSED);
        assert!(message.contains("does not exist: the newest is 3"), "{attempt:?}: {message}");
    }
    assert!(!Path::new(&elsewhere).exists());
    assert_eq!(told(&store), before);
}

#[test]
fn redoing_a_version_beyond_the_newest_is_refused() {
    let place = Place::new();
    let store = place.store("s", 3);
    for version in ["4", "9", "18446744073709551615"] {
        redraft(&["redo", &store, version]).refused(REFUSED);
    }
}

#[test]
fn a_path_that_is_not_there_is_refused_with_the_place_where_it_ends() {
    let place = Place::new();
    let state = place.write("state.json", r#"{"board":{"cards":[{"text":"a"}]}}"#);
    let store = place.at("s");
    redraft(&["init", &store, "--state", &state]).ok();
    for (path, ends) in [
        ("/board/title", "/board"),
        ("/board/cards/0/text/x", "/board/cards/0/text"),
        ("/board/cards/7", "/board/cards"),
        ("/board/cards/x", "/board/cards"),
        ("/board/cards/-", "/board/cards"),
        ("/a/b/c", "\"\""),
    ] {
        let message = redraft(&["show", &store, path]).refused(REFUSED);
        assert!(message.contains(path), "{message}");
        assert!(message.trim_end().ends_with(&format!("exists up to {ends}")), "{message}");
    }
}

#[test]
fn the_address_of_a_server_is_never_taken_for_a_directory() {
    let place = Place::new();
    let (store, served) = (place.store("s", 1), "https://127.0.0.1:9/notes");
    let (lines, elsewhere) = (place.write("lines", "[]"), place.at("elsewhere"));
    let before = content(place.path());
    let mut verbs = verbs_on(served, &elsewhere);
    // Those that ask a server do.
    verbs.retain(|verb| verb[0] != "follow");
    verbs.extend([
        vec!["init", served],
        vec!["serve", served],
        vec!["serve", served, "--read-only"],
        vec!["compact", served, "--keep-changes", "1"],
        vec!["pack", served],
        vec!["doctor", served],
        vec!["cursors", served],
        vec!["promote", served],
        vec!["redact", served, "/n"],
        vec!["merge", served, &store],
        vec!["merge", &store, served],
        vec!["mirror", served, "nats://127.0.0.1:9?stream=notes"],
        vec!["mirror", "nats://127.0.0.1:9?stream=notes", served],
        vec!["import", "jsonl", &lines, served],
        vec!["import", "git", ".", served],
        vec!["backup", &store, served],
        vec!["restore", &store, "--at", "1", "--to", served],
        vec!["fork", &store, "--to", served],
        vec!["follow", &store, served],
        vec!["rejoin", &store, served, "--extra", &elsewhere],
        vec!["archive", "fetch", &elsewhere, served],
    ]);
    for verb in verbs {
        let mut command = command(&verb);
        command.current_dir(place.path()).stdin(Stdio::null());
        let told = done(command).refused(USAGE);
        assert!(told.contains("redraft follow ADDRESS DIR"), "{verb:?}: {told}");
        assert_eq!(content(place.path()), before, "{verb:?}");
    }
}

#[test]
fn what_looks_like_an_address_is_never_taken_for_a_directory() {
    let place = Place::new();
    let store = place.store("s", 1);
    let before = content(place.path());
    for address in [
        "nats:127.0.0.1:9?stream=a",
        "NATS://127.0.0.1:9?stream=a",
        "nats:/127.0.0.1",
        "ftp://x/y",
        "HTTP://x",
        "ws://x",
    ] {
        for verb in [
            vec!["init", address],
            vec!["show", address],
            vec!["follow", address, "copy"],
            vec!["fork", &store, "--to", address],
        ] {
            let mut command = command(&verb);
            command.current_dir(place.path());
            let told = done(command).refused(USAGE);
            assert!(
                told.contains("nats://HOST:PORT?stream=NAME") || told.contains("redraft follow ADDRESS"),
                "{verb:?}: {told}"
            );
            assert_eq!(content(place.path()), before, "{verb:?}");
        }
    }
    // Whoever calls a directory so says that it is one.
    for name in ["a:b", "./nats:x"] {
        let mut command = command(&["init", name]);
        command.current_dir(place.path());
        done(command).ok();
    }
}

#[test]
fn nonsense_on_the_command_line_is_wrong_usage() {
    let place = Place::new();
    let store = place.store("s", 1);
    let before = told(&store);
    let attempts: [&[&str]; 12] = [
        &["show", &store, "--at", "-1"],
        &["show", &store, "--at", "one"],
        &["show", &store, "--at", "18446744073709551616"],
        &["show", &store, "no-slash"],
        &["show", &store, "/bad~2escape"],
        &["diff", &store, "-1", "1"],
        &["undo", &store, "-1"],
        &["restore", &store, "--at", "-1", "--to", "x"],
        &["log", &store, "-n", "-3"],
        &["apply", &store, "--format", "xml"],
        &["dance", &store],
        &[],
    ];
    for attempt in attempts {
        let run = redraft(attempt);
        assert_eq!(run.code, USAGE, "{attempt:?}: {run:?}");
        assert_eq!(run.out, "", "{attempt:?}");
    }
    let message = redraft(&["show", &store, "--at", "-1"]).refused(USAGE);
    assert!(message.contains("-1") && message.contains("--at") && message.contains("from 0 on"), "{message}");
    let run = redraft(&["--json", "show", &store, "--at", "-1"]);
    let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!((run.code, &error["kind"]), (USAGE, &"usage".into()));
    assert_eq!(told(&store), before);
}

#[test]
fn a_second_writer_is_refused_while_readers_are_not() {
    let place = Place::new();
    let store = place.store("s", 1);
    let mut first =
        command(&["apply", &store, "--lines"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut lines, mut answers) =
        (first.stdin.take().unwrap(), BufReader::new(first.stdout.take().unwrap()));
    let mut answer = String::new();
    lines.write_all(b"[{\"op\":\"add\",\"path\":\"/n\",\"value\":2}]\n").unwrap();
    answers.read_line(&mut answer).unwrap();
    assert_eq!(answer, "2\n");

    let message = redraft_fed(&["apply", &store], b"[]").refused(REFUSED);
    assert!(message.contains("one writer") && message.contains(&first.id().to_string()), "{message}");
    redraft(&["undo", &store, "1"]).refused(REFUSED);
    redraft(&["snapshot", &store]).refused(REFUSED);
    assert_eq!(redraft(&["show", &store, "/n"]).ok(), "2\n");
    let run = redraft(&["undo", &store, "1", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.err).unwrap()["kind"], "busy");

    drop(lines);
    assert!(first.wait().unwrap().success());
    assert_eq!(redraft_fed(&["apply", &store], b"[]").ok(), "version 2: the patch changes nothing\n");
}

#[test]
fn a_bad_line_ends_apply_and_import_and_what_came_before_stays() {
    let place = Place::new();
    let lines =
        b"[{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]\n\n[{\"op\":\"remove\",\"path\":\"/b\"}]\n[]\n";
    let store = place.store("s", 0);
    let run = redraft_fed(&["apply", &store, "--lines"], lines);
    assert_eq!((run.code, run.out.as_str()), (REFUSED, "1\n"), "{run:?}");
    assert!(
        run.err.contains("line 3") && run.err.contains("up to version 1") && run.err.contains("/b"),
        "{run:?}"
    );
    let run = redraft_fed(&["import", "jsonl", "-", &place.at("i")], lines);
    assert_eq!(run.code, REFUSED);
    assert!(
        run.err.contains("line 3") && run.err.contains("up to version 1") && run.err.contains("/b"),
        "{run:?}"
    );
    for store in [store, place.at("i")] {
        assert_eq!(redraft(&["show", &store, "/a"]).ok(), "1\n");
    }
}

#[test]
fn import_lines_that_make_no_sense_are_refused_with_their_column() {
    let place = Place::new();
    for (line, reason) in [
        (r#"{"label":"x"}"#, "patch"),
        (r#"{"patch":[],"colour":1}"#, "column"),
        (r#"{"patch":[],"at":"yesterday"}"#, "RFC 3339"),
        (r#"{"patch":[],"at":1.5}"#, "column"),
        (r#"{"label":7,"patch":[]}"#, "column"),
        (r#"{"label":"x", "patch":[{"op" "add"}]}"#, "column 30"),
        (r#"nothing"#, "column 2"),
    ] {
        let message =
            redraft_fed(&["import", "jsonl", "-", &place.at("i")], line.as_bytes()).refused(REFUSED);
        assert!(message.contains("line 1") && message.contains(reason), "{line}: {message}");
    }
    assert!(!Path::new(&place.at("i")).exists());
    redraft(&["import", "jsonl", &place.at("no-such-file"), &place.at("i")]).refused(REFUSED);
    redraft(&["import", "git", place.path().to_str().unwrap(), &place.at("i")]).refused(REFUSED);
    assert!(!Path::new(&place.at("i")).exists());
}
