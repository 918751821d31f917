//! Cursors survive what the log survives, are never ahead of it, and damage in their file is named and harmless to the rest.

use crate::common::{check, contents, copy, dir, env, open, options};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::{Damage, Defect, Durability, Error, ErrorKind, Options, Store, Value};
use std::path::PathBuf;

fn file() -> PathBuf {
    dir().join("CURSORS")
}

/// A closed store of three changes, with two cursors.
fn with_cursors() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store = filled(&disk, 3);
    store.set_cursor("mailer", 2).unwrap();
    store.set_cursor("audit", 3).unwrap();
    store.close().unwrap();
    disk
}

fn filled(disk: &MemoryDisk, changes: i64) -> Store<Value> {
    let store = options(disk).create(true).open::<Value>(dir()).unwrap();
    for n in 0..changes {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    store
}

fn all(store: &Store<Value>) -> Vec<(String, u64)> {
    store.cursors().unwrap().into_iter().collect()
}

fn named(cursors: &[(&str, u64)]) -> Vec<(String, u64)> {
    cursors.iter().map(|&(name, version)| (name.into(), version)).collect()
}

#[test]
fn cursors_are_there_when_the_store_is_opened_again() {
    let disk = with_cursors();
    let store = open(&disk).unwrap();
    assert_eq!(all(&store), named(&[("audit", 3), ("mailer", 2)]));
    assert_eq!((store.cursor("mailer").unwrap(), store.cursor("nobody").unwrap()), (Some(2), None));
    store.set_cursor("mailer", 0).unwrap();
    assert!(store.remove_cursor("audit").unwrap() && !store.remove_cursor("audit").unwrap());
    drop(store);
    assert_eq!(all(&open(&disk).unwrap()), named(&[("mailer", 0)]));
}

#[test]
fn a_cursor_names_a_version_that_there_is() {
    let disk = with_cursors();
    let store = open(&disk).unwrap();
    let beyond = store.set_cursor("mailer", 4);
    assert!(matches!(beyond, Err(Error::BeyondHead { version: 4, head: 3 })), "{beyond:?}");
    let target = std::path::Path::new("/restored");
    store.restore(2, target).unwrap();
    let restored: Store<Value> = Options::new().env(env(&disk)).open(target).unwrap();
    let gone = restored.set_cursor("mailer", 1);
    assert!(matches!(gone, Err(Error::Compacted { version: 1, oldest: 2 })), "{gone:?}");
    restored.set_cursor("mailer", 2).unwrap();
    assert_eq!(all(&restored), named(&[("mailer", 2)]));
    assert_eq!(store.cursor("mailer").unwrap(), Some(2));
}

/// A checkpoint ahead of the log would skip what comes next.
#[test]
fn a_cursor_is_never_ahead_of_what_survives_a_power_cut() {
    for seed in 0..40 {
        let disk = MemoryDisk::new();
        let store: Store<Value> =
            options(&disk).create(true).durability(Durability::UnsafeNoSync).open(dir()).unwrap();
        for n in 0..5 {
            store.produce(|doc| doc["n"] = n.into()).unwrap();
        }
        store.set_cursor("mailer", 4).unwrap();
        store.produce(|doc| doc["n"] = 9.into()).unwrap();
        let left = disk.power_cut(seed);
        drop(store);
        assert_eq!(open(&left).unwrap().cursor("mailer").unwrap(), Some(4));
    }
}

#[test]
fn whatever_call_fails_while_one_is_set_there_is_the_old_one_or_the_new_one() {
    let (mut failed, mut worked) = (0, 0);
    for call in 0.. {
        let memory = copy(&with_cursors());
        let disk = FaultDisk::new(memory.clone(), None);
        let opened = disk.calls();
        assert_eq!(opened, 0);
        let plan = FaultPlan { call, failure: Failure::Medium, forever: true };
        let disk = FaultDisk::new(memory.clone(), Some(plan));
        let Ok(store) = open(&disk) else { continue };
        let answer = store.set_cursor("mailer", 3);
        let (killed, cut) = (memory.process_kill(), memory.power_cut(call));
        drop(store);
        for left in [killed, cut] {
            let mailer = open(&left).unwrap().cursor("mailer").unwrap();
            match &answer {
                Ok(()) => assert_eq!(mailer, Some(3)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Environment, "{error:?}");
                    assert!(matches!(mailer, Some(2 | 3)), "{mailer:?}");
                }
            }
        }
        if answer.is_ok() {
            worked += 1;
        } else {
            failed += 1;
        }
        if worked > 3 {
            break;
        }
    }
    assert!(failed > 4, "{failed} calls failed");
}

