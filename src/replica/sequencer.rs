//! [`Sequencer`]: who brings the changes of many writers into one order, wherever that is.
//!
//! A store in this program is one; over a network the feature `http` has one. Always: what it answers is what is recorded.

use crate::error::Result;
use crate::merge::Submission;
use crate::state::State;
use crate::store::{Receipt, Store};
use std::sync::Arc;

/// Who merges what is submitted.
///
/// A call that fails with an error of the kind [`Unreachable`](crate::ErrorKind::Unreachable) or
/// [`Environment`](crate::ErrorKind::Environment) is made again later; whatever came of it, nothing is recorded twice.
pub trait Sequencer: Send + Sync {
    /// Merges in order, up to the first that fails: [`Store::merge_all`](crate::Store::merge_all).
    ///
    /// # Errors
    /// That of the first that fails; those before it may be recorded. When it cannot be asked.
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>>;

    /// The same, begun while they are still being made durable where they were made: `kept` returns once they are, which has to be before
    /// anybody else sees them. Waits for that first, unless there is something to do meanwhile.
    ///
    /// # Errors
    /// As `submit`, and what `kept` answers.
    fn submit_while_kept(
        &self,
        submissions: &[Submission],
        kept: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Receipt>> {
        kept()?;
        self.submit(submissions)
    }
}

impl<S: State + Default> Sequencer for Store<S> {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        self.merge_all(submissions)
    }
}

impl<T: Sequencer + ?Sized> Sequencer for Arc<T> {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        (**self).submit(submissions)
    }

    fn submit_while_kept(
        &self,
        submissions: &[Submission],
        kept: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Receipt>> {
        (**self).submit_while_kept(submissions, kept)
    }
}
