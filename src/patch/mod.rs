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
mod overlap;
mod squash;
mod trace;
mod transform;

pub use crate::op::{Action, ApplyError, ApplyErrorKind, Insert, Op, Patch};
#[cfg(feature = "json")]
use apply::apply_op;
pub use apply::{Applied, apply, invert};
pub(crate) use apply::{apply_in_place, carry_out, disagreement};
pub use compose::compose;
pub use overlap::interferes;
#[cfg(feature = "index")]
pub(crate) use overlap::reach;
pub(crate) use overlap::touches;
pub use squash::{squash, squash_stateless};
pub(crate) use trace::{Met, may_end, outcome, sources, trace};
pub(crate) use transform::{Contest, Led, Step, carried, carried_back, lead, steps, steps_behind, without};
pub use transform::{DropReason, Dropped, Side, Transformed, transform, transform_both};
