//! A replica that writes: its changes show at once, survive a crash, and end where the sequencer says, however long it was offline.

use crate::common::watched::{Call, Watched};
use crate::common::{env, seed};
use redraft::io::{Env, Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use redraft::merge::{Outcome, Policy, Rules};
use redraft::replica::{Beginning, Directory, Sequencer, Writer};
use redraft::{Options, Replica, Result, Store, Value, value};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn options(disk: &MemoryDisk) -> Options {
    Options::new().env(env(disk)).segment_bytes(1 << 14)
}

fn primary(disk: &MemoryDisk, base: Value) -> Arc<Store<Value>> {
    let store = options(disk).open::<Value>("/primary").unwrap();
    store.produce(move |doc| *doc = base).unwrap();
    Arc::new(store)
}

fn writer(disk: &MemoryDisk, name: &str, store: &Arc<Store<Value>>) -> Writer<Value> {
    writer_through(disk, name, Arc::clone(store))
}

fn writer_through(disk: &MemoryDisk, name: &str, sequencer: impl Sequencer + 'static) -> Writer<Value> {
    let env = Env { entropy: Arc::new(SeededEntropy::new(seed(name.len() as u64))), ..env(disk) };
    let options = Options::new().env(env).segment_bytes(1 << 14);
    let replica: Replica<Value> = options.open_replica("/primary", Path::new("/").join(name)).unwrap();
    let writer = replica.write_through(sequencer).unwrap();
    writer.replica().catch_up().unwrap();
    writer
}

fn list(doc: &mut Value) -> &mut redraft::value::List {
    doc["list"].as_list_mut().unwrap()
}

#[test]
fn what_is_made_offline_shows_at_once_and_survives_a_crash() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "list": ["a"] }));
    let offline = writer(&disk, "w", &store);
    for n in 0..5 {
        offline.produce(|doc| list(doc).push(n)).unwrap();
    }
    let shown = offline.view().unwrap();
    assert_eq!(offline.pending(), 5);
    // Whatever is in memory is gone.
    drop(offline);
    store.produce(|doc| list(doc).insert(0, "x")).unwrap();
    let again: Replica<Value> = options(&disk).open_replica("/primary", "/w").unwrap();
    let again = again.write_through(Arc::clone(&store)).unwrap();
    assert_eq!((again.pending(), again.view().unwrap()), (5, shown));
    again.produce(|doc| list(doc).push("last")).unwrap();
    again.exchange().unwrap();
    assert_eq!(again.pending(), 0);
    assert_eq!(store.state()["list"], value!(["x", "a", 0, 1, 2, 3, 4, "last"]));
    assert_eq!(again.view().unwrap(), store.state());
}

#[test]
fn a_recipe_sees_what_came_also_while_something_waits() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "list": ["a"] }));
    let offline = writer(&disk, "w", &store);
    offline.produce(|doc| list(doc).push("mine")).unwrap();
    store.produce(|doc| list(doc).insert(0, "theirs")).unwrap();
    offline.replica().catch_up().unwrap();
    let mut seen = Value::Null;
    offline.produce(|doc| seen = std::mem::replace(&mut doc["list"], value!([]))).unwrap();
    assert_eq!(seen, value!(["theirs", "a", "mine"]));
}

/// Carries out what it is given, and loses the answer.
struct Deaf(Arc<Store<Value>>);

impl Sequencer for Deaf {
    fn submit(&self, submissions: &[redraft::merge::Submission]) -> Result<Vec<redraft::Receipt>> {
        self.0.merge_all(submissions)?;
        let source = std::io::ErrorKind::TimedOut.into();
        Err(redraft::Error::Unreachable { from: "here".into(), operation: "submit", source })
    }
}

#[test]
fn an_answer_that_is_lost_costs_nothing_and_nothing_is_done_twice() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "list": [], "n": 0 }));
    let deaf = writer_through(&disk, "w", Deaf(Arc::clone(&store)));
    for n in 0..3 {
        deaf.produce(|doc| list(doc).push(n)).unwrap();
        assert!(deaf.push().is_err());
    }
    assert_eq!(deaf.pending(), 3);
    deaf.replica().catch_up().unwrap();
    assert_eq!(deaf.view().unwrap()["list"], value!([0, 1, 2]));
    assert_eq!((deaf.pending(), store.version()), (0, 4));
}

