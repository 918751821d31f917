//! A store is served until the command is told to stop, and to nobody who should not have it.

use crate::common::{Place, command, done, redraft, redraft_fed};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// A server that runs, and where.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn new(args: &[&str], environment: &[(&str, &str)]) -> Serving {
        let mut child = command(args);
        child.envs(environment.iter().copied()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.rsplit("http://").next().unwrap().trim_end().split('/').next().unwrap().to_owned();
        Serving { child, address }
    }

    pub(crate) fn ask(&self, request: &str) -> String {
        self.ask_with(request, "")
    }

    fn ask_with(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!("{request}\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn post(&self, target: &str, json: &str) -> String {
        let length = json.len();
        let head =
            format!("POST {target} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {length}");
        self.ask_with(&head, json)
    }

    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_store_is_served_until_the_command_is_told_to_stop() {
    let place = Place::new();
    let store = place.store("s", 3);
    let serving = Serving::new(&["serve", &store, "--listen", "127.0.0.1:0"], &[]);
    assert!(serving.ask("GET /v1/state HTTP/1.1").ends_with(r#"{"n":3}"#));
    // It is the store's one writer.
    redraft_fed(&["apply", &store], b"[]").refused(1);
    serving.stop();
    redraft(&["verify", &store]).ok();
    redraft_fed(&["apply", &store], b"[]").ok();
}

#[test]
fn a_store_that_is_only_read_can_be_written_beside() {
    let place = Place::new();
    let store = place.store("s", 3);
    let serving = Serving::new(&["serve", &store, "--read-only", "--listen", "127.0.0.1:0"], &[]);
    redraft_fed(&["apply", &store], br#"[{"op":"replace","path":"/n","value":4}]"#).ok();
    while !serving.ask("GET /v1/state HTTP/1.1").ends_with(r#"{"n":4}"#) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(serving.ask("POST /v1/changes HTTP/1.1").starts_with("HTTP/1.1 403 "));
    serving.stop();
}

#[test]
fn an_address_that_others_can_reach_needs_to_know_who_they_are() {
    let place = Place::new();
    let store = place.store("s", 1);
    for address in ["0.0.0.0:0", "[::]:0"] {
        let message = redraft(&["serve", &store, "--listen", address]).refused(1);
        for advice in ["tokens", "CA", "127.0.0.1"] {
            assert!(message.contains(advice), "{message}");
        }
    }
    // Nothing was left behind.
    redraft_fed(&["apply", &store], b"[]").ok();
}

#[test]
fn tokens_come_from_a_file_that_nobody_else_can_read_or_from_the_environment() {
    let place = Place::new();
    let (store, file) = (place.store("s", 1), place.write("tokens", "read 0123456789abcdef\n"));
    let open_to = |mode: u32| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    open_to(0o640);
    let message = redraft(&["serve", &store, "--token-file", &file]).refused(1);
    assert!(message.contains("chmod 600") && !message.contains("0123456789abcdef"), "{message}");
    open_to(0o600);
    let args = ["serve", &store, "--listen", "127.0.0.1:0", "--token-file", &file];
    let serving = Serving::new(&args, &[("REDRAFT_WRITE_TOKEN", "fedcba9876543210")]);
    let ask = |token: &str| serving.ask(&format!("GET /v1/state HTTP/1.1\r\nauthorization: Bearer {token}"));
    assert!(serving.ask("GET /v1/state HTTP/1.1").starts_with("HTTP/1.1 401 "));
    assert!(ask("0123456789abcdee").starts_with("HTTP/1.1 401 "));
    assert!(ask("0123456789abcdef").starts_with("HTTP/1.1 200 "));
    assert!(ask("fedcba9876543210").starts_with("HTTP/1.1 200 "));
    serving.stop();
    let mut short = command(&["serve", &store]);
    short.env("REDRAFT_READ_TOKEN", "hunter2");
    assert!(!done(short).refused(1).contains("hunter2"));
}

#[test]
fn a_token_on_the_command_line_is_wrong_usage() {
    let place = Place::new();
    let store = place.store("s", 1);
    redraft(&["serve", &store, "--token", "0123456789abcdef"]).refused(2);
    redraft(&["serve", &store, "--tls-cert", &store]).refused(2);
    redraft(&["serve", &store, "--listen", "everywhere"]).refused(2);
}

#[test]
fn a_served_store_is_followed_compared_and_its_place_is_taken() {
    let place = Place::new();
    let (store, copy) = (place.store("s", 30), place.at("copy"));
    let serving = Serving::new(&["serve", &store, "--listen", "127.0.0.1:0"], &[]);
    let url = format!("http://{}", serving.address);
    assert_eq!(redraft(&["follow", &url, &copy]).ok(), "version 30 of 30, 30 changes copied\n");
    assert_eq!(redraft(&["compare", &url, &copy]).ok(), "the same, up to version 30\n");
    let mut live = command(&["follow", &url, &copy, "--live"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(live.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "version 30 of 30, 0 changes copied");
    let body = r#"{"base":30,"format":"json-patch","patch":[{"op":"add","path":"/live","value":true}]}"#;
    let request = format!(
        "POST /v1/changes HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    write!(stream, "{request}\r\nhost: {}\r\nconnection: close\r\n\r\n{body}", serving.address).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(next(), "version 31 of 31, 1 change copied");
    assert!(Command::new("kill").args(["-TERM", &live.id().to_string()]).status().unwrap().success());
    assert!(live.wait().unwrap().success());
    serving.stop();
    // The old primary writes on, the copy takes its place and does so too.
    redraft_fed(&["apply", &store], br#"[{"op":"add","path":"/old","value":1}]"#).ok();
    let told = redraft(&["promote", &copy]).ok();
    assert!(told.ends_with("is the primary now, of epoch 2\n"), "{told}");
    redraft_fed(&["apply", &copy], br#"[{"op":"add","path":"/new","value":1}]"#).ok();
    redraft(&["promote", &copy]).refused(1);
    let differ = redraft(&["compare", &store, &copy]);
    assert_eq!((differ.code, &*differ.out), (1, "the same up to version 31; version 32 differs\n"));
    let extra = place.at("extra.jsonl");
    redraft(&["rejoin", &copy, &store, "--extra", &extra]).ok();
    let kept = std::fs::read_to_string(&extra).unwrap();
    assert!(kept.lines().count() == 1 && kept.contains("old"), "{kept}");
    assert_eq!(redraft(&["compare", &store, &copy]).ok(), "the same, up to version 32\n");
    // It follows now, and does not write over what was kept.
    redraft_fed(&["apply", &store], b"[]").refused(1);
    redraft(&["rejoin", &copy, &store, "--extra", &extra]).refused(1);
    assert_eq!(redraft(&["follow", &copy, &store]).ok(), "version 32 of 32, 0 changes copied\n");
}

/// Opened for writing it is refused, and how it is served is said.
#[test]
fn who_serves_a_replica_is_pointed_to_reading_it() {
    let place = Place::new();
    let (store, copy) = (place.store("s", 3), place.at("copy"));
    redraft(&["follow", &store, &copy]).ok();
    let message = redraft(&["serve", &copy, "--listen", "127.0.0.1:0"]).refused(1);
    assert!(message.contains("a replica is served with --read-only"), "{message}");
    let serving = Serving::new(&["serve", &copy, "--read-only", "--listen", "127.0.0.1:0"], &[]);
    assert!(serving.ask("GET /v1/state HTTP/1.1").ends_with(r#"{"n":3}"#));
    serving.stop();
}

/// A live follow tells how far it is behind, and that it hears nothing, once each time that this is another answer.
#[test]
fn a_live_follow_tells_when_its_source_does_not_answer_and_when_it_does_again() {
    let place = Place::new();
    let (store, copy) = (place.store("s", 3), place.at("copy"));
    let serving = Serving::new(&["serve", &store, "--listen", "127.0.0.1:0"], &[]);
    let (address, url) = (serving.address.clone(), format!("http://{}", serving.address));
    let mut live = command(&["follow", &url, &copy, "--live", "--json"]);
    let mut live = live.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(live.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    let first = next();
    assert_eq!(
        (&first["version"], &first["behind_bytes"], &first["connected"]),
        (&3.into(), &0.into(), &true.into())
    );
    serving.stop();
    let lost = next();
    assert_eq!(
        (&lost["version"], &lost["copied"], &lost["connected"]),
        (&3.into(), &0.into(), &false.into())
    );
    redraft_fed(&["apply", &store], br#"[{"op":"replace","path":"/n","value":4}]"#).ok();
    let serving = Serving::new(&["serve", &store, "--listen", &address], &[]);
    let mut back = next();
    assert_eq!(back["connected"], true);
    while back["version"] != 4 {
        back = next();
    }
    assert_eq!(
        (&back["source"], &back["behind_bytes"], &back["behind_seconds"]),
        (&4.into(), &0.into(), &0.into())
    );
    assert!(Command::new("kill").args(["-TERM", &live.id().to_string()]).status().unwrap().success());
    assert!(live.wait().unwrap().success());
    serving.stop();
}

#[test]
fn an_address_that_is_none_or_where_nobody_serves_is_told() {
    let place = Place::new();
    for (url, says) in [
        ("http://127.0.0.1:9", "cannot ask at"),
        ("http://user:hunter2@127.0.0.1/", "secret"),
        ("https://", "address"),
    ] {
        let message = redraft(&["follow", url, &place.at("r")]).refused(1);
        assert!(message.contains(says) && !message.contains("hunter2"), "{message}");
    }
    redraft(&["follow", "http://127.0.0.1:9", &place.at("r"), "--token-file", &place.at("none")]).refused(1);
}
