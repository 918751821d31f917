//! `redraft snapshot`: writes the newest state down as a whole, so that opening starts from there.

use crate::output::Output;
use crate::{files, stores, text};
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
    bytes: Option<u64>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let store = stores::write(&args.store)?;
    let version = store.snapshot()?;
    store.close()?;
    let bytes = files::size(&args.store.join(format!("{version:020}.snap")));
    let size = bytes.map(|bytes| format!(", {}", text::bytes(bytes))).unwrap_or_default();
    output.tell(&Taken { version, bytes }, format!("snapshot of version {version}{size}"))
}
