//! [`Trail`]: what a writer saw when it made what waits, for who decides about that; [`Seen`] is that of one change.
//!
//! It follows from the history and from what its writer made before; this is the short way. Most of it nobody ever asks for, so little is
//! held: a state now and then, and from there the changes that led on. A state for each change would hold a copy of all that the change
//! touched, until the change has its place in the order. Leaves knowing when something else shows to whoever holds what shows. Always:
//! what is remembered is what the writer saw; nobody waits for who is asking.

use crate::op::Patch;
use crate::patch::carry_out;
use crate::state::State;
use crate::value::Value;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// So many changes are carried out at most to find what one was made on, and so many operations before the last of them.
const CHANGES: u64 = if cfg!(test) { 16 } else { 1024 };
const OPS: usize = 4 * CHANGES as usize;
/// So many that nobody asks for any longer wait for the next change, which has a use for what they held.
const BEHIND: u64 = 8 * CHANGES;

/// What a submission was made on, if somebody remembers. It is no part of what the submission says.
#[derive(Clone, Default)]
pub(crate) struct Seen(Option<By>);

#[derive(Clone)]
enum By {
    Held(Arc<dyn Remembers>),
    /// As long as the writer is there.
    Lent(Weak<dyn Remembers>, u64),
}

trait Remembers: Send + Sync {
    fn document(&self, sequence: u64) -> Option<Value>;
}

/// One state, whatever the number.
struct Held<S>(Arc<S>);

/// What a writer saw when it made what waits.
pub(crate) struct Trail<S>(Arc<Mutex<Steps<S>>>);

struct Steps<S> {
    /// The number of the first change that is remembered.
    first: u64,
    /// As they were made, with no number left out.
    patches: VecDeque<Patch>,
    /// What some of them were made on, by their numbers, ascending; the first one's is there.
    states: VecDeque<(u64, Arc<S>)>,
    /// How many operations there are since the newest of these.
    ops: usize,
    /// Whether the next is made on what the newest left.
    goes_on: bool,
    /// What was asked for last.
    known: Option<(u64, S)>,
}

/// What nobody asks for any longer. It may take a while to let go of.
pub(crate) type Gone<S> = (Vec<(u64, Arc<S>)>, Vec<Patch>);

impl Seen {
    pub(crate) fn of<S: State>(state: Arc<S>) -> Seen {
        Seen(Some(By::Held(Arc::new(Held(state)))))
    }

    /// The document. O(changes since the newest state that is held, or since what was asked for before, if that was earlier), and making a
    /// document of a typed state.
    pub(crate) fn document(&self) -> Option<Value> {
        match self.0.as_ref()? {
            By::Held(held) => held.document(0),
            By::Lent(lent, sequence) => lent.upgrade()?.document(*sequence),
        }
    }
}

impl<S: State> Remembers for Held<S> {
    fn document(&self, _: u64) -> Option<Value> {
        Some(self.0.to_value())
    }
}

impl<S> Trail<S> {
    fn lock(&self) -> MutexGuard<'_, Steps<S>> {
        lock(&self.0)
    }

    /// Takes the next change, and the state that it was made on. What is behind the `oldest` that anybody asks for goes here, where the next
    /// one has a use for what that held. O(1), amortized.
    pub(crate) fn push(&self, sequence: u64, on: &Arc<S>, patch: &Patch, oldest: u64) {
        let mut steps = self.lock();
        let gone = steps.forget_before(oldest);
        steps.push(sequence, on, patch);
        drop(steps);
        drop(gone);
    }

    /// The next change is made on something else than what the newest left.
    pub(crate) fn breaks(&self) {
        self.lock().goes_on = false;
    }

    /// Nobody asks for those before a number any longer. Gives up what has piled up.
    pub(crate) fn forget_before(&self, oldest: u64) -> Gone<S> {
        let mut steps = self.lock();
        if oldest.saturating_sub(steps.first) > BEHIND {
            steps.forget_before(oldest)
        } else {
            Gone::default()
        }
    }

    /// Nobody asks for any of them any longer.
    pub(crate) fn forget(&self) -> Gone<S> {
        let Steps { states, patches, .. } = std::mem::take(&mut *self.lock());
        (states.into(), patches.into())
    }
}