#[test]
fn what_the_rules_make_of_it_is_told_and_shown() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "title": "a", "votes": 1, "note": "x" }));
    let rules = Rules::new()
        .with("/title".parse().unwrap(), Policy::FirstWins)
        .with("/votes".parse().unwrap(), Policy::Counter);
    store.set_rules(rules).unwrap();
    let writer = writer(&disk, "w", &store);
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let _listening = writer.listen(move |settled| heard.lock().unwrap().push(settled.outcome.clone()));
    writer.produce(|doc| doc["title"] = "mine".into()).unwrap();
    writer.produce(|doc| doc["votes"] = 2.into()).unwrap();
    writer.produce(|doc| doc["title"] = "mine again".into()).unwrap();
    writer.produce(|doc| doc["votes"] = 3.into()).unwrap();
    writer.produce(|doc| doc["note"] = "y".into()).unwrap();
    store.produce(|doc| doc["title"] = "theirs".into()).unwrap();
    store.produce(|doc| doc["votes"] = 11.into()).unwrap();
    writer.exchange().unwrap();
    assert_eq!(*store.state(), value!({ "title": "theirs", "votes": 13, "note": "y" }));
    assert_eq!(writer.view().unwrap(), store.state());
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 5);
    assert_eq!((&told[0], &told[1], &told[4]), (&Outcome::Partial, &Outcome::Partial, &Outcome::Clean));
}

#[test]
fn a_recipe_that_is_given_back_is_run_again_here() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "x": 10 }));
    store.set_rules(Rules::new().with("/x".parse().unwrap(), Policy::Rebase)).unwrap();
    let writer = writer(&disk, "w", &store);
    writer.recipe("double", |doc: &mut Value, _: &Value| {
        doc["x"] = (doc["x"].as_i64().ok_or("no number")? * 2).into();
        Ok::<(), &'static str>(())
    });
    writer.run("double", ()).unwrap();
    store.produce(|doc| doc["x"] = 7.into()).unwrap();
    writer.exchange().unwrap();
    assert_eq!((store.state()["x"].as_i64(), writer.pending()), (Some(14), 0));
    assert!(matches!(writer.run("treble", ()), Err(redraft::Error::NoRecipe { .. })));
}

#[test]
fn what_was_settled_before_anybody_listened_is_told_to_the_first_who_does() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "list": [] }));
    let writer = writer(&disk, "w", &store);
    writer.produce(|doc| list(doc).push(1)).unwrap();
    writer.exchange().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let _listening = writer.listen(move |settled| heard.lock().unwrap().push(settled.sequence));
    assert_eq!(*told.lock().unwrap(), [1]);
}

/// Says that it has merged what it is given first, and forgets it.
struct Forgets(Arc<Store<Value>>, AtomicBool);

impl Sequencer for Forgets {
    fn submit(&self, submissions: &[redraft::merge::Submission]) -> Result<Vec<redraft::Receipt>> {
        if self.1.swap(true, Ordering::SeqCst) { self.0.merge_all(submissions) } else { Ok(Vec::new()) }
    }
}

#[test]
fn what_was_said_to_be_merged_and_was_lost_is_submitted_again() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({ "n": 0 }));
    let writer = writer_through(&disk, "w", Forgets(Arc::clone(&store), AtomicBool::new(false)));
    // More than are submitted at a time, so that some come behind those that were lost.
    for n in 1..=5000 {
        writer.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    writer.exchange().unwrap();
    assert_eq!((writer.pending(), store.version()), (0, 5001));
    assert_eq!((store.state()["n"].as_i64(), writer.view().unwrap()), (Some(5000), store.state()));
}

/// Takes so many changes, and goes away.
struct Tires(Arc<Store<Value>>, AtomicUsize);

impl Sequencer for Tires {
    fn submit(&self, submissions: &[redraft::merge::Submission]) -> Result<Vec<redraft::Receipt>> {
        let count = self.1.load(Ordering::SeqCst).min(submissions.len());
        self.1.fetch_sub(count, Ordering::SeqCst);
        let receipts = self.0.merge_all(&submissions[..count])?;
        let source = std::io::ErrorKind::TimedOut.into();
        let gone = redraft::Error::Unreachable { from: "here".into(), operation: "submit", source };
        if count < submissions.len() { Err(gone) } else { Ok(receipts) }
    }
}

