//! A store is opened as a store and a replica as a replica; what was taken for another is refused as it is.

use crate::common::{contents, copy, dir, open, options, written};
use redraft::Error;
use redraft::io::MemoryDisk;
use std::path::{Path, PathBuf};

fn replica_dir() -> &'static Path {
    Path::new("/replica")
}

/// Makes the last record of a directory look torn: its check is wrong, and no mark stands behind it.
fn tear(disk: &MemoryDisk, dir: &Path) {
    let is_segment =
        |path: &PathBuf| path.starts_with(dir) && path.extension().is_some_and(|end| end == "seg");
    let path = disk.files().into_iter().rfind(is_segment).unwrap();
    let mut bytes = disk.bytes(&path).unwrap();
    let solid = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    bytes[solid - 20] ^= 1;
    bytes[solid - 19..].fill(0);
    disk.put(&path, bytes);
}

#[test]
fn what_is_opened_as_something_else_is_refused_before_a_torn_tail_is_cut() {
    let (disk, store, _) = written(5, 30, &[]);
    let mut replica = options(&disk).create(true).open_mirror(dir(), replica_dir()).unwrap();
    replica.catch_up().unwrap();
    assert_eq!(replica.version(), 30);
    let killed = disk.process_kill();
    drop((store, replica));
    [dir(), replica_dir()].into_iter().for_each(|dir| tear(&killed, dir));
    let before = contents(&killed);
    let as_store = options(&killed).open::<redraft::Value>(replica_dir());
    assert!(matches!(as_store, Err(Error::Role { .. })), "{as_store:?}");
    let as_replica = options(&killed).open_mirror(replica_dir(), dir());
    assert!(matches!(as_replica, Err(Error::Role { .. })), "{as_replica:?}");
    assert_eq!(before, contents(&killed), "a refusal changes nothing");
    // As what they are they open, and the cut is told.
    assert!(open(&copy(&killed)).unwrap().opened().cut.is_some());
}
