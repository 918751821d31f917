//! The one place that writes to stdout: lines for people, or JSON.
//!
//! Always: every thing told is told in both forms; human lines are escaped; a reader that goes away (`| head`) ends the
//! command quietly, see [`OutputClosed`]. What is longer than a terminal goes through a pager, see [`pager`](crate::pager).

use crate::pager::Paged;
use crate::text::Escaping;
use anyhow::Result;
use serde::Serialize;
use std::fmt::{self, Display, Write as _};
use std::io::{self, BufWriter, IsTerminal, Write as _};

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

/// When there are to be colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

impl When {
    /// Whether a stream gets colours: as it was said, else as the environment says, else if it is a terminal that has some. NO_COLOR
    /// counts more than CLICOLOR_FORCE.
    pub(crate) fn applies_to(self, stream: &impl IsTerminal) -> bool {
        let is_set =
            |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self {
            When::Always => true,
            When::Never => false,
            When::Auto => !refused && (is_set("CLICOLOR_FORCE") || (stream.is_terminal() && !is_dumb)),
        }
    }
}

/// Stdout in the form the user asked for.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<Paged>,
    json: bool,
    coloured: bool,
    /// What is so whether or not it can be told.
    done: Option<String>,
}

impl Output {
    /// `is_paged` where a pager is welcome, if stdout is a terminal and what is told is longer than that.
    pub(crate) fn new(json: bool, color: When, is_paged: bool) -> Output {
        let coloured = !json && color.applies_to(&io::stdout());
        let out = if is_paged { Paged::over_a_screen() } else { Paged::plain() };
        Output { out: BufWriter::with_capacity(64 << 10, out), json, coloured, done: None }
    }

    /// Something was changed, which is so whether or not it can be told: if it cannot, that is what the error says.
    pub(crate) fn was_done(&mut self, what: impl Into<String>) {
        self.done = Some(what.into());
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether people read it as it comes.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Tells one thing: as a line of JSON, or as text for people.
    pub(crate) fn tell(&mut self, record: &impl Serialize, human: impl Display) -> Result<()> {
        if self.json { self.json_line(record) } else { self.human(human) }
    }

    /// A line of JSON, whichever form was asked for.
    pub(crate) fn json_line(&mut self, record: &impl Serialize) -> Result<()> {
        let written = serde_json::to_writer(&mut self.out, record).map_err(io::Error::from);
        let written = written.and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| self.closed(error))
    }

    /// Text for people, escaped, with its own line breaks and one at the end.
    pub(crate) fn human(&mut self, text: impl Display) -> Result<()> {
        let mut bridge = Bridge { out: &mut self.out, failure: None };
        let written = writeln!(Escaping::lines(&mut bridge), "{text}");
        match (bridge.failure, written) {
            (Some(failure), _) => Err(self.closed(failure)),
            (None, Err(_)) => Err(anyhow::anyhow!("this cannot be shown as text")),
            (None, Ok(())) => Ok(()),
        }
    }

    /// A line for people in a colour, or without one.
    pub(crate) fn coloured(&mut self, colour: Option<Colour>, line: impl Display) -> Result<()> {
        let Some(colour) = colour else { return self.human(line) };
        // Not through `human`, which lets no colour pass that comes from a store.
        let line = crate::text::one_line(&line.to_string());
        let written = writeln!(self.out, "\u{1b}[{}m{line}\u{1b}[0m", colour as u8);
        written.map_err(|error| self.closed(error))
    }

    /// Text for people whose first line says what the others are about.
    pub(crate) fn headed(&mut self, text: &str) -> Result<()> {
        let (head, rest) = text.split_once('\n').map_or((text, None), |(head, rest)| (head, Some(rest)));
        self.coloured(self.coloured.then_some(Colour::Yellow), head)?;
        rest.map_or(Ok(()), |rest| self.human(rest))
    }

    /// Whether lines are read by somebody who likes colours.
    pub(crate) fn takes_colours(&self) -> bool {
        self.coloured
    }

    fn closed(&self, error: io::Error) -> anyhow::Error {
        match (error.kind(), &self.done) {
            (io::ErrorKind::BrokenPipe, _) => OutputClosed.into(),
            (_, None) => anyhow::Error::new(error).context("cannot write to stdout"),
            (_, Some(done)) => anyhow::Error::new(error)
                .context(format!("{done}, and that cannot be told: cannot write to stdout")),
        }
    }

    /// Hands everything on. Nothing counts as told before.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|error| self.closed(error))
    }

    /// The same, and waits until a pager was left.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let told = self.flush();
        self.out.get_mut().finish().map_err(|error| self.closed(error))?;
        told
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
