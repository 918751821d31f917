//! Whatever moment the power fails at, and however the log is opened: it is there as it was at some moment, with all that
//! was durable.
//!
//! Random sessions, each with a durability of its own, on a disk in memory. Before every call that changes the disk, images
//! are drawn of what a power cut at this moment could leave, and each is read, verified and opened. Sessions also die in the
//! middle, and some images lose power a second time, while they are being recovered.

use crate::common::dir;
use crate::common::logs::{DURABILITIES, backward, forward, options, payload};
use crate::common::power::{Lie, catches_lies, interrupted, mortal, play};
use crate::common::watched::Watched;
use redraft::Error;
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::log::{Log, Reader};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// What an image must hold.
#[derive(Clone, Debug, Default)]
struct Model {
    /// All that was ever appended and is not known to be lost.
    records: Vec<Vec<u8>>,
    /// What was durable when it was last looked.
    durable: u64,
    /// What was durable before that. The mark behind the last batch is not synced: until a writer has looked, that batch is
    /// unproven.
    proven: u64,
    /// What will be left of that once the mark of a clean close is overwritten, which another write may tear.
    proven_without_mark: u64,
    /// Where the log may begin: anywhere from what was there before a truncation to what it leaves.
    oldest: (u64, u64),
}

impl Model {
    fn durable_is(&mut self, head: u64) {
        if head > self.durable {
            (self.proven, self.durable) = (self.durable, head);
            self.proven_without_mark = self.proven;
        }
    }
}

/// One run: several sessions on one disk, watched.
struct Run {
    seed: u64,
    lie: Lie,
    memory: MemoryDisk,
    model: Arc<Mutex<Model>>,
    dice: SeededEntropy,
    images: Arc<AtomicU64>,
    broken: Arc<Mutex<Option<String>>>,
    /// Tells the head of the session under way.
    view: Arc<Mutex<Option<Reader>>>,
}

impl Run {
    fn new(seed: u64, lie: Lie) -> Run {
        Run {
            seed,
            lie,
            memory: MemoryDisk::new(),
            model: Arc::default(),
            dice: SeededEntropy::new(seed),
            images: Arc::default(),
            broken: Arc::default(),
            view: Arc::default(),
        }
    }

    /// The disk of one session: dies at a random call or never, draws images before every change.
    fn disk(&self) -> Watched {
        let fault = mortal(&self.memory, self.lie, &self.dice);
        let (memory, model, images) =
            (self.memory.clone(), Arc::clone(&self.model), Arc::clone(&self.images));
        let (broken, view, run) = (Arc::clone(&self.broken), Arc::clone(&self.view), self.seed);
        let dice = SeededEntropy::new(self.dice.next());
        Watched::new(fault, move |call| {
            if !call.changes() || broken.lock().unwrap().is_some() {
                return;
            }
            let model = {
                let mut model = model.lock().unwrap();
                if let Some(reader) = &*view.lock().unwrap() {
                    model.durable_is(reader.head().unwrap());
                }
                model.clone()
            };
            let seed = dice.next();
            images.fetch_add(1, Relaxed);
            if let Err(why) = judge_image(&memory, seed, &model) {
                let say = format!("run {run}, image {seed}, before {call:?}: {why}");
                broken.lock().unwrap().get_or_insert(say);
            }
        })
    }

