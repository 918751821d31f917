//! Whoever is the primary: when one dies and a replica takes its place, what was acknowledged and had reached that one is never
//! lost, one history survives, and whoever has another is told.
//!
//! A seeded world of three places. The dice decide what happens next: changes, history given up, copies from anybody over a wire
//! that breaks and lies, power cuts, a primary that dies and is replaced, an old one that is written on without knowing
//! it and has to make way. After every step each place is held against the histories that there ever were; in the end all is
//! mended, and all have the one that survived.
//!
//! `REDRAFT_WORLDS` sets how many worlds, `REDRAFT_SEED` where the seeds start.

use crate::common::{Model, Saying, counted, dir, env, options, setting};
use crate::line::Line;
use redraft::io::{Disk, Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::replica::{Beginning, Directory, Rejoin, Source, compare};
use redraft::{Error, ErrorKind, Mirror, Options, Retention, Role, Store, Value};
use std::sync::Arc;

const WORLDS: u64 = 200;
const STEPS: usize = 80;
const PLACES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Primary,
    Replica,
    /// Was the primary, with the history of this number, and does not know that it is no longer.
    Former(usize),
}

/// How often what the worlds are for has happened.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    copied: u64,
    successions: u64,
    rejoined: u64,
    handed_out: u64,
    refused: u64,
}

impl Tally {
    fn add(&mut self, one: Tally) {
        self.copied += one.copied;
        self.successions += one.successions;
        self.rejoined += one.rejoined;
        self.handed_out += one.handed_out;
        self.refused += one.refused;
    }
}

struct World {
    dice: SeededEntropy,
    line: Line,
    /// The history of each that was the primary, in the order of their time: the last one is to survive.
    histories: Vec<Model>,
    disks: [MemoryDisk; PLACES],
    parts: [Part; PLACES],
    /// What each has said to hold durably.
    held: [u64; PLACES],
    store: Option<Arc<Store<Value>>>,
    mirrors: [Option<(usize, Mirror)>; PLACES],
    tally: Tally,
}

type Told<T = ()> = Result<T, String>;

