//! What a [`Node`] does with changes that are not recipes: patches from elsewhere, and taking a change back.
//!
//! A patch goes the way of a recipe, with its operations as they are. An undo is decided on the newest state, as a store's is, and anew
//! whenever somebody else was faster. Always: nothing is overwritten that was changed since.

use super::node::Node;
use super::settled::{Pending, Settled};
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::patch::Patch;
use crate::record::Meta;
use crate::state::State;
use crate::store::Receipt;
use crate::store::complete::applied;
use crate::store::propose::Proposal;
use std::cell::Cell;

impl<S: State + Default> Node<S> {
    /// Applies a patch to the [state](Node::state), and waits until it has its place in the order, as [`produce`](Node::produce) does.
    /// Where others were faster the rules decide, about the operations as they are: an `inc` still counts. All of it is done, or nothing.
    ///
    /// # Errors
    /// [`Error::Apply`] when the patch does not fit; otherwise as `produce`.
    pub fn apply(&self, patch: &Patch) -> Result<Settled> {
        self.apply_with(Meta::default(), |_| Ok(patch.clone()))
    }

    /// [`apply`](Node::apply) with a label, a time or tags for the history, of a patch that is made for the very state it is applied to.
    ///
    /// # Errors
    /// What `make` says; as `apply`.
    pub fn apply_with<E: From<Error>>(
        &self,
        meta: Meta,
        make: impl FnOnce(&S) -> Result<Patch, E>,
    ) -> Result<Settled, E> {
        let awaited = self.desk.applied(self.patience, meta, make)??;
        Ok(self.wait(&awaited)?)
    }

    /// Takes back the change that made `version`, as a new change: [`Store::undo`](crate::Store::undo), in the order. Returns the version
    /// it made. Costs what that costs, and an answer of the order for each time somebody else is faster.
    ///
    /// # Errors
    /// As `Store::undo`, and what the order answers: then it may be undone, or not.
    pub fn undo(&self, version: u64) -> Result<u64> {
        self.made(|| self.store().propose_undo(&Meta::default(), version))
    }

    /// Does again what was undone: [`Store::redo`](crate::Store::redo), in the order. Returns the version it made.
    ///
    /// # Errors
    /// As `Store::redo`, and what the order answers.
    pub fn redo(&self, version: u64) -> Result<u64> {
        self.made(|| self.store().propose_redo(&Meta::default(), version))
    }

    /// Gives the change that is proposed its place; the version it made.
    pub(super) fn made(&self, propose: impl Fn() -> Result<Option<Proposal<S>>>) -> Result<u64> {
        self.placed(propose).map(|(version, _)| version)
    }

    /// The same; and the answers to what was submitted.
    pub(super) fn placed(
        &self,
        propose: impl Fn() -> Result<Option<Proposal<S>>>,
    ) -> Result<(u64, Vec<Receipt>)> {
        self.desk.must_work()?;
        let (ordering, end) = (&self.desk.ordering, Cell::new(self.store().version()));
        ordering.migrate()?;
        let receipts = ordering.place(|| {
            let proposal = propose()?;
            end.set(proposal.as_ref().map_or(end.get(), Proposal::end));
            Ok(proposal)
        })?;
        Ok((end.get(), receipts))
    }
}

impl<S: State + Default> Writer<S> {
    /// A patch that is made for the very view it is applied to, noted before it is durable; or why it could not be made.
    pub(super) fn apply_noted<T, E>(
        &self,
        meta: Meta,
        make: impl FnOnce(&S) -> Result<Patch, E>,
        noted: impl FnOnce(&Pending<S>) -> T,
    ) -> Result<Result<T, E>> {
        self.with_view(|inner| {
            let patch = match make(&inner.queue.view) {
                Ok(patch) => patch,
                Err(error) => return Ok(Err(error)),
            };
            let drafted = applied(&*inner.queue.view, &patch)?;
            let pending = self.wait(inner, drafted, |submission| submission.meta(meta).all_or_nothing())?;
            Ok(Ok(noted(&pending)))
        })
    }
}
