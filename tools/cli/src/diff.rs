//! `redraft diff`: what turns one version into another.
//!
//! Always: reads only, beside a writer too.

use crate::args;
use crate::output::Output;
use crate::stores;
use crate::text::{self, Length};
use anyhow::Result;
use redraft::patch::{Action, Op};
use redraft::{Patch, Value};
use std::path::PathBuf;

/// Print what turns one version into another; the second may be the older one.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
    /// The version to start from.
    #[arg(value_parser = args::version)]
    v1: u64,
    /// The version to arrive at.
    #[arg(value_parser = args::version)]
    v2: u64,
    /// Print a patch in this form; with --json, json-patch is the default.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print whole values.
    #[arg(long)]
    full: bool,
}

/// A JSON form that any patch can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// RFC 6902.
    JsonPatch,
    /// What Immer's applyPatches takes.
    Immer,
    /// redraft's own, without losses.
    Native,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let reader = stores::read(&args.store)?;
    let (old, new) = (reader.at(args.v1)?, reader.at(args.v2)?);
    let (patch, _) = redraft::diff(&*old, &*new)?;
    match args.format.or(output.is_json().then_some(Format::JsonPatch)) {
        Some(Format::JsonPatch) => output.json_line(&patch.to_json_patch(&old)?),
        Some(Format::Immer) => output.json_line(&patch.to_immer(&old)?),
        Some(Format::Native) => output.json_line(&patch.to_native()?),
        None => {
            each_op((*old).clone(), &patch, if args.full { Length::Full } else { Length::Summary }, output)
        }
    }
}

/// Goes through the ops on a copy of the older state, since each says what it overwrites only where it is applied.
fn each_op(mut state: Value, patch: &Patch, length: Length, output: &mut Output) -> Result<()> {
    for op in patch {
        let applied = redraft::apply(&state, &Patch::from(vec![op.clone()]))?;
        let line = line(op, applied.inverse.first(), length);
        output.human(text::one_line(&line))?;
        state = applied.state;
    }
    Ok(())
}

/// The op with what was there before it: `replace /a 1 -> 2`.
fn line(op: &Op, inverse: Option<&Op>, length: Length) -> String {
    let (name, place) = (op.action.name(), text::pointer(&op.path));
    let old = match inverse.map(|inverse| &inverse.action) {
        Some(Action::Add(value) | Action::Replace(value)) => length.of(value),
        Some(Action::Splice { ins, .. }) => text::insert(ins, length),
        _ => String::new(),
    };
    match &op.action {
        Action::Add(value) if old.is_empty() => format!("{name} {place} {}", length.of(value)),
        Action::Add(value) | Action::Replace(value) => {
            format!("{name} {place} {old} -> {}", length.of(value))
        }
        Action::Remove => format!("{name} {place} {old}"),
        Action::Splice { at, ins, .. } => {
            format!("{name} {place} @{at} {old} -> {}", text::insert(ins, length))
        }
        Action::Inc(by) => format!("{name} {place} {by:+}"),
    }
}
