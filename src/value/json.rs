//! JSON text in and out of [`Value`] (feature `json`).
//!
//! Parsing is serde_json's; what this adds is the limit on depth, errors with a position, and printing. One-way
//! losses, because JSON has no form for them: bytes print as a string `0x..` in hexadecimal, NaN and the infinities as
//! `null`, and keys that are not strings as the text of the key.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeSeed;

use super::key::write_hex;
use super::serde::Room;
use super::{DEPTH_MAX, Key, List, Map, Value};

/// Why a text is not the JSON of a value, and where that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {message}")]
#[non_exhaustive]
pub struct JsonError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl JsonError {
    /// serde_json repeats the position at the end of its message; here it has fields of its own.
    fn new(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let position = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&position).unwrap_or(&message).to_owned();
        Self { line, column, message }
    }
}

/// Parses JSON in which at most `depth` containers are nested.
pub(crate) fn parse(text: &[u8], depth: usize) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    // Our own limit takes its place: serde_json's is one short of ours and not ours to move.
    reader.disable_recursion_limit();
    let value = Room(depth).deserialize(&mut reader).map_err(|error| JsonError::new(&error))?;
    reader.end().map_err(|error| JsonError::new(&error))?;
    Ok(value)
}

impl Value {
    /// Parses one JSON text. O(length).
    ///
    /// Integers beyond 64 bits become floats.
    ///
    /// # Errors
    /// [`JsonError`] with the position: bad syntax, bad UTF-8, a key twice in one map, deeper than
    /// [`DEPTH_MAX`].
    ///
    /// ```
    /// use redraft::value::Value;
    ///
    /// assert!(Value::from_json(br#"{"a": [1, 2.5]}"#).is_ok());
    /// let error = Value::from_json(b"{\"a\": 1,\n \"a\": 2}").unwrap_err();
    /// assert_eq!(error.line, 2);
    /// ```
    pub fn from_json(text: &[u8]) -> Result<Self, JsonError> {
        parse(text, DEPTH_MAX)
    }

    /// Compact JSON text, with the losses the [`Display`](fmt::Display) form has. O(size).
    pub fn to_json_string(&self) -> String {
        self.to_string()
    }

    /// JSON text with line breaks and two spaces per level, with the same losses. O(size).
    pub fn to_json_pretty(&self) -> String {
        format!("{self:#}")
    }
}

impl FromStr for Value {
    type Err = JsonError;

    fn from_str(text: &str) -> Result<Self, JsonError> {
        Self::from_json(text.as_bytes())
    }
}

/// Compact JSON, or indented with `{:#}`. Bytes print as `"0x.."`, floats that are not finite as `null`, keys as their
/// text. A value deeper than [`DEPTH_MAX`], which no store holds, is cut there with `".."`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(self, f, 0)
    }
}

fn write_value(value: &Value, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(flag) => write!(f, "{flag}"),
        Value::Int(number) => write!(f, "{number}"),
        Value::Uint(number) => write!(f, "{number}"),
        Value::Float(number) => write_float(*number, f),
        Value::Str(text) => write_text(text, f),
        Value::Bytes(bytes) => {
            f.write_str("\"")?;
            write_hex(f, bytes)?;
            f.write_str("\"")
        }
        Value::List(_) | Value::Map(_) if depth >= DEPTH_MAX => f.write_str("\"..\""),
        Value::List(list) => write_list(list, f, depth),
        Value::Map(map) => write_map(map, f, depth),
    }
}

/// `Debug` keeps the `.0` (so that a float stays a float when read back) and prints the shortest exact digits.
fn write_float(number: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if number.is_finite() { f.write_str(&format!("{number:?}")) } else { f.write_str("null") }
}

fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

fn write_list(list: &List, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if list.is_empty() {
        return f.write_str("[]");
    }
    let mut separator = "[";
    for item in list.iter() {
        f.write_str(separator)?;
        separator = ",";
        break_line(f, depth + 1)?;
        write_value(item, f, depth + 1)?;
    }
    break_line(f, depth)?;
    f.write_str("]")
}

fn write_map(map: &Map, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if map.is_empty() {
        return f.write_str("{}");
    }
    let mut separator = "{";
    for (key, value) in map {
        f.write_str(separator)?;
        separator = ",";
        break_line(f, depth + 1)?;
        write_key(key, f)?;
        f.write_str(if f.alternate() { ": " } else { ":" })?;
        write_value(value, f, depth + 1)?;
    }
    break_line(f, depth)?;
    f.write_str("}")
}

fn write_key(key: &Key, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match key {
        Key::Str(text) => write_text(text, f),
        other => write!(f, "\"{other}\""),
    }
}

fn break_line(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if f.alternate() { write!(f, "\n{:width$}", "", width = depth * 2) } else { Ok(()) }
}
