//! What Immer's recipes and patches mean, as recorded from Immer itself.
//!
//! The patches of a recipe are ours (splices on purpose), so effects are compared: the next state, both directions,
//! whether anything changed, and the patch lowered to Immer's format and read back.

use crate::common::vectors;
use redraft::patch::Patch;
use redraft::patch::json::{OpFault, PatchJsonError};
use redraft::value::{List, Map, Segment};
use redraft::{Value, apply, draft};

/// The cases of one kind.
fn cases(kind: &str) -> Vec<Value> {
    let Some(file) = vectors::read("immer.json") else { return Vec::new() };
    let all = file["vectors"].as_list().expect("a list of cases").clone();
    let cases: Vec<Value> = all.iter().filter(|case| case["kind"] == kind).cloned().collect();
    assert!(!cases.is_empty(), "no case of kind {kind}");
    cases
}

#[test]
fn every_recipe_ends_where_immer_ends_and_back() {
    for case in cases("produce") {
        let (base, next, name) = (&case["base"], &case["next"], &case["name"]);
        let drafted = draft(base, |doc| run_recipe(doc, &case["ops"])).expect("the recipe runs");
        assert_eq!(&drafted.state, next, "{name}");
        assert_eq!(drafted.patch.is_empty(), base == next, "{name}: {:?}", drafted.patch);
        assert_eq!(&apply(base, &drafted.patch).unwrap().state, next, "{name}: {:?}", drafted.patch);
        assert_eq!(&apply(next, &drafted.inverse).unwrap().state, base, "{name}: {:?}", drafted.inverse);
        check_lowered(&drafted.patch, base, next, name);
        check_lowered(&drafted.inverse, next, base, name);
    }
}

fn check_lowered(patch: &Patch, from: &Value, to: &Value, name: &Value) {
    let lowered = patch.to_immer(from).unwrap();
    for op in lowered.as_array().unwrap() {
        assert!(["add", "replace", "remove"].contains(&op["op"].as_str().unwrap()), "{name}: {op}");
    }
    let read = Patch::from_immer(lowered.to_string().as_bytes(), from).unwrap();
    assert_eq!(&apply(from, &read).unwrap().state, to, "{name}: {lowered}");
}

#[test]
fn patches_recorded_from_immer_do_what_they_did_there() {
    for case in cases("produce").iter().filter(|case| case["forward_ok"] == true) {
        let patches = case["patches"].to_string();
        let read = Patch::from_immer(patches.as_bytes(), &case["base"]).unwrap();
        assert_eq!(apply(&case["base"], &read).unwrap().state, case["next"], "{}", case["name"]);
    }
}

#[test]
fn lax_patches_are_read_as_immer_applies_them() {
    for case in cases("apply") {
        let (base, name) = (&case["base"], &case["name"]);
        let read = Patch::from_immer(case["patches"].to_string().as_bytes(), base);
        match case.get("next") {
            None => assert!(matches!(read, Err(PatchJsonError::Op { .. })), "{name}: {read:?}"),
            Some(next) => assert_eq!(&apply(base, &read.unwrap()).unwrap().state, next, "{name}"),
        }
    }
}

