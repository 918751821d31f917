//! A replica that writes over HTTP: what it makes is merged at the server, once, however the way there fails; what it is told is what
//! a store in the same program would have told.

use crate::replicas::url;
use crate::server::Board;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use redraft::http::{Access, Limits, Remote, RemoteOptions, Tokens, router};
use redraft::merge::{Outcome, Policy, Rules, Submission};
use redraft::replica::{Beginning, Sequencer, Writer};
use redraft::{Error, ErrorKind, Options, Replica, Retention, Value, WriterId, diff, value};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

fn remote(board: &Board) -> Arc<Remote> {
    Arc::new(Remote::open(&url(&board.running)).unwrap())
}

fn writer(remote: Arc<Remote>, dir: &Path) -> Writer<Value> {
    let replica: Replica<Value> =
        Options::new().replica_of(Arc::clone(&remote) as _, dir, Beginning::Oldest).unwrap();
    let writer = replica.write_through(remote).unwrap();
    writer.replica().catch_up().unwrap();
    writer
}

fn board(document: Value) -> Board {
    let board = Board::new();
    board.store.produce(|doc| *doc = document).unwrap();
    board
}

fn list(doc: &mut Value) -> &mut redraft::value::List {
    doc["list"].as_list_mut().unwrap()
}

fn somebody() -> WriterId {
    "4d2".parse().unwrap()
}

fn adding(base: u64, name: &str) -> Submission {
    let (patch, _) = diff(&value!({}), &value!({ name: 1 })).unwrap();
    Submission::new(base, patch)
}

