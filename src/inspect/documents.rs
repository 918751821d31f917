//! [`Documents`]: what the log says at any version, ready to be stepped through.
//!
//! Leaves replaying and what is kept of it to `history`. Always: a step from a version to one beside it costs what changed, whatever
//! the type of the state.

use super::source::Inspected;
use crate::error::{Error, Result};
use crate::history::History;
use crate::value::Value;

/// Where documents come from: from the store, or, where that holds states of another type, from a history of their own.
#[derive(Debug)]
pub(super) struct Documents(Option<History<Value>>);

impl Documents {
    pub(super) fn of(source: &Inspected) -> Documents {
        Documents(source.documents())
    }

    pub(super) fn at(&self, source: &Inspected, version: u64) -> Result<Value> {
        let served = source.served();
        let Some(history) = &self.0 else { return served.document(version) };
        let (oldest, head) = (served.oldest()?, served.version());
        if version > head {
            return Err(Error::BeyondHead { version, head });
        }
        if version < oldest {
            return Err(Error::Compacted { version, oldest });
        }
        source.readable(version)?;
        Ok(Value::clone(&*history.at(version)?))
    }
}
