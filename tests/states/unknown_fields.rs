//! A field that the type does not know is an error that names it, unless the type says where to keep it. Then it is part of the
//! state like any other, under every operation.
#![cfg(feature = "derive")]

use crate::common::{check, dir, options};
use redraft::collections::Map;
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::patch::{Action, ApplyErrorKind, Op};
use redraft::value::{Key, Segment};
use redraft::{DraftError, Error, ErrorKind, Patch, State, Store, Value, apply, diff, value};
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Open {
    #[state(rest)]
    rest: BTreeMap<String, Value>,
    title: String,
    #[state(default)]
    size: i64,
    inner: Inner,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Inner {
    done: bool,
    #[state(rest)]
    others: Map<Name, i64>,
    #[state(skip)]
    looked_at: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, State, redraft::state::MapKey)]
struct Name(String);

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Closed {
    title: String,
}

fn random(dice: &SeededEntropy) -> Open {
    let name = || format!("extra {}", dice.below(4));
    let mut open =
        Open { title: format!("{}", dice.below(3)), size: dice.below(3) as i64, ..Open::default() };
    for _ in 0..dice.below(4) {
        open.rest.insert(name(), value!({ "deep": [(dice.below(3))] }));
        open.inner.others.insert(Name(name()), dice.below(3) as i64);
    }
    open
}

/// The laws of states, with the document as the oracle.
#[test]
fn what_no_field_is_there_for_is_part_of_the_state_under_every_operation() {
    let dice = SeededEntropy::new(5);
    for _ in 0..2_000 {
        let (old, new) = (random(&dice), random(&dice));
        let (patch, inverse) = diff(&old, &new).unwrap();
        assert_eq!(apply(&old, &patch).unwrap().state, new);
        assert_eq!(apply(&new, &inverse).unwrap().state, old);
        assert_eq!(apply(&old, &patch).unwrap().inverse.len(), inverse.len());
        let shown = apply(&old.to_value(), &patch).unwrap();
        assert_eq!(shown.state, new.to_value());
        assert_eq!(apply(&shown.state, &shown.inverse).unwrap().state, old.to_value());
        assert_eq!(Open::from_value(new.to_value()).unwrap(), new);
        assert_eq!(old.same(&new), old == new);
        // By the document's own patch, too, which knows nothing of fields.
        let (plain, _) = diff(&old.to_value(), &new.to_value()).unwrap();
        assert_eq!(apply(&old, &plain).unwrap().state, new);
    }
}

#[test]
fn a_whole_is_replaced_with_what_it_keeps_and_without_what_is_not_shown() {
    let mut state = Open::default();
    state.inner.looked_at = 9;
    let inner = value!({ "done": true, "a": 1 });
    let op = Op { path: vec![Segment::from("inner")].into(), action: Action::Replace(inner) };
    let applied = apply(&state, &[op].into_iter().collect()).unwrap();
    assert_eq!(applied.state.inner.others.get(&Name("a".into())), Some(&1));
    assert_eq!(applied.state.inner.looked_at, 9);
    assert_eq!(apply(&applied.state, &applied.inverse).unwrap().state, state);
}

#[test]
fn an_unknown_field_is_an_error_that_names_it_unless_the_type_keeps_it() {
    let disk = MemoryDisk::new();
    let store: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
    let board = value!({ "title": "t", "inner": { "done": false, "more": 5 }, "color": "red" });
    store.produce(|doc| *doc = board.clone()).unwrap();
    store.snapshot().unwrap();
    drop(store);
    match options(&disk).open::<Closed>(dir()) {
        Err(Error::Misfit { version: 1, path, .. }) => assert_eq!(path.to_string(), "/color"),
        other => panic!("{other:?}"),
    }
    let store: Store<Open> = options(&disk).open(dir()).unwrap();
    assert_eq!(store.state().rest["color"].as_str(), Some("red"));
    assert_eq!(store.state().inner.others.get(&Name("more".into())), Some(&5));
    store.produce(|open| open.title = "u".into()).unwrap();
    store.produce(|open| drop(open.rest.insert("shape".into(), "round".into()))).unwrap();
    store.undo(3).unwrap();
    drop(store);
    let store: Store<Value> = options(&disk).open(dir()).unwrap();
    let expected = value!({ "title": "u", "size": 0, "inner": { "done": false, "more": 5 }, "color": "red" });
    assert_eq!(*store.state(), expected);
    assert!(check(&disk).unwrap().is_sound());
}

fn add(key: impl Into<Key>, value: impl Into<Value>) -> Patch {
    let path = [Segment::Key(key.into())].into_iter().collect();
    [Op { path, action: Action::Add(value.into()) }].into_iter().collect()
}

#[test]
fn a_patch_from_outside_may_add_what_is_kept_and_nothing_else() {
    let added = apply(&Open::default(), &add("color", "red")).unwrap().state;
    assert_eq!(added.rest["color"].as_str(), Some("red"));
    let refused = |answer: Result<ApplyErrorKind, ()>, wanted| assert_eq!(answer, Ok(wanted));
    let kind =
        |answer: Result<_, redraft::patch::ApplyError>| answer.map_err(|error| error.kind).err().ok_or(());
    refused(kind(apply(&Closed::default(), &add("color", "red")).map(drop)), ApplyErrorKind::UnknownField);
    refused(kind(apply(&Closed::default(), &add(5, "red")).map(drop)), ApplyErrorKind::UnknownField);
    // No key of this map.
    refused(kind(apply(&Open::default(), &add(5, "red")).map(drop)), ApplyErrorKind::BadKey);
    // A map of numbers.
    assert!(apply(&Inner::default(), &add("color", "red")).is_err());
    assert!(apply(&Inner::default(), &add("color", 5)).is_ok());
}

/// It would be in the document twice.
#[test]
fn what_is_kept_under_the_name_of_a_field_is_refused() {
    let base = Open::default();
    let refused = redraft::draft(&base, |open| drop(open.rest.insert("title".into(), 1.into())));
    match refused {
        Err(error @ DraftError::FieldTwice { .. }) => {
            assert!(error.to_string().starts_with("\"/title\" is a field"), "{error}");
            assert_eq!(Error::from(error).kind(), ErrorKind::Refused);
        }
        other => panic!("{other:?}"),
    }
    let shown = Open { rest: [("title".into(), 1.into())].into(), title: "t".into(), ..Open::default() };
    assert_eq!(shown.to_value()["title"].as_str(), Some("t"), "the field is what shows");
}

/// Maps of the standard library and our own can keep it, with generic types too.
#[test]
fn any_map_can_keep_it() {
    #[derive(Clone, Debug, Default, PartialEq, State)]
    struct Hashed<T> {
        n: i64,
        #[state(rest)]
        rest: HashMap<String, T>,
    }
    let read = Hashed::<i64>::from_value(value!({ "n": 1, "a": 2 })).unwrap();
    assert_eq!((read.n, read.rest["a"]), (1, 2));
    let misfit = Hashed::<i64>::from_value(value!({ "n": 1, "a": "x" })).unwrap_err();
    assert_eq!(misfit.path.to_string(), "/a");
}
