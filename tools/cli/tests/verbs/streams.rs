//! A stream of NATS JetStream stands wherever a store does: read and written by way of a copy, which is this user's own.

use crate::common::nats::{Server, server};
use crate::common::{Place, content, redraft};
use crate::serve::Serving;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

fn set(path: &str, value: impl std::fmt::Display) -> String {
    format!("[{{\"op\":\"add\",\"path\":\"{path}\",\"value\":{value}}}]\n")
}

/// A stream with the versions 1 to `head`, in which `/n` is the version.
fn stream(server: &Server, name: &str, head: u64) -> String {
    let url = server.url(name);
    server.redraft(&["init", &url]).ok();
    let lines: String = (1..=head).map(|n| set("/n", n)).collect();
    server.fed(&["apply", &url, "--lines"], &lines).ok();
    url
}

#[test]
fn a_stream_is_read_and_written_like_a_directory() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (url, dir) = (server.url("board"), place.at("store"));
    let state = place.write("state.json", r#"{"cards": [], "votes": 0}"#);
    let changes = set("/cards/-", "\"dig\"") + &set("/cards/-", "\"sow\"") + &set("/votes", 3);
    for store in [&url, &dir] {
        server.redraft(&["init", store, "--state", &state]).ok();
        server.fed(&["apply", store, "--label", "by hand", "--lines"], &changes).ok();
        assert_eq!(server.fed(&["apply", store], &set("/votes", 4)).ok(), "version 5: 1 op\n");
        assert_eq!(
            server.redraft(&["undo", store, "4"]).refused(1),
            server.redraft(&["undo", store, "4"]).refused(1)
        );
        assert_eq!(server.redraft(&["undo", store, "3"]).ok(), "version 6: change 3 undone, 1 op\n");
        assert_eq!(server.redraft(&["redo", store, "3"]).ok(), "version 7: change 3 redone, 1 op\n");
        server.redraft(&["policies", store, "--set", "/votes=counter"]).ok();
    }
    let verbs: &[&[&str]] = &[
        &["show"],
        &["show", "/cards/1", "--at", "3"],
        &["diff", "1", "now"],
        &["blame", "/votes", "--full"],
        &["bisect", "--where", "/votes > 3"],
        &["policies"],
        &["export", "--state"],
    ];
    for verb in verbs {
        let told = |store: &str| {
            let args = [&verb[..1], &[store], &verb[1..]].concat();
            let told = server.redraft(&args).ok();
            // Two histories have not the same times.
            told.lines().map(|line| line.split("  20").next().unwrap().to_owned() + "\n").collect::<String>()
        };
        assert_eq!(told(&url), told(&dir), "{verb:?}");
    }
    let log = server.redraft(&["log", &url, "--json"]).json_lines();
    assert_eq!(log.len(), 8);
    assert_eq!((&log[5]["undoes"], &log[1]["label"]), (&3.into(), &"by hand".into()));
    assert_eq!(server.redraft(&["export", &url]).json_lines().len(), 8);
    assert_eq!(server.redraft(&["stats", &url, "--json"]).json()["version"], 8);
    assert_eq!(server.redraft(&["verify", &url, "--json"]).json()["intact"], 8);
    let json = server.fed(&["apply", &url, "--json"], &set("/votes", 5)).json();
    assert_eq!((&json["version"], &json["outcome"]), (&9.into(), &"clean".into()));

    let (backup, restored, forked) = (place.at("backup"), place.at("restored"), place.at("forked"));
    server.redraft(&["backup", &url, &backup]).ok();
    server.redraft(&["restore", &url, "--at", "5", "--to", &restored]).ok();
    server.redraft(&["fork", &url, "--to", &forked]).ok();
    assert_eq!(server.redraft(&["compare", &url, &backup]).ok(), "the same, up to version 9\n");
    assert_eq!(redraft(&["show", &restored, "/votes"]).ok(), "4\n");
    assert_eq!(redraft(&["show", &forked, "/votes"]).ok(), "5\n");
}

#[test]
fn what_one_machine_writes_another_reads() {
    let Some(server) = server() else { return };
    let url = stream(&server, "board", 3);
    let there = Place::new();
    let other = there.at("cache");
    assert_eq!(server.redraft(&["show", &url, "/n", "--cache", &other]).ok(), "3\n");
    server.fed(&["apply", &url, "--cache", &other], &set("/n", 4)).ok();
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "4\n");
    let writers = server.redraft(&["log", &url, "--json"]).json_lines();
    assert_ne!(writers[2]["writer"], writers[3]["writer"]);
    // Nobody else looks into what is kept by itself.
    use std::os::unix::fs::PermissionsExt;
    let kept = server.home().join("redraft");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1);
}

