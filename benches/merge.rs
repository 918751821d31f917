//! Merging: what a submission costs beside a change made here, far behind and in a chain, and a session that was recorded.
//!
//! On a disk in memory, without waiting for it: what is left is the work. One run compares; the machine's day is in all of it.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, reads what is beside the project, and fails by panicking"
)]

use flate2::read::GzDecoder;
use redraft::collections::Text;
use redraft::io::{Env, MemoryDisk};
use redraft::merge::{Outcome, Policy, Rules, Submission};
use redraft::patch::{Action, Insert, Op};
use redraft::value::{Map, Path};
use redraft::{Durability, Options, Patch, Replica, Stamp, Store, Value, WriterId, value};
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CARDS: usize = 10_000;
const ROUNDS: usize = 20_000;

fn options(disk: &MemoryDisk) -> Options {
    Options::new().env(Env::simulated(disk.clone(), 7)).durability(Durability::UnsafeNoSync)
}

fn board() -> Value {
    let card = |n| (format!("{n:05}"), value!({ "title": "a card", "votes": 0 }));
    value!({ "cards": Value::from((0..CARDS).map(card).collect::<Map>()) })
}

fn store(disk: &MemoryDisk) -> Store<Value> {
    let store: Store<Value> = options(disk).open("/store").unwrap();
    store.produce(|doc| *doc = board()).unwrap();
    store
}

fn votes(card: usize, votes: usize) -> Op {
    let path = Path::root().child("cards").child(format!("{:05}", card % CARDS).as_str()).child("votes");
    Op::new(path, Action::Replace((votes as u64).into()))
}

fn patch(card: usize) -> Patch {
    vec![votes(card, card)].into()
}

fn writer(number: usize) -> WriterId {
    format!("{:x}", number + 1).parse().unwrap()
}

/// How long each takes, on average.
fn each(count: usize, mut work: impl FnMut(usize)) -> Duration {
    let begun = Instant::now();
    (0..count).for_each(&mut work);
    begun.elapsed() / u32::try_from(count).unwrap()
}

fn without_conflicts() {
    let (made, taken) = (store(&MemoryDisk::new()), store(&MemoryDisk::new()));
    let produced = each(ROUNDS, |n| drop(made.apply(&patch(n * 7)).unwrap()));
    let merged = each(ROUNDS, |n| {
        let base = taken.version();
        drop(
            taken
                .merge(&Submission::new(base, patch(n * 7)).by(writer(n % 10), (n / 10 + 1) as u64))
                .unwrap(),
        );
    });
    let ratio = merged.as_secs_f64() / produced.as_secs_f64();
    println!("a change made here {produced:?}, the same submitted {merged:?}: {ratio:.2} of it");
}

fn far_behind() {
    for behind in [1_000, 10_000] {
        let store = store(&MemoryDisk::new());
        let base = store.version();
        (0..behind).for_each(|n| drop(store.apply(&patch(n * 2)).unwrap()));
        // The first one of a session reads what came since.
        drop(store.merge(&Submission::new(base, patch(1))).unwrap());
        let merged = each(1_000, |n| drop(store.merge(&Submission::new(base, patch(n * 2 + 3))).unwrap()));
        println!("a submission made {behind} changes back: {merged:?}");
    }
}

/// Of a writer who lost every one before.
fn always_lost() {
    for lost in [500, 5_000] {
        let store = store(&MemoryDisk::new());
        store.set_rules(Rules::new().with("/cards".parse().unwrap(), Policy::LastWritten)).unwrap();
        let base = store.version();
        (0..lost).for_each(|n| drop(store.apply(&patch(n)).unwrap()));
        let made = |n: usize| {
            let submission = Submission::new(base, vec![votes(n, n + 1)]).by(writer(0), n as u64 + 1);
            submission.written(Stamp::default())
        };
        let merged = each(lost, |n| {
            let receipt = store.merge(&made(n)).unwrap();
            assert!(matches!(receipt.outcome, Outcome::Partial), "somebody wrote later: {receipt:?}");
        });
        println!("one of {lost} submissions that all lose: {merged:?}");
    }
}

fn long_offline() {
    let disk = MemoryDisk::new();
    let store = Arc::new(store(&disk));
    // Of another machine, whose dice fall otherwise.
    let elsewhere = options(&disk).env(Env::simulated(disk.clone(), 8));
    let replica: Replica<Value> = elsewhere.open_replica("/store", "/replica").unwrap();
    let writer = replica.write_through(Arc::clone(&store)).unwrap();
    writer.exchange().unwrap();
    for n in 0..10_000 {
        writer
            .produce(|doc| doc["cards"][format!("{:05}", n * 3 % CARDS).as_str()]["votes"] = n.into())
            .unwrap();
    }
    (0..1_000).for_each(|n| drop(store.apply(&patch(n * 5)).unwrap()));
    store.sync().unwrap();
    writer.replica().catch_up().unwrap();
    let begun = Instant::now();
    let view = writer.view().unwrap();
    println!("10,000 changes that wait, led past 1,000 that came: {:?}", begun.elapsed());
    let begun = Instant::now();
    writer.push().unwrap();
    store.sync().unwrap();
    writer.exchange().unwrap();
    println!("and submitted, merged and taken back: {:?}", begun.elapsed());
    assert_eq!(writer.view().unwrap(), store.state());
    drop(view);
}

/// See tests/merge/recorded.rs, which holds the result.
fn recorded() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/editing-traces/friendsforever.json.gz");
    let Ok(packed) = std::fs::read(file) else { return println!("the recorded session is not at hand") };
    let mut json = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let submissions = submissions(json["txns"].as_array().unwrap());
    let store: Store<Text> = options(&MemoryDisk::new()).open("/store").unwrap();
    let begun = Instant::now();
    submissions.iter().for_each(|submission| drop(store.merge(submission).unwrap()));
    let (took, count) = (begun.elapsed(), submissions.len());
    assert!(*store.state() == *json["endContent"].as_str().unwrap());
    println!(
        "{count} recorded transactions of two people: {took:?}, {:.0}/s",
        count as f64 / took.as_secs_f64()
    );
}

fn submissions(typed: &[serde_json::Value]) -> Vec<Submission> {
    let number = |json: &serde_json::Value| usize::try_from(json.as_u64().unwrap()).unwrap();
    // How many of each writer's transactions each one knows.
    let mut known: Vec<[usize; 2]> = Vec::with_capacity(typed.len());
    let mut made: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    let mut submissions = Vec::with_capacity(typed.len());
    for (at, one) in typed.iter().enumerate() {
        let me = number(&one["agent"]);
        let mut knows = [0, 0];
        for parent in one["parents"].as_array().unwrap() {
            let theirs = known[number(parent)];
            knows = [knows[0].max(theirs[0]), knows[1].max(theirs[1])];
        }
        let base = made[1 - me].get(knows[1 - me]).copied().unwrap_or(at);
        made[me].push(at);
        knows[me] = made[me].len();
        known.push(knows);
        let ops = one["patches"].as_array().unwrap().iter().map(|it| {
            let ins = Insert::Text(it[2].as_str().unwrap().into());
            Op::new(Path::root(), Action::Splice { at: number(&it[0]), del: number(&it[1]), ins })
        });
        let patch: Patch = ops.collect();
        submissions.push(Submission::new(base as u64, patch).by(writer(me), made[me].len() as u64));
    }
    submissions
}

fn main() {
    without_conflicts();
    far_behind();
    always_lost();
    long_offline();
    recorded();
}
