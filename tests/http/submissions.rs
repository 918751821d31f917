//! A submission for the newest version is applied to that very version; one for an older one that is not to be merged is answered
//! with what came since.

use crate::server::Board;
use redraft::{Patch, Value, value};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_submission_on_the_newest_version_is_a_change_like_any_other() {
    let board = Board::numbered(1);
    let submissions = [
        json!({ "base": 1, "format": "json-patch", "patch": [{ "op": "add", "path": "/list", "value": [] }], "label": "first", "tags": { "by": "ann" } }),
        json!({ "base": 2, "format": "immer", "patch": [{ "op": "add", "path": ["list", 0], "value": 7 }] }),
        json!({ "base": 3, "format": "merge-patch", "patch": { "n": null } }),
        json!({ "base": 4, "patch": [{ "op": "splice", "path": ["list"], "at": 1, "del": 0, "ins": [8, 9] }] }),
    ];
    for (index, submission) in submissions.iter().enumerate() {
        let answer = board.submit(submission);
        let clean = json!({ "version": index + 2, "changed": true, "outcome": "clean", "notes": [] });
        assert_eq!(answer.with(201), clean);
        let made = board.get(&format!("/v1/changes{}", answer.header("location"))).with(200);
        assert_eq!(made[0]["version"], index + 2);
    }
    assert_eq!(*board.store.state(), value!({ "list": [7, 8, 9] }));
    let first = board.store.changes(2..=2).unwrap().next().unwrap().unwrap();
    assert_eq!(first.meta.label.as_deref(), Some("first"));
    assert_eq!(first.meta.tags["by"], "ann");
}

#[test]
fn a_submission_that_changes_nothing_records_nothing() {
    let board = Board::numbered(3);
    let answer = board.submit(&json!({ "base": 3, "format": "json-patch", "patch": [] }));
    let nothing = json!({ "version": 3, "changed": false, "outcome": "clean", "notes": [] });
    assert_eq!(answer.with(200), nothing);
    assert_eq!(board.store.version(), 3);
}

/// What the answer carries is enough to go on: the client's document, with the changes that came, is the newest one.
#[test]
fn who_is_too_late_gets_what_came_since() {
    let board = Board::numbered(3);
    let mut document = (*board.store.state()).clone();
    board.number_up_to(5);
    let patch = json!([{ "op": "replace", "path": ["n"], "value": 0 }]);
    let late = json!({ "base": 3, "format": "immer", "patch": patch, "stale": "refuse" });
    let conflict = board.submit(&late).problem(409);
    assert_eq!(
        (&conflict["kind"], &conflict["head"], &conflict["base"]),
        (&json!("stale"), &json!(5), &json!(3))
    );
    for change in conflict["changes"].as_array().unwrap() {
        let patch = Patch::from_immer(change["patch"].to_string().as_bytes(), &document).unwrap();
        document = redraft::apply(&document, &patch).unwrap().state;
    }
    assert_eq!(document, *board.store.state());
    assert_eq!(board.store.version(), 5, "a late submission changed something");
    let again =
        json!({ "base": 5, "format": "immer", "patch": [{ "op": "replace", "path": ["n"], "value": 0 }] });
    board.submit(&again).with(201);
}

#[test]
fn a_conflict_is_bounded_and_says_where_the_rest_is() {
    let board = Board::numbered(250);
    let conflict = board.submit(&json!({ "base": 1, "patch": [], "stale": "refuse" })).problem(409);
    let told = conflict["changes"].as_array().unwrap().len() as u64;
    assert!((1..249).contains(&told));
    let rest = board.get(&format!("/v1/changes{}", conflict["next"].as_str().unwrap())).with(200);
    assert_eq!(rest[0]["version"], 2 + told);
}

