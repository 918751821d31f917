//! Writers by chance, who are away for longer or shorter than is remembered for merging, over a line that loses answers, and who die: what
//! each of their changes was meant to do it does, or nothing, once; and what met nothing is never refused.
//!
//! What a change was meant to do is kept beside it, and held against the states around it in the history. Nothing is computed the way the
//! store does it.

use crate::common::{counted, env, seed, setting};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::{Outcome, Policy, Rules, Submission};
use redraft::replica::{Sequencer, Writer};
use redraft::{Change, Error, Options, Receipt, Replica, Result, Retention, Store, Value, WriterId, value};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many changes are remembered for merging.
const WINDOW: usize = 8;
const WORLDS: u64 = 150;
/// Worlds in which something was lost once, or somebody could not go on.
const REMARKABLE: [u64; 5] = [1_000_076, 1_000_140, 1_001_573, 1_004_324, 22_001_084];

/// What a change is to do.
#[derive(Clone, Debug)]
enum Intent {
    Vote,
    /// Puts a new item somewhere.
    Insert(String),
    /// Writes something behind the name of an item of the writer's own.
    Edit(String, String),
    Remove(String),
    /// Sets what nobody else does.
    Own(i64),
}

fn list(doc: &mut Value) -> &mut redraft::value::List {
    doc["list"].as_list_mut().unwrap()
}

/// What an item is called, whatever was written behind that.
fn name_of(item: &Value) -> &str {
    item.as_str().unwrap().split(' ').next().unwrap()
}

fn names(doc: &Value) -> Vec<String> {
    doc["list"].as_list().unwrap().iter().map(|item| name_of(item).to_owned()).collect()
}

fn at_of(doc: &Value, name: &str) -> Option<usize> {
    names(doc).iter().position(|known| known == name)
}

impl Intent {
    fn any(doc: &Value, own: &str, number: i64, dice: &SeededEntropy) -> Intent {
        let mine: Vec<String> = names(doc).into_iter().filter(|name| name.starts_with(own)).collect();
        let any_of_mine = || mine[dice.below(mine.len())].clone();
        match dice.below(10) {
            0..2 => Intent::Vote,
            2..5 => Intent::Insert(format!("{own}-{number}")),
            5..8 if !mine.is_empty() => Intent::Edit(any_of_mine(), format!("{own} {number}")),
            8 if !mine.is_empty() => Intent::Remove(any_of_mine()),
            _ => Intent::Own(number),
        }
    }

    /// Does it to a document, at a place that is drawn where that is free.
    fn carry_out(&self, doc: &mut Value, own: &str, dice: &SeededEntropy) {
        match self {
            Intent::Vote => doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into(),
            Intent::Insert(name) => {
                let at = dice.below(list(doc).len() + 1);
                list(doc).insert(at, name.as_str());
            }
            Intent::Edit(name, text) => {
                if let Some(at) = at_of(doc, name) {
                    doc["list"][at] = format!("{name} {text}").into();
                }
            }
            Intent::Remove(name) => {
                at_of(doc, name).into_iter().for_each(|at| drop(list(doc).remove(at)));
            }
            Intent::Own(number) => doc[own] = (*number).into(),
        }
    }

    /// Whether what came of it is that and nothing else.
    fn is_done(&self, before: &Value, after: &Value, own: &str) -> bool {
        if let Intent::Insert(name) = self {
            let mut without = after.clone();
            let Some(at) = at_of(after, name) else { return false };
            let item = list(&mut without).remove(at);
            return without == *before && item.as_str() == Some(name);
        }
        let mut expected = before.clone();
        self.carry_out(&mut expected, own, &SeededEntropy::new(0));
        expected == *after
    }

    /// Whether it can meet nothing that somebody else does.
    fn meets_nothing(&self) -> bool {
        matches!(self, Intent::Insert(_) | Intent::Own(_))
    }
}

/// The way to the store, with a will of its own for as long as it is bad.
struct Line {
    store: Arc<Store<Value>>,
    dice: Arc<SeededEntropy>,
    is_bad: Arc<AtomicBool>,
}

impl Sequencer for Line {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        let source = io::ErrorKind::TimedOut.into();
        let lost = Err(Error::Unreachable { from: "here".into(), operation: "submit", source });
        match if self.is_bad.load(Ordering::SeqCst) { self.dice.below(8) } else { 7 } {
            0 => return lost,
            1..3 => {
                self.store.merge_all(&submissions[..self.dice.below(submissions.len()) + 1])?;
                return lost;
            }
            3 => {
                self.store.merge_all(submissions)?;
                return lost;
            }
            // Somebody is faster.
            4 => (0..self.dice.below(2 * WINDOW)).for_each(|_| drop(vote_here(&self.store))),
            _ => {}
        }
        self.store.merge_all(submissions)
    }
}

