//! Whether a replica that is far behind begins anew at a snapshot, because that is fewer bytes than what it lacks.
//!
//! Leaves doing it to `begin`. Always: only what is the same history is skipped; what cannot be compared, or costs as much, is copied.

use super::source::{Source, Status};
use crate::error::Result;
use crate::log::Log;

/// The newest snapshot of the source, if it is worth skipping to it from the end of the log.
pub(super) fn worth_skipping_to(log: &Log, source: &dyn Source, status: &Status) -> Result<Option<u64>> {
    let head = log.head();
    let Some(version) = newest_snapshot(source, status)?.filter(|version| *version > head) else {
        return Ok(None);
    };
    // A history that differs, or a source that has less, is told as that, and costs nothing.
    if head < status.oldest || source.chain_at(head)? != log.reader().chain_at(head)? {
        return Ok(None);
    }
    let lacking = source.bytes_since(head)?;
    let (snapshot, after) = (source.snapshot_bytes(version)?, source.bytes_since(version)?);
    let (Some(lacking), Some(snapshot), Some(after)) = (lacking, snapshot, after) else { return Ok(None) };
    tracing::debug!(head, version, lacking, snapshot, after, "far behind?");
    Ok((lacking > snapshot.saturating_add(after)).then_some(version))
}

/// The newest one that a replica could begin with.
pub(super) fn newest_snapshot(source: &dyn Source, status: &Status) -> Result<Option<u64>> {
    let snapshots = source.snapshots()?;
    Ok(snapshots.into_iter().rev().find(|version| (status.oldest..=status.head).contains(version)))
}
