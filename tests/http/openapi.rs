//! The OpenAPI file says what the server does: every route and status in it is met by a request, every answer has the shape that
//! it promises, and nothing is answered that is not in it.

use crate::client::Answer;
use crate::server::Board;
use redraft::http::{Access, Limits, Tokens};
use redraft::merge::Submission;
use redraft::{Options, Retention, value};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

const TOKEN: &str = "authorization: Bearer 0123456789abcdef";
const JSON: &str = "content-type: application/json";
const SUBMISSIONS: &str = "content-type: application/vnd.redraft.submissions";

/// The file, and what of it was met.
struct Book {
    file: Json,
    met: RefCell<BTreeSet<String>>,
}

impl Book {
    fn new() -> Book {
        let file = serde_json::from_str(include_str!("../../src/http/openapi.json")).unwrap();
        Book { file, met: RefCell::default() }
    }

    /// Every route, method and status that the file has.
    fn promised(&self) -> BTreeSet<String> {
        let paths = self.file["paths"].as_object().unwrap();
        let methods = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
        });
        let statuses = methods.flat_map(|(path, method, operation)| {
            let statuses = operation["responses"].as_object().unwrap().keys();
            statuses.map(move |status| format!("{method} {path} {status}"))
        });
        statuses.collect()
    }

    fn resolved<'a>(&'a self, value: &'a Json) -> &'a Json {
        match value["$ref"].as_str() {
            Some(place) => self.file.pointer(place.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// Holds an answer against what the file says of it.
    #[track_caller]
    fn hold(&self, method: &str, path: &str, answer: &Answer) {
        let met = format!("{method} {path} {}", answer.status);
        let shown = String::from_utf8_lossy(&answer.body);
        let responses = &self.file["paths"][path][method]["responses"];
        let response = responses.get(answer.status.to_string());
        let response = self.resolved(response.unwrap_or_else(|| panic!("{met} is not in the file: {shown}")));
        for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            let name = name.to_ascii_lowercase();
            assert!(name == "link" || answer.headers.contains_key(&name), "{met} has no {name}");
        }
        let content = response["content"].as_object();
        let found = answer.header("content-type").split(';').next().unwrap();
        match content {
            None => assert_eq!(shown, "", "{met} has a body"),
            Some(content) => {
                let schema =
                    content.get(found).unwrap_or_else(|| panic!("{met}: {found} is not in the file"));
                self.hold_body(&schema["schema"], found, &shown, &met);
            }
        }
        self.met.borrow_mut().insert(met);
    }

    fn hold_body(&self, schema: &Json, content_type: &str, body: &str, met: &str) {
        let change = json!({ "$ref": "#/components/schemas/Change" });
        match content_type {
            "application/x-ndjson" => body.lines().for_each(|line| self.valid(schema, line, met)),
            "text/event-stream" => {
                let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
                data.for_each(|line| self.valid(&change, line, met));
            }
            json if json.ends_with("json") => self.valid(schema, body, met),
            _ => assert!(!body.is_empty(), "{met}"),
        }
    }

    fn valid(&self, schema: &Json, text: &str, met: &str) {
        let found: Json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{met}: {error}: {text}"));
        let whole = json!({ "allOf": [schema], "components": self.file["components"] });
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&found)
            .map(|error| format!("{error} at {}", error.instance_path))
            .collect();
        assert!(wrong.is_empty(), "{met}: {wrong:?} in {text}");
    }
}

/// Asks for something and holds the answer against the file.
fn ask(
    book: &Book,
    board: &Board,
    method: &str,
    path: &str,
    target: &str,
    headers: &[&str],
    body: &str,
) -> u16 {
    let mut client = board.running.client();
    let answer = client.ask(&method.to_uppercase(), target, headers, body);
    book.hold(method, path, &answer);
    answer.status
}

fn get(book: &Book, board: &Board, path: &str, target: &str, status: u16) {
    let answer = board.running.client().ask("GET", target, &[TOKEN], "");
    assert_eq!(answer.status, status, "{target}: {}", String::from_utf8_lossy(&answer.body));
    book.hold("get", path, &answer);
}

fn post(book: &Book, board: &Board, body: &Json, status: u16) {
    let body = body.to_string();
    assert_eq!(
        ask(book, board, "post", "/v1/changes", "/v1/changes", &[TOKEN, JSON], &body),
        status,
        "{body}"
    );
}

fn board(options: &Options, limits: Limits) -> Board {
    let tokens = Tokens::parse("write 0123456789abcdef").unwrap();
    let board = Board::of(options, Access::new().tokens(tokens), limits);
    board.store.produce(|doc| *doc = value!({ "title": "plan", "list": [1, 2] })).unwrap();
    board
}

