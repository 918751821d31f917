//! Whatever moment the power fails at: every acknowledged change is there, in order, with the right state.
//!
//! A random workload, with another durability in each session, runs on a disk in memory. What is not durable yet when a
//! change is done counts as acknowledged once it is. Before every call that changes the disk, images are drawn of what a power
//! cut at this moment could leave, and each is opened. Sessions also die in the middle (every call fails from some
//! point on) and the next one goes on with what the first left in the page cache, so that nothing may rely on a sync
//! that never happened. Some images lose power a second time, while they are being recovered.

use crate::common::logs::DURABILITIES;
use crate::common::power::{Lie, catches_lies, interrupted, mortal, play};
use crate::common::watched::{Call, Watched};
use crate::common::{Model, Rules, dir, judge, open, options};
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::{Durability, Error, Retention, Store, Value};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// One run: several sessions on one disk, watched.
struct Run {
    seed: u64,
    lie: Lie,
    memory: MemoryDisk,
    model: Arc<Mutex<Model>>,
    dice: Arc<SeededEntropy>,
    images: Arc<AtomicU64>,
    broken: Arc<Mutex<Option<String>>>,
}

impl Run {
    fn new(seed: u64, lie: Lie) -> Run {
        Run {
            seed,
            lie,
            memory: MemoryDisk::new(),
            model: Arc::new(Mutex::new(Model::new())),
            dice: Arc::new(SeededEntropy::new(seed)),
            images: Arc::default(),
            broken: Arc::default(),
        }
    }

    /// The disk of one session: dies at a random call or never, draws images before every change.
    fn disk(&self) -> Watched {
        let fault = mortal(&self.memory, self.lie, &self.dice);
        let (memory, model, images) =
            (self.memory.clone(), Arc::clone(&self.model), Arc::clone(&self.images));
        let (broken, run) = (Arc::clone(&self.broken), self.seed);
        let dice = SeededEntropy::new(self.dice.next());
        Watched::new(fault, move |call| {
            if call.changes() && broken.lock().unwrap().is_none() {
                let seed = dice.next();
                let model = model.lock().unwrap().clone();
                images.fetch_add(1, Relaxed);
                if let Err(why) = judge_image(&memory, seed, &model) {
                    let say = format!("run {run}, image {seed}, before {call:?}: {why}");
                    broken.lock().unwrap().get_or_insert(say);
                }
            }
        })
    }

    /// Sessions until the run is over; stops at the first broken promise.
    fn play(&self) -> Result<u64, String> {
        for _ in 0..2 + self.dice.below(4) {
            let disk = self.disk();
            let create = self.model.lock().unwrap().newest() == 0;
            let durability = DURABILITIES[self.dice.below(3)];
            let options = options(&disk)
                .segment_bytes(512 + 256 * self.dice.below(4) as u64)
                .durability(durability)
                .create(create);
            match options.open::<Value>(dir()) {
                Ok(store) => self.session(store, durability)?,
                // The session died while it opened; the next one finds what it left.
                Err(Error::Io { .. } | Error::Poisoned { .. }) => {}
                Err(error) => return Err(format!("run {}: a session cannot open: {error:?}", self.seed)),
            }
            if let Some(why) = self.broken.lock().unwrap().take() {
                return Err(why);
            }
        }
        Ok(self.images.load(Relaxed))
    }

    fn session(&self, store: Store<Value>, durability: Durability) -> Result<(), String> {
        self.adopt(&store)?;
        for _ in 0..self.dice.below(12) {
            match self.dice.below(10) {
                0 => drop(store.snapshot()),
                1 => drop(store.sync()),
                2 => self.compact(&store),
                _ => self.produce(&store, durability),
            }
            // What could be lost until now no longer can.
            self.model.lock().unwrap().acked_is(store.durable_version());
        }
        if self.dice.below(2) == 0 {
            drop(store.close());
        }
        Ok(())
    }

