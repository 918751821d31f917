//! Applying a patch: strict, wholly or not at all, with the inverse as a by-product.
//!
//! Walks the operations and names the one that failed; how a type carries one out is its
//! [`State::apply`](crate::state::State::apply). Always holds: the state handed in is never changed, and what comes
//! out is nested no deeper than [`DEPTH_MAX`].

use crate::op::{Action, ApplyError, ApplyErrorKind, Op, Patch, StateError, StateErrorKind, flaw};
use crate::state::{Differ, State, watch_orders};
use crate::value::{DEPTH_MAX, Flaw, Path, Segment};

/// A patch that was applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied<S> {
    /// The state after the patch.
    pub state: S,
    /// What leads back, exactly, from `state`.
    pub inverse: Patch,
}

/// Applies a patch to a copy of `state`. O(operations * log n) for dynamic values, plus the size of what is inserted.
///
/// # Errors
/// [`ApplyError`] for the first operation that does not fit; `state` is as it was in any case.
///
/// ```
/// use redraft::patch::{Action, Op, Patch, apply};
/// use redraft::value::Path;
/// use redraft::value;
///
/// let before = value!({ "hits": 1 });
/// let patch = Patch::from(vec![Op::new(Path::root().child("hits"), Action::Inc(2))]);
/// let applied = apply(&before, &patch)?;
/// assert_eq!(applied.state, value!({ "hits": 3 }));
/// assert_eq!(apply(&applied.state, &applied.inverse)?.state, before);
/// # Ok::<(), redraft::patch::ApplyError>(())
/// ```
pub fn apply<S: State>(state: &S, patch: &Patch) -> Result<Applied<S>, ApplyError> {
    let (applied, orders_touched) = watch_orders(|| apply_ops(state, patch));
    let applied = applied?;
    if orders_touched {
        check_orders(state, &applied.state, patch)?;
    }
    Ok(applied)
}

fn apply_ops<S: State>(state: &S, patch: &Patch) -> Result<Applied<S>, ApplyError> {
    let mut state = state.clone();
    let mut inverse = Vec::with_capacity(patch.len());
    for (index, op) in patch.iter().enumerate() {
        let undo = apply_op(&mut state, op).map_err(|kind| ApplyError::at(index, op, kind))?;
        inverse.push(Op::new(op.path.clone(), undo));
    }
    inverse.reverse();
    Ok(Applied { state, inverse: inverse.into() })
}

/// The items of keyed lists and their order come and go by operations of their own; in the end they must agree. The last
/// operation on a list in which they do not is the one to blame. O(what changed).
fn check_orders<S: State>(old: &S, new: &S, patch: &Patch) -> Result<(), ApplyError> {
    let Some(place) = disagreement(old, new) else { return Ok(()) };
    let last = patch.iter().enumerate().rev();
    let blamed = last.clone().find(|(_, op)| op.path.starts_with(&place)).or_else(|| last.clone().next());
    let kind = ApplyErrorKind::Unfit(StateError::new(StateErrorKind::Order));
    blamed.map_or(Ok(()), |(index, op)| Err(ApplyError::at(index, op, kind)))
}

/// The first place of `new` where parts do not fit together, given that all of `old` does. O(what changed).
pub(crate) fn disagreement<S: State>(old: &S, new: &S) -> Option<Path> {
    let mut differ = Differ::checking();
    new.diff_from(old, &mut differ);
    differ.into_unsound()
}

/// What undoes a patch that is about to be applied to `before`. Costs what [`apply`] costs, which gives it too.
///
/// # Errors
/// [`ApplyError`] for the first operation that does not fit.
///
/// ```
/// use redraft::patch::{Action, Op, Patch, invert};
/// use redraft::value::Path;
/// use redraft::value;
///
/// let title = Path::root().child("title");
/// let patch = Patch::from(vec![Op::new(title.clone(), Action::Add("new".into()))]);
/// let inverse = invert(&value!({ "title": "old" }), &patch)?;
/// assert_eq!(inverse[..], [Op::new(title, Action::Replace("old".into()))]);
/// # Ok::<(), redraft::patch::ApplyError>(())
/// ```
pub fn invert<S: State>(before: &S, patch: &Patch) -> Result<Patch, ApplyError> {
    apply(before, patch).map(|applied| applied.inverse)
}

/// Carries out a patch in place that was checked when it was logged, without making an inverse. A state that this failed
/// on is half changed: it is to be thrown away. Whether the parts of keyed lists agree is not looked at here: whoever
/// logged the patch may have known less of the type.
pub(crate) fn carry_out<S: State>(state: &mut S, patch: &Patch) -> Result<(), ApplyError> {
    patch.iter().enumerate().try_for_each(|(index, op)| {
        let applied = state.apply(op.path.as_slice(), &op.action);
        applied.map(drop).map_err(|kind| ApplyError::at(index, op, kind))
    })
}

/// Carries out a patch in place, without making an inverse, and tells whether the parts of keyed lists may not agree now: that takes what
/// was before to find out. A state that this failed on is half changed: it is to be thrown away.
pub(crate) fn apply_in_place<S: State>(state: &mut S, patch: &Patch) -> Result<bool, ApplyError> {
    let (applied, orders_touched) = watch_orders(|| {
        patch.iter().enumerate().try_for_each(|(index, op)| {
            apply_op(state, op).map(drop).map_err(|kind| ApplyError::at(index, op, kind))
        })
    });
    applied.map(|()| orders_touched)
}

/// One operation, checked for depth first, so that no type has to think of it.
pub(crate) fn apply_op<S: State>(state: &mut S, op: &Op) -> Result<Action, ApplyErrorKind> {
    check_storable(op)?;
    state.apply(op.path.as_slice(), &op.action)
}

fn check_storable(op: &Op) -> Result<(), ApplyErrorKind> {
    let room = DEPTH_MAX.checked_sub(op.path.len()).ok_or(ApplyErrorKind::Depth)?;
    if !op.path.iter().all(|segment| !matches!(segment, Segment::Key(key) if !key.is_valid())) {
        return Err(ApplyErrorKind::BadKey);
    }
    match flaw(&op.action, room) {
        None => Ok(()),
        Some(Flaw::Depth) => Err(ApplyErrorKind::Depth),
        Some(Flaw::Key | Flaw::Field) => Err(ApplyErrorKind::BadKey),
    }
}