fn address_of(path: &str) -> String {
    path.replace("{offset}", "0").replace("{version}", "1").replace("{name}", "copy")
}

/// What every route answers to whoever may not ask, or asks for nonsense.
fn refusals(book: &Book, sound: &Board) {
    let paths = book.file["paths"].as_object().unwrap();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let target = address_of(path);
            let of = |target: &str, headers: &[&str]| ask(book, sound, method, path, target, headers, "");
            assert_eq!(of(&format!("{target}?unknown=1"), &[TOKEN]), 400);
            assert_eq!(of(&target, &[TOKEN, "origin: https://evil.example"]), 403);
            let misdirected = format!("http://evil.example{target}");
            assert_eq!(of(&misdirected, &[TOKEN]), 421);
            if path != "/v1/health" {
                assert_eq!(of(&target, &[]), 401);
            }
        }
    }
}

fn successes(book: &Book, sound: &Board) {
    for target in ["/v1/store", "/v1/state", "/v1/changes", "/v1/health", "/v1/metrics", "/v1/openapi.json"] {
        get(book, sound, target, target, 200);
    }
    get(book, sound, "/v1/store", "/v1/store?since=1", 200);
    get(book, sound, "/v1/store", "/v1/store?since=999", 404);
    get(book, sound, "/v1/chain/{offset}", "/v1/chain/1", 200);
    get(book, sound, "/v1/chain/{offset}", "/v1/chain/999", 404);
    sound.store.snapshot().unwrap();
    for path in ["/v1/log", "/v1/snapshots"] {
        get(book, sound, path, path, 200);
    }
    get(book, sound, "/v1/log", "/v1/log?from=999", 404);
    let snapshot = format!("/v1/snapshots/{}", sound.store.version());
    get(book, sound, "/v1/snapshots/{version}", &snapshot, 200);
    get(book, sound, "/v1/snapshots/{version}", "/v1/snapshots/999", 404);
    let acknowledge =
        |body: &str| ask(book, sound, "put", "/v1/cursors/{name}", "/v1/cursors/copy", &[TOKEN, JSON], body);
    let answers = ["{\"version\":1}", "{\"version\":999}", &"x".repeat(5000)].map(acknowledge);
    assert_eq!(answers, [204, 404, 413]);
    get(book, sound, "/v1/state", "/v1/state?path=/nowhere", 404);
    get(book, sound, "/v1/changes", "/v1/changes?from=999", 404);
    get(book, sound, "/v1/events", "/v1/events?from=999", 404);
    for format in ["native", "json-patch", "immer"] {
        get(book, sound, "/v1/changes", &format!("/v1/changes?format={format}&limit=2"), 200);
    }
    let accepting =
        |accepted: &str| ask(book, sound, "get", "/v1/changes", "/v1/changes", &[TOKEN, accepted], "");
    assert_eq!(accepting("accept: application/x-ndjson"), 200);
    assert_eq!(accepting("accept: image/png"), 406);
    assert_eq!(ask(book, sound, "get", "/v1/state", "/v1/state", &[TOKEN, "if-none-match: *"], ""), 304);
    let mut client = sound.running.client();
    client.begin("GET", "/v1/events?from=1", &[TOKEN], "");
    let (status, headers) = client.head().unwrap();
    let mut body = client.chunk().flatten().unwrap();
    body.extend(client.chunk().flatten().unwrap());
    assert!(body.len() > 100);
    book.hold("get", "/v1/events", &Answer { status, headers, body });
}

fn submissions(book: &Book, sound: &Board) {
    let head = || sound.store.version();
    post(book, sound, &json!({ "base": head(), "patch": [] }), 200);
    let add = json!([{ "op": "add", "path": "/list/0", "value": { "deep": [null, 1.5] } }]);
    post(
        book,
        sound,
        &json!({ "base": head(), "format": "json-patch", "patch": add, "label": "l", "tags": { "by": "ann" } }),
        201,
    );
    sound.store.undo(head()).unwrap();
    let late = json!({ "base": head() - 1, "format": "immer", "patch": [], "stale": "refuse" });
    post(book, sound, &late, 409);
    let met = json!([{ "op": "replace", "path": ["title"], "value": "met" }]);
    sound.store.produce(|doc| doc["title"] = "theirs".into()).unwrap();
    let merged = json!({ "base": head() - 1, "patch": met, "writer": "4d2", "sequence": 1,
        "written": "2026-01-31T12:00:00Z", "guards": [{ "unchanged": "/list" }] });
    post(book, sound, &merged, 201);
    post(book, sound, &merged, 200);
    let guarded = json!({ "base": head() - 1, "patch": met, "guards": [{ "test": "/title", "value": 1 }] });
    post(book, sound, &guarded, 200);
    post(
        book,
        sound,
        &json!({ "base": head(), "format": "json-patch", "patch": [{ "op": "remove", "path": "/x" }] }),
        422,
    );
    let id = sound.store.id().to_string();
    post(book, sound, &json!({ "base": head(), "patch": [], "store": id }), 200);
    post(book, sound, &json!({ "base": head(), "patch": [], "store": "0".repeat(32) }), 412);
    post(book, sound, &json!({ "base": head(), "patch": ["x".repeat(5000)] }), 413);
    assert_eq!(
        ask(book, sound, "post", "/v1/changes", "/v1/changes", &[TOKEN, "content-type: text/plain"], "{}"),
        415
    );
}

