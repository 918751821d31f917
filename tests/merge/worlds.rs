//! Worlds of writers who make changes at the same time, lag behind, forget what they were told and lie about the time: what happens is
//! a list of steps, so that a world can be run again, with and without the store being closed between, and made shorter.
//!
//! Each step brings its own dice: leaving one out changes nothing about the others.

use crate::common::{dir, env};
use crate::edits::Doc;
use redraft::io::{Clock, Env, MemoryDisk, SeededEntropy};
use redraft::merge::{Conflict, Decision, Functions, Guard, OnDeleted, Pattern, Policy, Rules, Submission};
use redraft::patch::{Patch, apply, transform_both};
use redraft::{Change, Error, Options, Receipt, Retention, Stamp, Store, Value, WriterId, value};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When the worlds begin.
const BEGIN_MS: u64 = 1_700_000_000_000;
const YEAR_MS: u64 = 365 * 86_400_000;

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// A writer makes a change and does not tell yet.
    Make(usize),
    /// It submits the oldest one that it has not submitted; the answer may be lost.
    Send(usize),
    /// It submits one again.
    Again(usize),
    /// It learns what was recorded, or some of it.
    Learn(usize),
    /// The program that holds the store makes a change itself.
    Here,
    /// Other rules are set.
    Rules,
    /// The store is closed, or killed, and opened again.
    Restart,
    Snapshot,
    Compact,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) act: Act,
    dice: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) writers: usize,
    pub(crate) rules: Rules,
    pub(crate) steps: Vec<Step>,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let dice = SeededEntropy::new(seed);
        let writers = 3 + dice.below(6);
        let rules = any_rules(&dice);
        let compacts = dice.below(4) == 0;
        let count = 20 + dice.below(60);
        let steps = (0..count).map(|_| any_step(writers, compacts, &dice)).collect();
        World { writers, rules, steps }
    }

    pub(crate) fn compacts(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Compact))
    }
}

fn any_step(writers: usize, compacts: bool, dice: &SeededEntropy) -> Step {
    let writer = dice.below(writers);
    let act = match dice.below(40) {
        0..14 => Act::Make(writer),
        14..27 => Act::Send(writer),
        27..29 => Act::Again(writer),
        29..33 => Act::Learn(writer),
        33..35 => Act::Here,
        35 => Act::Rules,
        36 if compacts => Act::Compact,
        36..38 => Act::Snapshot,
        _ => Act::Restart,
    };
    Step { act, dice: dice.next() }
}

pub(crate) fn any_rules(dice: &SeededEntropy) -> Rules {
    let patterns = [
        "", "/a", "/a/*", "/*/b", "/b", "/c", "/c/*", "/notes", "/cards", "/hits", "/tags", "/title",
        "/by_name",
    ];
    let custom = |name: &str| Policy::Custom { name: name.into(), version: 1 };
    let policies = [
        Policy::Reject,
        Policy::LastAppended,
        Policy::FirstWins,
        Policy::LastWritten,
        Policy::LastWritten,
        Policy::Rebase,
        Policy::Counter,
        Policy::Max,
        Policy::Min,
        Policy::AddWins,
        Policy::RemoveWins,
        Policy::Text,
        Policy::Deep,
        custom("any"),
        custom("panics"),
        custom("unknown"),
    ];
    let on_deleted = [OnDeleted::Drop, OnDeleted::Restore, OnDeleted::Reject];
    (0..dice.below(6)).fold(Rules::new(), |rules, _| {
        let pattern: Pattern = patterns[dice.below(patterns.len())].parse().unwrap();
        match dice.below(3) {
            0 => rules.on_deleted(pattern, on_deleted[dice.below(3)]),
            _ => rules.with(pattern, policies[dice.below(policies.len())].clone()),
        }
    })
}

pub(crate) fn functions() -> Functions {
    let any = |conflict: &Conflict<'_>| match conflict.path.len() + usize::from(conflict.is_newer) {
        0 => Decision::Keep,
        1 => Decision::Take,
        2 => Decision::Value(value!({ "a": 5 })),
        3 => Decision::Remove,
        _ => Decision::Reject("too deep".into()),
    };
    Functions::new()
        .with("any", 1, any)
        .with("panics", 1, |_| std::panic::resume_unwind(Box::new("on purpose")))
}

