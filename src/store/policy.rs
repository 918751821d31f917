//! [`SnapshotPolicy`] and [`Retention`]: when a store takes snapshots by itself, which it keeps, and how much of its history.
//!
//! Decisions only: nothing here touches a disk. Always: the newest snapshot is kept; what is not asked for is not given up.

use std::collections::BTreeSet;
use std::time::Duration;

/// When a store takes snapshots by itself, in a thread of its own, and which of them it keeps.
///
/// Opening a store, and going back to a version, costs the changes since the nearest snapshot before. A snapshot is taken
/// when one of the numbers asked for is reached, but never before the changes since the last one take as many bytes as
/// that did: so all snapshots together cost no more writing than the changes do.
///
/// After each that was taken like this, those that no rule keeps are removed. What a snapshot says can be had from the history too,
/// so this loses time at most; the one that the history begins with always stays.
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
    /// Every 100,000 changes or 64 MiB of them; kept are the last three, and one for each of the last 24 hours, 7 days and 5
    /// weeks in which there are any.
    fn default() -> Self {
        SnapshotPolicy::on_demand()
            .every_changes(100_000)
            .every_bytes(64 << 20)
            .keep_last(3)
            .keep_hourly(24)
            .keep_daily(7)
            .keep_weekly(5)
    }
}

impl SnapshotPolicy {
    /// None by itself; all that are asked for are kept.
    pub fn on_demand() -> Self {
        SnapshotPolicy { every_changes: None, every_bytes: None, keep: Vec::new() }
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

    fn keep(mut self, span_ms: u64, count: usize) -> Self {
        self.keep.retain(|rule| rule.span_ms != span_ms);
        self.keep.push(Rule { span_ms, count });
        self
    }

    /// Whether a snapshot is due after so many changes, of so many bytes, when the last one took `last_bytes`.
    pub(super) fn is_due(&self, changes: u64, bytes: u64, last_bytes: u64) -> bool {
        let reached = |limit: Option<u64>, value| limit.is_some_and(|limit| value >= limit);
        let asked = reached(self.every_changes, changes) || reached(self.every_bytes, bytes);
        asked && bytes >= last_bytes
    }

    /// Which of the snapshots, given as version and time in ascending order, no rule keeps.
    pub(super) fn thinned(&self, taken: &[(u64, u64)]) -> Vec<u64> {
        if self.keep.is_empty() {
            return Vec::new();
        }
        let mut kept: BTreeSet<u64> = taken.last().map(|(version, _)| *version).into_iter().collect();
        for rule in &self.keep {
            kept.extend(rule.kept(taken));
        }
        taken.iter().map(|(version, _)| *version).filter(|version| !kept.contains(version)).collect()
    }
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
        assert!(!policy.is_due(9, 999, 0));
        assert!(policy.is_due(10, 1, 0));
        assert!(policy.is_due(1, 1000, 0));
        assert!(!policy.is_due(10, 999, 1000));
        assert!(policy.is_due(10, 1000, 1000));
        assert!(!SnapshotPolicy::on_demand().is_due(u64::MAX, u64::MAX, 0));
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
