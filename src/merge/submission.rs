//! [`Submission`]: a change that was made elsewhere, on a version its writer knew.
//!
//! Leaves judging it to `resolve`. Always: who, with which number, and when it was made says which submission it is.

use super::trail::Seen;
use crate::op::Patch;
use crate::record::{Meta, Stamp, WriterId};
use crate::value::{Pointer, Value};

/// A change that was made elsewhere, on a version that its writer knew: what [`Store::merge`](crate::Store::merge) takes.
///
/// ```
/// use redraft::merge::{Guard, Submission};
/// use redraft::{Patch, diff, value};
///
/// let (patch, _) = diff(&value!({ "votes": 1 }), &value!({ "votes": 2 }))?;
/// let submission = Submission::new(41, patch)
///     .by("00000000000004d2".parse().unwrap(), 7)
///     .label("one more")
///     .guard(Guard::unchanged("/closed".parse()?));
/// assert_eq!(submission.base, 41);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission {
    /// The version it was made on. If the writer has submitted other changes after that version, it was made on top of these.
    pub base: u64,
    /// Who made it, and the how manieth change of theirs it is, from 1: the same change submitted twice is merged once. Nothing:
    /// it is nobody's, and merged as often as it is submitted.
    pub by: Option<(WriterId, u64)>,
    /// When it was made, by the writer's clock; nothing: when it is merged.
    pub written: Option<Stamp>,
    /// What was changed.
    pub patch: Patch,
    /// What its writer says about it.
    pub meta: Meta,
    /// What must hold for it to be made at all.
    pub guards: Vec<Guard>,
    /// Whether it is refused as a whole where some of it cannot be done.
    pub all_or_nothing: bool,
    /// The recipe that made it, for [`Policy::Rebase`](super::Policy::Rebase).
    pub call: Option<Call>,
    /// Set where its writer gives it up: it takes its number, so that those behind it can follow, and changes nothing.
    pub(crate) withdrawn: Option<Withdrawn>,
    /// What it was made on, where that is known better than by its base and its writer's other changes.
    pub(crate) seen: Seen,
}

/// What its writer gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawn {
    pub(crate) why: String,
    /// Whether its writer shows it by then, so that what it made afterwards stands on it.
    pub(crate) is_shown: bool,
}

/// What must hold for a submission to be made at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guard {
    /// A value must be at a place of the newest state.
    Test {
        /// The place.
        place: Pointer,
        /// The value.
        value: Value,
    },
    /// Nobody else may have touched a place since the version the submission was made on: what was read, and not written.
    Unchanged {
        /// The place. What is above and beneath it counts too.
        place: Pointer,
    },
}

/// A recipe by its name, with what it is to be run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name it was registered under.
    pub name: String,
    /// What it is run with.
    pub args: Value,
}

impl Submission {
    /// A change to the state at version `base`.
    pub fn new(base: u64, patch: impl Into<Patch>) -> Self {
        Submission {
            base,
            by: None,
            written: None,
            patch: patch.into(),
            meta: Meta::default(),
            guards: Vec::new(),
            all_or_nothing: false,
            call: None,
            withdrawn: None,
            seen: Seen::default(),
        }
    }

    /// The same, as the change number `sequence` of a writer.
    #[must_use]
    pub fn by(mut self, writer: WriterId, sequence: u64) -> Self {
        self.by = Some((writer, sequence));
        self
    }

    /// The same, made at a time.
    #[must_use]
    pub fn written(mut self, written: Stamp) -> Self {
        self.written = Some(written);
        self
    }

    /// The same with something that must hold for it to be made.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }

    /// The same, to be refused as a whole where some of it cannot be done.
    #[must_use]
    pub fn all_or_nothing(mut self) -> Self {
        self.all_or_nothing = true;
        self
    }

    /// The same with what its writer says about it.
    #[must_use]
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = meta;
        self
    }

    /// The same with a label.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.meta.label = Some(text.into());
        self
    }

    /// The same, as what a recipe made.
    #[must_use]
    pub fn call(mut self, name: impl Into<String>, args: impl Into<Value>) -> Self {
        self.call = Some(Call { name: name.into(), args: args.into() });
        self
    }

    /// Why its writer gives it up, if it does: it was made too long ago for anybody to know what it met. It is recorded as refused, so that those
    /// behind it can follow. O(1).
    pub fn withdrawn(&self) -> Option<&str> {
        self.withdrawn.as_ref().map(|withdrawn| &*withdrawn.why)
    }

    /// Whether its writer shows nothing of it.
    pub(crate) fn is_unseen(&self) -> bool {
        self.withdrawn.as_ref().is_some_and(|withdrawn| !withdrawn.is_shown)
    }

    /// The writer, if it has one.
    pub(crate) fn writer(&self) -> Option<WriterId> {
        self.by.map(|(writer, _)| writer)
    }
}

impl Guard {
    /// A value must be at a place of the newest state.
    pub fn test(place: Pointer, value: impl Into<Value>) -> Self {
        Guard::Test { place, value: value.into() }
    }

    /// Nobody else may have touched a place since the version the submission was made on.
    pub fn unchanged(place: Pointer) -> Self {
        Guard::Unchanged { place }
    }
}
