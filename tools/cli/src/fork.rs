//! `redraft fork`: another store with the same past, which goes on by itself.
//!
//! Always: the source is as it was, but for a new segment where its newest version is forked and nobody is writing it; the target
//! is a store once it is complete, or not at all.

use crate::output::Output;
use crate::places::Place;
use crate::times::{self, At};
use crate::{places, progress, stores, text};
use anyhow::Result;
use redraft::{Error, Fork, Options, Store, Value};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Make a store with the history of another one up to a version, to go on from there. They share their files: it takes little space.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft fork notes.redraft --to trial.redraft
  redraft fork notes.redraft --at yesterday --to trial.redraft")]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The version to go on from, or the time at which it was the newest: RFC 3339, "2h ago", yesterday. The newest unless said.
    #[arg(long, value_name = "V|TIME", value_parser = times::at)]
    at: Option<At>,
    /// The directory for the new store; it must not exist or be empty.
    #[arg(long, value_name = "NEW")]
    to: PathBuf,
}

#[derive(Serialize)]
struct Forked<'a> {
    version: u64,
    oldest: u64,
    segments_linked: usize,
    segments_copied: usize,
    snapshots_linked: usize,
    snapshots_copied: usize,
    copied_bytes: u64,
    to: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead = "fork to a directory, and have redraft mirror move that into a stream that holds nothing";
    places::must_be_a_directory(&args.to, instead)?;
    let dir = args.store.directory(output)?;
    let reader = stores::read(&dir)?;
    let newest = reader.version();
    let version = args.at.as_ref().map_or(Ok(newest), |at| at.version(&reader))?;
    let watch = progress::filling("copying", &args.to, output.is_json());
    let done = match version == newest {
        true => match as_writer(&dir, version, &args.to)? {
            Some(done) => done,
            None => reader.fork(version, &args.to)?,
        },
        false => reader.fork(version, &args.to)?,
    };
    drop(watch);
    tell(&done, &args.to, output)
}

/// Its writer can end the segment that is being written, so that it need not be copied. Nothing if this cannot be the writer.
fn as_writer(path: &Path, version: u64, to: &Path) -> Result<Option<Fork>> {
    let store: Store<Value> = match Options::new().create(false).open(path) {
        Err(Error::Locked { .. } | Error::Role { .. }) => return Ok(None),
        Err(Error::Io { source, .. }) if is_read_only(source.kind()) => return Ok(None),
        answer => stores::told(answer?)?,
    };
    let done = store.fork(version, to)?;
    store.close()?;
    Ok(Some(done))
}

fn is_read_only(kind: std::io::ErrorKind) -> bool {
    matches!(kind, std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem)
}

fn tell(done: &Fork, to: &Path, output: &mut Output) -> Result<()> {
    let &Fork { version, oldest, segments_linked, segments_copied, .. } = done;
    let &Fork { snapshots_linked, snapshots_copied, copied_bytes, .. } = done;
    let to = to.display().to_string();
    let (linked, copied) = (segments_linked + snapshots_linked, segments_copied + snapshots_copied);
    if copied > 0 {
        stores::note(&format!("{} could not be shared, and were copied", text::count(copied as u64, "file")));
    }
    let human = format!(
        "version {version} forked to {}: {} shared, {} copied",
        text::one_line(&to),
        text::count(linked as u64, "file"),
        text::bytes(copied_bytes)
    );
    let forked = Forked {
        version,
        oldest,
        segments_linked,
        segments_copied,
        snapshots_linked,
        snapshots_copied,
        copied_bytes,
        to: &to,
    };
    output.was_done(format!("{to} was made"));
    output.tell(&forked, human)
}
