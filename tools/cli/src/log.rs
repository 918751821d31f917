//! `redraft log`: the changes of a store, all or some of them; and how a change is told.
//!
//! Always: reads only, beside a writer too.

use crate::args;
use crate::output::Output;
use crate::places::Place;
use crate::text::{self, Length};
use crate::{exit, merge, times};
use anyhow::{Context, Result};
use redraft::merge::Outcome;
use redraft::value::Pointer;
use redraft::{Change, Changes, Filter, Reader, Value, WriterId};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many ops of a change are listed.
const OPS_LISTED: usize = 5;

/// List the changes, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft log notes.redraft -n 10
  redraft log notes.redraft --path /title --since yesterday
  redraft log notes.redraft --conflicts --json")]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The first version to list.
    #[arg(long, value_name = "V", value_parser = args::version)]
    from: Option<u64>,
    /// The last version to list.
    #[arg(long, value_name = "V", value_parser = args::version)]
    to: Option<u64>,
    /// Only changes after which something else may be at this JSON Pointer, insertions in front of it in a list among them; given again, at any of them.
    #[arg(long, value_name = "POINTER")]
    path: Vec<String>,
    /// Only changes that happened at this time or after: RFC 3339, "2h ago", yesterday.
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    since: Option<i64>,
    /// Only changes that happened at this time or before.
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    until: Option<i64>,
    /// Only changes of this writer, as --json tells it.
    #[arg(long, value_name = "WRITER", value_parser = writer)]
    writer: Option<WriterId>,
    /// Only changes with exactly this label.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Only the newest N of them.
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Newest first.
    #[arg(long)]
    reverse: bool,
    /// List all ops, with whole values.
    #[arg(long)]
    full: bool,
    /// Only changes that met others which their writers had not seen, and what was done about it.
    #[arg(long)]
    conflicts: bool,
}

/// What is told of a change besides what it did.
#[derive(Serialize)]
pub(crate) struct About<'a> {
    version: u64,
    time: String,
    recorded: String,
    writer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
}

impl About<'_> {
    pub(crate) fn of(change: &Change) -> About<'_> {
        About {
            version: change.version,
            time: text::time_exact(change.time_ms()),
            recorded: text::time_exact(i64::try_from(change.stamp.millis()).unwrap_or(i64::MAX)),
            writer: change.writer.to_string(),
            label: change.meta.label.as_deref(),
            tags: &change.meta.tags,
            undoes: change.undoes,
            schema: change.schema,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Line<'a> {
    #[serde(flatten)]
    about: About<'a>,
    patch: serde_json::Value,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let filter = filter(args)?;
    let reader = args.store.read(output)?;
    let Some(changes) = changes(&reader, args.from, args.to)? else { return Ok(()) };
    if args.conflicts {
        return conflicts(args, &reader, changes.matching(filter), output);
    }
    let mut changes = changes.matching(filter);
    match (args.limit, args.reverse) {
        (None, false) => changes.try_for_each(|change| tell(&change?, args.full, output)),
        (None, true) => changes.newest_first().try_for_each(|change| tell(&change?, args.full, output)),
        (Some(count), true) => {
            changes.newest_first().take(count).try_for_each(|change| tell(&change?, args.full, output))
        }
        (Some(count), false) => {
            let newest: Vec<Change> = changes.newest_first().take(count).collect::<redraft::Result<_>>()?;
            newest.iter().rev().try_for_each(|change| tell(change, args.full, output))
        }
    }
}

/// A change that met others, as JSON.
#[derive(Serialize)]
struct Conflict<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    outcome: &'static str,
    notes: Vec<merge::Met>,
}

fn conflicts(args: &Args, reader: &Reader<Value>, changes: Changes, output: &mut Output) -> Result<()> {
    let met = |change: &redraft::Result<Change>| {
        let merged = change.as_ref().map(|change| change.merged.as_deref());
        merged.map_or(true, |merged| {
            merged.is_some_and(|merged| {
                !merged.notes.is_empty() || matches!(merged.outcome, Outcome::Rejected { .. })
            })
        })
    };
    let newest = changes.newest_first().filter(met).take(args.limit.unwrap_or(usize::MAX));
    let mut found: Vec<Change> = newest.collect::<redraft::Result<_>>()?;
    if !args.reverse {
        found.reverse();
    }
    for change in &found {
        if !output.is_json() {
            output.headed(&(human(change, args.full) + &merge::explanation(reader, change)?))?;
        } else if let Some((outcome, notes)) = merge::explained(reader, change)? {
            output.json_line(&Conflict { line: line(change)?, outcome, notes })?;
        }
    }
    Ok(())
}

fn writer(text: &str) -> Result<WriterId, String> {
    text.parse().map_err(|_| format!("{text:?} is not a writer: writers are 16 hexadecimal digits"))
}

fn filter(args: &Args) -> Result<Filter> {
    let mut filter = Filter::new();
    for place in &args.path {
        filter = filter.touching(parse_pointer(place)?);
    }
    filter = args.since.map_or(filter.clone(), |since| filter.since(since));
    filter = args.until.map_or(filter.clone(), |until| filter.until(until));
    filter = args.writer.map_or(filter.clone(), |writer| filter.by(writer));
    Ok(args.label.as_ref().map_or(filter.clone(), |label| filter.labelled(label)))
}

pub(crate) fn parse_pointer(text: &str) -> Result<Pointer> {
    let explain = |error| exit::Usage(format!("{text:?} is not a JSON Pointer: {error}"));
    Pointer::parse(text).map_err(explain).map_err(Into::into)
}

/// The changes from one version to another, all that are kept without them; nothing if there are none in between.
pub(crate) fn changes(reader: &Reader<Value>, from: Option<u64>, to: Option<u64>) -> Result<Option<Changes>> {
    let (oldest, head) = (reader.oldest()? + 1, reader.version());
    for bound in [from, to].into_iter().flatten() {
        if bound > head {
            return Err(redraft::Error::BeyondHead { version: bound, head }.into());
        }
    }
    let (first, last) = (from.unwrap_or(oldest).max(1), to.unwrap_or(head));
    Ok(if first > last { None } else { Some(reader.changes(first..=last)?) })
}

/// Tells of one change, for people or as a line of JSON.
pub(crate) fn tell(change: &Change, full: bool, output: &mut Output) -> Result<()> {
    if output.is_json() { json_line(change, output) } else { output.headed(&human(change, full)) }
}

pub(crate) fn json_line(change: &Change, output: &mut Output) -> Result<()> {
    output.json_line(&line(change)?)
}

/// The same line as text.
pub(crate) fn json_of(change: &Change) -> Result<String> {
    Ok(serde_json::to_string(&line(change)?)?)
}

pub(crate) fn line(change: &Change) -> Result<Line<'_>> {
    let unreadable = || format!("change {} cannot be written as JSON", change.version);
    let patch = change.patch.to_native().with_context(unreadable)?;
    Ok(Line { about: About::of(change), patch })
}

/// A line about the change: version, time, label.
pub(crate) fn headline(change: &Change) -> String {
    let mut line = format!("{}  {}", change.version, text::time(change.time_ms()));
    let mut add = |text: String| line.push_str(&text::one_line(&text));
    if let Some(version) = change.undoes {
        add(format!("  undoes {version}"));
    }
    if let Some(schema) = change.schema {
        add(format!("  schema {schema}"));
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
    line
}

/// The same, and an indented line for each op.
pub(crate) fn human(change: &Change, full: bool) -> String {
    let mut line = headline(change);
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
