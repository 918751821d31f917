//! A packed segment reads as the segment it was, in every way and for everybody; damage in it is noticed, and costs what it
//! hits; packing that is interrupted leaves one or the other.

#![cfg(feature = "zstd")]

use super::damage::{Closed, flipped, noticed, read_every_way};
use crate::common::logs::{chains, forward, options};
use crate::common::{Saying, check, copy, dir, env, segment_path};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::log::Log;
use redraft::repair::Mending;
use redraft::{ErrorKind, Options, Repair};

/// Three segments that are well worth packing, of more than one block each, and one that is not sealed.
fn packable() -> Closed {
    let (disk, dice, mut records) = (MemoryDisk::new(), SeededEntropy::new(6), Vec::new());
    let log = options(&disk).segment_bytes(12 << 10).create(true).open(dir()).unwrap();
    while records.len() < 420 {
        let text = format!(
            r#"{{"op":"replace","path":"/cards/{}/votes","value":{}}}"#,
            dice.below(9),
            dice.below(99)
        );
        let record = text.repeat(1 + dice.below(3)).into_bytes();
        log.append(&record).unwrap();
        records.push(record);
    }
    let chains = chains(log.id(), &records, Vec::new());
    log.close().unwrap();
    Closed { disk, records, chains }
}

fn pack(disk: &MemoryDisk) -> (u64, usize) {
    options(disk).segment_bytes(12 << 10).open(dir()).unwrap().pack().unwrap()
}

fn packed() -> Closed {
    let log = packable();
    let (saved, count) = pack(&log.disk);
    assert!(count >= 3 && saved > 20 << 10, "{saved} bytes of {count} segments");
    log
}

fn sealed(log: &Closed) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut segments = log.segments();
    segments.pop();
    segments
}

#[test]
fn it_reads_as_what_it_was_in_every_way_and_goes_on() {
    let log = packed();
    let reader = options(&log.disk).open_read_only(dir()).unwrap();
    assert!(!read_every_way(&log, &reader, &SeededEntropy::new(1)));
    assert!(check(&log.disk).unwrap().is_sound());
    let opened = options(&log.disk).open(dir()).unwrap();
    assert!(opened.cut().is_none() && !read_every_way(&log, &opened.reader(), &SeededEntropy::new(2)));
    assert_eq!(opened.append(b"on it goes").unwrap(), log.end());
    // Once is enough.
    assert_eq!(opened.pack().unwrap(), (0, 0));
    assert_eq!(opened.truncate_front(log.end() / 2).unwrap(), opened.oldest());
    assert!(opened.oldest() > 0);
}

#[test]
fn who_has_it_open_reads_on() {
    let log = packable();
    let writer: Log = options(&log.disk).open(dir()).unwrap();
    let elsewhere = options(&log.disk).open_read_only(dir()).unwrap();
    let mut begun = elsewhere.records(0).unwrap();
    assert_eq!(begun.next_record().unwrap().unwrap().payload(), &log.records[0][..]);
    assert!(writer.pack().unwrap().1 >= 3);
    let mut read = 1;
    while let Some(record) = begun.next_record().unwrap() {
        assert_eq!(record.payload(), &log.records[read][..]);
        read += 1;
    }
    assert_eq!(read, log.records.len());
    for reader in [&elsewhere, &writer.reader()] {
        assert!(!read_every_way(&log, reader, &SeededEntropy::new(3)));
    }
}

/// Nothing was written behind it yet, so the next session makes sure of its seal: it is in a block, and was synced with that. The
/// footer was written over the file as if that were the segment.
#[test]
fn the_last_one_that_is_packed_stays_as_it_is_when_its_writer_is_killed() {
    let log = packable();
    let opened = options(&log.disk).segment_bytes(12 << 10).open(dir()).unwrap();
    // Giving up the beginning begins a segment.
    assert!(opened.truncate_front(200).unwrap() > 0 && opened.pack().unwrap().1 > 0);
    let killed = Closed { disk: log.disk.process_kill(), ..log };
    let before = sealed(&killed);
    drop(options(&killed.disk).open(dir()).unwrap());
    assert_eq!(sealed(&killed), before);
    assert!(check(&killed.disk).unwrap().is_sound());
}

