//! Truncating the front of a log disturbs nobody: who reads what stays goes on, and who comes for what is gone is told so.
//! It never looks like damage.

use crate::common::dir;
use crate::common::logs::{forward, options};
use crate::common::watched::{Call, Watched};
use redraft::io::{Access, MemoryDisk};
use redraft::log::{Log, Reader};
use redraft::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

fn fresh() -> (MemoryDisk, Log) {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).open(dir()).unwrap();
    (disk, log)
}

/// A record that needs about half of a segment.
fn append(log: &Log, number: u64) {
    assert_eq!(log.append(&[(number % 250) as u8 + 1; 170]).unwrap(), number);
}

/// Readers of each kind: beside the writer, and as another process has them.
fn readers(disk: &MemoryDisk, log: &Log) -> [Reader; 2] {
    [log.reader(), options(disk).open_read_only(dir()).unwrap()]
}

fn is_told<T: std::fmt::Debug>(answer: &Result<T>, place: u64, kept: u64) {
    let told =
        matches!(answer, Err(Error::Compacted { version, oldest }) if (*version, *oldest) == (place, kept));
    assert!(told, "{answer:?} at {place}, though all before {kept} is gone");
}

fn is_beyond(answer: &Result<Vec<u8>>) {
    assert!(matches!(answer, Err(Error::BeyondHead { version: 0, head: 0 })), "{answer:?}");
}

#[test]
fn who_comes_for_what_is_gone_is_told_what_the_oldest_record_is() {
    let (disk, log) = fresh();
    (0..10).for_each(|number| append(&log, number));
    let readers = readers(&disk, &log);
    for reader in &readers {
        // They have looked around before.
        assert_eq!(reader.read(9).unwrap(), [10; 170]);
    }
    let kept = log.truncate_front(7).unwrap();
    assert!(kept > 3, "{kept}");
    for reader in readers {
        for place in 0..kept {
            is_told(&reader.read(place), place, kept);
            is_told(&reader.chain_at(place), place, kept);
            is_told(&reader.records(place), place, kept);
            is_told(&reader.backward(place), place, kept);
        }
        assert_eq!(forward(&reader, kept).unwrap().len() as u64, 10 - kept);
    }
}

#[test]
fn who_reads_on_into_what_is_gone_is_told_so_and_does_not_see_damage() {
    let (disk, log) = fresh();
    (0..10).for_each(|number| append(&log, number));
    for reader in readers(&disk, &log) {
        let mut records = reader.records(log.oldest()).unwrap();
        let first = records.next_record().unwrap().unwrap().offset();
        let kept = log.truncate_front(first + 5).unwrap();
        let answer = loop {
            match records.next_record() {
                Ok(Some(record)) => assert!(record.offset() < kept, "undisturbed until its segment ends"),
                Ok(None) => unreachable!("records follow"),
                Err(error) => break Err::<(), _>(error),
            }
        };
        is_told(&answer, records.offset(), kept);
    }
}

/// A closed log without records was looked at; then its empty segment was replaced by a larger one. Found by the model:
/// the answer named the first record of the segment, not the one that was asked for.
#[test]
fn who_knew_the_log_when_it_was_empty_is_told_of_the_record_that_was_asked_for() {
    let (disk, log) = fresh();
    log.close().unwrap();
    let reader = options(&disk).open_read_only(dir()).unwrap();
    is_beyond(&reader.read(0));
    let log = options(&disk).open(dir()).unwrap();
    log.append_all([[1; 700], [2; 700]]).unwrap();
    (2..10).for_each(|number| append(&log, number));
    assert_eq!(reader.read(9).unwrap(), [10; 170]);
    let kept = log.truncate_front(9).unwrap();
    for place in 0..kept {
        is_told(&reader.read(place), place, kept);
        is_told(&reader.records(place), place, kept);
    }
}

#[test]
fn who_waits_at_the_end_of_a_segment_that_went_meanwhile_is_told_so() {
    let (disk, log) = fresh();
    let mut waiting = readers(&disk, &log).map(|reader| reader.records(0).unwrap());
    for records in &mut waiting {
        assert!(records.next_record().unwrap().is_none());
    }
    (0..10).for_each(|number| append(&log, number));
    let kept = log.truncate_front(7).unwrap();
    for records in &mut waiting {
        match records.next_record() {
            // It has the file open, which is as good.
            Ok(record) => assert_eq!(record.unwrap().payload(), [1; 170]),
            answer => is_told(&answer.map(drop), 0, kept),
        }
    }
}

