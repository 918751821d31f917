//! A state of a million items, some 200 MB as JSON: how long snapshots of it take, whole ones and those that hold what
//! changed, what opening from them takes, and how long writers take meanwhile; then opening a small state with a long
//! history. Prints a table; takes about a minute.
//!
//! `REDRAFT_ITEMS` sets how many items, `REDRAFT_CHANGES` how long that history is.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run has nothing to measure; this one prints its table and looks at files"
)]

use redraft::{Options, SnapshotPolicy, Store, Value, value};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

fn item(number: u64) -> Value {
    let text: String =
        (0..12).map(|word| format!("w{} ", number.wrapping_mul(2_654_435_761 + word) % 9_973)).collect();
    value!({
        "id": number,
        "name": format!("item {number}"),
        "done": number.is_multiple_of(3),
        "price": (number % 10_000) as f64 / 100.0,
        "text": text,
        "tags": ["red", "green"],
    })
}

fn open(path: &Path) -> Store<Value> {
    Options::new().snapshots(SnapshotPolicy::on_demand()).open(path).expect("a store")
}

/// The median and the 99.9th percentile of single durable changes made until `enough`.
fn writing(
    store: &Store<Value>,
    items: u64,
    mut enough: impl FnMut(usize) -> bool,
) -> (Duration, Duration, usize) {
    let mut took = Vec::new();
    while !enough(took.len()) {
        let at = (took.len() as u64).wrapping_mul(7_919) % items;
        let begin = Instant::now();
        let price = store.version() as f64;
        store.produce(|doc| doc["items"][at as usize]["price"] = price.into()).expect("a change");
        took.push(begin.elapsed());
    }
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() - 1 - took.len() / 1000], took.len())
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Makes changes that share their syncs, each at another place.
fn change(store: &Store<Value>, items: u64, count: u64) {
    let from = store.version();
    for number in from..from + count {
        let (at, price) = (number.wrapping_mul(7_919) % items, number as f64);
        drop(store.submit(|doc| doc["items"][at as usize]["price"] = price.into()).expect("a change"));
    }
    store.sync().expect("a sync");
    assert_eq!(store.version(), from + count, "each changes something");
}

/// What a busy thread costs a writer that has nothing to do with it: a machine gives its cores to both, or rations them.
fn a_busy_thread_beside_a_writer(store: &Store<Value>, items: u64) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 1_u64;
            while !done.load(SeqCst) {
                number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005) + 1);
            }
        });
        let (median, slow, count) = writing(store, items, |count| count == 18_000);
        done.store(true, SeqCst);
        println!("writing beside a busy thread: median {median:?}, 99.9 % {slow:?} of {count}");
    });
}

/// Snapshots one after the other while somebody writes; some hold the whole state.
fn snapshots_beside_a_writer(store: &Store<Value>, items: u64) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut deltas = Vec::new();
            for _ in 0..27 {
                let begin = Instant::now();
                let report = store.snapshot().expect("a snapshot");
                match report.parent {
                    None => {
                        let megabytes = report.bytes as f64 / 1e6;
                        println!("snapshot beside a writer: {:?}, {megabytes:.1} MB", begin.elapsed());
                    }
                    Some(_) => deltas.push((begin.elapsed(), report.bytes)),
                }
            }
            deltas.sort_unstable();
            println!(
                "of what changed, beside a writer: median {:?} of {}",
                deltas[deltas.len() / 2].0,
                deltas.len()
            );
            done.store(true, SeqCst);
        });
        let (median, slow, count) = writing(store, items, |_| done.load(SeqCst));
        println!("writing beside snapshots: median {median:?}, 99.9 % {slow:?} of {count}");
    });
}

fn large_state(path: &Path, items: u64) {
    let store = open(path);
    store
        .produce(|doc| doc["items"] = Value::List((0..items).map(item).collect()))
        .expect("a change that holds all of it");
    println!("{items} items, {:.0} MB as JSON", store.state().to_string().len() as f64 / 1e6);
    let (median, slow, count) = writing(&store, items, |count| count == 3_000);
    println!("writing alone: median {median:?}, 99.9 % {slow:?} of {count}");
    a_busy_thread_beside_a_writer(&store, items);
    snapshots_beside_a_writer(&store, items);
    for _ in 0..3 {
        // Of a version that has one, it is written again as a whole.
        store.snapshot().expect("a snapshot");
        let begin = Instant::now();
        let report = store.snapshot().expect("a snapshot");
        println!("snapshot: {:?}, continues {:?}", begin.elapsed(), report.parent);
    }
    for _ in 0..8 {
        change(&store, items, 1_000);
        let begin = Instant::now();
        let report = store.snapshot().expect("a snapshot");
        println!(
            "snapshot after 1000 changes: {:?}, {} bytes, continues {:?}",
            begin.elapsed(),
            report.bytes,
            report.parent
        );
    }
    store.close().expect("a clean close");
    for _ in 0..3 {
        let begin = Instant::now();
        let store = open(path);
        println!("open from snapshots: {:?}, {} changes replayed", begin.elapsed(), store.opened().replayed);
    }
}

fn long_history(path: &Path, changes: u64) {
    let items = 10_000;
    let store = Store::<Value>::open(path).expect("a store");
    store.produce(|doc| doc["items"] = Value::List((0..items).map(item).collect())).expect("a change");
    for _ in 0..changes / 1_000 {
        change(&store, items, 1_000);
    }
    store.snapshot().expect("a snapshot");
    change(&store, items, 100);
    store.close().expect("a clean close");
    for _ in 0..5 {
        let begin = Instant::now();
        let store = Store::<Value>::open(path).expect("a store");
        let (took, opened) = (begin.elapsed(), store.opened());
        println!(
            "open {items} items, version {}: {took:?}, from {:?}, {} changes replayed",
            store.version(),
            opened.from_snapshot,
            opened.replayed
        );
    }
}

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    large_state(&dir.path().join("large"), setting("REDRAFT_ITEMS", 1_000_000));
    long_history(&dir.path().join("long"), setting("REDRAFT_CHANGES", 1_000_000));
}