#[test]
fn what_waits_is_held_against_what_comes_however_much_was_settled_before_it() {
    let (disk, made, taken) = (MemoryDisk::new(), 3000, 2000);
    let store = primary(&disk, value!({}));
    let writer = writer_through(&disk, "w", Tires(Arc::clone(&store), taken.into()));
    let key = |n: usize| format!("{n:04}");
    (0..made).for_each(|n| drop(writer.produce(|doc| doc[key(n).as_str()] = "mine".into()).unwrap()));
    assert!(writer.push().is_err());
    store.produce(|doc| doc[key(made - 1).as_str()] = "theirs".into()).unwrap();
    writer.replica().catch_up().unwrap();
    assert_eq!(writer.view().unwrap()[key(made - 1).as_str()], "mine");
    assert_eq!(writer.pending(), made - taken);
}

/// Has others make a hundred changes before each of the next submissions is looked at.
struct Busy(Arc<Store<Value>>, AtomicUsize);

impl Sequencer for Busy {
    fn submit(&self, submissions: &[redraft::merge::Submission]) -> Result<Vec<redraft::Receipt>> {
        let is_busy = self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if is_busy.is_ok() {
            (0..100).for_each(|n| drop(self.0.produce(|doc| doc["theirs"] = n.into()).unwrap()));
        }
        self.0.merge_all(submissions)
    }
}

#[test]
fn what_is_too_old_each_time_it_is_looked_at_is_submitted_until_it_is_not() {
    let disk = MemoryDisk::new();
    let store: Arc<Store<Value>> = Arc::new(options(&disk).merge_window(16).open("/primary").unwrap());
    store.produce(|doc| *doc = value!({ "list": [] })).unwrap();
    let writer = writer_through(&disk, "w", Busy(Arc::clone(&store), 5.into()));
    (0..3).for_each(|n| drop(writer.produce(|doc| list(doc).push(n)).unwrap()));
    assert_eq!(writer.push().unwrap(), 3);
    assert_eq!(store.state()["list"], value!([0, 1, 2]));
    writer.exchange().unwrap();
    assert_eq!((writer.pending(), writer.view().unwrap()), (0, store.state()));
}

/// What a session comes to whose disk fails at one call: which numbers were taken as waiting.
fn on_a_failing_disk(primary: &MemoryDisk, store: &Arc<Store<Value>>, disk: &FaultDisk) -> (Vec<i64>, bool) {
    let env = Env::simulated(disk.clone(), 9);
    let options = Options::new().env(env).segment_bytes(1 << 14);
    let source = Arc::new(Directory::open_in(&self::env(primary), "/primary").unwrap());
    let open = || -> Result<Writer<Value>> {
        let replica: Replica<Value> = options.replica_of(source.clone(), "/w", Beginning::Oldest)?;
        let writer = replica.write_through(Arc::clone(store))?;
        writer.replica().catch_up()?;
        Ok(writer)
    };
    let Ok(writer) = open() else { return (Vec::new(), false) };
    let mut taken = Vec::new();
    for n in 0..6 {
        let made = writer.produce(|doc| {
            doc["title"] = format!("mine {n}").as_str().into();
            list(doc).push(n);
        });
        taken.extend(made.is_ok().then_some(n));
        store.produce(|doc| doc["title"] = format!("theirs {n}").as_str().into()).unwrap();
        if n % 2 == 1 {
            let _ = writer.exchange();
        }
    }
    // Whatever failed before: what shows in the end is what is there.
    let is_whole = writer.exchange().is_ok() && writer.pending() == 0;
    if is_whole {
        assert_eq!(writer.view().unwrap(), store.state());
    }
    (taken, is_whole)
}

