//! The native form loses nothing, has one spelling, and is read, as every other form, without doing harm.

use crate::common::documents::{Picks, exact, fitting_op, json_value, picks};
use proptest::prelude::*;
use redraft::patch::json::{MergePatchError, OpFault, PatchJsonError};
use redraft::{Patch, Value, apply, diff};

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

type Reader = fn(&[u8], &Value) -> Result<Patch, PatchJsonError>;

const READERS: [Reader; 4] =
    [Patch::from_native, Patch::from_json_patch, Patch::from_immer, Patch::from_merge_patch];

/// The state after the picked operations, and the patch they make.
fn run(doc: &Value, picks: &[Picks]) -> (Value, Patch) {
    let (mut state, mut patch) = (doc.clone(), Patch::new());
    for pick in picks {
        let op = fitting_op(&state, pick);
        state = apply(&state, &vec![op.clone()].into()).unwrap().state;
        patch.push(op);
    }
    (state, patch)
}

/// The patch in every form that can say it, with the reader of each.
fn written(patch: &Patch, doc: &Value) -> Vec<(String, Reader)> {
    let mut forms: Vec<(String, Reader)> = vec![
        (patch.to_native().unwrap().to_string(), Patch::from_native),
        (patch.to_json_patch(doc).unwrap().to_string(), Patch::from_json_patch),
        (patch.to_immer(doc).unwrap().to_string(), Patch::from_immer),
    ];
    if let Ok(merge) = patch.to_merge_patch(doc) {
        forms.push((merge.to_string(), Patch::from_merge_patch));
    }
    forms
}

/// Reads a text, whatever it is. What is read has to apply.
fn read(reader: Reader, text: &[u8], doc: &Value) {
    if let Ok(patch) = reader(text, doc) {
        let applied = apply(doc, &patch).unwrap();
        assert_eq!(exact(&apply(&applied.state, &applied.inverse).unwrap().state), exact(doc));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn native_text_is_read_back_as_the_patch_it_was(doc in json_value(), edits in picks(json_value())) {
        let (_, patch) = run(&doc, &edits);
        let text = patch.to_native().unwrap().to_string();
        let back = Patch::from_native(text.as_bytes(), &doc).unwrap();
        prop_assert_eq!(&back, &patch);
        prop_assert_eq!(back.to_native().unwrap().to_string(), text);
    }

    #[test]
    fn a_difference_is_read_back_as_the_patch_it_was(a in json_value(), b in json_value()) {
        let (patch, _) = diff(&a, &b).unwrap();
        let text = patch.to_native().unwrap().to_string();
        prop_assert_eq!(Patch::from_native(text.as_bytes(), &a).unwrap(), patch);
    }

    #[test]
    fn every_form_a_patch_can_be_written_in_has_its_effect(doc in json_value(), edits in picks(json_value())) {
        let (state, patch) = run(&doc, &edits);
        for (text, reader) in written(&patch, &doc) {
            let back = reader(text.as_bytes(), &doc).unwrap();
            prop_assert_eq!(exact(&apply(&doc, &back).unwrap().state), exact(&state), "{}", text);
        }
    }

    #[test]
    fn a_merge_patch_is_refused_only_for_a_member_that_becomes_null(a in json_value(), b in json_value()) {
        let (patch, _) = diff(&a, &b).unwrap();
        match patch.to_merge_patch(&a) {
            Ok(merge) => {
                let back = Patch::from_merge_patch(merge.to_string().as_bytes(), &a).unwrap();
                prop_assert_eq!(apply(&a, &back).unwrap().state, b, "{}", merge);
            }
            Err(MergePatchError::Null { path }) => {
                prop_assert_eq!(b.at_path(&path), Some(&Value::Null));
                prop_assert_ne!(a.at_path(&path), Some(&Value::Null));
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..64), doc in json_value()) {
        READERS.iter().for_each(|reader| read(*reader, &bytes, &doc));
    }

    #[test]
    fn no_text_of_the_right_words_does_harm(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..24), doc in json_value(),
    ) {
        READERS.iter().for_each(|reader| read(*reader, words.concat().as_bytes(), &doc));
    }

    #[test]
    fn no_operation_of_the_right_members_does_harm(
        ops in prop::collection::vec((prop::sample::select(NAMES), prop::collection::vec(
            (prop::sample::select(MEMBERS), prop::sample::select(CONTENTS)), 0..5)), 0..4),
        doc in json_value(),
    ) {
        let op = |(name, members): &(&str, Vec<(&str, &str)>)| {
            let members: std::collections::BTreeMap<&str, &str> = members.iter().copied().collect();
            let rest: String = members.iter().map(|(member, content)| format!(",\"{member}\":{content}")).collect();
            format!("{{\"op\":\"{name}\"{rest}}}")
        };
        let text = format!("[{}]", ops.iter().map(op).collect::<Vec<_>>().join(","));
        READERS.iter().for_each(|reader| read(*reader, text.as_bytes(), &doc));
    }

    #[test]
    fn no_damage_to_a_good_text_does_harm(
        doc in json_value(), edits in picks(json_value()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..4),
    ) {
        let (_, patch) = run(&doc, &edits);
        for (text, _) in written(&patch, &doc) {
            let mut bytes = text.into_bytes();
            for (at, with, how) in &damage {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *with,
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, b"0123456789[]{}\",:-.e"[*with as usize % 20]),
                }
            }
            READERS.iter().for_each(|reader| read(*reader, &bytes, &doc));
        }
    }
}

