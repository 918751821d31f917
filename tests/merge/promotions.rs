//! A replica takes the primary's place while writers have changes waiting: what had reached it is there once, what had not goes on waiting
//! and is there once in the end, and a writer that had seen more than that is told so and keeps what it has.
//!
//! The writers are replicas that write, with queues on a disk. The oracle knows no versions: every change puts in a name of its own.

use crate::common::{Saying, counted, env, seed, setting};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::{Policy, Rules, Submission};
use redraft::replica::{Sequencer, Writer};
use redraft::{Error, ErrorKind, Options, Receipt, Replica, Result, Store, Value, value};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Merges what it is given, and tells nobody, when the dice say so.
struct Line {
    store: Arc<Store<Value>>,
    dice: Arc<SeededEntropy>,
}

impl Sequencer for Line {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        let receipts = self.store.merge_all(submissions)?;
        if self.dice.below(4) > 0 {
            return Ok(receipts);
        }
        let source = std::io::ErrorKind::TimedOut.into();
        Err(Error::Unreachable { from: "here".into(), operation: "submit", source })
    }
}

/// How often what the worlds are for has happened.
#[derive(Default)]
struct Tally {
    promoted: u64,
    waited: u64,
    told: u64,
}

struct World {
    disk: MemoryDisk,
    dice: Arc<SeededEntropy>,
    primary: Option<Arc<Store<Value>>>,
    /// How many were the primary so far.
    generation: u64,
    writers: Vec<Option<Writer<Value>>>,
    /// How many began at each writer's desk, since one that had seen too much begins anew.
    begun: Vec<u64>,
    /// What each made since it began.
    made: Vec<Vec<String>>,
    /// What is to be there in the end.
    owed: BTreeSet<String>,
    serial: u64,
    tally: Tally,
}

fn add(doc: &mut Value, name: &str, at: usize) {
    let list = doc["list"].as_list_mut().unwrap();
    list.insert(at.min(list.len()), name);
    doc["n"] = (doc["n"].as_i64().unwrap() + 1).into();
}

