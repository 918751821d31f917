//! The whole state at a version, in a file of its own: opening a store and going back in time start from it instead of
//! from the first change.
//!
//! Fed by `store` with a state that is already durable in the log; laid out in `segment/FORMAT.md`, "Snapshot". Leaves
//! it to `store` which snapshot to take and when.
//!
//! Always: a file with a snapshot's name is complete, because it is renamed into place only after it was synced; and it
//! holds a state that the log had made durable before, so its version is proof of how long the log must be.

use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at, write_all_at};
use crate::layout::{
    CHECK_BYTES, Chain, LENGTH_BYTES, StoreId, checksum, number_in, numbered, u32_at, u64_at, unfinished,
};
use crate::record::value::{put_value, take_value};
use crate::record::wire::{DecodeError, Sink, Source};
use crate::record::{Stamp, WriterId};
use crate::segment::format::{Codec, FORMAT_VERSION, HEADER_BYTES, check_preamble, header_check};
use crate::value::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EXTENSION: &str = "snap";
const MAGIC: [u8; 8] = *b"REDRSNAP";
/// Bytes of state per block: large enough to be cheap, small enough to name the place of damage.
const BLOCK_BYTES: usize = 256 * 1024;
const END_BYTES: usize = LENGTH_BYTES + 8 + CHECK_BYTES;

/// The newest sequence number of each writer.
pub(crate) type Writers = BTreeMap<WriterId, u64>;

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) store: StoreId,
    pub(crate) epoch: u32,
    pub(crate) version: u64,
    pub(crate) chain: Chain,
}

/// A state, and what must be known to go on from it.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) header: Header,
    pub(crate) writers: Writers,
    pub(crate) stamp: Stamp,
    pub(crate) state: Value,
}

/// The path of the snapshot of a version.
pub(crate) fn path_of(dir: &Path, version: u64) -> PathBuf {
    dir.join(numbered(version, EXTENSION))
}

/// The versions there are snapshots of, ascending.
pub(crate) fn versions_in(names: &[String]) -> Vec<u64> {
    let mut versions: Vec<u64> = names.iter().filter_map(|name| number_in(name, EXTENSION)).collect();
    versions.sort_unstable();
    versions
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = Codec::Change as u8;
        bytes[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        bytes[32..40].copy_from_slice(&self.version.to_le_bytes());
        bytes[60..64].copy_from_slice(&self.chain.to_le_bytes());
        let check = header_check(&bytes);
        bytes[56..60].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8], path: &Path, named: u64) -> Result<Header> {
        check_preamble(bytes, &MAGIC, 0, path)?;
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
        Ok(Header { store: StoreId(store), epoch: u32_at(bytes, 12), version, chain: u32_at(bytes, 60) })
    }
}

fn damage(path: &Path, byte: u64, defect: Defect) -> Error {
    Damage { path: path.to_owned(), byte, defect, intact: None }.into()
}

impl Snapshot {
    /// Writes the snapshot under its final name; it is durable on return. O(state), three syncs. An existing snapshot of the
    /// same version is replaced by an equal one.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<PathBuf> {
        let path = path_of(dir, self.header.version);
        let span = tracing::info_span!("snapshot", version = self.header.version);
        let _entered = span.enter();
        let bytes = self.encode();
        let unfinished = unfinished(&path);
        write_new(disk, &unfinished, &bytes)?;
        disk.rename(&unfinished, &path).during("rename snapshot", &path)?;
        disk.sync_dir(dir).during("sync directory", dir)?;
        tracing::info!(bytes = bytes.len(), "snapshot written");
        Ok(path)
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut sink = Sink::new(&mut body);
        sink.uint(self.writers.len() as u64);
        for (writer, sequence) in &self.writers {
            sink.fixed(writer.0);
            sink.uint(*sequence);
        }
        sink.fixed(self.stamp.0);
        put_value(&mut sink, &self.state);
        in_blocks(&self.header, &body)
    }

    /// Reads a snapshot and verifies every byte of it.
    pub(crate) fn read(disk: &dyn Disk, path: &Path, named: u64) -> Result<Snapshot> {
        let file = disk.open(path, Access::Read).during("open snapshot", path)?;
        let header = header_of(&*file, path, named)?;
        let body = read_body(&*file, &header, path)?;
        let undecodable = |flaw: DecodeError| {
            damage(path, 0, Defect::Undecodable { part: "the snapshot's content", reason: flaw.to_string() })
        };
        Snapshot::decode(header, &body).map_err(undecodable)
    }

    fn decode(header: Header, body: &[u8]) -> Result<Snapshot, DecodeError> {
        let mut source = Source::new(body);
        let mut writers = Writers::new();
        for _ in 0..source.count()? {
            let writer = WriterId(source.fixed()?);
            writers.insert(writer, source.uint()?);
        }
        let stamp = Stamp(source.fixed()?);
        let state = take_value(&mut source)?;
        source.finish()?;
        Ok(Snapshot { header, writers, stamp, state })
    }
}

