//! The laws of patches, held over random documents.

use crate::common::documents::{Picks, any_value, at, exact, fitting_op, json_value, picks};
use proptest::prelude::*;
use redraft::patch::{Action, ApplyErrorKind, Insert, Op, Patch, interferes};
use redraft::value::{List, Map, Path};
use redraft::{Value, apply, diff, draft};

/// How many cases each law is held to; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

/// Carries out the picked operations one after the other; returns the state and the patch they make.
fn run(doc: &Value, picks: &[Picks]) -> (Value, Patch, Patch) {
    let mut state = doc.clone();
    let mut patch = Patch::new();
    for pick in picks {
        let op = fitting_op(&state, pick);
        state = apply(&state, &vec![op.clone()].into()).expect("the operation fits").state;
        patch.push(op);
    }
    let inverse = apply(doc, &patch).expect("the patch fits").inverse;
    (state, patch, inverse)
}

fn check_diff(a: &Value, b: &Value) {
    let (patch, inverse) = diff(a, b).expect("within the limits");
    let there = apply(a, &patch).expect("a diff applies");
    assert_eq!(&there.state, b, "{patch:?}");
    assert_eq!(apply(b, &inverse).expect("its inverse applies").state, *a, "{inverse:?}");
    let back = apply(&there.state, &there.inverse).expect("the inverse of apply applies");
    assert_eq!(exact(&back.state), exact(a), "{:?}", there.inverse);
    assert_eq!(a == b, patch.is_empty(), "nothing changed exactly when there is nothing to do");
}