/// A clock that the world sets.
#[derive(Debug)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A writer elsewhere. What it sees is as good as a client can know without the rules.
#[derive(Clone)]
struct Client<S> {
    base: u64,
    view: S,
    /// What it made on top of `base`, as that reads there, and the version that it made, if that is known.
    pending: VecDeque<(Patch, u64)>,
    waiting: VecDeque<Submission>,
    sent: Vec<(Submission, Receipt)>,
    sequence: u64,
    last_written: u64,
}

/// What a world has come to.
pub(crate) struct End<S> {
    pub(crate) log: Vec<Change>,
    pub(crate) state: S,
}

/// A world in motion.
struct Run<'w, S: Doc> {
    world: &'w World,
    restarts: bool,
    disk: MemoryDisk,
    clock: Arc<Hand>,
    store: Option<Store<S>>,
    clients: Vec<Client<S>>,
    /// The state and the change of each version.
    states: Vec<S>,
    log: Vec<Change>,
    compacted: bool,
}

/// Runs a world; what breaks a promise is told.
pub(crate) fn run<S: Doc>(world: &World, restarts: bool) -> Result<End<S>, String> {
    let mut run = Run::<S>::new(world, restarts);
    for (number, step) in world.steps.iter().enumerate() {
        run.clock.0.store(BEGIN_MS + number as u64 * 700, Ordering::Relaxed);
        run.step(*step).map_err(|what| format!("step {number} {:?}: {what}", step.act))?;
    }
    for writer in 0..world.writers {
        while !run.clients[writer].waiting.is_empty() {
            run.send(writer, &SeededEntropy::new(1)).map_err(|what| format!("in the end: {what}"))?;
        }
    }
    run.end()
}

impl<'w, S: Doc> Run<'w, S> {
    fn new(world: &'w World, restarts: bool) -> Self {
        let (disk, clock) = (MemoryDisk::new(), Arc::new(Hand(BEGIN_MS.into())));
        let client = Client {
            base: 0,
            view: S::default(),
            pending: VecDeque::new(),
            waiting: VecDeque::new(),
            sent: Vec::new(),
            sequence: 0,
            last_written: 0,
        };
        let clients = vec![client; world.writers];
        let (states, log) = (vec![S::default()], Vec::new());
        let mut run =
            Run { world, restarts, disk, clock, store: None, clients, states, log, compacted: false };
        run.open();
        run.store().set_rules(world.rules.clone()).unwrap();
        run.store().produce(|state| *state = S::begin()).unwrap();
        run.note().unwrap();
        let (head, states) = (run.states.len() - 1, &run.states);
        run.clients
            .iter_mut()
            .for_each(|client| (client.base, client.view) = (head as u64, states[head].clone()));
        run
    }

    fn store(&self) -> &Store<S> {
        self.store.as_ref().unwrap()
    }

    fn open(&mut self) {
        let env = Env { clock: self.clock.clone(), ..env(&self.disk) };
        let options = Options::new().env(env).segment_bytes(1 << 13).merge_functions(functions());
        let store: Store<S> = options.open(dir()).unwrap();
        store.recipe("edit", |state: &mut S, args: &Value| {
            let dice = SeededEntropy::new(args.as_u64().unwrap_or(0));
            *state = apply(&*state, &state.edited(&dice)).map_err(|error| error.to_string())?.state;
            Ok::<(), String>(())
        });
        self.store = Some(store);
    }

