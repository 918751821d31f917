//! `redraft export`: a store as JSON on stdout, to be read by something else.
//!
//! Always: reads only, beside a writer too; it is JSON whether --json was given or not.

use crate::output::Output;
use crate::places::Place;
use crate::times::{self, At};
use crate::{args, exit, log, progress, stores};
use anyhow::{Context, Result};
use serde_json::value::RawValue;

/// Write the changes as JSON, one on each line, or the state.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft export notes.redraft > changes.jsonl
  redraft export notes.redraft --state --at yesterday > state.json
  redraft export fork.redraft --from 41 | jq -c .patch | redraft apply notes.redraft --lines --format native")]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The state instead of the changes.
    #[arg(long)]
    state: bool,
    /// The version of the state, or a time at which it was the newest. Without it the newest of all.
    #[arg(long, value_name = "V|TIME", value_parser = times::at, requires = "state")]
    at: Option<At>,
    /// The first version whose change is written.
    #[arg(long, value_name = "V", value_parser = args::version, conflicts_with = "state")]
    from: Option<u64>,
    /// The last version whose change is written.
    #[arg(long, value_name = "V", value_parser = args::version, conflicts_with = "state")]
    to: Option<u64>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let dir = args.store.directory(output)?;
    // Where the changes go to the same terminal they are what shows how far it is.
    let watch = progress::reading("reading", &dir, output.is_json() || output.is_terminal());
    let reader = stores::read(&dir)?;
    if args.state {
        let version = args.at.map_or_else(|| Ok(reader.version()), |at| at.version(&reader))?;
        let state = RawValue::from_string(reader.at(version)?.to_json_string());
        return output.json_line(&state.context("the state cannot be written as JSON")?);
    }
    if reader.oldest()? > 0 && args.from.is_none() {
        let oldest = reader.oldest()?;
        // Whoever applies the changes to nothing would get another state.
        return Err(exit::NotThere(format!(
            "the changes up to version {oldest} are not kept: begin with --from {}, on what export --state --at {oldest} writes",
            oldest + 1
        ))
        .into());
    }
    let Some(mut changes) = log::changes(&reader, args.from, args.to)? else { return Ok(()) };
    changes.try_for_each(|change| log::json_line(&change?, output))?;
    drop(watch);
    Ok(())
}
