//! `redraft snapshot`: writes the newest state down, so that opening starts from there.

use crate::output::Output;
use crate::{places, stores, text};
use anyhow::Result;
use serde::Serialize;
use std::path::PathBuf;

/// Write a snapshot of the newest state: opening the store and going back to later versions start from it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
}

#[derive(Serialize)]
struct Taken {
    version: u64,
    /// The snapshot that it continues.
    parent: Option<u64>,
    bytes: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead = "each copy of a stream takes its own snapshots";
    places::must_be_a_directory(&args.store, instead)?;
    let store = stores::write(&args.store)?;
    let redraft::SnapshotReport { version, parent, bytes, .. } = store.snapshot()?;
    store.close()?;
    let since =
        parent.map(|parent| format!(", what changed since that of version {parent}")).unwrap_or_default();
    let human = format!("snapshot of version {version}{since}, {}", text::bytes(bytes));
    output.tell(&Taken { version, parent, bytes }, human)
}
