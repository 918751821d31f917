//! A backup is the store as it was at some version, whatever happens while it is made; it copies what is new, follows what its
//! source gives up, and touches nothing that is not its own.

use crate::common::watched::{Call, Watched};
use crate::common::{
    Model, Saying, contents, copy, dir, edit, open, options, segment_path, snapshot_path, written,
};
use redraft::io::{Disk, MemoryDisk, SeededEntropy};
use redraft::{Durability, Error, Options, Reader, Retention, Role, Store, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn backup_dir() -> &'static Path {
    Path::new("/backup")
}

fn in_backup(path: &Path) -> PathBuf {
    backup_dir().join(path.file_name().unwrap())
}

fn restored_from(disk: &MemoryDisk) -> Reader<Value> {
    options(disk).open_read_only(backup_dir()).unwrap()
}

fn grow(store: &Store<Value>, model: &mut Model, count: u64) {
    let dice = SeededEntropy::new(count);
    for _ in 0..count {
        model.produce(store, &dice).unwrap();
    }
}

/// The backup has the versions from `oldest` to `newest`, each as it was, and is sound.
fn holds(disk: &MemoryDisk, model: &Model, oldest: u64, newest: u64) {
    let report = options(disk).verify(backup_dir()).unwrap();
    assert!(report.is_sound() && report.cut.is_none(), "{report:?}");
    let backup = restored_from(disk);
    assert_eq!((backup.oldest().unwrap(), backup.version(), report.intact), (oldest, newest, newest));
    for version in oldest..=newest {
        assert_eq!(*backup.at(version).unwrap(), model.states[version as usize], "version {version}");
    }
    if oldest > 0 {
        assert!(matches!(backup.at(oldest - 1), Err(Error::Compacted { .. })));
    }
}

fn files_in(disk: &MemoryDisk, dir: &Path, ending: &str) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| path.starts_with(dir) && path.extension().is_some_and(|end| end == ending);
    disk.files().into_iter().filter(is_one).collect()
}

#[test]
fn every_version_and_every_snapshot_is_in_it() {
    let (disk, store, model) = written(1, 60, &[20, 40]);
    let done = store.backup(backup_dir()).unwrap();
    assert_eq!((done.version, done.oldest, done.snapshots_copied, done.snapshots_kept), (60, 0, 2, 0));
    assert!(done.segments_copied > 2 && done.segments_kept == 0 && done.passed_over.is_empty(), "{done:?}");
    holds(&disk, &model, 0, 60);
    assert_eq!(restored_from(&disk).snapshots().unwrap(), [20, 40]);
    assert_eq!(restored_from(&disk).id(), store.id());
    assert!(files_in(&disk, backup_dir(), "tmp").is_empty());
}

#[test]
fn a_store_without_changes_has_a_backup() {
    let (disk, store, model) = written(1, 0, &[]);
    assert_eq!(store.backup(backup_dir()).unwrap().version, 0);
    holds(&disk, &model, 0, 0);
    assert_eq!(store.backup(backup_dir()).unwrap().segments_kept, 1);
}

/// The files of a backup that are opened to be written, or take another's place.
fn touched_by(disk: &MemoryDisk, work: impl FnOnce(&Watched)) -> Vec<PathBuf> {
    let touched = Arc::new(Mutex::new(Vec::new()));
    let watched = Watched::new(disk.clone(), {
        let touched = Arc::clone(&touched);
        move |call| match call {
            Call::Write(path, ..) | Call::SetLen(path, _) | Call::Rename(_, path) | Call::Remove(path)
                if path.starts_with(backup_dir()) =>
            {
                touched.lock().unwrap().push(path.clone());
            }
            _ => {}
        }
    });
    work(&watched);
    std::mem::take(&mut *touched.lock().unwrap())
}

#[test]
fn what_is_there_already_is_not_touched_again() {
    let (disk, store, mut model) = written(2, 40, &[20]);
    store.backup(backup_dir()).unwrap();
    let before = contents(&disk);
    let idle = touched_by(&disk, |disk| {
        let done = options(disk).open_read_only::<Value>(dir()).unwrap().backup(backup_dir()).unwrap();
        assert_eq!((done.segments_copied, done.snapshots_copied, done.copied_bytes), (0, 0, 0), "{done:?}");
        assert_eq!((done.version, done.snapshots_kept), (40, 1));
    });
    assert!(idle.iter().all(|path| path.ends_with("LOCK")), "{idle:?}");
    let unchanged = |(path, bytes): &(PathBuf, Vec<u8>)| disk.bytes(path).as_ref() == Some(bytes);
    assert!(before.iter().filter(|(path, _)| path.starts_with(backup_dir())).all(unchanged));

    let sealed = files_in(&disk, backup_dir(), "seg");
    let (_, sealed) = sealed.split_last().unwrap();
    grow(&store, &mut model, 20);
    let touched = touched_by(&disk, |disk| {
        let done = options(disk).open_read_only::<Value>(dir()).unwrap().backup(backup_dir()).unwrap();
        assert_eq!(done.segments_kept, sealed.len());
        assert!(done.segments_copied > 1, "{done:?}");
    });
    assert!(sealed.iter().chain([&in_backup(&snapshot_path(20))]).all(|path| !touched.contains(path)));
    holds(&disk, &model, 0, 60);
}

