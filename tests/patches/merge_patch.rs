//! JSON Merge Patch: the examples of RFC 7396, appendix A.

use redraft::{Patch, Value, apply};

/// Target, patch, result: all fifteen, in the order of the appendix.
const APPENDIX_A: [(&str, &str, &str); 15] = [
    (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
    (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
    (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
    (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
    (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
    (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
    (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
    (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
    (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
    (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
    (r#"{"a":"foo"}"#, r#"null"#, r#"null"#),
    (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
    (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
    (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
    (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
];

#[test]
fn every_example_of_the_appendix_gives_its_result_and_can_be_undone() {
    for (target, patch, result) in APPENDIX_A {
        let doc: Value = target.parse().unwrap();
        let read = Patch::from_merge_patch(patch.as_bytes(), &doc).unwrap();
        let applied = apply(&doc, &read).unwrap();
        assert_eq!(applied.state, result.parse::<Value>().unwrap(), "{patch} merged into {target}");
        assert_eq!(apply(&applied.state, &applied.inverse).unwrap().state, doc);
    }
}

#[test]
fn a_merge_that_changes_nothing_is_an_empty_patch() {
    let doc = redraft::value!({ "a": { "b": [1] }, "c": null });
    assert!(Patch::from_merge_patch(br#"{"a": {"b": [1]}, "x": null}"#, &doc).unwrap().is_empty());
}

#[test]
fn bad_json_is_an_error_with_its_position() {
    let error = Patch::from_merge_patch(b"{\n \"a\": }", &Value::default()).unwrap_err();
    assert!(
        matches!(error, redraft::patch::json::PatchJsonError::Syntax(at) if at.line == 2 && at.column == 7)
    );
}
