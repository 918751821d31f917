//! Migrating a store to the schema of the type it is opened as: one change that says the document anew, and which schema it is of.
//!
//! How a document is migrated is told in `history`, which has done it when this begins. Always: the migration is computed before
//! anything is changed, and one record is all of it, so that after a crash it has happened or not; from then on the log alone
//! says what the state is, under the new schema.

use super::Store;
use crate::draft::{Drafted, diff};
use crate::error::Result;
use crate::history::{History, Tip, or_first};
use crate::record::Meta;
use crate::state::State;
use std::sync::Arc;

/// The schema that what is recorded up to here is of. Where nothing is, it is the first: whatever comes says otherwise.
pub(super) fn recorded_in<S>(tip: &Tip<S>) -> u32 {
    if tip.version == 0 { or_first(None) } else { tip.schema }
}

/// What the change after `tip` has to say of its schema.
pub(super) fn to_be_said<S: State>(tip: &Tip<S>) -> Option<u32> {
    (S::SCHEMA != 0 && S::SCHEMA != recorded_in(tip)).then_some(S::SCHEMA)
}

/// What brings the document at `tip` to what the state shows as, if it is of an older schema.
pub(super) fn due<S: State + Default>(history: &History<S>, tip: &Tip<S>) -> Result<Option<Drafted<Arc<S>>>> {
    if tip.version == 0 || !tip.is_older() {
        return Ok(None);
    }
    let (patch, inverse) = diff(&history.document(tip.version)?, &tip.state.to_value())?;
    Ok(Some(Drafted { state: Arc::clone(&tip.state), patch, inverse }))
}

impl<S: State + Default> Store<S> {
    /// Records a migration that is due; durable on return.
    pub(super) fn migrate(&self, drafted: Drafted<Arc<S>>) -> Result<()> {
        let mut newest = self.lock_newest()?;
        let (from, to) = (newest.schema, S::SCHEMA);
        let label = format!("migrated from schema {from} to {to}");
        let change = self.change_after(&newest, Meta::label(label), None);
        let version = self.log_change(&mut newest, change, drafted)?.version;
        drop(newest);
        self.sync().map_err(|error| error.pending(version))?;
        self.snapshotter.migrated();
        tracing::info!(version, from, to, "migrated");
        Ok(())
    }
}
