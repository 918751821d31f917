//! How far those are behind who follow the store and say how far they have come, as metrics.
//!
//! What they said is the store's own cursors; who follows without a name is not here. Always: so many are told by their names and no
//! more, those that are furthest behind, since whoever may write may give names.

use super::metrics::gauge;
use super::source::Served;
use crate::error::{Error, Result};

/// So many have labels of their own.
const NAMED_MAX: usize = 32;

/// One follower's place.
struct Behind {
    name: String,
    versions: u64,
    bytes: u64,
    seconds: f64,
}

/// Lines for all of them. Costs, for each that is told by its name, looking for a place in the log and at one change.
pub(super) fn told(source: &Served) -> Result<String> {
    let mut cursors: Vec<(String, u64)> = source.cursors()?.into_iter().collect();
    let count = gauge("redraft_followers", "Followers that say how far they have come.", cursors.len());
    cursors.sort_by_key(|(_, version)| *version);
    cursors.truncate(NAMED_MAX);
    let asked = cursors.into_iter().map(|(name, version)| behind(source, name, version));
    // What somebody lacks may be given up while it is looked at.
    let behind: Result<Vec<Behind>> =
        asked.filter(|one| !matches!(one, Err(Error::Compacted { .. }))).collect();
    let behind = behind?;
    let versions = gauges("versions", "Changes", &behind, |one| one.versions.to_string());
    let bytes = gauges("bytes", "Bytes of the log", &behind, |one| one.bytes.to_string());
    let seconds =
        gauges("seconds", "Age of the oldest of the changes", &behind, |one| one.seconds.to_string());
    Ok(count + &versions + &bytes + &seconds)
}

fn behind(source: &Served, name: String, version: u64) -> Result<Behind> {
    let (oldest, newest) = (source.oldest()?, source.durable());
    // What was given up does not come any more; one who lacks that lacks at least all that is kept.
    let known = version.max(oldest).min(newest);
    let bytes = source.view().bytes_since(known)?;
    let lacking =
        if known < newest { source.changes(known + 1, known + 1)?.next().transpose()? } else { None };
    let (_, now_ms) = source.clocks();
    let age_ms = |at_ms: i64| now_ms.saturating_sub(u64::try_from(at_ms).unwrap_or(0));
    let seconds = lacking.map_or(0.0, |change| age_ms(change.stamp.at_ms()) as f64 / 1000.0);
    Ok(Behind { name, versions: newest.saturating_sub(version), bytes, seconds })
}

fn gauges(unit: &str, what: &str, all: &[Behind], value: impl Fn(&Behind) -> String) -> String {
    let name = format!("redraft_follower_lag_{unit}");
    let help = format!("# HELP {name} {what} that a follower has not said to hold.\n# TYPE {name} gauge\n");
    all.iter().fold(help, |text, one| {
        text + &format!("{name}{{follower=\"{}\"}} {}\n", escaped(&one.name), value(one))
    })
}

/// As the text format has it between quotes.
fn escaped(label: &str) -> String {
    label.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