/// Backs up through a disk on which the store is changed before every call, so that nothing is found as it was a moment ago.
fn disturbed(seed: u64, disturb: impl Fn(&Store<Value>, &SeededEntropy, u64) + Send + Sync + 'static) {
    let _saying = Saying(format!("seed {seed}"));
    let (disk, store, model) = written(seed, 50, &[25]);
    let begun = model.acked;
    let (dice, model) = (SeededEntropy::new(seed), Arc::new(Mutex::new(model)));
    let store = Arc::new(store);
    let watched = Watched::new(disk.clone(), {
        let (store, model) = (Arc::clone(&store), Arc::clone(&model));
        let calls = Mutex::new(0);
        move |_| {
            let mut calls = calls.lock().unwrap();
            *calls += 1;
            if *calls < 400 && dice.below(3) == 0 {
                model.lock().unwrap().produce(&store, &dice).unwrap();
                disturb(&store, &dice, *calls);
            }
        }
    });
    let reader = options(&watched).open_read_only::<Value>(dir()).unwrap();
    let done = reader.backup(backup_dir()).unwrap();
    let model = model.lock().unwrap();
    assert!((begun..=model.acked).contains(&done.version), "{done:?}");
    holds(&disk, &model, done.oldest, done.version);
    // What it left off with is what the next one goes on from.
    let done = store.backup(backup_dir()).unwrap();
    assert_eq!((done.version, done.oldest), (model.acked, store.oldest()));
    holds(&disk, &model, store.oldest(), model.acked);
}

#[test]
fn a_backup_made_while_the_store_is_written_is_a_version_that_was() {
    (0..12).for_each(|seed| disturbed(seed, |_, _, _| {}));
}

#[test]
fn snapshots_that_come_and_go_meanwhile_do_not_disturb_it() {
    (0..6).for_each(|seed| {
        disturbed(seed, |store, dice, _| {
            if dice.below(8) == 0 {
                store.snapshot().unwrap();
            }
        });
    });
}

#[test]
fn history_that_is_given_up_meanwhile_is_given_up_in_the_backup() {
    (0..12).for_each(|seed| {
        disturbed(seed, |store, dice, _| {
            if dice.below(6) == 0 {
                store.compact_to(Retention::Changes(dice.below(20) as u64)).unwrap();
            }
        });
    });
}

#[test]
fn a_backup_gives_up_what_its_source_has_given_up() {
    let (disk, store, mut model) = written(4, 60, &[20, 40]);
    store.backup(backup_dir()).unwrap();
    let oldest = store.compact_to(Retention::Changes(20)).unwrap().oldest;
    assert!(oldest > 20);
    let done = store.backup(backup_dir()).unwrap();
    assert_eq!((done.version, done.oldest), (60, oldest));
    holds(&disk, &model, oldest, 60);
    assert!(!files_in(&disk, backup_dir(), "seg").contains(&in_backup(&segment_path(0))));
    grow(&store, &mut model, 40);
    store.backup(backup_dir()).unwrap();
    holds(&disk, &model, oldest, 100);
}

#[test]
fn a_backup_left_behind_begins_anew_where_its_source_does() {
    let (disk, store, mut model) = written(5, 30, &[]);
    store.backup(backup_dir()).unwrap();
    grow(&store, &mut model, 60);
    let oldest = store.compact_to(Retention::Changes(10)).unwrap().oldest;
    assert!(oldest > 30, "there is a gap between the backup and what its source has");
    assert_eq!(store.backup(backup_dir()).unwrap().oldest, oldest);
    holds(&disk, &model, oldest, 90);
    assert_eq!(files_in(&disk, backup_dir(), "seg").len(), files_in(&disk, dir(), "seg").len());
}

