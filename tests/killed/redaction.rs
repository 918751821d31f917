//! Killed while something is taken out of the history: it is everywhere as before, or in no file.

use crate::child::{Job, again_and_again, last, place, tell};
use crate::numbered::{self, expected, judge, number_of, options, secret, secret_of};
use redraft::value::Pointer;
use redraft::{Store, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(250);

/// Not a test: the work of the process that is killed.
pub(crate) fn work(job: &Job) {
    let dir = job.dir.join("s");
    loop {
        let store: Store<Value> = options(job.round).open(&dir).unwrap();
        for _ in 0..2 * numbered::SECRET_EVERY {
            let commit = store.produce(numbered::step).unwrap();
            tell(&format!("n {}", number_of(commit.state())));
        }
        store.snapshot().unwrap();
        let number = number_of(&store.state());
        store.close().unwrap();
        tell("redacting");
        let place = Pointer::parse("/secret").unwrap();
        options(job.round).plan_redaction(&dir, [place]).unwrap().carry_out().unwrap();
        tell(&format!("redacted {number}"));
    }
}

/// All files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Every version is what it was, but for secrets; which of those are there in every version of theirs, and which in none.
fn look(store: &Store<Value>, acknowledged: u64) -> BTreeMap<u64, bool> {
    let mut shown = BTreeMap::new();
    for version in 0..=store.version() {
        let state = store.at(version).unwrap();
        let mut right = expected(number_of(&state));
        if let Some(of) = secret_of(number_of(&state)) {
            let is_shown = state["secret"] != Value::Null;
            assert_eq!(
                *shown.entry(of).or_insert(is_shown),
                is_shown,
                "version {version}: half of it is gone"
            );
            if !is_shown {
                right["secret"] = Value::Null;
            }
        }
        assert_eq!(*state, right, "version {version}");
    }
    assert!(number_of(&store.state()) >= acknowledged);
    shown
}

#[test]
fn a_redacted_value_is_everywhere_as_before_or_in_no_file_whenever_the_process_is_killed() {
    let place = place();
    let dir = place.path().join("s");
    again_and_again("redaction", place.path(), DELAY, &["n", "redacting", "redacted"], |round, told| {
        let (acknowledged, redacted) = (last(told, "n"), last(told, "redacted"));
        judge(&dir, round, acknowledged, |store| {
            let shown = look(store, acknowledged);
            let bytes: Vec<Vec<u8>> = files(&dir).iter().map(|path| std::fs::read(path).unwrap()).collect();
            for (of, is_shown) in shown {
                assert!(!is_shown || of > redacted, "what was redacted is there");
                let Value::Bytes(secret) = secret(of) else { unreachable!() };
                let is_in = |file: &Vec<u8>| file.windows(secret.len()).any(|part| part == &secret[..]);
                assert_eq!(bytes.iter().any(is_in), is_shown, "secret {of} in the files");
            }
        });
    });
}
