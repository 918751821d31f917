//! [`SnapshotPolicy`] and [`Retention`]: when a store takes snapshots by itself, which it keeps, and how much of its history.
//!
//! Decisions only: nothing here touches a disk. Always: the newest snapshot is kept; what is not asked for is not given up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When a store takes snapshots by itself, in a thread of its own, and which of them it keeps.
///
/// Opening a store, and going back to a version, costs the changes since the nearest snapshot before. A snapshot is taken
/// when one of the numbers asked for is reached. It holds the whole state, or what changed since the snapshot before: at most
/// eight of the latter follow each other. A whole one is never taken before the changes since the last whole one take as
/// many bytes as that did, and between them one of the other kind for each eighth of that: so all snapshots together cost no more
/// than twice the writing that the changes do.
///
/// After each that was taken like this, those that no rule keeps, and that none which stays continues, are removed. What a
/// snapshot says can be had from the history too, so this loses time at most; the one that the history begins with always stays.
///
/// ```
/// use redraft::{Options, SnapshotPolicy};
///
/// let policy = SnapshotPolicy::default().every_changes(10_000).keep_last(2).keep_daily(7);
/// let options = Options::new().snapshots(policy);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    every_changes: Option<u64>,
    every_bytes: Option<u64>,
    keep: Vec<Rule>,
    /// How many at least are kept evenly over all versions, as far as there are so many; 0 for no such rule.
    spread: u64,
}

/// The newest snapshot of each of the newest `count` spans of time in which there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    /// In milliseconds; with 0 every snapshot is a span of its own.
    span_ms: u64,
    count: usize,
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

impl Default for SnapshotPolicy {
    /// Every 100,000 changes or 64 MiB of them; kept are the last three, one for each of the last 24 hours, 7 days and 5
    /// weeks in which there are any, and eight to sixteen that lie evenly over all of the history.
    fn default() -> Self {
        SnapshotPolicy::on_demand()
            .every_changes(100_000)
            .every_bytes(64 << 20)
            .keep_last(3)
            .keep_hourly(24)
            .keep_daily(7)
            .keep_weekly(5)
            .keep_spread(8)
    }
}

impl SnapshotPolicy {
    /// None by itself; all that are asked for are kept.
    pub fn on_demand() -> Self {
        SnapshotPolicy { every_changes: None, every_bytes: None, keep: Vec::new(), spread: 0 }
    }

    /// Takes one after so many changes.
    #[must_use]
    pub fn every_changes(mut self, count: u64) -> Self {
        self.every_changes = Some(count.max(1));
        self
    }

    /// Takes one after changes of so many bytes, as they are recorded.
    #[must_use]
    pub fn every_bytes(mut self, bytes: u64) -> Self {
        self.every_bytes = Some(bytes.max(1));
        self
    }

    /// Keeps the last `count` snapshots.
    #[must_use]
    pub fn keep_last(self, count: usize) -> Self {
        self.keep(0, count)
    }

    /// Keeps the newest of each of the last `count` hours in which there are any.
    #[must_use]
    pub fn keep_hourly(self, count: usize) -> Self {
        self.keep(HOUR_MS, count)
    }

    /// The same, by days (UTC).
    #[must_use]
    pub fn keep_daily(self, count: usize) -> Self {
        self.keep(DAY_MS, count)
    }

    /// The same, by weeks (UTC, from Thursday on as 1970 does).
    #[must_use]
    pub fn keep_weekly(self, count: usize) -> Self {
        self.keep(7 * DAY_MS, count)
    }

    /// Keeps snapshots that lie evenly over all versions, `count` to twice as many, so that going back to any of them costs but so
    /// large a part of all changes.
    #[must_use]
    pub fn keep_spread(mut self, count: usize) -> Self {
        self.spread = count as u64;
        self
    }

    fn keep(mut self, span_ms: u64, count: usize) -> Self {
        self.keep.retain(|rule| rule.span_ms != span_ms);
        self.keep.push(Rule { span_ms, count });
        self
    }

    /// Whether a snapshot is due at a version, when so many bytes were recorded and this was the last one.
    pub(super) fn is_due(&self, version: u64, recorded_bytes: u64, last: &Last) -> bool {
        let reached = |limit: Option<u64>, value| limit.is_some_and(|limit| value >= limit);
        let bytes = recorded_bytes.saturating_sub(last.recorded_bytes);
        let changes = version.saturating_sub(last.version);
        let asked = reached(self.every_changes, changes) || reached(self.every_bytes, bytes);
        asked && last.is_paid_for(recorded_bytes)
    }

