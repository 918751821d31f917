//! Patches: lists of operations that turn one state into another, and what undoes them.
//!
//! Made by `draft`, or read from JSON; carried by records. Sits above `value` and beside `state`, which knows how one
//! type applies one operation. Never touches a disk. Always holds: an operation has an exact inverse made from what it
//! really overwrote; a patch is applied wholly or not at all.
//!
//! | to | see |
//! |---|---|
//! | carry out a patch, and get what undoes it | [`apply()`], [`invert`] |
//! | make one patch of several | [`compose()`], to the letter; [`squash()`], in the fewest operations |
//! | bring changes made at the same time into one order | [`transform()`], [`transform_both`] |
//! | know whether an undo would get in the way of later changes | [`interferes`] |

mod apply;
mod compose;
#[cfg(feature = "json")]
pub mod json;
mod op;
mod overlap;
mod squash;
mod transform;

#[cfg(feature = "json")]
use apply::apply_op;
pub use apply::{Applied, ApplyError, ApplyErrorKind, apply, invert};
pub(crate) use apply::{carry_out, disagreement, flaw};
pub use compose::compose;
pub use op::{Action, Insert, Op};
pub use overlap::interferes;
pub use squash::{squash, squash_stateless};
pub use transform::{DropReason, Dropped, Side, Transformed, transform, transform_both};

use std::fmt;
use std::ops::Deref;

/// Operations to be applied in order.
///
/// Reads as a slice of [`Op`]. Two patches are equal when they hold equal operations; patches of one effect but with
/// different operations differ.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Patch {
    ops: Vec<Op>,
}

impl Patch {
    /// A patch that changes nothing.
    pub const fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Appends an operation. O(1) amortised.
    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// The operations, owned. O(1).
    pub fn into_ops(self) -> Vec<Op> {
        self.ops
    }
}

impl Deref for Patch {
    type Target = [Op];

    fn deref(&self) -> &[Op] {
        &self.ops
    }
}

impl AsRef<[Op]> for Patch {
    fn as_ref(&self) -> &[Op] {
        &self.ops
    }
}

impl From<Vec<Op>> for Patch {
    fn from(ops: Vec<Op>) -> Self {
        Self { ops }
    }
}

impl FromIterator<Op> for Patch {
    fn from_iter<I: IntoIterator<Item = Op>>(ops: I) -> Self {
        Self { ops: ops.into_iter().collect() }
    }
}

impl Extend<Op> for Patch {
    fn extend<I: IntoIterator<Item = Op>>(&mut self, ops: I) {
        self.ops.extend(ops);
    }
}

impl IntoIterator for Patch {
    type Item = Op;
    type IntoIter = std::vec::IntoIter<Op>;

    fn into_iter(self) -> Self::IntoIter {
        self.ops.into_iter()
    }
}

impl<'a> IntoIterator for &'a Patch {
    type Item = &'a Op;
    type IntoIter = std::slice::Iter<'a, Op>;

    fn into_iter(self) -> Self::IntoIter {
        self.ops.iter()
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.ops).finish()
    }
}
