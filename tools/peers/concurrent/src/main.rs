//! Two people writing one text at the same time, as it happened, in documents that merge by themselves: as a Markdown table.
//!
//! Each has a document of their own and makes every transaction when they have seen just what its writer had seen; in
//! between the documents exchange what is new. Each measurement is a process of its own, which answers in one line: memory is
//! measured too. `trace` has what happened, `exchange` says who tells whom when, `document` what a document is asked,
//! `documents` has them, `measure` does the work, `table` says what came out.

#![cfg_attr(not(feature = "others"), allow(dead_code, reason = "some of it serves the other documents only"))]

mod document;
mod documents;
mod exchange;
mod measure;
mod table;
mod trace;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::documents::Name;
use crate::exchange::Step;
use crate::measure::Figures;
use crate::trace::Trace;

/// Measures documents that two people write at the same time and prints a table.
#[derive(Debug, Parser)]
struct Options {
    /// A recorded session of two people, as josephg/editing-traces has them (gzipped JSON of the kind "concurrent")
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// How often everything is measured; the table shows medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Whose turn it is, in a process of the harness
    #[arg(long, hide = true)]
    turn: Option<Name>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let trace = Trace::read(&options.trace)?;
    let steps = exchange::steps(&trace)?;
    if let Some(name) = options.turn {
        println!("{}", serde_json::to_string(&name.measure(&trace, &steps)?)?);
        return Ok(());
    }
    let exchanges = steps.iter().filter(|step| matches!(step, Step::Receive { .. })).count();
    let mut outcomes: Vec<(Name, Vec<Figures>)> = Name::ALL.map(|name| (name, Vec::new())).into();
    for _ in 0..options.rounds {
        // In turn, so that what else the machine does hits everyone.
        for (name, figures) in &mut outcomes {
            figures.extend(in_a_process(&options.trace, *name)?);
        }
    }
    println!("{}", table::markdown(&trace, exchanges, &outcomes));
    Ok(())
}

/// Nothing if there is nobody to be measured yet.
fn in_a_process(trace: &Path, name: Name) -> Result<Option<Figures>> {
    let mut child = Command::new(std::env::current_exe()?);
    child.arg("--trace").arg(trace).args(["--turn", name.key()]).stderr(Stdio::inherit());
    let answer = child.output().with_context(|| format!("{} could not be started", name.title()))?;
    ensure!(answer.status.success(), "{}: {}", name.title(), answer.status);
    serde_json::from_slice(&answer.stdout).with_context(|| format!("what {} answered", name.title()))
}
