//! One store, many threads: every change has its place, nothing is lost, and a recipe that goes wrong has not happened.

use redraft::{Error, Options, Patch, Reader, Store, Value, log, value};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const THREADS: u64 = 8;
const EACH: u64 = 50;

fn fresh() -> (tempfile::TempDir, Store<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Options::new().segment_bytes(4096).open(dir.path().join("store")).unwrap();
    (dir, store)
}

/// Whatever a program may want to share between threads, or to move into one, it can: otherwise this does not compile.
#[test]
fn what_the_library_gives_out_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<(Store<Value>, Reader<Value>, redraft::Changes, redraft::Listening)>();
    shared::<(redraft::Commit<Value>, redraft::Ticket<'_, Value>, redraft::Draft<Value>)>();
    shared::<(log::Log, log::Reader, log::Records, log::Backward, log::Ticket<'_>)>();
    shared::<(redraft::Replica, redraft::Mirror, redraft::Repair, redraft::Report, Error)>();
}

#[test]
fn changes_of_many_threads_get_dense_versions_and_none_is_lost() {
    let (dir, store) = fresh();
    let mut versions: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let produce =
                    || store.produce(|doc| doc["sum"] = (doc["sum"].as_i64().unwrap_or(0) + 1).into());
                scope.spawn(move || (0..EACH).map(|_| produce().unwrap().version()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    versions.sort_unstable();
    assert_eq!(versions, (1..=THREADS * EACH).collect::<Vec<_>>());
    assert_eq!(store.state()["sum"].as_u64(), Some(THREADS * EACH));
    drop(store);
    assert_eq!(
        Store::<Value>::open(dir.path().join("store")).unwrap().state()["sum"].as_u64(),
        Some(THREADS * EACH)
    );
}

#[test]
fn a_commit_is_visible_to_every_thread_once_it_is_acknowledged_and_versions_never_go_back() {
    let (_dir, store) = fresh();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let (version, state) = store.newest();
                assert!(version >= last, "version went back from {last} to {version}");
                assert_eq!(state["sum"].as_u64().unwrap_or(0), version);
                last = version;
            }
        });
        for _ in 0..200 {
            let commit =
                store.produce(|doc| doc["sum"] = (doc["sum"].as_i64().unwrap_or(0) + 1).into()).unwrap();
            assert!(store.version() >= commit.version());
        }
        done.store(true, Ordering::Release);
    });
}

#[test]
fn a_recipe_that_fails_or_panics_has_changed_nothing_and_the_store_goes_on() {
    let (_dir, store) = fresh();
    store.produce(|doc| doc["a"] = 1.into()).unwrap();
    let before = store.state();
    let failed = store.produce(|doc| {
        doc["a"] = 2.into();
        Err::<(), _>("no")
    });
    assert!(matches!(failed, Err(Error::Draft(_))), "{failed:?}");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.produce(|doc| {
            doc["a"] = 3.into();
            assert!(doc["a"].is_null(), "a recipe's own business");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((store.version(), store.state()), (1, before));
    assert_eq!(store.produce(|doc| doc["a"] = 4.into()).unwrap().version(), 2);
}

#[test]
fn a_recipe_cannot_call_back_into_its_store() {
    let (_dir, store) = fresh();
    let answer = store.produce(|_| store.produce(|doc| doc["a"] = 1.into()).map(drop));
    assert!(
        matches!(answer.unwrap_err().recipe(), Some(Error::Reentrant)),
        "the recipe passes on what it was told"
    );
    let mut inner = None;
    store.produce(|_| inner = Some(store.undo(0).map(drop))).unwrap();
    assert!(inner.unwrap().is_err());
    assert_eq!(store.version(), 0);
}

#[test]
fn a_recipe_that_changes_nothing_records_nothing() {
    let (_dir, store) = fresh();
    store.produce(|doc| doc["a"] = value!([1, 2])).unwrap();
    let before = store.state();
    let commit = store.produce(|doc| doc["a"] = value!([1, 2])).unwrap();
    assert_eq!((commit.version(), commit.patch().len()), (1, 0));
    assert_eq!(store.apply(&Patch::new()).unwrap().version(), 1);
    assert!(std::sync::Arc::ptr_eq(&before, &store.state()));
}

/// The reader takes the way of another process: through the files, without a lock.
#[test]
fn a_reader_opened_beside_a_busy_writer_sees_no_damage_and_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store: Store<Value> = Options::new().segment_bytes(2048).open(&path).unwrap();
    let (acknowledged, busy) = (AtomicU64::new(0), AtomicU64::new(3));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..1500 {
                    let commit =
                        store.produce(|doc| doc["n"] = (doc["n"].as_i64().unwrap_or(0) + 1).into()).unwrap();
                    acknowledged.fetch_max(commit.version(), Ordering::AcqRel);
                }
                busy.fetch_sub(1, Ordering::AcqRel);
            });
        }
        while busy.load(Ordering::Acquire) > 0 {
            let least = acknowledged.load(Ordering::Acquire);
            let reader = Reader::<Value>::open(&path).unwrap();
            let version = reader.version();
            assert!(version >= least, "version {least} was acknowledged, the reader sees {version}");
            assert_eq!(reader.state()["n"].as_u64().unwrap_or(0), version);
            assert!(redraft::verify(&path).unwrap().is_sound());
        }
    });
}
