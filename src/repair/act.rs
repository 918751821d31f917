//! Carries a plan out: copies aside, then one atomic and durable step after the other.
//!
//! Decides nothing. Always: no file that was there is written to; a new one takes its name once it is complete.

use super::plan::Plan;
use super::step::{Piecework, Work};
use crate::error::{Error, IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at, write_all_at};
use crate::layout::unfinished;
use crate::segment::footer::{Ending, Footer};
use crate::segment::format::{self, HEADER_BYTES, Header};
use crate::segment::packed::{self, Opened};
use crate::segment::writer::SegmentWriter;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

const PIECE_BYTES: u64 = 1 << 20;
/// Says what a directory of copies is, and that it is complete.
const REPORT_NAME: &str = "repair.txt";

pub(super) fn carry_out(disk: &dyn Disk, dir: &Path, plan: &Plan) -> Result<()> {
    if !plan.copied.is_empty() {
        copy_aside(disk, plan)?;
    }
    for step in &plan.steps {
        tracing::warn!(%step, "repairing");
        match &step.work {
            Work::Move { from, to } => disk.rename(from, to).during("rename segment", from)?,
            Work::Write(piecework) => write(disk, piecework)?,
            Work::Make(header) => drop(SegmentWriter::create(disk, dir, *header)?),
            Work::Remove(path) => disk.remove(path).during("remove", path)?,
        }
        // After each: the order of the steps is what an interruption is safe by.
        disk.sync_dir(dir).during("sync directory", dir)?;
    }
    Ok(())
}

fn copy_aside(disk: &dyn Disk, plan: &Plan) -> Result<()> {
    disk.create_dir(&plan.aside).during("create directory", &plan.aside)?;
    for path in &plan.copied {
        let name = path.file_name().ok_or_else(|| Error::Exists { path: path.clone() })?;
        copy(disk, path, &plan.aside.join(name))?;
    }
    disk.sync_dir(&plan.aside).during("sync directory", &plan.aside)?;
    report(disk, plan)?;
    disk.sync_dir(&plan.aside).during("sync directory", &plan.aside)
}

fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<()> {
    let source = disk.open(from, Access::Read).during("open", from)?;
    let target = disk.open(to, Access::Create).during("create", to)?;
    let len = source.len().during("measure", from)?;
    let (mut at, mut written) = (0, 0);
    while at < len {
        let piece = read_piece(&*source, &(at..len), from)?;
        // What was never written need not be written now.
        if piece.iter().any(|&byte| byte != 0) {
            write_all_at(&*target, &piece, at).during("copy aside", to)?;
            written = at + piece.len() as u64;
        }
        at += piece.len() as u64;
    }
    if written < len {
        target.set_len(len).during("copy aside", to)?;
    }
    target.sync().during("sync copy", to)
}

/// The first bytes of a part of a file that was measured before.
fn read_piece(file: &dyn File, part: &Range<u64>, path: &Path) -> Result<Vec<u8>> {
    let mut piece = vec![0; (part.end - part.start).min(PIECE_BYTES) as usize];
    let count = read_full_at(file, &mut piece, part.start).during("read", path)?;
    if count < piece.len() {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)).during("read", path);
    }
    Ok(piece)
}

fn report(disk: &dyn Disk, plan: &Plan) -> Result<()> {
    let mut text = format!(
        "These are files of redraft store {} as they were before they were repaired.\n\
         Kept: version {} to {}. Lost: {}.\n\n",
        plan.store, plan.versions.start, plan.versions.end, plan.loss
    );
    for step in &plan.steps {
        // A String takes everything.
        let _ = writeln!(text, "{step}");
    }
    let path = plan.aside.join(REPORT_NAME);
    let file = disk.open(&path, Access::Create).during("create", &path)?;
    write_all_at(&*file, text.as_bytes(), 0).during("write", &path)?;
    file.sync().during("sync", &path)
}

/// Writes a segment as it is after a clean close, or after it was sealed, and lets it take its name.
fn write(disk: &dyn Disk, work: &Piecework) -> Result<()> {
    let Piecework { source, target, header, kept, .. } = work;
    let path = unfinished(target);
    match disk.remove(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).during("remove unfinished", &path);
        }
        _ => {}
    }
    let Opened { file: old, .. } = packed::open(disk, source)?;
    let new = disk.open(&path, Access::Create).during("create segment", &path)?;
    let mut at = kept.start;
    while at < kept.end {
        let piece = read_piece(&*old, &(at..kept.end), source)?;
        let to = HEADER_BYTES as u64 + (at - kept.start);
        write_all_at(&*new, &piece, to).during("write segment", &path)?;
        at += piece.len() as u64;
    }
    let data_end = HEADER_BYTES as u64 + (kept.end - kept.start);
    let ending = ending(work, data_end);
    write_all_at(&*new, &ending, data_end).during("write segment", &path)?;
    let len = data_end + ending.len() as u64;
    let header = Header { allocated: header.allocated.max(len), ..*header };
    write_all_at(&*new, &header.encode(), 0).during("write segment", &path)?;
    new.sync().during("sync segment", &path)?;
    disk.rename(&path, target).during("rename segment", target)
}

/// What stands behind the records.
fn ending(work: &Piecework, data_end: u64) -> Vec<u8> {
    let Piecework { header, count, chain, ending, .. } = work;
    let footer = Footer::over(*ending, *count, data_end, *chain, &work.table, u64::MAX);
    let footer = footer.encode(work.table.clone(), header.chain);
    let mark = match ending {
        Ending::AtRest => &format::mark(&header.store, header.base + u64::from(*count), *chain)[..],
        Ending::Sealed => &[],
    };
    [mark, &footer[..]].concat()
}
