//! `redraft archive`: what a store has sealed, put into object storage or a directory, and fetched from there.
//!
//! Always: the store is only read, and nothing goes from an archive; what is fetched is a backup.

use crate::output::Output;
use crate::places::Place;
use crate::{backup, exit, places, progress, stores};
use anyhow::Result;
use redraft::{Archive, Error};
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
    #[command(after_help = "Example:\n  redraft archive push notes.redraft file:///mnt/archive/notes")]
    Push {
        #[command(flatten)]
        store: Place,
        /// The archive: a directory, or its URL (file:///..).
        archive: String,
    },
    /// Copy what is in an archive into a directory, which is a backup then, to be read and restored from.
    #[command(after_help = "Example:\n  redraft archive fetch file:///mnt/archive/notes fetched.redraft")]
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
            let dir = store.directory(output)?;
            let reader = stores::read(&dir)?;
            let watch = progress::reading("archiving", &dir, output.is_json());
            let done = reader.archive(&at(archive)?)?;
            drop(watch);
            if done.version < reader.version() {
                stores::note(&format!(
                    "versions {} to {} are in a segment that is not full yet, and not in the archive: redraft backup copies them too",
                    done.version + 1,
                    reader.version()
                ));
            }
            backup::tell(&done, archive.as_ref(), "archived in", output)
        }
        Action::Fetch { archive, to } => {
            places::must_be_a_directory(to, "what is fetched is a directory")?;
            let watch = progress::filling("fetching", to, output.is_json());
            let done = at(archive)?.fetch(to).map_err(|error| explained(error, archive))?;
            drop(watch);
            backup::tell(&done, to, "fetched to", output)
        }
    }
}

/// An archive is no store, and nobody should make one there.
fn explained(error: Error, archive: &str) -> anyhow::Error {
    match error {
        Error::NotAStore { .. } => exit::NotThere(format!(
            "there is nothing in the archive {archive}: redraft archive push puts there what a store has sealed"
        ))
        .into(),
        other => other.into(),
    }
}

fn at(place: &str) -> Result<Archive> {
    Ok(if place.contains("://") { Archive::at(place)? } else { Archive::in_dir(place)? })
}
