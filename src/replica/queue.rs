//! [`Queue`]: the changes of one writer that are not confirmed yet, and the state that shows with them.
//!
//! Leaves the disk and the way to the sequencer to `writer`. What comes in is led past what waits, by the same steps as the
//! sequencer takes, so that both believe the same. Always: the view is the confirmed state with all that waits, as far as it fits.

use crate::error::Result;
use crate::merge::{Gone, Places, Submission, Trail, Withdrawn, applied_as_far_as_it_fits, correction};
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
    /// Whether it met something of which only one can have its way: what becomes of it then is for the rules to say.
    is_contested: bool,
    /// Whether what it was made on is not known here any longer, and with that where it would take effect now.
    pub(super) is_lost: bool,
}

impl Waiting {
    pub(super) fn patch(&self) -> Patch {
        match &self.run {
            Some(run) => run.iter().map(|step| step.op.clone()).collect(),
            None => self.submission.patch.clone(),
        }
    }

    /// The same as a change to a version, for whom it was made too long ago: what it met is not known there, so it is given up where the rules
    /// would have had a say. Those behind it stand on what it is said to have been, unless it does not show: then they know nothing of it.
    pub(super) fn as_it_reads_on(&self, version: u64) -> Submission {
        let made_on = self.submission.base;
        let why = || {
            format!(
                "what it met came too long ago for the rules to decide: it was made on version {made_on}, and could be brought at version {version}"
            )
        };
        let withdraw = || Withdrawn { why: why(), is_shown: !self.is_lost };
        let withdrawn = (self.is_contested || self.is_lost).then(withdraw);
        let patch = if self.is_lost { self.submission.patch.clone() } else { self.patch() };
        Submission { base: version, patch, withdrawn, ..self.submission.clone() }
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
    /// What each of them was made on that was made in this session.
    pub(super) trail: Trail<S>,
    /// What is no longer remembered, to be let go of by whoever need not hold this meanwhile.
    pub(super) gone: Vec<Gone<S>>,
    /// Where what waits works, by sequence.
    places: Places,
    /// The newest sequence that `places` has forgotten.
    forgotten: u64,
    /// Whether there are keyed lists in it whose order others change.
    has_orders: bool,
    /// Whether something waited whose base is not known.
    has_lost: bool,
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
        let (waiting, trail, gone) = (VecDeque::new(), Trail::default(), Vec::new());
        let places = Places::default();
        Queue {
            writer,
            confirmed,
            view,
            waiting,
            trail,
            gone,
            places,
            forgotten: 0,
            has_orders: false,
            has_lost: false,
        }
    }

    /// Adds a change to the end that was made on what shows, and what shows then.
    pub(super) fn made(&mut self, sequence: u64, submission: Submission, view: Arc<S>) {
        let oldest = self.waiting.front().map_or(sequence, |front| front.sequence);
        self.trail.push(sequence, &self.view, &submission.patch, oldest);
        self.wait(sequence, submission, false);
        self.view = view;
    }

    /// Adds a change of an earlier session to the end; what shows is to be made anew. One that was made on an older version than what is confirmed shows nothing, nor
    /// does what works where that one did: they are given up.
    pub(super) fn push(&mut self, sequence: u64, submission: Submission) {
        let is_lost = submission.base < self.confirmed || self.stands_on_what_is_lost(&submission.patch);
        self.has_lost |= is_lost;
        self.wait(sequence, submission, is_lost);
    }

    fn wait(&mut self, sequence: u64, submission: Submission, is_lost: bool) {
        self.places.note(sequence, self.writer, &submission.patch);
        let run = is_lost.then(Vec::new);
        self.waiting.push_back(Waiting { submission, sequence, run, is_contested: false, is_lost });
    }

    fn stands_on_what_is_lost(&self, patch: &Patch) -> bool {
        self.has_lost && self.meeting(patch).into_iter().any(|at| self.waiting[at].is_lost)
    }

    /// Nothing waits, so what is confirmed shows.
    pub(super) fn stand_on(&mut self, confirmed: u64, view: Arc<S>) {
        self.confirmed = confirmed;
        self.see(view);
    }

