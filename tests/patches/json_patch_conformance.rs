//! RFC 6902, case by case: what every kind of operation does, and everything it has to refuse.
//!
//! The cases are ours. `json_patch_vectors` runs those of others where they are at hand, `json_patch_oracle` compares
//! with another implementation.

use redraft::patch::json::PatchJsonError;
use redraft::{Patch, Value, apply};

/// Document, patch, and the document afterwards.
type Done = (&'static str, &'static str, &'static str);

/// Document and a patch that is no patch for it.
type Refused = (&'static str, &'static str);

const ADD: &[Done] = &[
    ("{}", r#"[{"op":"add","path":"/a","value":1}]"#, r#"{"a":1}"#),
    (r#"{"a":1}"#, r#"[{"op":"add","path":"/a","value":[2]}]"#, r#"{"a":[2]}"#),
    ("{}", r#"[{"op":"add","path":"/","value":1}]"#, r#"{"":1}"#),
    (r#"{"a":{}}"#, r#"[{"op":"add","path":"/a/","value":1}]"#, r#"{"a":{"":1}}"#),
    ("{}", r#"[{"op":"add","path":"/0","value":"x"}]"#, r#"{"0":"x"}"#),
    ("{}", r#"[{"op":"add","path":"/-","value":"x"}]"#, r#"{"-":"x"}"#),
    ("{}", r#"[{"op":"add","path":"/01","value":"x"}]"#, r#"{"01":"x"}"#),
    (r#"{"a":1}"#, r#"[{"op":"add","path":"/A","value":2}]"#, r#"{"a":1,"A":2}"#),
    ("{}", r#"[{"op":"add","path":"/a","value":null}]"#, r#"{"a":null}"#),
    (r#"{"a":1}"#, r#"[{"op":"add","path":"/b","value":{"c":[{}]}}]"#, r#"{"a":1,"b":{"c":[{}]}}"#),
    ("[]", r#"[{"op":"add","path":"/0","value":1}]"#, "[1]"),
    ("[1,3]", r#"[{"op":"add","path":"/1","value":2}]"#, "[1,2,3]"),
    ("[1]", r#"[{"op":"add","path":"/1","value":2}]"#, "[1,2]"),
    ("[1]", r#"[{"op":"add","path":"/-","value":2}]"#, "[1,2]"),
    ("[1]", r#"[{"op":"add","path":"/0","value":[0]}]"#, "[[0],1]"),
    ("[1,[2,[3]]]", r#"[{"op":"add","path":"/1/1/-","value":4}]"#, "[1,[2,[3,4]]]"),
    ("[1,[2]]", r#"[{"op":"add","path":"/1/0","value":null}]"#, "[1,[null,2]]"),
    (r#"[{"a":1}]"#, r#"[{"op":"add","path":"/0/b","value":2}]"#, r#"[{"a":1,"b":2}]"#),
    (r#"{"1e0":1}"#, r#"[{"op":"add","path":"/1e0","value":2}]"#, r#"{"1e0":2}"#),
    (r#"{"a":1}"#, r#"[{"op":"add","path":"","value":[]}]"#, "[]"),
    ("[1]", r#"[{"op":"add","path":"","value":null}]"#, "null"),
];

const ADD_REFUSED: &[Refused] = &[
    ("{}", r#"[{"op":"add","path":"/a/b","value":1}]"#),
    (r#"{"a":{}}"#, r#"[{"op":"add","path":"/a/b/c","value":1}]"#),
    (r#"{"a":1}"#, r#"[{"op":"add","path":"/a/b","value":1}]"#),
    (r#"{"a":null}"#, r#"[{"op":"add","path":"/a/b","value":1}]"#),
    (r#"{"a":"text"}"#, r#"[{"op":"add","path":"/a/0","value":"x"}]"#),
    ("[1]", r#"[{"op":"add","path":"/2","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/a","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/-1","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/+1","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/00","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/01","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/1e0","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/1.0","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/ 1","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/0x0","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/\u0661","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/18446744073709551615","value":1}]"#),
    ("[1]", r#"[{"op":"add","path":"/18446744073709551616","value":1}]"#),
    ("[[1]]", r#"[{"op":"add","path":"/-/0","value":1}]"#),
    ("[{}]", r#"[{"op":"add","path":"/00/a","value":1}]"#),
    ("7", r#"[{"op":"add","path":"/a","value":1}]"#),
    ("null", r#"[{"op":"add","path":"/a","value":1}]"#),
    (r#""text""#, r#"[{"op":"add","path":"/0","value":1}]"#),
];

const REMOVE: &[Done] = &[
    (r#"{"a":1,"b":[2]}"#, r#"[{"op":"remove","path":"/b"}]"#, r#"{"a":1}"#),
    (r#"{"a":[1,2,3]}"#, r#"[{"op":"remove","path":"/a/1"}]"#, r#"{"a":[1,3]}"#),
    (r#"{"a":null}"#, r#"[{"op":"remove","path":"/a"}]"#, "{}"),
    (r#"{"":1}"#, r#"[{"op":"remove","path":"/"}]"#, "{}"),
    ("[1,2,3]", r#"[{"op":"remove","path":"/0"},{"op":"remove","path":"/1"}]"#, "[2]"),
    (r#"[{"a":[1]}]"#, r#"[{"op":"remove","path":"/0/a/0"}]"#, r#"[{"a":[]}]"#),
];

const REMOVE_REFUSED: &[Refused] = &[
    ("{}", r#"[{"op":"remove","path":"/a"}]"#),
    (r#"{"a":{}}"#, r#"[{"op":"remove","path":"/a/b"}]"#),
    (r#"{"a":{}}"#, r#"[{"op":"remove","path":"/b/a"}]"#),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":"/A"}]"#),
    (r#"{"a":1}"#, r#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#),
    ("[1]", r#"[{"op":"remove","path":"/1"}]"#),
    ("[1]", r#"[{"op":"remove","path":"/-"}]"#),
    ("[1]", r#"[{"op":"remove","path":"/1e0"}]"#),
    ("[1,2]", r#"[{"op":"remove","path":"/01"}]"#),
    ("[1]", r#"[{"op":"remove","path":"/-1"}]"#),
    (r#"{"a":[{"b":1}]}"#, r#"[{"op":"remove","path":"/a/0e0/b"}]"#),
    ("{}", r#"[{"op":"remove","path":""}]"#),
];

const REPLACE: &[Done] = &[
    (r#"{"a":1}"#, r#"[{"op":"replace","path":"/a","value":{"b":2}}]"#, r#"{"a":{"b":2}}"#),
    (r#"{"a":1}"#, r#"[{"op":"replace","path":"/a","value":null}]"#, r#"{"a":null}"#),
    (r#"{"a":null}"#, r#"[{"op":"replace","path":"/a","value":true}]"#, r#"{"a":true}"#),
    ("[1,2]", r#"[{"op":"replace","path":"/1","value":[3]}]"#, "[1,[3]]"),
    (r#"{"a":[{"b":1}]}"#, r#"[{"op":"replace","path":"/a/0/b","value":2}]"#, r#"{"a":[{"b":2}]}"#),
    (r#"{"":1}"#, r#"[{"op":"replace","path":"/","value":2}]"#, r#"{"":2}"#),
    (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":["b"]}]"#, r#"["b"]"#),
    (r#""text""#, r#"[{"op":"replace","path":"","value":"other"}]"#, r#""other""#),
    ("[]", r#"[{"op":"replace","path":"","value":{}}]"#, "{}"),
];

const REPLACE_REFUSED: &[Refused] = &[
    ("{}", r#"[{"op":"replace","path":"/a","value":1}]"#),
    (r#"{"a":{}}"#, r#"[{"op":"replace","path":"/a/b","value":1}]"#),
    ("[1]", r#"[{"op":"replace","path":"/1","value":1}]"#),
    ("[1]", r#"[{"op":"replace","path":"/-","value":1}]"#),
    ("[1]", r#"[{"op":"replace","path":"/1e0","value":1}]"#),
    ("[1]", r#"[{"op":"replace","path":"/00","value":1}]"#),
    ("[1]", r#"[{"op":"replace","path":"/a","value":1}]"#),
    (r#"{"a":"text"}"#, r#"[{"op":"replace","path":"/a/0","value":"x"}]"#),
];

const MOVE: &[Done] = &[
    (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, r#"{"b":1}"#),
    (r#"{"a":1,"b":2}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, r#"{"b":1}"#),
    (r#"{"a":null}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, r#"{"b":null}"#),
    (r#"{"a":{"b":1},"c":[]}"#, r#"[{"op":"move","from":"/a/b","path":"/c/-"}]"#, r#"{"a":{},"c":[1]}"#),
    (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a/b","path":"/a"}]"#, r#"{"a":1}"#),
    (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a","path":""}]"#, r#"{"b":1}"#),
    (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#, r#"{"a":1}"#),
    (r#"{"a":1}"#, r#"[{"op":"move","from":"","path":""}]"#, r#"{"a":1}"#),
    (r#"{"a":{},"ab":{}}"#, r#"[{"op":"move","from":"/a","path":"/ab/a"}]"#, r#"{"ab":{"a":{}}}"#),
    ("[1,2,3]", r#"[{"op":"move","from":"/0","path":"/2"}]"#, "[2,3,1]"),
    ("[1,2,3]", r#"[{"op":"move","from":"/2","path":"/0"}]"#, "[3,1,2]"),
    ("[1,2,3]", r#"[{"op":"move","from":"/0","path":"/-"}]"#, "[2,3,1]"),
];

const MOVE_REFUSED: &[Refused] = &[
    (r#"{"a":{"b":{}}}"#, r#"[{"op":"move","from":"/a","path":"/a/b"}]"#),
    (r#"{"a":{"b":{}}}"#, r#"[{"op":"move","from":"/a","path":"/a/b/c"}]"#),
    (r#"{"a":1}"#, r#"[{"op":"move","from":"","path":"/a"}]"#),
    ("[[]]", r#"[{"op":"move","from":"/0","path":"/0/0"}]"#),
    ("[1,[]]", r#"[{"op":"move","from":"/0","path":"/0/0"}]"#),
    ("{}", r#"[{"op":"move","from":"/a","path":"/b"}]"#),
    ("{}", r#"[{"op":"move","from":"/a","path":"/a"}]"#),
    (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/b/c"}]"#),
    ("[1,2]", r#"[{"op":"move","from":"/0","path":"/2"}]"#),
    ("[1,2]", r#"[{"op":"move","from":"/-","path":"/0"}]"#),
    ("[1,2]", r#"[{"op":"move","from":"/1e0","path":"/0"}]"#),
    ("[1,2]", r#"[{"op":"move","from":"/1","path":"/0e0"}]"#),
];

const COPY: &[Done] = &[
    (r#"{"a":[1]}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, r#"{"a":[1],"b":[1]}"#),
    (r#"{"a":null}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, r#"{"a":null,"b":null}"#),
    (r#"{"a":{"b":1}}"#, r#"[{"op":"copy","from":"/a","path":"/a/c"}]"#, r#"{"a":{"b":1,"c":{"b":1}}}"#),
    (r#"{"a":1}"#, r#"[{"op":"copy","from":"","path":"/b"}]"#, r#"{"a":1,"b":{"a":1}}"#),
    (r#"{"a":{"b":1}}"#, r#"[{"op":"copy","from":"/a","path":""}]"#, r#"{"b":1}"#),
    (r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/a"}]"#, r#"{"a":1}"#),
    ("[1,2]", r#"[{"op":"copy","from":"/0","path":"/0"}]"#, "[1,1,2]"),
    ("[1,2]", r#"[{"op":"copy","from":"/1","path":"/-"}]"#, "[1,2,2]"),
    (
        r#"{"a":[1],"b":{}}"#,
        r#"[{"op":"copy","from":"/a","path":"/b/a"},{"op":"add","path":"/b/a/-","value":2}]"#,
        r#"{"a":[1],"b":{"a":[1,2]}}"#,
    ),
];

const COPY_REFUSED: &[Refused] = &[
    ("{}", r#"[{"op":"copy","from":"/a","path":"/b"}]"#),
    (r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/b/c"}]"#),
    ("[1]", r#"[{"op":"copy","from":"/-","path":"/0"}]"#),
    ("[1]", r#"[{"op":"copy","from":"/1","path":"/0"}]"#),
    ("[1,2]", r#"[{"op":"copy","from":"/1e0","path":"/0"}]"#),
    ("[1]", r#"[{"op":"copy","from":"/0","path":"/2"}]"#),
];

/// Tests that hold: document, place, value.
const HOLDS: &[Done] = &[
    ("1", "", "1.0"),
    ("1.0", "", "1"),
    ("100", "", "1e2"),
    ("0", "", "-0.0"),
    ("-0", "", "0"),
    ("18446744073709551615", "", "18446744073709551615"),
    ("9007199254740992", "", "9007199254740992.0"),
    ("[1,[2.0]]", "", "[1.0,[2]]"),
    (r#"{"a":{"b":1.0}}"#, "/a", r#"{"b":1}"#),
    (r#"{"a":1,"b":2}"#, "", r#"{"b":2,"a":1}"#),
    (r#"{"a":null}"#, "/a", "null"),
    (r#"{"a":false}"#, "/a", "false"),
    (r#"{"a":[]}"#, "/a", "[]"),
    (r#"{"a":{}}"#, "/a", "{}"),
    (r#"{"":{"":1}}"#, "//", "1"),
    (r#"{"":1}"#, "/", "1"),
    (r#"{"a/b":1}"#, "/a~1b", "1"),
    (r#"{"m~n":1}"#, "/m~0n", "1"),
    (r#"{"~1":1,"/":2}"#, "/~01", "1"),
    (r#"{"~01":1}"#, "/~001", "1"),
    (r#"{"c%d":1,"e^f":2,"g|h":3}"#, "/c%d", "1"),
    (r#"{"i\\j":1}"#, r"/i\\j", "1"),
    (r#"{"k\"l":1}"#, r#"/k\"l"#, "1"),
    (r#"{" ":1}"#, "/ ", "1"),
    (r#"{"\u0000\t":1}"#, r"/\u0000\t", "1"),
    (r#"{"\u00e9":1}"#, "/é", "1"),
    (r#"{"01":1,"-":2,"1e0":3}"#, "/01", "1"),
    (r#"{"a":["x","y"]}"#, "/a/1", r#""y""#),
    (r#""\u00e9""#, "", "\"é\""),
];

/// Tests that fail.
const FAILS: &[Done] = &[
    ("1", "", r#""1""#),
    (r#""1""#, "", "1"),
    ("1", "", "1.5"),
    ("1", "", "true"),
    ("0", "", "false"),
    ("0", "", "null"),
    ("null", "", "false"),
    (r#""""#, "", "null"),
    ("9007199254740993", "", "9007199254740992.0"),
    ("18446744073709551615", "", "18446744073709551616"),
    ("[1,2]", "", "[2,1]"),
    ("[1]", "", "[1,1]"),
    ("[]", "", "{}"),
    (r#"{"a":1}"#, "", r#"{"a":1,"b":1}"#),
    (r#"{"a":1,"b":1}"#, "", r#"{"a":1}"#),
    (r#"{"a":1}"#, "", r#"{"b":1}"#),
    (r#"{"a":null}"#, "", "{}"),
    ("{}", "/a", "null"),
    ("[1]", "/1", "null"),
    ("[1]", "/-", "1"),
    ("[1]", "/00", "1"),
    ("[1]", "/0e0", "1"),
    ("[1]", "/length", "1"),
    (r#""\u00e9""#, "", r#""e\u0301""#),
];

/// What is wrong whatever the document: it has all these texts could mean.
const MALFORMED: &[&str] = &[
    "{}",
    "null",
    r#""[]""#,
    "7",
    r#"{"op":"add","path":"/a","value":1}"#,
    "[[]]",
    "[null]",
    r#"["add"]"#,
    "[{}]",
    r#"[{"path":"/a","value":1}]"#,
    r#"[{"op":null,"path":"/a"}]"#,
    r#"[{"op":["remove"],"path":"/a"}]"#,
    r#"[{"op":"spam","path":"/a"}]"#,
    r#"[{"op":"Remove","path":"/a"}]"#,
    r#"[{"op":"","path":"/a"}]"#,
    r#"[{"op":"inc","path":"/a","by":1}]"#,
    r#"[{"op":"splice","path":"/l","at":0,"del":1,"ins":[]}]"#,
    r#"[{"op":"remove"}]"#,
    r#"[{"op":"remove","path":null}]"#,
    r#"[{"op":"remove","path":7}]"#,
    r#"[{"op":"remove","path":["a"]}]"#,
    r#"[{"op":"remove","path":"a"}]"#,
    r##"[{"op":"remove","path":"#/a"}]"##,
    r#"[{"op":"remove","path":"/t~"}]"#,
    r#"[{"op":"remove","path":"/t~2"}]"#,
    r#"[{"op":"add","path":"/a"}]"#,
    r#"[{"op":"add","path":"/a","Value":1}]"#,
    r#"[{"op":"replace","path":"/a"}]"#,
    r#"[{"op":"test","path":"/a"}]"#,
    r#"[{"op":"test","path":"/n"}]"#,
    r#"[{"op":"copy","path":"/b"}]"#,
    r#"[{"op":"copy","from":null,"path":"/b"}]"#,
    r#"[{"op":"copy","from":"a","path":"/b"}]"#,
    r#"[{"op":"copy","from":"/t~2","path":"/b"}]"#,
    r#"[{"op":"copy","from":"/a"}]"#,
    r#"[{"op":"move","path":"/b"}]"#,
    r#"[{"op":"move","from":["a"],"path":"/b"}]"#,
    r#"[{"op":"move","from":"a","path":"/b"}]"#,
    r#"[{"op":"move","from":"/a"}]"#,
    r#"[{"op":"add","path":"/a","value":1,"op":"remove"}]"#,
    r#"[{"op":"remove","path":"/a","path":"/l"}]"#,
    "",
    "[",
    r#"[{"op":"remove","path":"/a"}] []"#,
];

const TOGETHER: &[Done] = &[
    ("{}", "[]", "{}"),
    ("[]", "[]", "[]"),
    ("null", "[]", "null"),
    (r#""text""#, "[]", r#""text""#),
    // Members that the RFC does not know say nothing, and their order neither.
    (r#"{"a":1}"#, r#"[{"value":7,"from":"/x","note":[{}],"path":"/a","op":"remove"}]"#, "{}"),
    (r#"{"a":1}"#, r#"[{"op":"replace","path":"/a","value":2,"old":1}]"#, r#"{"a":2}"#),
    // Each operation meets what those before it left.
    (
        "{}",
        r#"[{"op":"add","path":"/a","value":{}},{"op":"add","path":"/a/b","value":1}]"#,
        r#"{"a":{"b":1}}"#,
    ),
    ("[]", r#"[{"op":"add","path":"/-","value":1},{"op":"add","path":"/0","value":0}]"#, "[0,1]"),
    (
        r#"{"a":[1,2]}"#,
        r#"[{"op":"remove","path":"/a/0"},{"op":"test","path":"/a","value":[2]},{"op":"remove","path":"/a/0"}]"#,
        r#"{"a":[]}"#,
    ),
    ("{}", r#"[{"op":"replace","path":"","value":[]},{"op":"add","path":"/-","value":1}]"#, "[1]"),
    (
        r#"{"n":1}"#,
        r#"[{"op":"add","path":"/n","value":18446744073709551615},{"op":"add","path":"/m","value":-0.0}]"#,
        r#"{"n":18446744073709551615,"m":-0.0}"#,
    ),
];

fn parse(text: &str) -> Value {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn run(doc: &Value, patch: &str) -> Result<Value, PatchJsonError> {
    let read = Patch::from_json_patch(patch.as_bytes(), doc)?;
    let applied =
        apply(doc, &read).unwrap_or_else(|error| panic!("{patch} was read but does not apply: {error}"));
    assert_eq!(&apply(&applied.state, &applied.inverse).unwrap().state, doc, "undoing {patch}");
    let written = read.to_json_patch(doc).unwrap().to_string();
    let again = Patch::from_json_patch(written.as_bytes(), doc).unwrap();
    assert_eq!(apply(doc, &again).unwrap().state, applied.state, "{patch} written as {written}");
    Ok(applied.state)
}

fn all_done(cases: &[Done]) {
    for (doc, patch, expected) in cases {
        let state = run(&parse(doc), patch).unwrap_or_else(|error| panic!("{patch} for {doc}: {error}"));
        assert_eq!(state, parse(expected), "{patch} for {doc}");
    }
}

fn all_refused(cases: &[Refused]) {
    for (doc, patch) in cases {
        let error = run(&parse(doc), patch).expect_err(patch);
        assert!(matches!(error, PatchJsonError::Op { .. }), "{patch} for {doc}: {error}");
    }
}

fn test_op(path: &str, value: &str) -> String {
    format!(r#"[{{"op":"test","path":"{path}","value":{value}}}]"#)
}

#[test]
fn add_inserts_overwrites_and_appends_but_makes_no_parents() {
    all_done(ADD);
    all_refused(ADD_REFUSED);
}

#[test]
fn remove_needs_something_to_remove() {
    all_done(REMOVE);
    all_refused(REMOVE_REFUSED);
}

#[test]
fn replace_needs_something_to_replace() {
    all_done(REPLACE);
    all_refused(REPLACE_REFUSED);
}

#[test]
fn move_takes_away_and_then_adds_but_never_into_itself() {
    all_done(MOVE);
    all_refused(MOVE_REFUSED);
}

#[test]
fn copy_adds_what_is_elsewhere() {
    all_done(COPY);
    all_refused(COPY_REFUSED);
}

#[test]
fn a_test_that_holds_changes_nothing() {
    for (doc, path, value) in HOLDS {
        let doc = parse(doc);
        let read = Patch::from_json_patch(test_op(path, value).as_bytes(), &doc);
        assert_eq!(read, Ok(Patch::new()), "{value} at {path:?} in {doc}");
    }
}

#[test]
fn a_test_that_fails_is_an_error() {
    for (doc, path, value) in FAILS {
        let read = Patch::from_json_patch(test_op(path, value).as_bytes(), &parse(doc));
        assert!(matches!(read, Err(PatchJsonError::Op { op_index: 0, .. })), "{value} at {path:?} in {doc}");
    }
}

#[test]
fn what_is_no_patch_is_refused_whatever_the_document() {
    let doc = parse(r#"{"a":1,"n":null,"l":[1],"t~":1,"t~2":1}"#);
    for patch in MALFORMED {
        assert!(run(&doc, patch).is_err(), "{patch}");
        // Also behind an operation that would have done.
        let behind = patch.replacen('[', r#"[{"op":"add","path":"/x","value":1},"#, 1);
        assert!(run(&doc, &behind).is_err(), "{behind}");
    }
}

#[test]
fn operations_are_carried_out_in_order() {
    all_done(TOGETHER);
}

#[test]
fn a_patch_that_fails_at_its_end_names_that_operation() {
    let doc = parse(r#"{"a":[1]}"#);
    let patch =
        r#"[{"op":"add","path":"/b","value":1},{"op":"remove","path":"/a/0"},{"op":"remove","path":"/a/0"}]"#;
    let Err(PatchJsonError::Op { op_index, op, path, .. }) = run(&doc, patch) else {
        panic!("the last operation does not fit");
    };
    assert_eq!((op_index, op.as_str(), path.as_str()), (2, "remove", "/a/0"));
}

#[test]
fn nesting_is_limited_where_the_document_would_become_too_deep() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let add = |value: &str| format!(r#"[{{"op":"add","path":"/0","value":{value}}}]"#);
    assert!(run(&parse("[]"), &add(&nested(127))).is_ok());
    assert!(run(&parse("[]"), &add(&nested(128))).is_err());
    let deepen = r#"{"op":"copy","from":"","path":"/0"},"#.repeat(200);
    assert!(run(&parse("[]"), &format!("[{}]", deepen.trim_end_matches(','))).is_err());
}

// Each copy doubles the document, which costs nothing while all of it is shared, but must be walked and written.
#[test]
fn a_document_copied_into_itself_again_and_again_is_refused_in_time() {
    let doubling = r#"{"op":"copy","from":"","path":"/0"},"#.repeat(60);
    let error = run(&parse("[1]"), &format!("[{}]", doubling.trim_end_matches(','))).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
    // So does a document of maps, each time under a name of its own.
    let doubling: Vec<String> =
        (0..60).map(|n| format!(r#"{{"op":"copy","from":"/a","path":"/a/copy {n}"}}"#)).collect();
    let error = run(&parse(r#"{"a": {"b": 1}}"#), &format!("[{}]", doubling.join(","))).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}

/// As integers, not as floats, and beyond the signed ones too.
#[test]
fn a_number_written_as_a_float_equals_the_integer_it_is() {
    let doc = Value::from(1_u64 << 63);
    let test = |number: &str| run(&doc, &format!(r#"[{{"op":"test","path":"","value":{number}}}]"#));
    assert!(test("9223372036854775808.0").is_ok());
    assert!(test("9223372036854777856.0").is_err() && test("9223372036854775809").is_err());
}
