//! Types and mistakes that are seldom seen obey the same laws: what a change says leads there and back, through a document too.
#![cfg(feature = "derive")]

use redraft::collections::{List, Map};
use redraft::patch::{Action, ApplyErrorKind, Op, Patch};
use redraft::value::{Key, Path, Str};
use redraft::{DraftError, State, Value, apply, diff, draft, value};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
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