#[test]
fn a_backup_of_a_replica_or_of_a_restored_store_is_one_like_any() {
    let (disk, store, model) = written(6, 60, &[]);
    let mut replica = options(&disk).create(true).open_mirror(dir(), "/replica").unwrap();
    replica.catch_up().unwrap();
    options(&disk).open_read_only::<Value>("/replica").unwrap().backup(backup_dir()).unwrap();
    holds(&disk, &model, 0, 60);

    store.restore(30, "/restored").unwrap();
    let restored = options(&disk).open::<Value>("/restored").unwrap();
    assert_eq!(restored.produce(|doc| doc["more"] = 1.into()).unwrap().version(), 31);
    assert_eq!(restored.backup("/another").unwrap().oldest, 30);
    let backup = options(&disk).open_read_only::<Value>("/another").unwrap();
    assert_eq!((*backup.at(30).unwrap()).clone(), model.states[30]);
    assert!(options(&disk).verify("/another").unwrap().is_sound());
}

#[test]
fn what_is_acknowledged_and_not_yet_on_the_disk_is_in_it() {
    let disk = MemoryDisk::new();
    let late =
        options(&disk).create(true).durability(Durability::Interval(std::time::Duration::from_secs(3600)));
    let store = late.open::<Value>(dir()).unwrap();
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    assert_eq!(store.durable_version(), 0);
    assert_eq!(store.backup(backup_dir()).unwrap().version, 1);
}

#[test]
fn nothing_is_written_into_it_by_accident() {
    let (disk, store, _) = written(7, 30, &[20]);
    store.backup(backup_dir()).unwrap();
    let before = contents(&disk);
    let refused = options(&disk).open::<Value>(backup_dir());
    assert!(
        matches!(refused, Err(Error::Role { wanted: Role::Store, found: Role::Backup, .. })),
        "{refused:?}"
    );
    let refused = options(&disk).open_mirror(dir(), backup_dir());
    assert!(
        matches!(refused, Err(Error::Role { wanted: Role::Replica, found: Role::Backup, .. })),
        "{refused:?}"
    );
    let refused = options(&disk).create_new::<Value>(backup_dir());
    assert!(matches!(refused, Err(Error::Exists { .. })), "{refused:?}");
    assert_eq!(contents(&disk), before);
}

#[test]
fn what_is_not_a_backup_of_this_store_is_refused_and_left_as_it_is() {
    let (disk, store, _) = written(8, 30, &[]);
    let other: Store<Value> = Options::new()
        .env(redraft::io::Env::simulated(disk.clone(), 99))
        .segment_bytes(1024)
        .open("/other")
        .unwrap();
    other.produce(|doc| doc["n"] = 1.into()).unwrap();
    other.backup("/of another").unwrap();
    let mut replica = options(&disk).create(true).open_mirror(dir(), "/replica").unwrap();
    replica.catch_up().unwrap();
    replica.close().unwrap();
    Disk::create_dir(&disk, Path::new("/notes")).unwrap();
    disk.put(Path::new("/notes/todo.txt"), b"milk".to_vec());
    Disk::create_dir(&disk, Path::new("/snapshot of another")).unwrap();
    other.snapshot().unwrap();
    let foreign = Path::new("/other").join(snapshot_path(1).file_name().unwrap());
    disk.put(
        &Path::new("/snapshot of another").join(foreign.file_name().unwrap()),
        disk.bytes(&foreign).unwrap(),
    );
    let listed = |disk: &MemoryDisk| -> Vec<_> {
        contents(disk).into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect()
    };
    let before = listed(&disk);
    let refusal = |to: &str| store.backup(to).unwrap_err();
    assert!(matches!(refusal("/notes"), Error::Exists { .. }));
    assert!(matches!(refusal("/snapshot of another"), Error::Exists { .. }));
    assert!(matches!(refusal("/other"), Error::Role { wanted: Role::Backup, found: Role::Store, .. }));
    assert!(matches!(refusal("/store"), Error::Role { wanted: Role::Backup, found: Role::Store, .. }));
    assert!(matches!(refusal("/replica"), Error::Role { wanted: Role::Backup, found: Role::Replica, .. }));
    assert!(matches!(refusal("/of another"), Error::Foreign { .. }));
    assert_eq!(listed(&disk), before);
}

