//! A replica that follows: what was written there is read here, listeners hear it, a source that goes away is waited for, and one
//! that is another history ends it.

use crate::common::waiting::PATIENCE;
use crate::common::{dir, env, options, written};
use crate::wire::{Wire, bytes_of};
use redraft::io::MemoryDisk;
use redraft::replica::{Beginning, Directory, Feed, LocalOrder, Source, Status};
use redraft::{Error, Options, Replica, Result, Role, SnapshotPolicy, Store, Value};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

fn source(disk: &MemoryDisk) -> Arc<Directory> {
    Arc::new(Directory::open_in(&env(disk), dir()).unwrap())
}

fn replica(disk: &MemoryDisk, copy: &MemoryDisk) -> Replica<Value> {
    options(copy).create(true).replica_of(source(disk), dir(), Beginning::Oldest).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_was_written_there_is_read_here_and_heard() {
    let (disk, store, _) = written(1, 5, &[]);
    let replica = replica(&disk, &MemoryDisk::new());
    let (sender, heard) = mpsc::channel();
    let _listening = replica.store().listen(move |commit| drop(sender.send(commit.clone())));
    let following = replica.follow().unwrap();
    for n in 0..100_u64 {
        let written = store.produce(|doc| doc["n"] = n.into()).unwrap();
        let state = replica.wait_for(written.version(), PATIENCE).unwrap();
        assert_eq!(state["n"].as_i64(), Some(n as i64));
    }
    let commits: Vec<_> = (0..105).map(|_| heard.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(
        commits.iter().map(redraft::Commit::version).collect::<Vec<_>>(),
        (1..=105).collect::<Vec<_>>()
    );
    for pair in commits.windows(2) {
        let back = redraft::apply(&**pair[1].state(), pair[1].inverse()).unwrap().state;
        assert_eq!(back, **pair[0].state());
        assert_eq!(redraft::apply(&back, pair[1].patch()).unwrap().state, **pair[1].state());
    }
    until("the lag is known to be over", || replica.lag().changes == 0);
    assert!(replica.lag().connected && replica.lag().since.is_none());
    assert_eq!(replica.catch_up().unwrap().version, 105, "a thread does it already");
    following.finish().unwrap();
    assert!(!replica.lag().connected);
    replica.close().unwrap();
}

#[test]
fn nobody_changes_a_replica_but_its_source() {
    let (disk, store, _) = written(2, 5, &[]);
    let replica = replica(&disk, &MemoryDisk::new());
    replica.catch_up().unwrap();
    let copy = replica.store();
    let refused = [
        copy.produce(|doc| doc["n"] = 1.into()).map(drop),
        copy.submit(|doc| doc["n"] = 1.into()).map(drop),
        copy.apply(&redraft::Patch::default()).map(drop),
        copy.undo(5).map(drop),
        copy.commit(copy.draft()).map(drop),
    ];
    for answer in refused {
        let is_role = matches!(answer, Err(Error::Role { wanted: Role::Store, found: Role::Replica, .. }));
        assert!(is_role, "{answer:?}");
    }
    assert_eq!(copy.newest(), store.newest());
}

/// Whoever waits for a version that does not come is told so, when the time is over.
#[test]
fn waiting_ends() {
    let (disk, _store, _) = written(3, 5, &[]);
    let replica = replica(&disk, &MemoryDisk::new());
    let answer = replica.wait_for(6, Duration::from_millis(20));
    assert!(matches!(answer, Err(Error::BeyondHead { version: 6, head: 0 })), "{answer:?}");
    replica.catch_up().unwrap();
    let answer = replica.wait_for(6, Duration::from_millis(20));
    assert!(matches!(answer, Err(Error::BeyondHead { version: 6, head: 5 })), "{answer:?}");
    assert!(replica.wait_for(4, Duration::ZERO).is_ok());
}

#[test]
fn a_source_that_goes_away_is_waited_for() {
    let (disk, store, _) = written(4, 5, &[]);
    let up = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&up);
    let end = Directory::open_in(&env(&disk), dir()).unwrap();
    let wire =
        Wire { answers: Box::new(move || switch.load(SeqCst)), ..Wire::new(end, |bytes| (bytes, false)) };
    let copy = MemoryDisk::new();
    let replica: Replica =
        options(&copy).create(true).replica_of(Arc::new(wire), dir(), Beginning::Oldest).unwrap();
    let following = replica.follow().unwrap();
    replica.wait_for(5, PATIENCE).unwrap();
    for round in 0..2_u64 {
        up.store(false, SeqCst);
        let version = store.produce(|doc| doc["round"] = round.into()).unwrap().version();
        std::thread::sleep(Duration::from_millis(30));
        assert!(!following.is_over());
        up.store(true, SeqCst);
        replica.wait_for(version, PATIENCE).unwrap();
    }
    following.finish().unwrap();
}

#[test]
fn who_waits_for_what_comes_looks_up_when_roused() {
    // They would look up once in a second by themselves.
    const OFTEN: u32 = 200;
    let (disk, _store, _) = written(7, 5, &[]);
    let order_dir = tempfile::tempdir().unwrap();
    let order: Arc<dyn Source> = Arc::new(LocalOrder::open(order_dir.path()).unwrap());
    let directory: Arc<dyn Source> = source(&disk);
    for source in [directory, order] {
        let mut feed = source.feed(source.status().unwrap().head, true).unwrap();
        let (begin, mut came, is_enough) = (Instant::now(), 0, AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_enough.load(SeqCst) {
                    source.rouse();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let mut piece = [0; 4096];
            while came < OFTEN
                && begin.elapsed() < PATIENCE
                && feed.read(&mut piece).is_ok_and(|count| count > 0)
            {
                came += 1;
            }
            is_enough.store(true, SeqCst);
        });
        assert_eq!(came, OFTEN, "{}", source.name());
    }
}

#[test]
fn another_history_ends_it_and_both_stay_as_they_are() {
    let (disk, store, _) = written(5, 20, &[]);
    let copy = MemoryDisk::new();
    let mut mirror = options(&copy).create(true).mirror_of(source(&disk), dir(), Beginning::Oldest).unwrap();
    mirror.catch_up().unwrap();
    mirror.close().unwrap();
    drop(store);
    let (fork, forked, _) = written(5, 12, &[]);
    forked.produce(|doc| doc["fork"] = true.into()).unwrap();
    assert_eq!(forked.version(), 13);
    let opened = options(&copy).create(true).replica_of::<Value>(source(&fork), dir(), Beginning::Oldest);
    match opened.map(drop) {
        Err(Error::Diverged { offset: 12, source_head: 13, replica_head: 20 }) => {}
        other => panic!("{other:?}"),
    }
    let report = options(&copy).verify(dir()).unwrap();
    assert!(report.is_sound() && report.intact == 20);
}

#[test]
fn replicas_of_replicas_come_to_the_same() {
    let (disk, store, _) = written(6, 5, &[]);
    let (first, second) = (MemoryDisk::new(), MemoryDisk::new());
    let near = replica(&disk, &first);
    let far = replica(&first, &second);
    let (following, too) = (near.follow().unwrap(), far.follow().unwrap());
    for n in 0..50_u64 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    assert_eq!(far.wait_for(55, PATIENCE).unwrap(), store.state());
    near.wait_for(55, PATIENCE).unwrap();
    assert_eq!(near.store().newest(), far.store().newest());
    drop((following, too));
}

/// A replica takes snapshots of its own, and is opened from them.
#[test]
fn a_replica_is_opened_from_its_own_snapshots() {
    let (disk, _store, model) = written(7, 200, &[]);
    let copy = MemoryDisk::new();
    let options: Options = options(&copy).create(true).snapshots(SnapshotPolicy::default().every_changes(50));
    let replica: Replica = options.replica_of(source(&disk), dir(), Beginning::Oldest).unwrap();
    replica.catch_up().unwrap();
    replica.store().snapshot().unwrap();
    replica.close().unwrap();
    let replica: Replica = options.replica_of(source(&disk), dir(), Beginning::Oldest).unwrap();
    assert_eq!(replica.store().opened().from_snapshot, Some(200));
    assert_eq!(*replica.store().state(), model.states[200]);
}

/// Others read what a replica holds while it follows: each sees states that were.
#[test]
fn whoever_reads_meanwhile_sees_states_that_were_in_order() {
    let (disk, store, _) = written(8, 1, &[]);
    let replica = replica(&disk, &MemoryDisk::new());
    let following = replica.follow().unwrap();
    let seen = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let (version, state) = replica.store().newest();
                seen.lock().unwrap().push((version, state["n"].as_i64()));
            }
        });
        for n in 0..300_i64 {
            store.produce(|doc| doc["n"] = n.into()).unwrap();
        }
        replica.wait_for(301, PATIENCE).unwrap();
        done.store(true, SeqCst);
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted_by_key(|(version, _)| *version));
    assert!(seen.iter().all(|(version, n)| *version < 2 || *n == Some(*version as i64 - 2)));
    drop(following);
    let _: &Store<Value> = replica.store();
}

