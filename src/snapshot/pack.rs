//! The content of one block, packed: as it is, or compressed by zstd at its quickest level where that makes it smaller.
//!
//! Zstandard is RFC 8878. Without the feature `zstd` blocks are written as they are, and compressed ones refused by name.
//! Always: a block is never longer than its content and one byte; unpacking makes at most a block's worth of it.

#[cfg(feature = "zstd")]
use super::blocks::BLOCK_BYTES;
use super::damage;
use crate::error::{Defect, Error};
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
pub(super) enum Flaw {
    /// Packed in a way that is not known here.
    Method(u8),
    Content(String),
}

impl Flaw {
    pub(super) fn at(self, path: &Path, byte: u64) -> Error {
        match self {
            Flaw::Method(found) => Error::Newer {
                path: path.to_owned(),
                what: "compression method",
                found: found.into(),
                supported: method::NEWEST.into(),
            },
            Flaw::Content(reason) => damage(path, byte, Defect::Undecodable { part: "a block", reason }),
        }
    }
}

#[cfg(feature = "zstd")]
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

#[cfg(feature = "zstd")]
impl Packer {
    /// The quickest of the levels that pack well.
    const LEVEL: i32 = 1;

    pub(super) fn new() -> io::Result<Self> {
        zstd::bulk::Compressor::new(Packer::LEVEL).map(Packer)
    }

    /// Appends the packed content to `out`.
    pub(super) fn pack(&mut self, content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
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
pub(super) struct Packer;

#[cfg(not(feature = "zstd"))]
impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Packer)
    }

    /// Appends the content to `out`.
    pub(super) fn pack(&mut self, content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        plain(content, out);
        Ok(())
    }
}

fn plain(content: &[u8], out: &mut Vec<u8>) {
    out.push(method::PLAIN);
    out.extend_from_slice(content);
}

pub(super) struct Unpacker {
    #[cfg(feature = "zstd")]
    zstd: zstd::bulk::Decompressor<'static>,
}

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Unpacker {
            #[cfg(feature = "zstd")]
            zstd: zstd::bulk::Decompressor::new()?,
        })
    }

    /// Appends the content of a block to `body`.
    pub(super) fn unpack(&mut self, block: &[u8], body: &mut Vec<u8>) -> Result<(), Flaw> {
        match block.split_first() {
            Some((&method::PLAIN, content)) => body.extend_from_slice(content),
            #[cfg(feature = "zstd")]
            Some((&method::ZSTD, packed)) => {
                let content = self.zstd.decompress(packed, BLOCK_BYTES);
                body.extend_from_slice(&content.map_err(|error| Flaw::Content(error.to_string()))?);
            }
            Some((&other, _)) => return Err(Flaw::Method(other)),
            None => return Err(Flaw::Content("the block is empty".into())),
        }
        Ok(())
    }
}
