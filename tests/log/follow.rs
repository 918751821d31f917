//! Following a log: whoever asks for the next record gets each one once, in order, as soon as it is durable, in the writing
//! process and in others; and any number of threads may append meanwhile.

use crate::common::dir;
use crate::common::logs::{DURABILITIES, HOUR, forward, options};
use crate::common::watched::{Call, Watched};
use redraft::Error;
use redraft::io::{Access, Disk, FaultDisk, MemoryDisk};
use redraft::log::{Durability, Log, Reader, Records};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u64 = 8;
const EACH: u64 = 200;
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
const A_WHILE: Duration = Duration::from_millis(50);

fn fresh(durability: Durability) -> (MemoryDisk, Log) {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).segment_bytes(1024).durability(durability).open(dir()).unwrap();
    (disk, log)
}

/// Who appended it, and as which of theirs.
fn payload(thread: u64, number: u64) -> Vec<u8> {
    [thread.to_le_bytes(), number.to_le_bytes()].concat()
}

/// Takes records one by one until there are so many.
fn follow(mut records: Records, until: u64) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while records.offset() < until {
        let expected = records.offset();
        let record = records.next_within(PATIENCE).unwrap().unwrap();
        assert_eq!(record.offset(), expected, "each once, in order");
        found.push(record.payload().to_vec());
    }
    found
}

/// Each thread's own are in the order in which it appended them, and all are there.
fn is_an_interleaving(found: &[Vec<u8>]) {
    let mut next = [0; THREADS as usize];
    for record in found {
        let word = |at: usize| u64::from_le_bytes(*record[at..].first_chunk().unwrap());
        assert_eq!(word(8), next[word(0) as usize], "thread {}", word(0));
        next[word(0) as usize] += 1;
    }
    assert_eq!(next, [EACH; THREADS as usize]);
}

#[test]
fn who_waits_is_woken_as_soon_as_there_is_more() {
    let (_disk, log) = fresh(Durability::Immediate);
    let mut records = log.reader().records(0).unwrap();
    thread::scope(|scope| {
        for number in 0..5 {
            let log = &log;
            let appended = scope.spawn(move || {
                thread::sleep(A_WHILE);
                log.append(&payload(0, number)).unwrap();
                Instant::now()
            });
            // Were it not woken, it would wait for an hour.
            let record = records.next_within(HOUR).unwrap().unwrap();
            assert_eq!((record.offset(), record.payload()), (number, &payload(0, number)[..]));
            let woken = Instant::now().saturating_duration_since(appended.join().unwrap());
            assert!(woken < PATIENCE, "{woken:?} after it was appended");
        }
    });
}

#[test]
fn who_waits_is_not_given_what_is_not_durable() {
    let (_disk, log) = fresh(Durability::Interval(HOUR));
    let mut records = log.reader().records(0).unwrap();
    log.append(&payload(0, 0)).unwrap();
    assert!(records.next_within(A_WHILE).unwrap().is_none());
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(A_WHILE);
            log.sync().unwrap();
        });
        assert_eq!(records.next_within(HOUR).unwrap().unwrap().payload(), payload(0, 0));
    });
}

#[test]
fn who_has_no_more_patience_gets_nothing_and_may_ask_again() {
    let (disk, log) = fresh(Durability::Immediate);
    for reader in [log.reader(), options(&disk).open_read_only(dir()).unwrap()] {
        let end = log.head();
        let mut records = reader.records(end).unwrap();
        let begin = Instant::now();
        assert!(records.next_within(A_WHILE).unwrap().is_none());
        assert!(begin.elapsed() >= A_WHILE && begin.elapsed() < PATIENCE);
        assert!(records.next_within(Duration::ZERO).unwrap().is_none());
        log.append(&payload(1, end)).unwrap();
        assert_eq!(records.next_within(Duration::ZERO).unwrap().unwrap().offset(), end);
        assert_eq!(records.offset(), end + 1);
    }
}

