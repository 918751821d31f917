//! The history in lines and in parts: every change once, as the store itself tells it, and new ones as they come.

use crate::common::waiting::until;
use crate::looked::{Looked, Running};
use redraft::{Filter, Reader, Value, value::Pointer};
use serde_json::{Value as Json, json};

/// All lines of all pages.
fn all(looked: &Looked, query: &str, backwards: bool) -> Vec<Json> {
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let from_text = from.map_or(String::new(), |from: u64| format!("&from={from}"));
        let turned = if backwards { "&backwards=1" } else { "" };
        let page = looked.running.json(&format!("changes?limit=7{turned}{from_text}{query}"));
        rows.extend(page["changes"].as_array().unwrap().iter().cloned());
        assert_eq!(page["more"].as_bool(), Some(!page["next"].is_null()));
        match page["next"].as_u64() {
            Some(next) => from = Some(next),
            None => return rows,
        }
    }
}

/// What the store says of the same.
fn expected(looked: &Looked, filter: &Filter) -> Vec<(u64, i64, String, Option<String>, usize)> {
    let changes = looked.store.changes(..).unwrap().matching(filter.clone()).map(Result::unwrap);
    let told = changes.map(|change| {
        let (time, writer) = (change.time_ms(), change.writer.to_string());
        (change.version, time, writer, change.meta.label, change.patch.len())
    });
    told.collect()
}

fn seen(rows: &[Json]) -> Vec<(u64, i64, String, Option<String>, usize)> {
    let told = rows.iter().map(|row| {
        let label = row["label"].as_str().map(str::to_owned);
        let (version, time) = (row["version"].as_u64().unwrap(), row["time"].as_i64().unwrap());
        let patches = row["patches"].as_u64().unwrap() as usize;
        (version, time, row["writer"].as_str().unwrap().to_owned(), label, patches)
    });
    told.collect()
}

#[test]
fn pages_in_both_directions_have_every_change_once() {
    let looked = Looked::lively(1, 60);
    let writer = looked.store.changes(1..=1).unwrap().next().unwrap().unwrap().writer;
    let place = Pointer::parse("/maps/k1").unwrap();
    let cases = [
        (String::new(), Filter::new()),
        ("&label=ship".into(), Filter::new().labelled("ship")),
        ("&path=/maps/k1".into(), Filter::new().touching(place)),
        (format!("&writer={writer}"), Filter::new().by(writer)),
        ("&writer=0000000000000001".into(), Filter::new().by("1".parse().unwrap())),
    ];
    for (query, filter) in cases {
        let mut expected = expected(&looked, &filter);
        assert_eq!(seen(&all(&looked, &query, false)), expected, "{query}");
        expected.reverse();
        assert_eq!(seen(&all(&looked, &query, true)), expected, "{query} backwards");
    }
}

#[test]
fn an_undo_and_the_undo_of_an_undo_are_told_apart() {
    let looked = Looked::new();
    let made = looked.store.produce(|doc| doc["n"] = 1.into()).unwrap().version();
    looked.store.undo(made).unwrap();
    looked.store.redo(made).unwrap();
    looked.store.undo(made + 2).unwrap();
    let kinds: Vec<Json> = all(&looked, "", false).into_iter().map(|mut row| row["kind"].take()).collect();
    assert_eq!(kinds, ["change", "undo", "redo", "undo"]);
}

/// Asks until all of the history is in the table.
fn timeline(running: &Running, query: &str, head: u64) -> Json {
    until(|| running.json("timeline?buckets=1")["through"].as_u64() >= Some(head));
    running.json(&format!("timeline?{query}"))
}