#[test]
fn what_does_not_get_smaller_stays_as_it_is() {
    let (disk, dice) = (MemoryDisk::new(), SeededEntropy::new(7));
    let log = options(&disk).segment_bytes(4 << 10).create(true).open(dir()).unwrap();
    for _ in 0..40 {
        let noise: Vec<u8> = (0..500).map(|_| dice.next() as u8).collect();
        log.append(&noise).unwrap();
    }
    let before = disk.bytes(&segment_path(0)).unwrap();
    assert_eq!(log.pack().unwrap(), (0, 0));
    assert_eq!(disk.bytes(&segment_path(0)).unwrap(), before);
    assert!(disk.files().iter().all(|path| path.extension().is_none_or(|ending| ending != "tmp")));
}

#[test]
fn every_flipped_byte_is_noticed_and_never_shows_a_wrong_record() {
    let (log, dice, mut flips) = (packed(), SeededEntropy::new(4), 0);
    let (path, bytes) = sealed(&log).remove(1);
    for at in 0..bytes.len() {
        // All of the header and the trailer, and some of what is between.
        let bits = match at {
            _ if at < 72 || at + 40 > bytes.len() => vec![dice.below(8), dice.below(8)],
            _ if at % 19 == 0 => vec![dice.below(8)],
            _ => Vec::new(),
        };
        for bit in bits {
            let _saying = Saying(format!("byte {at} bit {bit} of {}", bytes.len()));
            assert!(noticed(&log, &log.with(&path, flipped(&bytes, 8 * at + bit)), &dice), "went unnoticed");
            flips += 1;
        }
    }
    assert!(flips > 300, "{flips} flips");
}

#[test]
fn every_cut_is_noticed_and_never_shows_a_wrong_record() {
    let (log, dice) = (packed(), SeededEntropy::new(5));
    let (path, bytes) = sealed(&log).remove(1);
    for cut in (0..bytes.len()).step_by(11) {
        let _saying = Saying(format!("cut at {cut} of {}", bytes.len()));
        assert!(noticed(&log, &log.with(&path, bytes[..cut].to_vec()), &dice), "went unnoticed");
    }
}

/// Records in other blocks than the damaged one are read as ever, and the table can be done without.
#[test]
fn damage_costs_the_block_it_hits_and_a_damaged_table_costs_nothing() {
    let log = packed();
    let (path, bytes) = sealed(&log).remove(0);
    let first = u32::from_le_bytes(*bytes[64..].first_chunk().unwrap()) as usize;
    let image = log.with(&path, flipped(&bytes, 8 * (64 + 8 + first / 2)));
    let reader = options(&image).open_read_only(dir()).unwrap();
    let lost: Vec<u64> = (0..log.end()).filter(|&offset| reader.read(offset).is_err()).collect();
    let in_a_block = log.records.iter().scan(0, |bytes, record| {
        *bytes += record.len() + 8;
        Some(*bytes)
    });
    let in_a_block = in_a_block.take_while(|&bytes| bytes <= 8 << 10).count() as u64;
    // And at most three behind it, which are found from one that is in it.
    let count = lost.len() as u64;
    assert!(lost.iter().copied().eq(0..count), "{lost:?}");
    assert!((in_a_block..in_a_block + 5).contains(&count), "{count}, {in_a_block} in the block");
    let report = check(&image).unwrap();
    assert!(report.damage.iter().any(|damage| damage.path == path && damage.byte == 64), "{report:?}");
    for at in bytes.len() - 30..bytes.len() {
        let _saying = Saying(format!("byte {at}"));
        let image = log.with(&path, flipped(&bytes, 8 * at));
        let reader = options(&image).open_read_only(dir()).unwrap();
        assert!(!read_every_way(&log, &reader, &SeededEntropy::new(6)), "a record is lost");
        assert!(!check(&image).unwrap().is_sound(), "unnoticed");
    }
}

