//! A process that forks after it opened a log goes on writing it; the one that was forked is refused, and neither loses
//! anything. (In the child only the thread that forked is left, so records that wait for the syncing thread wait for ever
//! there: with `Interval` it must not append at all.)

#![cfg(target_os = "linux")]
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "there is no safe way to fork; the child does nothing but what is tested, and ends"
)]

use redraft::Error;
use redraft::log::Log;

/// What the child's process ends with.
const REFUSED: i32 = 17;

fn in_a_child(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child uses the log, whose locks nobody holds, and the allocator, which is prepared for forks; it ends
    // without running anything of the test's.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = work();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(code) }
    }
    assert!(child > 0, "no fork");
    let mut status = 0;
    // SAFETY: waits for the child that was just made.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    libc::WEXITSTATUS(status)
}

#[test]
fn a_forked_process_writes_nothing_and_the_one_it_came_from_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    log.append(b"before").unwrap();
    let own = std::process::id();
    let code = in_a_child(|| {
        let answers = [log.append(b"child"), log.sync()];
        let refused = answers
            .into_iter()
            .all(|answer| matches!(answer, Err(Error::Locked { holder: Some(holder), .. }) if holder == own));
        if refused { REFUSED } else { 1 }
    });
    assert_eq!(code, REFUSED);
    assert_eq!(log.append(b"after").unwrap(), 1);
    log.close().unwrap();
    let log = Log::open(dir.path()).unwrap();
    assert_eq!((log.head(), log.cut()), (2, None));
    assert_eq!(log.read(1).unwrap(), b"after");
}

/// A program that was started by this one does not keep the lock.
#[test]
fn a_program_started_meanwhile_does_not_hold_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    drop(log);
    let again = Log::open(dir.path());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(again.is_ok(), "{:?}", again.err());
}

/// Between its birth and its own program every process that is begun here has all our files open, the lock's among them.
#[test]
fn a_process_that_is_being_born_does_not_hold_the_lock_of_a_log_that_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    // SAFETY: the child waits to be killed.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: touches no memory of the test's.
        unsafe { while libc::pause() != 0 {} }
    }
    assert!(child > 0, "no fork");
    log.close().unwrap();
    let again = Log::open(dir.path());
    // SAFETY: ends, and waits for, the child that was made above.
    unsafe { libc::kill(child, libc::SIGKILL) };
    // SAFETY: as above.
    assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
    assert!(again.is_ok(), "{:?}", again.err());
}

#[test]
fn a_forked_process_that_closes_what_it_has_leaves_the_lock_to_the_one_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Some(Log::open(dir.path()).unwrap());
    let code = in_a_child(|| {
        drop(log.take());
        REFUSED
    });
    assert_eq!(code, REFUSED);
    assert!(matches!(Log::open(dir.path()), Err(Error::Locked { .. })));
    log.take().unwrap().close().unwrap();
}

/// sled would write to the same file from both.
#[cfg(feature = "index")]
#[test]
fn a_forked_process_answers_without_the_index_and_leaves_it_alone() {
    use redraft::{Filter, Lookup, NoIndex, Store, Value, value::Pointer};

    let dir = tempfile::tempdir().unwrap();
    let store = Store::<Value>::open(dir.path()).unwrap();
    for n in 0..100 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    let (n, other) = (Pointer::parse("/n").unwrap(), Pointer::parse("/other").unwrap());
    let touching = |place: &Pointer| Filter::new().touching(place.clone());
    let ask = |place: &Pointer| store.changes(..).unwrap().matching(touching(place)).newest_first();
    let mut begun = ask(&n);
    assert_eq!(begun.next().unwrap().unwrap().version, 100);
    let code = in_a_child(|| {
        let mut answer = ask(&n);
        let all = answer.by_ref().filter(Result::is_ok).count() == 100;
        let without = matches!(answer.lookup(), Some(Lookup::Scan { why: NoIndex::Failed { .. } }));
        if without && all { REFUSED } else { 1 }
    });
    assert_eq!(code, REFUSED);
    assert_eq!((begun.count(), ask(&n).count(), ask(&other).count()), (99, 100, 0));
    store.close().unwrap();
    let store = Store::<Value>::open(dir.path()).unwrap();
    let mut answer = store.changes(..).unwrap().matching(touching(&n)).newest_first();
    assert!(answer.next().is_some());
    assert_eq!(answer.lookup(), Some(&Lookup::Index));
}