    fn compact(&self, store: &Store<Value>) {
        let count = self.dice.below(12) as u64;
        self.model.lock().unwrap().may_give_up(store.version().saturating_sub(count));
        drop(store.compact_to(Retention::Changes(count)));
    }

    /// What a session starts with is a prefix of what was ever tried, and from now on it is acknowledged.
    fn adopt(&self, store: &Store<Value>) -> Result<(), String> {
        let mut model = self.model.lock().unwrap();
        let version = store.version();
        if version < model.acked || version > model.newest() {
            let (acked, tried) = (model.acked, model.newest());
            return Err(format!(
                "run {}: a session begins at {version}, acknowledged {acked}, tried {tried}",
                self.seed
            ));
        }
        model.states.truncate(version as usize + 1);
        model.acked_is(version);
        assert_eq!(Some(&*store.state()), model.states.last(), "run {}", self.seed);
        Ok(())
    }

    /// The lock on the model is not held while the store works: the watcher looks at the model.
    fn produce(&self, store: &Store<Value>, durability: Durability) {
        let (serial, mut grown) = (self.dice.next() >> 8, false);
        let answer = store.produce(|doc| {
            crate::common::edit(doc, &self.dice, serial);
            // Snapshots of such a state continue each other.
            if self.seed.is_multiple_of(3) && doc["ballast"].is_null() {
                doc["ballast"] =
                    Value::Bytes((0..5000).map(|_| self.dice.next() as u8).collect::<Vec<_>>().into());
            }
            self.model.lock().unwrap().states.push(doc.clone());
            grown = true;
        });
        match answer {
            Ok(commit) if durability == Durability::Immediate => {
                self.model.lock().unwrap().acked_is(commit.version());
            }
            Ok(_) => {}
            Err(Error::Poisoned { .. }) => {}
            Err(error) => panic!("run {}: {error:?}", self.seed),
        }
    }
}

/// Draws an image and holds it against the model; now and then the power fails again during recovery.
fn judge_image(memory: &MemoryDisk, seed: u64, model: &Model) -> Result<(), String> {
    let image = memory.power_cut(seed);
    let dice = SeededEntropy::new(seed ^ 0x5eed);
    let rules = Rules {
        states: &model.states,
        acked: model.acked,
        seen: model.proven,
        given_up: model.given_up,
        thorough: dice.below(16) == 0,
    };
    if image.files().is_empty() || (model.acked == 0 && open(&image).is_err()) {
        return if model.acked == 0 { Ok(()) } else { Err("the store is gone".into()) };
    }
    if dice.below(3) == 0 {
        let again = interrupted(&image, &dice, open);
        let judged = judge(&again, rules).map_err(|why| format!("after a second cut: {why}"))?;
        judged.writer.map_err(|error| format!("after a second cut: {error:?}"))?;
    }
    let judged = judge(&image, rules)?;
    if judged.gap {
        return Err("a past version cannot be read".into());
    }
    judged.writer.map_err(|error| format!("a power cut looks like damage: {error:?}"))?;
    judged.reader.map_err(|error| format!("a reader takes a power cut for damage: {error:?}"))?;
    match judged.report {
        Ok(report) if report.is_sound() => Ok(()),
        other => Err(format!("verify takes a power cut for damage: {other:?}")),
    }
}

#[test]
fn every_acknowledged_change_survives_a_power_cut_at_any_moment() {
    play(|seed| Run::new(seed, Lie::None).play());
}

#[test]
fn a_disk_that_lies_about_syncs_is_caught() {
    catches_lies(|seed, lie| Run::new(seed, lie).play());
}

#[test]
fn the_same_seed_draws_the_same_image() {
    let (disk, store, _) = crate::common::written(3, 20, &[10]);
    for seed in 0..50 {
        assert_eq!(
            crate::common::contents(&disk.power_cut(seed)),
            crate::common::contents(&disk.power_cut(seed))
        );
    }
    drop(store);
    assert!(!Call::List.changes());
}
