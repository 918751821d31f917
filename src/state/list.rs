//! [`State`] for lists of any length: `Vec` and [`List`]. What was inserted or removed becomes splices, what changed
//! inside an element is found there.
//!
//! A `Vec` costs O(n) to compare, and to clone for a draft; a `List` costs what was changed. What either differs by is
//! told by `elements`.

use std::ops::Range;

use super::derived::rules_of_each;
use super::whole::{apply_whole, mismatch};
use super::{Differ, NeverNull, State, StateError, elements};
use crate::collections::List;
use crate::op::{Action, ApplyErrorKind, Insert};
use crate::rules::Places;
use crate::value::{Segment, Value};

/// What both kinds of list must offer; the rest is written once.
trait Sequence: State {
    type Item: State;

    fn len(&self) -> usize;
    fn get_mut(&mut self, index: usize) -> Option<&mut Self::Item>;
    fn insert(&mut self, index: usize, item: Self::Item);
    fn remove(&mut self, index: usize) -> Self::Item;
    fn splice(&mut self, range: Range<usize>, items: Vec<Self::Item>) -> Vec<Value>;
}

fn apply<L: Sequence>(list: &mut L, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
    match (path, action) {
        ([], Action::Splice { at, del, ins: Insert::Items(items) }) => splice(list, *at, *del, items),
        ([], _) => apply_whole(list, action),
        ([Segment::Index(index)], Action::Add(new)) => insert(list, *index, new),
        ([Segment::Index(index)], Action::Remove) => {
            check_position(*index, list.len())?;
            Ok(Action::Add(list.remove(*index).to_value()))
        }
        ([Segment::Index(index), rest @ ..], _) => {
            let bounds = ApplyErrorKind::Bounds { index: *index, len: list.len() };
            list.get_mut(*index).ok_or(bounds)?.apply(rest, action)
        }
        ([segment, ..], _) => Err(mismatch(segment, "list")),
    }
}

fn check_position(index: usize, len: usize) -> Result<(), ApplyErrorKind> {
    if index < len { Ok(()) } else { Err(ApplyErrorKind::Bounds { index, len }) }
}

fn insert<L: Sequence>(list: &mut L, index: usize, new: &Value) -> Result<Action, ApplyErrorKind> {
    if index > list.len() {
        return Err(ApplyErrorKind::Bounds { index, len: list.len() });
    }
    list.insert(index, L::Item::from_value(new.clone())?);
    Ok(Action::Remove)
}

fn splice<L: Sequence>(
    list: &mut L,
    at: usize,
    del: usize,
    items: &[Value],
) -> Result<Action, ApplyErrorKind> {
    let end = at.saturating_add(del);
    if end > list.len() {
        return Err(ApplyErrorKind::Bounds { index: end, len: list.len() });
    }
    let new: Vec<L::Item> = items.iter().enumerate().map(read).collect::<Result<_, StateError>>()?;
    Ok(Action::Splice { at, del: items.len(), ins: Insert::Items(list.splice(at..end, new)) })
}

fn read<T: State>((index, item): (usize, &Value)) -> Result<T, StateError> {
    T::from_value(item.clone()).map_err(|error| error.within(index))
}

fn diff_vecs<T: State>(new: &[T], old: &[T], out: &mut Differ) {
    let start = elements::common(old.iter(), new.iter());
    let (old, new) = (&old[start..], &new[start..]);
    let end = elements::common(old.iter().rev(), new.iter().rev());
    let old: Vec<&T> = old[..old.len() - end].iter().collect();
    let new: Vec<&T> = new[..new.len() - end].iter().collect();
    elements::diff(start, &old, &new, out);
}

fn diff_lists<T: State>(new: &List<T>, old: &List<T>, out: &mut Differ) {
    elements::diff_lists(old, new, out);
}

fn same_vecs<T: State>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
}

fn same_lists<T: State>(a: &List<T>, b: &List<T>) -> bool {
    a.len() == b.len() && a.pairs(b).all(|(_, a, b)| same_vecs(a, b))
}

macro_rules! list {
    ($list:ident, $get_mut:expr, $diff:ident, $same:ident, $doc:literal) => {
        impl<T: State> Sequence for $list<T> {
            type Item = T;

            fn len(&self) -> usize {
                Self::len(self)
            }

            fn get_mut(&mut self, index: usize) -> Option<&mut T> {
                $get_mut(self, index)
            }

            fn insert(&mut self, index: usize, item: T) {
                Self::insert(self, index, item);
            }

            fn remove(&mut self, index: usize) -> T {
                Self::remove(self, index)
            }

            fn splice(&mut self, range: Range<usize>, items: Vec<T>) -> Vec<Value> {
                Self::splice(self, range, items).into_iter().map(|item| item.to_value()).collect()
            }
        }

        #[doc = $doc]
        impl<T: State> State for $list<T> {
            fn rules(places: &mut Places) {
                rules_of_each::<T>(places);
            }

            fn diff_from(&self, old: &Self, out: &mut Differ) {
                $diff(self, old, out);
            }

            fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
                apply(self, path, action)
            }

            fn same(&self, other: &Self) -> bool {
                $same(self, other)
            }

            fn to_value(&self) -> Value {
                self.iter().map(T::to_value).collect()
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let Value::List(list) = &value else { return Err(StateError::unfit("list", &value)) };
                list.iter().enumerate().map(read).collect()
            }
        }

        impl<T: State> NeverNull for $list<T> {}
    };
}

list!(Vec, <[T]>::get_mut, diff_vecs, same_vecs, "Comparing costs the length.");
list!(List, Self::get_mut, diff_lists, same_lists, "Comparing costs what changed: O(changes * log n).");
