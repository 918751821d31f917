//! What only shows from inside: a log whose front is given up, and what a small store's index takes.

use super::follow::Follower;
use super::{Index, term};
use crate::error::Role;
use crate::io::Env;
use crate::log::{self, Log, Options, directory};
use crate::store::{self, Store};
use crate::value::{Pointer, Value};
use std::path::Path;

/// The log of a store, which has no way to give up its front by itself yet.
fn log_of(path: &Path) -> Log {
    let options = Options::default().segment_bytes(512);
    let lock = directory::lock(&*Env::real().disk, path).unwrap();
    Log::open_locked(&options, path, Role::Store, None, lock).unwrap().0
}

fn filled(path: &Path, changes: u64) {
    let store: Store<Value> = store::Options::new().segment_bytes(512).open(path).unwrap();
    for n in 0..changes {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    store.close().unwrap();
}

/// The offsets found for `/n`, the newest first, and whether the index was made anew.
fn offsets(index: &Index, view: &log::Reader) -> (Vec<u64>, bool) {
    let terms = term::of_place(&Pointer::parse("/n").unwrap());
    let mut found = index.find(view, &terms, view.oldest().unwrap()..u64::MAX).unwrap();
    let offsets = std::iter::from_fn(|| found.candidates.next_offset().unwrap()).collect();
    (offsets, found.remade.is_some())
}

#[test]
fn what_lies_before_the_front_of_a_log_does_not_come_out_and_is_given_up_in_time() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 200);
    let log = log_of(dir.path());
    let all = |from: u64| (from..200).rev().collect::<Vec<u64>>();
    let index = Index::of(dir.path());
    assert_eq!(offsets(&index, &log.reader()), (all(0), false));
    let oldest = log.truncate_front(50).unwrap();
    assert_eq!(offsets(&index, &log.reader()), (all(oldest), false));
    drop(index);
    // The smaller part is gone: the index stays as it is.
    let index = Index::of(dir.path());
    assert_eq!(offsets(&index, &log.reader()), (all(oldest), false));
    drop(index);
    // Now the larger part is.
    let oldest = log.truncate_front(150).unwrap();
    let index = Index::of(dir.path());
    assert_eq!(offsets(&index, &log.reader()), (all(oldest), true));
}

#[test]
fn an_index_that_the_front_of_the_log_has_overtaken_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 50);
    let log = log_of(dir.path());
    assert_eq!(offsets(&Index::of(dir.path()), &log.reader()).0.len(), 50);
    let index = Index::of(dir.path());
    assert_eq!(offsets(&index, &log.reader()).0.len(), 50);
    drop(log);
    filled(dir.path(), 150);
    let log = log_of(dir.path());
    let oldest = log.truncate_front(120).unwrap();
    assert!(oldest > 50, "{oldest}");
    // In the session that was under way, and in a new one.
    let (found, remade) = offsets(&index, &log.reader());
    assert_eq!((found.last().copied(), remade), (Some(oldest), true));
    drop(index);
    assert_eq!(offsets(&Index::of(dir.path()), &log.reader()), (found, false));
}

#[test]
fn a_small_history_takes_little_room() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 100);
    let follower = {
        let log = log_of(dir.path());
        let mut follower = Follower::open(&dir.path().join("index"), &log.reader()).unwrap();
        follower.catch_up(&log.reader()).unwrap();
        follower
    };
    assert!(follower.bytes() < 1 << 20, "{} bytes", follower.bytes());
}
