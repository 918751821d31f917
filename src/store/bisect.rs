//! Bisection: the version that something became true in, found by looking at few states.
//!
//! Leaves the states to `history`. Always: no lock is held while the program's own predicate runs, so one that panics has
//! broken nothing.

use super::{Reader, Store};
use crate::error::{Error, Result};
use crate::op::DraftError;
use crate::state::State;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// What a predicate may return: `bool`, or a `Result` of one, whose error ends the bisection.
pub trait Verdict {
    /// The answer.
    ///
    /// # Errors
    /// Whatever the predicate returned.
    fn into_result(self) -> Result<bool, Box<dyn std::error::Error + Send + Sync>>;
}

impl Verdict for bool {
    fn into_result(self) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self)
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> Verdict for Result<bool, E> {
    fn into_result(self) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

/// What a bisection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bisected {
    /// The first version for which the predicate is true. Nothing if it is false for the last one of the range.
    pub first: Option<u64>,
    /// How many states the predicate was asked about.
    pub looked_at: usize,
}

impl<S: State + Default> Store<S> {
    /// The first version of `range` for which `predicate` is true, if it is one that stays true once it is: a bug that came
    /// with some change. Looks at the last state, the first, and then halves what is between, which makes 22 states of a
    /// million; each costs what [`at`](Store::at) costs, all together at most about what replaying the range once does.
    ///
    /// If it comes and goes, what is found is one of the versions in which it came, unless it is gone in the last one. A
    /// predicate may return a `Result`. One that panics has broken nothing.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// for stock in (0..100).rev() {
    ///     store.produce(|shop| shop["stock"] = stock.into())?;
    /// }
    /// let found = store.bisect(.., |shop| shop["stock"].as_i64().is_some_and(|left| left < 10))?;
    /// assert_eq!(found.first, Some(91));
    /// assert!(found.looked_at < 10);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Draft`] when the predicate fails ([`Error::recipe`] gives back its own error), [`Error::BeyondHead`] and
    /// [`Error::Compacted`] when the range begins outside of what there is; otherwise as `at`.
    pub fn bisect<V: Verdict>(
        &self,
        range: impl RangeBounds<u64>,
        predicate: impl FnMut(&S) -> V,
    ) -> Result<Bisected> {
        let range = versions(&range, self.oldest(), self.version())?;
        bisect(range, |version| self.at(version), predicate)
    }
}

impl<S: State + Default> Reader<S> {
    /// The first version of `range` for which `predicate` is true. See [`Store::bisect`].
    ///
    /// # Errors
    /// As `Store::bisect`.
    pub fn bisect<V: Verdict>(
        &self,
        range: impl RangeBounds<u64>,
        predicate: impl FnMut(&S) -> V,
    ) -> Result<Bisected> {
        let range = versions(&range, self.oldest()?, self.version())?;
        bisect(range, |version| self.at(version), predicate)
    }
}

/// The first and the last version of a range, as far as there are any; nothing if it is empty.
fn versions(range: &impl RangeBounds<u64>, oldest: u64, head: u64) -> Result<Option<(u64, u64)>> {
    let first = match range.start_bound() {
        Bound::Included(&version) => version,
        Bound::Excluded(&version) => version.saturating_add(1),
        Bound::Unbounded => oldest,
    };
    let end = match range.end_bound() {
        Bound::Included(&version) => version.saturating_add(1),
        Bound::Excluded(&version) => version,
        Bound::Unbounded => u64::MAX,
    };
    match first {
        _ if first < oldest => Err(Error::Compacted { version: first, oldest }),
        _ if first > head => Err(Error::BeyondHead { version: first, head }),
        _ if first >= end => Ok(None),
        _ => Ok(Some((first, head.min(end - 1)))),
    }
}

/// The same for states that come from wherever `at` gets them.
pub(crate) fn bisect<S, V: Verdict>(
    range: Option<(u64, u64)>,
    at: impl Fn(u64) -> Result<Arc<S>>,
    mut predicate: impl FnMut(&S) -> V,
) -> Result<Bisected> {
    let mut looked_at = 0;
    let mut is_true = |version: u64| -> Result<bool> {
        let state = at(version)?;
        looked_at += 1;
        Ok(predicate(&state).into_result().map_err(DraftError::Recipe)?)
    };
    let first = match range {
        None => None,
        Some((_, last)) if !is_true(last)? => None,
        Some((first, last)) if first < last && is_true(first)? => Some(first),
        Some((mut before, mut found)) => {
            // False before, true where it was found.
            while found - before > 1 {
                let middle = before + (found - before) / 2;
                if is_true(middle)? { found = middle } else { before = middle }
            }
            Some(found)
        }
    };
    Ok(Bisected { first, looked_at })
}
