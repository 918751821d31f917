//! `redraft import`: histories from elsewhere.

use crate::output::Output;
use crate::{import_git, import_jsonl};
use anyhow::Result;
use clap::Subcommand;

/// Import a history, each step as one change.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Jsonl(import_jsonl::Args),
    Git(import_git::Args),
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    match &args.from {
        From::Jsonl(args) => import_jsonl::run(args, output),
        From::Git(args) => import_git::run(args, output),
    }
}
