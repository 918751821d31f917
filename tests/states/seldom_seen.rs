//! Types and mistakes that are seldom seen obey the same laws: what a change says leads there and back, through a document too.
#![cfg(feature = "derive")]

use redraft::collections::{List, Map};
use redraft::patch::{Action, ApplyErrorKind, Op, Patch};
use redraft::value::{Key, Path, Str};
use redraft::{DraftError, State, Value, apply, diff, draft, value};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

/// From the old state to the new one and back, by the patch, its inverse and the documents.
fn there_and_back<S: State + Default + PartialEq + Debug>(old: &S, new: &S) -> Patch {
    let (patch, inverse) = diff(old, new).unwrap();
    assert_eq!(&apply(old, &patch).unwrap().state, new, "{patch:?}");
    assert_eq!(&apply(new, &inverse).unwrap().state, old, "{inverse:?}");
    let documents = [old.to_value(), new.to_value()];
    assert_eq!(apply(&documents[0], &patch).unwrap().state, documents[1]);
    for (state, document) in [old, new].into_iter().zip(documents) {
        assert_eq!(&S::from_value(document).unwrap(), state);
    }
    patch
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Seldom {
    short: Str,
    by_short: Map<Str, u8>,
    by_shared: BTreeMap<Arc<str>, u8>,
    by_any: BTreeMap<Key, u8>,
    boxes: List<Box<Inner>>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Inner {
    number: i64,
}

#[test]
fn texts_kept_in_place_keys_of_every_kind_and_boxes_change_like_others() {
    let boxed = |number| Box::new(Inner { number });
    let mut old = Seldom::default();
    old.boxes.extend((0..40).map(boxed));
    let mut new = old.clone();
    new.short = "a text that is longer than what is kept in place".into();
    assert_eq!(there_and_back(&old, &new).len(), 1);
    old = new.clone();
    new.short = "short".into();
    new.by_short.insert("key".into(), 1);
    new.by_shared.insert("key".into(), 2);
    new.by_any.extend([(Key::Int(-1), 3), (Key::Bool(true), 4), (Key::from("text"), 5)]);
    assert_eq!(there_and_back(&old, &new).len(), 6);
    old = new.clone();
    // An element is told by what is inside its box: one that goes and one that comes are two splices, not a new list.
    new.boxes.remove(3);
    new.boxes.insert(20, boxed(99));
    new.boxes.get_mut(30).unwrap().number = -1;
    let patch = there_and_back(&old, &new);
    assert!(patch.len() <= 3 && patch.to_bytes().len() < 60, "{patch:?}");
}

#[test]
fn a_key_of_another_kind_is_no_key_of_a_map_of_texts_and_no_field() {
    let old = Seldom::default();
    let at = |path: Path| Patch::from(vec![Op::new(path, Action::Add(1.into()))]);
    let answer = apply(&old, &at(Path::root().child("by_short").child(Key::Int(1))));
    assert_eq!(answer.unwrap_err().kind, ApplyErrorKind::BadKey);
    let answer = apply(&old, &at(Path::root().child(Key::Int(1))));
    assert_eq!(answer.unwrap_err().kind, ApplyErrorKind::UnknownField);
    let document =
        value!({ "short": "", "by_short": {}, "by_shared": {}, "by_any": {}, "boxes": [], "more": 1 });
    assert!(Seldom::from_value(document).is_err());
}

/// Somebody else's type, which now and then cannot be written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Moody(bool);

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            true => Err(serde::ser::Error::custom("not today")),
            false => serializer.serialize_bool(false),
        }
    }
}

#[derive(Clone, Debug, Default, State)]
struct Holder {
    #[state(atomic)]
    moody: Moody,
}

#[test]
fn what_cannot_be_written_is_refused_and_not_written_as_something_else() {
    let refused = draft(&Holder::default(), |holder| holder.moody.0 = true);
    assert!(matches!(refused, Err(DraftError::BadKey { .. })), "{refused:?}");
}

