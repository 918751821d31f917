//! Writers that come back after more changes than are remembered for merging: what met nothing is brought, and nothing is guessed.

use crate::again::Leaves;
use crate::common::{env, seed};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::{Outcome, Policy, Refusal, Rules, Submission};
use redraft::replica::{Sequencer, Settled, Writer};
use redraft::{Error, Options, Retention, Store, Value, value};
use std::sync::{Arc, Mutex};

/// So many changes are remembered for merging.
const WINDOW: usize = 16;

fn of_machine(disk: &MemoryDisk, number: u64) -> Env {
    Env { entropy: Arc::new(SeededEntropy::new(seed(number))), ..env(disk) }
}

fn primary(disk: &MemoryDisk, rules: Rules) -> Arc<Store<Value>> {
    let options = Options::new().env(of_machine(disk, 1)).segment_bytes(1 << 14).merge_window(WINDOW);
    let store = options.open::<Value>("/primary").unwrap();
    store.set_rules(rules).unwrap();
    store.produce(|doc| *doc = value!({ "votes": 1, "title": "plan", "theirs": {}, "list": [] })).unwrap();
    Arc::new(store)
}

fn writer(disk: &MemoryDisk, store: &Arc<Store<Value>>) -> Writer<Value> {
    writer_through(disk, Arc::clone(store))
}

fn writer_through(disk: &MemoryDisk, sequencer: impl Sequencer + 'static) -> Writer<Value> {
    let options = Options::new().env(of_machine(disk, 2)).segment_bytes(1 << 14);
    let writer = options.open_replica("/primary", "/w").unwrap().write_through(sequencer).unwrap();
    writer.replica().catch_up().unwrap();
    writer
}

fn rule(place: &str, policy: Policy) -> Rules {
    Rules::new().with(place.parse().unwrap(), policy)
}

fn vote(doc: &mut Value) {
    doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into();
}

fn more_than_is_remembered(store: &Store<Value>, change: impl Fn(&mut Value)) {
    for n in 0..5 * WINDOW {
        store.produce(&change).unwrap();
        store.produce(|doc| doc["theirs"][n.to_string().as_str()] = n.into()).unwrap();
    }
}

/// What becomes of all that waits, as it is told.
fn settled(writer: &Writer<Value>, store: &Store<Value>) -> Vec<Settled> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let _listening = writer.listen(move |settled| hears.lock().unwrap().push(settled.clone()));
    writer.exchange().unwrap();
    assert_eq!((writer.pending(), writer.view().unwrap()), (0, store.state()));
    let heard = heard.lock().unwrap();
    heard.clone()
}

#[track_caller]
fn is_refused(settled: &Settled, expected: Refusal) {
    let Outcome::Rejected { why, detail } = &settled.outcome else { panic!("{settled:?}") };
    assert_eq!(*why, expected);
    assert!(detail.contains("too long ago") && detail.contains("made on version"), "{detail}");
}

#[test]
fn what_the_rules_would_have_had_a_say_about_is_refused_and_overwrites_nothing() {
    for policy in [Policy::Counter, Policy::Reject, Policy::FirstWins, Policy::LastAppended, Policy::Max] {
        let disk = MemoryDisk::new();
        let store = primary(&disk, rule("/votes", policy));
        let writer = writer(&disk, &store);
        writer.produce(vote).unwrap();
        more_than_is_remembered(&store, vote);
        let settled = settled(&writer, &store);
        is_refused(&settled[0], Refusal::Conflict);
        assert_eq!(store.state()["votes"].as_i64(), Some(1 + 5 * WINDOW as i64));
    }
}

#[test]
fn what_met_nothing_is_brought_and_what_is_made_afterwards_too() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, rule("/votes", Policy::Counter));
    let writer = writer(&disk, &store);
    let push = |n: i64| writer.produce(|doc| doc["list"].as_list_mut().unwrap().push(n)).unwrap();
    push(1);
    writer.produce(vote).unwrap();
    push(2);
    more_than_is_remembered(&store, vote);
    let outcomes: Vec<bool> =
        settled(&writer, &store).iter().map(|settled| settled.outcome == Outcome::Clean).collect();
    assert_eq!((outcomes, &store.state()["list"]), (vec![true, false, true], &value!([1, 2])));
    push(3);
    writer.produce(vote).unwrap();
    store.produce(vote).unwrap();
    settled(&writer, &store);
    assert_eq!(store.state()["list"], value!([1, 2, 3]));
    assert_eq!(store.state()["votes"].as_i64(), Some(3 + 5 * WINDOW as i64));
}

#[test]
fn a_recipe_is_run_again_on_what_came() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, rule("/votes", Policy::Counter));
    let writer = writer(&disk, &store);
    writer.recipe("vote", |doc: &mut Value, _: &Value| {
        vote(doc);
        Ok::<(), String>(())
    });
    writer.run("vote", ()).unwrap();
    more_than_is_remembered(&store, vote);
    let settled = settled(&writer, &store);
    is_refused(&settled[0], Refusal::Rerun);
    assert_eq!((settled[0].again_as, &settled[1].outcome), (Some(2), &Outcome::Clean));
    assert_eq!(store.state()["votes"].as_i64(), Some(2 + 5 * WINDOW as i64));
}

