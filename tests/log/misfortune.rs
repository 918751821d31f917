//! What goes wrong under one thread while others are at work: they are told, and never that all went well; nobody waits
//! for ever.

use crate::common::logs::{HOUR, forward, options};
use crate::common::waiting::PATIENCE;
use crate::common::watched::{Call, Watched};
use crate::common::{dir, env};
use redraft::io::Access;
use redraft::io::FaultDisk;
use redraft::io::MemoryDisk;
use redraft::log::Log;
use redraft::{Durability, Error, Result};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Runs something that must come to an end.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (tell, told) = channel();
    thread::spawn(move || tell.send(work()));
    told
}

/// A thread that came to the queue while another one truncated the front, and whose record was taken by nobody because
/// the new segment could not be made: it was told that the operating system had it.
#[test]
fn a_record_behind_a_failed_truncation_is_not_acknowledged() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let log: Arc<OnceLock<Log>> = Arc::default();
    let (armed, appended) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let watched = Watched::new(disk.clone(), {
        let (disk, log, armed, appended) =
            (disk, Arc::clone(&log), Arc::clone(&armed), Arc::clone(&appended));
        move |call| {
            if matches!(call, Call::Open(_, Access::Create)) && armed.swap(false, SeqCst) {
                let log = Arc::clone(&log);
                *appended.lock().unwrap() = Some(in_time(move || log.get().unwrap().append(b"late")));
                thread::sleep(Duration::from_millis(50));
                disk.fill(true);
            }
        }
    });
    let opened = options(&watched).create(true).durability(Durability::UnsafeNoSync).open(dir()).unwrap();
    assert!(log.set(opened).is_ok());
    let log = log.get().unwrap();
    for _ in 0..9 {
        log.append(&[7; 170]).unwrap();
    }
    armed.store(true, SeqCst);
    let truncated = log.truncate_front(5);
    assert!(matches!(truncated, Err(Error::Poisoned { .. })), "{truncated:?}");
    let appended = appended.lock().unwrap().take().unwrap().recv_timeout(PATIENCE).unwrap();
    assert!(matches!(appended, Err(Error::Poisoned { .. })), "{appended:?}");
}

/// What the disk does when it is next asked to do this.
fn panics_once(call: fn(&Call) -> bool) -> (MemoryDisk, Watched, Arc<AtomicBool>) {
    let (disk, armed) = (MemoryDisk::new(), Arc::new(AtomicBool::new(false)));
    let switch = Arc::clone(&armed);
    let watched = Watched::new(disk.clone(), move |made| {
        if call(made) && switch.swap(false, SeqCst) {
            thread::sleep(Duration::from_millis(50));
            panic!("a disk of somebody else's");
        }
    });
    (disk, watched, armed)
}

#[test]
fn a_disk_that_panics_has_failed_and_leaves_nobody_waiting() {
    for call in [
        |call: &Call| matches!(call, Call::Write(..)),
        |call: &Call| matches!(call, Call::Sync(_)),
        |call: &Call| matches!(call, Call::Open(_, Access::Create)),
    ] {
        let (disk, watched, armed) = panics_once(call);
        let log = Arc::new(options(&watched).create(true).open(dir()).unwrap());
        log.append(b"before").unwrap();
        armed.store(true, SeqCst);
        let threads: Vec<_> = (0..4)
            .map(|thread: u8| {
                let log = Arc::clone(&log);
                in_time(move || {
                    catch_unwind(AssertUnwindSafe(|| {
                        (0..4).map(|n| log.append(&[thread * 4 + n + 1; 170])).collect::<Result<Vec<_>>>()
                    }))
                })
            })
            .collect();
        let answers: Vec<_> =
            threads.iter().map(|told| told.recv_timeout(PATIENCE).expect("an answer")).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1, "one met the panic");
        for answer in answers.into_iter().flatten() {
            assert!(matches!(answer, Err(Error::Poisoned { .. })), "{answer:?}");
        }
        assert!(matches!(log.append(b"after"), Err(Error::Poisoned { .. })));
        drop(log);
        let again = options(&disk).open(dir()).unwrap();
        assert_eq!(forward(&again.reader(), 0).unwrap()[0], b"before");
        again.append(b"and on").unwrap();
    }
}

/// An executor may run a task at once, in the thread that wakes it; the task may use the log.
#[test]
fn who_is_woken_may_use_the_log_at_once() {
    struct Appends(Arc<Log>, AtomicBool);
    impl Wake for Appends {
        fn wake(self: Arc<Self>) {
            self.0.append(b"from a waker").unwrap();
            self.1.store(true, SeqCst);
        }
    }
    let done = in_time(|| {
        let log = Arc::new(options(&MemoryDisk::new()).create(true).open(dir()).unwrap());
        let waker = Arc::new(Appends(Arc::clone(&log), AtomicBool::new(false)));
        let mut ticket = log.submit(b"awaited").unwrap();
        let known = Waker::from(Arc::clone(&waker));
        let answer = std::pin::Pin::new(&mut ticket).poll(&mut Context::from_waker(&known));
        if let Poll::Ready(answer) = answer {
            answer.unwrap();
            return log.head();
        }
        log.sync().unwrap();
        while !waker.1.load(SeqCst) {
            thread::yield_now();
        }
        log.head()
    });
    assert!(done.recv_timeout(PATIENCE).expect("nobody waits for themselves") >= 1);
}

/// Much that is queued is handed to the operating system before it is due, so that it survives the death of the process and the
/// queue stays short; the disk may have all of it only later.
#[test]
fn what_is_queued_in_bulk_is_handed_over_before_it_is_due() {
    let disk = MemoryDisk::new();
    let options = options(&disk).segment_bytes(1 << 20).durability(Durability::Interval(HOUR));
    let log = options.clone().create(true).open(dir()).unwrap();
    log.append(b"little").unwrap();
    let held = |image: MemoryDisk| options.clone().env(env(&image)).open(dir()).unwrap().head();
    assert_eq!(held(disk.process_kill()), 0, "a little waits until it is due");
    log.append(&[7; 300 << 10]).unwrap();
    assert_eq!(held(disk.process_kill()), 2);
    assert_eq!(log.head(), 0, "nothing of it is durable yet");
}

/// And if that fails, the error says where to look for the records once the log is open again.
#[test]
fn a_failed_write_of_what_was_queued_names_the_place_of_the_first_of_its_records() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let options = options(&disk).segment_bytes(1 << 16).durability(Durability::Interval(HOUR));
    let log = options.create(true).open(dir()).unwrap();
    (0..5).for_each(|number| assert_eq!(log.append(&[number + 1]).unwrap(), u64::from(number)));
    disk.fill(true);
    let answer = log.append_all([vec![1; 200 << 10], vec![2; 200 << 10], vec![3; 9]]);
    assert!(matches!(answer, Err(Error::Poisoned { pending: Some(6), .. })), "{answer:?}");
    let answer = log.append(b"more");
    assert!(matches!(answer, Err(Error::Poisoned { pending: None, .. })), "surely not done: {answer:?}");
}

#[test]
fn a_ticket_of_a_failed_sync_names_the_place_of_the_first_of_its_records() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let log = options(&disk).create(true).open(dir()).unwrap();
    log.append_all(["a", "b"]).unwrap();
    disk.fail_syncs(true);
    let answer = log.submit_all(["c", "d", "e"]).unwrap().wait();
    assert!(matches!(answer, Err(Error::Poisoned { pending: Some(3), .. })), "{answer:?}");
}
