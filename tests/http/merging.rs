//! A change that was made on an older version is merged: by the rules, once, and with an answer that is enough to go on.

use crate::server::Board;
use redraft::merge::{Policy, Rules};
use redraft::{Options, Patch, Retention, Value, value};
use serde_json::{Value as Json, json};

fn board(document: Value) -> Board {
    let board = Board::new();
    board.store.produce(|doc| *doc = document).unwrap();
    board
}

fn add(path: &str, value: impl Into<Json>) -> Json {
    json!([{ "op": "add", "path": path, "value": value.into() }])
}

/// The document that a client has, with what an answer tells.
fn with_changes(document: &Value, answer: &Json) -> Value {
    answer["changes"].as_array().unwrap().iter().fold(document.clone(), |document, change| {
        let patch = Patch::from_json_patch(change["patch"].to_string().as_bytes(), &document).unwrap();
        redraft::apply(&document, &patch).unwrap().state
    })
}

#[test]
fn a_change_made_on_an_old_version_is_led_past_what_came_since_and_told_as_it_took_effect() {
    let board = board(value!({ "list": ["a", "b"] }));
    let seen = (*board.store.state()).clone();
    board.store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "x")).unwrap();
    let sent = json!({ "base": 1, "format": "json-patch", "patch": add("/list/2", "c"), "label": "mine" });
    let answer = board.submit(&sent).with(201);
    let told = (&answer["version"], &answer["changed"], &answer["outcome"], &answer["notes"]);
    assert_eq!(told, (&json!(3), &json!(true), &json!("rebased"), &json!([])));
    assert_eq!(board.store.state()["list"], value!(["x", "a", "b", "c"]));
    assert_eq!(with_changes(&seen, &answer), *board.store.state());
    let made = board.store.changes(3..=3).unwrap().next().unwrap().unwrap();
    assert_eq!(made.meta.label.as_deref(), Some("mine"));
}

/// Immer says of an insertion that everything behind it was overwritten.
#[test]
fn an_insertion_as_immer_tells_it_leaves_alone_what_is_behind_it() {
    let board = board(value!({ "list": ["a", "b", "c"] }));
    let at =
        |place: usize, op: &str, value: &str| json!({ "op": op, "path": ["list", place], "value": value });
    for name in ["x", "y"] {
        let patch = [at(1, "replace", name), at(2, "replace", "b"), at(3, "add", "c")];
        board.submit(&json!({ "base": 1, "format": "immer", "patch": patch })).with(201);
    }
    let mut list: Vec<Value> = board.store.state()["list"].as_list().unwrap().iter().cloned().collect();
    assert_eq!((list.remove(0), list.pop(), list.pop()), ("a".into(), Some("c".into()), Some("b".into())));
    list.sort_by_key(ToString::to_string);
    assert_eq!(list, [Value::from("x"), Value::from("y")]);
}

#[test]
fn where_changes_meet_the_rules_decide_and_the_notes_say_so() {
    let board = board(value!({ "votes": 10, "title": "a" }));
    let rules = Rules::new()
        .with("/votes".parse().unwrap(), Policy::Counter)
        .with("/title".parse().unwrap(), Policy::FirstWins);
    board.store.set_rules(rules).unwrap();
    board.store.produce(|doc| (doc["votes"] = 13.into(), doc["title"] = "theirs".into()).1).unwrap();
    let patch = json!({ "votes": 11, "title": "mine" });
    let answer = board.submit(&json!({ "base": 2, "format": "merge-patch", "patch": patch })).with(201);
    assert_eq!(answer["outcome"], "partial");
    let policies: Vec<&str> =
        answer["notes"].as_array().unwrap().iter().map(|note| note["policy"].as_str().unwrap()).collect();
    assert!(policies.contains(&"counter") && policies.contains(&"first-wins"), "{answer}");
    assert!(answer["notes"].as_array().unwrap().iter().all(|note| note["met"] == 3), "{answer}");
    assert_eq!(*board.store.state(), value!({ "votes": 14, "title": "theirs" }));
}

#[test]
fn what_must_hold_for_a_change_is_looked_at() {
    let board = board(value!({ "a": 1, "none": null, "list": [] }));
    board.store.produce(|doc| doc["b"] = 2.into()).unwrap();
    let sent = |guards: Json| {
        board.submit(
            &json!({ "base": 1, "format": "json-patch", "patch": add("/list/0", 0), "guards": guards }),
        )
    };
    for (guard, holds) in [
        (json!({ "test": "/a", "value": 1 }), true),
        (json!({ "test": "/none", "value": null }), true),
        (json!({ "test": "/a", "value": null }), false),
        (json!({ "test": "/gone", "value": null }), false),
        (json!({ "unchanged": "/a" }), true),
        (json!({ "unchanged": "/b" }), false),
    ] {
        let before = board.store.version();
        let answer = sent(json!([guard])).with(if holds { 201 } else { 200 });
        assert_eq!(answer["changed"], json!(holds), "{guard}: {answer}");
        assert_eq!(board.store.version(), before + u64::from(holds), "{guard}");
        if !holds {
            assert_eq!(
                (&answer["outcome"], &answer["why"]),
                (&json!("rejected"), &json!("guard")),
                "{guard}"
            );
            assert!(!answer["detail"].as_str().unwrap().is_empty());
        }
    }
    for nonsense in
        [json!({}), json!({ "test": "/a" }), json!({ "test": "a", "value": 1 }), json!({ "if": "/a" })]
    {
        sent(json!([nonsense])).problem(422);
    }
}

