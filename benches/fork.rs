//! What a fork costs: a thousand of one store, some of them gone on from, by time and by what they take of the disk.
//!
//! `cargo bench --bench fork`

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark looks at files, prints, and fails by panicking"
)]

#[path = "common/unsynced.rs"]
mod unsynced;

use redraft::io::Env;
use redraft::{Options, Reader, Store, Value, value};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FORKS: u32 = 1_000;
/// So many of them are gone on from.
const CHANGED: u32 = 100;
const CHANGES: u64 = 1_000_000;

fn main() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let path = place.path().join("source");
    written(&path);
    let store = Store::<Value>::open(&path).expect("the source");
    store.snapshot().expect("a snapshot to begin with");
    let version = store.version();
    println!("{version} changes, {} MiB in {} files", used(&path) >> 20, files(&path).len());
    let mut times: Vec<Duration> =
        (0..FORKS).map(|n| forked(&store, version, &place.path().join(n.to_string()))).collect();
    times.sort_unstable();
    println!(
        "a fork of the newest version        {:.2?} median, {:.2?} 99 of 100",
        times[FORKS as usize / 2],
        times[FORKS as usize * 99 / 100]
    );
    let own: u64 = (0..FORKS).map(|n| used(&place.path().join(n.to_string()))).sum();
    println!("of the disk, each                   {} bytes", own / u64::from(FORKS));
    let inside = place.path().join("inside");
    let took = forked(&store, version / 2 + 1, &inside);
    println!("a fork from inside of a segment     {took:.2?}, {} KiB of its own", used(&inside) >> 10);
    let begun = Instant::now();
    let reader = Reader::<Value>::open(&path).expect("a reader");
    let opened = begun.elapsed();
    let begun = Instant::now();
    reader.fork(version, place.path().join("beside")).expect("a fork");
    println!("beside the writer                   {:.2?}, and {opened:.2?} to open it", begun.elapsed());
    let begun = Instant::now();
    for n in 0..CHANGED {
        let fork = Options::new()
            .segment_bytes(1 << 20)
            .open::<Value>(place.path().join(n.to_string()))
            .expect("a fork");
        fork.produce(|doc| doc["future"] = n.into()).expect("a change");
        fork.close().expect("a closed fork");
    }
    println!("opened, changed and closed, each    {:.2?}", begun.elapsed() / CHANGED);
    let own: u64 = (0..CHANGED).map(|n| used(&place.path().join(n.to_string()))).sum();
    println!("of the disk, each                   {} bytes", own / u64::from(CHANGED));
}

/// A document of 10,000 items, one field of which each change sets.
fn written(path: &Path) {
    let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
    let store: Store<Value> =
        Options::new().env(env).segment_bytes(4 << 20).create_new(path).expect("a new store");
    let items = (0..10_000).map(|n| value!({ "n": n, "text": "ship it" }));
    store.produce(|doc| doc["items"] = items.collect::<Vec<_>>().into()).expect("items");
    for n in 1..CHANGES {
        let at = (n as usize).wrapping_mul(48_271) % 10_000;
        drop(store.submit(|doc| doc["items"][at]["n"] = n.into()).expect("a queued change"));
    }
    store.close().expect("a closed store");
}

fn forked(store: &Store<Value>, version: u64, target: &Path) -> Duration {
    let begun = Instant::now();
    store.fork(version, target).expect("a fork");
    begun.elapsed()
}

fn files(dir: &Path) -> Vec<std::fs::Metadata> {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry"));
    entries.map(|entry| entry.metadata().expect("a length")).filter(std::fs::Metadata::is_file).collect()
}

/// What only this directory has a name for, and the directory itself.
fn used(dir: &Path) -> u64 {
    let own = files(dir).into_iter().filter(|file| file.nlink() == 1);
    let own: u64 = own.map(|file| 512 * file.blocks()).sum();
    own + 512 * std::fs::metadata(dir).expect("a directory").blocks()
}