/// Between the look at the directory and the look into a file, the file goes.
#[test]
fn a_log_can_be_opened_for_reading_while_its_front_goes() {
    for before in 0..12 {
        let (disk, log) = fresh();
        (0..10).for_each(|number| append(&log, number));
        let (log, calls) = (Arc::new(log), Mutex::new(before));
        let writer = Arc::clone(&log);
        let watched = Watched::new(disk, move |call| {
            if matches!(call, Call::Open(_, Access::Read)) {
                let mut left = calls.lock().unwrap();
                if *left == 0 {
                    writer.truncate_front(7).unwrap();
                }
                *left -= 1;
            }
        });
        let reader = options(&watched).open_read_only(dir()).unwrap();
        assert_eq!(reader.head().unwrap(), 10);
        assert_eq!(reader.oldest().unwrap(), log.oldest());
    }
}

/// It is looked for in an empty segment, which has gone by the time that is looked at again.
#[test]
fn who_is_on_the_way_when_the_front_goes_is_told_of_the_record_that_was_asked_for() {
    let mut told = 0;
    for before in 1..12 {
        let (disk, log) = fresh();
        let (log, calls) = (Arc::new(log), Mutex::new(before));
        let writer = Arc::clone(&log);
        let watched = Watched::new(disk, move |call| {
            if matches!(call, Call::Open(_, Access::Read)) {
                let mut left = calls.lock().unwrap();
                if *left == 0 {
                    (0..10).for_each(|number| append(&writer, number));
                    writer.truncate_front(7).unwrap();
                }
                *left -= 1;
            }
        });
        let reader = options(&watched).open_read_only(dir()).unwrap();
        match reader.read(1) {
            Ok(record) => assert_eq!(record, [2; 170]),
            Err(Error::BeyondHead { version: 1, .. }) => {}
            Err(Error::Compacted { version: 1, oldest }) => {
                assert_eq!(oldest, log.oldest());
                told += 1;
            }
            Err(error) => panic!("{error:?}, after {before} looks"),
        }
    }
    assert!(told > 0);
}

#[test]
fn appending_and_reading_go_on_while_the_front_goes_again_and_again() {
    let (disk, log) = fresh();
    let (done, last) = (AtomicBool::new(false), 400);
    std::thread::scope(|scope| {
        for reader in readers(&disk, &log) {
            let done = &done;
            scope.spawn(move || {
                while !done.load(SeqCst) {
                    let oldest = reader.oldest().unwrap();
                    match forward(&reader, oldest) {
                        Ok(found) => {
                            let right = |(index, payload): (usize, &Vec<u8>)| {
                                assert_eq!(payload[..], [((oldest + index as u64) % 250) as u8 + 1; 170]);
                            };
                            found.iter().enumerate().for_each(right);
                        }
                        Err(Error::Compacted { oldest: now, .. }) => assert!(now > oldest),
                        Err(error) => unreachable!("{error:?}"),
                    }
                }
            });
        }
        scope.spawn(|| {
            while !done.load(SeqCst) {
                log.truncate_front(log.head().saturating_sub(3)).unwrap();
            }
        });
        let _done = Done(&done);
        for number in 0..last {
            assert_eq!(log.append(&[(number % 250) as u8 + 1; 170]).unwrap(), number);
        }
    });
    assert_eq!(log.head(), last);
}

/// Ends the other threads however this one ends.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Somebody else's hand is no truncation: what is not there although nothing says that it was given up is missing.
#[test]
fn a_segment_that_somebody_removed_is_missing_and_not_given_up() {
    let (disk, log) = fresh();
    (0..10).for_each(|number| append(&log, number));
    let readers = readers(&disk, &log);
    let second = disk
        .files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .nth(1)
        .unwrap();
    let base: u64 = second.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    redraft::io::Disk::remove(&disk, &second).unwrap();
    let mut missed = 0;
    for reader in readers {
        // Who has the file open goes on reading it; who comes for it hears that it is missing.
        let mut records = reader.records(0).unwrap();
        let walked = std::iter::repeat_with(|| {
            records.next_record().map(|record| record.map(|record| record.offset()))
        });
        let walked = walked.take_while(|answer| !matches!(answer, Ok(None))).find_map(Result::err);
        let answers = [reader.read(base).err(), reader.records(base).err(), walked];
        for error in answers.into_iter().flatten() {
            assert!(matches!(error, Error::Io { .. } | Error::Damaged(_)), "{error:?} at {base}");
            missed += 1;
        }
    }
    assert!(missed >= 2, "only {missed} noticed");
}
