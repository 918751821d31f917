//! `redraft backup`: a store, copied while it is used; the second time only what is new.
//!
//! Always: the store is only read; interrupted, the backup is the store as it was at some version, and the next run finishes it.

use crate::output::Output;
use crate::places::Place;
use crate::{places, progress, stores, text};
use anyhow::Result;
use redraft::Backup;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Copy a store with all its history, beside a writer if there is one: anew, or what an earlier backup there does not have.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  redraft backup notes.redraft /mnt/backup/notes.redraft")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The directory of the backup: missing, empty, or with an earlier backup of the same store.
    to: PathBuf,
}

/// What was copied, as JSON.
#[derive(Serialize)]
pub(crate) struct Copied<'a> {
    version: u64,
    oldest: u64,
    copied_bytes: u64,
    segments_copied: usize,
    segments_kept: usize,
    snapshots_copied: usize,
    snapshots_kept: usize,
    to: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    places::must_be_a_directory(&args.to, "a backup is a directory")?;
    let dir = args.store.directory(output)?;
    let reader = stores::read(&dir)?;
    let watch = progress::reading("copying", &dir, output.is_json());
    let done = reader.backup(&args.to)?;
    drop(watch);
    tell(&done, &args.to, "backed up to", output)
}

/// What a backup, or something like it, came to.
pub(crate) fn tell(done: &Backup, to: &Path, what: &str, output: &mut Output) -> Result<()> {
    for damage in &done.passed_over {
        stores::note(&format!("left out an unusable snapshot: {damage}"));
    }
    let to = to.display().to_string();
    let human = format!(
        "version {} {what} {}: {} and {} copied ({}), {} and {} kept",
        done.version,
        text::one_line(&to),
        text::count(done.segments_copied as u64, "segment"),
        text::count(done.snapshots_copied as u64, "snapshot"),
        text::bytes(done.copied_bytes),
        done.segments_kept,
        done.snapshots_kept
    );
    let &Backup { version, oldest, copied_bytes, segments_copied, segments_kept, .. } = done;
    let &Backup { snapshots_copied, snapshots_kept, .. } = done;
    let copied = Copied {
        version,
        oldest,
        copied_bytes,
        segments_copied,
        segments_kept,
        snapshots_copied,
        snapshots_kept,
        to: &to,
    };
    output.tell(&copied, human)
}