/// As replicas send them.
fn merge(book: &Book, board: &Board, kind: &str, body: &[u8]) -> u16 {
    let mut client = board.running.client();
    let length = format!("content-length: {}", body.len());
    client.begin("POST", "/v1/submissions", &[TOKEN, kind, &length], "");
    client.send(body);
    let answer = client.answer(false);
    book.hold("post", "/v1/submissions", &answer);
    answer.status
}

fn framed(submission: &Submission) -> Vec<u8> {
    let bytes = submission.to_bytes();
    [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat()
}

fn merges(book: &Book, sound: &Board) {
    let writer = "4d3".parse().unwrap();
    let (patch, _) = redraft::diff(&value!({ "title": "a" }), &value!({ "title": "b" })).unwrap();
    let made = |sequence| framed(&Submission::new(1, patch.clone()).by(writer, sequence));
    let with_gap = [made(1), made(3)].concat();
    assert_eq!(merge(book, sound, SUBMISSIONS, &with_gap), 200);
    assert_eq!(merge(book, sound, SUBMISSIONS, &made(1)), 200);
    assert_eq!(merge(book, sound, SUBMISSIONS, &made(2)[1..]), 400);
    assert_eq!(merge(book, sound, SUBMISSIONS, &[0; 5000]), 413);
    assert_eq!(merge(book, sound, JSON, &made(2)), 415);
    for (damage, status) in [(true, 500), (false, 503)] {
        let broken = broken_board(|bytes| match damage {
            true => bytes.iter_mut().skip(64).for_each(|byte| *byte ^= 0x55),
            false => bytes.clear(),
        });
        let submission = framed(&Submission::new(20, patch.clone()));
        assert_eq!(merge(book, &broken, SUBMISSIONS, &submission), status);
    }
}

fn compacted(book: &Book) {
    let board = board(&Options::new().segment_bytes(512), Limits::new());
    board.number_up_to(100);
    board.store.snapshot().unwrap();
    board.store.compact_to(Retention::Changes(10)).unwrap();
    for path in ["/v1/changes", "/v1/events", "/v1/log"] {
        get(book, &board, path, &format!("{path}?from=1"), 410);
    }
    let cursor = "/v1/cursors/{name}";
    assert_eq!(ask(book, &board, "put", cursor, "/v1/cursors/c", &[TOKEN, JSON], "{\"version\":1}"), 410);
    // As many streams as are allowed: none.
    let busy = self::board(&Options::new(), Limits::new().streams(0));
    busy.store.snapshot().unwrap();
    get(book, &busy, "/v1/snapshots/{version}", "/v1/snapshots/1", 503);
    get(book, &board, "/v1/state", "/v1/state?at=1", 410);
    get(book, &board, "/v1/chain/{offset}", "/v1/chain/1", 410);
    get(book, &board, "/v1/store", "/v1/store?since=1", 410);
}

/// Where a body stops coming.
fn late(book: &Book) {
    let board = board(&Options::new(), Limits::new().request(Duration::from_millis(200)));
    let mut client = board.running.client();
    client.begin("POST", "/v1/changes", &[TOKEN, JSON, "content-length: 100"], "");
    client.send("{");
    book.hold("post", "/v1/changes", &client.answer(false));
    let mut client = board.running.client();
    client.begin("POST", "/v1/submissions", &[TOKEN, SUBMISSIONS, "content-length: 100"], "");
    client.send("{");
    book.hold("post", "/v1/submissions", &client.answer(false));
    let mut client = board.running.client();
    client.begin("PUT", "/v1/cursors/copy", &[TOKEN, JSON, "content-length: 100"], "");
    client.send("{");
    book.hold("put", "/v1/cursors/{name}", &client.answer(false));
}

/// With a store that is damaged under the server, and one whose files are gone.
fn broken(book: &Book) {
    let reads = [
        ("/v1/store", "/v1/store"),
        ("/v1/chain/{offset}", "/v1/chain/3"),
        ("/v1/state", "/v1/state?at=3"),
        ("/v1/changes", "/v1/changes?from=20"),
        ("/v1/events", "/v1/events?from=20"),
        ("/v1/log", "/v1/log?from=3"),
    ];
    let again = json!({ "base": 20, "patch": [], "id": "lost" });
    for (path, target) in reads {
        // What was read before is known, so each reads for the first time.
        let damaged = broken_board(|bytes| bytes.iter_mut().skip(8).for_each(|byte| *byte ^= 0x55));
        get(book, &damaged, path, target, 500);
        let gone = broken_board(Vec::clear);
        get(book, &gone, path, target, 503);
    }
    for (damage, status) in [(true, 500), (false, 503)] {
        let board = broken_board(|bytes| match damage {
            true => bytes.iter_mut().skip(8).for_each(|byte| *byte ^= 0x55),
            false => bytes.clear(),
        });
        if !damage {
            std::fs::remove_dir_all(board.path()).unwrap();
            get(book, &board, "/v1/snapshots", "/v1/snapshots", 503);
        }
        let cursor = "/v1/cursors/{name}";
        assert_eq!(
            ask(book, &board, "put", cursor, "/v1/cursors/c", &[TOKEN, JSON], "{\"version\":3}"),
            status
        );
    }
    let damaged = broken_board(|bytes| bytes.iter_mut().skip(64).for_each(|byte| *byte ^= 0x55));
    post(book, &damaged, &again, 500);
    let gone = broken_board(Vec::clear);
    let again = json!({ "base": 20, "patch": [], "id": "lost", "stale": "refuse" });
    post(book, &gone, &again, 503);
    get(book, &gone, "/v1/health", "/v1/health", 503);
    get(book, &gone, "/v1/metrics", "/v1/metrics", 503);
}

/// A store whose segments another program has been at. One that is to have no bytes goes altogether.
fn broken_board(damage: impl Fn(&mut Vec<u8>)) -> Board {
    let board = board(&Options::new().segment_bytes(512), Limits::new());
    board.number_up_to(40);
    for entry in std::fs::read_dir(board.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "seg") {
            let mut bytes = std::fs::read(&path).unwrap();
            damage(&mut bytes);
            match bytes.is_empty() {
                true => std::fs::remove_file(&path).unwrap(),
                false => std::fs::write(&path, bytes).unwrap(),
            }
        }
    }
    board
}

