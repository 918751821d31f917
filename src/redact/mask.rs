//! [`Mask`]: how a value reads once what somebody wrote is gone from it.
//!
//! Knows values only; which change is whose is its caller's to say. Always: what comes out is of the same shape, with the same keys, as
//! many elements and as many characters, and every leaf is of the kind it was. So whatever could be done to the one can be done to
//! the other, with the same operations.

use crate::op::{Action, Insert, Op};
use crate::value::{Key, Map, Path, Segment, Value, float_bits};
use std::collections::{BTreeMap, BTreeSet};

/// What stands for each character that is gone.
const BLANK: char = '*';

/// What is to be masked in what one change puts in.
#[derive(Default)]
pub(super) struct Mask<'a> {
    /// All of it.
    pub(super) everything: bool,
    /// These texts and bytes, wherever they stand.
    pub(super) known: Option<&'a BTreeMap<Key, Value>>,
    /// These leaves, wherever they stand.
    pub(super) leaves: Option<&'a BTreeSet<Key>>,
    /// What the change took away elsewhere.
    pub(super) moved: Moved,
}

/// What a change took away that reads otherwise in what is written, with how it reads there.
#[derive(Default)]
pub(super) struct Moved {
    wholes: Vec<(Value, Value)>,
    leaves: BTreeMap<Key, Value>,
}

impl Moved {
    /// Takes note of something that was taken away, given what it was and how it reads.
    pub(super) fn note(&mut self, was: Value, reads: Value) {
        differences(&was, &reads, &mut |key, reads| {
            self.leaves.entry(key).or_insert(reads);
        });
        if matches!(was, Value::Map(_) | Value::List(_)) && was != reads {
            self.wholes.push((was, reads));
        }
    }

    /// The texts and bytes of it.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.leaves.iter().filter(|(_, reads)| matches!(reads, Value::Str(_) | Value::Bytes(_)))
    }
}

impl Mask<'_> {
    /// The operation as it is to be written, `after` being the document after the change it is of.
    pub(super) fn op(&self, op: &Op, after: &Value) -> Op {
        let beside = items_beside(&op.path, after);
        let masked = |value: &Value| self.value(value, beside);
        let action = match &op.action {
            Action::Add(value) => Action::Add(masked(value)),
            Action::Replace(value) => Action::Replace(masked(value)),
            Action::Splice { at, del, ins } => {
                let ins = match ins {
                    Insert::Items(items) => Insert::Items(items.iter().map(masked).collect()),
                    Insert::Text(text) => match masked(&Value::Str(text.clone())) {
                        Value::Str(text) => Insert::Text(text),
                        _ => Insert::Text(text.clone()),
                    },
                };
                Action::Splice { at: *at, del: *del, ins }
            }
            Action::Inc(_) if self.everything => Action::Inc(0),
            other @ (Action::Inc(_) | Action::Remove) => other.clone(),
        };
        Op::new(op.path.clone(), action)
    }

    /// `beside` has the keys that stand for themselves where the value is their order.
    fn value(&self, value: &Value, beside: Option<&Map>) -> Value {
        if let Some((_, instead)) = self.moved.wholes.iter().find(|(was, _)| was == value) {
            return instead.clone();
        }
        match value {
            Value::Map(map) => {
                let masked = |(key, value): (&Key, &Value)| {
                    (key.clone(), self.value(value, items_of(map).filter(|_| is_order(key))))
                };
                Value::Map(map.iter().map(masked).collect())
            }
            Value::List(list) => list.iter().map(|item| self.value(item, beside)).collect(),
            leaf => self.leaf(leaf, beside),
        }
    }

    fn leaf(&self, leaf: &Value, beside: Option<&Map>) -> Value {
        let key = key_of(leaf);
        if beside.zip(key.as_ref()).is_some_and(|(items, key)| items.contains_key(key)) {
            return leaf.clone();
        }
        let known = key.as_ref().and_then(|key| {
            self.moved.leaves.get(key).or_else(|| self.known.and_then(|known| known.get(key)))
        });
        let is_one = || key.as_ref().is_some_and(|key| self.leaves.is_some_and(|all| all.contains(key)));
        match known {
            _ if self.everything => blank(leaf),
            Some(instead) => instead.clone(),
            None if is_one() => blank(leaf),
            None => leaf.clone(),
        }
    }
}

