//! Unit tests of values: equality, keys, access, paths and pointers, serde.

use std::collections::HashMap;

use super::*;
use crate::value;

#[test]
fn a_fresh_value_is_an_empty_map() {
    assert_eq!(Value::default(), value!({}));
    let mut doc = Value::default();
    doc["a"]["b"] = 1.into();
    assert_eq!(doc, value!({ "a": { "b": 1 } }));
}

#[test]
fn a_value_is_three_words() {
    assert_eq!(size_of::<Value>(), 24);
}

#[test]
fn integers_are_equal_by_number_and_floats_by_bits() {
    assert_eq!(Value::Int(5), Value::Uint(5));
    assert_ne!(Value::Int(-1), Value::Uint(u64::MAX));
    assert_eq!(Value::Float(f64::NAN), Value::Float(-f64::NAN));
    assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    assert_ne!(Value::Float(1.0), Value::Int(1));
    assert!(matches!(Value::from(7_u64), Value::Int(7)));
    assert!(matches!(Value::from(u64::MAX), Value::Uint(u64::MAX)));
}

#[test]
fn equal_keys_hash_alike_and_order_by_kind_then_content() {
    let known: HashMap<Key, &str> = [(Key::Int(5), "five")].into();
    assert_eq!(known.get(&Key::Uint(5)), Some(&"five"));
    assert_ne!(Key::from(1), Key::from("1"));
    let mut keys =
        [Key::from("a"), Key::Uint(u64::MAX), Key::Int(-1), Key::Bytes([0][..].into()), Key::from(true)];
    keys.sort();
    let shown: Vec<String> = keys.iter().map(Key::to_string).collect();
    assert_eq!(shown, ["true", "-1", "18446744073709551615", "a", "0x00"]);
}

#[test]
fn maps_find_entries_by_borrowed_keys() {
    let map: Map = [(Key::from("a"), 1), (Key::from(7), 2), (Key::from(false), 3)].into_iter().collect();
    assert_eq!(map.get("a"), Some(&1.into()));
    assert_eq!(map.get(7), Some(&2.into()));
    assert_eq!(map.get(7_u64), Some(&2.into()));
    assert_eq!(map.get(false), Some(&3.into()));
    assert_eq!(map.get(&Key::from("7")), None);
    assert_eq!(map.keys().cloned().collect::<Vec<_>>(), [false.into(), 7.into(), Key::from("a")]);
}

#[test]
fn looking_for_what_is_absent_copies_nothing() {
    let map: Map = [("a", 1)].into_iter().collect();
    let mut copy = map.clone();
    assert!(copy.get_mut("b").is_none() && copy.remove("b").is_none());
    copy.retain(|_, _| true);
    assert!(copy.ptr_eq(&map));
    let list: List = (0..3).collect();
    let mut copy = list.clone();
    assert!(copy.get_mut(3).is_none());
    copy.truncate(3);
    assert!(copy.ptr_eq(&list));
}

#[test]
fn clones_do_not_see_each_other() {
    let mut a = value!({ "list": [1, 2], "map": { "x": 1 } });
    let b = a.clone();
    a["list"][0] = 9.into();
    a["map"]["x"] = 9.into();
    a.as_map_mut().unwrap().entry("new").and_modify(|_| unreachable!()).or_insert(1);
    assert_eq!(b, value!({ "list": [1, 2], "map": { "x": 1 } }));
    assert_eq!(a, value!({ "list": [9, 2], "map": { "x": 9 }, "new": 1 }));
}

#[test]
fn large_lists_splice_like_vectors() {
    let mut vec: Vec<Value> = (0..1000).map(Value::from).collect();
    let mut list: List = vec.iter().collect();
    for (at, del, ins) in [(0, 0, 70), (500, 300, 3), (770, 3, 0), (0, 770, 1)] {
        let new: Vec<Value> = (0..ins).map(Value::from).collect();
        let gone: Vec<Value> = vec.splice(at..at + del, new.clone()).collect();
        assert_eq!(list.splice(at..at + del, new), gone);
        assert_eq!(list, vec.iter().collect());
    }
}

#[test]
fn gaps_are_found_around_what_changed() {
    let old: List = (0..1000).collect();
    let mut new = old.clone();
    new[300] = (-1).into();
    new.insert(700, -2);
    let gaps = old.items().diff(new.items());
    assert_eq!(gaps.len(), 2);
    assert!(gaps[0].old.contains(&300) && gaps[1].new.contains(&700), "{gaps:?}");
}

