//! From a time to a version: what a scan of all stamps says, whatever the clock did.

use crate::common::{dir, env};
use proptest::prelude::*;
use redraft::io::{Clock, Env, MemoryDisk};
use redraft::{Change, Error, ErrorKind, Options, Reader, Store, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A clock that somebody turns.
#[derive(Debug, Default)]
struct Turned(AtomicU64);

impl Clock for Turned {
    fn now_ms(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

struct Timed {
    disk: MemoryDisk,
    clock: Arc<Turned>,
}

impl Timed {
    fn new() -> Timed {
        Timed { disk: MemoryDisk::new(), clock: Arc::default() }
    }

    fn options(&self) -> Options {
        let clock = Arc::<Turned>::clone(&self.clock);
        Options::new().env(Env { clock, ..env(&self.disk) }).segment_bytes(512)
    }

    fn open(&self) -> Store<Value> {
        self.options().open(dir()).unwrap()
    }

    fn reader(&self) -> Reader<Value> {
        self.options().open_read_only(dir()).unwrap()
    }

    /// Records one change at each of these times.
    fn record(&self, store: &Store<Value>, times: &[u64]) {
        for &time in times {
            self.clock.0.store(time, SeqCst);
            let next = store.version() + 1;
            store.produce(|doc| doc["n"] = next.into()).unwrap();
        }
    }
}

fn stamps(changes: redraft::Result<redraft::Changes>) -> Vec<(u64, i64)> {
    let stamp = |change: Change| (change.version, i64::try_from(change.stamp.millis()).unwrap());
    changes.unwrap().map(|change| stamp(change.unwrap())).collect()
}

/// The oracle: looks at every change.
fn scanned(stamps: &[(u64, i64)], time_ms: i64) -> u64 {
    let reached = stamps.iter().filter(|(_, stamp)| *stamp <= time_ms);
    reached.map(|(version, _)| *version).max().unwrap_or(0)
}

/// Every time at which the answer could change, and those around it.
fn edges(stamps: &[(u64, i64)]) -> Vec<i64> {
    let around = |(_, at): &(u64, i64)| [at - 1, *at, at + 1];
    stamps.iter().flat_map(around).chain([i64::MIN, -1, 0, i64::MAX]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_time_means_the_newest_version_recorded_by_then(
        times in prop::collection::vec(prop_oneof![0..50_u64, 1_800_000_000_000..1_800_000_000_003_u64], 0..60),
        sessions in 1..4_usize,
        closed in any::<bool>(),
    ) {
        let timed = Timed::new();
        for session in times.chunks(times.len() / sessions + 1) {
            let store = timed.open();
            timed.record(&store, session);
            if closed { store.close().unwrap() }
        }
        let store = timed.open();
        let stamps = stamps(store.changes(..));
        prop_assert_eq!(stamps.len(), times.len());
        let reader = timed.reader();
        for time in edges(&stamps) {
            let expected = scanned(&stamps, time);
            prop_assert_eq!(store.version_at(time).unwrap(), expected, "at {}", time);
            // Beside the writer, of whose newest segment a reader does not know where the records are.
            prop_assert_eq!(reader.version_at(time).unwrap(), expected.min(reader.version()), "at {}", time);
        }
    }
}

#[test]
fn before_the_first_change_is_the_beginning_and_the_time_to_come_is_now() {
    let timed = Timed::new();
    let store = timed.open();
    assert_eq!((store.version_at(i64::MIN).unwrap(), store.version_at(i64::MAX).unwrap()), (0, 0));
    timed.record(&store, &[1_000, 2_000]);
    assert_eq!(store.version_at(999).unwrap(), 0);
    assert_eq!(*store.at(store.version_at(-5).unwrap()).unwrap(), Value::default());
    assert_eq!(store.version_at(1_500).unwrap(), 1);
    assert_eq!(store.version_at(i64::MAX).unwrap(), 2);
}

#[test]
fn a_restored_store_knows_since_when_its_first_state_is_and_refuses_what_was_before() {
    let timed = Timed::new();
    let store = timed.open();
    timed.record(&store, &[1_000, 2_000, 3_000]);
    let target = std::path::Path::new("/second");
    store.restore(2, target).unwrap();
    let second = timed.options().open::<Value>(target).unwrap();
    assert_eq!(second.version_at(2_500).unwrap(), 2, "also when nothing was changed in it");
    timed.record(&second, &[5_000]);
    assert_eq!([2_000, 4_999, 5_000].map(|time| second.version_at(time).unwrap()), [2, 2, 3]);
    let refused = second.version_at(1_999).unwrap_err();
    assert!(
        matches!(refused, Error::BeforeKept { time_ms: 1_999, oldest: 2, begins_ms: 2_000 }),
        "{refused}"
    );
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

#[test]
fn a_reader_answers_for_the_versions_it_shows() {
    let timed = Timed::new();
    let store = timed.open();
    timed.record(&store, &[1_000]);
    store.close().unwrap();
    let reader = timed.reader();
    let store = timed.open();
    timed.record(&store, &[2_000]);
    store.close().unwrap();
    assert_eq!(reader.version_at(9_000).unwrap(), 1);
    reader.refresh().unwrap();
    assert_eq!(reader.version_at(9_000).unwrap(), 2);
}
