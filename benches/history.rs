//! Going through the history of a store of a million changes: from a time to a version, from version to version, who set a
//! place, and the first version for which something is true.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

#[path = "common/unsynced.rs"]
mod unsynced;

use divan::Bencher;
use divan::counter::ItemsCount;
use redraft::io::Env;
use redraft::value::Pointer;
use redraft::{Filter, Options, Reader, Store, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

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
