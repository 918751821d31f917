//! Going through the history of a store of a million changes: stepping from version to version.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

#[path = "common/unsynced.rs"]
mod unsynced;

use divan::Bencher;
use divan::counter::ItemsCount;
use redraft::io::Env;
use redraft::{Options, Reader, Store, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

fn main() {
    divan::main();
}

const CHANGES: u64 = 1_000_000;
const STEPS: u64 = 2_000;

/// A store of a million one-field changes over a thousand keys, without a snapshot; `/count` only grows.
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
        .bench_refs(|reader| steps().map(|version| reader.at(version).expect("a state")).count());
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn step_back(bencher: Bencher<'_, '_>) {
    let steps = || (0..STEPS).map(|step| CHANGES / 2 - step);
    bencher
        .counter(ItemsCount::new(STEPS))
        .with_inputs(in_the_middle)
        .bench_refs(|reader| steps().map(|version| reader.at(version).expect("a state")).count());
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
