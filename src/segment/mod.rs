//! One append-only file of records. Fed by `log`; read by `log`, `check` and recovery.
//! Knows lengths and checksums, not patches. Bytes are laid out in FORMAT.md.
//!
//! Invariant: a sealed segment never changes. Only `recovery` may cut, and only the tail of the active one.

pub(crate) mod footer;
pub(crate) mod format;
pub(crate) mod point;
pub(crate) mod positions;
pub(crate) mod reader;
pub(crate) mod recovery;
pub(crate) mod writer;

use std::path::{Path, PathBuf};

const EXTENSION: &str = "seg";
/// The ending of a file that is not finished.
pub(crate) const UNFINISHED: &str = "tmp";

/// The path of the segment whose first record has offset `base`.
pub(crate) fn path_of(dir: &Path, base: u64) -> PathBuf {
    dir.join(numbered(base, EXTENSION))
}

/// Where the file that is to be `path` is written until it is complete. The whole name is kept: a segment and a snapshot
/// of the same number may be under way at the same time.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    name.into()
}

/// A zero-padded name, so that names sort as numbers do.
pub(crate) fn numbered(number: u64, extension: &str) -> String {
    format!("{number:020}.{extension}")
}

/// The number in a name made by [`numbered`]; nothing for any other name.
pub(crate) fn number_in(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?.strip_suffix('.')?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The base offsets of the segments among `names`, ascending.
pub(crate) fn bases_in(names: &[String]) -> Vec<u64> {
    let mut bases: Vec<u64> = names.iter().filter_map(|name| number_in(name, EXTENSION)).collect();
    bases.sort_unstable();
    bases
}
