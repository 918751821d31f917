//! Where a replica begins, what an interrupted beginning leaves, and what it takes to begin anew.

use crate::common::{dir, env, options, written};
use crate::wire::Wire;
use redraft::io::{Env, Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::replica::{Beginning, Directory};
use redraft::{Error, Replica, Retention, Value};
use std::sync::Arc;

fn source(disk: &MemoryDisk) -> Directory {
    Directory::open_in(&env(disk), dir()).unwrap()
}

fn replica(disk: &MemoryDisk, copy: &MemoryDisk, begin: Beginning) -> redraft::Result<Replica<Value>> {
    options(copy).create(true).replica_of(Arc::new(source(disk)), dir(), begin)
}

#[test]
fn a_replica_has_all_of_the_history_or_begins_at_the_newest_snapshot() {
    let (disk, store, model) = written(1, 60, &[20, 40]);
    for (begin, oldest) in [(Beginning::Oldest, 0), (Beginning::NewestSnapshot, 40)] {
        let replica = replica(&disk, &MemoryDisk::new(), begin).unwrap();
        assert_eq!(replica.catch_up().unwrap().version, 60);
        let copy = replica.store();
        assert_eq!((copy.oldest(), copy.id()), (oldest, store.id()));
        for version in oldest..=60 {
            assert_eq!(*copy.at(version).unwrap(), model.states[version as usize]);
        }
        replica.close().unwrap();
    }
}

/// A snapshot that continues others is fetched with them, and begins a log alone.
#[test]
fn a_beginning_that_continues_others_is_made_whole() {
    let (disk, store, model) = written(2, 10, &[10]);
    let dice = redraft::io::SeededEntropy::new(3);
    let mut model = model;
    for _ in 0..3 {
        model.produce(&store, &dice).unwrap();
        store.snapshot().unwrap();
    }
    assert!(store.snapshot().is_ok());
    let copy = MemoryDisk::new();
    let replica = replica(&disk, &copy, Beginning::NewestSnapshot).unwrap();
    let files = copy.files();
    let snapshots =
        files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "snap")).count();
    assert_eq!((snapshots, replica.store().oldest()), (1, 13));
    assert_eq!(*replica.store().state(), model.states[13]);
}

/// At every call of the disk that a beginning makes, it may end; the next one begins anew, or goes on.
#[test]
fn a_beginning_that_was_interrupted_is_begun_anew() {
    let (disk, store, model) = written(4, 40, &[20]);
    store.compact_to(Retention::Changes(10)).unwrap();
    let mut call = 0;
    loop {
        let copy = MemoryDisk::new();
        let dies = FaultPlan { call, failure: Failure::Medium, forever: true };
        let fault = FaultDisk::new(copy.clone(), Some(dies));
        let begin = |from: Arc<Directory>| {
            let mut mirror = options(&fault).create(true).mirror_of(from, dir(), Beginning::Oldest)?;
            mirror.catch_up()
        };
        let done = begin(Arc::new(source(&disk))).is_ok();
        for image in [copy.process_kill(), copy.power_cut(call)] {
            let replica = replica(&disk, &image, Beginning::Oldest)
                .unwrap_or_else(|error| panic!("after call {call}: {error}, {:?}", image.files()));
            assert_eq!(replica.catch_up().unwrap().version, 40);
            assert_eq!(*replica.store().state(), model.states[40]);
            let left: Vec<_> = image.files().into_iter().filter(|path| path.ends_with("tmp")).collect();
            assert_eq!(left, Vec::<std::path::PathBuf>::new());
        }
        if done {
            assert!(call > 20, "{call} calls");
            return;
        }
        call += 1;
    }
}

/// What the source gave up cannot be copied any more: what there is takes the place of what was copied, whole.
#[test]
fn one_that_was_left_behind_begins_anew_where_its_source_does() {
    let (disk, store, model) = written(5, 30, &[]);
    let (dice, mut model) = (redraft::io::SeededEntropy::new(6), model);
    let copy = MemoryDisk::new();
    let behind = replica(&disk, &copy, Beginning::Oldest).unwrap();
    behind.catch_up().unwrap();
    behind.close().unwrap();
    for _ in 0..60 {
        model.produce(&store, &dice).unwrap();
    }
    let oldest = store.compact_to(Retention::Changes(10)).unwrap().oldest;
    assert!(oldest > 30);
    let anew = replica(&disk, &copy, Beginning::Oldest).unwrap();
    assert_eq!((anew.store().oldest(), anew.store().version()), (oldest, 90));
    assert_eq!(*anew.store().state(), model.states[90]);
}

#[test]
fn what_is_there_already_is_left_alone_unless_it_is_this_replica() {
    let (disk, _store, _) = written(7, 10, &[]);
    let other = MemoryDisk::new();
    let foreign = options(&other).env(Env::simulated(other.clone(), 8)).create(true);
    foreign.open::<Value>(dir()).unwrap().produce(|doc| doc["n"] = 1.into()).unwrap();
    let refused = replica(&disk, &other, Beginning::Oldest).map(drop);
    assert!(matches!(refused, Err(Error::Role { .. })), "{refused:?}");
    let copy = MemoryDisk::new();
    replica(&other, &copy, Beginning::Oldest).unwrap().catch_up().unwrap();
    let refused = replica(&disk, &copy, Beginning::Oldest).map(drop);
    assert!(matches!(refused, Err(Error::Foreign { .. })), "{refused:?}");
    let full = MemoryDisk::new();
    full.put(&dir().join("thesis.txt"), b"mine".to_vec());
    let refused = replica(&disk, &full, Beginning::Oldest).map(drop);
    assert!(matches!(refused, Err(Error::NotAStore { .. } | Error::Exists { .. })), "{refused:?}");
    assert_eq!(full.files(), [dir().join("thesis.txt")]);
    let silent =
        Arc::new(Wire { answers: Box::new(|| false), ..Wire::new(source(&disk), |bytes| (bytes, false)) });
    let refused =
        options(&MemoryDisk::new()).create(true).replica_of::<Value>(silent, dir(), Beginning::Oldest);
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
}

/// It was told as damage: the file that was open ended where more was owed.
#[test]
fn who_reads_what_is_exchanged_for_a_later_beginning_is_told_that_it_is_gone() {
    let (disk, store, model) = written(9, 1, &[]);
    let (near, far) = (MemoryDisk::new(), MemoryDisk::new());
    let begin = |of: &MemoryDisk, copy: &MemoryDisk| {
        options(copy).create(true).mirror_of(Arc::new(source(of)), dir(), Beginning::Oldest)
    };
    begin(&disk, &near).unwrap().catch_up().unwrap();
    let mut behind = begin(&near, &far).unwrap();
    behind.catch_up().unwrap();
    let (dice, mut model) = (redraft::io::SeededEntropy::new(10), model);
    for _ in 0..60 {
        model.produce(&store, &dice).unwrap();
    }
    let oldest = store.compact_to(Retention::Changes(10)).unwrap().oldest;
    begin(&disk, &near).unwrap().catch_up().unwrap();
    let told = behind.catch_up();
    assert!(
        matches!(told, Err(Error::Compacted { version: 1, oldest: known }) if known == oldest),
        "{told:?}"
    );
}
