//! `redraft undo` and `redraft redo`: taking a change back, and taking that back.
//!
//! Always: what is told on stdout is durable.

use crate::output::Output;
use crate::{args, stores, text};
use anyhow::Result;
use redraft::{Commit, Store, Value};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Take back the change that made a version, or do again what was taken back; as a new change.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
    /// The version whose change is meant.
    #[arg(value_parser = args::version)]
    version: u64,
}

#[derive(Serialize)]
struct Done {
    version: u64,
    #[serde(flatten)]
    of: Of,
    ops: usize,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Undid(u64),
    Redid(u64),
}

pub(crate) fn undo(args: &Args, output: &mut Output) -> Result<()> {
    change(&args.store, Of::Undid(args.version), output, |store| store.undo(args.version))
}

pub(crate) fn redo(args: &Args, output: &mut Output) -> Result<()> {
    change(&args.store, Of::Redid(args.version), output, |store| store.redo(args.version))
}

fn change(
    path: &Path,
    of: Of,
    output: &mut Output,
    make: impl FnOnce(&Store<Value>) -> redraft::Result<Commit<Value>>,
) -> Result<()> {
    let store = stores::write(path)?;
    let commit = make(&store)?;
    store.close()?;
    let (version, ops) = (commit.version(), commit.patch().len());
    let told = match of {
        Of::Undid(undone) => format!("change {undone} undone"),
        Of::Redid(redone) => format!("change {redone} redone"),
    };
    let human = format!("version {version}: {told}, {}", text::count(ops as u64, "op"));
    output.tell(&Done { version, of, ops }, human)
}
