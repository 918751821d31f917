//! What becomes of a submission, decided under the lock of the newest state.
//!
//! Makes for `merge` what it asks for: the window of what came since, states, the clock. Always: deciding changes nothing.

use super::complete::applied;
use super::merge::Recipe;
use super::{Store, ignore_poison};
use crate::draft::{Drafted, draft};
use crate::error::{Error, Result};
use crate::history::{Tip, change_at, decode};
use crate::merge::{
    Ahead, Bridge, Call, Case, Entry, Guard, Outcome, Passed, Resolved, Submission, Views, Window,
    applied_as_far_as_it_fits, correction, resolve,
};
use crate::patch::{Patch, steps, touches};
use crate::record::{Merged, Note, Refusal, Resolution, Stamp, WriterId};
use crate::state::State;
use crate::value::Value;
use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What becomes of a submission.
pub(super) struct Decided<S> {
    /// What takes effect; nothing if it is refused.
    pub(super) drafted: Option<Drafted<Arc<S>>>,
    pub(super) outcome: Outcome,
    pub(super) notes: Vec<Note>,
    pub(super) merged: Merged,
    /// What its writer has not seen, as it reads after the submission.
    pub(super) bridge: Bridge,
    /// What would have become of it without rules.
    pub(super) passed: Patch,
}

/// A change that nobody brought over anything.
pub(super) fn as_it_was(written: Stamp) -> Merged {
    let (outcome, notes, behind) = (Outcome::Clean, Vec::new(), Vec::new());
    Merged { written, outcome, notes, original: None, behind, is_unseen: false }
}

/// What its writer gave up changes nothing. A recipe is for the writer to run again.
fn must_be_wanted(submission: &Submission) -> std::result::Result<(), (Refusal, String)> {
    let why = if submission.call.is_some() { Refusal::Rerun } else { Refusal::Conflict };
    submission.withdrawn().map_or(Ok(()), |detail| Err((why, detail.to_owned())))
}

/// What a change leans on that its writer made on `base` is not known any longer, so neither is what its writer saw: that is not guessed.
fn must_be_there(first: u64, oldest: u64, base: u64) -> Result<()> {
    if first < oldest { Err(Error::TooOld { base, oldest }) } else { Ok(()) }
}

/// What takes effect, or why nothing does; and the notes.
type Fate<S> = (std::result::Result<Drafted<Arc<S>>, (Refusal, String)>, Vec<Note>);

impl<S: State + Default> Store<S> {
    /// What is to become of a submission.
    pub(super) fn decided(&self, newest: &Arc<Tip<S>>, submission: &Submission) -> Result<Decided<S>> {
        let (base, head) = (submission.base, newest.version);
        if base > head {
            return Err(Error::BeyondHead { version: base, head });
        }
        let decide = |window: &Window| self.decide(newest, window, submission);
        self.with_window(newest, base, submission.writer(), decide).map_err(|error| match error {
            // What came is remembered, and the states that it takes to decide are not kept.
            Error::Compacted { oldest, .. } => Error::TooOld { base, oldest },
            error => error,
        })
    }

    fn with_window<T>(
        &self,
        newest: &Tip<S>,
        base: u64,
        writer: Option<WriterId>,
        then: impl FnOnce(&Window) -> Result<T>,
    ) -> Result<T> {
        let head = newest.version;
        let mut window = ignore_poison(&self.merging.window);
        if !window.as_ref().is_some_and(|known| known.head() == head && known.base() <= base) {
            *window = Some(self.read_window(newest, base)?);
        }
        let window = window.get_or_insert_with(|| Window::after(head));
        let first = writer.map_or(Ok(base), |writer| self.reach_back(newest, window, base, writer))?;
        // However often somebody asks, who builds on what is too old is told so.
        let most = self.merging.arbiter.horizon().saturating_mul(2);
        window.asks_for(first.max(head.saturating_sub(most)));
        then(window)
    }

