//! [`State`] for [`Value`]: the dynamic document.
//!
//! Maps and lists are compared through their trees, which skip the nodes they share; what a list does not share goes
//! through `elements`, and strings through `text`.

use super::{Differ, State, StateError, elements, text};
use crate::collections::byte_of;
use crate::op::{Action, ApplyErrorKind, Insert};
use crate::value::{self, Change, Key, Map, Segment, Str, Value};

impl State for Value {
    /// Documents are what they are.
    const SCHEMA: u32 = 0;

    /// Costs O(changes * log n).
    fn diff_from(&self, old: &Self, out: &mut Differ) {
        match (old, self) {
            (Self::Map(old), Self::Map(new)) => diff_maps(old, new, out),
            (Self::List(old), Self::List(new)) => elements::diff_lists(old.items(), new.items(), out),
            (Self::Str(old), Self::Str(new)) => text::diff(old, new, out),
            (old, new) if old == new => {}
            (old, new) => out.replace(old.clone(), new.clone()),
        }
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        let Some((last, init)) = path.split_last() else {
            return apply_here(self, action);
        };
        let parent = walk(self, init)?;
        match action {
            Action::Add(value) => add(parent, last, value),
            Action::Remove => remove(parent, last),
            Action::Replace(_) | Action::Splice { .. } | Action::Inc(_) => {
                apply_here(step(parent, last)?, action)
            }
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        self.clone()
    }

    /// Any value is a document, so this never fails.
    fn from_value(value: Value) -> Result<Self, StateError> {
        Ok(value)
    }

    fn shares(&self, old: &Self) -> bool {
        value::same(self, old)
    }

    /// Two maps, or two lists. Numbers and strings are replaced together with their neighbours.
    fn faces(&self, old: &Self) -> bool {
        matches!((old, self), (Self::Map(_), Self::Map(_)) | (Self::List(_), Self::List(_)))
    }

    fn fingerprint(&self) -> u64 {
        Self::fingerprint(self)
    }
}

fn diff_maps(old: &Map, new: &Map, out: &mut Differ) {
    for change in old.changes(new) {
        match change {
            Change::Added(key, new) => out.key(key, |out| out.add(new.clone())),
            Change::Removed(key, old) => out.key(key, |out| out.remove(old.clone())),
            Change::Updated { key, old, new } => out.key(key, |out| new.diff_from(old, out)),
        }
    }
}

/// What sits at `path`, writable.
fn walk<'v>(value: &'v mut Value, path: &[Segment]) -> Result<&'v mut Value, ApplyErrorKind> {
    path.iter().try_fold(value, step)
}

fn step<'v>(value: &'v mut Value, segment: &Segment) -> Result<&'v mut Value, ApplyErrorKind> {
    match (value, segment) {
        (Value::Map(map), Segment::Key(key)) => map.get_mut(key).ok_or(ApplyErrorKind::NotFound),
        (Value::List(list), Segment::Index(index)) => {
            let bounds = ApplyErrorKind::Bounds { index: *index, len: list.len() };
            list.get_mut(*index).ok_or(bounds)
        }
        (value, segment) => Err(mismatch(value, segment)),
    }
}

fn mismatch(value: &Value, segment: &Segment) -> ApplyErrorKind {
    let expected = match segment {
        Segment::Key(_) => "map",
        Segment::Index(_) => "list",
    };
    ApplyErrorKind::Type { expected, found: value.kind() }
}

fn add(parent: &mut Value, segment: &Segment, value: &Value) -> Result<Action, ApplyErrorKind> {
    match (parent, segment) {
        (Value::Map(map), Segment::Key(key)) => Ok(upsert(map, key, value)),
        (Value::List(list), Segment::Index(index)) if *index <= list.len() => {
            list.insert(*index, value.clone());
            Ok(Action::Remove)
        }
        (Value::List(list), Segment::Index(index)) => {
            Err(ApplyErrorKind::Bounds { index: *index, len: list.len() })
        }
        (parent, segment) => Err(mismatch(parent, segment)),
    }
}

fn upsert(map: &mut Map, key: &Key, value: &Value) -> Action {
    match map.insert(key.clone(), value.clone()) {
        Some(old) => Action::Replace(old),
        None => Action::Remove,
    }
}

fn remove(parent: &mut Value, segment: &Segment) -> Result<Action, ApplyErrorKind> {
    match (parent, segment) {
        (Value::Map(map), Segment::Key(key)) => {
            map.remove(key).map(Action::Add).ok_or(ApplyErrorKind::NotFound)
        }
        (Value::List(list), Segment::Index(index)) if *index < list.len() => {
            Ok(Action::Add(list.remove(*index)))
        }
        (Value::List(list), Segment::Index(index)) => {
            Err(ApplyErrorKind::Bounds { index: *index, len: list.len() })
        }
        (parent, segment) => Err(mismatch(parent, segment)),
    }
}

/// The actions that need only the value they work on.
fn apply_here(value: &mut Value, action: &Action) -> Result<Action, ApplyErrorKind> {
    match action {
        Action::Add(new) | Action::Replace(new) => Ok(Action::Replace(std::mem::replace(value, new.clone()))),
        Action::Remove => Err(ApplyErrorKind::RemoveRoot),
        Action::Splice { at, del, ins } => apply_splice(value, *at, *del, ins),
        Action::Inc(by) => inc(value, *by),
    }
}

