//! A patch that is wanted on one version is applied to that or not at all, whoever else is at work.

use redraft::{Error, ErrorKind, Meta, Store, Value, diff, value};
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_patch_for_an_older_version_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::<Value>::open(dir.path()).unwrap();
    let (patch, _) = diff(&value!({}), &value!({ "title": "plan" })).unwrap();
    let made = store.apply_on(0, Meta::label("a title"), &patch).unwrap();
    assert_eq!((made.version(), made.patch()), (1, &patch));
    for base in [0, 2, u64::MAX] {
        let late = store.apply_on(base, Meta::default(), &patch).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Stale);
        assert!(matches!(late, Error::Outdated { base: Some(found), head: 1 } if found == base));
    }
    assert_eq!((store.version(), &*store.state()), (1, &value!({ "title": "plan" })));
    assert_eq!(store.changes(..).unwrap().count(), 1);
}

/// Each adds one to what they know. Were a single patch applied to another version than its own, a count would be lost.
#[test]
fn of_patches_for_one_version_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::<Value>::open(dir.path()).unwrap();
    store.produce(|doc| doc["count"] = 0.into()).unwrap();
    let late = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    loop {
                        let (base, state) = store.newest();
                        let count = state["count"].as_i64().unwrap();
                        let next = value!({ "count": count + 1 });
                        let (patch, _) = diff(&*state, &next).unwrap();
                        match store.apply_on(base, Meta::default(), &patch) {
                            Ok(commit) => break assert_eq!(commit.version(), base + 1),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Stale),
                        }
                        late.fetch_add(1, Ordering::Relaxed);
                        assert!(store.version() > base, "who is refused sees what was faster");
                    }
                }
            });
        }
    });
    assert_eq!((store.state()["count"].as_i64(), store.version()), (Some(400), 401));
    assert!(late.into_inner() > 0, "nobody was ever late, so nothing was tested");
}
