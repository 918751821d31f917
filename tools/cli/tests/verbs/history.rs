//! History as a tool for finding out what happened: times, narrowing, blame, bisection, replay, numbers, export.

use crate::common::{Done, Place, redraft, redraft_fed};
use serde_json::{Value, json};

/// A store with a change for each line, imported with their labels and times.
fn imported(place: &Place, name: &str, lines: &[Value]) -> String {
    let store = place.at(name);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    redraft_fed(&["import", "jsonl", "-", &store], lines.as_bytes()).ok();
    store
}

fn change(label: &str, at: &str, patch: &Value) -> Value {
    json!({ "label": label, "at": at, "patch": patch })
}

/// A shop over four days, whose stock goes down.
fn shop(place: &Place) -> String {
    imported(
        place,
        "shop",
        &[
            change(
                "open",
                "2026-05-01T08:00:00Z",
                &json!([{"op": "add", "path": "/stock", "value": 10}, {"op": "add", "path": "/cards", "value": [{"done": false}]}]),
            ),
            change("sell", "2026-05-02T08:00:00Z", &json!([{"op": "replace", "path": "/stock", "value": 7}])),
            change(
                "ship",
                "2026-05-02T09:00:00Z",
                &json!([{"op": "replace", "path": "/cards/0/done", "value": true}]),
            ),
            change("sell", "2026-05-03T08:00:00Z", &json!([{"op": "replace", "path": "/stock", "value": 3}])),
            change(
                "plan",
                "2026-05-04T08:00:00Z",
                &json!([{"op": "add", "path": "/cards/0", "value": {"done": false}}]),
            ),
            change(
                "tidy",
                "2026-05-04T09:00:00Z",
                &json!([{"op": "move", "from": "/cards", "path": "/board"}]),
            ),
        ],
    )
}

fn versions(run: Done) -> Vec<u64> {
    run.json_lines().iter().map(|line| line["version"].as_u64().unwrap()).collect()
}

