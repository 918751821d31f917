//! A stream that is not what it was: refused with an error that says so, and nothing of the copy is changed.

use crate::following::{copy_to, stream_of};
use crate::servers::{Server, append, by_hand, there_are_servers};
use redraft::jetstream::Stream;
use redraft::replica::{Beginning, Directory, Order, Place, Source};
use redraft::{Error, ErrorKind, Mirror, Options, Store, Value};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A stream with the history of a store, and a copy of that here.
struct Copied {
    server: Server,
    dir: tempfile::TempDir,
    store: Store<Value>,
    stream: Arc<Stream>,
}

impl Copied {
    fn new() -> Copied {
        let (server, dir) = (Server::alone(), tempfile::tempdir().unwrap());
        let store = Store::<Value>::open(dir.path().join("store")).unwrap();
        let stream = Arc::new(stream_of(&server, &store));
        for n in 0..10 {
            store.produce(|doc| doc["n"] = n.into()).unwrap();
            copy_to(&stream, &store);
        }
        let copied = Copied { server, dir, store, stream };
        copied.mirror(&copied.stream).unwrap().catch_up().unwrap();
        copied
    }

    fn copy(&self) -> PathBuf {
        self.dir.path().join("copy")
    }

    fn mirror(&self, stream: &Arc<Stream>) -> redraft::Result<Mirror> {
        Options::new().mirror_of(Arc::clone(stream) as Arc<dyn Source>, self.copy(), Beginning::Oldest)
    }

    /// What following over a new connection, and going on over the old one, is answered. Not a byte of the copy is changed.
    fn refused(&self) -> (Error, Error) {
        let before = records_of(&self.copy());
        let anew = self.server.settings().create(false).open();
        let anew = anew.and_then(|stream| self.mirror(&Arc::new(stream))?.catch_up());
        let on = self.mirror(&self.stream).and_then(|mut mirror| mirror.catch_up());
        assert_eq!(records_of(&self.copy()), before, "the copy was touched");
        let (anew, on) = (anew.unwrap_err(), on.unwrap_err());
        for error in [&anew, &on] {
            assert!(error.to_string().len() > 30, "{error}");
        }
        (anew, on)
    }
}

