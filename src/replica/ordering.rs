//! [`Ordering`]: merging for an order that is kept elsewhere. Each who writes decides for itself, on what it knows to be the end; who is
//! overtaken decides again.
//!
//! Leaves deciding to the store, which is this replica's own. Always: what is appended was decided on the very state it is appended to;
//! what was not heard of is looked for, and not done again; who had a turn lets others have theirs.

use super::follow::Pause;
use super::link::Link;
use super::order::{Order, Place};
use super::sequencer::Sequencer;
use super::turn::Turn;
use super::{Replica, ignore_poison};
use crate::error::{Error, ErrorKind, Result};
use crate::merge::Submission;
use crate::state::State;
use crate::store::propose::Proposal;
use crate::store::{Receipt, Store};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// So many times in a row somebody else may be faster before that is told.
const TRIES: u32 = 64;
/// The pause after having been overtaken is at most this long, and so often doubled.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const DOUBLINGS: u32 = 5;
/// How long one step waits for what was appended to come back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who brings changes into an order, through the replica that follows it.
pub(super) struct Ordering<S: State + Default> {
    replica: Replica<S>,
    order: Arc<dyn Order>,
    turn: Mutex<Turn>,
    line: Line,
}

/// Those of this node who want to append stand here, so that they do not overtake each other. Whoever comes back lets the next one go first.
#[derive(Debug, Default)]
struct Line {
    entrance: Mutex<()>,
    front: Mutex<()>,
    /// How often somebody in front found that the order cannot be reached.
    failures: AtomicU64,
}

impl Line {
    /// Nothing if somebody who stood in front meanwhile found that the order cannot be reached: each would wait as long for that.
    fn stand(&self) -> Option<MutexGuard<'_, ()>> {
        let failures = || self.failures.load(Atomic::SeqCst);
        let before = failures();
        let next = ignore_poison(&self.entrance);
        let front = ignore_poison(&self.front);
        drop(next);
        (failures() == before).then_some(front)
    }
}

impl<S: State + Default> Sequencer for Ordering<S> {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        self.submit_while_kept(submissions, &|| Ok(()))
    }

    fn submit_while_kept(
        &self,
        submissions: &[Submission],
        kept: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Receipt>> {
        let mut receipts = Vec::with_capacity(submissions.len());
        self.migrate()?;
        while receipts.len() < submissions.len() {
            let rest = &submissions[receipts.len()..];
            receipts.extend(self.place_once(rest.len(), || self.some_of(rest).map(Some), kept)?);
        }
        Ok(receipts)
    }
}

impl<S: State + Default> Ordering<S> {
    pub(super) fn new(replica: Replica<S>, order: Arc<dyn Order>) -> Ordering<S> {
        Ordering { replica, order, turn: Mutex::default(), line: Line::default() }
    }

    pub(super) fn store(&self) -> &Arc<Store<S>> {
        &self.replica.store
    }

    pub(super) fn order(&self) -> &dyn Order {
        &*self.order
    }

    pub(super) fn name(&self) -> String {
        self.order.name()
    }

    /// Places what has to be recorded before anything else: nothing, mostly, for which nobody waits.
    pub(super) fn migrate(&self) -> Result<()> {
        let propose = || self.replica.store.propose_migration();
        if propose()?.is_some() { self.place(propose).map(drop) } else { Ok(()) }
    }

    /// Gives the first of what others made their place, in order; how these were decided. At least one, or an error about the first.
    pub(super) fn place_some(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        self.migrate()?;
        let propose = || self.some_of(submissions).map(Proposal::of_others).map(Some);
        self.place_once(submissions.len(), propose, &|| Ok(()))
    }

    /// As many as it is worth deciding at once.
    fn some_of(&self, submissions: &[Submission]) -> Result<Proposal<S>> {
        let most = ignore_poison(&self.turn).most().min(submissions.len());
        self.replica.store.propose(&submissions[..most], self.order.batch_bytes())
    }

    /// Gives what is proposed its place, proposing it anew as often as somebody else is faster; back once it is visible here.
    pub(super) fn place(&self, propose: impl Fn() -> Result<Option<Proposal<S>>>) -> Result<Vec<Receipt>> {
        self.place_once(1, propose, &|| Ok(()))
    }