    /// Takes note of what was recorded. That is all there is; nothing is noted twice.
    fn note(&mut self) -> Result<(), String> {
        let from = self.log.len() as u64 + 1;
        let changes = self.store().changes(from..).map_err(|error| error.to_string())?;
        for change in changes {
            let change = change.map_err(|error| error.to_string())?;
            if change.version != self.log.len() as u64 + 1 {
                return Err(format!("version {} comes after {}", change.version, self.log.len()));
            }
            let newest = self.states.last().unwrap();
            let next = apply(newest, &change.patch).map_err(|error| format!("{change:?}: {error}"))?.state;
            self.states.push(next);
            self.log.push(change);
        }
        match self.states.last().unwrap().same(&self.store().state()) {
            true => Ok(()),
            false => Err("the log says another state".into()),
        }
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        let dice = SeededEntropy::new(step.dice);
        match step.act {
            Act::Make(writer) => self.make(writer, &dice),
            Act::Send(writer) => self.send(writer, &dice)?,
            Act::Again(writer) => self.again(writer, &dice)?,
            Act::Learn(writer) => self.learn(writer, &dice),
            Act::Here => self.here(&dice)?,
            Act::Rules => drop(self.store().set_rules(any_rules(&dice)).map_err(|error| error.to_string())?),
            Act::Snapshot => drop(self.store().snapshot().map_err(|error| error.to_string())?),
            Act::Compact => {
                self.note()?;
                let kept = Retention::Changes(dice.below(20) as u64);
                self.store().compact_to(kept).map_err(|error| error.to_string())?;
                self.compacted = true;
            }
            Act::Restart if self.restarts => self.restart(&dice),
            Act::Restart => {}
        }
        self.note()
    }

    /// The program that holds the store makes a change, or takes one in that is nobody's.
    fn here(&self, dice: &SeededEntropy) -> Result<(), String> {
        let head = self.states.len() - 1;
        let base = head - dice.below(2) * dice.below(head.min(10));
        let patch = self.states[base].edited(dice);
        let answer = match base {
            _ if patch.is_empty() => return Ok(()),
            base if base == head => self.store().apply(&patch).map(drop),
            base => self.store().merge(&Submission::new(base as u64, patch)).map(drop),
        };
        match answer {
            Err(Error::TooOld { .. }) if self.compacted => Ok(()),
            answer => answer.map_err(|error| error.to_string()),
        }
    }

    fn restart(&mut self, dice: &SeededEntropy) {
        let store = self.store.take().unwrap();
        match dice.below(2) {
            0 => store.close().unwrap(),
            _ => self.disk = self.disk.process_kill(),
        }
        self.open();
    }

    /// The time as a writer has it: right, a year ahead or behind, standing still, or jumping.
    fn time_of(&self, writer: usize, dice: &SeededEntropy) -> u64 {
        let now = self.clock.now_ms();
        match writer % 5 {
            1 => now + YEAR_MS,
            2 => now - YEAR_MS,
            3 => BEGIN_MS,
            4 => now - dice.below(100_000) as u64,
            _ => now,
        }
    }

    fn make(&mut self, writer: usize, dice: &SeededEntropy) {
        let written = self.time_of(writer, dice);
        let client = &mut self.clients[writer];
        let patch = client.view.edited(dice);
        let Ok(applied) = apply(&client.view, &patch) else { return };
        client.view = applied.state;
        client.sequence += 1;
        // A writer's own clock does not go back for it: what it has written is before what it writes.
        client.last_written = written.max(client.last_written);
        let mut submission = Submission::new(client.base, patch.clone()).by(id(writer), client.sequence);
        submission = match dice.below(8) {
            0 | 1 => submission.call("edit", dice.next()),
            2 | 3 => submission.all_or_nothing(),
            4 => submission.guard(Guard::unchanged("/a".parse().unwrap())),
            _ => submission,
        };
        // One that says less than it knows.
        if dice.below(12) == 0 {
            submission.base -= dice.below(submission.base.min(4) as usize) as u64;
        }
        if dice.below(8) > 0 {
            submission = submission.written(Stamp::of_ms(client.last_written));
        }
        client.pending.push_back((patch, u64::MAX));
        client.waiting.push_back(submission);
    }

    fn send(&mut self, writer: usize, dice: &SeededEntropy) -> Result<(), String> {
        let Some(submission) = self.clients[writer].waiting.front().cloned() else { return Ok(()) };
        let head = self.states.len() as u64 - 1;
        let receipt = match self.store().merge(&submission) {
            Ok(receipt) => receipt,
            Err(Error::TooOld { oldest, .. }) if self.compacted => {
                return self.begin_anew(writer, oldest, head);
            }
            Err(error) => return Err(error.to_string()),
        };
        self.note()?;
        if !receipt.is_new {
            return Err(format!("{receipt:?} of {submission:?}"));
        }
        let client = &mut self.clients[writer];
        client.waiting.pop_front();
        if let Some(own) = client.pending.iter_mut().find(|own| own.1 == u64::MAX) {
            own.1 = receipt.version;
        }
        client.sent.push((submission.clone(), receipt.clone()));
        self.holds(&submission, &receipt, head)?;
        // The answer is lost.
        if dice.below(6) == 0 { self.again(writer, dice) } else { Ok(()) }
    }

