//! Whatever byte a file of the log is cut at: the store opens with everything acknowledged, or an error names the place.
//!
//! After a clean close every cut is noticed, because an active segment ends with its mark and a sealed one with its
//! footer. After a crash as well: then the active segment has its full length.

use crate::common::{Model, Rules, contents, copy, counted, judge, seed, written};
use redraft::io::MemoryDisk;

/// Cuts every segment at every byte and holds what is left against the model.
fn cut_everywhere(disk: &MemoryDisk, model: &Model) -> usize {
    let rules =
        Rules { states: &model.states, acked: model.acked, seen: model.acked, given_up: 0, thorough: false };
    let mut cuts = 0;
    for (path, bytes) in contents(disk) {
        if path.extension().is_none_or(|ending| ending != "seg") {
            continue;
        }
        for cut in 0..bytes.len() {
            let image = copy(disk);
            image.put(&path, bytes[..cut].to_vec());
            let judged =
                judge(&image, rules).unwrap_or_else(|why| panic!("{} cut at {cut}: {why}", path.display()));
            // Cut right behind its mark, a segment looks like one that was closed, and nothing is missing.
            let whole = cut > 0 && judged.writer.as_ref().is_ok_and(|version| *version == model.acked);
            assert!(judged.noticed() || whole, "{} cut at {cut} went unnoticed", path.display());
            cuts += 1;
        }
    }
    counted(cuts as u64, "files cut");
    cuts
}

fn closed(snapshots: &[u64]) -> (MemoryDisk, Model) {
    let (disk, store, model) = written(seed(11), 45, snapshots);
    store.close().unwrap();
    let segments =
        disk.files().iter().filter(|path| path.extension().is_some_and(|ending| ending == "seg")).count();
    assert!(segments >= 3, "{segments} segments");
    (disk, model)
}

#[test]
fn every_cut_of_a_closed_log_is_noticed_and_loses_nothing_in_silence() {
    let (disk, model) = closed(&[]);
    assert!(cut_everywhere(&disk, &model) > 2_000);
}

#[test]
fn every_cut_of_a_closed_log_with_snapshots_is_noticed_and_loses_nothing_in_silence() {
    let (disk, model) = closed(&[20, 45]);
    assert!(cut_everywhere(&disk, &model) > 2_000);
}

#[test]
fn every_cut_after_a_killed_process_is_noticed_and_loses_nothing_in_silence() {
    let (disk, store, model) = written(seed(12), 45, &[20]);
    let killed = disk.process_kill();
    drop(store);
    assert!(cut_everywhere(&killed, &model) > 2_000);
}

#[test]
fn a_snapshot_cut_anywhere_is_passed_over_for_an_older_state() {
    let (disk, model) = closed(&[20, 45]);
    let rules =
        Rules { states: &model.states, acked: model.acked, seen: model.acked, given_up: 0, thorough: false };
    for (path, bytes) in contents(&disk) {
        if path.extension().is_none_or(|ending| ending != "snap") {
            continue;
        }
        for cut in 0..bytes.len() {
            let image = copy(&disk);
            image.put(&path, bytes[..cut].to_vec());
            let judged =
                judge(&image, rules).unwrap_or_else(|why| panic!("{} cut at {cut}: {why}", path.display()));
            assert_eq!(judged.writer.unwrap(), model.acked, "the log alone is enough");
            assert!(judged.report.is_ok_and(|report| !report.is_sound()), "verification names it");
        }
    }
}