impl<S: State> Trail<S> {
    /// What a change was made on, should somebody ask before that is forgotten.
    pub(crate) fn seen(&self, sequence: u64) -> Seen {
        let by: Weak<dyn Remembers> = Arc::<Mutex<Steps<S>>>::downgrade(&self.0);
        Seen(Some(By::Lent(by, sequence)))
    }
}

impl<S> Steps<S> {
    /// The number of the change that comes next.
    fn end(&self) -> u64 {
        self.first + self.patches.len() as u64
    }

    fn at(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.first)?).ok().filter(|at| *at < self.patches.len())
    }

    fn push(&mut self, sequence: u64, on: &Arc<S>, patch: &Patch) {
        if self.end() != sequence {
            *self = Steps { first: sequence, ..Steps::default() };
        }
        let newest = self.states.back().filter(|_| self.goes_on).map(|(at, _)| *at);
        if newest.is_none_or(|newest| sequence - newest >= CHANGES || self.ops >= OPS) {
            self.states.push_back((sequence, Arc::clone(on)));
            self.ops = 0;
        }
        self.ops += patch.len();
        self.patches.push_back(patch.clone());
        self.goes_on = true;
    }

    /// Begins at the newest state that is not behind the oldest change somebody asks for.
    fn forget_before(&mut self, oldest: u64) -> Gone<S> {
        let Some(count) =
            self.states.partition_point(|(at, _)| *at <= oldest).checked_sub(1).filter(|count| *count > 0)
        else {
            return Gone::default();
        };
        let states: Vec<_> = self.states.drain(..count).collect();
        let gone = self.states.front().and_then(|(first, _)| self.at(*first)).unwrap_or(0);
        self.first += gone as u64;
        (states, self.patches.drain(..gone).collect())
    }
}

impl<S: State> Steps<S> {
    /// What to begin with to find what a change was made on, and the changes that lead there from it.
    fn way_to(&mut self, sequence: u64) -> Option<(Begin<S>, Vec<Patch>)> {
        let end = self.at(sequence)?;
        let held = self.states.partition_point(|(at, _)| *at <= sequence).checked_sub(1)?;
        let (held, state) = self.states.get(held)?;
        let (from, begin) = match self.known.take_if(|(known, _)| (*held..=sequence).contains(known)) {
            Some((known, state)) => (known, Begin::Known(state)),
            None => (*held, Begin::Held(Arc::clone(state))),
        };
        Some((begin, self.patches.range(self.at(from)?..end).cloned().collect()))
    }
}

enum Begin<S> {
    Known(S),
    Held(Arc<S>),
}

impl<S: State> Remembers for Mutex<Steps<S>> {
    fn document(&self, sequence: u64) -> Option<Value> {
        let (begin, way) = lock(self).way_to(sequence)?;
        let mut state = match begin {
            Begin::Held(state) if way.is_empty() => return Some(state.to_value()),
            Begin::Held(state) => (*state).clone(),
            Begin::Known(state) => state,
        };
        let carried_out = way.iter().try_for_each(|patch| carry_out(&mut state, patch));
        debug_assert!(carried_out.is_ok(), "what was made of a state fits it");
        carried_out.ok()?;
        let document = state.to_value();
        let mut steps = lock(self);
        if steps.at(sequence).is_some() {
            steps.known = Some((sequence, state));
        }
        Some(document)
    }
}

/// Nobody panics in the middle of changing it.
fn lock<S>(steps: &Mutex<Steps<S>>) -> MutexGuard<'_, Steps<S>> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Default for Steps<S> {
    fn default() -> Self {
        let (patches, states) = (VecDeque::new(), VecDeque::new());
        Steps { first: 0, patches, states, ops: 0, goes_on: false, known: None }
    }
}

impl<S> Default for Trail<S> {
    fn default() -> Self {
        Trail(Arc::default())
    }
}

