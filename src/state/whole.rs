//! What all types do alike when an operation works on them as a whole, or by way of the document and back.
//!
//! Always: afterwards the state and the document it shows as agree, or nothing has changed.

use super::State;
use crate::op::{Action, ApplyErrorKind};
use crate::value::Segment;

/// An operation at the type itself. Overwriting goes through [`State::from_value`]; all else is done to the document and
/// read back, which is how state and document cannot come to disagree.
pub fn apply_whole<S: State>(state: &mut S, action: &Action) -> Result<Action, ApplyErrorKind> {
    match action {
        Action::Add(new) | Action::Replace(new) => {
            let new = S::from_value(new.clone())?;
            Ok(Action::Replace(std::mem::replace(state, new).to_value()))
        }
        Action::Remove | Action::Splice { .. } | Action::Inc(_) => through_value(state, &[], action),
    }
}

/// Carries an operation out on what the state shows, and reads that back. O(size).
pub(super) fn through_value<S: State>(
    state: &mut S,
    path: &[Segment],
    action: &Action,
) -> Result<Action, ApplyErrorKind> {
    let mut shown = state.to_value();
    let undo = shown.apply(path, action)?;
    *state = S::from_value(shown)?;
    Ok(undo)
}

/// An operation on something without an inside.
pub fn apply_leaf<S: State>(
    state: &mut S,
    path: &[Segment],
    action: &Action,
) -> Result<Action, ApplyErrorKind> {
    match path.first() {
        Some(segment) => Err(mismatch(segment, state.to_value().kind())),
        None => apply_whole(state, action),
    }
}

/// An operation on a part that the whole cannot do without.
pub(super) fn apply_part<S: State>(
    part: &mut S,
    path: &[Segment],
    action: &Action,
) -> Result<Action, ApplyErrorKind> {
    if path.is_empty() && matches!(action, Action::Remove) {
        return Err(ApplyErrorKind::Required);
    }
    part.apply(path, action)
}

/// The path leads into something that has no such inside.
pub(super) fn mismatch(segment: &Segment, found: &'static str) -> ApplyErrorKind {
    let expected = match segment {
        Segment::Key(_) => "map",
        Segment::Index(_) => "list",
    };
    ApplyErrorKind::Type { expected, found }
}

/// Types that differ as a whole or not at all.
pub(super) fn diff_leaf<S: State>(new: &S, old: &S, out: &mut super::Differ) {
    if !new.same(old) {
        out.replace(old.to_value(), new.to_value());
    }
}