#[test]
fn every_change_is_in_one_part_of_the_timeline_and_newer_ones_follow() {
    let looked = Looked::lively(2, 100);
    for round in 0..2 {
        let changes = expected(&looked, &Filter::new());
        let head = looked.store.version();
        for (buckets, colour) in [(1, "label"), (13, "writer"), (1000, "kind")] {
            let told = timeline(&looked.running, &format!("buckets={buckets}&color={colour}"), head);
            assert_eq!(
                (&told["from"], &told["to"], &told["through"]),
                (&json!(1), &json!(head), &json!(head))
            );
            let mut next = 1;
            for part in told["buckets"].as_array().unwrap() {
                let number = |name: &str| part[name].as_u64().unwrap();
                let inside: Vec<_> =
                    changes.iter().filter(|row| (number("from")..=number("to")).contains(&row.0)).collect();
                assert_eq!(number("from"), next);
                next = number("to") + 1;
                assert_eq!(number("changes"), inside.len() as u64);
                assert_eq!(number("patches"), inside.iter().map(|row| row.4 as u64).sum::<u64>());
                assert_eq!(part["since"].as_i64(), inside.iter().map(|row| row.1).min());
                assert_eq!(part["until"].as_i64(), inside.iter().map(|row| row.1).max());
                for group in part["groups"].as_array().unwrap() {
                    let name = told["groups"][group[0].as_u64().unwrap() as usize].as_str().unwrap();
                    let count = match colour {
                        "label" => inside.iter().filter(|row| row.3.as_deref().unwrap_or("") == name).count(),
                        "writer" => inside.iter().filter(|row| row.2 == name).count(),
                        _ => group[1].as_u64().unwrap() as usize,
                    };
                    assert_eq!(group[1], json!(count), "{colour} {name}");
                }
            }
            assert_eq!(next, head + 1);
        }
        if round == 0 {
            looked.live(3, 20);
        }
    }
}

#[test]
fn the_parts_of_a_stretch_of_time_have_what_happened_in_it() {
    let looked = Looked::lively(4, 50);
    let changes = expected(&looked, &Filter::new());
    let (first, last) = (changes[10].1, changes[40].1);
    let query = format!("since={first}&until={last}&buckets=8");
    let told = timeline(&looked.running, &query, looked.store.version());
    let counted: u64 =
        told["buckets"].as_array().unwrap().iter().map(|part| part["changes"].as_u64().unwrap()).sum();
    assert_eq!(counted, changes.iter().filter(|row| (first..=last).contains(&row.1)).count() as u64);
}

#[test]
fn events_tell_of_the_newest_version_of_a_writer_elsewhere() {
    let looked = Looked::lively(5, 10);
    // Another process would see no more than this: a reader of the same directory.
    let reader = Running::of(Reader::<Value>::open(looked.path()).unwrap());
    for running in [&looked.running, &reader] {
        let mut client = running.client();
        client.begin("GET", "/api/events", &[], "");
        assert_eq!(client.head().unwrap().1["content-type"], "text/event-stream");
        let mut told = 0;
        for _ in 0..3 {
            let made = looked.store.produce(|doc| doc["n"] = (looked.store.version() + 1000).into());
            let wanted = made.unwrap().version();
            while told < wanted {
                let piece = client.chunk().flatten().expect("a piece of the stream");
                let text = String::from_utf8(piece).unwrap();
                if let Some(data) = text.strip_prefix("event: version\ndata: ") {
                    told = serde_json::from_str::<Json>(data.trim()).unwrap()["version"].as_u64().unwrap();
                }
            }
        }
        assert_eq!(running.json("store")["version"], json!(looked.store.version()));
    }
}

#[test]
fn an_event_is_the_last_word_however_many_changes_there_are() {
    let looked = Looked::new();
    let mut client = looked.running.client();
    client.begin("GET", "/api/events", &[], "");
    client.head().unwrap();
    for number in 0..500 {
        looked.store.produce(|doc| doc["n"] = number.into()).unwrap();
    }
    let mut pieces = 0;
    loop {
        let text = String::from_utf8(client.chunk().flatten().unwrap()).unwrap();
        pieces += 1;
        if text.contains("{\"version\":500}") {
            break;
        }
    }
    assert!(pieces < 400, "{pieces} pieces for 500 changes");
}
