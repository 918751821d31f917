//! Whatever is asked, there is an answer, and it is no mistake of the server's.

use crate::looked::{Dice, Looked, escaped};
use redraft::Options;

const ADDRESSES: [&str; 15] = [
    "store", "timeline", "changes", "change/", "node", "value", "search", "life", "blame", "compare",
    "bisect", "time", "health", "undo", "restore",
];
const NAMES: [&str; 20] = [
    "at",
    "path",
    "offset",
    "limit",
    "around",
    "from",
    "to",
    "since",
    "until",
    "buckets",
    "color",
    "backwards",
    "writer",
    "label",
    "text",
    "in",
    "after",
    "a",
    "b",
    "ms",
];
const VALUES: [&str; 24] = [
    "",
    "0",
    "1",
    "-1",
    "7",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999999",
    "/",
    "//",
    "/n",
    "/list/0",
    "/list/-",
    "/list/99999999999",
    "/maps/k1/a",
    "~",
    "/~2",
    "keys",
    "label",
    "\u{0}",
    "é\u{2028}",
    "<script>",
];

#[test]
fn no_question_makes_the_server_fail() {
    let looked = Looked::of(&Options::new(), |inspector| inspector.writes(true));
    looked.live(71, 30);
    let (mut dice, mut client, mut good) = (Dice(7), looked.running.client(), 0);
    for _ in 0..3_000 {
        let address = ADDRESSES[dice.below(ADDRESSES.len() as u64) as usize];
        let mut target = format!("/api/{address}");
        if address == "change/" {
            target.push_str(&escaped(VALUES[dice.below(VALUES.len() as u64) as usize]));
        }
        for number in 0..dice.below(4) {
            let name = NAMES[dice.below(NAMES.len() as u64) as usize];
            let value = VALUES[dice.below(VALUES.len() as u64) as usize];
            target.push_str(&format!("{}{name}={}", if number == 0 { '?' } else { '&' }, escaped(value)));
        }
        let answer = client.get(&target);
        assert!(answer.status < 500, "{target}: {}", answer.text());
        good += u32::from(answer.status == 200);
        if answer.header("connection") == "close" {
            client = looked.running.client();
        }
    }
    assert!(good > 200, "only {good} questions made sense");
}

/// Every parameter by itself, at every address that knows it.
#[test]
fn no_parameter_makes_the_server_fail() {
    let looked = Looked::lively(72, 20);
    let mut client = looked.running.client();
    let known = [
        ("timeline", vec!["from", "to", "since", "until", "buckets", "color"]),
        ("changes", vec!["from", "limit", "backwards", "path", "writer", "label"]),
        ("node", vec!["at", "path", "offset", "limit", "around"]),
        ("value", vec!["at", "path"]),
        ("search", vec!["at", "text", "in", "after", "limit"]),
        ("life", vec!["path", "at", "limit"]),
        ("blame", vec!["path", "at"]),
        ("compare", vec!["a", "b", "path"]),
        ("bisect", vec!["good", "bad", "where"]),
        ("time", vec!["ms"]),
    ];
    for (address, names) in known {
        for first in &names {
            for second in &names {
                for value in VALUES {
                    let value = escaped(value);
                    let target = match first == second {
                        true => format!("/api/{address}?{first}={value}"),
                        false => format!("/api/{address}?{first}={value}&{second}=3"),
                    };
                    let answer = client.get(&target);
                    assert!(answer.status < 500, "{target}: {}", answer.text());
                }
            }
        }
    }
}

#[test]
fn no_body_makes_the_server_fail() {
    let looked = Looked::of(&Options::new(), |inspector| inspector.writes(true));
    looked.live(73, 20);
    for target in ["/api/undo", "/api/restore"] {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            r#"{"version":0}"#,
            r#"{"version":18446744073709551615}"#,
            r#"{"version":1,"at":18446744073709551615}"#,
            r#"{"version":1,"version":2}"#,
            "\u{0}",
        ] {
            let answer = looked.running.client().post(target, body);
            assert!(answer.status < 500, "{target} {body:?}: {}", answer.text());
        }
    }
}
