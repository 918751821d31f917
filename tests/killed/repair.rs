//! Killed while a damaged store is repaired: it is damaged still, or whole, and what was cut is aside.

use crate::child::{Job, again_and_again, last, place, tell};
use crate::numbered::{self, judge, must_be_whole, options};
use redraft::{Repair, Store, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHANGES: u64 = 60;
const DELAY: Duration = Duration::from_millis(60);

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
    }
}

/// Not a test: the work of the process that is killed. The same damage is repaired again and again, each time in a new copy.
pub(crate) fn work(job: &Job) {
    for number in 1.. {
        let dir = job.dir.join(format!("{}-{number}", job.round));
        copy(&job.dir.join("damaged"), &dir);
        tell(&format!("on {number}"));
        Repair::plan(&dir).unwrap().carry_out().unwrap();
        tell(&format!("done {number}"));
    }
}

fn files_ending(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|it| it == ending)).collect();
    found.sort();
    found
}

/// A store with something wrong in the middle of it, and at other places.
fn damaged(dir: &Path) {
    let store: Store<Value> = options(1).open(dir).unwrap();
    for number in 1..=CHANGES {
        store.produce(numbered::step).unwrap();
        if number % 20 == 0 {
            store.snapshot().unwrap();
        }
    }
    store.set_cursor("mailer", 7).unwrap();
    store.close().unwrap();
    let segments = files_ending(dir, "seg");
    let snapshots = files_ending(dir, "snap");
    assert!(segments.len() > 5 && snapshots.len() > 1);
    let cursors = dir.join("CURSORS");
    for (path, byte) in [(&segments[1], 40), (&segments[4], 1000), (&snapshots[1], 90), (&cursors, 12)] {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[byte] ^= 0x20;
        std::fs::write(path, bytes).unwrap();
    }
}

/// Whatever of the damaged files is not as it was is aside as it was.
fn nothing_is_gone(was: &Path, now: &Path) {
    let asides = std::fs::read_dir(now).unwrap().map(|entry| entry.unwrap().path());
    let places: Vec<PathBuf> = asides.filter(|path| path.is_dir()).chain([now.to_owned()]).collect();
    for path in ["seg", "snap"].iter().flat_map(|ending| files_ending(was, ending)) {
        let (bytes, name) = (std::fs::read(&path).unwrap(), path.file_name().unwrap());
        let found = places.iter().any(|place| std::fs::read(place.join(name)).is_ok_and(|it| it == bytes));
        assert!(found, "{} is gone", path.display());
    }
}

#[test]
fn a_repair_that_is_killed_has_lost_nothing_and_comes_to_the_same_end_when_it_is_done_again() {
    let place = place();
    let was = place.path().join("damaged");
    damaged(&was);
    let head = Repair::plan(&was).unwrap().head();
    assert!((1..CHANGES).contains(&head));
    again_and_again("repair", place.path(), DELAY, &["on", "done"], |round, told| {
        let (begun, done) = (last(told, "on"), last(told, "done"));
        let (now, is_done) = (place.path().join(format!("{round}-{begun}")), begun == done);
        if begun > 0 {
            nothing_is_gone(&was, &now);
            let repair = Repair::plan(&now).unwrap();
            assert_eq!((repair.oldest(), repair.head()), (0, head));
            assert!(
                !is_done || !repair.is_needed(),
                "it was done, and this is to be done: {:?}",
                repair.steps()
            );
            repair.carry_out().unwrap();
            nothing_is_gone(&was, &now);
            judge(&now, round, head, |store| must_be_whole(store, head));
        }
        for number in 1..=begun + 1 {
            let _ = std::fs::remove_dir_all(place.path().join(format!("{round}-{number}")));
        }
    });
}
