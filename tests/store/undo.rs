//! Undo takes back exactly one change, whenever it was made, or says which later change is in the way.

use redraft::{Commit, Error, Store, UndoRefusal, Value, value};

fn store_of(recipes: &[fn(&mut Value)]) -> (tempfile::TempDir, Store<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    for recipe in recipes {
        store.produce(recipe).unwrap();
    }
    (dir, store)
}

fn refusal(answer: redraft::Result<Commit<Value>>) -> (u64, UndoRefusal) {
    let error = answer.unwrap_err();
    let Error::UndoState { version, why } = error else { panic!("{error:?}") };
    (version, why)
}

#[test]
fn an_older_change_is_taken_back_alone() {
    let (_dir, store) =
        store_of(&[|doc| doc["a"] = 1.into(), |doc| doc["b"] = 2.into(), |doc| doc["c"] = 3.into()]);
    let commit = store.undo(1).unwrap();
    assert_eq!(**commit.state(), value!({ "b": 2, "c": 3 }));
    let change = store.changes(4..).unwrap().next().unwrap().unwrap();
    assert_eq!(change.undoes, Some(1));
}

#[test]
fn a_change_that_was_built_upon_is_not_taken_back() {
    let (_dir, store) = store_of(&[|doc| doc["a"] = 1.into(), |doc| doc["a"] = 2.into()]);
    let error = store.undo(1).unwrap_err();
    let Error::UndoConflict { version, later, path } = error else { panic!("{error}") };
    assert_eq!((version, later, path.to_string().as_str()), (1, 2, "/a"));
    assert_eq!((store.version(), &*store.state()), (2, &value!({ "a": 2 })));
}

#[test]
fn positions_that_moved_since_are_not_guessed() {
    let (_dir, store) = store_of(&[
        |doc| doc["list"] = value!(["a", "b"]),
        |doc| doc["list"].as_list_mut().unwrap().insert(0, "first"),
        |doc| doc["list"].as_list_mut().unwrap().insert(0, "even before"),
    ]);
    let error = store.undo(2).unwrap_err();
    assert!(matches!(error, Error::UndoConflict { version: 2, later: 3, .. }), "{error}");
}

#[test]
fn undo_and_redo_can_go_on_for_ever() {
    let (_dir, store) = store_of(&[|doc| doc["a"] = 1.into(), |doc| doc["b"] = 2.into()]);
    for _ in 0..3 {
        assert_eq!(**store.undo(1).unwrap().state(), value!({ "b": 2 }));
        assert_eq!(refusal(store.undo(1)), (1, UndoRefusal::AlreadyUndone));
        assert_eq!(**store.redo(1).unwrap().state(), value!({ "a": 1, "b": 2 }));
        assert_eq!(refusal(store.redo(1)), (1, UndoRefusal::NotUndone));
    }
}

#[test]
fn all_changes_can_be_undone_from_the_newest_to_the_first() {
    let (_dir, store) = store_of(&[
        |doc| doc["a"] = 1.into(),
        |doc| doc["a"] = value!({ "deep": [1, 2, 3] }),
        |doc| doc["a"]["deep"][1] = "x".into(),
        |doc| drop(doc["a"]["deep"].as_list_mut().unwrap().remove(0)),
        |doc| *doc = value!("everything else"),
    ]);
    for version in (1..=5).rev() {
        let before = store.at(version - 1).unwrap();
        assert_eq!(*store.undo(version).unwrap().state(), before, "undoing {version}");
    }
}

#[test]
fn versions_that_nobody_made_cannot_be_undone() {
    let (_dir, store) = store_of(&[|doc| doc["a"] = 1.into()]);
    assert_eq!(refusal(store.undo(0)), (0, UndoRefusal::Beginning));
    assert!(matches!(store.undo(9), Err(Error::BeyondHead { version: 9, head: 1 })));
    assert_eq!(refusal(store.redo(1)), (1, UndoRefusal::NotUndone));
    assert_eq!(store.version(), 1);
}

#[test]
fn a_redo_that_was_undone_can_be_done_again() {
    let (_dir, store) = store_of(&[|doc| doc["n"] = 1.into()]);
    store.undo(1).unwrap();
    let redone = store.redo(1).unwrap().version();
    store.undo(redone).unwrap();
    assert_eq!(store.redo(1).unwrap().state()["n"].as_i64(), Some(1));
    assert_eq!(refusal(store.redo(1)), (1, UndoRefusal::NotUndone));
    assert!(matches!(store.redo(9), Err(Error::BeyondHead { version: 9, .. })));
}