#[test]
fn what_would_leave_a_hole_is_an_error() {
    let doc = redraft::value!({ "list": [1] });
    let fault = |text: &str| match Patch::from_immer(text.as_bytes(), &doc) {
        Err(PatchJsonError::Op { fault, .. }) => fault,
        other => panic!("expected a faulty operation, got {other:?}"),
    };
    assert!(matches!(fault(r#"[{"op": "replace", "path": ["list", 5], "value": 1}]"#), OpFault::Apply(_)));
    assert!(matches!(
        fault(r#"[{"op": "replace", "path": ["list", "length"], "value": 5}]"#),
        OpFault::Apply(_)
    ));
    assert_eq!(fault(r#"[{"op": "add", "path": ["x"]}]"#), OpFault::Missing { member: "value" });
}

fn run_recipe(doc: &mut Value, ops: &Value) {
    // Immer's alias puts one draft at two places, both of which then change; a value has no such thing. What a case
    // edits through the second name is carried over to the first, and the other way round.
    let mut aliases: Vec<(Vec<Segment>, Vec<Segment>)> = Vec::new();
    for op in ops.as_list().expect("a list of operations").iter() {
        run_op(doc, op);
        note_alias(op, doc, &mut aliases);
        if op["op"] == "set" {
            follow_aliases(doc, &route(&op["path"], doc), &op["value"], &aliases);
        }
    }
}

fn note_alias(op: &Value, doc: &Value, aliases: &mut Vec<(Vec<Segment>, Vec<Segment>)>) {
    let (from, mut to) = (route(&op["from"], doc), route(&op["path"], doc));
    match op["op"].as_str() {
        Some("alias") => {}
        Some("wrap") => to.push(text(&op["key"]).into()),
        _ => return,
    }
    aliases.push((from, to));
}

fn follow_aliases(doc: &mut Value, at: &[Segment], value: &Value, aliases: &[(Vec<Segment>, Vec<Segment>)]) {
    for (a, b) in aliases {
        for (this, other) in [(a, b), (b, a)] {
            if at.len() > this.len() && at.starts_with(this) {
                let there: Vec<Segment> = other.iter().chain(&at[this.len()..]).cloned().collect();
                if let Some(place) = find_place(doc, &there) {
                    *place = value.clone();
                }
            }
        }
    }
}

fn find_place<'d>(doc: &'d mut Value, route: &[Segment]) -> Option<&'d mut Value> {
    route.iter().try_fold(doc, |here, segment| here.get_mut(segment))
}

/// A JSON path array as segments, typed by what the document has there.
fn route(path: &Value, doc: &Value) -> Vec<Segment> {
    let mut here = Some(doc);
    let mut segments = Vec::new();
    for element in path.as_list().unwrap_or(&List::new()).iter() {
        let segment = match (here, element.as_u64()) {
            (Some(Value::List(_)), Some(index)) => Segment::Index(index as usize),
            _ => Segment::from(text(element)),
        };
        here = here.and_then(|value| value.get(&segment));
        segments.push(segment);
    }
    segments
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn take(doc: &Value, path: &Value) -> Value {
    route(path, doc).iter().fold(doc.clone(), |here, segment| here.get(segment).expect("it is there").clone())
}

fn put(doc: &mut Value, path: &Value, value: Value) {
    let mut route = route(path, doc);
    let Some(last) = route.pop() else {
        *doc = value;
        return;
    };
    match (find_place(doc, &route).expect("the parent is there"), last) {
        (Value::List(list), Segment::Index(index)) if index == list.len() => list.push(value),
        (Value::List(list), Segment::Index(index)) => list[index] = value,
        (Value::Map(map), Segment::Key(key)) => drop(map.insert(key, value)),
        (other, last) => panic!("cannot set {last:?} in a {}", other.kind()),
    }
}

fn delete(doc: &mut Value, path: &Value) {
    let mut route = route(path, doc);
    let last = route.pop().expect("not the root");
    match (find_place(doc, &route).expect("the parent is there"), last) {
        (Value::List(list), Segment::Index(index)) => drop(list.remove(index)),
        (Value::Map(map), Segment::Key(key)) => drop(map.remove(&key)),
        (other, last) => panic!("cannot delete {last:?} in a {}", other.kind()),
    }
}

fn run_op(doc: &mut Value, op: &Value) {
    let path = &op["path"];
    match op["op"].as_str().expect("a name") {
        "set" => put(doc, path, op["value"].clone()),
        "delete" => delete(doc, path),
        "inc" => put(doc, path, Value::Int(take(doc, path).as_i64().unwrap() + op["by"].as_i64().unwrap())),
        "read" | "assign_self" => {}
        "move" => {
            let value = take(doc, &op["from"]);
            delete(doc, &op["from"]);
            put(doc, path, value);
        }
        "alias" | "spread" => put(doc, path, take(doc, &op["from"])),
        "wrap" => put(doc, path, wrapped(doc, op)),
        "wrap_push" => {
            let wrapped = wrapped(doc, op);
            place(doc, path).as_list_mut().unwrap().push(wrapped);
        }
        "merge" => place(doc, path).as_map_mut().unwrap().extend(op["value"].as_map().unwrap()),
        "clear" if place(doc, path).as_map().is_some() => *place(doc, path) = Map::new().into(),
        name => run_list_op(place(doc, path).as_list_mut().expect("a list"), name, op),
    }
}

fn place<'d>(doc: &'d mut Value, path: &Value) -> &'d mut Value {
    let route = route(path, doc);
    find_place(doc, &route).expect("it is there")
}

fn wrapped(doc: &Value, op: &Value) -> Value {
    [(text(&op["key"]), take(doc, &op["from"]))].into_iter().collect::<Map>().into()
}

fn run_list_op(list: &mut List, name: &str, op: &Value) {
    let number = |member: &str| op[member].as_u64().expect("a number") as usize;
    let values = || op["values"].as_list().into_iter().flat_map(List::iter).cloned();
    match name {
        "push" => list.extend(values()),
        "pop" => drop(list.pop()),
        "shift" => drop(list.remove(0)),
        "unshift" => drop(list.splice(..0, values())),
        "insert" => list.insert(number("index"), op["value"].clone()),
        "remove" => drop(list.remove(number("index"))),
        "splice" => {
            let at = number("index");
            drop(list.splice(at..at + number("delete_count"), values()));
        }
        "set_length" => list.truncate(number("length")),
        "clear" => list.clear(),
        "swap" => list.swap(number("i"), number("j")),
        "reverse" => *list = list.iter().rev().cloned().collect(),
        "fill" => list.iter_mut().for_each(|item| *item = op["value"].clone()),
        "sort" => sort(list, op["by"].as_str()),
        "move_item" => {
            let item = list.remove(number("from_index"));
            list.insert(number("to_index"), item);
        }
        other => panic!("unknown recipe operation {other}"),
    }
}

fn sort(list: &mut List, by: Option<&str>) {
    let mut items: Vec<Value> = list.iter().cloned().collect();
    items.sort_by_key(|item| by.map_or(item, |by| &item[by]).as_i64());
    *list = items.into_iter().collect();
}

/// What Immer 11 answered when asked, seen as JSON: document, patches, result or an error.
const LAX: &[(&str, &str, Option<&str>)] = &[
    ("[1,2,3]", r#"[{"op":"remove","path":[-1]}]"#, Some("[1,2]")),
    ("[1,2,3]", r#"[{"op":"remove","path":[-9]}]"#, Some("[2,3]")),
    ("[1,2,3]", r#"[{"op":"remove","path":["1"]}]"#, Some("[1,3]")),
    ("[1,2,3]", r#"[{"op":"remove","path":["-"]}]"#, Some("[2,3]")),
    ("[1,2,3]", r#"[{"op":"remove","path":["length"]}]"#, Some("[2,3]")),
    ("[1,2,3]", r#"[{"op":"remove","path":[3]}]"#, Some("[1,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":[-9],"value":0}]"#, Some("[0,1,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":["-1"],"value":0}]"#, Some("[1,2,0,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":["01"],"value":9}]"#, Some("[1,9,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":[1.7],"value":9}]"#, Some("[1,9,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":["1e0"],"value":9}]"#, Some("[1,9,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":[" 1 "],"value":9}]"#, Some("[1,9,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":["0x2"],"value":9}]"#, Some("[1,2,9,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":["Infinity"],"value":9}]"#, Some("[1,2,3,9]")),
    ("[1,2,3]", r#"[{"op":"add","path":["inf"],"value":9}]"#, Some("[9,1,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":["name"],"value":9}]"#, Some("[9,1,2,3]")),
    ("[1,2,3]", r#"[{"op":"add","path":[""],"value":9}]"#, Some("[9,1,2,3]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["1"],"value":9}]"#, Some("[1,9,3]")),
    ("[1,2,3]", r#"[{"op":"replace","path":[3],"value":9}]"#, Some("[1,2,3,9]")),
    ("[1,2,3]", r#"[{"op":"replace","path":[-1],"value":9}]"#, Some("[1,2,3]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["01"],"value":9}]"#, Some("[1,2,3]")),
    ("[1,2,3]", r#"[{"op":"replace","path":[1.5],"value":9}]"#, Some("[1,2,3]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["-"],"value":9}]"#, None),
    ("[1,2,3]", r#"[{"op":"replace","path":["name"],"value":9}]"#, None),
    ("[1,2,3]", r#"[{"op":"replace","path":["length"],"value":0}]"#, Some("[]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["length"],"value":3}]"#, Some("[1,2,3]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["length"],"value":"2"}]"#, Some("[1,2]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["length"],"value":null}]"#, Some("[]")),
    ("[1,2,3]", r#"[{"op":"replace","path":["length"],"value":-1}]"#, None),
    ("[1,2,3]", r#"[{"op":"replace","path":["length"],"value":1.5}]"#, None),
    ("[1,2,3]", r#"[{"op":"add","path":[],"value":5}]"#, Some("[5,1,2,3]")),
    ("[1,2,3]", r#"[{"op":"remove","path":[]}]"#, Some("[2,3]")),
    (r#"{"a":1}"#, r#"[{"op":"add","path":[],"value":5}]"#, Some(r#"{"a":1,"undefined":5}"#)),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":[]}]"#, Some(r#"{"a":1}"#)),
    (r#"{"a":1}"#, r#"[{"op":"replace","path":[],"value":null}]"#, Some("null")),
    ("null", r#"[{"op":"replace","path":[],"value":{}}]"#, Some("{}")),
    ("5", "[]", Some("5")),
    ("5", r#"[{"op":"add","path":["x"],"value":6}]"#, None),
    ("null", r#"[{"op":"add","path":["x"],"value":6}]"#, None),
    (
        r#"{"a":1}"#,
        r#"[7,{"op":"no","path":["q"]},{"op":"replace","path":[],"value":{"b":1}}]"#,
        Some(r#"{"b":1}"#),
    ),
    (
        r#"{"a":1}"#,
        r#"[{"op":"replace","path":[],"value":{"b":1}},{"op":"add","path":["x"],"value":1}]"#,
        Some(r#"{"b":1,"x":1}"#),
    ),
    (r#"{"a":1}"#, r#"[{"op":"replace","path":[],"value":5},{"op":"add","path":["x"],"value":1}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"add","path":["a"],"value":2}]"#, Some(r#"{"a":2}"#)),
    (r#"{"a":1}"#, r#"[{"op":"add","path":[1],"value":2}]"#, Some(r#"{"1":2,"a":1}"#)),
    (r#"{"a":1}"#, r#"[{"op":"add","path":[1.5],"value":2}]"#, Some(r#"{"1.5":2,"a":1}"#)),
    (r#"{"a":1}"#, r#"[{"op":"add","path":[1e21],"value":2}]"#, Some(r#"{"1e+21":2,"a":1}"#)),
    (r#"{"a":1}"#, r#"[{"op":"add","path":[null],"value":2}]"#, Some(r#"{"a":1,"null":2}"#)),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":["zz"]}]"#, Some(r#"{"a":1}"#)),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":["zz","y"]}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":["a","y"]}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":["a"],"value":1}]"#, Some("{}")),
    (r#"{"s":"abc"}"#, r#"[{"op":"replace","path":["s",0],"value":"z"}]"#, None),
    (r#"{"l":[{},{}]}"#, r#"[{"op":"add","path":["l","1","x"],"value":1}]"#, Some(r#"{"l":[{},{"x":1}]}"#)),
    (r#"{"l":[{},{}]}"#, r#"[{"op":"add","path":["l",1.0,"x"],"value":1}]"#, Some(r#"{"l":[{},{"x":1}]}"#)),
    (r#"{"l":[{},{}]}"#, r#"[{"op":"add","path":["l","01","x"],"value":1}]"#, None),
    (r#"{"l":[{},{}]}"#, r#"[{"op":"add","path":["l",-1,"x"],"value":1}]"#, None),
    (r#"{"l":[{},{}]}"#, r#"[{"op":"add","path":["l","-","x"],"value":1}]"#, None),
    (r#"{"l":[1]}"#, r#"[{"op":"add","path":["l","length","x"],"value":1}]"#, None),
    (r#"{"l":[1]}"#, r#"[{"op":"add","path":["l","__proto__","x"],"value":1}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"add","path":["__proto__"],"value":{"x":1}}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"add","path":["constructor"],"value":1}]"#, Some(r#"{"a":1,"constructor":1}"#)),
    (r#"{"a":1}"#, r#"[{"op":"add","path":["toString","x"],"value":1}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"Add","path":["a"],"value":2}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"add","path":"/a","value":2}]"#, None),
    (r#"{"a":1}"#, r#"[{"op":"add","value":2}]"#, None),
    (r#"{"a":1}"#, "{}", None),
];

#[test]
fn lax_patches_beyond_the_recorded_ones_are_read_as_immer_applies_them() {
    for (doc, patch, expected) in LAX {
        let doc: Value = doc.parse().unwrap();
        let read = Patch::from_immer(patch.as_bytes(), &doc);
        let state = read.as_ref().ok().map(|read| apply(&doc, read).unwrap().state);
        assert_eq!(state, expected.map(|text| text.parse().unwrap()), "{patch} for {doc}: {read:?}");
    }
}

#[test]
fn an_element_of_a_set_is_removed_by_value() {
    let doc = redraft::value!({ "tags": { "a": null, "b": null } });
    let text = br#"[{"op": "remove", "path": ["tags", 0], "value": "a"}]"#;
    let read = Patch::from_immer(text, &doc).unwrap();
    assert_eq!(apply(&doc, &read).unwrap().state, redraft::value!({ "tags": { "b": null } }));
}

/// Immer names an element of a set by its value, since its position says nothing; whatever kind of key it is here.
#[test]
fn elements_of_a_set_are_removed_whatever_kind_they_are() {
    use redraft::value::Key;
    let keys = [Key::from("text"), Key::Int(-5), Key::Uint(u64::MAX), Key::Bool(true), Key::Int(7)];
    let set: Map = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
    let before = Value::from(set);
    let patch = br#"[
        {"op": "remove", "path": [0], "value": "text"},
        {"op": "remove", "path": [0], "value": -5},
        {"op": "remove", "path": [0], "value": 18446744073709551615},
        {"op": "remove", "path": [0], "value": true},
        {"op": "remove", "path": [0], "value": "not there"}
    ]"#;
    let patch = Patch::from_immer(patch, &before).unwrap();
    let after = apply(&before, &patch).unwrap().state;
    assert_eq!(after, Value::from([(Key::Int(7), Value::Null)].into_iter().collect::<Map>()));
}
