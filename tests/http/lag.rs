//! How far followers are behind is told where they are served: in changes, in bytes, in seconds.

use crate::server::Board;
use redraft::Store;
use redraft::replica::Feed;
use std::collections::BTreeMap;
use std::io::Read;

/// The gauges of that name, by follower.
fn gauges(board: &Board, name: &str) -> BTreeMap<String, f64> {
    let told = board.get("/v1/metrics");
    let begin = format!("{name}{{follower=\"");
    let lines = told.text().lines().filter_map(|line| line.strip_prefix(&begin));
    let parsed = lines.map(|line| line.rsplit_once("\"} ").unwrap());
    parsed.map(|(follower, value)| (follower.to_owned(), value.parse().unwrap())).collect()
}

/// What a replica that has this many changes would be sent, without what is around the records.
fn bytes_after(store: &Store, version: u64) -> f64 {
    let length = |from: u64| {
        let mut bytes = Vec::new();
        Feed::of(store, from).unwrap().read_to_end(&mut bytes).unwrap();
        bytes.len()
    };
    (length(version) - length(store.version())) as f64
}

#[test]
fn the_metrics_tell_how_far_each_follower_is_behind() {
    let options = redraft::Options::new().segment_bytes(512);
    let board = Board::of(&options, Default::default(), Default::default());
    board.number_up_to(50);
    board.store.set_cursor("near", 50).unwrap();
    board.store.set_cursor("a \"far\"\naway\\one", 20).unwrap();
    board.number_up_to(200);
    let far = r#"a \"far\"\naway\\one"#;
    let expected =
        |near: f64, distant: f64| BTreeMap::from([("near".to_owned(), near), (far.to_owned(), distant)]);
    assert_eq!(gauges(&board, "redraft_follower_lag_versions"), expected(150.0, 180.0));
    let bytes = (bytes_after(&board.store, 50), bytes_after(&board.store, 20));
    assert_eq!(gauges(&board, "redraft_follower_lag_bytes"), expected(bytes.0, bytes.1));
    let seconds = gauges(&board, "redraft_follower_lag_seconds");
    assert!(seconds.len() == 2 && seconds.values().all(|age| (0.0..3600.0).contains(age)), "{seconds:?}");
    assert!(seconds[far] >= seconds["near"], "{seconds:?}");
    board.store.set_cursor("near", 200).unwrap();
    for unit in ["versions", "bytes", "seconds"] {
        assert_eq!(gauges(&board, &format!("redraft_follower_lag_{unit}"))["near"], 0.0, "{unit}");
    }
}

/// Whoever may write may give names; a monitor that keeps a series for each must not pay for all of them.
#[test]
fn so_many_followers_are_told_by_their_names_and_no_more() {
    let board = Board::numbered(100);
    for version in 1..=100 {
        board.store.set_cursor(&format!("follower {version}"), version).unwrap();
    }
    let told = gauges(&board, "redraft_follower_lag_versions");
    assert_eq!(told.len(), 32);
    assert!(told.values().all(|behind| *behind >= 68.0), "those furthest behind: {told:?}");
    assert!(board.get("/v1/metrics").text().contains("\nredraft_followers 100\n"));
}
