//! A fork that is interrupted, whatever call it got to, is there or not at all; its source loses nothing by it and goes on, and a second
//! run makes it.

use crate::common::{Model, Saying, check, counted, dir, open, options, seed, written};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::{Error, ErrorKind, Fork, Reader, Retention, Store, Value};
use std::path::Path;

fn fork_dir() -> &'static Path {
    Path::new("/forks/one")
}

/// A store, closed, and the version that is forked.
struct Case {
    name: &'static str,
    disk: MemoryDisk,
    model: Model,
    version: u64,
    oldest: u64,
}

fn cases() -> Vec<Case> {
    let make = |name, version, kept: Option<u64>| {
        let (disk, store, model) = written(2, 40, &[15, 30]);
        kept.map(|kept| store.compact_to(Retention::Changes(kept)).unwrap());
        let oldest = store.oldest();
        store.close().unwrap();
        Case { name, disk, model, version, oldest }
    };
    vec![
        make("the newest version", 40, None),
        make("a version inside of a segment", 23, None),
        make("the first", 0, None),
        make("a store that gave up its beginning", 38, Some(12)),
    ]
}

/// As the store's writer, or beside it.
fn fork(disk: &FaultDisk, version: u64, writer: bool) -> Result<Fork, Error> {
    match writer {
        true => options(disk).open::<Value>(dir())?.fork(version, fork_dir()),
        false => options(disk).open_read_only::<Value>(dir())?.fork(version, fork_dir()),
    }
}

/// What is there is all of the fork.
fn must_be_whole(image: &MemoryDisk, case: &Case) {
    let report = options(image).verify(fork_dir()).unwrap();
    assert!(report.is_sound() && report.intact == case.version + 1, "{report:?}");
    let mut other = Model { states: case.model.states[..=case.version as usize].to_vec(), ..Model::new() };
    other.states.push(other.states[case.version as usize].clone());
    let store: Store<Value> = options(image).open(fork_dir()).unwrap();
    assert_eq!((store.version(), store.oldest()), (case.version + 1, case.oldest));
    for version in (case.oldest..=case.version).step_by(4) {
        assert_eq!(*store.at(version).unwrap(), case.model.states[version as usize], "version {version}");
    }
    other.produce(&store, &SeededEntropy::new(9)).unwrap();
}

/// The source has everything, and takes more.
fn source_must_be_whole(image: &MemoryDisk, case: &Case) {
    assert!(check(image).unwrap().is_sound());
    let store = open(image).unwrap();
    assert_eq!((store.version(), &*store.state()), (40, &case.model.states[40]));
    case.model.clone().produce(&store, &SeededEntropy::new(9)).unwrap();
}

fn interrupted(case: &Case, writer: bool, plan: FaultPlan) -> bool {
    let image = case.disk.process_kill();
    let disk = FaultDisk::new(image.clone(), Some(plan));
    let outcome = fork(&disk, case.version, writer);
    let met = disk.calls() > plan.call;
    if let Err(error) = &outcome {
        let expected = [ErrorKind::Environment, ErrorKind::NotFound, ErrorKind::Poisoned];
        assert!(expected.contains(&error.kind()), "{plan:?}: {error:?}");
    }
    let cuts = (0..2).map(|cut| image.power_cut(seed(cut * 1_000 + plan.call)));
    for (number, left) in std::iter::once(image.process_kill()).chain(cuts).enumerate() {
        let _saying = Saying(format!("{}, writer {writer}, {plan:?}, image {number}", case.name));
        match options(&left).open_read_only::<Value>(fork_dir()) {
            Err(Error::NotAStore { .. }) => {
                assert!(outcome.is_err(), "done, and not there");
                fork(&FaultDisk::new(left.clone(), None), case.version, writer).unwrap();
            }
            Err(error) => panic!("{error:?}"),
            Ok(_) => {}
        }
        must_be_whole(&left, case);
        source_must_be_whole(&left, case);
        let left_over = |path: &std::path::PathBuf| path.to_string_lossy().contains(".tmp");
        assert!(!left.files().iter().any(left_over), "{:?}", left.files());
    }
    met
}

#[test]
fn it_is_there_or_not_at_all_and_its_source_is_whole() {
    let mut calls = 0;
    for case in cases() {
        for writer in [true, false] {
            let mut call = 0;
            while interrupted(&case, writer, FaultPlan { call, failure: Failure::Medium, forever: true }) {
                call += 1;
            }
            assert!(call > 25, "{}: only {call} calls were made", case.name);
            calls += call;
            for call in (0..call).step_by(2) {
                interrupted(&case, writer, FaultPlan { call, failure: Failure::NoSpace, forever: false });
            }
        }
    }
    counted(calls, "calls of forks failed");
}

/// A fork that cannot be made for want of space costs its source nothing, not even the session.
#[test]
fn a_full_disk_costs_the_source_nothing_and_leaves_nothing() {
    let (memory, store, model) = written(2, 40, &[15]);
    store.close().unwrap();
    let disk = FaultDisk::new(memory.clone(), None);
    let store: Store<Value> = options(&disk).open(dir()).unwrap();
    let before = memory.files();
    disk.fill(true);
    for version in [40, 23, 0] {
        let refused = store.fork(version, fork_dir()).unwrap_err();
        assert_eq!(
            refused.io().map(std::io::Error::kind),
            Some(std::io::ErrorKind::StorageFull),
            "{refused:?}"
        );
    }
    assert_eq!(memory.files(), before);
    disk.fill(false);
    let mut model = model;
    model.produce(&store, &SeededEntropy::new(9)).unwrap();
    store.fork(41, fork_dir()).unwrap();
    let fork: Reader<Value> = options(&memory).open_read_only(fork_dir()).unwrap();
    assert_eq!(*fork.state(), model.states[41]);
}

/// A sealed segment whose seal a session before may have failed to sync is written once more before anything is built on it. One that
/// others have a name for is written elsewhere.
#[test]
fn a_killed_source_or_fork_seals_again_without_writing_to_what_they_share() {
    let (disk, store, model) = written(2, 40, &[]);
    store.fork(40, fork_dir()).unwrap();
    let fork: Store<Value> = options(&disk).open(fork_dir()).unwrap();
    assert_eq!(fork.fork(41, "/forks/two").unwrap().version, 41);
    let image = disk.process_kill();
    let shared: Vec<_> = image
        .files()
        .into_iter()
        .filter(|path| redraft::io::Disk::is_shared(&image, path).unwrap())
        .collect();
    assert!(shared.len() > 2);
    let before: Vec<_> = shared.iter().map(|path| image.bytes(path).unwrap()).collect();
    let sources = crate::common::watched::Watched::new(image.clone(), {
        let looking = image.clone();
        move |call| {
            use crate::common::watched::Call;
            if let Call::Write(path, ..) | Call::SetLen(path, _) | Call::Sync(path) = call {
                assert!(!redraft::io::Disk::is_shared(&looking, path).unwrap_or(false), "{call:?}");
            }
        }
    });
    for dir in [dir(), fork_dir()] {
        let store: Store<Value> = options(&sources).open(dir).unwrap();
        assert!(store.version() >= 40 && *store.state() == model.states[40]);
        assert!(options(&image).verify(dir).unwrap().is_sound());
    }
    assert_eq!(shared.iter().map(|path| image.bytes(path).unwrap()).collect::<Vec<_>>(), before);
}
