//! Who may not ask gets nothing, and has changed nothing: a table of requests, each with its name and its answer.

use crate::client::Client;
use crate::server::Board;
use redraft::http::{Access, Limits, Tokens};
use redraft::{Value, value};
use std::collections::BTreeSet;

const READ: &str = "read-0123456789abcdef";
const WRITE: &str = "write-fedcba9876543210";
const SUBMISSION: &str = r#"{"base":1,"format":"merge-patch","patch":{"n":99}}"#;

/// Which server is asked.
#[derive(Clone, Copy, Debug)]
enum Door {
    /// As it is made: for programs on this machine.
    Open,
    /// With a token for reading and one for writing, for two origins.
    Tokens,
    /// For reading only, whoever asks.
    ReadOnly,
    /// Under a name of its own.
    Named,
}

struct Doors(Vec<Board>);

impl Doors {
    fn new() -> Doors {
        let tokens = Tokens::parse(&format!("read {READ}\nwrite {WRITE}")).unwrap();
        let accesses = [
            Access::new(),
            Access::new().tokens(tokens).origin("https://app.example").origin("http://localhost:3000"),
            Access::new().read_only(true),
            Access::new().host("Store.Example"),
        ];
        let limits = Limits::new().body_bytes(1000);
        let board = |access: Access| {
            let board = Board::with(access, limits);
            board.store.produce(|doc| *doc = value!({ "n": 1 })).unwrap();
            board
        };
        Doors(accesses.into_iter().map(board).collect())
    }

    fn at(&self, door: Door) -> &Board {
        &self.0[door as usize]
    }
}

/// A request line, headers, a body, and the status it gets. `{}` in a header is the server's own address.
type Case = (&'static str, Door, &'static str, Vec<String>, String, u16);

fn case(name: &'static str, door: Door, line: &'static str, headers: &[&str], status: u16) -> Case {
    let headers = headers.iter().map(|&header| header.to_owned()).collect();
    (name, door, line, headers, String::new(), status)
}

fn post(name: &'static str, door: Door, headers: &[&str], body: &str, status: u16) -> Case {
    let headers = headers.iter().map(|&header| header.to_owned()).collect();
    (name, door, "POST /v1/changes", headers, body.to_owned(), status)
}

const HOST: &str = "host: {}";
const JSON: &str = "content-type: application/json";

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

fn hosts() -> Vec<Case> {
    use Door::{Named, Open};
    let get = "GET /v1/state";
    vec![
        case("its address", Open, get, &[HOST], 200),
        case("localhost", Open, get, &["host: localhost"], 200),
        case("localhost in capitals", Open, get, &["host: LOCALHOST:80"], 200),
        case("another port, as behind a tunnel", Open, get, &["host: 127.0.0.1:9"], 200),
        case("the loopback of IPv6", Open, get, &["host: [::1]:7878"], 200),
        case("a name that was made to mean this machine", Open, get, &["host: evil.example"], 421),
        case("a name that begins like ours", Open, get, &["host: localhost.evil.example"], 421),
        case("a name that ends like ours", Open, get, &["host: evil-localhost"], 421),
        case("a name with the root's dot", Open, get, &["host: localhost."], 421),
        case("somebody before the name", Open, get, &["host: evil@localhost"], 421),
        case("somebody before the name, with a port", Open, get, &["host: localhost:80@evil.example"], 421),
        case("a port that is none", Open, get, &["host: localhost:80x"], 421),
        case("an empty name", Open, get, &["host: "], 421),
        case("no name", Open, get, &[], 400),
        case("two names", Open, get, &[HOST, "host: evil.example"], 400),
        case("the same name twice", Open, get, &[HOST, HOST], 400),
        case("an address that names another host", Open, "GET http://evil.example/v1/state", &[HOST], 421),
        case("an address that names this one", Open, "GET http://localhost/v1/state", &[HOST], 200),
        case(
            "an address that names this one, under another name",
            Open,
            "GET http://localhost/v1/state",
            &["host: evil.example"],
            421,
        ),
        case("a name that is no text", Open, get, &["host: localhost\u{e9}"], 421),
        case("the network's address of nobody", Open, get, &["host: 0.0.0.0"], 421),
        case("a name in decimal", Open, get, &["host: 2130706433"], 421),
        case("a name that was let in", Named, get, &["host: store.example:443"], 200),
        case("a name below the one that was let in", Named, get, &["host: a.store.example"], 421),
        case("a wrong name for health too", Open, "GET /v1/health", &["host: evil.example"], 421),
        case("a wrong name for nothing", Open, "GET /v1/none", &["host: evil.example"], 421),
    ]
}

