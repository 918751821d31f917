//! [`Kept`]: states that were met on the way to others, so that the next one asked for is near one of them.
//!
//! Whoever goes through history asks for neighbours. Forward that is easy: the state asked for last is the one to go on from.
//! To go back one has to come from further back, so what is met on the way there is kept, the more of it the closer it is. And
//! some are kept that lie evenly over all that was gone through, for who jumps about in it. Each state kept has all that it
//! shares copied once more by what comes after it, so that on a way that nobody goes back there are few of them.
//! Leaves replaying to `History`. Always: of large states that share nothing with each other few are kept; what is kept was verified when it was met, and is as it would be met again.

use super::Tip;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many states are kept of each kind, for who goes back.
const STATES: usize = 32;
/// How far apart states of the middle kind are: so far reach those that are kept one by one.
const NEAR: u64 = STATES as u64;
/// How far apart the others are at least: so far reach those of the middle kind.
pub(super) const FAR: u64 = NEAR * NEAR;

/// How many changes are looked up one by one.
pub(super) const FEW: u64 = NEAR;

/// States that were read from snapshots share nothing with each other. So many are kept with all that follows from them,
const STARTS: usize = 2;
/// and more as long as their snapshots take no more bytes than this together.
const STARTS_BYTES: u64 = 8 << 20;

/// So many states lie evenly over all that was gone through, where they are small,
const SPREAD: usize = 4 * STATES;
/// or as many as take so many bytes in snapshots, but never fewer than of the other kinds.
const SPREAD_BYTES: u64 = 64 << 20;
/// How far apart they are on a way to wherever the log ends.
const OPEN: u64 = 8 * FAR;
/// How many bytes of changes are taken for one of a snapshot, where a state began without one.
const PACKED: u64 = 8;

/// Which of the states kept a new one takes the place of, once there are too many: the oldest of its kind, or of the last the one
/// that leaves the smallest gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asked for, or right before one that was.
    Near,
    /// Within [`FAR`] of one that was asked for by somebody going back.
    Middle,
    /// Further from it.
    Far,
    /// One of those that lie evenly over all.
    Spread,
}

/// States over all of the history that somebody went through, ascending.
#[derive(Debug)]
struct Spread<S> {
    states: Vec<(u64, Arc<Tip<S>>)>,
    /// How many of them there may be.
    room: usize,
}

impl<S> Spread<S> {
    fn keep(&mut self, tip: &Arc<Tip<S>>) {
        let Err(at) = self.states.binary_search_by_key(&tip.version, |(known, _)| *known) else { return };
        self.states.insert(at, (tip.version, Arc::clone(tip)));
        while self.states.len() > self.room {
            // The first and the last have no gap to leave: they are the ends.
            let gap = |&at: &usize| self.states[at + 1].0 - self.states[at - 1].0;
            let Some(at) = (1..self.states.len() - 1).min_by_key(gap) else { return };
            self.states.remove(at);
        }
    }

    /// How far apart they lie once there are as many as there may be, over all up to `version`: a power of two, so that who comes
    /// this way again meets the same.
    fn apart(&self, version: u64) -> u64 {
        let end = self.states.last().map_or(0, |(last, _)| *last).max(version);
        let begin = self.states.first().map_or(version, |(first, _)| *first).min(version);
        ((end - begin) / self.room as u64 + 1).next_power_of_two().max(FAR)
    }
}

#[derive(Debug)]
pub(super) struct Kept<S> {
    kinds: Mutex<[VecDeque<Arc<Tip<S>>>; 3]>,
    spread: Mutex<Spread<S>>,
    /// The versions that ways began with, in the order in which they did, and how many bytes their snapshots take.
    starts: Mutex<VecDeque<(u64, u64)>>,
}

/// Somebody's way to a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    to: u64,
    /// Whether they come from right behind it, and will likely go on like that.
    back: bool,
    /// How far apart states are kept for who jumps about.
    apart: u64,
}

