//! Who asks for a new store or log gets a new one, or is told that there is something already.
//!
//! The look at the directory and the lock on it are two steps, and somebody may make a store in between. Opening takes that
//! one; asking for a new one used to take it as well.

use crate::common::watched::{Call, Watched};
use crate::common::{dir, options, written};
use redraft::io::{Env, MemoryDisk};
use redraft::{Error, Occupant, Options, Store, Value, log};
use std::path::Path;

/// A machine on which somebody else makes a store, or a log, just before the lock on its directory is taken.
fn crowded(log: bool) -> Env {
    let memory = MemoryDisk::new();
    let theirs = memory.clone();
    let watched = Watched::new(memory, move |call| {
        let env = Env::simulated(theirs.clone(), 8);
        match call {
            Call::Lock if log => drop(log::Options::new().env(env).open(dir()).unwrap()),
            Call::Lock => drop(Options::new().env(env).open::<Value>(dir()).unwrap()),
            _ => {}
        }
    });
    Env::simulated(watched, 7)
}

#[test]
fn a_new_store_is_not_one_that_somebody_else_made_a_moment_ago() {
    let made = Options::new().env(crowded(false)).create_new::<Value>(dir());
    assert!(matches!(made, Err(Error::Exists { .. })), "{made:?}");
    let opened: Store<Value> = Options::new().env(crowded(false)).open(dir()).unwrap();
    assert_eq!(opened.version(), 0);
}

#[test]
fn a_new_log_is_not_one_that_somebody_else_made_a_moment_ago() {
    let made = log::Options::new().env(crowded(true)).create_new(dir());
    assert!(matches!(made, Err(Error::Exists { .. })), "{made:?}");
    let opened = log::Options::new().env(crowded(true)).open(dir()).unwrap();
    assert_eq!(opened.head(), 0);
}

#[test]
fn a_replica_is_started_only_where_that_is_wanted() {
    let (disk, _store, _) = written(3, 5, &[]);
    let place = Path::new("/replica");
    let refused = options(&disk).open_mirror(dir(), place);
    assert!(matches!(refused, Err(Error::NotAStore { found: Occupant::Missing, .. })), "{refused:?}");
    let mut replica = options(&disk).create(true).open_mirror(dir(), place).unwrap();
    assert_eq!(replica.catch_up().unwrap().version, 5);
    drop(replica);
    assert_eq!(options(&disk).open_mirror(dir(), place).unwrap().version(), 5);
}

#[test]
fn nothing_new_is_made_where_something_is() {
    let disk = MemoryDisk::new();
    let made = || options(&disk).create_new::<Value>(dir());
    made().unwrap().close().unwrap();
    assert!(matches!(made(), Err(Error::Exists { .. })));
    let log = log::Options::new().env(crate::common::env(&disk)).create_new(dir());
    assert!(matches!(log, Err(Error::Exists { .. })));
}