/// In bytes, too: what a source has that was not sent, and what came and is not visible.
#[test]
fn a_replica_knows_how_many_bytes_it_is_behind() {
    let (disk, store, _) = written(1, 40, &[]);
    let sent = |from: u64| bytes_of(Feed::of(&store, from).unwrap()).len() as u64;
    let copy = MemoryDisk::new();
    let replica = replica(&disk, &copy);
    assert_eq!((replica.lag().changes, replica.lag().bytes), (40, sent(0) - sent(40)));
    assert_eq!(replica.catch_up().unwrap().behind_bytes, 0);
    assert_eq!((replica.lag().changes, replica.lag().bytes), (0, 0));
    replica.close().unwrap();
    let text = "a long text ".repeat(50_000);
    for n in 0..8_u64 {
        let different = format!("{n}{}", text.chars().rev().skip(n as usize).collect::<String>());
        store.produce(|doc| doc[format!("k{n}").as_str()] = different.into()).unwrap();
    }
    let mut mirror = options(&copy).mirror_of(source(&disk), dir(), Beginning::Oldest).unwrap();
    let mut told = Vec::new();
    mirror.catch_up_with(|step| told.push((step.version, step.behind_bytes))).unwrap();
    assert!(told.len() > 2, "{told:?}");
    for (version, behind) in told {
        assert_eq!(behind, sent(version) - sent(48), "at version {version}");
    }
}

