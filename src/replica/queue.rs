//! [`Queue`]: the changes of one writer that are not confirmed yet, and the state that shows with them.
//!
//! Leaves the disk and the way to the sequencer to `writer`. What comes in is led past what waits, by the same steps as the
//! sequencer takes, so that both believe the same. Always: the view is the confirmed state with all that waits, as far as it fits.

use crate::error::Result;
use crate::merge::{Places, Seen, Submission, applied_as_far_as_it_fits, correction};
use crate::patch::{self, Patch, Step, lead, steps, steps_behind};
use crate::record::{Change, Merged, WriterId};
use crate::state::State;
use crate::value::Value;
use std::collections::VecDeque;
use std::sync::Arc;

/// A change that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// As it was made.
    pub(super) submission: Submission,
    pub(super) sequence: u64,
    /// As it reads on the confirmed state and all that waits before it; nothing while that is as it was made.
    run: Option<Vec<Step>>,
}

impl Waiting {
    /// For who looks at it while it waits: what it was made on is held by the queue alone.
    pub(super) fn lent(&self) -> Submission {
        let seen = self.submission.seen.as_ref().map(Seen::lent);
        Submission { seen, ..self.submission.clone() }
    }

    pub(super) fn patch(&self) -> Patch {
        match &self.run {
            Some(run) => run.iter().map(|step| step.op.clone()).collect(),
            None => self.submission.patch.clone(),
        }
    }

    fn run(&mut self) -> &mut Vec<Step> {
        self.run.get_or_insert_with(|| steps(&self.submission.patch))
    }
}

/// What waits, and what shows with it.
#[derive(Debug)]
pub(super) struct Queue<S> {
    pub(super) writer: WriterId,
    /// The version that all of it stands on.
    pub(super) confirmed: u64,
    pub(super) view: Arc<S>,
    pub(super) waiting: VecDeque<Waiting>,
    /// Where what waits works, by sequence.
    places: Places,
    /// The newest sequence that `places` has forgotten.
    forgotten: u64,
}

/// So many that no longer wait are remembered at least before they are forgotten, all at once.
const FORGOTTEN_AT_ONCE: u64 = 1024;

/// What came in, for who waits.
pub(super) enum Taken {
    /// A change by somebody else.
    Other,
    /// One of ours, which no longer waits.
    Ours(Box<Waiting>, Option<Box<Merged>>),
}

impl<S: State> Queue<S> {
    pub(super) fn on(writer: WriterId, confirmed: u64, view: Arc<S>) -> Self {
        Queue { writer, confirmed, view, waiting: VecDeque::new(), places: Places::default(), forgotten: 0 }
    }

    /// Adds a change to the end, with what shows then.
    pub(super) fn push(&mut self, sequence: u64, submission: Submission, view: Arc<S>) {
        self.places.note(sequence, self.writer, &submission.patch);
        self.waiting.push_back(Waiting { submission, sequence, run: None });
        self.view = view;
    }

    /// Takes in the next confirmed change. `before` and `after` give the confirmed states around it. O(what it meets of what waits).
    pub(super) fn take(
        &mut self,
        change: &Change,
        before: impl FnOnce() -> Result<Value>,
        after: impl FnOnce() -> Result<Arc<S>>,
    ) -> Result<Taken> {
        debug_assert_eq!(change.version, self.confirmed + 1, "changes come without gaps");
        self.confirmed = change.version;
        let is_ours = |front: &Waiting| change.writer == self.writer && change.sequence == front.sequence;
        let ours = if self.waiting.front().is_some_and(is_ours) { self.waiting.pop_front() } else { None };
        let Some(ours) = ours else {
            let behind = change.merged.as_ref().map_or(&[][..], |merged| &merged.behind);
            let met = self.meeting(&change.patch);
            let item = self.lead_past(steps_behind(&change.patch, behind), met);
            self.show(item, after)?;
            return Ok(Taken::Other);
        };
        self.forget_up_to(ours.sequence);
        let believed = ours.patch();
        if believed != change.patch {
            let corrected = correction(&before()?, &believed, &change.patch)?;
            let met = self.meeting(&corrected);
            let item = self.lead_past(steps(&corrected), met);
            self.show(item, after)?;
        }
        Ok(Taken::Ours(Box::new(ours), change.merged.clone()))
    }

    /// Which of those that wait a change can meet, oldest first.
    fn meeting(&self, patch: &Patch) -> Vec<usize> {
        let Some(front) = self.waiting.front() else { return Vec::new() };
        let met = self.places.meeting(front.sequence.saturating_sub(1), patch, None);
        let at = |sequence| self.waiting.binary_search_by_key(&sequence, |waiting| waiting.sequence).ok();
        met.into_iter().filter_map(at).collect()
    }

    /// Those up to a sequence no longer wait.
    fn forget_up_to(&mut self, sequence: u64) {
        if self.waiting.is_empty() {
            self.places = Places::default();
            self.forgotten = sequence;
        } else if sequence - self.forgotten > FORGOTTEN_AT_ONCE.max(self.waiting.len() as u64) {
            self.places.forget(sequence);
            self.forgotten = sequence;
        }
    }

    /// What is left of a change once it is led past those that wait at some positions, and the other way round.
    fn lead_past(&mut self, mut item: Vec<Step>, met: Vec<usize>) -> Vec<Step> {
        for at in met {
            if item.is_empty() {
                break;
            }
            let Some(waiting) = self.waiting.get_mut(at) else { continue };
            let run = waiting.run();
            let led = lead(item, std::mem::take(run));
            (item, *run) = (led.earlier, led.later);
        }
        item
    }

    fn show(&mut self, item: Vec<Step>, after: impl FnOnce() -> Result<Arc<S>>) -> Result<()> {
        if self.waiting.is_empty() {
            self.view = after()?;
            return Ok(());
        }
        if item.is_empty() {
            return Ok(());
        }
        let patch: Patch = item.into_iter().map(|step| step.op).collect();
        match patch::apply(&*self.view, &patch) {
            Ok(applied) => self.view = Arc::new(applied.state),
            Err(_) => self.rebuild(&*after()?),
        }
        Ok(())
    }

    /// Shows anew what waits on a confirmed state, each change as far as it fits.
    pub(super) fn rebuild(&mut self, confirmed: &S) {
        let mut view = confirmed.clone();
        for waiting in &mut self.waiting {
            view = applied_as_far_as_it_fits(&view, waiting.run());
        }
        self.view = Arc::new(view);
    }
}
