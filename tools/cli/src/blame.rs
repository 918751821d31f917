//! `redraft blame`: who set a place last, or all that was ever done to it.
//!
//! Always: reads only, beside a writer too.

use crate::output::Output;
use crate::places::Place;
use crate::text::{self, Length};
use crate::{exit, log, progress, stores};
use anyhow::Result;
use redraft::{Touch, Value};
use serde::Serialize;
use serde_json::value::RawValue;

/// Tell which change set what is at a JSON Pointer, followed through moves and through lists that grew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft blame notes.redraft /title
  redraft blame notes.redraft /cards/0/text --all")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The place.
    pointer: String,
    /// All changes of it, newest first.
    #[arg(long)]
    all: bool,
    /// Print whole values.
    #[arg(long)]
    full: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    about: log::About<'a>,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Box<RawValue>>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let pointer = log::parse_pointer(&args.pointer)?;
    let dir = args.store.directory(output)?;
    let reader = stores::read(&dir)?;
    let mut touches = 0;
    if args.all {
        for touch in reader.life(&pointer)? {
            tell(&touch?, args.full, output)?;
            touches += 1;
        }
    } else {
        let watch = progress::reading("searching", &dir, output.is_json());
        let found = reader.blame(&pointer)?;
        drop(watch);
        if let Some(touch) = found {
            tell(&touch, args.full, output)?;
            touches += 1;
        }
    }
    match touches {
        0 => Err(exit::NotThere(format!("no change ever set anything at {:?}", args.pointer)).into()),
        _ => Ok(()),
    }
}

fn tell(touch: &Touch, full: bool, output: &mut Output) -> Result<()> {
    if !output.is_json() {
        return output.headed(&human(touch, if full { Length::Full } else { Length::Summary }));
    }
    output.json_line(&Line {
        about: log::About::of(&touch.change),
        path: touch.place.to_string(),
        from: touch.from.as_ref().map(ToString::to_string),
        old: raw(touch.old.as_ref())?,
        new: raw(touch.new.as_ref())?,
    })
}

fn raw(value: Option<&Value>) -> Result<Option<Box<RawValue>>> {
    Ok(value.map(|value| RawValue::from_string(value.to_json_string())).transpose()?)
}

/// A line about the change, and one about what it did: `/title "garden" -> "house"`.
fn human(touch: &Touch, length: Length) -> String {
    let shown = |value: Option<&Value>| value.map_or("(nothing)".into(), |value| length.of(value));
    let place = match touch.place.tokens() {
        [] => "\"\"".into(),
        _ => touch.place.to_string(),
    };
    let did = match &touch.from {
        Some(from) if touch.old == touch.new => format!("{place} moved here from {from}"),
        Some(from) => format!("{place} moved here from {from}, {}", shown(touch.new.as_ref())),
        None => format!("{place} {} -> {}", shown(touch.old.as_ref()), shown(touch.new.as_ref())),
    };
    format!("{}\n    {}", log::headline(&touch.change), text::one_line(&did))
}
