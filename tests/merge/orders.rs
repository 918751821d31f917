//! Policies that promise it come to the same in every order: all pairs and triples of small operations, each by a writer of its own
//! and written at its own time, in all orders.

use crate::common::documents::at;
use crate::common::{counted, dir, env};
use redraft::io::MemoryDisk;
use redraft::merge::{Policy, Rules, Submission};
use redraft::patch::{Action, Insert, Op};
use redraft::{Durability, Options, Patch, Stamp, Store, Value, WriterId, value};

fn replace(place: &str, new: impl Into<Value>) -> Op {
    Op::new(at(place), Action::Replace(new.into()))
}

fn add(place: &str, new: impl Into<Value>) -> Op {
    Op::new(at(place), Action::Add(new.into()))
}

fn remove(place: &str) -> Op {
    Op::new(at(place), Action::Remove)
}

fn count(place: &str, by: i64) -> Op {
    Op::new(at(place), Action::Inc(by))
}

fn typed(from: usize, del: usize, ins: &str) -> Op {
    Op::new(at("/t"), Action::Splice { at: from, del, ins: Insert::Text(ins.into()) })
}

/// One store for all arrivals: each begins with the document as it was.
struct Arrivals {
    store: Store<Value>,
    base: Value,
    sequence: u64,
}

impl Arrivals {
    fn new(base: &Value, rules: &Rules) -> Arrivals {
        let options = Options::new().env(env(&MemoryDisk::new())).durability(Durability::UnsafeNoSync);
        let store: Store<Value> = options.segment_bytes(1 << 18).merge_window(64).open(dir()).unwrap();
        store.set_rules(rules.clone()).unwrap();
        Arrivals { store, base: base.clone(), sequence: 0 }
    }

    /// What becomes of operations that come in in this order; the number of each says who made it, and when.
    fn end(&mut self, order: &[(u64, &Op)]) -> Value {
        let base = self.base.clone();
        self.store.produce(|doc| *doc = base).unwrap();
        let version = self.store.version();
        self.sequence += 1;
        for (number, op) in order {
            let writer: WriterId = format!("{:x}", self.sequence * 8 + number + 1).parse().unwrap();
            let submission = Submission::new(version, Patch::from(vec![(*op).clone()])).by(writer, 1);
            self.store.merge(&submission.written(Stamp::of_ms(1_000 + number))).unwrap();
        }
        Value::clone(&self.store.state())
    }
}

fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.len() < 2 {
        return vec![items.to_vec()];
    }
    let rest = |at: usize| [&items[..at], &items[at + 1..]].concat();
    let all = (0..items.len()).flat_map(|at| orders(&rest(at)).into_iter().map(move |order| (at, order)));
    all.map(|(at, order)| [vec![items[at].clone()], order].concat()).collect()
}

/// All choices of so many operations, one for each writer.
fn choices(ops: &[Op], writers: usize) -> Vec<Vec<&Op>> {
    (0..writers).fold(vec![Vec::new()], |all, _| {
        all.iter().flat_map(|some| ops.iter().map(|op| [some.clone(), vec![op]].concat())).collect()
    })
}

/// The choices of which the end depends on the order, each with two ends.
fn that_depend(policy: &Policy, base: &Value, ops: &[Op], writers: usize) -> Vec<String> {
    let rules = Rules::new().with("".parse().unwrap(), policy.clone());
    let mut arrivals = Arrivals::new(base, &rules);
    let mut found = Vec::new();
    let choices = choices(ops, writers);
    for choice in &choices {
        let numbered: Vec<(u64, &Op)> = (0..).zip(choice.iter().copied()).collect();
        let orders = orders(&numbered);
        let ends: Vec<Value> = orders.iter().map(|order| arrivals.end(order)).collect();
        if let Some(other) = ends.iter().position(|end| *end != ends[0]) {
            found.push(format!("{:?}: {:?}, and {:?}: {:?}", orders[0], ends[0], orders[other], ends[other]));
        }
    }
    counted(choices.len() as u64, "choices of operations in all orders");
    found
}

