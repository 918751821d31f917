//! What a [`Node`] does on one version and on no other, as somebody far away wants it who looked at that one; or only if it was not done
//! before.
//!
//! Leaves getting a place to `revise`. Always: it is looked at for the very place that a proposal is for, so that nothing comes in between: who
//! is overtaken looks and decides anew.

use super::node::Node;
use crate::error::{Error, Result};
use crate::merge::Submission;
use crate::patch::Patch;
use crate::record::{Change, Meta};
use crate::state::State;
use crate::store::Receipt;
use crate::store::complete::applied;
use std::cell::{Cell, RefCell};
use std::slice;

impl<S: State + Default> Node<S> {
    /// [`Store::merge_on`](crate::Store::merge_on), in the order.
    ///
    /// # Errors
    /// As that, and what the order answers.
    pub(crate) fn merge_on(&self, head: u64, submission: &Submission) -> Result<Receipt> {
        self.merge_if(submission, |offset, is_known| match is_known || offset == head {
            true => Ok(None),
            false => Err(Error::Outdated { base: Some(head), head: offset }),
        })
    }

    /// [`Store::merge_unless`](crate::Store::merge_unless), in the order.
    ///
    /// # Errors
    /// As that, and what the order answers.
    pub(crate) fn merge_unless(
        &self,
        looked: u64,
        is_it: &dyn Fn(&Change) -> bool,
        submission: &Submission,
    ) -> Result<Receipt> {
        let looked = Cell::new(looked);
        self.merge_if(submission, |offset, _| {
            let found = self.store().made_between(looked.get(), offset, is_it)?;
            looked.set(offset);
            Ok(found)
        })
    }

    /// Merges it, unless what is said of the place that it would have, and whether its writer submitted it before, fails or is the answer.
    fn merge_if(
        &self,
        submission: &Submission,
        instead: impl Fn(u64, bool) -> Result<Option<Receipt>>,
    ) -> Result<Receipt> {
        self.must_be_anothers(submission)?;
        let answer = RefCell::new(None);
        let (_, receipts) = self.placed(|| {
            let proposal = self.store().propose(slice::from_ref(submission), usize::MAX)?.of_others();
            let is_known = submission.by.is_some() && proposal.records.is_empty();
            answer.replace(instead(proposal.offset, is_known)?);
            Ok(answer.borrow().is_none().then_some(proposal))
        })?;
        answer.into_inner().or(receipts.into_iter().next()).ok_or_else(|| self.desk.unheard())
    }

    /// [`Store::apply_on`](crate::Store::apply_on), in the order; the version it made.
    ///
    /// # Errors
    /// As that, and what the order answers.
    pub(crate) fn apply_on(&self, base: u64, meta: &Meta, patch: &Patch) -> Result<u64> {
        self.made(|| self.store().propose_made(Some(base), meta, |state| applied(state, patch)))
    }

    /// Returns once a version is visible here, or after a moment: who asks for it saw it elsewhere.
    pub(crate) fn await_version(&self, version: u64) {
        drop(self.desk.ordering.soon(version));
    }
}

#[cfg(feature = "inspect")]
impl<S: State + Default> Node<S> {
    /// [`undo`](Node::undo), on no other version than `on`, if that is said.
    ///
    /// # Errors
    /// [`Error::Outdated`]; otherwise as `undo`.
    pub(crate) fn undo_on(&self, on: Option<u64>, version: u64) -> Result<u64> {
        self.made(|| {
            let proposal = self.store().propose_undo(&Meta::default(), version);
            // What is decided on a version that nobody wanted is refused for a reason that is none.
            let proposed = proposal.as_ref().ok().and_then(Option::as_ref);
            let head = proposed.map_or_else(|| self.store().version(), |proposal| proposal.offset);
            match on.filter(|on| *on != head) {
                Some(base) => Err(Error::Outdated { base: Some(base), head }),
                None => proposal,
            }
        })
    }

    /// Makes the newest state what it was at a version, on no other version than `on`, if that is said.
    ///
    /// # Errors
    /// [`Error::Outdated`]; as reading history, and what the order answers.
    pub(crate) fn return_to(&self, on: Option<u64>, meta: &Meta, version: u64) -> Result<u64> {
        let old = self.store().at(version)?;
        let back = |state: &S| Ok(crate::draft::draft(state, |draft: &mut S| *draft = S::clone(&old))?);
        self.made(|| self.store().propose_made(on, meta, back))
    }
}
