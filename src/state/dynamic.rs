//! [`State`] for [`Value`]: the dynamic document.
//!
//! Maps and lists are compared through their trees, which skip the nodes they share; what a list does not share goes
//! through `sequence`, and strings through `text`.

use std::sync::Arc;

use super::sequence::Hunk;
use super::{Differ, State, StateError, sequence, text};
use crate::collections::{Gap, byte_of};
use crate::patch::{Action, ApplyErrorKind, Insert};
use crate::value::{Change, Key, List, Map, Segment, Value};

/// One in this many elements may differ for a stretch to count as overwritten in places: more look like a shift.
const IN_PLACE_SHARE: usize = 8;

/// And no more than this, so that looking for them in vain stays cheap.
const IN_PLACE_MAX: usize = 1024;

impl State for Value {
    /// Costs O(changes * log n).
    fn diff(&self, old: &Self, out: &mut Differ) {
        match (old, self) {
            (Self::Map(old), Self::Map(new)) => diff_maps(old, new, out),
            (Self::List(old), Self::List(new)) => diff_lists(old, new, out),
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
}

fn diff_maps(old: &Map, new: &Map, out: &mut Differ) {
    for change in old.changes(new) {
        match change {
            Change::Added(key, new) => out.key(key, |out| out.add(new.clone())),
            Change::Removed(key, old) => out.key(key, |out| out.remove(old.clone())),
            Change::Updated { key, old, new } => out.key(key, |out| new.diff(old, out)),
        }
    }
}

fn diff_lists(old: &List, new: &List, out: &mut Differ) {
    for Gap { old: in_old, new: in_new } in old.gaps(new) {
        let start = in_new.start;
        let values_old: Vec<&Value> = old.range(in_old).collect();
        let values_new: Vec<&Value> = new.range(in_new).collect();
        for hunk in hunks(&values_old, &values_new) {
            diff_hunk(start + hunk.new.start, &values_old[hunk.old], &values_new[hunk.new], out);
        }
    }
}

/// What differs between two stretches that may hold anything.
fn hunks(old: &[&Value], new: &[&Value]) -> Vec<Hunk> {
    if let Some(hunks) = in_place(old, new) {
        return hunks;
    }
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (Middle::new(&old[..old.len() - end]), Middle::new(&new[..new.len() - end]));
    let mut hunks = sequence::hunks(old.values.len(), new.values.len(), |a, b| old.equal(a, &new, b));
    hunks.iter_mut().for_each(|hunk| hunk.shift(start));
    hunks
}

/// The elements that differ, if both stretches are equally long and few do: elements were overwritten, and none were
/// inserted or removed. Looking for the shortest way would give the same, but not at once.
fn in_place(old: &[&Value], new: &[&Value]) -> Option<Vec<Hunk>> {
    if old.len() != new.len() {
        return None;
    }
    let most = (old.len() / IN_PLACE_SHARE).clamp(1, IN_PLACE_MAX);
    let differ: Vec<usize> = (0..old.len()).filter(|at| old[*at] != new[*at]).take(most + 1).collect();
    (differ.len() <= most).then(|| {
        let runs = differ.chunk_by(|a, b| a + 1 == *b);
        runs.map(|run| run[0]..run[0] + run.len()).map(|run| Hunk { old: run.clone(), new: run }).collect()
    })
}

/// What is left of a stretch when equal ends are cut off.
struct Middle<'a> {
    values: &'a [&'a Value],
    prints: Vec<u64>,
}

impl<'a> Middle<'a> {
    fn new(values: &'a [&'a Value]) -> Self {
        Self { values, prints: values.iter().map(|value| value.fingerprint()).collect() }
    }

    /// Most elements that differ have another fingerprint, so looking deep is the exception.
    fn equal(&self, index: usize, other: &Self, other_index: usize) -> bool {
        self.prints[index] == other.prints[other_index] && self.values[index] == other.values[other_index]
    }
}

/// One stretch of a list that differs, at its place in the new list: what stands before it is the new list already.
fn diff_hunk(at: usize, old: &[&Value], new: &[&Value], out: &mut Differ) {
    if old.len() != new.len() {
        return splice(at, old, new, out);
    }
    let mut run = 0;
    for here in 0..=old.len() {
        let facing = here < old.len() && faces(old[here], new[here]);
        if here < old.len() && !facing {
            continue;
        }
        flat(at + run, &old[run..here], &new[run..here], out);
        if facing {
            out.index(at + here, |out| new[here].diff(old[here], out));
        }
        run = here + 1;
    }
}

/// Whether two elements are versions of one thing rather than one thing in place of another: then what changed inside
/// says more than the whole.
fn faces(old: &Value, new: &Value) -> bool {
    matches!((old, new), (Value::Map(_), Value::Map(_)) | (Value::List(_), Value::List(_)))
}

/// Elements without an inside to look into: a single one is replaced, more are one splice.
fn flat(at: usize, old: &[&Value], new: &[&Value], out: &mut Differ) {
    match (old, new) {
        ([], []) => {}
        ([old], [new]) => out.index(at, |out| new.diff(old, out)),
        _ => splice(at, old, new, out),
    }
}

fn splice(at: usize, old: &[&Value], new: &[&Value], out: &mut Differ) {
    let items = |values: &[&Value]| Insert::Items(values.iter().copied().cloned().collect());
    out.splice(at, items(old), items(new));
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
            Insert::Items(list.splice(at, del, items.iter().cloned()))
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
fn splice_text(text: &mut Arc<str>, at: usize, del: usize, ins: &str) -> Result<Arc<str>, ApplyErrorKind> {
    check_stretch(at, del, text.chars().count())?;
    let start = byte_of(text, at);
    let end = start + byte_of(&text[start..], del);
    let out = Arc::from(&text[start..end]);
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

    const LEN: usize = 100_000;

    /// The operations that lead from a long list of different numbers to an edited one.
    fn told(edit: impl FnOnce(&mut List)) -> Vec<Action> {
        let old: List = (0..LEN).collect();
        let mut new = old.clone();
        edit(&mut new);
        let (old, new) = (Value::from(old), Value::from(new));
        let mut differ = Differ::new();
        new.diff(&old, &mut differ);
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
            list.splice(LEN - 5, 2, (0..100).map(Value::from));
        });
        let names: Vec<&str> = told.iter().map(Action::name).collect();
        assert_eq!(names, ["replace", "splice", "replace", "splice"]);
    }

    #[test]
    fn a_long_stretch_moved_is_taken_out_and_put_in() {
        let told = told(|list| {
            let moved = list.splice(10_000, 20_000, []);
            list.splice(50_000, 0, moved);
        });
        let touched = |action: &Action| match action {
            Action::Splice { del, ins, .. } => del.max(&ins.len()).to_owned(),
            _ => 1,
        };
        assert!(told.iter().map(touched).sum::<usize>() <= 40_000, "{} operations", told.len());
    }
}
