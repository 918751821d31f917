//! `redraft show`: the state, or a part of it, at any version or time.
//!
//! Always: reads only, beside a writer too.

use crate::output::Output;
use crate::times::{self, At};
use crate::{exit, log, stores, text};
use anyhow::{Context, Result};
use redraft::Value;
use redraft::value::{Path, Pointer, PointerError};
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::PathBuf;

/// Print the state, or the value at a JSON Pointer, as JSON.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
    /// What to print; the whole state without it.
    #[arg(default_value = "", hide_default_value = true)]
    pointer: String,
    /// The version, or the time at which it was the newest, as recorded: RFC 3339, "2h ago", yesterday. Without it the newest
    /// of all.
    #[arg(long, value_name = "V|TIME", value_parser = times::at)]
    at: Option<At>,
}

#[derive(Serialize)]
struct Shown<'a> {
    version: u64,
    path: &'a str,
    value: &'a RawValue,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let pointer = log::parse_pointer(&args.pointer)?;
    let reader = stores::read(&args.store)?;
    let version = args.at.map_or_else(|| Ok(reader.version()), |at| at.version(&reader))?;
    let state = reader.at(version)?;
    let value = find(&state, &pointer).map_err(|(existing, hint)| {
        let (wanted, there) = (&args.pointer, text::pointer(&existing));
        exit::NotThere(format!("nothing at {wanted:?} in version {version}: {hint}; it exists up to {there}"))
    })?;
    if !output.is_json() {
        return output.human(format_args!("{value:#}"));
    }
    let json =
        RawValue::from_string(value.to_json_string()).context("the value cannot be written as JSON")?;
    output.json_line(&Shown { version, path: &args.pointer, value: &json })
}

/// The value, or the deepest place on the way to it that exists, and what is wrong there.
fn find<'v>(state: &'v Value, pointer: &Pointer) -> Result<&'v Value, (Path, String)> {
    let parent = |path: &Path| path.parent().unwrap_or_default();
    match pointer.resolve(state) {
        Ok(path) => state.at_path(&path).ok_or_else(|| {
            let last = path.last().map(ToString::to_string).unwrap_or_default();
            let holder = state.at_path(&parent(&path)).map_or("value", Value::kind);
            (parent(&path), format!("the {holder} has no {last:?}"))
        }),
        Err(PointerError::NotFound { at }) => {
            let last = at.last().map(ToString::to_string).unwrap_or_default();
            Err((parent(&at), format!("there is no {last:?}")))
        }
        Err(PointerError::Scalar { at, found }) => Err((at, format!("a {found} has nothing inside"))),
        Err(PointerError::Index { token, parent }) => {
            Err((parent, format!("{token:?} is no index of a list")))
        }
        Err(other) => Err((Path::root(), other.to_string())),
    }
}
