//! A store moves into a stream and out of one as what it is, and goes on where that was interrupted.

use crate::common::nats::server;
use crate::common::{Place, content, redraft, redraft_fed, told};
use redraft::{Options, Store, Value};
use std::process::Stdio;
use std::time::Duration;

fn set(path: &str, value: impl std::fmt::Display) -> String {
    format!("[{{\"op\":\"add\",\"path\":\"{path}\",\"value\":{value}}}]\n")
}

#[test]
fn a_store_moves_in_and_out_again_and_is_promoted() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (store, out, url) = (place.store("store", 30), place.at("out"), server.url("board"));
    let moved = server.redraft(&["mirror", &store, &url]);
    assert!(moved.err.contains("does not get into the stream by itself"), "{moved:?}");
    assert_eq!(moved.ok(), "version 30 of 30, 30 changes copied\n");
    assert_eq!(server.redraft(&["compare", &store, &url]).ok(), "the same, up to version 30\n");
    assert_eq!(server.redraft(&["log", &url, "--json"]).ok(), redraft(&["log", &store, "--json"]).ok());
    // It goes on there.
    assert_eq!(server.fed(&["apply", &url], &set("/n", 31)).ok(), "version 31: 1 op\n");
    assert_eq!(server.redraft(&["undo", &url, "31"]).ok(), "version 32: change 31 undone, 1 op\n");

    assert_eq!(server.redraft(&["mirror", &url, &out]).ok(), "version 32 of 32, 32 changes copied\n");
    redraft_fed(&["apply", &out], set("/n", 33).as_bytes()).refused(1);
    redraft(&["promote", &out]).ok();
    redraft_fed(&["apply", &out], set("/n", 33).as_bytes()).ok();
    assert_eq!(redraft(&["show", &out, "/n"]).ok(), "33\n");
    // Who was promoted is not who moved in.
    let told = server.redraft(&["mirror", &out, &url]).refused(1);
    assert!(told.contains("separate ways"), "{told}");
}

#[test]
fn an_interrupted_move_goes_on_where_it_was() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (store, out, url) = (place.at("store"), place.at("out"), server.url("board"));
    let text = "x".repeat(4000);
    let lines: String = (0..4000).map(|n| set("/text", format!("\"{n} {text}\""))).collect();
    redraft(&["import", "jsonl", &place.write("lines", lines), &store]).ok();
    let before = content(&store);
    for milliseconds in [30, 60, 90, 120, 150] {
        for args in [["mirror", &store, &url], ["mirror", &url, &out]] {
            let mut child =
                server.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(milliseconds));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let moved = server.redraft(&["mirror", &store, &url, "--json"]).json();
    assert_eq!(moved["version"], 4000);
    server.redraft(&["mirror", &url, &out]).ok();
    assert_eq!(server.redraft(&["compare", &store, &url]).ok(), "the same, up to version 4000\n");
    assert_eq!(server.redraft(&["compare", &store, &out]).ok(), "the same, up to version 4000\n");
    assert_eq!(server.redraft(&["mirror", &store, &url]).ok(), "version 4000 of 4000, 0 changes copied\n");
    assert_eq!(content(&store), before);
}

#[test]
fn what_a_stream_lost_is_put_back_from_a_copy() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (store, cache, url) = (place.store("store", 5), place.at("cache"), server.url("board"));
    server.redraft(&["mirror", &store, &url]).ok();
    server.fed(&["apply", &url, "--cache", &cache], &set("/n", 6)).ok();
    // The stream is made anew from the old directory, which lacks what was written since.
    server.ask("$JS.API.STREAM.DELETE.board", "");
    server.redraft(&["mirror", &store, &url]).ok();
    let told = server.redraft(&["show", &url, "--cache", &cache]).refused(1);
    assert!(told.contains("redraft mirror"), "{told}");
    assert_eq!(server.redraft(&["mirror", &cache, &url]).ok(), "version 6 of 6, 1 change copied\n");
    assert_eq!(server.redraft(&["show", &url, "/n", "--cache", &cache]).ok(), "6\n");
}

#[test]
fn histories_that_differ_are_refused_with_the_first_change_that_does() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (store, url) = (place.store("store", 5), server.url("board"));
    server.redraft(&["mirror", &store, &url]).ok();
    server.fed(&["apply", &url], &set("/n", "\"there\"")).ok();
    redraft_fed(&["apply", &store], set("/n", "\"here\"").as_bytes()).ok();
    let (here, there) = (told(&store), server.redraft(&["log", &url, "--json"]).ok());
    let refused = server.redraft(&["mirror", &store, &url]).refused(1);
    assert!(refused.contains("change 6 is the first that differs"), "{refused}");
    let other = place.store("other", 7);
    let refused = server.redraft(&["mirror", &other, &url]).refused(1);
    assert!(refused.contains("another history"), "{refused}");
    assert_eq!((told(&store), server.redraft(&["log", &url, "--json"]).ok()), (here, there));
}

#[test]
fn what_cannot_move_is_refused_before_a_stream_is_made() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let url = server.url("board");
    server.redraft(&["mirror", &place.at("missing"), &url]).refused(1);
    server.redraft(&["mirror", &place.write("file", "no store"), &url]).refused(1);
    server.redraft(&["mirror", &url, &place.at("out")]).refused(1);
    assert!(server.ask("$JS.API.STREAM.INFO.board", "").contains("stream not found"));
    assert!(!std::path::Path::new(&place.at("out")).exists());
}

#[test]
fn a_store_that_was_compacted_moves_in_and_out_with_the_snapshot_it_begins_with() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (store, out, url) = (place.at("store"), place.at("out"), server.url("board"));
    let open: Store<Value> = Options::new().segment_bytes(2048).open(&store).unwrap();
    (1..=200_u64).for_each(|n| drop(open.submit(|doc| doc["n"] = n.into()).unwrap()));
    open.close().unwrap();
    redraft(&["compact", &store, "--keep-changes", "20"]).ok();
    let oldest = redraft(&["stats", &store, "--json"]).json()["oldest"].as_u64().unwrap();
    assert!(oldest > 0);
    server.redraft(&["mirror", &store, &url]).ok();
    server.redraft(&["mirror", &url, &out]).ok();
    for copy in [&url, &out] {
        assert_eq!(server.redraft(&["compare", &store, copy]).ok(), "the same, up to version 200\n");
        assert_eq!(server.redraft(&["show", copy, "/n"]).ok(), "200\n");
        assert_eq!(server.redraft(&["stats", copy, "--json"]).json()["oldest"], oldest);
    }
}

#[test]
fn what_is_followed_goes_on_into_the_stream() {
    let (Some(server), place) = (server(), Place::new()) else { return };
    let (store, url) = (place.store("store", 3), server.url("board"));
    let mut child = server.command(&["mirror", &store, &url, "--follow"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "version 3 of 3, 3 changes copied");
    redraft_fed(&["apply", &store], set("/n", 4).as_bytes()).ok();
    assert_eq!(lines.next().unwrap().unwrap(), "version 4 of 4, 1 change copied");
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert_eq!(server.redraft(&["show", &url, "/n"]).ok(), "4\n");
}
