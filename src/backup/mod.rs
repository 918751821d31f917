//! Backups: the segments and snapshots of a store, copied into another directory while the store is written.
//!
//! A backup is a directory like that of a store: it is read, verified and restored from as one. Its segments say that it is a
//! backup, so that nobody writes changes into it by accident. `target` is what is in the directory, `segments` and `snapshots`
//! copy. Whose methods these are, and which directory is read, is `store`'s.
//!
//! Always: the writer of the source is not waited for and does not wait. At every moment, and whatever call the machine stops at,
//! the directory is the store as it was at some version between the older backup and the new one; the next run finishes it.
//! What is copied was verified against the chain while it was read.

mod segments;
mod snapshots;
mod target;

use crate::error::{Damage, Error, ErrorKind, IoContext, Result};
use crate::exchange;
use crate::io::{Disk, Env};
use crate::layout::edition_of;
use crate::log;
use crate::segment::bases_in;
use std::collections::BTreeSet;
use std::path::Path;
use target::Target;

/// What a backup came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// The newest version in it, durable.
    pub version: u64,
    /// The oldest version in it.
    pub oldest: u64,
    /// How many bytes of files were written.
    pub copied_bytes: u64,
    /// How many segments were copied, the one that is being written among them.
    pub segments_copied: usize,
    /// How many were there already.
    pub segments_kept: usize,
    /// How many snapshots were copied.
    pub snapshots_copied: usize,
    /// How many were there already.
    pub snapshots_kept: usize,
    /// Snapshots of the source that are damaged, and so not in the backup.
    pub passed_over: Vec<Damage>,
}

/// What is copied: a directory and a way to read its log.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a Path,
    pub(crate) view: &'a log::Reader,
}

/// The versions that a source has, and the segments that hold them.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) oldest: u64,
    pub(crate) head: u64,
    pub(crate) parts: Vec<Part>,
}

/// One segment of the source and the offset behind the last of its records that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) base: u64,
    pub(crate) until: u64,
    pub(crate) is_last: bool,
}

impl Source<'_> {
    /// Brings the backup in the directory `to` up to date with what is durable, or begins one.
    pub(crate) fn back_up(&self, env: &Env, to: &Path) -> Result<Backup> {
        let span = tracing::info_span!("backup", to = %to.display());
        let _entered = span.enter();
        let mut target = Target::claim(env, to, self.view.id())?;
        loop {
            let oldest = self.view.oldest()?;
            match self.attempt(&mut target) {
                // What was to come next was given up meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound && self.view.oldest()? > oldest => {}
                Err(error) => return Err(error),
                Ok(done) => {
                    tracing::info!(version = done.version, copied_bytes = done.copied_bytes, "backed up");
                    return Ok(done);
                }
            }
        }
    }

    fn attempt(&self, target: &mut Target<'_>) -> Result<Backup> {
        match target.edition() {
            Some(edition) if edition < edition_of(self.view.header()?.epoch) => self.begin_anew(target),
            _ => self.fill(target),
        }
    }

    fn fill(&self, target: &mut Target<'_>) -> Result<Backup> {
        let span = self.look()?;
        target.must_agree_with(self, &span)?;
        target.copy_segments(self, &span)?;
        target.copy_snapshots(self, span.head)?;
        target.remove_what_was_given_up()?;
        target.report()
    }

    /// Something was redacted in the source, so the backup of the old history has to go. Until the new one is complete it stays.
    fn begin_anew(&self, target: &Target<'_>) -> Result<Backup> {
        tracing::info!("the history of the source was made anew; copying all of it");
        let (disk, dir) = (target.disk(), target.dir);
        let stage = exchange::prepare(disk, dir)?;
        let mut fresh = Target::claim(target.env, &stage, self.view.id())?;
        let done = self.fill(&mut fresh)?;
        exchange::decide(disk, dir, &fresh.files()?, &target.files()?)?;
        exchange::finish(disk, dir)?;
        Ok(done)
    }

    /// What there is to be copied now.
    pub(crate) fn look(&self) -> Result<Span> {
        let oldest = self.view.oldest()?;
        // In this order: the segments of all that is before the head are there by then.
        let head = self.view.head()?;
        let mut bases = bases_in(&self.disk.list(self.dir).during("list store", self.dir)?);
        bases.retain(|base| (oldest..=head).contains(base));
        if bases.first() != Some(&oldest) {
            // It went between two looks.
            return Err(Error::Compacted { version: oldest, oldest: self.view.oldest()? });
        }
        let next = bases.iter().copied().skip(1).chain([head]);
        let last = bases.len() - 1;
        let part = |(index, (&base, until))| Part { base, until, is_last: index == last };
        let parts = bases.iter().zip(next).enumerate().map(part).collect();
        Ok(Span { oldest, head, parts })
    }
}

/// What a run has done so far.
#[derive(Debug, Default)]
struct Copied {
    segments: BTreeSet<u64>,
    snapshots: BTreeSet<u64>,
    bytes: u64,
    passed_over: Vec<Damage>,
}
