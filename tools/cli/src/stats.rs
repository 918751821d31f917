//! `redraft stats`: how much there is of a store, how fast it changes, and where.
//!
//! Always: reads only, beside a writer too; every change is looked at once.

use crate::output::Output;
use crate::{files, log, places, progress, stores, text};
use anyhow::Result;
use redraft::{Change, Value};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// How many stretches of time the plot has.
const COLUMNS: usize = 48;
/// How many segments of a path tell one place from another.
const DEPTH: usize = 2;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const DAY_MS: f64 = 86_400_000.0;

/// Tell sizes, rates and the places that change most.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft stats notes.redraft
  redraft stats notes.redraft --places 3 --json")]
pub(crate) struct Args {
    #[command(flatten)]
    store: places::Place,
    /// How many places to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    places: usize,
}

#[derive(Debug, Serialize)]
struct Stats {
    version: u64,
    oldest: u64,
    schema: u32,
    changes: u64,
    ops: BTreeMap<&'static str, u64>,
    bytes: u64,
    snapshots: usize,
    /// The times of the earliest and the latest change, which need not be the first and the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes_per_day: Option<f64>,
    /// Changes in equal stretches of time between the two.
    plot: Vec<u64>,
    places: Vec<Place>,
}

/// A place, and how many ops there were at it or below.
#[derive(Debug, Serialize)]
struct Place {
    path: String,
    ops: u64,
}

/// What is counted while the changes go by.
#[derive(Debug, Default)]
struct Seen {
    times: Vec<i64>,
    ops: BTreeMap<&'static str, u64>,
    places: HashMap<String, u64>,
}

impl Seen {
    fn note(&mut self, change: &Change) {
        self.times.push(change.time_ms());
        for op in &change.patch {
            *self.ops.entry(op.action.name()).or_default() += 1;
            let place: redraft::value::Path = op.path.iter().take(DEPTH).cloned().collect();
            *self.places.entry(place.to_string()).or_default() += 1;
        }
    }

    fn hottest(&self, count: usize) -> Vec<Place> {
        let mut places: Vec<(&String, u64)> = self.places.iter().map(|(path, &ops)| (path, ops)).collect();
        places.sort_unstable_by(|(a, many), (b, more)| more.cmp(many).then(a.cmp(b)));
        places.into_iter().take(count).map(|(path, ops)| Place { path: path.clone(), ops }).collect()
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let dir = args.store.directory(output)?;
    let reader = stores::read(&dir)?;
    let watch = progress::reading("reading", &dir, output.is_json());
    let mut seen = Seen::default();
    for change in log::changes(&reader, None, None)?.into_iter().flatten() {
        seen.note(&change?);
    }
    drop(watch);
    let stats = gathered(args, &dir, &reader, seen)?;
    if output.is_json() { output.json_line(&stats) } else { output.human(human(&stats)) }
}

fn gathered(args: &Args, dir: &Path, reader: &redraft::Reader<Value>, seen: Seen) -> Result<Stats> {
    let ends = seen.times.iter().min().zip(seen.times.iter().max()).map(|(&first, &last)| (first, last));
    let days = ends.map(|(first, last)| last.saturating_sub(first) as f64 / DAY_MS);
    let changes = seen.times.len() as u64;
    Ok(Stats {
        version: reader.version(),
        oldest: reader.oldest()?,
        schema: reader.schema(),
        changes,
        bytes: files::directory_bytes(dir)?,
        snapshots: reader.snapshots()?.len(),
        first: ends.map(|(first, _)| text::time_exact(first)),
        last: ends.map(|(_, last)| text::time_exact(last)),
        changes_per_day: days.filter(|&days| days > 0.0).map(|days| changes as f64 / days),
        plot: ends.map(|(first, last)| plot(&seen.times, first, last)).unwrap_or_default(),
        places: seen.hottest(args.places),
        ops: seen.ops,
    })
}

/// How many of the times lie in each stretch between the first and the last.
fn plot(times: &[i64], first: i64, last: i64) -> Vec<u64> {
    let span = last.abs_diff(first);
    let columns = COLUMNS.min(usize::try_from(span).unwrap_or(COLUMNS).max(1));
    let mut plot = vec![0; columns];
    for time in times {
        let at = u128::from(time.abs_diff(first)) * columns as u128 / (u128::from(span) + 1);
        if let Some(column) = usize::try_from(at).ok().and_then(|at| plot.get_mut(at)) {
            *column += 1;
        }
    }
    plot
}

/// A character for each number, as high as it is large; where nothing happened there is nothing.
fn bars(plot: &[u64]) -> String {
    let most = plot.iter().copied().max().unwrap_or(0).max(1);
    let bar = |&count: &u64| match count {
        0 => ' ',
        _ => BARS[usize::try_from((count - 1) * BARS.len() as u64 / most).unwrap_or(0).min(BARS.len() - 1)],
    };
    plot.iter().map(bar).collect()
}

fn human(stats: &Stats) -> String {
    let ops: Vec<String> = stats.ops.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let mut lines = vec![
        format!("version {}, {} kept", stats.version, text::count(stats.changes, "change")),
        format!("{} on disk, {}", text::bytes(stats.bytes), text::count(stats.snapshots as u64, "snapshot")),
    ];
    if stats.schema != 1 {
        lines.push(format!("schema {}", stats.schema));
    }
    if let (Some(first), Some(last)) = (&stats.first, &stats.last) {
        let rate = stats.changes_per_day.map_or(String::new(), |rate| format!(", {rate:.1} changes a day"));
        lines.push(format!("{first} to {last}{rate}"));
        lines.push(format!("|{}|", bars(&stats.plot)));
        lines.push(format!("ops: {}", ops.join(", ")));
    }
    let widest = stats.places.iter().map(|place| place.ops.to_string().len()).max().unwrap_or(0);
    for Place { path, ops } in &stats.places {
        let path = if path.is_empty() { "\"\"" } else { path };
        lines.push(format!("{ops:>widest$}  {}", text::one_line(path)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_counts_every_change_once_and_shows_the_most_as_the_highest() {
        let times: Vec<i64> = (0..1_000).chain([5_000; 500]).collect();
        let plot = plot(&times, 0, 5_000);
        assert_eq!((plot.len(), plot.iter().sum::<u64>()), (COLUMNS, 1_500));
        assert_eq!(plot.last(), Some(&500));
        let bars = bars(&plot);
        assert!(bars.ends_with('█') && bars.starts_with('▂') && bars.contains(' '), "{bars}");
        assert_eq!(super::plot(&[7, 7], 7, 7), [2]);
        assert_eq!(super::plot(&[i64::MIN, i64::MAX], i64::MIN, i64::MAX).iter().sum::<u64>(), 2);
    }
}
