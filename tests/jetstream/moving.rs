//! A store moves into a stream as what it is, and what a stream lost is put back.

use crate::servers::{Server, there_are_servers};
use redraft::jetstream::Stream;
use redraft::replica::{Beginning, Directory, Node, Order, Place, Source, Status, compare, move_in};
use redraft::{Error, Meta, Mirror, Options, Result, Retention, Store, Value};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A store whose changes are a few times `padding` bytes long.
fn store_of(dir: &Path, changes: u64, padding: usize) -> Store<Value> {
    let store = Store::<Value>::open(dir).unwrap();
    for n in store.version() + 1..=changes {
        // Of what repeats what was there before, only the difference would be recorded.
        let text = format!("{n} ").repeat(padding);
        drop(store.submit_with(Meta::label(format!("change {n}")), |doc| doc["n"] = text.into()).unwrap());
    }
    store.sync().unwrap();
    store
}

fn opened(server: &Server, source: &dyn Source) -> Stream {
    server.settings().begin_with_history_of(source).unwrap().open().unwrap()
}

/// A stream that answers so many times.
#[derive(Debug)]
struct Interrupted {
    stream: Stream,
    left: AtomicUsize,
}

impl Source for Interrupted {
    fn name(&self) -> String {
        self.stream.name()
    }
    fn status(&self) -> Result<Status> {
        self.stream.status()
    }
    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.stream.chain_at(offset)
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.stream.snapshots()
    }
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.stream.snapshot(version)
    }
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        self.stream.feed(from, lives)
    }
}

impl Order for Interrupted {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        let spent = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spent).is_err() {
            let source = std::io::ErrorKind::TimedOut.into();
            return Err(Error::Unreachable { from: self.name(), operation: "append", source });
        }
        self.stream.append(place, records)
    }
    fn batch_bytes(&self) -> usize {
        self.stream.batch_bytes() / 8
    }
}

#[test]
fn a_store_that_moved_in_is_the_same_store_and_goes_on_there() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let (path, here) = (dir.path().join("store"), dir.path().join("node"));
    let store = store_of(&path, 300, 100);
    // Its writer may be at work.
    let source = Directory::open(&path).unwrap();
    let stream = opened(&server, &source);
    let mut steps = Vec::new();
    let moved = stream.move_in(&source, |step| steps.push((step.version, step.source_version))).unwrap();
    assert_eq!((moved.version, moved.copied, steps.last()), (300, 300, Some(&(300, 300))));
    assert_eq!((stream.store().unwrap(), compare(&source, &stream).unwrap()), (store.id(), None));

    let node = Node::<Value>::open(Arc::new(stream), &here).unwrap();
    assert_eq!(node.wait_for(300).unwrap(), store.state());
    assert_eq!(node.store().at(17).unwrap(), store.at(17).unwrap());
    assert_eq!(node.produce(|doc| doc["moved"] = true.into()).unwrap().version, 301);
    node.close().unwrap();

    // There is nothing more to move, and nothing that is there goes.
    drop(store);
    let again = server.stream().move_in(&source, |_| ()).unwrap();
    assert_eq!((again.copied, server.stream().status().unwrap().head), (0, 301));
}

#[test]
fn a_store_that_begins_with_a_snapshot_moves_in_with_it() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let (path, here) = (dir.path().join("store"), dir.path().join("node"));
    let store: Store<Value> = Options::new().segment_bytes(4096).open(&path).unwrap();
    for n in 1..=300_u64 {
        drop(store.submit(|doc| doc["n"] = n.into()).unwrap());
    }
    store.sync().unwrap();
    let oldest = store.compact_to(Retention::Changes(50)).unwrap().oldest;
    assert!((1..=250).contains(&oldest), "{oldest}");
    let source = Directory::open(&path).unwrap();
    // Interrupted before the snapshot is there, it is put there the next time.
    drop(opened(&server, &source));
    let stream = opened(&server, &source);
    assert_eq!(stream.move_in(&source, |_| ()).unwrap().copied, 300 - oldest);
    assert_eq!((stream.status().unwrap().oldest, compare(&source, &stream).unwrap()), (oldest, None));
    let node = Node::<Value>::open(Arc::new(stream), &here).unwrap();
    assert_eq!((node.wait_for(300).unwrap(), node.store().oldest()), (store.state(), oldest));
    assert_eq!(node.produce(|doc| doc["n"] = 301.into()).unwrap().version, 301);
    node.close().unwrap();
}

#[test]
fn an_interrupted_move_goes_on_where_the_stream_ends() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    drop(store_of(dir.path(), 2000, 250));
    let source = Directory::open(dir.path()).unwrap();
    let mut interruptions = 0;
    let mut reached = 0;
    loop {
        let stream = Interrupted { stream: opened(&server, &source), left: AtomicUsize::new(3) };
        match move_in(&source, &stream, |_| ()) {
            Ok(moved) => break assert_eq!(moved.version, 2000),
            Err(Error::Unreachable { .. }) => interruptions += 1,
            Err(other) => panic!("{other}"),
        }
        let head = stream.status().unwrap().head;
        assert!(head > reached, "{head} after {reached}");
        reached = head;
    }
    assert!(interruptions > 2, "{interruptions}");
    assert_eq!(compare(&source, &server.stream()).unwrap(), None);
    assert_eq!(server.stream().status().unwrap().head, 2000);
}

