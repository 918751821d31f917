//! What writers meant is what comes of it: what meets nothing is recorded as it was, every count counts, and what was inserted is there
//! unless somebody took it away.

use crate::common::{counted, dir, env, seed, setting};
use crate::worlds::id;
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::merge::{Outcome, Policy, Rules, Submission};
use redraft::patch::{Action, Insert, Op};
use redraft::value::Path;
use redraft::{Durability, Options, Patch, Store, Value, apply, diff, value};
use std::collections::BTreeSet;

fn store(rules: Rules) -> Store<Value> {
    let options = Options::new().env(env(&MemoryDisk::new())).durability(Durability::UnsafeNoSync);
    let store: Store<Value> = options.segment_bytes(1 << 14).open(dir()).unwrap();
    store.set_rules(rules).unwrap();
    store
}

/// A writer who takes in what others did only once it has submitted all of its own.
struct Writer {
    number: usize,
    base: u64,
    view: Value,
    sequence: u64,
    waiting: Vec<Submission>,
}

impl Writer {
    fn all(store: &Store<Value>, count: usize) -> Vec<Writer> {
        let (base, view) = (store.version(), Value::clone(&store.state()));
        let writer = |number| Writer { number, base, view: view.clone(), sequence: 0, waiting: Vec::new() };
        (0..count).map(writer).collect()
    }

    fn makes(&mut self, patch: Patch) {
        self.view = apply(&self.view, &patch).unwrap().state;
        self.sequence += 1;
        self.waiting.push(Submission::new(self.base, patch).by(id(self.number), self.sequence));
    }

    /// Submits all that waits, in part more than once; `each` is told what was submitted, and the version.
    fn submits(
        &mut self,
        store: &Store<Value>,
        dice: &SeededEntropy,
        mut each: impl FnMut(&Submission, u64),
    ) {
        for submission in self.waiting.drain(..) {
            let receipt = store.merge(&submission).unwrap();
            assert!(receipt.is_new);
            if dice.below(4) == 0 {
                assert!(!store.merge(&submission).unwrap().is_new);
            }
            each(&submission, receipt.version);
        }
        (self.base, self.view) = (store.version(), Value::clone(&store.state()));
    }
}

fn rounds(first: u64, mut one: impl FnMut(&SeededEntropy)) {
    let worlds = setting("REDRAFT_MERGE_WORLDS", 500).div_ceil(5);
    (0..worlds).for_each(|number| one(&SeededEntropy::new(seed(first + number))));
    counted(worlds, "rounds of writers who meant something");
}

#[test]
fn what_meets_nothing_is_recorded_as_it_was_submitted() {
    rounds(0, |dice| {
        let store = store(Rules::new());
        store.produce(|doc| *doc = value!({ "0": {}, "1": {}, "2": {}, "3": {}, "all": 0 })).unwrap();
        let mut writers = Writer::all(&store, 4);
        for serial in 0..40_i64 {
            let writer = &mut writers[dice.below(4)];
            let mut new = writer.view.clone();
            // Now and then all write to one place; what each does at its own place meets nothing for all that.
            match dice.below(5) {
                0 => new["all"] = serial.into(),
                1 => new[writer.number.to_string().as_str()] = value!({ "a": serial }),
                _ => new[writer.number.to_string().as_str()][["a", "b"][dice.below(2)]] = serial.into(),
            }
            let (patch, _) = diff(&writer.view, &new).unwrap();
            writer.makes(patch);
            if dice.below(3) == 0 {
                let writer = &mut writers[dice.below(4)];
                writer.submits(&store, dice, |submission, version| {
                    let change = store.changes(version..).unwrap().next().unwrap().unwrap();
                    if submission.patch.iter().all(|op| !op.path.starts_with(&Path::root().child("all"))) {
                        let merged = change.merged.unwrap();
                        assert_eq!(merged.outcome, Outcome::Clean, "{submission:?}");
                        assert_eq!((change.patch, merged.original), (submission.patch.clone(), None));
                    }
                });
            }
        }
    });
}

#[test]
fn every_count_that_was_acknowledged_counts() {
    for overwrites in [false, true] {
        rounds(1_000, |dice| {
            let store = store(Rules::new().with("/n".parse().unwrap(), Policy::Counter));
            store.produce(|doc| doc["n"] = 100.into()).unwrap();
            let mut writers = Writer::all(&store, 3);
            let mut sum = 100;
            for _ in 0..40 {
                let writer = &mut writers[dice.below(3)];
                let by = dice.below(9) as i64 - 4;
                let seen = writer.view["n"].as_i64().unwrap();
                let action = match overwrites && dice.below(2) == 0 {
                    true => Action::Replace((seen + by).into()),
                    false => Action::Inc(by),
                };
                writer.makes(Patch::from(vec![Op::new(Path::root().child("n"), action)]));
                sum += by;
                if dice.below(3) == 0 {
                    writers[dice.below(3)].submits(&store, dice, |_, _| ());
                }
            }
            writers.iter_mut().for_each(|writer| writer.submits(&store, dice, |_, _| ()));
            assert_eq!(store.state()["n"].as_i64(), Some(sum));
        });
    }
}

#[test]
fn what_was_inserted_is_there_unless_somebody_took_it_away() {
    rounds(2_000, |dice| {
        let store = store(Rules::new());
        store.produce(|doc| doc["l"] = value!([])).unwrap();
        let mut writers = Writer::all(&store, 4);
        let (mut serial, mut gone) = (0, BTreeSet::new());
        for _ in 0..60 {
            let writer = &mut writers[dice.below(4)];
            let seen = writer.view["l"].as_list().unwrap().clone();
            let at = dice.below(seen.len() + 1);
            let del = dice.below(3).min(seen.len() - at);
            gone.extend((at..at + del).map(|at| seen[at].as_i64().unwrap()));
            let ins: Vec<Value> = (serial..serial + dice.below(4) as i64).map(Value::from).collect();
            serial += ins.len() as i64;
            let splice = Action::Splice { at, del, ins: Insert::Items(ins) };
            writer.makes(Patch::from(vec![Op::new(Path::root().child("l"), splice)]));
            if dice.below(3) == 0 {
                writers[dice.below(4)].submits(&store, dice, |_, _| ());
            }
        }
        writers.iter_mut().for_each(|writer| writer.submits(&store, dice, |_, _| ()));
        let state = store.state();
        let mut there: Vec<i64> =
            state["l"].as_list().unwrap().iter().map(|item| item.as_i64().unwrap()).collect();
        there.sort_unstable();
        let expected: Vec<i64> = (0..serial).filter(|serial| !gone.contains(serial)).collect();
        assert_eq!(there, expected);
    });
}
