//! Changes from the page: only where they are let, as they were shown, and refused once something came in between.

use crate::looked::{Looked, Running};
use redraft::http::Access;
use redraft::inspect::Inspector;
use redraft::replica::{LocalOrder, Node};
use redraft::{Options, Reader, Value, value};
use serde_json::json;
use std::sync::Arc;

fn written() -> Looked {
    let looked = Looked::of(&Options::new(), |inspector| inspector.writes(true));
    for number in 1..=3 {
        looked.store.produce(|doc| doc[&*format!("k{number}")] = number.into()).unwrap();
    }
    looked
}

#[test]
fn nothing_is_changed_unless_it_was_let() {
    let only_looked = Looked::lively(51, 5);
    let read_only =
        Looked::of(&Options::new(), |inspector| inspector.writes(true).access(Access::new().read_only(true)));
    read_only.live(51, 5);
    let before = (only_looked.store.version(), read_only.store.version());
    let reader = Reader::<Value>::open(only_looked.path()).unwrap();
    let elsewhere = Running::new(Inspector::new(reader).writes(true));
    for running in [&only_looked.running, &read_only.running, &elsewhere] {
        assert_eq!(running.json("store")["writes"], false);
        for target in ["undo", "restore"] {
            for body in [json!({ "version": 1 }), json!({ "version": 1, "preview": true }), json!("x")] {
                running.post(target, &body).problem(403);
            }
        }
    }
    assert_eq!((only_looked.store.version(), read_only.store.version()), before);
}

#[test]
fn an_undo_is_shown_first_and_does_what_was_shown() {
    let looked = written();
    assert_eq!(looked.running.json("store")["writes"], true);
    let shown = looked.running.post("undo", &json!({ "version": 2, "preview": true })).with(200);
    assert_eq!(
        (&shown["at"], &shown["patch"][0]["op"], &shown["patch"][0]["path"]),
        (&json!(3), &json!("remove"), &json!("/k2"))
    );
    assert_eq!(looked.store.version(), 3);
    let done = looked.running.post("undo", &json!({ "version": 2, "at": 3 })).with(200);
    assert_eq!(done, json!({ "version": 4 }));
    assert_eq!(*looked.store.state(), value!({ "k1": 1, "k3": 3 }));
    assert_eq!(looked.running.json("change/4")["kind"], "undo");
    // It is undone already.
    looked.running.post("undo", &json!({ "version": 2, "at": 4 })).problem(422);
    looked.running.post("undo", &json!({ "version": 2, "preview": true })).problem(422);
}

#[test]
fn what_was_shown_for_another_version_is_not_done() {
    let looked = written();
    for target in ["undo", "restore"] {
        let head = looked.store.version();
        let shown = looked.running.post(target, &json!({ "version": 1, "preview": true })).with(200);
        looked.store.produce(|doc| doc["other"] = (head + 100).into()).unwrap();
        let body = json!({ "version": 1, "at": shown["at"] });
        assert_eq!(looked.running.post(target, &body).problem(409)["kind"], "stale");
        assert_eq!(looked.store.version(), head + 1);
    }
}

#[test]
fn a_return_to_a_version_is_a_change_that_can_be_taken_back() {
    let looked = written();
    let shown = looked.running.post("restore", &json!({ "version": 1, "preview": true })).with(200);
    assert_eq!((shown["patch"].as_array().unwrap().len(), &shown["at"]), (2, &json!(3)));
    let done = looked.running.post("restore", &json!({ "version": 1, "at": 3 })).with(200);
    assert_eq!(done["version"], 4);
    assert_eq!(*looked.store.state(), value!({ "k1": 1 }));
    assert_eq!(looked.running.json("change/4")["kind"], "restore");
    looked.running.post("undo", &json!({ "version": 4, "at": 4 })).with(200);
    assert_eq!(*looked.store.state(), *looked.store.at(3).unwrap());
    looked.running.post("restore", &json!({ "version": 99, "preview": true })).problem(404);
    looked.running.post("restore", &json!({ "version": 99 })).problem(404);
    for body in [json!({}), json!({ "version": -1 }), json!({ "version": 1, "more": 1 }), json!(["x"])] {
        looked.running.post("restore", &body).problem(400);
    }
}

/// Two nodes of one order, one of which is looked into.
#[test]
fn through_a_node_what_is_taken_back_is_taken_back_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let order = Arc::new(LocalOrder::open(dir.path().join("order")).unwrap());
    let [looked, other] = ["looked", "other"].map(|name| {
        let node: Node<Value> = Node::open(Arc::clone(&order) as _, dir.path().join(name)).unwrap();
        Arc::new(node)
    });
    let running = Running::new(Inspector::new(Arc::clone(&looked)).writes(true));
    for number in 1..=3 {
        other.produce(|doc| doc[&*format!("k{number}")] = number.into()).unwrap();
    }
    looked.wait_for(3).unwrap();
    assert_eq!(running.json("store")["writes"], true);
    let shown = running.post("undo", &json!({ "version": 2, "preview": true })).with(200);
    assert_eq!((&shown["at"], &shown["patch"][0]["path"]), (&json!(3), &json!("/k2")));
    // Somebody else was faster: what was shown is not what would be done.
    other.produce(|doc| doc["other"] = 1.into()).unwrap();
    for target in ["undo", "restore"] {
        assert_eq!(running.post(target, &json!({ "version": 2, "at": 3 })).problem(409)["kind"], "stale");
    }
    looked.wait_for(4).unwrap();
    assert_eq!(running.post("undo", &json!({ "version": 2, "at": 4 })).with(200)["version"], 5);
    assert_eq!(*other.wait_for(5).unwrap(), value!({ "k1": 1, "k3": 3, "other": 1 }));
    running.post("undo", &json!({ "version": 2, "at": 5 })).problem(422);
    assert_eq!(running.post("restore", &json!({ "version": 1 })).with(200)["version"], 6);
    assert_eq!(*other.wait_for(6).unwrap(), value!({ "k1": 1 }));
    assert_eq!(running.json("change/6")["kind"], "restore");
}
