//! A backup that is interrupted, whatever call it got to: what it leaves is the store as it was at some version between the older
//! backup and the new one, and a second run finishes it.

use crate::common::{Model, Saying, counted, dir, options, seed};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::{Error, ErrorKind, Reader, Retention, Store, Value};
use std::path::Path;

fn backup_dir() -> &'static Path {
    Path::new("/backup")
}

/// A store, closed, and perhaps an older backup of it.
struct Case {
    name: &'static str,
    disk: MemoryDisk,
    model: Model,
    /// The versions of the older backup.
    older: Option<(u64, u64)>,
    oldest: u64,
}

fn changed(store: &Store<Value>, model: &mut Model, count: u64) {
    let dice = SeededEntropy::new(count);
    for _ in 0..count {
        model.produce(store, &dice).unwrap();
    }
}

fn cases() -> Vec<Case> {
    let make = |name, before: u64, after: u64, kept: Option<u64>| {
        let (disk, mut model) = (MemoryDisk::new(), Model::new());
        let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
        changed(&store, &mut model, before);
        let older = (before > 0).then(|| {
            store.snapshot().unwrap();
            let done = store.backup(backup_dir()).unwrap();
            (done.oldest, done.version)
        });
        changed(&store, &mut model, after);
        store.snapshot().unwrap();
        kept.map(|kept| store.compact_to(Retention::Changes(kept)).unwrap());
        let oldest = store.oldest();
        store.close().unwrap();
        Case { name, disk, model, older, oldest }
    };
    vec![
        make("the first", 0, 25, None),
        make("the first, of a store that gave up its beginning", 0, 40, Some(12)),
        make("within a segment", 21, 1, None),
        make("over several segments", 17, 20, None),
        make("giving up the beginning", 20, 20, Some(25)),
        make("over a gap", 12, 40, Some(8)),
    ]
}

fn back_up(disk: &(impl redraft::io::Disk + Clone + 'static)) -> Result<redraft::Backup, Error> {
    let reader: Reader<Value> = options(disk).open_read_only(dir())?;
    reader.backup(backup_dir())
}

/// All that is there was there in the store, and is sound; the versions it goes from and to.
fn versions(image: &MemoryDisk, model: &Model, thoroughly: bool) -> Option<(u64, u64)> {
    let backup: Reader<Value> = match options(image).open_read_only(backup_dir()) {
        Ok(backup) => backup,
        Err(Error::NotAStore { .. }) => return None,
        Err(error) => panic!("{error:?}"),
    };
    let report = options(image).verify(backup_dir()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let (oldest, newest) = (backup.oldest().unwrap(), backup.version());
    assert_eq!(report.intact, newest);
    if thoroughly {
        let repair = options(image).plan_repair(backup_dir()).unwrap();
        assert!(!repair.is_needed(), "{:?}", repair.steps());
    }
    for version in (oldest..=newest).filter(|version| thoroughly || version % 5 == 0) {
        assert_eq!(*backup.at(version).unwrap(), model.states[version as usize], "version {version}");
    }
    Some((oldest, newest))
}

fn interrupted(case: &Case, plan: FaultPlan) -> bool {
    let image = case.disk.process_kill();
    let disk = FaultDisk::new(image.clone(), Some(plan));
    let outcome = back_up(&disk);
    let met = disk.calls() > plan.call;
    if let Err(error) = &outcome {
        assert!(matches!(error.kind(), ErrorKind::Environment | ErrorKind::NotFound), "{plan:?}: {error:?}");
    }
    let cuts = (0..2).map(|cut| image.power_cut(seed(cut * 1_000 + plan.call)));
    for (number, left) in std::iter::once(image.process_kill()).chain(cuts).enumerate() {
        let _saying = Saying(format!("{}, {plan:?}, image {number}", case.name));
        let newest = case.model.newest();
        match versions(&left, &case.model, number == 0) {
            None => assert!(case.older.is_none() && outcome.is_err(), "the older backup is gone"),
            Some((oldest, version)) => {
                let least = case.older.map_or(0, |(_, version)| version);
                assert!((least..=newest).contains(&version), "{version}");
                assert!(oldest == case.oldest || case.older.is_some_and(|(older, _)| older == oldest));
                assert!(
                    outcome.is_err() || (oldest, version) == (case.oldest, newest),
                    "done, and not there"
                );
            }
        }
        let done = back_up(&left).unwrap();
        assert_eq!((done.oldest, done.version), (case.oldest, newest));
        assert_eq!(versions(&left, &case.model, false), Some((case.oldest, newest)));
        assert!(left.files().iter().all(|path| path.extension().is_none_or(|end| end != "tmp")));
    }
    met
}

#[test]
fn what_is_left_is_one_version_and_a_second_run_finishes_it() {
    let mut calls = 0;
    for case in cases() {
        let mut call = 0;
        while interrupted(&case, FaultPlan { call, failure: Failure::Medium, forever: true }) {
            call += 1;
        }
        assert!(call > 40, "{}: only {call} calls were made", case.name);
        calls += call;
        for call in (0..call).step_by(3) {
            interrupted(&case, FaultPlan { call, failure: Failure::NoSpace, forever: false });
        }
    }
    counted(calls, "calls of backups failed");
}

/// The backup of a store in which something was redacted takes the place of the old one as a whole. Between the decision and the
/// last file nobody reads it.
#[test]
fn after_a_redaction_it_is_the_old_history_or_the_new_one() {
    let (disk, mut model) = (MemoryDisk::new(), Model::new());
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    changed(&store, &mut model, 30);
    store.backup(backup_dir()).unwrap();
    store.close().unwrap();
    let place = redraft::value::Pointer::parse("/serial").unwrap();
    options(&disk).plan_redaction(dir(), [place]).unwrap().carry_out().unwrap();
    let redacted: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
    // Redacting is a change itself.
    let newest = redacted.version();
    let states = (0..=newest).map(|version| (*redacted.at(version).unwrap()).clone()).collect();
    let new = Model { states, ..Model::new() };
    let (mut call, mut unfinished) = (0, 0);
    loop {
        let image = disk.process_kill();
        let faulty =
            FaultDisk::new(image.clone(), Some(FaultPlan { call, failure: Failure::Medium, forever: true }));
        let outcome = back_up(&faulty);
        for left in [image.process_kill(), image.power_cut(seed(call))] {
            let _saying = Saying(format!("call {call}"));
            match options(&left).open_read_only::<Value>(backup_dir()) {
                Err(Error::Unfinished { .. }) => unfinished += 1,
                Err(error) => panic!("{error:?}"),
                Ok(backup) if *backup.at(1).unwrap() == model.states[1] => {
                    assert_eq!(versions(&left, &model, false), Some((0, 30)));
                    assert!(outcome.is_err());
                }
                Ok(_) => assert_eq!(versions(&left, &new, false), Some((0, newest))),
            }
            assert_eq!(back_up(&left).unwrap().version, newest);
            assert_eq!(versions(&left, &new, true), Some((0, newest)));
        }
        if faulty.calls() <= call {
            break;
        }
        call += 1;
    }
    assert!(call > 60 && unfinished > 0, "{call} calls, {unfinished} unfinished");
}
