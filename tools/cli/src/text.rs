//! Things from a store as text for people: escaped, and short where they are long.
//!
//! Always: what comes out moves no cursor, sets no colour and reverses no reading direction of a terminal.

use redraft::Value;
use redraft::patch::{Action, Insert, Op};
use std::fmt::{self, Write};

/// How many characters of a value are shown in a summary.
const SUMMARY_CHARS: usize = 60;

/// Whether a terminal may do something else with this character than show it.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Passes text on with unsafe characters written as JSON writes them, `\u001b`; line breaks and tabs can be let through.
#[derive(Debug)]
pub(crate) struct Escaping<W> {
    inner: W,
    keep_lines: bool,
}

impl<W: Write> Escaping<W> {
    /// For text that is one line.
    pub(crate) fn line(inner: W) -> Self {
        Escaping { inner, keep_lines: false }
    }

    /// For text that has lines of its own.
    pub(crate) fn lines(inner: W) -> Self {
        Escaping { inner, keep_lines: true }
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        let stops = |c: char| is_unsafe(c) && !(self.keep_lines && matches!(c, '\n' | '\t'));
        while let Some(at) = rest.find(stops) {
            let (safe, tail) = rest.split_at(at);
            self.inner.write_str(safe)?;
            let mut characters = tail.chars();
            for unit in characters.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(self.inner, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        self.inner.write_str(rest)
    }
}

/// The text in one line, safe to print.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // A String takes everything.
    let _ = Escaping::line(&mut out).write_str(text);
    out
}

/// Takes the first characters and drops the rest, so that a long value is never built up to be cut.
struct Head {
    text: String,
    room: usize,
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

/// The first characters of what is displayed, and three dots if there are more.
fn head(shown: impl fmt::Display, chars: usize) -> String {
    let mut head = Head { text: String::new(), room: chars };
    let whole = write!(head, "{shown}").is_ok();
    if whole { head.text } else { head.text + "..." }
}

/// How much of each value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Summary,
    Full,
}

impl Length {
    pub(crate) fn of(self, shown: impl fmt::Display) -> String {
        match self {
            Length::Summary => head(shown, SUMMARY_CHARS),
            Length::Full => shown.to_string(),
        }
    }
}

/// The path as a JSON Pointer; the document itself, whose pointer is empty, in quotes.
pub(crate) fn pointer(path: &redraft::value::Path) -> String {
    if path.is_root() { "\"\"".into() } else { path.to_string() }
}

/// An op as one would tell it: `replace /a/b 7`, `splice /text @10 -2 +"abc"`.
pub(crate) fn op(op: &Op, length: Length) -> String {
    let start = format!("{} {}", op.action.name(), pointer(&op.path));
    match &op.action {
        Action::Remove => start,
        Action::Inc(by) => format!("{start} {by:+}"),
        Action::Add(value) | Action::Replace(value) => format!("{start} {}", length.of(value)),
        Action::Splice { at, del, ins } => {
            let deleted = if *del > 0 { format!(" -{del}") } else { String::new() };
            let inserted = if ins.is_empty() { String::new() } else { format!(" +{}", insert(ins, length)) };
            format!("{start} @{at}{deleted}{inserted}")
        }
    }
}

/// What a splice inserts, as the value it is.
pub(crate) fn insert(ins: &Insert, length: Length) -> String {
    match ins {
        Insert::Text(text) => length.of(Value::Str(text.clone())),
        Insert::Items(items) => length.of(Value::List(items.iter().cloned().collect())),
    }
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:+,@%=".contains(c);
    let is_plain = !word.is_empty() && word.chars().all(plain);
    if is_plain { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Milliseconds since 1970 as RFC 3339, in UTC.
pub(crate) fn time(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(time) => format!("{time:.0}"),
        Err(_) => format!("{at_ms} ms"),
    }
}

/// The same to the millisecond.
pub(crate) fn time_exact(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| format!("{at_ms} ms"), |time| time.to_string())
}

/// `1 change`, `2 changes`.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// How long something is or was, for people: the two largest units.
pub(crate) fn duration(ms: u64) -> String {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    let pair = |many: u64, unit: &str, fewer: u64, below: &str| match fewer {
        0 => format!("{many} {unit}"),
        _ => format!("{many} {unit} {fewer} {below}"),
    };
    match seconds {
        0 => format!("{rest} ms"),
        1..60 => format!("{seconds}.{} s", rest / 100),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// A size in bytes for people.
pub(crate) fn bytes(size: u64) -> String {
    indicatif::HumanBytes(size).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_terminal_gets_through() {
        assert_eq!(one_line("a\x1b[2Jb\r\n\u{9b}c\u{202e}d"), "a\\u001b[2Jb\\u000d\\u000a\\u009bc\\u202ed");
        assert_eq!(one_line("plain ä 漢 🎈"), "plain ä 漢 🎈");
    }

    #[test]
    fn long_values_are_cut_and_say_so() {
        assert_eq!(head("abcdef", 3), "abc...");
        assert_eq!(head("abc", 3), "abc");
    }
}