/// Whether no position in any list or text moves.
fn keeps_positions(patch: &Patch) -> bool {
    patch.iter().all(|op| match &op.action {
        Action::Splice { del, ins, .. } => *del == ins.len(),
        Action::Add(_) | Action::Remove => op.path.last().is_none_or(|last| last.as_index().is_none()),
        Action::Replace(_) | Action::Inc(_) => true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn diff_of_unrelated_documents_leads_there_and_back(a in any_value(), b in any_value()) {
        check_diff(&a, &b);
    }

    #[test]
    fn diff_of_an_edited_document_leads_there_and_back(a in any_value(), edits in picks(any_value())) {
        let (b, ..) = run(&a, &edits);
        check_diff(&a, &b);
    }

    #[test]
    fn diff_of_lists_leads_there_and_back(
        a in prop::collection::vec(0_i64..4, 0..40), b in prop::collection::vec(0_i64..4, 0..40),
    ) {
        check_diff(&a.into(), &b.into());
    }

    // Large enough for trees of several nodes, of which an edit shares all but a few.
    #[test]
    fn diff_of_large_maps_finds_exactly_what_was_edited(
        size in 0_i64..600, edits in prop::collection::vec((0_i64..700, prop::option::of(0_i64..3)), 0..20),
    ) {
        let base: Map = (0..size).map(|key| (key, redraft::value!({ "n": (key % 3) }))).collect();
        let mut edited = base.clone();
        for (key, new) in edits {
            match new {
                Some(number) => drop(edited.insert(key, redraft::value!({ "n": number }))),
                None => drop(edited.remove(key)),
            }
        }
        let keys: std::collections::BTreeSet<_> = base.keys().chain(edited.keys()).collect();
        let differ = keys.iter().filter(|key| base.get(**key) != edited.get(**key)).count();
        let (base, edited) = (Value::from(base), Value::from(edited));
        check_diff(&base, &edited);
        prop_assert_eq!(diff(&base, &edited).unwrap().0.len(), differ);
    }

    #[test]
    fn diff_of_large_lists_leads_there_and_back(
        size in 0_i64..1500, edits in prop::collection::vec((any::<u16>(), 0_usize..4, 0_usize..70, 0_i64..3), 0..8),
    ) {
        let base: List = (0..size).collect();
        let mut edited = base.clone();
        let mut model: Vec<Value> = base.iter().cloned().collect();
        for (at, del, ins, number) in edits {
            let at = at as usize % (model.len() + 1);
            let del = if ins > 60 { model.len() - at } else { del.min(model.len() - at) };
            let new = vec![Value::from(number); ins % 5];
            edited.splice(at..at + del, new.clone());
            model.splice(at..at + del, new);
        }
        prop_assert!(edited.iter().eq(&model));
        let (base, edited) = (Value::from(base), Value::from(edited));
        check_diff(&base, &edited);
        check_diff(&base, &model.into());
    }

    #[test]
    fn diff_of_texts_leads_there_and_back(
        lines in prop::collection::vec("(one|two|dr\u{e9}i|vier \u{1f511} lock)", 0..60),
        edits in prop::collection::vec((any::<u16>(), 0_usize..12, "[a\u{e9}\n]{0,6}"), 0..5),
    ) {
        let base = lines.join("\n");
        let mut chars: Vec<char> = base.chars().collect();
        for (at, del, ins) in edits {
            let at = at as usize % (chars.len() + 1);
            let end = (at + del).min(chars.len());
            chars.splice(at..end, ins.chars());
        }
        check_diff(&Value::from(base), &Value::from(chars.into_iter().collect::<String>()));
    }

    #[test]
    fn inverse_of_operations_restores_every_bit(a in any_value(), edits in picks(any_value())) {
        let (b, _, inverse) = run(&a, &edits);
        let back = apply(&b, &inverse).expect("the inverse applies");
        prop_assert_eq!(exact(&back.state), exact(&a));
        prop_assert_eq!(exact(&apply(&back.state, &back.inverse).unwrap().state), exact(&b));
    }

    #[test]
    fn failed_apply_changes_nothing_and_names_the_operation(a in any_value(), edits in picks(any_value())) {
        let (_, mut patch, _) = run(&a, &edits);
        let nowhere = Path::root().child("no").child("where");
        patch.push(Op::new(nowhere.clone(), Action::Remove));
        let (kept, before) = (a.clone(), exact(&a));
        let error = apply(&a, &patch).expect_err("the last operation does not fit");
        prop_assert_eq!((error.op_index, error.path), (patch.len() - 1, nowhere));
        prop_assert_eq!(exact(&a), before);
        prop_assert!(same_memory(&a, &kept));
    }

    #[test]
    fn undo_past_a_change_that_does_not_interfere_is_exact(
        base in any_value(), first in picks(any_value()), second in picks(any_value()),
    ) {
        let (middle, done, undo) = run(&base, &first);
        let (head, later, _) = run(&middle, &second);
        if interferes(&done, &later).is_none() {
            let undone = apply(&head, &undo).expect("undo fits").state;
            // Doing it again must lead back: the undo took away what was done, and nothing else.
            prop_assert_eq!(&apply(&undone, &done).expect("redo fits").state, &head);
            if keeps_positions(&done) {
                prop_assert_eq!(&apply(&base, &later).expect("later fits the base").state, &undone);
            }
        }
    }

    #[test]
    fn undo_past_later_operations_in_one_list_is_exact(
        base in prop::collection::vec(0_i64..3, 0..12),
        first in picks((0_i64..3).prop_map(Value::from).boxed()),
        second in picks((0_i64..3).prop_map(Value::from).boxed()),
    ) {
        let (middle, done, undo) = run(&base.into(), &first);
        let (head, later, _) = run(&middle, &second);
        if interferes(&done, &later).is_none() {
            let undone = apply(&head, &undo).expect("undo fits").state;
            prop_assert_eq!(apply(&undone, &done).expect("redo fits").state, head);
        }
    }

    #[test]
    fn every_json_form_leads_to_the_same_document(a in json_value(), edits in picks(json_value())) {
        let (b, patch, _) = run(&a, &edits);
        for patch in [patch, diff(&a, &b).unwrap().0] {
            let text = patch.to_json_patch(&a).unwrap().to_string();
            let read = Patch::from_json_patch(text.as_bytes(), &a).unwrap();
            prop_assert_eq!(&apply(&a, &read).unwrap().state, &b, "{}", text);
            let text = patch.to_immer(&a).unwrap().to_string();
            let read = Patch::from_immer(text.as_bytes(), &a).unwrap();
            prop_assert_eq!(&apply(&a, &read).unwrap().state, &b, "{}", text);
            let text = patch.to_native().unwrap().to_string();
            prop_assert_eq!(&Patch::from_native(text.as_bytes(), &a).unwrap(), &patch, "{}", text);
        }
    }
}

fn same_memory(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => a.ptr_eq(b),
        (Value::List(a), Value::List(b)) => a.ptr_eq(b),
        (a, b) => a == b,
    }
}

fn kind_of(doc: &Value, path: &str, action: Action) -> ApplyErrorKind {
    apply(doc, &vec![Op::new(at(path), action)].into()).expect_err("must not fit").kind
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let doc = redraft::value!({ "list": [1, 2], "text": "abc", "n": 1, "float": 1.0, "max": (u64::MAX) });
    let items = |at, del| Action::Splice { at, del, ins: Insert::Items(vec![]) };
    assert_eq!(kind_of(&doc, "/x", Action::Remove), ApplyErrorKind::NotFound);
    assert_eq!(kind_of(&doc, "/x", Action::Replace(Value::Null)), ApplyErrorKind::NotFound);
    assert_eq!(kind_of(&doc, "/x/y", Action::Add(Value::Null)), ApplyErrorKind::NotFound);
    assert_eq!(
        kind_of(&doc, "/list/3", Action::Add(Value::Null)),
        ApplyErrorKind::Bounds { index: 3, len: 2 }
    );
    assert_eq!(kind_of(&doc, "/list/2", Action::Remove), ApplyErrorKind::Bounds { index: 2, len: 2 });
    assert_eq!(kind_of(&doc, "/list", items(1, 2)), ApplyErrorKind::Bounds { index: 3, len: 2 });
    assert_eq!(
        kind_of(&doc, "/list", items(2, usize::MAX)),
        ApplyErrorKind::Bounds { index: usize::MAX, len: 2 }
    );
    assert_eq!(
        kind_of(&doc, "/text", items(0, 1)),
        ApplyErrorKind::Type { expected: "list", found: "string" }
    );
    assert_eq!(
        kind_of(&doc, "/list/x", Action::Remove),
        ApplyErrorKind::Type { expected: "map", found: "list" }
    );
    assert_eq!(kind_of(&doc, "/0", Action::Remove), ApplyErrorKind::Type { expected: "list", found: "map" });
    assert_eq!(
        kind_of(&doc, "/float", Action::Inc(1)),
        ApplyErrorKind::Type { expected: "integer", found: "float" }
    );
    assert_eq!(kind_of(&doc, "/n", Action::Inc(i64::MIN)), ApplyErrorKind::Overflow);
    assert_eq!(kind_of(&doc, "/max", Action::Inc(1)), ApplyErrorKind::Overflow);
    assert_eq!(kind_of(&doc, "", Action::Remove), ApplyErrorKind::RemoveRoot);
    let long = redraft::value::Key::Bytes([0; 33][..].into());
    let map: Map = [(long, 1)].into_iter().collect();
    assert_eq!(kind_of(&doc, "/x", Action::Add(map.into())), ApplyErrorKind::BadKey);
}

#[test]
fn errors_read_as_a_sentence() {
    let doc = redraft::value!({ "a": 1 });
    let error =
        Patch::from(vec![Op::new(at("/a"), Action::Inc(1)), Op::new(at("/a/b"), Action::Add(Value::Null))]);
    let error = apply(&doc, &error).unwrap_err();
    assert_eq!(error.to_string(), "op 1 (add) at \"/a/b\": expected map, found integer");
}

#[test]
fn increments_across_the_widths_come_back_exactly() {
    for (start, by) in
        [(Value::Int(i64::MAX), 1), (Value::Uint(3), -5), (Value::Uint(u64::MAX), -1), (Value::Uint(3), 2)]
    {
        let applied = apply(&start, &vec![Op::new(Path::root(), Action::Inc(by))].into()).unwrap();
        let back = apply(&applied.state, &applied.inverse).unwrap();
        assert_eq!(exact(&back.state), exact(&start));
    }
}

#[test]
fn one_insertion_at_the_front_of_a_long_list_is_one_splice() {
    let base: Value = (0..10_000).collect();
    let drafted = draft(&base, |list| list.as_list_mut().unwrap().insert(0, -1)).unwrap();
    assert_eq!(drafted.patch.len(), 1);
    assert_eq!(
        drafted.patch[0].action,
        Action::Splice { at: 0, del: 0, ins: Insert::Items(vec![Value::Int(-1)]) }
    );
}

#[test]
fn elements_that_face_each_other_are_looked_into() {
    let base: Value = (0..100).map(|id| redraft::value!({ "id": id, "done": false })).collect();
    let edit = |list: &mut Value| {
        list[3]["done"] = true.into();
        list.as_list_mut().unwrap().remove(50);
        list[90]["done"] = true.into();
    };
    let patch = draft(&base, edit).unwrap().patch;
    let paths: Vec<String> = patch.iter().map(|op| op.path.to_string()).collect();
    assert_eq!(paths, ["/3/done", "", "/90/done"]);
}

#[test]
fn integers_of_one_number_and_nan_do_not_differ() {
    let a: Value = [Value::Int(5), Value::Float(f64::NAN)].into();
    let b: Value = [Value::Uint(5), Value::Float(-f64::NAN)].into();
    assert!(diff(&a, &b).unwrap().0.is_empty());
    assert_eq!(diff(&Value::Float(0.0), &Value::Float(-0.0)).unwrap().0.len(), 1);
}

#[test]
fn a_failed_recipe_makes_nothing() {
    let base = redraft::value!({ "a": 1 });
    let recipe = |doc: &mut Value| -> Result<(), String> {
        doc["a"] = 2.into();
        Err("no".to_owned())
    };
    assert!(
        matches!(draft(&base, recipe), Err(redraft::DraftError::Recipe(error)) if error.to_string() == "no")
    );
    assert_eq!(base["a"], 1);
}

#[test]
fn an_alias_inside_a_new_object_loses_no_edit() {
    let base = redraft::value!({ "a": { "x": 1 } });
    let recipe = |doc: &mut Value| {
        doc["a"]["x"] = 2.into();
        doc["b"] = redraft::value!({ "c": (doc["a"].clone()) });
    };
    let drafted = draft(&base, recipe).unwrap();
    assert_eq!(
        apply(&base, &drafted.patch).unwrap().state,
        redraft::value!({ "a": { "x": 2 }, "b": { "c": { "x": 2 } } })
    );
}

#[test]
fn unchanged_subtrees_are_never_looked_at() {
    // 2^100 elements as a tree: only identity can get past this in time.
    let mut shared = Value::List(List::new());
    for _ in 0..100 {
        shared = [shared.clone(), shared].into();
    }
    let base: Value = [("big", shared), ("n", Value::Int(0))].into_iter().collect::<Map>().into();
    let drafted = draft(&base, |doc| doc["n"] = 1.into()).unwrap();
    assert_eq!(drafted.patch.len(), 1);
}
