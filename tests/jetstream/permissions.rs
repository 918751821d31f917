//! What a server does not permit is told at once, by its subject: servers do not answer what nobody may ask.
//!
//! A question may take a minute here: one whose refusal is not heard ends with that, and not with what was refused.

use crate::servers::{Server, append, end, there_are_servers};
use redraft::jetstream::JetStream;
use redraft::replica::{Node, Order, Source};
use redraft::{Error, Value};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// A server with a stream, where somebody may do everything but to publish to a subject, or to subscribe to it.
struct Guarded {
    server: Server,
    _config: tempfile::NamedTempFile,
}

impl Guarded {
    fn but(verb: &str, subject: &str) -> Guarded {
        let config = tempfile::NamedTempFile::new().unwrap();
        let limited = format!("permissions: {{ {verb}: {{ deny: [\"{subject}\"] }} }}");
        let users = format!(
            "authorization {{ users: [{{ user: admin, password: a }}, {{ user: limited, password: l, {limited} }}] }}\n"
        );
        std::fs::write(config.path(), users).unwrap();
        let server = Server::with(&["-c", config.path().to_str().unwrap()]);
        let guarded = Guarded { server, _config: config };
        drop(guarded.admin().open().unwrap());
        guarded
    }

    fn admin(&self) -> JetStream {
        self.server.settings().user("admin", "a")
    }

    fn limited(&self) -> JetStream {
        self.server.settings().user("limited", "l").timeout(Duration::from_secs(60))
    }
}

#[track_caller]
fn assert_names(error: &Error, subject: &str) {
    let source = error.io().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::PermissionDenied, "{error:?}");
    assert!(source.to_string().contains(subject), "{error:?}");
}

#[test]
fn who_may_not_ask_for_a_stream_hears_so() {
    if !there_are_servers() {
        return;
    }
    for (verb, subject) in [("publish", "$JS.API.STREAM.INFO.board"), ("subscribe", "_INBOX.>")] {
        let guarded = Guarded::but(verb, subject);
        let refused = guarded.limited().open().unwrap_err();
        assert_names(&refused, &format!("{verb} to {}", subject.trim_end_matches('>')));
    }
}

#[test]
fn who_may_not_make_a_stream_hears_so() {
    if !there_are_servers() {
        return;
    }
    let guarded = Guarded::but("publish", "$JS.API.STREAM.CREATE.other");
    let other = JetStream::new([guarded.server.url()], "other").user("limited", "l");
    let refused = other.timeout(Duration::from_secs(60)).open().unwrap_err();
    assert_names(&refused, "$JS.API.STREAM.CREATE.other");
}

#[test]
fn a_node_that_may_not_append_says_so_and_goes_on_reading() {
    if !there_are_servers() {
        return;
    }
    let guarded = Guarded::but("publish", "redraft.board");
    let dir = tempfile::tempdir().unwrap();
    let admin = Arc::new(guarded.admin().open().unwrap());
    let writes = Node::<Value>::open(admin, dir.path().join("admin")).unwrap();
    let limited = Arc::new(guarded.limited().open().unwrap());
    let node = Node::<Value>::open(limited, dir.path().join("limited")).unwrap();
    let node = node.patience(Duration::from_secs(60));
    let refused = node.produce(|doc| doc["n"] = 1.into()).unwrap_err();
    let Error::Ended { source } = &refused else { panic!("{refused:?}") };
    assert_names(source, "redraft.board");
    let version = writes.produce(|doc| doc["theirs"] = 2.into()).unwrap().version;
    assert_eq!(node.wait_for(version).unwrap()["theirs"], 2);
    assert_eq!(node.writer().pending(), 1, "it waits until it may");
}

#[test]
fn who_may_not_follow_hears_so() {
    if !there_are_servers() {
        return;
    }
    let guarded = Guarded::but("publish", "$JS.API.CONSUMER.>");
    let stream = guarded.limited().open().unwrap();
    append(&stream, &[b"a record"]);
    let refused = stream.feed(0, true).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(format!("{refused:?}").contains("publish to $JS.API.CONSUMER.CREATE.board"), "{refused:?}");
}

#[test]
fn who_may_not_make_a_bucket_hears_so_and_nothing_is_appended() {
    if !there_are_servers() {
        return;
    }
    let guarded = Guarded::but("publish", "$JS.API.STREAM.CREATE.OBJ_redraft-board");
    let stream = guarded.limited().open().unwrap();
    let (before, large) = (end(&stream), vec![7; 2 * stream.batch_bytes()]);
    let refused = stream.append(before, &[&large]).unwrap_err();
    assert_names(&refused, "$JS.API.STREAM.CREATE.OBJ_redraft-board");
    assert_eq!(end(&stream), before);
    append(&stream, &[b"a small one"]);
}
