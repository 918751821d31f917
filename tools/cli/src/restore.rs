//! `redraft restore`: a new store that begins with the state another one had at some version.
//!
//! Always: the source is only read; the target is a store once it is complete, or not at all.

use crate::output::Output;
use crate::places::Place;
use crate::times::{self, At};
use crate::{exit, places, progress, stores, text};
use anyhow::Result;
use redraft::{Filter, Reader, Value};
use serde::Serialize;
use std::path::PathBuf;

/// Write the state at a version into a new store. The old one is only read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft restore notes.redraft --at yesterday --to restored.redraft
  redraft restore notes.redraft --label 'before the move' --to restored.redraft")]
#[command(allow_negative_numbers = true, group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The version to begin the new store with, or the time at which it was the newest: RFC 3339, "2h ago", yesterday.
    #[arg(long, value_name = "V|TIME", value_parser = times::at, group = "which")]
    at: Option<At>,
    /// The newest version whose change has this label.
    #[arg(long, value_name = "TEXT", group = "which")]
    label: Option<String>,
    /// The directory for the new store; it must not exist or be empty.
    #[arg(long, value_name = "NEW")]
    to: PathBuf,
}

#[derive(Serialize)]
struct Restored<'a> {
    version: u64,
    to: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead =
        "restore to a directory, and have redraft mirror move that into a stream that holds nothing";
    places::must_be_a_directory(&args.to, instead)?;
    let reader = args.store.read(output)?;
    let version = match (&args.at, &args.label) {
        (Some(at), _) => at.version(&reader)?,
        (None, label) => labelled(&reader, label.as_deref().unwrap_or_default())?,
    };
    let watch = progress::filling("writing", &args.to, output.is_json());
    reader.restore(version, &args.to)?;
    drop(watch);
    for damage in reader.passed_over() {
        stores::note(&format!("passed over an unusable snapshot: {damage}"));
    }
    let to = args.to.display().to_string();
    let human = format!("version {version} restored to {}", text::one_line(&to));
    output.tell(&Restored { version, to: &to }, human)
}

/// The newest version with a label.
fn labelled(reader: &Reader<Value>, label: &str) -> Result<u64> {
    let oldest = reader.oldest()?;
    let mut found = reader.changes(oldest + 1..)?.matching(Filter::new().labelled(label)).newest_first();
    match found.next().transpose()? {
        Some(change) => Ok(change.version),
        None => Err(exit::NotThere(format!("no change is labelled {label:?}")).into()),
    }
}
