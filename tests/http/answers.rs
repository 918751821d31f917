//! What is asked over HTTP is what the store itself says.

use crate::client::Answer;
use crate::server::Board;
use redraft::{Meta, Patch, Reader, Value, value};
use serde_json::json;

#[test]
fn a_store_says_who_it_is_and_how_far_it_has_come() {
    let board = Board::numbered(3);
    let told = board.get("/v1/store").with(200);
    assert_eq!(told["store"], board.store.id().to_string());
    let counts =
        json!({ "head": 3, "version": 3, "oldest": 0, "epoch": 1, "edition": 0, "schema": 1, "format": 1 });
    for (name, count) in counts.as_object().unwrap() {
        assert_eq!(&told[name], count, "{name}");
    }
    assert_eq!((&told["role"], &told["writable"]), (&json!("store"), &json!(true)));
    assert_eq!(told["chain"], board.get("/v1/chain/3").with(200)["chain"]);
}

/// The chain is the log's own: what a reader of the files finds.
#[test]
fn the_chain_at_each_offset_is_that_of_the_log() {
    let board = Board::numbered(20);
    let log = redraft::log::Reader::open(board.path()).unwrap();
    for offset in 0..=20 {
        let told = board.get(&format!("/v1/chain/{offset}")).with(200);
        assert_eq!(told["chain"], format!("{:08x}", log.chain_at(offset).unwrap()), "at {offset}");
    }
    let beyond = board.get("/v1/chain/21").problem(404);
    assert_eq!((&beyond["kind"], &beyond["head"]), (&json!("not-found"), &json!(20)));
}

#[test]
fn every_version_and_every_place_in_it_can_be_had() {
    let board = Board::numbered(50);
    board.store.produce(|doc| doc["list"] = value!([{ "a/b": 1 }, "x", null])).unwrap();
    for version in [0, 1, 7, 50, 51] {
        let answer = board.get(&format!("/v1/state?at={version}"));
        assert_eq!(answer.header("redraft-version"), version.to_string());
        assert_eq!(answer.text(), board.store.at(version).unwrap().to_json_string());
    }
    assert_eq!(board.get("/v1/state").text(), board.store.state().to_json_string());
    assert_eq!(board.get("/v1/state?path=/list/0/a~1b").text(), "1");
    assert_eq!(board.get("/v1/state?path=%2flist%2F2").text(), "null");
    let missing = board.get("/v1/state?path=/list/3").problem(404);
    assert_eq!((&missing["version"], &missing["path"]), (&json!(51), &json!("/list/3")));
    assert_eq!(board.get("/v1/state?at=52").problem(404)["head"], 51);
}

#[test]
fn a_time_stands_for_the_version_that_was_the_newest_then() {
    let board = Board::numbered(2);
    let changes: Vec<_> = board.store.changes(..).unwrap().map(Result::unwrap).collect();
    let at = |ms: u64| {
        let time = format!("{}Z", chrono_free(ms));
        board.get(&format!("/v1/state?at={time}")).header("redraft-version").to_owned()
    };
    assert_eq!(at(changes[0].stamp.millis() - 1), "0");
    assert_eq!(at(changes[1].stamp.millis() + 1), "2");
}

/// A time as RFC 3339 has it, by arithmetic of its own: days to a date after Howard Hinnant's "chrono-compatible algorithms".
fn chrono_free(ms: u64) -> String {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}")
}

#[test]
fn who_has_a_state_already_is_told_so() {
    let board = Board::numbered(2);
    let tag = board.get("/v1/state").header("etag").to_owned();
    let again = |tag: &str| {
        board.running.client().ask("GET", "/v1/state", &[&format!("if-none-match: {tag}")], "").status
    };
    assert_eq!(again(&tag), 304);
    assert_eq!(again(&format!("\"other\", W/{tag}")), 304);
    assert_eq!(again("\"other\""), 200);
    board.number_up_to(3);
    assert_eq!(again(&tag), 200);
}

/// Larger than any buffer on the way: what comes is whole, and the same as the store's own text.
#[test]
fn a_large_state_comes_whole() {
    let _alone = crate::server::much_memory();
    let board = Board::new();
    let rows: Value =
        (0..80_000).map(|n| value!({ "row": n, "text": "some text that takes room" })).collect();
    board.store.produce(|doc| doc["rows"] = rows).unwrap();
    let answer = board.get("/v1/state");
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    assert!(answer.body.len() > 3 << 20);
    assert!(answer.text() == board.store.state().to_json_string(), "another state");
}