#[test]
fn all_or_nothing_means_nothing_where_something_is_dropped() {
    let board = board(value!({ "item": { "text": "a" }, "list": [] }));
    board.store.produce(|doc| drop(doc.as_map_mut().unwrap().remove("item"))).unwrap();
    let patch = json!([
        { "op": "add", "path": "/list/0", "value": 1 },
        { "op": "replace", "path": "/item/text", "value": "b" },
    ]);
    let mut sent = json!({ "base": 1, "format": "json-patch", "patch": patch, "all_or_nothing": true });
    let refused = board.submit(&sent).with(200);
    assert_eq!((&refused["outcome"], &refused["why"]), (&json!("rejected"), &json!("conflict")), "{refused}");
    assert_eq!(board.store.state()["list"], value!([]));
    sent["all_or_nothing"] = json!(false);
    let partial = board.submit(&sent).with(201);
    assert_eq!(
        (&partial["outcome"], &partial["notes"][0]["resolution"]),
        (&json!("partial"), &json!("dropped"))
    );
    assert_eq!(board.store.state()["list"], value!([1]));
}

/// A writer's changes: each on top of those before it, and each once.
#[test]
fn the_numbered_changes_of_a_writer_stand_on_each_other_and_are_merged_once() {
    let board = board(value!({ "list": ["a"] }));
    board.store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "x")).unwrap();
    let sent = |sequence: u64, at: usize| {
        let patch = add(&format!("/list/{at}"), sequence);
        json!({ "base": 1, "format": "json-patch", "patch": patch, "writer": "4d2", "sequence": sequence,
            "written": "2026-01-31T12:00:00Z" })
    };
    assert_eq!(board.submit(&sent(1, 1)).with(201)["version"], 3);
    board.store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "y")).unwrap();
    // It is made behind the first, which nobody knew of at version 1 but its writer.
    assert_eq!(board.submit(&sent(2, 2)).with(201)["outcome"], "rebased");
    assert_eq!(board.store.state()["list"], value!(["y", "x", "a", 1, 2]));
    for (sequence, version) in [(1, 3), (2, 5)] {
        let again = board.submit(&sent(sequence, 1)).with(200);
        assert_eq!((&again["version"], &again["changed"]), (&json!(version), &json!(false)));
    }
    let gap = board.submit(&sent(4, 1)).problem(422);
    assert_eq!(
        (&gap["expected"], &gap["found"], &gap["writer"]),
        (&json!(3), &json!(4), &json!("00000000000004d2"))
    );
    assert_eq!(board.store.version(), 5);
    let own = board.store.changes(1..=1).unwrap().next().unwrap().unwrap().writer;
    let mut stolen = sent(1, 1);
    stolen["writer"] = json!(own.to_string());
    assert_eq!(board.submit(&stolen).problem(409)["kind"], "misuse");
    for half in
        [json!({ "base": 1, "patch": [], "writer": "1" }), json!({ "base": 1, "patch": [], "sequence": 1 })]
    {
        board.submit(&half).problem(422);
    }
    let mut undated = sent(3, 1);
    undated["written"] = json!("yesterday");
    board.submit(&undated).problem(422);
    assert_eq!(board.store.version(), 5);
}

#[test]
fn what_is_too_old_is_refused_and_what_was_done_before_is_known_for_ever() {
    let board = Board::of(&Options::new().segment_bytes(512), Default::default(), Default::default());
    board.number_up_to(1);
    let sent = |sequence: u64| {
        let patch = json!([{ "op": "add", "path": ["mine"], "value": sequence }]);
        json!({ "base": 1, "patch": patch, "writer": "7", "sequence": sequence })
    };
    board.submit(&sent(1)).with(201);
    board.number_up_to(100);
    board.store.snapshot().unwrap();
    board.store.compact_to(Retention::Changes(10)).unwrap();
    let again = board.submit(&sent(1)).with(200);
    assert_eq!((&again["changed"], &again["changes"]), (&json!(false), &json!(null)));
    let too_old = board.submit(&sent(2)).problem(409);
    assert_eq!(
        (&too_old["kind"], &too_old["head"], &too_old["changes"]),
        (&json!("stale"), &json!(100), &json!(null))
    );
    assert_eq!(board.store.version(), 100);
}

#[test]
fn who_wants_no_merging_is_refused_and_told_what_came_since() {
    let board = board(value!({ "n": 0 }));
    board.number_up_to(3);
    for by in [json!({}), json!({ "writer": "7", "sequence": 1 })] {
        let mut sent = json!({ "base": 2, "format": "merge-patch", "patch": { "m": 1 }, "stale": "refuse" });
        sent.as_object_mut().unwrap().extend(by.as_object().unwrap().clone());
        let late = board.submit(&sent).problem(409);
        assert_eq!(late["changes"].as_array().unwrap().len(), 1);
        assert_eq!(board.store.version(), 3);
        if by["writer"].is_string() {
            sent["base"] = json!(3);
            board.submit(&sent).with(201);
            assert_eq!(board.submit(&sent).with(200)["version"], 4, "an answer that was lost");
        }
    }
}

/// The same request many times at once, on an old version, while others write.
#[test]
fn a_named_change_that_is_sent_many_times_at_once_is_merged_once() {
    let board = board(value!({ "list": [] }));
    std::thread::scope(|scope| {
        for client in ["a", "b", "c", "d", "e", "f"] {
            let board = &board;
            scope.spawn(move || {
                for n in 0..15 {
                    let name = format!("{n}");
                    let sent =
                        json!({ "base": 1, "format": "json-patch", "patch": add("/list/0", n), "id": name });
                    let answer = board.submit(&sent);
                    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
                    board.store.produce(|doc| doc[client] = n.into()).unwrap();
                }
            });
        }
    });
    let mut list: Vec<i64> =
        (*board.store.state())["list"].as_list().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    list.sort_unstable();
    assert_eq!(list, (0..15).collect::<Vec<_>>());
}
