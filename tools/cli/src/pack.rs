//! `redraft pack`: compresses the history of a store.
//!
//! Always: versions, and what is read, stay what they were.

use crate::output::Output;
use crate::{places, progress, stores, text};
use anyhow::Result;
use serde::Serialize;
use std::path::PathBuf;

/// Compress the full segments of a store: its history takes less of the disk, and reads as before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  redraft pack notes.redraft")]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
}

#[derive(Serialize)]
struct Packed {
    segments: usize,
    saved_bytes: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead =
        "what a stream holds is not packed: redraft mirror moves it out, and promote makes a store of that";
    places::must_be_a_directory(&args.store, instead)?;
    let store = stores::write(&args.store)?;
    let bar = progress::bar(progress::Unit::Of(0, "segments"), output.is_json());
    let (saved_bytes, segments) = store.pack_with(|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    store.close()?;
    let human = match segments {
        0 => "nothing to pack: no full segment that would get smaller".into(),
        count => {
            format!("packed {}, {} saved", text::count(count as u64, "segment"), text::bytes(saved_bytes))
        }
    };
    output.tell(&Packed { segments, saved_bytes }, human)
}
