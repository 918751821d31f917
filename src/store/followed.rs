//! A store whose changes are made elsewhere: opened like any other, fed through its log, changed by nobody here.
//!
//! Leaves what comes, and from where, to `replica`. Always: the state is made of what is durable in the store's own log, by the
//! code that opens it.

use super::open::Options;
use super::{Commit, Store, ignore_poison};
use crate::error::{Result, Role};
use crate::history::Tip;
use crate::io::Env;
use crate::log::{self, Log};
use crate::patch;
use crate::record::{Stamp, WriterId};
use crate::state::State;
use std::path::Path;
use std::sync::Arc;

impl Options {
    /// Opens the store of a replica.
    pub(crate) fn open_followed<S: State + Default>(&self, path: &Path) -> Result<Store<S>> {
        self.open_existing(path, Role::Replica)
    }
}

impl<S: State + Default> Store<S> {
    /// Makes visible what has become durable in the log since. O(what came).
    pub(crate) fn take_over(&self) -> Result<u64> {
        let mut newest = ignore_poison(&self.newest);
        let (placed, awaits_more) = self.came_back(&newest)?;
        match placed {
            Some(proposal) if self.published.is_heard() => {
                self.take_over_one_by_one(&mut newest, proposal.end())?;
                self.notice_since(&newest);
                self.go_on_from(proposal);
            }
            Some(proposal) => self.go_on_with(&mut newest, proposal),
            None => {}
        }
        match self.published.is_heard() {
            _ if awaits_more => {}
            true => self.take_over_one_by_one(&mut newest, self.log.head())?,
            false => self.take_over_all(&mut newest)?,
        }
        self.notice_since(&newest);
        Ok(newest.version)
    }

    /// For those who listen.
    fn take_over_one_by_one(&self, newest: &mut Arc<Tip<S>>, end: u64) -> Result<()> {
        while newest.version < end {
            *newest = self.take_over_one(newest)?;
        }
        Ok(())
    }

    fn take_over_all(&self, newest: &mut Arc<Tip<S>>) -> Result<()> {
        let tip = self.history.after_with(newest, &mut |change, bytes| {
            ignore_poison(&self.merging.recent).push(Arc::new(change), bytes);
        })?;
        if tip.version > newest.version {
            self.came_otherwise(tip.version);
            self.show(&tip, || Commit::of(&tip, patch::Patch::default(), patch::Patch::default()));
            *newest = tip;
        }
        Ok(())
    }

    fn take_over_one(&self, newest: &Arc<Tip<S>>) -> Result<Arc<Tip<S>>> {
        let tip = self.history.next(newest)?;
        let change = crate::history::change_at(&self.history.view, newest.version)?;
        let inverse = patch::apply(&*newest.state, &change.patch).map(|applied| applied.inverse)?;
        self.came_otherwise(tip.version);
        let (patch, bytes) = (change.patch.clone(), tip.recorded_bytes.saturating_sub(newest.recorded_bytes));
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        ignore_poison(&self.merging.recent).push(Arc::new(change), bytes);
        self.show(&tip, || Commit::of(&tip, patch, inverse));
        Ok(tip)
    }

    pub(super) fn show(&self, tip: &Arc<Tip<S>>, commit: impl FnOnce() -> Commit<S>) {
        self.published.await_durable(Arc::clone(tip), commit);
        self.published.up_to(tip.version);
        self.snapshotter.recorded(tip.version, tip.recorded_bytes);
        self.packing.recorded(&self.log);
    }

    /// The newest number of a writer at a version.
    pub(crate) fn sequence_at(&self, writer: WriterId, version: u64) -> Result<u64> {
        let tip = self.published.tip();
        let tip = if tip.version == version { tip } else { self.history.tip_at(version)? };
        Ok(tip.sequence_of(writer))
    }

    /// The newest number of a writer. O(log writers).
    pub(crate) fn newest_sequence_of(&self, writer: WriterId) -> u64 {
        self.published.tip().sequence_of(writer)
    }

    /// When the newest change was recorded.
    pub(crate) fn stamp(&self) -> Stamp {
        self.published.tip().stamp
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Reads what is durable.
    pub(crate) fn log_reader(&self) -> log::Reader {
        self.log.reader()
    }

    pub(crate) fn env(&self) -> &Env {
        &self.history.env
    }
}

impl<S> Commit<S> {
    pub(super) fn of(tip: &Tip<S>, patch: patch::Patch, inverse: patch::Patch) -> Commit<S> {
        Commit { version: tip.version, state: Arc::clone(&tip.state), patch, inverse }
    }
}
