//! Carries a plan out: copies aside, then one atomic and durable step after the other.
//!
//! Decides nothing. Always: no file that was there is written to; a new one takes its name once it is complete.

use super::plan::Plan;
use super::step::Work;
use crate::error::{Error, IoContext, Result};
use crate::io::{Access, Disk, write_all_at};
use crate::segment::copy::read_piece;
use crate::segment::packed;
use crate::segment::writer::SegmentWriter;
use std::fmt::Write;
use std::path::Path;

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
            Work::Write(piecework) => piecework.write(disk, disk).map(drop)?,
            Work::Make(header) => drop(SegmentWriter::create(disk, dir, *header)?),
            Work::Table(path) => packed::make_table(disk, path)?,
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
