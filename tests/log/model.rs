//! A log is a list that only grows at its end and only shrinks at its front: whatever is done to it, in whatever order.
//!
//! Random sessions with every durability, on segments that hold a few records or not even one, held against a plain list.
//! What is readable is what is durable; what a killed process leaves is what was acknowledged; in the writing process and
//! in others.

use crate::common::logs::{DURABILITIES, HOUR, backward, chains, forward, options, payload};
use crate::common::{contents, dir, setting};
use proptest::prelude::*;
use redraft::Error;
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::log::{Durability, Log, Reader};
use std::ops::RangeInclusive;

/// A place in the log, or a little beyond it: a share of what there is.
type Place = u16;

#[derive(Clone, Debug)]
enum Op {
    Append,
    AppendAll(usize),
    Submit { wait: bool },
    SubmitAll { count: usize, wait: bool },
    AppendNothing,
    Sync,
    Truncate(Place),
    CloseAndReopen(usize, u64),
    KillAndReopen(usize, u64),
    Look(Place),
    OpenElsewhere,
    LookElsewhere(Place),
}

fn ops() -> BoxedStrategy<Vec<Op>> {
    let segment = 512..4096_u64;
    let op = prop_oneof![
        8 => Just(Op::Append),
        3 => (0..40_usize).prop_map(Op::AppendAll),
        4 => any::<bool>().prop_map(|wait| Op::Submit { wait }),
        2 => (0..5_usize, any::<bool>()).prop_map(|(count, wait)| Op::SubmitAll { count, wait }),
        1 => Just(Op::AppendNothing),
        2 => Just(Op::Sync),
        2 => any::<Place>().prop_map(Op::Truncate),
        1 => (0..3_usize, segment.clone()).prop_map(|(durability, bytes)| Op::CloseAndReopen(durability, bytes)),
        2 => (0..3_usize, segment).prop_map(|(durability, bytes)| Op::KillAndReopen(durability, bytes)),
        8 => any::<Place>().prop_map(Op::Look),
        1 => Just(Op::OpenElsewhere),
        4 => any::<Place>().prop_map(Op::LookElsewhere),
    ];
    prop::collection::vec(op, 1..60).boxed()
}

