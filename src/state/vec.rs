//! [`State`] for `Vec`: what was inserted or removed becomes splices, what changed inside an element is found there.
//!
//! Costs O(n) to compare, and to clone for a draft.

use std::ops::Range;

use super::sequence::{self, Hunk};
use super::whole::{apply_whole, mismatch};
use super::{Differ, NeverNull, State, StateError};
use crate::patch::{Action, ApplyErrorKind, Insert};
use crate::value::{Segment, Value};

/// Comparing costs the length.
impl<T: State> State for Vec<T> {
    fn diff(&self, old: &Self, out: &mut Differ) {
        let start = old.iter().zip(self).take_while(|(old, new)| new.same(old)).count();
        let (old_rest, new_rest) = (&old[start..], &self[start..]);
        let end =
            old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| new.same(old)).count();
        let old = &old_rest[..old_rest.len() - end];
        let new = &new_rest[..new_rest.len() - end];
        for Hunk { old: gone, new: came } in in_place_or_moved(old, new) {
            diff_hunk(start + came.start, &old[gone], &new[came], out);
        }
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        match (path, action) {
            ([], Action::Splice { at, del, ins: Insert::Items(items) }) => splice(self, *at, *del, items),
            ([], _) => apply_whole(self, action),
            ([Segment::Index(index)], Action::Add(new)) => insert(self, *index, new),
            ([Segment::Index(index)], Action::Remove) => {
                check_position(*index, self.len())?;
                Ok(Action::Add(self.remove(*index).to_value()))
            }
            ([Segment::Index(index), rest @ ..], _) => {
                check_position(*index, self.len())?;
                self[*index].apply(rest, action)
            }
            ([segment, ..], _) => Err(mismatch(segment, "list")),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(a, b)| a.same(b))
    }

    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        let Value::List(list) = &value else { return Err(StateError::unfit("list", &value)) };
        list.iter().enumerate().map(|(index, item)| read(item, index)).collect()
    }
}

impl<T: State> NeverNull for Vec<T> {}

fn read<T: State>(item: &Value, index: usize) -> Result<T, StateError> {
    T::from_value(item.clone()).map_err(|error| error.within(index))
}

/// Stretches of one length are taken for changed in place unless most of their elements are found again elsewhere.
fn in_place_or_moved<T: State>(old: &[T], new: &[T]) -> Vec<Hunk> {
    let hunks = sequence::hunks(old.len(), new.len(), |a, b| new[b].same(&old[a]));
    if old.len() != new.len() {
        return hunks;
    }
    let in_place = runs(old.len(), |index| !new[index].same(&old[index]));
    let changed: usize = in_place.iter().map(Range::len).sum();
    let moved: usize = hunks.iter().map(|hunk| hunk.old.len().max(hunk.new.len())).sum();
    if changed > moved {
        return hunks;
    }
    in_place.into_iter().map(|run| Hunk { old: run.clone(), new: run }).collect()
}

/// The stretches of `0..len` in which `wanted` holds.
fn runs(len: usize, wanted: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in (0..len).filter(|index| wanted(*index)) {
        match runs.last_mut().filter(|run| run.end == index) {
            Some(run) => run.end += 1,
            None => runs.push(index..index + 1),
        }
    }
    runs
}

/// One stretch that differs, at its place in the new vector: what stands before it is the new one already.
fn diff_hunk<T: State>(at: usize, old: &[T], new: &[T], out: &mut Differ) {
    let items = |part: &[T]| Insert::Items(part.iter().map(T::to_value).collect());
    if old.len() != new.len() || (T::LEAF && old.len() > 1) {
        return out.splice(at, items(old), items(new));
    }
    for (index, (old, new)) in old.iter().zip(new).enumerate() {
        out.index(at + index, |out| new.diff(old, out));
    }
}

fn check_position(index: usize, len: usize) -> Result<(), ApplyErrorKind> {
    if index < len { Ok(()) } else { Err(ApplyErrorKind::Bounds { index, len }) }
}

fn insert<T: State>(list: &mut Vec<T>, index: usize, new: &Value) -> Result<Action, ApplyErrorKind> {
    if index > list.len() {
        return Err(ApplyErrorKind::Bounds { index, len: list.len() });
    }
    list.insert(index, T::from_value(new.clone())?);
    Ok(Action::Remove)
}

fn splice<T: State>(
    list: &mut Vec<T>,
    at: usize,
    del: usize,
    items: &[Value],
) -> Result<Action, ApplyErrorKind> {
    let end = at.saturating_add(del);
    if end > list.len() {
        return Err(ApplyErrorKind::Bounds { index: end, len: list.len() });
    }
    let new: Vec<T> =
        items.iter().enumerate().map(|(index, item)| read(item, index)).collect::<Result<_, StateError>>()?;
    let old = list.splice(at..end, new).map(|item| item.to_value()).collect();
    Ok(Action::Splice { at, del: items.len(), ins: Insert::Items(old) })
}
