//! `redraft diff`: what turns one version into another.
//!
//! Always: reads only, beside a writer too.

use crate::output::{Colour, Output};
use crate::places::Place;
use crate::text::{self, Length};
use crate::times::{self, At};
use anyhow::Result;
use redraft::patch::{Action, Op};
use redraft::value::Path;
use redraft::{Patch, Value};
use serde::Serialize;
use std::collections::BTreeMap;

/// Print what turns one version into another; the second may be the older one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft diff notes.redraft 3 7
  redraft diff notes.redraft yesterday now --stat
  redraft diff notes.redraft 7 3 --format json-patch")]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The version to start from, or a time at which it was the newest.
    #[arg(value_name = "V1", value_parser = times::at)]
    v1: At,
    /// The version to arrive at, or a time.
    #[arg(value_name = "V2", value_parser = times::at)]
    v2: At,
    /// Print a patch in this form; with --json, json-patch is the default.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print only how many ops there are, and where.
    #[arg(long, conflicts_with_all = ["format", "full"])]
    stat: bool,
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
    let reader = args.store.read(output)?;
    let (old, new) = (reader.at(args.v1.version(&reader)?)?, reader.at(args.v2.version(&reader)?)?);
    let (patch, _) = redraft::diff(&*old, &*new)?;
    if args.stat {
        return tell_counts(&patch, output);
    }
    match args.format.or(output.is_json().then_some(Format::JsonPatch)) {
        Some(Format::JsonPatch) => output.json_line(&patch.to_json_patch(&old)?),
        Some(Format::Immer) => output.json_line(&patch.to_immer(&old)?),
        Some(Format::Native) => output.json_line(&patch.to_native()?),
        None => {
            let length = if args.full { Length::Full } else { Length::Summary };
            let coloured = output.takes_colours();
            each_op((*old).clone(), &patch, length, coloured, output)
        }
    }
}

/// Goes through the ops on a copy of the older state, since each says what it overwrites only where it is applied.
fn each_op(
    mut state: Value,
    patch: &Patch,
    length: Length,
    coloured: bool,
    output: &mut Output,
) -> Result<()> {
    for op in patch {
        let applied = redraft::apply(&state, &Patch::from(vec![op.clone()]))?;
        let line = text::one_line(&line(op, applied.inverse.first(), length));
        output.coloured(coloured.then(|| colour(&op.action)), line)?;
        state = applied.state;
    }
    Ok(())
}

fn colour(action: &Action) -> Colour {
    match action {
        Action::Add(_) => Colour::Green,
        Action::Remove => Colour::Red,
        Action::Replace(_) | Action::Splice { .. } | Action::Inc(_) => Colour::Yellow,
    }
}

/// How many ops of each kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Counts {
    added: u64,
    removed: u64,
    changed: u64,
}

impl Counts {
    fn note(&mut self, action: &Action) {
        match action {
            Action::Add(_) => self.added += 1,
            Action::Remove => self.removed += 1,
            Action::Replace(_) | Action::Splice { .. } | Action::Inc(_) => self.changed += 1,
        }
    }

    fn told(self) -> String {
        format!("+{} -{} ~{}", self.added, self.removed, self.changed)
    }
}

#[derive(Serialize)]
struct Stat {
    ops: usize,
    #[serde(flatten)]
    all: Counts,
    places: BTreeMap<String, Counts>,
}

/// Counts ops by the first step of their paths.
fn tell_counts(patch: &Patch, output: &mut Output) -> Result<()> {
    let mut stat = Stat { ops: patch.len(), all: Counts::default(), places: BTreeMap::new() };
    for op in patch {
        let top: Path = op.path.iter().take(1).cloned().collect();
        stat.places.entry(top.to_string()).or_default().note(&op.action);
        stat.all.note(&op.action);
    }
    if output.is_json() {
        return output.json_line(&stat);
    }
    for (place, counts) in &stat.places {
        let place = if place.is_empty() { "\"\"" } else { place };
        output.human(format!("{}  {}", text::one_line(place), counts.told()))?;
    }
    output.human(format!("{}: {}", text::count(stat.ops as u64, "op"), stat.all.told()))
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
