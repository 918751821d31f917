//! The command line: the verbs, and what several of them share. Each verb's own arguments are in its file.
//!
//! Nothing is opened here. Always: what a verb gets has been checked as far as that is possible without looking at a
//! store.

use crate::output::When;
use crate::{
    apply, archive, backup, bisect, blame, compact, compare, completions, cursors, demo, diff, doctor,
    export, follow, fork, import, init, inspect, log, man, merge, mirror, pack, patch, promote, redact,
    repair, replay, restore, serve, show, snapshot, stats, top, undo, verify,
};
use clap::{Parser, Subcommand};

/// What a newcomer may type.
const EXAMPLES: &str = "Examples:
  redraft init notes.redraft
  echo '[{\"op\": \"add\", \"path\": \"/title\", \"value\": \"hello\"}]' | redraft apply notes.redraft
  redraft log notes.redraft
  redraft show notes.redraft /title --at yesterday
  redraft mirror notes.redraft 'nats://127.0.0.1:4222?stream=notes'
  redraft show 'nats://127.0.0.1:4222?stream=notes' /title";

/// An event-sourced state store: every change is kept, every version can be had back.
///
/// A STORE is a directory, or a stream of NATS JetStream: nats://HOST:PORT?stream=NAME. Exit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 damage found.
#[derive(Debug, Parser)]
#[command(
    name = "redraft",
    version,
    max_term_width = 100,
    subcommand_required = true,
    after_help = EXAMPLES
)]
pub(crate) struct Redraft {
    /// Write JSON to stdout: one object, or one line for each thing found.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Tell on stderr what the library does; twice for every step.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colours: on a terminal without it, unless NO_COLOR is set; CLICOLOR_FORCE asks for them elsewhere too.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(crate) color: When,
    /// Print long output as it is, without a pager (otherwise REDRAFT_PAGER, PAGER or less, on a terminal).
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Apply(apply::Args),
    Log(log::Args),
    Show(show::Args),
    Diff(diff::Args),
    Blame(blame::Args),
    Bisect(bisect::Args),
    Replay(replay::Args),
    Stats(stats::Args),
    Export(export::Args),
    /// Take back the change that made a version, as a new change.
    #[command(after_help = "Example:\n  redraft undo notes.redraft 7")]
    Undo(undo::Args),
    /// Do again what was taken back, as a new change.
    #[command(after_help = "Example:\n  redraft redo notes.redraft 7")]
    Redo(undo::Args),
    Snapshot(snapshot::Args),
    Compact(compact::Args),
    Pack(pack::Args),
    Backup(backup::Args),
    Archive(archive::Args),
    Redact(redact::Args),
    Fork(fork::Args),
    Merge(merge::Args),
    Policies(merge::Policies),
    Restore(restore::Args),
    Verify(verify::Args),
    Repair(repair::Args),
    Follow(follow::Args),
    Mirror(mirror::Args),
    Compare(compare::Args),
    Promote(promote::Promote),
    Rejoin(promote::Rejoin),
    Serve(serve::Args),
    Inspect(inspect::Args),
    Import(import::Args),
    Patch(patch::Args),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Top(top::Args),
    Cursors(cursors::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Whether what it tells may be longer than a screen, and is read at leisure.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self, Command::Log(_) | Command::Show(_) | Command::Diff(_) | Command::Blame(_))
    }
}

/// Reads a version. Anything else is wrong usage and says what a version is.
pub(crate) fn version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a version: versions are whole numbers from 0 on"))
}
