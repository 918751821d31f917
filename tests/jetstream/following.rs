//! A replica follows a stream as it follows any source.

use crate::appending::{bodies, slices};
use crate::servers::{Server, end, there_are_servers};
use redraft::jetstream::Stream;
use redraft::replica::{Beginning, Directory, Order, Source};
use redraft::{Options, Replica, Store, Value};
use std::io::Read;
use std::sync::Arc;
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
