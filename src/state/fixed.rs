//! [`State`] for lists of a fixed length: tuples and arrays. Their elements change in place.
//!
//! Also the tools with which derived tuple structs and variants do the same.

use super::derived::rules_of_each;
use super::whole::{apply_part, apply_whole, mismatch, through_value};
use super::{Differ, NeverNull, State, StateError};
use crate::op::{Action, ApplyErrorKind};
use crate::rules::Places;
use crate::value::{List, Segment, Value};

/// The elements of a list that must be of one length.
#[derive(Debug)]
pub struct Items {
    list: List,
}

impl Items {
    /// Takes a value that must be a list of this length.
    pub fn new(value: Value, len: usize) -> Result<Self, StateError> {
        match value {
            Value::List(list) if list.len() == len => Ok(Self { list }),
            other => Err(StateError::unfit(format!("list of {len}"), &other)),
        }
    }

    /// The element at `index`, read by `read`.
    pub fn take<T>(
        &self,
        index: usize,
        read: impl FnOnce(Value) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        read(self.list[index].clone()).map_err(|error| error.within(index))
    }
}

/// What an operation on a list of fixed length works on.
#[derive(Debug)]
pub enum Target<'p> {
    /// The list itself, or its length: to be done to the whole.
    Whole,
    /// One element, at the rest of the path.
    Item(usize, &'p [Segment]),
}

impl<'p> Target<'p> {
    /// What `path` and `action` work on in a list of `len`.
    pub fn find(path: &'p [Segment], action: &Action, len: usize) -> Result<Self, ApplyErrorKind> {
        match path {
            [] => Ok(Self::Whole),
            [Segment::Index(_)] if matches!(action, Action::Add(_) | Action::Remove) => Ok(Self::Whole),
            [Segment::Index(index), rest @ ..] if *index < len => Ok(Self::Item(*index, rest)),
            [Segment::Index(index), ..] => Err(ApplyErrorKind::Bounds { index: *index, len }),
            [segment, ..] => Err(mismatch(segment, "list")),
        }
    }
}

/// Carries out what works on the list itself. An element more or less is refused when the list is read back.
pub fn apply_to_whole<S: State>(
    state: &mut S,
    path: &[Segment],
    action: &Action,
) -> Result<Action, ApplyErrorKind> {
    if path.is_empty() { apply_whole(state, action) } else { through_value(state, path, action) }
}

macro_rules! tuple {
    ($len:literal: $($part:ident $index:tt),+) => {
        impl<$($part: State),+> State for ($($part,)+) {
            fn diff_from(&self, old: &Self, out: &mut Differ) {
                $(out.index($index, |out| self.$index.diff_from(&old.$index, out));)+
            }

            fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
                match Target::find(path, action, $len)? {
                    $(Target::Item($index, rest) => apply_part(&mut self.$index, rest, action),)+
                    _ => apply_to_whole(self, path, action),
                }
            }

            fn same(&self, other: &Self) -> bool {
                $(self.$index.same(&other.$index))&&+
            }

            fn to_value(&self) -> Value {
                Value::from([$(self.$index.to_value()),+])
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                let items = Items::new(value, $len)?;
                Ok(($(items.take($index, $part::from_value)?,)+))
            }
        }

        impl<$($part: State),+> NeverNull for ($($part,)+) {}
    };
}

tuple!(1: A 0);
tuple!(2: A 0, B 1);
tuple!(3: A 0, B 1, C 2);
tuple!(4: A 0, B 1, C 2, D 3);
tuple!(5: A 0, B 1, C 2, D 3, E 4);
tuple!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// Comparing costs the length.
impl<T: State, const N: usize> State for [T; N] {
    fn rules(places: &mut Places) {
        rules_of_each::<T>(places);
    }

    fn diff_from(&self, old: &Self, out: &mut Differ) {
        for (index, (new, old)) in self.iter().zip(old).enumerate() {
            if !new.same(old) {
                out.index(index, |out| new.diff_from(old, out));
            }
        }
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        match Target::find(path, action, N)? {
            Target::Item(index, rest) => apply_part(&mut self[index], rest, action),
            Target::Whole => apply_to_whole(self, path, action),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.iter().zip(other).all(|(a, b)| a.same(b))
    }

    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        let items = Items::new(value, N)?;
        let read: Vec<T> =
            (0..N).map(|index| items.take(index, T::from_value)).collect::<Result<_, StateError>>()?;
        let unfit = |read: Vec<T>| StateError::unfit(format!("list of {N}"), &Value::from(read.len()));
        read.try_into().map_err(unfit)
    }
}

impl<T: State, const N: usize> NeverNull for [T; N] {}
