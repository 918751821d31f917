//! Whatever the events are asked with, the answer is the one that the OpenAPI file promises: parameters of its schemas, and such as
//! are not, by the dice.
//!
//! What is right is said twice: by the file's schemas for each parameter and each change, and by a few lines here for which versions
//! come. `REDRAFT_SEED` moves the dice.

use crate::client::{Answer, PATIENCE};
use crate::server::Board;
use redraft::Retention;
use redraft::io::SeededEntropy;
use serde_json::{Value as Json, json};
use std::time::Instant;

const CASES: usize = 400;

/// One way to ask.
#[derive(Debug, Default)]
struct Case {
    /// As they stand in the address, in order.
    query: Vec<(&'static str, String)>,
    last_seen: Option<String>,
}

/// What there is to be told.
struct Kept {
    oldest: u64,
    head: u64,
}

impl Case {
    fn thrown(dice: &SeededEntropy, kept: &Kept) -> Case {
        let mut case = Case::default();
        if dice.below(4) != 0 {
            case.query.push(("from", version(dice, kept)));
        }
        if dice.below(2) == 0 {
            case.query.push(("format", format(dice)));
        }
        match dice.below(20) {
            0 => case.query.push(("from", version(dice, kept))),
            1 => case.query.push(("form", "native".into())),
            _ => {}
        }
        if dice.below(3) == 0 {
            // A header cannot hold these at all.
            let text = version(dice, kept);
            case.last_seen = Some(text.chars().filter(|letter| (' '..'\u{7f}').contains(letter)).collect());
        }
        if dice.below(2) == 0 {
            case.query.reverse();
        }
        case
    }

    fn target(&self, dice: &SeededEntropy) -> String {
        let mut target = "/v1/events".to_owned();
        for (place, (name, value)) in self.query.iter().enumerate() {
            target += if place == 0 { "?" } else { "&" };
            target += &format!("{name}={}", escaped(value, dice));
        }
        target
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(of, _)| *of == name).map(|(_, value)| &**value).collect()
    }

    /// The versions that are to come, or the status of a refusal.
    fn expected(&self, file: &Json, kept: &Kept) -> Result<std::ops::RangeInclusive<u64>, u16> {
        let known = |name: &str| {
            parameters(file).any(|parameter| parameter["name"] == name && parameter["in"] == "query")
        };
        let is_good = |(name, value): &(&str, String)| {
            known(name) && self.all(name).len() == 1 && fits(file, name, value)
        };
        let last_seen = self.last_seen.as_deref().map(str::trim).filter(|told| !told.is_empty());
        if !self.query.iter().all(is_good) || !last_seen.is_none_or(|told| fits(file, "Last-Event-ID", told))
        {
            return Err(400);
        }
        let number = |text: &str| text.parse::<u64>().unwrap();
        let after = last_seen.map(|told| number(told).saturating_add(1));
        let from = after.or(self.all("from").first().map(|from| number(from)));
        match from.unwrap_or(kept.head + 1).max(1) {
            first if first <= kept.oldest => Err(410),
            first if first > kept.head + 1 => Err(404),
            first => Ok(first..=kept.head),
        }
    }
}

fn parameters(file: &Json) -> impl Iterator<Item = &Json> {
    file["paths"]["/v1/events"]["get"]["parameters"].as_array().unwrap().iter()
}

/// Whether a text is a value of the parameter's schema: a number if that is what it is to be.
fn fits(file: &Json, name: &str, text: &str) -> bool {
    let schema = &parameters(file).find(|parameter| parameter["name"] == name).unwrap()["schema"];
    let value = match schema["type"].as_str() {
        Some("integer") => match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u64>().map_or(Json::Null, Json::from),
            false => Json::Null,
        },
        _ => Json::from(text),
    };
    jsonschema::is_valid(schema, &value)
}

fn version(dice: &SeededEntropy, kept: &Kept) -> String {
    let edges = [
        0,
        1,
        kept.oldest,
        kept.oldest + 1,
        kept.head - 1,
        kept.head,
        kept.head + 1,
        kept.head + 2,
        u64::MAX,
    ];
    let odd = [
        "",
        " ",
        "-1",
        "+1",
        "1.0",
        "1e1",
        "0x1",
        "٣",
        "null",
        "18446744073709551616",
        "1\u{0}",
        "007",
        "1 2",
        "NaN",
    ];
    match dice.below(3) {
        0 => odd[dice.below(odd.len())].to_owned(),
        1 => edges[dice.below(edges.len())].to_string(),
        _ => (kept.oldest + 1 + dice.below((kept.head - kept.oldest) as usize) as u64).to_string(),
    }
}

