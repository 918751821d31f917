//! [`Delta`]: a snapshot that says what changed since another one, its parent; and reading a snapshot of either kind.
//!
//! Leaves it to `store` which parent to choose and how many may follow each other. Always: what is read is the whole state; a
//! delta is put onto the very parent it was made for, which the chain of checksums tells, or it is damage; parents grow
//! older, so that every row of them ends.

use super::{Header, Snapshot, damage, header_of, path_of, read_header, write_file};
use crate::error::{Defect, Error, ErrorKind, IoContext, Result};
use crate::io::{Access, Disk};
use crate::layout::Chain;
use crate::op::Patch;
use crate::patch;
use crate::record::Ledger;
use crate::record::value::{put_patch, take_patch};
use crate::record::wire::{DecodeError, Source};
use std::path::Path;

/// What turned the state of the parent into the one at a version, and what must be known to go on from there.
#[derive(Clone, Debug)]
pub(crate) struct Delta {
    /// Names the parent.
    pub(crate) header: Header,
    /// The chain of the parent.
    pub(crate) parent_chain: Chain,
    pub(crate) ledger: Ledger,
    pub(crate) patch: Patch,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Whole(Snapshot),
    Delta(Delta),
}

impl Stored {
    /// Reads one file and verifies every byte of it. O(its content).
    pub(crate) fn read(disk: &dyn Disk, path: &Path, named: u64) -> Result<Stored> {
        let file = disk.open(path, Access::Read).during("open snapshot", path)?;
        let header = header_of(&*file, path, named)?;
        let body = super::pass_blocks(&*file, &header, path, |_| ())?;
        let decoded = match header.parent {
            None => Snapshot::decode(header, &body).map(Stored::Whole),
            Some(_) => Delta::decode(header, &body).map(Stored::Delta),
        };
        decoded.map_err(|flaw| undecodable(path, flaw.to_string()))
    }
}

fn undecodable(path: &Path, reason: String) -> Error {
    damage(path, 0, Defect::Undecodable { part: "the snapshot's content", reason })
}

/// Reads the snapshot of a version, whatever it continues, and verifies every byte of it. O(state + what changed since the
/// whole one).
pub(crate) fn read(disk: &dyn Disk, dir: &Path, version: u64) -> Result<Snapshot> {
    let mut deltas: Vec<Delta> = Vec::new();
    let whole = loop {
        let wanted = deltas.last().map_or(version, Delta::parent);
        match (Stored::read(disk, &path_of(dir, wanted), wanted), deltas.first()) {
            (Ok(Stored::Whole(snapshot)), _) => break snapshot,
            (Ok(Stored::Delta(delta)), _) => deltas.push(delta),
            (Err(error), Some(newest)) if is_unusable(&error) => return Err(newest.orphaned(dir, wanted)),
            (Err(error), _) => return Err(error),
        }
    };
    deltas.into_iter().rev().try_fold(whole, |parent, delta| delta.onto(&parent, dir))
}

fn is_unusable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Damage | ErrorKind::NotFound)
}

/// The headers of a snapshot and of all that it continues, the newest first. O(headers).
pub(crate) fn lineage(disk: &dyn Disk, dir: &Path, version: u64) -> Result<Vec<Header>> {
    let mut headers = vec![read_header(disk, &path_of(dir, version), version)?];
    while let Some(parent) = headers.last().and_then(|header| header.parent) {
        headers.push(read_header(disk, &path_of(dir, parent), parent)?);
    }
    Ok(headers)
}

impl Delta {
    /// The version of the parent; a delta without one does not come out of a file.
    pub(crate) fn parent(&self) -> u64 {
        self.header.parent.unwrap_or(0)
    }

    /// Writes it under its final name; it is durable on return, and its length is known. O(patch); three syncs.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<u64> {
        let header = Header { more: self.ledger.says_more(), ..self.header };
        write_file(disk, dir, &header, |sink| {
            sink.uint(self.parent_chain.into());
            self.ledger.put(sink);
            put_patch(sink, &self.patch);
        })
    }

    fn decode(header: Header, body: &[u8]) -> Result<Delta, DecodeError> {
        let mut source = Source::new(body);
        let chain = source.uint()?;
        let parent_chain = Chain::try_from(chain).map_err(|_| source.flaw("a chain of more than 32 bits"))?;
        let ledger = Ledger::take(&mut source, header.more)?;
        let patch = take_patch(&mut source)?;
        Ok(Delta { header, parent_chain, ledger, patch })
    }

    /// The whole state: that of the parent, and what changed since. O(patch).
    pub(crate) fn onto(self, parent: &Snapshot, dir: &Path) -> Result<Snapshot> {
        let path = path_of(dir, self.header.version);
        let found = &parent.header;
        if found.store != self.header.store || found.chain != self.parent_chain {
            return Err(self.orphaned(dir, found.version));
        }
        let mut state = parent.state.clone();
        patch::carry_out(&mut state, &self.patch)
            .map_err(|refused| undecodable(&path, format!("it does not apply to its parent: {refused}")))?;
        Ok(Snapshot { header: self.header, ledger: self.ledger, state })
    }

    /// It cannot be used, because the snapshot of version `missing`, which it continues, cannot.
    pub(crate) fn orphaned(&self, dir: &Path, missing: u64) -> Error {
        let path = path_of(dir, self.header.version);
        damage(&path, super::BACK_AT as u64, Defect::ParentUnusable { parent: missing })
    }
}
