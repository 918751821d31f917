//! Who follows the events meets every change once, in order, however often the connection is lost.

use crate::client::{Client, PATIENCE};
use crate::server::{Board, Running};
use redraft::http::{Access, Limits};
use redraft::{Options, Patch, Retention, Value, value};
use std::time::{Duration, Instant};

/// One event as it stands in the stream.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<u64>,
    name: String,
    data: String,
}

/// A client that follows, and takes the stream apart by the rules of the WHATWG's chapter on server-sent events.
struct Follower {
    client: Client,
    text: String,
}

impl Follower {
    fn new(board: &Board, target: &str, headers: &[&str]) -> Follower {
        Follower::of(&board.running, target, headers)
    }

    fn of(running: &Running, target: &str, headers: &[&str]) -> Follower {
        let mut client = running.client();
        client.begin("GET", target, headers, "");
        let (status, head) = client.head().unwrap();
        assert_eq!((status, head["content-type"].as_str()), (200, "text/event-stream"));
        Follower { client, text: String::new() }
    }

    /// The next line of the stream; nothing at its end.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let line = line.to_owned();
                self.text = rest.to_owned();
                return Some(line);
            }
            let piece = self.client.chunk().flatten().filter(|piece| !piece.is_empty())?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event; nothing if the stream ends.
    fn next(&mut self) -> Option<Event> {
        let (mut event, begin) = (Event::default(), Instant::now());
        loop {
            let line = self.line()?;
            assert!(begin.elapsed() < PATIENCE, "nothing comes");
            match line.split_once(':').map(|(name, value)| (name, value.trim_start())) {
                None if !event.data.is_empty() => return Some(event),
                Some(("id", id)) => event.id = Some(id.parse().unwrap()),
                Some(("event", name)) => event.name = name.into(),
                Some(("data", data)) => event.data.push_str(data),
                _ => {}
            }
        }
    }

    fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut id = || {
            let event = self.next().expect("the stream ends");
            event.id.unwrap_or_else(|| panic!("{event:?}"))
        };
        (0..count).map(|_| id()).collect()
    }
}

#[test]
fn what_was_and_what_comes_arrives_once_and_in_order() {
    let board = Board::numbered(200);
    let mut follower = Follower::new(&board, "/v1/events?from=1", &[]);
    assert_eq!(follower.ids(200), (1..=200).collect::<Vec<u64>>());
    std::thread::scope(|scope| {
        scope.spawn(|| board.number_up_to(400));
        assert_eq!(follower.ids(200), (201..=400).collect::<Vec<u64>>());
    });
}

#[test]
fn without_a_version_only_what_comes_arrives() {
    let board = Board::numbered(5);
    let mut follower = Follower::new(&board, "/v1/events", &[]);
    board.number_up_to(6);
    assert_eq!(follower.ids(1), [6]);
}

/// The document is the oracle: what the client has, after every lost connection, is what the store has.
#[test]
fn who_comes_back_goes_on_behind_what_they_saw() {
    let board = Board::new();
    board.store.produce(|doc| *doc = value!({ "list": [], "n": 0 })).unwrap();
    let (mut document, mut seen) = ((*board.store.state()).clone(), 1u64);
    for round in 0..12u64 {
        for n in 0..9 {
            board.store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, round * 9 + n)).unwrap();
        }
        // Where a browser comes back, its address still says where it began.
        let last = format!("last-event-id: {seen}");
        let headers: &[&str] = if round == 0 { &[] } else { &[&last] };
        let mut follower = Follower::new(&board, "/v1/events?from=2&format=immer", headers);
        for _ in 0..=round % 9 {
            let event = follower.next().unwrap();
            let change: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            let patch = Patch::from_immer(change["patch"].to_string().as_bytes(), &document).unwrap();
            document = redraft::apply(&document, &patch).unwrap().state;
            assert_eq!(event.id, Some(seen + 1));
            seen += 1;
        }
        assert_eq!(document, *board.store.at(seen).unwrap());
    }
    assert!(seen > 40);
}

#[test]
fn a_stream_can_begin_with_what_comes_next_and_not_behind_it() {
    let board = Board::numbered(3);
    let mut follower = Follower::new(&board, "/v1/events?from=4", &[]);
    board.number_up_to(4);
    assert_eq!(follower.ids(1), [4]);
    assert_eq!(board.get("/v1/events?from=6").problem(404)["head"], 4);
    let seen_too_much = board.running.client().ask("GET", "/v1/events", &["last-event-id: 9"], "");
    seen_too_much.problem(404);
    board.running.client().ask("GET", "/v1/events", &["last-event-id: nine"], "").problem(400);
}