#[test]
fn every_flipped_bit_and_every_cut_is_named_and_harmless_to_the_rest() {
    let good = with_cursors();
    let bytes = good.bytes(&file()).unwrap();
    let flips = (0..8 * bytes.len()).map(|bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let cuts = (0..bytes.len()).map(|at| bytes[..at].to_vec());
    let longer = [[&bytes[..], &[0]].concat()];
    for damaged in flips.chain(cuts).chain(longer) {
        // What the header's check does not cover and nobody looks at is not used either.
        let disk = copy(&good);
        disk.put(&file(), damaged.clone());
        let store = open(&disk).unwrap();
        let answers = [store.cursor("mailer").map(drop), store.cursors().map(drop), store.set_cursor("x", 1)];
        for answer in answers {
            assert!(
                matches!(&answer, Err(Error::Damaged(Damage { path, .. })) if *path == file()),
                "{answer:?}"
            );
        }
        assert_eq!(disk.bytes(&file()), Some(damaged), "a damaged file stays as it is");
        assert_eq!(store.produce(|doc| doc["n"] = 9.into()).unwrap().version(), 4);
        drop(store);
        let report = check(&disk).unwrap();
        assert_eq!((report.intact, report.damage.len()), (4, 1), "{:?}", report.damage);
    }
}

#[test]
fn a_repair_starts_without_damaged_cursors_and_keeps_a_copy() {
    let disk = with_cursors();
    let mut bytes = disk.bytes(&file()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    disk.put(&file(), bytes.clone());
    let repair = options(&disk).plan_repair(dir()).unwrap();
    assert_eq!((repair.head(), repair.loss().at_most, repair.steps().len()), (3, Some(0), 1));
    assert_eq!(repair.steps()[0].path, file());
    let aside = repair.carry_out().unwrap().aside.unwrap();
    assert_eq!(disk.bytes(&aside.join("CURSORS")), Some(bytes));
    assert!(check(&disk).unwrap().is_sound() && !options(&disk).plan_repair(dir()).unwrap().is_needed());
    let store = open(&disk).unwrap();
    assert_eq!((all(&store), store.version()), (named(&[]), 3));
    store.set_cursor("mailer", 1).unwrap();
}

#[test]
fn cursors_of_another_store_are_damage() {
    let (disk, other) = (with_cursors(), MemoryDisk::new());
    let env = redraft::io::Env::simulated(other.clone(), 8);
    let store: Store<Value> = Options::new().env(env).open(dir()).unwrap();
    store.set_cursor("mailer", 0).unwrap();
    disk.put(&file(), other.bytes(&file()).unwrap());
    let answer = open(&disk).unwrap().cursor("mailer");
    assert_eq!(answer.unwrap_err().damage().unwrap().defect, Defect::Foreign);
}

#[test]
fn cursors_of_a_newer_format_are_refused_and_left_untouched() {
    let disk = with_cursors();
    let mut bytes = disk.bytes(&file()).unwrap();
    bytes[8..10].copy_from_slice(&0x1234_u16.to_le_bytes());
    disk.put(&file(), bytes);
    let before = contents(&disk);
    let store = open(&disk).unwrap();
    let answer = store.set_cursor("mailer", 3);
    assert!(matches!(&answer, Err(Error::Newer { path, .. }) if *path == file()), "{answer:?}");
    assert!(contents(&disk).iter().all(|found| !found.0.ends_with("CURSORS") || before.contains(found)));
}

/// An older copy of the log beside the cursors of a newer one: nothing is skipped in silence, now or later.
#[test]
fn a_cursor_of_another_history_is_not_believed() {
    let disk = with_cursors();
    let older = {
        let disk = MemoryDisk::new();
        filled(&disk, 1).close().unwrap();
        disk.put(&file(), with_cursors().bytes(&file()).unwrap());
        disk
    };
    let store = open(&older).unwrap();
    let ahead = store.cursor("mailer");
    assert!(matches!(ahead, Err(Error::BeyondHead { version: 2, head: 1 })), "{ahead:?}");
    for n in 10..13 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    let elsewhere = store.cursor("mailer").unwrap_err();
    assert!(matches!(elsewhere.damage().unwrap().defect, Defect::Chain { .. }), "{elsewhere:?}");
    store.set_cursor("mailer", 2).unwrap();
    assert_eq!(store.cursor("mailer").unwrap(), Some(2));
    assert_eq!(open(&disk).unwrap().cursor("mailer").unwrap(), Some(2));
}

#[test]
fn names_without_end_are_refused() {
    let disk = with_cursors();
    let store = open(&disk).unwrap();
    store.set_cursor(&"n".repeat(1 << 19), 1).unwrap();
    let full = store.set_cursor(&"m".repeat(1 << 19), 1);
    assert!(matches!(full, Err(Error::CursorsFull { limit: 1_048_576, .. })), "{full:?}");
    assert_eq!(all(&store).len(), 3);
}