#[test]
fn two_who_write_at_once_lose_nothing() {
    let Some(server) = server() else { return };
    let url = stream(&server, "board", 1);
    let place = Place::new();
    let counts: String = (0..40).map(|_| "[{\"op\":\"inc\",\"path\":[\"n\"],\"by\":1}]\n").collect();
    let counts = place.write("counts", counts);
    let native = ["--format", "native", "--lines"];
    let writers: Vec<_> = ["a", "b"]
        .map(|name| {
            let cache = place.at(name);
            let args = [&["apply", &url, &counts, "--cache", &cache][..], &native].concat();
            server.command(&args).stdout(Stdio::piped()).spawn().unwrap()
        })
        .into_iter()
        .collect();
    for writer in writers {
        let done = writer.wait_with_output().unwrap();
        assert!(done.status.success());
        assert_eq!(String::from_utf8(done.stdout).unwrap().lines().count(), 40);
    }
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "81\n");
    assert_eq!(server.redraft(&["log", &url, "--json"]).json_lines().len(), 81);
}

#[test]
fn commands_that_share_a_copy_wait_for_one_another() {
    let Some(server) = server() else { return };
    let url = stream(&server, "board", 1);
    let commands: Vec<_> = (0..6)
        .map(|_| {
            let args = ["show", &url, "/n"];
            server.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for command in commands {
        let done = command.wait_with_output().unwrap();
        assert_eq!((done.status.success(), &*done.stdout), (true, &b"1\n"[..]), "{done:?}");
    }
}

#[test]
fn cut_off_the_copy_is_shown_only_if_that_is_asked_for() {
    let Some(mut server) = server() else { return };
    let url = stream(&server, "board", 3);
    server.redraft(&["show", &url]).ok();
    server.kill();
    let told = server.redraft(&["show", &url]).refused(1);
    assert!(told.contains("--offline") && told.contains("version 3"), "{told}");
    let shown = server.redraft(&["show", &url, "/n", "--offline"]);
    assert!(shown.err.contains("offline") && shown.err.contains("version 3"), "{shown:?}");
    assert_eq!(shown.ok(), "3\n");
    let told = server.fed(&["apply", &url, "--offline"], &set("/n", 4)).refused(2);
    assert!(told.contains("--offline is for verbs that read"), "{told}");
    server.fed(&["apply", &url], &set("/n", 4)).refused(1);
    let never = server.redraft(&["show", &server.url("other"), "--offline"]).refused(1);
    assert!(never.contains("there is no copy"), "{never}");
    server.start();
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "3\n");
    server.fed(&["apply", &url], &set("/n", 4)).ok();
}

#[test]
fn a_change_that_nothing_is_heard_of_waits_and_is_there_once() {
    let Some(mut server) = server() else { return };
    let url = stream(&server, "board", 1);
    let place = Place::new();
    let fifo = place.at("changes");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut child = server.command(&["apply", &url, &fifo, "--lines"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut feed = std::fs::File::options().write(true).open(&fifo).unwrap();
    feed.write_all(set("/n", 2).as_bytes()).unwrap();
    let mut acknowledged = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut acknowledged).unwrap();
    server.kill();
    feed.write_all(set("/n", 3).as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!((done.status.code(), &*acknowledged), (Some(1), "2\n"), "{told}");
    assert!(told.contains("the change waits in") && told.contains("do not make it again"), "{told}");
    server.start();
    // Also before one that comes to nothing.
    let next = server.fed(&["apply", &url], "[]");
    assert!(next.err.contains("1 made here before"), "{next:?}");
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "3\n");
    assert_eq!(server.fed(&["apply", &url], &set("/m", 4)).ok(), "version 4: 1 op\n");
    assert_eq!(server.redraft(&["show", &url]).ok(), "{\n  \"m\": 4,\n  \"n\": 3\n}\n");
}

#[test]
fn an_address_that_makes_no_sense_is_refused_and_no_secret_is_repeated() {
    let Some(server) = server() else { return };
    let (port, place) = (server.port, Place::new());
    let wrong = [
        format!("nats://127.0.0.1:{port}"),
        format!("nats://127.0.0.1:{port}?stream="),
        format!("nats://127.0.0.1:{port}?stream=a.b"),
        format!("nats://127.0.0.1:{port}?stream=board&token=secret"),
        format!("nats://ann:secret@127.0.0.1:{port}?stream=board"),
        "nats://?stream=board".to_owned(),
        format!("nats://127.0.0.1:{port}?stream=board&replicas=some"),
    ];
    for url in &wrong {
        for args in [
            ["show", url].as_slice(),
            &["apply", url],
            &["init", url],
            &["mirror", &place.at("x"), url],
            &["snapshot", url],
        ] {
            let told = server.fed(args, &set("/n", 1)).refused(2);
            assert!(told.contains("nats://HOST:PORT?stream=NAME"), "{told}");
            assert!(!told.contains("secret@") && !told.contains("=secret"), "{told}");
        }
        let told = server.redraft(&["pack", url]).refused(2);
        assert!(!told.contains("secret"), "{told}");
    }
}

#[test]
fn a_stream_that_is_not_there_or_not_ours_is_refused_and_left_alone() {
    let Some(server) = server() else { return };
    let told = server.redraft(&["show", &server.url("missing")]).refused(1);
    assert!(told.contains("there is no such stream") && told.contains("redraft init"), "{told}");
    assert!(server.ask("$JS.API.STREAM.INFO.missing", "").contains("stream not found"));

    // One for something else; and one that looks like ours, with messages that do not.
    let foreign = r#"{"name":"orders","subjects":["orders.>"],"storage":"file","retention":"limits"}"#;
    assert!(!server.ask("$JS.API.STREAM.CREATE.orders", foreign).contains("error"));
    let alike = r#"{"name":"alike","subjects":["redraft.alike"],"storage":"file","retention":"limits","discard":"new","deny_delete":true}"#;
    assert!(!server.ask("$JS.API.STREAM.CREATE.alike", alike).contains("error"));
    server.ask("redraft.alike", "an order for ten spades");
    let place = Place::new();
    let store = place.store("store", 2);
    for name in ["orders", "alike"] {
        let url = server.url(name);
        for args in [["show", &url].as_slice(), &["apply", &url], &["init", &url], &["mirror", &store, &url]]
        {
            server.fed(args, &set("/n", 1)).refused(1);
        }
    }
    assert!(server.ask("$JS.API.STREAM.INFO.alike", "").contains("\"messages\":1,"));

    // One that somebody made with the right settings is begun by init alone.
    let empty = alike.replace("alike", "empty");
    assert!(!server.ask("$JS.API.STREAM.CREATE.empty", &empty).contains("error"));
    server.redraft(&["show", &server.url("empty")]).refused(1);
    server.redraft(&["init", &server.url("empty")]).ok();
    assert_eq!(server.redraft(&["show", &server.url("empty")]).ok(), "{}\n");
    let told = server.redraft(&["init", &server.url("empty")]).refused(1);
    assert!(told.contains("there is a history in it already"), "{told}");
}

#[test]
fn a_directory_that_is_a_copy_of_something_else_is_left_as_it_is() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (board, list) = (stream(&server, "board", 3), stream(&server, "list", 2));
    let (cache, store) = (place.at("cache"), place.store("store", 2));
    server.redraft(&["show", &board, "--cache", &cache]).ok();
    let before = (content(&cache), content(&store));
    for verb in ["show", "apply"] {
        let told = server.fed(&[verb, &list, "--cache", &cache], &set("/n", 9)).refused(1);
        assert!(told.contains("another history"), "{told}");
        let told = server.fed(&[verb, &list, "--cache", &store], &set("/n", 9)).refused(1);
        assert!(told.contains("is not a store"), "{told}");
        let told = server.fed(&[verb, &list, "--cache", "Cargo.toml"], &set("/n", 9));
        assert_eq!(told.code, 1, "{told:?}");
    }
    assert_eq!((content(&cache), content(&store)), before);
    // The same for a stream that was made anew under its name.
    server.ask("$JS.API.STREAM.DELETE.board", "");
    let told = server.redraft(&["init", &board]).refused(1);
    assert!(told.contains("there is a copy in"), "{told}");
    assert!(server.ask("$JS.API.STREAM.INFO.board", "").contains("stream not found"));
    server.redraft(&["init", &board, "--cache", &place.at("new")]).ok();
    let told = server.redraft(&["show", &board, "--cache", &cache]).refused(1);
    assert!(told.contains("another history"), "{told}");
    assert_eq!(content(&cache), before.0);
}

#[test]
fn a_stream_of_another_server_is_another_one() {
    let (Some(one), Some(two)) = (server(), server()) else { return };
    let (first, second) = (stream(&one, "board", 3), stream(&two, "board", 2));
    // One user, two servers, one name.
    let show = |url: &str| one.redraft(&["show", url, "/n"]).ok();
    assert_eq!((show(&first), show(&second)), ("3\n".into(), "2\n".into()));
}

#[test]
fn verbs_that_make_no_sense_on_a_stream_say_what_to_do_instead() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let url = stream(&server, "board", 2);
    let (store, lines) = (place.store("store", 1), place.write("lines", set("/n", 1)));
    let refused: &[&[&str]] = &[
        &["pack", &url],
        &["repair", &url],
        &["redact", &url, "/n"],
        &["promote", &url],
        &["merge", &url, &store],
        &["import", "jsonl", &lines, &url],
        &["import", "git", ".", &url],
        &["backup", &store, &url],
        &["restore", &store, "--at", "1", "--to", &url],
        &["fork", &store, "--to", &url],
        &["follow", &store, &url],
        &["mirror", &url, &url],
        &["mirror", &store, &store],
    ];
    for args in refused {
        let told = server.redraft(args).refused(2);
        assert!(told.contains(" stream") || told.contains("directory"), "{args:?}: {told}");
    }
    assert_eq!(server.redraft(&["log", &url, "--json"]).json_lines().len(), 2);
    assert_eq!(std::fs::read_dir(server.home().join("redraft")).unwrap().count(), 1);
}