const WORDS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"op\":",
    "\"add\"",
    "\"path\":",
    "[]",
    "\"\"",
    "\"/a\"",
    "\"value\":",
    "1",
    "-1",
    "1e9",
    "null",
    "true",
    "\"splice\"",
    "\"inc\"",
    "\"by\":",
    "\"at\":",
    "\"del\":",
    "\"ins\":",
    "\"\\ud800\"",
    "\u{1f511}",
];

const NAMES: &[&str] = &["add", "replace", "remove", "move", "copy", "test", "splice", "inc"];

const MEMBERS: &[&str] = &["path", "path", "path", "from", "value", "at", "del", "ins", "by"];

const CONTENTS: &[&str] = &[
    "[]",
    "\"\"",
    "\"/a\"",
    "\"/0\"",
    "\"/-\"",
    "[\"a\"]",
    "[0]",
    "[\"length\"]",
    "[-1]",
    "[\"-\"]",
    "[1e300]",
    "[null]",
    "[18446744073709551615]",
    "[-9223372036854775808]",
    "[\"\"]",
    "0",
    "1",
    "4294967295",
    "18446744073709551615",
    "-1",
    "-9223372036854775808",
    "9223372036854775807",
    "1.5",
    "1e300",
    "\"\u{e9}\"",
    "null",
    "true",
    "{}",
    "{\"a\":null}",
];

#[test]
fn numbers_that_ask_for_more_than_there_is_are_refused_at_once() {
    let doc = redraft::value!({ "l": [1], "s": "x", "n": 1 });
    for text in [
        r#"[{"op":"splice","path":["l"],"at":0,"del":18446744073709551615,"ins":[]}]"#,
        r#"[{"op":"splice","path":["l"],"at":18446744073709551615,"del":1,"ins":[]}]"#,
        r#"[{"op":"splice","path":["s"],"at":18446744073709551615,"del":18446744073709551615,"ins":""}]"#,
        r#"[{"op":"inc","path":["n"],"by":9223372036854775807}, {"op":"inc","path":["n"],"by":-9223372036854775808}]"#,
        r#"[{"op":"add","path":["l",18446744073709551615],"value":0}]"#,
    ] {
        assert!(Patch::from_native(text.as_bytes(), &doc).is_err(), "{text}");
    }
    for text in [
        r#"[{"op":"replace","path":["l","length"],"value":4294967295}]"#,
        r#"[{"op":"replace","path":["l",4294967294],"value":0}]"#,
        r#"[{"op":"replace","path":["l","18446744073709551615"],"value":0}]"#,
    ] {
        let read = Patch::from_immer(text.as_bytes(), &doc);
        assert!(matches!(read, Err(PatchJsonError::Op { fault: OpFault::Apply(_), .. })), "{read:?}");
    }
}

#[test]
fn whole_numbers_of_any_size_come_back_as_they_were() {
    let doc = redraft::value!({});
    for number in
        ["18446744073709551615", "9223372036854775808", "-9223372036854775808", "9007199254740993", "-0.0"]
    {
        let text = format!(r#"[{{"op":"add","path":["n"],"value":{number}}}]"#);
        let patch = Patch::from_native(text.as_bytes(), &doc).unwrap();
        assert_eq!(patch.to_native().unwrap().to_string(), text);
    }
}