struct World {
    disk: MemoryDisk,
    log: Log,
    /// As another process would have it.
    elsewhere: Reader,
    dice: SeededEntropy,
    /// All that was ever appended and is not lost.
    model: Vec<Vec<u8>>,
    chains: Vec<u32>,
    oldest: u64,
    /// What is durable at least.
    durable: u64,
    /// What a killed process leaves at least.
    safe: u64,
    /// Whether a thread of the log may be making something durable at this moment.
    busy: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let disk = MemoryDisk::new();
        let log = options(&disk).create(true).open(dir()).unwrap();
        let elsewhere = options(&disk).open_read_only(dir()).unwrap();
        let (dice, model, chains) = (SeededEntropy::new(seed), Vec::new(), Vec::new());
        World { disk, log, elsewhere, dice, model, chains, oldest: 0, durable: 0, safe: 0, busy: false }
    }

    fn end(&self) -> u64 {
        self.model.len() as u64
    }

    /// What the head may be now.
    fn heads(&self) -> RangeInclusive<u64> {
        match self.log.durability() {
            Durability::UnsafeNoSync => self.durable..=self.end(),
            _ if self.busy => self.durable..=self.end(),
            _ => self.durable..=self.durable,
        }
    }

    fn payloads(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| payload(&self.dice)).collect()
    }

    /// Something was appended and acknowledged.
    fn appended(&mut self, payloads: Vec<Vec<u8>>) {
        self.model.extend(payloads);
        match self.log.durability() {
            Durability::Immediate => self.made_durable(),
            Durability::UnsafeNoSync => self.safe = self.end(),
            _ => {}
        }
    }

    fn submitted(&mut self, payloads: Vec<Vec<u8>>) {
        self.model.extend(payloads);
        self.busy |= !matches!(self.log.durability(), Durability::Interval(_));
    }

    fn made_durable(&mut self) {
        (self.durable, self.safe) = (self.end(), self.end());
        // A thread that was rung for may come late, and makes durable what was appended meanwhile without asking for that.
        self.busy &= self.log.durability() == Durability::UnsafeNoSync;
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Append => {
                let payload = payload(&self.dice);
                assert_eq!(self.log.append(&payload).unwrap(), self.end());
                self.appended(vec![payload]);
            }
            Op::AppendAll(count) => {
                let payloads = self.payloads(count);
                let offsets = self.log.append_all(&payloads).unwrap();
                assert_eq!(offsets, self.end()..self.end() + count as u64);
                self.appended(payloads);
            }
            Op::Submit { wait } => self.submit(1, wait),
            Op::SubmitAll { count, wait } => self.submit(count, wait),
            Op::AppendNothing => self.append_nothing(),
            Op::Sync => {
                assert_eq!(self.log.sync().unwrap(), self.end());
                self.made_durable();
            }
            Op::Truncate(place) => self.truncate(self.place(place)),
            Op::CloseAndReopen(durability, bytes) => self.close_and_reopen(DURABILITIES[durability], bytes),
            Op::KillAndReopen(durability, bytes) => self.kill_and_reopen(DURABILITIES[durability], bytes),
            Op::Look(place) => self.look(self.place(place)),
            Op::OpenElsewhere => self.elsewhere = options(&self.disk).open_read_only(dir()).unwrap(),
            Op::LookElsewhere(place) => self.look_elsewhere(self.place(place)),
        }
        self.chains = chains(self.log.id(), &self.model, std::mem::take(&mut self.chains));
        assert_eq!(self.log.end(), self.end());
        assert_eq!(self.log.oldest(), self.oldest);
        no_segment_is_too_long(&self.disk);
        let head = self.log.head();
        assert!(self.heads().contains(&head), "the head is {head}, expected {:?}", self.heads());
    }

    fn place(&self, place: Place) -> u64 {
        (self.end() + 3) * u64::from(place) / u64::from(Place::MAX)
    }

    fn submit(&mut self, count: usize, wait: bool) {
        let payloads = self.payloads(count);
        let ticket = if let [payload] = &payloads[..] {
            self.log.submit(payload).unwrap()
        } else {
            self.log.submit_all(&payloads).unwrap()
        };
        let end = self.end() + count as u64;
        assert_eq!(ticket.offsets(), self.end()..end);
        if wait {
            assert_eq!(ticket.wait().unwrap(), self.end()..end);
            assert!(self.log.head() >= end);
        }
        self.submitted(payloads);
        if wait {
            self.made_durable();
        }
    }

    /// One empty record among others: none of them is appended.
    fn append_nothing(&self) {
        assert!(matches!(self.log.append(b""), Err(Error::EmptyRecord { index: 0 })));
        assert!(matches!(self.log.submit(b""), Err(Error::EmptyRecord { index: 0 })));
        assert!(matches!(self.log.append_all(["a", "b", "", "c"]), Err(Error::EmptyRecord { index: 2 })));
        assert!(matches!(self.log.submit_all(["a", ""]), Err(Error::EmptyRecord { index: 1 })));
    }

    fn bases(&self) -> Vec<u64> {
        let number = |path: &std::path::PathBuf| path.file_stem()?.to_str()?.parse().ok();
        self.disk.files().iter().filter_map(number).collect()
    }

    fn truncate(&mut self, offset: u64) {
        let (before, head) = (self.bases(), self.log.head());
        let kept = self.log.truncate_front(offset).unwrap();
        assert!(kept >= self.oldest && (kept <= offset || kept == self.oldest), "what holds {offset} stays");
        if !self.busy {
            let holding = before.iter().rfind(|&&base| base <= offset.min(head)).copied().unwrap_or(0);
            assert_eq!(kept, holding.max(self.oldest), "all whole segments before {offset} go");
        }
        if kept > self.oldest {
            self.made_durable();
        }
        assert_eq!(self.bases().first(), Some(&kept), "and their files with them");
        self.oldest = kept;
    }

    fn close_and_reopen(&mut self, durability: Durability, segment_bytes: u64) {
        let log = options(&self.disk).durability(durability).segment_bytes(segment_bytes);
        assert!(matches!(log.open(dir()), Err(Error::Locked { .. })));
        // Another session follows on the same disk: the place is kept by a log that nobody uses.
        let spare = options(&MemoryDisk::new()).create(true).open(dir()).unwrap();
        std::mem::replace(&mut self.log, spare).close().unwrap();
        assert!(crate::common::check(&self.disk).unwrap().is_sound());
        self.log = log.open(dir()).unwrap();
        assert!(self.log.cut().is_none());
        self.busy = false;
        self.made_durable();
    }

    fn kill_and_reopen(&mut self, durability: Durability, segment_bytes: u64) {
        let quiet = !self.busy;
        let killed = self.disk.process_kill();
        let before = contents(&killed);
        let reader = options(&killed).open_read_only(dir()).unwrap();
        let seen = reader.head().unwrap();
        assert!(seen >= self.durable && seen <= self.end());
        assert_eq!(forward(&reader, self.oldest).unwrap(), self.model[self.oldest as usize..seen as usize]);
        assert!(crate::common::check(&killed).unwrap().is_sound());
        assert_eq!(before, contents(&killed), "readers change nothing");
        let log = options(&killed).durability(durability).segment_bytes(segment_bytes).open(dir()).unwrap();
        let head = log.head();
        assert!(head >= self.safe, "{} was acknowledged, {head} are left", self.safe);
        if quiet {
            assert_eq!(head, self.safe, "what was never handed over cannot be there");
        }
        (self.disk, self.log) = (killed, log);
        self.elsewhere = reader;
        self.model.truncate(head as usize);
        self.busy = false;
        self.made_durable();
    }

    /// Everything that can be asked at a place, in the writing process.
    fn look(&self, place: u64) {
        let (reader, least) = (self.log.reader(), self.log.head());
        let most = || if self.busy { self.end() } else { self.log.head() };
        assert!((least..=most()).contains(&reader.head().unwrap()));
        assert_eq!(reader.oldest().unwrap(), self.oldest);
        self.look_through(&reader, place, least, &most);
        self.refuses(&reader, place, least);
    }

    /// The same from another process: never more than is durable, never anything wrong. Only what was removed since it was
    /// opened may still be there.
    fn look_elsewhere(&self, place: u64) {
        let least = self.log.head();
        let most = || if self.busy { self.end() } else { self.log.head() };
        // First without a look at the directory: much may have happened since the last one.
        self.look_through(&self.elsewhere, place, least, &most);
        let head = self.elsewhere.head().unwrap();
        assert!((least..=most()).contains(&head), "{head} seen from elsewhere, {least} are durable");
        assert_eq!(self.elsewhere.oldest().unwrap(), self.oldest);
        self.refuses(&options(&self.disk).open_read_only(dir()).unwrap(), place, least);
    }

    fn look_through(&self, reader: &Reader, place: u64, least: u64, most: &dyn Fn() -> u64) {
        let mut buffer = vec![1, 2, 3];
        let (chains, at) = (&self.chains, place as usize);
        match reader.read_into(place, &mut buffer) {
            Ok(chain) => {
                assert!(place < most(), "{place} is not durable");
                assert_eq!((&buffer, chain), (&self.model[at], chains[at + 1]));
                assert_eq!(reader.read(place).unwrap(), self.model[at]);
            }
            Err(error) => self.is_right(&error, place, least),
        }
        match reader.chain_at(place) {
            Ok(chain) => assert_eq!((chain, place <= most()), (chains[at], true)),
            Err(error) => self.is_right(&error, place, least),
        }
        match forward(reader, place) {
            Ok(found) => {
                let end = at + found.len();
                assert!(end as u64 >= least && end as u64 <= most(), "reading ends at {end}");
                assert_eq!(found, self.model[at..end]);
            }
            Err(error) => self.is_right(&error, place, least),
        }
        match backward(reader, place) {
            Ok(found) => {
                assert!(place <= most(), "reads backward from {place}, which is not durable");
                assert_eq!(found, self.model[at - found.len()..at]);
                assert!(place - found.len() as u64 <= self.oldest, "reading backward ends too early");
            }
            Err(error) => self.is_right(&error, place, least),
        }
    }

    /// An error is the right one.
    fn is_right(&self, error: &Error, place: u64, least: u64) {
        match *error {
            Error::Compacted { version, oldest } => {
                // A file that is open already may still be read to its end.
                assert!((place..self.oldest).contains(&version) && oldest == self.oldest, "{error}");
            }
            Error::BeyondHead { version, head } => {
                assert_eq!(version, place);
                assert!(place >= least && head <= place && head >= least && head <= self.end(), "{error}");
                if !self.busy {
                    assert_eq!(head, least, "the head is named as it is");
                }
            }
            ref other => panic!("at {place} of {}..{least}: {other:?}", self.oldest),
        }
    }

    /// What is not there is refused.
    fn refuses(&self, reader: &Reader, place: u64, least: u64) {
        if place < self.oldest {
            assert!(matches!(reader.read(place), Err(Error::Compacted { .. })));
            assert!(matches!(reader.chain_at(place), Err(Error::Compacted { .. })));
            assert!(matches!(forward(reader, place), Err(Error::Compacted { .. })));
            assert!(matches!(backward(reader, place), Err(Error::Compacted { .. })));
        } else if place > self.end() {
            assert!(matches!(reader.read(place), Err(Error::BeyondHead { .. })));
            assert!(matches!(backward(reader, place), Err(Error::BeyondHead { .. })));
        } else if place <= least {
            assert!(forward(reader, place).is_ok() && backward(reader, place).is_ok());
        }
    }
}