#[test]
fn reading_what_is_missing_gives_null() {
    let doc = value!({ "a": [1] });
    assert!(doc["x"].is_null() && doc["a"][5].is_null() && doc["a"]["x"].is_null());
}

#[test]
#[should_panic(expected = "cannot write key \"x\" in a list")]
fn writing_a_key_into_a_list_panics() {
    value!([1])["x"] = 1.into();
}

#[test]
fn pointers_resolve_by_what_the_document_has() {
    let doc = value!({ "list": [{ "a/b": 1 }], 7: "int", "m~n": null, "": { "": 2 } });
    assert_eq!(doc.pointer("/list/0/a~1b"), Some(&1.into()));
    assert_eq!(doc.pointer("/7"), Some(&"int".into()));
    assert_eq!(doc.pointer("/m~0n"), Some(&Value::Null));
    assert_eq!(doc.pointer("//"), Some(&2.into()));
    assert_eq!(doc.pointer(""), Some(&doc));
    assert_eq!(doc.pointer("/list/-"), None);
    let resolve = |text: &str| Pointer::parse(text).unwrap().resolve(&doc);
    assert_eq!(resolve("/list/-").unwrap(), Path::root().child("list").child(1_usize));
    assert_eq!(resolve("/7").unwrap(), Path::root().child(Key::Int(7)));
    assert!(matches!(resolve("/list/00"), Err(PointerError::Index { token, .. }) if token == "00"));
    assert!(matches!(resolve("/x/y"), Err(PointerError::NotFound { at }) if at.to_string() == "/x"));
    assert!(matches!(resolve("/7/y"), Err(PointerError::Scalar { found: "string", .. })));
}

#[test]
fn malformed_pointers_say_where() {
    assert_eq!(Pointer::parse("a"), Err(PointerError::NoSlash));
    assert_eq!(Pointer::parse("/a/b~2"), Err(PointerError::Escape { byte: 4 }));
    assert_eq!(Pointer::parse("/~"), Err(PointerError::Escape { byte: 1 }));
}

#[test]
fn paths_go_up_and_down() {
    let path = Path::root().child("a").child(1_usize);
    assert_eq!(path.parent().unwrap(), Path::root().child("a"));
    assert_eq!(Path::root().parent(), None);
    assert_eq!(Path::root().child("a").join(&Path::root().child(1_usize)), path);
    assert_eq!(format!("{path:?}"), "[\"a\", [1]]");
}

#[cfg(feature = "json")]
mod as_json {
    use super::*;

    #[test]
    fn text_comes_back_as_it_went() {
        let text = r#"{"a":[1,-2.5,1e300,18446744073709551615,true,null,"\"\u0007é"],"b":{},"c":[]}"#;
        let doc: Value = text.parse().unwrap();
        assert_eq!(doc.to_string().parse::<Value>().unwrap(), doc);
        assert_eq!(doc.to_json_pretty().parse::<Value>().unwrap(), doc);
        assert_eq!(value!({ "a": [1.0, -0.0] }).to_string(), r#"{"a":[1.0,-0.0]}"#);
    }

    #[test]
    fn numbers_beyond_64_bits_are_floats() {
        assert!(matches!("18446744073709551616".parse(), Ok(Value::Float(_))));
        assert!(matches!("-9223372036854775809".parse(), Ok(Value::Float(_))));
        assert!(matches!("-9223372036854775808".parse(), Ok(Value::Int(i64::MIN))));
    }

    #[test]
    fn what_json_cannot_say_prints_as_documented() {
        let doc = value!({ "bytes": (Value::Bytes([1, 255][..].into())), "nan": (f64::NAN), 7: 1, true: 2 });
        assert_eq!(doc.to_string(), r#"{"true":2,"7":1,"bytes":"0x01ff","nan":null}"#);
        assert_eq!(serde_json::to_string(&doc).unwrap(), doc.to_string());
    }

    #[test]
    fn bad_text_is_an_error_with_its_position() {
        let error = "{\"a\": 1,\n\"a\": 2}".parse::<Value>().unwrap_err();
        assert_eq!(error.line, 2);
        assert_eq!(error.message, "key \"a\" stands twice in one map");
        assert_eq!("[1, ]".parse::<Value>().unwrap_err().column, 5);
        assert_eq!("1 2".parse::<Value>().unwrap_err().column, 3);
        assert!(Value::from_json(b"\"\xff\"").is_err());
        assert!("1e999".parse::<Value>().is_err());
    }

    #[test]
    fn pretty_text_is_indented() {
        let pretty = "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}";
        assert_eq!(value!({ "a": [1, 2], "b": {} }).to_json_pretty(), pretty);
    }
}
