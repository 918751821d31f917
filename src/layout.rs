//! What all files of a store have in common: the store's identity, the chain of checksums, numbers as bytes, names.
//!
//! Pure functions, below `segment`, `record` and `snapshot`; no file is touched here. Always: names sort as the numbers in them
//! do, and the widths of lengths and checks exist once.

use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) const LENGTH_BYTES: usize = 4;
pub(crate) const CHECK_BYTES: usize = 4;
/// The ending of a file that is not finished.
pub(crate) const UNFINISHED: &str = "tmp";
/// The ending of a snapshot.
pub(crate) const SNAPSHOT: &str = "snap";

/// The checksum that identifies a log up to some offset (FORMAT.md, "Record frame").
pub(crate) type Chain = u32;

/// Identifies a store; the same in all its files and in its replicas.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub(crate) [u8; 16]);

impl StoreId {
    /// The chain before offset 0.
    pub(crate) fn genesis(&self) -> Chain {
        crc32fast::hash(&self.0)
    }

    /// Reads what it prints as: 32 hexadecimal digits.
    #[cfg(feature = "http")]
    pub(crate) fn parse(text: &str) -> Option<StoreId> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(text, 16).ok())??;
        Some(StoreId(number.to_be_bytes()))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreId({self})")
    }
}

/// How often the history was made anew: the upper half of an epoch, in which whoever has a copy sees that it is of another one.
pub(crate) fn edition_of(epoch: u32) -> u32 {
    epoch >> EDITION_SHIFT
}

/// The epoch with the next edition.
pub(crate) fn next_edition(epoch: u32) -> u32 {
    epoch.saturating_add(1 << EDITION_SHIFT)
}

const EDITION_SHIFT: u32 = 16;

/// CRC-32 of several pieces, continuing from `seed`.
#[inline]
pub(crate) fn checksum(seed: u32, pieces: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
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