/// A segment is never longer than its header says, whatever was written into it in whichever session.
fn no_segment_is_too_long(disk: &MemoryDisk) {
    for path in disk.files().iter().filter(|path| path.extension().is_some_and(|end| end == "seg")) {
        let bytes = disk.bytes(path).unwrap();
        let allocated = u64::from_le_bytes(*bytes[40..].first_chunk().unwrap());
        assert!(bytes.len() as u64 <= allocated, "{} of {allocated} bytes in {path:?}", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: setting("PROPTEST_CASES", 1000) as u32, max_shrink_time: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_is_a_list_whatever_is_done_to_it(seed: u64, durability in 0..3_usize, ops in ops()) {
        let mut world = World::new(seed);
        world.run(&Op::CloseAndReopen(durability, 512));
        for op in &ops {
            world.run(op);
        }
        for place in 0..=world.end() + 1 {
            world.look(place);
        }
    }
}

fn append(log: &Log, number: u8) {
    assert_eq!(log.append(&[number + 1]).unwrap(), u64::from(number));
}

/// What is written but not synced is past the head, even where the writer knows its places already.
#[test]
fn what_is_written_but_not_durable_is_beyond_the_head() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).segment_bytes(1 << 16).durability(Durability::UnsafeNoSync);
    let log = log.open(dir()).unwrap();
    (0..40).for_each(|n| append(&log, n));
    log.sync().unwrap();
    (40..100).for_each(|n| append(&log, n));
    assert_eq!((log.head(), log.end()), (40, 100));
    let reader = log.reader();
    for place in 41..110 {
        let beyond =
            |error: Error| matches!(error, Error::BeyondHead { version, head: 40 } if version == place);
        assert!(reader.read(place).is_err_and(beyond), "read {place}");
        assert!(reader.chain_at(place).is_err_and(beyond), "the chain at {place}");
        assert!(reader.records(place).is_err_and(beyond), "forward from {place}");
        assert!(reader.backward(place).is_err_and(beyond), "backward from {place}");
    }
    assert!(matches!(reader.read(40), Err(Error::BeyondHead { version: 40, head: 40 })));
    assert_eq!(reader.records(40).unwrap().offset(), 40);
}