#[test]
fn log_narrows_by_place_time_writer_and_label_in_both_directions() {
    let place = Place::new();
    let store = shop(&place);
    let log = |args: &[&str]| versions(redraft(&[&["log", &store, "--json"], args].concat()));
    assert_eq!(log(&["--since", "2026-05-02", "--until", "2026-05-03T08:00:00Z"]), [2, 3, 4]);
    assert_eq!(log(&["--since", "2026-05-02T10:00:00+02:00", "--label", "sell"]), [2, 4]);
    assert_eq!(log(&["--since", "now"]), [0u64; 0]);
    assert_eq!(log(&["--path", "/stock", "--path", "/board"]), [1, 2, 4, 6]);
    assert_eq!(log(&["--reverse"]), [6, 5, 4, 3, 2, 1]);
    assert_eq!(log(&["--reverse", "--limit", "2"]), [6, 5]);
    assert_eq!(log(&["--label", "sell", "--limit", "1"]), [4]);
    assert_eq!(log(&["--reverse", "--from", "2", "--to", "3"]), [3, 2]);
    let first = redraft(&["log", &store, "--json", "--to", "1"]).json();
    let writer = first["writer"].as_str().unwrap();
    assert_eq!(log(&["--writer", writer]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(log(&["--writer", "00000000000000aa"]), [0u64; 0]);
    for wrong in [["--since", "soon"], ["--until", "2026-13-01"], ["--writer", "me"]] {
        let run = redraft(&[&["log", &store], &wrong[..]].concat());
        assert_eq!(run.code, 2, "{wrong:?}: {run:?}");
        assert!(run.err.contains(wrong[1]), "{run:?}");
    }
}

#[test]
fn blame_tells_who_set_a_place_wherever_it_was_then() {
    let place = Place::new();
    let store = shop(&place);
    let done = redraft(&["blame", &store, "/board/1/done"]).ok();
    assert_eq!(done, "3  2026-05-02T09:00:00Z  ship\n    /cards/0/done false -> true\n");
    let line = redraft(&["blame", &store, "/board/1/done", "--json"]).json();
    assert_eq!(
        (&line["version"], &line["label"], &line["path"]),
        (&json!(3), &json!("ship"), &json!("/cards/0/done"))
    );
    assert_eq!((&line["old"], &line["new"]), (&json!(false), &json!(true)));
    let all = redraft(&["blame", &store, "/board/1/done", "--all", "--json"]).json_lines();
    let told: Vec<_> =
        all.iter().map(|line| (line["version"].as_u64().unwrap(), line["from"].as_str())).collect();
    assert_eq!(told, [(6, Some("/cards/1/done")), (3, None), (1, None)]);
    assert!(all[2].get("old").is_none(), "nothing was there: {}", all[2]);
    let human = redraft(&["blame", &store, "/board/1/done", "--all"]).ok();
    assert!(human.contains("/board/1/done moved here from /cards/1/done\n"), "{human}");
    let gone = redraft(&["blame", &store, "/cards"]).ok();
    assert!(gone.starts_with("6  ") && gone.trim_end().ends_with("-> (nothing)"), "{gone}");
    let never = redraft(&["blame", &store, "/never"]).refused(1);
    assert!(never.contains("/never"), "{never}");
    redraft(&["blame", &store, "never"]).refused(2);
}

#[test]
fn bisect_finds_the_first_version_by_a_condition_or_a_command() {
    let place = Place::new();
    let store = shop(&place);
    let found = redraft(&["bisect", &store, "--where", "/stock < 7", "--json"]).json();
    assert_eq!(found["first"], 4);
    assert!(found["looked_at"].as_u64().unwrap() <= 5, "{found}");
    let human = redraft(&["bisect", &store, "--where", "/stock < 7"]).ok();
    assert!(human.starts_with("true in version 4 and not in the one before"), "{human}");
    assert!(human.contains("\n4  2026-05-03T08:00:00Z  sell\n    replace /stock 3\n"), "{human}");
    let by_command = redraft(&["bisect", &store, "--run", "grep -q '\"stock\":3'", "--json"]).json();
    assert_eq!(by_command, found);
    let early = redraft(&["bisect", &store, "--where", "/stock exists", "--from", "3"]).ok();
    assert!(early.starts_with("true in version 3 already"), "{early}");
    let none = redraft(&["bisect", &store, "--where", "/stock > 50"]).refused(1);
    assert!(none.contains("version 6"), "{none}");
    let broken = redraft(&["bisect", &store, "--run", "exit 126"]).refused(1);
    assert!(broken.contains("exit 126"), "{broken}");
    assert_eq!(redraft(&["bisect", &store]).code, 2);
    assert_eq!(redraft(&["bisect", &store, "--where", "/stock ~ 3"]).code, 2);
    redraft(&["bisect", &store, "--where", "/stock exists", "--from", "9"]).refused(1);
}

#[test]
fn a_command_that_does_not_read_the_state_is_asked_all_the_same() {
    let place = Place::new();
    let store =
        imported(&place, "large", &[json!([{"op": "add", "path": "/text", "value": "x".repeat(1 << 20)}])]);
    assert_eq!(redraft(&["bisect", &store, "--run", "true", "--json"]).json()["first"], 0);
    redraft(&["bisect", &store, "--run", "false"]).refused(1);
}

#[test]
fn diff_counts_with_stat_and_takes_times_and_colours() {
    let place = Place::new();
    let store = shop(&place);
    let stat = redraft(&["diff", &store, "1", "4", "--stat"]).ok();
    assert_eq!(stat, "/cards  +0 -0 ~1\n/stock  +0 -0 ~1\n2 ops: +0 -0 ~2\n");
    let json = redraft(&["diff", &store, "4", "6", "--stat", "--json"]).json();
    assert_eq!((&json["ops"], &json["places"]["/board"]["added"]), (&json!(2), &json!(1)));
    let coloured = redraft(&["diff", &store, "1", "2", "--color", "always"]).ok();
    assert_eq!(coloured, "\u{1b}[33mreplace /stock 10 -> 7\u{1b}[0m\n");
    assert_eq!(redraft(&["diff", &store, "1", "2"]).ok(), "replace /stock 10 -> 7\n");
    let today = redraft(&["diff", &store, "1h ago", "now", "--format", "native"]).json();
    assert_eq!(today, redraft(&["diff", &store, "0", "6", "--format", "native"]).json());
}

#[test]
fn a_time_stands_for_the_version_that_was_the_newest_then() {
    let place = Place::new();
    let store = place.store("s", 3);
    assert_eq!(redraft(&["show", &store, "/n", "--at", "now"]).ok(), "3\n");
    let before = redraft(&["show", &store, "--at", "2h ago"]);
    assert!(before.err.starts_with("note: nothing had been recorded by then"), "{before:?}");
    assert_eq!(before.ok(), "{}\n");
    let log = redraft(&["log", &store, "--json"]).json_lines();
    let recorded = log[1]["recorded"].as_str().unwrap();
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let recorded_by = |line: &&serde_json::Value| time(line["recorded"].as_str().unwrap()) <= time(recorded);
    let expected = log.iter().filter(recorded_by).count();
    let shown = redraft(&["show", &store, "--json", "--at", recorded]).json();
    assert_eq!(shown["version"], expected as u64);

    let second = place.at("second");
    let restored = redraft(&["restore", &store, "--at", "now", "--to", &second, "--json"]).json();
    assert_eq!(restored["version"], 3);
    let refused = redraft(&["show", &second, "--at", "2001-02-03"]).refused(1);
    assert!(refused.contains("2001-02-03T00:00:00Z") && refused.contains("version 3"), "{refused}");
    assert_eq!(redraft(&["show", &store, "--at", "soon"]).code, 2);
}

#[test]
fn replay_shows_changes_or_states_as_they_happened() {
    let place = Place::new();
    let store = shop(&place);
    let at_once = redraft(&["replay", &store, "--speed", "max"]).ok();
    assert_eq!(at_once, redraft(&["log", &store]).ok());
    let part = redraft(&["replay", &store, "--speed", "0", "--from", "2", "--to", "4", "--json"]);
    assert_eq!(versions(part), [2, 3, 4]);
    // Days between them, of which there is not to be waited for one second.
    let states =
        redraft(&["replay", &store, "--pause", "0", "--states", "--from", "2", "--to", "4", "--json"])
            .json_lines();
    let stock: Vec<_> = states.iter().map(|line| line["state"]["stock"].as_u64().unwrap()).collect();
    assert_eq!(stock, [7, 7, 3]);
    let human = redraft(&["replay", &store, "--speed", "1e12", "--states", "--to", "1"]).ok();
    assert!(human.starts_with("1  2026-05-01T08:00:00Z  open\n{\n"), "{human}");
    assert_eq!(redraft(&["replay", &store, "--speed", "fast"]).code, 2);
}

#[test]
fn stats_count_what_there_is() {
    let place = Place::new();
    let store = shop(&place);
    let stats = redraft(&["stats", &store, "--json"]).json();
    assert_eq!(
        (&stats["version"], &stats["changes"], &stats["snapshots"]),
        (&json!(6), &json!(6), &json!(0))
    );
    assert_eq!(
        (&stats["first"], &stats["last"]),
        (&json!("2026-05-01T08:00:00Z"), &json!("2026-05-04T09:00:00Z"))
    );
    let plot: u64 = stats["plot"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(plot, 6);
    assert_eq!(stats["places"][0], json!({"path": "/stock", "ops": 3}));
    let ops: u64 = stats["ops"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    let listed: u64 =
        stats["places"].as_array().unwrap().iter().map(|place| place["ops"].as_u64().unwrap()).sum();
    assert_eq!((ops, listed), (8, 8));
    let human = redraft(&["stats", &store, "--places", "1"]).ok();
    assert!(human.starts_with("version 6, 6 changes kept\n") && human.ends_with("3  /stock\n"), "{human}");
    assert_eq!(human.lines().find(|line| line.starts_with('|')).unwrap().chars().count(), 50, "{human}");
    redraft(&["stats", &place.store("empty", 0)]).ok();
}

#[test]
fn what_is_exported_makes_the_same_store_again() {
    let place = Place::new();
    let (store, copy) = (shop(&place), place.at("copy"));
    let lines = redraft(&["export", &store]).json_lines();
    assert_eq!(lines, redraft(&["log", &store, "--json"]).json_lines());
    let patches: String = lines.iter().map(|line| format!("{}\n", line["patch"])).collect();
    redraft(&["init", &copy]).ok();
    redraft_fed(&["apply", &copy, "--lines", "--format", "native"], patches.as_bytes()).ok();
    let state = redraft(&["export", &store, "--state"]).ok();
    assert_eq!(redraft(&["export", &copy, "--state"]).ok(), state);
    assert_eq!(redraft(&["export", &store, "--state", "--at", "1"]).json()["stock"], 10);

    let second = place.at("second");
    redraft(&["restore", &store, "--at", "4", "--to", &second]).ok();
    redraft_fed(&["apply", &second], br#"[{"op":"add","path":"/more","value":1}]"#).ok();
    let refused = redraft(&["export", &second]).refused(1);
    assert!(refused.contains("--from 5"), "{refused}");
    assert_eq!(versions(redraft(&["export", &second, "--from", "5"])), [5]);
}

#[test]
fn nothing_of_a_store_reaches_a_terminal_unescaped() {
    let place = Place::new();
    let evil = "a\u{1b}[2Jb\u{202e}c\nd";
    let patch =
        |value: &str| json!([{"op": "add", "path": format!("/{evil}"), "value": format!("{evil}{value}")}]);
    let lines = [
        change(evil, "2026-05-01T08:00:00Z", &patch("1")),
        change(evil, "2026-05-02T08:00:00Z", &patch("2")),
    ];
    let store = imported(&place, "evil", &lines);
    let pointer = format!("/{evil}");
    let where_ = format!("/{evil} exists");
    let verbs: [&[&str]; 9] = [
        &["log", &store, "--reverse"],
        &["blame", &store, &pointer],
        &["blame", &store, &pointer, "--all", "--full"],
        &["bisect", &store, "--where", &where_],
        &["diff", &store, "1", "2"],
        &["diff", &store, "1", "2", "--stat"],
        &["replay", &store, "--speed", "max"],
        &["replay", &store, "--speed", "max", "--states"],
        &["stats", &store],
    ];
    for verb in verbs {
        let out = redraft(verb).ok();
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{verb:?}: {out}");
        assert!(out.contains("\\u001b"), "{verb:?}: {out}");
    }
    let coloured = redraft(&["diff", &store, "1", "2", "--color", "always"]).ok();
    assert_eq!(coloured.matches('\u{1b}').count(), 2, "{coloured}");
    let never = redraft(&["blame", &store, "/\u{1b}[2J"]).refused(1);
    assert!(!never.contains('\u{1b}'), "{never}");
}
