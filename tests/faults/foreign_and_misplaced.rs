//! Files that are not where they belong are refused, for the same reason by writers, readers and verification, and are
//! left as they are. What recovery_table.rs does not show of it: snapshots, backups, swapped and doubled files, lengths
//! made to deceive, names that are not ours.

use crate::common::{Model, check, contents, copy, dir, open, reader, segment_path, snapshot_path, written};
use redraft::io::{Disk, Env, MemoryDisk, SeededEntropy};
use redraft::{Defect, Error, Options};
use std::path::{Path, PathBuf};

fn base_of(path: &Path) -> Option<u64> {
    path.extension().filter(|ending| *ending == "seg")?;
    path.file_stem()?.to_str()?.parse().ok()
}

/// A closed store of 60 changes in at least four segments, with a snapshot at 30.
fn store() -> (MemoryDisk, Vec<u64>) {
    let (disk, store, _) = written(1, 60, &[30]);
    store.close().unwrap();
    let bases: Vec<u64> = disk.files().iter().filter_map(|path| base_of(path)).collect();
    assert!(bases.len() >= 4, "{bases:?}");
    (disk, bases)
}

/// The same changes in a store of another identity.
fn another_store() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let options = Options::new().env(Env::simulated(disk.clone(), 99)).segment_bytes(1024);
    let (store, dice, mut model) = (options.open(dir()).unwrap(), SeededEntropy::new(1), Model::new());
    for _ in 0..60 {
        if model.produce(&store, &dice).unwrap() == 30 {
            store.snapshot().unwrap();
        }
    }
    store.close().unwrap();
    disk
}

/// Writers, readers and verification refuse it, for the same reason, and change nothing.
fn refused(disk: &MemoryDisk) -> (PathBuf, Defect) {
    let before = contents(disk);
    let Err(Error::Damaged(by_reader)) = reader(disk) else { panic!("a reader opens it") };
    let report = check(disk).unwrap();
    let Err(Error::Damaged(by_writer)) = open(disk) else { panic!("a writer opens it") };
    assert_eq!(by_reader, by_writer);
    assert!(report.damage.contains(&by_writer), "{by_writer:?} is not in {report:?}");
    assert_eq!(before, contents(disk));
    (by_writer.path, by_writer.defect)
}

#[test]
fn swapped_segments_are_refused() {
    let (disk, bases) = store();
    let (one, other) = (segment_path(bases[1]), segment_path(bases[2]));
    let (a, b) = (disk.bytes(&one).unwrap(), disk.bytes(&other).unwrap());
    disk.put(&one, b);
    disk.put(&other, a);
    assert_eq!(refused(&disk), (one, Defect::Misnamed { named: bases[1], found: bases[2] }));
}

#[test]
fn a_segment_that_is_there_twice_is_refused() {
    let (disk, bases) = store();
    let copied = segment_path(bases[2] + 1);
    disk.put(&copied, disk.bytes(&segment_path(bases[2])).unwrap());
    assert_eq!(refused(&disk), (copied, Defect::Misnamed { named: bases[2] + 1, found: bases[2] }));
}

#[test]
fn every_segment_is_recognised_as_another_stores() {
    let ((disk, bases), other) = (store(), another_store());
    for &base in &bases {
        let image = copy(&disk);
        image.put(&segment_path(base), other.bytes(&segment_path(base)).unwrap());
        assert_eq!(refused(&image).1, Defect::Foreign, "segment {base}");
    }
}

#[test]
fn a_segment_from_an_older_backup_is_refused() {
    let (disk, store, mut model) = written(4, 30, &[]);
    let backup = disk.process_kill();
    let dice = SeededEntropy::new(44);
    for _ in 0..30 {
        model.produce(&store, &dice).unwrap();
    }
    store.close().unwrap();
    let stale = backup.files().into_iter().rfind(|path| base_of(path).is_some()).unwrap();
    assert_ne!(disk.bytes(&stale), backup.bytes(&stale));
    disk.put(&stale, backup.bytes(&stale).unwrap());
    let defect = refused(&disk).1;
    assert!(matches!(defect, Defect::Gap { .. } | Defect::Unsealed { .. }), "{defect:?}");
}

#[test]
fn an_older_snapshot_of_another_store_is_passed_over_and_reported() {
    let ((disk, _), other) = (store(), another_store());
    disk.put(&snapshot_path(30), other.bytes(&snapshot_path(30)).unwrap());
    assert!(check(&disk).unwrap().damage.iter().any(|damage| damage.defect == Defect::Foreign));
    let opened = open(&disk).unwrap();
    assert_eq!((opened.version(), opened.opened().from_snapshot), (60, None));
    let passed: Vec<_> = opened.opened().passed_over.iter().filter_map(Error::damage).collect();
    assert_eq!(passed.len(), 1);
    assert_eq!((&passed[0].path, &passed[0].defect), (&snapshot_path(30), &Defect::Foreign));
}

#[test]
fn a_newer_snapshot_of_another_store_is_what_is_out_of_place_not_the_log() {
    let (disk, store, _) = written(6, 20, &[]);
    store.close().unwrap();
    disk.put(&snapshot_path(30), another_store().bytes(&snapshot_path(30)).unwrap());
    assert_eq!(refused(&disk), (snapshot_path(30), Defect::Foreign));
}

#[test]
fn a_newer_snapshot_of_the_same_store_shows_that_the_log_is_too_short() {
    let (long, store, _) = written(6, 60, &[60]);
    store.close().unwrap();
    let (short, store, _) = written(6, 50, &[]);
    store.close().unwrap();
    short.put(&snapshot_path(60), long.bytes(&snapshot_path(60)).unwrap());
    assert_eq!(refused(&short).1, Defect::LogTooShort { head: 50, proven: 60 });
}

/// The tests run on threads of one process, so the bound leaves room for what the others use.
#[test]
fn a_length_made_to_deceive_is_an_error_and_allocates_nothing() {
    let (disk, bases) = store();
    for length in [1_u32 << 30, (1 << 30) + 1, u32::MAX - 2, 1 << 20] {
        let image = copy(&disk);
        let path = segment_path(*bases.last().unwrap());
        let mut bytes = image.bytes(&path).unwrap();
        bytes[64..68].copy_from_slice(&length.to_le_bytes());
        let most = bytes.len() as u64 - 64 - 8;
        image.put(&path, bytes);
        let before = peak_kib();
        assert_eq!(refused(&image).1, Defect::Length { part: "record", found: length.into(), most });
        assert!(peak_kib() < before + 64 * 1024, "{} KiB more", peak_kib() - before);
    }
}

/// The most memory this process ever had, in KiB; 0 where the system does not tell.
#[allow(clippy::disallowed_methods, reason = "this looks at the system, not at a store")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[test]
fn files_of_other_names_are_left_alone() {
    let (disk, _) = store();
    let others = ["notes.txt", "1.seg", "0000000000000000000x.seg", "LOCK.old"].map(|name| dir().join(name));
    others.iter().for_each(|path| disk.put(path, vec![1]));
    let store = open(&disk).unwrap();
    store.produce(|doc| doc["more"] = 1.into()).unwrap();
    store.close().unwrap();
    assert!(others.iter().all(|path| disk.bytes(path) == Some(vec![1])));
    assert!(disk.list(dir()).unwrap().len() > others.len());
}