impl Way {
    /// What the state at `version` is to be kept as, if at all. Each costs a clone of the state, which is not cheap for all
    /// types, and copies of what is changed after it: who is not going back pays for two, and for those that lie evenly.
    pub(super) fn keeps(self, version: u64) -> Option<Kind> {
        let left = self.to.checked_sub(version).filter(|&left| left > 0)?;
        match left {
            _ if version.is_multiple_of(self.apart) => Some(Kind::Spread),
            _ if left == 1 => Some(Kind::Near),
            _ if self.back && left < NEAR => Some(Kind::Near),
            _ if self.back && left < FAR && version.is_multiple_of(NEAR) => Some(Kind::Middle),
            _ if left >= FAR && version.is_multiple_of(self.far(left)?) => Some(Kind::Far),
            _ => None,
        }
    }

    /// How far apart they are where so many changes are left to go: the further the more, for who goes on going back that far comes
    /// by again. Who does not go back is left one to begin from if they do.
    fn far(self, left: u64) -> Option<u64> {
        match self.back {
            true => Some((left / 4).next_power_of_two().max(FAR)),
            false => (left < 2 * FAR).then_some(FAR),
        }
    }
}

impl<S> Kept<S> {
    pub(super) fn new() -> Self {
        let spread = Mutex::new(Spread { states: Vec::new(), room: SPREAD });
        Kept { kinds: Mutex::default(), spread, starts: Mutex::default() }
    }

