//! Which changes a range of versions gives: those it names, as far as they can be seen; and what is not there is refused
//! under the name it was asked for.
//!
//! The record that made a version has the offset before it. That used to show: whoever asked for the changes from 12 on, of
//! a store at 10, was told that there is no version 11. And a reader gave changes newer than the version it shows.

use crate::common::{open, reader, written};
use redraft::{Change, Error};

fn versions(changes: redraft::Result<redraft::Changes>) -> Vec<u64> {
    changes.unwrap().map(|change| change.map(|Change { version, .. }| version).unwrap()).collect()
}

#[test]
fn a_range_gives_the_versions_it_names() {
    let (_disk, store, _) = written(6, 10, &[]);
    assert_eq!(versions(store.changes(..)), (1..=10).collect::<Vec<_>>());
    assert_eq!(versions(store.changes(3..5)), [3, 4]);
    assert_eq!(versions(store.changes(0..=1)), [1]);
    assert_eq!(versions(store.changes(10..=99)), [10]);
    assert!(versions(store.changes(11..)).is_empty(), "the next one may come");
    assert!(versions(store.changes(..0)).is_empty());
}

#[test]
fn a_range_beyond_the_newest_version_is_refused_under_its_own_name() {
    let (disk, store, _) = written(6, 10, &[]);
    assert!(matches!(store.changes(12..), Err(Error::BeyondHead { version: 12, head: 10 })));
    assert!(matches!(reader(&disk).unwrap().changes(12..), Err(Error::BeyondHead { version: 12, .. })));
}

#[test]
fn a_range_before_what_is_kept_is_refused_under_its_own_name() {
    let (disk, store, _) = written(6, 10, &[]);
    let target = std::path::Path::new("/second");
    store.restore(4, target).unwrap();
    let second = crate::common::options(&disk).open::<redraft::Value>(target).unwrap();
    assert!(matches!(second.changes(4..), Err(Error::Compacted { version: 4, oldest: 5 })));
    assert!(versions(second.changes(5..)).is_empty());
}

#[test]
fn a_reader_gives_no_change_newer_than_the_version_it_shows() {
    let (disk, store, _) = written(6, 10, &[]);
    store.close().unwrap();
    let reader = reader(&disk).unwrap();
    let store = open(&disk).unwrap();
    for number in 0..5 {
        store.produce(|doc| doc["more"] = number.into()).unwrap();
    }
    store.close().unwrap();
    assert_eq!((reader.version(), versions(reader.changes(..)).len()), (10, 10));
    assert!(matches!(reader.changes(12..), Err(Error::BeyondHead { version: 12, head: 10 })));
    assert_eq!(reader.refresh().unwrap(), 15);
    assert_eq!(versions(reader.changes(12..)), [12, 13, 14, 15]);
}