    /// Whether snapshots are taken without being asked for.
    pub(super) fn takes_any(&self) -> bool {
        self.every_changes.is_some() || self.every_bytes.is_some()
    }

    /// Which of the snapshots, given as version and time in ascending order, no rule keeps.
    pub(super) fn thinned(&self, taken: &[(u64, u64)]) -> Vec<u64> {
        if self.keep.is_empty() && self.spread == 0 {
            return Vec::new();
        }
        let mut kept: BTreeSet<u64> = taken.last().map(|(version, _)| *version).into_iter().collect();
        for rule in &self.keep {
            kept.extend(rule.kept(taken));
        }
        kept.extend(self.spread_over(taken));
        taken.iter().map(|(version, _)| *version).filter(|version| !kept.contains(version)).collect()
    }
}

impl SnapshotPolicy {
    /// The newest snapshot of each span of versions. Spans double as the history grows, so that those of before can stay.
    fn spread_over(&self, taken: &[(u64, u64)]) -> Vec<u64> {
        let newest = taken.last().map_or(0, |(version, _)| *version);
        let Some(least) = newest.checked_div(self.spread) else { return Vec::new() };
        // The largest power of two that leaves as many spans as were asked for.
        let span = (least / 2 + 1).next_power_of_two();
        let newest_of_each: BTreeMap<u64, u64> =
            taken.iter().map(|(version, _)| (version / span, *version)).collect();
        newest_of_each.into_values().collect()
    }
}

/// So many deltas may follow a whole snapshot: opening reads all of them.
const DELTAS_MAX: usize = 8;
/// A whole snapshot that is shorter takes no more of the disk than a delta would: a page.
const WHOLE_BYTES_MIN: u64 = 4096;

/// The last snapshot, or the last attempt at one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) version: u64,
    /// How many bytes had been recorded by then, counted from where opening began.
    recorded_bytes: u64,
    /// The version of the newest snapshot that was taken.
    pub(super) taken: u64,
    /// How long the last whole snapshot is, in bytes.
    whole_bytes: u64,
    /// How many bytes had been recorded by the time of that, or of the last attempt at a whole one.
    whole_recorded: u64,
    /// How many bytes were recorded between that and opening.
    before_bytes: u64,
    /// How many deltas follow it.
    deltas: usize,
}

impl Last {
    /// What opening began from: a whole snapshot, and the lengths of the deltas behind it.
    pub(super) fn opened(version: u64, whole_bytes: u64, deltas: &[u64]) -> Last {
        let (before_bytes, deltas) = (deltas.iter().sum(), deltas.len());
        Last { version, taken: version, whole_bytes, before_bytes, deltas, ..Last::default() }
    }

    /// How many bytes have been recorded since the last whole snapshot.
    fn since_whole(&self, recorded_bytes: u64) -> u64 {
        recorded_bytes.saturating_sub(self.whole_recorded).saturating_add(self.before_bytes)
    }

    /// Whether the next snapshot had better be a delta.
    pub(super) fn invites_a_delta(&self, recorded_bytes: u64) -> bool {
        self.whole_bytes >= WHOLE_BYTES_MIN
            && self.deltas < DELTAS_MAX
            && self.since_whole(recorded_bytes) < self.whole_bytes
    }

    /// Whether as much was recorded as the next snapshot may take.
    fn is_paid_for(&self, recorded_bytes: u64) -> bool {
        let bytes = recorded_bytes.saturating_sub(self.recorded_bytes);
        self.since_whole(recorded_bytes) >= self.whole_bytes
            || self.invites_a_delta(recorded_bytes) && bytes >= self.whole_bytes / DELTAS_MAX as u64
    }

    /// Whether no more deltas may follow.
    pub(super) fn is_full(&self) -> bool {
        self.deltas >= DELTAS_MAX
    }

    /// A snapshot is about to be tried: whatever comes of it, the next one is not due before as much has come up again.
    pub(super) fn tried(&mut self, version: u64, recorded_bytes: u64) {
        if !self.invites_a_delta(recorded_bytes) {
            (self.whole_recorded, self.before_bytes) = (recorded_bytes, 0);
        }
        (self.version, self.recorded_bytes) = (version, recorded_bytes);
    }

    pub(super) fn was_whole(&mut self, version: u64, recorded_bytes: u64, bytes: u64) {
        *self = Last {
            version,
            recorded_bytes,
            taken: version,
            whole_bytes: bytes,
            whole_recorded: recorded_bytes,
            before_bytes: 0,
            deltas: 0,
        };
    }

