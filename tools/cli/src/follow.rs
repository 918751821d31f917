//! `redraft follow`: a replica catches up with its source, once or until it is told to stop.
//!
//! What is copied is durable at every step, so it may be killed at any time and goes on where it was.

use crate::output::Output;
use crate::progress::{self, Unit};
use crate::sources::Reach;
use crate::{exit, files, interrupt, places, stores, text};
use anyhow::Result;
use redraft::replica::Beginning;
use redraft::{Options, Progress};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Bring a replica up to date, or start one in a directory that does not exist or is empty.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft follow notes.redraft replica.redraft
  redraft follow https://notes.example:7878 replica.redraft --live --keep-for backup-host")]
pub(crate) struct Args {
    /// The store to follow: a directory, the address of a server, or nats://HOST:PORT?stream=NAME. It is only read.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    source: String,
    /// The replica's directory.
    replica: PathBuf,
    /// Go on until interrupted.
    #[arg(long)]
    live: bool,
    /// Begin a new replica at the newest snapshot, and leave out the history before it.
    #[arg(long)]
    from_snapshot: bool,
    /// If this replica is far behind, give up its history and begin at the newest snapshot, where that is less to copy.
    #[arg(long)]
    skip_ahead: bool,
    /// Have the server that it follows keep, up to a limit of its own, what this replica has not copied yet, under this name.
    #[arg(long, value_name = "NAME")]
    keep_for: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Serialize)]
struct Step {
    version: u64,
    copied: u64,
    source: u64,
    behind_bytes: u64,
    behind_seconds: u64,
    connected: bool,
}

/// What is told while it goes on: how far it has come, and how far it is behind.
struct Status {
    /// What was told last.
    version: u64,
    connected: bool,
    /// Since when there is something that is not copied, or nobody to ask.
    behind: Option<Instant>,
}

impl Status {
    fn new(version: u64) -> Status {
        Status { version, connected: true, behind: None }
    }

    /// Tells of what came, and that the source is not heard any longer or is again.
    fn tell(&mut self, mut step: Progress, output: &mut Output) -> Result<()> {
        let is_behind = step.version < step.source_version || !step.connected;
        self.behind = is_behind.then(|| self.behind.unwrap_or_else(Instant::now));
        if step.version == self.version && step.connected == self.connected {
            return Ok(());
        }
        step.copied = step.version - self.version;
        (self.version, self.connected) = (step.version, step.connected);
        let seconds = self.behind.map_or(0, |since| since.elapsed().as_secs());
        tell(step, seconds, output)
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    places::must_be_a_directory(&args.replica, "redraft mirror moves a store into a stream")?;
    // From the first moment on, so that an interrupted replica is always closed.
    let stop = args.live.then(interrupt::flag).transpose()?;
    let begin = if args.from_snapshot { Beginning::NewestSnapshot } else { Beginning::Oldest };
    let source = args.reach.open(&args.source)?;
    if args.keep_for.is_some() && !places::is_server(&args.source) {
        let why = "a directory or stream keeps nothing for a replica; --keep-for is for one that follows a server (redraft serve)";
        return Err(exit::Usage(why.to_owned()).into());
    }
    let before = begins_at(&args.replica);
    stop.iter().for_each(|stop| interrupt::rouses(stop, &source));
    let mut mirror = Options::new().skip_ahead(args.skip_ahead).mirror_of(source, &args.replica, begin)?;
    tell_of_what_went(&args.replica, before);
    if let Some(name) = &args.keep_for {
        mirror = mirror.acknowledged_as(name);
    }
    let bar = progress::bar(Unit::Of(0, "changes"), output.is_json());
    let (mut told, mut copied, begin_at) = (Ok(()), 0, Instant::now());
    let end = mirror.catch_up_with(|step| {
        bar.set_length(step.source_version);
        bar.set_position(step.version);
        // The last piece is told below, with what it all came to.
        if told.is_ok() && output.is_json() && step.version < step.source_version {
            told = tell(since_then(step, &mut copied), begin_at.elapsed().as_secs(), output);
        }
    })?;
    bar.finish_and_clear();
    told?;
    tell(since_then(end, &mut copied), 0, output)?;
    if let Some(stop) = stop {
        let (mut status, mut told) = (Status::new(end.version), Ok(()));
        mirror.follow_while(|step| {
            told = status.tell(step, output);
            told.is_ok() && !stop.load(Ordering::SeqCst)
        })?;
        told?;
    }
    Ok(mirror.close()?)
}

/// Where the history of a replica begins, if there is one: by the names of its segments, of which opening reads more.
fn begins_at(replica: &Path) -> Option<u64> {
    let entries = files::entries(replica).ok()?;
    entries.iter().filter_map(|entry| entry.name.strip_suffix(".seg")?.parse().ok()).min()
}

/// A replica that its source cannot go on from is begun anew, and what only it had is not there any longer.
fn tell_of_what_went(replica: &Path, before: Option<u64>) {
    if let (Some(before), Some(now)) = (before, begins_at(replica))
        && before < now
    {
        let what = format!(
            "this replica was begun anew, at version {now}: it began at {before}, and what it had of before is gone"
        );
        stores::note(&what);
    }
}

/// A line counts what came after the line before, a step all that came.
fn since_then(mut step: Progress, told: &mut u64) -> Progress {
    step.copied -= std::mem::replace(told, step.copied);
    step
}

fn tell(step: Progress, behind_seconds: u64, output: &mut Output) -> Result<()> {
    let Progress { version, copied, source_version: source, behind_bytes, connected, .. } = step;
    let mut human = format!("version {version} of {source}, {} copied", text::count(copied, "change"));
    if version < source {
        human += &format!("; {} and {behind_seconds} s behind", text::bytes(behind_bytes));
    }
    if !connected {
        human += "; the source does not answer";
    }
    output.tell(&Step { version, copied, source, behind_bytes, behind_seconds, connected }, human)?;
    output.flush()
}
