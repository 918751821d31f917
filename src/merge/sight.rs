//! [`Seen`]: what a submission was made on, for as long as somebody remembers.
//!
//! It follows from the history and from what its writer made before; this is the short way. Always: what is remembered is what the
//! writer saw. Most of it nobody ever asks for, so little is held: a state now and then, and from there the changes that led on. A
//! state for each change would hold a copy of all that the change touched, until the change has its place in the order.

use crate::op::Patch;
use crate::patch::carry_out;
use crate::state::State;
use crate::value::Value;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many changes are led over at most to find what one was made on.
const CHANGES: u64 = 1024;

/// What a submission was made on.
#[derive(Clone)]
pub(crate) struct Seen {
    by: Arc<dyn Remembers>,
    sequence: u64,
}

/// A [`Trail`], whatever the type of its state.
trait Remembers: Send + Sync {
    fn document(&self, sequence: u64) -> Option<Value>;
}

/// What a writer saw when it made what waits.
pub(crate) struct Trail<S>(Arc<Mutex<Made<S>>>);

struct Made<S> {
    /// The number of the first change that is remembered.
    first: u64,
    /// As they were made, with no number left out.
    patches: VecDeque<Patch>,
    /// What some of them were made on, by their numbers, ascending; the first one's is there.
    states: VecDeque<(u64, Arc<S>)>,
    /// Whether the next is made on what the newest left.
    goes_on: bool,
    /// What was asked for last.
    known: Option<(u64, S)>,
}

impl Seen {
    pub(crate) fn of<S: State>(state: &Arc<S>) -> Seen {
        let trail = Trail::default();
        trail.made(0, state, &Patch::default(), 0);
        trail.seen(0)
    }

    /// The document. O(changes since the one that was asked for before), and making a document of a typed state.
    pub(crate) fn document(&self) -> Option<Value> {
        self.by.document(self.sequence)
    }
}

impl<S> Trail<S> {
    /// Whoever panicked was asking, and had taken what was known.
    fn lock(&self) -> MutexGuard<'_, Made<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next change, and the state that it was made on. Nobody asks for those before the `oldest` any longer: they go here, where
    /// what they held is at hand for the next. O(1), amortized.
    pub(crate) fn made(&self, sequence: u64, on: &Arc<S>, patch: &Patch, oldest: u64) {
        let mut made = self.lock();
        while made.states.get(1).is_some_and(|(next, _)| *next <= oldest) {
            made.forget_first();
        }
        if made.patches.is_empty() || made.end() != sequence {
            *made = Made { first: sequence, ..Made::default() };
        }
        let newest = made.states.back().map(|(at, _)| *at);
        if !made.goes_on || newest.is_none_or(|newest| sequence - newest >= CHANGES) {
            made.states.push_back((sequence, Arc::clone(on)));
        }
        made.patches.push_back(patch.clone());
        made.goes_on = true;
    }

    /// The next change is made on something else than what the newest left.
    pub(crate) fn breaks(&self) {
        self.lock().goes_on = false;
    }

    /// Nobody asks for any of them any longer.
    pub(crate) fn forget(&self) {
        *self.lock() = Made::default();
    }
}

impl<S: State> Trail<S> {
    /// What a change was made on, should somebody ask before that is forgotten.
    pub(crate) fn seen(&self, sequence: u64) -> Seen {
        Seen { by: Arc::clone(&self.0) as Arc<dyn Remembers>, sequence }
    }
}

impl<S> Made<S> {
    /// The number of the change that comes next.
    fn end(&self) -> u64 {
        self.first + self.patches.len() as u64
    }

    fn at(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.first)?).ok()
    }

    /// Goes on to the next state that is held.
    fn forget_first(&mut self) {
        self.states.pop_front();
        let Some(gone) = self.states.front().and_then(|(first, _)| self.at(*first)) else { return };
        self.patches.drain(..gone.min(self.patches.len()));
        self.first += gone as u64;
    }
}