/// A leaf of the same kind and size that says nothing.
pub(super) fn blank(leaf: &Value) -> Value {
    match leaf {
        Value::Bool(_) => false.into(),
        Value::Int(_) | Value::Uint(_) => 0.into(),
        Value::Float(_) => 0.0.into(),
        Value::Str(text) => text.chars().map(|_| BLANK).collect::<String>().into(),
        Value::Bytes(bytes) => Value::Bytes(vec![0; bytes.len()].into()),
        other => other.clone(),
    }
}

/// The leaves that say enough to be known again: all but null and truth values, and numbers only where they are wanted.
pub(super) fn leaves(value: &Value, beside: Option<&Map>, tell: &mut dyn FnMut(Key)) {
    match value {
        Value::Map(map) => {
            map.iter().for_each(|(key, value)| {
                leaves(value, items_of(map).filter(|_| is_order(key)), tell);
            });
        }
        Value::List(list) => list.iter().for_each(|item| leaves(item, beside, tell)),
        leaf => {
            let key = key_of(leaf);
            key.filter(|key| beside.is_none_or(|items| !items.contains_key(key))).map(tell);
        }
    }
}

/// The leaves that an operation puts in.
pub(super) fn leaves_of(op: &Op, after: &Value, tell: &mut dyn FnMut(Key)) {
    let beside = items_beside(&op.path, after);
    match &op.action {
        Action::Add(value) | Action::Replace(value) => leaves(value, beside, tell),
        Action::Splice { ins: Insert::Items(items), .. } => {
            items.iter().for_each(|item| leaves(item, beside, tell));
        }
        Action::Splice { ins: Insert::Text(text), .. } if !text.is_empty() => tell(Key::Str(text.clone())),
        Action::Splice { .. } | Action::Inc(_) | Action::Remove => {}
    }
}

/// What was taken away by an operation, given what takes it back.
pub(super) fn taken(inverse: &Action) -> Vec<Value> {
    match inverse {
        Action::Add(value) | Action::Replace(value) => vec![value.clone()],
        Action::Splice { ins: Insert::Items(items), .. } => items.clone(),
        Action::Splice { ins: Insert::Text(text), .. } => vec![Value::Str(text.clone())],
        Action::Remove | Action::Inc(_) => Vec::new(),
    }
}

/// Every leaf of `old` that reads otherwise in `new`, which is of the same shape.
fn differences(old: &Value, new: &Value, tell: &mut dyn FnMut(Key, Value)) {
    match (old, new) {
        (Value::Map(old), Value::Map(new)) => {
            old.values().zip(new.values()).for_each(|(old, new)| differences(old, new, tell));
        }
        (Value::List(old), Value::List(new)) => {
            old.iter().zip(new.iter()).for_each(|(old, new)| differences(old, new, tell));
        }
        _ if old != new => {
            key_of(old).into_iter().for_each(|key| tell(key, new.clone()));
        }
        _ => {}
    }
}

/// A leaf as something that can be looked up; nothing for what does not tell one from another.
fn key_of(leaf: &Value) -> Option<Key> {
    match leaf {
        Value::Int(number) => Some(Key::Int(*number)),
        Value::Uint(number) => Some(Key::Uint(*number)),
        Value::Float(number) => Some(Key::Bytes(float_bits(*number).to_le_bytes().as_slice().into())),
        Value::Str(text) if !text.is_empty() => Some(Key::Str(text.clone())),
        Value::Bytes(bytes) if !bytes.is_empty() => Some(Key::Bytes(bytes.clone())),
        _ => None,
    }
}

/// A keyed list shows as its items by key, and the order of these keys.
fn items_of(map: &Map) -> Option<&Map> {
    map.get("order").and(map.get("items")).and_then(Value::as_map)
}

fn is_order(key: &Key) -> bool {
    *key == Key::from("order")
}

/// The items of the keyed list whose order is at the path, or has an element there.
fn items_beside<'v>(path: &Path, document: &'v Value) -> Option<&'v Map> {
    let is_order = |segment: &Segment| matches!(segment, Segment::Key(key) if is_order(key));
    let list = match path.as_slice() {
        [list @ .., order] if is_order(order) => list,
        [list @ .., order, Segment::Index(_)] if is_order(order) => list,
        _ => return None,
    };
    document.at_path(&Path::from(list)).and_then(Value::as_map).and_then(items_of)
}