#[test]
fn every_route_and_status_of_the_file_is_met_and_every_answer_has_its_shape() {
    let book = Book::new();
    let sound = board(&Options::new(), Limits::new().body_bytes(2000));
    successes(&book, &sound);
    submissions(&book, &sound);
    merges(&book, &sound);
    successes(&book, &sound);
    refusals(&book, &sound);
    compacted(&book);
    late(&book);
    broken(&book);
    let unmet: Vec<String> = book.promised().difference(&book.met.borrow()).cloned().collect();
    assert!(unmet.is_empty(), "never answered: {unmet:#?}");
}

/// The other direction: what the file does not name is not there. The routes are read from where they are made.
#[test]
fn no_route_and_no_method_is_missing_from_the_file() {
    let book = Book::new();
    let source = include_str!("../../src/http/mod.rs");
    let table = source.split("fn routes()").nth(1).unwrap().split("\n}").next().unwrap();
    let routes: BTreeSet<String> =
        table.split('"').skip(1).step_by(2).map(|path| format!("/v1{path}")).collect();
    assert_eq!(routes, book.file["paths"].as_object().unwrap().keys().cloned().collect());
    let sound = board(&Options::new(), Limits::new());
    for path in &routes {
        for method in ["get", "post", "put", "patch", "delete"] {
            let is_promised = book.file["paths"][path].get(method).is_some();
            // A parameter that nobody knows is told apart from a method that nobody takes.
            let target = address_of(path) + "?unknown=1";
            let answer = sound.running.client().ask(&method.to_uppercase(), &target, &[TOKEN], "");
            assert_eq!(answer.status, if is_promised { 400 } else { 405 }, "{method} {path}");
            assert!(is_promised || !answer.header("allow").is_empty(), "{method} {path}");
        }
    }
}

/// The same bytes, so that who asks the server reads what the tests have held against it.
#[test]
fn the_server_hands_out_the_file() {
    let board = Board::new();
    assert_eq!(board.get("/v1/openapi.json").text(), include_str!("../../src/http/openapi.json"));
}