#[test]
fn who_follows_from_another_process_sees_what_comes() {
    for durability in
        [Durability::Immediate, Durability::Interval(Duration::from_millis(5)), Durability::UnsafeNoSync]
    {
        let (disk, log) = fresh(durability);
        let records = options(&disk).open_read_only(dir()).unwrap().records(0).unwrap();
        thread::scope(|scope| {
            let found = scope.spawn(|| follow(records, 300));
            for number in 0..300 {
                log.append(&payload(0, number)).unwrap();
                if number % 50 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            log.sync().unwrap();
            let expected: Vec<_> = (0..300).map(|number| payload(0, number)).collect();
            assert_eq!(found.join().unwrap(), expected);
        });
    }
}

/// A follower goes on through the sessions of writers that come and go.
#[test]
fn who_follows_from_another_process_outlives_the_writer() {
    let (disk, log) = fresh(Durability::Immediate);
    log.append(&payload(0, 0)).unwrap();
    let mut records = options(&disk).open_read_only(dir()).unwrap().records(0).unwrap();
    assert!(records.next_record().unwrap().is_some());
    drop(log);
    for session in 1..20 {
        assert!(records.next_record().unwrap().is_none());
        let log = options(&disk).durability(DURABILITIES[session as usize % 3]).open(dir()).unwrap();
        assert!(records.next_record().unwrap().is_none());
        for number in 0..session {
            log.append(&payload(session, number)).unwrap();
        }
        log.close().unwrap();
        for number in 0..session {
            let record = records.next_within(PATIENCE).unwrap().unwrap();
            assert_eq!(record.payload(), payload(session, number));
        }
    }
}

#[test]
fn many_followers_see_every_record_of_many_threads_once_and_in_order() {
    for durability in
        [Durability::Immediate, Durability::Interval(Duration::from_millis(2)), Durability::UnsafeNoSync]
    {
        let (disk, log) = fresh(durability);
        let elsewhere: Reader = options(&disk).open_read_only(dir()).unwrap();
        let all = THREADS * EACH;
        let (sender, results) = mpsc::channel();
        thread::scope(|scope| {
            for reader in [log.reader(), log.reader(), log.reader(), elsewhere.clone(), elsewhere] {
                let sender = sender.clone();
                scope.spawn(move || sender.send(follow(reader.records(0).unwrap(), all)).unwrap());
            }
            let writers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let log = &log;
                    scope.spawn(move || (0..EACH).for_each(|number| write(log, thread, number)))
                })
                .collect();
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            log.sync().unwrap();
        });
        drop(sender);
        let results: Vec<_> = results.iter().collect();
        assert_eq!(results.len(), 5);
        is_an_interleaving(&results[0]);
        assert!(results.iter().all(|found| *found == results[0]), "{durability:?}");
        assert_eq!(forward(&log.reader(), 0).unwrap(), results[0]);
    }
}

/// In one of the ways there are.
fn write(log: &Log, thread: u64, number: u64) {
    let payload = payload(thread, number);
    match (thread + number) % 3 {
        0 => drop(log.submit(&payload).unwrap()),
        1 => assert_eq!(log.append_all([&payload]).unwrap().count(), 1),
        _ => assert!(log.append(&payload).unwrap() < log.end()),
    }
}

