//! Applying a patch: strict, wholly or not at all, with the inverse as a by-product.
//!
//! Walks the operations and names the one that failed; how a type carries one out is its
//! [`State::apply`](crate::state::State::apply). Always holds: the state handed in is never changed, and what comes
//! out is nested no deeper than [`DEPTH_MAX`].

use crate::patch::{Action, Insert, Op, Patch};
use crate::state::{Differ, State, StateError, StateErrorKind, watch_orders};
use crate::value::{DEPTH_MAX, Flaw, Path, Segment, Value};

/// A patch that was applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied<S> {
    /// The state after the patch.
    pub state: S,
    /// What leads back, exactly, from `state`.
    pub inverse: Patch,
}

/// Which operation could not be applied, where, and why. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("op {op_index} ({op}) at \"{path}\": {kind}")]
#[non_exhaustive]
pub struct ApplyError {
    /// The operation, counted from 0.
    pub op_index: usize,
    /// What it was: `add`, `replace`, `remove`, `splice` or `inc`.
    pub op: &'static str,
    /// The place it works on.
    pub path: Path,
    /// Why it could not.
    pub kind: ApplyErrorKind,
}

impl ApplyError {
    pub(crate) fn at(op_index: usize, op: &Op, kind: ApplyErrorKind) -> Self {
        Self { op_index, op: op.action.name(), path: op.path.clone(), kind }
    }
}

/// Why an operation could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyErrorKind {
    /// There is nothing at the path, or something on the way to it is missing.
    #[error("nothing is there")]
    NotFound,
    /// A position outside a list or string.
    #[error("position {index} is outside the length of {len}")]
    Bounds {
        /// The position asked for; for a splice, the end of the stretch.
        index: usize,
        /// The length there is.
        len: usize,
    },
    /// The operation needs another type than what is there.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the operation needs.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The path leads into another variant of an enum than the one that is there.
    #[error("the path leads into another variant")]
    Variant,
    /// The key cannot be a key of this map.
    #[error("not a key of this map")]
    BadKey,
    /// The struct has no such field.
    #[error("no such field")]
    UnknownField,
    /// The path is that of a part its type cannot be without: a field of a struct, what is inside a variant.
    #[error("a part of this type cannot be removed")]
    Required,
    /// The value does not fit the type of the place it was to go to, or what would be there afterwards does not.
    #[error("does not fit the type: {0}")]
    Unfit(StateError),
    /// The sum is no 64-bit integer.
    #[error("the sum does not fit 64 bits")]
    Overflow,
    /// The root cannot be taken away, only replaced.
    #[error("the document itself cannot be removed")]
    RemoveRoot,
    /// Something was to be moved into itself.
    #[error("cannot move a value into itself")]
    MoveIntoSelf,
    /// A test found another value.
    #[error("the value tested for is not there")]
    TestFailed,
    /// The path is too long, or the value would be nested too deep.
    #[error("nested deeper than {DEPTH_MAX}")]
    Depth,
    /// A limit on size was reached.
    #[error("too large")]
    Limit,
}

impl From<StateError> for ApplyErrorKind {
    fn from(error: StateError) -> Self {
        Self::Unfit(error)
    }
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
        Some(Flaw::Key) => Err(ApplyErrorKind::BadKey),
    }
}

/// Why what the action brings along may not be stored with `room` levels left at its path.
pub(crate) fn flaw(action: &Action, room: usize) -> Option<Flaw> {
    match action {
        Action::Add(value) | Action::Replace(value) => value.flaw(room),
        Action::Splice { ins: Insert::Items(items), .. } => items_flaw(items, room),
        Action::Splice { ins: Insert::Text(_), .. } | Action::Remove | Action::Inc(_) => None,
    }
}

/// The list that is spliced takes one level itself.
fn items_flaw(items: &[Value], room: usize) -> Option<Flaw> {
    match room.checked_sub(1) {
        Some(below) => items.iter().find_map(|item| item.flaw(below)),
        None => Some(Flaw::Depth),
    }
}
