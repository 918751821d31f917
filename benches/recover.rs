//! Coming back: opening a store after a clean close and after a crash, with and without a snapshot, and reading history.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

#[path = "common/unsynced.rs"]
mod unsynced;

use divan::Bencher;
use divan::counter::ItemsCount;
use redraft::io::Env;
use redraft::{Options, Reader, Store, Value};
use std::path::PathBuf;
use std::sync::Arc;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

struct Built {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

/// A store of `count` one-field changes over a thousand keys.
fn built(count: usize, snapshot: bool) -> Built {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("store");
    let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
    let store: Store<Value> = Options::new().env(env).open(&path).expect("a new store");
    for number in 0..count {
        let key = format!("{:03}", number % 1000);
        store.produce(|doc| doc[key.as_str()] = (number as i64).into()).expect("a change");
        if snapshot && number == count - 100 {
            store.snapshot().expect("a snapshot");
        }
    }
    store.close().expect("a clean close");
    Built { _dir: dir, path }
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn open_and_replay_everything(bencher: Bencher<'_, '_>, count: usize) {
    let built = built(count, false);
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| Store::<Value>::open(&built.path).expect("an open store"));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn open_from_a_snapshot(bencher: Bencher<'_, '_>, count: usize) {
    let built = built(count, true);
    bencher.bench_local(|| Store::<Value>::open(&built.path).expect("an open store"));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn read_all_changes(bencher: Bencher<'_, '_>, count: usize) {
    let built = built(count, true);
    let reader = Reader::<Value>::open(&built.path).expect("an open store");
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| reader.changes(..).expect("a history").filter(Result::is_ok).count());
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn state_in_the_middle(bencher: Bencher<'_, '_>, count: usize) {
    let built = built(count, true);
    bencher
        .with_inputs(|| Reader::<Value>::open(&built.path).expect("an open store"))
        .bench_refs(|reader| reader.at(count as u64 / 2).expect("a state"));
}
