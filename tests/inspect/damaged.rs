//! A damaged store is looked into as far as it is good: damage is told with its place, and never shown as if it were something.

use crate::common::waiting::until;
use crate::looked::{Looked, Running};
use redraft::{Options, Reader, SnapshotPolicy, Value};
use std::path::{Path, PathBuf};

fn files(dir: &Path, ending: &str) -> Vec<(u64, PathBuf)> {
    let mut files: Vec<(u64, PathBuf)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().parse().unwrap(), path))
        .collect();
    files.sort();
    files
}

fn flip(path: &Path, byte: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[byte] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// A store of many segments, of which one is damaged: the versions that it begins and ends with.
fn damaged() -> (Looked, u64, u64) {
    let looked =
        Looked::of(&Options::new().segment_bytes(512).snapshots(SnapshotPolicy::on_demand()), |inspector| {
            inspector
        });
    for version in 1..=100 {
        looked.store.produce(|doc| doc["n"] = version.into()).unwrap();
    }
    until(|| looked.running.json("timeline")["through"] == 100);
    let segments = files(&looked.path(), "seg");
    flip(&segments[3].1, 200);
    (looked, segments[3].0, segments[4].0)
}

#[test]
fn what_is_good_is_shown_and_what_is_not_is_told_with_its_place() {
    let (looked, first, next) = damaged();
    // As somebody else would find it, who has nothing in memory.
    let again = Running::of(std::sync::Arc::clone(&looked.store));
    for running in [&again, &looked.running] {
        for version in 1..=first {
            assert_eq!(running.json(&format!("node?at={version}&path=/n"))["preview"], version.to_string());
        }
        let told = running.get(&format!("change/{next}"));
        let told = if told.status == 200 { None } else { Some(told.problem(500)) };
        if let Some(told) = told {
            assert_eq!(told["kind"], "damage");
            assert!(
                !told["detail"].as_str().unwrap().contains(looked.dir.path().to_str().unwrap()),
                "{told}"
            );
        }
    }
    until(|| again.json("timeline")["through"] == 100);
    let health = again.json("health");
    assert_eq!(health["ok"], false);
    let place = health["damage"][0]["place"].as_str().unwrap();
    assert!(place.starts_with(&format!("{first:020}.seg, byte ")), "{place}");
    assert!(!health.to_string().contains(looked.dir.path().to_str().unwrap()), "{health}");
    // What lies behind is counted again from the next segment on.
    let parts = again.json("timeline?buckets=1000");
    let counted: Vec<u64> =
        parts["buckets"].as_array().unwrap().iter().map(|part| part["changes"].as_u64().unwrap()).collect();
    assert!(
        counted[..first as usize].iter().chain(&counted[next as usize..]).all(|&count| count == 1),
        "{counted:?}"
    );
    assert!(counted.contains(&0));
    // Backwards, the lines before the damage are told, and then the damage.
    let rows = again.json("changes?backwards=1&limit=1000");
    assert!(rows["changes"].as_array().unwrap().len() >= (100 - next) as usize && rows["more"] == true);
    again.get(&format!("changes?backwards=1&from={}", rows["next"])).problem(500);
}

#[test]
fn a_damaged_snapshot_is_told_though_nobody_needed_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Options::new().open::<Value>(dir.path().join("board")).unwrap();
    for version in 1..=20 {
        store.produce(|doc| doc["n"] = version.into()).unwrap();
    }
    store.snapshot().unwrap();
    store.produce(|doc| doc["n"] = 21.into()).unwrap();
    let (_, path) = files(&dir.path().join("board"), "snap").remove(0);
    let middle = std::fs::metadata(&path).unwrap().len() as usize / 2;
    flip(&path, middle);
    let running = Running::of(Reader::<Value>::open(dir.path().join("board")).unwrap());
    until(|| running.json("health")["ok"] == false);
    let health = running.json("health");
    assert!(health["damage"][0]["place"].as_str().unwrap().contains(".snap"), "{health}");
    assert_eq!(running.json("node?path=/n")["preview"], "21");
}

#[test]
fn a_store_that_goes_away_is_an_answer_and_no_end() {
    let looked = Looked::lively(61, 20);
    let running = Running::of(Reader::<Value>::open(looked.path()).unwrap());
    running.json("node?at=5");
    std::fs::rename(looked.path(), looked.dir.path().join("elsewhere")).unwrap();
    for target in
        ["node?at=3", "changes", "health", "store", "timeline", "life?path=/n", "change/4", "value?at=2"]
    {
        let answer = running.get(target);
        assert!(answer.status < 600, "{target}");
        answer.json();
    }
    assert_eq!(running.client().get("/").status, 200);
}
