//! States recorded under an older schema than the type's: replayed as documents, and migrated once they are reached.
//!
//! Only documents are migrated, never changes: a change speaks of places in the document it was made for, and a type that has
//! another shape has no such places. Always: what is on the disk stays as it is; a type never gets a document of a schema
//! that is not its own, neither an older nor a newer one.

use super::kept::Kind;
use super::replay::{in_frame, misfit};
use super::{History, Reached, Tip};
use crate::error::{Defect, Error, Result};
use crate::log::Record;
use crate::record::Change;
use crate::state::{State, StateError, watch};
use crate::value::{Path, Value};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What documents are of when nothing is said.
const FIRST: u32 = 1;

/// The schema that the first change says, or does not.
pub(crate) fn or_first(said: Option<u32>) -> u32 {
    said.unwrap_or(FIRST)
}

/// The schema after a change, which may raise it.
pub(super) fn schema_after(before: u32, change: &Change, frame: &Record<'_>) -> Result<u32> {
    match change.schema {
        Some(schema) if change.is_migration() && schema <= before => {
            let reason = format!("it leads from schema {before} to {schema}");
            Err(in_frame(frame, Defect::Undecodable { part: "a record", reason }))
        }
        said if change.version == 1 => Ok(or_first(said)),
        said => Ok(said.unwrap_or(before)),
    }
}

/// Refuses what a newer program has migrated.
pub(super) fn not_newer<S: State>(version: u64, found: u32) -> Result<()> {
    let supported = S::SCHEMA;
    if supported == 0 || found <= supported {
        return Ok(());
    }
    Err(Error::NewerSchema { version, found, supported })
}

impl<S: State> Tip<S> {
    /// Whether the document here is of an older schema than the type: then the state is its own, and what follows cannot be
    /// replayed on it.
    pub(crate) fn is_older(&self) -> bool {
        self.schema < S::SCHEMA
    }
}

impl<S: State + Default> History<S> {
    /// The schema that the log begins with: that of the type if nothing is recorded yet.
    pub(super) fn first_schema(&self) -> Result<u32> {
        if S::SCHEMA <= FIRST {
            return Ok(FIRST);
        }
        let mut records = self.view.records(0)?;
        match records.next_record()? {
            Some(frame) => super::decode(&frame).map(|change| or_first(change.schema)),
            None => Ok(S::SCHEMA),
        }
    }

    /// The same history, read as documents and kept for who asks again.
    pub(super) fn older(&self) -> &History<Value> {
        self.older.get_or_init(|| Box::new(self.documents()))
    }

    /// See [`tip_at`](History::tip_at).
    pub(super) fn tip_by_documents(&self, version: u64) -> Result<Arc<Tip<S>>> {
        let tip = self.as_type(&*self.older().tip_at(version)?)?;
        self.kept.keep(&tip, Kind::Near);
        Ok(tip)
    }

    /// See [`reach`](History::reach).
    pub(super) fn reach_by_documents(&self, version: u64) -> Result<Reached<S>> {
        let Reached { tip, first, from_snapshot, passed_over } = self.older().reach(version)?;
        let tip = self.as_type(&tip)?;
        Ok(Reached { tip, first, from_snapshot, passed_over })
    }

    /// See [`after`](History::after).
    pub(super) fn after_by_documents(&self, known: &Arc<Tip<S>>) -> Result<Arc<Tip<S>>> {
        let older = self.older();
        let found = match older.kept.nearest(known.version) {
            Some(near) if near.version == known.version => older.after(&near)?,
            _ => older.newest()?,
        };
        if found.version == known.version { Ok(Arc::clone(known)) } else { self.as_type(&found) }
    }

    /// A document as a state of the type, migrated if it is of an older schema. O(state).
    pub(super) fn as_type(&self, tip: &Tip<Value>) -> Result<Arc<Tip<S>>> {
        let Tip { version, chain, stamp, recorded_bytes, schema, .. } = *tip;
        not_newer::<S>(version, schema)?;
        let document = migrated::<S>(Value::clone(&tip.state), schema, version)?;
        let (state, filled, says_nothing) = read_as::<S>(document);
        let state = Arc::new(state.map_err(|error| misfit(version, &Path::root(), &error))?);
        let (ledger, filled) = (Arc::clone(&tip.ledger), filled || schema != S::SCHEMA);
        Ok(Arc::new(Tip {
            version,
            chain,
            stamp,
            ledger,
            state,
            filled,
            says_nothing,
            recorded_bytes,
            schema,
        }))
    }
}

/// A document as a state of the type, whether that filled something in, and whether it was all. Of the empty map, with which every document begins, a
/// type that cannot read it makes what it begins with itself: nothing has been said of the state yet.
pub(super) fn read_as<S: State + Default>(
    document: Value,
) -> (std::result::Result<S, StateError>, bool, bool) {
    let says_nothing = document == Value::default();
    match watch(|| S::from_value(document)) {
        (Err(_), _) if says_nothing => (Ok(S::default()), true, true),
        (answer, filled) => (answer, filled, false),
    }
}

/// Takes a document through all steps up to the type's schema.
fn migrated<S: State>(mut document: Value, schema: u32, version: u64) -> Result<Value> {
    for from in schema..S::SCHEMA {
        tracing::debug!(version, from, "migrating");
        // The program's own code: whatever becomes of it, nothing is written yet.
        let answer = catch_unwind(AssertUnwindSafe(|| S::migrate(from, &mut document)));
        let answer = answer.unwrap_or_else(|panic| Err(told(&*panic).into()));
        answer.map_err(|source| Error::Migration { version, from, to: from + 1, source })?;
    }
    Ok(document)
}

/// What somebody who panicked said.
fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("with no text"))
}
