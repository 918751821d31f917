//! A replica of a store that is served: begins, catches up, follows, outlives the server, and says what it is refused.

use crate::server::{Board, Running};
use crate::tls::Office;
use redraft::http::{Access, Limits, Remote, RemoteOptions, Served, Server, Tls, Tokens};
use redraft::replica::{Beginning, Source as _, compare};
use redraft::{Error, Mirror, Options, Replica, Retention, Store, Value, verify};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn url(running: &Running) -> String {
    format!("http://{}", running.address)
}

fn replica(running: &Running, dir: &Path) -> redraft::Result<Replica<Value>> {
    Options::new().replica_of(Arc::new(Remote::open(&url(running))?), dir, Beginning::Oldest)
}

#[test]
fn a_replica_of_a_served_store_has_its_history_and_follows_it() {
    let board = Board::numbered(300);
    let dir = tempfile::tempdir().unwrap();
    let replica = replica(&board.running, dir.path()).unwrap();
    assert_eq!(replica.catch_up().unwrap().version, 300);
    let following = replica.follow().unwrap();
    for version in 301..=330 {
        board.number_up_to(version);
        let state = replica.wait_for(version, PATIENCE).unwrap();
        assert!(state["n"].as_i64() >= Some(version as i64));
    }
    following.finish().unwrap();
    let remote = Remote::open(&url(&board.running)).unwrap();
    let local = redraft::replica::Directory::open(dir.path()).unwrap();
    assert_eq!(compare(&remote, &local).unwrap(), None);
    replica.close().unwrap();
    let report = verify(dir.path()).unwrap();
    assert!(report.is_sound() && report.intact == 330, "{report:?}");
}

/// The stream is a segment: whoever saves it has a replica.
#[test]
fn what_is_sent_is_what_is_stored() {
    let board = Board::numbered(50);
    let answer = board.get("/v1/log?from=0");
    assert_eq!(answer.status, 200);
    let copy = board.dir.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::write(copy.join("00000000000000000000.seg"), &answer.body).unwrap();
    assert_eq!(redraft::Reader::<Value>::open(&copy).unwrap().state(), board.store.state());
    let part = board.get("/v1/log?from=10&to=20").body;
    assert!(part.len() < answer.body.len() / 2);
    let mut both = Vec::new();
    redraft::replica::Feed::of(&board.store, 10).unwrap().until(20).read_to_end(&mut both).unwrap();
    assert_eq!(part, both);
}

#[test]
fn questions_about_the_log_that_make_no_sense_are_refused() {
    let board = Board::numbered(20);
    for (target, status) in [
        ("/v1/log?from=21", 404),
        ("/v1/log?from=0&to=21", 404),
        ("/v1/log?from=9&to=8", 404),
        ("/v1/log?from=-1", 400),
        ("/v1/log?from=0&to=5&follow=true", 400),
        ("/v1/log?follow=perhaps", 400),
        ("/v1/snapshots/7", 404),
        ("/v1/snapshots/../../etc/passwd", 404),
        ("/v1/snapshots/%2e%2e%2fLOCK", 400),
    ] {
        assert_eq!(board.get(target).status, status, "{target}");
    }
    board.store.compact_to(Retention::Changes(0)).unwrap();
    let gone = board.get("/v1/log?from=3");
    if board.store.oldest() > 3 {
        gone.problem(410);
    }
}

#[test]
fn a_replica_begins_at_a_snapshot_and_where_history_begins() {
    let options = Options::new().segment_bytes(512);
    let board = Board::of(&options, Access::new(), Limits::new());
    board.number_up_to(200);
    board.store.snapshot().unwrap();
    board.number_up_to(260);
    let oldest = board.store.compact_to(Retention::Changes(100)).unwrap().oldest;
    assert!(oldest > 0);
    for (begin, from) in [(Beginning::Oldest, oldest), (Beginning::NewestSnapshot, 200)] {
        let dir = tempfile::tempdir().unwrap();
        let remote = Arc::new(Remote::open(&url(&board.running)).unwrap());
        assert!(remote.snapshots().unwrap().contains(&200));
        let local = redraft::replica::Directory::open(board.path()).unwrap();
        let bytes = remote.snapshot_bytes(200).unwrap();
        assert!(bytes.is_some_and(|bytes| bytes > 64) && bytes == local.snapshot_bytes(200).unwrap());
        assert_eq!(remote.bytes_since(200).unwrap(), local.bytes_since(200).unwrap());
        let replica: Replica = Options::new().replica_of(remote, dir.path(), begin).unwrap();
        replica.catch_up().unwrap();
        assert_eq!((replica.store().oldest().min(200), replica.store().version()), (from.min(200), 260));
        assert_eq!(replica.store().state(), board.store.state());
    }
}