fn vote_here(store: &Store<Value>) -> Result<u64> {
    store.produce(|doc| Intent::Vote.carry_out(doc, "", &SeededEntropy::new(0))).map(|made| made.version())
}

/// A writer, and what its changes are to do, by their numbers.
struct Away {
    own: String,
    number: u64,
    writer: Option<Writer<Value>>,
    id: Option<WriterId>,
    meant: BTreeMap<u64, Intent>,
    /// The number that is to come next in the history.
    next: u64,
}

struct World {
    disk: MemoryDisk,
    store: Arc<Store<Value>>,
    dice: Arc<SeededEntropy>,
    is_bad: Arc<AtomicBool>,
    away: Vec<Away>,
    compacts: bool,
    checked: u64,
    made: i64,
    refused: u64,
}

fn of_machine(disk: &MemoryDisk, number: u64) -> Env {
    Env { entropy: Arc::new(SeededEntropy::new(number)), ..env(disk) }
}

impl World {
    fn new(number: u64) -> World {
        let (disk, dice) = (MemoryDisk::new(), Arc::new(SeededEntropy::new(number)));
        let options = Options::new().env(of_machine(&disk, 100)).segment_bytes(1 << 11).merge_window(WINDOW);
        let store = Arc::new(options.open::<Value>("/primary").unwrap());
        store.set_rules(Rules::new().with("/votes".parse().unwrap(), Policy::Counter)).unwrap();
        store.produce(|doc| *doc = value!({ "votes": 0, "list": ["here-0", "here-1"] })).unwrap();
        let checked = store.version();
        let away = |number: usize| Away {
            own: format!("w{number}"),
            number: number as u64,
            writer: None,
            id: None,
            meant: BTreeMap::new(),
            next: 1,
        };
        let away = (0..1 + dice.below(3)).map(away).collect();
        let (is_bad, compacts) = (Arc::new(AtomicBool::new(true)), dice.below(4) == 0);
        World { disk, store, dice, is_bad, away, compacts, checked, made: 2, refused: 0 }
    }

    /// The writer, which is started if it is not running.
    fn writer(&mut self, at: usize) -> &Writer<Value> {
        let line = Line {
            store: Arc::clone(&self.store),
            dice: Arc::clone(&self.dice),
            is_bad: Arc::clone(&self.is_bad),
        };
        let (disk, away) = (&self.disk, &mut self.away[at]);
        let (number, path) = (away.number, format!("/{}", away.own));
        let open = || {
            let options = Options::new().env(of_machine(disk, number)).segment_bytes(1 << 11);
            let replica: Replica<Value> = options.open_replica("/primary", path).unwrap();
            let writer = replica.write_through(line).unwrap();
            if writer.view().unwrap().get("list").is_none() {
                writer.replica().catch_up().unwrap();
            }
            writer
        };
        let writer = away.writer.get_or_insert_with(open);
        away.id = Some(writer.id());
        writer
    }

    fn make(&mut self, at: usize) {
        self.made += 1;
        let (dice, number, own) = (Arc::clone(&self.dice), self.made, self.away[at].own.clone());
        let writer = self.writer(at);
        let (mut intent, before) = (None, writer.view().unwrap());
        let made = writer.produce(|doc| {
            let meant = Intent::any(doc, &own, number, &dice);
            meant.carry_out(doc, &own, &dice);
            intent = Some(meant);
        });
        let (made, intent) = (made.unwrap(), intent.unwrap());
        assert!(intent.is_done(&before, &writer.view().unwrap(), &own), "{intent:?} shows otherwise");
        self.away[at].meant.insert(made.sequence.unwrap(), intent);
    }

    /// What the program that holds the store does itself.
    fn here(&mut self) {
        self.made += 1;
        let (dice, name) = (&self.dice, format!("here-{}", self.made));
        let changed = self.store.produce(|doc| match dice.below(6) {
            0..3 => Intent::Insert(name.clone()).carry_out(doc, "", dice),
            3 if list(doc).len() > 4 => {
                let at = dice.below(list(doc).len());
                list(doc).remove(at);
            }
            4 => doc["theirs"] = name.as_str().into(),
            _ => Intent::Vote.carry_out(doc, "", dice),
        });
        changed.unwrap();
    }

