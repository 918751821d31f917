//! Files were being exchanged, and what says so is damaged: a repair tells which of both histories is whole, keeps that one, and
//! has the other aside.

use super::repair::{edit, nothing_is_gone, planned};
use crate::common::{Saying, check, contents, copy, counted, dir, options};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::repair::Mending;
use redraft::value::Pointer;
use redraft::{Defect, Error, ErrorKind, Repair, Store, Value};
use std::path::{Path, PathBuf};

/// A store in which something is about to be redacted, and its states before and after that.
struct Case {
    disk: MemoryDisk,
    old: Vec<Value>,
    new: Vec<Value>,
}

fn case() -> Case {
    let disk = MemoryDisk::new();
    let store: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
    for n in 0..60_u64 {
        store
            .produce(|doc| match n % 20 {
                3 => doc["mail"] = format!("{n} ann@example.org").repeat(9).into(),
                _ => doc[format!("{}", n % 7).as_str()] = format!("{n}").repeat(10).into(),
            })
            .unwrap();
    }
    store.snapshot().unwrap();
    store.set_cursor("mailer", 30).unwrap();
    store.close().unwrap();
    let (old, done) = (states(&disk), copy(&disk));
    redact(&done);
    Case { disk, old, new: states(&done) }
}

fn redact(disk: &(impl redraft::io::Disk + Clone + 'static)) {
    let redaction = options(disk).plan_redaction(dir(), [Pointer::parse("/mail").unwrap()]);
    // It may be made to fail.
    drop(redaction.and_then(redraft::Redaction::carry_out));
}

fn states(disk: &MemoryDisk) -> Vec<Value> {
    let reader = options(disk).open_read_only::<Value>(dir()).unwrap();
    (0..=reader.version()).map(|version| (*reader.at(version).unwrap()).clone()).collect()
}

fn decision() -> PathBuf {
    dir().join("EXCHANGE")
}

fn waiting(disk: &MemoryDisk) -> Vec<PathBuf> {
    let stage = dir().join("exchange");
    let files = disk.files().into_iter();
    files.filter(|path| path.parent() == Some(&stage) && !path.ends_with("LOCK")).collect()
}

fn flip(disk: &MemoryDisk, path: &Path) {
    edit(disk, path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    });
}

/// What a redaction leaves that fails at each of its calls, before it was decided and behind that.
fn interrupted(case: &Case) -> (Vec<MemoryDisk>, Vec<MemoryDisk>) {
    let (mut undecided, mut decided) = (Vec::new(), Vec::new());
    for call in 0.. {
        let image = copy(&case.disk);
        let plan = FaultPlan { call, failure: Failure::Medium, forever: true };
        let disk = FaultDisk::new(image.clone(), Some(plan));
        redact(&disk);
        match image.bytes(&decision()) {
            Some(_) => decided.push(image.process_kill()),
            None if decided.is_empty() => undecided.push(image.process_kill()),
            None => break,
        }
    }
    (undecided, decided)
}

/// Nobody opens it, and verifying tells why.
fn is_refused(disk: &MemoryDisk) {
    let reading = options(disk).open_read_only::<Value>(dir()).unwrap_err();
    assert!(matches!(reading, Error::Unfinished { .. }), "{reading:?}");
    let writing = options(disk).open::<Value>(dir()).unwrap_err();
    assert_eq!(writing.kind(), ErrorKind::Damage);
    let damage = check(disk).unwrap().damage;
    assert!(damage.len() == 1 && damage[0].path == decision(), "{damage:?}");
}

/// Repairs, and holds against what it was to come to. Whatever call it is interrupted at, doing it again comes to the same.
fn mended(damaged: &MemoryDisk, expected: &[Value], every_call: bool) {
    is_refused(damaged);
    let before = contents(damaged);
    let head = expected.len() as u64 - 1;
    let repaired = |disk: &MemoryDisk| {
        let repair = planned(disk).unwrap();
        assert_eq!((repair.oldest(), repair.head(), repair.is_needed()), (0, head, true));
        assert!(repair.copied().contains(&decision()));
        assert_eq!(repair.steps().last().unwrap().path, decision(), "what keeps everybody out goes last");
        repair.carry_out().unwrap();
        nothing_is_gone(&before, disk);
        assert!(!planned(disk).unwrap().is_needed());
        // A history whose writer was killed shows all of itself once a writer has made sure of it.
        options(disk).open::<Value>(dir()).unwrap().close().unwrap();
        assert_eq!(states(disk), expected);
        let store: Store<Value> = options(disk).open(dir()).unwrap();
        store.produce(|doc| doc["and"] = "on".into()).unwrap();
        store.close().unwrap();
        assert!(check(disk).unwrap().is_sound());
        assert!(waiting(disk).is_empty());
    };
    repaired(&copy(damaged));
    for call in (0..).take_while(|_| every_call) {
        let image = copy(damaged);
        let faulty =
            FaultDisk::new(image.clone(), Some(FaultPlan { call, failure: Failure::Medium, forever: true }));
        let outcome = options(&faulty).plan_repair(dir()).and_then(Repair::carry_out);
        if outcome.is_ok() && faulty.calls() <= call {
            break;
        }
        for left in [image.process_kill(), image.power_cut(call)] {
            let _saying = Saying(format!("call {call} of the repair"));
            nothing_is_gone(&before, &left);
            match planned(&left).unwrap().is_needed() {
                true => repaired(&left),
                false => assert_eq!(states(&left), expected),
            }
        }
    }
}

