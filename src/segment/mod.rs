//! One append-only file of records. Fed by `log`; read by `log`, `check` and recovery.
//! Knows lengths and checksums, not patches. Bytes are laid out in FORMAT.md.
//!
//! Invariant: what a sealed segment reads as never changes, packed or not. Only `recovery` may cut, and only the tail of the active one.

pub(crate) mod copy;
pub(crate) mod footer;
pub(crate) mod format;
pub(crate) mod packed;
pub(crate) mod point;
pub(crate) mod positions;
mod proof;
pub(crate) mod reader;
pub(crate) mod recovery;
#[cfg(test)]
mod tests;
pub(crate) mod writer;

use crate::layout::{number_in, numbered};
use std::path::{Path, PathBuf};

/// The ending of a segment's name.
pub(crate) const EXTENSION: &str = "seg";

/// The path of the segment whose first record has offset `base`.
pub(crate) fn path_of(dir: &Path, base: u64) -> PathBuf {
    dir.join(numbered(base, EXTENSION))
}

/// The base offsets of the segments among `names`, ascending.
pub(crate) fn bases_in(names: &[String]) -> Vec<u64> {
    let mut bases: Vec<u64> = names.iter().filter_map(|name| number_in(name, EXTENSION)).collect();
    bases.sort_unstable();
    bases
}
