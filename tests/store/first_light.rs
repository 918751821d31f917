//! The whole path once: draft, log, rewind, undo, snapshot, restore, follow, verify, on the real disk.

use redraft::{Meta, Mirror, Options, Reader, Store, Value, value, verify};

#[test]
fn what_was_produced_is_there_after_reopening_at_every_version() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let store = Options::new().segment_bytes(2048).open::<Value>(&path).unwrap();
    for n in 0..200i64 {
        let commit = store.produce_with(Meta::label(format!("set {n}")), |doc| doc["n"] = n.into()).unwrap();
        assert_eq!(commit.version(), n as u64 + 1);
    }
    assert_eq!(store.produce(|_| ()).unwrap().version(), 200);
    let undone = store.undo(200).unwrap();
    assert_eq!(undone.state()["n"].as_i64(), Some(198));
    let redone = store.redo(200).unwrap();
    assert_eq!(redone.state()["n"].as_i64(), Some(199));
    assert!(store.undo(5).is_err());
    store.snapshot().unwrap();
    store.restore(100, dir.path().join("b")).unwrap();
    drop(store);

    let reader = Reader::<Value>::open(&path).unwrap();
    assert_eq!(reader.version(), 202);
    for version in 1..=200u64 {
        assert_eq!(*reader.at(version).unwrap(), value!({ "n": version as i64 - 1 }));
    }
    assert_eq!(reader.changes(..).unwrap().count(), 202);
    let report = verify(&path).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.intact, 202);

    let mut replica = Mirror::open(&path, dir.path().join("c")).unwrap();
    assert_eq!(replica.catch_up().unwrap().copied, 202);
    replica.close().unwrap();
    assert_eq!(Reader::<Value>::open(dir.path().join("c")).unwrap().state(), reader.state());

    let restored = Store::<Value>::open(dir.path().join("b")).unwrap();
    assert_eq!(*restored.state(), value!({ "n": 99 }));
    assert_eq!(restored.produce(|doc| doc["m"] = 1.into()).unwrap().version(), 101);
    drop(restored);
    assert!(verify(dir.path().join("b")).unwrap().is_sound());
}
