//! A change with all that is known of it, and the difference of two versions: operations lead where they say.

use crate::looked::Looked;
use redraft::merge::Submission;
use redraft::{Meta, Patch, Value, apply, diff, value};
use serde_json::Value as Json;

/// The operations that were told, read back as a program would.
fn patch_of(told: &Json, before: &Value) -> Patch {
    let ops: Vec<Json> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|op| serde_json::from_str(op["text"].as_str().unwrap()).unwrap())
        .collect();
    // Pointers are turned into paths on the document as it is then.
    let mut document = before.clone();
    let mut patch = Vec::new();
    for mut op in ops {
        let pointer = redraft::value::Pointer::parse(op["path"].as_str().unwrap()).unwrap();
        let tokens: Vec<Json> = pointer
            .resolve(&document)
            .unwrap()
            .iter()
            .map(|segment| match segment.as_index() {
                Some(index) => index.into(),
                None => segment.to_string().into(),
            })
            .collect();
        op["path"] = tokens.into();
        let one = Patch::from_native(Json::from(vec![op]).to_string().as_bytes(), &document).unwrap();
        document = apply(&document, &one).unwrap().state;
        patch.extend(one.into_ops());
    }
    patch.into()
}

#[test]
fn the_operations_of_a_change_lead_from_the_version_before_and_back() {
    let looked = Looked::lively(21, 60);
    for version in 1..=looked.store.version() {
        let told = looked.running.json(&format!("change/{version}"));
        let (before, after) = (looked.store.at(version - 1).unwrap(), looked.store.at(version).unwrap());
        let patch = patch_of(&told["patch"], &before);
        assert_eq!(apply(&*before, &patch).unwrap().state, *after, "{told}");
        let inverse = patch_of(&told["inverse"], &after);
        assert_eq!(apply(&*after, &inverse).unwrap().state, *before, "{told}");
        let change = looked.store.changes(version..=version).unwrap().next().unwrap().unwrap();
        assert_eq!(told["patches"], change.patch.len());
        assert_eq!((&told["more"], &told["version"]), (&false.into(), &version.into()));
        for op in told["patch"].as_array().unwrap() {
            let lacks = |side: &str| op[side].is_null();
            match op["op"].as_str().unwrap() {
                "replace" => assert!(!lacks("old") && !lacks("new"), "{op}"),
                "remove" => assert!(!lacks("old") && lacks("new"), "{op}"),
                _ => assert!(!lacks("old") || !lacks("new"), "{op}"),
            }
        }
    }
}

#[test]
fn what_met_another_change_tells_what_became_of_it() {
    let looked = Looked::new();
    looked.store.produce(|doc| *doc = value!({ "title": "plan", "n": 1 })).unwrap();
    let base = looked.store.state();
    looked.store.produce(|doc| doc["title"] = "garden".into()).unwrap();
    let (patch, _) = diff(&*base, &value!({ "title": "house", "n": 2 })).unwrap();
    let submission = Submission::new(1, patch).by("6f1d8a02c9e4b753".parse().unwrap(), 1);
    let receipt = looked.store.merge(&submission).unwrap();
    let told = looked.running.json(&format!("change/{}", receipt.version));
    assert_eq!(told["writer"], "6f1d8a02c9e4b753");
    assert_eq!(told["merged"]["base"], 1);
    assert_eq!(told["merged"]["outcome"], receipt.outcome.to_string());
    assert_eq!(told["merged"]["notes"].as_array().unwrap().len(), receipt.notes.len());
    assert_eq!(told["kind"], "merged");
    assert!(!receipt.notes.is_empty(), "the test has no conflict in it");
}

#[test]
fn tags_and_labels_come_along() {
    let looked = Looked::new();
    let meta = Meta::label("<b>plan</b>").tag("who", "ann");
    looked.store.produce_with(meta, |doc| doc["n"] = 1.into()).unwrap();
    let told = looked.running.json("change/1");
    assert_eq!((&told["label"], &told["meta"]["tags"]["who"]), (&"<b>plan</b>".into(), &"ann".into()));
    looked.running.get("change/0").problem(404);
    looked.running.get("change/2").problem(404);
    looked.running.get("change/x").problem(400);
}

#[test]
fn a_comparison_leads_from_one_version_to_the_other_whichever_is_older() {
    let looked = Looked::lively(22, 50);
    let head = looked.store.version();
    for (a, b) in [(1, head), (head, 1), (head / 2, head / 2 + 7), (head, head)] {
        let told = looked.running.json(&format!("compare?a={a}&b={b}"));
        let (old, new) = (looked.store.at(a).unwrap(), looked.store.at(b).unwrap());
        assert_eq!(apply(&*old, &patch_of(&told["patch"], &old)).unwrap().state, *new, "{a} {b}");
    }
    let versions: Vec<u64> =
        (1..=head).filter(|&version| !looked.store.at(version).unwrap()["maps"].is_null()).collect();
    let (first, last) = (versions[0], *versions.last().unwrap());
    let told = looked.running.json(&format!("compare?a={first}&b={last}&path=/maps"));
    let old = looked.store.at(first).unwrap();
    let expected = looked.store.at(last).unwrap()["maps"].clone();
    assert_eq!(apply(&*old, &patch_of(&told["patch"], &old)).unwrap().state["maps"], expected);
    looked.running.get("compare?a=0&b=1&path=/nowhere").problem(404);
}

#[test]
fn a_place_that_comes_or_goes_between_two_versions_is_told_where_it_is() {
    let looked = Looked::new();
    looked.store.produce(|doc| doc["a"] = value!({ "b": 1 })).unwrap();
    looked.store.produce(|doc| drop(doc["a"].as_map_mut().unwrap().remove("b"))).unwrap();
    for (a, b, op) in [(1, 2, "remove"), (2, 1, "add")] {
        let told = looked.running.json(&format!("compare?a={a}&b={b}&path=/a/b"));
        assert_eq!((&told["patch"][0]["op"], &told["patch"][0]["path"]), (&op.into(), &"/a/b".into()));
    }
}
