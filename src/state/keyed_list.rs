//! [`State`] for [`KeyedList`]: a map of two parts, `items` by key and the `order` of the keys.
//!
//! Edits of an item are addressed by its key, so they never shift; only `order` is a list. An operation works on one of
//! the two parts, so between the operations of a patch they may disagree. Always holds: a patch that leaves them
//! disagreeing is refused when it is applied, by comparing what came and went in both; a document in which they disagree
//! is not read.

use std::cell::Cell;

use super::derived::rules_of_each;
use super::derived::{self, Fields, Place};
use super::whole::{apply_leaf, apply_part, apply_whole, diff_leaf};
use super::{Differ, MapKey, NeverNull, State, StateError, StateErrorKind};
use crate::collections::{Id, KeyedList};
use crate::op::{Action, ApplyErrorKind};
use crate::rules::Places;
use crate::value::{Key, Segment, Value};

thread_local! {
    static TOUCHED: Cell<u64> = const { Cell::new(0) };
}

/// Runs `work` and tells whether one of the two parts of a keyed list lost or got a key meanwhile. A note per thread, as
/// for `fills`: `State::apply` has no other way to tell, and almost no patch needs the check that follows.
pub(crate) fn watch_orders<T>(work: impl FnOnce() -> T) -> (T, bool) {
    let before = TOUCHED.get();
    let done = work();
    (done, TOUCHED.get() != before)
}

fn note() {
    TOUCHED.set(TOUCHED.get().wrapping_add(1));
}

/// Comparing costs what changed: O(changes * log n).
impl<K: MapKey + Ord, T: State> State for KeyedList<K, T> {
    fn rules(places: &mut Places) {
        places.field("items", rules_of_each::<T>);
    }

    fn diff_from(&self, old: &Self, out: &mut Differ) {
        if out.is_checking() && !self.agrees_since(old) {
            out.unsound();
        }
        out.field("items", |out| State::diff_from(self.items(), old.items(), out));
        out.field("order", |out| State::diff_from(self.order(), old.order(), out));
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        match Place::find(path, "map")? {
            Place::Whole => apply_whole(self, action),
            Place::Part("items", rest) => {
                if !keeps_keys(rest, action) {
                    note();
                }
                apply_part(self.items_mut(), rest, action)
            }
            Place::Part("order", rest) => {
                note();
                apply_part(self.order_mut(), rest, action)
            }
            Place::Part(..) | Place::Entry => Err(ApplyErrorKind::UnknownField),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.order().same(other.order()) && self.items().same(other.items())
    }

    fn to_value(&self) -> Value {
        derived::map([("items", self.items().to_value()), ("order", self.order().to_value())])
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        let mut fields = Fields::new(value)?;
        let (items, order) =
            (fields.take("items", State::from_value)?, fields.take("order", State::from_value)?);
        fields.finish()?;
        Self::of_parts(items, order).ok_or_else(|| StateError::new(StateErrorKind::Order))
    }
}

impl<K: MapKey + Ord, T: State> NeverNull for KeyedList<K, T> {}

/// Whether an operation among the items works within one of them.
fn keeps_keys(path: &[Segment], action: &Action) -> bool {
    match path {
        [] => false,
        [_] => !matches!(action, Action::Add(_) | Action::Remove),
        _ => true,
    }
}

/// A key as the element of a list.
impl<K: MapKey + Ord> State for Id<K> {
    const LEAF: bool = true;

    fn diff_from(&self, old: &Self, out: &mut Differ) {
        diff_leaf(self, old, out);
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        apply_leaf(self, path, action)
    }

    fn same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn to_value(&self) -> Value {
        self.0.to_key().into()
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        let key = match value {
            Value::Bool(flag) => Key::Bool(flag),
            Value::Int(number) => Key::Int(number),
            Value::Uint(number) => Key::Uint(number),
            Value::Str(text) => Key::Str(text),
            Value::Bytes(bytes) => Key::Bytes(bytes),
            other => return Err(StateError::unfit("a key", &other)),
        };
        K::from_key(&key).map(Self).ok_or_else(|| StateError::new(StateErrorKind::BadKey))
    }
}
