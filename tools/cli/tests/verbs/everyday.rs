//! The normal path of each verb, for people and as JSON.

use crate::common::{Place, command, content, redraft, redraft_fed};
use serde_json::{Value, json};
use std::io::Read;
use std::process::Stdio;

const TEXT: &str = "a long line that is kept as it is\nand a second one, to be edited\n";

/// A store with five changes of different kinds.
fn board(place: &Place) -> String {
    let store = place.at("board");
    let state =
        place.write("state.json", json!({"title": "plan", "cards": [1, 2], "text": TEXT}).to_string());
    redraft(&["init", &store, "--state", &state]).ok();
    let patches = [
        json!([{"op": "replace", "path": "/title", "value": "garden"}]),
        json!([{"op": "add", "path": "/cards/-", "value": 3}, {"op": "remove", "path": "/cards/0"}]),
        json!([{"op": "add", "path": "/a~1b", "value": {"c~d": null}}]),
    ];
    for patch in patches {
        redraft_fed(&["apply", &store, "--label", "by hand"], patch.to_string().as_bytes()).ok();
    }
    let splice = json!([{"op": "splice", "path": ["text"], "at": 54, "del": 9, "ins": "edited"}]).to_string();
    redraft_fed(&["apply", &store, "--format", "native"], splice.as_bytes()).ok();
    store
}

#[test]
fn init_makes_an_empty_store_or_one_with_a_first_state() {
    let place = Place::new();
    let created = redraft(&["init", &place.at("a"), "--json"]).json();
    assert_eq!(created["version"], 0);
    assert_eq!(created["id"].as_str().unwrap().len(), 32);
    assert_eq!(redraft(&["show", &place.at("a")]).ok(), "{}\n");
    let created =
        redraft_fed(&["--json", "init", &place.at("b"), "--state", "-"], b"[1, {\"x\": 2.0}]").json();
    assert_eq!(created["version"], 1);
    let log = redraft(&["log", &place.at("b"), "--json"]).json();
    assert_eq!((&log["label"], &log["patch"][0]["op"]), (&json!("init"), &json!("replace")));
    assert_eq!(redraft(&["show", &place.at("b"), "/1/x"]).ok(), "2.0\n");
    redraft(&["init", &place.at("b")]).refused(1);
}

