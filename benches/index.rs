//! The index over a history: following the log, opening again, one change more, answers; and the memory and space it takes.
//!
//! Not one of divan's, since most of these can be measured only once for each index.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark that cannot run has nothing to measure; it measures files, and prints what it measured"
)]

#[path = "common/unsynced.rs"]
mod unsynced;

use redraft::io::Env;
use redraft::value::Pointer;
use redraft::{Filter, Lookup, Options, Store, Value, value};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CHANGES: u64 = 1_000_000;

/// A kind of history: how it begins, how each change is made, which place is asked for, and how many changes touch that.
struct History {
    name: &'static str,
    begin: fn(&mut Value),
    change: fn(&mut Value, u64),
    place: &'static str,
}

const HISTORIES: [History; 4] = [
    History {
        name: "one of 1,000 numbers",
        begin: |_| (),
        change: |doc, n| doc[format!("{:03}", n % 1000).as_str()] = n.into(),
        place: "/777",
    },
    History { name: "one number", begin: |_| (), change: |doc, n| doc["n"] = n.into(), place: "/other" },
    History {
        name: "a field of 100,000 cards",
        begin: |doc| doc["cards"] = value!({}),
        change: |doc, n| {
            let key = format!("card {}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100_000);
            let cards = doc["cards"].as_map_mut().expect("a map");
            match cards.get_mut(key.as_str()) {
                Some(card) => card["votes"] = n.into(),
                None => drop(cards.insert(key, value!({ "votes": 0 }))),
            }
        },
        place: "/cards/card 5/votes",
    },
    History {
        name: "keystrokes, one text",
        begin: |doc| doc["text"] = "".into(),
        change: |doc, n| {
            doc["text"] = format!("a line that is typed{}", "x".repeat((n % 40) as usize)).into();
        },
        place: "/text",
    },
];

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for history in
        HISTORIES.iter().filter(|history| only.as_ref().is_none_or(|only| history.name.contains(only)))
    {
        measure(history);
    }
}

fn measure(history: &History) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    build(history, dir.path());
    println!("{CHANGES} changes: {}", history.name);
    let log_bytes = size(dir.path());
    let store = open(dir.path(), true);
    let before = resident();
    let busy = on_processor();
    let (first, found, lookup) = ask(&store, &pointer(history.place));
    let busy = on_processor().saturating_sub(busy);
    let rate = CHANGES as f64 / busy.as_secs_f64();
    println!("  following all of it  {first:9.1?}, {busy:.1?} of it on a processor: {rate:.0} changes/s");
    println!("  answered by          {lookup:?}, {found} found");
    println!("  resident memory added {} KiB", resident().saturating_sub(before));
    store.produce(|doc| doc["more"] = 1.into()).expect("a change");
    println!("  one change more      {:9.1?}", ask(&store, &pointer(history.place)).0);
    println!("  nothing new          {:9.1?}", ask(&store, &pointer(history.place)).0);
    println!("  blame                {:9.1?}", blame(&store, history.place));
    let none = pointer("/nothing/of this");
    println!("  a path nobody touched{:9.1?}", ask(&store, &none).0);
    let closing = Instant::now();
    store.close().expect("a clean close");
    println!("  closing              {:9.1?}", closing.elapsed());
    println!("  on disk {} KiB, the log {} KiB", size(&dir.path().join("index")) >> 10, log_bytes >> 10);
    let opening = Instant::now();
    let store = open(dir.path(), true);
    println!("  opening the store    {:9.1?}", opening.elapsed());
    let (again, _, lookup) = ask(&store, &none);
    println!("  first question again {again:9.1?} {lookup:?}");
    drop(store);
    let (scan, found, _) = ask(&open(dir.path(), false), &pointer(history.place));
    println!("  by a scan            {scan:9.1?} {found} found");
}

fn build(history: &History, path: &Path) {
    let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
    let store: Store<Value> = Options::new().env(env).open(path).expect("a new store");
    store.produce(|doc| (history.begin)(doc)).expect("a change");
    while store.version() < CHANGES {
        let n = store.version();
        store.produce(|doc| (history.change)(doc, n)).expect("a change");
    }
    store.snapshot().expect("a snapshot");
    store.close().expect("a clean close");
}

fn open(path: &Path, index: bool) -> Store<Value> {
    Options::new().index(index).open(path).expect("an open store")
}

fn blame(store: &Store<Value>, place: &str) -> Duration {
    let asked = Instant::now();
    store.blame(&pointer(place)).expect("an answer");
    asked.elapsed()
}

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).expect("a pointer")
}

fn ask(store: &Store<Value>, place: &Pointer) -> (Duration, usize, Lookup) {
    let asked = Instant::now();
    let filter = Filter::new().touching(place.clone());
    let mut changes = store.changes(..).expect("a history").matching(filter).newest_first();
    // What is found is another matter: the first hundred are enough to look at.
    let found = changes.by_ref().take(100).filter(Result::is_ok).count();
    (asked.elapsed(), found, changes.lookup().expect("a first look").clone())
}

/// How long this thread has been running: what another program takes of the machine is not counted.
fn on_processor() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(spent.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// In KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

/// The bytes of all files below a directory.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
