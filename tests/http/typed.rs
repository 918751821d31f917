//! Of a store whose state is a Rust type, what the log says is served: state and changes agree, across a migration too.

use crate::server::Running;
use redraft::http::{Served, Server};
use redraft::{Patch, State, Store, Value, value};
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
    #[state(default)]
    color: String,
}

fn step(_from: u32, board: &mut Value) {
    board["name"] = board["title"].clone();
    board.as_map_mut().and_then(|board| board.remove("title"));
}

/// The oracle is applying what was told, from nothing: it meets every state on the way.
#[test]
fn changes_lead_to_each_state_across_a_migration() {
    let dir = tempfile::tempdir().unwrap();
    let old = Store::<yesterday::Board>::open(dir.path()).unwrap();
    old.produce(|board| board.title = "plan".into()).unwrap();
    old.produce(|board| board.votes += 1).unwrap();
    old.close().unwrap();
    let store = Arc::new(Store::<Board>::open(dir.path()).unwrap());
    assert_eq!(store.opened().migrated_from, Some(1));
    store.produce(|board| board.votes += 1).unwrap();
    store.produce(|board| board.color = "red".into()).unwrap();
    let running = Running::new(Server::new(Served::from(Arc::clone(&store))));
    let mut client = running.client();
    assert_eq!(client.get("/v1/store").with(200)["schema"], 2);
    let changes = client.get("/v1/changes?format=json-patch").with(200);
    let mut document = Value::default();
    for change in changes.as_array().unwrap() {
        let patch = Patch::from_json_patch(change["patch"].to_string().as_bytes(), &document).unwrap();
        document = redraft::apply(&document, &patch).unwrap().state;
        let state = client.get(&format!("/v1/state?at={}", change["version"]));
        assert_eq!(Value::from_json(&state.body).unwrap(), document, "{change}");
    }
    assert_eq!(document, value!({ "name": "plan", "votes": 2, "color": "red" }));
    assert_eq!(client.get("/v1/state?at=2").with(200), json!({ "title": "plan", "votes": 1 }));
}

/// A field that the log does not hold yet is not shown until it does; then the change says so.
#[test]
fn what_a_type_fills_in_is_served_once_it_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let old = Store::<yesterday::Board>::open(dir.path()).unwrap();
    old.produce(|board| board.title = "plan".into()).unwrap();
    old.close().unwrap();
    #[derive(Clone, Debug, Default, State)]
    struct Board {
        title: String,
        votes: i64,
        #[state(default)]
        color: String,
    }
    let store = Arc::new(Store::<Board>::open(dir.path()).unwrap());
    let running = Running::new(Server::new(Served::from(Arc::clone(&store))));
    let mut client = running.client();
    let before = client.get("/v1/state").with(200);
    assert_eq!(before, json!({ "title": "plan", "votes": 0 }));
    let submission = json!({ "base": 1, "format": "merge-patch", "patch": { "votes": 1 } }).to_string();
    client.post("/v1/changes", &submission).with(201);
    let change = client.get("/v1/changes?from=2&format=json-patch").with(200)[0]["patch"].to_string();
    let document = Value::from_json(before.to_string().as_bytes()).unwrap();
    let patch = Patch::from_json_patch(change.as_bytes(), &document).unwrap();
    let after = redraft::apply(&document, &patch).unwrap().state;
    assert_eq!(after, value!({ "title": "plan", "votes": 1, "color": "" }));
    assert_eq!(client.get("/v1/state").with(200), json!({ "title": "plan", "votes": 1, "color": "" }));
    assert_eq!(
        (store.state().votes, store.state().title.as_str(), store.state().color.as_str()),
        (1, "plan", "")
    );
}
