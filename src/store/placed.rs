//! What was proposed here and gets its place in an order elsewhere, on its way back: known by then, so that it is not made anew from the
//! records.
//!
//! Fed by `replica`, before it asks for the place of a proposal, and by `followed`, when records are here. Always: what came is what was
//! proposed, byte by byte; where anything else came it is taken in as anybody's.

use super::propose::Proposal;
use super::{Commit, Store, ignore_poison};
use crate::error::{Error, Result};
use crate::history::{Tip, decode};
use crate::layout::Chain;
use crate::merge::{Bridge, Entry, Window};
use crate::patch::Patch;
use crate::record::{Change, WriterId};
use crate::state::State;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What came where a proposal was to have its place.
enum Came {
    Nothing,
    /// The first of its records, so far.
    Partly,
    Wholly,
    Otherwise,
}

impl<S: State + Default> Store<S> {
    /// A proposal is about to be given its place: it comes back with the history, or something else does.
    pub(crate) fn expect(&self, proposal: Proposal<S>) {
        *ignore_poison(&self.merging.placed) = Some(proposal);
    }

    /// The proposal that was expected last may not come, or not all of it. What was held back for the rest of it is taken in.
    pub(crate) fn doubt_what_is_expected(&self) -> Result<()> {
        if let Some(proposal) = ignore_poison(&self.merging.placed).as_mut() {
            proposal.is_doubtful = true;
        }
        self.take_over().map(drop)
    }

    /// What was proposed, if that is what came, all of it; and whether some of it came and the rest is on its way, for it goes there in
    /// one piece. Costs comparing the records.
    pub(super) fn came_back(&self, newest: &Tip<S>) -> Result<(Option<Proposal<S>>, bool)> {
        let mut placed = ignore_poison(&self.merging.placed);
        // One that was overtaken goes, with all that it holds.
        let was_due = placed.take_if(|proposal| proposal.offset <= newest.version);
        let Some(proposal) = was_due.filter(|proposal| proposal.follows(newest)) else {
            return Ok((None, false));
        };
        Ok(match self.came_of(&proposal)? {
            Came::Wholly => (Some(proposal), false),
            Came::Otherwise => (None, false),
            Came::Partly if proposal.is_doubtful => (None, false),
            came => {
                *placed = Some(proposal);
                (None, matches!(came, Came::Partly))
            }
        })
    }

    fn came_of(&self, proposal: &Proposal<S>) -> Result<Came> {
        let mut so_far = Came::Nothing;
        let mut records = self.history.view.records(proposal.offset)?;
        for body in proposal.records.iter() {
            match records.next_record()? {
                Some(record) if record.payload() == body => so_far = Came::Partly,
                Some(_) => return Ok(Came::Otherwise),
                None => return Ok(so_far),
            }
        }
        Ok(Came::Wholly)
    }

    /// Whether the history here reads up to an offset as somebody proposed it.
    pub(crate) fn reads_as(&self, end: u64, chain: Chain) -> Result<bool> {
        let tip = self.published.tip();
        Ok(if tip.version == end { tip.chain == chain } else { self.log_reader().chain_at(end)? == chain })
    }

    /// Goes on from what was proposed, which is what came.
    pub(super) fn go_on_with(&self, newest: &mut Arc<Tip<S>>, proposal: Proposal<S>) {
        let Proposal { offset, records, changes, tip, entries, bridges, as_submitted, .. } = proposal;
        if !as_submitted {
            self.came_otherwise(tip.version);
        }
        self.show(&tip, || Commit::of(&tip, Patch::default(), Patch::default()));
        self.history.met(&tip);
        *newest = tip;
        let mut recent = ignore_poison(&self.merging.recent);
        changes.into_iter().zip(records.iter()).for_each(|(change, body)| recent.push(change, body.len()));
        drop(recent);
        self.notice_placed(offset, entries, bridges);
    }

    fn notice_placed(&self, offset: u64, entries: Vec<Entry>, bridges: BTreeMap<WriterId, Option<Bridge>>) {
        let mut window = ignore_poison(&self.merging.window);
        let Some(known) = window.as_mut().filter(|window| window.head() == offset) else { return };
        entries.into_iter().for_each(|entry| known.push(entry, self.merging.arbiter.window));
        go_on(known, bridges);
    }

    /// The writers of a proposal that came back go on from what it left. They would come to the same without, for more work.
    pub(super) fn go_on_from(&self, proposal: Proposal<S>) {
        let mut window = ignore_poison(&self.merging.window);
        if let Some(known) = window.as_mut().filter(|window| window.head() == proposal.end()) {
            go_on(known, proposal.bridges);
        }
    }

    /// Something came that whoever writes here did not believe in.
    pub(super) fn came_otherwise(&self, version: u64) {
        self.merging.otherwise.fetch_max(version, Ordering::SeqCst);
    }

    /// Whether all that came from elsewhere since a version is what was submitted here, as it was.
    pub(crate) fn came_as_believed_since(&self, version: u64) -> bool {
        self.merging.otherwise.load(Ordering::SeqCst) <= version
    }

    /// From now on the newest changes are kept as they come, for [`changes_between`](Store::changes_between).
    pub(crate) fn keep_recent(&self) {
        ignore_poison(&self.merging.recent).want();
    }

    /// Whoever wanted them has taken in the changes up to a version.
    pub(crate) fn took_in(&self, version: u64) {
        ignore_poison(&self.merging.recent).done(version);
    }

    /// Who made the newest change, if it came just now.
    pub(crate) fn newest_writer(&self) -> Option<WriterId> {
        ignore_poison(&self.merging.recent).newest_writer()
    }

    /// The changes that lead from one version to another, if they came just now.
    pub(crate) fn recent_between(&self, from: u64, to: u64) -> Option<Vec<Arc<Change>>> {
        ignore_poison(&self.merging.recent).between(from, to)
    }

    /// Shows each change that leads from one version to another, both durable here, and stops where one is missing. Costs these.
    pub(crate) fn changes_between(
        &self,
        from: u64,
        to: u64,
        mut show: impl FnMut(&Change) -> Result<()>,
    ) -> Result<()> {
        if let Some(recent) = self.recent_between(from, to) {
            return recent.iter().try_for_each(|change| show(change));
        }
        let mut records = self.history.view.records(from)?;
        while records.offset() < to {
            let Some(record) = records.next_record()? else { break };
            show(&decode(&record)?)?;
        }
        Ok(())
    }

    /// What came from elsewhere counts for merging, once something was merged here. Where it cannot be told, the window is made anew
    /// when it is asked for.
    pub(super) fn notice_since(&self, newest: &Tip<S>) {
        let mut window = ignore_poison(&self.merging.window);
        let Some(known) = window.as_mut().filter(|window| window.head() != newest.version) else { return };
        if self.tell_window(newest, known).is_err() {
            *window = None;
        }
    }

    fn tell_window(&self, newest: &Tip<S>, window: &mut Window) -> Result<()> {
        self.changes_between(window.head(), newest.version, |change| {
            let entry = self.entry_of(newest, change)?;
            // What its writer has not seen is told by this one too from now on.
            window.swap_bridge(entry.writer, None);
            window.push(entry, self.merging.arbiter.window);
            Ok(())
        })?;
        let (head, version) = (window.head(), newest.version);
        if head == version { Ok(()) } else { Err(Error::BeyondHead { version, head }) }
    }
}

/// What each writer has not seen is what a proposal left of it.
fn go_on(window: &mut Window, bridges: BTreeMap<WriterId, Option<Bridge>>) {
    for (writer, bridge) in bridges {
        window.swap_bridge(writer, bridge);
    }
}
