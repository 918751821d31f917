//! Going through the history of a store of a million changes: from a time to a version, from version to version, who set a
//! place, and the first version for which something is true.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

#[path = "common/unsynced.rs"]
mod unsynced;

use divan::Bencher;
use divan::counter::ItemsCount;
use redraft::io::{Env, SeededEntropy};
use redraft::value::Pointer;
use redraft::{Filter, Options, Reader, Store, Value, value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

fn main() {
    divan::main();
}

const CHANGES: u64 = 1_000_000;
const STEPS: u64 = 2_000;

/// A store of a million one-field changes over a thousand keys, without a snapshot.
fn million() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("store");
        let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
        let store: Store<Value> = Options::new().env(env).open(&path).expect("a new store");
        for number in 0..CHANGES {
            let key = format!("{:03}", number % 1000);
            store.produce(|doc| doc[key.as_str()] = (number as i64).into()).expect("a change");
        }
        store.close().expect("a clean close");
        (dir, path)
    });
    path
}

/// What one of many items looks like; a million of them are some 165 MB of JSON.
fn item(number: u64) -> Value {
    let word = |place: u64| format!("w{} ", number.wrapping_mul(2_654_435_761 + place) % 9_973);
    value!({
        "id": number,
        "name": format!("item {number}"),
        "done": number.is_multiple_of(3),
        "price": (number % 10_000) as f64 / 100.0,
        "text": (0..12).map(word).collect::<String>(),
        "tags": ["red", "green"],
    })
}

/// A store of so many items, and a million changes of their prices; snapshots as they come and go by default.
fn many_items(items: u64) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("store");
    let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
    let store: Store<Value> = Options::new().env(env).open(&path).expect("a new store");
    store.produce(|doc| doc["items"] = (0..items).map(item).collect::<Vec<_>>().into()).expect("the items");
    for number in 0..CHANGES {
        let at = number.wrapping_mul(7_919) % items;
        store.produce(|doc| doc["items"][at as usize]["price"] = (number as f64).into()).expect("a change");
    }
    store.close().expect("a clean close");
    (dir, path)
}

fn reader() -> Reader<Value> {
    Reader::open(million()).expect("an open store")
}

/// A reader that has been to the middle.
fn in_the_middle() -> Reader<Value> {
    let reader = reader();
    reader.at(CHANGES / 2).expect("a state");
    reader
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn step_forward(bencher: Bencher<'_, '_>) {
    let steps = || (0..STEPS).map(|step| CHANGES / 2 + step);
    bencher
        .counter(ItemsCount::new(STEPS))
        .with_inputs(in_the_middle)
        .bench_refs(|reader| steps().for_each(|version| drop(reader.at(version).expect("a state"))));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn step_back(bencher: Bencher<'_, '_>) {
    let steps = || (0..STEPS).map(|step| CHANGES / 2 - step);
    bencher
        .counter(ItemsCount::new(STEPS))
        .with_inputs(in_the_middle)
        .bench_refs(|reader| steps().for_each(|version| drop(reader.at(version).expect("a state"))));
}

/// There, one on, one back.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn one_on_and_one_back(bencher: Bencher<'_, '_>) {
    let versions = [1, 0, -1].map(|by| (CHANGES / 2).saturating_add_signed(by));
    bencher
        .counter(ItemsCount::new(versions.len()))
        .with_inputs(in_the_middle)
        .bench_refs(|reader| versions.map(|version| reader.at(version).expect("a state")));
}

/// A hundred random versions, by one who comes to the store for that: the median, and as the slowest the worst of them.
#[divan::bench(args = [10_000, 1_000_000], sample_count = 100, sample_size = 1)]
fn at_a_random_version(bencher: Bencher<'_, '_>, items: u64) {
    static BUILT: Mutex<Option<(u64, tempfile::TempDir, PathBuf)>> = Mutex::new(None);
    let mut built = BUILT.lock().expect("nobody panics with it");
    if built.as_ref().is_none_or(|(of, ..)| *of != items) {
        let (dir, path) = many_items(items);
        *built = Some((items, dir, path));
    }
    let (_, _, path) = built.as_ref().expect("it was built");
    let (reader, dice) = (Reader::<Value>::open(path).expect("an open store"), SeededEntropy::new(7));
    bencher
        .with_inputs(|| 1 + dice.below(CHANGES as usize) as u64)
        .bench_values(|version| reader.at(version).expect("a state"));
}

#[divan::bench]
fn version_at(bencher: Bencher<'_, '_>) {
    let reader = reader();
    let stamps: Vec<i64> = [1, CHANGES / 3, CHANGES / 2, CHANGES]
        .into_iter()
        .map(|version| reader.changes(version..).expect("a history").next().expect("one").expect("a change"))
        .map(|change| change.time_ms())
        .collect();
    bencher
        .counter(ItemsCount::new(stamps.len()))
        .bench_local(|| stamps.iter().map(|&time| reader.version_at(time).expect("a version")).max());
}

/// Of a number that only grows; the predicate looks at one field.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn bisect(bencher: Bencher<'_, '_>) {
    let is_late = |state: &Value| state["000"].as_u64().is_some_and(|number| number > CHANGES / 3);
    bencher.with_inputs(reader).bench_refs(|reader| reader.bisect(.., is_late).expect("a version"));
}

/// Of keys that were set a thousand changes ago at most.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn blame(bencher: Bencher<'_, '_>) {
    let place = Pointer::parse("/500").expect("a pointer");
    bencher
        .with_inputs(reader)
        .bench_refs(|reader| reader.blame(&place).expect("a history").expect("a change"));
}

/// Reads every change, and finds nothing.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn blame_what_never_was(bencher: Bencher<'_, '_>) {
    let place = Pointer::parse("/never").expect("a pointer");
    bencher
        .with_inputs(reader)
        .bench_refs(|reader| assert!(reader.blame(&place).expect("a history").is_none()));
}

/// One change in a thousand.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn changes_of_a_place(bencher: Bencher<'_, '_>) {
    let filter = Filter::new().touching(Pointer::parse("/500").expect("a pointer"));
    bencher
        .counter(ItemsCount::new(CHANGES))
        .with_inputs(reader)
        .bench_refs(|reader| reader.changes(..).expect("a history").matching(filter.clone()).count());
}

/// None, which the patches need not be decoded for.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn changes_with_a_label(bencher: Bencher<'_, '_>) {
    let filter = Filter::new().labelled("sell");
    bencher
        .counter(ItemsCount::new(CHANGES))
        .with_inputs(reader)
        .bench_refs(|reader| reader.changes(..).expect("a history").matching(filter.clone()).count());
}
