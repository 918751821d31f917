//! What `redraft snapshot` and `redraft compact` do where the store is a stream: a snapshot beside it, and giving up what is before one.
//!
//! Leaves verifying to the stream. Always: the history of a stream is everybody's, so nothing of it goes but what a snapshot that lies
//! beside it stands for; whoever is not that far yet begins with that.

use crate::nats::Reach;
use crate::output::Output;
use crate::snapshot::Taken;
use crate::{exit, stores, text};
use anyhow::Result;
use redraft::replica::{Directory, Source};
use redraft::{Error, Reader, Retention, Value};
use serde::Serialize;
use std::time::Duration;

/// What was given up of a stream.
#[derive(Serialize)]
struct Trimmed {
    oldest: u64,
    snapshots: usize,
}

/// Puts a snapshot of the newest version beside a stream, made by the copy of it.
pub(crate) fn snapshot(url: &str, reach: &Reach, output: &mut Output) -> Result<()> {
    reach.must_be_online(url)?;
    let stream = reach.stream(url)?;
    let replica = reach.replica(url, output)?;
    let version = replica.store().snapshot()?.version;
    replica.close()?;
    let copy = Directory::open(reach.directory(url)?)?;
    let bytes = copy.snapshot_bytes(version)?.unwrap_or(0);
    stream.put_snapshot(version, copy.snapshot(version)?)?;
    let human = format!("snapshot of version {version} beside the stream, {}", text::bytes(bytes));
    output.tell(&Taken { version, parent: None, bytes }, human)
}

/// Gives up what is before the newest snapshot beside a stream that leaves all that is to be kept.
pub(crate) fn compact(url: &str, reach: &Reach, keep: &Retention, output: &mut Output) -> Result<()> {
    reach.must_be_online(url)?;
    let stream = reach.stream(url)?;
    let kept = first_kept(&stores::read(&reach.up_to_date(url, output)?)?, keep)?;
    let before = stream.snapshots()?;
    let (oldest, fits) = (stream.status()?.oldest, before.iter().rfind(|version| **version <= kept));
    let Some(&version) = fits.filter(|version| **version > oldest) else {
        let human = format!(
            "nothing to give up: the oldest version is {oldest}, and no snapshot beside the stream is of a later one up to {kept}\n\
             redraft snapshot puts one there, of the newest version; what is before it can go once it is old enough"
        );
        return output.tell(&Trimmed { oldest, snapshots: 0 }, human);
    };
    stream.trim(version)?;
    let snapshots = before.iter().filter(|other| **other < version).count();
    let human = format!("gave up what is before version {version} of the stream, and {snapshots} snapshots");
    output.tell(&Trimmed { oldest: version, snapshots }, human)
}

/// The first version that has to be kept.
fn first_kept(copy: &Reader<Value>, keep: &Retention) -> Result<u64> {
    let newest = copy.version();
    match keep {
        Retention::Changes(count) => Ok(newest.saturating_sub(*count)),
        Retention::Age(age) => match copy.changes(newest..)?.next() {
            Some(change) => current_at(copy, change?.stamp.millis().saturating_sub(millis(age))),
            None => Ok(0),
        },
        _ => {
            let told = "how much a stream takes is its server's business: say --keep-changes or --keep-age";
            Err(exit::Usage(told.into()).into())
        }
    }
}

/// The version that was the newest then; all is to be kept where that is before what there is.
fn current_at(copy: &Reader<Value>, ms: u64) -> Result<u64> {
    match copy.version_at(i64::try_from(ms).unwrap_or(i64::MAX)) {
        Err(Error::BeforeKept { .. }) => Ok(0),
        answer => Ok(answer?),
    }
}

fn millis(age: &Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}
