//! Changes as they would come next, for an order that is kept elsewhere: decided here, recorded once they have their place there.
//!
//! Leaves getting them their place to `replica`, and taking them in to `placed`. Always: proposing changes nothing, neither
//! the state nor the log nor what is known for merging; what is proposed fits the newest state and nothing else.

use super::bodies::Bodies;
use super::merge::{Readied, Ready, unchanged};
use super::place::go_on;
use super::{Store, ignore_poison, migrate};
use crate::draft::Drafted;
use crate::error::{Error, Result};
use crate::history::Tip;
use crate::layout::{Chain, checksum};
use crate::merge::{Bridge, Entry, Outcome, Rules, Submission};
use crate::record::{Change, Meta, WriterId};
use crate::state::State;
use crate::store::Receipt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What would come next.
#[derive(Debug)]
pub(crate) struct Proposal<S> {
    /// The offset and the chain that the first record is for.
    pub(crate) offset: u64,
    pub(crate) chain: Chain,
    pub(crate) records: Arc<Bodies>,
    /// The answers to the submissions it holds, and to those that were recorded before.
    pub(crate) receipts: Vec<Receipt>,
    /// What the records say, and what they lead to.
    pub(super) changes: Vec<Arc<Change>>,
    pub(crate) tip: Arc<Tip<S>>,
    /// As far as others can meet them.
    pub(super) entries: Vec<Entry>,
    /// What each writer has not seen, should it be recorded; and before.
    pub(super) bridges: BTreeMap<WriterId, Option<Bridge>>,
    /// Whether it may come in part, or not at all: its place was asked for, and the answer was not that it has it.
    pub(super) is_doubtful: bool,
    /// Whether each record is a submission of whoever writes here, as it was made.
    pub(super) as_submitted: bool,
}

impl<S: Clone> Proposal<S> {
    fn on(tip: &Arc<Tip<S>>) -> Proposal<S> {
        Proposal {
            offset: tip.version,
            chain: tip.chain,
            records: Arc::default(),
            receipts: Vec::new(),
            changes: Vec::new(),
            tip: Arc::clone(tip),
            entries: Vec::new(),
            bridges: BTreeMap::new(),
            is_doubtful: false,
            as_submitted: false,
        }
    }

    /// The offset after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.records.len() as u64
    }

    /// The same, of what did not wait here: whoever writes here has not seen it.
    pub(crate) fn of_others(self) -> Proposal<S> {
        Proposal { as_submitted: false, ..self }
    }

    fn is_as_submitted(&self) -> bool {
        let is_clean = |receipt: &Receipt| receipt.is_new && receipt.outcome == Outcome::Clean;
        self.receipts.len() == self.records.len() && self.receipts.iter().all(is_clean)
    }

    /// Whether the first record follows a state.
    pub(super) fn follows(&self, newest: &Tip<S>) -> bool {
        (self.offset, self.chain) == (newest.version, newest.chain)
    }

    /// Adds the record of a change that leads to a state, unless it is too much on top of those that are there. The first never is.
    fn push(
        &mut self,
        change: &Arc<Change>,
        state: Arc<S>,
        write: impl FnOnce(&mut Vec<u8>),
        most_bytes: usize,
    ) -> bool {
        let records = Arc::make_mut(&mut self.records);
        let body = records.push(write);
        let chain = checksum(self.tip.chain, &[&(body.len() as u32).to_le_bytes(), body]);
        let recorded_bytes = self.tip.recorded_bytes + body.len() as u64;
        if records.len() > 1 && records.framed_bytes() > most_bytes {
            records.pop();
            return false;
        }
        self.changes.push(Arc::clone(change));
        go_on(Arc::make_mut(&mut self.tip), change, chain, state, recorded_bytes);
        true
    }
}

impl<S: State + Default> Store<S> {
    /// What would become of submissions, were they merged now in this order: as many of them as make records of up to `most_bytes`, and
    /// can be decided one after the other. At least the first. Costs what merging costs, without a sync.
    ///
    /// # Errors
    /// As [`merge`](Store::merge), of the first; [`Error::Overtaken`] when something came in meanwhile.
    pub(crate) fn propose(&self, submissions: &[Submission], most_bytes: usize) -> Result<Proposal<S>> {
        let newest = self.lock_tip()?;
        let mut proposal = Proposal::on(&newest);
        let mut goes_on = Ok(true);
        for submission in submissions {
            // What is decided for a place that is taken is decided in vain.
            goes_on = self
                .must_be_the_end(&proposal)
                .and_then(|()| self.propose_next(&mut proposal, submission, most_bytes));
            if !matches!(goes_on, Ok(true)) {
                break;
            }
        }
        self.as_before(&mut proposal);
        proposal.as_submitted = proposal.is_as_submitted();
        // What fails behind others comes first the next time, on what they left.
        match goes_on {
            Err(error @ Error::Overtaken { .. }) => Err(error),
            Err(error) if proposal.receipts.is_empty() => Err(error),
            _ => Ok(proposal),
        }
    }

    /// Something else may have come in meanwhile, which has the place then.
    fn must_be_the_end(&self, proposal: &Proposal<S>) -> Result<()> {
        let offset = proposal.offset;
        if self.log.end() == offset {
            return Ok(());
        }
        Err(Error::Overtaken { from: self.path().display().to_string(), offset })
    }

