//! Running a recipe: from a base state and a closure to the new state, the patch and its inverse.
//!
//! The entrance of the whole path: the closure edits a cheap copy, [`State::diff_from`] finds out what it did. Leaves
//! making it durable to others. Always holds: the base is never changed; when the recipe fails or panics there is
//! nothing to clean up.

use std::error::Error;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::op::{DraftError, Patch};
use crate::state::{Differ, State};
use crate::value::Flaw;

/// What a recipe made of the base state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Drafted<S> {
    /// The new state.
    pub state: S,
    /// What turns the base into `state`; empty if the recipe changed nothing.
    pub patch: Patch,
    /// What turns `state` back into the base.
    pub inverse: Patch,
}

impl<S> Drafted<S> {
    /// The same, with a state that others can hold too.
    pub(crate) fn shared(self) -> Drafted<Arc<S>> {
        let Drafted { state, patch, inverse } = self;
        Drafted { state: Arc::new(state), patch, inverse }
    }
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

/// A draft that is begun and finished by hand: for changes that do not fit one closure, such as a dialog that is open
/// until somebody presses "save", or a change put together across `await`s.
///
/// Reads and writes as the state itself. Nobody else sees it before it is finished; dropping it drops the changes.
/// [`Store::draft`](crate::Store::draft) begins one on the state of a store.
///
/// ```
/// use redraft::{Draft, value};
///
/// let base = value!({ "title": "plan", "done": false });
/// let mut draft = Draft::new(base);
/// draft["title"] = "launch".into();
/// assert_eq!(draft.original()["title"].as_str(), Some("plan"));
///
/// let saved = draft.current(); // a copy of what it is now; later edits do not touch it
/// draft["done"] = true.into();
/// assert_eq!(saved["done"].as_bool(), Some(false));
///
/// let drafted = draft.finish()?;
/// assert_eq!(drafted.patch.len(), 2);
/// # Ok::<(), redraft::DraftError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Draft<S> {
    original: Arc<S>,
    state: S,
    /// The version of the store it was begun on.
    version: Option<u64>,
}

impl<S: State> Draft<S> {
    /// Begins a draft; `Draft::from` takes a state that is shared already. Costs one clone of the state.
    pub fn new(original: S) -> Self {
        Self::from(Arc::new(original))
    }

    /// Begins a draft on a version of a store.
    pub(crate) fn at(version: u64, original: Arc<S>) -> Self {
        Self { version: Some(version), ..Self::from(original) }
    }

    pub(crate) fn version(&self) -> Option<u64> {
        self.version
    }

    /// The state the draft was begun on. O(1).
    pub fn original(&self) -> &Arc<S> {
        &self.original
    }

    /// A copy of the draft as it is now. Costs one clone.
    pub fn current(&self) -> S {
        self.state.clone()
    }

    /// What was changed so far, and what takes it back. Costs what changed.
    ///
    /// # Errors
    /// [`DraftError::Depth`] and [`DraftError::BadKey`] when the draft holds what may not be stored.
    pub fn diff(&self) -> Result<(Patch, Patch), DraftError> {
        diff(&*self.original, &self.state)
    }

    /// Ends the draft. Costs what changed.
    ///
    /// # Errors
    /// As [`diff`](Self::diff).
    pub fn finish(self) -> Result<Drafted<S>, DraftError> {
        let (patch, inverse) = self.diff()?;
        Ok(Drafted { state: self.state, patch, inverse })
    }
}

impl<S: State> From<Arc<S>> for Draft<S> {
    fn from(original: Arc<S>) -> Self {
        let state = S::clone(&original);
        Self { original, state, version: None }
    }
}

impl<S> Deref for Draft<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S> DerefMut for Draft<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}

/// Makes a function from state and argument to the drafted state out of a recipe that takes an argument: what Immer
/// calls a curried producer.
///
/// ```
/// use redraft::{producer, value, Value};
///
/// let rename = producer(|doc: &mut Value, title: &str| doc["title"] = title.into());
/// let drafted = rename(&value!({ "title": "plan" }), "launch")?;
/// assert_eq!(drafted.state, value!({ "title": "launch" }));
/// # Ok::<(), redraft::DraftError>(())
/// ```
pub fn producer<S: State, A, R: Outcome>(
    recipe: impl Fn(&mut S, A) -> R,
) -> impl Fn(&S, A) -> Result<Drafted<S>, DraftError> {
    move |base, argument| draft(base, |state| recipe(state, argument))
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
///
/// What a recipe borrows from its draft cannot leave it:
///
/// ```compile_fail,E0521
/// use redraft::{draft, value, Value};
///
/// let mut kept: Option<&mut Value> = None;
/// draft(&value!({}), |doc| kept = Some(doc));
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
    new.diff_from(old, &mut differ);
    told(differ)
}

/// What a differ was told, or why it may not be stored.
pub(crate) fn told(differ: Differ) -> Result<(Patch, Patch), DraftError> {
    differ.into_result().map_err(|refused| match refused.flaw {
        Flaw::Depth => DraftError::Depth { path: refused.path },
        Flaw::Key => DraftError::BadKey { path: refused.path },
        Flaw::Field => DraftError::FieldTwice { path: refused.path },
    })
}
