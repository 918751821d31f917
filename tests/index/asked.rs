//! What the tests of the index share: asking, with the index and without, and what is in its directory.

use redraft::value::Pointer;
use redraft::{Changes, Filter, Lookup, NoIndex, Options, Store, Value};
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};

pub(crate) fn place(pointer: &str) -> Pointer {
    Pointer::parse(pointer).unwrap()
}

pub(crate) fn options() -> Options {
    Options::new().segment_bytes(4096)
}

pub(crate) fn open(path: &Path) -> Store<Value> {
    options().open(path).unwrap()
}

/// What touched a place, the newest first.
pub(crate) fn touching(store: &Store<Value>, place: &Pointer) -> Changes {
    store.changes(..).unwrap().matching(Filter::new().touching(place.clone())).newest_first()
}

/// The versions that come out, and how they were found.
pub(crate) fn ask(store: &Store<Value>, place: &Pointer, range: impl RangeBounds<u64>) -> (Vec<u64>, Lookup) {
    versions(store.changes(range).unwrap().matching(Filter::new().touching(place.clone())))
}

pub(crate) fn versions(changes: Changes) -> (Vec<u64>, Lookup) {
    let mut changes = changes.newest_first();
    let versions = changes.by_ref().map(|change| change.unwrap().version).collect();
    (versions, changes.lookup().unwrap().clone())
}

/// The same from a reader, which has no index: the oracle.
pub(crate) fn scan(path: &Path, place: &Pointer, range: impl RangeBounds<u64>) -> Vec<u64> {
    let reader = options().open_read_only::<Value>(path).unwrap();
    let filter = Filter::new().touching(place.clone());
    let (found, lookup) = versions(reader.changes(range).unwrap().matching(filter));
    assert_eq!(lookup, Lookup::Scan { why: NoIndex::Reader });
    found
}

pub(crate) fn index_of(store: &Path) -> PathBuf {
    store.join("index")
}

/// All files below the index of a store, in a fixed order.
pub(crate) fn files(store: &Path) -> Vec<PathBuf> {
    let (mut dirs, mut files) = (vec![index_of(store)], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { assert!(std::fs::copy(&path, &target).is_ok()) }
    }
}

/// A closed store with some history, asked once, and the paths that are worth asking for.
pub(crate) fn asked_store(path: &Path, changes: u64) -> Vec<Pointer> {
    let store = open(path);
    for n in 0..changes {
        store
            .produce(|doc| {
                doc["n"] = n.into();
                doc["cards"][format!("card {}", n % 7).as_str()]["votes"] = n.into();
            })
            .unwrap();
    }
    let places: Vec<Pointer> = ["/n", "/cards/card 3", "/cards/card 4/votes", "/nothing"].map(place).into();
    assert_eq!(ask(&store, &places[0], ..).1, Lookup::Index);
    store.close().unwrap();
    places
}

/// Opens the store, and holds what it says, with the index or without, against the scan of a reader.
pub(crate) fn agrees(path: &Path, places: &[Pointer]) -> Lookup {
    agrees_with(&options(), path, places)
}

pub(crate) fn agrees_with(options: &Options, path: &Path, places: &[Pointer]) -> Lookup {
    let store: Store<Value> = options.open(path).unwrap();
    let first = ask(&store, &places[0], ..);
    for place in places {
        assert_eq!(ask(&store, place, ..).0, scan(path, place, ..), "{place}");
    }
    assert_eq!(first.0, scan(path, &places[0], ..));
    store.close().unwrap();
    first.1
}
