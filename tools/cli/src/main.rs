//! The `redraft` command: makes, changes, inspects, rewinds, follows, serves, imports and verifies stores, and works on
//! patches in plain files.
//!
//! A thin shell over the library, one file per verb. What it owes its user beyond that: one place for output ([`output`]),
//! one for errors and exit codes ([`exit`]), and nothing from a store printed to a terminal unescaped ([`text`]).

mod apply;
mod archive;
mod args;
mod backup;
mod bisect;
mod blame;
mod compact;
mod compare;
mod completions;
mod condition;
mod cursors;
mod demo;
mod diff;
mod doctor;
mod exit;
mod export;
mod files;
mod follow;
mod fork;
mod git;
mod guard;
mod help;
mod import;
mod import_git;
mod import_jsonl;
mod init;
mod inspect;
mod interrupt;
mod log;
mod man;
mod merge;
mod mirror;
mod nats;
mod next;
mod output;
mod pack;
mod pager;
mod patch;
mod places;
mod progress;
mod promote;
mod redact;
mod repair;
mod replay;
mod restore;
mod serve;
mod show;
mod snapshot;
mod sources;
mod stats;
mod stores;
mod text;
mod times;
mod top;
mod trim;
mod undo;
mod verify;
mod writing;

use args::{Command, Redraft};
use clap::FromArgMatches;
use output::{Output, When};
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = help::command().try_get_matches();
    let parsed = match matches.and_then(|matches| Redraft::from_arg_matches(&matches)) {
        Ok(parsed) => parsed,
        Err(error) => return exit::misused(&error),
    };
    let mut output = Output::new(parsed.json, parsed.color, !parsed.no_pager && parsed.command.is_long());
    trace(parsed.verbose, parsed.color);
    let done = run(parsed.command, &mut output);
    // A pager has the terminal until then.
    let ended = output.finish();
    match done.and(ended) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failed(&error, output.is_json()),
    }
}

fn run(command: Command, output: &mut Output) -> anyhow::Result<()> {
    match command {
        Command::Init(args) => init::run(&args, output),
        Command::Apply(args) => apply::run(&args, output),
        Command::Log(args) => log::run(&args, output),
        Command::Show(args) => show::run(&args, output),
        Command::Diff(args) => diff::run(&args, output),
        Command::Blame(args) => blame::run(&args, output),
        Command::Bisect(args) => bisect::run(&args, output),
        Command::Replay(args) => replay::run(&args, output),
        Command::Stats(args) => stats::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Undo(args) => undo::undo(&args, output),
        Command::Redo(args) => undo::redo(&args, output),
        Command::Snapshot(args) => snapshot::run(&args, output),
        Command::Compact(args) => compact::run(&args, output),
        Command::Pack(args) => pack::run(&args, output),
        Command::Backup(args) => backup::run(&args, output),
        Command::Archive(args) => archive::run(&args, output),
        Command::Redact(args) => redact::run(&args, output),
        Command::Fork(args) => fork::run(&args, output),
        Command::Merge(args) => merge::merge(&args, output),
        Command::Policies(args) => merge::policies(&args, output),
        Command::Restore(args) => restore::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Repair(args) => repair::run(&args, output),
        Command::Follow(args) => follow::run(&args, output),
        Command::Mirror(args) => mirror::run(&args, output),
        Command::Compare(args) => compare::run(&args, output),
        Command::Promote(args) => promote::promote(&args, output),
        Command::Rejoin(args) => promote::rejoin(&args, output),
        Command::Serve(args) => serve::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Import(args) => import::run(&args, output),
        Command::Patch(args) => patch::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Top(args) => top::run(&args, output),
        Command::Cursors(args) => cursors::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Man(args) => man::run(&args, output),
    }
}

/// Sends the library's spans and events to stderr: once for what happened, twice for every step.
fn trace(verbose: u8, color: When) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(color.applies_to(&std::io::stderr()))
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .init();
}
