//! `redraft log`: the changes of a store, oldest first.
//!
//! Always: reads only, beside a writer too.

use crate::args;
use crate::output::Output;
use crate::text::{self, Length};
use crate::{exit, stores};
use anyhow::{Context, Result};
use redraft::value::{Path, Pointer};
use redraft::{Change, Reader, Value};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// How many ops of a change are listed.
const OPS_LISTED: usize = 5;

/// List the changes, oldest first.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
    /// The first version to list.
    #[arg(long, value_name = "V", value_parser = args::version)]
    from: Option<u64>,
    /// The last version to list.
    #[arg(long, value_name = "V", value_parser = args::version)]
    to: Option<u64>,
    /// Only changes at, below or above this JSON Pointer.
    #[arg(long, value_name = "POINTER")]
    path: Option<String>,
    /// Only the last N of them.
    #[arg(short, value_name = "N")]
    n: Option<usize>,
    /// List all ops, with whole values.
    #[arg(long)]
    full: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    version: u64,
    time: String,
    recorded: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    patch: serde_json::Value,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let pointer = args.path.as_deref().map(parse_pointer).transpose()?;
    let reader = stores::read(&args.store)?;
    let (first, last) = range(args, &reader)?;
    if first > last {
        return Ok(());
    }
    let wanted = |change: &Change| pointer.as_ref().is_none_or(|pointer| touches(change, pointer));
    let mut kept = VecDeque::new();
    for change in reader.changes(first..=last)? {
        let change = change?;
        if !wanted(&change) {
            continue;
        }
        match args.n {
            None => tell(&change, args.full, output)?,
            Some(count) => {
                kept.push_back(change);
                if kept.len() > count {
                    kept.pop_front();
                }
            }
        }
    }
    kept.iter().try_for_each(|change| tell(change, args.full, output))
}

pub(crate) fn parse_pointer(text: &str) -> Result<Pointer> {
    let explain = |error| exit::Usage(format!("{text:?} is not a JSON Pointer: {error}"));
    Pointer::parse(text).map_err(explain).map_err(Into::into)
}

/// The versions to look at. Without a filter the last N need not be searched for.
fn range(args: &Args, reader: &Reader<Value>) -> Result<(u64, u64)> {
    let (oldest, head) = (reader.oldest()? + 1, reader.version());
    for bound in [args.from, args.to].into_iter().flatten() {
        if bound > head {
            return Err(redraft::Error::BeyondHead { version: bound, head }.into());
        }
    }
    let last = args.to.unwrap_or(head);
    let first = args.from.unwrap_or(oldest).max(1);
    match args.n {
        Some(count) if args.path.is_none() => Ok((first.max((last + 1).saturating_sub(count as u64)), last)),
        _ => Ok((first, last)),
    }
}

/// Whether the change has to do with what is at the pointer: something there, below it or around it was changed.
fn touches(change: &Change, pointer: &Pointer) -> bool {
    let meets = |path: &Path| {
        let along = pointer.tokens().iter().zip(path);
        along.into_iter().all(|(token, segment)| *token == segment.to_string())
    };
    change.patch.iter().any(|op| meets(&op.path))
}

fn tell(change: &Change, full: bool, output: &mut Output) -> Result<()> {
    if !output.is_json() {
        return output.human(human(change, full));
    }
    let unreadable = || format!("change {} cannot be written as JSON", change.version);
    output.json_line(&Line {
        version: change.version,
        time: text::time_exact(change.time_ms()),
        recorded: text::time_exact(i64::try_from(change.stamp.millis()).unwrap_or(i64::MAX)),
        label: change.meta.label.as_deref(),
        tags: &change.meta.tags,
        undoes: change.undoes,
        patch: change.patch.to_native().with_context(unreadable)?,
    })
}

/// A line about the change, and an indented one for each op.
fn human(change: &Change, full: bool) -> String {
    let mut line = format!("{}  {}", change.version, text::time(change.time_ms()));
    let mut add = |text: String| line.push_str(&text::one_line(&text));
    if let Some(version) = change.undoes {
        add(format!("  undoes {version}"));
    }
    if let Some(label) = &change.meta.label {
        add(format!("  {label}"));
    }
    if let Some(author) = change.meta.tags.get("author") {
        add(format!("  by {author}"));
    }
    for (name, tag) in change.meta.tags.iter().filter(|(name, _)| *name != "author") {
        add(format!("  {name}={tag}"));
    }
    let (listed, length) = if full { (usize::MAX, Length::Full) } else { (OPS_LISTED, Length::Summary) };
    for op in change.patch.iter().take(listed) {
        line.push_str(&format!("\n    {}", text::one_line(&text::op(op, length))));
    }
    let more = change.patch.len().saturating_sub(listed);
    if more > 0 {
        line.push_str(&format!("\n    and {}", text::count(more as u64, "more op")));
    }
    line
}
