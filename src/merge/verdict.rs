//! What one rule says about one pair of operations of which only one can have its way.
//!
//! Knows no states: what is to be made of values is said here and done by `extra`. Always: in whichever order two operations come in,
//! policies that are the same for every order say the same of them.

use crate::op::{Action, Op};
use crate::patch::{Contest, DropReason, Side};
use crate::rules::{OnDeleted, Policy, Rules};
use crate::value::Path;

/// What becomes of a submitted operation that stands against one that is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It takes effect over what is there.
    Won,
    /// Both write the same, and mean no more by it: nothing is left to do, unless somebody has written something else since.
    Agreed,
    /// It does not.
    Dropped,
    /// Something is to be made of both at this place, which lies on, above or beneath the operation's.
    Combined(Path),
    /// It takes effect although something around it was exchanged, if it still fits.
    Kept,
    /// It takes effect, and what it covers is done again on top of it.
    Layered,
    /// What it lies in is put there again first.
    Restored,
    /// The submission is refused.
    Refused,
    /// The recipe has to be run again.
    Rerun,
}

/// Two operations that met.
#[derive(Clone, Copy)]
pub(super) struct Pair<'p> {
    pub(super) rules: &'p Rules,
    pub(super) logged: &'p Op,
    pub(super) submitted: &'p Op,
    pub(super) contest: Contest,
    /// Whether the submitted one was written later.
    pub(super) is_newer: bool,
}

impl Pair<'_> {
    /// The place whose rule decides: the deeper one.
    pub(super) fn place(&self) -> &Path {
        let covers = self.contest.loser == Side::Earlier && self.contest.reason == DropReason::Gone;
        if covers { &self.logged.path } else { &self.submitted.path }
    }

    pub(super) fn policy(&self) -> &Policy {
        self.rules.policy(self.place().as_slice()).0
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.contest.reason == DropReason::Done {
            return match self.policy() {
                Policy::Counter => Verdict::Combined(self.place().clone()),
                // Two recipes that came to the same may be one step each.
                Policy::Rebase => Verdict::Rerun,
                _ => Verdict::Agreed,
            };
        }
        match self.policy() {
            Policy::Reject => return Verdict::Refused,
            Policy::Rebase => return Verdict::Rerun,
            _ => {}
        }
        match (self.contest.loser, self.contest.reason) {
            (Side::Later, DropReason::Overwritten) if !takes_away(self.logged) => self.same_place(),
            (Side::Earlier, DropReason::Overwritten) => self.same_place(),
            (Side::Later, _) if takes_away(self.logged) => self.beneath_what_is_gone(),
            (Side::Later, _) => self.beneath_what_is_new(),
            (Side::Earlier, _) if takes_away(self.submitted) => self.takes_away_what_changed(),
            (Side::Earlier, _) => self.covers_what_changed(),
        }
    }

    fn same_place(&self) -> Verdict {
        let by_itself = if self.contest.loser == Side::Earlier { Verdict::Won } else { Verdict::Dropped };
        match self.policy() {
            Policy::FirstWins => Verdict::Dropped,
            Policy::LastWritten if !self.is_newer => Verdict::Dropped,
            Policy::LastWritten if by_itself == Verdict::Dropped => Verdict::Kept,
            Policy::AddWins if is_removal(self.submitted) && !is_removal(self.logged) => Verdict::Dropped,
            Policy::RemoveWins if is_removal(self.logged) => Verdict::Dropped,
            _ => self.combined().unwrap_or(by_itself),
        }
    }

    fn beneath_what_is_gone(&self) -> Verdict {
        match self.rules.when_deleted(self.submitted.path.as_slice()) {
            OnDeleted::Drop => Verdict::Dropped,
            OnDeleted::Restore => Verdict::Restored,
            OnDeleted::Reject => Verdict::Refused,
        }
    }

    fn beneath_what_is_new(&self) -> Verdict {
        match self.policy() {
            Policy::LastWritten if self.is_newer => Verdict::Kept,
            Policy::AddWins if matches!(self.submitted.action, Action::Add(_)) => Verdict::Kept,
            _ => self.combined().unwrap_or(Verdict::Dropped),
        }
    }

    fn takes_away_what_changed(&self) -> Verdict {
        match self.rules.when_deleted(self.logged.path.as_slice()) {
            _ if *self.policy() == Policy::FirstWins => Verdict::Dropped,
            OnDeleted::Drop => Verdict::Won,
            OnDeleted::Restore => Verdict::Dropped,
            OnDeleted::Reject => Verdict::Refused,
        }
    }

    fn covers_what_changed(&self) -> Verdict {
        match self.policy() {
            Policy::FirstWins => Verdict::Dropped,
            Policy::LastWritten if !self.is_newer => Verdict::Layered,
            Policy::AddWins if matches!(self.logged.action, Action::Add(_)) => Verdict::Layered,
            _ => self.combined().unwrap_or(Verdict::Won),
        }
    }

    /// Policies by which both have their way.
    fn combined(&self) -> Option<Verdict> {
        let place = self.place();
        let (policy, length) = self.rules.policy(place.as_slice());
        match policy {
            Policy::Counter | Policy::Max | Policy::Min | Policy::Text | Policy::Deep => {
                Some(Verdict::Combined(place.clone()))
            }
            Policy::Custom { .. } => Some(Verdict::Combined(place.iter().take(length).cloned().collect())),
            _ => None,
        }
    }
}

fn is_removal(op: &Op) -> bool {
    matches!(op.action, Action::Remove)
}

/// Whether it removes what it works on, or elements of it.
fn takes_away(op: &Op) -> bool {
    matches!(op.action, Action::Remove | Action::Splice { .. })
}