    /// A writer that was away for longer than is kept takes what there is.
    fn begin_anew(&mut self, writer: usize, oldest: u64, head: u64) -> Result<(), String> {
        let client = &mut self.clients[writer];
        if client.waiting.front().is_none_or(|oldest_waiting| oldest_waiting.base >= oldest) {
            return Err("too old, and is not".into());
        }
        let (last, given_up) = (client.sequence, client.waiting.len() as u64);
        client.waiting.clear();
        client.pending.clear();
        client.sequence = last - given_up;
        (client.base, client.view) = (head, self.states[head as usize].clone());
        Ok(())
    }

    /// What is promised of one submission.
    fn holds(&self, submission: &Submission, receipt: &Receipt, head: u64) -> Result<(), String> {
        let change = &self.log[receipt.version as usize - 1];
        let merged = change.merged.as_ref().ok_or("it does not say that it was merged")?;
        let told = (receipt.outcome.clone(), receipt.notes.clone());
        if told != (merged.outcome.clone(), merged.notes.clone())
            || Some((change.writer, change.sequence)) != submission.by
        {
            return Err(format!("{receipt:?}, but {change:?}"));
        }
        let most = self
            .clock
            .now_ms()
            .max(self.log[..receipt.version as usize - 1].last().map_or(0, |last| last.stamp.millis()));
        if merged.written.millis() > most + 60_000 {
            return Err(format!("written at {:?}, and it is {most}", merged.written));
        }
        if submission.base == head && (merged.original.is_some() || merged.outcome.name() != "clean") {
            return Err(format!("it had seen everything: {change:?}"));
        }
        Ok(())
    }

    fn again(&mut self, writer: usize, dice: &SeededEntropy) -> Result<(), String> {
        let client = &self.clients[writer];
        if client.sent.is_empty() {
            return Ok(());
        }
        let (submission, first) = &client.sent[dice.below(client.sent.len())];
        let again = self.store().merge(submission).map_err(|error| error.to_string())?;
        let is_kept = self.store().changes(first.version..).is_ok();
        let same =
            (again.version, &again.outcome, &again.notes) == (first.version, &first.outcome, &first.notes);
        if again.is_new || is_kept && !same {
            return Err(format!("{again:?}, and before {first:?}"));
        }
        Ok(())
    }

    fn learn(&mut self, writer: usize, dice: &SeededEntropy) {
        let head = self.states.len() as u64 - 1;
        let client = &mut self.clients[writer];
        let behind = head - client.base;
        let to = if dice.below(3) == 0 { client.base + dice.below(behind as usize + 1) as u64 } else { head };
        for version in client.base + 1..=to {
            let change = &self.log[version as usize - 1];
            if change.writer == id(writer) {
                client.pending.pop_front();
                continue;
            }
            let mut theirs = change.patch.clone();
            for (own, _) in &mut client.pending {
                let (after_own, own_after) = transform_both(&theirs, own);
                (theirs, *own) = (after_own.patch, own_after.patch);
            }
        }
        let seen = self.states[to as usize].clone();
        client.base = to;
        client.view = client
            .pending
            .iter()
            .fold(seen, |view, (own, _)| apply(&view, own).map_or(view, |applied| applied.state));
    }

    fn end(mut self) -> Result<End<S>, String> {
        self.note()?;
        for writer in 0..self.world.writers {
            let own = self.log.iter().filter(|change| change.writer == id(writer));
            let numbers: Vec<u64> = own.map(|change| change.sequence).collect();
            if numbers != (1..=self.clients[writer].sequence).collect::<Vec<_>>() {
                return Err(format!("the changes of writer {writer} are numbered {numbers:?}"));
            }
        }
        let state = self.states.pop().unwrap();
        self.store.take().unwrap().close().map_err(|error| error.to_string())?;
        Ok(End { log: self.log, state })
    }
}

pub(crate) fn id(writer: usize) -> WriterId {
    format!("{:x}", writer + 1).parse().unwrap()
}
