//! What packing sealed segments saves, what it costs, and what reading costs then: 1,000,000 JSON-like records of 128 bytes.
//!
//! `cargo bench --bench pack`

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark looks at files, prints, and fails by panicking"
)]

#[path = "common/unsynced.rs"]
mod unsynced;

use redraft::io::Env;
use redraft::log::{Log, Options, Reader};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RECORDS: u64 = 1_000_000;
const RECORD_BYTES: usize = 128;
const READS: usize = 20_000;

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = written(dir.path());
    let before = size(dir.path());
    println!("{RECORDS} records of {RECORD_BYTES} bytes, {} MiB on disk", before >> 20);
    let plain = (all(&log.reader()), single(&log.reader()));
    let begun = Instant::now();
    let (saved, segments) = log.pack().expect("packed segments");
    let took = begun.elapsed();
    let rate = (RECORDS as f64 * RECORD_BYTES as f64) / took.as_secs_f64() / 1e6;
    println!("packing {segments} segments    {took:.1?}, {rate:.0} MB/s");
    println!(
        "of what is packed, left  {:.3}",
        1.0 - saved as f64 / sealed_before(before, dir.path(), saved) as f64
    );
    let packed = (all(&log.reader()), single(&log.reader()));
    println!(
        "reading all              {:.1?}, before {:.1?}, ratio {:.2}",
        packed.0,
        plain.0,
        ratio(packed.0, plain.0)
    );
    for (name, at) in [("median", READS / 2), ("99 of 100", READS * 99 / 100)] {
        println!("one record, {name:<12} {:.1?}, before {:.1?}", packed.1[at], plain.1[at]);
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// The bytes of the segments that were packed, as they were: all but the one being written.
fn sealed_before(before: u64, dir: &Path, saved: u64) -> u64 {
    let newest = files(dir).into_iter().max().map_or(0, |(_, bytes)| bytes);
    let after = size(dir) - newest;
    debug_assert!(after + saved <= before, "what is left and what was saved is what there was");
    after + saved
}

fn written(path: &Path) -> Log {
    let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
    let log = Options::new().env(env).segment_bytes(16 << 20).create_new(path).expect("a new log");
    let mut number = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..RECORDS {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (card, user) = (number >> 44, (number >> 32) % 5_000);
        let mut text = format!(
            r#"{{"id":{n},"op":"replace","path":"/cards/{card}/title","value":"card number {card}","by":"user {user}","ms":{}}}"#,
            1_760_000_000_000 + n * 37
        );
        while text.len() < RECORD_BYTES {
            text.push(' ');
        }
        text.truncate(RECORD_BYTES);
        drop(log.submit(text.as_bytes()).expect("a queued record"));
    }
    log.sync().expect("a log on the disk");
    log
}

fn all(reader: &Reader) -> Duration {
    let begun = Instant::now();
    let mut records = reader.records(0).expect("records");
    let mut count = 0;
    while records.next_record().expect("a record").is_some() {
        count += 1;
    }
    assert_eq!(count, RECORDS);
    begun.elapsed()
}

fn single(reader: &Reader) -> Vec<Duration> {
    let (mut at, mut buffer) = (12_345_u64, Vec::new());
    let mut times: Vec<Duration> = (0..READS)
        .map(|_| {
            at = (at.wrapping_mul(48_271)) % 2_147_483_647;
            let begun = Instant::now();
            reader.read_into(at % RECORDS, &mut buffer).expect("a record");
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn files(dir: &Path) -> Vec<(std::path::PathBuf, u64)> {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry"));
    let segments = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "seg"));
    segments.map(|entry| (entry.path(), entry.metadata().expect("a length").len())).collect()
}

fn size(dir: &Path) -> u64 {
    files(dir).iter().map(|(_, bytes)| bytes).sum()
}
