//! From a time to the version that was the newest then.
//!
//! Stamps never run backwards along a log, whatever the clock did, so the changes are in the order of time and are searched
//! like any sorted row. Times that callers gave to their changes are in no order; they are not looked at here.

use super::{History, change_at};
use crate::error::{Error, Result};
use crate::record::{Change, Stamp};
use crate::state::State;

impl<S: State + Default> History<S> {
    /// The newest version up to `head` that was recorded at `time_ms` or before.
    pub(crate) fn version_at(&self, time_ms: i64, head: u64) -> Result<u64> {
        let oldest = self.oldest()?;
        let reached = |offset: u64, payload: &[u8]| match Change::stamp_in(payload) {
            Some(stamp) => Ok(stamp.at_ms() <= time_ms),
            // Says what is wrong with it, and where.
            None => change_at(&self.view, offset).map(|change| change.stamp.at_ms() <= time_ms),
        };
        let version = self.view.partition_point(oldest..head.max(oldest), reached)?;
        if version == oldest && oldest > 0 {
            self.must_begin_by(time_ms, oldest)?;
        }
        Ok(version)
    }

    /// When a version was recorded, or if nothing was, the beginning of time.
    pub(crate) fn stamp_at(&self, version: u64) -> Result<Stamp> {
        let oldest = self.oldest()?;
        match version.checked_sub(1) {
            _ if version < oldest => Err(Error::Compacted { version, oldest }),
            Some(offset) if version > oldest => Ok(change_at(&self.view, offset)?.stamp),
            _ => Ok(self.tip_at(version)?.stamp),
        }
    }

    /// Of a log without its beginning, the state it begins with says since when it is.
    fn must_begin_by(&self, time_ms: i64, oldest: u64) -> Result<()> {
        let begins_ms = self.tip_at(oldest)?.stamp.at_ms();
        if begins_ms <= time_ms { Ok(()) } else { Err(Error::BeforeKept { time_ms, oldest, begins_ms }) }
    }
}
