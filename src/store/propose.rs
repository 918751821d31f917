//! Changes as they would come next, for an order that is kept elsewhere: decided here, recorded once they have their place there.
//!
//! Leaves getting them their place, and the way back into this store's own log, to `replica`. Always: proposing changes nothing, neither
//! the state nor the log nor what is known for merging; what is proposed fits the newest state and nothing else.

use super::merge::{Readied, Ready, unchanged};
use super::place::after;
use super::{Store, ignore_poison, migrate};
use crate::draft::Drafted;
use crate::error::{Error, Result};
use crate::history::{Tip, decode};
use crate::layout::{CHECK_BYTES, Chain, LENGTH_BYTES, checksum};
use crate::merge::{Bridge, Entry, Rules, Submission, Window};
use crate::record::{Change, Meta, WriterId};
use crate::state::State;
use crate::store::Receipt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What would come next.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The offset and the chain that the first record is for.
    pub(crate) offset: u64,
    pub(crate) chain: Chain,
    pub(crate) records: Vec<Vec<u8>>,
    /// The answers to the submissions it holds, and to those that were recorded before.
    pub(crate) receipts: Vec<Receipt>,
    bytes: usize,
    /// What each writer has not seen, should it be recorded; and before.
    bridges: BTreeMap<WriterId, Option<Bridge>>,
}

impl Proposal {
    fn on<S>(tip: &Tip<S>) -> Proposal {
        let (offset, chain) = (tip.version, tip.chain);
        let (records, receipts, bridges) = (Vec::new(), Vec::new(), BTreeMap::new());
        Proposal { offset, chain, records, receipts, bytes: 0, bridges }
    }

    /// The offset after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.records.len() as u64
    }

    /// Whether a record is too much on top of those that are there. The first never is.
    fn is_full(&self, record: &[u8], most_bytes: usize) -> bool {
        !self.records.is_empty() && self.bytes + framed_bytes(record) > most_bytes
    }

    fn push(&mut self, record: Vec<u8>) {
        self.bytes += framed_bytes(&record);
        self.records.push(record);
    }
}

/// How many bytes a record takes in a feed.
fn framed_bytes(record: &[u8]) -> usize {
    LENGTH_BYTES + record.len() + CHECK_BYTES
}

impl<S: State + Default> Store<S> {
    /// What would become of submissions, were they merged now in this order: as many of them as make records of up to `most_bytes`, and
    /// can be decided one after the other. At least the first. Costs what merging costs, without a sync.
    ///
    /// # Errors
    /// As [`merge`](Store::merge), of the first; [`Error::Overtaken`] when something came in meanwhile.
    pub(crate) fn propose(&self, submissions: &[Submission], most_bytes: usize) -> Result<Proposal> {
        let newest = self.lock_tip()?;
        let (mut tip, mut proposal) = (Arc::clone(&newest), Proposal::on(&newest));
        let mut goes_on = Ok(true);
        for submission in submissions {
            // What is decided for a place that is taken is decided in vain.
            goes_on = self
                .must_be_the_end(&proposal)
                .and_then(|()| self.propose_next(&mut tip, &mut proposal, submission, most_bytes));
            if !matches!(goes_on, Ok(true)) {
                break;
            }
        }
        self.as_before(&mut proposal);
        // What fails behind others comes first the next time, on what they left.
        match goes_on {
            Err(error @ Error::Overtaken { .. }) => Err(error),
            Err(error) if proposal.receipts.is_empty() => Err(error),
            _ => Ok(proposal),
        }
    }

    /// Something else may have come in meanwhile, which has the place then.
    fn must_be_the_end(&self, proposal: &Proposal) -> Result<()> {
        let offset = proposal.offset;
        if self.log.end() == offset {
            return Ok(());
        }
        Err(Error::Overtaken { from: self.path().display().to_string(), offset })
    }

    /// Adds one more; whether there may be others.
    fn propose_next(
        &self,
        tip: &mut Arc<Tip<S>>,
        proposal: &mut Proposal,
        submission: &Submission,
        most_bytes: usize,
    ) -> Result<bool> {
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
        let Some((next, change)) = self.next_in(proposal, tip, change, drafted, most_bytes) else {
            return Ok(false);
        };
        if let Some(writer) = submission.writer() {
            self.remember_bridge(proposal, writer);
        }
        self.notice(&next, &change);
        self.after_merged(tip, change.version, submission.writer(), &change.patch, (bridge, &passed));
        *tip = next;
        proposal.receipts.push(receipt);
        Ok(true)
    }

