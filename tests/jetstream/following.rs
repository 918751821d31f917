//! A replica follows a stream as it follows any source.

use crate::appending::{bodies, slices};
use crate::servers::{Server, append, end, there_are_servers};
use redraft::jetstream::Stream;
use redraft::replica::{Beginning, Directory, Order, Source};
use redraft::{Options, Replica, Store, Value};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Copies what a store has more than a stream, as whoever moves one in would.
pub(crate) fn copy_to(stream: &Stream, store: &Store<Value>) {
    let place = end(stream);
    let mut feed = redraft::replica::Feed::of(store, place.offset).unwrap();
    let mut bytes = Vec::new();
    feed.read_to_end(&mut bytes).unwrap();
    let records = bodies(&bytes[64..]);
    stream.append(place, &slices(&records)).unwrap();
}

/// A stream that holds the history of a store.
pub(crate) fn stream_of(server: &Server, store: &Store<Value>) -> Stream {
    let source = Directory::open(store.path()).unwrap();
    let place = redraft::replica::Place { offset: 0, chain: source.chain_at(0).unwrap() };
    let status = source.status().unwrap();
    server.settings().begin_with(status.store, status.epoch, place).open().unwrap()
}

#[test]
fn a_replica_follows_what_another_connection_appends() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let store = Store::<Value>::open(dir.path().join("store")).unwrap();
    store.produce(|doc| doc["n"] = 0.into()).unwrap();
    let writer = stream_of(&server, &store);
    copy_to(&writer, &store);
    let source = Arc::new(server.stream());
    let open = || -> Replica<Value> {
        Options::new().replica_of(source.clone(), dir.path().join("copy"), Beginning::Oldest).unwrap()
    };
    let replica = open();
    let following = replica.follow().unwrap();
    for n in 1..50 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
        copy_to(&writer, &store);
        let state = replica.wait_for(store.version(), Duration::from_secs(20)).unwrap();
        assert_eq!(state["n"], n);
    }
    following.finish().unwrap();
    replica.close().unwrap();
    store.produce(|doc| doc["n"] = "last".into()).unwrap();
    copy_to(&writer, &store);
    let replica = open();
    assert_eq!(replica.catch_up().unwrap().copied, 1);
    assert_eq!(replica.store().state(), store.state());
}

/// What comes next in a feed: the body of a record, or nothing where it is a mark.
fn next(feed: &mut dyn Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    feed.read_exact(&mut length).unwrap();
    let rest = u32::from_le_bytes(length).checked_add(4).unwrap_or(16);
    let mut frame = length.to_vec();
    feed.take(rest.into()).read_to_end(&mut frame).unwrap();
    bodies(&frame).pop()
}

#[test]
fn a_feed_that_is_roused_says_that_the_server_is_there_and_goes_on() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    append(&stream, &[b"one"]);
    let mut feed = stream.feed(0, true).unwrap();
    feed.read_exact(&mut [0; 64]).unwrap();
    assert_eq!(next(&mut feed).unwrap(), b"one");
    let is_enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_enough.load(Ordering::SeqCst) {
                stream.rouse();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        (0..50).for_each(|_| assert_eq!(next(&mut feed), None, "a mark"));
        for n in 0..50_u8 {
            append(&stream, &[&[b'n', n]]);
            let came = std::iter::repeat_with(|| next(&mut feed)).flatten().next().unwrap();
            assert_eq!(came, [b'n', n]);
        }
        is_enough.store(true, Ordering::SeqCst);
    });
}