#[track_caller]
fn in_every_order(policy: &Policy, base: &Value, ops: &[Op], writers: usize) {
    let found = that_depend(policy, base, ops, writers);
    let some = found[..found.len().min(12)].join("\n");
    assert!(found.is_empty(), "{policy}, {writers} writers, {} times:\n{some}", found.len());
}

#[track_caller]
fn always(policy: &Policy, base: &Value, ops: &[Op]) {
    [2, 3].into_iter().for_each(|writers| in_every_order(policy, base, ops, writers));
}

#[test]
fn what_was_written_last_by_the_clocks_wins_in_every_order() {
    let ops = [
        replace("/x/a", 5),
        replace("/x/a", 6),
        add("/x/c", 7),
        add("/x/c", 8),
        replace("/x/b", value!({ "d": 1 })),
        replace("/x/b", value!({ "d": 2 })),
        replace("/x/b/d", 4),
    ];
    always(&Policy::LastWritten, &value!({ "x": { "a": 1, "b": { "d": 0 } } }), &ops);
}

#[test]
fn of_two_the_last_written_wins_in_every_order_also_where_one_takes_away() {
    let ops = [
        replace("/x/a", 5),
        add("/x/c", 7),
        remove("/x/a"),
        replace("/x", value!({ "a": 9 })),
        replace("/x", 3),
        remove("/x"),
    ];
    in_every_order(&Policy::LastWritten, &value!({ "x": { "a": 1 } }), &ops, 2);
}

#[test]
fn numbers_that_are_counted_add_up_in_every_order() {
    let ops = [replace("/n", 11), replace("/n", 15), replace("/n", 9), count("/n", 1), count("/n", -3)];
    always(&Policy::Counter, &value!({ "n": 10 }), &ops);
}

#[test]
fn the_greater_and_the_smaller_one_win_in_every_order() {
    for policy in [Policy::Max, Policy::Min] {
        let ops = [replace("/n", 11), replace("/n", 15), replace("/n", 9), replace("/n", 10)];
        always(&policy, &value!({ "n": 10 }), &ops);
        let ops = [replace("/t", "m"), replace("/t", "k"), replace("/t", "b"), replace("/t", "")];
        always(&policy, &value!({ "t": "k" }), &ops);
    }
}

#[test]
fn elements_of_sets_come_and_go_in_every_order() {
    let ops = [add("/s/a", ()), remove("/s/a"), add("/s/b", ()), add("/s/c", ())];
    always(&Policy::AddWins, &value!({ "s": { "a": () } }), &ops);
    always(&Policy::RemoveWins, &value!({ "s": { "a": () } }), &ops);
}

#[test]
fn texts_are_merged_alike_in_every_order_where_nobody_types_at_the_same_place() {
    let ops = [
        replace("/t", "1 two three"),
        replace("/t", "one 2 three"),
        replace("/t", "one two 3"),
        replace("/t", "one two three"),
    ];
    apart(&Policy::Text, &ops);
    apart(&Policy::LastAppended, &[typed(0, 0, "x"), typed(3, 1, ""), typed(5, 0, "y"), typed(8, 5, "3")]);
}

/// Three different ones of these operations.
#[track_caller]
fn apart(policy: &Policy, ops: &[Op]) {
    let rules = Rules::new().with("".parse().unwrap(), policy.clone());
    let mut arrivals = Arrivals::new(&value!({ "t": "one two three" }), &rules);
    let differ = |choice: &&Vec<&Op>| choice.iter().enumerate().all(|(at, op)| !choice[..at].contains(op));
    for choice in choices(ops, 3).iter().filter(differ) {
        let numbered: Vec<(u64, &Op)> = (0..).zip(choice.iter().copied()).collect();
        let ends: Vec<Value> = orders(&numbered).iter().map(|order| arrivals.end(order)).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "{choice:?}: {ends:?}");
    }
}

#[test]
fn maps_are_merged_alike_in_every_order_where_nothing_collides_beneath() {
    let ops = [
        replace("/m", value!({ "k": 1, "a": 1 })),
        replace("/m", value!({ "k": 1, "b": 2 })),
        replace("/m", value!({ "k": 1 })),
        add("/m/c", 3),
        remove("/m/d"),
    ];
    always(&Policy::Deep, &value!({ "m": { "k": 1, "d": 4 } }), &ops);
}