    /// Adds one more; whether there may be others.
    fn propose_next(
        &self,
        proposal: &mut Proposal<S>,
        submission: &Submission,
        most_bytes: usize,
    ) -> Result<bool> {
        let tip = &proposal.tip;
        if let Some((writer, sequence)) = submission.by
            && let Some(receipt) = self.known(tip, submission, writer, sequence)?
        {
            proposal.receipts.push(receipt);
            return Ok(true);
        }
        let decided = self.decided(tip, submission)?;
        let Ready { change, drafted, bridge, passed, receipt } =
            match self.made_ready(tip, submission, decided)? {
                Readied::ToRecord(ready) => *ready,
                Readied::Nothing(receipt) => {
                    proposal.receipts.push(receipt);
                    return Ok(true);
                }
            };
        let before = Arc::clone(&tip.state);
        let Some(change) = self.push_next(proposal, change, drafted, most_bytes) else {
            return Ok(false);
        };
        if let Some(writer) = submission.writer() {
            self.remember_bridge(proposal, writer);
        }
        self.notice(&proposal.tip, &change);
        self.after_merged(&before, change.version, submission.writer(), &change.patch, (bridge, &passed));
        proposal.receipts.push(receipt);
        Ok(true)
    }

    /// Adds the next record; nothing if it is too much for this proposal.
    fn push_next(
        &self,
        proposal: &mut Proposal<S>,
        change: Change,
        drafted: Drafted<Arc<S>>,
        most_bytes: usize,
    ) -> Option<Arc<Change>> {
        let change = Arc::new(Change { patch: drafted.patch, ..change });
        let write = |bytes: &mut Vec<u8>| self.put_body(&change, bytes);
        proposal.push(&change, drafted.state, write, most_bytes).then_some(change)
    }

    /// What has to be recorded before anything else, so that this program's type can go on from there: nothing, mostly.
    pub(crate) fn propose_migration(&self) -> Result<Option<Proposal<S>>> {
        let newest = self.lock_tip()?;
        let Some(drafted) = migrate::due(&self.history, &newest)? else { return Ok(None) };
        let label = format!("migrated from schema {} to {}", newest.schema, S::SCHEMA);
        Ok(Some(self.alone(&newest, self.change_after(&newest, Meta::label(label), None), drafted)))
    }

    /// Other rules for merging; nothing if these are the rules.
    pub(crate) fn propose_rules(&self, rules: &Arc<Rules>) -> Result<Option<Proposal<S>>> {
        let newest = self.lock_tip()?;
        if newest.ledger.rules == *rules {
            return Ok(None);
        }
        let change = self.change_after(&newest, Meta::label("rules for merging"), None);
        let change = Change { rules: Some(Arc::clone(rules)), ..change };
        let drafted = self.complete_recorded(&newest, unchanged(&newest))?;
        Ok(Some(self.alone(&newest, change, drafted)))
    }

    /// What is made on the newest state, as it would come next; nothing if it changes nothing. On no other version than `on`, if that is said.
    ///
    /// # Errors
    /// [`Error::Outdated`], before anything is made; what `make` says.
    #[cfg(feature = "http")]
    pub(crate) fn propose_made(
        &self,
        on: Option<u64>,
        meta: &Meta,
        make: impl FnOnce(&S) -> Result<Drafted<S>>,
    ) -> Result<Option<Proposal<S>>> {
        let newest = self.lock_tip()?;
        if let Some(base) = on.filter(|on| *on != newest.version) {
            return Err(Error::Outdated { base: Some(base), head: newest.version });
        }
        let drafted = make(&newest.state)?;
        self.propose_one(&newest, meta.clone(), None, drafted)
    }

    /// One change by this store's own writer; nothing if it changes nothing.
    pub(super) fn propose_one(
        &self,
        newest: &Arc<Tip<S>>,
        meta: Meta,
        undoes: Option<u64>,
        drafted: Drafted<S>,
    ) -> Result<Option<Proposal<S>>> {
        let drafted = self.complete(newest, drafted.shared())?;
        if drafted.patch.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.alone(newest, self.change_after(newest, meta, undoes), drafted)))
    }

    /// A proposal of one change, by nobody who submits.
    fn alone(&self, newest: &Arc<Tip<S>>, change: Change, drafted: Drafted<Arc<S>>) -> Proposal<S> {
        let mut proposal = Proposal::on(newest);
        drop(self.push_next(&mut proposal, change, drafted, usize::MAX));
        proposal
    }

    /// Notes what a writer had not seen before this proposal.
    fn remember_bridge(&self, proposal: &mut Proposal<S>, writer: WriterId) {
        let window = ignore_poison(&self.merging.window);
        let known = || window.as_ref().and_then(|window| window.bridge_of(writer).cloned());
        proposal.bridges.entry(writer).or_insert_with(known);
    }

    /// Takes back what deciding left behind, and keeps it for when the proposal has its place.
    fn as_before(&self, proposal: &mut Proposal<S>) {
        let mut window = ignore_poison(&self.merging.window);
        // Where it was more than the window holds, there is nothing to go back to.
        drop(window.take_if(|known| known.base() > proposal.offset));
        let Some(known) = window.as_mut() else { return };
        proposal.entries = known.take_back(proposal.offset);
        for (writer, bridge) in &mut proposal.bridges {
            *bridge = known.swap_bridge(*writer, bridge.take());
        }
    }
}
