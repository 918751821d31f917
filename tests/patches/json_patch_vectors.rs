//! The public conformance cases of JSON Patch (RFC 6902).
//!
//! They belong to others and are not part of this repository: see `vectors` for where they are looked for.

use crate::common::vectors;
use redraft::patch::json::{OpFault, PatchJsonError};
use redraft::patch::{ApplyErrorKind, Patch};
use redraft::{Value, apply};

#[test]
fn every_case_of_the_specification_ends_as_it_says() {
    let Some(cases) = vectors::read("json-patch/spec_tests.json") else { return };
    let cases = cases.as_list().expect("a list of cases").clone();
    let enabled: Vec<&Value> = cases.iter().filter(|case| case["disabled"] != true).collect();
    assert!(enabled.len() >= 16, "only {} cases", enabled.len());
    for case in enabled {
        check(case);
    }
}

fn check(case: &Value) {
    let (doc, comment) = (&case["doc"], &case["comment"]);
    let read = Patch::from_json_patch(case["patch"].to_string().as_bytes(), doc);
    match case.get("expected") {
        None => assert!(read.is_err(), "{comment}: {read:?}"),
        Some(expected) => {
            let patch = read.unwrap_or_else(|error| panic!("{comment}: {error}"));
            let applied = apply(doc, &patch).unwrap_or_else(|error| panic!("{comment}: {error}"));
            assert_eq!(&applied.state, expected, "{comment}");
            assert_eq!(&apply(&applied.state, &applied.inverse).unwrap().state, doc, "{comment}");
        }
    }
}

fn fault(patch: &str, doc: &Value) -> OpFault {
    match Patch::from_json_patch(patch.as_bytes(), doc) {
        Err(PatchJsonError::Op { fault, .. }) => fault,
        other => panic!("expected a faulty operation, got {other:?}"),
    }
}

#[test]
fn malformed_operations_say_what_is_wrong_with_them() {
    let doc = redraft::value!({ "a": [1, 2], "n": null });
    assert_eq!(fault(r#"[{"op": "add", "path": "/x"}]"#, &doc), OpFault::Missing { member: "value" });
    assert_eq!(fault(r#"[{"path": "/x"}]"#, &doc), OpFault::Missing { member: "op" });
    assert_eq!(fault(r#"[{"op": "spam", "path": ""}]"#, &doc), OpFault::UnknownOp { name: "spam".into() });
    assert_eq!(fault("[1]", &doc), OpFault::NotAnObject { found: "integer" });
    assert!(matches!(fault(r#"[{"op": "remove", "path": "a"}]"#, &doc), OpFault::Pointer(_)));
    assert!(matches!(fault(r#"[{"op": "remove", "path": "/a/01"}]"#, &doc), OpFault::Pointer(_)));
    assert!(matches!(fault(r#"[{"op": "remove", "path": "/~2"}]"#, &doc), OpFault::Pointer(_)));
    let into_itself = r#"[{"op": "move", "from": "/a", "path": "/a/0"}]"#;
    assert_eq!(fault(into_itself, &doc), OpFault::Apply(ApplyErrorKind::MoveIntoSelf));
    let test = r#"[{"op": "test", "path": "/n", "value": 0}]"#;
    assert_eq!(fault(test, &doc), OpFault::Apply(ApplyErrorKind::TestFailed));
    assert_eq!(
        fault(r#"[{"op": "remove", "path": "/a/-"}]"#, &doc),
        OpFault::Apply(ApplyErrorKind::Bounds { index: 2, len: 2 })
    );
    assert!(matches!(Patch::from_json_patch(b"{}", &doc), Err(PatchJsonError::NotAList { found: "map" })));
}

#[test]
fn an_operation_with_two_op_members_is_refused_with_its_position() {
    let text = br#"[{"op": "add", "path": "/baz", "value": "qux", "op": "remove"}]"#;
    let error = Patch::from_json_patch(text, &Value::default()).unwrap_err();
    assert!(matches!(error, PatchJsonError::Syntax(at) if at.line == 1 && at.column > 40));
}

#[test]
fn tests_compare_numbers_by_value_and_leave_no_trace() {
    let doc = redraft::value!({ "a": { "n": 1 }, "z": null });
    let text = br#"[{"op": "test", "path": "/a", "value": {"n": 1.0}}, {"op": "test", "path": "/z", "value": null}]"#;
    assert!(Patch::from_json_patch(text, &doc).unwrap().is_empty());
}

#[test]
fn keys_of_other_types_are_found_by_their_text() {
    let doc = redraft::value!({ 7: "int", true: "flag", "8": "text" });
    let text = br#"[{"op": "replace", "path": "/7", "value": 1}, {"op": "remove", "path": "/true"},
                    {"op": "replace", "path": "/8", "value": 2}]"#;
    let patch = Patch::from_json_patch(text, &doc).unwrap();
    assert_eq!(apply(&doc, &patch).unwrap().state, redraft::value!({ 7: 1, "8": 2 }));
}
