//! [`Counter`]: a number that is counted up and down.
//!
//! Holds one integer. What it is for is told by its type: a change of it is written down as what was added, not as what
//! it came to, so that two who count at the same time both count.

use std::fmt;
use std::ops::{AddAssign, SubAssign};

/// An integer that is counted.
///
/// ```
/// use redraft::collections::Counter;
/// use redraft::diff;
///
/// let old = Counter::from(40);
/// let mut new = old;
/// new += 2;
/// let (patch, _) = diff(&old, &new)?;
/// assert_eq!(format!("{:?}", patch[0]), r#"inc "" by 2"#);
/// assert_eq!(new.get(), 42);
/// # Ok::<(), redraft::DraftError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    count: i64,
}

impl Counter {
    /// A counter at zero. O(1).
    pub const fn new() -> Self {
        Self { count: 0 }
    }

    /// Where it stands. O(1).
    pub const fn get(self) -> i64 {
        self.count
    }

    /// Puts it elsewhere. The change is still written down as a difference. O(1).
    pub const fn set(&mut self, count: i64) {
        self.count = count;
    }

    /// The counter after adding `by`, `None` if that is no `i64`. O(1).
    #[must_use]
    pub fn checked_add(self, by: i64) -> Option<Self> {
        self.count.checked_add(by).map(Self::from)
    }

    /// The counter after taking `by` off, `None` if that is no `i64`. O(1).
    #[must_use]
    pub fn checked_sub(self, by: i64) -> Option<Self> {
        self.count.checked_sub(by).map(Self::from)
    }
}

impl From<i64> for Counter {
    fn from(count: i64) -> Self {
        Self { count }
    }
}

impl From<Counter> for i64 {
    fn from(counter: Counter) -> Self {
        counter.count
    }
}

/// # Panics
/// If the sum is no `i64`, in every build: a count is not to wrap. Inside a recipe that means that nothing happened; see
/// [`Counter::checked_add`].
impl AddAssign<i64> for Counter {
    fn add_assign(&mut self, by: i64) {
        let sum = self.checked_add(by);
        assert!(sum.is_some(), "counter at {self} plus {by} overflows");
        *self = sum.unwrap_or(*self);
    }
}

/// # Panics
/// If the difference is no `i64`, in every build; see [`Counter::checked_sub`].
impl SubAssign<i64> for Counter {
    fn sub_assign(&mut self, by: i64) {
        let difference = self.checked_sub(by);
        assert!(difference.is_some(), "counter at {self} minus {by} overflows");
        *self = difference.unwrap_or(*self);
    }
}

impl PartialEq<i64> for Counter {
    fn eq(&self, other: &i64) -> bool {
        self.count == *other
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.count.fmt(f)
    }
}
