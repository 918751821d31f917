//! `redraft init`: makes a store, empty or with a first state.
//!
//! Always: the file with the first state is read before anything is made, so a bad one leaves nothing behind.

use crate::output::Output;
use crate::places::Place;
use crate::writing::Target;
use crate::{files, text};
use anyhow::{Context, Result};
use redraft::patch::{Action, Op};
use redraft::value::Path as ValuePath;
use redraft::{Meta, Patch, Store, Value};
use serde::Serialize;
use std::path::PathBuf;

/// Make a new store: in a directory that does not exist or is empty, or as a stream that holds nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft init notes.redraft
  echo '{\"title\": \"plan\"}' | redraft init notes.redraft --state -
  redraft init 'nats://127.0.0.1:4222?stream=notes'")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// A JSON file (- for stdin) whose content becomes version 1. Without it the store is {} at version 0.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Serialize)]
struct Created<'a> {
    store: &'a str,
    id: String,
    version: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    // Before anything is made, so that a bad file leaves nothing behind.
    let state = args.state.as_deref().map(first_state).transpose()?;
    let store = made(&args.store, output)?;
    if let Some(state) = state {
        let everything = Op::new(ValuePath::root(), Action::Replace(state));
        store.apply(Meta::label("init"), |_| Ok(Patch::from(vec![everything])))?;
    }
    let (version, id, path) = (store.version(), store.id().to_string(), args.store.name());
    store.close()?;
    let human = format!("created {} at version {version}, id {id}", text::one_line(&path));
    output.tell(&Created { store: &path, id, version }, human)
}

fn made(place: &Place, output: &Output) -> Result<Target> {
    let Some((url, reach)) = place.stream() else {
        return Ok(Target::Store(Box::new(Store::create_new(place.path()?)?)));
    };
    reach.begin(url)?;
    reach.node(url, output).map(Target::from)
}

fn first_state(path: &std::path::Path) -> Result<Value> {
    Value::from_json(&files::read(path)?).with_context(|| format!("{} is not a state", files::name(path)))
}
