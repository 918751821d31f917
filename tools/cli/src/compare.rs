//! `redraft compare`: whether two stores have the same history, and where it differs if they have not.
//!
//! Asks either for a few checksums, however long they are.

use crate::exit::Differ;
use crate::output::Output;
use crate::sources::Reach;
use anyhow::Result;
use redraft::replica::compare;
use serde::Serialize;

/// Tell whether two copies of a store have the same history, and which change is the first to differ.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft compare notes.redraft replica.redraft
  redraft compare https://notes.example:7878 replica.redraft")]
pub(crate) struct Args {
    /// A store or replica, the address of a server, or nats://HOST:PORT?stream=NAME.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    one: String,
    /// Another one.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    other: String,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Serialize)]
struct Compared {
    common: u64,
    one: u64,
    other: u64,
    differ: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let (left, right) = (args.reach.open(&args.one)?, args.reach.open(&args.other)?);
    let differ = compare(&*left, &*right)?;
    let (one, other) = (left.status()?.head, right.status()?.head);
    let common = differ.unwrap_or(one.min(other));
    let human = match differ {
        Some(offset) => format!("the same up to version {offset}; version {} differs", offset + 1),
        None if one == other => format!("the same, up to version {common}"),
        None => format!(
            "the same up to version {common}, where {} ends",
            if one < other { &args.one } else { &args.other }
        ),
    };
    output.tell(&Compared { common, one, other, differ: differ.is_some() }, human)?;
    if differ.is_some() { Err(Differ.into()) } else { Ok(()) }
}
