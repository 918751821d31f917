//! The state at every version, place by place: what the page shows is what the store says, and what the change did is marked.

use crate::looked::{Looked, escaped};
use redraft::{Value, value};
use serde_json::Value as Json;

/// Every element of a node, over all its pages.
fn children(looked: &Looked, version: u64, path: &str, limit: usize) -> (Json, Vec<Json>) {
    let (mut all, mut first) = (Vec::new(), Json::Null);
    loop {
        let query = format!("node?at={version}&path={}&offset={}&limit={limit}", escaped(path), all.len());
        let node = looked.running.json(&query);
        all.extend(node["children"].as_array().unwrap().iter().cloned());
        let more = node["more"].as_bool().unwrap();
        if first.is_null() {
            first = node;
        }
        if !more {
            return (first, all);
        }
    }
}

/// Goes through all of the state and holds it against the store's own; how many places that were.
fn walk(looked: &Looked, version: u64, path: &str, now: &Value, before: Option<&Value>) -> usize {
    let (node, children) = children(looked, version, path, 3);
    assert_eq!(node["path"], path);
    let expected: Vec<(String, &Value)> = match now {
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), value)).collect(),
        Value::List(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let keys: Vec<&str> = children.iter().map(|child| child["key"].as_str().unwrap()).collect();
    assert_eq!(keys, expected.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), "{path}");
    if !matches!(now, Value::Map(_) | Value::List(_)) {
        assert_eq!(node["preview"], now.to_string());
    }
    let in_list = now.as_list().is_some();
    let mut count = 1;
    for ((key, value), child) in expected.into_iter().zip(&children) {
        let old = before.and_then(|before| before.get(&*key)).filter(|_| !in_list);
        if !in_list {
            marked_right(child, value, old);
        }
        let below = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        assert_eq!(child["path"], below);
        // Of what moves in a list only the store knows what it was.
        if !in_list || before.is_none() {
            count += walk(looked, version, &below, value, old);
        }
    }
    count
}

#[track_caller]
fn marked_right(child: &Json, now: &Value, before: Option<&Value>) {
    let touched = child["touched"].as_str();
    let containers = |old: &Value| {
        old.as_map().is_some() && now.as_map().is_some() || old.as_list().is_some() && now.as_list().is_some()
    };
    match before {
        None => assert!(matches!(touched, Some("added" | "moved")), "{child}"),
        Some(old) if old == now => assert_eq!(touched, None, "{child}"),
        Some(old) if containers(old) => assert_eq!(touched, Some("within"), "{child}"),
        Some(_) => assert_eq!(touched, Some("changed"), "{child}"),
    }
}

#[test]
fn every_place_of_every_version_is_what_the_store_says_with_marks_where_it_changed() {
    let looked = Looked::lively(11, 40);
    let mut places = 0;
    for version in (1..=looked.store.version()).rev().step_by(3) {
        let (now, before) = (looked.store.at(version).unwrap(), looked.store.at(version - 1).unwrap());
        places += walk(&looked, version, "", &now, Some(&before));
    }
    assert!(places > 100, "{places}");
}

#[test]
fn elements_of_a_list_are_marked_as_themselves_though_their_numbers_change() {
    let looked = Looked::new();
    looked.store.produce(|doc| doc["list"] = value!([10, 20, 30])).unwrap();
    looked
        .store
        .produce(|doc| {
            let list = doc["list"].as_list_mut().unwrap();
            list[2] = 31.into();
            list.insert(0, 5);
            list.remove(1);
        })
        .unwrap();
    assert_eq!(*looked.store.state(), value!({ "list": [5, 20, 31] }));
    let (node, children) = children(&looked, 2, "/list", 10);
    let marks: Vec<Option<&str>> = children.iter().map(|child| child["touched"].as_str()).collect();
    assert_eq!(marks[1], None);
    assert!(marks[0].is_some() && marks[2].is_some(), "{marks:?}");
    assert_eq!(node["touched"], "within");
}

#[test]
fn what_a_change_took_away_is_told_where_it_was() {
    let looked = Looked::new();
    looked.store.produce(|doc| *doc = value!({ "a": { "x": 1, "y": [true] }, "b": 2 })).unwrap();
    looked.store.produce(|doc| drop(doc["a"].as_map_mut().unwrap().remove("y"))).unwrap();
    let node = looked.running.json("node?at=2&path=/a");
    assert_eq!(node["removed"], serde_json::json!([{ "path": "/a/y", "preview": "[true]" }]));
    assert_eq!(looked.running.json("node?at=1&path=/a")["removed"], serde_json::json!([]));
    assert_eq!(looked.running.get("node?at=2&path=/a/y").problem(404)["kind"], "not-found");
}

#[test]
fn a_page_around_a_key_has_it_in_the_largest_of_maps_and_lists() {
    let looked = Looked::new();
    let rows: Vec<Value> = (0..5_000).map(Value::from).collect();
    looked
        .store
        .produce(|doc| {
            doc["list"] = rows.into();
            for number in 0..5_000_i64 {
                doc["map"][&*format!("{number:05}")] = number.into();
            }
        })
        .unwrap();
    for (path, key, position) in [("/map", "04321", 4321), ("/list", "4999", 4999), ("/map", "00000", 0)] {
        let node = looked.running.json(&format!("node?path={path}&around={key}&limit=100"));
        assert_eq!(node["offset"], position - position % 100);
        let children = node["children"].as_array().unwrap();
        assert_eq!(children[position % 100]["key"], key);
        assert!(children.len() == 100 && node["size"] == 5_000);
    }
    assert_eq!(looked.running.json("node?path=/map&around=none&limit=10")["offset"], 0);
    let end = looked.running.json("node?path=/list&offset=4990&limit=100");
    assert_eq!((end["children"].as_array().unwrap().len(), &end["more"]), (10, &false.into()));
}

#[test]
fn a_value_is_given_out_as_json_unless_it_is_too_long() {
    let looked = Looked::lively(12, 20);
    let version = looked.store.version();
    let told = looked.running.get(&format!("value?at={version}"));
    assert_eq!(Value::from_json(told.text().as_bytes()).unwrap(), *looked.store.state());
    looked.store.produce(|doc| doc["long"] = "x".repeat(1 << 20).into()).unwrap();
    looked.running.get("value?path=/long").problem(413);
    looked.running.get("value").problem(413);
    assert_eq!(looked.running.get(&format!("value?at={version}")).status, 200);
}
