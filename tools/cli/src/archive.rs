//! `redraft archive`: what a store has sealed, put into object storage or a directory, and fetched from there.
//!
//! Always: the store is only read, and nothing goes from an archive; what is fetched is a backup.

use crate::output::Output;
use crate::places::Place;
use crate::{backup, places};
use anyhow::Result;
use redraft::Archive;
use std::path::PathBuf;

/// Keep the full segments and the snapshots of a store elsewhere, or get them back from there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put what the archive does not have yet. What stands in the segment that is being written is left out: see `backup`.
    Push {
        #[command(flatten)]
        store: Place,
        /// The archive: a directory, or its URL (file:///..).
        archive: String,
    },
    /// Copy what is in an archive into a directory, which is a backup then, to be read and restored from.
    Fetch {
        /// The archive: a directory, or its URL (file:///..).
        archive: String,
        /// The directory: missing, empty, or with what was fetched before.
        to: PathBuf,
    },
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    match &args.action {
        Action::Push { store, archive } => {
            let done = store.read(output)?.archive(&at(archive)?)?;
            backup::tell(&done, archive.as_ref(), "archived in", output)
        }
        Action::Fetch { archive, to } => {
            places::must_be_a_directory(to, "what is fetched is a directory")?;
            let done = at(archive)?.fetch(to)?;
            backup::tell(&done, to, "fetched to", output)
        }
    }
}

fn at(place: &str) -> Result<Archive> {
    Ok(if place.contains("://") { Archive::at(place)? } else { Archive::in_dir(place)? })
}
