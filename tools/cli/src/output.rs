//! The one place that writes to stdout: lines for people, or JSON.
//!
//! Always: every thing told is told in both forms; human lines are escaped; a reader that goes away (`| head`) ends the
//! command quietly, see [`OutputClosed`].

use crate::text::Escaping;
use anyhow::Result;
use serde::Serialize;
use std::fmt::{self, Display, Write as _};
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};

/// Whoever read our output has gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputClosed;

impl Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the output was closed")
    }
}

impl std::error::Error for OutputClosed {}

/// What a line for people can be shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
}

/// Stdout in the form the user asked for.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { out: BufWriter::with_capacity(64 << 10, io::stdout().lock()), json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Tells one thing: as a line of JSON, or as text for people.
    pub(crate) fn tell(&mut self, record: &impl Serialize, human: impl Display) -> Result<()> {
        if self.json { self.json_line(record) } else { self.human(human) }
    }

    /// A line of JSON, whichever form was asked for.
    pub(crate) fn json_line(&mut self, record: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, record).map_err(|error| closed(error.into()))?;
        self.out.write_all(b"\n").map_err(closed)
    }

    /// Text for people, escaped, with its own line breaks and one at the end.
    pub(crate) fn human(&mut self, text: impl Display) -> Result<()> {
        let mut bridge = Bridge { out: &mut self.out, failure: None };
        let written = writeln!(Escaping::lines(&mut bridge), "{text}");
        match (bridge.failure, written) {
            (Some(failure), _) => Err(closed(failure)),
            (None, Err(_)) => Err(anyhow::anyhow!("this cannot be shown as text")),
            (None, Ok(())) => Ok(()),
        }
    }

    /// A line for people in a colour, or without one.
    pub(crate) fn coloured(&mut self, colour: Option<Colour>, line: impl Display) -> Result<()> {
        let Some(colour) = colour else { return self.human(line) };
        // Not through `human`, which lets no colour pass that comes from a store.
        let line = crate::text::one_line(&line.to_string());
        writeln!(self.out, "\u{1b}[{}m{line}\u{1b}[0m", colour as u8).map_err(closed)
    }

    /// Whether lines are read by somebody who likes colours.
    pub(crate) fn takes_colours(&self) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        !self.json && !refused && io::stdout().is_terminal()
    }

    /// Hands everything on. Nothing counts as told before.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(closed)
    }
}

fn closed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => anyhow::Error::new(error).context("cannot write to stdout"),
    }
}

/// Lets formatted text flow into a writer and keeps the reason when that fails.
struct Bridge<'a, W> {
    out: &'a mut W,
    failure: Option<io::Error>,
}

impl<W: io::Write> fmt::Write for Bridge<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}
