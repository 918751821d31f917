//! `redraft redact`: tells in how many versions something is at a place, or what a writer wrote; with `--yes`, erases it from all of them.
//!
//! Always: without `--yes` nothing is changed.

use crate::output::Output;
use crate::{exit, places, progress, text, verify};
use anyhow::{Context, Result};
use redraft::value::Pointer;
use redraft::{Redaction, Value, WriterId};
use serde::Serialize;
use std::path::PathBuf;

/// Erase what was ever at a place, or what a writer wrote, from the whole history; versions stay. Without --yes, tell what would go. There is no way back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft redact notes.redraft /people/3/email
  redraft redact notes.redraft /people/3/email --with '\"gone\"' --yes
  redraft redact notes.redraft --writer 00c0ffee00c0ffee --yes")]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
    /// The places, as JSON Pointers into the newest version; what is in lists or was moved is followed back from there.
    #[arg(required_unless_present = "writer", value_name = "POINTER")]
    places: Vec<Pointer>,
    /// What this writer put anywhere, and said of it: texts become `*`, numbers 0; keys, lengths and what others did stay.
    #[arg(long, value_name = "WRITER", conflicts_with_all = ["places", "with"])]
    writer: Option<WriterId>,
    /// What stands there afterwards, as JSON: null unless said otherwise.
    #[arg(long, value_name = "JSON")]
    with: Option<String>,
    /// Do it. Without this nothing is changed.
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Planned {
    versions: u64,
    changes: u64,
}

#[derive(Serialize)]
struct Done {
    version: u64,
    changes: u64,
    written_bytes: u64,
    verified: verify::Found,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead = "nothing is taken out of a stream: redraft mirror moves it out, promote makes a store of that to redact, and a new stream takes it in";
    places::must_be_a_directory(&args.store, instead)?;
    if args.places.iter().any(|place| place.to_string().is_empty()) {
        let told = "the root is all there ever was: what is to be kept goes into a new store, and this one is deleted";
        return Err(exit::Usage(told.into()).into());
    }
    let stand_in =
        args.with.as_deref().map(|json| Value::from_json(json.as_bytes()).context("reading --with"));
    // The default of a document is an empty map.
    let stand_in = stand_in.transpose()?.unwrap_or(Value::Null);
    let watch = progress::reading("looking through", &args.store, output.is_json());
    let redaction = match args.writer {
        Some(writer) => Redaction::plan_writer(&args.store, writer)?,
        None => Redaction::plan(&args.store, args.places.iter().cloned())?.with(stand_in),
    };
    drop(watch);
    if args.yes && redaction.versions() > 0 {
        return carry_out(args, redaction, output);
    }
    let (versions, changes) = (redaction.versions(), redaction.changes());
    let (in_versions, in_changes) = (text::count(versions, "version"), text::count(changes, "change"));
    let human = match (versions, args.writer) {
        (0, None) => "nothing to erase: nothing ever was there".to_owned(),
        (0, Some(writer)) => format!("nothing to erase: {writer} has written nothing that is there"),
        (_, None) => {
            format!("something is there in {in_versions}, touched by {in_changes}; --yes erases it for good")
        }
        (_, Some(writer)) => format!(
            "{in_changes} would be blanked of what {writer} wrote, in the last {in_versions}; --yes erases it for good\n\
             keys, lengths, and what others wrote themselves stay"
        ),
    };
    output.tell(&Planned { versions, changes }, human)
}

fn carry_out(args: &Args, redaction: Redaction, output: &mut Output) -> Result<()> {
    let watch = progress::reading("rewriting", &args.store, output.is_json());
    let done = redaction.carry_out()?;
    drop(watch);
    let watch = progress::reading("checking", &args.store, output.is_json());
    let report = redraft::verify(&args.store)?;
    drop(watch);
    let (changes, size) = (text::count(done.changes, "change"), text::bytes(done.written_bytes));
    let human = format!(
        "erased: {changes} rewritten, {size} of history in all, told in version {}\n{}\n\
         copies made before (replicas that do not follow, backups, what a repair put aside) still hold it",
        done.version,
        verify::human(&report)
    );
    let redraft::Redacted { version, changes, written_bytes, .. } = done;
    output.tell(&Done { version, changes, written_bytes, verified: verify::found(&report) }, human)
}
