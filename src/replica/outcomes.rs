//! Who waits for which change of a node, and what became of it.
//!
//! Fed by the writer's listener. Always: who began to wait before a change was settled hears of it, whatever number it has by then.

use super::ignore_poison;
use super::settled::Settled;
use crate::error::Result;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long somebody waits before looking whether there is still somebody to hear from.
const SLICE: Duration = Duration::from_millis(100);
/// So many are remembered that nobody waits for: a change that takes another one's place may be settled before its number is known.
const REMEMBERED: usize = 1024;

/// A change of a node that is under way.
#[derive(Clone, Debug)]
pub struct Awaited {
    sequence: Option<u64>,
    slot: Arc<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    outcome: Mutex<Known>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    settled: Option<Settled>,
    /// Whether somebody sleeps until it is: most come to ask when it is long settled.
    is_awaited: bool,
}

/// All that is waited for.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    slots: HashMap<u64, Arc<Slot>, RandomState>,
    recent: BTreeMap<u64, Settled>,
}

impl Awaited {
    /// Its number; nothing if its recipe changed nothing. O(1).
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// What became of it, once that is known. O(1).
    pub fn settled(&self) -> Option<Settled> {
        ignore_poison(&self.slot.outcome).settled.clone()
    }

    /// One that is over before it begins.
    pub(super) fn over(settled: Settled) -> Awaited {
        let known = Known { settled: Some(settled), is_awaited: false };
        let slot = Slot { outcome: Mutex::new(known), told: Condvar::new() };
        Awaited { sequence: None, slot: Arc::new(slot) }
    }

    /// What became of it, waiting for as long as somebody may tell; nothing if it took too long.
    pub(super) fn wait(
        &self,
        patience: Duration,
        may_come: impl Fn() -> Result<()>,
    ) -> Result<Option<Settled>> {
        let begun = Instant::now();
        let mut known = ignore_poison(&self.slot.outcome);
        loop {
            if known.settled.is_some() {
                return Ok(known.settled.clone());
            }
            may_come()?;
            if begun.elapsed() >= patience {
                return Ok(None);
            }
            let slice = SLICE.min(patience);
            known.is_awaited = true;
            known = self.slot.told.wait_timeout(known, slice).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Outcomes {
    /// Has somebody wait for a change.
    pub(super) fn awaited(&self, sequence: u64) -> Awaited {
        let slot = Arc::<Slot>::default();
        ignore_poison(&self.0).slots.insert(sequence, Arc::clone(&slot));
        Awaited { sequence: Some(sequence), slot }
    }

    /// A change was settled.
    pub(super) fn tell(&self, settled: &Settled) {
        ignore_poison(&self.0).tell(settled.clone());
    }
}

impl Waiting {
    fn tell(&mut self, settled: Settled) {
        match (self.slots.remove(&settled.sequence), settled.again_as) {
            (Some(slot), Some(again)) => self.wait_for(again, slot),
            (Some(slot), None) => slot.tell(settled),
            (None, _) => self.remember(settled),
        }
    }

    /// The change that somebody waits for has another number.
    fn wait_for(&mut self, again: u64, slot: Arc<Slot>) {
        self.slots.insert(again, slot);
        if let Some(settled) = self.recent.remove(&again) {
            self.tell(settled);
        }
    }

    fn remember(&mut self, settled: Settled) {
        self.recent.insert(settled.sequence, settled);
        if self.recent.len() > REMEMBERED {
            self.recent.pop_first();
        }
    }
}

impl Slot {
    fn tell(&self, settled: Settled) {
        let mut known = ignore_poison(&self.outcome);
        known.settled = Some(settled);
        if known.is_awaited {
            self.told.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::Outcome;

    fn settled(sequence: u64, again_as: Option<u64>) -> Settled {
        Settled { sequence, version: 10 * sequence, outcome: Outcome::Clean, notes: Vec::new(), again_as }
    }

    #[test]
    fn who_waits_hears_of_the_change_that_takes_the_place_of_theirs_whichever_is_told_first() {
        for order in [[1, 2, 3], [3, 2, 1], [2, 1, 3], [2, 3, 1]] {
            let outcomes = Outcomes::default();
            let awaited = outcomes.awaited(1);
            for sequence in order {
                outcomes.tell(&settled(sequence, (sequence < 3).then_some(sequence + 1)));
            }
            assert_eq!(awaited.settled(), Some(settled(3, None)), "{order:?}");
        }
    }
}
