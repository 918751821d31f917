//! `redraft top`: a store at work, live in the terminal.
//!
//! `source` looks, `model` keeps what was seen, `draw` shows it, `screen` goes round. Always: reads only, beside the writer.

mod draw;
mod model;
mod screen;
mod source;

use crate::exit;
use crate::output::Output;
use crate::sources::Reach;
use anyhow::Result;
use model::{Follower, Latency, Model};
use serde::Serialize;
use source::Followed;
use std::time::Duration;

/// What one frame takes without a terminal.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;
/// So many are told of each list as JSON.
const LISTED: usize = 10;

/// Show a store at work: how fast it changes, where, by whom, and who lags behind.
///
/// Keys: q quits, p pauses, + and - make the window longer and shorter, ? explains. A store that is elsewhere is followed by a copy in a
/// temporary directory, from its newest snapshot on. The latency is from a change's stamp to when it is seen here to be durable.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft top notes.redraft
  redraft top https://notes.example:7878 --token-file token
  redraft top notes.redraft --once --json --window 300")]
pub(crate) struct Args {
    /// The store: a directory, the address of a server, or nats://HOST:PORT?stream=NAME.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    store: String,
    /// Print one frame and end; with --json one object.
    #[arg(long)]
    once: bool,
    /// How many seconds are looked at: 15, 30, 60, 300 or 600; the next of these.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    window: usize,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Serialize)]
struct Told<'a> {
    store: &'a str,
    version: u64,
    oldest: u64,
    window_seconds: usize,
    changes: u64,
    changes_per_second: f64,
    bytes_per_second: f64,
    latency_ms: Option<LatencyTold>,
    segments: Option<u64>,
    segment_bytes: Option<u64>,
    snapshots: Option<u64>,
    snapshot_bytes: Option<u64>,
    snapshot: Option<u64>,
    followers: Option<Vec<FollowerTold<'a>>>,
    places: Vec<Place>,
    writers: Vec<Writer>,
}

#[derive(Serialize)]
struct LatencyTold {
    p50: u64,
    p99: u64,
    max: u64,
}

#[derive(Serialize)]
struct FollowerTold<'a> {
    name: &'a str,
    version: u64,
    behind: u64,
    behind_bytes: u64,
}

#[derive(Serialize)]
struct Place {
    path: String,
    ops: u64,
}

#[derive(Serialize)]
struct Writer {
    writer: String,
    changes: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    if !args.once && (output.is_json() || !output.is_terminal()) {
        let told = "the live view needs a terminal: --once prints one frame, --once --json one object";
        return Err(exit::Usage(told.into()).into());
    }
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let followed = Followed::open(&args.store, &args.reach)?;
    let mut model = Model::new(&args.store, args.window, now_ms);
    followed.begin(&mut model, now_ms)?;
    let shown = match args.once {
        true => once(args, &followed, &mut model, output),
        false => screen::show(&followed, &mut model, output.takes_colours()),
    };
    let closed = followed.close();
    shown.and(closed)
}

/// Looks for a second, so that what comes now is seen to come.
fn once(args: &Args, followed: &Followed, model: &mut Model, output: &mut Output) -> Result<()> {
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(100));
        followed.go_on(model, jiff::Timestamp::now().as_millisecond(), true)?;
    }
    // The second that is not over does not count.
    model.tick(jiff::Timestamp::now().as_millisecond() + 1_000);
    match output.is_json() {
        true => output.json_line(&told(args, model)),
        false => output.human(draw::as_text(model, COLUMNS, ROWS)?),
    }
}

fn told<'a>(args: &'a Args, model: &'a Model) -> Told<'a> {
    let (now, files) = (&model.now, model.now.files);
    let follower = |follower: &'a Follower| FollowerTold {
        name: &follower.name,
        version: follower.version,
        behind: now.version.saturating_sub(follower.version),
        behind_bytes: follower.behind_bytes,
    };
    let latency = |Latency { half, most, longest }| LatencyTold { p50: half, p99: most, max: longest };
    Told {
        store: &args.store,
        version: now.version,
        oldest: now.oldest,
        window_seconds: model.window_seconds(),
        changes: model.changes(),
        changes_per_second: model.per_second(model.changes()),
        bytes_per_second: model.per_second(model.bytes()),
        latency_ms: model.latency().map(latency),
        segments: files.map(|files| files.segments),
        segment_bytes: files.map(|files| files.segment_bytes),
        snapshots: files.map(|files| files.snapshots),
        snapshot_bytes: files.map(|files| files.snapshot_bytes),
        snapshot: files.and_then(|files| files.newest_snapshot),
        followers: now.followers.as_ref().map(|followers| followers.iter().map(follower).collect()),
        places: model.hottest(LISTED).into_iter().map(|(path, ops)| Place { path, ops }).collect(),
        writers: model
            .busiest(LISTED)
            .into_iter()
            .map(|(writer, changes)| Writer { writer, changes })
            .collect(),
    }
}