/// A source that knows whether it was asked for a feed that ends.
#[derive(Debug)]
struct Asked(Directory, AtomicBool);

impl Source for Asked {
    fn name(&self) -> String {
        self.0.name()
    }
    fn status(&self) -> Result<Status> {
        self.0.status()
    }
    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.0.chain_at(offset)
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.0.snapshots()
    }
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.0.snapshot(version)
    }
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        self.1.fetch_or(!lives, SeqCst);
        self.0.feed(from, lives)
    }
}

/// The thread may not have come far by then; who took its place could meet it on the way and wait for ever.
#[test]
fn from_the_moment_that_it_follows_nobody_else_does_the_work() {
    let (disk, store, _) = written(7, 5, &[]);
    let asked = Arc::new(Asked(Directory::open_in(&env(&disk), dir()).unwrap(), AtomicBool::new(false)));
    let copy = MemoryDisk::new();
    let replica: Replica<Value> =
        options(&copy).create(true).replica_of(Arc::clone(&asked) as _, dir(), Beginning::Oldest).unwrap();
    asked.1.store(false, SeqCst);
    let following = replica.follow().unwrap();
    let progress = replica.catch_up().unwrap();
    assert_eq!((progress.version, progress.copied), (store.version(), 0));
    following.finish().unwrap();
    assert!(!asked.1.load(SeqCst));
    // Once it does not, the work is one's own again.
    replica.catch_up().unwrap();
    assert!(asked.1.load(SeqCst));
}

#[test]
fn one_that_follows_may_be_replaced_by_another() {
    let (disk, store, _) = written(9, 5, &[]);
    let replica = replica(&disk, &MemoryDisk::new());
    let mut following = replica.follow().unwrap();
    for round in 0..5_u64 {
        // The one that is dropped here ends after the other was begun.
        following = replica.follow().unwrap();
        let version = store.produce(|doc| doc["round"] = round.into()).unwrap().version();
        replica.wait_for(version, PATIENCE).unwrap();
        assert!(!following.is_over());
    }
    following.finish().unwrap();
}

#[test]
fn a_replica_that_is_closed_while_it_follows_can_be_opened_at_once() {
    let (disk, store, _) = written(10, 5, &[]);
    let copy = MemoryDisk::new();
    for version in [5, 6, 7] {
        let replica = replica(&disk, &copy);
        let following = replica.follow().unwrap();
        replica.wait_for(version, PATIENCE).unwrap();
        replica.close().unwrap();
        store.produce(|doc| doc["n"] = version.into()).unwrap();
        assert_eq!(self::replica(&disk, &copy).catch_up().unwrap().version, version + 1);
        following.finish().unwrap();
    }
}

#[test]
fn who_catches_up_while_one_follows_does_not_wait_for_a_source_that_is_gone() {
    let (disk, _store, _) = written(11, 5, &[]);
    let end = Directory::open_in(&env(&disk), dir()).unwrap();
    // It says how far it is, and nothing of that arrives.
    let wire = Arc::new(Wire::new(end, |_| (Vec::new(), true)));
    let copy = options(&MemoryDisk::new()).create(true);
    let replica: Replica = copy.replica_of(wire, dir(), Beginning::Oldest).unwrap();
    let (sender, told) = mpsc::channel();
    std::thread::spawn(move || {
        let _following = replica.follow().unwrap();
        let _ = sender.send(replica.catch_up().map_err(|error| error.kind()));
    });
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Err(redraft::ErrorKind::Unreachable)));
}

#[test]
fn of_two_that_follow_either_may_end_first() {
    let (disk, store, _) = written(12, 5, &[]);
    let replica = replica(&disk, &MemoryDisk::new());
    let (first, second) = (replica.follow().unwrap(), replica.follow().unwrap());
    second.finish().unwrap();
    let version = store.produce(|doc| doc["n"] = 1.into()).unwrap().version();
    replica.wait_for(version, PATIENCE).unwrap();
    assert!(!first.is_over());
    first.finish().unwrap();
}