impl<S> fmt::Debug for Trail<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trail")
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen")
    }
}

impl PartialEq for Seen {
    fn eq(&self, _: &Seen) -> bool {
        true
    }
}

impl Eq for Seen {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::draft;

    /// A writer of a document that has a few places, with all that it saw, from number 1 on.
    #[derive(Default)]
    struct Wrote {
        trail: Trail<Value>,
        shows: Arc<Value>,
        saw: Vec<Arc<Value>>,
    }

    impl Wrote {
        fn next(&mut self, waiting: u64) -> u64 {
            let n = self.saw.len() as u64 + 1;
            let key = format!("k{}", n % 7);
            let drafted = draft(&*self.shows, |doc: &mut Value| doc[key.as_str()] = n.into()).unwrap();
            self.trail.push(n, &self.shows, &drafted.patch, n.saturating_sub(waiting));
            self.saw.push(std::mem::replace(&mut self.shows, Arc::new(drafted.state)));
            n
        }

        fn breaks(&mut self) {
            let mut other = (*self.shows).clone();
            other["other"] = self.saw.len().into();
            self.shows = Arc::new(other);
            self.trail.breaks();
        }

        fn many(count: u64, breaks_after: impl Fn(u64) -> bool) -> Wrote {
            let mut wrote = Wrote::default();
            for _ in 0..count {
                if breaks_after(wrote.next(count)) {
                    wrote.breaks();
                }
            }
            wrote
        }

        #[track_caller]
        fn remembers(&self, n: u64) {
            assert_eq!(self.trail.seen(n).document().as_ref(), Some(&*self.saw[n as usize - 1]), "{n}");
        }
    }

    #[test]
    fn what_is_remembered_is_what_was_seen_in_whatever_order_it_is_asked_for() {
        let many = 5 * CHANGES;
        let wrote = Wrote::many(many, |n| n % 11 == 3 || n == CHANGES);
        (1..=many).for_each(|n| wrote.remembers(n));
        (1..=many).rev().for_each(|n| wrote.remembers(n));
        (1..=many).for_each(|n| wrote.remembers(n * 101 % many + 1));
        assert_eq!((wrote.trail.seen(0).document(), wrote.trail.seen(many + 1).document()), (None, None));
    }

    #[test]
    fn what_no_longer_waits_is_forgotten_and_the_rest_is_not() {
        for waiting in [0, 1, 5, CHANGES, 3 * CHANGES] {
            let mut wrote = Wrote::default();
            for _ in 0..6 * CHANGES {
                let n = wrote.next(waiting);
                (n.saturating_sub(waiting).max(1)..=n).for_each(|n| wrote.remembers(n));
                assert!(wrote.trail.lock().patches.len() as u64 <= waiting + 1 + CHANGES);
                if n % 13 == 0 {
                    wrote.breaks();
                }
            }
        }
    }

    #[test]
    fn what_piles_up_while_nothing_is_made_goes_and_all_of_it_once_nothing_waits() {
        let many = 3 * BEHIND;
        let wrote = Wrote::many(many, |_| false);
        for oldest in 1..=many {
            drop(wrote.trail.forget_before(oldest));
            wrote.remembers(oldest);
            assert!(wrote.trail.lock().patches.len() as u64 <= many - oldest + 1 + BEHIND + CHANGES);
        }
        assert!(!wrote.trail.forget().1.is_empty());
        assert_eq!(wrote.trail.seen(many).document(), None);
        wrote.trail.push(many + 1, &wrote.saw[0], &Patch::default(), many + 1);
        assert_eq!(wrote.trail.seen(many + 1).document().as_ref(), Some(&*wrote.saw[0]));
    }

    #[test]
    fn few_states_are_held_and_none_by_what_is_lent() {
        let wrote = Wrote::many(4 * CHANGES, |_| false);
        let held = wrote.saw.iter().filter(|state| Arc::strong_count(state) > 1).count();
        assert_eq!(held, 4, "one for so many changes");
        let seen = wrote.trail.seen(1);
        drop(wrote);
        assert_eq!(seen.document(), None);
    }
}
