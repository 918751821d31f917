//! `redraft import jsonl`: a file of patches, one on each line, each one change.
//!
//! Always: a line that cannot be taken is named, and what came before it stays.

use crate::apply::Format;
use crate::output::Output;
use crate::{files, places, progress, stores, text};
use anyhow::{Context, Result, anyhow, bail};
use redraft::{Meta, Patch, Store, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Import a file with a JSON Patch on each line, or {"label", "at", "patch"} with the time in RFC 3339 or milliseconds
/// since 1970.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft import jsonl changes.jsonl notes.redraft
  zcat changes.jsonl.gz | redraft import jsonl - notes.redraft")]
pub(crate) struct Args {
    /// The file, or - for stdin.
    file: PathBuf,
    /// The store; it is made if it is not there.
    store: PathBuf,
}

/// A line that says more than the patch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    label: Option<String>,
    at: Option<At>,
    #[serde(borrow)]
    patch: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum At {
    Millis(i64),
    Text(String),
}

impl At {
    fn millis(self) -> Result<i64> {
        match self {
            At::Millis(at_ms) => Ok(at_ms),
            At::Text(text) => {
                let parsed = text.parse::<jiff::Timestamp>();
                let time = parsed.map_err(|error| anyhow!("{text:?} is not a time in RFC 3339: {error}"))?;
                Ok(time.as_millisecond())
            }
        }
    }
}

#[derive(Serialize)]
struct Imported {
    version: u64,
    lines: u64,
    changes: u64,
    bytes: u64,
    seconds: f64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead = "import into a directory, and have redraft mirror move that into a stream";
    places::must_be_a_directory(&args.store, instead)?;
    let started = Instant::now();
    let unit = files::size(&args.file).map_or(progress::Unit::Some("lines"), progress::Unit::BytesOf);
    let bar = progress::bar(unit, output.is_json());
    let mut input = files::open(&args.file)?;
    let mut target = Target::find(args.store.clone())?;
    let first = target.version();
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let name = files::name(&args.file);
        if input.read_until(b'\n', &mut line).with_context(|| format!("cannot read {name}"))? == 0 {
            break;
        }
        number += 1;
        if !line.trim_ascii().is_empty()
            && let Err(error) = target.take(&line)
        {
            let error = error.context(format!("{name}, line {number} ({})", target.kept()));
            // The line is what the user has to hear of, whatever closing says.
            let _ = target.close();
            return Err(error);
        }
        bar.inc(if files::size(&args.file).is_some() { line.len() as u64 } else { 1 });
    }
    // A file without lines makes an empty store.
    target.open()?;
    let version = target.version();
    target.close()?;
    bar.finish_and_clear();
    let (bytes, seconds) = (files::directory_bytes(&args.store)?, started.elapsed().as_secs_f64());
    let changes = version - first;
    let human = format!(
        "imported {} from {}: version {version}, {} on disk, {seconds:.2} s, {:.0} changes/s",
        text::count(changes, "change"),
        text::count(number, "line"),
        text::bytes(bytes),
        changes as f64 / seconds
    );
    output.tell(&Imported { version, lines: number, changes, bytes, seconds }, human)
}

/// The store, made only when there is something to put into it: a bad file leaves nothing behind.
struct Target {
    path: PathBuf,
    store: Option<Store<Value>>,
}

impl Target {
    fn find(path: PathBuf) -> Result<Target> {
        let store = files::is_taken(&path).then(|| stores::write(&path)).transpose()?;
        Ok(Target { path, store })
    }

    fn version(&self) -> u64 {
        self.store.as_ref().map_or(0, Store::version)
    }

    fn kept(&self) -> String {
        match &self.store {
            Some(store) => format!("what came before it is imported, up to version {}", store.version()),
            None => "nothing was imported".into(),
        }
    }

    fn open(&mut self) -> Result<&Store<Value>> {
        let store = match self.store.take() {
            Some(store) => store,
            None => stores::write_or_create(&self.path)?,
        };
        Ok(self.store.insert(store))
    }

    fn take(&mut self, line: &[u8]) -> Result<()> {
        let state = self.store.as_ref().map_or_else(Arc::default, Store::state);
        let (patch, meta) = read(line, &state)?;
        self.open()?.apply_with(meta, &patch)?;
        Ok(())
    }

    fn close(self) -> Result<()> {
        Ok(self.store.map_or(Ok(()), Store::close)?)
    }
}

fn read(line: &[u8], state: &Value) -> Result<(Patch, Meta)> {
    if line.trim_ascii_start().first() == Some(&b'[') {
        return Ok((Format::JsonPatch.read_in_line(line, 0, state)?, Meta::default()));
    }
    let entry: Entry<'_> = match serde_json::from_slice(line) {
        Ok(entry) => entry,
        Err(error) => bail!("column {}: {}", error.column(), without_position(&error)),
    };
    let text = entry.patch.get().as_bytes();
    // The patch is a part of the line, so the distance between their starts is its column.
    let column = (text.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    let at_ms = entry.at.map(At::millis).transpose()?;
    let meta = Meta { label: entry.label, at_ms, ..Meta::default() };
    Ok((Format::JsonPatch.read_in_line(text, column, state)?, meta))
}

/// serde_json ends its messages with the position, of which the line is always the first here.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}