    /// The document that somebody saw who knew version `base` and, if it is a writer, has submitted changes of its own since. As
    /// [`document`](Store::document), and then what merging one costs.
    ///
    /// # Errors
    /// As `document` and [`merge`](Store::merge).
    #[cfg(feature = "http")]
    pub(crate) fn document_seen(&self, base: u64, writer: Option<WriterId>) -> Result<Value> {
        let Some(writer) = writer.filter(|_| base < self.version()) else { return self.document(base) };
        let newest = self.lock_tip()?;
        let seen = |window: &Window| self.seen_by(&newest, window, Some(writer), base);
        self.with_window(&newest, base, Some(writer), seen)
    }

    /// What came after `base`.
    fn read_window(&self, newest: &Tip<S>, base: u64) -> Result<Window> {
        let known = newest.version.saturating_sub(self.merging.arbiter.horizon());
        let oldest = self.oldest().max(known);
        if base < oldest {
            return Err(Error::TooOld { base, oldest });
        }
        self.window_after(newest, base)
    }

    /// Has the window begin early enough to tell what a writer sees on top of `base`, as far as the log goes back; where that is. What its
    /// changes lean on is known once they are read: each time at least twice as many are.
    fn reach_back(&self, newest: &Tip<S>, window: &mut Window, base: u64, writer: WriterId) -> Result<u64> {
        let oldest = self.oldest_to_lean_on(newest);
        loop {
            let first = window.leans_on(base, writer);
            if first >= window.base() {
                return Ok(first.min(base));
            }
            must_be_there(window.made_on(base, writer), oldest, base)?;
            if window.base() <= oldest {
                return Ok(oldest.min(base));
            }
            let twice = window.base().saturating_sub(window.head() - window.base());
            *window = self.window_after(newest, first.min(twice).max(oldest))?;
        }
    }

    fn oldest_to_lean_on(&self, newest: &Tip<S>) -> u64 {
        let most = self.merging.arbiter.horizon().saturating_mul(2);
        self.oldest().max(newest.version.saturating_sub(most))
    }

    /// The changes of a writer that it made after it knew `base`, as they read on what it saw. What they were made on may be older than
    /// what is remembered, and is read then.
    fn own_since(
        &self,
        newest: &Arc<Tip<S>>,
        window: &Window,
        base: u64,
        writer: WriterId,
    ) -> Result<Vec<Patch>> {
        let (state_at, first) =
            (|version: u64| self.document_at(newest, version), window.made_on(base, writer));
        if first >= window.base() {
            return window.own_since(base, writer, &state_at);
        }
        must_be_there(first, self.oldest_to_lean_on(newest), base)?;
        let wider = window.behind(self.window_between(newest, first, window.base())?);
        wider.own_since(base, writer, &state_at)
    }

    fn window_after(&self, newest: &Tip<S>, base: u64) -> Result<Window> {
        if base == newest.version {
            return Ok(Window::after(base));
        }
        self.window_between(newest, base, newest.version)
    }

    /// What came after `base`, up to a version.
    fn window_between(&self, newest: &Tip<S>, base: u64, version: u64) -> Result<Window> {
        self.must_be_logged(version)?;
        let mut window = Window::after(base);
        let mut records = self.history.view.records(base)?;
        while window.head() < version {
            // Something that is missing must not be taken for something that never met.
            let Some(frame) = records.next_record()? else {
                return Err(Error::BeyondHead { version, head: window.head() });
            };
            window.push(self.entry_of(newest, &decode(&frame)?)?, usize::MAX);
        }
        Ok(window)
    }

    fn decide(&self, newest: &Arc<Tip<S>>, window: &Window, submission: &Submission) -> Result<Decided<S>> {
        let written = self.believed(newest, submission);
        let state_at = |version: u64| self.document_at(newest, version);
        // What its writer does not show is nothing to whatever stands behind it.
        let (writer, nothing) = (submission.writer(), Patch::new());
        let patch = if submission.is_unseen() { &nothing } else { &submission.patch };
        let (mut bridge, met, ahead) = window.bridge(submission.base, writer, patch, &state_at)?;
        let known = bridge.base();
        let Passed { patch: passed, behind, is_contested } = bridge.pass(patch, &ahead);
        let guarded = must_be_wanted(submission).and_then(|()| self.guarded(newest, window, submission));
        let fate = match guarded {
            Err(refused) => (Err(refused), Vec::new()),
            Ok(()) => match if is_contested { None } else { applied(&*newest.state, &passed).ok() } {
                Some(drafted) => (Ok(drafted.shared()), Vec::new()),
                None => self.resolved(newest, window, submission, written, (known, &ahead))?,
            },
        };
        let met_nothing = met.is_empty() && passed == *patch;
        let mut decided = self.told(submission, written, met_nothing, fate, bridge, passed);
        decided.merged.behind = behind;
        Ok(decided)
    }

