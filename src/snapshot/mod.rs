//! The state at a version, in a file of its own: opening a store and going back in time start from it instead of from the
//! first change.
//!
//! A file holds the whole state, or ([`Delta`]) what changed since that of another one, its parent. Fed by `store` with what is
//! already durable in the log; laid out in `segment/FORMAT.md`, "Snapshot". Leaves it to `store` which snapshot to take and
//! when.
//!
//! Always: a file with a snapshot's name is complete, because it is renamed into place only after it was synced; and it
//! holds a state that the log had made durable before, so its version is proof of how long the log must be. A parent is
//! older than what continues it.

mod blocks;
mod delta;
#[cfg(test)]
mod tests;

use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at};
use crate::layout::{Chain, SNAPSHOT, StoreId, number_in, numbered, u32_at, u64_at, unfinished};
use crate::record::value::{put_value, take_value};
use crate::record::wire::{DecodeError, Sink, Source};
use crate::record::{Ledger, Stamp};
use crate::segment::copy::fresh;
use crate::segment::format::{Codec, FORMAT_VERSION, HEADER_BYTES, check_preamble, header_check};
use crate::value::Value;
use blocks::{BlockWriter, pass_blocks};
use std::path::{Path, PathBuf};

pub(crate) use delta::{Delta, Stored, lineage, read};

const MAGIC: [u8; 8] = *b"REDRSNAP";
/// The file holds what changed since its parent.
const FLAG_DELTA: u8 = 2;
/// The state is of another schema than 1, and the header says of which: a redraft that does not look there must not take it.
const FLAG_SCHEMA: u8 = 1;
const SCHEMA_AT: usize = 48;
/// Behind the writers stands who is at home, and which rules hold.
const FLAG_MORE: u8 = 4;
/// How many versions the parent is back.
const BACK_AT: usize = 52;

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) store: StoreId,
    pub(crate) epoch: u32,
    pub(crate) version: u64,
    pub(crate) chain: Chain,
    /// When the change that made the version was recorded.
    pub(crate) stamp: Stamp,
    /// The version of the snapshot that this one continues; nothing if it is whole.
    pub(crate) parent: Option<u64>,
    /// The schema of the state.
    pub(crate) schema: u32,
    /// Whether the ledger says more than how far each writer came: set by what is written.
    pub(crate) more: bool,
}

/// A state, and what must be known to go on from it.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) header: Header,
    pub(crate) ledger: Ledger,
    pub(crate) state: Value,
}

/// The path of the snapshot of a version.
pub(crate) fn path_of(dir: &Path, version: u64) -> PathBuf {
    dir.join(name_of(version))
}

/// The name of the snapshot of a version.
pub(crate) fn name_of(version: u64) -> String {
    numbered(version, SNAPSHOT)
}

/// The versions there are snapshots of, ascending.
pub(crate) fn versions_in(names: &[String]) -> Vec<u64> {
    let mut versions: Vec<u64> = names.iter().filter_map(|name| number_in(name, SNAPSHOT)).collect();
    versions.sort_unstable();
    versions
}

impl Header {
    /// How many versions back the parent is. One that is further back than a header can say is no parent.
    fn back(&self) -> Option<u32> {
        self.parent.and_then(|parent| u32::try_from(self.version.saturating_sub(parent)).ok())
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = Codec::Change as u8;
        if self.schema != 1 {
            bytes[11] |= FLAG_SCHEMA;
            bytes[SCHEMA_AT..BACK_AT].copy_from_slice(&self.schema.to_le_bytes());
        }
        bytes[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        bytes[32..40].copy_from_slice(&self.version.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.stamp.0.to_le_bytes());
        if self.more {
            bytes[11] |= FLAG_MORE;
        }
        if let Some(back) = self.back() {
            bytes[11] |= FLAG_DELTA;
            bytes[BACK_AT..BACK_AT + 4].copy_from_slice(&back.to_le_bytes());
        }
        bytes[60..64].copy_from_slice(&self.chain.to_le_bytes());
        let check = header_check(&bytes);
        bytes[56..60].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8], path: &Path, named: u64) -> Result<Header> {
        check_preamble(bytes, &MAGIC, FLAG_DELTA | FLAG_SCHEMA | FLAG_MORE, path)?;
        let (stored, computed) = (u32_at(bytes, 56), header_check(bytes));
        if stored != computed {
            return Err(damage(path, 0, Defect::Checksum { part: "the header", stored, computed }));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&bytes[16..32]);
        let version = u64_at(bytes, 32);
        if version != named {
            return Err(damage(path, 32, Defect::Misnamed { named, found: version }));
        }
        let back = (bytes[11] & FLAG_DELTA != 0).then(|| u64::from(u32_at(bytes, BACK_AT)));
        if back.is_some_and(|back| back == 0 || back > version) {
            let reason = "it continues one that is no older".into();
            return Err(damage(path, BACK_AT as u64, Defect::Undecodable { part: "the header", reason }));
        }
        let parent = back.map(|back| version - back);
        let (epoch, stamp, chain) = (u32_at(bytes, 12), Stamp(u64_at(bytes, 40)), u32_at(bytes, 60));
        let schema = if bytes[11] & FLAG_SCHEMA == 0 { 1 } else { u32_at(bytes, SCHEMA_AT) };
        let more = bytes[11] & FLAG_MORE != 0;
        Ok(Header { store: StoreId(store), epoch, version, chain, stamp, parent, schema, more })
    }
}

