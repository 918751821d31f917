//! The life of a place, who set it, in which version something came true, and which version a time means: as the store says.

use crate::looked::Looked;
use redraft::value::Pointer;
use redraft::{Reader, Value};
use serde_json::Value as Json;

fn places(value: &Value, path: &str, into: &mut Vec<String>) {
    into.push(path.to_owned());
    match value {
        Value::Map(map) => map.iter().for_each(|(key, item)| places(item, &format!("{path}/{key}"), into)),
        Value::List(list) => {
            list.iter().enumerate().for_each(|(at, item)| places(item, &format!("{path}/{at}"), into));
        }
        _ => {}
    }
}

#[test]
fn the_life_of_every_place_is_the_one_the_store_tells() {
    let looked = Looked::lively(31, 50);
    let mut paths = vec!["/nowhere".to_owned(), "/maps/k0".into(), "/list/99".into()];
    places(&looked.store.state(), "", &mut paths);
    for path in paths {
        let place = Pointer::parse(&path).unwrap();
        let expected: Vec<_> = looked.store.life(&place).unwrap().map(Result::unwrap).collect();
        let told = looked.running.json(&format!("life?path={path}&limit=500"));
        let seen: Vec<(u64, &str)> = told["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|touch| (touch["version"].as_u64().unwrap(), touch["path"].as_str().unwrap()))
            .collect();
        let names: Vec<String> = expected.iter().map(|touch| touch.place.to_string()).collect();
        let expected: Vec<(u64, &str)> =
            expected.iter().zip(&names).map(|(touch, name)| (touch.change.version, &**name)).collect();
        assert_eq!(seen, expected, "{path}");
        let blamed = looked.store.blame(&place).unwrap().map(|touch| touch.change.version);
        let told = looked.running.json(&format!("blame?path={path}"));
        assert_eq!(told["change"]["version"].as_u64(), blamed, "{path}");
    }
}

#[test]
fn a_life_up_to_a_version_knows_nothing_of_what_came_later() {
    let looked = Looked::lively(32, 50);
    let head = looked.store.version();
    for version in [1, head / 3, head / 2, head] {
        let reader = Reader::<Value>::open_at(looked.path(), version).unwrap();
        for path in ["", "/maps", "/list/0", "/texts/k1", "/n"] {
            let place = Pointer::parse(path).unwrap();
            let expected: Vec<u64> =
                reader.life(&place).unwrap().map(|touch| touch.unwrap().change.version).collect();
            let told = looked.running.json(&format!("life?path={path}&at={version}&limit=500"));
            let seen: Vec<u64> = told["changes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["version"].as_u64().unwrap())
                .collect();
            assert_eq!(seen, expected, "{path} up to {version}");
        }
    }
    let few = looked.running.json("life?path=&limit=2");
    assert_eq!((few["changes"].as_array().unwrap().len(), &few["more"]), (2, &true.into()));
}

#[test]
fn bisection_finds_the_first_version_in_which_it_holds() {
    let looked = Looked::new();
    for number in 0..100 {
        looked.store.produce(|doc| doc["n"] = number.into()).unwrap();
    }
    let ask = |query: &str| looked.running.json(&format!("bisect?{query}"));
    assert_eq!(ask("good=0&bad=100&where=/n%20%3E%2041")["version"], 43);
    assert!(ask("good=1&bad=100&where=/n%20%3E%2041")["steps"].as_u64() < Some(12));
    assert_eq!(ask("good=0&bad=100&where=/n%20%3E%201000")["version"], Json::Null);
    for bad in ["good=9&bad=3&where=/n%20exists", "good=0&bad=3", "good=0&bad=3&where=nothing"] {
        looked.running.get(&format!("bisect?{bad}")).problem(400);
    }
}

#[test]
fn a_time_is_the_version_that_was_the_newest_then() {
    let looked = Looked::lively(33, 20);
    for change in looked.store.changes(..).unwrap().map(Result::unwrap) {
        let time = change.stamp.millis() as i64;
        let expected = looked.store.version_at(time).unwrap();
        assert_eq!(looked.running.json(&format!("time?ms={time}"))["version"], expected);
    }
    assert_eq!(looked.running.json("time?ms=0")["version"], 0);
}
