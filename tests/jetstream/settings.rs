//! What a stream and an address must be like, and that nothing secret is shown.

use crate::servers::{Server, by_hand, free_port, there_are_servers};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Source};
use redraft::jetstream::JetStream;
use redraft::replica::Source as _;
use redraft::{Error, ErrorKind};
use std::io;
use std::time::Duration;

fn good() -> Config {
    Config {
        name: "board".into(),
        subjects: vec!["redraft.board".into()],
        discard: DiscardPolicy::New,
        deny_delete: true,
        ..Config::default()
    }
}

#[test]
fn a_stream_that_could_lose_or_reorder_is_refused_by_the_name_of_the_setting() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let source = Source { name: "other".into(), ..Source::default() };
    let wrong: Vec<(&str, Config)> = vec![
        ("max_age", Config { max_age: Duration::from_secs(3600), ..good() }),
        ("max_msgs", Config { max_messages: 1000, ..good() }),
        ("max_bytes", Config { max_bytes: 1 << 20, ..good() }),
        ("max_msgs_per_subject", Config { max_messages_per_subject: 10, ..good() }),
        ("retention", Config { retention: RetentionPolicy::Interest, ..good() }),
        ("retention", Config { retention: RetentionPolicy::WorkQueue, ..good() }),
        ("discard", Config { discard: DiscardPolicy::Old, ..good() }),
        ("subjects", Config { subjects: vec!["redraft.>".into()], ..good() }),
        ("sources", Config { sources: Some(vec![source.clone()]), ..good() }),
        ("subjects", Config { mirror: Some(source), subjects: Vec::new(), ..good() }),
        ("no_ack", Config { no_ack: true, ..good() }),
        ("allow_rollup_hdrs", Config { allow_rollup: true, ..good() }),
        ("deny_delete", Config { deny_delete: false, ..good() }),
    ];
    for (name, config) in wrong {
        by_hand(&server, async |context| context.create_stream(config).await.map(drop).unwrap());
        let error = server.settings().open().unwrap_err();
        let found = match &error {
            Error::StreamSetting { stream, setting, found, needed } => {
                assert!(stream == "board" && found != needed, "{error}");
                *setting
            }
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(found, name);
        assert_eq!(error.kind(), ErrorKind::Refused);
        by_hand(&server, async |context| context.delete_stream("board").await.map(drop).unwrap());
    }
    let error = server.settings().replicas(3).create(false).open().unwrap_err();
    assert_eq!(error.io().map(io::Error::kind), Some(io::ErrorKind::NotFound), "{error:?}");
    server.stream();
    let error = server.settings().replicas(3).open().unwrap_err();
    assert!(matches!(error, Error::StreamSetting { setting: "num_replicas", .. }), "{error:?}");
}

#[test]
fn a_good_stream_that_somebody_else_made_is_taken() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    by_hand(&server, async |context| context.create_stream(good()).await.map(drop).unwrap());
    assert_eq!(server.stream().status().unwrap().head, 0);
}

#[test]
fn two_that_begin_a_stream_at_once_begin_one_history() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|_| scope.spawn(|| server.stream().store().unwrap())).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn secrets_are_used_and_never_shown() {
    if !there_are_servers() {
        return;
    }
    const TOKEN: &str = "s3cr3t-t0k3n";
    let server = Server::with(&["--auth", TOKEN]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    for settings in [server.settings().token(TOKEN), server.settings().token_file(&file)] {
        let stream = settings.open().unwrap();
        assert!(!format!("{stream:?} {settings:?} {}", stream.name()).contains(TOKEN));
    }
    let wrong = server.settings().token("s3cr3t-wr0ng").open().unwrap_err();
    assert_eq!(wrong.io().map(io::Error::kind), Some(io::ErrorKind::PermissionDenied), "{wrong:?}");
    let in_address = JetStream::new([server.url().replace("//", "//ann:s3cr3t@")], "board");
    let refused = in_address.open().unwrap_err();
    let url = JetStream::from_url("nats://ann:s3cr3t@127.0.0.1?stream=board").unwrap_err();
    let odd = JetStream::from_url("nats://127.0.0.1?stream=board&token=s3cr3t").unwrap_err();
    for shown in [
        format!("{wrong} {wrong:?}"),
        format!("{refused} {refused:?} {in_address:?}"),
        format!("{url} {url:?}"),
        format!("{odd} {odd:?}"),
    ] {
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[test]
fn an_address_that_makes_no_sense_is_refused() {
    for url in [
        "board",
        "http://127.0.0.1?stream=board",
        "nats://127.0.0.1",
        "nats://127.0.0.1?stream=a.b",
        "nats://127.0.0.1?stream=board&replicas=many",
        "nats://?stream=board",
        "nats://127.0.0.1:99999?stream=board",
    ] {
        assert!(JetStream::from_url(url).is_err(), "{url}");
    }
}

#[test]
fn a_server_that_is_not_there_or_does_not_answer_is_unreachable() {
    let nobody = JetStream::new([format!("nats://127.0.0.1:{}", free_port())], "board");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = JetStream::new([format!("nats://{}", silent.local_addr().unwrap())], "board");
    for settings in [nobody, silent] {
        let error = settings.timeout(Duration::from_millis(500)).open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    }
}

#[test]
fn a_server_that_stops_answering_is_unreachable_and_found_again() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.settings().timeout(Duration::from_millis(500)).open().unwrap();
    server.stop();
    let place = redraft::replica::Place { offset: 0, chain: 0 };
    let asked = stream.status().unwrap_err();
    let appended = redraft::replica::Order::append(&stream, place, &[b"one"]).unwrap_err();
    let fed = stream.feed(0, true).map(drop).unwrap_err();
    for error in [asked, appended, fed] {
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    }
    server.resume();
    crate::servers::eventually("it is found again", || stream.status().is_ok());
}
