//! Running a recipe: from a base state and a closure to the new state, the patch and its inverse.
//!
//! The entrance of the whole path: the closure edits a cheap copy, [`State::diff`] finds out what it did. Leaves
//! making it durable to others. Always holds: the base is never changed; when the recipe fails or panics there is
//! nothing to clean up.

use std::error::Error;

use crate::patch::Patch;
use crate::state::{Differ, State};
use crate::value::{DEPTH_MAX, Flaw, KEY_BYTES_MAX, Path};

/// What a recipe made of the base state.
#[derive(Clone, Debug)]
pub struct Drafted<S> {
    /// The new state.
    pub state: S,
    /// What turns the base into `state`; empty if the recipe changed nothing.
    pub patch: Patch,
    /// What turns `state` back into the base.
    pub inverse: Patch,
}

/// Why a recipe made nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The recipe itself returned an error.
    #[error("the recipe failed: {0}")]
    Recipe(#[source] Box<dyn Error + Send + Sync>),
    /// The recipe nested values too deep.
    #[error("nested deeper than {DEPTH_MAX} at \"{path}\"")]
    Depth {
        /// Where the change that is too deep would have gone.
        path: Path,
    },
    /// The recipe used a key of too many bytes.
    #[error("a key of more than {KEY_BYTES_MAX} bytes at \"{path}\"")]
    BadKey {
        /// Where the change with the key would have gone.
        path: Path,
    },
}

/// What a recipe may return: nothing, or a `Result` whose error means that nothing is to happen.
pub trait Outcome {
    /// The error, if there is one.
    ///
    /// # Errors
    /// Whatever the recipe returned.
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

/// Runs `recipe` on a copy of `base` and finds out what it changed. Costs what the recipe changes, not what the state
/// holds.
///
/// # Errors
/// [`DraftError::Recipe`] when the recipe returns an error; [`DraftError::Depth`] and [`DraftError::BadKey`] when what
/// it made could not be stored.
///
/// ```
/// use redraft::{draft, value};
///
/// let base = value!({ "title": "plan" });
/// let drafted = draft(&base, |doc| doc["done"] = true.into())?;
/// assert_eq!(drafted.state, value!({ "title": "plan", "done": true }));
/// assert_eq!(drafted.patch.len(), 1);
/// # Ok::<(), redraft::DraftError>(())
/// ```
pub fn draft<S: State, R: Outcome>(
    base: &S,
    recipe: impl FnOnce(&mut S) -> R,
) -> Result<Drafted<S>, DraftError> {
    let mut state = base.clone();
    recipe(&mut state).into_result().map_err(DraftError::Recipe)?;
    let (patch, inverse) = diff(base, &state)?;
    Ok(Drafted { state, patch, inverse })
}

/// What turns `old` into `new`, and what turns it back.
///
/// # Errors
/// [`DraftError::Depth`] and [`DraftError::BadKey`] when `new` holds what may not be stored.
pub fn diff<S: State>(old: &S, new: &S) -> Result<(Patch, Patch), DraftError> {
    let mut differ = Differ::new();
    new.diff(old, &mut differ);
    told(differ)
}

/// What a differ was told, or why it may not be stored.
pub(crate) fn told(differ: Differ) -> Result<(Patch, Patch), DraftError> {
    differ.into_result().map_err(|refused| match refused.flaw {
        Flaw::Depth => DraftError::Depth { path: refused.path },
        Flaw::Key => DraftError::BadKey { path: refused.path },
    })
}
