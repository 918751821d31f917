//! Random documents, edits and operations over small alphabets, so that collisions are common.
#![allow(dead_code, reason = "every test file uses another part")]

use proptest::prelude::*;
use redraft::Value;
use redraft::patch::{Action, Insert, Op};
use redraft::value::{Key, List, Map, Path, Segment};

/// Any value, with everything JSON has no form for.
pub(crate) fn any_value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        json_leaf(),
        (0_u64..3).prop_map(Value::Uint),
        Just(Value::Float(f64::NAN)),
        Just(Value::Bytes([1, 2][..].into())),
    ];
    nested(leaf.boxed(), any_key().boxed())
}

/// Values that come back from JSON as they went.
pub(crate) fn json_value() -> BoxedStrategy<Value> {
    nested(json_leaf().boxed(), "[ab/~1]{0,2}".prop_map(Key::from).boxed())
}

fn json_leaf() -> BoxedStrategy<Value> {
    prop_oneof![
        3 => (-1_i64..3).prop_map(Value::Int),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1.5)].prop_map(Value::Float),
        1 => Just(Value::Uint(u64::MAX)),
        2 => "[ab\u{e9}]{0,2}".prop_map(Value::from),
        1 => prop::collection::vec("(one|two|dr\u{e9}i|a longer line of text)\n", 0..8)
            .prop_map(|lines| Value::from(lines.concat())),
    ]
    .boxed()
}

fn any_key() -> BoxedStrategy<Key> {
    prop_oneof![
        4 => "[ab]".prop_map(Key::from),
        1 => (0_i64..2).prop_map(Key::Int),
        1 => (0_u64..2).prop_map(Key::Uint),
        1 => any::<bool>().prop_map(Key::Bool),
        1 => Just(Key::Bytes([7][..].into())),
    ]
    .boxed()
}

fn nested(leaf: BoxedStrategy<Value>, key: BoxedStrategy<Key>) -> BoxedStrategy<Value> {
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|entries| entries.into_iter().collect::<Map>().into()),
        ]
    })
    .boxed()
}

/// Choices that lead to one operation in whatever document they meet.
pub(crate) type Picks = (Vec<u8>, u8, u8, Value);

pub(crate) fn picks(value: BoxedStrategy<Value>) -> BoxedStrategy<Vec<Picks>> {
    run_of_picks(value, 5).boxed()
}

/// Fewer than `max` of them.
pub(crate) fn run_of_picks(value: BoxedStrategy<Value>, max: usize) -> BoxedStrategy<Vec<Picks>> {
    let one = (prop::collection::vec(any::<u8>(), 0..4), any::<u8>(), any::<u8>(), value);
    prop::collection::vec(one, 0..max).boxed()
}

/// Values with few different parts, so that operations on them meet: three levels, two keys, short lists and texts.
pub(crate) fn small_value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        3 => (0_i64..3).prop_map(Value::Int),
        1 => Just(Value::Null),
        2 => "[ab\u{e9}]{0,3}".prop_map(Value::from),
    ];
    let keys = prop_oneof![Just(Key::from("a")), Just(Key::from("b"))];
    let nested = leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..3)
                .prop_map(|entries| entries.into_iter().collect::<Map>().into()),
        ]
    });
    nested.boxed()
}

/// An operation that fits `doc`.
pub(crate) fn fitting_op(doc: &Value, (route, what, amount, value): &Picks) -> Op {
    let mut here = doc;
    let mut path = Path::root();
    for &pick in route {
        let Some((segment, next)) = child(here, pick) else { break };
        path = path.child(segment);
        here = next;
    }
    let (what, amount) = (*what as usize, *amount as usize);
    let (path, action) = match here {
        Value::List(list) => in_list(&path, list, what, amount, value),
        Value::Map(map) => in_map(&path, map, what, amount, value),
        Value::Str(text) if what % 2 == 0 => (path, splice_text(text, what, amount)),
        Value::Int(_) | Value::Uint(_) if what % 2 == 0 && here.as_i64().is_some() => {
            (path, Action::Inc(amount as i64 - 1))
        }
        _ => (path, Action::Replace(value.clone())),
    };
    Op::new(path, action)
}

fn child(value: &Value, pick: u8) -> Option<(Segment, &Value)> {
    match value {
        Value::List(list) if !list.is_empty() => {
            let index = pick as usize % list.len();
            Some((index.into(), list.get(index)?))
        }
        Value::Map(map) => {
            let (key, value) = map.iter().nth(pick as usize % map.len().max(1))?;
            Some((key.into(), value))
        }
        _ => None,
    }
}

fn in_list(path: &Path, list: &List, what: usize, amount: usize, value: &Value) -> (Path, Action) {
    let len = list.len();
    match what % 4 {
        0 => (path.child(amount % (len + 1)), Action::Add(value.clone())),
        1 if len > 0 => (path.child(amount % len), Action::Remove),
        2 if len > 0 => (path.child(amount % len), Action::Replace(value.clone())),
        _ => {
            let at = what / 4 % (len + 1);
            let del = amount % (len - at + 1);
            let ins = vec![value.clone(); amount / 8 % 3];
            (path.clone(), Action::Splice { at, del, ins: Insert::Items(ins) })
        }
    }
}

fn in_map(path: &Path, map: &Map, what: usize, amount: usize, value: &Value) -> (Path, Action) {
    match map.iter().nth(amount % map.len().max(1)) {
        Some((key, _)) if what.is_multiple_of(3) => (path.child(key), Action::Remove),
        Some((key, _)) if what % 3 == 1 => (path.child(key), Action::Replace(value.clone())),
        _ => (path.child(["a", "b", "c"][amount % 3]), Action::Add(value.clone())),
    }
}

fn splice_text(text: &str, what: usize, amount: usize) -> Action {
    let len = text.chars().count();
    let at = what / 2 % (len + 1);
    let del = amount % (len - at + 1);
    Action::Splice { at, del, ins: Insert::Text(["", "x", "\u{fc}\n"][amount % 3].into()) }
}

/// The path that a pointer names, with numbers for positions.
pub(crate) fn at(path: &str) -> Path {
    path.split('/')
        .skip(1)
        .map(|token| match token.parse::<usize>() {
            Ok(index) => index.into(),
            Err(_) => token.into(),
        })
        .collect()
}

/// Everything about a value that `==` looks past: which variant carries a number, and the bits of floats.
pub(crate) fn exact(value: &Value) -> String {
    match value {
        Value::Int(number) => format!("i{number}"),
        Value::Uint(number) => format!("u{number}"),
        Value::Float(number) => format!("f{:x}", number.to_bits()),
        Value::List(list) => list.iter().map(exact).fold("[".to_owned(), |all, one| all + &one + ",") + "]",
        Value::Map(map) => {
            map.iter().fold("{".to_owned(), |all, (key, value)| format!("{all}{key:?}:{},", exact(value)))
                + "}"
        }
        other => format!("{other:?}"),
    }
}
