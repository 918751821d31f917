//! `redraft cursors`: how far those have come who follow a store and say so, and what is kept for them.
//!
//! Always: listing reads only, beside a writer too; what is removed is the note, never a change.

use crate::output::Output;
use crate::{exit, places, stores, text};
use anyhow::Result;
use redraft::replica::{Directory, Source};
use serde::Serialize;
use std::path::PathBuf;

/// List the cursors of a store, each the place of somebody who follows it; or forget one that nobody uses any longer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft cursors notes.redraft
  redraft cursors notes.redraft --remove mailer")]
pub(crate) struct Args {
    /// The store: a directory.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    store: PathBuf,
    /// Forget this one: its changes are no longer kept for it.
    #[arg(long, value_name = "NAME")]
    remove: Option<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    version: u64,
    behind: u64,
    behind_bytes: u64,
}

#[derive(Serialize)]
struct Removed<'a> {
    removed: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    places::must_be_a_directory(
        &args.store,
        "a stream keeps what its own limits say, for nobody in particular",
    )?;
    match &args.remove {
        Some(name) => remove(args, name, output),
        None => list(args, output),
    }
}

fn remove(args: &Args, name: &str, output: &mut Output) -> Result<()> {
    let store = stores::write(&args.store)?;
    let removed = store.remove_cursor(name);
    store.close()?;
    match removed? {
        true => output.tell(&Removed { removed: name }, format!("{name:?} is forgotten")),
        false => {
            let place = text::quoted(&args.store.display().to_string());
            Err(exit::NotThere(format!("there is no cursor {name:?}; redraft cursors {place} lists them"))
                .into())
        }
    }
}

fn list(args: &Args, output: &mut Output) -> Result<()> {
    let reader = stores::read(&args.store)?;
    let (log, oldest, newest) = (Directory::open(&args.store)?, reader.oldest()?, reader.version());
    let cursors = reader.cursors()?;
    for (name, version) in &cursors {
        let behind_bytes = log.bytes_since((*version).clamp(oldest, newest.max(oldest)))?.unwrap_or(0);
        let told = Told { name, version: *version, behind: newest.saturating_sub(*version), behind_bytes };
        let behind = text::count(told.behind, "change");
        let human = format!("{name:?} at version {version}, {behind} ({}) behind", text::bytes(behind_bytes));
        output.tell(&told, text::one_line(&human))?;
    }
    if cursors.is_empty() && !output.is_json() {
        stores::note("no cursors: nobody holds the history back");
    }
    Ok(())
}
