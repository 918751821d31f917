//! A search finds every place that has the text, once, whatever the pages.

use crate::looked::{Looked, escaped};
use redraft::{Value, value};

fn naive(value: &Value, key: Option<&str>, path: &str, wanted: (&str, bool, bool), into: &mut Vec<String>) {
    let (text, keys, values) = wanted;
    let has = |found: &str| found.to_lowercase().contains(text);
    let is_scalar = value.as_map().is_none() && value.as_list().is_none();
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if keys && key.is_some_and(has) || values && is_scalar && has(&shown) {
        into.push(path.to_owned());
    }
    match value {
        Value::Map(map) => map.iter().for_each(|(key, item)| {
            let (key, token) = (key.to_string(), key.to_string().replace('~', "~0").replace('/', "~1"));
            naive(item, Some(&key), &format!("{path}/{token}"), wanted, into);
        }),
        Value::List(list) => list
            .iter()
            .enumerate()
            .for_each(|(at, item)| naive(item, None, &format!("{path}/{at}"), wanted, into)),
        _ => {}
    }
}

#[test]
fn pages_of_a_search_have_what_one_walk_over_everything_finds() {
    let looked = Looked::lively(41, 60);
    looked.store.produce(|doc| doc["odd/~"] = value!({ "K1 ~": ["k1", null, 1.5], "": "K1" })).unwrap();
    let state = looked.store.state();
    for text in ["k1", "text 1", "null", "1", "nowhere to be found"] {
        for (within, keys, values) in [("keys", true, false), ("values", false, true), ("both", true, true)] {
            let mut expected = Vec::new();
            naive(&state, None, "", (text, keys, values), &mut expected);
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let query = format!("search?text={}&in={within}&limit=3{after}", escaped(text));
                let piece = looked.running.json(&query);
                let found = piece["found"].as_array().unwrap();
                seen.extend(found.iter().map(|found| found["path"].as_str().unwrap().to_owned()));
                let Some(next) = piece["next"].as_str() else { break };
                after = format!("&after={}", escaped(next));
            }
            assert_eq!(seen, expected, "{text} in {within}");
        }
    }
    looked.running.get("search?text=").problem(400);
    looked.running.get("search?text=x&in=all").problem(400);
}