    fn many_here(&mut self) {
        (0..WINDOW + self.dice.below(4 * WINDOW)).for_each(|_| self.here());
    }

    fn step(&mut self) {
        let at = self.dice.below(self.away.len());
        match self.dice.below(20) {
            0..8 => self.make(at),
            8..11 => {
                let _ = self.writer(at).push();
            }
            11..13 => self.learn(at),
            13..15 => {
                let _ = self.writer(at).exchange();
            }
            15 => drop(self.away[at].writer.take()),
            16 => self.here(),
            17 => self.many_here(),
            18 if self.compacts => {
                self.many_here();
                self.look();
                self.store.snapshot().unwrap();
                self.store.compact_to(Retention::Changes(3)).unwrap();
            }
            _ => {}
        }
        self.look();
    }

    /// Takes in what is new. Who knows nothing that the store has still begins anew.
    fn learn(&mut self, at: usize) {
        match self.writer(at).replica().catch_up() {
            Err(Error::Compacted { .. }) => self.away[at].writer = None,
            answer => drop(answer.unwrap()),
        }
    }

    /// Looks at all that was recorded since it did so last.
    fn look(&mut self) {
        let changes: Vec<Change> =
            self.store.changes(self.checked + 1..).unwrap().map(|change| change.unwrap()).collect();
        for change in changes {
            self.look_at(&change);
            self.checked = change.version;
        }
    }

    fn look_at(&mut self, change: &Change) {
        let compacts = self.compacts;
        let Some(away) = self.away.iter_mut().find(|away| away.id == Some(change.writer)) else { return };
        assert_eq!(change.sequence, away.next, "in order, each once");
        away.next += 1;
        let (meant, own) = (&away.meant[&change.sequence], &away.own);
        let state = |version| self.store.at(version).unwrap();
        let (before, after) = (state(change.version - 1), state(change.version));
        let outcome = change.merged.as_ref().map_or(&Outcome::Clean, |merged| &merged.outcome);
        let told = || format!("version {}: {meant:?}: {change:?}, {before:?} -> {after:?}", change.version);
        match outcome {
            Outcome::Rejected { detail, .. } => {
                self.refused += 1;
                assert_eq!(before, after, "{}", told());
                assert!(detail.contains("too long ago"), "{}", told());
                assert!(compacts || !meant.meets_nothing(), "{}", told());
            }
            // What was to be edited or removed may be gone.
            _ if before == after => {
                assert!(matches!(meant, Intent::Edit(..) | Intent::Remove(_)), "{}", told());
            }
            _ => assert!(meant.is_done(&before, &after, own), "{}", told()),
        }
    }

    /// All are back, and nothing is lost on the way any longer.
    fn end(mut self) -> u64 {
        self.is_bad.store(false, Ordering::SeqCst);
        for at in 0..self.away.len() {
            if let Err(error) = self.writer(at).exchange() {
                assert!(matches!(error, Error::Compacted { .. }), "{error}");
                self.away[at].writer = None;
                self.writer(at).exchange().unwrap();
            }
        }
        self.look();
        for at in 0..self.away.len() {
            self.learn(at);
            let state = self.store.state();
            let writer = self.writer(at);
            assert_eq!((writer.pending(), writer.view().unwrap()), (0, state));
            assert_eq!(self.away[at].next, self.away[at].meant.len() as u64 + 1, "all came");
        }
        self.refused
    }
}

#[test]
fn who_was_away_for_however_long_does_what_was_meant_or_nothing_and_once() {
    let worlds = setting("REDRAFT_WORLDS", WORLDS);
    // The number of the first one, to see one of them again.
    let first = setting("REDRAFT_WORLD", seed(1).wrapping_mul(1_000_003));
    let mut refused = 0;
    let numbers = (0..worlds).map(|number| first.wrapping_add(number)).chain(REMARKABLE);
    for number in numbers {
        let run = || {
            let mut world = World::new(number);
            (0..20 + world.dice.below(60)).for_each(|_| world.step());
            world.end()
        };
        let came = std::panic::catch_unwind(run);
        refused += came.unwrap_or_else(|_| panic!("the world of {number}"));
    }
    counted(worlds, "worlds of writers who were away");
    assert!(worlds < WORLDS || refused > worlds / 10, "{refused} were too late, in {worlds} worlds");
}
