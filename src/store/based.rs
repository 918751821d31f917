//! Patches that were made for one version and are wanted on that one only, as they come from somebody far away.
//!
//! Leaves applying to `complete` and acknowledging to `durable`. Always: the version is compared under the lock under which the
//! change gets its place, so that nothing comes in between.

use super::Store;
use super::complete::applied;
use crate::error::{Error, Result};
use crate::patch::Patch;
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
}
