//! `redraft bisect`: the first version in which something is true, found by looking at few.
//!
//! What is asked is a comparison with the value at a JSON Pointer, or a program. Always: reads only, beside a writer too.

use crate::condition::{self, Condition};
use crate::output::Output;
use crate::places::Place;
use crate::{args, exit, log, progress, stores, text};
use anyhow::{Context, Result, bail};
use redraft::Value;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

/// Find the first version in which something is true that stays true.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft bisect notes.redraft --where '/stock < 10'
  redraft bisect notes.redraft --run 'jq -e .broken' --from 100")]
#[command(group = clap::ArgGroup::new("question").required(true))]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// A JSON Pointer, one of == != < <= > >=, and a JSON value; or a pointer and `exists`. For example '/stock < 10'.
    #[arg(long = "where", value_name = "CONDITION", group = "question", value_parser = condition::parse)]
    condition: Option<Condition>,
    /// A command for the shell, which gets the state as JSON on stdin. 0 means true, 1 to 125 false, and all else ends the
    /// search.
    #[arg(long, value_name = "COMMAND", group = "question")]
    run: Option<String>,
    /// The first version to consider.
    #[arg(long, value_name = "V", value_parser = args::version)]
    from: Option<u64>,
    /// The last version to consider.
    #[arg(long, value_name = "V", value_parser = args::version)]
    to: Option<u64>,
}

#[derive(Serialize)]
struct Found {
    first: u64,
    looked_at: usize,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let dir = args.store.directory(output)?;
    let reader = stores::read(&dir)?;
    let from = args.from.map_or_else(|| reader.oldest(), Ok)?;
    let to = args.to.unwrap_or_else(|| reader.version());
    if args.from.is_some() && args.to.is_some() && from > to {
        return Err(exit::Usage(format!("there are no versions from {from} to {to}")).into());
    }
    let watch = progress::reading("searching", &dir, output.is_json());
    let found = reader.bisect(from..=to, |state| match (&args.condition, &args.run) {
        (Some(condition), _) => Ok(condition.holds(state)),
        (None, Some(command)) => holds(command, state),
        (None, None) => bail!("there is nothing to look for"),
    })?;
    drop(watch);
    let looked_at = found.looked_at;
    let states = text::count(looked_at as u64, "state");
    let Some(first) = found.first else {
        let missing = format!("it is not true in version {to}, the last one considered; {states} looked at");
        return Err(exit::NotThere(missing).into());
    };
    let since = if first == from { "already, the first one considered" } else { "and not in the one before" };
    output
        .tell(&Found { first, looked_at }, format!("true in version {first} {since}; {states} looked at"))?;
    if output.is_json() || first <= reader.oldest()? {
        // Of the oldest state nobody knows any more who made it.
        return Ok(());
    }
    let change = reader.changes(first..=first)?.next().transpose()?;
    change.map_or(Ok(()), |change| output.human(log::human(&change, false)))
}

/// Asks the command about the state.
fn holds(command: &str, state: &Value) -> Result<bool> {
    let mut shell = Command::new("sh");
    // What it says is no answer of ours.
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = shell.spawn().with_context(|| format!("cannot run {command:?}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(state.to_json_string().as_bytes()) {
            // It may know the answer without having read everything.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
    }
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1..=125) => Ok(false),
        _ => bail!("{command:?} gave no answer: {status}"),
    }
}