#[test]
fn credentials_come_from_a_file_or_the_environment() {
    if server().is_none() {
        return;
    }
    let token = Server::with(&["--auth", "s3cret"]);
    let url = token.url("board");
    let told = token.redraft(&["init", &url]).refused(1);
    assert!(!told.contains("--offline"), "{told}");
    let with = |args: &[&str], name: &str, value: &str| {
        let mut command = token.command(args);
        command.env(name, value);
        crate::common::done(command)
    };
    with(&["init", &url], "REDRAFT_NATS_TOKEN", "s3cret").ok();
    assert_eq!(with(&["show", &url], "REDRAFT_NATS_TOKEN", "s3cret").ok(), "{}\n");
    let told = with(&["show", &url], "REDRAFT_NATS_TOKEN", "wrong").refused(1);
    assert!(!told.contains("wrong"), "{told}");
    let user = Server::with(&["--user", "ann", "--pass", "s3cret"]);
    let mut command = user.command(&["init", &user.url("board")]);
    command.env("REDRAFT_NATS_USER", "ann").env("REDRAFT_NATS_PASSWORD", "s3cret");
    crate::common::done(command).ok();
    let told = user.redraft(&["show", &user.url("board"), "--nats-creds", "missing.creds"]).refused(1);
    assert!(told.contains("missing.creds"), "{told}");
}