#[test]
fn going_through_pages_meets_every_change_once() {
    let board = Board::numbered(257);
    for limit in [1, 7, 100, 256, 257, 1000] {
        let mut target = format!("/v1/changes?limit={limit}&format=json-patch");
        let mut versions = Vec::new();
        loop {
            let answer = board.get(&target);
            let page = answer.with(200);
            let page = page.as_array().unwrap();
            assert!(page.len() <= limit);
            versions.extend(page.iter().map(|change| change["version"].as_u64().unwrap()));
            match next(&answer) {
                Some(link) => target = format!("/v1/changes{link}"),
                None => break,
            }
        }
        assert_eq!(versions, (1..=257).collect::<Vec<u64>>(), "{limit} a page");
    }
}

fn next(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?;
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// The oracle is the library's own reading of what came: each patch, applied in turn, makes the next state.
#[test]
fn changes_in_every_format_lead_from_each_state_to_the_next() {
    let board = Board::new();
    let recipes: [fn(&mut Value); 5] = [
        |doc| *doc = value!({ "n": 1, "list": [1, 2, 3], "text": "abc" }),
        |doc| doc["n"] = 2.into(),
        |doc| drop(doc["list"].as_list_mut().unwrap().remove(1)),
        |doc| doc["list"].as_list_mut().unwrap().insert(0, "new"),
        |doc| drop(doc.as_map_mut().unwrap().remove("text")),
    ];
    for recipe in recipes {
        board.store.produce(recipe).unwrap();
    }
    type Read = fn(&[u8], &Value) -> Result<Patch, redraft::patch::json::PatchJsonError>;
    let formats: [(&str, Read); 3] = [
        ("native", Patch::from_native),
        ("json-patch", Patch::from_json_patch),
        ("immer", Patch::from_immer),
    ];
    for (format, read) in formats {
        let told = board.get(&format!("/v1/changes?format={format}")).with(200);
        let mut state = Value::default();
        for (index, change) in told.as_array().unwrap().iter().enumerate() {
            let patch = read(change["patch"].to_string().as_bytes(), &state).unwrap();
            state = redraft::apply(&state, &patch).unwrap().state;
            assert_eq!(state, *board.store.at(index as u64 + 1).unwrap(), "{format} {index}");
        }
        assert_eq!(state, *board.store.state());
    }
}

#[test]
fn changes_are_narrowed_as_a_filter_narrows_them() {
    let board = Board::new();
    for n in 0..30 {
        let meta = Meta::label(if n % 3 == 0 { "third" } else { "other" }).tag("by", "ann");
        let key = format!("k{}", n % 5);
        board.store.produce_with(meta, |doc| doc[key.as_str()] = n.into()).unwrap();
    }
    let versions = |query: &str| -> Vec<u64> {
        let told = board.get(&format!("/v1/changes?{query}")).with(200);
        told.as_array().unwrap().iter().map(|change| change["version"].as_u64().unwrap()).collect()
    };
    assert_eq!(versions("label=third"), (1..=30).step_by(3).collect::<Vec<u64>>());
    assert_eq!(versions("path=/k2"), (3..=30).step_by(5).collect::<Vec<u64>>());
    assert_eq!(versions("path=/k2&label=third&from=4"), [13, 28]);
    assert_eq!(versions("from=29"), [29, 30]);
    assert_eq!(versions("from=3&to=4"), [3, 4]);
    assert_eq!(versions("from=31"), [0; 0]);
    let first = &board.get("/v1/changes?to=1").with(200)[0];
    assert_eq!((&first["label"], &first["tags"]), (&json!("third"), &json!({ "by": "ann" })));
    let writer = first["writer"].as_str().unwrap();
    assert_eq!(versions(&format!("writer={writer}")).len(), 30);
    assert_eq!(versions("writer=0000000000000001"), [0; 0]);
    assert_eq!(board.get("/v1/changes?from=32").problem(404)["head"], 30);
}

#[test]
fn changes_come_one_a_line_where_that_is_asked_for() {
    let board = Board::numbered(3);
    let ask = |accept: &str| board.running.client().ask("GET", "/v1/changes", &[accept], "");
    let lines = ask("accept: application/x-ndjson");
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let versions: Vec<serde_json::Value> =
        lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let list = ask("accept: text/html, */*;q=0.1").with(200);
    assert_eq!(serde_json::Value::Array(versions), list);
    ask("accept: text/html").problem(406);
}

#[test]
fn what_is_compacted_is_gone_and_says_what_is_left() {
    let board =
        Board::of(&redraft::Options::new().segment_bytes(512), Default::default(), Default::default());
    board.number_up_to(100);
    board.store.snapshot().unwrap();
    board.store.compact_to(redraft::Retention::Changes(40)).unwrap();
    let oldest = board.store.oldest();
    assert!(oldest > 10, "nothing was given up");
    for target in ["/v1/state?at=3", "/v1/chain/3", "/v1/changes?from=3", "/v1/events?from=3"] {
        let gone = board.get(target).problem(410);
        assert!(gone["oldest"].as_u64().unwrap() >= oldest, "{target}: {gone}");
    }
    let kept = board.get("/v1/changes?limit=1").with(200);
    assert_eq!(kept[0]["version"], oldest + 1);
    assert_eq!(board.get(&format!("/v1/state?at={oldest}")).with(200)["n"], oldest);
}

/// Every number is asked of the store again, another way.
#[test]
fn the_metrics_are_the_stores_own_numbers() {
    let board =
        Board::of(&redraft::Options::new().segment_bytes(512), Default::default(), Default::default());
    board.number_up_to(100);
    board.store.snapshot().unwrap();
    board.store.compact_to(redraft::Retention::Changes(40)).unwrap();
    board.get("/v1/none").problem(404);
    board.get("/v1/none/at/all").problem(404);
    let files = |ending: &str| -> Vec<u64> {
        let entries = std::fs::read_dir(board.path()).unwrap().map(|entry| entry.unwrap());
        let ours = entries.filter(|entry| entry.path().extension().is_some_and(|found| found == ending));
        ours.map(|entry| entry.metadata().unwrap().len()).collect()
    };
    let told = board.get("/v1/metrics");
    let number = |name: &str| -> f64 {
        let line = told.text().lines().find(|line| line.starts_with(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name}")).rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    assert_eq!((number("redraft_head_version"), number("redraft_durable_version")), (100.0, 100.0));
    assert_eq!(number("redraft_oldest_version"), board.store.oldest() as f64);
    assert_eq!(number("redraft_segments"), files("seg").len() as f64);
    assert_eq!(number("redraft_segment_bytes"), files("seg").iter().sum::<u64>() as f64);
    assert_eq!(number("redraft_snapshots"), files("snap").len() as f64);
    assert_eq!(number("redraft_event_clients"), 0.0);
    assert!((0.0..3600.0).contains(&number("redraft_last_change_seconds")));
    assert_eq!(number("redraft_http_requests_total{route=\"none\",status=\"404\"}"), 2.0);
    assert!(told.text().lines().all(|line| line.starts_with('#') || line.split(' ').count() == 2));
}

/// A reader serves what another process writes; the test writes beside it.
#[test]
fn a_reader_serves_what_somebody_else_writes_and_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = redraft::Store::<Value>::open(dir.path()).unwrap();
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    let reader = Reader::<Value>::open(dir.path()).unwrap();
    let running = crate::server::Running::new(redraft::http::Server::new(reader));
    let mut client = running.client();
    assert_eq!(client.get("/v1/state").with(200), json!({ "n": 1 }));
    store.produce(|doc| doc["n"] = 2.into()).unwrap();
    while client.get("/v1/state").with(200) != json!({ "n": 2 }) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(client.get("/v1/store").with(200)["writable"], false);
    let submission = json!({ "base": 2, "patch": [] }).to_string();
    client.post("/v1/changes", &submission).problem(403);
}

#[test]
fn questions_that_make_no_sense_are_refused_with_a_sentence() {
    let board = Board::numbered(2);
    let senseless = [
        "/v1/state?at=yesterday",
        "/v1/state?at=-1",
        "/v1/state?at=",
        "/v1/state?at=1&at=1",
        "/v1/state?version=1",
        "/v1/state?path=n",
        "/v1/state?path=/~2",
        "/v1/state?path=%zz",
        "/v1/state?path=/%ff",
        "/v1/chain/one",
        "/v1/chain/+1",
        "/v1/chain/18446744073709551616",
        "/v1/chain/%ff",
        "/v1/changes?limit=0",
        "/v1/changes?limit=1001",
        "/v1/changes?limit=ten",
        "/v1/changes?format=xml",
        "/v1/changes?writer=ann",
        "/v1/events?from=first",
        "/v1/store?verbose=1",
    ];
    for target in senseless {
        board.get(target).problem(400);
    }
}