/// The server only reads; the test writes, as another process would.
#[test]
fn what_another_process_writes_arrives_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = redraft::Store::<Value>::open(dir.path()).unwrap();
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    let reader = redraft::Reader::<Value>::open(dir.path()).unwrap();
    let running = Running::new(redraft::http::Server::new(reader));
    let mut follower = Follower::of(&running, "/v1/events?from=1&format=json-patch", &[]);
    assert_eq!(follower.ids(1), [1]);
    for n in 2..=20 {
        store.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    assert_eq!(follower.ids(19), (2..=20).collect::<Vec<u64>>());
}

#[test]
fn a_silent_stream_says_that_it_is_still_there() {
    let limits = Limits::new().keep_alive(Duration::from_millis(20));
    let board = Board::with(Access::new(), limits);
    let mut follower = Follower::new(&board, "/v1/events", &[]);
    let lines: Vec<String> = (0..20).map(|_| follower.line().unwrap()).collect();
    assert!(lines.iter().filter(|line| *line == ":").count() >= 5, "{lines:?}");
    board.number_up_to(1);
    assert_eq!(follower.ids(1), [1]);
}

/// Some 10 KB that have nothing in common with those of another number, so that a change is told in full.
fn unlike(n: u64) -> String {
    let scattered = |at: u64| (n * 1500 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 36;
    (0..1500).map(|at| format!("{:07x}", scattered(at))).collect()
}

/// A follower that takes nothing for a while finds what it has not read given up; it is told, and not handed a gap.
#[test]
fn a_follower_left_behind_by_a_compaction_is_told_to_begin_with_the_state() {
    let _alone = crate::server::much_memory();
    let board = Board::of(&Options::new().segment_bytes(1 << 20), Access::new(), Limits::new());
    for n in 0..2000 {
        drop(board.store.submit(|doc| doc["n"] = unlike(n).into()).unwrap());
    }
    board.store.sync().unwrap();
    let mut follower = Follower::new(&board, "/v1/events?from=1", &[]);
    assert_eq!(follower.ids(1), [1]);
    board.store.snapshot().unwrap();
    board.store.compact_to(Retention::Changes(5)).unwrap();
    let mut seen = 1;
    let last = loop {
        let event = follower.next().unwrap();
        match event.id {
            Some(id) => assert_eq!(id, std::mem::replace(&mut seen, id) + 1),
            None => break event,
        }
    };
    assert_eq!(last.name, "compacted");
    assert!(seen < board.store.oldest());
    let told: serde_json::Value = serde_json::from_str(&last.data).unwrap();
    assert_eq!((told["status"].as_u64(), told["state"].as_str()), (Some(410), Some("state")));
    assert_eq!(follower.next(), None);
}

/// A slow reader holds one piece and a socket's buffers, whatever there is to tell, and nobody else waits for it.
#[test]
fn a_client_that_stops_reading_holds_nobody_up() {
    let _alone = crate::server::much_memory();
    let board = Board::new();
    let mut stalled: Vec<Follower> =
        (0..20).map(|_| Follower::new(&board, "/v1/events?from=1", &[])).collect();
    let mut quick = Follower::new(&board, "/v1/events?from=1", &[]);
    let before = resident_bytes();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..1500u64 {
                drop(board.store.submit(|doc| doc["n"] = unlike(n).into()).unwrap());
            }
            board.store.sync().unwrap();
        });
        assert_eq!(quick.ids(1500), (1..=1500).collect::<Vec<u64>>());
    });
    let grown = resident_bytes().saturating_sub(before);
    // 20 streams of 15 MB each are not told. What is held is pieces and sockets, besides the store itself.
    assert!(grown < 120 << 20, "{grown} bytes");
    // And who reads on later has missed nothing.
    assert_eq!(stalled[0].ids(1500), (1..=1500).collect::<Vec<u64>>());
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident: Option<u64> = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    resident.unwrap_or(0) * 4096
}

#[test]
fn clients_that_go_away_are_forgotten() {
    let board = Board::with(Access::new(), Limits::new().streams(4).keep_alive(Duration::from_millis(10)));
    for _ in 0..5 {
        let followers: Vec<Follower> = (0..4).map(|_| Follower::new(&board, "/v1/events", &[])).collect();
        let full = board.get("/v1/events").problem(503);
        assert_eq!(full["kind"], "busy");
        drop(followers);
        let count = || {
            let metrics = board.get("/v1/metrics");
            let line =
                metrics.text().lines().find(|line| line.starts_with("redraft_event_clients ")).unwrap();
            line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
        };
        while count() > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(*board.store.state(), Value::default());
}

#[test]
fn a_server_that_stops_ends_its_streams() {
    let mut board = Board::numbered(2);
    let mut follower = Follower::new(&board, "/v1/events?from=1", &[]);
    assert_eq!(follower.ids(2), [1, 2]);
    board.running.stop();
    assert_eq!(follower.next(), None);
    // The store is the test's again, alone.
    let store = std::sync::Arc::into_inner(board.store).unwrap();
    store.close().unwrap();
}
