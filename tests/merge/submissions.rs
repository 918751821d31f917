//! A submission is recorded once, whatever becomes of it, and answered for whenever it comes again.

use crate::common::{dir, env};
use redraft::io::MemoryDisk;
use redraft::merge::{Guard, Outcome, Policy, Refusal, Rules, Submission};
use redraft::{Error, Options, Patch, Store, Value, WriterId, diff, value};

fn store(disk: &MemoryDisk) -> Store<Value> {
    Options::new().env(env(disk)).segment_bytes(4096).open(dir()).unwrap()
}

fn writer() -> WriterId {
    "abc".parse().unwrap()
}

fn change(old: &Value, new: &Value) -> Patch {
    diff(old, new).unwrap().0
}

#[test]
fn the_same_submission_is_recorded_once_also_after_a_snapshot_and_opening_again() {
    let disk = MemoryDisk::new();
    let patch = change(&value!({}), &value!({ "a": 1 }));
    let submission = Submission::new(0, patch).by(writer(), 1);
    let first = store(&disk).merge(&submission).unwrap();
    assert!(first.is_new && first.outcome == Outcome::Clean);
    for round in 0..3 {
        let store = store(&disk);
        store.produce(|doc| doc["round"] = round.into()).unwrap();
        store.snapshot().unwrap();
        let again = store.merge(&submission).unwrap();
        assert_eq!((again.version, again.is_new), (first.version, false));
        assert_eq!(again.outcome, first.outcome);
        store.close().unwrap();
    }
    let store = store(&disk);
    assert_eq!(store.version(), 4);
    let gap = store.merge(&Submission::new(0, Patch::new()).by(writer(), 3));
    assert!(matches!(gap, Err(Error::SequenceGap { expected: 2, found: 3, .. })), "{gap:?}");
}

#[test]
fn a_refused_submission_is_recorded_and_the_next_one_goes_on() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    store.set_rules(Rules::new().with("/a".parse().unwrap(), Policy::Reject)).unwrap();
    let base = store.produce(|doc| doc["a"] = 1.into()).unwrap();
    store.produce(|doc| doc["a"] = 2.into()).unwrap();
    let mine = change(base.state(), &value!({ "a": 3 }));
    let receipt = store.merge(&Submission::new(base.version(), mine.clone()).by(writer(), 1)).unwrap();
    let Outcome::Rejected { why, .. } = &receipt.outcome else { panic!("{receipt:?}") };
    assert_eq!((*why, receipt.version, store.version()), (Refusal::Conflict, 4, 4));
    assert_eq!(*store.state(), value!({ "a": 2 }));
    let recorded = store.changes(4..).unwrap().next().unwrap().unwrap();
    let merged = recorded.merged.unwrap();
    assert_eq!((merged.original, recorded.patch.is_empty(), merged.notes[0].met), (Some(mine), true, 3));
    // The writer does not know yet that it was refused: what it made is still on top of that.
    let on_top = change(&value!({ "a": 3 }), &value!({ "a": 3, "b": 1 }));
    let next = store.merge(&Submission::new(base.version(), on_top).by(writer(), 2)).unwrap();
    assert_eq!(*store.state(), value!({ "a": 2, "b": 1 }), "{next:?}");
}

#[test]
fn guards_are_held_against_the_newest_state() {
    let store = store(&MemoryDisk::new());
    let base = store.produce(|doc| *doc = value!({ "open": true, "n": 1 })).unwrap();
    let more = change(base.state(), &value!({ "open": true, "n": 2 }));
    let guarded = |guard| Submission::new(base.version(), more.clone()).guard(guard);
    let open = || Guard::test("/open".parse().unwrap(), true);
    let unchanged = || Guard::unchanged("/open".parse().unwrap());
    assert_eq!(store.preview(&guarded(unchanged())).unwrap().outcome, Outcome::Clean);
    store.produce(|doc| doc["open"] = false.into()).unwrap();
    for guard in [open(), unchanged()] {
        let receipt = store.merge(&guarded(guard)).unwrap();
        assert!(matches!(receipt.outcome, Outcome::Rejected { why: Refusal::Guard, .. }), "{receipt:?}");
        assert!(!receipt.is_new);
    }
    store.produce(|doc| doc["open"] = true.into()).unwrap();
    assert!(store.merge(&guarded(open())).unwrap().is_new);
    assert_eq!(store.state()["n"].as_i64(), Some(2));
}

#[test]
fn a_version_too_far_back_is_refused_and_never_guessed() {
    let disk = MemoryDisk::new();
    let store: Store<Value> = Options::new().env(env(&disk)).merge_window(8).open(dir()).unwrap();
    for n in 0..20 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    let patch = || change(&value!({}), &value!({ "a": 1 }));
    let late = store.merge(&Submission::new(11, patch()));
    assert!(matches!(late, Err(Error::TooOld { base: 11, oldest: 12 })), "{late:?}");
    assert!(matches!(store.merge(&Submission::new(21, patch())), Err(Error::BeyondHead { .. })));
    assert!(store.merge(&Submission::new(12, patch())).unwrap().is_new);
}