fn write_new(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).during("remove unfinished", path);
        }
        _ => {}
    }
    let file = disk.open(path, Access::Create).during("create snapshot", path)?;
    write_all_at(&*file, bytes, 0).during("write snapshot", path)?;
    file.sync().during("sync snapshot", path)
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

/// What the check of the first block continues from: not from the chain alone, or the block could stand in a segment as the
/// record that follows there.
fn first_check(header: &Header) -> u32 {
    checksum(header.chain, &[&MAGIC])
}

fn in_blocks(header: &Header, body: &[u8]) -> Vec<u8> {
    let blocks = body.len().div_ceil(BLOCK_BYTES);
    let mut out =
        Vec::with_capacity(HEADER_BYTES + body.len() + blocks * (LENGTH_BYTES + CHECK_BYTES) + END_BYTES);
    out.extend_from_slice(&header.encode());
    let mut check = first_check(header);
    for block in body.chunks(BLOCK_BYTES) {
        let length = (block.len() as u32).to_le_bytes();
        check = checksum(check, &[&length, block]);
        out.extend_from_slice(&length);
        out.extend_from_slice(block);
        out.extend_from_slice(&check.to_le_bytes());
    }
    let total = (body.len() as u64).to_le_bytes();
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&total);
    out.extend_from_slice(&checksum(check, &[&total]).to_le_bytes());
    out
}

/// Reads block by block: no length is believed before what it is the length of has been verified.
fn read_body(file: &dyn File, header: &Header, path: &Path) -> Result<Vec<u8>> {
    let mut piece = vec![0; LENGTH_BYTES + BLOCK_BYTES + CHECK_BYTES];
    let (mut body, mut at, mut check) = (Vec::new(), HEADER_BYTES as u64, first_check(header));
    loop {
        let count = read_full_at(file, &mut piece, at).during("read snapshot", path)?;
        let rest = &piece[..count];
        if rest.len() < END_BYTES {
            let defect = Defect::Short { expected: at + END_BYTES as u64, found: at + rest.len() as u64 };
            return Err(damage(path, at, defect));
        }
        let length = u32_at(rest, 0) as usize;
        if length == 0 {
            check_end(rest, check, body.len(), at, path)?;
            return Ok(body);
        }
        let block = take_block(rest, length, &mut check).map_err(|defect| damage(path, at, defect))?;
        body.extend_from_slice(block);
        at += (LENGTH_BYTES + length + CHECK_BYTES) as u64;
    }
}

/// The block that `rest` begins with, if it is what was written; `check` goes on to the one after it.
fn take_block<'b>(rest: &'b [u8], length: usize, check: &mut u32) -> Result<&'b [u8], Defect> {
    let most = rest.len() - LENGTH_BYTES - CHECK_BYTES;
    if length > most {
        return Err(Defect::Length { part: "block", found: length as u64, most: most as u64 });
    }
    let end = LENGTH_BYTES + length;
    let (stored, computed) = (u32_at(rest, end), checksum(*check, &[&rest[..end]]));
    if stored != computed {
        return Err(Defect::Checksum { part: "a block", stored, computed });
    }
    *check = computed;
    Ok(&rest[LENGTH_BYTES..end])
}

fn check_end(rest: &[u8], check: u32, total: usize, at: u64, path: &Path) -> Result<()> {
    let (stored, computed) =
        (u32_at(rest, LENGTH_BYTES + 8), checksum(check, &[&rest[LENGTH_BYTES..LENGTH_BYTES + 8]]));
    if stored != computed || u64_at(rest, LENGTH_BYTES) != total as u64 {
        return Err(damage(path, at, Defect::Checksum { part: "the end", stored, computed }));
    }
    if rest.len() != END_BYTES {
        let defect =
            Defect::Length { part: "file", found: at + rest.len() as u64, most: at + END_BYTES as u64 };
        return Err(damage(path, at, defect));
    }
    Ok(())
}
