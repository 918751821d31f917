//! Compaction gives up the beginning of the history and nothing else: what is kept is what it was, what is gone is said to be, and
//! the space comes back.

use crate::common::{Model, check, dir, edit, env, open, options, reader, written};
use redraft::io::{Clock, MemoryDisk, SeededEntropy};
use redraft::{Compaction, Error, Mirror, Retention, Store, Value};
use std::time::Duration;

fn bytes_of(disk: &MemoryDisk) -> u64 {
    disk.files().iter().map(|path| disk.bytes(path).unwrap().len() as u64).sum()
}

/// Every version that is kept is what it was, and every other one is said to be gone.
fn is_kept_from(oldest: u64, disk: &MemoryDisk, model: &Model) {
    let reader = reader(disk).unwrap();
    assert_eq!((reader.oldest().unwrap(), reader.version()), (oldest, model.newest()));
    for version in 0..=model.newest() {
        match reader.at(version) {
            Ok(state) => assert_eq!((&*state, version >= oldest), (&model.states[version as usize], true)),
            Err(Error::Compacted { version: gone, oldest: said }) => {
                assert_eq!((gone, said, version < oldest), (version, oldest, true));
            }
            Err(error) => panic!("{version}: {error:?}"),
        }
    }
    let made: Vec<u64> = reader.changes(..).unwrap().map(|change| change.unwrap().version).collect();
    assert_eq!(made, (oldest + 1..=model.newest()).collect::<Vec<_>>());
    assert!(matches!(reader.changes(oldest..), Err(Error::Compacted { .. })) || oldest == 0);
    assert!(check(disk).unwrap().is_sound(), "{:?}", check(disk));
}

#[test]
fn what_is_asked_for_stays_and_what_is_gone_is_said_to_be() {
    for count in [0, 1, 10, 25, 59, 60, 1000] {
        let (disk, store, model) = written(21, 60, &[20, 40]);
        let before = bytes_of(&disk);
        let done = store.compact_to(Retention::Changes(count)).unwrap();
        assert!(done.oldest <= 60_u64.saturating_sub(count), "{done:?}");
        assert!(
            done.oldest + 15 > 60_u64.saturating_sub(count),
            "whole segments hold a few changes: {done:?}"
        );
        assert_eq!(store.oldest(), done.oldest);
        assert!(matches!(
            store.at(done.oldest.wrapping_sub(1)),
            Err(Error::Compacted { .. } | Error::BeyondHead { .. })
        ));
        assert_eq!(*store.at(done.oldest).unwrap(), model.states[done.oldest as usize]);
        assert!(done.segments > 0 || bytes_of(&disk) == before);
        is_kept_from(done.oldest, &disk, &model);
        drop(store);
        is_kept_from(done.oldest, &disk, &model);
        assert_eq!(*open(&disk).unwrap().state(), *model.states.last().unwrap());
    }
}

#[test]
fn everything_is_kept_unless_something_else_is_asked_for() {
    let (disk, store, model) = written(22, 40, &[20]);
    let before = crate::common::contents(&disk);
    assert_eq!(store.compact().unwrap(), Compaction::default());
    assert_eq!(crate::common::contents(&disk), before);
    is_kept_from(0, &disk, &model);
}

#[test]
fn doing_it_again_changes_nothing() {
    let (disk, store, _) = written(23, 60, &[]);
    let first = store.compact_to(Retention::Changes(20)).unwrap();
    let after = crate::common::contents(&disk);
    let again = store.compact_to(Retention::Changes(20)).unwrap();
    assert_eq!((again.oldest, again.segments, again.snapshots), (first.oldest, 0, 0));
    assert_eq!(crate::common::contents(&disk), after);
}

/// Ten rounds of writing and compacting: the files take what is kept, however much was written.
#[test]
fn the_space_comes_back_round_after_round() {
    let disk = MemoryDisk::new();
    let options = options(&disk).segment_bytes(4096).create(true).retention(Retention::Changes(100));
    let store: Store<Value> = options.open(dir()).unwrap();
    let (dice, mut sizes, mut written) = (SeededEntropy::new(3), Vec::new(), 0);
    for round in 0..10 {
        for n in 0..300 {
            let before = store.version();
            store.produce(|doc| edit(doc, &dice, round * 1000 + n)).unwrap();
            written += store.version() - before;
        }
        let (had, done) = (bytes_of(&disk), store.compact().unwrap());
        sizes.push(bytes_of(&disk));
        // A new segment of 4 KiB and a snapshot come, the rest goes.
        assert!(done.freed_bytes + bytes_of(&disk) >= had, "{done:?}");
        assert!(done.freed_bytes > 0, "{done:?}");
    }
    assert_eq!(written, 3000);
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(most - least < 3 * 4096, "{sizes:?}");
}

#[derive(Debug)]
struct AtHour(u64);

impl Clock for AtHour {
    fn now_ms(&self) -> u64 {
        self.0 * 3_600_000
    }
}