#[test]
fn an_interval_that_never_ends_leaves_nothing_on_the_disk_when_the_process_is_killed() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).durability(Durability::Interval(HOUR)).open(dir()).unwrap();
    (0..10).for_each(|n| append(&log, n));
    assert_eq!((log.head(), log.end()), (0, 10));
    let left = options(&disk.process_kill()).open(dir()).unwrap();
    assert_eq!((left.head(), left.end()), (0, 0));
}

/// A session that goes on after a close knows the place of every fourth small record, and fills the segment with a large one
/// up to the footer that goes with that. After a kill all places are known, and the footer must still fit.
#[test]
fn a_footer_fits_however_many_places_the_session_before_knew() {
    for large in (15_300..15_800).step_by(4) {
        let disk = MemoryDisk::new();
        let small = options(&disk).create(true).segment_bytes(16 << 10);
        let log = small.open(dir()).unwrap();
        log.append_all((0..60).map(|_| [1])).unwrap();
        log.close().unwrap();
        let log = small.open(dir()).unwrap();
        log.append(&vec![2; large]).unwrap();
        let killed = disk.process_kill();
        drop(log);
        let log = options(&killed).segment_bytes(16 << 10).open(dir()).unwrap();
        log.append(&[3; 1000]).unwrap();
        log.close().unwrap();
        no_segment_is_too_long(&killed);
    }
}
