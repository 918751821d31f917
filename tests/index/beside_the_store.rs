//! The directory of the index is in nobody's way: verification, repair, readers, replicas and restoring see what they saw.

use crate::asked::{agrees, asked_store, files, index_of, open, options, scan};
use redraft::{Error, Mirror, Occupant, Repair, Store, Value, verify};
use std::fs;

#[test]
fn verification_and_repair_leave_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 200);
    assert!(verify(dir.path()).unwrap().is_sound());
    assert!(!Repair::plan(dir.path()).unwrap().is_needed());
    // A log that is cut by a repair is another one than the index followed.
    let mut segments: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|ending| ending == "seg"));
    segments.sort();
    let middle = &segments[segments.len() / 2];
    let mut bytes = fs::read(middle).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(middle, bytes).unwrap();
    let before = files(dir.path());
    let repair = Repair::plan(dir.path()).unwrap();
    let head = repair.head();
    assert!(head < 200 && repair.carry_out().is_ok());
    assert_eq!(before, files(dir.path()));
    let lookup = agrees(dir.path(), &places);
    assert!(matches!(lookup, redraft::Lookup::Remade { .. }), "{lookup:?}");
    assert_eq!(scan(dir.path(), &places[0], ..).len() as u64, head);
}

#[test]
fn a_replica_and_a_restored_store_are_made_without_it() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = asked_store(dir.path(), 50);
    let (copy, restored) = (elsewhere.path().join("copy"), elsewhere.path().join("restored"));
    let mut replica = Mirror::open(dir.path(), &copy).unwrap();
    assert_eq!(replica.catch_up().unwrap().version, 50);
    assert_eq!(scan(&copy, &places[0], ..), scan(dir.path(), &places[0], ..));
    open(dir.path()).restore(20, &restored).unwrap();
    assert!(!index_of(&copy).exists() && !index_of(&restored).exists());
}

/// Without segments it is no store, and no place for one either: somebody removed the wrong files.
#[test]
fn an_index_alone_is_no_store_and_no_free_place() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(index_of(dir.path())).unwrap();
    let opened = options().open::<Value>(dir.path());
    assert!(matches!(opened, Err(Error::NotAStore { found: Occupant::Other, .. })), "{opened:?}");
    let made = Store::<Value>::create_new(dir.path());
    assert!(matches!(made, Err(Error::Exists { .. })), "{made:?}");
}
