//! Operations aimed at a document: most of them at places that are there, so that they say something about typed states.
#![allow(dead_code, reason = "every test file uses another part")]

use proptest::prelude::*;
use redraft::patch::{Action, Insert, Op, Patch};
use redraft::value::{Key, Path, Segment};
use redraft::{State, Value, apply};

/// Choices that lead to an operation in whatever document they meet.
pub(crate) type Aim = (usize, u8, usize, Value);

pub(crate) fn aims() -> BoxedStrategy<Vec<Aim>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1_i64..3).prop_map(Value::Int),
        Just(Value::Int(300)),
        Just(Value::Uint(u64::MAX)),
        Just(Value::Float(0.1)),
        Just(Value::Float(1.5)),
        "[ab]{0,2}".prop_map(Value::from),
        Just(Value::from("Idle")),
        Just(redraft::value!({ "Moving": { "to": "a", "steps": [1] } })),
        Just(redraft::value!({ "x": 1, "label": "a" })),
        Just(redraft::value!({ "x": 1, "label": "a", "other": 2 })),
        Just(redraft::value!([1, 2])),
        Just(redraft::value!({})),
    ];
    prop::collection::vec((any::<usize>(), 0_u8..7, 0_usize..4, value), 1..4).boxed()
}

/// The operation for one aim.
pub(crate) fn op_at(doc: &Value, (place, kind, at, value): &Aim) -> Op {
    let places = places_of(doc);
    let path = places[place % places.len()].clone();
    let here = doc.at_path(&path).cloned().unwrap_or(Value::Null);
    // Values from elsewhere in the document fit more often than made up ones.
    let from = doc.at_path(&places[(place / 7) % places.len()]).cloned().unwrap_or(Value::Null);
    let value = if at % 2 == 0 { value.clone() } else { from };
    let action = match kind {
        0 => Action::Replace(value),
        1 => Action::Add(value),
        2 => Action::Remove,
        3 => Action::Inc(*at as i64 * 100 - 100),
        4 => splice(&here, *at, value),
        5 => return Op::new(path.child(Key::from(["a", "new", "Resting", "x"][*at])), Action::Add(value)),
        _ => return Op::new(path.child(*at), Action::Add(value)),
    };
    Op::new(path, action)
}

fn splice(here: &Value, at: usize, value: Value) -> Action {
    let ins = match here {
        Value::Str(_) => Insert::Text("b".into()),
        _ => Insert::Items(vec![value]),
    };
    Action::Splice { at: at / 2, del: at % 2, ins }
}

/// The paths of all that is in a document.
pub(crate) fn places_of(doc: &Value) -> Vec<Path> {
    let mut places = Vec::new();
    collect(doc, &Path::root(), &mut places);
    places
}

fn collect(value: &Value, path: &Path, places: &mut Vec<Path>) {
    places.push(path.clone());
    if let Some(map) = value.as_map() {
        for (key, inside) in map {
            collect(inside, &path.child(Segment::Key(key.clone())), places);
        }
    }
    for (index, inside) in value.as_list().into_iter().flatten().enumerate() {
        collect(inside, &path.child(index), places);
    }
}

/// The law of showing: what a state shows as is read back as that state.
pub(crate) fn is_read_back<S: State>(state: &S) -> Result<(), TestCaseError> {
    let shown = state.to_value();
    let read = S::from_value(shown.clone()).expect("what a state shows is a state");
    prop_assert!(read.same(state));
    prop_assert_eq!(read.to_value(), shown);
    Ok(())
}

/// The law of operations: each does to the document what it does to the state, and its inverse leads both back.
pub(crate) fn operations_agree<S: State>(state: S, aims: &[Aim]) -> Result<(), TestCaseError> {
    let mut state = state;
    for aim in aims {
        let shown = state.to_value();
        let patch = Patch::from(vec![op_at(&shown, aim)]);
        let document = apply(&shown, &patch);
        // A type may refuse what a document takes; what it takes, both must agree on.
        let Ok(done) = apply(&state, &patch) else {
            prop_assert_eq!(state.to_value(), shown, "failing left it changed");
            continue;
        };
        let document = document.unwrap();
        prop_assert_eq!(&done.state.to_value(), &document.state, "{:?}", patch);
        prop_assert!(S::from_value(document.state.clone()).unwrap().same(&done.state), "{:?}", patch);
        prop_assert!(apply(&done.state, &done.inverse).unwrap().state.same(&state), "{:?}", done.inverse);
        prop_assert_eq!(apply(&document.state, &done.inverse).unwrap().state, shown, "{:?}", done.inverse);
        state = done.state;
    }
    Ok(())
}
