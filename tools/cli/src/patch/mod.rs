//! `redraft patch`: patches and documents in plain files, without a store.
//!
//! `input` reads them and says which file is at fault; `form` writes patches. Always: whatever is refused is refused
//! before anything is written to stdout.

mod form;
mod input;

use crate::apply::Format;
use crate::output::Output;
use anyhow::Result;
use input::Input;
use redraft::{Patch, Value};
use std::path::PathBuf;

/// Apply, compare, invert, squash and convert patches in plain files.
///
/// DOC is a JSON document, PATCH a patch for it; one of them may be - for stdin. The result goes to stdout as JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the document as the patch leaves it. All of it is applied or nothing.
    #[command(after_help = "Example:\n  redraft patch apply doc.json change.json > new.json")]
    Apply(One),
    /// Print the patch that turns the first document into the second.
    #[command(after_help = "Example:\n  redraft patch diff old.json new.json > change.json")]
    Diff(Two),
    /// Print the patch that undoes a patch: it is for the document as the patch leaves it.
    #[command(after_help = "Example:\n  redraft patch invert doc.json change.json > undo.json")]
    Invert(One),
    /// Print one patch that does what several do one after the other.
    #[command(after_help = "Example:\n  redraft patch squash doc.json monday.json tuesday.json > both.json")]
    Squash(Several),
    /// Print the patch in another format.
    #[command(after_help = "Example:\n  redraft patch convert doc.json change.json --to immer")]
    Convert(Convert),
}

#[derive(Debug, clap::Args)]
struct One {
    /// The document the patch is for: a file, or - for stdin.
    doc: PathBuf,
    /// The patch: a file, or - for stdin.
    patch: PathBuf,
    /// What patches are written in, those read as those printed.
    #[arg(long, value_enum, default_value_t = Format::JsonPatch)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Two {
    /// The document to start from: a file, or - for stdin.
    a: PathBuf,
    /// The document to arrive at: a file, or - for stdin.
    b: PathBuf,
    /// What the patch is to be written in.
    #[arg(long, value_enum, default_value_t = Format::JsonPatch)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Several {
    /// The document the first patch is for: a file, or - for stdin.
    doc: PathBuf,
    /// The patches, each for the document as the one before leaves it: files, one of which may be - for stdin.
    #[arg(required = true, value_name = "PATCH")]
    patches: Vec<PathBuf>,
    /// What patches are written in, those read as those printed.
    #[arg(long, value_enum, default_value_t = Format::JsonPatch)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Convert {
    #[command(flatten)]
    from: One,
    /// What the patch is to be written in.
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Format,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    match &args.what {
        What::Apply(args) => apply(args, output),
        What::Diff(args) => diff(args, output),
        What::Invert(args) => invert(args, output),
        What::Squash(args) => squash(args, output),
        What::Convert(args) => convert(args, output),
    }
}

fn apply(args: &One, output: &mut Output) -> Result<()> {
    let (doc, patch) = read(args)?;
    form::print_document(&redraft::apply(&doc, &patch)?.state, output)
}

fn diff(args: &Two, output: &mut Output) -> Result<()> {
    let input = Input::of([&args.a, &args.b])?;
    let (a, b) = (input.document(&args.a)?, input.document(&args.b)?);
    form::print_patch(&redraft::diff(&a, &b)?.0, &a, args.format, output)
}

fn invert(args: &One, output: &mut Output) -> Result<()> {
    let (doc, patch) = read(args)?;
    let applied = redraft::apply(&doc, &patch)?;
    form::print_patch(&applied.inverse, &applied.state, args.format, output)
}

fn squash(args: &Several, output: &mut Output) -> Result<()> {
    let input = Input::of(std::iter::once(&args.doc).chain(&args.patches))?;
    let doc = input.document(&args.doc)?;
    let (mut state, mut patches) = (doc.clone(), Vec::new());
    for file in &args.patches {
        let patch = input.patch(file, args.format, &state)?;
        state = redraft::apply(&state, &patch)?.state;
        patches.push(patch);
    }
    form::print_patch(&redraft::squash(&doc, &patches)?, &doc, args.format, output)
}

fn convert(args: &Convert, output: &mut Output) -> Result<()> {
    let (doc, patch) = read(&args.from)?;
    form::print_patch(&patch, &doc, args.to, output)
}

fn read(args: &One) -> Result<(Value, Patch)> {
    let input = Input::of([&args.doc, &args.patch])?;
    let doc = input.document(&args.doc)?;
    let patch = input.patch(&args.patch, args.format, &doc)?;
    Ok((doc, patch))
}
