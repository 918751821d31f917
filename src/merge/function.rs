//! [`Functions`]: a program's own answers to what is done where changes meet, by name and version.
//!
//! Always: one that panics, or is not known, refuses the submission and nothing else.

use super::combine::Refused;
use crate::record::Refusal;
use crate::value::{Path, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Two changes met, and a function of the program is asked what is to be there.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Conflict<'a> {
    /// The place.
    pub path: &'a Path,
    /// What whoever submitted the change started from; nothing if nothing was there.
    pub base: Option<&'a Value>,
    /// What is there.
    pub head: Option<&'a Value>,
    /// What was submitted; nothing if it was taken away.
    pub theirs: Option<&'a Value>,
    /// Whether what was submitted was written later than what is there, by the clocks of the writers.
    pub is_newer: bool,
}

/// What is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// What is there.
    Keep,
    /// What was submitted.
    Take,
    /// Something else.
    Value(Value),
    /// Nothing.
    Remove,
    /// The whole submission is refused; the text says why.
    Reject(String),
}

type Function = dyn Fn(&Conflict<'_>) -> Decision + Send + Sync;

/// The functions that [`Policy::Custom`](super::Policy::Custom) names.
///
/// They decide before anything is recorded, and never again: what they decided is in the log. Yet they should be pure, without clock,
/// chance or files: a replica that shows its own pending changes asks them too, and whoever audits a merge wants the same answer.
///
/// ```
/// use redraft::merge::{Conflict, Decision, Functions};
///
/// let longest = |conflict: &Conflict<'_>| {
///     let length = |value: Option<&redraft::Value>| value.and_then(|value| value.as_str()).map(str::len);
///     if length(conflict.theirs) > length(conflict.head) { Decision::Take } else { Decision::Keep }
/// };
/// let functions = Functions::new().with("longest", 1, longest);
/// assert_eq!(format!("{functions:?}"), r#"{("longest", 1)}"#);
/// ```
#[derive(Clone, Default)]
pub struct Functions {
    known: BTreeMap<(String, u32), Arc<Function>>,
}

impl Functions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more; one of the same name and version is replaced.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        version: u32,
        function: impl Fn(&Conflict<'_>) -> Decision + Send + Sync + 'static,
    ) -> Self {
        self.known.insert((name.into(), version), Arc::new(function));
        self
    }

    pub(super) fn decide(
        &self,
        name: &str,
        version: u32,
        conflict: &Conflict<'_>,
    ) -> Result<Decision, Refused> {
        let place = conflict.path;
        let function = self.known.get(&(name.to_owned(), version));
        let function = function.ok_or_else(|| {
            (
                Refusal::Function,
                format!("at \"{place}\": there is no function {name:?} of version {version} here"),
            )
        })?;
        catch_unwind(AssertUnwindSafe(|| function(conflict)))
            .map_err(|_| (Refusal::Function, format!("at \"{place}\": the function {name:?} panicked")))
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}
