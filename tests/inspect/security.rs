//! Who may not ask gets nothing; the page is shut in by what its browser is told; text of a store never becomes a part of it.

use crate::client::Client;
use crate::looked::Looked;
use redraft::http::{Access, Tokens};
use redraft::{Meta, Options, value};

const READ: &str = "read-0123456789abcdef";
const WRITE: &str = "write-fedcba9876543210";

fn guarded() -> Looked {
    let tokens = Tokens::parse(&format!("read {READ}\nwrite {WRITE}")).unwrap();
    let looked =
        Looked::of(&Options::new(), |inspector| inspector.access(Access::new().tokens(tokens)).writes(true));
    looked.store.produce(|doc| doc["n"] = 1.into()).unwrap();
    looked
}

/// A request with exactly these headers.
fn ask(looked: &Looked, line: &str, headers: &[&str], body: &str) -> u16 {
    let mut client = Client::to(looked.running.address);
    let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    client.send(format!("{line} HTTP/1.1\r\n{lines}content-length: {}\r\n\r\n{body}", body.len()));
    client.answer(false).status
}

#[test]
fn foreign_names_and_pages_are_refused_for_the_page_and_its_answers() {
    let looked = Looked::new();
    for target in ["/", "/index.html", "/api/store", "/api/events", "/api/none"] {
        let get = format!("GET {target}");
        for (headers, status) in [
            (vec!["host: evil.example"], 421),
            (vec!["host: localhost.evil.example"], 421),
            (vec!["host: localhost", "origin: https://evil.example"], 403),
            (vec!["host: localhost", "origin: null"], 403),
            (vec!["host: localhost", "sec-fetch-site: cross-site"], 403),
            (vec![], 400),
        ] {
            assert_eq!(ask(&looked, &get, &headers, ""), status, "{target} {headers:?}");
        }
    }
    assert_eq!(ask(&looked, "GET /api/store", &["host: localhost:1", "origin: http://localhost:1"], ""), 200);
}

#[test]
fn the_page_needs_no_token_and_everything_of_the_store_does() {
    let looked = guarded();
    assert_eq!(ask(&looked, "GET /", &["host: localhost"], ""), 200);
    let addresses = [
        "store",
        "timeline",
        "changes",
        "change/1",
        "node",
        "value",
        "search?text=a",
        "life?path=",
        "blame?path=",
        "compare?a=0&b=1",
        "bisect?where=/n%20exists",
        "time?ms=1",
        "events",
        "health",
        "none",
    ];
    let read = format!("authorization: Bearer {READ}");
    for address in addresses {
        let get = format!("GET /api/{address}");
        assert_eq!(ask(&looked, &get, &["host: localhost"], ""), 401, "{address}");
        if address != "events" {
            let status = ask(&looked, &get, &["host: localhost", &read], "");
            assert_eq!(status, if address == "none" { 404 } else { 200 }, "{address}");
        }
    }
    let json = "content-type: application/json";
    let write = format!("authorization: Bearer {WRITE}");
    let undo = |headers: &[&str]| ask(&looked, "POST /api/undo", headers, r#"{"version":1}"#);
    assert_eq!(undo(&["host: localhost", json]), 401);
    assert_eq!(undo(&["host: localhost", json, &read]), 403);
    assert_eq!(undo(&["host: localhost", "content-type: text/plain", &write]), 415);
    assert_eq!(undo(&["host: localhost", &write]), 415);
    assert_eq!(undo(&["host: localhost", json, &write, "origin: https://evil.example"]), 403);
    assert_eq!(looked.store.version(), 1);
    assert_eq!(undo(&["host: localhost", json, &write]), 200);
    assert_eq!(looked.store.version(), 2);
}

#[test]
fn every_answer_shuts_the_page_in() {
    let looked = guarded();
    for target in ["/", "/api/store", "/api/none", "/index.html"] {
        for headers in [vec![], vec!["origin: https://evil.example"]] {
            let answer = looked.running.client().ask("GET", target, &headers, "");
            let policy = answer.header("content-security-policy");
            for part in
                ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
            {
                assert!(policy.contains(part), "{target}: {policy}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{target}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            if target.starts_with("/api") {
                assert_eq!(answer.header("cache-control"), "no-store", "{target} {headers:?}");
            }
        }
    }
}

#[test]
fn text_like_html_leaves_only_as_json() {
    let script = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u{2028}\u{0}\"'`";
    let looked = Looked::new();
    looked
        .store
        .produce_with(Meta::label(script), |doc| {
            *doc = value!({});
            doc[script] = script.into();
        })
        .unwrap();
    let path = crate::looked::escaped(&format!("/{}", script.replace('~', "~0").replace('/', "~1")));
    let targets = [
        "changes".to_owned(),
        "change/1".into(),
        "node".into(),
        "value".into(),
        "timeline?color=label".into(),
        "search?text=script".into(),
        format!("life?path={path}"),
        format!("node?path={path}"),
        format!("node?path={path}x"),
        "bisect?where=%3Cscript%3E".into(),
    ];
    for target in targets {
        let answer = looked.running.get(&target);
        let kind = answer.header("content-type").to_owned();
        assert!(kind == "application/json" || kind == "application/problem+json", "{target}: {kind}");
        answer.json();
    }
    assert_eq!(looked.running.json("change/1")["label"].as_str().unwrap().lines().count(), 1);
}
