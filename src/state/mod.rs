//! What a program keeps in a store: the [`State`] trait and its implementation for [`Value`].
//!
//! Between `value` (what a state looks like from outside) and `patch` (what changes it). A type says how it differs
//! from an older version of itself and how one operation is carried out; collecting, ordering and undoing are done
//! for all types alike, in [`Differ`] and in [`patch::apply`](crate::patch::apply). Never touches a disk.

mod differ;
mod dynamic;
mod sequence;
mod text;

pub use differ::Differ;

use crate::patch::{Action, ApplyErrorKind};
use crate::value::{Segment, Value};

/// A type that can be the state of a store.
///
/// Laws, which property tests hold every implementation to: applying what [`diff`](Self::diff) found to the old state
/// gives the new one; applying the inverse leads back; an [`apply`](Self::apply) that fails may leave `self` in any
/// state (it is always given a copy), one that succeeds returns what restores the old state exactly.
pub trait State: Clone + Send + Sync + Sized + 'static {
    /// The state of a store nothing has been written to: version 0.
    fn initial() -> Self;

    /// Tells `out` what turns `old` into `self`.
    ///
    /// Subtrees that both share must be skipped by identity before anything is compared: the cost is to follow the
    /// number of changes, not the size of the state.
    fn diff(&self, old: &Self, out: &mut Differ);

    /// Carries out one operation and returns the one that undoes it, at the same path.
    ///
    /// # Errors
    /// What does not fit; see [`ApplyErrorKind`].
    fn apply(&mut self, path: &[Segment], action: &Action) -> Result<Action, ApplyErrorKind>;

    /// The state as a self-describing value, as tools and snapshots see it.
    fn to_value(&self) -> Value;

    /// The state that [`to_value`](Self::to_value) described.
    ///
    /// # Errors
    /// [`StateError`] when the value is not one of this type.
    fn from_value(value: Value) -> Result<Self, StateError>;
}

/// A value does not describe a state of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at \"{path}\": expected {expected}, found {found}")]
pub struct StateError {
    /// Where in the value.
    pub path: crate::value::Path,
    /// What the type wants there.
    pub expected: String,
    /// What is there.
    pub found: String,
}
