//! [`State`] for what shows as the type inside it: `Box`, `Arc`, `Shared`, and `Option` with null for `None`.
//!
//! Always: identity is asked before equality; what may be null cannot be inside an `Option`, so that `None` stays
//! apart.

use std::error::Error;
use std::sync::Arc;

use super::derived::rules;
use super::whole::{apply_whole, mismatch};
use super::{Differ, State, StateError};
use crate::collections::Shared;
use crate::op::{Action, ApplyErrorKind};
use crate::rules::Places;
use crate::value::{Segment, Value};

/// A state that never shows as null, so that an `Option` of it can use null for `None`.
///
/// Implemented for everything but `()`, `Option`, `Value` and what shows as one of those. Deriving
/// [`State`] brings it along; an implementation by hand says it with `impl NeverNull for MyType {}`.
///
/// ```compile_fail,E0277
/// use redraft::{State, diff};
///
/// diff(&Some(Some(1)), &Some(None)); // None and Some(None) would both be null
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` may show as null, so an `Option` of it could not tell `None` from `Some`",
    label = "may show as null",
    note = "wrap it in a struct with a named field or in an enum of your own with `#[derive(State)]`; \
            instead of `Option<()>` use `bool`, instead of `Option<Value>` use `Value`"
)]
pub trait NeverNull: State {}

impl<T: State> State for Box<T> {
    fn rules(places: &mut Places) {
        rules::<T>(places);
    }

    const LEAF: bool = T::LEAF;
    const SCHEMA: u32 = T::SCHEMA;

    fn migrate(from: u32, document: &mut Value) -> Result<(), Box<dyn Error + Send + Sync>> {
        T::migrate(from, document)
    }

    fn diff_from(&self, old: &Self, out: &mut Differ) {
        (**self).diff_from(old, out);
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        (**self).apply(path, action)
    }

    fn same(&self, other: &Self) -> bool {
        (**self).same(other)
    }

    fn to_value(&self) -> Value {
        (**self).to_value()
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        T::from_value(value).map(Self::new)
    }

    fn faces(&self, old: &Self) -> bool {
        (**self).faces(old)
    }

    fn fingerprint(&self) -> u64 {
        (**self).fingerprint()
    }
}

impl<T: NeverNull> NeverNull for Box<T> {}

macro_rules! shared {
    ($pointer:ident) => {
        /// Cloning is O(1), and what both versions share is not looked at.
        impl<T: State> State for $pointer<T> {
            fn rules(places: &mut Places) {
                rules::<T>(places);
            }

            const LEAF: bool = T::LEAF;
            const SCHEMA: u32 = T::SCHEMA;

            fn migrate(from: u32, document: &mut Value) -> Result<(), Box<dyn Error + Send + Sync>> {
                T::migrate(from, document)
            }

            fn diff_from(&self, old: &Self, out: &mut Differ) {
                if !Self::ptr_eq(self, old) {
                    (**self).diff_from(old, out);
                }
            }

            fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
                Self::make_mut(self).apply(path, action)
            }

            fn same(&self, other: &Self) -> bool {
                Self::ptr_eq(self, other) || (**self).same(other)
            }

            fn shares(&self, old: &Self) -> bool {
                Self::ptr_eq(self, old) || (T::LEAF && (**self).same(old))
            }

            fn to_value(&self) -> Value {
                (**self).to_value()
            }

            fn from_value(value: Value) -> Result<Self, StateError> {
                T::from_value(value).map(Self::new)
            }

            fn faces(&self, old: &Self) -> bool {
                (**self).faces(old)
            }

            fn fingerprint(&self) -> u64 {
                (**self).fingerprint()
            }
        }

        impl<T: NeverNull> NeverNull for $pointer<T> {}
    };
}

shared!(Arc);
shared!(Shared);

impl<T: NeverNull> State for Option<T> {
    fn rules(places: &mut Places) {
        rules::<T>(places);
    }

    const LEAF: bool = T::LEAF;

    fn diff_from(&self, old: &Self, out: &mut Differ) {
        match (old, self) {
            (None, None) => {}
            (Some(old), Some(new)) => new.diff_from(old, out),
            (old, new) => {
                let shown = out.shown(new);
                out.replace(old.to_value(), shown);
            }
        }
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        match (self, path, action) {
            (here, [], Action::Add(_) | Action::Replace(_)) => apply_whole(here, action),
            (Some(inner), ..) => inner.apply(path, action),
            (None, [segment, ..], _) => Err(mismatch(segment, "null")),
            (here @ None, [], _) => apply_whole(here, action),
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (None, None) => true,
            (Some(a), Some(b)) => a.same(b),
            _ => false,
        }
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}
