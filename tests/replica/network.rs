//! Whatever the network, the disks and the power do: no replica ever shows a wrong state, and all come to the same in the end.
//!
//! A seeded world: a primary, a replica, and a replica of that. The dice decide what happens next: changes, snapshots, history given
//! up, pieces copied over a wire that is silent, breaks, flips a bit or delivers a piece twice; power cuts on any side, disks that
//! die in the middle. After every step each copy is held against the model; in the end all is mended, and all are equal.
//!
//! `REDRAFT_WORLDS` sets how many worlds, `REDRAFT_SEED` where the seeds start.

use crate::common::{Model, Saying, counted, dir, env, options, setting};
use crate::line::Line;
use redraft::io::{Disk, Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::replica::{Beginning, Directory, Source};
use redraft::{Error, ErrorKind, Mirror, Options, Retention, Store, Value};
use std::sync::Arc;

const WORLDS: u64 = 200;
const STEPS: usize = 60;

struct World {
    dice: SeededEntropy,
    line: Line,
    model: Model,
    /// The primary's disk, then that of each replica.
    disks: [MemoryDisk; 3],
    store: Option<Arc<Store<Value>>>,
    mirrors: [Option<Mirror>; 2],
    copied: u64,
    /// What came of each attempt to copy.
    answers: Vec<String>,
}

fn opening(disk: &(impl Disk + Clone + 'static)) -> Options {
    options(disk).create(true)
}

impl World {
    fn new(seed: u64, line: Line) -> World {
        let disks = [MemoryDisk::new(), MemoryDisk::new(), MemoryDisk::new()];
        let store = opening(&disks[0]).open(dir()).unwrap();
        let (dice, model) = (SeededEntropy::new(seed), Model::new());
        World {
            dice,
            line,
            model,
            disks,
            store: Some(Arc::new(store)),
            mirrors: [None, None],
            copied: 0,
            answers: Vec::new(),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        match self.dice.below(12) {
            0..4 => self.write(),
            4 => self.give_up(),
            5 => self.cut_power_of_the_primary(),
            6 => self.cut_power_of_a_replica(),
            7..11 => self.copy(),
            _ => self.copy_onto_a_dying_disk(),
        }
    }

    fn store(&self) -> &Store<Value> {
        self.store.as_ref().unwrap()
    }

    fn write(&mut self) -> Result<(), String> {
        for _ in 0..1 + self.dice.below(4) {
            let World { model, store, dice, .. } = self;
            model.produce(store.as_ref().unwrap(), dice).map_err(|error| format!("{error:?}"))?;
        }
        if self.dice.below(5) == 0 {
            self.store().snapshot().map_err(|error| format!("{error:?}"))?;
        }
        Ok(())
    }

    fn give_up(&mut self) -> Result<(), String> {
        let kept = 5 + self.dice.below(20) as u64;
        self.store().compact_to(Retention::Changes(kept)).map(drop).map_err(|error| format!("{error:?}"))
    }

    fn cut_power_of_the_primary(&mut self) -> Result<(), String> {
        let seed = self.dice.next();
        let image = self.disks[0].power_cut(seed);
        self.store = None;
        self.disks[0] = image;
        self.mirrors = [None, self.mirrors[1].take()];
        let store = opening(&self.disks[0]).open::<Value>(dir()).map_err(|error| format!("{error:?}"))?;
        if store.version() < self.model.acked {
            return Err(format!(
                "the primary has {}, {} was acknowledged",
                store.version(),
                self.model.acked
            ));
        }
        self.model.states.truncate(store.version() as usize + 1);
        self.store = Some(Arc::new(store));
        Ok(())
    }

    fn cut_power_of_a_replica(&mut self) -> Result<(), String> {
        let which = self.dice.below(2);
        let seed = self.dice.next();
        let image = self.disks[which + 1].power_cut(seed);
        // The one that follows it has its files open.
        self.mirrors = [None, None];
        self.disks[which + 1] = image;
        Ok(())
    }

    /// What lies between replica `which` and its source does this time.
    fn wire(&self, which: usize) -> redraft::Result<Arc<dyn Source>> {
        let written = self.store.as_ref().filter(|_| which == 0);
        self.line.to(&self.disks[which], written, &self.dice)
    }

    fn copy(&mut self) -> Result<(), String> {
        let which = self.dice.below(2);
        let disk = self.disks[which + 1].clone();
        let kept = self.mirrors[which].take().filter(|_| self.dice.below(2) == 0);
        let mirror = match kept {
            Some(mirror) => Ok(mirror),
            None => self.wire(which).and_then(|wire| {
                let skips = self.dice.below(3) == 0;
                opening(&disk).skip_ahead(skips).mirror_of(wire, dir(), self.beginning())
            }),
        };
        let answer = mirror.and_then(|mut mirror| {
            let answer = mirror.catch_up();
            self.mirrors[which] = Some(mirror);
            answer
        });
        self.answers.push(format!("{answer:?}"));
        if let Ok(progress) = &answer {
            self.copied += progress.copied;
            self.is_all(which, progress.version)?;
        }
        self.is_allowed(answer.err())?;
        self.shows_what_was(which)
    }

    /// Who says that it has all has all: an answer that was cut off is not taken for one that ended.
    fn is_all(&self, which: usize, version: u64) -> Result<(), String> {
        let end =
            Directory::open_in(&env(&self.disks[which]), dir()).map_err(|error| format!("{error:?}"))?;
        let head = end.status().map_err(|error| format!("{error:?}"))?.head;
        if version >= head {
            Ok(())
        } else {
            Err(format!("replica {which} has {version} and calls it all of {head}"))
        }
    }

    fn copy_onto_a_dying_disk(&mut self) -> Result<(), String> {
        let which = self.dice.below(2);
        self.mirrors = [None, None];
        let call = self.dice.below(200) as u64;
        let dies = FaultPlan { call, failure: Failure::Medium, forever: true };
        let fault = FaultDisk::new(self.disks[which + 1].clone(), Some(dies));
        let wire = self.wire(which);
        let answer = wire.and_then(|wire| opening(&fault).mirror_of(wire, dir(), self.beginning()));
        drop(answer.and_then(|mut mirror| mirror.catch_up()));
        let seed = self.dice.next();
        self.disks[which + 1] = self.disks[which + 1].power_cut(seed);
        self.shows_what_was(which)
    }

    fn beginning(&self) -> Beginning {
        if self.dice.below(2) == 0 { Beginning::Oldest } else { Beginning::NewestSnapshot }
    }

    /// What may come of copying over a bad wire, from a source that may not be there yet.
    fn is_allowed(&self, error: Option<Error>) -> Result<(), String> {
        let Some(error) = error else { return Ok(()) };
        let is_trouble = matches!(
            error.kind(),
            ErrorKind::Unreachable | ErrorKind::NotFound | ErrorKind::Newer | ErrorKind::Busy
        );
        // A flipped bit may be one of the store's identity, or of where a feed begins.
        let is_refusal =
            matches!(error, Error::Foreign { .. } | Error::Diverged { .. } | Error::Superseded { .. });
        let is_bad_snapshot = matches!(&error, Error::Damaged(damage) if damage.path.extension().is_some_and(|end| end == "snap"));
        if is_trouble || is_refusal || is_bad_snapshot { Ok(()) } else { Err(format!("{error:?}")) }
    }

    /// Every version that a replica shows is what the primary had.
    fn shows_what_was(&self, which: usize) -> Result<(), String> {
        let reader = match options(&self.disks[which + 1]).open_read_only::<Value>(dir()) {
            Err(Error::NotAStore { .. } | Error::Unfinished { .. }) => return Ok(()),
            answer => answer.map_err(|error| format!("replica {which}: {error:?}"))?,
        };
        let oldest = reader.oldest().map_err(|error| format!("{error:?}"))?;
        for version in [oldest, (oldest + reader.version()) / 2, reader.version()] {
            let state = reader.at(version).map_err(|error| format!("replica {which}: {error:?}"))?;
            if self.model.states.get(version as usize) != Some(&*state) {
                return Err(format!("replica {which} shows a wrong state at version {version}"));
            }
        }
        Ok(())
    }

    /// Everything is mended: all come to the same.
    fn ends_well(mut self) -> Result<(u64, Vec<String>), String> {
        self.mirrors = [None, None];
        for which in 0..2 {
            let source = self.line.mended().to(&self.disks[which], None, &self.dice);
            let disk = &self.disks[which + 1];
            let mirror = source.and_then(|source| opening(disk).mirror_of(source, dir(), Beginning::Oldest));
            let mut mirror = mirror.map_err(|error| format!("replica {which}: {error:?}"))?;
            mirror.catch_up().map_err(|error| format!("replica {which}: {error:?}"))?;
            mirror.close().map_err(|error| format!("{error:?}"))?;
            let report = options(disk).verify(dir()).map_err(|error| format!("{error:?}"))?;
            if !report.is_sound() || report.intact != self.model.newest() {
                return Err(format!("replica {which}: {report:?}, of {}", self.model.newest()));
            }
            self.shows_what_was(which)?;
        }
        Ok((self.copied, self.answers))
    }
}

fn lives(seed: u64, line: Line) -> Result<(u64, Vec<String>), String> {
    let mut world = World::new(seed, line);
    for step in 0..STEPS {
        world.step().map_err(|why| format!("step {step}: {why}"))?;
    }
    world.ends_well()
}

fn live(worlds: u64, line: Line) {
    let first = setting("REDRAFT_SEED", 1);
    let mut copied = 0;
    for seed in first..first + worlds {
        let _saying = Saying(format!("world {seed} by {line:?}"));
        copied += lives(seed, line).unwrap_or_else(|why| panic!("world {seed} by {line:?}: {why}")).0;
    }
    assert!(copied > worlds * 10, "{copied} changes were copied in {worlds} worlds");
    counted(worlds, "worlds of replicas");
}

#[test]
fn every_replica_shows_what_was_and_all_come_to_the_same() {
    live(setting("REDRAFT_WORLDS", WORLDS), Line::Wire { is_bad: true });
}

/// The same, asked as a server is asked, by the client that asks.
#[test]
fn whatever_becomes_of_answers_over_http_all_come_to_the_same() {
    live(setting("REDRAFT_WORLDS", WORLDS) / 4, Line::Http { is_bad: true });
}

/// What the dice decide is all that differs between worlds, or a seed that failed would be worth nothing.
#[test]
fn a_world_can_be_lived_again() {
    for seed in 1..6 {
        for line in [Line::Wire { is_bad: true }, Line::Http { is_bad: true }] {
            assert_eq!(lives(seed, line), lives(seed, line), "world {seed}");
        }
    }
}
