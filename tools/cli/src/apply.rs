//! `redraft apply`: one patch, or one for each line, applied to the newest state.
//!
//! A patch is converted against the very state it is applied to, and one is done at a time. An acknowledgement is written only once the
//! change is durable: it survives power loss, or whatever the stream it went to survives.

use crate::output::{Output, OutputClosed};
use crate::places::Place;
use crate::writing::{Placed, Target};
use crate::{files, text};
use anyhow::{Context, Result, anyhow};
use redraft::patch::json::PatchJsonError;
use redraft::{Meta, Patch, Value};
use serde::Serialize;
use std::io::BufRead;
use std::path::PathBuf;

/// Apply a patch to the newest state. All of it or nothing; durable once acknowledged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  echo '[{\"op\": \"add\", \"path\": \"/title\", \"value\": \"plan\"}]' | redraft apply notes.redraft --label 'a title'
  redraft apply notes.redraft change.json --format merge-patch
  redraft apply notes.redraft changes.jsonl --lines")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The patch: a file, or - for stdin.
    #[arg(default_value = "-", hide_default_value = true)]
    patch: PathBuf,
    /// What the patch is written in.
    #[arg(long, value_enum, default_value_t = Format::JsonPatch)]
    format: Format,
    /// A short text for the history.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Take one patch from each line. Each is acknowledged by a line with the version it made. A bad line ends it; what
    /// came before stays.
    #[arg(long)]
    lines: bool,
}

/// A JSON form of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// RFC 6902.
    JsonPatch,
    /// RFC 7396.
    MergePatch,
    /// What Immer's produceWithPatches gives.
    Immer,
    /// redraft's own, without losses.
    Native,
}

impl Format {
    pub(crate) fn read(self, text: &[u8], doc: &Value) -> Result<Patch, PatchJsonError> {
        match self {
            Format::JsonPatch => Patch::from_json_patch(text, doc),
            Format::MergePatch => Patch::from_merge_patch(text, doc),
            Format::Immer => Patch::from_immer(text, doc),
            Format::Native => Patch::from_native(text, doc),
        }
    }

    /// The same for a patch that starts at a column of a line of its own: errors tell the column of that line.
    pub(crate) fn read_in_line(self, text: &[u8], column: usize, doc: &Value) -> Result<Patch> {
        self.read(text, doc).map_err(|error| match error {
            PatchJsonError::Syntax(error) => anyhow!("column {}: {}", column + error.column, error.message),
            other => other.into(),
        })
    }
}

#[derive(Serialize)]
struct Acknowledged {
    version: u64,
    ops: usize,
    /// What became of it, where others write too.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

impl Acknowledged {
    fn of(placed: &Placed) -> Acknowledged {
        let &Placed { version, ops, outcome } = placed;
        Acknowledged { version, ops, outcome }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let meta = Meta { label: args.label.clone(), ..Meta::default() };
    if args.lines {
        let store = args.store.write(output)?;
        let done = lines(&store, args, &meta, output);
        // The store is closed properly even if a line was bad; the line is what the user has to hear of.
        let closed = store.close();
        done?;
        return closed;
    }
    let text = files::read(&args.patch)?;
    let store = args.store.write(output)?;
    let make = |state: &Value| args.format.read(&text, state).with_context(|| files::name(&args.patch));
    let placed = store.apply(meta, make);
    let closed = store.close();
    let placed = placed?;
    closed?;
    let Placed { version, ops, .. } = placed;
    if ops > 0 {
        output.was_done(format!("version {version} was made"));
    }
    let human = match ops {
        0 => format!("version {version}: the patch changes nothing"),
        _ => format!("version {version}: {}{}", text::count(ops as u64, "op"), placed.remark()),
    };
    output.tell(&Acknowledged::of(&placed), human)
}

/// Reads and applies in one step: the state read for is the state applied to.
fn line(store: &Target, format: Format, text: &[u8], meta: Meta) -> Result<Placed> {
    store.apply(meta, |state| format.read_in_line(text, 0, state))
}

fn lines(store: &Target, args: &Args, meta: &Meta, output: &mut Output) -> Result<()> {
    let mut input = files::open(&args.patch)?;
    let (mut text, mut number) = (Vec::new(), 0u64);
    loop {
        text.clear();
        let name = || files::name(&args.patch);
        if input.read_until(b'\n', &mut text).with_context(|| format!("cannot read {}", name()))? == 0 {
            return Ok(());
        }
        number += 1;
        if text.trim_ascii().is_empty() {
            continue;
        }
        let placed = line(store, args.format, text.trim_ascii_end(), meta.clone()).with_context(|| {
            let kept = store.version();
            format!("{}, line {number} (what came before it is applied, up to version {kept})", name())
        })?;
        output.was_done(format!("{}, line {number} is applied as version {}", name(), placed.version));
        let told = output.tell(&Acknowledged::of(&placed), placed.version).and_then(|()| output.flush());
        // There is more to do: that it was not done must not look like success.
        told.map_err(|error| match error.downcast_ref() {
            Some(OutputClosed) => anyhow!(
                "nobody reads what is acknowledged: stopped behind {}, line {number}, up to version {}",
                name(),
                placed.version
            ),
            None => error,
        })?;
    }
}
