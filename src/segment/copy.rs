//! Writes a segment anew from the records of another file: for repairs and backups.
//!
//! Knows which bytes are taken over and between which header and ending they are put; who calls it has verified them. Always:
//! a new file takes its name once it is complete and synced, and no file that was there is written to.

use super::footer::{Ending, Footer, Table};
use super::format::{self, HEADER_BYTES, Header};
use super::packed::{self, Opened};
use crate::error::{IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at, write_all_at};
use crate::layout::{Chain, unfinished};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PIECE_BYTES: u64 = 1 << 20;

/// A segment that is to be written from the good records of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piecework {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) header: Header,
    /// The bytes of the source that these records are.
    pub(crate) kept: Range<u64>,
    /// The frames of those that come behind them.
    pub(crate) added: Vec<u8>,
    pub(crate) count: u32,
    /// The chain after the last of them.
    pub(crate) chain: Chain,
    pub(crate) table: Table,
    pub(crate) ending: Ending,
}

impl Piecework {
    /// Writes the segment as it is after a clean close, or after it was sealed, and lets it take its name, which is durable once
    /// the directory is synced. O(bytes kept), one sync. The length of the file.
    pub(crate) fn write(&self, from: &dyn Disk, to: &dyn Disk) -> Result<u64> {
        let path = unfinished(&self.target);
        let new = fresh(to, &path)?;
        let start = HEADER_BYTES as u64;
        if !self.kept.is_empty() {
            let Opened { file: old, .. } = packed::open(from, &self.source)?;
            copy_bytes((&*old, &self.source), self.kept.clone(), (&*new, &path), start)?;
        }
        let kept_end = start + (self.kept.end - self.kept.start);
        write_all_at(&*new, &self.added, kept_end).during("write segment", &path)?;
        let data_end = kept_end + self.added.len() as u64;
        let ending = self.ending(data_end);
        write_all_at(&*new, &ending, data_end).during("write segment", &path)?;
        let len = data_end + ending.len() as u64;
        let header = Header { allocated: self.header.allocated.max(len), ..self.header };
        write_all_at(&*new, &header.encode(), 0).during("write segment", &path)?;
        new.sync().during("sync segment", &path)?;
        to.rename(&path, &self.target).during("rename segment", &self.target)?;
        Ok(len)
    }

    /// What stands behind the records.
    fn ending(&self, data_end: u64) -> Vec<u8> {
        let Piecework { header, count, chain, ending, .. } = self;
        let footer = Footer::over(*ending, *count, data_end, *chain, &self.table, u64::MAX);
        let footer = footer.encode(self.table.clone(), header.chain);
        let mark = match ending {
            Ending::AtRest => &format::mark(&header.store, header.base + u64::from(*count), *chain)[..],
            Ending::Sealed => &[],
        };
        [mark, &footer[..]].concat()
    }
}

/// Puts a copy of a file in its place, which stands for nothing else, durably: two syncs.
pub(crate) fn unshare(disk: &dyn Disk, dir: &Path, path: &Path) -> Result<()> {
    let unfinished = unfinished(path);
    copy_file(disk, path, &unfinished)?;
    disk.rename(&unfinished, path).during("rename", path)?;
    disk.sync_dir(dir).during("sync directory", dir)
}

/// Makes a copy of a file that nobody writes to; its content is durable then, not its name. How long it is.
pub(crate) fn copy_file(disk: &dyn Disk, from: &Path, to: &Path) -> Result<u64> {
    let (old, new) = (disk.open(from, Access::Read).during("open", from)?, fresh(disk, to)?);
    let len = old.len().during("measure", from)?;
    copy_bytes((&*old, from), 0..len, (&*new, to), 0)?;
    new.sync().during("sync", to)?;
    Ok(len)
}

/// A new file; what an interrupted attempt left there goes.
pub(crate) fn fresh(disk: &dyn Disk, path: &Path) -> Result<Arc<dyn File>> {
    match disk.remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).during("remove unfinished", path);
        }
        _ => {}
    }
    disk.open(path, Access::Create).during("create", path)
}

/// Copies a part of one file to byte `at` of another.
pub(crate) fn copy_bytes(
    from: (&dyn File, &Path),
    part: Range<u64>,
    to: (&dyn File, &Path),
    at: u64,
) -> Result<()> {
    let mut next = part.start;
    while next < part.end {
        let piece = read_piece(from.0, &(next..part.end), from.1)?;
        write_all_at(to.0, &piece, at + (next - part.start)).during("write", to.1)?;
        next += piece.len() as u64;
    }
    Ok(())
}

/// The first bytes of a part of a file that was measured before.
pub(crate) fn read_piece(file: &dyn File, part: &Range<u64>, path: &Path) -> Result<Vec<u8>> {
    let mut piece = vec![0; (part.end - part.start).min(PIECE_BYTES) as usize];
    let count = read_full_at(file, &mut piece, part.start).during("read", path)?;
    if count < piece.len() {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)).during("read", path);
    }
    Ok(piece)
}
