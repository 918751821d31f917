//! What is said of a change: operations, patches of them, and why one does not fit or cannot be made.
//!
//! Data and facts only, between `value`, which everything is made of, and `state`, which says how a type differs and carries
//! operations out. What is done with whole patches is `patch`'s. Always: what is here knows no type of state.

mod action;
mod error;
mod unfit;

pub use action::{Action, Insert, Op};
pub use error::{ApplyError, ApplyErrorKind, DraftError};
pub use unfit::{StateError, StateErrorKind};

use crate::value::{Flaw, Value};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Operations to be applied in order.
///
/// Reads as a slice of [`Op`]. Two patches are equal when they hold equal operations; patches of one effect but with
/// different operations differ. Cloned in O(1): many hold the same one, and whoever changes one has a copy of it then.
#[derive(Clone, Default)]
pub struct Patch {
    /// Nothing, where there are none.
    ops: Option<Arc<Ops>>,
}

/// Most patches have one operation, which then lies with the count of who holds it, in one piece of memory.
#[derive(Clone)]
enum Ops {
    One([Op; 1]),
    Many(Vec<Op>),
}

impl Ops {
    fn as_slice(&self) -> &[Op] {
        match self {
            Ops::One(op) => op,
            Ops::Many(ops) => ops,
        }
    }

    fn into_vec(self) -> Vec<Op> {
        match self {
            Ops::One(op) => op.into(),
            Ops::Many(ops) => ops,
        }
    }
}

impl Patch {
    /// A patch that changes nothing.
    pub const fn new() -> Self {
        Self { ops: None }
    }

    /// Appends an operation. O(1) amortised; O(operations) the first time after it was cloned.
    pub fn push(&mut self, op: Op) {
        match &self.ops {
            None => self.ops = Some(Arc::new(Ops::One([op]))),
            Some(_) => self.own().push(op),
        }
    }

    /// The operations, owned. O(1); O(operations) if somebody else holds them too.
    pub fn into_ops(self) -> Vec<Op> {
        self.ops.map(Arc::unwrap_or_clone).map(Ops::into_vec).unwrap_or_default()
    }

    /// All of them, for who adds others.
    fn own(&mut self) -> &mut Vec<Op> {
        let ops = Arc::make_mut(self.ops.get_or_insert_with(|| Arc::new(Ops::Many(Vec::new()))));
        if let Ops::One(_) = ops {
            *ops = Ops::Many(std::mem::replace(ops, Ops::Many(Vec::new())).into_vec());
        }
        match ops {
            Ops::Many(ops) => ops,
            Ops::One(_) => unreachable!(),
        }
    }
}

/// Puts an operation behind others. Most patches have one alone, which shall not take the room of four.
pub(crate) fn append(ops: &mut Vec<Op>, op: Op) {
    if ops.is_empty() {
        ops.reserve_exact(1);
    }
    ops.push(op);
}

impl PartialEq for Patch {
    fn eq(&self, other: &Patch) -> bool {
        let is_same = self.as_ptr() == other.as_ptr() && self.len() == other.len();
        is_same || **self == **other
    }
}

impl Eq for Patch {}

impl Deref for Patch {
    type Target = [Op];

    fn deref(&self) -> &[Op] {
        self.ops.as_deref().map_or(&[], Ops::as_slice)
    }
}

impl AsRef<[Op]> for Patch {
    fn as_ref(&self) -> &[Op] {
        self
    }
}

impl From<Vec<Op>> for Patch {
    fn from(ops: Vec<Op>) -> Self {
        let ops = match <[Op; 1]>::try_from(ops) {
            Ok(op) => Ops::One(op),
            Err(ops) if ops.is_empty() => return Self::new(),
            Err(ops) => Ops::Many(ops),
        };
        Self { ops: Some(Arc::new(ops)) }
    }
}

impl FromIterator<Op> for Patch {
    fn from_iter<I: IntoIterator<Item = Op>>(ops: I) -> Self {
        let mut patch = Patch::new();
        patch.extend(ops);
        patch
    }
}

impl Extend<Op> for Patch {
    fn extend<I: IntoIterator<Item = Op>>(&mut self, ops: I) {
        let mut ops = ops.into_iter();
        if self.ops.is_none() {
            ops.next().into_iter().for_each(|first| self.push(first));
        }
        if let Some(next) = ops.next() {
            self.own().extend(std::iter::once(next).chain(ops));
        }
    }
}

impl IntoIterator for Patch {
    type Item = Op;
    type IntoIter = std::vec::IntoIter<Op>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_ops().into_iter()
    }
}

impl<'a> IntoIterator for &'a Patch {
    type Item = &'a Op;
    type IntoIter = std::slice::Iter<'a, Op>;

    fn into_iter(self) -> Self::IntoIter {
        (**self).iter()
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Why what the action brings along may not be stored with `room` levels left at its path.
pub(crate) fn flaw(action: &Action, room: usize) -> Option<Flaw> {
    match action {
        Action::Add(value) | Action::Replace(value) => value.flaw(room),
        Action::Splice { ins: Insert::Items(items), .. } => items_flaw(items, room),
        Action::Splice { ins: Insert::Text(_), .. } | Action::Remove | Action::Inc(_) => None,
    }
}

/// The list that is spliced takes one level itself.
fn items_flaw(items: &[Value], room: usize) -> Option<Flaw> {
    match room.checked_sub(1) {
        Some(below) => items.iter().find_map(|item| item.flaw(below)),
        None => Some(Flaw::Depth),
    }
}
