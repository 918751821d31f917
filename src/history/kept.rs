//! [`Kept`]: states that were met on the way to others, so that the next one asked for is near one of them.
//!
//! Whoever goes through history asks for neighbours. Forward that is easy: the state asked for last is the one to go on from.
//! To go back one has to come from further back, so what is met on the way there is kept, the more of it the closer it is.
//! Leaves replaying to `History`. Always: what is kept was verified when it was met, and is as it would be met again.

use super::Tip;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many states are kept of each kind.
const STATES: usize = 32;
/// How far apart states of the middle kind are: so far reach those that are kept one by one.
const NEAR: u64 = STATES as u64;
/// How far apart the others are: so far reach those of the middle kind.
pub(super) const FAR: u64 = NEAR * NEAR;

/// How many changes are looked up one by one.
pub(super) const FEW: u64 = NEAR;

/// Which of the states kept a new one takes the place of, once there are too many: the oldest of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asked for, or right before one that was.
    Near,
    /// Within [`FAR`] of one that was asked for by somebody going back.
    Middle,
    /// Met on a long way, or where one began.
    Far,
}

#[derive(Debug)]
pub(super) struct Kept<S> {
    kinds: Mutex<[VecDeque<Arc<Tip<S>>>; 3]>,
}

/// Somebody's way to a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    to: u64,
    /// Whether they come from right behind it, and will likely go on like that.
    back: bool,
}

impl Way {
    /// What the state at `version` is to be kept as, if at all. Each costs a clone of the state, which is not cheap for all
    /// types: who is not going back pays for one.
    pub(super) fn keeps(self, version: u64) -> Option<Kind> {
        let left = self.to.checked_sub(version).filter(|&left| left > 0)?;
        match left {
            _ if version.is_multiple_of(FAR) => Some(Kind::Far),
            _ if left == 1 => Some(Kind::Near),
            _ if self.back && left < NEAR => Some(Kind::Near),
            _ if self.back && left < FAR && version.is_multiple_of(NEAR) => Some(Kind::Middle),
            _ => None,
        }
    }
}

impl<S> Kept<S> {
    pub(super) fn new() -> Self {
        Kept { kinds: Mutex::new(Default::default()) }
    }

    fn kinds(&self) -> MutexGuard<'_, [VecDeque<Arc<Tip<S>>>; 3]> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest state kept that is not after `version`.
    pub(super) fn nearest(&self, version: u64) -> Option<Arc<Tip<S>>> {
        let kinds = self.kinds();
        let before = kinds.iter().flatten().filter(|tip| tip.version <= version);
        before.max_by_key(|tip| tip.version).cloned()
    }

    /// What is before `version` goes.
    pub(super) fn forget_before(&self, version: u64) {
        self.kinds().iter_mut().for_each(|kept| kept.retain(|tip| tip.version >= version));
    }

    pub(super) fn way_to(&self, version: u64) -> Way {
        let behind = version.saturating_add(1)..=version.saturating_add(NEAR);
        let back = self.kinds().iter().flatten().any(|tip| behind.contains(&tip.version));
        Way { to: version, back }
    }

    pub(super) fn keep(&self, tip: &Arc<Tip<S>>, kind: Kind) {
        let mut kinds = self.kinds();
        let kept = &mut kinds[kind as usize];
        if kept.iter().any(|known| known.version == tip.version) {
            return;
        }
        if kept.len() == STATES {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(tip));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(back: bool) -> Vec<(u64, Kind)> {
        let way = Way { to: 2_500, back };
        (0..3_000).filter_map(|version| Some((version, way.keeps(version)?))).collect()
    }

    #[test]
    fn who_asks_for_a_version_pays_for_the_one_before_and_a_few_far_apart() {
        use Kind::{Far, Near};
        assert_eq!(kinds(false), [(0, Far), (1024, Far), (2048, Far), (2_499, Near)]);
    }

    #[test]
    fn who_goes_back_finds_states_that_are_the_denser_the_nearer_they_are() {
        let all = kinds(true);
        let of =
            |kind: Kind| all.iter().filter(move |&&(_, found)| found == kind).map(|&(version, _)| version);
        assert_eq!(of(Kind::Near).collect::<Vec<_>>(), (2_469..2_500).collect::<Vec<_>>());
        let middle: Vec<u64> = (1_504..2_464).step_by(32).chain([2_464]).filter(|v| *v != 2_048).collect();
        assert_eq!(of(Kind::Middle).collect::<Vec<_>>(), middle);
        assert!(of(Kind::Near).count() <= STATES && middle.len() <= STATES);
    }
}