#[test]
fn all_of_it_or_nothing_holds_for_what_is_late_too() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, Rules::new());
    let writer = writer(&disk, &store);
    writer
        .produce(|doc| {
            doc["title"] = "mine".into();
            doc["list"].as_list_mut().unwrap().push("mine");
        })
        .unwrap();
    more_than_is_remembered(&store, |doc| doc["title"] = "theirs".into());
    let settled = settled(&writer, &store);
    is_refused(&settled[0], Refusal::Conflict);
    assert_eq!((&store.state()["title"], &store.state()["list"]), (&"theirs".into(), &value!([])));
}

/// A writer of whom a vote and something new waits, on a version that the store gives up before it is back.
fn of_whom_something_waits(disk: &MemoryDisk, store: &Arc<Store<Value>>) -> Writer<Value> {
    let first = writer(disk, store);
    first.produce(|doc| doc["list"].as_list_mut().unwrap().push("mine")).unwrap();
    first.produce(vote).unwrap();
    first.close().unwrap();
    // Enough for several segments.
    (0..8).for_each(|_| more_than_is_remembered(store, vote));
    store.snapshot().unwrap();
    assert!(store.compact_to(Retention::Changes(10)).unwrap().oldest > 2);
    writer(disk, store)
}

#[test]
fn what_waits_on_a_version_that_was_given_up_is_refused_and_kept_in_the_history_as_it_was_made() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, rule("/votes", Policy::Counter));
    let writer = of_whom_something_waits(&disk, &store);
    assert_eq!((writer.pending(), writer.view().unwrap()), (2, store.state()));
    let made = writer.produce(|doc| doc["new"] = 1.into()).unwrap();
    assert_eq!(made.sequence, Some(3));
    let before = store.version();
    let settled = settled(&writer, &store);
    settled[..2].iter().for_each(|settled| is_refused(settled, Refusal::Conflict));
    assert_eq!(settled[2].outcome, Outcome::Clean);
    assert_eq!((store.state()["new"].as_i64(), &store.state()["list"]), (Some(1), &value!([])));
    let wanted = store.changes(before + 1..).unwrap().map(|change| change.unwrap().merged.unwrap().original);
    let wanted: Vec<String> = wanted.flatten().map(|patch| format!("{patch:?}")).collect();
    assert!(wanted[0].contains("mine") && wanted[1].contains("/votes"), "{wanted:?}");
}

#[test]
fn what_was_made_on_top_of_something_that_is_refused_does_not_overwrite_its_neighbours() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, rule("/votes", Policy::Counter));
    store.produce(|doc| doc["list"] = value!(["a", "b"])).unwrap();
    let writer = writer(&disk, &store);
    let both = |doc: &mut Value| {
        vote(doc);
        doc["list"].as_list_mut().unwrap().insert(1, "mine");
    };
    writer.produce(both).unwrap();
    writer.produce(|doc| doc["list"][1] = "mine, edited".into()).unwrap();
    writer.produce(|doc| doc["list"].as_list_mut().unwrap().push("last")).unwrap();
    store.produce(|doc| (0..5).for_each(|n| doc["list"].as_list_mut().unwrap().insert(0, n))).unwrap();
    more_than_is_remembered(&store, vote);
    let settled = settled(&writer, &store);
    assert!(matches!(settled[0].outcome, Outcome::Rejected { .. }), "{settled:?}");
    assert_eq!(store.state()["list"], value!([4, 3, 2, 1, 0, "a", "b", "last"]), "{settled:?}");
}

#[test]
fn what_is_made_after_one_that_was_too_late_is_merged_by_the_rules_again() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, rule("/votes", Policy::Counter));
    let late = writer(&disk, &store);
    late.produce(|doc| doc["mine"] = 1.into()).unwrap();
    more_than_is_remembered(&store, vote);
    // What is too late is brought, and nothing of it comes back yet.
    late.push().unwrap();
    late.produce(vote).unwrap();
    store.produce(vote).unwrap();
    let settled = settled(&late, &store);
    assert_eq!(
        settled.iter().filter(|settled| matches!(settled.outcome, Outcome::Rejected { .. })).count(),
        0
    );
    assert_eq!(store.state()["votes"].as_i64(), Some(3 + 5 * WINDOW as i64));
}

#[test]
fn what_is_left_of_what_was_brought_as_it_reads_is_brought_so_too_by_who_died_between() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, Rules::new());
    store.produce(|doc| doc["list"] = value!(["x"])).unwrap();
    let first = writer_through(&disk, Leaves(Arc::clone(&store)));
    first.produce(|doc| doc["mine"] = 1.into()).unwrap();
    more_than_is_remembered(&store, vote);
    first.replica().catch_up().unwrap();
    // This one would not be too late by itself.
    first.produce(|doc| doc["list"][0] = "x, edited".into()).unwrap();
    (0..3).for_each(|n| drop(store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, n)).unwrap()));
    assert!(first.push().is_err());
    drop(first);
    let second = writer(&disk, &store);
    settled(&second, &store);
    assert_eq!(store.state()["list"], value!([2, 1, 0, "x, edited"]));
    assert_eq!(store.state()["mine"].as_i64(), Some(1));
}

#[test]
fn who_builds_on_the_same_version_for_ever_is_told_that_it_is_too_old() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, Rules::new());
    let base = store.version();
    let patch = redraft::diff(&value!({ "a": 1 }), &value!({ "a": 1, "b": 1 })).unwrap().0;
    let mut others = (0..100 * WINDOW)
        .map(|_| store.produce(vote).and_then(|_| store.merge(&Submission::new(base, patch.clone()))));
    let refused = others.find_map(Result::err);
    assert!(matches!(refused, Some(Error::TooOld { .. })), "{refused:?}");
}