/// Repairs, at whatever call from the first one on an attempt before that failed.
fn mended(damaged: &MemoryDisk, whole: &MemoryDisk, path: &std::path::Path, first: u64) {
    let before = damaged.bytes(path);
    for call in first.. {
        let image = copy(damaged);
        let disk =
            FaultDisk::new(image.clone(), Some(FaultPlan { call, failure: Failure::Medium, forever: true }));
        let outcome = Options::new().env(env(&disk)).plan_repair(dir()).and_then(Repair::carry_out);
        for left in [image.process_kill(), image.power_cut(call)] {
            let _saying = Saying(format!("call {call}"));
            let repair = Options::new().env(env(&left)).plan_repair(dir()).unwrap();
            if repair.is_needed() {
                let steps = repair.steps();
                assert!(steps.len() == 1 && steps[0].mending == Mending::TableMade, "{steps:?}");
                assert_eq!((repair.loss().at_least, repair.copied()), (0, &[path.to_owned()][..]));
                repair.carry_out().unwrap();
            }
            let aside = left.files().into_iter().filter(|file| file.file_name() == path.file_name());
            assert!(aside.map(|file| left.bytes(&file)).any(|bytes| bytes == before), "it is not aside");
            assert_eq!(left.bytes(path), whole.bytes(path));
            assert!(check(&left).unwrap().is_sound());
        }
        if outcome.is_ok() && disk.calls() <= call {
            return assert!(call > 20, "only {call} calls were made");
        }
    }
}

#[test]
fn a_repair_makes_a_damaged_table_anew_from_the_blocks_and_loses_nothing() {
    let log = packed();
    let (path, bytes) = sealed(&log).remove(1);
    let blocks = u32::from_le_bytes(*bytes[bytes.len() - 16..].first_chunk().unwrap()) as usize;
    let table = bytes.len() - 24 - 4 * blocks;
    for at in [table, table + 5, bytes.len() - 24, bytes.len() - 16, bytes.len() - 12, bytes.len() - 1] {
        let _saying = Saying(format!("byte {at} of {}, the table is at {table}", bytes.len()));
        let first = if at == table { 0 } else { 1_000_000 };
        mended(&log.with(&path, flipped(&bytes, 8 * at)), &log.disk, &path, first);
    }
    // What else is wrong with it is mended as in any other segment.
    let mut twice = flipped(&bytes, 8 * table);
    twice = flipped(&twice, 8 * (64 + 8 + 20));
    let image = log.with(&path, twice);
    let repair = Options::new().env(env(&image)).plan_repair(dir()).unwrap();
    assert!(repair.steps().iter().all(|step| step.mending != Mending::TableMade), "{:?}", repair.steps());
    repair.carry_out().unwrap();
    assert!(check(&image).unwrap().is_sound());
}

#[test]
fn whatever_call_fails_there_is_the_segment_or_the_packed_one() {
    let log = packable();
    for (failure, forever) in [(Failure::Medium, true), (Failure::NoSpace, false)] {
        for call in 0.. {
            let _saying = Saying(format!("{failure:?} at call {call}"));
            let image = copy(&log.disk);
            let disk = FaultDisk::new(image.clone(), Some(FaultPlan { call, failure, forever }));
            let outcome = options(&disk).open(dir()).and_then(|opened| opened.pack());
            if let Err(error) = &outcome {
                assert!([ErrorKind::Environment, ErrorKind::Poisoned].contains(&error.kind()), "{error:?}");
            }
            for left in [image.process_kill(), image.power_cut(call), image.power_cut(call + 1_000)] {
                let opened = options(&left).open(dir()).unwrap();
                assert!(opened.cut().is_none());
                assert_eq!(forward(&opened.reader(), 0).unwrap(), log.records);
                drop(opened);
                assert!(check(&left).unwrap().is_sound());
            }
            if disk.calls() <= call {
                assert!(call > 40 && outcome.is_ok(), "only {call} calls");
                break;
            }
        }
    }
}
