//! redraft's log against other logs, against stores used as logs, and against what one would write without any: the same work
//! on the same disk, in one run, as Markdown tables.
//!
//! Each measurement is a process of its own: the harness starts itself with a task, and it answers in one line. Rounds
//! go through all engines in turn, so that what else the machine does hits everyone. `work` says what is measured, `engine`
//! what a log is asked, `engines` has them, `jobs` does the works, `stores` has the logs that are worked on, `result`,
//! `goal`, `notes` and `table` say what came out.

#![cfg_attr(not(feature = "others"), allow(dead_code, reason = "some of it serves the other engines only"))]

mod engine;
mod engines;
mod goal;
mod jobs;
mod notes;
mod options;
mod records;
mod result;
mod stores;
mod table;
mod task;
mod work;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::options::Options;
use crate::result::Results;
use crate::stores::Stores;
use crate::task::Task;
use crate::work::Work;

fn main() -> Result<ExitCode> {
    let mut options = Options::parse();
    if let Some(task) = &options.task {
        serde_json::from_str::<Task>(task)?.answer()?;
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(&options.dir)?;
    options.dir = options.dir.canonicalize()?;
    let results = measure(&options)?;
    println!("{}", table::markdown(&options, &results));
    Ok(verdict(&options, &results))
}

fn measure(options: &Options) -> Result<Results> {
    let mut results = Results::default();
    for bytes in &options.bytes {
        let mut stores = Stores::new(options, *bytes);
        for work in options.works() {
            eprintln!("{} B, {}. {}", bytes, work.number(), work.title());
            (0..options.rounds(work))
                .try_for_each(|_| round(options, &mut stores, &mut results, work, *bytes))?;
        }
    }
    Ok(results)
}

/// Everyone once.
fn round(
    options: &Options,
    stores: &mut Stores<'_>,
    results: &mut Results,
    work: Work,
    bytes: u64,
) -> Result<()> {
    for engine in options.engines().into_iter().filter(|engine| work.is_for(*engine)) {
        let answer = stores.measure(work, engine)?;
        results.add(work, bytes, engine, answer);
    }
    Ok(())
}

fn verdict(options: &Options, results: &Results) -> ExitCode {
    let misses = goal::misses(results, &options.works(), &options.bytes);
    misses.iter().for_each(|miss| eprintln!("missed: {miss}"));
    if options.check && !misses.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