    pub(super) fn was_a_delta(&mut self, version: u64, recorded_bytes: u64) {
        let deltas = self.deltas + 1;
        *self = Last { version, recorded_bytes, taken: version, deltas, ..*self };
    }
}

/// Of the snapshots that are to go, those that none which stays continues; the newest first. `parents` tells which
/// continues which.
pub(super) fn unneeded(gone: &[u64], parents: &BTreeMap<u64, u64>) -> Vec<u64> {
    let mut going: BTreeSet<u64> = gone.iter().copied().collect();
    for (version, parent) in parents.iter().rev() {
        if !going.contains(version) {
            going.remove(parent);
        }
    }
    going.into_iter().rev().collect()
}

impl Rule {
    fn kept(self, taken: &[(u64, u64)]) -> impl Iterator<Item = u64> {
        let mut last_span = None;
        let newest_of_each = taken.iter().rev().filter(move |(version, at_ms)| {
            let span = at_ms.checked_div(self.span_ms).unwrap_or(*version);
            last_span.replace(span) != Some(span)
        });
        newest_of_each.take(self.count).map(|(version, _)| *version)
    }
}

/// How much of its history a store keeps when it is [compacted](crate::Store::compact).
///
/// History goes by whole segments: a little more than what is asked for is kept, never less. The default is everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retention {
    /// All of it.
    #[default]
    Everything,
    /// The last changes, this many of them.
    Changes(u64),
    /// The changes that are no older than this, compared with the newest one. By the clocks of who recorded them, which may be
    /// wrong.
    Age(Duration),
    /// As many of the last segments as take no more than so many bytes together; the active one always stays.
    Bytes(u64),
}

/// All that is asked for when history is given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    pub(super) retention: Retention,
    /// So much more, at most, for cursors that have not come further.
    pub(super) for_cursors_bytes: u64,
}

