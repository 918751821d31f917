//! [`Window`]: the newest changes of a store in memory, and for every writer who submits, what it has not seen yet.
//!
//! Fed by `store` with every change from the oldest version on that somebody still builds on. Always: entries are dense; what a
//! [`Bridge`] holds leads from what its writer sees to the newest state.

use super::bridge::{Ahead, Bridge, Passed};
use super::places::Places;
use super::views::applied_as_far_as_it_fits;
use crate::draft::diff;
use crate::error::Result;
use crate::op::Patch;
use crate::patch::steps;
use crate::record::{Change, Merged, Outcome, Refusal, Stamp, WriterId};
use crate::value::Value;
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};

/// So many changes go at once, once there are too many: each by itself would get into the way of whoever makes others, and all of them
/// would keep those waiting who decide.
const GONE_AT_ONCE: usize = 1024;

/// Gives the state of a version.
pub(crate) type StateAt<'a> = &'a dyn Fn(u64) -> Result<Value>;

/// A change as far as others can meet it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) version: u64,
    pub(crate) base: u64,
    pub(crate) writer: WriterId,
    pub(crate) sequence: u64,
    /// When its writer made it.
    pub(crate) written: Stamp,
    /// What took effect.
    pub(crate) patch: Patch,
    /// Which of its operations insert behind something that is gone.
    pub(crate) behind: Vec<usize>,
    /// What was submitted and its writer shows, if that is something else.
    pub(crate) original: Option<Patch>,
    /// The newest change that it met and that the rules had a say about, if there is one.
    pub(crate) met: Option<u64>,
    /// Whether somebody else had their way, or all of its way, where it was to do something: also if nobody noted who.
    pub(crate) is_lost_to_somebody: bool,
    /// What led from what would have become of it, had it met no rules, to what became of it.
    pub(crate) correction: Option<Patch>,
}

impl Entry {
    pub(crate) fn of(change: &Change) -> Entry {
        let merged = change.merged.as_deref();
        let met =
            merged.and_then(|merged| merged.notes.iter().map(|note| note.met).max()).filter(|met| *met > 0);
        let is_given_up = |merged: &Merged| {
            matches!(merged.outcome, Outcome::Rejected { why: Refusal::Conflict | Refusal::Rerun, .. })
        };
        Entry {
            version: change.version,
            base: change.base,
            writer: change.writer,
            sequence: change.sequence,
            written: merged.map_or(change.stamp, |merged| merged.written),
            patch: change.patch.clone(),
            behind: merged.map(|merged| merged.behind.clone()).unwrap_or_default(),
            original: merged.filter(|merged| !merged.is_unseen).and_then(|merged| merged.original.clone()),
            met,
            is_lost_to_somebody: met.is_some() || merged.is_some_and(is_given_up),
            correction: None,
        }
    }

    /// What its writer submitted, and shows until it is told otherwise.
    pub(crate) fn submitted(&self) -> &Patch {
        self.original.as_ref().unwrap_or(&self.patch)
    }
}

/// The changes after some version.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The version before the first entry.
    base: u64,
    /// The same when all else was last rid of what is older.
    swept: u64,
    /// The version that somebody built on last, and the newest one then.
    asked: (u64, u64),
    entries: VecDeque<Entry>,
    places: Places,
    /// Which version each change of each writer made, by its number, ascending.
    versions: HashMap<WriterId, VecDeque<(u64, u64)>, RandomState>,
    bridges: HashMap<WriterId, Bridge>,
}

impl Window {
    /// An empty one, of what comes after a version.
    pub(crate) fn after(base: u64) -> Self {
        Window { base, swept: base, ..Window::default() }
    }

