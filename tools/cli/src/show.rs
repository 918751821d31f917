//! `redraft show`: the state, or a part of it, at any version or time; or one change, with all that is known of it.
//!
//! Always: reads only, beside a writer too.

use crate::output::Output;
use crate::places::Place;
use crate::text::Length;
use crate::times::{self, At};
use crate::{args, exit, log, merge, progress, stores, text};
use anyhow::{Context, Result};
use redraft::merge::Outcome;
use redraft::value::{Path, Pointer, PointerError};
use redraft::{Change, Reader, Value};
use serde::Serialize;
use serde_json::value::RawValue;

/// Print the state, or the value at a JSON Pointer, as JSON; or what one change did, what became of it and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft show notes.redraft
  redraft show notes.redraft /title --at '2h ago'
  redraft show notes.redraft --change 7")]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// What to print; the whole state without it.
    #[arg(default_value = "", hide_default_value = true)]
    pointer: String,
    /// The version, or the time at which it was the newest, as recorded: RFC 3339, "2h ago", yesterday. Without it the newest
    /// of all.
    #[arg(long, value_name = "V|TIME", value_parser = times::at)]
    at: Option<At>,
    /// Tell of the change that made this version instead: what it did, what was submitted where that is something else, and what it
    /// met.
    #[arg(long, value_name = "V", value_parser = args::version, conflicts_with_all = ["pointer", "at"])]
    change: Option<u64>,
}

#[derive(Serialize)]
struct Shown<'a> {
    version: u64,
    path: &'a str,
    value: &'a RawValue,
}

/// One change, as JSON.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    line: log::Line<'a>,
    base: u64,
    sequence: u64,
    outcome: Option<&'static str>,
    detail: Option<&'a str>,
    original: Option<serde_json::Value>,
    notes: Vec<merge::Met>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let pointer = log::parse_pointer(&args.pointer)?;
    let dir = args.store.directory(output)?;
    let watch = progress::reading("reading", &dir, output.is_json());
    let reader = stores::read(&dir)?;
    if let Some(version) = args.change {
        drop(watch);
        return change(&reader, version, output);
    }
    let version = args.at.map_or_else(|| Ok(reader.version()), |at| at.version(&reader))?;
    let state = reader.at(version)?;
    drop(watch);
    let value = find(&state, &pointer).map_err(|(existing, hint)| {
        let (wanted, there) = (&args.pointer, text::pointer(&existing));
        exit::NotThere(format!("nothing at {wanted:?} in version {version}: {hint}; it exists up to {there}"))
    })?;
    if !output.is_json() {
        return output.human(format_args!("{value:#}"));
    }
    let json =
        RawValue::from_string(value.to_json_string()).context("the value cannot be written as JSON")?;
    output.json_line(&Shown { version, path: &args.pointer, value: &json })
}

fn change(reader: &Reader<Value>, version: u64, output: &mut Output) -> Result<()> {
    let found = log::changes(reader, Some(version), Some(version))?.and_then(|mut changes| changes.next());
    let change = found.transpose()?.ok_or_else(|| {
        exit::NotThere(format!("no change made version {version}: it is what a store begins with"))
    })?;
    let merged = change.merged.as_deref();
    let detail = match merged.map(|merged| &merged.outcome) {
        Some(Outcome::Rejected { detail, .. }) => Some(detail.as_str()),
        _ => None,
    };
    if !output.is_json() {
        return output.headed(&in_words(reader, &change, detail)?);
    }
    let (outcome, notes) = merge::explained(reader, &change)?.unzip();
    let original = merged.and_then(|merged| merged.original.as_ref());
    let original =
        original.map(|patch| patch.to_native()).transpose().context("it cannot be written as JSON")?;
    let (base, sequence, notes) = (change.base, change.sequence, notes.unwrap_or_default());
    output.json_line(&Told { line: log::line(&change)?, base, sequence, outcome, detail, original, notes })
}

fn in_words(reader: &Reader<Value>, change: &Change, detail: Option<&str>) -> Result<String> {
    let (writer, sequence, base) = (change.writer, change.sequence, change.base);
    let mut told = log::human(change, true);
    told.push_str(&format!("\n    change {sequence} of {writer}, made on version {base}"));
    told.push_str(&merge::explanation(reader, change)?);
    detail.iter().for_each(|why| told.push_str(&format!("\n  {}", text::one_line(why))));
    if let Some(original) = change.merged.as_ref().and_then(|merged| merged.original.as_ref()) {
        told.push_str("\n    submitted:");
        for op in original {
            told.push_str(&format!("\n    {}", text::one_line(&text::op(op, Length::Full))));
        }
    }
    Ok(told)
}

/// The value, or the deepest place on the way to it that exists, and what is wrong there.
fn find<'v>(state: &'v Value, pointer: &Pointer) -> Result<&'v Value, (Path, String)> {
    let parent = |path: &Path| path.parent().unwrap_or_default();
    match pointer.resolve(state) {
        Ok(path) => state.at_path(&path).ok_or_else(|| {
            let last = path.last().map(ToString::to_string).unwrap_or_default();
            let holder = state.at_path(&parent(&path)).map_or("value", Value::kind);
            (parent(&path), format!("the {holder} has no {last:?}"))
        }),
        Err(PointerError::NotFound { at }) => {
            let last = at.last().map(ToString::to_string).unwrap_or_default();
            Err((parent(&at), format!("there is no {last:?}")))
        }
        Err(PointerError::Scalar { at, found }) => Err((at, format!("a {found} has nothing inside"))),
        Err(PointerError::Index { token, parent }) => {
            Err((parent, format!("{token:?} is no index of a list")))
        }
        Err(other) => Err((Path::root(), other.to_string())),
    }
}
