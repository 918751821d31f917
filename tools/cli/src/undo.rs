//! `redraft undo` and `redraft redo`: taking a change back, and taking that back.
//!
//! Always: what is told on stdout is durable.

use crate::output::Output;
use crate::places::Place;
use crate::writing::{Placed, Target};
use crate::{args, text};
use anyhow::Result;
use serde::Serialize;

/// Take back the change that made a version, or do again what was taken back; as a new change.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
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
    place: &Place,
    of: Of,
    output: &mut Output,
    make: impl FnOnce(&Target) -> Result<Placed>,
) -> Result<()> {
    let store = place.write(output)?;
    let placed = make(&store);
    let closed = store.close();
    let Placed { version, ops, .. } = placed?;
    closed?;
    output.was_done(format!("version {version} was made"));
    let told = match of {
        Of::Undid(undone) => format!("change {undone} undone"),
        Of::Redid(redone) => format!("change {redone} redone"),
    };
    let human = format!("version {version}: {told}, {}", text::count(ops as u64, "op"));
    output.tell(&Done { version, of, ops }, human)
}