impl Default for Keeping {
    fn default() -> Self {
        Keeping { retention: Retention::default(), for_cursors_bytes: 1 << 30 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_snapshot_is_due_when_a_number_is_reached_and_as_much_was_written_as_the_last_one_took() {
        let policy = SnapshotPolicy::on_demand().every_changes(10).every_bytes(1000);
        let (none, short) = (Last::default(), Last::opened(0, 1000, &[]));
        assert!(!policy.is_due(9, 999, &none));
        assert!(policy.is_due(10, 1, &none));
        assert!(policy.is_due(1, 1000, &none));
        assert!(!policy.is_due(10, 999, &short));
        assert!(policy.is_due(10, 1000, &short));
        assert!(!SnapshotPolicy::on_demand().is_due(u64::MAX, u64::MAX, &none));
    }

    #[test]
    fn between_whole_snapshots_there_is_a_delta_for_each_eighth_of_what_the_last_one_took() {
        let policy = SnapshotPolicy::on_demand().every_changes(1);
        let mut last = Last::opened(0, 80_000, &[]);
        let mut taken = Vec::new();
        for version in 1..=250 {
            let recorded_bytes = version * 1000;
            if policy.is_due(version, recorded_bytes, &last) {
                let delta = last.invites_a_delta(recorded_bytes);
                last.tried(version, recorded_bytes);
                match delta {
                    true => last.was_a_delta(version, recorded_bytes),
                    false => last.was_whole(version, recorded_bytes, 80_000),
                }
                taken.push((version, delta));
            }
        }
        let expected: Vec<(u64, bool)> =
            (1..=25_u64).map(|eighth| (eighth * 10, !eighth.is_multiple_of(8))).collect();
        assert_eq!(taken, expected);
    }

    #[test]
    fn a_delta_follows_neither_a_short_snapshot_nor_eight_deltas_nor_as_many_bytes_as_the_whole_one_took() {
        assert!(Last::opened(9, 4096, &[10, 10]).invites_a_delta(4075));
        assert!(!Last::opened(9, 4096, &[10, 10]).invites_a_delta(4076));
        assert!(!Last::opened(9, 4095, &[]).invites_a_delta(0));
        assert!(!Last::opened(9, 1 << 20, &[1; 8]).invites_a_delta(0));
        assert!(Last::opened(9, 1 << 20, &[1; 8]).is_full());
    }

    #[test]
    fn an_attempt_that_failed_is_not_made_again_before_as_much_was_recorded() {
        let policy = SnapshotPolicy::on_demand().every_changes(1);
        let mut last = Last::opened(0, 8_000, &[]);
        last.tried(1, 8_000);
        assert!(!policy.is_due(2, 8_999, &last), "not for a delta");
        assert!(policy.is_due(2, 9_000, &last));
        let mut short = Last::opened(0, 800, &[]);
        short.tried(1, 800);
        assert!(!policy.is_due(2, 1_599, &short), "not for a whole one");
        assert!(policy.is_due(2, 1_600, &short));
    }

    proptest! {
        /// By its definition, snapshot by snapshot.
        #[test]
        fn what_stays_keeps_all_that_it_continues(
            kinds in prop::collection::vec((any::<bool>(), any::<bool>()), 1..40),
        ) {
            let parents: BTreeMap<u64, u64> = kinds.iter().enumerate().skip(1)
                .filter(|(_, (_, whole))| !whole).map(|(n, _)| (n as u64, n as u64 - 1)).collect();
            let asked = |version: u64| kinds[version as usize].0;
            let gone: Vec<u64> = (0..kinds.len() as u64).filter(|&version| asked(version)).collect();
            let going = unneeded(&gone, &parents);
            prop_assert!(going.is_sorted_by(|a, b| a > b));
            for version in 0..kinds.len() as u64 {
                let row = (version..kinds.len() as u64).take_while(|&later| {
                    later == version || parents.contains_key(&later)
                });
                let needed = row.into_iter().any(|later| !asked(later));
                prop_assert_eq!(going.contains(&version), !needed, "version {}", version);
            }
        }
    }

    #[test]
    fn thinning_keeps_the_last_few_then_one_of_each_hour_and_day() {
        let policy = SnapshotPolicy::on_demand().keep_last(2).keep_hourly(3).keep_daily(2);
        // Every twenty minutes, for three days.
        let taken: Vec<_> = (0..216).map(|n| (n, n * HOUR_MS / 3)).collect();
        let gone = policy.thinned(&taken);
        let kept: Vec<u64> = (0..216).filter(|version| !gone.contains(version)).collect();
        // The last of the day before; the last of each of the last three hours; the last two.
        assert_eq!(kept, [143, 209, 212, 214, 215]);
        assert!(SnapshotPolicy::on_demand().thinned(&taken).is_empty());
    }

    proptest! {
        /// Taken and thinned as a store does: wherever somebody goes, the way is no longer than its share, and a step besides.
        #[test]
        fn spread_snapshots_lie_evenly_however_often_they_were_thinned(
            steps in prop::collection::vec(1..2_000_u64, 1..300), count in 1..20_usize,
        ) {
            let policy = SnapshotPolicy::on_demand().keep_spread(count);
            let (mut taken, mut version): (Vec<(u64, u64)>, u64) = (Vec::new(), 0);
            for step in steps {
                version += step;
                taken.push((version, 0));
                let gone = policy.thinned(&taken);
                taken.retain(|(version, _)| !gone.contains(version));
                prop_assert!(taken.len() <= 2 * count + 1);
                let versions = taken.iter().map(|(version, _)| *version);
                for (before, after) in std::iter::once(0).chain(versions.clone()).zip(versions) {
                    // The newest of a span may lie at its beginning, and the next one at the end of the next.
                    prop_assert!(after - before <= 2 * (version / count as u64 + 1) + 2_000, "{taken:?}");
                }
            }
        }
    }

    proptest! {
        /// The rule by its definition, span by span.
        #[test]
        fn thinning_is_what_its_rules_say(
            gaps in prop::collection::vec(0..5 * HOUR_MS, 0..200),
            last in 0..5_usize, hourly in 0..30_usize, daily in 0..5_usize,
        ) {
            let mut at = 0;
            let taken: Vec<(u64, u64)> =
                gaps.iter().enumerate().map(|(version, gap)| { at += gap; (version as u64, at) }).collect();
            let policy = SnapshotPolicy::on_demand().keep_last(last).keep_hourly(hourly).keep_daily(daily);
            let gone = policy.thinned(&taken);
            for (index, &(version, at)) in taken.iter().enumerate() {
                let later = &taken[index + 1..];
                let newest_of = |span: u64, count: usize| {
                    let spans: BTreeSet<u64> = later.iter().map(|(_, at)| at / span).collect();
                    !spans.contains(&(at / span)) && spans.len() < count
                };
                let kept = later.is_empty() || later.len() < last
                    || newest_of(HOUR_MS, hourly) || newest_of(DAY_MS, daily);
                prop_assert_eq!(kept, !gone.contains(&version), "version {}", version);
            }
        }
    }
}