    /// The same of one of so many, once something is true, which may become so meanwhile.
    fn place_once(
        &self,
        waiting: usize,
        propose: impl Fn() -> Result<Option<Proposal<S>>>,
        ready: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Receipt>> {
        self.await_turn();
        let mut tries = 0;
        loop {
            match self.place_now(waiting, &propose, ready) {
                Err(Error::Overtaken { offset, .. }) if tries < TRIES => {
                    self.give_way(offset, tries, waiting)?;
                }
                answer => return answer,
            }
            tries += 1;
        }
    }

    /// The same, unless somebody else is faster.
    fn place_now(
        &self,
        waiting: usize,
        propose: impl Fn() -> Result<Option<Proposal<S>>>,
        ready: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Receipt>> {
        let Some(_alone) = self.line.stand() else { return Err(self.silent()) };
        let begun = Instant::now();
        let Some(mut proposal) = propose()? else { return Ok(Vec::new()) };
        let receipts = std::mem::take(&mut proposal.receipts);
        if proposal.records.is_empty() {
            return Ok(receipts);
        }
        let (place, end) = (Place { offset: proposal.offset, chain: proposal.chain }, proposal.end());
        let chain = proposal.tip.chain;
        let (records, decided) = (Arc::clone(&proposal.records), begun.elapsed());
        ready()?;
        self.replica.store.expect(proposal);
        let asked = Instant::now();
        if let Err(error) = self.order.append(place, &records.iter().collect::<Vec<_>>()) {
            self.replica.store.doubt_what_is_expected()?;
            if error.kind() == ErrorKind::Unreachable {
                self.line.failures.fetch_add(1, Atomic::SeqCst);
            }
            return Err(error);
        }
        self.see(end)?;
        // It was acknowledged, lost, and is replaced by something else: nobody is told that it has its place.
        if !self.replica.store.reads_as(end, chain)? {
            return Err(Error::Overtaken { from: self.name(), offset: place.offset });
        }
        let now = Instant::now();
        ignore_poison(&self.turn).had(now, (place.offset, end), waiting, (decided, now - asked));
        Ok(receipts)
    }

    /// Takes in what was faster, and lets others go first for a moment, so that those who lost do not all come back at once. Who has
    /// little to append goes in between; who has much waits for its turn.
    fn give_way(&self, offset: u64, tries: u32, waiting: usize) -> Result<()> {
        tracing::debug!(offset, tries, "overtaken");
        let takes_turns = ignore_poison(&self.turn).lost(Instant::now(), waiting);
        self.see(offset + 1)?;
        match takes_turns {
            true => self.await_end_of_turn(),
            false => std::thread::sleep(self.pause_of(FIRST_PAUSE * (1 << tries.min(DOUBLINGS)))),
        }
        Ok(())
    }

    fn pause_of(&self, longest: Duration) -> Duration {
        Pause::of(longest).next(&*self.replica.store.env().entropy)
    }

    /// Returns once it is this one's turn, for all that it knows.
    pub(super) fn await_turn(&self) {
        let rest = ignore_poison(&self.turn).rest();
        match rest.map(|rest| self.comes_within(rest)) {
            Some(true) => self.await_end_of_turn(),
            Some(false) => ignore_poison(&self.turn).is_alone(),
            None => {}
        }
    }

    /// Returns once the turn of whoever appends is over: it was long enough, or nothing comes any longer; or one turn followed the other for
    /// so long that it is enough. Nothing is decided meanwhile: it would be in vain.
    fn await_end_of_turn(&self) {
        let begun = Instant::now();
        let (length, quiet, spread, patience) = {
            let turn = ignore_poison(&self.turn);
            (turn.length(), turn.quiet(), turn.spread(begun), turn.patience())
        };
        let spread = self.pause_of(spread);
        let (mut holder, mut began) = (self.store().newest_writer(), begun);
        while let Some(left) = (length + spread).checked_sub(began.elapsed()) {
            if begun.elapsed() > patience || !self.comes_within((quiet + spread).min(left)) {
                return;
            }
            let now = self.store().newest_writer();
            if now != holder {
                (holder, began) = (now, Instant::now());
            }
        }
    }

    /// Whether anything becomes visible here in time.
    fn comes_within(&self, patience: Duration) -> bool {
        let next = self.replica.store.version() + 1;
        self.replica.wait_for(next, patience).is_ok()
    }

    /// Returns once a version that the order has is visible here.
    fn see(&self, version: u64) -> Result<()> {
        while self.replica.store.version() < version {
            if !self.replica.is_following() {
                self.replica.catch_up()?;
                let seen = self.replica.store.version() >= version;
                return if seen { Ok(()) } else { Err(self.silent()) };
            }
            match self.replica.wait_for(version, PATIENCE) {
                Err(Error::BeyondHead { .. }) if self.replica.lag().connected => self.must_agree()?,
                Err(Error::BeyondHead { .. }) => return Err(self.silent()),
                answer => drop(answer?),
            }
        }
        Ok(())
    }

    /// The state at a version that somebody saw elsewhere, or a later one, if it comes soon.
    #[cfg(feature = "http")]
    pub(super) fn soon(&self, version: u64) -> Result<Arc<S>> {
        self.replica.wait_for(version, PATIENCE)
    }

    /// What should have come does not: it may be another order that is there now.
    fn must_agree(&self) -> Result<()> {
        Link::new(Arc::clone(&self.replica.source), None).agrees(self.replica.store.log()).map(drop)
    }

    fn silent(&self) -> Error {
        let source = io::ErrorKind::NotConnected.into();
        Error::Unreachable { from: self.order.name(), operation: "hear", source }
    }
}
