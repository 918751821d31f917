//! Compaction waits for named cursors, up to a limit, and says for which.

use crate::common::{check, dir, options};
use redraft::io::{Disk, MemoryDisk};
use redraft::{Error, ErrorKind, Retention, Store, Value};

const NEWEST: u64 = 300;

/// Segments of the least size, so that there are many, and a cursor that has come this far.
fn followed(disk: &MemoryDisk, limit: Option<u64>, cursors: &[(&str, u64)]) -> Store<Value> {
    let options = limit.map_or(options(disk), |limit| options(disk).hold_for_cursors(limit));
    let store: Store<Value> = options.create(true).open(dir()).unwrap();
    for version in 1..=NEWEST {
        store.produce(|doc| doc[format!("{}", version % 7).as_str()] = version.into()).unwrap();
    }
    for (name, version) in cursors {
        store.set_cursor(name, *version).unwrap();
    }
    assert!(check(disk).unwrap().is_sound());
    store
}

#[test]
fn what_the_slowest_cursor_has_not_dealt_with_stays() {
    for at in [0, 1, 90, 170, NEWEST - 1, NEWEST] {
        let disk = MemoryDisk::new();
        let store = followed(&disk, None, &[("mailer", at), ("indexer", NEWEST)]);
        let done = store.compact_to(Retention::Changes(0)).unwrap();
        assert!(done.oldest <= at, "{at}: {done:?}");
        assert!(store.changes(at + 1..).unwrap().all(|change| change.is_ok()));
        let asked = followed(&MemoryDisk::new(), None, &[]);
        let asked = asked.compact_to(Retention::Changes(0)).unwrap();
        assert_eq!(done.held_for.as_deref(), (at < asked.oldest).then_some("mailer"), "{at}");
        assert_eq!(asked.held_for, None);
        assert!(check(&disk).unwrap().is_sound());
    }
}

#[test]
fn once_it_has_come_further_the_rest_goes() {
    let disk = MemoryDisk::new();
    let store = followed(&disk, None, &[("mailer", 5)]);
    let first = store.compact_to(Retention::Changes(10)).unwrap();
    assert!(first.oldest <= 5 && first.held_for.is_some());
    store.set_cursor("mailer", NEWEST - 5).unwrap();
    let second = store.compact_to(Retention::Changes(10)).unwrap();
    assert!(second.oldest > first.oldest && second.held_for.is_none(), "{second:?}");
}

#[test]
fn one_that_nobody_moves_holds_back_no_more_than_the_limit() {
    for (limit, waits) in [(0, false), (u64::MAX, true)] {
        let disk = MemoryDisk::new();
        let store = followed(&disk, Some(limit), &[("forgotten", 1)]);
        let done = store.compact_to(Retention::Changes(0)).unwrap();
        assert_eq!((done.oldest <= 1, done.held_for.is_some()), (waits, waits), "{limit}");
    }
    // Some of what it would need: as many segments as fit.
    let disk = MemoryDisk::new();
    let all = followed(&disk, None, &[]).compact_to(Retention::Changes(0)).unwrap();
    let limit = all.freed_bytes / 2;
    let disk = MemoryDisk::new();
    let store = followed(&disk, Some(limit), &[("forgotten", 1)]);
    let done = store.compact_to(Retention::Changes(0)).unwrap();
    assert!(done.oldest > 1 && done.oldest < all.oldest, "{done:?} of {all:?}");
    assert_eq!(done.held_for.as_deref(), Some("forgotten"));
    // Who comes back too late is told so.
    assert!(matches!(store.changes(2..), Err(Error::Compacted { version: 2, .. })));
    assert!(matches!(store.set_cursor("forgotten", 1), Err(Error::Compacted { version: 1, .. })));
    assert_eq!(store.cursor("forgotten").unwrap(), Some(1));
}

/// Nobody knows what it held back.
#[test]
fn a_damaged_file_of_cursors_keeps_everything() {
    let disk = MemoryDisk::new();
    let store = followed(&disk, None, &[("mailer", 5)]);
    let path = dir().join("CURSORS");
    let mut bytes = disk.bytes(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    disk.put(&path, bytes);
    let refused = store.compact_to(Retention::Changes(0)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Damage, "{refused}");
    assert_eq!(store.oldest(), 0);
    disk.remove(&path).unwrap();
    assert!(store.compact_to(Retention::Changes(0)).unwrap().oldest > 0);
}