    fn told(
        &self,
        submission: &Submission,
        written: Stamp,
        met_nothing: bool,
        (fate, notes): Fate<S>,
        bridge: Bridge,
        passed: Patch,
    ) -> Decided<S> {
        let lost = |note: &Note| matches!(note.resolution, Resolution::Dropped);
        let fate = match fate {
            Ok(_) if submission.all_or_nothing && notes.iter().any(lost) => {
                Err((Refusal::Conflict, "not all of it can be done".to_owned()))
            }
            other => other,
        };
        let as_submitted = fate.as_ref().is_ok_and(|drafted| drafted.patch == submission.patch);
        let other = |note: &Note| !matches!(note.resolution, Resolution::Won | Resolution::Restored);
        let (drafted, outcome) = match fate {
            Err((why, detail)) => (None, Outcome::Rejected { why, detail }),
            Ok(drafted) if notes.iter().any(other) => (Some(drafted), Outcome::Partial),
            Ok(drafted) if as_submitted && notes.is_empty() && met_nothing => (Some(drafted), Outcome::Clean),
            Ok(drafted) => (Some(drafted), Outcome::Rebased),
        };
        let original = (!as_submitted).then(|| submission.patch.clone());
        let (behind, is_unseen) = (Vec::new(), submission.is_unseen());
        let merged =
            Merged { written, outcome: outcome.clone(), notes: notes.clone(), original, behind, is_unseen };
        Decided { drafted, outcome, notes, merged, bridge, passed }
    }

    /// A writer's clock, unless it is too far ahead of ours.
    fn believed(&self, newest: &Tip<S>, submission: &Submission) -> Stamp {
        let now_ms = self.history.env.clock.now_ms();
        let here = newest.stamp.next(now_ms);
        let most =
            Stamp::of_ms(now_ms.max(newest.stamp.millis()).saturating_add(self.merging.arbiter.drift_ms));
        submission.written.map_or(here, |written| written.min(most))
    }

    /// Whether what must hold does.
    fn guarded(
        &self,
        newest: &Tip<S>,
        window: &Window,
        submission: &Submission,
    ) -> std::result::Result<(), (Refusal, String)> {
        let is_own = |writer: WriterId| Some(writer) == submission.writer();
        for guard in &submission.guards {
            match guard {
                Guard::Test { place, value } => {
                    let state = newest.state.to_value();
                    if place.find(&state) != Some(value) {
                        return Err((
                            Refusal::Guard,
                            format!("another value than tested for is at \"{place}\""),
                        ));
                    }
                }
                Guard::Unchanged { place } => {
                    let mut since = window.since(submission.base.max(window.base()));
                    if let Some(entry) =
                        since.find(|entry| !is_own(entry.writer) && touches(&entry.patch, place))
                    {
                        let version = entry.version;
                        return Err((Refusal::Guard, format!("version {version} touched \"{place}\"")));
                    }
                }
            }
        }
        Ok(())
    }