fn opening(disk: &(impl Disk + Clone + 'static)) -> Options {
    options(disk).create(true)
}

#[allow(clippy::needless_pass_by_value, reason = "errors are handed over to be told")]
fn told(error: Error) -> String {
    format!("{error:?}")
}

fn directory(disk: &MemoryDisk) -> redraft::Result<Directory> {
    Directory::open_in(&env(disk), dir())
}

impl World {
    fn new(seed: u64, line: Line) -> World {
        let disks = [MemoryDisk::new(), MemoryDisk::new(), MemoryDisk::new()];
        let store = opening(&disks[0]).open(dir()).unwrap();
        World {
            dice: SeededEntropy::new(seed),
            line,
            histories: vec![Model::new()],
            disks,
            parts: [Part::Primary, Part::Replica, Part::Replica],
            held: [0; PLACES],
            store: Some(Arc::new(store)),
            mirrors: [None, None, None],
            tally: Tally::default(),
        }
    }

    fn step(&mut self) -> Told {
        match self.dice.below(18) {
            0..5 => self.write(),
            5 => self.give_up(),
            6 => self.restart_the_primary(),
            7 => self.cut_power_of_another(),
            8..14 => self.copy(),
            14 => self.replace_the_primary(),
            15 => self.write_one_that_was_replaced(),
            _ => self.rejoin(),
        }
    }

    fn primary(&self) -> usize {
        self.parts.iter().position(|part| *part == Part::Primary).unwrap()
    }

    fn store(&self) -> &Store<Value> {
        self.store.as_ref().unwrap()
    }

    fn surviving(&self) -> &Model {
        self.histories.last().unwrap()
    }

    /// A place of which this is true, if there is one.
    fn one(&self, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..PLACES).filter(|place| is_meant(*place)).collect();
        (!all.is_empty()).then(|| all[self.dice.below(all.len())])
    }

    fn write(&mut self) -> Told {
        for _ in 0..1 + self.dice.below(4) {
            let World { histories, store, dice, .. } = self;
            let model = histories.last_mut().unwrap();
            model.produce(store.as_ref().unwrap(), dice).map_err(told)?;
        }
        match self.dice.below(5) {
            0 => self.store().snapshot().map(drop).map_err(told),
            _ => Ok(()),
        }
    }

    fn give_up(&mut self) -> Told {
        let kept = 5 + self.dice.below(20) as u64;
        self.store().compact_to(Retention::Changes(kept)).map(drop).map_err(told)
    }

    /// The lights go out there: who followed it from here has its files open, and would follow a ghost.
    fn cut_power_of(&mut self, place: usize) {
        let image = self.disks[place].power_cut(self.dice.next());
        self.mirrors = [None, None, None];
        self.disks[place] = image;
    }

    fn restart_the_primary(&mut self) -> Told {
        let place = self.primary();
        self.cut_power_of(place);
        self.store = None;
        self.open_the_primary()
    }

    fn open_the_primary(&mut self) -> Told {
        let store = opening(&self.disks[self.primary()]).open::<Value>(dir()).map_err(told)?;
        let (version, model) = (store.version(), self.histories.last_mut().unwrap());
        if version < model.acked {
            return Err(format!("the primary has {version}, {} was acknowledged", model.acked));
        }
        model.states.truncate(version as usize + 1);
        self.store = Some(Arc::new(store));
        Ok(())
    }

    fn cut_power_of_another(&mut self) -> Told {
        let primary = self.primary();
        let place = self.one(|place| place != primary).unwrap();
        self.cut_power_of(place);
        self.shows_what_was(place).map(drop)
    }

    fn copy(&mut self) -> Told {
        let Some(place) = self.one(|place| self.parts[place] == Part::Replica) else { return Ok(()) };
        let from = match self.dice.below(3) {
            0 => self.one(|from| from != place).unwrap(),
            _ => self.primary(),
        };
        let kept = self.mirrors[place].take().filter(|(of, _)| *of == from && self.dice.below(2) == 0);
        let begin = if self.dice.below(2) == 0 { Beginning::Oldest } else { Beginning::NewestSnapshot };
        let mirror = match kept {
            Some((_, mirror)) => Ok(mirror),
            None => {
                self.line_to(from).and_then(|line| opening(&self.disks[place]).mirror_of(line, dir(), begin))
            }
        };
        let answer = mirror.and_then(|mut mirror| {
            let answer = mirror.catch_up();
            self.mirrors[place] = Some((from, mirror));
            answer
        });
        match answer {
            Ok(progress) => {
                self.tally.copied += progress.copied;
                self.agrees_after_copying(place, from, progress.version)?;
            }
            Err(error) => self.is_allowed(&error)?,
        }
        self.shows_what_was(place).map(drop)
    }

    fn line_to(&self, from: usize) -> redraft::Result<Arc<dyn Source>> {
        let written = self.store.as_ref().filter(|_| self.parts[from] == Part::Primary);
        self.line.to(&self.disks[from], written, &self.dice)
    }

    /// Who says that all is copied has what its source has, and that one was not replaced for all it knows.
    fn agrees_after_copying(&mut self, place: usize, from: usize, version: u64) -> Told {
        if self.epoch(from)? < self.epoch(place)? {
            return Err(format!("{place} knows of another primary, and took what {from} has"));
        }
        let source = directory(&self.disks[from]).map_err(told)?;
        let differs = compare(&source, &directory(&self.disks[place]).map_err(told)?).map_err(told)?;
        let head = source.status().map_err(told)?.head;
        if version < head {
            return Err(format!("{place} has {version} and calls it all of {head}"));
        }
        if let Some(offset) = differs {
            return Err(format!("{place} copied all of {from}, and differs at {offset}"));
        }
        self.held[place] = version;
        Ok(())
    }

    /// The primary dies, and a replica takes its place: with all that it said to hold.
    fn replace_the_primary(&mut self) -> Told {
        let old = self.primary();
        let heir = self.one(|place| self.parts[place] == Part::Replica && self.held[place] > 0);
        let Some(heir) = heir.filter(|_| self.store().version() > 0) else { return Ok(()) };
        self.cut_power_of(old);
        self.store = None;
        self.promote_in_spite_of_a_power_cut(heir)?;
        let (history, version) = self.shows_what_was(heir)?.ok_or("there is nothing to be promoted")?;
        if version < self.held[heir] {
            return Err(format!("{heir} held {} and has {version} as the primary", self.held[heir]));
        }
        let mut model = self.histories[history].clone();
        model.states.truncate(version as usize + 1);
        (model.acked, model.proven) = (version, version);
        self.parts[old] = Part::Former(self.histories.len() - 1);
        self.parts[heir] = Part::Primary;
        self.histories.push(model);
        self.tally.successions += 1;
        self.open_the_primary()
    }

    fn promote_in_spite_of_a_power_cut(&mut self, heir: usize) -> Told {
        if self.dice.below(3) == 0 {
            let call = self.dice.below(40) as u64;
            let dies = FaultPlan { call, failure: Failure::Medium, forever: true };
            let fault = FaultDisk::new(self.disks[heir].clone(), Some(dies));
            drop(options(&fault).promote(dir()));
            self.cut_power_of(heir);
        }
        match options(&self.disks[heir]).promote(dir()) {
            Ok(_) | Err(Error::Role { found: Role::Store, .. }) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }

    /// One that was replaced comes back, knows nothing of that, and acknowledges what nobody will have.
    fn write_one_that_was_replaced(&mut self) -> Told {
        let Some((place, history)) = self.former() else { return Ok(()) };
        if self.dice.below(2) == 0 {
            self.cut_power_of(place);
        }
        self.mirrors = [None, None, None];
        let store = opening(&self.disks[place]).open::<Value>(dir()).map_err(told)?;
        let World { histories, dice, .. } = self;
        let model = &mut histories[history];
        if store.version() < model.acked {
            return Err(format!("{place} has {}, {} was acknowledged", store.version(), model.acked));
        }
        model.states.truncate(store.version() as usize + 1);
        for _ in 0..1 + dice.below(3) {
            model.produce(&store, dice).map_err(told)?;
        }
        store.close().map_err(told)
    }

    fn former(&self) -> Option<(usize, usize)> {
        let place = self.one(|place| matches!(self.parts[place], Part::Former(_)))?;
        match self.parts[place] {
            Part::Former(history) => Some((place, history)),
            _ => None,
        }
    }

    fn rejoin(&mut self) -> Told {
        let Some((place, history)) = self.former() else { return Ok(()) };
        self.mirrors = [None, None, None];
        let line = self.line_to(self.primary());
        match line.and_then(|line| opening(&self.disks[place]).plan_rejoin(line, dir())) {
            Ok(plan) => self.make_way(place, history, plan),
            // Two were promoted in the place of the same one; which of them gives way is for people to say.
            Err(Error::Role { found: Role::Store, .. })
                if self.epoch(place)? == self.epoch(self.primary())? =>
            {
                self.begin_anew(place)
            }
            Err(Error::Superseded { .. }) if self.epoch(place)? > self.epoch(self.primary())? => {
                self.begin_anew(place)
            }
            // So much was given up that nobody can tell what is extra.
            Err(Error::Compacted { .. }) => self.begin_anew(place),
            Err(error) => self.is_allowed(&error),
        }
    }

    fn make_way(&mut self, place: usize, history: usize, plan: Rejoin) -> Told {
        let (common, extra) = (plan.common(), plan.extra());
        let (own, new) = (&self.histories[history].states, &self.surviving().states);
        let parted = own.iter().zip(new).take_while(|(own, new)| own == new).count() as u64 - 1;
        if common != parted.min(common + extra) {
            return Err(format!("{place} has {common} in common, and should have {parted}"));
        }
        for change in plan.changes() {
            let change = change.map_err(told)?;
            let before = &own[change.offset() as usize];
            let after = redraft::apply(before, &change.patch).map_err(|misfit| format!("{misfit:?}"))?.state;
            if after != own[change.version as usize] {
                return Err(format!("{place} hands out another change {}", change.version));
            }
            self.tally.handed_out += 1;
        }
        let answer = if self.dice.below(4) == 0 { return Ok(()) } else { plan.carry_out() };
        if let Err(error) = answer {
            self.is_allowed(&error)?;
            let store = options(&self.disks[place]).open::<Value>(dir()).map_err(told)?;
            return if store.version() == common + extra {
                Ok(())
            } else {
                Err(format!("{place} lost something: {}", store.version()))
            };
        }
        self.parts[place] = Part::Replica;
        self.tally.rejoined += 1;
        let head = options(&self.disks[place]).open_read_only::<Value>(dir()).map_err(told)?.version();
        self.agrees_after_copying(place, self.primary(), head)
    }

    /// Whoever cannot be reconciled is set aside, and a new replica takes its place.
    fn begin_anew(&mut self, place: usize) -> Told {
        self.disks[place] = MemoryDisk::new();
        (self.parts[place], self.held[place]) = (Part::Replica, 0);
        self.mirrors = [None, None, None];
        Ok(())
    }

    /// Of which primary a place has been told, durably.
    fn epoch(&self, place: usize) -> Told<u32> {
        directory(&self.disks[place]).and_then(|end| end.status()).map(|status| status.epoch).map_err(told)
    }

    /// What may come of copying over a bad wire, from a source that may be behind, replaced or not there yet.
    fn is_allowed(&mut self, error: &Error) -> Told {
        let is_trouble = matches!(
            error.kind(),
            ErrorKind::Unreachable | ErrorKind::NotFound | ErrorKind::Newer | ErrorKind::Busy
        );
        let is_refusal =
            matches!(error, Error::Foreign { .. } | Error::Diverged { .. } | Error::Superseded { .. });
        let is_bad_snapshot = matches!(error, Error::Damaged(damage) if damage.path.extension().is_some_and(|end| end == "snap"));
        self.tally.refused += u64::from(is_refusal);
        if is_trouble || is_refusal || is_bad_snapshot { Ok(()) } else { Err(format!("{error:?}")) }
    }

    /// All that a place shows is of one history that there was; its number, and how far it goes.
    fn shows_what_was(&self, place: usize) -> Told<Option<(usize, u64)>> {
        let reader = match options(&self.disks[place]).open_read_only::<Value>(dir()) {
            Err(Error::NotAStore { .. } | Error::Unfinished { .. }) => return Ok(None),
            answer => answer.map_err(|error| format!("{place}: {error:?}"))?,
        };
        let (oldest, newest) = (reader.oldest().map_err(told)?, reader.version());
        let mut shown = Vec::new();
        for version in [oldest, (oldest + newest) / 2, newest] {
            shown
                .push((version as usize, reader.at(version).map_err(|error| format!("{place}: {error:?}"))?));
        }
        let is_it =
            |model: &Model| shown.iter().all(|(version, state)| model.states.get(*version) == Some(&**state));
        let history = self.histories.iter().rposition(is_it);
        history
            .map(|history| Some((history, newest)))
            .ok_or(format!("{place} shows at {newest} what never was"))
    }

    /// Everything is mended: one history survives, and all have it.
    fn ends_well(mut self) -> Told<Tally> {
        self.line = self.line.mended();
        self.mirrors = [None, None, None];
        let primary = self.primary();
        for place in (0..PLACES).filter(|place| *place != primary) {
            while matches!(self.parts[place], Part::Former(_)) {
                self.rejoin()?;
            }
            if !self.follows_to_the_end(place)? {
                self.begin_anew(place)?;
                self.follows_to_the_end(place)?;
            }
            let report = options(&self.disks[place]).verify(dir()).map_err(told)?;
            if !report.is_sound() || report.intact != self.surviving().newest() {
                return Err(format!("{place}: {report:?}, of {}", self.surviving().newest()));
            }
            self.shows_what_was(place)?;
        }
        Ok(self.tally)
    }

    /// False if it is told that it has another history, and has one.
    fn follows_to_the_end(&mut self, place: usize) -> Told<bool> {
        let primary = self.primary();
        let source = self.line_to(primary).map_err(told)?;
        let answer = opening(&self.disks[place]).mirror_of(source, dir(), Beginning::Oldest);
        match answer.and_then(|mut mirror| mirror.catch_up().map(|done| (mirror, done.version))) {
            Ok((mirror, version)) => {
                mirror.close().map_err(told)?;
                self.agrees_after_copying(place, primary, version).map(|()| true)
            }
            Err(Error::Superseded { .. }) if self.epoch(place)? > self.epoch(primary)? => Ok(false),
            Err(error @ Error::Diverged { .. }) => {
                let (history, newest) = self.shows_what_was(place)?.ok_or("nothing differs")?;
                let differs = history + 1 < self.histories.len()
                    && self.histories[history].states.get(newest as usize)
                        != self.surviving().states.get(newest as usize);
                if differs { Ok(false) } else { Err(format!("{place} is refused for nothing: {error:?}")) }
            }
            Err(error) => Err(format!("{place}: {error:?}")),
        }
    }
}

fn lives(seed: u64, line: Line) -> Told<Tally> {
    let mut world = World::new(seed, line);
    for step in 0..STEPS {
        world.step().map_err(|why| format!("step {step}: {why}"))?;
    }
    world.ends_well()
}

fn live(worlds: u64, line: Line) {
    let first = setting("REDRAFT_SEED", 1);
    let mut all = Tally::default();
    for seed in first..first + worlds {
        let _saying = Saying(format!("world {seed} by {line:?}"));
        let one = lives(seed, line).unwrap_or_else(|why| panic!("world {seed} by {line:?}: {why}"));
        all.add(one);
    }
    assert!(all.copied > worlds * 10 && all.successions > worlds && all.rejoined > worlds / 2, "{all:?}");
    assert!(all.handed_out > worlds && all.refused > worlds / 2, "{all:?}");
    counted(worlds, "worlds of primaries that die");
}

#[test]
fn one_history_survives_with_all_that_had_reached_the_one_that_took_over() {
    live(setting("REDRAFT_WORLDS", WORLDS), Line::Wire { is_bad: true });
}

/// The same, asked as a server is asked, by the client that asks.
#[test]
fn one_history_survives_whatever_becomes_of_answers_over_http() {
    live(setting("REDRAFT_WORLDS", WORLDS) / 8, Line::Http { is_bad: true });
}
