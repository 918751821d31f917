//! The body of a snapshot in blocks, on its way to a file and back.
//!
//! Holds one block at a time on the way out, so that a snapshot costs no memory beside its state. Knows nothing of what
//! the bytes mean. Always: each check continues the one before, so no block is taken for another or from another file; a
//! block is unpacked only once its check has shown that it is what was written, and never to more than a block.

use super::{Header, MAGIC, damage};
use crate::error::{Defect, Error, IoContext, Result};
use crate::io::{File, read_full_at, write_all_at};
use crate::layout::{CHECK_BYTES, LENGTH_BYTES, checksum, u32_at, u64_at};
use crate::pack::{Packer, Unpacker};
use crate::record::wire::Outlet;
use crate::segment::format::HEADER_BYTES;
use std::path::Path;
use std::sync::Arc;

/// Bytes of content per block: large enough to be cheap, small enough to name the place of damage.
pub(super) const BLOCK_BYTES: usize = 256 * 1024;
/// The most that a block takes in the file: its method and, where packing gains nothing, its content.
const STORED_BYTES_MAX: usize = 1 + BLOCK_BYTES;
/// The quickest of zstd's levels that pack well.
const LEVEL: i32 = 1;
const END_BYTES: usize = LENGTH_BYTES + 8 + CHECK_BYTES;

/// What the check of the first block continues from: not from the chain alone, or the block could stand in a segment as the
/// record that follows there.
fn first_check(header: &Header) -> u32 {
    checksum(header.chain, &[&MAGIC])
}

/// Writes a file, block after block.
pub(super) struct BlockWriter<'p> {
    file: Arc<dyn File>,
    path: &'p Path,
    at: u64,
    check: u32,
    total: u64,
    packer: Packer,
    block: Vec<u8>,
    failed: Option<Error>,
}

impl<'p> BlockWriter<'p> {
    /// Begins with the header.
    pub(super) fn begin(file: Arc<dyn File>, path: &'p Path, header: &Header) -> Result<Self> {
        write_all_at(&*file, &header.encode(), 0).during("write snapshot", path)?;
        let packer = Packer::new(LEVEL).during("compress snapshot", path)?;
        let (at, check) = (HEADER_BYTES as u64, first_check(header));
        Ok(BlockWriter { file, path, at, check, total: 0, packer, block: Vec::new(), failed: None })
    }

    /// Writes what is left, and the end; durable on return. The length of the file.
    pub(super) fn finish(mut self, rest: &[u8]) -> Result<u64> {
        for content in rest.chunks(BLOCK_BYTES) {
            self.keep_error(content);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let total = self.total.to_le_bytes();
        let end = [&[0; LENGTH_BYTES], &total[..], &checksum(self.check, &[&total]).to_le_bytes()].concat();
        write_all_at(&*self.file, &end, self.at).during("write snapshot", self.path)?;
        self.file.sync().during("sync snapshot", self.path)?;
        Ok(self.at + END_BYTES as u64)
    }

    fn keep_error(&mut self, content: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.write(content).err();
        }
    }

    fn write(&mut self, content: &[u8]) -> Result<()> {
        self.block.clear();
        self.block.extend_from_slice(&[0; LENGTH_BYTES]);
        self.packer.pack(content, &mut self.block).during("compress snapshot", self.path)?;
        let stored = (self.block.len() - LENGTH_BYTES) as u32;
        self.block[..LENGTH_BYTES].copy_from_slice(&stored.to_le_bytes());
        self.check = checksum(self.check, &[&self.block]);
        self.block.extend_from_slice(&self.check.to_le_bytes());
        write_all_at(&*self.file, &self.block, self.at).during("write snapshot", self.path)?;
        self.at += self.block.len() as u64;
        self.total += content.len() as u64;
        Ok(())
    }
}

impl Outlet for BlockWriter<'_> {
    const AT_BYTES: usize = BLOCK_BYTES;

    fn take(&mut self, bytes: &mut Vec<u8>) {
        let whole = bytes.len() / BLOCK_BYTES * BLOCK_BYTES;
        for content in bytes[..whole].chunks(BLOCK_BYTES) {
            self.keep_error(content);
        }
        bytes.drain(..whole);
    }
}

/// Reads block by block: no length is believed before what it is the length of has been verified. What was unpacked so far is
/// shown to `then` after each, which may put it away; what is left of it in the end is returned.
pub(super) fn pass_blocks(
    file: &dyn File,
    header: &Header,
    path: &Path,
    then: impl Fn(&mut Vec<u8>),
) -> Result<Vec<u8>> {
    let mut unpacker = Unpacker::new(BLOCK_BYTES).during("unpack snapshot", path)?;
    // A small file is read in one piece of its own size.
    let file_bytes = usize::try_from(file.len().during("measure snapshot", path)?).unwrap_or(usize::MAX);
    let mut piece = vec![0; (LENGTH_BYTES + STORED_BYTES_MAX + CHECK_BYTES).min(file_bytes)];
    let (mut body, mut total) = (Vec::new(), 0);
    let (mut at, mut check) = (HEADER_BYTES as u64, first_check(header));
    loop {
        let count = read_full_at(file, &mut piece, at).during("read snapshot", path)?;
        let rest = &piece[..count];
        if rest.len() < END_BYTES {
            let defect = Defect::Short { expected: at + END_BYTES as u64, found: at + rest.len() as u64 };
            return Err(damage(path, at, defect));
        }
        let length = u32_at(rest, 0) as usize;
        if length == 0 {
            check_end(rest, check, total, at, path)?;
            return Ok(body);
        }
        let block = take_block(rest, length, &mut check).map_err(|defect| damage(path, at, defect))?;
        let before = body.len();
        unpacker.unpack(block, &mut body).map_err(|flaw| flaw.at(path, at))?;
        total += body.len() - before;
        then(&mut body);
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
    if stored != computed {
        return Err(damage(path, at, Defect::Checksum { part: "the end", stored, computed }));
    }
    let written = u64_at(rest, LENGTH_BYTES);
    if written != total as u64 {
        let reason = format!("its blocks unpack to {total} bytes, {written} were written");
        return Err(damage(path, at, Defect::Undecodable { part: "the snapshot's content", reason }));
    }
    if rest.len() != END_BYTES {
        let defect =
            Defect::Length { part: "file", found: at + rest.len() as u64, most: at + END_BYTES as u64 };
        return Err(damage(path, at, defect));
    }
    Ok(())
}
