//! A store that is damaged while it is served: what is good is served still, what is not is told, and never a wrong answer.

use crate::server::Board;
use redraft::Options;
use redraft::http::{Access, Limits};
use std::path::PathBuf;

/// A store of many segments, of which one has a flipped bit in the middle, and the versions that the others tell of.
fn damaged() -> (Board, u64, u64) {
    let board = Board::of(&Options::new().segment_bytes(512), Access::new(), Limits::new());
    board.number_up_to(100);
    let mut segments: Vec<(u64, PathBuf)> = std::fs::read_dir(board.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "seg"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().parse().unwrap(), path))
        .collect();
    segments.sort();
    let (base, path) = &segments[3];
    let mut bytes = std::fs::read(path).unwrap();
    bytes[200] ^= 1;
    std::fs::write(path, bytes).unwrap();
    (board, *base, segments[4].0)
}

#[test]
fn what_is_good_is_served_and_what_is_not_is_told_without_a_path() {
    let (board, first, next) = damaged();
    for version in 0..=first {
        let state = board.get(&format!("/v1/state?at={version}")).with(200);
        assert_eq!(state["n"].as_u64().unwrap_or(0), version);
    }
    let told = board.get(&format!("/v1/state?at={next}")).problem(500);
    assert_eq!(told["kind"], "damage");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("{first:020}.seg")), "{detail}");
    assert!(!detail.contains(board.dir.path().to_str().unwrap()), "{detail}");
    // The newest state is in memory, and changes go on.
    assert_eq!(board.get("/v1/state").with(200)["n"], 100);
    let submission = serde_json::json!({ "base": 100, "format": "merge-patch", "patch": { "n": 101 } });
    board.submit(&submission).with(201);
    assert_eq!(board.get("/v1/health").with(200)["ready"], true);
}

#[test]
fn a_stream_of_events_ends_with_what_is_wrong_and_has_no_gap() {
    let (board, first, next) = damaged();
    let mut client = board.running.client();
    client.begin("GET", "/v1/events?from=1", &[], "");
    assert_eq!(client.head().unwrap().0, 200);
    let mut text = String::new();
    while let Some(piece) = client.chunk().flatten().filter(|piece| !piece.is_empty()) {
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let ids: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    assert!(ids.iter().copied().eq(1..=ids.len() as u64), "{ids:?}");
    assert!((first..next).contains(&(ids.len() as u64)), "{} of {first} to {next}", ids.len());
    let last = text.split("\n\n").filter(|event| !event.is_empty()).last().unwrap();
    assert!(last.starts_with("event: failed\ndata: {") && last.contains("\"kind\":\"damage\""), "{last}");
    assert!(!last.contains(board.dir.path().to_str().unwrap()), "{last}");
}
