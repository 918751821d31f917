//! The buffer of a text editor, with a history that never ends: every keystroke is one change in a store, any version can
//! be shown again, and any keystroke taken back, also one that is not the last.
//!
//! ```text
//! cargo run --release --example editor                             a few edits of its own
//! cargo run --release --example editor -- TRACE.json.gz            replays a recorded session
//! cargo run --release --example editor -- TRACE.json.gz --store D  and keeps the history in the directory D
//! ```
//!
//! A trace is JSON, `{startContent, endContent, txns: [{patches: [[position, deleted, inserted]]}]}` with positions in
//! Unicode scalar values, as the collection <https://github.com/josephg/editing-traces> has them.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]
#![allow(
    clippy::disallowed_methods,
    reason = "the rule is for the library; this reads a file of the reader's"
)]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use redraft::collections::Text;
use redraft::patch::Action;
use redraft::{Meta, Store, draft};
use serde::Deserialize;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A recorded editing session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    start_content: String,
    end_content: String,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    patches: Vec<Edit>,
}

/// So many characters at a position, and what was put in their place.
#[derive(Deserialize)]
struct Edit(usize, usize, String);

impl Edit {
    /// What the editor does with a keystroke: nothing here knows of patches.
    fn type_into(&self, text: &mut Text) {
        text.replace_range(self.0..self.0 + self.1, &self.2);
    }
}

impl Trace {
    fn read(path: &Path) -> Result<Self> {
        let mut json = String::new();
        let unreadable =
            |error: &dyn Error| format!("{} is no gzipped editing trace: {error}", path.display());
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        GzDecoder::new(file).read_to_string(&mut json).map_err(|error| unreadable(&error))?;
        serde_json::from_str(&json).map_err(|error| unreadable(&error).into())
    }

    /// A session short enough to stand here: a line is typed, a word in it replaced.
    fn own() -> Self {
        let typed = "Every keystroke is a change.\n".repeat(200);
        let keys = typed.chars().zip(0..).map(|(key, at)| Edit(at, 0, key.into()));
        let then = [Edit(6, 9, "stroke of a key".into()), Edit(0, 5, "Each".into())];
        let txns = keys.chain(then).map(|edit| Transaction { patches: vec![edit] }).collect();
        let end_content = format!("Each stroke of a key{}", &typed["Every keystroke".len()..]);
        Self { start_content: String::new(), end_content, txns }
    }

    fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.txns.iter().flat_map(|transaction| &transaction.patches)
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (mut trace, mut dir) = (None, None);
    while let Some(argument) = arguments.next() {
        if argument == "--store" {
            dir = Some(PathBuf::from(arguments.next().ok_or("--store needs a directory")?));
        } else {
            trace = Some(PathBuf::from(argument));
        }
    }
    let trace = trace.map_or_else(|| Ok(Trace::own()), |path| Trace::read(&path))?;
    in_memory(&trace)?;
    let scratch = tempfile::tempdir()?;
    in_a_store(&trace, &dir.unwrap_or_else(|| scratch.path().join("text.redraft")))
}

/// Every keystroke drafted: what changed is found out, with a patch to send and an inverse to undo it.
fn in_memory(trace: &Trace) -> Result<()> {
    let mut text = Text::from(&trace.start_content[..]);
    let (mut count, mut operations) = (0_usize, 0);
    let start = Instant::now();
    for edit in trace.edits() {
        let drafted = draft(&text, |text| edit.type_into(text))?;
        operations += drafted.patch.len().max(drafted.inverse.len());
        text = drafted.state;
        count += 1;
    }
    let took = start.elapsed();
    same("the text at the end", &text, &trace.end_content)?;
    println!("in memory: {count} keystrokes, {} a second, {operations} operations", per_second(count, took));
    Ok(())
}

/// Every keystroke made durable before the next.
fn in_a_store(trace: &Trace, dir: &Path) -> Result<()> {
    let store = Store::<Text>::create_new(dir)?;
    if !trace.start_content.is_empty() {
        store.produce_with(Meta::label("open"), |text| text.push_str(&trace.start_content))?;
    }
    let first = store.version();
    let (start, mut said) = (Instant::now(), Instant::now());
    for edit in trace.edits() {
        store.produce(|text| edit.type_into(text))?;
        if said.elapsed() > Duration::from_secs(2) {
            said = Instant::now();
            println!("  {} keystrokes are durable", store.version() - first);
        }
    }
    let typed = store.version() - first;
    println!("on disk: {typed} keystrokes, {} a second", per_second(typed as usize, start.elapsed()));
    same("the text in the store", &store.state(), &trace.end_content)?;
    look_back(&store, first + typed * 2 / 3)?;
    let version = store.version();
    store.close()?;
    println!("{:.1} bytes a keystroke in {}", bytes_in(dir)? as f64 / version as f64, dir.display());
    Ok(())
}

/// Shows an earlier version, and takes the last keystrokes back.
fn look_back(store: &Store<Text>, version: u64) -> Result<()> {
    let start = Instant::now();
    let then = store.at(version)?;
    println!(
        "version {version}, found in {:?}: {:?}",
        start.elapsed(),
        around(&then, place(store, version)?)
    );
    let last = store.version();
    let at = place(store, last)?;
    println!("version {last}, the last keystroke: {:?}", around(&store.state(), at));
    for version in (last - 4..=last).rev() {
        store.undo(version)?;
    }
    println!("version {}, five undone: {:?}", store.version(), around(&store.state(), at));
    same("the text without five keystrokes", &store.state(), &String::from(&*store.at(last - 5)?))
}

/// Where the change that made a version was made.
fn place(store: &Store<Text>, version: u64) -> Result<usize> {
    let change = store.changes(version..=version)?.next().ok_or("there is no such version")??;
    match change.patch.first().map(|op| &op.action) {
        Some(Action::Splice { at, ins, .. }) => Ok(at + ins.len()),
        _ => Ok(0),
    }
}

/// What stands before and behind a place.
fn around(text: &Text, at: usize) -> String {
    let at = at.min(text.len());
    format!("{}|{}", text.slice(at.saturating_sub(30)..at), text.slice(at..text.len().min(at + 20)))
}

fn same(what: &str, text: &Text, expected: &str) -> Result<()> {
    if *text == *expected { Ok(()) } else { Err(format!("{what} is not what it should be").into()) }
}

fn per_second(count: usize, took: Duration) -> u64 {
    (count as f64 / took.as_secs_f64()) as u64
}

fn bytes_in(dir: &Path) -> Result<u64> {
    let files = std::fs::read_dir(dir)?;
    files.map(|file| Ok(file?.metadata()?.len())).sum()
}
