//! `redraft follow`: a replica catches up with its source, once or until it is told to stop.
//!
//! What is copied is durable at every step, so it may be killed at any time and goes on where it was.

use crate::output::Output;
use crate::text;
use anyhow::{Context, Result};
use redraft::{Progress, Replica};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often the source is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Bring a replica up to date, or start one in a directory that does not exist or is empty.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The store to follow. It is only read.
    source: PathBuf,
    /// The replica's directory.
    replica: PathBuf,
    /// Go on until interrupted.
    #[arg(long)]
    live: bool,
}

#[derive(Serialize)]
struct Step {
    version: u64,
    copied: u64,
    source: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    // From the first moment on, so that an interrupted replica is always closed.
    let stop = args.live.then(interruption).transpose()?;
    let mut replica = Replica::open(&args.source, &args.replica)?;
    catch_up(&mut replica, true, output)?;
    while let Some(stop) = &stop
        && stop.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout)
    {
        catch_up(&mut replica, false, output)?;
    }
    Ok(replica.close()?)
}

/// Tells of Ctrl-C and of a request to terminate.
fn interruption() -> Result<Receiver<()>> {
    let (tell, told) = channel();
    let handler = move || {
        // Nobody listens any longer once the replica is being closed.
        let _ = tell.send(());
    };
    ctrlc::set_handler(handler).context("cannot listen for interruption")?;
    Ok(told)
}

/// Copies what is new. Says so if there was something, or if this is the `first` time.
fn catch_up(replica: &mut Replica, first: bool, output: &mut Output) -> Result<()> {
    let mut told = Ok(());
    let end = replica.catch_up_with(|progress| {
        // The last piece is told below, with what it all came to.
        if told.is_ok() && progress.version < progress.source_version {
            told = tell(progress, output);
        }
    })?;
    told?;
    if first || end.copied > 0 {
        tell(end, output)?;
    }
    Ok(())
}

fn tell(progress: Progress, output: &mut Output) -> Result<()> {
    let Progress { version, copied, source_version: source, .. } = progress;
    let human = format!("version {version} of {source}, {} copied", text::count(copied, "change"));
    output.tell(&Step { version, copied, source }, human)?;
    output.flush()
}
