//! From a recipe to a place in the order: drafted, completed, recorded and queued, under the lock of the newest state.
//!
//! Leaves acknowledging to `durable`. Always: states and records have the same order; a change whose patch is empty is not
//! recorded, unless it is a migration.

use super::{Commit, Store, migrate};
use crate::draft::Drafted;
use crate::error::Result;
use crate::history::Tip;
use crate::layout::Chain;
use crate::record::{Change, Meta, WriterId};
use crate::state::State;
use std::sync::Arc;

/// Most changes fit into this many bytes; larger ones grow the buffer.
const USUAL_BODY_BYTES: usize = 256;

impl<S: State + Default> Store<S> {
    /// The first half of it: drafts a change and gives it its place in the order.
    pub(super) fn place(
        &self,
        meta: Meta,
        make: impl FnOnce(&Tip<S>) -> Result<Drafted<S>>,
    ) -> Result<Commit<S>> {
        let mut newest = self.lock_newest()?;
        let drafted = make(&newest)?;
        self.record(&mut newest, meta, None, drafted)
    }

    /// Gives a drafted change its place in the order. Nothing is durable yet: see [`settle`](Store::settle).
    pub(super) fn record(
        &self,
        newest: &mut Arc<Tip<S>>,
        meta: Meta,
        undoes: Option<u64>,
        drafted: Drafted<S>,
    ) -> Result<Commit<S>> {
        let drafted = self.complete(newest, drafted.shared())?;
        if drafted.patch.is_empty() {
            let Drafted { patch, inverse, .. } = drafted;
            let (version, state) = (newest.version, Arc::clone(&newest.state));
            return Ok(Commit { version, state, patch, inverse });
        }
        let change = self.change_after(newest, meta, undoes);
        self.log_change(newest, change, drafted)
    }

    /// The same for a change that the document is complete with, whether or not it changes anything.
    pub(super) fn log_change(
        &self,
        newest: &mut Arc<Tip<S>>,
        change: Change,
        drafted: Drafted<Arc<S>>,
    ) -> Result<Commit<S>> {
        let Drafted { state, patch, inverse } = drafted;
        let change = Change { patch, ..change };
        let body = self.body_of(&change);
        let recorded_bytes = newest.recorded_bytes + body.len() as u64;
        let (end, chain) = self.log.enqueue(&[body])?;
        debug_assert_eq!(end, change.version, "versions and offsets go hand in hand");
        go_on(Arc::make_mut(newest), &change, chain, state, recorded_bytes);
        self.notice(newest, &change);
        let commit = Commit {
            version: change.version,
            state: Arc::clone(&newest.state),
            patch: change.patch,
            inverse,
        };
        self.published.await_durable(Arc::clone(newest), || commit.clone());
        self.snapshotter.recorded(commit.version, recorded_bytes);
        self.packing.recorded(&self.log);
        Ok(commit)
    }

    /// A change as it is recorded.
    pub(super) fn body_of(&self, change: &Change) -> Vec<u8> {
        let mut body = Vec::with_capacity(USUAL_BODY_BYTES);
        self.put_body(change, &mut body);
        body
    }

    /// The same, behind what is there.
    pub(super) fn put_body(&self, change: &Change, bytes: &mut Vec<u8>) {
        change.encode(WriterId::of(self.log.id()), bytes);
    }

    /// A change by this store's own writer, of which only the patch is not known.
    pub(super) fn change_after(&self, tip: &Tip<S>, meta: Meta, undoes: Option<u64>) -> Change {
        let writer = self.writer(tip);
        let stamp = tip.stamp.next(self.history.env.clock.now_ms());
        let change = Change::of(writer, tip.sequence_of(writer) + 1, tip.version + 1, stamp);
        Change { meta, undoes, schema: migrate::to_be_said(tip), ..change }
    }

    /// Who the changes of this store are by.
    pub(super) fn writer(&self, tip: &Tip<S>) -> WriterId {
        tip.ledger.home.unwrap_or(WriterId::of(self.log.id()))
    }
}

/// Goes on by a change, to what it leads to. What nobody else has of the tip is written in place.
pub(super) fn go_on<S>(tip: &mut Tip<S>, change: &Change, chain: Chain, state: Arc<S>, recorded_bytes: u64) {
    tip.schema = change.schema.unwrap_or(migrate::recorded_in(tip));
    Arc::make_mut(&mut tip.ledger).enter(change);
    (tip.version, tip.stamp, tip.chain) = (change.version, change.stamp, chain);
    (tip.state, tip.recorded_bytes) = (state, recorded_bytes);
    (tip.filled, tip.says_nothing) = (false, false);
}