    /// By the rules.
    fn resolved(
        &self,
        newest: &Arc<Tip<S>>,
        window: &Window,
        submission: &Submission,
        written: Stamp,
        (base, ahead): (u64, &Ahead),
    ) -> Result<Fate<S>> {
        let views = Views {
            make_head: Box::new(|| newest.state.to_value()),
            make_seen: Box::new(|| match submission.seen.document() {
                Some(document) => Ok(document),
                None => self.seen_by(newest, window, submission.writer(), base),
            }),
            before: Box::new(|version| self.document_at(newest, version.saturating_sub(1))),
            change: Box::new(|version| self.recorded(newest, version)),
            patch: &submission.patch,
            head: OnceCell::new(),
            seen: OnceCell::new(),
            made: OnceCell::new(),
        };
        let (rules, functions) = (&*newest.ledger.rules, &*self.merging.arbiter.functions);
        let case = Case { submission, written, rules, functions, window, ahead, views: &views };
        let answer = match resolve(&case) {
            // The submission does not even fit what its writer saw.
            Err(Error::Apply(refused)) => {
                return Ok((Err((Refusal::Inapplicable, refused.to_string())), Vec::new()));
            }
            answer => answer?,
        };
        Ok(match answer {
            Resolved::Patch(patch, notes) => match applied(&*newest.state, &patch) {
                Ok(drafted) => (Ok(drafted.shared()), notes),
                Err(refused) => (Err((Refusal::Inapplicable, refused.to_string())), notes),
            },
            Resolved::Refused(refused, notes) => (Err(refused), notes),
            Resolved::Rerun(notes) => (self.rerun(newest, submission.call.as_ref()), notes),
        })
    }

    /// Runs the recipe of a submission on the newest state.
    fn rerun(
        &self,
        newest: &Tip<S>,
        call: Option<&Call>,
    ) -> std::result::Result<Drafted<Arc<S>>, (Refusal, String)> {
        let known = call.and_then(|call| Some((self.merging.recipe(&call.name)?, call)));
        let Some((recipe, Call { name, args })) = known else {
            return Err((
                Refusal::Rerun,
                "what it met is for its recipe to see, which is not known here".into(),
            ));
        };
        let recipe: &Recipe<S> = &*recipe;
        let run = || draft(&*newest.state, |state: &mut S| recipe(state, args));
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(drafted)) => Ok(drafted.shared()),
            Ok(Err(refused)) => Err((Refusal::Function, format!("the recipe {name:?}: {refused}"))),
            Err(_) => Err((Refusal::Function, format!("the recipe {name:?} panicked"))),
        }
    }

    /// The state that the writer of a submission saw: the version it knew, and its own changes since.
    fn seen_by(
        &self,
        newest: &Arc<Tip<S>>,
        window: &Window,
        writer: Option<WriterId>,
        base: u64,
    ) -> Result<Value> {
        let mut seen = self.document_at(newest, base)?;
        let Some(writer) = writer else { return Ok(seen) };
        for patch in self.own_since(newest, window, base, writer)? {
            seen = applied_as_far_as_it_fits(&seen, &mut steps(&patch));
        }
        Ok(seen)
    }

    /// What a version showed.
    fn document_at(&self, newest: &Arc<Tip<S>>, version: u64) -> Result<Value> {
        if version == newest.version {
            return Ok(newest.state.to_value());
        }
        self.must_be_logged(newest.version)?;
        Ok(self.history.at(version)?.to_value())
    }

    /// The change that made a version, if it is kept.
    fn recorded(&self, newest: &Arc<Tip<S>>, version: u64) -> Result<Option<Entry>> {
        self.must_be_logged(version)?;
        match change_at(&self.history.view, version.saturating_sub(1)) {
            Ok(change) => self.entry_of(newest, &change).map(Some),
            Err(Error::Compacted { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a submission leaves behind, for the next one of its writer. It is recorded by then, so nothing may fail: what cannot be
    /// told is made from the log when it is asked for.
    pub(super) fn after_merged(
        &self,
        before: &S,
        version: u64,
        writer: Option<WriterId>,
        effective: &Patch,
        (mut bridge, passed): (Bridge, &Patch),
    ) {
        let mut window = ignore_poison(&self.merging.window);
        let (Some(known), Some(writer)) = (window.as_mut(), writer) else { return };
        if effective != passed && version > 1 {
            let Ok(correction) = correction(&before.to_value(), passed, effective) else {
                *window = None;
                return;
            };
            bridge.correct(version, &correction);
            known.correct_newest(correction);
        }
        known.keep_bridge(writer, bridge);
    }
}
