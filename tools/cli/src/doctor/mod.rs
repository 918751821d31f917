//! `redraft doctor`: the health of a store in one look, and what to do about it.
//!
//! `facts` looks, `judge` and `condition` say what that means, this tells it. Always: nothing is written and no lock taken, whatever is at
//! the path; what was not looked at is said to be.

mod condition;
mod facts;
mod finding;
mod judge;
mod locks;

use crate::output::Output;
use crate::{exit, places, progress, text};
use anyhow::Result;
use facts::{Cursor, Facts};
use finding::{Finding, Severity};
use serde::Serialize;
use std::path::PathBuf;

/// Tell how a store does, and what to do about what is wrong. Changes nothing; works beside a writer, and on damaged stores.
///
/// Looked at: format, damage, lock, space, leftovers, clock, cursors, snapshots, writers. Exit codes: 0 all is well, warnings and notes among
/// it; 3 there is damage; 1 there is another problem, or no store.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft doctor notes.redraft
  redraft doctor --deep notes.redraft
  redraft doctor --json notes.redraft | jq '.findings[] | select(.severity != \"ok\")'")]
pub(crate) struct Args {
    /// The store: a directory.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    store: PathBuf,
    /// Read and check everything, which takes as long as verify.
    #[arg(long)]
    deep: bool,
}

#[derive(Serialize)]
struct Health<'a> {
    store: String,
    redraft: &'static str,
    format: Option<u16>,
    format_supported: u16,
    role: Option<String>,
    id: Option<&'a str>,
    schema: Option<u32>,
    oldest: Option<u64>,
    version: Option<u64>,
    deep: bool,
    open_ms: Option<u64>,
    snapshot: Option<u64>,
    segments: usize,
    segment_bytes: u64,
    snapshots: usize,
    snapshot_bytes: u64,
    index_bytes: u64,
    other_bytes: u64,
    free_bytes: Option<u64>,
    bytes_per_day: Option<f64>,
    days_left: Option<f64>,
    writer_process: Option<u32>,
    cursors: Vec<Place<'a>>,
    worst: Severity,
    problems: usize,
    warnings: usize,
    findings: &'a [Finding],
}

#[derive(Serialize)]
struct Place<'a> {
    name: &'a str,
    version: u64,
    behind_bytes: u64,
    behind_ms: u64,
}

impl<'a> From<&'a Cursor> for Place<'a> {
    fn from(cursor: &'a Cursor) -> Place<'a> {
        let &Cursor { ref name, version, bytes, age_ms } = cursor;
        Place { name, version, behind_bytes: bytes, behind_ms: age_ms }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead =
        "redraft mirror moves a stream out into one; redraft stats and redraft top work on a stream as it is";
    places::must_be_a_directory(&args.store, instead)?;
    let watch = args.deep.then(|| progress::reading("checking", &args.store, output.is_json()));
    let facts = Facts::of(&args.store, args.deep);
    drop(watch);
    let findings = judge::judge(&facts);
    match output.is_json() {
        true => output.json_line(&health(&facts, &findings))?,
        false => tell(&facts, &findings, output)?,
    }
    output.flush()?;
    answer(&findings)
}

fn answer(findings: &[Finding]) -> Result<()> {
    let damages = findings.iter().filter(|finding| finding.is_damage).count();
    match (damages, count(findings, Severity::Problem)) {
        (0, 0) => Ok(()),
        (0, problems) => Err(exit::ProblemsFound { problems }.into()),
        (places, _) => Err(exit::DamageFound { places }.into()),
    }
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn health<'a>(facts: &'a Facts, findings: &'a [Finding]) -> Health<'a> {
    let (opened, bytes) = (facts.opened.as_ref().ok(), facts.bytes());
    let cursors = opened.and_then(|opened| opened.cursors.as_ref().ok());
    Health {
        store: facts.place.display().to_string(),
        redraft: env!("CARGO_PKG_VERSION"),
        format: facts.format,
        format_supported: judge::FORMAT,
        role: opened.map(|opened| opened.role.to_string()),
        id: opened.map(|opened| &*opened.id),
        schema: opened.map(|opened| opened.schema),
        oldest: opened.map(|opened| opened.oldest),
        version: opened.map(|opened| opened.version),
        deep: facts.deep.is_some(),
        open_ms: opened.map(|opened| opened.open_ms),
        snapshot: opened.and_then(|opened| opened.snapshot),
        segments: bytes.segment_count,
        segment_bytes: bytes.segments,
        snapshots: bytes.snapshot_count,
        snapshot_bytes: bytes.snapshots,
        index_bytes: bytes.index,
        other_bytes: bytes.other,
        free_bytes: facts.room.map(|(free, _)| free),
        bytes_per_day: condition::bytes_per_day(facts),
        days_left: condition::days_left(facts),
        writer_process: facts.lock.holder(),
        cursors: cursors.into_iter().flatten().map(Place::from).collect(),
        worst: judge::worst(findings),
        problems: count(findings, Severity::Problem),
        warnings: count(findings, Severity::Warning),
        findings,
    }
}

fn tell(facts: &Facts, findings: &[Finding], output: &mut Output) -> Result<()> {
    let coloured = output.takes_colours();
    for finding in findings {
        let line =
            format!("{:<8} {:<10} {}", finding.severity.name(), finding.topic, text::one_line(&finding.told));
        output.coloured(finding.severity.colour().filter(|_| coloured), line)?;
        // What is well needs nothing done.
        if let Some(next) = finding.next.as_ref().filter(|_| finding.severity > Severity::Ok) {
            output.human(format!("{:<19} next: {}", "", text::one_line(next)))?;
        }
    }
    output.human(summary(facts, findings))
}

fn summary(facts: &Facts, findings: &[Finding]) -> String {
    let (problems, warnings) = (count(findings, Severity::Problem), count(findings, Severity::Warning));
    let depth = if facts.deep.is_some() { "" } else { "; --deep reads everything" };
    match (problems, warnings) {
        (0, 0) => format!("all is well{depth}"),
        (0, _) => format!("it works; {}{depth}", text::count(warnings as u64, "warning")),
        _ => format!(
            "{}, {}",
            text::count(problems as u64, "problem"),
            text::count(warnings as u64, "warning")
        ),
    }
}
