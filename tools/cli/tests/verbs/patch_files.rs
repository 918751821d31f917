//! `redraft patch`: what one verb prints, another takes; what is refused is refused with a reason and nothing else.

use crate::common::{Done, Place, redraft, redraft_fed};
use serde_json::{Value as Json, json};

const REFUSED: i32 = 1;
const USAGE: i32 = 2;

const FORMATS: [&str; 4] = ["json-patch", "merge-patch", "immer", "native"];

const DOC: &str =
    r#"{"title": "Plan", "cards": [{"n": 1}, {"n": 2}, {"n": 3}], "tags": {"a/b": 1, "~": 2}, "x": 0}"#;

/// Patches for DOC, one a format, each with a little of everything that format can say.
fn patches() -> [(&'static str, &'static str); 4] {
    [
        (
            "json-patch",
            r#"[{"op": "test", "path": "/x", "value": 0.0}, {"op": "move", "from": "/cards/0", "path": "/cards/-"},
                {"op": "copy", "from": "/tags/a~1b", "path": "/tags/c"}, {"op": "remove", "path": "/tags/~0"},
                {"op": "replace", "path": "/title", "value": "Plane"}]"#,
        ),
        (
            "merge-patch",
            r#"{"title": "Plans", "tags": {"a/b": null, "new": {"deep": [null, 1]}}, "cards": []}"#,
        ),
        (
            "immer",
            r#"[{"op": "add", "path": ["cards", 99], "value": {"n": 4}}, {"op": "replace", "path": ["new"], "value": 1},
                {"op": "replace", "path": ["cards", "length"], "value": 2}]"#,
        ),
        (
            "native",
            r#"[{"op": "splice", "path": ["cards"], "at": 1, "del": 1, "ins": [7, 8]}, {"op": "inc", "path": ["x"], "by": -5},
                {"op": "splice", "path": ["title"], "at": 4, "del": 0, "ins": "\u00e9 \ud83d\udd11"}]"#,
        ),
    ]
}

fn patch(args: &[&str]) -> Done {
    redraft(&[&["patch"], args].concat())
}

fn fed(args: &[&str], input: &str) -> Done {
    redraft_fed(&[&["patch"], args].concat(), input.as_bytes())
}

/// The document after a patch in some format.
#[track_caller]
fn applied(place: &Place, doc: &str, text: &str, format: &str) -> Json {
    let (doc, text) = (place.write("doc.json", doc), place.write("patch.json", text));
    patch(&["apply", &doc, &text, "--format", format]).json()
}

#[test]
fn a_converted_patch_does_what_it_did() {
    let place = Place::new();
    let doc = place.write("doc.json", DOC);
    for (from, text) in patches() {
        let file = place.write("patch.json", text);
        let expected = patch(&["apply", &doc, &file, "--format", from]).json();
        assert_ne!(expected, serde_json::from_str::<Json>(DOC).unwrap(), "{from}");
        for to in FORMATS {
            let converted = patch(&["convert", &doc, &file, "--format", from, "--to", to]).ok();
            assert_eq!(applied(&place, DOC, &converted, to), expected, "{from} to {to}: {converted}");
            place.write("patch.json", text);
        }
    }
}

#[test]
fn a_difference_leads_from_the_first_document_to_the_second() {
    let place = Place::new();
    let other =
        r#"{"title": "Plant", "cards": [{"n": 2}, {"n": 3}, {"n": 4, "m": true}], "tags": {"c": 1.5}}"#;
    for (a, b) in [(DOC, other), (other, DOC), (DOC, "[1]"), ("7", DOC), ("null", "\"x\""), (DOC, DOC)] {
        let files = (place.write("a.json", a), place.write("b.json", b));
        for format in FORMATS {
            let difference = patch(&["diff", &files.0, &files.1, "--format", format]).ok();
            let expected: Json = serde_json::from_str(b).unwrap();
            assert_eq!(applied(&place, a, &difference, format), expected, "{format}: {difference}");
        }
    }
}

#[test]
fn an_inverted_patch_leads_back() {
    let place = Place::new();
    let doc = place.write("doc.json", DOC);
    for (format, text) in patches() {
        let file = place.write("patch.json", text);
        let after = patch(&["apply", &doc, &file, "--format", format]).ok();
        let inverse = patch(&["invert", &doc, &file, "--format", format]).ok();
        let back = applied(&place, &after, &inverse, format);
        assert_eq!(back, serde_json::from_str::<Json>(DOC).unwrap(), "{format}: {inverse}");
        place.write("doc.json", DOC);
    }
}