#[test]
fn a_conflict_about_what_is_compacted_sends_to_the_state() {
    let board =
        Board::of(&redraft::Options::new().segment_bytes(512), Default::default(), Default::default());
    board.number_up_to(100);
    board.store.snapshot().unwrap();
    board.store.compact_to(redraft::Retention::Changes(10)).unwrap();
    let conflict = board.submit(&json!({ "base": 1, "patch": [], "id": "one" })).problem(409);
    assert_eq!((&conflict["changes"], &conflict["head"]), (&json!(null), &json!(100)));
}

/// The answer got lost, so it is sent again: it is done once, and the client learns that it is.
#[test]
fn the_same_submission_sent_again_is_done_once() {
    let board = Board::numbered(1);
    let vote =
        json!({ "base": 1, "patch": [{ "op": "add", "path": ["votes"], "value": 1 }], "id": "vote of ann" });
    board.submit(&vote).with(201);
    board.number_up_to(9);
    let again = board.submit(&vote).with(200);
    assert_eq!((&again["version"], &again["changed"]), (&json!(2), &json!(false)));
    let other =
        json!({ "base": 1, "patch": [{ "op": "add", "path": ["votes"], "value": 2 }], "id": "vote of ben" });
    assert_eq!(board.submit(&other).with(201)["version"], 10);
    assert_eq!(board.submit(&other).with(200)["version"], 10);
}