fn damage(path: &Path, byte: u64, defect: Defect) -> Error {
    Damage { path: path.to_owned(), byte, defect, intact: None }.into()
}

impl Snapshot {
    /// Writes the whole snapshot under its final name; it is durable on return, and its length is known. O(state) and as much
    /// memory as a block takes; three syncs. An existing snapshot of the same version is replaced by an equal one.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<u64> {
        let header = Header { parent: None, more: self.ledger.says_more(), ..self.header };
        write_file(disk, dir, &header, |sink| {
            self.ledger.put(sink);
            put_value(sink, &self.state);
        })
    }

    fn decode(header: Header, body: &[u8]) -> Result<Snapshot, DecodeError> {
        let mut source = Source::new(body);
        let ledger = Ledger::take(&mut source, header.more)?;
        let state = take_value(&mut source)?;
        source.finish()?;
        Ok(Snapshot { header, ledger, state })
    }
}

fn write_file<'s>(
    disk: &dyn Disk,
    dir: &Path,
    header: &Header,
    encode: impl FnOnce(&mut Sink<'_, 's>),
) -> Result<u64> {
    let path = path_of(dir, header.version);
    let span = tracing::info_span!("snapshot", version = header.version, parent = header.parent);
    let _entered = span.enter();
    let unfinished = unfinished(&path);
    let mut out = BlockWriter::begin(fresh(disk, &unfinished)?, &unfinished, header)?;
    let mut rest = Vec::new();
    encode(&mut Sink::through(&mut rest, &mut out));
    let bytes = out.finish(&rest)?;
    disk.rename(&unfinished, &path).during("rename snapshot", &path)?;
    disk.sync_dir(dir).during("sync directory", dir)?;
    tracing::info!(bytes, "snapshot written");
    Ok(bytes)
}

/// How long a snapshot is, in bytes.
pub(crate) fn length(disk: &dyn Disk, path: &Path) -> Result<u64> {
    let file = disk.open(path, Access::Read).during("open snapshot", path)?;
    file.len().during("measure snapshot", path)
}

/// Reads all of a snapshot and verifies every byte of it, but does not make a state of it: takes the memory of a block.
pub(crate) fn check(disk: &dyn Disk, path: &Path, named: u64) -> Result<Header> {
    let file = disk.open(path, Access::Read).during("open snapshot", path)?;
    check_file(&*file, path, named)
}

/// The same of a file that is open already; `path` is what to call it.
pub(crate) fn check_file(file: &dyn File, path: &Path, named: u64) -> Result<Header> {
    let header = header_of(file, path, named)?;
    pass_blocks(file, &header, path, Vec::clear)?;
    Ok(header)
}

/// Reads and checks the header alone: which version it proves.
pub(crate) fn read_header(disk: &dyn Disk, path: &Path, named: u64) -> Result<Header> {
    header_of(&*disk.open(path, Access::Read).during("open snapshot", path)?, path, named)
}

fn header_of(file: &dyn File, path: &Path, named: u64) -> Result<Header> {
    let mut bytes = [0; HEADER_BYTES];
    let count = read_full_at(file, &mut bytes, 0).during("read snapshot", path)?;
    Header::decode(&bytes[..count], path, named)
}
