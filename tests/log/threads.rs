//! One log, many threads: every record has a place of its own, each thread's are in its order, and none is lost.

use crate::common::logs::forward;
use redraft::Error;
use redraft::log::{Log, Options, Reader, Records};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

const THREADS: u64 = 8;
const EACH: u64 = 100;

fn fresh() -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Options::new().segment_bytes(4096).open(dir.path().join("log")).unwrap();
    (dir, log)
}

fn payload(thread: u64, number: u64) -> Vec<u8> {
    format!("number {number} of thread {thread}").into()
}

#[test]
fn logs_and_readers_can_be_shared_between_threads_and_places_sent() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Log>();
    shared::<Reader>();
    sent::<Records>();
}

#[test]
fn the_offsets_of_many_threads_are_dense_ascending_for_each_and_there_when_it_is_opened_again() {
    let (dir, log) = fresh();
    let offsets: Vec<Vec<u64>> = thread::scope(|scope| {
        let append = |thread| {
            let log = &log;
            move || -> Vec<u64> {
                let one = |number| log.append(&payload(thread, number)).unwrap();
                (0..EACH).map(|number| (one(number), log.read(log.head() - 1).unwrap()).0).collect()
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(append(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for own in &offsets {
        assert!(own.is_sorted_by(|before, after| before < after), "{own:?}");
    }
    let mut all = offsets.concat();
    all.sort_unstable();
    assert_eq!(all, (0..THREADS * EACH).collect::<Vec<_>>());
    drop(log);
    let log = Log::open(dir.path().join("log")).unwrap();
    let found = forward(&log.reader(), 0).unwrap();
    for (thread, own) in offsets.iter().enumerate() {
        for (number, offset) in own.iter().enumerate() {
            assert_eq!(found[*offset as usize], payload(thread as u64, number as u64));
        }
    }
    assert_eq!(found.len() as u64, THREADS * EACH);
}

#[test]
fn the_records_of_one_call_stay_together_whoever_else_appends() {
    let (_dir, log) = fresh();
    let ranges: Vec<_> = thread::scope(|scope| {
        let append = |thread| {
            let log = &log;
            move || -> Vec<_> {
                let batch: Vec<_> = (0..7).map(|number| payload(thread, number)).collect();
                (0..EACH / 4).map(|_| (thread, log.append_all(&batch).unwrap())).collect()
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(append(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let found = forward(&log.reader(), 0).unwrap();
    for (thread, range) in ranges {
        let expected: Vec<_> = (0..7).map(|number| payload(thread, number)).collect();
        assert_eq!(found[range.start as usize..range.end as usize], expected);
    }
}

/// What makes the records is the caller's own code, and runs before any of them has a place.
#[test]
fn records_whose_making_panics_are_not_appended_and_the_log_goes_on() {
    let (_dir, log) = fresh();
    let fails = |number: u64| {
        assert!(number < 3, "a caller's own business");
        payload(0, number)
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| log.append_all((0..5).map(fails)).map(drop)));
    assert!(panicked.is_err());
    assert_eq!((log.end(), log.head()), (0, 0), "all or none");
    assert!(matches!(log.append_all([payload(0, 0), Vec::new()]), Err(Error::EmptyRecord { index: 1 })));
    assert_eq!(log.append(&payload(1, 1)).unwrap(), 0);
    assert_eq!(forward(&log.reader(), 0).unwrap(), [payload(1, 1)]);
}