fn format(dice: &SeededEntropy) -> String {
    let good = ["native", "json-patch", "immer"];
    let odd = ["", "Native", "json_patch", "merge-patch", "native ", "native\u{0}", "naïve", "../native"];
    let all = if dice.below(3) == 0 { &odd[..] } else { &good[..] };
    all[dice.below(all.len())].to_owned()
}

/// As an address holds it: what need not be escaped is at times.
fn escaped(value: &str, dice: &SeededEntropy) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let escape = |byte: u8| match plain(byte) && dice.below(5) != 0 {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

/// The data of so many events, with the id of each, or the answer that there is instead.
fn asked(
    board: &Board,
    case: &Case,
    dice: &SeededEntropy,
    count: usize,
) -> Result<Vec<(String, String)>, Answer> {
    let mut client = board.running.client();
    let header = case.last_seen.as_ref().map(|told| format!("last-event-id: {told}"));
    let headers: Vec<&str> = header.iter().map(String::as_str).collect();
    client.begin("GET", &case.target(dice), &headers, "");
    let (status, head) = client.head().unwrap();
    if status != 200 {
        let mut body = vec![0; head["content-length"].parse().unwrap()];
        std::io::Read::read_exact(&mut client.stream, &mut body).unwrap();
        return Err(Answer { status, headers: head, body });
    }
    assert_eq!(head["content-type"], "text/event-stream");
    let (mut text, begin) = (String::new(), Instant::now());
    while text.matches("\ndata: ").count() < count || !text.ends_with("\n\n") {
        assert!(begin.elapsed() < PATIENCE, "{case:?}: {text}");
        text += std::str::from_utf8(&client.chunk().flatten().unwrap()).unwrap();
    }
    let field =
        |event: &str, name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
    Ok(text.split("\n\n").filter_map(|event| field(event, "id: ").zip(field(event, "data: "))).collect())
}

#[test]
fn whatever_the_events_are_asked_with_the_answer_is_as_the_file_promises() {
    let options = redraft::Options::new().segment_bytes(512);
    let board = Board::of(&options, Default::default(), Default::default());
    board.number_up_to(60);
    let oldest = board.store.compact_to(Retention::Changes(20)).unwrap().oldest;
    let kept = Kept { oldest, head: 60 };
    assert!(kept.oldest > 5);
    let file: Json = serde_json::from_str(include_str!("../../src/http/openapi.json")).unwrap();
    let of = |name: &str| {
        let whole =
            json!({ "$ref": format!("#/components/schemas/{name}"), "components": file["components"] });
        jsonschema::draft202012::new(&whole).unwrap()
    };
    let (change, problem) = (of("Change"), of("Problem"));
    let seed = std::env::var("REDRAFT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let dice = SeededEntropy::new(seed);
    let mut met = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..CASES {
        let case = Case::thrown(&dice, &kept);
        let expected = case.expected(&file, &kept);
        let count = expected.as_ref().map_or(0, |versions| versions.clone().count());
        let status = match (asked(&board, &case, &dice, count), expected) {
            (Ok(events), Ok(versions)) => {
                let ids: Vec<String> = versions.map(|version| version.to_string()).collect();
                assert_eq!(
                    events.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(),
                    ids,
                    "case {number}: {case:?}"
                );
                for (id, data) in events {
                    let told: Json = serde_json::from_str(&data).unwrap();
                    assert!(
                        change.is_valid(&told) && told["version"].as_u64() == id.parse().ok(),
                        "case {number}: {data}"
                    );
                }
                200
            }
            (Err(answer), Err(status)) => {
                assert_eq!(answer.status, status, "case {number}: {case:?}: {}", answer.text());
                assert!(problem.is_valid(&answer.problem(status)), "case {number}: {}", answer.text());
                status
            }
            (answer, expected) => panic!("case {number}: {case:?} is {answer:?}, and not {expected:?}"),
        };
        *met.entry(status).or_default() += 1;
    }
    // The dice have to come by everything.
    assert!(
        [200, 400, 404, 410].iter().all(|status| met.get(status).is_some_and(|count| *count > 5)),
        "{met:?}"
    );
}