    /// The oldest version that a submission can be for.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The version of the newest entry.
    pub(crate) fn head(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// Somebody builds on a version: what comes after it stays for a while, for there is more that was made then, as a rule.
    pub(crate) fn asks_for(&mut self, base: u64) {
        self.asked = (base, self.head());
    }

    /// How many of the oldest nobody has asked for just now.
    fn unasked(&self, keep: usize) -> usize {
        let (base, head) = self.asked;
        let is_long_ago = self.head().saturating_sub(head) > keep as u64;
        if is_long_ago {
            usize::MAX
        } else {
            usize::try_from(base.saturating_sub(self.base)).unwrap_or(usize::MAX)
        }
    }

    /// Takes the next change. Once there are that many more than are to be kept that some can go at once, the oldest do.
    pub(crate) fn push(&mut self, entry: Entry, keep: usize) {
        debug_assert_eq!(entry.version, self.head() + 1, "the window has no gaps");
        self.places.note(entry.version, entry.writer, &entry.patch);
        self.versions.entry(entry.writer).or_default().push_back((entry.sequence, entry.version));
        self.entries.push_back(entry);
        let too_many = self.entries.len().saturating_sub(keep);
        if too_many > GONE_AT_ONCE.min(keep) {
            let count = GONE_AT_ONCE.min(too_many).min(self.unasked(keep));
            self.entries.drain(..count);
            self.base += count as u64;
        }
        if self.base - self.swept > keep as u64 {
            self.sweep();
        }
    }

    /// Forgets where those worked that are gone, and what nobody can build on any longer.
    fn sweep(&mut self) {
        let base = self.base;
        self.swept = base;
        self.places.forget(base);
        self.versions.retain(|_, known| {
            known.drain(..known.partition_point(|(_, version)| *version <= base));
            !known.is_empty()
        });
        self.bridges.retain(|_, bridge| bridge.base() >= base);
    }

    /// Takes back the entries after a version, which never came to be.
    pub(crate) fn take_back(&mut self, version: u64) -> Vec<Entry> {
        let kept = usize::try_from(version.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let gone: Vec<Entry> = self.entries.drain(kept.min(self.entries.len())..).collect();
        for entry in gone.iter().rev() {
            self.places.take_back(entry.version, &entry.patch);
            self.versions.get_mut(&entry.writer).and_then(VecDeque::pop_back);
        }
        gone
    }

    /// What a writer has not seen, as its last submission left it.
    pub(crate) fn bridge_of(&self, writer: WriterId) -> Option<&Bridge> {
        self.bridges.get(&writer)
    }

    /// Puts back what [`bridge_of`](Self::bridge_of) gave; what was kept since.
    pub(crate) fn swap_bridge(&mut self, writer: WriterId, bridge: Option<Bridge>) -> Option<Bridge> {
        match bridge {
            Some(bridge) => self.bridges.insert(writer, bridge),
            None => self.bridges.remove(&writer),
        }
    }

    /// The change that made a version, if it is in the window.
    pub(crate) fn entry(&self, version: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(version.checked_sub(self.base + 1)?).ok()?)
    }

    /// The version that a change of a writer made, if it is in the window.
    pub(crate) fn version_of(&self, writer: WriterId, sequence: u64) -> Option<u64> {
        let known = self.versions.get(&writer)?;
        let at = known.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()?;
        Some(known[at].1)
    }

    /// All after a version, which must not be before the window, oldest first.
    pub(crate) fn since(&self, version: u64) -> impl Iterator<Item = &Entry> {
        self.entries
            .range(usize::try_from(version - self.base).unwrap_or(usize::MAX).min(self.entries.len())..)
    }

    /// The versions whose changes a patch can meet that was made on `base` by `writer`, who knows its own.
    fn concurrent(&self, base: u64, writer: Option<WriterId>, patch: &Patch) -> Vec<u64> {
        self.places.meeting(base, patch, writer)
    }

    /// What leads from what a writer saw when it made a patch to the newest state, as far as the patch can meet it. Costs what the
    /// patch can meet, and the writer's changes since `base`; once for each writer also their way over all that they can have met. Tells
    /// too which versions the patch itself can meet, and what it has to be led over.
    pub(crate) fn bridge(
        &self,
        base: u64,
        writer: Option<WriterId>,
        patch: &Patch,
        state_at: StateAt<'_>,
    ) -> Result<(Bridge, Vec<u64>, Ahead)> {
        let bridge = match writer {
            Some(writer) => self.own_bridge(base, writer, state_at)?,
            None => Bridge::after(base),
        };
        let met = self.concurrent(bridge.base(), writer, patch);
        let ahead = bridge.ahead(patch, &met, |version| self.entry(version));
        Ok((bridge, met, ahead))
    }

    /// The version after which all must be at hand to know what a writer sees on top of `base`. A change that it made before it knew
    /// `base` leans on what it knew then, and on its own before that, which may lean on still older ones. O(changes since then); O(1)
    /// for a writer whose last submission left a bridge.
    pub(crate) fn leans_on(&self, base: u64, writer: WriterId) -> u64 {
        if self.bridges.contains_key(&writer) { base } else { self.first_base(base, writer) }
    }

    /// The same of what it made since alone: what its changes were made on, and not what that leans on in turn.
    pub(crate) fn made_on(&self, base: u64, writer: WriterId) -> u64 {
        let newest_first = self.entries.iter().rev().take_while(|entry| entry.version > base);
        newest_first.filter(|entry| entry.writer == writer).map(|entry| entry.base).fold(base, u64::min)
    }

    fn first_base(&self, base: u64, writer: WriterId) -> u64 {
        let newest_first = self.entries.iter().rev();
        newest_first.fold(base, |first, entry| match entry.writer == writer && entry.version > first {
            true => first.min(entry.base),
            false => first,
        })
    }

    /// The one a writer's last submission left, or one made anew from all of its changes that it does not know the place of.
    fn own_bridge(&self, base: u64, writer: WriterId, state_at: StateAt<'_>) -> Result<Bridge> {
        match self.bridges.get(&writer) {
            Some(bridge) => Ok(bridge.clone().moved_to(base)),
            None => self.rebuilt(base, writer, state_at).map(|(bridge, _)| bridge),
        }
    }

    /// Goes once more through all that a writer submitted since `base`, and what that leans on: what is between what it sees and the
    /// newest state, and its own changes since `base` as they read one after the other on that version.
    fn rebuilt(&self, base: u64, writer: WriterId, state_at: StateAt<'_>) -> Result<(Bridge, Vec<Patch>)> {
        let first = self.first_base(base, writer).max(self.base);
        let (mut bridge, mut seen) = (Bridge::after(first), Vec::new());
        for entry in self.since(first).filter(|entry| entry.writer == writer) {
            bridge = bridge.moved_to(entry.base);
            let submitted = entry.submitted();
            let mut met = self.concurrent(bridge.base(), Some(writer), submitted);
            met.retain(|version| *version < entry.version);
            let ahead = bridge.ahead(submitted, &met, |version| self.entry(version));
            if entry.version > base {
                let known = ahead.partition_point(|(version, _)| *version <= base);
                seen.push(bridge.clone().pass(submitted, &ahead[..known]).patch);
            }
            let Passed { patch, .. } = bridge.pass(submitted, &ahead);
            if patch != entry.patch {
                let correction = match &entry.correction {
                    Some(known) => known.clone(),
                    None => correction(&state_at(entry.version - 1)?, &patch, &entry.patch)?,
                };
                bridge.correct(entry.version, &correction);
            }
        }
        Ok((bridge.moved_to(base), seen))
    }

    /// The changes of a writer that it made after it knew `base`, as they read on what it saw.
    pub(crate) fn own_since(&self, base: u64, writer: WriterId, state_at: StateAt<'_>) -> Result<Vec<Patch>> {
        self.rebuilt(base, writer, state_at).map(|(_, seen)| seen)
    }

    /// Keeps what a submission left for the next one of its writer.
    pub(crate) fn keep_bridge(&mut self, writer: WriterId, bridge: Bridge) {
        self.bridges.insert(writer, bridge);
    }

    /// The same changes and those before them, from a version on. O(all of them).
    pub(crate) fn behind(&self, before: Window) -> Window {
        debug_assert_eq!(before.head(), self.base, "there is no gap between them");
        self.entries.iter().fold(before, |mut whole, entry| {
            whole.push(entry.clone(), usize::MAX);
            whole
        })
    }

    /// Notes what the rules made of the newest entry.
    pub(crate) fn correct_newest(&mut self, correction: Patch) {
        if let Some(newest) = self.entries.back_mut() {
            newest.correction = Some(correction);
        }
    }
}

/// What leads from what would have become of a change that met no rules, to what did become of it. Whoever made it believes in the
/// former until told otherwise.
pub(crate) fn correction(before: &Value, passed: &Patch, effective: &Patch) -> Result<Patch> {
    let [believed, real] =
        [passed, effective].map(|patch| applied_as_far_as_it_fits(before, &mut steps(patch)));
    Ok(diff(&believed, &real)?.0)
}
