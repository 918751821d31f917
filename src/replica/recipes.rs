//! Recipes that a writer knows by their names, and those whose changes were given back to be run again.
//!
//! Leaves waiting to `writer`. Always: one that was given back is run again once, as soon as it is known; what came of that is in the log of what
//! waits, also if it was nothing.

use super::ignore_poison;
use super::settled::Pending;
use super::writer::{Inner, Writer, number};
use crate::draft::draft;
use crate::error::{Error, Result};
use crate::merge::{Call, Outcome, Refusal, Submission};
use crate::patch::Patch;
use crate::record::Meta;
use crate::state::State;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::sync::Arc;

/// A recipe whose change was given back is run again so many times.
const RERUNS: usize = 16;
/// Tells how many times a change was made anew.
const RERUN_TAG: &str = "rerun";
/// Tells the number of the change that it was made for: one that was given back is made anew once.
const RERUN_OF_TAG: &str = "rerun.of";

/// Tells up to which number nothing is to be run again: who looked once need not read the history again.
const LOOKED_TAG: &str = "rerun.looked";

pub(super) type Recipe<S> =
    dyn Fn(&mut S, &Value) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync;

impl<S: State + Default> Writer<S> {
    /// Makes a recipe known, so that it can be [run](Writer::run) by its name, and run again where what it made meets something. One
    /// of the same name is replaced. O(1).
    pub fn recipe<E: Into<Box<dyn StdError + Send + Sync>>>(
        &self,
        name: impl Into<String>,
        recipe: impl Fn(&mut S, &Value) -> Result<(), E> + Send + Sync + 'static,
    ) {
        let recipe = move |state: &mut S, args: &Value| recipe(state, args).map_err(Into::into);
        ignore_poison(&self.recipes).insert(name.into(), Arc::new(recipe));
    }

    /// [`produce`](Writer::produce) by a recipe that is [known](Writer::recipe). Where the rules say so
    /// ([`Policy::Rebase`](crate::merge::Policy::Rebase)) it is run again on what others made meanwhile, there or here.
    ///
    /// # Errors
    /// As `produce`; [`Error::NoRecipe`] when there is none of that name.
    pub fn run(&self, name: &str, args: impl Into<Value>) -> Result<Pending<S>> {
        let pending = self.run_noted(name, args.into(), Pending::clone)?;
        self.keep()?;
        Ok(pending)
    }

    /// See [`produce_noted`](Self::produce_noted).
    pub(super) fn run_noted<T>(
        &self,
        name: &str,
        args: Value,
        noted: impl FnOnce(&Pending<S>) -> T,
    ) -> Result<T> {
        let recipe = self.known(name).ok_or_else(|| Error::NoRecipe { name: name.to_owned() })?;
        self.with_view(|inner| {
            let drafted = draft(&*inner.queue.view, |state: &mut S| recipe(state, &args))?;
            Ok(noted(&self.wait(inner, drafted, |submission| submission.call(name, args))?))
        })
    }

    fn known(&self, name: &str) -> Option<Arc<Recipe<S>>> {
        ignore_poison(&self.recipes).get(name).cloned()
    }

    pub(super) fn is_known(&self, submission: &Submission) -> bool {
        submission.call.as_ref().is_some_and(|call| self.known(&call.name).is_some())
    }

    /// Runs a known recipe whose change was given back once more, as a new change. One that comes to nothing is not run a third time, whenever this is
    /// opened again.
    pub(super) fn again(&self, inner: &mut Inner<S>, given_back: &Submission) -> Result<Option<u64>> {
        let Some(Call { name, args }) = given_back.call.clone() else { return Ok(None) };
        let runs = given_back.meta.tags.get(RERUN_TAG).and_then(|runs| runs.parse().ok()).unwrap_or(0);
        let recipe = self.known(&name).filter(|_| runs < RERUNS);
        let run =
            |recipe: Arc<Recipe<S>>| draft(&*inner.queue.view, |state: &mut S| recipe(state, &args)).ok();
        let drafted = recipe.and_then(run);
        let of = |meta: Meta| meta.tag(RERUN_OF_TAG, number(given_back).to_string());
        let meta = of(given_back.meta.clone().tag(RERUN_TAG, (runs + 1).to_string()));
        let about = |submission: Submission| submission.meta(meta).call(name, args.clone());
        let made = drafted.map(|drafted| self.wait(inner, drafted, about)).transpose()?;
        let sequence = made.and_then(|pending| pending.sequence);
        if sequence.is_none() {
            self.note(of(Meta::default()))?;
        }
        Ok(sequence)
    }

    /// Which of those that are kept were given back to be run again, and were not yet. The history is read since the first that may be among them
    /// was made.
    pub(super) fn given_back(
        &self,
        kept: &[Submission],
        (confirmed, version): (u64, u64),
    ) -> Result<Vec<Submission>> {
        let store = &self.replica.store;
        let made_anew: BTreeSet<u64> = kept.iter().filter_map(|kept| told(kept, RERUN_OF_TAG)).collect();
        let looked = kept.iter().filter_map(|kept| told(kept, LOOKED_TAG)).max().unwrap_or(0);
        let may_be = |made: &&Submission| {
            let number = number(made);
            made.call.is_some() && looked < number && number <= confirmed && !made_anew.contains(&number)
        };
        let may_be: BTreeMap<u64, &Submission> =
            kept.iter().filter(may_be).map(|made| (number(made), made)).collect();
        let mut given_back = Vec::new();
        let Some(base) = may_be.values().map(|made| made.base).min() else { return Ok(given_back) };
        store.changes_between(base.max(store.oldest()), version, |change| {
            let is_given_back = change.merged.as_ref().is_some_and(|merged| is_given_back(&merged.outcome));
            if change.writer == self.id() && is_given_back {
                given_back.extend(may_be.get(&change.sequence).map(|made| Submission::clone(made)));
            }
            Ok(())
        })?;
        if given_back.is_empty() {
            // Saves time the next time, no more.
            drop(self.note(Meta::default().tag(LOOKED_TAG, confirmed.to_string())));
        }
        Ok(given_back)
    }

    /// Notes something beside what waits, under no number.
    fn note(&self, about: Meta) -> Result<()> {
        let note = Submission::new(0, Patch::new()).by(self.id(), 0).meta(about);
        self.log.enqueue(&[&note.to_bytes()]).map(drop)
    }
}

/// Whether it is for the writer to run its recipe again.
pub(super) fn is_given_back(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { why: Refusal::Rerun, .. })
}

/// The number that something kept tells by a tag.
fn told(kept: &Submission, tag: &str) -> Option<u64> {
    kept.meta.tags.get(tag)?.parse().ok()
}