#[test]
fn once_it_was_decided_the_new_history_takes_the_place_of_the_old_one_however_far_it_had_come() {
    let case = case();
    let (_, decided) = interrupted(&case);
    assert!(decided.len() > 15, "{}", decided.len());
    let mut mixtures = 0;
    for (number, image) in decided.iter().enumerate() {
        let _saying = Saying(format!("decided image {number}"));
        mixtures += usize::from(!waiting(image).is_empty());
        flip(image, &decision());
        mended(image, &case.new, number == decided.len() / 2);
    }
    assert!(mixtures > 5 && mixtures < decided.len(), "{mixtures}");
    counted(decided.len() as u64, "exchanges with a damaged decision repaired");
}

#[test]
fn the_old_history_stays_if_only_that_is_whole() {
    let case = case();
    let image = interrupted(&case).1.swap_remove(0);
    let waits = waiting(&image);
    assert!(waits.len() > 4);
    for (number, path) in waits.iter().filter(|path| !path.ends_with("CURSORS")).enumerate() {
        let _saying = Saying(path.display().to_string());
        for damage in [flip as fn(&MemoryDisk, &Path), super::repair::remove] {
            let image = copy(&image);
            flip(&image, &decision());
            damage(&image, path);
            if image.bytes(path).is_none() && path.extension().is_some_and(|ending| ending == "snap") {
                // A history is whole without its snapshots.
                mended(&image, &case.new, false);
                continue;
            }
            let steps = planned(&image).unwrap().steps().to_vec();
            assert!(steps.iter().all(|step| matches!(step.mending, Mending::Removed { .. })), "{steps:?}");
            mended(&image, &case.old, number == 1);
        }
    }
}

#[test]
fn a_history_that_was_not_complete_yet_is_given_up() {
    let case = case();
    let (undecided, _) = interrupted(&case);
    let mut complete = 0;
    for image in undecided.iter().step_by(3) {
        let stage = options(image).verify(dir().join("exchange"));
        let is_complete =
            stage.is_ok_and(|report| report.is_sound() && report.intact + 1 == case.new.len() as u64);
        complete += usize::from(is_complete);
        image.put(&decision(), b"what is this".to_vec());
        mended(image, if is_complete { &case.new } else { &case.old }, false);
    }
    assert!(complete < undecided.len() / 6, "{complete}");
}

#[test]
fn where_neither_is_whole_nothing_is_touched() {
    let case = case();
    let image = interrupted(&case).1.swap_remove(0);
    let (stays, waits) = (crate::common::segment_path(0), waiting(&image).remove(0));
    [&decision(), &stays, &waits].into_iter().for_each(|path| flip(&image, path));
    let before = contents(&image);
    let refused = options(&image).plan_repair(dir()).unwrap_err();
    let Error::Irreparable { why, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(why.path, decision());
    assert_eq!(contents(&image), before);
}

#[test]
fn a_decision_that_is_good_is_left_to_the_next_writer() {
    let case = case();
    let image = interrupted(&case).1.swap_remove(0);
    assert!(matches!(options(&image).plan_repair(dir()), Err(Error::Unfinished { .. })));
    options(&image).open::<Value>(dir()).unwrap().close().unwrap();
    assert_eq!(states(&image), case.new);
}

#[test]
fn where_there_is_but_one_history_its_other_damage_is_mended_too() {
    let case = case();
    let image = copy(&case.disk);
    image.put(&decision(), Vec::new());
    mended(&image, &case.old, true);
    flip(&image, &crate::common::snapshot_path(60));
    let before = contents(&image);
    let repair = planned(&image).unwrap();
    let paths: Vec<&PathBuf> = repair.steps().iter().map(|step| &step.path).collect();
    assert_eq!(paths, [&crate::common::snapshot_path(60), &decision()]);
    assert!(matches!(repair.steps()[1].why, redraft::repair::Why::Damaged(Defect::Undecodable { .. })));
    repair.carry_out().unwrap();
    nothing_is_gone(&before, &image);
    assert_eq!(states(&image), case.old);
}
