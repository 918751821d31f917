//! The log alone: appending with every durability, opening, reading. Each figure is for the whole run; divide by the count in
//! the argument or read the throughput. `tools/peers/log` holds the same works against other engines and a raw baseline.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use divan::Bencher;
use divan::counter::ItemsCount;
use redraft::Durability;
use redraft::log::{Log, Options, Reader, Ticket};
use std::collections::VecDeque;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [128, 1024];
const INTERVAL: Durability = Durability::Interval(Duration::from_millis(100));

fn fresh(durability: Durability) -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = Options::new().durability(durability).open(dir.path().join("log")).expect("a new log");
    (dir, log)
}

/// A log of `count` records of `bytes` each, closed, its files in the page cache.
fn written(count: usize, bytes: usize, segment_bytes: u64) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("log");
    let log = Options::new().segment_bytes(segment_bytes).durability(INTERVAL).open(&path).expect("a log");
    for _ in 0..count {
        log.append(&vec![0xa5; bytes]).expect("a record");
    }
    log.close().expect("a clean close");
    (dir, path)
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn synced_one_thread(bencher: Bencher<'_, '_>, bytes: usize) {
    const COUNT: usize = 2_000;
    let payload = vec![0xa5; bytes];
    bencher.counter(ItemsCount::new(COUNT)).with_inputs(|| fresh(Durability::Immediate)).bench_refs(
        |(_, log)| {
            for _ in 0..COUNT {
                log.append(&payload).expect("a record");
            }
        },
    );
}

#[divan::bench(args = [2, 8, 32], sample_count = 5, sample_size = 1)]
fn synced_many_threads(bencher: Bencher<'_, '_>, threads: usize) {
    const EACH: usize = 1_000;
    let payload = vec![0xa5; 128];
    let count = ItemsCount::new(threads * EACH);
    bencher.counter(count).with_inputs(|| fresh(Durability::Immediate)).bench_refs(|(_, log)| {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        log.append(&payload).expect("a record");
                    }
                });
            }
        });
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn synced_one_thread_with_tickets(bencher: Bencher<'_, '_>, bytes: usize) {
    const COUNT: usize = 200_000;
    const IN_FLIGHT: usize = 1_000;
    let payload = vec![0xa5; bytes];
    bencher.counter(ItemsCount::new(COUNT)).with_inputs(|| fresh(Durability::Immediate)).bench_refs(
        |(_, log)| {
            let mut tickets: VecDeque<Ticket<'_>> = VecDeque::with_capacity(IN_FLIGHT);
            for _ in 0..COUNT {
                if tickets.len() == IN_FLIGHT {
                    tickets.pop_front().map(Ticket::wait).transpose().expect("a durable record");
                }
                tickets.push_back(log.submit(&payload).expect("a record"));
            }
            log.sync().expect("durable records");
        },
    );
}

fn in_batches(bencher: Bencher<'_, '_>, bytes: usize, durability: Durability) {
    const BATCHES: usize = 200;
    const EACH: usize = 1_000;
    let payload = vec![0xa5; bytes];
    let count = ItemsCount::new(BATCHES * EACH);
    bencher.counter(count).with_inputs(|| fresh(durability)).bench_refs(|(_, log)| {
        for _ in 0..BATCHES {
            log.append_all(std::iter::repeat_n(&payload, EACH)).expect("a batch");
        }
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn synced_in_batches_of_1000(bencher: Bencher<'_, '_>, bytes: usize) {
    in_batches(bencher, bytes, Durability::Immediate);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn interval_in_batches_of_1000(bencher: Bencher<'_, '_>, bytes: usize) {
    in_batches(bencher, bytes, INTERVAL);
}

fn one_by_one(bencher: Bencher<'_, '_>, bytes: usize, durability: Durability) {
    const COUNT: usize = 200_000;
    let payload = vec![0xa5; bytes];
    bencher.counter(ItemsCount::new(COUNT)).with_inputs(|| fresh(durability)).bench_refs(|(_, log)| {
        for _ in 0..COUNT {
            log.append(&payload).expect("a record");
        }
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn interval_one_by_one(bencher: Bencher<'_, '_>, bytes: usize) {
    one_by_one(bencher, bytes, INTERVAL);
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn unsafe_no_sync_one_by_one(bencher: Bencher<'_, '_>, bytes: usize) {
    one_by_one(bencher, bytes, Durability::UnsafeNoSync);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_a_million_after_a_clean_close(bencher: Bencher<'_, '_>) {
    let (_dir, path) = written(1_000_000, 128, 64 << 20);
    bencher.bench(|| Log::open(&path).expect("a log").head());
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn read_beside_a_writer_from_the_end_of_a_million(bencher: Bencher<'_, '_>) {
    let (_dir, path) = written(1_000_000, 128, 256 << 20);
    let log = Log::open(&path).expect("a log");
    log.append(b"one more").expect("a record");
    bencher.bench(|| Reader::open(&path).expect("a reader"));
    drop(log);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_100_mb_in_1000_segments(bencher: Bencher<'_, '_>) {
    let (_dir, path) = written(720_000, 128, 100_000);
    bencher.bench(|| Log::open(&path).expect("a log").head());
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn replay(bencher: Bencher<'_, '_>, bytes: usize) {
    let count = 128_000_000 / bytes;
    let (_dir, path) = written(count, bytes, 64 << 20);
    let log = Log::open(&path).expect("a log");
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut records = log.reader().records(0).expect("records");
        let mut sum = 0;
        while let Some(record) = records.next_record().expect("a record") {
            sum += record.payload().len();
        }
        assert_eq!(sum, count * bytes);
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn point_reads(bencher: Bencher<'_, '_>, bytes: usize) {
    const READS: u64 = 100_000;
    let count = 128_000_000 / bytes as u64;
    let (_dir, path) = written(count as usize, bytes, 64 << 20);
    let log = Log::open(&path).expect("a log");
    let reader = log.reader();
    let mut buffer = Vec::new();
    bencher.counter(ItemsCount::new(READS)).bench_local(|| {
        let mut offset = 0_u64;
        for _ in 0..READS {
            offset = offset.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            black_box(reader.read_into((offset >> 20) % count, &mut buffer).expect("a record"));
        }
    });
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn first_record_from_the_middle(bencher: Bencher<'_, '_>) {
    let (_dir, path) = written(1_000_000, 128, 64 << 20);
    let log = Log::open(&path).expect("a log");
    bencher.with_inputs(|| log.reader()).bench_values(|reader| {
        let mut records = reader.records(500_000).expect("records");
        records.next_record().expect("a record").map(|record| record.offset())
    });
}