#[test]
fn two_who_move_the_same_in_at_the_same_time_move_it_in_once() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    drop(store_of(dir.path(), 2000, 250));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let source = Directory::open(dir.path()).unwrap();
                let stream = Interrupted { stream: opened(&server, &source), left: usize::MAX.into() };
                assert_eq!(move_in(&source, &stream, |_| ()).unwrap().version, 2000);
            });
        }
    });
    let source = Directory::open(dir.path()).unwrap();
    assert_eq!(compare(&source, &server.stream()).unwrap(), None);
    assert_eq!(server.stream().status().unwrap().head, 2000);
}

#[test]
fn what_a_stream_lost_is_put_back_from_who_has_it() {
    if !there_are_servers() {
        return;
    }
    let (old, new, dir) = (Server::alone(), Server::alone(), tempfile::tempdir().unwrap());
    let (store, copy) = (dir.path().join("store"), dir.path().join("copy"));
    drop(store_of(&store, 50, 100));
    let source = Directory::open(&store).unwrap();
    let stream = opened(&old, &source);
    move_in(&source, &stream, |_| ()).unwrap();
    let mut mirror = Options::new().mirror_of(Arc::new(stream), &copy, Beginning::Oldest).unwrap();
    mirror.catch_up().unwrap();
    mirror.close().unwrap();
    // Another stream, which has less: as it was when its servers were saved the last time.
    let less = opened(&new, &source);
    let first = source_records(&source, 0).remove(0);
    let begin = Place { offset: 0, chain: source.chain_at(0).unwrap() };
    less.append(begin, &[&first]).unwrap();
    drop(source);

    let copy = Directory::open(&copy).unwrap();
    assert_eq!(move_in(&copy, &less, |_| ()).unwrap().copied, 49);
    assert_eq!(compare(&copy, &new.stream()).unwrap(), None);
}

#[test]
fn histories_that_differ_are_left_as_they_are_and_the_first_change_that_does_is_named() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let [store, copy, other] = ["store", "copy", "other"].map(|name| dir.path().join(name));
    drop(store_of(&store, 20, 10));
    let mut mirror = Mirror::open(&store, &copy).unwrap();
    mirror.catch_up().unwrap();
    mirror.close().unwrap();
    let source = Directory::open(&copy).unwrap();
    let stream = opened(&server, &source);
    move_in(&source, &stream, |_| ()).unwrap();
    // Both go on from there, each in its own way.
    drop(store_of(&store, 25, 11));
    let node = Node::<Value>::open(Arc::new(stream), dir.path().join("node")).unwrap();
    node.produce(|doc| doc["else"] = true.into()).unwrap();
    node.close().unwrap();
    let (source, stream) = (Directory::open(&store).unwrap(), server.stream());
    let answer = move_in(&source, &stream, |_| panic!("nothing is moved"));
    assert!(
        matches!(answer, Err(Error::Diverged { offset: 20, source_head: 25, replica_head: 21 })),
        "{answer:?}"
    );

    drop(store_of(&other, 3, 10));
    let other = Directory::open(&other).unwrap();
    let answer = move_in(&other, &stream, |_| panic!("nothing is moved"));
    assert!(matches!(answer, Err(Error::Foreign { .. })), "{answer:?}");
    let answer = server.settings().begin_with_history_of(&other).unwrap().open();
    assert!(matches!(answer, Err(Error::Foreign { .. })), "{answer:?}");
    assert_eq!(stream.status().unwrap().head, 21);
}

#[test]
fn a_replica_that_was_promoted_is_not_taken_for_who_it_was() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let copy = dir.path().join("copy");
    let stream = Arc::new(server.stream());
    let node = Node::<Value>::open(stream.clone(), dir.path().join("node")).unwrap();
    node.produce(|doc| doc["n"] = 1.into()).unwrap();
    node.close().unwrap();
    let mut mirror = Options::new().mirror_of(stream.clone(), &copy, Beginning::Oldest).unwrap();
    mirror.catch_up().unwrap();
    mirror.close().unwrap();
    Options::new().promote(&copy).unwrap();
    drop(store_of(&copy, 3, 10));
    let answer = move_in(&Directory::open(&copy).unwrap(), &*stream, |_| panic!("nothing is moved"));
    assert!(matches!(answer, Err(Error::Superseded { source_epoch: 1, replica_epoch: 2 })), "{answer:?}");
}

/// The bodies of what a source has from an offset on.
fn source_records(source: &dyn Source, from: u64) -> Vec<Vec<u8>> {
    crate::appending::read(source, from)
}
