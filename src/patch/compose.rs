//! Two changes as one, to the letter: the operations of both, one after the other.
//!
//! Making it shorter is `squash`. Always: associative, and the empty patch changes nothing.

use super::Patch;

/// First one patch, then the other. O(operations of both).
///
/// Says no less than both did, so it is associative to the letter: however a run of changes is grouped, the same
/// operations come out. [`squash`](fn@super::squash) says them shorter.
///
/// ```
/// use redraft::patch::{Action, Op, Patch, compose};
/// use redraft::value::Path;
///
/// let add = |by| Patch::from(vec![Op::new(Path::root(), Action::Inc(by))]);
/// assert_eq!(compose(&compose(&add(1), &add(2)), &add(3)), compose(&add(1), &compose(&add(2), &add(3))));
/// assert_eq!(compose(&add(1), &Patch::new()), add(1));
/// ```
pub fn compose(first: &Patch, second: &Patch) -> Patch {
    first.iter().chain(second).cloned().collect()
}