    /// The next record, and what it leads to; nothing if it is too much for this proposal.
    fn next_in(
        &self,
        proposal: &mut Proposal,
        tip: &Tip<S>,
        change: Change,
        drafted: Drafted<S>,
        most_bytes: usize,
    ) -> Option<(Arc<Tip<S>>, Change)> {
        let change = Change { patch: drafted.patch, ..change };
        let body = self.body_of(&change);
        if proposal.is_full(&body, most_bytes) {
            return None;
        }
        let chain = checksum(tip.chain, &[&(body.len() as u32).to_le_bytes(), &body]);
        let recorded_bytes = tip.recorded_bytes + body.len() as u64;
        proposal.push(body);
        Some((Arc::new(after(tip, &change, chain, drafted.state, recorded_bytes)), change))
    }

    /// What has to be recorded before anything else, so that this program's type can go on from there: nothing, mostly.
    pub(crate) fn propose_migration(&self) -> Result<Option<Proposal>> {
        let newest = self.lock_tip()?;
        let Some(drafted) = migrate::due(&self.history, &newest)? else { return Ok(None) };
        let label = format!("migrated from schema {} to {}", newest.schema, S::SCHEMA);
        Ok(Some(self.alone(&newest, self.change_after(&newest, Meta::label(label), None), drafted)))
    }

    /// Other rules for merging; nothing if these are the rules.
    pub(crate) fn propose_rules(&self, rules: &Arc<Rules>) -> Result<Option<Proposal>> {
        let newest = self.lock_tip()?;
        if newest.ledger.rules == *rules {
            return Ok(None);
        }
        let change = self.change_after(&newest, Meta::label("rules for merging"), None);
        let change = Change { rules: Some(Arc::clone(rules)), ..change };
        let drafted = self.complete_recorded(&newest, unchanged(&newest))?;
        Ok(Some(self.alone(&newest, change, drafted)))
    }

    /// One change by this store's own writer; nothing if it changes nothing.
    pub(super) fn propose_one(
        &self,
        newest: &Tip<S>,
        meta: Meta,
        undoes: Option<u64>,
        drafted: Drafted<S>,
    ) -> Result<Option<Proposal>> {
        let drafted = self.complete(newest, drafted)?;
        if drafted.patch.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.alone(newest, self.change_after(newest, meta, undoes), drafted)))
    }

    /// A proposal of one change, by nobody who submits.
    fn alone(&self, newest: &Tip<S>, change: Change, drafted: Drafted<S>) -> Proposal {
        let mut proposal = Proposal::on(newest);
        drop(self.next_in(&mut proposal, newest, change, drafted, usize::MAX));
        proposal
    }

    /// Notes what a writer had not seen before this proposal.
    fn remember_bridge(&self, proposal: &mut Proposal, writer: WriterId) {
        let window = ignore_poison(&self.merging.window);
        let known = || window.as_ref().and_then(|window| window.bridge_of(writer).cloned());
        proposal.bridges.entry(writer).or_insert_with(known);
    }

    /// Takes back what deciding left behind, and keeps it for [`was_recorded`](Store::was_recorded).
    fn as_before(&self, proposal: &mut Proposal) {
        let mut window = ignore_poison(&self.merging.window);
        let Some(known) = window.as_mut() else { return };
        known.take_back(proposal.offset);
        for (writer, bridge) in &mut proposal.bridges {
            *bridge = known.swap_bridge(*writer, bridge.take());
        }
    }

    /// A proposal was recorded, and has come back with the history: its writers go on from what it left. They would come to the same
    /// without, for more work.
    pub(crate) fn was_recorded(&self, proposal: Proposal) {
        // Whoever takes it in has it, and may have shown it before it is told here.
        let _newest = ignore_poison(&self.newest);
        let mut window = ignore_poison(&self.merging.window);
        let Some(known) = window.as_mut().filter(|window| window.head() >= proposal.end()) else { return };
        for (writer, bridge) in proposal.bridges {
            known.swap_bridge(writer, bridge);
        }
    }

    /// What came from elsewhere counts for merging, once something was merged here. Where it cannot be told, the window is made anew
    /// when it is asked for.
    pub(super) fn notice_since(&self, newest: &Tip<S>) {
        let mut window = ignore_poison(&self.merging.window);
        let Some(known) = window.as_mut() else { return };
        if self.tell_window(newest, known).is_err() {
            *window = None;
        }
    }

    fn tell_window(&self, newest: &Tip<S>, window: &mut Window) -> Result<()> {
        if window.head() == newest.version {
            return Ok(());
        }
        let head = window.head();
        let mut records = self.history.view.records(head)?;
        while window.head() < newest.version {
            let Some(frame) = records.next_record()? else {
                return Err(Error::BeyondHead { version: newest.version, head: window.head() });
            };
            let entry: Entry = self.entry_of(newest, &decode(&frame)?)?;
            // What its writer has not seen is told by this one too from now on.
            window.swap_bridge(entry.writer, None);
            window.push(entry, self.merging.arbiter.window);
        }
        Ok(())
    }
}
