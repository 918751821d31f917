//! What becomes of a change is the same whether or not its writer remembers what it was made on: that is the short way, and no other one.
//!
//! Two stores get the same changes in the same order. One gets those of a writer as the writer hands them on, with what it remembers;
//! the other as they would come over a wire, and makes of the history what they were made on.

use crate::common::{counted, env, seed, setting};
use crate::edits::{Board, Doc};
use crate::worlds::{any_rules, functions};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::{Conflict, Decision, Policy, Rules, Submission};
use redraft::replica::{Sequencer, Writer};
use redraft::{Options, Patch, Receipt, Replica, Result, Store, Value, apply};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

fn options(disk: &MemoryDisk) -> Options {
    let functions = functions().with("by all", 1, by_all);
    Options::new().env(env(disk)).segment_bytes(1 << 14).merge_functions(functions)
}

/// What is there or what was submitted, as all that the writer saw and made says, and all that is there.
fn by_all(conflict: &Conflict<'_>) -> Decision {
    let mut hash = DefaultHasher::new();
    format!("{:?}", (conflict.base, conflict.head, conflict.theirs)).hash(&mut hash);
    if hash.finish().is_multiple_of(2) { Decision::Keep } else { Decision::Take }
}

/// One function for the whole document in every second world.
fn rules(dice: &SeededEntropy) -> Rules {
    match dice.below(2) {
        0 => any_rules(dice),
        _ => Rules::new().with("".parse().unwrap(), Policy::Custom { name: "by all".into(), version: 1 }),
    }
}

fn store<S: Doc>(disk: &MemoryDisk, rules: &Rules) -> Store<S> {
    let store = options(disk).open::<S>("/primary").unwrap();
    store.produce(|state| *state = S::begin()).unwrap();
    store.set_rules(rules.clone()).unwrap();
    store
}

/// The same without what is remembered.
fn as_it_would_come(submission: &Submission) -> Submission {
    let mut told = Submission::new(submission.base, submission.patch.clone());
    (told.by, told.written, told.meta) = (submission.by, submission.written, submission.meta.clone());
    told
}

struct Both<S: Doc> {
    told: Store<S>,
    plain: Store<S>,
    agreed: Mutex<u64>,
}

impl<S: Doc> Sequencer for Both<S> {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        let plain: Vec<Submission> = submissions.iter().map(as_it_would_come).collect();
        let (told, plain) = (self.told.merge_all(submissions)?, self.plain.merge_all(&plain)?);
        assert_eq!(told, plain);
        *self.agreed.lock().unwrap() += told.len() as u64;
        Ok(told)
    }
}

impl<S: Doc> Both<S> {
    /// Somebody else makes a change.
    fn produce(&self, edits: &SeededEntropy) {
        let patch = self.told.state().edited(edits);
        [&self.told, &self.plain].into_iter().for_each(|store| {
            store.produce(|state| carry_out(state, &patch)).unwrap();
        });
    }
}

fn carry_out<S: Doc>(state: &mut S, patch: &Patch) {
    if let Ok(applied) = apply(&*state, patch) {
        *state = applied.state;
    }
}

fn writer<S: Doc>(disk: &MemoryDisk, both: &Arc<Both<S>>) -> Writer<S> {
    let env = Env { entropy: Arc::new(SeededEntropy::new(3)), ..env(disk) };
    let replica: Replica<S> = options(disk).env(env).open_replica("/primary", "/writer").unwrap();
    let writer = replica.write_through(Arc::clone(both)).unwrap();
    writer.replica().catch_up().unwrap();
    writer
}

/// How many were handed on.
fn goes_the_same_way<S: Doc>(seed: u64) -> u64 {
    let (disk, other, dice) = (MemoryDisk::new(), MemoryDisk::new(), SeededEntropy::new(seed));
    let rules = rules(&dice);
    let both = Both { told: store(&disk, &rules), plain: store(&other, &rules), agreed: Mutex::default() };
    let both = Arc::new(both);
    let mut writer: Writer<S> = writer(&disk, &both);
    for _ in 0..60 {
        match dice.below(20) {
            0..10 => {
                let patch = writer.view().unwrap().edited(&dice);
                writer.produce(|state| carry_out(state, &patch)).unwrap();
            }
            10..14 => both.produce(&dice),
            14..16 => drop(writer.push().unwrap()),
            16..19 => drop(writer.replica().catch_up().unwrap()),
            _ => {
                writer.close().unwrap();
                writer = self::writer(&disk, &both);
            }
        }
    }
    writer.exchange().unwrap();
    assert_eq!(both.told.state().to_value(), both.plain.state().to_value(), "{rules}");
    *both.agreed.lock().unwrap()
}

#[test]
fn what_becomes_of_a_change_is_the_same_without_what_is_remembered() {
    let worlds = setting("REDRAFT_WORLDS", 60);
    let made: u64 = (0..worlds)
        .map(|world| {
            let seed = seed(world);
            goes_the_same_way::<Value>(seed) + goes_the_same_way::<Board>(seed)
        })
        .sum();
    assert!(made > worlds * 20, "only {made}");
    counted(made, "changes decided with what is remembered and without");
}
