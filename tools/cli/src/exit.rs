//! Errors as the user meets them: `error: ...` on stderr and what to do [next], or a JSON object there, and the exit code.
//!
//! Codes: 0 done, 1 refused or not found, 2 wrong usage, 3 damage found.

use crate::output::OutputClosed;
use crate::{next, text};
use redraft::ErrorKind;
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

const REFUSED: u8 = 1;
const USAGE: u8 = 2;
const DAMAGE: u8 = 3;

/// A verb found damage and has told all about it on stdout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DamageFound {
    pub(crate) places: usize,
}

impl fmt::Display for DamageFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damage found in {}", text::count(self.places as u64, "place"))
    }
}

impl std::error::Error for DamageFound {}

/// A repair was planned and told on stdout, and nobody has said yes to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RepairNeeded;

impl fmt::Display for RepairNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("damage found, and nothing was changed; --yes carries out what is told here")
    }
}

impl std::error::Error for RepairNeeded {}

/// A doctor found what keeps a store from its work, and has told it on stdout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProblemsFound {
    pub(crate) problems: usize,
}

impl fmt::Display for ProblemsFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}", text::count(self.problems as u64, "problem"))
    }
}

impl std::error::Error for ProblemsFound {}

/// Two copies of a store have not the same history, which was told on stdout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Differ;

impl fmt::Display for Differ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the histories differ")
    }
}

impl std::error::Error for Differ {}

/// Some of what was to be taken was refused, which was told on stdout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SomeRefused {
    pub(crate) count: usize,
}

impl fmt::Display for SomeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let were = if self.count == 1 { "was" } else { "were" };
        write!(f, "{} {were} refused", text::count(self.count as u64, "change"))
    }
}

impl std::error::Error for SomeRefused {}

/// Something asked for is not there.
#[derive(Debug, Clone)]
pub(crate) struct NotThere(pub(crate) String);

impl fmt::Display for NotThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotThere {}

/// The command line asks for something that makes no sense, in a way only the verb can tell.
#[derive(Debug, Clone)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

#[derive(Serialize)]
struct ErrorLine<'a> {
    error: &'a str,
    kind: &'a str,
    exit: u8,
    /// What to do about it, where there is more to say.
    next: Option<&'a str>,
}

/// Reports why a verb failed and says how the process ends.
pub(crate) fn failed(error: &anyhow::Error, json: bool) -> ExitCode {
    if error.is::<OutputClosed>() {
        return ExitCode::SUCCESS;
    }
    let (kind, code) = judge(error);
    // All causes in one line: no error prints what it also gives as its source.
    report(&format!("{error:#}"), kind, code, next::step(error).as_deref(), json);
    ExitCode::from(code)
}

/// Reports that the command line was wrong, or shows the help that was asked for.
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    // The arguments could not be parsed, so whether JSON was wanted can only be looked up.
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let rendered = error.render().to_string();
        let text = rendered.strip_prefix("error: ").unwrap_or(&rendered).trim_end();
        report(text, "usage", USAGE, None, true);
    } else {
        // Nobody is left to tell if this fails.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn report(message: &str, kind: &str, code: u8, next: Option<&str>, json: bool) {
    let line = match serde_json::to_string(&ErrorLine { error: message, kind, exit: code, next }) {
        Ok(line) if json => line,
        _ => {
            let next = next.map_or(String::new(), |next| format!("\nnext: {}", text::one_line(next)));
            format!("error: {}{next}", text::one_line(message))
        }
    };
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The kind of an error in a word, and its exit code.
fn judge(error: &anyhow::Error) -> (&'static str, u8) {
    if error.is::<DamageFound>() || error.is::<RepairNeeded>() {
        return ("damage", DAMAGE);
    }
    if error.is::<ProblemsFound>() {
        return ("problem", REFUSED);
    }
    if error.is::<SomeRefused>() {
        return ("refused", REFUSED);
    }
    if error.is::<Differ>() {
        return ("diverged", REFUSED);
    }
    if error.is::<Usage>() {
        return ("usage", USAGE);
    }
    if error.is::<NotThere>() {
        return ("not-found", REFUSED);
    }
    match error.downcast_ref::<redraft::Error>().map(redraft::Error::kind) {
        Some(ErrorKind::Damage) => ("damage", DAMAGE),
        Some(kind) => (word(kind), REFUSED),
        None => ("refused", REFUSED),
    }
}

fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Stale => "stale",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Busy => "busy",
        ErrorKind::Environment => "environment",
        ErrorKind::Poisoned => "poisoned",
        ErrorKind::Newer => "newer",
        ErrorKind::NewerSchema => "newer-schema",
        ErrorKind::Misfit => "misfit",
        ErrorKind::Diverged => "diverged",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::Misuse => "misuse",
        _ => "refused",
    }
}
