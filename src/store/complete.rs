//! What has to be logged besides the change itself, so that the log alone says what the state is.
//!
//! The log is a document's: whoever reads it without the program's type starts from the empty map and applies patches.
//! Three times a typed state shows more than that document holds: before the first change, when it is the type's
//! `Default`; after opening, when the type filled in fields that the log does not know; and when a patch from outside
//! left such fields out. Always holds: after every logged change, document and state agree again.

use super::Store;
use crate::draft::{Drafted, diff, told};
use crate::error::Result;
use crate::history::Tip;
use crate::patch::{self, Applied, Patch};
use crate::state::{Differ, State, watch};
use crate::value::Value;
use std::sync::Arc;

/// A patch from outside, applied. If the type filled in what the patch left out, the patch that was really carried out
/// is the difference of the states.
pub(crate) fn applied<S: State>(base: &S, patch: &Patch) -> Result<Drafted<S>> {
    let (done, filled) = watch(|| patch::apply(base, patch));
    let Applied { state, inverse } = done?;
    let (patch, inverse) = if filled { diff(base, &state)? } else { (patch.clone(), inverse) };
    Ok(Drafted { state, patch, inverse })
}

impl<S: State + Default> Store<S> {
    /// The change with what its base lacks in the log.
    pub(super) fn complete(&self, base: &Tip<S>, drafted: Drafted<Arc<S>>) -> Result<Drafted<Arc<S>>> {
        if drafted.patch.is_empty() {
            return Ok(drafted);
        }
        match base.version {
            0 => beginning(&*base.state, drafted),
            _ if base.filled => self.caught_up(base, drafted),
            _ => Ok(drafted),
        }
    }

    /// The same for a change that is recorded even if it changes nothing. The first one says all, and one on a state that was filled in
    /// says what was: those behind it build on that.
    pub(super) fn complete_recorded(
        &self,
        base: &Tip<S>,
        drafted: Drafted<Arc<S>>,
    ) -> Result<Drafted<Arc<S>>> {
        match base.version {
            0 => beginning(&*base.state, drafted),
            _ if base.filled => self.caught_up(base, drafted),
            _ => Ok(drafted),
        }
    }

    /// Puts what the type filled in before the change.
    fn caught_up(&self, base: &Tip<S>, drafted: Drafted<Arc<S>>) -> Result<Drafted<Arc<S>>> {
        let document = self.history.document(base.version)?;
        let (filling, undo) = filling(&document, &*base.state)?;
        let patch = filling.into_iter().chain(drafted.patch).collect();
        let inverse = drafted.inverse.into_iter().chain(undo).collect();
        Ok(Drafted { state: drafted.state, patch, inverse })
    }
}

/// The first change of a state that does not begin as the empty map says all of it: otherwise what was there before would
/// be up to the `Default` of whatever program reads it.
pub(super) fn beginning<S: State>(base: &S, drafted: Drafted<Arc<S>>) -> Result<Drafted<Arc<S>>> {
    let before = base.to_value();
    if before == Value::default() {
        return Ok(drafted);
    }
    let (patch, inverse) = overwrite(before, drafted.state.to_value())?;
    Ok(Drafted { state: drafted.state, patch, inverse })
}

fn overwrite(old: Value, new: Value) -> Result<(Patch, Patch)> {
    let mut differ = Differ::new();
    differ.replace(old, new);
    Ok(told(differ)?)
}

/// What brings the document up to the state, and what takes that back. Field by field if the type, which has these fields
/// already, carries that out as the document does; else as a whole.
fn filling<S: State>(document: &Value, state: &S) -> Result<(Patch, Patch)> {
    let shown = state.to_value();
    let (fields, _) = diff(document, &shown)?;
    match patch::apply(state, &fields) {
        Ok(applied) if applied.state.same(state) => Ok((fields, applied.inverse)),
        _ => overwrite(shown.clone(), shown),
    }
}