/// All records of a copy, as they lie in it.
fn records_of(copy: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    Directory::open(copy).unwrap().feed(0, false).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn is_altered(error: &Error) -> bool {
    matches!(error, Error::Altered { stream, .. } if stream == "board") && error.kind() == ErrorKind::Diverged
}

#[test]
fn a_message_of_somebody_else_is_refused() {
    if !there_are_servers() {
        return;
    }
    let copied = Copied::new();
    by_hand(&copied.server, async |context| {
        context.publish("redraft.board", "hello".into()).await.unwrap().await.unwrap();
    });
    let (anew, on) = copied.refused();
    assert!(is_altered(&anew) && is_altered(&on), "{anew} / {on}");
    assert!(matches!(on, Error::Altered { sequence: 12, .. }), "{on:?}");
    // Nothing is put behind it either.
    let chain = Directory::open(copied.copy()).unwrap().chain_at(10).unwrap();
    let answer = copied.stream.append(Place { offset: 10, chain }, &[b"more"]);
    assert!(matches!(answer, Err(Error::Overtaken { .. })), "{answer:?}");
}

#[test]
fn a_stream_that_was_made_anew_is_refused() {
    if !there_are_servers() {
        return;
    }
    let copied = Copied::new();
    by_hand(&copied.server, async |context| context.delete_stream("board").await.unwrap());
    let gone = copied.stream.status();
    assert!(gone.is_err_and(|error| is_altered(&error)));
    append(&copied.server.stream(), &[b"another history"]);
    let (anew, on) = copied.refused();
    assert!(matches!(anew, Error::Foreign { .. }), "{anew:?}");
    assert!(is_altered(&on), "{on:?}");
}

#[test]
fn a_stream_that_was_emptied_is_refused_and_not_begun_anew() {
    if !there_are_servers() {
        return;
    }
    let copied = Copied::new();
    by_hand(&copied.server, async |context| {
        context.get_stream("board").await.unwrap().purge().await.unwrap();
    });
    let (anew, on) = copied.refused();
    assert!(is_altered(&anew) && is_altered(&on), "{anew:?} / {on:?}");
    assert!(copied.server.settings().open().is_err_and(|error| is_altered(&error)));
}

#[test]
fn what_was_purged_is_no_longer_kept() {
    if !there_are_servers() {
        return;
    }
    let copied = Copied::new();
    by_hand(&copied.server, async |context| {
        context.get_stream("board").await.unwrap().purge().sequence(6).await.unwrap();
    });
    // Message 1 began the stream, so message 6 has the change at offset 4.
    let stream = copied.server.stream();
    for stream in [&stream, &*copied.stream] {
        assert_eq!(stream.status().unwrap().oldest, 4);
        assert!(matches!(stream.chain_at(3), Err(Error::Compacted { version: 3, oldest: 4 })));
        assert!(stream.feed(3, false).is_err());
        assert_eq!(crate::appending::read(stream, 4).len(), 6);
    }
    // Who has come further goes on.
    assert_eq!(copied.mirror(&copied.stream).unwrap().catch_up().unwrap().copied, 0);
}

/// As after a power cut of a server that acknowledges before it syncs.
#[test]
fn a_server_that_lost_what_it_acknowledged_is_refused() {
    if !there_are_servers() {
        return;
    }
    let mut copied = Copied::new();
    let kept = copied.dir.path().join("kept");
    copied.server.kill();
    copy_dir(&copied.server.store_dir(), &kept);
    copied.server.start();
    for n in 10..13 {
        copied.store.produce(|doc| doc["n"] = n.into()).unwrap();
        crate::servers::eventually("the server is back", || {
            copied.stream.status().is_ok_and(|status| status.head + 1 == copied.store.version())
        });
        copy_to(&copied.stream, &copied.store);
    }
    copied.mirror(&copied.stream).unwrap().catch_up().unwrap();
    copied.server.kill();
    std::fs::remove_dir_all(copied.server.store_dir()).unwrap();
    copy_dir(&kept, &copied.server.store_dir());
    copied.server.start();
    crate::servers::eventually("the server is back", || {
        !matches!(copied.stream.status(), Err(Error::Unreachable { .. }))
    });
    let (anew, on) = copied.refused();
    assert!(matches!(anew, Error::Diverged { offset: 10, source_head: 10, replica_head: 13 }), "{anew:?}");
    assert!(is_altered(&on), "{on:?}");
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy_dir(&entry, &target);
        } else {
            assert!(std::fs::copy(&entry, &target).is_ok());
        }
    }
}

/// Every bit of a message, wherever it is flipped.
#[test]
fn a_flipped_bit_anywhere_in_a_message_is_noticed() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    append(&stream, &[b"one", b"two"]);
    let good = by_hand(&server, async |context| {
        let stream = context.get_stream("board").await.unwrap();
        stream.get_raw_message(2).await.unwrap().payload.to_vec()
    });
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let name = format!("bad{at}");
        let server_url = server.url();
        by_hand(&server, async |context| {
            let stream = context.get_stream("board").await.unwrap();
            let first = stream.get_raw_message(1).await.unwrap().payload;
            let mut config = stream.cached_info().config.clone();
            let subject = format!("redraft.{name}");
            (config.name, config.subjects) = (name.clone(), vec![subject.clone()]);
            context.create_stream(config).await.unwrap();
            context.publish(subject.clone(), first).await.unwrap().await.unwrap();
            context.publish(subject, bad.into()).await.unwrap().await.unwrap();
        });
        let opened = redraft::jetstream::JetStream::new([server_url], &name).open();
        let error = opened.map(drop).expect_err("a flipped bit").kind();
        let kinds = [ErrorKind::Diverged, ErrorKind::Unreachable, ErrorKind::Newer];
        assert!(kinds.contains(&error), "byte {at}: {error}");
        by_hand(&server, async |context| context.delete_stream(&name).await.unwrap());
    }
}

/// A message that is good in itself, and not what follows.
#[test]
fn a_message_that_was_published_again_is_refused() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    append(&stream, &[b"one"]);
    append(&stream, &[b"two"]);
    by_hand(&server, async |context| {
        let own = context.get_stream("board").await.unwrap();
        let second = own.get_raw_message(2).await.unwrap().payload;
        context.publish("redraft.board", second).await.unwrap().await.unwrap();
    });
    // By itself it looks like the end of a shorter stream.
    for answer in [stream.status(), server.settings().open().and_then(|stream| stream.status())] {
        assert!(
            matches!(&answer, Err(error @ Error::Altered { sequence: 4, .. }) if is_altered(error)),
            "{answer:?}"
        );
    }
}