    /// Sessions until the run is over; stops at the first broken promise.
    fn play(&self) -> Result<u64, String> {
        for _ in 0..2 + self.dice.below(4) {
            let disk = self.disk();
            let create = self.model.lock().unwrap().records.is_empty();
            let options = options(&disk)
                .segment_bytes(512 + 256 * self.dice.below(4) as u64)
                .durability(DURABILITIES[self.dice.below(3)])
                .create(create);
            match options.open(dir()) {
                Ok(log) => self.session(log)?,
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

    fn session(&self, log: Log) -> Result<(), String> {
        self.adopt(&log)?;
        *self.view.lock().unwrap() = Some(log.reader());
        for _ in 0..self.dice.below(40) {
            match self.act(&log) {
                Ok(()) | Err(Error::Poisoned { .. } | Error::Io { .. }) => {}
                Err(error) => return Err(format!("run {}: {error:?}", self.seed)),
            }
        }
        let closed = if self.dice.below(2) == 0 { log.close().is_ok() } else { false };
        let mut model = self.model.lock().unwrap();
        if let Some(reader) = self.view.lock().unwrap().take() {
            model.durable_is(reader.head().unwrap());
        }
        if closed {
            model.proven = model.durable;
        }
        Ok(())
    }

    /// What a session starts with is a prefix of what was ever tried, and from now on it is durable.
    fn adopt(&self, log: &Log) -> Result<(), String> {
        let mut model = self.model.lock().unwrap();
        let (head, tried) = (log.head(), model.records.len() as u64);
        if head < model.durable || head > tried {
            let durable = model.durable;
            return Err(format!("run {}: a session begins at {head} of {durable}..{tried}", self.seed));
        }
        model.records.truncate(head as usize);
        model.proven = model.proven_without_mark;
        model.durable_is(head);
        let oldest = log.oldest();
        if oldest < model.oldest.0 || oldest > model.oldest.1 {
            return Err(format!("run {}: the log begins at {oldest}, not in {:?}", self.seed, model.oldest));
        }
        // What is still there may go with the next truncation only; what has gone may come back until then.
        model.oldest.1 = oldest;
        Ok(())
    }

    /// The lock on the model is not held while the log works: the watcher looks at the model.
    fn act(&self, log: &Log) -> Result<(), Error> {
        match self.dice.below(12) {
            0 => assert!(log.sync()? <= log.end()),
            1 => self.truncate(log)?,
            2..4 => assert!(log.append_all(self.tried(self.dice.below(30)))?.end <= log.end()),
            4..7 => {
                let ticket = log.submit_all(self.tried(1 + self.dice.below(3)))?;
                if self.dice.below(3) == 0 {
                    ticket.wait()?;
                }
            }
            _ => assert!(log.append(&self.tried(1)[0])? < log.end()),
        }
        Ok(())
    }

    fn tried(&self, count: usize) -> Vec<Vec<u8>> {
        let payloads: Vec<_> = (0..count).map(|_| payload(&self.dice)).collect();
        self.model.lock().unwrap().records.extend(payloads.iter().cloned());
        payloads
    }

    fn truncate(&self, log: &Log) -> Result<(), Error> {
        let before = log.oldest();
        let offset = before + self.dice.below(40) as u64;
        {
            let mut model = self.model.lock().unwrap();
            model.oldest.1 = model.oldest.1.max(offset);
        }
        let kept = log.truncate_front(offset)?;
        let mut model = self.model.lock().unwrap();
        model.oldest.1 = kept;
        if kept > before {
            // Now for certain, and durably.
            model.oldest.0 = kept;
        }
        Ok(())
    }
}

/// Draws an image and holds it against the model; now and then the power fails again during recovery.
fn judge_image(memory: &MemoryDisk, seed: u64, model: &Model) -> Result<(), String> {
    let image = memory.power_cut(seed);
    let dice = SeededEntropy::new(seed ^ 0x5eed);
    if image.files().iter().all(|path| path.extension().is_none_or(|ending| ending != "seg")) {
        return if model.durable == 0 { Ok(()) } else { Err("the log is gone".into()) };
    }
    if dice.below(3) == 0 {
        let again = interrupted(&image, &dice, |disk| options(disk).open(dir()));
        judge(&again, model).map_err(|why| format!("after a second cut: {why}"))?;
    }
    judge(&image, model)
}

/// Reads an image as another process would, verifies it, and opens it.
fn judge(image: &MemoryDisk, model: &Model) -> Result<(), String> {
    let tried = model.records.len() as u64;
    let reader = options(image).open_read_only(dir()).map_err(|error| format!("reader: {error:?}"))?;
    let seen = whole("reader", &reader, model, model.proven..=tried)?;
    let report = crate::common::check(image).map_err(|error| format!("verify: {error:?}"))?;
    if !report.is_sound() || report.intact < seen {
        return Err(format!("verify takes a power cut for damage: {report:?}"));
    }
    let log =
        options(image).open(dir()).map_err(|error| format!("a power cut looks like damage: {error:?}"))?;
    let head = whole("writer", &log.reader(), model, model.durable.max(seen)..=tried)?;
    if head != report.intact || log.head() != head {
        return Err(format!("verify counts {} records, the writer {head}", report.intact));
    }
    let offset = log.append(b"on it goes").map_err(|error| format!("cannot go on: {error:?}"))?;
    if offset != head || log.read(offset).ok().as_deref() != Some(b"on it goes") {
        return Err("the next record is not where the log ended".into());
    }
    Ok(())
}

/// Everything a reader can see is as it was appended, forward and backward; the head.
fn whole(who: &str, reader: &Reader, model: &Model, heads: RangeInclusive<u64>) -> Result<u64, String> {
    let say = |error: Error| format!("{who}: {error:?}");
    let (oldest, head) = (reader.oldest().map_err(say)?, reader.head().map_err(say)?);
    if !heads.contains(&head) {
        return Err(format!("{who} sees {head} records, expected {heads:?}"));
    }
    if oldest < model.oldest.0 || oldest > model.oldest.1 {
        return Err(format!("{who}: the log begins at {oldest}, expected {:?}", model.oldest));
    }
    let expected = &model.records[oldest as usize..head as usize];
    let (there, back) = (forward(reader, oldest).map_err(say)?, backward(reader, head).map_err(say)?);
    if there != expected || back != expected {
        return Err(format!("{who} reads something that was not appended, between {oldest} and {head}"));
    }
    let middle = oldest + expected.len() as u64 / 2;
    if middle < head && reader.read(middle).map_err(say)? != model.records[middle as usize] {
        return Err(format!("{who} finds another record at {middle}"));
    }
    Ok(head)
}

#[test]
fn whatever_was_durable_survives_a_power_cut_at_any_moment_with_every_durability() {
    play(|seed| Run::new(seed, Lie::None).play());
}

#[test]
fn a_disk_that_lies_about_syncs_is_caught() {
    catches_lies(|seed, lie| Run::new(seed, lie).play());
}
