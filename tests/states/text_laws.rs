//! The laws of a `Text` in a state: it differs by splices, which lead there and back, and does what the string does that it
//! shows as.

use crate::common::ops::{aims, op_at};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use redraft::collections::Text;
use redraft::patch::{Action, ApplyErrorKind, Insert, Op, Patch};
use redraft::value::Path;
use redraft::{State, Value, apply, diff, draft, value};

/// Few letters, so that much is equal by chance; some of several bytes.
fn words() -> BoxedStrategy<String> {
    let long = vec("[ab\u{e9}\u{e8}\u{129}\n]{0,12}", 0..200).prop_map(|words| words.concat());
    prop_oneof!["[ab\u{e9}]{0,4}", long].boxed()
}

/// Edits as somebody writing makes them: where, how much goes, what comes.
type Edit = (Index, usize, String);

fn edits() -> BoxedStrategy<Vec<Edit>> {
    vec((any::<Index>(), 0_usize..30, "[ab\u{e9}\n]{0,5}"), 0..5).boxed()
}

fn carry_out(text: &mut Text, edits: &[Edit]) {
    for (at, del, ins) in edits {
        let at = at.index(text.len() + 1);
        text.replace_range(at..(at + del).min(text.len()), ins);
    }
}

/// Asserts that a patch between two texts leads there and back, for them and for the strings they show as.
fn holds(old: &Text, new: &Text) -> Patch {
    let (patch, inverse) = diff(old, new).unwrap();
    assert!(patch.iter().all(|op| op.action.name() == "splice" && op.path.is_root()), "{patch:?}");
    assert_eq!(patch.is_empty(), old == new);
    let there = apply(old, &patch).unwrap();
    assert_eq!((&there.state, &there.inverse), (new, &inverse));
    assert_eq!(apply(new, &inverse).unwrap().state, *old);
    let shown = apply(&old.to_value(), &patch).unwrap();
    assert_eq!((shown.state, shown.inverse), (new.to_value(), inverse));
    patch
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_diff_of_versions_leads_there_and_back(start in words(), edits in edits()) {
        let old = Text::from(start);
        let mut new = old.clone();
        carry_out(&mut new, &edits);
        let patch = holds(&old, &new);
        holds(&new, &old);
        let (typed, gone): (usize, usize) = edits.iter().fold((0, 0), |sum, (_, del, ins)| (sum.0 + ins.chars().count(), sum.1 + del));
        let told: usize = patch.iter().map(|op| match &op.action {
            Action::Splice { del, ins, .. } if edits.len() == 1 => del + ins.len(),
            _ => 0,
        }).sum();
        prop_assert!(told <= typed + gone, "one edit is told as more than it was: {:?}", patch);
    }

    #[test]
    fn a_diff_of_strangers_leads_there_and_back(old in words(), new in words()) {
        holds(&Text::from(old), &Text::from(new));
    }

    #[test]
    fn any_operation_does_to_the_string_what_it_does_to_the_text(start in words(), aims in aims()) {
        let mut text = Text::from(start);
        for aim in aims {
            let shown = text.to_value();
            let patch = Patch::from(vec![op_at(&shown, &aim)]);
            match (apply(&text, &patch), apply(&shown, &patch)) {
                (Ok(done), Ok(document)) => {
                    prop_assert_eq!(done.state.to_value(), document.state);
                    prop_assert_eq!(&done.inverse, &document.inverse);
                    prop_assert_eq!(apply(&done.state, &done.inverse).unwrap().state.to_value(), shown);
                    text = done.state;
                }
                // A text may refuse to become something else; all else is refused by both, and for one reason.
                (Err(error), Ok(document)) => {
                    prop_assert!(matches!(error.kind, ApplyErrorKind::Unfit(_)), "{error}");
                    prop_assert!(document.state.as_str().is_none());
                }
                (Err(error), Err(in_document)) => prop_assert_eq!(error, in_document),
                (Ok(_), Err(error)) => panic!("only the text takes {patch:?}: {error}"),
            }
        }
    }
}

fn lines() -> Text {
    (0..10_000).map(|line| format!("line {line}\n")).collect()
}

#[test]
fn a_keystroke_is_one_splice_of_one_character() {
    let text = lines();
    let drafted = draft(&text, |text| text.insert(50_000, "\u{20ac}")).unwrap();
    assert_eq!(format!("{:?}", drafted.patch), "[splice \"\" at 50000 del 0 ins \"\u{20ac}\"]");
    assert_eq!(format!("{:?}", drafted.inverse), "[splice \"\" at 50000 del 1 ins \"\"]");
}

#[test]
fn far_edits_are_one_splice_each_and_a_paste_is_one() {
    let text = lines();
    let mut new = text.clone();
    new.replace_range(10..14, "LINE");
    new.insert(80_000, &"pasted\n".repeat(1000));
    new.delete(..5);
    assert!(holds(&text, &new).len() <= 3);
}

#[test]
fn a_text_that_was_written_anew_is_told_by_its_lines() {
    let text = lines();
    let other = text.to_string().replace("line 17\n", "line seventeen\n").replace("line 9000\n", "");
    assert_eq!(holds(&text, &other.into()).len(), 2);
}

#[test]
fn changing_nothing_tells_nothing() {
    let text = lines();
    assert!(draft(&text, |text| text.replace_range(4..9, &text.slice(4..9))).unwrap().patch.is_empty());
}

#[test]
fn a_splice_outside_is_an_error_that_says_how_long_the_text_is() {
    let splice = Action::Splice { at: 2, del: 2, ins: Insert::Text("x".into()) };
    let patch = Patch::from(vec![Op::new(Path::root(), splice)]);
    let error = apply(&Text::from("\u{e9}\u{e9}\u{e9}"), &patch).unwrap_err();
    assert_eq!(error.kind, ApplyErrorKind::Bounds { index: 4, len: 3 });
}

#[cfg(feature = "derive")]
#[test]
fn a_text_is_a_field_like_any_other() {
    #[derive(Clone, Default, State)]
    struct Note {
        title: String,
        body: Text,
        comments: Vec<Option<Text>>,
    }
    let mut note = Note { title: "plan".into(), body: "first\n".into(), comments: vec![] };
    note.comments.push(Some("a comment that is long enough".into()));
    let drafted = draft(&note, |note| {
        note.body.push_str("second\n");
        note.comments[0].as_mut().unwrap().insert(2, "short ");
    });
    let drafted = drafted.unwrap();
    let told: Vec<String> =
        drafted.patch.iter().map(|op| format!("{} {}", op.action.name(), op.path)).collect();
    assert_eq!(told, ["splice /body", "splice /comments/0"]);
    let shown = value!({ "title": "plan", "body": "first\nsecond\n", "comments": ["a short comment that is long enough"] });
    assert_eq!(drafted.state.to_value(), shown);
    assert_eq!(apply(&drafted.state, &drafted.inverse).unwrap().state.to_value(), note.to_value());
    assert!(Text::from_value(Value::Int(1)).is_err());
}
