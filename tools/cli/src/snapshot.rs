//! `redraft snapshot`: writes the newest state down, so that opening starts from there.

use crate::output::Output;
use crate::{places, progress, stores, text, trim};
use anyhow::Result;
use serde::Serialize;

/// Write a snapshot of the newest state: opening the store and going back to later versions start from it.
///
/// Of a stream, one beside it: new copies begin there, and "redraft compact" can give up what is before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  redraft snapshot notes.redraft")]
pub(crate) struct Args {
    #[command(flatten)]
    store: places::Place,
}

#[derive(Serialize)]
pub(crate) struct Taken {
    pub(crate) version: u64,
    /// The snapshot that it continues.
    pub(crate) parent: Option<u64>,
    pub(crate) bytes: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    if let Some((url, reach)) = args.store.stream() {
        return trim::snapshot(url, reach, output);
    }
    let watch = progress::reading("reading", args.store.path()?, output.is_json());
    let store = stores::write(args.store.path()?)?;
    let redraft::SnapshotReport { version, parent, bytes, .. } = store.snapshot()?;
    store.close()?;
    drop(watch);
    let since =
        parent.map(|parent| format!(", what changed since that of version {parent}")).unwrap_or_default();
    let human = format!("snapshot of version {version}{since}, {}", text::bytes(bytes));
    output.tell(&Taken { version, parent, bytes }, human)
}