/// Clients that each count by one, from whatever they know: no count gets lost, whoever is late.
#[test]
fn of_submissions_at_once_one_wins_each_version() {
    let board = Board::numbered(1);
    board.store.produce(|doc| *doc = value!({ "count": 0 })).unwrap();
    let (conflicts, clients, each) = (AtomicU64::new(0), 4u64, 25u64);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut client = board.running.client();
                for _ in 0..each {
                    loop {
                        let state = client.get("/v1/state");
                        let base: u64 = state.header("redraft-version").parse().unwrap();
                        let count = state.json()["count"].as_u64().unwrap() + 1;
                        let patch = json!([{ "op": "replace", "path": "/count", "value": count }]);
                        let submission = json!({ "base": base, "format": "json-patch", "patch": patch, "stale": "refuse" });
                        let answer = client.post("/v1/changes", &submission.to_string());
                        match answer.status {
                            201 => break,
                            _ => drop(answer.problem(409)),
                        }
                        conflicts.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(board.store.state()["count"].as_u64(), Some(clients * each));
    assert_eq!(board.store.version(), 2 + clients * each);
    assert!(conflicts.load(Ordering::Relaxed) > 0, "nobody was ever late, so nothing was tested");
}

#[test]
fn a_patch_that_does_not_fit_says_which_operation_and_where() {
    let board = Board::numbered(2);
    let unfit = [
        (
            "json-patch",
            json!([{ "op": "test", "path": "/n", "value": 2 }, { "op": "remove", "path": "/m" }]),
            1,
            "/m",
        ),
        ("json-patch", json!([{ "op": "test", "path": "/n", "value": 3 }]), 0, "/n"),
        ("json-patch", json!([{ "op": "add", "path": "n", "value": 3 }]), 0, "n"),
        ("native", json!([{ "op": "inc", "path": ["list"], "by": 1 }]), 0, r#"["list"]"#),
        ("native", json!([{ "op": "explode", "path": ["n"] }]), 0, r#"["n"]"#),
    ];
    for (format, patch, op_index, path) in unfit {
        let refused = board.submit(&json!({ "base": 2, "format": format, "patch": patch })).problem(422);
        assert_eq!((&refused["op_index"], &refused["path"]), (&json!(op_index), &json!(path)), "{refused}");
    }
    assert_eq!(board.store.version(), 2);
}

/// None of these may change anything, take long or bring the server down.
#[test]
fn hostile_submissions_are_refused_and_change_nothing() {
    let board = Board::numbered(2);
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let wide =
        (0..30).map(|n| format!(r#"{{"op":"copy","from":"","path":"/c{n}"}}"#)).collect::<Vec<_>>().join(",");
    let hostile = [
        (400, String::new()),
        (400, "{".into()),
        (400, "\u{0}".into()),
        (422, "[]".into()),
        (422, "{}".into()),
        (422, r#"{"base":2}"#.into()),
        (422, r#"{"base":-1,"patch":[]}"#.into()),
        (422, r#"{"base":2.0,"patch":[]}"#.into()),
        (422, r#"{"base":"2","patch":[]}"#.into()),
        (422, r#"{"base":2,"base":2,"patch":[]}"#.into()),
        (422, r#"{"base":2,"patch":[],"force":true}"#.into()),
        (422, r#"{"base":2,"format":"yaml","patch":[]}"#.into()),
        (422, r#"{"base":2,"patch":{}}"#.into()),
        (422, r#"{"base":2,"patch":"[]"}"#.into()),
        (422, r#"{"base":2,"patch":[],"id":""}"#.into()),
        (422, format!(r#"{{"base":2,"patch":[],"id":"{}"}}"#, "x".repeat(129))),
        (422, r#"{"base":2,"patch":[],"tags":{"submission":"mine"}}"#.into()),
        (422, r#"{"base":99,"patch":[]}"#.into()),
        (422, r#"{"base":18446744073709551615,"patch":[]}"#.into()),
        (422, format!(r#"{{"base":2,"format":"json-patch","patch":{}}}"#, deep(100_000))),
        (422, format!(r#"{{"base":2,"format":"json-patch","patch":[{{"op":"add","path":"/d","value":{}}}]}}"#, deep(129))),
        (422, format!(r#"{{"base":2,"format":"json-patch","patch":[{wide}]}}"#)),
        (422, r#"{"base":2,"format":"immer","patch":[{"op":"add","path":["__proto__","x"],"value":1}]}"#.into()),
        (422, r#"{"base":2,"format":"immer","patch":[{"op":"add","path":["constructor","prototype"],"value":1}]}"#.into()),
        (422, r#"{"base":2,"format":"json-patch","patch":[{"op":"add","path":"/list/99999999999999999999","value":1}]}"#.into()),
        (422, r#"{"base":2,"patch":[{"op":"splice","path":["n"],"at":18446744073709551615,"del":1,"ins":[]}]}"#.into()),
    ];
    for (status, body) in &hostile {
        let shown: String = body.chars().take(120).collect();
        let answer = board.running.client().post("/v1/changes", body);
        assert_eq!(answer.status, *status, "{shown}: {}", String::from_utf8_lossy(&answer.body));
    }
    assert_eq!((board.store.version(), &*board.store.state()), (2, &value!({ "n": 2 })));
    board.submit(&json!({ "base": 2, "format": "merge-patch", "patch": { "n": 3 } })).with(201);
    let state: Value = Value::from_json(board.get("/v1/state").text().as_bytes()).unwrap();
    assert_eq!(state, value!({ "n": 3 }));
}

#[test]
fn a_typed_store_takes_what_fits_its_type_and_refuses_the_rest() {
    #[derive(Clone, Debug, Default, redraft::State)]
    struct Tally {
        name: String,
        count: u32,
    }
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(redraft::Store::<Tally>::open(dir.path()).unwrap());
    store.produce(|tally| tally.name = "votes".into()).unwrap();
    let running = crate::server::Running::new(redraft::http::Server::new(std::sync::Arc::clone(&store)));
    let mut client = running.client();
    assert_eq!(client.get("/v1/state").with(200), json!({ "name": "votes", "count": 0 }));
    let submit = |value: serde_json::Value| {
        json!({ "base": 1, "format": "json-patch", "patch": [{ "op": "replace", "path": "/count", "value": value }] }).to_string()
    };
    let refused = client.post("/v1/changes", &submit(json!("many"))).problem(422);
    assert_eq!((&refused["kind"], &refused["path"]), (&json!("refused"), &json!("/count")));
    client.post("/v1/changes", &submit(json!(-1))).problem(422);
    client.post("/v1/changes", &submit(json!(3))).with(201);
    assert_eq!((store.state().count, store.state().name.as_str()), (3, "votes"));
}