/// The failure that ends a session is told to whoever awaits a record, whatever it was that failed.
#[test]
fn who_awaits_a_record_is_woken_when_another_call_ends_the_session() {
    let (memory, heard) = (MemoryDisk::new(), Arc::new(Heard::default()));
    let first = options(&memory).create(true).open(dir()).unwrap();
    first.append(&[1; 300]).unwrap();
    first.append(&[2; 300]).unwrap();
    first.close().unwrap();
    let (fault, shared) = (FaultDisk::new(memory, None), Arc::new(OnceLock::<Log>::new()));
    let (full, theirs, waker) = (fault.clone(), Arc::clone(&shared), Waker::from(Arc::clone(&heard)));
    let watched = Watched::new(fault, move |call| {
        // The truncation begins a new segment. A record comes in between, and then there is no space for the segment.
        let Some(log) = theirs.get().filter(|_| matches!(call, Call::Open(_, Access::Create))) else {
            return;
        };
        let mut ticket = pin!(log.submit(b"awaited").unwrap());
        assert!(ticket.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        full.fill(true);
    });
    let opened = options(&watched).durability(Durability::Interval(HOUR)).open(dir()).unwrap();
    let log = shared.get_or_init(|| opened);
    let failed = log.truncate_front(1);
    assert!(matches!(failed, Err(Error::Poisoned { .. })), "{failed:?}");
    assert!(heard.0.load(SeqCst), "nobody woke it");
}

/// In another process, where all that can be known is in the files: a mark gives way to the next batch, or to a footer
/// that the file does not end with yet, and what they prove stays proven. Found by a busy machine, where a reader was
/// opened between the two steps of sealing and missed the last batch; and again by the model, with a reader that had
/// stood at the end before that batch came.
#[test]
fn a_reader_elsewhere_sees_all_that_was_acknowledged_at_every_step_of_the_writer() {
    // The most steps that one batch takes, with the seal of one segment and the making of the next.
    const STEPS: u64 = 25;
    let memory = MemoryDisk::new();
    // Who has opened the log already and will read it after so many steps, and what it must see.
    let waiting = Arc::new(Mutex::new(None::<(Records, u64, u64)>));
    let (theirs, looks) = (Arc::clone(&waiting), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&looks);
    let watched = Watched::new(memory.clone(), move |_| {
        let mut waiting = theirs.lock().unwrap();
        if let Some((_, steps @ 1.., _)) = waiting.as_mut() {
            *steps -= 1;
        } else if let Some((mut records, _, least)) = waiting.take() {
            while records.next_record().unwrap().is_some() {}
            let seen = records.offset();
            assert!(seen >= least, "{least} were acknowledged, {seen} are seen");
            counted.fetch_add(1, SeqCst);
        }
    });
    let log = options(&watched).create(true).segment_bytes(1024).open(dir()).unwrap();
    let elsewhere = |from: u64| options(&memory).open_read_only(dir()).unwrap().records(from).unwrap();
    let mut at_the_end = None;
    for number in 0..160 * STEPS {
        // From a segment before the last one, so that the last one is opened when its turn has come; or from where the end
        // was before the last batch.
        let mut now_at_the_end = elsewhere(log.head());
        assert!(now_at_the_end.next_record().unwrap().is_none());
        let earlier = at_the_end.replace(now_at_the_end).filter(|_| number % 2 == 0);
        let records = earlier.unwrap_or_else(|| elsewhere(log.head().saturating_sub(100)));
        *waiting.lock().unwrap() = Some((records, number / 6 % STEPS, log.head()));
        let payloads: Vec<_> = (0..1 + number % 3).map(|thread| payload(thread, number)).collect();
        log.append_all(&payloads).unwrap();
    }
    assert!(looks.load(SeqCst) > 200, "only {looks:?} steps were looked at");
}

/// Reading and writing the same bytes at the same time may show half of a write: here, of a batch that overwrites the mark.
#[test]
fn a_reader_elsewhere_that_sees_half_a_write_looks_again() {
    let memory = MemoryDisk::new();
    let log = options(&memory).create(true).segment_bytes(1024).open(dir()).unwrap();
    (0..3).for_each(|number| assert_eq!(log.append(&payload(0, number)).unwrap(), number));
    let path = dir().join(format!("{:020}.seg", 0));
    let whole = memory.bytes(&path).unwrap();
    let mark = whole.iter().rposition(|&byte| byte != 0).unwrap() - 19;
    for torn in 0..40 {
        let (reads, file) = (AtomicU64::new(0), Disk::open(&memory, &path, Access::Write).unwrap());
        let now = whole[mark..mark + 20].to_vec();
        let half = [&16_u32.to_le_bytes(), &now[4..]].concat();
        let watched = Watched::new(memory.clone(), move |call| {
            if let Call::Read(..) = call {
                let seen = if reads.fetch_add(1, SeqCst) == torn { &half } else { &now };
                assert_eq!(file.write_at(seen, mark as u64).unwrap(), seen.len());
            }
        });
        assert_eq!(options(&watched).open_read_only(dir()).unwrap().head().unwrap(), 3, "at read {torn}");
        memory.put(&path, whole.clone());
    }
}

/// Somebody cuts a file while it is read: that is damage with its place, at whichever read.
#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_damage() {
    let mut short = 0;
    for cut_at in 0..20 {
        let memory = MemoryDisk::new();
        let log = options(&memory).create(true).segment_bytes(1 << 16).open(dir()).unwrap();
        log.append_all((0..200).map(|number| payload(0, number).repeat(20))).unwrap();
        log.close().unwrap();
        let path = dir().join(format!("{:020}.seg", 0));
        let (reads, file) = (AtomicU64::new(0), Disk::open(&memory, &path, Access::Write).unwrap());
        let whole = memory.bytes(&path).unwrap().len() as u64;
        let watched = Watched::new(memory.clone(), move |call| {
            if matches!(call, Call::Read(..)) && reads.fetch_add(1, SeqCst) == cut_at {
                file.set_len(whole / 3).unwrap();
            }
        });
        let read = || {
            let mut records = options(&watched).open_read_only(dir())?.records(0)?;
            while records.next_record()?.is_some() {}
            Ok(())
        };
        match read() {
            Ok(()) => {}
            Err(redraft::Error::Damaged(damage)) => {
                assert_eq!(damage.path, path);
                short += u64::from(matches!(damage.defect, redraft::Defect::Short { .. }));
            }
            Err(error) => panic!("cut at read {cut_at}: {error:?}"),
        }
    }
    assert!(short > 0, "no cut was met in the middle of a record");
}

#[derive(Default)]
struct Heard(AtomicBool);

impl Wake for Heard {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}
