//! A fork and its source are two histories from the first change of the fork on: who follows one and is pointed to the other is told,
//! and loses nothing.

use crate::common::{dir, env, options, written};
use redraft::io::MemoryDisk;
use redraft::replica::{Beginning, Directory, compare};
use redraft::{Error, Mirror, Reader, Store, Value};
use std::path::Path;
use std::sync::Arc;

fn fork_dir() -> &'static Path {
    Path::new("/fork")
}

fn source(disk: &MemoryDisk, path: &Path) -> Arc<Directory> {
    Arc::new(Directory::open_in(&env(disk), path).unwrap())
}

/// Follows what is in a directory as far as that goes.
fn follow(disk: &MemoryDisk, path: &Path, copy: &MemoryDisk) -> redraft::Result<u64> {
    let mut mirror: Mirror =
        options(copy).create(true).mirror_of(source(disk, path), dir(), Beginning::Oldest)?;
    let version = mirror.catch_up()?.version;
    mirror.close()?;
    Ok(version)
}

fn must_be_sound(copy: &MemoryDisk, version: u64) {
    let report = options(copy).verify(dir()).unwrap();
    assert!(report.is_sound() && report.intact == version, "{report:?}");
}

#[test]
fn a_replica_of_one_that_is_pointed_to_the_other_is_told_and_loses_nothing() {
    let (disk, store, _) = written(1, 40, &[]);
    store.fork(30, fork_dir()).unwrap();
    let fork: Store<Value> = options(&disk).open(fork_dir()).unwrap();
    for n in 0..20 {
        fork.produce(|doc| doc["other"] = n.into()).unwrap();
    }
    let (of_source, of_fork) = (MemoryDisk::new(), MemoryDisk::new());
    for _ in 0..2 {
        assert_eq!(follow(&disk, dir(), &of_source).unwrap(), 40);
        assert_eq!(follow(&disk, fork_dir(), &of_fork).unwrap(), 51);
        match follow(&disk, fork_dir(), &of_source) {
            Err(Error::Diverged { offset: 30, source_head: 51, replica_head: 40 }) => {}
            other => panic!("{other:?}"),
        }
        match follow(&disk, dir(), &of_fork) {
            Err(Error::Diverged { offset: 30, source_head: 40, replica_head: 51 }) => {}
            other => panic!("{other:?}"),
        }
        must_be_sound(&of_source, 40);
        must_be_sound(&of_fork, 51);
    }
}

/// Nothing was changed in any of them, and no two are one history.
#[test]
fn forks_of_one_version_and_its_successor_all_differ() {
    let (disk, store, _) = written(1, 30, &[]);
    store.produce(|doc| doc["on"] = true.into()).unwrap();
    for target in ["/one", "/two"] {
        store.fork(30, target).unwrap();
    }
    for (one, other) in [("/one", "/two"), ("/one", "/store"), ("/store", "/two")] {
        let (one, other) = (source(&disk, one.as_ref()), source(&disk, other.as_ref()));
        assert_eq!(compare(&*one, &*other).unwrap(), Some(30));
    }
    let writers = ["/store", "/one", "/two"].map(|path| {
        let reader: Reader<Value> = options(&disk).open_read_only(path).unwrap();
        reader.changes(31..).unwrap().next().unwrap().unwrap().writer
    });
    assert!(writers[0] != writers[1] && writers[0] != writers[2] && writers[1] != writers[2], "{writers:?}");
    let copy = MemoryDisk::new();
    assert_eq!(follow(&disk, Path::new("/one"), &copy).unwrap(), 31);
    let refused = follow(&disk, Path::new("/two"), &copy);
    assert!(matches!(refused, Err(Error::Diverged { offset: 30, .. })), "{refused:?}");
}

#[test]
fn a_replica_that_is_not_beyond_the_fork_can_go_on_with_it() {
    let (disk, store, _) = written(1, 30, &[]);
    let copy = MemoryDisk::new();
    assert_eq!(follow(&disk, dir(), &copy).unwrap(), 30);
    store.fork(30, fork_dir()).unwrap();
    assert_eq!(follow(&disk, fork_dir(), &copy).unwrap(), 31);
    must_be_sound(&copy, 31);
}

#[test]
fn what_a_replica_has_can_be_gone_on_from() {
    let (disk, _store, model) = written(1, 30, &[]);
    let copy = MemoryDisk::new();
    follow(&disk, dir(), &copy).unwrap();
    let replica: Reader<Value> = options(&copy).open_read_only(dir()).unwrap();
    replica.fork(22, fork_dir()).unwrap();
    let fork: Store<Value> = options(&copy).open(fork_dir()).unwrap();
    assert_eq!(*fork.state(), model.states[22]);
    let change = fork.produce(|doc| doc["mine"] = true.into()).unwrap();
    assert_eq!(change.version(), 24);
    let changes: Vec<_> = fork.changes(23..).unwrap().collect::<redraft::Result<_>>().unwrap();
    assert!(changes[0].is_fork && changes[0].patch.is_empty() && !changes[1].is_fork);
    assert!(changes[0].writer == changes[1].writer && changes[1].sequence == 2);
    assert_eq!(changes[0].meta.label, Some(format!("forked from {} at 22", fork.id())));
    must_be_sound(&copy, 30);
}