/// Back-off and all: the server goes away and comes back elsewhere on the same port, and the replica goes on.
#[test]
fn a_replica_outlives_its_server() {
    let mut board = Board::numbered(10);
    let dir = tempfile::tempdir().unwrap();
    let address = board.running.address;
    let replica = replica(&board.running, dir.path()).unwrap();
    let following = replica.follow().unwrap();
    replica.wait_for(10, PATIENCE).unwrap();
    board.running.stop();
    board.number_up_to(20);
    let begin = Instant::now();
    while replica.lag().connected {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    board.running = Running::at(address, Server::new(Served::from(Arc::clone(&board.store))));
    replica.wait_for(20, PATIENCE).unwrap();
    following.finish().unwrap();
}

#[test]
fn tokens_and_certificates_are_shown_and_refusals_end_it() {
    let token = "6f1d8a02c9e4b753a";
    let access = Access::new().tokens(Tokens::parse(&format!("read {token}")).unwrap());
    let office = Office::new();
    let (server, key) = office.sign("localhost");
    let (own, own_key) = office.sign("replica");
    let tls = Tls::from_files(server, key, Some(&office.at("ca.pem"))).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::<Value>::open(dir.path().join("store")).unwrap());
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    let running = Running::new(Server::new(Served::from(Arc::clone(&store))).access(access).tls(tls));
    let url = format!("https://localhost:{}", running.address.port());
    let known = RemoteOptions::new().ca(office.at("ca.pem")).identity(&own, &own_key);
    let open = |options: &RemoteOptions, copy: &str| -> redraft::Result<u64> {
        let remote = Arc::new(options.open(&url)?);
        let mut mirror: Mirror =
            Options::new().mirror_of(remote, dir.path().join(copy), Beginning::Oldest)?;
        Ok(mirror.catch_up()?.version)
    };
    assert_eq!(open(&known.clone().token(token), "copy").unwrap(), 1);
    for (options, why) in [
        (known.clone(), "without a token"),
        (known.token("another token that is wrong"), "a wrong token"),
        (RemoteOptions::new().ca(office.at("ca.pem")).token(token), "without a certificate"),
        (RemoteOptions::new().identity(&own, &own_key).token(token), "a server that nobody vouches for"),
    ] {
        let refused = open(&options, "other").unwrap_err();
        assert!(matches!(refused, Error::Unreachable { .. }), "{why}: {refused:?}");
        assert!(!format!("{refused:?} {refused} {options:?}").contains(token), "{why}");
    }
    for bad in [
        "ftp://localhost",
        "localhost:80",
        "http://user:hunter2@localhost",
        "http://localhost/?token=hunter2",
    ] {
        let refused = RemoteOptions::new().open(bad).unwrap_err();
        assert!(!format!("{refused:?} {refused}").contains("hunter2"), "{refused:?}");
    }
}

/// A token that only reads cannot hold history back; one that may write can.
#[test]
fn a_follower_holds_back_what_it_has_not_copied() {
    let options = Options::new().segment_bytes(512);
    let board = Board::of(&options, Access::new(), Limits::new());
    board.number_up_to(50);
    let dir = tempfile::tempdir().unwrap();
    let replica = replica(&board.running, dir.path()).unwrap().acknowledged_as("far away/1");
    replica.catch_up().unwrap();
    assert_eq!(board.store.cursor("far away/1").unwrap(), Some(50));
    board.number_up_to(200);
    let compaction = board.store.compact_to(Retention::Changes(10)).unwrap();
    assert!(compaction.oldest <= 50, "{compaction:?}");
    assert_eq!(replica.catch_up().unwrap().version, 200);
}

/// What a replica has, others follow, and nobody but its source changes.
#[test]
fn a_replica_is_served_itself_and_takes_no_submissions() {
    let board = Board::numbered(20);
    let dir = tempfile::tempdir().unwrap();
    let replica = replica(&board.running, &dir.path().join("near")).unwrap();
    replica.catch_up().unwrap();
    let near = Running::new(Server::new(Served::from(Arc::clone(replica.store()))));
    let far = self::replica(&near, &dir.path().join("far")).unwrap();
    assert_eq!(far.catch_up().unwrap().version, 20);
    assert_eq!(far.store().state(), board.store.state());
    let answer =
        near.client().post("/v1/changes", r#"{"base":20,"patch":[{"op":"add","path":["x"],"value":1}]}"#);
    answer.problem(403);
}

/// A follower that reads nothing costs a piece of memory, and nobody waits for it.
#[test]
fn a_follower_that_reads_nothing_holds_nobody_up() {
    let board = Board::numbered(5);
    let mut stalled = board.running.client();
    stalled.begin("GET", "/v1/log?from=0&follow=true", &[], "");
    let text = "x".repeat(100_000);
    for n in 0..100_u64 {
        board.store.produce(|doc| (doc["text"] = text.as_str().into(), doc["m"] = n.into()).1).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let replica = replica(&board.running, dir.path()).unwrap();
    assert_eq!(replica.catch_up().unwrap().version, 105);
}

#[test]
fn who_is_roused_waits_no_longer_for_a_server_that_does_not_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let remote = |_| Arc::new(Remote::open(&url).unwrap());
    let [patient, roused] = [0, 1].map(remote);
    // One that nobody rouses, and that began earlier, goes on waiting.
    let waits = std::thread::spawn(move || patient.status());
    let ends = Arc::clone(&roused);
    let ends = std::thread::spawn(move || ends.status());
    while !ends.is_finished() {
        roused.rouse();
        std::thread::sleep(Duration::from_millis(10));
    }
    let answer = ends.join().unwrap();
    assert!(!waits.is_finished(), "both waited as long");
    assert!(matches!(answer, Err(Error::Unreachable { .. })), "{answer:?}");
}