fn apply_splice(value: &mut Value, at: usize, del: usize, ins: &Insert) -> Result<Action, ApplyErrorKind> {
    let out = match (value, ins) {
        (Value::List(list), Insert::Items(items)) => {
            check_stretch(at, del, list.len())?;
            Insert::Items(list.splice(at..at + del, items.iter().cloned()))
        }
        (Value::Str(text), Insert::Text(ins)) => Insert::Text(splice_text(text, at, del, ins)?),
        (value, Insert::Items(_)) => {
            return Err(ApplyErrorKind::Type { expected: "list", found: value.kind() });
        }
        (value, Insert::Text(_)) => {
            return Err(ApplyErrorKind::Type { expected: "string", found: value.kind() });
        }
    };
    Ok(Action::Splice { at, del: ins.len(), ins: out })
}

pub(super) fn check_stretch(at: usize, del: usize, len: usize) -> Result<(), ApplyErrorKind> {
    let end = at.saturating_add(del);
    if end > len { Err(ApplyErrorKind::Bounds { index: end, len }) } else { Ok(()) }
}

/// Returns the piece taken out. O(length): strings are flat.
fn splice_text(text: &mut Str, at: usize, del: usize, ins: &str) -> Result<Str, ApplyErrorKind> {
    check_stretch(at, del, text.chars().count())?;
    let start = byte_of(text, at);
    let end = start + byte_of(&text[start..], del);
    let out = Str::from(&text[start..end]);
    *text = [&text[..start], ins, &text[end..]].concat().into();
    Ok(out)
}

fn inc(value: &mut Value, by: i64) -> Result<Action, ApplyErrorKind> {
    let undo = by.checked_neg().ok_or(ApplyErrorKind::Overflow)?;
    let sum = match value {
        Value::Int(number) => i128::from(*number) + i128::from(by),
        Value::Uint(number) => i128::from(*number) + i128::from(by),
        other => return Err(ApplyErrorKind::Type { expected: "integer", found: other.kind() }),
    };
    let new = integer(sum, value)?;
    let same_width =
        matches!((&new, &*value), (Value::Int(_), Value::Int(_)) | (Value::Uint(_), Value::Uint(_)));
    let old = std::mem::replace(value, new);
    // Coming back over the edge of a width would leave the number in the other variant; the old value leads back exactly.
    Ok(if same_width { Action::Inc(undo) } else { Action::Replace(old) })
}

/// The sum in the variant the number had, or in the other one if only that holds it.
fn integer(sum: i128, before: &Value) -> Result<Value, ApplyErrorKind> {
    let int = i64::try_from(sum).map(Value::Int);
    let uint = u64::try_from(sum).map(Value::Uint);
    let sum = if matches!(before, Value::Uint(_)) { uint.or(int) } else { int.or(uint) };
    sum.map_err(|_| ApplyErrorKind::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::List;

    const LEN: usize = 100_000;

    /// The operations that lead from a long list of different numbers to an edited one.
    fn told(edit: impl FnOnce(&mut List)) -> Vec<Action> {
        let old: List = (0..LEN).collect();
        let mut new = old.clone();
        edit(&mut new);
        let (old, new) = (Value::from(old), Value::from(new));
        let mut differ = Differ::new();
        new.diff_from(&old, &mut differ);
        let (patch, inverse) = differ.finish().unwrap();
        let applied = crate::patch::apply(&old, &patch).unwrap();
        assert_eq!((&applied.state, &applied.inverse), (&new, &inverse));
        assert_eq!(crate::patch::apply(&new, &inverse).unwrap().state, old);
        patch.iter().map(|op| op.action.clone()).collect()
    }

    #[test]
    fn an_insertion_at_the_front_of_a_long_list_is_one_splice() {
        let told = told(|list| list.insert(0, "new"));
        let [Action::Splice { at: 0, del: 0, ins: Insert::Items(items) }] = &told[..] else {
            panic!("one splice, not {told:?}");
        };
        assert_eq!(items.len(), 1);
    }

    #[test]
    fn far_edits_in_a_long_list_are_one_operation_each() {
        let told = told(|list| {
            list[10] = "new".into();
            list.remove(LEN / 2);
            list[LEN - 10] = "new".into();
            list.splice(LEN - 5..LEN - 3, (0..100).map(Value::from));
        });
        let names: Vec<&str> = told.iter().map(Action::name).collect();
        assert_eq!(names, ["replace", "splice", "replace", "splice"]);
    }

    #[test]
    fn a_long_stretch_moved_is_taken_out_and_put_in() {
        let told = told(|list| {
            let moved = list.splice(10_000..30_000, []);
            list.splice(50_000..50_000, moved);
        });
        let touched = |action: &Action| match action {
            Action::Splice { del, ins, .. } => del.max(&ins.len()).to_owned(),
            _ => 1,
        };
        assert!(told.iter().map(touched).sum::<usize>() <= 40_000, "{} operations", told.len());
    }
}