    fn spread(&self) -> MutexGuard<'_, Spread<S>> {
        self.spread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kinds(&self) -> MutexGuard<'_, [VecDeque<Arc<Tip<S>>>; 3]> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn starts(&self) -> MutexGuard<'_, VecDeque<(u64, u64)>> {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest state kept that is not after `version`.
    pub(super) fn nearest(&self, version: u64) -> Option<Arc<Tip<S>>> {
        let (kinds, spread) = (self.kinds(), self.spread());
        let evenly = spread.states.partition_point(|(known, _)| *known <= version).checked_sub(1);
        let evenly = evenly.map(|at| &spread.states[at].1);
        let before = kinds.iter().flatten().filter(|tip| tip.version <= version).chain(evenly);
        before.max_by_key(|tip| tip.version).cloned()
    }

    /// What is before `version` goes.
    pub(super) fn forget_before(&self, version: u64) {
        self.forget(0..version);
    }

    fn forget(&self, versions: Range<u64>) {
        self.kinds().iter_mut().for_each(|kept| kept.retain(|tip| !versions.contains(&tip.version)));
        self.spread().states.retain(|(known, _)| !versions.contains(known));
    }

    /// A state that a way begins with, and whose snapshot takes so many bytes: who steps through the changes after it reads
    /// that once.
    pub(super) fn keep_start(&self, tip: &Arc<Tip<S>>, bytes: u64) {
        for gone in self.make_room(tip.version, bytes) {
            self.forget(gone);
        }
        self.keep(tip, Kind::Spread);
    }

    /// What has to go for it: what was read first, and all that follows from that.
    fn make_room(&self, version: u64, bytes: u64) -> Vec<Range<u64>> {
        let mut starts = self.starts();
        starts.retain(|(known, _)| *known != version);
        starts.push_back((version, bytes));
        let mut gone = Vec::new();
        while starts.len() > STARTS && starts.iter().map(|(_, bytes)| bytes).sum::<u64>() > STARTS_BYTES {
            let Some((first, _)) = starts.pop_front() else { break };
            let next = starts.iter().map(|(start, _)| *start).filter(|start| *start > first).min();
            gone.push(first..next.unwrap_or(u64::MAX));
        }
        gone
    }

    /// How many states like this one may lie evenly over all.
    fn room(&self, tip: &Tip<S>) -> usize {
        let starts = self.starts();
        let before = starts.iter().filter(|(start, _)| *start <= tip.version).max();
        let bytes = before.map_or(0, |(_, bytes)| *bytes);
        let bytes = if bytes == 0 { tip.recorded_bytes / PACKED } else { bytes };
        let room = SPREAD_BYTES.checked_div(bytes).unwrap_or(u64::MAX);
        room.clamp(STATES as u64, SPREAD as u64) as usize
    }

    pub(super) fn way_to(&self, version: u64) -> Way {
        let behind = version.saturating_add(1)..=version.saturating_add(NEAR);
        let back = self.kinds().iter().flatten().any(|tip| behind.contains(&tip.version));
        let apart = if version == u64::MAX { OPEN } else { self.spread().apart(version) };
        Way { to: version, back, apart }
    }

    pub(super) fn keep(&self, tip: &Arc<Tip<S>>, kind: Kind) {
        if kind == Kind::Spread {
            let room = self.room(tip);
            let mut spread = self.spread();
            spread.room = room;
            return spread.keep(tip);
        }
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
    use crate::io::SeededEntropy;
    use crate::record::Stamp;

    fn tip(version: u64) -> Arc<Tip<()>> {
        let (stamp, ledger, state) = (Stamp::default(), Arc::default(), Arc::new(()));
        let (chain, filled, recorded_bytes, schema) = (0, false, 0, 1);
        Arc::new(Tip {
            version,
            chain,
            stamp,
            ledger,
            state,
            filled,
            says_nothing: false,
            recorded_bytes,
            schema,
        })
    }

    /// Goes to a version as `History` does, from the nearest state or from the beginning; over how many changes.
    fn go(kept: &Kept<()>, version: u64) -> u64 {
        let near = kept.nearest(version).unwrap_or_else(|| {
            kept.keep_start(&tip(0), 0);
            tip(0)
        });
        let way = kept.way_to(version);
        let met = near.version + 1..=version;
        met.filter_map(|met| Some((met, way.keeps(met)?))).for_each(|(met, kind)| kept.keep(&tip(met), kind));
        if near.version < version {
            kept.keep(&tip(version), Kind::Near);
        }
        version - near.version
    }

    #[test]
    fn who_jumps_about_is_soon_near_a_state_wherever_they_go() {
        let (kept, dice) = (Kept::new(), SeededEntropy::new(1));
        let go = || go(&kept, dice.below(1_000_000) as u64);
        let far: u64 = (0..100).map(|_| go()).sum();
        assert!(far > 1_000_000, "the test began with states at hand");
        let near: Vec<u64> = (0..100).map(|_| go()).collect();
        assert!(near.iter().all(|&changes| changes < 16 * FAR), "{near:?}");
        assert!(near.iter().sum::<u64>() < 100 * 5 * FAR, "{near:?}");
    }

    #[test]
    fn on_the_way_of_who_jumps_about_few_states_are_kept() {
        let kept = Kept::new();
        go(&kept, 1_000_000);
        let met = |to: u64| {
            let way = kept.way_to(to);
            (to - 90_000..to).filter(|met| way.keeps(*met).is_some()).count()
        };
        for to in [90_000, 900_000] {
            assert!((10..=16).contains(&met(to)), "{} on the way to {to}", met(to));
        }
        kept.forget_before(900_000);
        assert!(met(999_000) > 80, "there is room for {} only", met(999_000));
    }

    #[test]
    fn who_opens_a_store_pays_for_few_states_and_goes_back_from_one_of_them() {
        let way = Kept::<()>::new().way_to(u64::MAX);
        let met: Vec<u64> = (1..1_000_000).filter(|met| way.keeps(*met).is_some()).collect();
        assert_eq!(met, (1..=122).map(|number| number * OPEN).collect::<Vec<_>>());
    }

    #[test]
    fn states_lie_evenly_over_all_that_was_gone_through() {
        let kept = Kept::new();
        (0..1_000).for_each(|met| kept.keep(&tip(met * FAR), Kind::Spread));
        for version in (0..1_000 * FAR).step_by(777) {
            let near = kept.nearest(version).unwrap().version;
            assert!(version - near < 16 * FAR, "{near} is the nearest to {version}");
        }
        assert_eq!(kept.spread().states.len(), SPREAD);
        kept.forget_before(500 * FAR);
        assert!(kept.nearest(499 * FAR).is_none());
    }

    #[test]
    fn of_small_states_many_lie_evenly_and_of_large_ones_few() {
        let count = |bytes, recorded_bytes| {
            let kept = Kept::new();
            kept.keep_start(&tip(2_000 * FAR), 1 << 40);
            kept.keep_start(&tip(0), bytes);
            let recorded = |met| Arc::new(Tip { recorded_bytes, ..Arc::into_inner(tip(met)).unwrap() });
            (0..1_000).for_each(|met| kept.keep(&recorded(met * FAR), Kind::Spread));
            kept.spread().states.len()
        };
        assert_eq!(count(1 << 19, u64::MAX), SPREAD);
        assert_eq!(count(1 << 20, u64::MAX), 64);
        assert_eq!(count(1 << 30, 0), STATES);
        assert_eq!((count(0, 0), count(0, 8 << 20), count(0, 1 << 40)), (SPREAD, 64, STATES));
    }

    #[test]
    fn who_goes_back_step_by_step_goes_over_few_changes_again() {
        for begin in [10_000, 100_000] {
            let kept = Kept::new();
            for far in 0..20 {
                go(&kept, far * 50_000);
            }
            let far = go(&kept, begin);
            let steps: Vec<u64> = (1..begin).map(|step| go(&kept, begin - step)).collect();
            let (least, most) = (steps.iter().sum::<u64>() / begin, steps.iter().max());
            assert!(least < 40, "{least} changes a step, after {far}");
            assert!(most < Some(&(16 * FAR)), "{most:?}");
            let beyond = |limit| steps.iter().filter(|changes| **changes > limit).count() as u64;
            assert!(beyond(NEAR) <= begin / NEAR + 32, "{} of {begin}", beyond(NEAR));
            assert!(beyond(FAR) <= begin / FAR + 2, "{} of {begin}", beyond(FAR));
        }
    }

    #[test]
    fn small_states_read_from_snapshots_stay_and_large_ones_do_not_pile_up() {
        let near = |kept: &Kept<()>| -> Vec<u64> {
            (0..10).map(|at| kept.nearest(at * 1_000 + 999).map_or(0, |tip| tip.version)).collect()
        };
        let after = |bytes| {
            let kept = Kept::new();
            for start in [3, 1, 7, 5, 9] {
                kept.keep_start(&tip(start * 1_000), bytes);
                kept.keep(&tip(start * 1_000 + 500), Kind::Near);
            }
            near(&kept)
        };
        assert_eq!(after(1 << 20), [0, 1500, 1500, 3500, 3500, 5500, 5500, 7500, 7500, 9500]);
        assert_eq!(after(STARTS_BYTES), [0, 0, 0, 0, 0, 5500, 5500, 5500, 5500, 9500]);
    }

    fn kinds(back: bool) -> Vec<(u64, Kind)> {
        let way = Way { to: 42_500, back, apart: 16 * FAR };
        (0..43_000).filter_map(|version| Some((version, way.keeps(version)?))).collect()
    }

    #[test]
    fn who_asks_for_a_version_pays_for_the_one_before_one_to_go_back_from_and_those_that_lie_evenly() {
        use Kind::{Far, Near, Spread};
        let kept = [(0, Spread), (16_384, Spread), (32_768, Spread), (40_960, Far), (42_499, Near)];
        assert_eq!(kinds(false), kept);
    }

    #[test]
    fn who_goes_back_finds_states_that_are_the_denser_the_nearer_they_are() {
        let all = kinds(true);
        let of = |kind: Kind| {
            all.iter()
                .filter(move |&&(_, found)| found == kind)
                .map(|&(version, _)| version)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Kind::Near), (42_469..42_500).collect::<Vec<_>>());
        assert_eq!(of(Kind::Middle), (41_504..=42_464).step_by(32).collect::<Vec<_>>());
        assert_eq!(of(Kind::Spread), [0, 16_384, 32_768]);
        let far = [24_576, 28_672, 34_816, 36_864, 38_912, 39_936, 40_960];
        assert_eq!(of(Kind::Far), far);
        assert!(of(Kind::Near).len() <= STATES && of(Kind::Middle).len() <= STATES);
    }
}
