//! Durable changes: one thread, many threads, and the same without syncs to see what is ours and what is the disk's.
//! Each figure is for the whole run; divide by the count in the argument or read the throughput.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

#[path = "common/unsynced.rs"]
mod unsynced;

use divan::Bencher;
use divan::counter::ItemsCount;
use redraft::io::Env;
use redraft::log::Log;
use redraft::{Options, Store, Ticket, Value};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a change of one field takes in the log.
const CHANGE_BYTES: usize = 26;

fn main() {
    divan::main();
}

fn unsynced() -> Env {
    Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() }
}

fn fresh(env: Env) -> (tempfile::TempDir, Store<Value>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = Options::new().env(env).open(dir.path().join("store")).expect("a new store");
    (dir, store)
}

fn change(store: &Store<Value>, key: &str, number: i64) {
    store.produce(|doc| doc[key] = number.into()).expect("a change");
}

#[divan::bench(args = [100, 1_000], sample_count = 5)]
fn immediate_one_thread(bencher: Bencher<'_, '_>, count: usize) {
    bencher.counter(ItemsCount::new(count)).with_inputs(|| fresh(Env::real())).bench_refs(|(_, store)| {
        (0..count).for_each(|number| change(store, "counter", number as i64));
    });
}

/// So many times in each of many threads, at the same time.
const EACH: usize = 1_000;

fn at_once(threads: usize, work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

#[divan::bench(args = [2, 8, 32], sample_count = 5)]
fn immediate_many_threads(bencher: Bencher<'_, '_>, threads: usize) {
    bencher.counter(ItemsCount::new(threads * EACH)).with_inputs(|| fresh(Env::real())).bench_refs(
        |(_, store)| {
            at_once(threads, |thread| {
                let key = format!("thread {thread}");
                (0..EACH).for_each(|number| change(store, &key, number as i64));
            });
        },
    );
}

/// What the store stands on, for comparison: records as long as those changes.
#[divan::bench(args = [2, 8, 32], sample_count = 5)]
fn immediate_many_threads_the_log_alone(bencher: Bencher<'_, '_>, threads: usize) {
    let fresh = || {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log = Log::open(dir.path().join("log")).expect("a new log");
        (dir, log)
    };
    bencher.counter(ItemsCount::new(threads * EACH)).with_inputs(fresh).bench_refs(|(_, log)| {
        at_once(threads, |_| {
            (0..EACH).for_each(|_| assert!(log.append(&[7; CHANGE_BYTES]).is_ok()));
        });
    });
}

/// One thread that keeps a thousand changes in flight: each is synced, but it waits for the oldest only.
#[divan::bench(args = [1_000, 20_000], sample_count = 5)]
fn immediate_one_thread_with_tickets(bencher: Bencher<'_, '_>, count: usize) {
    const IN_FLIGHT: usize = 1_000;
    bencher.counter(ItemsCount::new(count)).with_inputs(|| fresh(Env::real())).bench_refs(|(_, store)| {
        let mut tickets = VecDeque::with_capacity(IN_FLIGHT);
        for number in 0..count {
            if tickets.len() == IN_FLIGHT {
                tickets.pop_front().map(Ticket::wait).transpose().expect("a durable change");
            }
            tickets.push_back(store.submit(|doc| doc["counter"] = number.into()).expect("a change"));
        }
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("a durable change")));
    });
}

#[divan::bench(args = [10_000, 100_000, 1_000_000], sample_count = 3, sample_size = 1)]
fn without_syncs(bencher: Bencher<'_, '_>, count: usize) {
    bencher.counter(ItemsCount::new(count)).with_inputs(|| fresh(unsynced())).bench_refs(|(_, store)| {
        (0..count).for_each(|number| change(store, "counter", number as i64));
    });
}
