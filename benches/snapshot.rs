//! A state of a million items, some 200 MB as JSON: how long a snapshot of it takes, what opening from it takes, and how
//! long writers take meanwhile. Prints a table; takes about a minute.
//!
//! `REDRAFT_ITEMS` sets how many items.
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

fn main() {
    let items =
        std::env::var("REDRAFT_ITEMS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000_u64);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("store");
    let store = open(&path);
    store
        .produce(|doc| doc["items"] = Value::List((0..items).map(item).collect()))
        .expect("a change that holds all of it");
    println!("{items} items, {:.0} MB as JSON", store.state().to_string().len() as f64 / 1e6);

    let (median, slow, count) = writing(&store, items, |count| count == 3_000);
    println!("writing alone: median {median:?}, 99.9 % {slow:?} of {count}");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..3 {
                let begin = Instant::now();
                let version = store.snapshot().expect("a snapshot");
                let file = path.join(format!("{version:020}.snap"));
                let bytes = std::fs::metadata(file).expect("a snapshot").len();
                println!("snapshot beside a writer: {:?}, {:.1} MB", begin.elapsed(), bytes as f64 / 1e6);
            }
            done.store(true, SeqCst);
        });
        let (median, slow, count) = writing(&store, items, |_| done.load(SeqCst));
        println!("writing beside snapshots: median {median:?}, 99.9 % {slow:?} of {count}");
    });
    for _ in 0..3 {
        let begin = Instant::now();
        store.snapshot().expect("a snapshot");
        println!("snapshot: {:?}", begin.elapsed());
    }
    store.close().expect("a clean close");
    for _ in 0..3 {
        let begin = Instant::now();
        let store = open(&path);
        println!("open from a snapshot: {:?}, {} changes replayed", begin.elapsed(), store.opened().replayed);
    }
}
