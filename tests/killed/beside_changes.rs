//! Killed while one thread makes changes and another takes snapshots, removes them, gives up history, packs it or copies it.

use crate::child::{Job, again_and_again, last, place, tell};
use crate::numbered::{self, judge, must_be_tidy_and_sound, must_be_whole, options};
use redraft::{Error, Reader, Retention, SnapshotPolicy, Store, Value};
use std::path::Path;
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(50);

/// What is done again and again beside the changes, and told when it is done.
fn maintain(work: &str, store: &Store<Value>, dir: &Path) {
    let compact = || store.compact_to(Retention::Changes(20)).unwrap();
    match work {
        "thinning" => std::thread::yield_now(),
        "snapshots" => tell(&format!("done {}", store.snapshot().unwrap().version)),
        "compaction" => tell(&format!("done {}", compact().oldest)),
        "packing" => {
            store.pack().unwrap();
            tell("done");
        }
        "backups" => {
            tell(&format!("done {}", store.backup(dir.join("b")).unwrap().version));
            store.snapshot().unwrap();
            tell(&format!("kept {}", compact().oldest));
        }
        other => panic!("what is {other}?"),
    }
}

/// Not a test: the work of the process that is killed.
pub(crate) fn work(job: &Job) {
    let policy = match job.work.as_str() {
        "thinning" => SnapshotPolicy::on_demand().every_changes(3).keep_last(2),
        "compaction" => SnapshotPolicy::on_demand().every_changes(7).keep_last(1),
        _ => SnapshotPolicy::on_demand(),
    };
    let options = options(job.round).snapshots(policy).pack_sealed(job.work == "packing");
    let store: Store<Value> = options.open(job.dir.join("s")).unwrap();
    std::thread::scope(|scope| {
        let _maintaining = scope.spawn(|| {
            loop {
                maintain(&job.work, &store, &job.dir);
            }
        });
        loop {
            let version = store.produce(numbered::step).unwrap().version();
            tell(&format!("v {version}"));
        }
    });
}

fn all_is_there_whenever_it_is_killed(kind: &str, wanted: &[&str]) {
    let dir = place();
    again_and_again(kind, dir.path(), DELAY, wanted, |round, told| {
        let acknowledged = last(told, "v");
        judge(&dir.path().join("s"), round, acknowledged, |store| must_be_whole(store, acknowledged));
    });
}

#[test]
fn what_was_acknowledged_is_there_whenever_it_is_killed_during_snapshots() {
    all_is_there_whenever_it_is_killed("snapshots", &["v", "done"]);
}

#[test]
fn what_was_acknowledged_is_there_whenever_it_is_killed_while_snapshots_are_thinned() {
    all_is_there_whenever_it_is_killed("thinning", &["v"]);
}

#[test]
fn what_was_acknowledged_and_is_kept_is_there_whenever_it_is_killed_during_compaction() {
    all_is_there_whenever_it_is_killed("compaction", &["v", "done"]);
}

#[test]
fn what_was_acknowledged_is_there_whenever_it_is_killed_during_packing() {
    all_is_there_whenever_it_is_killed("packing", &["v", "done"]);
}

/// What is in the directory of a backup is sound, and has what was told to be in it.
fn backup_must_be_whole(backup: &Path, copied: u64) {
    match Reader::<Value>::open(backup) {
        Err(Error::NotAStore { .. }) => assert_eq!(copied, 0, "a backup that was done is gone"),
        Err(error) => panic!("{error:?}"),
        Ok(reader) => {
            let (oldest, newest) = (reader.oldest().unwrap(), reader.version());
            assert!(newest >= copied, "version {copied} was copied, {newest} is the newest there");
            for version in [oldest, newest] {
                assert_eq!(*reader.at(version).unwrap(), numbered::expected(version), "version {version}");
            }
        }
    }
}

#[test]
fn a_backup_is_whole_and_can_be_gone_on_with_whenever_the_process_is_killed() {
    let dir = place();
    let (source, backup) = (dir.path().join("s"), dir.path().join("b"));
    again_and_again("backups", dir.path(), DELAY, &["v", "done", "kept"], |round, told| {
        let (acknowledged, copied) = (last(told, "v"), last(told, "done"));
        backup_must_be_whole(&backup, copied);
        judge(&source, round, acknowledged, |store| {
            must_be_whole(store, acknowledged);
            let done = store.backup(&backup).unwrap();
            assert_eq!((done.oldest, done.version), (store.oldest(), store.version()));
            backup_must_be_whole(&backup, store.version());
            must_be_tidy_and_sound(&backup, store.version());
        });
        if !source.exists() && backup.exists() {
            std::fs::remove_dir_all(&backup).unwrap();
        }
    });
}