#[test]
fn a_patch_is_read_as_its_operations_and_can_be_extended_by_more() {
    let add = |key: &str| Op::new(Path::root().child(key), Action::Add(1.into()));
    let mut patch = Patch::from(vec![add("a")]);
    patch.extend([add("b"), add("c")]);
    let ops: &[Op] = patch.as_ref();
    assert_eq!(ops, [add("a"), add("b"), add("c")]);
    assert_eq!(apply(&Value::default(), &patch).unwrap().state, value!({ "a": 1, "b": 1, "c": 1 }));
    assert_eq!(format!("{:?}", patch[0]), r#"add "/a" 1"#);
    assert_eq!(format!("{:?}", Action::Remove), r#"remove """#);
}

fn agree_on_sameness<S: State + Debug>(states: &[S]) {
    for (one, a) in states.iter().enumerate() {
        for (other, b) in states.iter().enumerate() {
            let (same, documents) = (a.same(b), (a.to_value(), b.to_value()));
            let equal = format!("{:?}", documents.0) == format!("{:?}", documents.1);
            assert_eq!(same, equal, "{one} and {other}: {a:?}, {b:?}");
        }
    }
}

/// `same` decides what is looked at no further, so it must never say yes of two that show differently; and what shows alike is
/// no change.
#[test]
fn two_states_are_the_same_exactly_when_they_show_the_same() {
    agree_on_sameness(&[0.0, -0.0, 1.5, f64::NAN, f64::INFINITY]);
    agree_on_sameness(&[Box::new(1), Box::new(2), Box::new(1)]);
    agree_on_sameness(&[[1, 2, 3], [1, 2, 4], [0, 2, 3], [1, 2, 3]]);
    agree_on_sameness(&["a", "b", "a", ""].map(Str::from));
    agree_on_sameness(&["a", "b", "a", ""].map(redraft::collections::Text::from));
    agree_on_sameness(&[&[1_u8, 2][..], &[1], &[1, 2], &[]].map(Arc::<[u8]>::from));
    let sets = [&[1, 2][..], &[1, 3], &[2, 1], &[1], &[]];
    agree_on_sameness(&sets.map(|set| set.iter().copied().collect::<BTreeSet<i64>>()));
    agree_on_sameness(&sets.map(|set| set.iter().copied().collect::<redraft::collections::Set<i64>>()));
    let maps = sets.map(|set| set.iter().map(|&key| (key, key * 7)).collect::<BTreeMap<i64, i64>>());
    let others = sets.map(|set| set.iter().map(|&key| (key, key * 5)).collect::<BTreeMap<i64, i64>>());
    agree_on_sameness(&[maps, others].concat());
}

/// What serde passes over in silence the document would go on holding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lenient {
    known: i64,
    list: Vec<Part>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Part {
    n: i64,
}

#[derive(Clone, Debug, Default, State)]
struct Outside {
    #[state(atomic)]
    lenient: Lenient,
}

#[test]
fn what_somebody_elses_type_would_pass_over_is_refused_with_its_place() {
    let read = |document: Value| Outside::from_value(value!({ "lenient": document }));
    let good = value!({ "known": 1, "list": [{ "n": 1 }, { "n": 2 }] });
    assert_eq!(read(good).unwrap().lenient.list.len(), 2);
    let refused = |document: Value, place: &str| {
        let error = read(document).unwrap_err();
        assert_eq!(error.path.to_string(), place, "{error}");
    };
    refused(value!({ "known": 1, "list": [], "more": 1 }), "/lenient/more");
    refused(value!({ "known": 1, "list": [{ "n": 1 }, { "n": 2, "more": 3 }] }), "/lenient/list/1/more");
    // In the place of one number another one of equal value, which reads back as the first.
    refused(value!({ "known": 1, "list": [{ "n": 1, "n2": 2 }] }), "/lenient/list/0/n2");
}

#[derive(Clone, Debug, Default, PartialEq, State)]
enum Shape {
    #[default]
    None,
    Round(i64),
    Flat {
        width: i64,
    },
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Places {
    three: [i64; 3],
    pair: (i64, String),
    shape: Shape,
    set: BTreeSet<i64>,
}

#[test]
fn places_that_are_not_there_are_named_as_what_they_are() {
    let state = Places { shape: Shape::Round(1), set: BTreeSet::from([1]), ..Places::default() };
    let at = |path: Path, action: Action| apply(&state, &Patch::from(vec![Op::new(path, action)]));
    let root = Path::root();
    let replace = || Action::Replace(1.into());
    let kind = |path: Path, action: Action| at(path, action).unwrap_err().kind;
    assert!(at(root.child("three").child(2_usize), replace()).is_ok());
    for part in ["three", "pair"] {
        let len = if part == "three" { 3 } else { 2 };
        let found = kind(root.child(part).child(len), replace());
        assert_eq!(found, ApplyErrorKind::Bounds { index: len, len }, "{part}");
        assert!(
            matches!(kind(root.child(part).child("x"), replace()), ApplyErrorKind::Type { .. }),
            "{part}"
        );
        assert!(matches!(
            kind(root.child(part).child(0_usize), Action::Remove),
            ApplyErrorKind::Required | ApplyErrorKind::Unfit(_) | ApplyErrorKind::Type { .. }
        ));
    }
    let shape = root.child("shape");
    assert!(at(shape.child("Round"), replace()).is_ok());
    assert_eq!(kind(shape.child("Flat"), replace()), ApplyErrorKind::Variant);
    assert_eq!(kind(shape.child("Square"), replace()), ApplyErrorKind::UnknownField);
    assert!(matches!(kind(shape.child(0_usize), replace()), ApplyErrorKind::Type { .. }));
    let set = root.child("set");
    assert_eq!(kind(set.child(Key::Int(2)), Action::Remove), ApplyErrorKind::NotFound);
    assert!(at(set.child(Key::Int(1)), Action::Remove).is_ok());
    assert!(matches!(kind(set.child(Key::Int(1)), Action::Inc(1)), ApplyErrorKind::Type { .. }));
}

/// A type that takes what fits and forgets the rest.
#[derive(Clone, Debug, Default, PartialEq)]
struct Forgetful(Vec<i64>);

impl Serialize for Forgetful {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Forgetful {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Vec::<i64>::deserialize(from)?;
        Ok(Forgetful(all.into_iter().take(2).map(|number| number.min(9)).collect()))
    }
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Keeper {
    #[state(atomic)]
    kept: Forgetful,
}

/// What a state does not show when it is written again would be lost with the next change.
#[test]
fn what_a_type_forgets_or_changes_while_reading_is_refused() {
    let read = |kept: Value| Keeper::from_value(value!({ "kept": kept }));
    assert_eq!(read(value!([1, 2])).unwrap().kept, Forgetful(vec![1, 2]));
    for lost in [value!([1, 2, 3]), value!([1, 10])] {
        let refused = read(lost.clone()).unwrap_err();
        assert!(
            refused.to_string().contains("kept") || refused.path.to_string().starts_with("/kept"),
            "{refused:?}"
        );
    }
}

#[derive(Clone, Debug, Default, PartialEq, State)]
enum Either {
    #[default]
    None,
    Left(i64),
    Right(i64),
}

#[test]
fn a_document_of_two_variants_at_once_is_no_variant() {
    assert_eq!(Either::from_value(value!({ "Left": 1 })).unwrap(), Either::Left(1));
    assert!(Either::from_value(value!({ "Left": 1, "Right": 2 })).is_err());
    assert!(Either::from_value(value!({})).is_err());
    there_and_back(&Either::Left(1), &Either::Right(1));
    there_and_back(&Either::None, &Either::Right(1));
}

#[test]
fn an_insertion_of_nothing_is_empty_and_one_of_something_is_not() {
    use redraft::patch::Insert;
    for (insert, is_empty) in [
        (Insert::Text("".into()), true),
        (Insert::Text("x".into()), false),
        (Insert::Items(Vec::new()), true),
        (Insert::Items(vec![Value::Null]), false),
    ] {
        assert_eq!(insert.is_empty(), is_empty);
    }
}