#[test]
fn what_is_made_offline_is_merged_over_what_came_meanwhile_and_told() {
    let board = board(value!({ "list": ["a"], "title": "a", "votes": 1 }));
    let rules = Rules::new()
        .with("/title".parse().unwrap(), Policy::FirstWins)
        .with("/votes".parse().unwrap(), Policy::Counter);
    board.store.set_rules(rules).unwrap();
    let writer = writer(remote(&board), &board.dir.path().join("w"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let _listening = writer.listen(move |settled| heard.lock().unwrap().push(settled.outcome.clone()));
    writer.produce(|doc| list(doc).push("mine")).unwrap();
    writer.produce(|doc| doc["title"] = "mine".into()).unwrap();
    writer.produce(|doc| doc["votes"] = 2.into()).unwrap();
    board.store.produce(|doc| list(doc).insert(0, "theirs")).unwrap();
    board.store.produce(|doc| (doc["title"] = "theirs".into(), doc["votes"] = 11.into()).1).unwrap();
    writer.exchange().unwrap();
    let merged = value!({ "list": ["theirs", "a", "mine"], "title": "theirs", "votes": 12 });
    assert_eq!(*board.store.state(), merged);
    assert_eq!((writer.pending(), writer.view().unwrap()), (0, board.store.state()));
    let told = told.lock().unwrap().clone();
    assert_eq!(told, [Outcome::Rebased, Outcome::Partial, Outcome::Partial]);
}

#[test]
fn receipts_say_over_http_what_they_say_in_one_program() {
    let (here, there) = (board(value!({ "n": 1, "list": [] })), board(value!({ "n": 1, "list": [] })));
    let rules = Rules::new()
        .with("/n".parse().unwrap(), Policy::FirstWins)
        .with("/no".parse().unwrap(), Policy::Reject);
    for board in [&here, &there] {
        board.store.set_rules(rules.clone()).unwrap();
        board.store.produce(|doc| (doc["n"] = 2.into(), doc["no"] = 2.into()).1).unwrap();
    }
    let changed = |doc: Value| diff(&value!({ "n": 1, "list": [] }), &doc).unwrap().0;
    let submissions = [
        Submission::new(2, changed(value!({ "n": 1, "list": [1] }))).by(somebody(), 1),
        Submission::new(2, changed(value!({ "n": 3, "list": [] }))).by(somebody(), 2),
        Submission::new(2, changed(value!({ "n": 1, "list": [], "no": 1 }))).by(somebody(), 3),
        Submission::new(2, changed(value!({ "n": 1, "list": [] }))),
    ];
    let told = remote(&there).submit(&submissions).unwrap();
    assert_eq!(told, here.store.merge_all(&submissions).unwrap());
    assert!(matches!(told[2].outcome, Outcome::Rejected { .. }), "{told:?}");
    assert_eq!(told[1].notes.len(), 1);
    // Sent again, all of them are known.
    let again = remote(&there).submit(&submissions[..3]).unwrap();
    assert!(again.iter().zip(&told).all(|(again, told)| !again.is_new && again.version == told.version));
    assert_eq!(again[2].outcome, told[2].outcome);
}

#[test]
fn what_cannot_be_merged_is_the_same_error_here() {
    let board = Board::of(&Options::new().segment_bytes(512), Access::new(), Limits::new().body_bytes(4000));
    board.number_up_to(60);
    let remote = remote(&board);
    let refused = |submission: Submission| remote.submit(&[submission]).unwrap_err();
    let gap = refused(adding(60, "a").by(somebody(), 3));
    assert!(
        matches!(gap, Error::SequenceGap { writer, expected: 1, found: 3 } if writer == somebody()),
        "{gap:?}"
    );
    let beyond = refused(adding(61, "a"));
    assert!(matches!(beyond, Error::BeyondHead { version: 61, head: 60 }), "{beyond:?}");
    let own = board.store.changes(1..=1).unwrap().next().unwrap().unwrap().writer;
    let clash = refused(adding(60, "a").by(own, 1));
    assert!(matches!(clash, Error::WriterClash { writer, sequence: 1, .. } if writer == own), "{clash:?}");
    board.store.snapshot().unwrap();
    let oldest = board.store.compact_to(Retention::Changes(10)).unwrap().oldest;
    let too_old = refused(adding(1, "a"));
    assert!(matches!(too_old, Error::TooOld { base: 1, oldest: found } if found == oldest), "{too_old:?}");
    let too_large = refused(adding(60, "a").label("x".repeat(5000)));
    assert!(matches!(too_large, Error::TooLarge { index: 0, limit: 4000, .. }), "{too_large:?}");
    assert_eq!(board.store.version(), 60);
    // Those before it are merged, also where all together are too much for one request.
    let many: Vec<Submission> =
        (1..=9).map(|n| adding(60, "a").label("x".repeat(1000)).by(somebody(), n)).collect();
    let mut with_gap = many.clone();
    with_gap.push(adding(60, "a").by(somebody(), 11));
    assert!(matches!(remote.submit(&with_gap), Err(Error::SequenceGap { expected: 10, found: 11, .. })));
    assert_eq!(board.store.version(), 69);
    let again = remote.submit(&many).unwrap();
    assert_eq!(
        again.iter().map(|receipt| receipt.version).collect::<Vec<_>>(),
        (61..=69).collect::<Vec<_>>()
    );
    board.store.produce(|doc| doc["large"] = "x".repeat(2 << 20).into()).unwrap();
    let mut hopeless = many;
    hopeless.push(adding(60, "a").label("x".repeat(2 << 20)).by(somebody(), 10));
    let too_large = remote.submit(&hopeless).unwrap_err();
    assert!(matches!(too_large, Error::TooLarge { index: 9, .. }), "{too_large:?}");
}

#[test]
fn where_nobody_may_write_nothing_is_merged_and_everything_waits() {
    let tokens = Tokens::parse("read 0123456789abcdef\nwrite fedcba9876543210").unwrap();
    let board = Board::with(Access::new().tokens(tokens), Limits::new());
    board.number_up_to(3);
    let known = |token: &str| {
        let options = RemoteOptions::new().token(token);
        Arc::new(options.open(&url(&board.running)).unwrap())
    };
    let dir = board.dir.path().join("w");
    let reading = writer(known("0123456789abcdef"), &dir);
    reading.produce(|doc| doc["mine"] = 1.into()).unwrap();
    assert_eq!(reading.push().unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!((reading.pending(), board.store.version()), (1, 3));
    reading.close().unwrap();
    let writing = writer(known("fedcba9876543210"), &dir);
    writing.exchange().unwrap();
    assert_eq!((writing.pending(), board.store.state()["mine"].as_i64()), (0, Some(1)));
    // A store that is only read here.
    let copy = crate::server::Running::new(redraft::http::Server::new(redraft::http::Served::from(
        redraft::Reader::<Value>::open(board.path()).unwrap(),
    )));
    let refused = Remote::open(&url(&copy)).unwrap().submit(&[adding(3, "a")]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unreachable);
}

/// Every third answer to what is submitted arrives; every fifth request does not, and every seventh comes twice.
#[test]
fn lost_answers_and_repeated_requests_cost_nothing_and_nothing_is_done_twice() {
    let board = board(value!({ "list": [] }));
    let app = router(Arc::clone(&board.store), Access::new(), Limits::new());
    let posts = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&posts);
    let carry = move |request: Request<Body>| {
        let (app, posts) = (app.clone(), Arc::clone(&counted));
        async move {
            let ask = |request: Request<Body>| async {
                app.clone().oneshot(request).await.map_err(|never| match never {})
            };
            if request.method() != Method::POST {
                return ask(request).await;
            }
            let count = posts.fetch_add(1, Ordering::Relaxed);
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.map_err(io::Error::other)?;
            let made = || Request::from_parts(parts.clone(), Body::from(body.clone()));
            if count % 5 == 4 {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if count % 7 == 6 {
                ask(made()).await?;
            }
            let answer: Response<Body> = ask(made()).await?;
            if count % 3 == 0 { Ok(answer) } else { Err(io::ErrorKind::ConnectionReset.into()) }
        }
    };
    let remote = Arc::new(RemoteOptions::new().open_through("http://localhost", carry).unwrap());
    let writer = writer(remote, &board.dir.path().join("w"));
    for n in 0..30 {
        writer.produce(|doc| list(doc).push(n)).unwrap();
        drop(writer.push());
        board.store.produce(|doc| list(doc).insert(0, "x")).unwrap();
        if n % 4 == 0 {
            drop(writer.exchange());
        }
    }
    while writer.pending() > 0 {
        drop(writer.exchange());
    }
    let numbers: Vec<i64> =
        board.store.state()["list"].as_list().unwrap().iter().filter_map(Value::as_i64).collect();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
    assert_eq!(board.store.version(), 1 + 30 + 30);
    assert_eq!(writer.view().unwrap(), board.store.state());
    assert!(posts.load(Ordering::Relaxed) > 30);
}

#[test]
fn bodies_that_are_no_submissions_are_refused_and_merge_nothing() {
    let board = board(value!({ "list": [] }));
    let framed = |submission: &Submission| {
        let bytes = submission.to_bytes();
        [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat()
    };
    let (good, mut flipped) = (framed(&adding(1, "a")), framed(&adding(1, "b")));
    flipped[10] ^= 1;
    let both = [good.clone(), flipped.clone()].concat();
    let long = [&u32::MAX.to_le_bytes()[..], &good[4..]].concat();
    let kind = "content-type: application/vnd.redraft.submissions";
    let send = |body: &[u8], kind: &str| {
        let mut client = board.running.client();
        let length = format!("content-length: {}", body.len());
        client.begin("POST", "/v1/submissions", &[kind, &length], "");
        client.send(body);
        client.answer(false)
    };
    for body in [&flipped[..], &both, &long, &good[..good.len() - 1], &good[..2], b"[]"] {
        send(body, kind).problem(400);
    }
    send(&good, "content-type: application/json").problem(415);
    send(&vec![0; 2 << 20], kind).problem(413);
    assert_eq!(board.store.version(), 1);
    assert_eq!(send(b"", kind).with(200), serde_json::json!({ "receipts": [] }));
    let answer = send(&good, kind).with(200);
    assert_eq!(answer["receipts"][0]["version"], 2);
}
