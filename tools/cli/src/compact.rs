//! `redraft compact`: gives up the beginning of a store's history.
//!
//! Always: nothing goes that was not asked for, by whole segments; what is kept is what it was.

use crate::output::Output;
use crate::{places, progress, stores, text, trim};
use anyhow::{Result, anyhow};
use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo, Unit};
use redraft::Retention;
use serde::Serialize;
use std::time::Duration;

/// Give up the beginning of the history, for good, by whole segments: a little more than what is asked for stays.
///
/// Of a stream, what is before a snapshot that "redraft snapshot" put beside it: the newest one that leaves what is to be kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft compact notes.redraft --keep-age 90d
  redraft compact notes.redraft --keep-bytes 2GiB
  redraft compact 'nats://127.0.0.1:4222?stream=notes' --keep-changes 100000")]
#[command(group = clap::ArgGroup::new("keep").required(true))]
pub(crate) struct Args {
    #[command(flatten)]
    store: places::Place,
    /// Keep the last N changes.
    #[arg(long, group = "keep", value_name = "N")]
    keep_changes: Option<u64>,
    /// Keep the changes no older than this, compared with the newest one: 30d, "2 weeks", 12h.
    #[arg(long, group = "keep", value_name = "AGE", value_parser = age)]
    keep_age: Option<Duration>,
    /// Keep as many of the last segments as fit: 500MB, 2GiB.
    #[arg(long, group = "keep", value_name = "SIZE", value_parser = size)]
    keep_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Compacted {
    oldest: u64,
    freed_bytes: u64,
    segments: usize,
    snapshots: usize,
    held_for: Option<String>,
}

/// Reads an age; days have 24 hours.
fn age(text: &str) -> Result<Duration, String> {
    let unusable = |why: &dyn std::fmt::Display| format!("{text:?} is not an age such as 30d or 12h: {why}");
    let span: Span = text.parse().map_err(|error: jiff::Error| unusable(&error))?;
    let relative = SpanRelativeTo::days_are_24_hours();
    let seconds = span.total((Unit::Second, relative)).map_err(|error| unusable(&error))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| unusable(&error))
}

fn size(text: &str) -> Result<u64, String> {
    let size: ByteSize = text.parse().map_err(|why| format!("{text:?} is not a size such as 2GiB: {why}"))?;
    Ok(size.as_u64())
}

impl Args {
    fn retention(&self) -> Result<Retention> {
        let changes = self.keep_changes.map(Retention::Changes);
        let age = self.keep_age.map(Retention::Age);
        let bytes = self.keep_bytes.map(Retention::Bytes);
        changes.or(age).or(bytes).ok_or_else(|| anyhow!("nothing says what to keep"))
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    if let Some((url, reach)) = args.store.stream() {
        return trim::compact(url, reach, &args.retention()?, output);
    }
    let watch = progress::reading("reading", args.store.path()?, output.is_json());
    let store = stores::write(args.store.path()?)?;
    let done = store.compact_to(args.retention()?)?;
    store.close()?;
    drop(watch);
    let human = match done.segments {
        0 => format!("nothing to give up: the oldest version is {}", done.oldest),
        count => format!(
            "gave up what is before version {}: {count} segments and {} snapshots, {}",
            done.oldest,
            done.snapshots,
            text::bytes(done.freed_bytes)
        ),
    };
    let human = match &done.held_for {
        Some(name) => format!("{human}\nmore is kept for the cursor {name:?}, which has not come further"),
        None => human,
    };
    let redraft::Compaction { oldest, freed_bytes, segments, snapshots, held_for, .. } = done;
    output.tell(&Compacted { oldest, freed_bytes, segments, snapshots, held_for }, human)
}
