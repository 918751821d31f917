//! Snapshots beside a stream, what is given up before one, and who begins there.

use crate::appending::read;
use crate::following::{copy_to, stream_of};
use crate::servers::{Server, append, by_hand, end, there_are_servers};
use redraft::jetstream::Stream;
use redraft::replica::{Beginning, Source};
use redraft::{Error, ErrorKind, Options, Replica, Store, Value};
use std::path::Path;
use std::sync::Arc;

/// A store of 40 changes in a directory, a stream of its history, and a snapshot of each tenth version.
fn made(server: &Server, dir: &Path) -> (Store<Value>, Stream) {
    let store = Store::<Value>::open(dir.join("store")).unwrap();
    let stream = stream_of(server, &store);
    for n in 1..=40_i64 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
        copy_to(&stream, &store);
        if n % 10 == 0 {
            keep_snapshot(&store, dir);
        }
    }
    (store, stream)
}

/// Has the newest version of a store as a snapshot that continues no other, where [`whole`] finds it.
fn keep_snapshot(store: &Store<Value>, dir: &Path) {
    store.snapshot().unwrap();
    let source = Arc::new(redraft::replica::Directory::open(store.path()).unwrap());
    let target = dir.join(format!("at{}", store.version()));
    Options::new().mirror_of(source, target, Beginning::NewestSnapshot).unwrap();
}

/// The file of the snapshot of a version.
fn whole(dir: &Path, version: u64) -> Vec<u8> {
    std::fs::read(dir.join(format!("at{version}/{version:020}.snap"))).unwrap()
}

#[test]
fn a_new_replica_begins_with_the_snapshot_that_the_stream_was_trimmed_to() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let (store, stream) = made(&server, dir.path());
    for version in [10, 20] {
        stream.put_snapshot(version, &whole(dir.path(), version)[..]).unwrap();
    }
    assert_eq!(server.stream().snapshots().unwrap(), [10, 20]);
    assert_eq!(stream.status().unwrap().oldest, 0, "nothing was given up yet");
    stream.trim(20).unwrap();
    for stream in [stream, server.stream()] {
        let status = stream.status().unwrap();
        assert_eq!((status.oldest, status.head), (20, 40));
        assert_eq!(stream.snapshots().unwrap(), [20]);
        assert!(matches!(stream.chain_at(5), Err(Error::Compacted { .. })));
    }
    for (begin, name) in [(Beginning::Oldest, "oldest"), (Beginning::NewestSnapshot, "newest")] {
        let source = Arc::new(server.stream());
        let replica: Replica<Value> =
            Options::new().replica_of(source, dir.path().join(name), begin).unwrap();
        assert_eq!(replica.catch_up().unwrap().version, 40);
        assert_eq!(replica.store().state(), store.state());
        assert_eq!(replica.store().at(20).unwrap()["n"], 20);
        replica.close().unwrap();
    }
}

#[test]
fn nothing_is_given_up_without_a_good_snapshot() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let (_store, stream) = made(&server, dir.path());
    let missing = stream.trim(20).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unreachable, "{missing:?}");
    let good = whole(dir.path(), 20);
    // Not a byte of it may be another one, nor may any be missing.
    for at in (0..good.len()).step_by(good.len() / 40 + 1) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let error = stream.put_snapshot(20, &bad[..]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Damage | ErrorKind::Newer), "byte {at}: {error:?}");
        assert!(stream.put_snapshot(20, &good[..at]).is_err(), "{at} bytes");
    }
    assert_eq!(stream.put_snapshot(30, &good[..]).unwrap_err().kind(), ErrorKind::Damage, "misnamed");
    let other = Store::<Value>::open(dir.path().join("other")).unwrap();
    (0..20_i64).for_each(|n| drop(other.produce(|doc| doc["n"] = n.into()).unwrap()));
    let elsewhere = dir.path().join("elsewhere");
    keep_snapshot(&other, &elsewhere);
    let foreign = stream.put_snapshot(20, &whole(&elsewhere, 20)[..]).unwrap_err();
    assert!(matches!(foreign, Error::Foreign { .. }), "{foreign:?}");
    assert_eq!(stream.snapshots().unwrap(), [0_u64; 0]);
    // One that went bad where it lies is noticed before anything goes.
    stream.put_snapshot(20, &good[..]).unwrap();
    by_hand(&server, async |context| {
        let bucket = context.get_object_store("redraft-board").await.unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        let name = format!("snapshot-{}-{:020}", stream.store().unwrap(), 20);
        bucket.put(name.as_str(), &mut &bad[..]).await.unwrap();
    });
    assert_eq!(stream.trim(20).unwrap_err().kind(), ErrorKind::Damage);
    assert_eq!(read(&stream, 0).len(), 40);
    assert_eq!(server.stream().status().unwrap().oldest, 0);
}

#[test]
fn what_belongs_to_records_that_went_goes_as_well() {
    if !there_are_servers() {
        return;
    }
    let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
    let store = Store::<Value>::open(dir.path().join("store")).unwrap();
    let stream = stream_of(&server, &store);
    let large = "x".repeat(2 * redraft::replica::Order::batch_bytes(&stream));
    for name in ["before", "behind"] {
        store.produce(|doc| doc[name] = large.as_str().into()).unwrap();
        copy_to(&stream, &store);
        keep_snapshot(&store, dir.path());
    }
    let objects = || {
        by_hand(&server, async |context| {
            use futures_util::StreamExt;
            let bucket = context.get_object_store("redraft-board").await.unwrap();
            bucket.list().await.unwrap().map(|info| info.unwrap().name).collect::<Vec<_>>().await
        })
    };
    assert_eq!(objects().iter().filter(|name| name.starts_with("record-")).count(), 2);
    stream.put_snapshot(1, &whole(dir.path(), 1)[..]).unwrap();
    stream.trim(1).unwrap();
    assert_eq!(objects().iter().filter(|name| name.starts_with("record-")).count(), 1);
    assert_eq!(read(&server.stream(), 1).len(), 1);
    append(&stream, &[b"more"]);
    assert_eq!(end(&stream).offset, 3);
}

/// What the server says of itself, in words that promise no more.
#[test]
fn what_an_acknowledgement_is_worth_is_told() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let promise = server.stream().promise().unwrap();
    assert_eq!((promise.replicas, promise.on_disk), (1, true));
    assert!(!promise.survives_power_loss() && !promise.survives_the_loss_of_a_server());
    assert!(promise.to_string().contains("a power loss"), "{promise}");
    let refused = server.settings().require_synced(true).open().unwrap_err();
    assert!(matches!(refused, Error::StreamSetting { setting: "sync_interval", .. }), "{refused:?}");
}
