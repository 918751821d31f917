//! `redraft promote` and `redraft rejoin`: a replica takes the primary's place, and the one that was makes way.

use crate::output::Output;
use crate::sources::Reach;
use crate::{files, log, places, text};
use anyhow::Result;
use redraft::Options;
use serde::Serialize;
use std::path::PathBuf;

/// Make a store of a replica: it takes the primary's place, and can be changed.
///
/// Make sure that nobody writes the old primary any more. Whoever follows the new one refuses the old one from then on; "rejoin"
/// makes a replica of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  redraft promote replica.redraft")]
pub(crate) struct Promote {
    /// The replica's directory.
    replica: PathBuf,
}

#[derive(Serialize)]
struct Promoted {
    epoch: u32,
}

pub(crate) fn promote(args: &Promote, output: &mut Output) -> Result<()> {
    let instead =
        "a stream has no primary: redraft mirror moves it out into a directory, which can be promoted";
    places::must_be_a_directory(&args.replica, instead)?;
    let epoch = Options::new().promote(&args.replica)?;
    output
        .tell(&Promoted { epoch }, format!("{} is the primary now, of epoch {epoch}", args.replica.display()))
}

/// Make a replica of a store that was the primary until another one took its place.
///
/// What it alone has is written to a file first, a change a line as "export" does; then it is brought to the history of the new
/// primary.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  redraft rejoin https://notes.example:7878 old.redraft --extra lost.jsonl")]
pub(crate) struct Rejoin {
    /// The new primary, a directory or the address of a server.
    #[arg(value_hint = clap::ValueHint::DirPath)]
    source: String,
    /// The old one's directory.
    store: PathBuf,
    /// Where to write the changes that only the old one has. The file must not exist.
    #[arg(long, value_name = "FILE")]
    extra: PathBuf,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Serialize)]
struct Told {
    common: u64,
    extra: u64,
}

pub(crate) fn rejoin(args: &Rejoin, output: &mut Output) -> Result<()> {
    places::must_be_a_directory(&args.store, "what rejoins is the directory of an old primary")?;
    let source = args.reach.open(&args.source)?;
    let plan = Options::new().plan_rejoin(source, &args.store)?;
    let (common, extra) = (plan.common(), plan.extra());
    // Before anything of it goes.
    files::write_new(&args.extra, |out| {
        plan.changes().try_for_each(|change| Ok(writeln!(out, "{}", log::json_of(&change?)?)?))
    })?;
    plan.carry_out()?;
    let human = format!(
        "the same up to version {common}; {} written to {}; {} follows now",
        text::count(extra, "change"),
        args.extra.display(),
        args.store.display(),
    );
    output.tell(&Told { common, extra }, human)
}
