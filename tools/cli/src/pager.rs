//! Long output, through the reader's own pager, as git does it.
//!
//! The pager is a program that is started, and no library: it is the one that the reader knows, with its settings, searches and keys, and
//! costs no dependency; crates that put this process's stdout in its place need unsafe code, those that are pagers bring another
//! one. Always: nothing is paged that fits the screen, and a pager that is left early or cannot be started is no error.

use crate::files;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

/// The pager for this program alone, and the one for all.
const OWN: &str = "REDRAFT_PAGER";
const SHARED: &str = "PAGER";
const DEFAULT: &str = "less";
/// Leave if all fits the screen, let colours through, leave the screen as it was.
const LESS: &str = "FRX";

/// Stdout, perhaps with a pager before it.
#[derive(Debug)]
pub(crate) enum Paged {
    Plain(io::StdoutLock<'static>),
    /// What came so far fits the screen.
    Held {
        text: Vec<u8>,
        screen: Screen,
    },
    Pager(Child),
}

/// How much is seen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// That of stdout, if it is a terminal that knows how large it is.
pub(crate) fn screen() -> Option<Screen> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    let screen = Screen { columns: size.ws_col.into(), rows: size.ws_row.into() };
    Some(screen).filter(|screen| screen.columns > 0 && screen.rows > 0)
}

impl Screen {
    /// Whether this is more than fits, with a line for the prompt that follows. Counts bytes, of which a character has at least one.
    fn is_full(self, text: &[u8]) -> bool {
        let rows = |line: &[u8]| line.len().max(1).div_ceil(self.columns.max(1));
        text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n').map(rows).sum::<usize>()
            >= self.rows
    }
}

impl Paged {
    pub(crate) fn plain() -> Paged {
        Paged::Plain(io::stdout().lock())
    }

    /// Nothing is shown before the end, or before it is more than a screen.
    pub(crate) fn over_a_screen() -> Paged {
        match screen() {
            Some(screen) if command().is_some() => Paged::Held { text: Vec::new(), screen },
            _ => Paged::plain(),
        }
    }

    /// Shows what was held back, and waits for a pager to be left.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self {
            Paged::Plain(out) => out.flush(),
            Paged::Held { text, .. } => io::stdout().lock().write_all(text),
            Paged::Pager(child) => {
                drop(child.stdin.take());
                child.wait().map(drop)
            }
        }
    }

    /// Starts the pager with what came so far; without one it is shown as it is.
    fn begin(text: &[u8]) -> io::Result<Paged> {
        let mut next = match command().map(|mut command| command.stdin(Stdio::piped()).spawn()) {
            Some(Ok(child)) => Paged::Pager(child),
            _ => Paged::plain(),
        };
        if matches!(next, Paged::Pager(_)) {
            // Ctrl-C is for the pager; one that is left then closes the pipe. Whoever listens already goes on listening.
            let _ = ctrlc::set_handler(|| {});
        }
        next.write_all(text).map(|()| next)
    }
}

/// The pager as the environment names it; nothing where it names none, or no pager at all.
fn command() -> Option<Command> {
    let named = [OWN, SHARED].into_iter().find_map(|name| std::env::var(name).ok());
    let named = named.unwrap_or_else(|| DEFAULT.to_owned());
    if named.trim().is_empty() || named.trim() == "cat" {
        return None;
    }
    // What a shell says of one that is not there would be all that is seen.
    let program = named.split_whitespace().find(|word| !word.contains('='))?;
    if !is_there(program) {
        return None;
    }
    let mut command = Command::new("sh");
    command.args(["-c", &named]);
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    Some(command)
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path);
    program.contains('/') || places.any(|place| files::exists(&place.join(program)))
}

impl Write for Paged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Paged::Plain(out) => return out.write(bytes),
            Paged::Pager(child) => {
                return child
                    .stdin
                    .as_mut()
                    .map_or(Err(io::ErrorKind::BrokenPipe.into()), |out| out.write(bytes));
            }
            Paged::Held { text, screen } => {
                text.extend_from_slice(bytes);
                if screen.is_full(text) {
                    let text = std::mem::take(text);
                    *self = Paged::begin(&text)?;
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Paged::Plain(out) => out.flush(),
            Paged::Held { .. } => Ok(()),
            Paged::Pager(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_full_when_a_line_or_what_wraps_of_it_would_not_fit() {
        let screen = Screen { columns: 10, rows: 4 };
        assert!(!screen.is_full(b"a\nb\nc\n"));
        assert!(screen.is_full(b"a\nb\nc\nd\n"));
        assert!(screen.is_full(b"a\nb\n0123456789x\n"));
        assert!(!screen.is_full(b"\n\n"));
    }
}
