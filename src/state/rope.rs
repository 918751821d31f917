//! [`State`] for [`Text`]: a string to the outside, a rope to the program.
//!
//! What two texts do not share is told as splices, found by `text`; they say where somebody wrote, which a replacement
//! would not.

use super::dynamic::check_stretch;
use super::whole::apply_leaf;
use super::{Differ, NeverNull, State, StateError, text};
use crate::collections::Text;
use crate::op::{Action, ApplyErrorKind, Insert};
use crate::value::{Segment, Str, Value};

/// Shows as a string. A change costs what it changes and O(log n), not the length.
impl State for Text {
    fn diff_from(&self, old: &Self, out: &mut Differ) {
        if self.ptr_eq(old) {
            return;
        }
        if let Some((start, old, new)) = old.one_chunk(self) {
            return text::splices(start, old, new, out);
        }
        for gap in old.diff(self) {
            text::splices(gap.new.start, &old.slice(gap.old), &self.slice(gap.new), out);
        }
    }

    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind> {
        match (path, action) {
            ([], Action::Splice { at, del, ins: Insert::Text(ins) }) => splice(self, *at, *del, ins),
            _ => apply_leaf(self, path, action),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn to_value(&self) -> Value {
        Value::Str(String::from(self).into())
    }

    fn from_value(value: Value) -> Result<Self, StateError> {
        value.as_str().map(Self::from).ok_or_else(|| StateError::unfit("string", &value))
    }
}

impl NeverNull for Text {}

fn splice(text: &mut Text, at: usize, del: usize, ins: &str) -> Result<Action, ApplyErrorKind> {
    check_stretch(at, del, text.len())?;
    let out = match del {
        0 => Str::default(),
        _ => text.slice(at..at + del).into(),
    };
    text.replace_range(at..at + del, ins);
    Ok(Action::Splice { at, del: ins.chars().count(), ins: Insert::Text(out) })
}
