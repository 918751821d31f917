//! `redraft mirror`: a store moves into a stream of NATS JetStream, or out of one.
//!
//! Always: where the two have not the same beginning, neither is changed; interrupted, it goes on where it was.

use crate::nats::{Login, told_what_it_is_worth};
use crate::output::Output;
use crate::progress::{self, Unit};
use crate::{exit, interrupt, places, stores, text};
use anyhow::Result;
use indicatif::ProgressBar;
use redraft::jetstream::Stream;
use redraft::replica::{Beginning, Directory, Source};
use redraft::{Error, ErrorKind, Options, Progress};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a directory is looked at that is followed.
const LOOK: Duration = Duration::from_millis(200);
/// How long to wait until a stream is asked again that could not be.
const PAUSE: Duration = Duration::from_secs(1);

/// Move a store into a stream, with its whole history and as the same store; or a stream into a directory.
///
/// Into a stream: it is made if it is not there, and goes on where it ends if that is the beginning of the store. What a stream lost is
/// put back the same way, from the directory of whoever has it. Afterwards changes are written through the stream, and no longer
/// to the store. Out of a stream: the directory is a replica, which "redraft promote" makes a store of.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft mirror notes.redraft 'nats://a.example,b.example,c.example?stream=notes&replicas=3'
  redraft mirror 'nats://a.example?stream=notes' notes.redraft && redraft promote notes.redraft")]
pub(crate) struct Args {
    /// A directory, or nats://HOST:PORT?stream=NAME.
    from: PathBuf,
    /// The other one of these.
    to: PathBuf,
    /// Go on until interrupted.
    #[arg(long, alias = "follow")]
    live: bool,
    #[command(flatten)]
    login: Login,
}

#[derive(Serialize)]
struct Moved {
    version: u64,
    copied: u64,
    source: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let stop = args.live.then(interrupt::flag).transpose()?;
    [&args.from, &args.to].into_iter().try_for_each(|place| places::must_be_a_path(place))?;
    match (places::address(&args.from), places::address(&args.to)) {
        (None, Some(url)) => move_into(args, url, stop.as_ref(), output),
        (Some(url), None) => move_out(args, url, stop.as_ref(), output),
        (None, None) => {
            Err(exit::Usage("one of the two is a stream: a directory is copied by follow".into()).into())
        }
        (Some(_), Some(_)) => {
            let told = "one of the two is a directory: move the stream out, and from there into the other";
            Err(exit::Usage(told.into()).into())
        }
    }
}

fn move_into(args: &Args, url: &str, stop: Option<&Arc<AtomicBool>>, output: &mut Output) -> Result<()> {
    let settings = args.login.settings(url)?.create(true);
    let source = Directory::open(&args.from)?;
    let settings = settings.begin_with_history_of(&source).map_err(|error| explained(error, &args.from))?;
    let stream = Arc::new(settings.open().map_err(|error| explained(error, &args.from))?);
    let waits: Arc<dyn Source> = stream.clone();
    stop.iter().for_each(|stop| interrupt::rouses(stop, &waits));
    let bar = progress::bar(Unit::Of(source.status()?.head, "changes"), output.is_json());
    let moved = moved(&source, &stream, &bar);
    bar.finish_and_clear();
    let moved = moved.map_err(|error| explained(error, &args.from))?;
    tell(moved, moved.copied, output)?;
    if moved.copied > 0 {
        told_what_it_is_worth(&stream);
    }
    match stop {
        Some(stop) => go_on(&source, &stream, stop, output).map_err(|error| explained(error, &args.from)),
        None if moved.copied > 0 => {
            stores::note(&format!(
                "what is written to {} from now on does not get into the stream by itself: if programs write there, \
                 have them write through the stream, and keep the directory as a backup",
                args.from.display()
            ));
            Ok(())
        }
        None => Ok(()),
    }
}

fn moved(source: &Directory, stream: &Stream, bar: &ProgressBar) -> redraft::Result<Progress> {
    stream.move_in(source, |step| {
        bar.set_length(step.source_version);
        bar.set_position(step.version);
    })
}

/// Moves what comes, until it is told to stop.
fn go_on(
    source: &Directory,
    stream: &Stream,
    stop: &AtomicBool,
    output: &mut Output,
) -> Result<(), anyhow::Error> {
    let mut known = source.status()?.head;
    let mut is_away = false;
    while !stop.load(Ordering::SeqCst) {
        let head = source.status()?.head;
        if head == known && !is_away {
            pause(LOOK, stop);
            continue;
        }
        match stream.move_in(source, |_| ()) {
            Ok(moved) => {
                (known, is_away) = (moved.version.max(head), false);
                tell(moved, moved.copied, output)?;
            }
            Err(error) if error.kind() == ErrorKind::Unreachable => {
                if !is_away {
                    stores::note(&format!("the stream does not answer, and is asked again: {error}"));
                }
                is_away = true;
                pause(PAUSE, stop);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits, unless it is told to stop.
fn pause(time: Duration, stop: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Ordering::SeqCst) {
        thread::sleep(LOOK.min(time));
    }
}

fn move_out(args: &Args, url: &str, stop: Option<&Arc<AtomicBool>>, output: &mut Output) -> Result<()> {
    let stream: Arc<dyn Source> = Arc::new(args.login.open(url)?);
    stop.iter().for_each(|stop| interrupt::rouses(stop, &stream));
    let mut mirror = Options::new().mirror_of(stream, &args.to, Beginning::Oldest)?;
    let bar = progress::bar(Unit::Of(0, "changes"), output.is_json());
    let done = mirror.catch_up_with(|step| {
        bar.set_length(step.source_version);
        bar.set_position(step.version);
    });
    bar.finish_and_clear();
    let end = done?;
    tell(end, end.copied, output)?;
    if let Some(stop) = stop {
        let (mut version, mut told) = (end.version, Ok(()));
        mirror.follow_while(|step| {
            if step.version > version {
                told = tell(step, step.version - version, output);
                version = step.version;
            }
            told.is_ok() && !stop.load(Ordering::SeqCst)
        })?;
        told?;
    }
    Ok(mirror.close()?)
}

fn tell(moved: Progress, copied: u64, output: &mut Output) -> Result<()> {
    let Progress { version, source_version: source, .. } = moved;
    let human = format!("version {version} of {source}, {} copied", text::count(copied, "change"));
    output.tell(&Moved { version, copied, source }, human)?;
    output.flush()
}

/// Says what to do where a store cannot go into a stream.
fn explained(error: impl Into<anyhow::Error>, from: &Path) -> anyhow::Error {
    let (error, from) = (error.into(), from.display());
    let told = match error.downcast_ref::<Error>() {
        Some(Error::Foreign { .. }) => {
            format!("the stream holds another history than {from}: take one that holds nothing")
        }
        Some(Error::Diverged { offset, .. }) => format!(
            "{from} and the stream have not the same beginning: change {} is the first that differs, and neither was changed",
            offset + 1
        ),
        Some(Error::Compacted { oldest, .. }) => format!(
            "the history of {from} begins at version {oldest}, and the stream has not come that far: it cannot be gone on with from \
             here"
        ),
        Some(Error::Superseded { .. }) => {
            format!(
                "{from} and the stream went separate ways when a replica was promoted: take a stream that holds nothing"
            )
        }
        _ => return error,
    };
    error.context(told)
}
