//! Killed while one thread makes changes and another forks the newest version, and goes on from the fork for a while.

use crate::child::{Job, again_and_again, last, place, tell};
use crate::numbered::{self, judge, must_be_tidy_and_sound, must_be_whole, options};
use redraft::{Store, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(50);
/// So many places for forks, which are used again and again.
const PLACES: u64 = 3;

/// Not a test: the work of the process that is killed.
pub(crate) fn work(job: &Job) {
    let store: Store<Value> = options(job.round).open(job.dir.join("s")).unwrap();
    std::thread::scope(|scope| {
        let _forking = scope.spawn(|| {
            for count in 0.. {
                let target = job.dir.join(format!("f{}", count % PLACES));
                remove(&target, &job.dir.join("gone"));
                let version = store.version();
                store.fork(version, &target).unwrap();
                tell(&format!("forked {version}"));
                let fork: Store<Value> = options(job.round).open(&target).unwrap();
                for _ in 0..5 {
                    fork.produce(numbered::step).unwrap();
                }
            }
        });
        loop {
            let version = store.produce(numbered::step).unwrap().version();
            tell(&format!("v {version}"));
        }
    });
}

/// In one step, so that what is there is a fork.
fn remove(fork: &Path, gone: &Path) {
    let _ = std::fs::remove_dir_all(gone);
    if fork.exists() {
        std::fs::rename(fork, gone).unwrap();
    }
}

fn fork_must_be_whole(dir: &Path, round: u64) {
    let store: Store<Value> = options(round).create(false).open(dir).unwrap();
    let head = store.version();
    let changes: Vec<_> = store.changes(..).unwrap().map(Result::unwrap).collect();
    let forked = changes.iter().find(|change| change.is_fork).unwrap().version;
    for version in (0..=head).step_by(9).chain([forked - 1, forked, head]) {
        let number = version - u64::from(version >= forked);
        assert!(*store.at(version).unwrap() == numbered::expected(number), "version {version}");
    }
    store.close().unwrap();
    must_be_tidy_and_sound(dir, head);
}

fn forks(dir: &Path) -> Vec<PathBuf> {
    (0..PLACES).map(|place| dir.join(format!("f{place}"))).filter(|dir| dir.exists()).collect()
}

#[test]
fn source_and_forks_are_whole_whenever_the_process_is_killed() {
    let dir = place();
    let source = dir.path().join("s");
    again_and_again("forks", dir.path(), DELAY, &["v", "forked"], |round, told| {
        let acknowledged = last(told, "v");
        for fork in forks(dir.path()) {
            fork_must_be_whole(&fork, round);
        }
        judge(&source, round, acknowledged, |store| {
            must_be_whole(store, acknowledged);
            let target = dir.path().join("f0");
            remove(&target, &dir.path().join("gone"));
            store.fork(store.version(), &target).unwrap();
            fork_must_be_whole(&target, round);
        });
    });
}