fn names(doc: &Value) -> Vec<String> {
    doc["list"].as_list().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

impl World {
    fn new(number: u64) -> World {
        let (disk, dice) = (MemoryDisk::new(), Arc::new(SeededEntropy::new(number)));
        let writers = 2 + dice.below(3);
        let mut world = World {
            disk,
            dice,
            primary: None,
            generation: 0,
            writers: (0..writers).map(|_| None).collect(),
            begun: vec![0; writers],
            made: vec![Vec::new(); writers],
            owed: BTreeSet::new(),
            serial: 0,
            tally: Tally::default(),
        };
        world.open();
        world.store().set_rules(Rules::new().with("/n".parse().unwrap(), Policy::Counter)).unwrap();
        world.store().produce(|doc| *doc = value!({ "list": [], "n": 0 })).unwrap();
        world.copy();
        (0..writers).for_each(|writer| world.begin(writer).unwrap());
        world
    }

    fn options(&self) -> Options {
        let entropy = Arc::new(SeededEntropy::new(self.dice.next()));
        Options::new().env(Env { entropy, ..env(&self.disk) }).segment_bytes(1 << 13)
    }

    fn store(&self) -> &Arc<Store<Value>> {
        self.primary.as_ref().unwrap()
    }

    /// Where the primary is that was the n-th. The standby is the next one.
    fn place(generation: u64) -> PathBuf {
        format!("/primary{generation}").into()
    }

    fn open(&mut self) {
        self.primary = Some(Arc::new(self.options().open(World::place(self.generation)).unwrap()));
    }

    fn desk(&self, writer: usize) -> PathBuf {
        format!("/writer{writer}-{}", self.begun[writer]).into()
    }

    /// Sits down at the desk and takes up what waits there.
    fn begin(&mut self, writer: usize) -> Result<()> {
        self.writers[writer] = None;
        let replica: Replica<Value> =
            self.options().open_replica(World::place(self.generation), self.desk(writer))?;
        let line = Line { store: Arc::clone(self.store()), dice: Arc::clone(&self.dice) };
        let opened = replica.write_through(line)?;
        opened.replica().catch_up()?;
        self.writers[writer] = Some(opened);
        Ok(())
    }

    fn copy(&mut self) {
        let standby = World::place(self.generation + 1);
        let mut mirror = self.options().open_mirror(World::place(self.generation), standby).unwrap();
        mirror.catch_up().unwrap();
        mirror.close().unwrap();
    }

    fn name(&mut self, who: &str) -> String {
        self.serial += 1;
        format!("{who} {}", self.serial)
    }

    fn step(&mut self) {
        let writer = self.dice.below(self.writers.len());
        match self.dice.below(30) {
            0..12 => self.make(writer),
            // The line may fail; what waits goes on waiting.
            12..16 => drop(self.writers[writer].as_ref().unwrap().push()),
            16..20 => drop(self.writers[writer].as_ref().unwrap().exchange()),
            20..22 => {
                self.writers[writer].as_ref().unwrap().replica().catch_up().unwrap();
            }
            22 | 23 => self.here(),
            24 => self.begin(writer).unwrap(),
            25..28 => self.copy(),
            28 => {
                self.store().snapshot().unwrap();
            }
            _ => self.promote(),
        }
    }

    fn make(&mut self, writer: usize) {
        let (name, at) = (self.name("writer"), self.dice.below(6));
        self.writers[writer].as_ref().unwrap().produce(|doc| add(doc, &name, at)).unwrap();
        self.made[writer].push(name.clone());
        self.owed.insert(name);
    }

    fn here(&mut self) {
        let (name, at) = (self.name("primary"), self.dice.below(6));
        self.store().produce(|doc| add(doc, &name, at)).unwrap();
        self.owed.insert(name);
    }

    /// The primary is gone, and the standby takes its place, with what had reached it.
    fn promote(&mut self) {
        let lost = names(&self.store().state());
        self.primary = None;
        self.generation += 1;
        let place = World::place(self.generation);
        self.options().promote(&place).unwrap();
        self.open();
        let reached: BTreeSet<String> = names(&self.store().state()).into_iter().collect();
        let head = self.store().version();
        // What the old primary alone had made itself is nowhere else.
        for name in lost.iter().filter(|name| name.starts_with("primary") && !reached.contains(*name)) {
            self.owed.remove(name);
        }
        // It goes on before anybody comes, so that whoever has seen more has seen something else.
        (0..3).for_each(|_| self.here());
        self.copy();
        for writer in 0..self.writers.len() {
            let seen = self.writers[writer].as_ref().unwrap().replica().store().version();
            self.tally.waited += u64::from(self.writers[writer].as_ref().unwrap().pending() > 0);
            match self.begin(writer) {
                Ok(()) => assert!(seen <= head, "it had seen {seen} of {head}, and nobody told it"),
                Err(refused) => self.told(writer, &refused, seen > head, &reached),
            }
        }
        self.tally.promoted += 1;
    }

    /// A writer that had seen what is gone has it still, and begins anew elsewhere.
    fn told(&mut self, writer: usize, refused: &Error, had_seen_more: bool, reached: &BTreeSet<String>) {
        assert!(had_seen_more && refused.kind() == ErrorKind::Diverged, "{refused:?}");
        let kept = self.options().open_read_only::<Value>(self.desk(writer)).unwrap();
        assert!(kept.version() > 0);
        for name in self.made[writer].drain(..).filter(|name| !reached.contains(name)) {
            self.owed.remove(&name);
        }
        self.begun[writer] += 1;
        self.begin(writer).unwrap();
        self.tally.told += 1;
    }

    fn end(mut self) -> Tally {
        self.promote();
        let all = |world: &World, done: &dyn Fn(&Writer<Value>) -> bool| {
            world.writers.iter().all(|writer| done(writer.as_ref().unwrap()))
        };
        while !all(&self, &|writer| writer.pending() == 0) {
            self.writers.iter().for_each(|writer| drop(writer.as_ref().unwrap().exchange()));
        }
        let state = self.store().state();
        let (names, count) = (names(&state), state["n"].as_i64().unwrap());
        assert_eq!(names.len() as i64, count, "{state:?}");
        assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), self.owed);
        assert_eq!(names.len(), self.owed.len(), "something is there twice: {names:?}");
        for writer in self.writers.iter().flatten() {
            writer.replica().catch_up().unwrap();
            assert_eq!(*writer.view().unwrap(), *state);
        }
        std::mem::take(&mut self.tally)
    }
}

#[test]
fn what_reached_the_replica_is_there_once_and_what_waited_comes_to_be() {
    let worlds = setting("REDRAFT_MERGE_WORLDS", 500) / 12;
    let mut tally = Tally::default();
    for number in 0..worlds {
        let at = Saying(format!("the world of seed {}", seed(number)));
        let mut world = World::new(seed(number));
        for _ in 0..20 + world.dice.below(80) {
            world.step();
        }
        let one = world.end();
        tally.promoted += one.promoted;
        tally.waited += one.waited;
        tally.told += one.told;
        drop(at);
    }
    counted(tally.promoted, "promotions beside writers");
    counted(tally.waited, "writers with something waiting then");
    counted(tally.told, "writers that had seen more, and were told");
    assert!(worlds < 10 || tally.waited > 0 && tally.told > 0);
}
