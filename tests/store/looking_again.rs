//! A reader looks again as often as it likes: it never goes back, and where nothing is new it costs nothing.

use crate::common::{dir, open, options, reader, written};
use redraft::State;
use std::sync::Arc;

/// A state that is copied as a whole when it is cloned.
#[derive(Clone, Debug, Default, State)]
struct Copied {
    serial: i64,
    words: Vec<String>,
}

#[test]
fn a_look_without_news_copies_nothing() {
    let disk = redraft::io::MemoryDisk::new();
    let store = options(&disk).create(true).open::<Copied>(dir()).unwrap();
    for n in 0..20 {
        store.produce(|state| state.words.push(n.to_string())).unwrap();
    }
    let reader = options(&disk).open_read_only::<Copied>(dir()).unwrap();
    let (state, early) = (reader.state(), reader.at(3).unwrap());
    for _ in 0..100 {
        assert_eq!(reader.refresh().unwrap(), 20);
    }
    assert!(Arc::ptr_eq(&state, &reader.state()));
    assert!(Arc::ptr_eq(&early, &reader.at(3).unwrap()), "what was at hand still is");
}

#[test]
fn a_reader_of_many_threads_never_goes_back() {
    let (disk, store, _) = written(9, 10, &[]);
    drop(store);
    let (store, reader) = (open(&disk).unwrap(), reader(&disk).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut seen = 0;
                while seen < 300 {
                    let found = reader.refresh().unwrap();
                    let now = reader.version();
                    assert!(found >= seen && now >= found, "{seen}, then {found}, then {now}");
                    seen = now;
                }
            });
        }
        for n in 0..=300 {
            store.produce(|doc| doc["n"] = n.into()).unwrap();
        }
    });
}