impl<S: State> Remembers for Mutex<Made<S>> {
    fn document(&self, sequence: u64) -> Option<Value> {
        let mut made = self.lock().unwrap_or_else(PoisonError::into_inner);
        let before = made.states.partition_point(|(at, _)| *at <= sequence).checked_sub(1)?;
        let (held, begins) = made.states.get(before).map(|(at, state)| (*at, Arc::clone(state)))?;
        let known = made.known.take().filter(|(known, _)| (held..=sequence).contains(known));
        let (from, mut state) = known.unwrap_or_else(|| (held, (*begins).clone()));
        let way = made.at(from)?..made.at(sequence)?;
        (way.end < made.patches.len()).then_some(())?;
        made.patches.range(way).try_for_each(|patch| carry_out(&mut state, patch)).ok()?;
        let document = state.to_value();
        made.known = Some((sequence, state));
        Some(document)
    }
}

impl<S> Default for Made<S> {
    fn default() -> Self {
        let (patches, states) = (VecDeque::new(), VecDeque::new());
        Made { first: 0, patches, states, goes_on: false, known: None }
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

/// It is no part of what a submission says.
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
    use crate::value;

    /// So many changes of a document that has a few places, from number 1 on, and what each was made on.
    fn made(count: u64, waiting: u64, breaks_at: impl Fn(u64) -> bool) -> (Trail<Value>, Vec<Arc<Value>>) {
        let (trail, mut shows) = (Trail::default(), Arc::new(value!({ "other": 0 })));
        let one = |n: u64| {
            if breaks_at(n) {
                let mut other = (*shows).clone();
                other["other"] = n.into();
                shows = Arc::new(other);
                trail.breaks();
            }
            let drafted = draft(&*shows, |doc: &mut Value| doc[format!("k{}", n % 7).as_str()] = n.into());
            let drafted = drafted.unwrap();
            trail.made(n, &shows, &drafted.patch, n.saturating_sub(waiting));
            std::mem::replace(&mut shows, Arc::new(drafted.state))
        };
        let states = (1..=count).map(one).collect();
        (trail, states)
    }

    #[track_caller]
    fn agrees(trail: &Trail<Value>, states: &[Arc<Value>], sequence: u64) {
        let remembered = trail.seen(sequence).document();
        assert_eq!(remembered.as_ref(), Some(&*states[sequence as usize - 1]), "{sequence}");
    }

    #[test]
    fn what_is_remembered_is_what_was_seen_in_whatever_order_it_is_asked_for() {
        let many = 3 * CHANGES;
        let (trail, states) = made(many, many, |n| n % 50 == 3 || n == CHANGES);
        (1..=many).for_each(|n| agrees(&trail, &states, n));
        (1..=many).rev().for_each(|n| agrees(&trail, &states, n));
        (1..=many).for_each(|n| agrees(&trail, &states, n * 101 % many + 1));
        assert_eq!((trail.seen(0).document(), trail.seen(many + 1).document()), (None, None));
    }

    #[test]
    fn what_no_longer_waits_is_forgotten_and_the_rest_is_not() {
        let (many, waiting) = (3 * CHANGES, 100);
        let (trail, states) = made(many, waiting, |n| n == CHANGES + 9);
        (many - waiting..=many).for_each(|n| agrees(&trail, &states, n));
        assert!(trail.lock().patches.len() as u64 <= waiting + CHANGES);
        assert_eq!(trail.seen(CHANGES).document(), None);
        trail.forget();
        assert_eq!(trail.seen(many).document(), None);
        trail.made(many + 1, &states[0], &Patch::default(), many + 1);
        assert_eq!(trail.seen(many + 1).document().as_ref(), Some(&*states[0]));
    }

    #[test]
    fn few_states_are_held() {
        let (_trail, states) = made(4 * CHANGES, 4 * CHANGES, |_| false);
        let held = states.iter().filter(|state| Arc::strong_count(state) > 1).count();
        assert_eq!(held, 4, "one for so many changes");
    }
}