fn origins() -> Vec<Case> {
    use Door::{Open, Tokens};
    let (get, read) = ("GET /v1/state", bearer(READ));
    let read = read.as_str();
    vec![
        case("a page of its own", Open, get, &["host: localhost:1", "origin: http://localhost:1"], 200),
        case("a page of another port", Open, get, &["host: localhost:1", "origin: http://localhost:2"], 403),
        case("a page from elsewhere", Open, get, &[HOST, "origin: https://evil.example"], 403),
        case("a page from nowhere", Open, get, &[HOST, "origin: null"], 403),
        case("an empty origin", Open, get, &[HOST, "origin: "], 403),
        case("two origins", Open, get, &["host: a", "origin: http://a", "origin: http://b"], 421),
        case(
            "two origins, one of its own",
            Tokens,
            get,
            &[HOST, read, "origin: https://app.example", "origin: https://evil.example"],
            403,
        ),
        case("an origin that was let in", Tokens, get, &[HOST, read, "origin: https://app.example"], 200),
        case("it without encryption", Tokens, get, &[HOST, read, "origin: http://app.example"], 403),
        case(
            "one that begins like it",
            Tokens,
            get,
            &[HOST, read, "origin: https://app.example.evil.example"],
            403,
        ),
        case("one that ends like it", Tokens, get, &[HOST, read, "origin: https://evil-app.example"], 403),
        case("it without a token", Tokens, get, &[HOST, "origin: https://app.example"], 401),
        case("an image on a page from elsewhere", Open, get, &[HOST, "sec-fetch-site: cross-site"], 403),
        case("a link on a page of its own", Open, get, &[HOST, "sec-fetch-site: same-origin"], 200),
        case(
            "events for a page from elsewhere",
            Open,
            "GET /v1/events",
            &[HOST, "origin: https://evil.example"],
            403,
        ),
        post(
            "a submission from elsewhere",
            Open,
            &[HOST, JSON, "origin: https://evil.example"],
            SUBMISSION,
            403,
        ),
        post(
            "a form from elsewhere",
            Open,
            &[HOST, "content-type: text/plain", "origin: null"],
            SUBMISSION,
            403,
        ),
        post("a form", Open, &[HOST, "content-type: application/x-www-form-urlencoded"], SUBMISSION, 415),
        post("text that looks like JSON", Open, &[HOST, "content-type: text/plain"], SUBMISSION, 415),
        post("no type at all", Open, &[HOST], SUBMISSION, 415),
        case(
            "a browser that asks for a page",
            Tokens,
            "OPTIONS /v1/changes",
            &[HOST, "origin: https://app.example", "access-control-request-method: POST"],
            204,
        ),
        case(
            "a browser that asks for a page from elsewhere",
            Tokens,
            "OPTIONS /v1/changes",
            &[HOST, "origin: https://evil.example", "access-control-request-method: POST"],
            403,
        ),
    ]
}

fn tokens() -> Vec<Case> {
    use Door::{Open, ReadOnly, Tokens};
    let get = "GET /v1/state";
    let (read, write) = (bearer(READ), bearer(WRITE));
    let (read, write) = (read.as_str(), write.as_str());
    let sends = |name, token: &str, status| case(name, Tokens, get, &[HOST, token], status);
    vec![
        sends("a token for reading", read, 200),
        sends("a token for writing, to read", write, 200),
        sends("a scheme in small letters", &format!("authorization: bearer {READ}"), 200),
        sends("no token", "accept: */*", 401),
        sends("an empty token", "authorization: Bearer ", 401),
        sends("the scheme alone", "authorization: Bearer", 401),
        sends("another scheme", "authorization: Basic cmVhZDpyZWFk", 401),
        sends("a token without a scheme", &format!("authorization: {READ}"), 401),
        sends("a token that is cut", &bearer(&READ[..READ.len() - 1]), 401),
        sends("a token with more behind it", &bearer(&format!("{READ}0")), 401),
        sends("a token in capitals", &bearer(&READ.to_uppercase()), 401),
        sends("two spaces", &format!("authorization: Bearer  {READ}"), 401),
        sends("bytes that are no text", "authorization: Bearer \u{e9}", 401),
        case("two tokens", Tokens, get, &[HOST, read, write], 401),
        case("a token in a cookie", Tokens, get, &[HOST, "cookie: token=read-0123456789abcdef"], 401),
        case("a token in the address", Tokens, "GET /v1/state?token=read-0123456789abcdef", &[HOST], 400),
        case(
            "a token in the address and one where it belongs",
            Tokens,
            "GET /v1/state?access_token=x",
            &[HOST, read],
            400,
        ),
        case("a token in the address, escaped", Tokens, "GET /v1/state?%74oken=x", &[HOST, read], 400),
        case("a token in the address of an open server", Open, "GET /v1/changes?TOKEN=x", &[HOST], 400),
        case("health without a token", Tokens, "GET /v1/health", &[HOST], 200),
        case("metrics without a token", Tokens, "GET /v1/metrics", &[HOST], 401),
        case("events without a token", Tokens, "GET /v1/events", &[HOST], 401),
        case("the chain without a token", Tokens, "GET /v1/chain/0", &[HOST], 401),
        case("what can be asked, without a token", Tokens, "GET /v1/openapi.json", &[HOST], 401),
        case("nothing without a token", Tokens, "GET /v1/none", &[HOST], 401),
        case("what ends like health, without a token", Tokens, "GET /v1/chain/health", &[HOST], 401),
        case("health by another method without a token", Tokens, "POST /v1/health", &[HOST], 401),
        post("a submission without a token", Tokens, &[HOST, JSON], SUBMISSION, 401),
        post("a submission with a token for reading", Tokens, &[HOST, JSON, read], SUBMISSION, 403),
        post("a submission to a server that only lets read", ReadOnly, &[HOST, JSON], SUBMISSION, 403),
        case("a look at a server that only lets read", ReadOnly, get, &[HOST], 200),
    ]
}