#[test]
fn apply_takes_every_format_and_says_what_version_it_made() {
    let place = Place::new();
    let store = place.store("s", 0);
    let apply = |format: &str, patch: Value| {
        redraft_fed(&["apply", &store, "-", "--format", format], patch.to_string().as_bytes()).ok()
    };
    assert_eq!(apply("json-patch", json!([{"op": "add", "path": "/a", "value": [1]}])), "version 1: 1 op\n");
    assert_eq!(apply("merge-patch", json!({"b": "x", "a": null})), "version 2: 2 ops\n");
    assert_eq!(apply("immer", json!([{"op": "add", "path": ["a"], "value": 1}])), "version 3: 1 op\n");
    assert_eq!(apply("native", json!([{"op": "inc", "path": ["a"], "by": 41}])), "version 4: 1 op\n");
    assert_eq!(redraft(&["show", &store]).json(), json!({"a": 42, "b": "x"}));
    let file = place.write("p.json", r#"[{"op":"test","path":"/a","value":42},{"op":"remove","path":"/b"}]"#);
    let done = redraft(&["apply", &store, &file, "--json"]).json();
    assert_eq!(done, json!({"version": 5, "ops": 1}));
}

#[test]
fn apply_by_lines_acknowledges_each_line_before_it_needs_the_next() {
    let place = Place::new();
    let store = place.store("s", 0);
    let lines = b"[{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]\n[]\n";
    let run = redraft_fed(&["apply", &store, "--lines", "--json"], lines);
    assert_eq!(run.json_lines(), [json!({"version": 1, "ops": 1}), json!({"version": 1, "ops": 0})]);
    let run = redraft_fed(&["apply", &store, "--lines", "--format", "merge-patch"], b"{\"b\":2}\n");
    assert_eq!(run.ok(), "2\n");
}

#[test]
fn log_lists_what_was_asked_for_oldest_first() {
    let place = Place::new();
    let store = board(&place);
    let versions = |args: &[&str]| {
        let lines = redraft(&[&["log", &store, "--json"], args].concat()).json_lines();
        lines.iter().map(|line| line["version"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(versions(&[]), [1, 2, 3, 4, 5]);
    assert_eq!(versions(&["--from", "2", "--to", "4"]), [2, 3, 4]);
    assert_eq!(versions(&["-n", "2"]), [4, 5]);
    assert_eq!(versions(&["-n", "2", "--to", "3"]), [2, 3]);
    assert_eq!(versions(&["-n", "0"]), [0u64; 0]);
    assert_eq!(versions(&["--path", "/cards"]), [1, 3]);
    assert_eq!(versions(&["--path", "/cards/0"]), [1, 3]);
    assert_eq!(versions(&["--path", "/a~1b/c~0d"]), [1, 4]);
    assert_eq!(versions(&["--path", "/cards", "-n", "1"]), [3]);
    assert_eq!(versions(&["--from", "4", "--to", "2"]), [0u64; 0]);

    let human = redraft(&["log", &store, "--from", "2"]).ok();
    let lines: Vec<_> = human.lines().collect();
    assert!(lines[0].starts_with("2  20") && lines[0].ends_with("Z  by hand"), "{human}");
    assert_eq!(lines[1], "    replace /title \"garden\"");
    assert_eq!(lines[4], "    remove /cards/0");
    assert_eq!(lines[6], "    add /a~1b {\"c~d\":null}");
    assert_eq!(lines[8], "    splice /text @54 -9 +\"edited\"");
}

#[test]
fn log_in_json_is_enough_to_make_the_store_again() {
    let place = Place::new();
    let (store, copy) = (board(&place), place.at("copy"));
    redraft(&["init", &copy]).ok();
    let patches = redraft(&["log", &store, "--json"]).json_lines();
    let lines: String = patches.iter().map(|line| format!("{}\n", line["patch"])).collect();
    redraft_fed(&["apply", &copy, "--lines", "--format", "native"], lines.as_bytes()).ok();
    assert_eq!(redraft(&["show", &copy]).ok(), redraft(&["show", &store]).ok());
    let patches_of = |store: &str| -> Vec<Value> {
        redraft(&["log", store, "--json"]).json_lines().iter().map(|line| line["patch"].clone()).collect()
    };
    assert_eq!(patches_of(&copy), patches_of(&store));
}

#[test]
fn show_gives_any_part_of_any_version() {
    let place = Place::new();
    let store = board(&place);
    assert_eq!(redraft(&["show", &store, "--at", "0"]).json(), json!({}));
    assert_eq!(redraft(&["show", &store, "/cards", "--at", "2"]).json(), json!([1, 2]));
    assert_eq!(redraft(&["show", &store, "/cards"]).json(), json!([2, 3]));
    assert_eq!(redraft(&["show", &store, "/a~1b/c~0d"]).ok(), "null\n");
    let shown = redraft(&["show", &store, "/title", "--at", "1", "--json"]).json();
    assert_eq!(shown, json!({"version": 1, "path": "/title", "value": "plan"}));
    let told = redraft(&["show", &store, "--change", "1", "--json"]).json();
    assert_eq!((&told["version"], &told["base"], &told["outcome"]), (&json!(1), &json!(0), &json!(null)));
    redraft(&["show", &store, "--change", "0"]).refused(1);
    redraft(&["show", &store, "--change", "99"]).refused(1);
    redraft(&["show", &store, "/cards", "--change", "1"]).refused(2);
    assert_eq!(redraft(&["show", &store, "/cards"]).ok(), "[\n  2,\n  3\n]\n");
}

#[test]
fn diff_tells_old_and_new_and_its_patch_applies() {
    let place = Place::new();
    let store = board(&place);
    let human = redraft(&["diff", &store, "1", "5"]).ok();
    assert!(human.contains("replace /title \"plan\" -> \"garden\""), "{human}");
    assert!(human.contains("add /a~1b {\"c~d\":null}"), "{human}");
    assert!(redraft(&["diff", &store, "4", "3"]).ok().contains("remove /a~1b {\"c~d\":null}"));
    assert_eq!(redraft(&["diff", &store, "3", "3"]).ok(), "");
    for (format, backwards) in [("json-patch", false), ("immer", true), ("native", false)] {
        let (from, to) = if backwards { ("5", "1") } else { ("1", "5") };
        let fork = place.at(&format!("fork-{format}"));
        redraft(&["restore", &store, "--at", from, "--to", &fork]).ok();
        let patch = redraft(&["diff", &store, from, to, "--format", format]).ok();
        redraft_fed(&["apply", &fork, "--format", format], patch.as_bytes()).ok();
        let wanted = redraft(&["show", &store, "--at", to]).ok();
        assert_eq!(redraft(&["show", &fork]).ok(), wanted, "{format}");
    }
    let patch = redraft(&["diff", &store, "1", "2", "--json"]).json();
    assert_eq!(patch, json!([{"op": "replace", "path": "/title", "value": "garden"}]));
}

#[test]
fn undo_and_redo_take_back_and_bring_back() {
    let place = Place::new();
    let store = board(&place);
    assert_eq!(redraft(&["undo", &store, "2"]).ok(), "version 6: change 2 undone, 1 op\n");
    assert_eq!(redraft(&["show", &store, "/title"]).ok(), "\"plan\"\n");
    assert_eq!(redraft(&["log", &store, "-n", "1", "--json"]).json()["undoes"], 2);
    redraft(&["undo", &store, "2"]).refused(1);
    let redone = redraft(&["redo", &store, "2", "--json"]).json();
    assert_eq!(redone, json!({"version": 7, "redid": 2, "ops": 1}));
    assert_eq!(redraft(&["show", &store, "/title"]).ok(), "\"garden\"\n");
    redraft(&["redo", &store, "2"]).refused(1);
    redraft(&["undo", &store, "0"]).refused(1);
}

#[test]
fn snapshot_and_restore_keep_the_state_and_leave_the_source_alone() {
    let place = Place::new();
    let store = board(&place);
    let taken = redraft(&["snapshot", &store, "--json"]).json();
    assert_eq!(taken["version"], 5);
    assert!(taken["bytes"].as_u64().unwrap() > 64);
    let before = content(&store);
    let restored = redraft(&["restore", &store, "--at", "3", "--to", &place.at("r"), "--json"]).json();
    assert_eq!(restored["version"], 3);
    assert_eq!(redraft(&["show", &place.at("r")]).ok(), redraft(&["show", &store, "--at", "3"]).ok());
    assert_eq!(content(&store), before);
    redraft(&["restore", &store, "--at", "3", "--to", &place.at("r")]).refused(1);
    redraft(&["show", &place.at("r"), "--at", "2"]).refused(1);
    redraft(&["verify", &place.at("r")]).ok();
    redraft_fed(&["apply", &place.at("r")], b"[{\"op\":\"add\",\"path\":\"/x\",\"value\":1}]").ok();
    assert_eq!(redraft(&["log", &place.at("r"), "--json"]).json_lines().len(), 1);
}

#[test]
fn verify_counts_what_is_good() {
    let place = Place::new();
    let store = board(&place);
    redraft(&["snapshot", &store]).ok();
    let report = redraft(&["verify", &store, "--json"]).json();
    assert_eq!(
        (&report["sound"], &report["records"], &report["intact"]),
        (&json!(true), &json!(5), &json!(5))
    );
    assert_eq!((&report["snapshots"], &report["damage"]), (&json!(1), &json!([])));
    assert!(redraft(&["verify", &store]).ok().contains("sound: everything up to version 5 is good"));
}

#[test]
fn import_of_lines_keeps_labels_and_times() {
    let place = Place::new();
    let file = place.write(
        "h.jsonl",
        concat!(
            "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]\n",
            "{\"label\":\"two\",\"at\":\"2001-02-03T04:05:06.789+01:00\",\"patch\":[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]}\r\n",
            "  {\"at\":-1500,\"patch\":[{\"op\":\"add\",\"path\":\"/c\",\"value\":3}]}",
        ),
    );
    let store = place.at("s");
    let done = redraft(&["import", "jsonl", &file, &store, "--json"]).json();
    assert_eq!((&done["version"], &done["lines"], &done["changes"]), (&json!(3), &json!(3), &json!(3)));
    let log = redraft(&["log", &store, "--json"]).json_lines();
    assert_eq!((&log[1]["label"], &log[1]["time"]), (&json!("two"), &json!("2001-02-03T03:05:06.789Z")));
    assert_eq!(log[2]["time"], "1969-12-31T23:59:58.5Z");
    let done =
        redraft_fed(&["import", "jsonl", "-", &store, "--json"], b"[{\"op\":\"remove\",\"path\":\"/a\"}]")
            .json();
    assert_eq!((&done["version"], &done["changes"]), (&json!(4), &json!(1)));
}

#[test]
fn what_a_store_holds_cannot_steer_the_terminal() {
    let place = Place::new();
    let store = place.at("s");
    let evil = "\u{1b}[2J\u{7}\u{9b}31m\r\n\u{202e}\u{7f}";
    let state = json!({ evil: evil, "long": format!("{}{}", "x".repeat(70), evil) }).to_string();
    redraft_fed(&["init", &store, "--state", "-"], state.as_bytes()).ok();
    let patch =
        json!([{"op": "replace", "path": format!("/{evil}"), "value": format!("{evil}!")}]).to_string();
    redraft_fed(&["apply", &store, "--label", evil], patch.as_bytes()).ok();
    let pointer = format!("/{evil}/x");
    let runs: [&[&str]; 6] = [
        &["log", &store],
        &["log", &store, "--full"],
        &["show", &store],
        &["diff", &store, "1", "2"],
        &["diff", &store, "0", "1", "--full"],
        &["show", &store, &pointer],
    ];
    for args in runs {
        let run = redraft(args);
        let shown = run.out + &run.err;
        let unsafe_ = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!shown.contains(unsafe_), "{args:?}: {shown:?}");
        assert!(shown.contains("u001b"), "{args:?}: {shown:?}");
    }
    // What people see is still the JSON of the very same value.
    assert_eq!(redraft(&["show", &store]).json()[evil], format!("{evil}!"));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let place = Place::new();
    let store = place.store("s", 3000);
    for args in [vec!["log", &store], vec!["log", &store, "--json"]] {
        let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{done:?}");
        assert_eq!(done.stderr, b"", "{done:?}");
    }
}

#[test]
fn verbose_tells_on_stderr_what_the_library_does() {
    let place = Place::new();
    let store = place.store("s", 1);
    let run = redraft(&["-v", "snapshot", &store]);
    assert!(run.err.contains("open"), "{run:?}");
    assert!(run.out.starts_with("snapshot of version 1"), "{run:?}");
}

#[test]
fn demo_walks_through_its_own_history_and_cleans_up() {
    let place = Place::new();
    let temporary = place.at("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let demo = |args: &[&str]| {
        let mut demo = command(&[&["demo"], args].concat());
        demo.current_dir(place.path()).env("TMPDIR", &temporary).env("GIT_CEILING_DIRECTORIES", place.path());
        crate::common::done(demo)
    };
    let walk = demo(&[]).ok();
    for verb in ["import", "log", "show", "diff", "undo", "snapshot", "restore", "follow", "verify"] {
        assert!(walk.contains(&format!("$ redraft {verb} ")), "{verb}: {walk}");
    }
    assert!(walk.contains("imported 12 changes") && walk.contains("changes/s"), "{walk}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    let last = demo(&["--json", "--keep"]).json_lines().pop().unwrap();
    assert_eq!(last["changes"], 12);
    redraft(&["verify", &format!("{}/history.redraft", last["kept"].as_str().unwrap())]).ok();
    demo(&["--dir", &place.at("made")]).ok();
    redraft(&["verify", &place.at("made/replica.redraft")]).ok();
    demo(&["--dir", &place.at("made")]).refused(1);
}

#[test]
fn what_was_done_and_cannot_be_told_is_said_to_be_done() {
    let place = Place::new();
    let store = place.store("s", 3);
    let lines = place.write("lines", "[]\n".repeat(3));
    let told = |args: &[&str], out: Stdio| {
        let done = command(args).stdout(out).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let patch = place.write("patch", r#"[{"op": "add", "path": "/x", "value": 1}]"#);
    for (args, what) in [
        (&["apply", &*store, &*patch][..], "version 4 was made"),
        (&["undo", &*store, "4"], "version 5 was made"),
        (&["apply", &*store, &*lines, "--lines"], "line 1 is applied as version"),
        (&["fork", &*store, "--to", &*place.at("f")], "was made"),
    ] {
        let (code, told) = told(args, full());
        assert!(code == Some(1) && told.contains(what) && told.contains("cannot write to stdout"), "{told}");
    }
    let (code, told) = told(&["show", &store], full());
    assert!(code == Some(1) && told.starts_with("error: cannot write to stdout"), "{told}");
}

#[test]
fn who_stops_reading_acknowledgements_stops_what_is_applied_and_that_is_told() {
    let place = Place::new();
    let store = place.store("s", 0);
    let patch = |n| format!("{}\n", json!([{"op": "add", "path": "/n", "value": n}]));
    let lines = place.write("lines", (1..2000).map(patch).collect::<String>());
    let mut child = command(&["apply", &store, &lines, "--lines"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("nobody reads what is acknowledged") && told.contains("line 1,"), "{told}");
    assert_eq!(redraft(&["show", &store, "/n"]).ok(), "1\n", "what was done stays, and is all that was done");
}

#[test]
fn bisect_says_from_where_on_something_is_so() {
    let place = Place::new();
    let store = place.store("s", 0);
    for stock in [-1, 5, 6, -2] {
        let patch = json!({ "stock": stock }).to_string();
        redraft_fed(&["apply", &store, "--format", "merge-patch"], patch.as_bytes()).ok();
    }
    let told = redraft(&["bisect", &store, "--where", "/stock < 0"]).ok();
    assert!(told.starts_with("true in version 4 and not in the one before; "), "{told}");
    redraft(&["bisect", &store, "--where", "/stock > 0", "--from", "3", "--to", "2"]).refused(2);
}