#[test]
fn a_stream_is_served_and_followed() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let url = stream(&server, "board", 3);
    let copy = place.at("copy");
    assert!(server.redraft(&["follow", &url, &copy]).ok().starts_with("version 3 of 3"));
    assert_eq!(redraft(&["show", &copy, "/n"]).ok(), "3\n");

    let mut serving = server.command(&["serve", &url, "--listen", "127.0.0.1:0", "--json"]);
    let mut serving = serving.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address =
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["address"].as_str().unwrap().to_owned();
    // Other commands go on beside it, by what it keeps up to date or by a copy of their own.
    let mine = place.at("mine");
    server.fed(&["apply", &url, "--cache", &mine], &set("/n", 4)).ok();
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "4\n");
    let again = place.at("again");
    server.redraft(&["follow", &address, &again]).ok();
    assert_eq!(redraft(&["show", &again, "/n"]).ok(), "4\n");
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[test]
fn a_stream_is_trimmed_to_a_snapshot_beside_it_and_what_is_kept_reads_as_before() {
    let Some(server) = server() else { return };
    let url = stream(&server, "board", 20);
    let compact = |keep: &str| server.redraft(&["compact", &url, "--keep-changes", keep, "--json"]).json();
    assert_eq!(compact("5"), serde_json::json!({ "oldest": 0, "snapshots": 0 }), "there is no snapshot yet");
    let put = |head: u64| {
        let taken = server.redraft(&["snapshot", &url, "--json"]).json();
        assert_eq!((&taken["version"], taken["bytes"].as_u64() > Some(0)), (&head.into(), true));
    };
    put(20);
    assert_eq!(compact("5")["oldest"], 0, "all of it is to be kept");
    let more: String = (21..=30).map(|n| set("/n", n)).collect();
    server.fed(&["apply", &url, "--lines"], &more).ok();
    put(30);
    assert_eq!(compact("10"), serde_json::json!({ "oldest": 20, "snapshots": 0 }));
    assert_eq!(compact("1"), serde_json::json!({ "oldest": 20, "snapshots": 0 }), "30 is within it");
    assert_eq!(compact("0"), serde_json::json!({ "oldest": 30, "snapshots": 1 }));
    server.fed(&["apply", &url], &set("/n", 31)).ok();
    // Somebody who comes now begins with the snapshot; who has it all keeps it.
    let (new, place) = (Place::new(), Place::new());
    let begun = server.redraft(&["log", &url, "--json", "--cache", &new.at("copy")]).json_lines();
    assert_eq!(begun.len(), 1);
    assert_eq!(server.redraft(&["show", &url, "/n", "--cache", &new.at("copy")]).ok(), "31\n");
    assert_eq!(server.redraft(&["log", &url, "--json"]).json_lines().len(), 31);
    let refused = server.redraft(&["compact", &url, "--keep-bytes", "1GiB"]).refused(2);
    assert!(refused.contains("--keep-changes"), "{refused}");
    server.redraft(&["snapshot", &url, "--offline", "--cache", &place.at("none")]).refused(2);
}