/// By the clocks of the changes, compared with the newest one.
#[test]
fn what_is_younger_than_asked_for_stays() {
    let disk = MemoryDisk::new();
    let mut opened = options(&disk).create(true).open::<Value>(dir()).unwrap();
    for hour in 0..50 {
        drop(opened);
        let env = redraft::io::Env { clock: std::sync::Arc::new(AtHour(hour)), ..env(&disk) };
        opened = options(&disk).env(env).open(dir()).unwrap();
        opened
            .produce(|doc| doc["text"] = char::from(b'a' + (hour % 26) as u8).to_string().repeat(200).into())
            .unwrap();
        opened.produce(|doc| doc["at"] = (hour as i64).into()).unwrap();
    }
    let done = opened.compact_to(Retention::Age(Duration::from_secs(10 * 3600))).unwrap();
    let oldest_kept = opened.at(done.oldest).unwrap()["at"].as_i64().unwrap();
    assert!((30..=39).contains(&oldest_kept), "{oldest_kept}");
    assert_eq!(opened.compact_to(Retention::Age(Duration::MAX)).unwrap().segments, 0);
}

#[test]
fn as_many_segments_stay_as_fit_into_the_bytes_asked_for() {
    let (disk, store, model) = written(24, 60, &[]);
    let segments = |disk: &MemoryDisk| {
        let all = disk.files().into_iter().filter(|path| path.extension().is_some_and(|end| end == "seg"));
        all.map(|path| disk.bytes(&path).unwrap().len() as u64).collect::<Vec<_>>()
    };
    let before = segments(&disk);
    let kept = before[before.len() - 4..before.len() - 1].iter().sum::<u64>();
    let done = store.compact_to(Retention::Bytes(kept)).unwrap();
    assert_eq!(done.segments, before.len() - 4);
    is_kept_from(done.oldest, &disk, &model);
    let done = store.compact_to(Retention::Bytes(0)).unwrap();
    assert_eq!((done.oldest, segments(&disk).len()), (60, 1), "the active one stays");
}

/// The base of what is kept is a snapshot: damaged, it is made again from what leads there, before that goes.
#[test]
fn a_damaged_snapshot_at_the_new_beginning_is_made_again_first() {
    let (_, store, _) = written(25, 60, &[]);
    let beginning = store.compact_to(Retention::Changes(20)).unwrap().oldest;
    let (disk, store, model) = written(25, 60, &[beginning]);
    let path = crate::common::snapshot_path(beginning);
    let mut bytes = disk.bytes(&path).unwrap();
    bytes[70] ^= 1;
    disk.put(&path, bytes);
    assert_eq!(store.compact_to(Retention::Changes(20)).unwrap().oldest, beginning);
    is_kept_from(beginning, &disk, &model);
}

/// A replica made of a compacted store begins where that does; one that lags behind is told, and begins anew when it is opened.
#[test]
fn replicas_begin_where_the_store_does_and_are_told_what_is_gone() {
    let (disk, store, model) = written(26, 20, &[]);
    let (late, new) = (std::path::Path::new("/late"), std::path::Path::new("/new"));
    let follow = |to: &std::path::Path| options(&disk).create(true).open_mirror(dir(), to);
    let mut lagging = follow(late).unwrap();
    lagging.catch_up().unwrap();
    let (dice, mut model) = (SeededEntropy::new(27), model);
    (0..60).for_each(|n| assert_eq!(model.produce(&store, &dice).unwrap(), 21 + n));
    let oldest = store.compact_to(Retention::Changes(10)).unwrap().oldest;
    let told = lagging.catch_up();
    assert!(matches!(told, Err(Error::Compacted { oldest: known, .. }) if known == oldest), "{told:?}");
    drop(lagging);
    for replica in [late, new] {
        let mut mirror: Mirror = follow(replica).unwrap();
        assert_eq!(mirror.catch_up().unwrap().version, 80);
        let copy = options(&disk).open_read_only::<Value>(replica).unwrap();
        assert_eq!((copy.oldest().unwrap(), &*copy.state()), (oldest, model.states.last().unwrap()));
    }
}

/// Readers beside a store that is compacted again and again see states that were, or that what they ask for is gone.
#[test]
fn readers_beside_it_see_what_was_or_that_it_is_gone() {
    let disk = MemoryDisk::new();
    let options = options(&disk).create(true);
    let store: Store<Value> = options.open(dir()).unwrap();
    let write = |n: u64| store.produce(|doc| doc["n"] = n.to_string().repeat(10).into()).unwrap();
    (1..=20).for_each(|n| drop(write(n)));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    let reader = reader(&disk).unwrap();
                    let newest = reader.version();
                    for version in [newest, newest - 5, newest / 2] {
                        match reader.at(version) {
                            Ok(state) => {
                                assert_eq!(state["n"].as_str(), Some(&*version.to_string().repeat(10)));
                            }
                            Err(Error::Compacted { version: gone, oldest }) => {
                                assert!(gone >= version && version < oldest, "{gone} {version} {oldest}");
                            }
                            Err(error) => panic!("{version} of {newest}: {error:?}"),
                        }
                    }
                    assert!(check(&disk).unwrap().is_sound());
                }
            });
        }
        for n in 21..=400 {
            write(n);
            if n % 20 == 0 {
                store.compact_to(Retention::Changes(30)).unwrap();
            }
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}
