//! [`Recent`]: the newest changes that came from elsewhere, decoded, for who needs them more than once.
//!
//! Whoever writes through a store that follows holds each change that comes against what waits, after it was made part of the state.
//! Fed by `followed` and `placed`. Always: the changes kept are neighbours; what is not kept is in the log.

use crate::record::{Change, WriterId};
use std::collections::VecDeque;
use std::sync::Arc;

/// So many are kept at most, and so many bytes of them as recorded.
const CHANGES: usize = 1 << 13;
const BYTES: usize = 8 << 20;

/// The newest changes, as long as somebody wants them.
#[derive(Debug, Default)]
pub(super) struct Recent {
    is_wanted: bool,
    /// The newest version that nobody wants the change of any longer.
    done: u64,
    changes: VecDeque<(Arc<Change>, usize)>,
    bytes: usize,
}

impl Recent {
    /// From now on they are kept.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Nobody wants the changes up to a version any longer. They go when others come.
    pub(super) fn done(&mut self, version: u64) {
        self.done = version;
    }

    /// Takes the next change. One that does not follow what is kept takes its place.
    pub(super) fn push(&mut self, change: Arc<Change>, bytes: usize) {
        if !self.is_wanted {
            return;
        }
        if self.changes.back().is_some_and(|(newest, _)| newest.version + 1 != change.version) {
            self.changes.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.changes.push_back((change, bytes));
        while self.changes.len() > CHANGES
            || self.bytes > BYTES
            || self.changes.front().is_some_and(|(oldest, _)| oldest.version <= self.done)
        {
            self.bytes -= self.changes.pop_front().map_or(self.bytes, |(_, bytes)| bytes);
        }
    }

    /// Who made the newest one.
    pub(super) fn newest_writer(&self) -> Option<WriterId> {
        self.changes.back().map(|(change, _)| change.writer)
    }

    /// The changes that lead from one version to another, if all of them are kept.
    pub(super) fn between(&self, from: u64, to: u64) -> Option<Vec<Arc<Change>>> {
        let before = self.changes.front()?.0.version - 1;
        let at = |version: u64| usize::try_from(version.checked_sub(before)?).ok();
        let (first, end) = (at(from)?, at(to)?);
        (first <= end && end <= self.changes.len())
            .then(|| self.changes.range(first..end).map(|(change, _)| Arc::clone(change)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Stamp;

    fn pushed(recent: &mut Recent, version: u64, bytes: usize) {
        let change = Change::of(WriterId(1), version, version, Stamp::default());
        recent.push(Arc::new(change), bytes);
    }

    fn versions(recent: &Recent, from: u64, to: u64) -> Option<Vec<u64>> {
        Some(recent.between(from, to)?.iter().map(|change| change.version).collect())
    }

    #[test]
    fn only_neighbours_are_kept_and_what_is_missing_is_not_passed_over() {
        let mut recent = Recent::default();
        pushed(&mut recent, 1, 1);
        assert_eq!(versions(&recent, 0, 1), None, "nobody wanted it");
        recent.want();
        (3..=6).for_each(|version| pushed(&mut recent, version, 1));
        assert_eq!(versions(&recent, 2, 6), Some(vec![3, 4, 5, 6]));
        assert_eq!(versions(&recent, 4, 5), Some(vec![5]));
        assert_eq!(versions(&recent, 6, 6), Some(vec![]));
        assert_eq!(versions(&recent, 1, 6), None);
        assert_eq!(versions(&recent, 4, 7), None);
        assert_eq!(versions(&recent, 5, 4), None);
        pushed(&mut recent, 9, 1);
        assert_eq!((versions(&recent, 5, 6), versions(&recent, 8, 9)), (None, Some(vec![9])));
    }

    #[test]
    fn neither_many_nor_large_ones_pile_up() {
        let mut recent = Recent::default();
        recent.want();
        let many = 2 * CHANGES as u64;
        (1..=many).for_each(|version| pushed(&mut recent, version, 1));
        assert_eq!(recent.changes.len(), CHANGES);
        (many + 1..many + 100).for_each(|version| pushed(&mut recent, version, BYTES / 10));
        assert_eq!(recent.changes.len(), 10);
        pushed(&mut recent, many + 100, 2 * BYTES);
        assert_eq!((recent.changes.len(), recent.bytes), (0, 0), "not even one that is too large");
        pushed(&mut recent, many + 101, 1);
        assert_eq!(versions(&recent, many + 100, many + 101), Some(vec![many + 101]));
    }
}
