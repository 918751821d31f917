//! [`Views`]: the states that a merge can ask for, each made when it is first asked for.
//!
//! Most merges ask for none of them. Always: what the writer saw is the version it knew and its own changes since; what it made is
//! that and the submission.

use super::window::Entry;
use crate::error::Result;
use crate::op::Patch;
use crate::patch::{self, ApplyError, Step};
use crate::state::State;
use crate::value::Value;
use std::cell::OnceCell;

/// Makes a state when it is asked for.
pub(crate) type Maker<'v, T> = Box<dyn Fn() -> T + 'v>;

pub(crate) struct Views<'v> {
    pub(crate) make_head: Maker<'v, Value>,
    pub(crate) make_seen: Maker<'v, Result<Value>>,
    /// The state that the change of a version was applied to.
    pub(crate) before: Box<dyn Fn(u64) -> Result<Value> + 'v>,
    /// The change that made a version, as far back as the log goes.
    pub(crate) change: Box<dyn Fn(u64) -> Result<Option<Entry>> + 'v>,
    pub(crate) patch: &'v Patch,
    pub(crate) head: OnceCell<Value>,
    pub(crate) seen: OnceCell<Value>,
    pub(crate) made: OnceCell<Value>,
}

impl Views<'_> {
    pub(super) fn head(&self) -> &Value {
        self.head.get_or_init(|| (self.make_head)())
    }

    pub(super) fn seen(&self) -> Result<&Value> {
        if let Some(known) = self.seen.get() {
            return Ok(known);
        }
        let seen = (self.make_seen)()?;
        Ok(self.seen.get_or_init(|| seen))
    }

    pub(super) fn made(&self) -> Result<&Value> {
        if let Some(known) = self.made.get() {
            return Ok(known);
        }
        let made = patch::apply(self.seen()?, self.patch)?.state;
        Ok(self.made.get_or_init(|| made))
    }
}

/// So many operations that do not fit are left out one by one, each of which costs going through the rest once more. Whoever makes a
/// patch of many more than that does not make one for this state.
pub(crate) const UNFIT_MAX: usize = 64;

/// A state after as much of a patch as fits: what does not, and what needs it, is left out; of what misfits in too many places,
/// all behind the last one that was tried.
pub(crate) fn applied_as_far_as_it_fits<S: State>(state: &S, run: &mut Vec<Step>) -> S {
    let mut left_out = 0;
    loop {
        let ops: Patch = run.iter().map(|step| step.op.clone()).collect();
        match patch::apply(state, &ops) {
            Ok(applied) => return applied.state,
            Err(ApplyError { op_index, .. }) if left_out >= UNFIT_MAX => run.truncate(op_index),
            Err(ApplyError { op_index, .. }) => {
                let unfit = run.get(op_index).map(|step| step.origin);
                *run = patch::without(std::mem::take(run), |origin| Some(origin) == unfit).0;
                left_out += 1;
            }
        }
    }
}