fn shapes() -> Vec<Case> {
    use Door::Open;
    let long = format!("x-long: {}", "x".repeat(100_000));
    let many: Vec<String> = (0..200).map(|n| format!("x-{n}: 1")).collect();
    let many: Vec<&str> = [HOST].into_iter().chain(many.iter().map(String::as_str)).collect();
    vec![
        case("up and out of the tree", Open, "GET /v1/../../etc/passwd", &[HOST], 404),
        case("up and out of the tree, escaped", Open, "GET /v1/%2e%2e/%2e%2e/etc/passwd", &[HOST], 404),
        case("up within a name", Open, "GET /v1/chain/..%2f..%2fetc%2fpasswd", &[HOST], 400),
        case("a name with a null", Open, "GET /v1/chain/0%00", &[HOST], 400),
        case("a name that is no UTF-8", Open, "GET /v1/chain/%c0%ae", &[HOST], 400),
        case("an escape that is none", Open, "GET /v1/chain/%zz", &[HOST], 400),
        case("a route with an escape in it", Open, "GET /v1/%73tate", &[HOST], 404),
        case("two slashes", Open, "GET /v1//state", &[HOST], 404),
        case("a slash behind", Open, "GET /v1/state/", &[HOST], 404),
        case("capitals", Open, "GET /V1/STATE", &[HOST], 404),
        case("the root", Open, "GET /", &[HOST], 404),
        case("another version", Open, "GET /v2/state", &[HOST], 404),
        case("a place up and out of the document", Open, "GET /v1/state?path=/../n", &[HOST], 404),
        case("a place of the language's own", Open, "GET /v1/state?path=/__proto__", &[HOST], 404),
        case("a method that changes nothing here", Open, "DELETE /v1/changes", &[HOST], 405),
        case("a method that is not there", Open, "BREW /v1/state", &[HOST], 405),
        case("a submission of the state", Open, "PUT /v1/state", &[HOST], 405),
        case("a method that tells what was sent", Open, "TRACE /v1/state", &[HOST], 405),
        case("a browser that asks without an origin", Open, "OPTIONS /v1/state", &[HOST], 405),
        case("a look at the head", Open, "HEAD /v1/state", &[HOST], 200),
        case("a header that is too long", Open, "GET /v1/state", &[HOST, &long], 431),
        case("too many headers", Open, "GET /v1/state", &many, 431),
        case("a header folded over two lines", Open, "GET /v1/state", &[HOST, "x-a: b\r\n c"], 400),
        case("a header without a name", Open, "GET /v1/state", &[HOST, ": b"], 400),
        case("a header with a space before the colon", Open, "GET /v1/state", &[HOST, "x-a : b"], 400),
        post(
            "a body that is too long",
            Open,
            &[HOST, JSON],
            &format!(r#"{{"base":1,"patch":["{}"]}}"#, "x".repeat(1000)),
            413,
        ),
        post(
            "a body that ends in the middle of a letter",
            Open,
            &[HOST, JSON],
            "{\"base\":1,\"patch\":[\"\\ud8",
            400,
        ),
        case("a length that is none", Open, "POST /v1/changes", &[HOST, JSON, "content-length: -1"], 400),
        case(
            "two lengths",
            Open,
            "POST /v1/changes",
            &[HOST, JSON, "content-length: 1", "content-length: 2"],
            400,
        ),
        case(
            "a length that nobody would send",
            Open,
            "POST /v1/changes",
            &[HOST, JSON, "content-length: 9223372036854775807"],
            413,
        ),
        case(
            "pieces of a length that is none",
            Open,
            "POST /v1/changes",
            &[HOST, JSON, "transfer-encoding: chunked", "x: y\r\n\r\nzz\r\n"],
            400,
        ),
        case(
            "an encoding that nobody knows",
            Open,
            "POST /v1/changes",
            &[HOST, JSON, "transfer-encoding: gzip"],
            400,
        ),
    ]
}

fn ask(board: &Board, (_, _, line, headers, body, _): &Case) -> Option<(u16, String)> {
    let mut client = Client::to(board.running.address);
    let address = board.running.address.to_string();
    let mut request = format!("{line} HTTP/1.1\r\n").into_bytes();
    for header in headers {
        let header = header.replace("{}", &address);
        // One byte a character, so that a header can hold what is no UTF-8.
        request.extend(header.chars().map(|char| char as u8));
        request.extend(b"\r\n");
    }
    if !body.is_empty() {
        request.extend(format!("content-length: {}\r\n", body.len()).bytes());
    }
    request.extend(b"\r\n");
    request.extend(body.bytes());
    // Who is refused early may find the connection closed before all is sent.
    drop(std::io::Write::write_all(client.stream.get_mut(), &request));
    let answer = client.try_answer(line.starts_with("HEAD"))?;
    Some((answer.status, String::from_utf8_lossy(&answer.body).into_owned()))
}

#[test]
fn every_request_gets_the_answer_that_the_table_says() {
    let doors = Doors::new();
    let cases: Vec<Case> = [hosts(), origins(), tokens(), shapes()].concat();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.0).collect();
    assert!(names.len() >= 60 && names.len() == cases.len(), "{} names of {}", names.len(), cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let found = ask(doors.at(case.1), case);
            let is_right = found.as_ref().is_some_and(|(status, _)| *status == case.5);
            (!is_right).then(|| format!("{}: {} wanted, found {found:?}", case.0, case.5))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    for board in &doors.0 {
        assert_eq!((board.store.version(), &*board.store.state()), (1, &value!({ "n": 1 })));
    }
    // What was refused for its shape did no harm.
    assert_eq!(doors.at(Door::Open).get("/v1/state").with(200)["n"], 1);
}

/// No answer, whatever it is about, tells a token or where the store is on the disk.
#[test]
fn no_answer_tells_a_secret() {
    let doors = Doors::new();
    let dir = doors.at(Door::Tokens).path().display().to_string();
    let cases: Vec<Case> = [hosts(), origins(), tokens(), shapes()].concat();
    for case in &cases {
        let board = doors.at(case.1);
        let told = ask(board, case).map(|(_, body)| body).unwrap_or_default();
        let here = board.path().display().to_string();
        for secret in [READ, WRITE, dir.as_str(), here.as_str()] {
            assert!(!told.contains(secret), "{}: {told}", case.0);
        }
    }
}

/// The token for writing does write, or the table would prove nothing.
#[test]
fn who_may_write_can() {
    let doors = Doors::new();
    let board = doors.at(Door::Tokens);
    let (token, origin) = (bearer(WRITE), "origin: https://app.example");
    let answer = board.running.client().ask("POST", "/v1/changes", &[JSON, &token, origin], SUBMISSION);
    answer.with(201);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(*board.store.state(), value!({ "n": 99 }));
    let stranger = doors.at(Door::Open).get("/v1/state");
    assert_eq!(stranger.header("access-control-allow-origin"), "");
    assert_eq!(stranger.header("x-content-type-options"), "nosniff");
}

#[test]
fn nothing_that_holds_tokens_prints_them() {
    let tokens = Tokens::parse(&format!("read {READ}\nwrite {WRITE}")).unwrap();
    let access = Access::new().tokens(tokens.clone());
    let server = redraft::http::Server::new(
        redraft::Store::<Value>::open(tempfile::tempdir().unwrap().path()).unwrap(),
    );
    for shown in [format!("{tokens:?}"), format!("{access:?}"), format!("{:?}", server.access(access))] {
        assert!(!shown.contains("0123456789") && !shown.contains("fedcba"), "{shown}");
    }
    for refused in [
        "read 0123456789",
        "write",
        "own 0123456789abcdef",
        "read 0123456789 abcdef",
        "read 0123456789abcdef\u{e9}",
    ] {
        let error = Tokens::parse(refused).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("0123456789"), "{error:?}");
    }
}
