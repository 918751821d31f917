//! [`State`] for [`Counter`]: an integer whose changes are told as what was added.
//!
//! Always: what is told has an inverse; a difference that is no `i64` is told as a replacement.

use super::whole::{apply_leaf, mismatch};
use super::{Differ, NeverNull, State, StateError};
use crate::collections::Counter;
use crate::op::{Action, ApplyErrorKind};
use crate::value::{Segment, Value};

/// Not a leaf: of a list of counters that were counted on, each is told by what was added to it.
impl State for Counter {
    fn diff_from(&self, old: &Self, out: &mut Differ) {
        // `i64::MIN` could be added but not taken off again.
        match self.get().checked_sub(old.get()) {
            Some(0) => {}
            Some(by) if by != i64::MIN => out.inc(by),
            _ => out.replace(old.to_value(), self.to_value()),
        }
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        match (path, action) {
            ([], Action::Inc(by)) => {
                let undo = by.checked_neg().ok_or(ApplyErrorKind::Overflow)?;
                *self = self.checked_add(*by).ok_or(ApplyErrorKind::Overflow)?;
                Ok(Action::Inc(undo))
            }
            ([], _) => apply_leaf(self, path, action),
            ([segment, ..], _) => Err(mismatch(segment, "integer")),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        Value::Int(self.get())
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        i64::from_value(value).map(Self::from)
    }
}

impl NeverNull for Counter {}
