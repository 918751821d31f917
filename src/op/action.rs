//! One operation: where, and what to do there.
//!
//! Knows no state: carrying one out is `State::apply`. Always: an action holds all that it needs, so one that does
//! not fit where it points is an error and not a guess.

use std::fmt;

use crate::value::{Path, Str, Value};

/// One operation of a [`Patch`](super::Patch).
#[derive(Clone, PartialEq, Eq)]
pub struct Op {
    /// The place it works on.
    pub path: Path,
    /// What it does there.
    pub action: Action,
}

/// What an operation does at its path.
///
/// | action | needs | inverse |
/// |---|---|---|
/// | `Add` | a map (insert or overwrite), or a list with an index up to its length (insert) | `Remove`, or `Replace` by the old value |
/// | `Replace` | the target to exist | `Replace` by the old value |
/// | `Remove` | the target to exist; not the root | `Add` of the old value |
/// | `Splice` | a list or string with `at + del` inside it | `Splice` the other way |
/// | `Inc` | an integer, and the sum to be one | `Inc` by the negative |
///
/// `Add` at the root is `Replace`.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Insert.
    Add(Value),
    /// Overwrite.
    Replace(Value),
    /// Take away.
    Remove,
    /// Exchange a stretch of a list (counted in elements) or of a string (counted in Unicode scalar values).
    Splice {
        /// Where the stretch begins.
        at: usize,
        /// How much of it goes.
        del: usize,
        /// What takes its place.
        ins: Insert,
    },
    /// Add to an integer.
    Inc(i64),
}

/// What a splice inserts. Says at the same time what it works on: items go into a list, text into a string.
#[derive(Clone, PartialEq, Eq)]
pub enum Insert {
    /// Elements of a list.
    Items(Vec<Value>),
    /// A piece of a string.
    Text(Str),
}

impl Op {
    /// An operation at a path.
    pub fn new(path: Path, action: Action) -> Self {
        Self { path, action }
    }
}

impl Action {
    /// The name the operation has in JSON and in error messages: `add`, `replace`, `remove`, `splice` or `inc`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Replace(_) => "replace",
            Self::Remove => "remove",
            Self::Splice { .. } => "splice",
            Self::Inc(_) => "inc",
        }
    }
}

impl Insert {
    /// How much is inserted: elements, or Unicode scalar values. O(1) for items, O(n) for text.
    pub fn len(&self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::Text(text) => text.chars().count(),
        }
    }

    /// Whether nothing is inserted. O(1).
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Items(items) => items.is_empty(),
            Self::Text(text) => text.is_empty(),
        }
    }
}

/// As one would write it down: `replace "/cards/3" 7`.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\"", self.action.name(), self.path)?;
        match &self.action {
            Action::Remove => Ok(()),
            Action::Inc(by) => write!(f, " by {by}"),
            Action::Add(value) | Action::Replace(value) => write!(f, " {value:?}"),
            Action::Splice { at, del, ins } => write!(f, " at {at} del {del} ins {ins:?}"),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Op::new(Path::root(), self.clone()).fmt(f)
    }
}

impl fmt::Debug for Insert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(items) => items.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}
