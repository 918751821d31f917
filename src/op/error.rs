//! Why an operation could not be carried out, and why a recipe made nothing: with the place, and what was found there.
//!
//! Nothing has changed where one of these is returned.

use super::{Op, StateError};
use crate::value::{DEPTH_MAX, KEY_BYTES_MAX, Path};
use std::error::Error;

/// Which operation could not be applied, where, and why. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("op {op_index} ({op}) at \"{path}\": {kind}")]
#[non_exhaustive]
pub struct ApplyError {
    /// The operation, counted from 0.
    pub op_index: usize,
    /// What it was: `add`, `replace`, `remove`, `splice` or `inc`.
    pub op: &'static str,
    /// The place it works on.
    pub path: Path,
    /// Why it could not.
    pub kind: ApplyErrorKind,
}

impl ApplyError {
    pub(crate) fn at(op_index: usize, op: &Op, kind: ApplyErrorKind) -> Self {
        Self { op_index, op: op.action.name(), path: op.path.clone(), kind }
    }
}

/// Why an operation could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyErrorKind {
    /// There is nothing at the path, or something on the way to it is missing.
    #[error("nothing is there")]
    NotFound,
    /// A position outside a list or string.
    #[error("position {index} is outside the length of {len}")]
    Bounds {
        /// The position asked for; for a splice, the end of the stretch.
        index: usize,
        /// The length there is.
        len: usize,
    },
    /// The operation needs another type than what is there.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the operation needs.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The path leads into another variant of an enum than the one that is there.
    #[error("the path leads into another variant")]
    Variant,
    /// The key cannot be a key of this map.
    #[error("not a key of this map")]
    BadKey,
    /// The struct has no such field.
    #[error("no such field")]
    UnknownField,
    /// The path is that of a part its type cannot be without: a field of a struct, what is inside a variant.
    #[error("a part of this type cannot be removed")]
    Required,
    /// The value does not fit the type of the place it was to go to, or what would be there afterwards does not.
    #[error("does not fit the type: {0}")]
    Unfit(StateError),
    /// The sum is no 64-bit integer.
    #[error("the sum does not fit 64 bits")]
    Overflow,
    /// The root cannot be taken away, only replaced.
    #[error("the document itself cannot be removed")]
    RemoveRoot,
    /// Something was to be moved into itself.
    #[error("cannot move a value into itself")]
    MoveIntoSelf,
    /// A test found another value.
    #[error("the value tested for is not there")]
    TestFailed,
    /// The path is too long, or the value would be nested too deep.
    #[error("nested deeper than {DEPTH_MAX}")]
    Depth,
    /// A limit on size was reached.
    #[error("too large")]
    Limit,
}

impl From<StateError> for ApplyErrorKind {
    fn from(error: StateError) -> Self {
        Self::Unfit(error)
    }
}

/// Why a recipe made nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The recipe itself returned an error; this reads as that one does.
    #[error(transparent)]
    Recipe(Box<dyn Error + Send + Sync>),
    /// The recipe nested values too deep.
    #[error("nested deeper than {DEPTH_MAX} at \"{path}\"")]
    Depth {
        /// Where the change that is too deep would have gone.
        path: Path,
    },
    /// The recipe put something under the name of a field among what a `#[state(rest)]` field keeps.
    #[error("\"{path}\" is a field of the type, and cannot be kept beside its fields as well")]
    FieldTwice {
        /// The field.
        path: Path,
    },
    /// The recipe used a key of too many bytes.
    #[error("a key of more than {KEY_BYTES_MAX} bytes at \"{path}\"")]
    BadKey {
        /// Where the change with the key would have gone.
        path: Path,
    },
}
