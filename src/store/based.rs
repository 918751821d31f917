//! Patches that were made for one version and are wanted on that one only, as they come from somebody far away.
//!
//! Leaves applying to `complete` and acknowledging to `durable`. Always: the version is compared under the lock under which the
//! change gets its place, so that nothing comes in between.

#[cfg(feature = "http")]
use super::Receipt;
use super::Store;
use super::complete::applied;
use crate::error::{Error, Result};
#[cfg(feature = "http")]
use crate::merge::Submission;
use crate::patch::Patch;
#[cfg(feature = "http")]
use crate::record::Change;
use crate::record::Meta;
use crate::state::State;

impl<S: State + Default> Store<S> {
    /// Applies a patch as [`apply`](Store::apply) does and for the same cost, if `base` is still the newest version.
    ///
    /// # Errors
    /// [`Error::Outdated`] if it is not; nothing changed. It comes once what was faster is acknowledged, so that who looks again
    /// sees it; that may take a sync. Otherwise as `apply`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Error, Meta, Store, Value, diff, value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// let (patch, _) = diff(&value!({}), &value!({ "title": "plan" }))?;
    /// store.apply_on(0, Meta::label("a title"), &patch)?;
    /// let late = store.apply_on(0, Meta::default(), &patch);
    /// assert!(matches!(late, Err(Error::Outdated { base: Some(0), head: 1 })));
    /// # Ok(()) }
    /// ```
    pub fn apply_on(&self, base: u64, meta: Meta, patch: &Patch) -> Result<super::Commit<S>> {
        let answer = self.change(meta, |newest| match newest.version {
            head if head == base => applied(&*newest.state, patch),
            head => Err(Error::Outdated { base: Some(base), head }),
        });
        if let Err(Error::Outdated { head, .. }) = answer {
            self.settle(head)?;
        }
        answer
    }

    /// [`merge`](Store::merge), unless a change says that it is this very submission, among those that come after `looked`, up to its own place.
    ///
    /// # Errors
    /// As `merge`, and as reading history.
    #[cfg(feature = "http")]
    pub(crate) fn merge_unless(
        &self,
        mut looked: u64,
        is_it: &dyn Fn(&Change) -> bool,
        submission: &Submission,
    ) -> Result<Receipt> {
        loop {
            let head = self.version();
            if let Some(before) = self.made_between(looked, head, is_it)? {
                return Ok(before);
            }
            match self.merge_on(Some(head), submission) {
                Err(Error::Outdated { .. }) => looked = head,
                answer => return answer,
            }
        }
    }

    /// What became of the first change after a version, up to another one, of which something is true.
    #[cfg(feature = "http")]
    pub(crate) fn made_between(
        &self,
        after: u64,
        to: u64,
        is_it: &dyn Fn(&Change) -> bool,
    ) -> Result<Option<Receipt>> {
        if after >= to {
            return Ok(None);
        }
        let is_it = |change: &Result<Change>| change.as_ref().map_or(true, is_it);
        let found = self.changes(after + 1..=to)?.find(is_it).transpose()?;
        Ok(found.map(Receipt::of_before))
    }
}
