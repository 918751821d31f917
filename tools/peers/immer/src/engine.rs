//! One of redraft's two sides in one scenario: a base document and how it changes. Fed by `dynamic` and `typed`; asked
//! by `main` for the same two things that `peer.mjs` tells of a library.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use redraft::{Patch, State, Value, apply, draft};

use crate::scenario::{CHANGES, touched};

/// Reading the clock costs a percent of the fastest change, so it is read once for so many.
const OPS_BETWEEN_CLOCKS: usize = 32;

const CHECKED_EVERY: usize = 100;

/// What a change comes to. Applying takes a patch instead of making one.
pub(crate) struct Step<S> {
    state: S,
    patch: Option<Patch>,
    inverse: Patch,
}

type Change<S> = Box<dyn Fn(&S, usize) -> Result<Step<S>>>;

/// A document and how it changes.
pub(crate) struct Subject<S> {
    base: S,
    change: Change<S>,
}

/// A subject whose type of state does not matter to whoever measures it.
pub(crate) trait Engine {
    /// The document after the first `ops` changes, each of them checked on the way now and then.
    fn document(&self, ops: usize) -> Result<Value>;

    /// Changes a second, measured for so long after half as long to warm up. The state goes on from change to change, and
    /// is the base again after every `reset`.
    fn rate(&self, reset: usize, time: Duration) -> Result<f64>;
}

impl<S: State> Subject<S> {
    /// Changes made by a recipe, which is told the number of the change.
    pub(crate) fn drafting(base: S, recipe: impl Fn(&mut S, usize) + 'static) -> Box<dyn Engine> {
        let change = move |state: &S, op: usize| {
            let drafted = draft(state, |doc| recipe(doc, op))?;
            Ok(Step { state: drafted.state, patch: Some(drafted.patch), inverse: drafted.inverse })
        };
        Box::new(Self { base, change: Box::new(change) })
    }

    /// Changes that come as the patches which `recipe` would make of the base.
    pub(crate) fn applying(base: S, recipe: impl Fn(&mut S, usize)) -> Result<Box<dyn Engine>> {
        let patches: Vec<Patch> =
            (0..CHANGES).map(|op| Ok(draft(&base, |doc| recipe(doc, op))?.patch)).collect::<Result<_>>()?;
        let change = move |state: &S, op: usize| {
            let applied = apply(state, &patches[op % CHANGES])?;
            Ok(Step { state: applied.state, patch: None, inverse: applied.inverse })
        };
        Ok(Box::new(Self { base, change: Box::new(change) }))
    }

    fn run(&self, reset: usize, time: Duration) -> Result<f64> {
        let mut state = self.base.clone();
        let mut ops = 0;
        let start = Instant::now();
        while start.elapsed() < time {
            for op in ops..ops + OPS_BETWEEN_CLOCKS {
                if op % reset == 0 {
                    state = self.base.clone();
                }
                state = black_box((self.change)(&state, op % CHANGES)?).state;
            }
            ops += OPS_BETWEEN_CLOCKS;
        }
        Ok(ops as f64 / start.elapsed().as_secs_f64())
    }
}

impl<S: State> Engine for Subject<S> {
    fn document(&self, ops: usize) -> Result<Value> {
        let mut state = self.base.clone();
        for op in 0..ops {
            let step = (self.change)(&state, op)?;
            if op % CHECKED_EVERY == 0 {
                check(&state, &step, op)?;
            }
            state = step.state;
        }
        Ok(state.to_value())
    }

    fn rate(&self, reset: usize, time: Duration) -> Result<f64> {
        self.run(reset, time / 2)?;
        self.run(reset, time)
    }
}

/// The patch must lead from the old state to the new one, and the inverse back.
fn check<S: State>(before: &S, step: &Step<S>, op: usize) -> Result<()> {
    ensure!(!step.inverse.is_empty(), "change {op}, of item {}, changed nothing", touched(op));
    ensure!(
        apply(&step.state, &step.inverse)?.state.same(before),
        "change {op}: the inverse does not lead back"
    );
    if let Some(patch) = &step.patch {
        ensure!(apply(before, patch)?.state.same(&step.state), "change {op}: the patch leads elsewhere");
    }
    Ok(())
}