#[test]
fn whichever_call_of_its_disk_fails_nothing_that_waits_is_lost_and_nothing_is_done_twice() {
    let session = |plan| {
        let primary_disk = MemoryDisk::new();
        let store = primary(&primary_disk, value!({ "list": [], "title": "" }));
        store.set_rules(Rules::new().with("/title".parse().unwrap(), Policy::FirstWins)).unwrap();
        let disk = FaultDisk::new(MemoryDisk::new(), plan);
        let (taken, is_whole) = on_a_failing_disk(&primary_disk, &store, &disk);
        (primary_disk, store, disk, taken, is_whole)
    };
    let (.., disk, all, is_whole) = session(None);
    assert!(is_whole && all.len() == 6);
    let (mut gone_on, calls) = (0, disk.calls());
    for call in 0..calls {
        let plan = FaultPlan { call, failure: Failure::Medium, forever: false };
        let (primary_disk, store, disk, taken, is_whole) = session(Some(plan));
        gone_on += u64::from(is_whole);
        if !is_whole {
            let left = FaultDisk::new(disk.memory().process_kill(), None);
            let options = Options::new().env(Env::simulated(left, 9)).segment_bytes(1 << 14);
            let source = Arc::new(Directory::open_in(&env(&primary_disk), "/primary").unwrap());
            let replica: Replica<Value> = options.replica_of(source, "/w", Beginning::Oldest).unwrap();
            let writer = replica.write_through(Arc::clone(&store)).unwrap();
            writer.replica().catch_up().unwrap();
            writer.exchange().unwrap();
            assert_eq!((writer.pending(), writer.view().unwrap()), (0, store.state()), "call {call}");
        }
        let there: Vec<i64> =
            store.state()["list"].as_list().unwrap().iter().filter_map(Value::as_i64).collect();
        for n in 0..6 {
            let times = there.iter().filter(|item| **item == n).count();
            assert!(
                times == 1 || times == 0 && !taken.contains(&n),
                "call {call}: {n} is there {times} times"
            );
        }
    }
    assert!(gone_on > calls / 10, "{gone_on} of {calls} sessions went on by themselves");
}

/// How many segments there are of what a writer keeps.
fn kept_segments(disk: &MemoryDisk) -> usize {
    disk.files()
        .iter()
        .filter(|path| path.starts_with("/w/pending") && path.to_string_lossy().ends_with(".seg"))
        .count()
}

#[test]
fn what_no_longer_waits_and_cannot_be_removed_fails_no_change_and_goes_later() {
    let (disk, refuses) = (MemoryDisk::new(), Arc::new(AtomicBool::new(true)));
    let store = primary(&disk, value!({}));
    let is_on = Arc::clone(&refuses);
    let refusing = Watched::refusing(disk.clone(), move |call| match call {
        Call::Remove(path) if path.starts_with("/w/pending") && is_on.load(Ordering::SeqCst) => {
            Some(std::io::ErrorKind::PermissionDenied)
        }
        _ => None,
    });
    let env = Env { disk: Arc::new(refusing), entropy: Arc::new(SeededEntropy::new(seed(1))), ..env(&disk) };
    let replica: Replica<Value> = Options::new().env(env).open_replica("/primary", "/w").unwrap();
    let writer = replica.write_through(Arc::clone(&store)).unwrap();
    writer.replica().catch_up().unwrap();
    let write = |count: u64| {
        for n in 0..count {
            writer.produce(|doc| doc["text"] = format!("{n:08} ").repeat(20_000).into()).unwrap();
            writer.exchange().unwrap();
        }
        kept_segments(&disk)
    };
    let stuck = write(40);
    assert!(stuck > 4, "{stuck} segments: 7 MB were kept");
    refuses.store(false, Ordering::SeqCst);
    let left = write(20);
    assert!(left < stuck, "{left} of {stuck} segments are left");
    assert_eq!(writer.view().unwrap(), store.state());
}

#[test]
fn a_listener_that_panics_keeps_nobody_from_hearing() {
    let disk = MemoryDisk::new();
    let store = primary(&disk, value!({}));
    let writer = writer(&disk, "w", &store);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let _panics = writer.listen(|settled| panic!("{settled:?}"));
    let _listens = writer.listen(move |settled| hears.lock().unwrap().push(settled.sequence));
    for n in 0..3 {
        writer.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    writer.exchange().unwrap();
    assert_eq!((&*heard.lock().unwrap(), writer.pending()), (&vec![1, 2, 3], 0));
}