#[test]
fn what_is_kept_of_a_stream_can_be_told_by_its_age() {
    let Some(server) = server() else { return };
    let url = stream(&server, "board", 5);
    server.redraft(&["snapshot", &url]).ok();
    server.fed(&["apply", &url], &set("/n", 6)).ok();
    let compact = |age: &str| server.redraft(&["compact", &url, "--keep-age", age, "--json"]).json();
    assert_eq!(compact("1d")["oldest"], 0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    server.fed(&["apply", &url], &set("/n", 7)).ok();
    assert_eq!(compact("1s")["oldest"], 5);
}

#[test]
fn a_stream_that_is_served_takes_what_is_submitted_and_can_be_only_read() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let url = stream(&server, "board", 3);
    let served = |name: &str, more: &[&str]| {
        let cache = place.at(name);
        let args = ["serve", &url, "--cache", &cache, "--listen", "127.0.0.1:0"];
        Serving::new(&[&args[..], more].concat(), &[])
    };
    let (one, other, reader) = (served("one", &[]), served("other", &[]), served("reader", &["--read-only"]));
    let vote = r#"{"base":3,"patch":[{"op":"inc","path":["n"],"by":10}],"id":"a"}"#;
    let first = one.post("/v1/changes", vote);
    assert!(first.starts_with("HTTP/1.1 201 ") && first.contains(r#""version":4"#), "{first}");
    // Whoever asks again elsewhere learns that it was done, and nothing is done twice.
    let shown = |serving: &Serving, state: &str| {
        while !serving.ask("GET /v1/state HTTP/1.1").ends_with(state) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    shown(&other, r#"{"n":13}"#);
    let again = other.post("/v1/changes", vote);
    assert!(again.starts_with("HTTP/1.1 200 ") && again.contains(r#""version":4"#), "{again}");
    assert!(other.post("/v1/changes", &vote.replace("\"a\"", "\"b\"")).starts_with("HTTP/1.1 201 "));
    shown(&reader, r#"{"n":23}"#);
    assert!(reader.post("/v1/changes", vote).starts_with("HTTP/1.1 403 "));
    for serving in [one, other, reader] {
        serving.stop();
    }
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "23\n");
    let offline = ["serve", &url, "--offline", "--cache", &place.at("one"), "--listen", "127.0.0.1:0"];
    let offline = Serving::new(&offline, &[]);
    assert!(offline.post("/v1/changes", vote).starts_with("HTTP/1.1 403 "));
    offline.stop();
}