    /// Shows something else than what the newest change left.
    fn see(&mut self, view: Arc<S>) {
        self.trail.breaks();
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
            let led = match self.meeting(&change.patch) {
                met if met.is_empty() => change.patch.clone(),
                met => self.lead_past(steps_behind(&change.patch, behind), met),
            };
            self.show(&led, after)?;
            return Ok(Taken::Other);
        };
        self.forget_up_to(ours.sequence);
        let believed = ours.patch();
        if believed != change.patch {
            let corrected = correction(&before()?, &believed, &change.patch)?;
            let met = self.meeting(&corrected);
            let led = self.lead_past(steps(&corrected), met);
            self.show(&led, after)?;
        }
        Ok(Taken::Ours(Box::new(ours), change.merged.clone()))
    }

    /// Which of those that wait a change can meet, oldest first. Their sequences have no gaps.
    fn meeting(&self, patch: &Patch) -> Vec<usize> {
        let Some(first) = self.waiting.front().map(|front| front.sequence) else { return Vec::new() };
        let met = self.places.meeting(first.saturating_sub(1), patch, None);
        met.into_iter().filter_map(|sequence| usize::try_from(sequence.checked_sub(first)?).ok()).collect()
    }

    /// Those up to a sequence no longer wait.
    fn forget_up_to(&mut self, sequence: u64) {
        if self.waiting.is_empty() {
            self.gone.push(self.trail.forget());
            self.places = Places::default();
            self.forgotten = sequence;
        } else if sequence - self.forgotten > FORGOTTEN_AT_ONCE.max(self.waiting.len() as u64) {
            self.gone.push(self.trail.forget_before(sequence + 1));
            self.places.forget(sequence);
            self.forgotten = sequence;
        }
    }

    /// What is left of a change once it is led past those that wait at some positions, and the other way round.
    fn lead_past(&mut self, mut item: Vec<Step>, met: Vec<usize>) -> Patch {
        for at in met {
            if item.is_empty() {
                break;
            }
            let Some(waiting) = self.waiting.get_mut(at) else { continue };
            let run = waiting.run();
            let led = lead(&item, std::mem::take(run));
            (item, *run) = (led.earlier, led.later);
            waiting.is_contested |= !led.contests.is_empty();
        }
        item.into_iter().map(|step| step.op).collect()
    }

    fn show(&mut self, patch: &Patch, after: impl FnOnce() -> Result<Arc<S>>) -> Result<()> {
        if self.waiting.is_empty() {
            let confirmed = after()?;
            self.see(confirmed);
        } else if !self.shows_with(patch) {
            self.rebuild(&*after()?);
        }
        Ok(())
    }

    /// Shows what waits with a patch on top, if it fits; if it does not, what shows is to be made anew. Where one comes after the other only
    /// the first has to copy what it changes, unless what was before is needed to tell whether it fits.
    fn shows_with(&mut self, patch: &Patch) -> bool {
        if self.has_orders {
            let applied = patch::apply(&*self.view, patch).ok();
            return applied.map(|applied| self.see(Arc::new(applied.state))).is_some();
        }
        self.trail.breaks();
        let applied = patch::apply_in_place(Arc::make_mut(&mut self.view), patch);
        self.has_orders = applied.as_ref().is_ok_and(|orders_touched| *orders_touched);
        applied.is_ok() && !self.has_orders
    }

    /// Shows anew what waits on a confirmed state, each change as far as it fits.
    pub(super) fn rebuild(&mut self, confirmed: &S) {
        let mut view = confirmed.clone();
        for waiting in &mut self.waiting {
            view = applied_as_far_as_it_fits(&view, waiting.run());
        }
        self.see(Arc::new(view));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::KeyedList;
    use crate::draft::draft;
    use crate::op::{Action, Op};
    use crate::record::Stamp;
    use crate::value;
    use crate::value::Path;

    /// A queue in which one change waits.
    fn queue<S: State>(confirmed: &S, change: impl FnOnce(&mut S)) -> Queue<S> {
        let mut queue = Queue::on(WriterId(1), 1, Arc::new(confirmed.clone()));
        let drafted = draft(confirmed, change).unwrap();
        let submission = Submission::new(1, drafted.patch.clone()).by(WriterId(1), 1);
        queue.made(1, submission, Arc::new(drafted.state));
        queue
    }

    #[test]
    fn what_does_not_fit_leaves_nothing_half_changed() {
        let confirmed = value!({ "a": 1, "b": 1 });
        let mut queue = queue(&confirmed, |doc: &mut Value| doc["b"] = 2.into());
        let shown = Arc::clone(&queue.view);
        let at = |name: &str| Path::root().child(name);
        let patch = Patch::from(vec![
            Op::new(at("a"), Action::Replace(7.into())),
            Op::new(at("missing"), Action::Remove),
        ]);
        queue.show(&patch, || Ok(Arc::new(confirmed.clone()))).unwrap();
        assert_eq!((&*queue.view, &*shown), (&value!({ "a": 1, "b": 2 }), &value!({ "a": 1, "b": 2 })));
    }

    type Named = KeyedList<String, u64>;

    #[track_caller]
    fn shows(queue: &mut Queue<Named>, came: &Patch, confirmed: &Named) {
        queue.show(came, || Ok(Arc::new(confirmed.clone()))).unwrap();
        let mut expected = confirmed.clone();
        expected.remove("mine");
        assert_eq!(*queue.view, expected);
    }

    #[test]
    fn the_order_of_a_keyed_list_agrees_with_its_items_whatever_comes() {
        let mut confirmed: Named = [("mine".to_owned(), 1), ("b".to_owned(), 2)].into_iter().collect();
        let mut queue = queue(&confirmed, |list| {
            list.remove("mine");
        });
        for n in 0..4 {
            let added = draft(&confirmed, |list: &mut Named| {
                list.push(n.to_string(), n);
            })
            .unwrap();
            shows(&mut queue, &added.patch, &added.state);
            shows(&mut queue, &added.inverse, &confirmed);
            // An item without a place in the order.
            let half: Patch = added.patch.iter().take(1).cloned().collect();
            shows(&mut queue, &half, &confirmed);
            confirmed = added.state;
            shows(&mut queue, &added.patch, &confirmed);
        }
        assert!(queue.has_orders);
    }

    /// Makes changes of its own, and takes in what others did and what became of its own; what each was made on is kept beside it.
    struct Made<S> {
        queue: Queue<S>,
        confirmed: S,
        saw: Vec<(u64, Value)>,
    }

    impl<S: State> Made<S> {
        fn on(confirmed: S) -> Made<S> {
            Made { queue: Queue::on(WriterId(1), 1, Arc::new(confirmed.clone())), confirmed, saw: Vec::new() }
        }

        fn make(&mut self, sequence: u64, change: impl FnOnce(&mut S)) {
            let drafted = draft(&*self.queue.view, change).unwrap();
            self.saw.push((sequence, self.queue.view.to_value()));
            let submission = Submission::new(self.queue.confirmed, drafted.patch).by(WriterId(1), sequence);
            self.queue.made(sequence, submission, Arc::new(drafted.state));
            self.remembers();
        }

        fn comes(&mut self, writer: u64, sequence: u64, patch: Patch) {
            let (before, version) = (self.confirmed.clone(), self.queue.confirmed + 1);
            self.confirmed = patch::apply(&before, &patch).unwrap().state;
            let change = Change::of(WriterId(writer), sequence, version, Stamp::default());
            let after = Arc::new(self.confirmed.clone());
            self.queue.take(&Change { patch, ..change }, || Ok(before.to_value()), || Ok(after)).unwrap();
            self.remembers();
        }

        fn other(&mut self, change: impl FnOnce(&mut S)) {
            let patch = draft(&self.confirmed, change).unwrap().patch;
            self.comes(2, 1, patch);
        }

        fn own(&mut self) {
            let front = self.queue.waiting.front().unwrap();
            let (sequence, patch) = (front.sequence, front.patch());
            self.comes(1, sequence, patch);
        }

        #[track_caller]
        fn remembers(&self) {
            for waiting in &self.queue.waiting {
                let (_, saw) = self.saw.iter().find(|(sequence, _)| *sequence == waiting.sequence).unwrap();
                assert_eq!(self.queue.trail.seen(waiting.sequence).document().as_ref(), Some(saw));
            }
        }
    }

    #[test]
    fn what_each_change_was_made_on_is_remembered_whatever_comes_in_between() {
        let mut made = Made::on(value!({ "mine": 0, "theirs": 0 }));
        for n in 1..200 {
            made.make(n, |doc| doc["mine"] = n.into());
            match n % 10 {
                3 | 4 => made.other(|doc| doc["theirs"] = n.into()),
                5 => made.other(|doc| doc["mine"] = (1000 + n).into()),
                6 => (0..4).for_each(|_| made.own()),
                7 => made.queue.rebuild(&made.confirmed.clone()),
                9 if n % 20 == 9 => (0..made.queue.waiting.len()).for_each(|_| made.own()),
                _ => {}
            }
        }
    }

    #[test]
    fn the_same_of_a_keyed_list() {
        let mut made = Made::on([("mine".to_owned(), 1), ("b".to_owned(), 2)].into_iter().collect::<Named>());
        for n in 1..60 {
            made.make(n, |list| {
                list.push(format!("mine {n}"), n);
            });
            match n % 5 {
                2 => made.other(|list| {
                    list.push(format!("theirs {n}"), n);
                }),
                4 => made.own(),
                _ => {}
            }
        }
        assert!(made.queue.has_orders);
    }
}
