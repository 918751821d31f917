//! Of a store whose state is a Rust type, what the log says is shown, before a migration as after it.

use crate::looked::Running;
use redraft::{State, Store, Value};
use serde_json::json;
use std::sync::Arc;

mod yesterday {
    #[derive(Clone, Debug, Default, redraft::State)]
    pub(super) struct Board {
        pub(super) title: String,
        pub(super) votes: i64,
    }
}

#[derive(Clone, Debug, Default, State)]
#[state(schema = 2, migrate = "step")]
struct Board {
    name: String,
    votes: i64,
}

fn step(_from: u32, board: &mut Value) {
    board["name"] = board["title"].clone();
    board.as_map_mut().and_then(|board| board.remove("title"));
}

#[test]
fn every_version_is_shown_as_it_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let old = Store::<yesterday::Board>::open(dir.path()).unwrap();
    old.produce(|board| board.title = "plan".into()).unwrap();
    old.produce(|board| board.votes += 1).unwrap();
    old.close().unwrap();
    let store = Arc::new(Store::<Board>::open(dir.path()).unwrap());
    let last = store.produce(|board| board.votes += 1).unwrap().version();
    let running = Running::of(Arc::clone(&store));
    let value = |version: u64| running.json(&format!("value?at={version}"));
    assert_eq!(value(1), json!({ "title": "plan", "votes": 0 }));
    assert_eq!(value(2), json!({ "title": "plan", "votes": 1 }));
    assert_eq!(value(3), json!({ "name": "plan", "votes": 1 }));
    assert_eq!(value(last), json!({ "name": "plan", "votes": 2 }));
    assert_eq!(running.json("change/3")["kind"], "migration");
    let marks = running.json(&format!("node?at={last}"));
    assert_eq!(marks["children"][1]["touched"], "changed");
    assert_eq!(marks["children"][0]["touched"], json!(null));
    assert_eq!(running.json("life?path=/votes")["changes"].as_array().unwrap().len(), 3);
}

#[test]
fn an_undo_is_made_for_the_type_and_shown_as_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::<yesterday::Board>::open(dir.path()).unwrap());
    store.produce(|board| board.title = "plan".into()).unwrap();
    let made = store.produce(|board| board.votes = 7).unwrap().version();
    let running = Running::new(redraft::inspect::Inspector::new(Arc::clone(&store)).writes(true));
    let shown = running.post("undo", &json!({ "version": made, "preview": true })).with(200);
    assert_eq!((&shown["patch"][0]["old"], &shown["patch"][0]["new"]), (&json!("7"), &json!("0")));
    running.post("undo", &json!({ "version": made, "at": made })).with(200);
    assert_eq!((store.state().votes, &*store.state().title), (0, "plan"));
    running.post("restore", &json!({ "version": made, "at": made + 1 })).with(200);
    assert_eq!(store.state().votes, 7);
}
