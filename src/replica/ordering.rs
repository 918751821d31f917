//! [`Ordering`]: merging for an order that is kept elsewhere. Each who writes decides for itself, on what it knows to be the end; who is
//! overtaken decides again.
//!
//! Leaves deciding to the store, which is this replica's own. Always: what is appended was decided on the very state it is appended to;
//! what was not heard of is looked for, and not done again; who had a turn lets others have theirs.

use super::follow::Pause;
use super::link::Link;
use super::order::{Order, Place};
use super::sequencer::Sequencer;
use super::{Replica, ignore_poison};
use crate::error::{Error, Result};
use crate::merge::Submission;
use crate::state::State;
use crate::store::propose::Proposal;
use crate::store::{Receipt, Store};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// So many submissions are proposed at once, at most, and so few at least.
const MOST: usize = 4096;
const FEWEST: usize = 256;
/// So many times in a row somebody else may be faster before that is told.
const TRIES: u32 = 64;
/// The pause after having been overtaken is at most this long, and so often doubled.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const DOUBLINGS: u32 = 7;
/// Who appends for this long while others do as well rests then. Those who were overtaken pause by then for half as long at most, so that
/// each of them comes back while it rests; otherwise who is faster once would be faster for ever.
const TURN: Duration = Duration::from_millis(50);
const REST: Duration = Duration::from_millis(50);
/// For so long somebody else is taken to append once that was seen.
const OTHERS: Duration = Duration::from_secs(1);
/// How long one step waits for what was appended to come back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who brings changes into an order, through the replica that follows it.
pub(super) struct Ordering<S: State + Default> {
    replica: Replica<S>,
    order: Arc<dyn Order>,
    /// How many submissions are proposed at once. Who is overtaken proposes fewer, and is faster the next time.
    most: AtomicUsize,
    turn: Mutex<Turn>,
}

/// Since when this one appends, and when it does again.
#[derive(Debug, Default)]
struct Turn {
    began: Option<Instant>,
    next: Option<Instant>,
    /// Where what it appended last ended.
    end: u64,
    /// When somebody else was seen to append.
    others: Option<Instant>,
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
        self.place(|| self.replica.store.propose_migration())?;
        while receipts.len() < submissions.len() {
            let rest = &submissions[receipts.len()..];
            receipts.extend(self.place_once(|| self.some_of(rest).map(Some), kept)?);
        }
        Ok(receipts)
    }
}

impl<S: State + Default> Ordering<S> {
    pub(super) fn new(replica: Replica<S>, order: Arc<dyn Order>) -> Ordering<S> {
        Ordering { replica, order, most: AtomicUsize::new(MOST), turn: Mutex::default() }
    }

    pub(super) fn store(&self) -> &Arc<Store<S>> {
        &self.replica.store
    }

    pub(super) fn name(&self) -> String {
        self.order.name()
    }

    /// As many as it is worth deciding at once.
    fn some_of(&self, submissions: &[Submission]) -> Result<Proposal<S>> {
        let most = self.most.load(Atomic::Relaxed).min(submissions.len());
        self.replica.store.propose(&submissions[..most], self.order.batch_bytes())
    }

    /// Gives what is proposed its place, proposing it anew as often as somebody else is faster; back once it is visible here.
    pub(super) fn place(&self, propose: impl Fn() -> Result<Option<Proposal<S>>>) -> Result<Vec<Receipt>> {
        self.place_once(propose, &|| Ok(()))
    }

    /// The same, once something is true, which may become so meanwhile.
    fn place_once(
        &self,
        propose: impl Fn() -> Result<Option<Proposal<S>>>,
        ready: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Receipt>> {
        self.await_turn();
        let mut tries = 0;
        loop {
            let mut proposal = match propose() {
                Ok(Some(proposal)) => proposal,
                Ok(None) => return Ok(Vec::new()),
                Err(Error::Overtaken { offset, .. }) if tries < TRIES => {
                    self.give_way(offset, tries)?;
                    tries += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let receipts = std::mem::take(&mut proposal.receipts);
            if proposal.records.is_empty() {
                return Ok(receipts);
            }
            let (place, end) = (Place { offset: proposal.offset, chain: proposal.chain }, proposal.end());
            let records = Arc::clone(&proposal.records);
            ready()?;
            self.replica.store.expect(proposal);
            match self.order.append(place, &records) {
                Ok(()) => {
                    self.most.store((self.most.load(Atomic::Relaxed) * 2).min(MOST), Atomic::Relaxed);
                    self.see(end)?;
                    self.had_turn(place.offset, end);
                    return Ok(receipts);
                }
                Err(Error::Overtaken { offset, .. }) if tries < TRIES => {
                    self.most.store((self.most.load(Atomic::Relaxed) / 2).max(FEWEST), Atomic::Relaxed);
                    self.give_way(offset, tries)?;
                }
                Err(error) => return Err(error),
            }
            tries += 1;
        }
    }

    /// Takes in what was faster, and lets others go first for a moment, so that those who lost do not all come back at once.
    fn give_way(&self, offset: u64, tries: u32) -> Result<()> {
        tracing::debug!(offset, tries, "overtaken");
        self.see(offset + 1)?;
        std::thread::sleep(self.pause_of(FIRST_PAUSE * (1 << tries.min(DOUBLINGS))));
        Ok(())
    }

    fn pause_of(&self, longest: Duration) -> Duration {
        Pause::of(longest).next(&*self.replica.store.env().entropy)
    }

    /// Returns once it is this one's turn, for all that it knows.
    pub(super) fn await_turn(&self) {
        let next = ignore_poison(&self.turn).next.take();
        if let Some(left) = next.and_then(|next| next.checked_duration_since(Instant::now())) {
            std::thread::sleep(left);
        }
    }

    /// Notes that something was appended. After a while others come first, if there are any.
    fn had_turn(&self, offset: u64, end: u64) {
        let (mut turn, now) = (ignore_poison(&self.turn), Instant::now());
        if turn.end != offset {
            turn.others = Some(now);
        }
        turn.end = end;
        if now.duration_since(*turn.began.get_or_insert(now)) >= TURN {
            let is_alone = turn.others.is_none_or(|seen| now.duration_since(seen) > OTHERS);
            turn.next = (!is_alone).then(|| now + self.pause_of(REST));
            turn.began = None;
        }
    }

    /// Returns once a version that the order has is visible here.
    fn see(&self, version: u64) -> Result<()> {
        while self.replica.store.version() < version {
            if !self.replica.is_following() {
                self.replica.catch_up()?;
                return Ok(());
            }
            match self.replica.wait_for(version, PATIENCE) {
                Err(Error::BeyondHead { .. }) if self.replica.lag().connected => self.must_agree()?,
                Err(Error::BeyondHead { .. }) => return Err(self.silent()),
                answer => drop(answer?),
            }
        }
        Ok(())
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
