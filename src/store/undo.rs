//! Taking back a change that is not the newest one, and taking that back again.
//!
//! An undo is a change like any other: the inverse of the old one, applied to the newest state, with a note of what it
//! undoes. It is refused where something later touched the same place, because then the inverse would overwrite or miss;
//! pairs of an undo and its redo in between do not count.

use super::complete::applied;
use super::propose::Proposal;
use super::{Commit, Store};
use crate::error::{Error, Result, UndoRefusal};
use crate::patch::{self, Patch, interferes};
use crate::record::{Change, Meta};
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};

impl<S: State + Default> Store<S> {
    /// Takes back the change that made `version`, as a new change. Costs the state at that version, reading the changes since,
    /// one record and (a share of) one sync.
    ///
    /// # Errors
    /// [`Error::UndoConflict`] when a later change touched the same place, [`Error::UndoState`] when it is undone
    /// already, or the state was migrated since, [`Error::BeyondHead`], [`Error::Compacted`]; otherwise as [`produce`](Store::produce). Nothing changed.
    pub fn undo(&self, version: u64) -> Result<Commit<S>> {
        self.undo_with(Meta::default(), version)
    }

    /// [`undo`](Store::undo), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `undo`.
    pub fn undo_with(&self, meta: Meta, version: u64) -> Result<Commit<S>> {
        let (done, before) = self.to_take_back(version)?;
        self.take_back(&done, before, meta, None)
    }

    /// The same if nothing came after the version `on`.
    #[cfg(feature = "inspect")]
    pub(crate) fn undo_on(&self, on: u64, meta: Meta, version: u64) -> Result<Commit<S>> {
        let (done, before) = self.to_take_back(version)?;
        self.take_back(&done, before, meta, Some(on))
    }

    /// What [`undo`](Store::undo) would do now, and to which version.
    #[cfg(feature = "inspect")]
    pub(crate) fn preview_undo(&self, version: u64) -> Result<(u64, Patch)> {
        let (done, before) = self.to_take_back(version)?;
        let (head, newest) = self.newest();
        self.unless_touched(&done, head)?;
        let inverse = patch::apply(&*self.at(before)?, &done.patch)?.inverse;
        Ok((head, applied(&*newest, &inverse)?.patch))
    }

    /// The change that made `version`, and the version before it.
    fn to_take_back(&self, version: u64) -> Result<(Change, u64)> {
        let head = self.version();
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        let Some(before) = version.checked_sub(1) else {
            return Err(Error::UndoState { version, why: UndoRefusal::Beginning });
        };
        match self.changes(version..=version)?.next().transpose()? {
            Some(done) => Ok((done, before)),
            None => Err(Error::BeyondHead { version, head }),
        }
    }

    /// The undo of a change as it would come next, for an order that is kept elsewhere; nothing if it changes nothing.
    ///
    /// # Errors
    /// As `undo`.
    pub(crate) fn propose_undo(&self, meta: &Meta, version: u64) -> Result<Option<Proposal<S>>> {
        let (done, before) = self.to_take_back(version)?;
        loop {
            let head = self.version();
            self.unless_touched(&done, head)?;
            let inverse = patch::apply(&*self.at(before)?, &done.patch)?.inverse;
            let newest = self.lock_tip()?;
            if newest.version == head {
                let drafted = applied(&*newest.state, &inverse)?;
                return self.propose_one(&newest, meta.clone(), Some(version), drafted);
            }
            drop(newest);
            // What came is about to become visible.
            std::thread::yield_now();
        }
    }

    /// The same of doing again what was undone.
    ///
    /// # Errors
    /// As `redo`.
    pub(crate) fn propose_redo(&self, meta: &Meta, version: u64) -> Result<Option<Proposal<S>>> {
        self.propose_undo(meta, self.undo_of(version)?)
    }