#[test]
fn squashed_patches_do_at_once_what_they_did_one_by_one() {
    let place = Place::new();
    for (format, text) in patches() {
        let (doc, first) = (place.write("doc.json", DOC), place.write("first.json", text));
        let between = place.write("between.json", patch(&["apply", &doc, &first, "--format", format]).ok());
        let target = place.write("target.json", r#"{"title": "other"}"#);
        let second = place.write("second.json", patch(&["diff", &between, &target, "--format", format]).ok());
        let both = patch(&["squash", &doc, &first, &second, "--format", format]).ok();
        assert_eq!(applied(&place, DOC, &both, format), json!({ "title": "other" }), "{format}: {both}");
    }
}

#[test]
fn the_effect_of_patches_that_cancel_out_is_no_operation() {
    let place = Place::new();
    let doc = place.write("doc.json", r#"{"a": 1}"#);
    let there = place.write("there.json", r#"[{"op": "add", "path": "/b", "value": 2}]"#);
    let back = place.write("back.json", r#"[{"op": "remove", "path": "/b"}]"#);
    assert_eq!(patch(&["squash", &doc, &there, &back]).ok(), "[]\n");
}

#[test]
fn output_is_one_operation_a_line_and_one_line_with_json() {
    let place = Place::new();
    let (a, b) =
        (place.write("a.json", r#"{"a": 1, "b": 2}"#), place.write("b.json", r#"{"b": 3, "c": {}}"#));
    let lines = "[\n  {\"op\":\"remove\",\"path\":\"/a\"},\n  {\"op\":\"replace\",\"path\":\"/b\",\"value\":3},\n  \
                 {\"op\":\"add\",\"path\":\"/c\",\"value\":{}}\n]\n";
    assert_eq!(patch(&["diff", &a, &b]).ok(), lines);
    assert_eq!(patch(&["diff", &a, &b, "--json"]).ok().lines().count(), 1);
    let merge = "{\n  \"a\": null,\n  \"b\": 3,\n  \"c\": {}\n}\n";
    assert_eq!(patch(&["diff", &a, &b, "--format", "merge-patch"]).ok(), merge);
    let empty = place.write("none.json", "[]");
    assert_eq!(patch(&["apply", &a, &empty]).ok(), "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
    assert_eq!(patch(&["apply", &a, &empty, "--json"]).ok(), "{\"a\":1,\"b\":2}\n");
}

#[test]
fn either_argument_may_come_from_stdin_but_not_both() {
    let place = Place::new();
    let (doc, change) = (r#"{"a": 1}"#, r#"[{"op": "remove", "path": "/a"}]"#);
    let (doc_file, change_file) = (place.write("doc.json", doc), place.write("change.json", change));
    assert_eq!(fed(&["apply", "-", &change_file], doc).ok(), "{}\n");
    assert_eq!(fed(&["apply", &doc_file, "-"], change).ok(), "{}\n");
    assert_eq!(fed(&["squash", &doc_file, &change_file, "-"], "[]").json().as_array().unwrap().len(), 1);
    for args in [
        &["apply", "-", "-"][..],
        &["diff", "-", "-"],
        &["invert", "-", "-"],
        &["convert", "-", "-", "--to", "immer"],
        &["squash", "-", &change_file, "-"],
        &["squash", &doc_file, "-", "-"],
    ] {
        let told = fed(args, "[]").refused(USAGE);
        assert!(told.contains("stdin"), "{told}");
    }
    assert!(fed(&["apply", "-", &change_file], "{").refused(REFUSED).contains("stdin"));
}

#[test]
fn what_does_not_apply_is_named_by_number_operation_and_path() {
    let place = Place::new();
    let doc = place.write("doc.json", r#"{"a": [1], "s": "text"}"#);
    let cases = [
        (
            "json-patch",
            r#"[{"op": "test", "path": "/s", "value": "text"}, {"op": "remove", "path": "/a/1"}]"#,
            "op 1 (remove) at \"/a/1\"",
        ),
        ("json-patch", r#"[{"op": "test", "path": "/a/0", "value": "1"}]"#, "op 0 (test) at \"/a/0\""),
        ("json-patch", r#"[{"op": "add", "path": "/no/where", "value": 1}]"#, "op 0 (add) at \"/no/where\""),
        ("json-patch", r#"[{"op": "move", "from": "/a", "path": "/a/0"}]"#, "op 0 (move) at \"/a/0\""),
        ("json-patch", r#"[{"op": "fly", "path": "/a"}]"#, "op 0 (fly) at \"/a\""),
        ("json-patch", r#"[{"path": "/a"}]"#, "op 0 at \"/a\""),
        ("json-patch", r#"[{"op": "add", "path": "/b"}]"#, "\"value\""),
        ("immer", r#"[{"op": "add", "path": ["s", "x"], "value": 1}]"#, "op 0 (add) at"),
        ("immer", r#"[{"op": "add", "path": ["__proto__", "x"], "value": 1}]"#, "__proto__"),
        ("native", r#"[{"op": "inc", "path": ["s"], "by": 1}]"#, "op 0 (inc) at"),
        ("native", r#"[{"op": "splice", "path": ["a"], "at": 2, "del": 0, "ins": []}]"#, "op 0 (splice) at"),
    ];
    for (format, text, expected) in cases {
        let file = place.write("patch.json", text);
        for verb in [&["apply"][..], &["invert"], &["squash"], &["convert", "--to", "native"]] {
            let told = patch(&[verb, &[&doc, &file, "--format", format]].concat()).refused(REFUSED);
            assert!(told.contains(expected) && told.contains("patch.json"), "{text}: {told}");
        }
    }
}

#[test]
fn a_squash_names_the_file_that_does_not_apply() {
    let place = Place::new();
    let doc = place.write("doc.json", r#"{"a": 1}"#);
    let change = place.write("change.json", r#"[{"op": "remove", "path": "/a"}]"#);
    let again = place.write("again.json", r#"[{"op": "remove", "path": "/a"}]"#);
    let told = patch(&["squash", &doc, &change, &again]).refused(REFUSED);
    assert!(told.contains("again.json: op 0 (remove) at \"/a\""), "{told}");
}

/// Texts that are no JSON, or no JSON that can be kept, and what is said about them.
fn bad_texts() -> Vec<(Vec<u8>, &'static str)> {
    let deep = |open: &str, close: &str, n: usize| (open.repeat(n) + &close.repeat(n)).into_bytes();
    vec![
        (b"".to_vec(), "line 1 column 0"),
        (b"{\n \"a\": }".to_vec(), "line 2 column 7"),
        (b"{\"a\": 1} x".to_vec(), "line 1 column 10"),
        (b"\xff\xfe".to_vec(), "line 1"),
        (b"[\"\xff\"]".to_vec(), "line 1"),
        (b"\xef\xbb\xbf[]".to_vec(), "line 1 column 1"),
        (br#"{"a": 1, "a": 2}"#.to_vec(), "\"a\" stands twice"),
        (br#"[{"op": "add", "path": "/x", "value": 1, "op": "remove"}]"#.to_vec(), "\"op\" stands twice"),
        (b"[1e400]".to_vec(), "number out of range"),
        (b"[01]".to_vec(), "line 1"),
        (b"[NaN]".to_vec(), "line 1"),
        (br#"["\ud800"]"#.to_vec(), "line 1"),
        (br#"["\udc00\ud800"]"#.to_vec(), "line 1"),
        (br#"["\u12"]"#.to_vec(), "line 1"),
        (b"[\"a\nb\"]".to_vec(), "control character"),
        (deep("[", "]", 200), "nested deeper than 128"),
        (deep("[", "]", 500_000), "nested deeper than 128"),
        (b"[".repeat(500_000), "nested deeper than 128"),
        (deep("{\"a\":", "}", 500_000), "nested deeper than 128"),
    ]
}

#[test]
fn a_bad_text_is_refused_with_its_place_as_a_document_and_as_a_patch() {
    let place = Place::new();
    let good = place.write("good.json", "{}");
    for (text, expected) in bad_texts() {
        let bad = place.write("bad.json", &text);
        for args in [["apply", &bad, &good], ["diff", &bad, &good], ["diff", &good, &bad]] {
            let told = patch(&args).refused(REFUSED);
            assert!(told.contains("bad.json") && told.contains(expected), "{args:?}: {told}");
        }
        for format in FORMATS {
            let told = patch(&["apply", &good, &bad, "--format", format]).refused(REFUSED);
            assert!(told.contains("bad.json") && told.contains(expected), "{format}: {told}");
        }
    }
}

#[test]
fn a_patch_that_is_no_list_is_refused_where_it_has_to_be_one() {
    let place = Place::new();
    let doc = place.write("doc.json", "{}");
    for (text, found) in [("{}", "map"), ("null", "null"), ("\"[]\"", "string"), ("7", "integer")] {
        let file = place.write("patch.json", text);
        for format in ["json-patch", "immer", "native"] {
            let told = patch(&["apply", &doc, &file, "--format", format]).refused(REFUSED);
            assert!(told.contains(&format!("found {found}")) && told.contains("patch.json"), "{told}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    let (doc, nowhere) = (place.write("doc.json", "{}"), place.at("nowhere.json"));
    std::fs::create_dir(place.at("folder")).unwrap();
    for bad in [&nowhere, &place.at("folder")] {
        for args in [["apply", bad, &doc], ["apply", &doc, bad], ["diff", bad, &doc], ["squash", &doc, bad]] {
            assert!(patch(&args).refused(REFUSED).contains(bad.as_str()), "{args:?}");
        }
    }
}

#[test]
fn a_merge_patch_that_would_have_to_say_null_is_refused_with_the_path() {
    let place = Place::new();
    let cases = [
        (r#"{"a": 1}"#, r#"{"a": null}"#, "/a"),
        (r#"{"a": {}}"#, r#"{"a": {"b/c": null}}"#, "/a/b~1c"),
        ("{}", r#"{"x": {"y": {"z": null}}}"#, "/x/y/z"),
        ("1", r#"{"x": null}"#, "/x"),
    ];
    for (a, b, path) in cases {
        let files = (place.write("a.json", a), place.write("b.json", b));
        let told = patch(&["diff", &files.0, &files.1, "--format", "merge-patch"]).refused(REFUSED);
        assert!(told.contains(&format!("\"{path}\"")), "{told}");
    }
    // What is null already need not be said, and in a list null is a value like any other.
    let kept = (
        place.write("a.json", r#"{"n": null, "x": 1}"#),
        place.write("b.json", r#"{"n": null, "x": [null]}"#),
    );
    assert_eq!(patch(&["diff", &kept.0, &kept.1, "--format", "merge-patch"]).json(), json!({ "x": [null] }));
}

#[test]
fn wrong_usage_ends_with_two() {
    let place = Place::new();
    let doc = place.write("doc.json", "{}");
    for args in [
        &[][..],
        &["apply"],
        &["apply", &doc],
        &["squash", &doc],
        &["convert", &doc, &doc],
        &["convert", &doc, &doc, "--to", "xml"],
        &["apply", &doc, &doc, "--format", "yaml"],
        &["diff", &doc],
        &["melt", &doc],
    ] {
        assert_eq!(patch(args).code, USAGE, "{args:?}");
        assert_eq!(patch(args).out, "", "{args:?}");
    }
}

#[test]
fn errors_are_json_where_json_is_wanted() {
    let place = Place::new();
    let doc = place.write("doc.json", "{}");
    let file = place.write("patch.json", r#"[{"op": "remove", "path": "/a"}]"#);
    let run = patch(&["apply", &doc, &file, "--json"]);
    let told: Json = serde_json::from_str(&run.err).unwrap();
    assert_eq!((run.code, run.out.as_str(), &told["exit"]), (REFUSED, "", &json!(1)));
}

#[test]
fn numbers_and_texts_come_through_as_they_are() {
    let place = Place::new();
    let texts = [
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
        "-0.0",
        "0.1",
        "1e300",
        "5e-324",
        "1.0",
        r#""\u0000\u001f\u007f""#,
        r#""\ud83d\udd11 \u00e9 \u202e""#,
    ];
    let doc = place.write("doc.json", "{}");
    for text in texts {
        let change =
            place.write("change.json", format!(r#"[{{"op": "add", "path": "/v", "value": {text}}}]"#));
        let exact = |shown: &str| serde_json::from_str::<Json>(shown).unwrap()["v"].to_string();
        let expected = serde_json::from_str::<Json>(text).unwrap().to_string();
        assert_eq!(exact(&patch(&["apply", &doc, &change]).ok()), expected);
        assert_eq!(exact(&patch(&["apply", &doc, &change, "--json"]).ok()), expected);
        for to in FORMATS {
            let converted =
                place.write("converted.json", patch(&["convert", &doc, &change, "--to", to]).ok());
            assert_eq!(exact(&patch(&["apply", &doc, &converted, "--format", to]).ok()), expected, "{to}");
        }
    }
}

#[test]
fn a_test_compares_large_integers_exactly_and_numbers_by_value() {
    let place = Place::new();
    let doc = place.write("doc.json", r#"{"n": 9007199254740993, "one": [1], "zero": -0.0}"#);
    let run = |path: &str, value: &str| {
        let text = format!(r#"[{{"op": "test", "path": "{path}", "value": {value}}}]"#);
        patch(&["apply", &doc, &place.write("t.json", text)]).code
    };
    assert_eq!(run("/n", "9007199254740993"), 0);
    assert_eq!(run("/n", "9007199254740992.0"), REFUSED);
    assert_eq!(run("/one", "[1.0]"), 0);
    assert_eq!(run("/zero", "0"), 0);
}

#[test]
fn the_same_input_is_written_the_same_way() {
    let place = Place::new();
    let (a, b) =
        (place.write("a.json", DOC), place.write("b.json", r#"{"x": 1, "q": 2, "b": {"z": 1, "a": 2}}"#));
    for format in FORMATS {
        let run = || patch(&["diff", &a, &b, "--format", format]).ok();
        assert_eq!(run(), run());
    }
}

#[test]
fn every_help_has_an_example() {
    for verb in ["apply", "diff", "invert", "squash", "convert"] {
        let help = patch(&[verb, "--help"]).ok();
        assert!(help.contains(&format!("redraft patch {verb} ")) && help.contains("Example"), "{help}");
    }
}