#[test]
fn a_backup_of_another_history_is_refused_and_left_as_it_is() {
    let (disk, store, _) = written(9, 30, &[]);
    let mut diverged = copy(&disk);
    let dice = SeededEntropy::new(1);
    let theirs = open(&diverged).unwrap();
    (0..10).for_each(|n| drop(theirs.produce(|doc| edit(doc, &dice, n)).unwrap()));
    theirs.backup(backup_dir()).unwrap();
    drop(theirs);
    // The backup is longer than the store it is of; then it is as long and differs.
    for path in files_in(&diverged, backup_dir(), "seg") {
        Disk::create_dir(&disk, backup_dir()).unwrap();
        disk.put(&path, diverged.bytes(&path).unwrap());
    }
    diverged = copy(&disk);
    let refused = store.backup(backup_dir());
    assert!(matches!(refused, Err(Error::Diverged { offset: 30, .. })), "{refused:?}");
    (0..20).for_each(|n| drop(store.produce(|doc| doc["own"] = n.into()).unwrap()));
    let refused = store.backup(backup_dir());
    assert!(
        matches!(refused, Err(Error::Diverged { offset: 30, source_head: 50, replica_head: 40 })),
        "{refused:?}"
    );
    for path in files_in(&diverged, backup_dir(), "seg") {
        assert_eq!(disk.bytes(&path), diverged.bytes(&path));
    }
}

#[test]
fn a_backup_whose_segments_begin_elsewhere_is_refused() {
    let (disk, store, model) = written(10, 40, &[]);
    let mut replica = options(&disk).create(true).segment_bytes(4096).open_mirror(dir(), "/replica").unwrap();
    replica.catch_up().unwrap();
    options(&disk).open_read_only::<Value>("/replica").unwrap().backup(backup_dir()).unwrap();
    assert!(matches!(store.backup(backup_dir()), Err(Error::Exists { .. })));
    holds(&disk, &model, 0, 40);
}

#[test]
fn a_damaged_snapshot_is_reported_and_not_copied() {
    let (disk, store, model) = written(11, 40, &[20, 30]);
    let mut bytes = disk.bytes(&snapshot_path(30)).unwrap();
    bytes[80] ^= 1;
    disk.put(&snapshot_path(30), bytes);
    let done = store.backup(backup_dir()).unwrap();
    assert_eq!(done.passed_over.iter().map(|damage| &damage.path).collect::<Vec<_>>(), [&snapshot_path(30)]);
    assert_eq!(done.snapshots_copied, 1);
    holds(&disk, &model, 0, 40);
}

#[test]
fn a_damaged_log_is_an_error_and_the_older_backup_stays() {
    let (disk, store, mut model) = written(12, 30, &[]);
    store.backup(backup_dir()).unwrap();
    grow(&store, &mut model, 30);
    let damaged = files_in(&disk, dir(), "seg").into_iter().rev().nth(2).unwrap();
    let mut bytes = disk.bytes(&damaged).unwrap();
    bytes[100] ^= 1;
    disk.put(&damaged, bytes);
    let refused = store.backup(backup_dir());
    let Err(Error::Damaged(damage)) = refused else { panic!("{refused:?}") };
    assert_eq!((damage.path, damage.byte < 200), (damaged, true));
    let version = restored_from(&disk).version();
    assert!((30..60).contains(&version), "{version}");
    holds(&disk, &model, 0, version);
}

#[test]
fn what_was_redacted_goes_from_the_backup_too() {
    let (disk, store, mut model) = written(14, 30, &[20]);
    store.produce(|doc| doc["secret"] = "xyzzy-plugh".into()).unwrap();
    store.backup(backup_dir()).unwrap();
    store.close().unwrap();
    let place = redraft::value::Pointer::parse("/secret").unwrap();
    options(&disk).plan_redaction(dir(), [place]).unwrap().carry_out().unwrap();
    let reader: Reader<Value> = options(&disk).open_read_only(dir()).unwrap();
    let done = reader.backup(backup_dir()).unwrap();
    // Redacting is a change itself.
    assert_eq!((done.version, done.segments_kept), (32, 0));
    model.states.extend((31..=32).map(|version| (*reader.at(version).unwrap()).clone()));
    holds(&disk, &model, 0, 32);
    let told = |(path, bytes): (PathBuf, Vec<u8>)| {
        bytes.windows(11).any(|window| window == b"xyzzy-plugh").then_some(path)
    };
    assert_eq!(contents(&disk).into_iter().find_map(told), None);
    assert_eq!(reader.backup(backup_dir()).unwrap().copied_bytes, 0);
}

#[test]
fn two_backups_into_one_directory_do_not_meet() {
    let (disk, store, _) = written(13, 20, &[]);
    let disk = Arc::new(disk);
    let _lock = Disk::create_dir(&*disk, backup_dir())
        .and_then(|()| Disk::try_lock(&*disk, &backup_dir().join("LOCK")))
        .unwrap();
    assert!(matches!(store.backup(backup_dir()), Err(Error::Locked { .. })));
}