    /// Checks and applies against one and the same state: whenever somebody else was faster, looks again; or refuses, if it is for one
    /// version only.
    fn take_back(&self, done: &Change, before: u64, meta: Meta, on: Option<u64>) -> Result<Commit<S>> {
        let mut inverse: Option<Patch> = None;
        loop {
            let head = self.version();
            if let Some(base) = on.filter(|on| *on != head) {
                return Err(Error::Outdated { base: Some(base), head });
            }
            self.unless_touched(done, head)?;
            let inverse = match &mut inverse {
                Some(inverse) => inverse,
                // Only now: across a migration the change may not even fit what it was made for, as the type reads it.
                None => inverse.insert(patch::apply(&*self.at(before)?, &done.patch)?.inverse),
            };
            let mut newest = self.lock_newest()?;
            if newest.version == head {
                let drafted = applied(&*newest.state, inverse)?;
                let commit = self.record(&mut newest, meta, Some(done.version), drafted)?;
                drop(newest);
                return self.settled(commit);
            }
            let version = newest.version;
            drop(newest);
            self.settle(version)?;
        }
    }

    /// Does again what was undone: takes back the newest undo of `version`. Costs reading the changes since, and what
    /// [`undo`](Store::undo) costs.
    ///
    /// # Errors
    /// [`Error::UndoState`] when it is not undone; otherwise as [`undo`](Store::undo).
    pub fn redo(&self, version: u64) -> Result<Commit<S>> {
        self.redo_with(Meta::default(), version)
    }

    /// [`redo`](Store::redo), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `redo`.
    pub fn redo_with(&self, meta: Meta, version: u64) -> Result<Commit<S>> {
        self.undo_with(meta, self.undo_of(version)?)
    }

    /// The version that is the undo of another, and in force.
    fn undo_of(&self, version: u64) -> Result<u64> {
        let head = self.version();
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        let not_undone = Error::UndoState { version, why: UndoRefusal::NotUndone };
        self.standing_undo(version)?.ok_or(not_undone)
    }

    /// The undo of a version that is in force: one that was not taken back itself, or whose taking back was.
    fn standing_undo(&self, version: u64) -> Result<Option<u64>> {
        let mut undos = Vec::new();
        for change in self.changes(version.max(1)..)? {
            let change = change?;
            undos.extend(change.undoes.map(|undone| (change.version, undone)));
        }
        // From the newest on, so that whether an undo stands is known before what it undoes comes up.
        let mut undone_by = BTreeMap::new();
        for (undo, undone) in undos.into_iter().rev() {
            if !undone_by.contains_key(&undo) {
                undone_by.insert(undone, undo);
            }
        }
        Ok(undone_by.remove(&version))
    }

    /// Refuses if a change after `done`, up to `head`, touched the same place, or brought the state to another schema.
    fn unless_touched(&self, done: &Change, head: u64) -> Result<()> {
        let later: Vec<Change> = self.changes(done.version + 1..=head)?.collect::<Result<_>>()?;
        let cancelled = cancelled(&later);
        let migration = std::iter::once(done).chain(&later).find(|change| change.is_migration());
        if let Some(migration) = migration {
            let (version, why) = (done.version, UndoRefusal::Migrated { by: migration.version });
            return Err(Error::UndoState { version, why });
        }
        for change in later.iter().filter(|change| !cancelled.contains(&change.version)) {
            if change.undoes == Some(done.version) {
                let (version, why) = (done.version, UndoRefusal::AlreadyUndone);
                return Err(Error::UndoState { version, why });
            }
            if let Some(path) = interferes(&done.patch, &change.patch) {
                let (version, later) = (done.version, change.version);
                return Err(Error::UndoConflict { version, later, path });
            }
        }
        Ok(())
    }
}

/// The changes that cancel out: undone ones with their undo, as long as that stands.
fn cancelled(changes: &[Change]) -> BTreeSet<u64> {
    let mut cancelled = BTreeSet::new();
    for change in changes.iter().rev() {
        let inside = |version: &u64| changes.first().is_some_and(|first| *version >= first.version);
        if let Some(undone) = change.undoes.filter(inside)
            && !cancelled.contains(&change.version)
        {
            cancelled.extend([undone, change.version]);
        }
    }
    cancelled
}
