//! What one connection can hold is bounded: how long it may take, how much it may send, how many there are.

use crate::server::Board;
use redraft::http::{Access, Limits};
use redraft::{Value, value};
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(200);

fn hurried() -> Board {
    Board::with(Access::new(), Limits::new().request(SHORT).idle(SHORT))
}

/// Returns once the server has closed the connection, with what it said before.
fn until_closed(mut stream: impl Read) -> Vec<u8> {
    let mut said = Vec::new();
    drop(stream.read_to_end(&mut said));
    said
}

#[test]
fn who_does_not_send_a_whole_head_is_not_waited_for() {
    let board = hurried();
    for begin in ["", "GET", "GET /v1/state HTTP/1.1\r\nhost: localhost\r\n"] {
        let mut client = board.running.client();
        client.send(begin);
        let said = until_closed(client.stream);
        assert!(!said.starts_with(b"HTTP/1.1 200"), "{begin:?}");
    }
}

/// A byte now and then does not buy time: the head as a whole has to come.
#[test]
fn a_head_that_comes_byte_by_byte_is_cut_off() {
    let board = hurried();
    let mut client = board.running.client();
    let head = "GET /v1/state HTTP/1.1\r\nx-slow: ".bytes().chain(std::iter::repeat(b'x'));
    let mut sent = 0;
    for byte in head {
        if std::io::Write::write_all(client.stream.get_mut(), &[byte]).is_err() {
            break;
        }
        sent += 1;
        assert!(sent < 1000, "it is still being read");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_connection_that_asks_nothing_more_is_closed() {
    let board = hurried();
    let mut client = board.running.client();
    assert_eq!(client.get("/v1/health").status, 200);
    assert_eq!(until_closed(client.stream), b"");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let board = hurried();
    let mut client = board.running.client();
    client.begin("POST", "/v1/changes", &["content-type: application/json", "content-length: 100"], "");
    client.send("{\"base\":");
    client.answer(false).problem(408);
}

/// Sockets hold less than this: it cannot be sent to its end unless somebody reads it.
#[test]
fn who_is_refused_before_the_body_is_read_still_gets_the_answer() {
    let board = Board::with(Access::new(), Limits::new().body_bytes(4000));
    let refused = |headers: &[&str], bytes: usize| {
        let mut client = board.running.client();
        let length = format!("content-length: {bytes}");
        client.begin("POST", "/v1/changes", &[headers, &[&length]].concat(), "");
        client.send(vec![b'x'; bytes]);
        let problem = client.answer(false);
        assert_eq!(client.get("/v1/health").status, 200, "the connection goes on");
        problem
    };
    for _ in 0..8 {
        refused(&["content-type: application/json"], 7 << 20).problem(413);
        refused(&["content-type: text/plain"], 7 << 20).problem(415);
        refused(&["origin: http://elsewhere.example"], 7 << 20).problem(403);
    }
    // Nobody reads without end what nobody will take.
    let mut client = board.running.client();
    client.begin("POST", "/v1/changes", &["content-type: application/json", "content-length: 99999999"], "");
    let sent = std::io::Write::write_all(client.stream.get_mut(), &vec![0; 99_999_999]);
    assert!(sent.is_err(), "all of it was read");
}

/// Who asks before sending is told at once, and need not send it.
#[test]
fn who_asks_before_sending_a_body_that_is_too_long_is_refused_without_it() {
    let board = Board::with(Access::new(), Limits::new());
    let mut client = board.running.client();
    let headers = ["content-type: application/json", "content-length: 9000000", "expect: 100-continue"];
    client.begin("POST", "/v1/changes", &headers, "");
    client.answer(false).problem(413);
}

/// Five may be there at once: the sixth is answered when one of them has gone.
#[test]
fn more_connections_than_are_allowed_wait_their_turn() {
    let board = Board::with(Access::new(), Limits::new().connections(5));
    let mut first: Vec<_> = (0..5).map(|_| board.running.client()).collect();
    first.iter_mut().for_each(|client| assert_eq!(client.get("/v1/health").status, 200));
    let mut sixth = board.running.client();
    sixth.begin("GET", "/v1/health", &[], "");
    sixth.stream.get_ref().set_read_timeout(Some(SHORT)).unwrap();
    assert!(sixth.try_answer(false).is_none(), "it was not to be served yet");
    drop(first.pop());
    sixth.stream.get_ref().set_read_timeout(Some(crate::client::PATIENCE)).unwrap();
    assert_eq!(sixth.answer(false).status, 200);
}

/// Far more than sockets hold. Who does not read it is given up; the answer ends as a broken one, and others are served.
#[test]
fn a_large_state_that_nobody_reads_is_given_up() {
    let _alone = crate::server::much_memory();
    let board =
        Board::with(Access::new(), Limits::new().request(Duration::from_secs(10)).idle(SHORT).streams(2));
    let rows: Value =
        (0..400_000).map(|n| value!({ "row": n, "text": "some text that takes room" })).collect();
    board.store.produce(|doc| doc["rows"] = rows).unwrap();
    let mut stalled: Vec<_> = (0..2)
        .map(|_| {
            let mut client = board.running.client();
            client.begin("GET", "/v1/state", &[], "");
            client.head().unwrap();
            client
        })
        .collect();
    board.get("/v1/state").problem(503);
    assert_eq!(board.get("/v1/health").status, 200);
    while board.get("/v1/state").status != 200 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let whole = board.store.state().to_json_string().len();
    for client in &mut stalled {
        let mut read = 0;
        while let Some(piece) = client.chunk().flatten() {
            assert!(!piece.is_empty(), "the answer ends as if it were whole");
            read += piece.len();
        }
        assert!(read < whole);
    }
}

#[test]
fn a_client_that_goes_away_in_the_middle_does_no_harm() {
    let board = Board::numbered(50);
    for cut in 0..120 {
        let mut stream = TcpStream::connect(board.running.address).unwrap();
        let request = "POST /v1/changes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\r\n{\"base\":50,\"patch\":[1,2,3]}";
        std::io::Write::write_all(&mut stream, &request.as_bytes()[..cut]).unwrap();
    }
    assert_eq!(board.get("/v1/state").with(200)["n"], 50);
    assert_eq!(board.store.version(), 50);
}

#[test]
fn a_connection_takes_one_request_after_the_other() {
    let board = Board::numbered(3);
    let mut client = board.running.client();
    for version in [1, 2, 3] {
        assert_eq!(client.get(&format!("/v1/state?at={version}")).with(200)["n"], version);
    }
    // Two at once are answered in their order.
    client.begin("GET", "/v1/state?at=1", &[], "");
    client.begin("GET", "/v1/state?at=2", &[], "");
    assert_eq!(
        (client.answer(false).json()["n"].as_u64(), client.answer(false).json()["n"].as_u64()),
        (Some(1), Some(2))
    );
}
