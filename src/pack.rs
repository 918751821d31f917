//! The content of one block, packed: as it is, or compressed by zstd where that makes it smaller.
//!
//! For snapshots and for sealed segments, which put blocks into files in their own ways.
//! Zstandard is RFC 8878. Without the feature `zstd` blocks are written as they are, and compressed ones refused by name.
//! Always: a block is never longer than its content and one byte; unpacking makes at most a block's worth of it.

use crate::error::{Damage, Defect, Error};
use std::io;
use std::path::Path;

/// The first byte of a block.
mod method {
    pub(super) const PLAIN: u8 = 0;
    #[cfg(feature = "zstd")]
    pub(super) const ZSTD: u8 = 1;
    #[cfg(feature = "zstd")]
    pub(super) const NEWEST: u8 = ZSTD;
    #[cfg(not(feature = "zstd"))]
    pub(super) const NEWEST: u8 = PLAIN;
}

/// Why a block whose check is good has no content.
pub(crate) enum Flaw {
    /// Packed in a way that is not known here.
    Method(u8),
    Content(String),
}

impl Flaw {
    pub(crate) fn at(self, path: &Path, byte: u64) -> Error {
        match self {
            Flaw::Method(found) => Error::Newer {
                path: path.to_owned(),
                what: "compression method",
                found: found.into(),
                supported: method::NEWEST.into(),
            },
            Flaw::Content(reason) => {
                let defect = Defect::Undecodable { part: "a block", reason };
                Damage { path: path.to_owned(), byte, defect, intact: None }.into()
            }
        }
    }
}

#[cfg(feature = "zstd")]
pub(crate) struct Packer(zstd::bulk::Compressor<'static>);

#[cfg(feature = "zstd")]
impl Packer {
    pub(crate) fn new(level: i32) -> io::Result<Self> {
        zstd::bulk::Compressor::new(level).map(Packer)
    }

    /// Appends the packed content to `out`.
    pub(crate) fn pack(&mut self, content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let packed = self.0.compress(content)?;
        if packed.len() >= content.len() {
            plain(content, out);
        } else {
            out.push(method::ZSTD);
            out.extend_from_slice(&packed);
        }
        Ok(())
    }
}

#[cfg(not(feature = "zstd"))]
pub(crate) struct Packer;

#[cfg(not(feature = "zstd"))]
impl Packer {
    pub(crate) fn new(_level: i32) -> io::Result<Self> {
        Ok(Packer)
    }

    /// Appends the content to `out`.
    pub(crate) fn pack(&mut self, content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        plain(content, out);
        Ok(())
    }
}

fn plain(content: &[u8], out: &mut Vec<u8>) {
    out.push(method::PLAIN);
    out.extend_from_slice(content);
}

pub(crate) struct Unpacker {
    #[cfg(feature = "zstd")]
    block_bytes: usize,
    #[cfg(feature = "zstd")]
    zstd: zstd::bulk::Decompressor<'static>,
}

impl Unpacker {
    /// For blocks that hold at most so much.
    pub(crate) fn new(block_bytes: usize) -> io::Result<Self> {
        #[cfg(not(feature = "zstd"))]
        let _ = block_bytes;
        Ok(Unpacker {
            #[cfg(feature = "zstd")]
            block_bytes,
            #[cfg(feature = "zstd")]
            zstd: zstd::bulk::Decompressor::new()?,
        })
    }

    /// Appends the content of a block to `body`.
    pub(crate) fn unpack(&mut self, block: &[u8], body: &mut Vec<u8>) -> Result<(), Flaw> {
        match block.split_first() {
            Some((&method::PLAIN, content)) => body.extend_from_slice(content),
            #[cfg(feature = "zstd")]
            Some((&method::ZSTD, packed)) => {
                let content = self.zstd.decompress(packed, self.block_bytes);
                body.extend_from_slice(&content.map_err(|error| Flaw::Content(error.to_string()))?);
            }
            Some((&other, _)) => return Err(Flaw::Method(other)),
            None => return Err(Flaw::Content("the block is empty".into())),
        }
        Ok(())
    }
}
