//! Copies snapshots into a backup, and removes those that its source no longer has.
//!
//! Always: a snapshot is copied once the log that it proves is there, except for the one that the log is to begin with; and only
//! if all of it is good and its chain is the log's.

use super::Source;
use super::target::Target;
use crate::error::{Damage, Defect, Error, ErrorKind, IoContext, Result};
use crate::io::Access;
use crate::layout::unfinished;
use crate::segment::copy::{copy_bytes, fresh};
use crate::snapshot;
use std::path::Path;

impl Target<'_> {
    /// Makes the snapshots of the backup those of the source, as far as they lie in it.
    pub(super) fn copy_snapshots(&mut self, source: &Source<'_>, head: u64) -> Result<()> {
        let oldest = self.oldest();
        let names = source.disk.list(source.dir).during("list store", source.dir)?;
        let mut wanted = snapshot::versions_in(&names);
        wanted.retain(|version| (oldest..=head).contains(version) && source.may_have_whole(*version));
        for &version in &wanted {
            match self.copy_snapshot(source, version) {
                Err(Error::Damaged(damage)) => {
                    tracing::warn!(%damage, "a damaged snapshot is not backed up");
                    self.copied.passed_over.push(damage);
                }
                // The source has thinned its snapshots meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                answer => answer?,
            }
        }
        let names = self.disk().list(self.dir).during("list", self.dir)?;
        let is_kept = |version: &u64| *version == oldest || wanted.contains(version);
        self.remove_snapshots(snapshot::versions_in(&names).into_iter().filter(|version| !is_kept(version)))
    }

    /// Copies the snapshot of a version, unless it is there. O(state), two syncs.
    pub(super) fn copy_snapshot(&mut self, source: &Source<'_>, version: u64) -> Result<()> {
        let (from, to) = (snapshot::path_of(source.dir, version), snapshot::path_of(self.dir, version));
        let bytes = snapshot::length(source.disk, &from)?;
        let header = snapshot::read_header(source.disk, &from, version)?;
        if let Ok(there) = snapshot::read_header(self.disk(), &to, version)
            && there == header
            && snapshot::length(self.disk(), &to)? == bytes
        {
            return Ok(());
        }
        source.check_snapshot(&from, version)?;
        let unfinished = unfinished(&to);
        let new = fresh(self.disk(), &unfinished)?;
        let old = source.disk.open(&from, Access::Read).during("open snapshot", &from)?;
        copy_bytes((&*old, &from), 0..bytes, (&*new, &unfinished), 0)?;
        new.sync().during("sync snapshot", &unfinished)?;
        self.disk().rename(&unfinished, &to).during("rename snapshot", &to)?;
        self.sync()?;
        self.copied.snapshots.insert(version);
        self.copied.bytes += bytes;
        Ok(())
    }
}

impl Source<'_> {
    /// Whether a snapshot stands by itself, or is damaged, which is told later. What only continues another one says nothing
    /// that the history does not, and would need that other one for as long as it is kept.
    pub(crate) fn may_have_whole(&self, version: u64) -> bool {
        let header = snapshot::read_header(self.disk, &snapshot::path_of(self.dir, version), version);
        header.map_or(true, |header| header.parent.is_none())
    }

    /// Reads all of a snapshot and refuses one that is damaged, or is not of this log.
    pub(crate) fn check_snapshot(&self, path: &Path, version: u64) -> Result<()> {
        let found = snapshot::check(self.disk, path, version)?;
        let defect = match self.view.chain_at(version)? {
            _ if found.store != self.view.id() => Defect::Foreign,
            expected if found.chain != expected => Defect::Chain { expected, found: found.chain },
            _ => return Ok(()),
        };
        Err(Damage { path: path.to_owned(), byte: 0, defect, intact: None }.into())
    }
}
