//! Values in a line of text, as people are shown them before they ask for more.
//!
//! Always: at most [`CHARS`] characters in one line, whatever is in the value, and no more work than that; what is cut ends with an
//! ellipsis.

use crate::value::{Key, Value};

/// How long a preview is at most, in characters.
pub(super) const CHARS: usize = 120;
/// What stands for what is left out.
const ELLIPSIS: char = '…';

/// What a value is, in the words of the page.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Int(_) | Value::Uint(_) => "int",
        other => other.kind(),
    }
}

/// How much there is of it: elements, characters or bytes. O(length) for text.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Str(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// A value in a line, as JSON as far as it goes.
pub(super) fn preview(value: &Value) -> String {
    let mut line = Line::default();
    // Nothing says that the line is full.
    let _ = line.value(value);
    line.text
}

/// A text in a line, as it is.
pub(super) fn clipped(text: &str) -> String {
    let mut line = Line::default();
    let _ = text.chars().try_for_each(|char| line.push(if is_break(char) { ' ' } else { char }));
    line.text
}

/// What would end the line, or turn it round.
fn is_break(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
}

impl Line {
    fn push(&mut self, char: char) -> Option<()> {
        if self.chars == CHARS {
            self.text.pop();
            self.text.push(ELLIPSIS);
            return None;
        }
        self.text.push(char);
        self.chars += 1;
        Some(())
    }

    fn plain(&mut self, text: &str) -> Option<()> {
        text.chars().try_for_each(|char| self.push(char))
    }

    fn value(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Str(text) => self.quoted(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(list) => {
                self.push('[')?;
                for (index, item) in list.iter().enumerate() {
                    self.plain(if index == 0 { "" } else { ", " })?;
                    self.value(item)?;
                }
                self.push(']')
            }
            Value::Map(map) => {
                self.push('{')?;
                for (index, (key, item)) in map.iter().enumerate() {
                    self.plain(if index == 0 { "" } else { ", " })?;
                    self.key(key)?;
                    self.plain(": ")?;
                    self.value(item)?;
                }
                self.push('}')
            }
            scalar => self.plain(&scalar.to_string()),
        }
    }

    fn key(&mut self, key: &Key) -> Option<()> {
        match key {
            Key::Str(text) => self.quoted(text),
            other => self.plain(&format!("\"{other}\"")),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.plain("\"0x")?;
        bytes.iter().try_for_each(|byte| self.plain(&format!("{byte:02x}")))?;
        self.push('"')
    }

    fn quoted(&mut self, text: &str) -> Option<()> {
        self.push('"')?;
        for char in text.chars() {
            match char {
                '"' => self.plain("\\\"")?,
                '\\' => self.plain("\\\\")?,
                '\n' => self.plain("\\n")?,
                '\t' => self.plain("\\t")?,
                char if is_break(char) => self.plain(&format!("\\u{:04x}", u32::from(char)))?,
                char => self.push(char)?,
            }
        }
        self.push('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn a_preview_is_the_json_of_what_is_small() {
        let value = value!({ "a": [1, null, true, 2.5], "b": "say \"hi\"\n" });
        assert_eq!(preview(&value), r#"{"a": [1, null, true, 2.5], "b": "say \"hi\"\n"}"#);
        assert_eq!(preview(&Value::Bytes([1, 255].as_slice().into())), "\"0x01ff\"");
        assert_eq!(Value::from_json(preview(&value).as_bytes()).unwrap(), value);
    }

    #[test]
    fn a_preview_of_anything_is_one_short_line() {
        let deep = (0..100).fold(Value::Null, |inner, _| value!([inner]));
        let wide: Value = (0..1_000_000).map(Value::from).collect::<Vec<_>>().into();
        let lines = value!("a\r\n\u{2028}\u{202e}\u{0}b".repeat(50));
        for value in [deep, wide, lines, value!("ü".repeat(1000))] {
            let line = preview(&value);
            assert_eq!(line.chars().count(), CHARS, "{line}");
            assert!(line.ends_with(ELLIPSIS) && !line.chars().any(is_break), "{line}");
        }
        assert_eq!(clipped("a\nb"), "a b");
        assert_eq!(preview(&value!("x".repeat(CHARS - 2))).chars().count(), CHARS);
        assert!(!preview(&value!("x".repeat(CHARS - 2))).ends_with(ELLIPSIS));
    }
}
