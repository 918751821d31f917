//! Operations as people are told of them: where, what was there, what is there now, and the operation itself as JSON.
//!
//! Carries a patch out step by step on a document, which shares all that is not changed. Always: bounded, by operations and by bytes,
//! whatever is in the patch.

use super::preview::{clipped, preview};
use crate::patch::{Action, Insert, Op, Patch, apply};
use crate::value::{List, Path, Segment, Value};
use serde::Serialize;
use serde_json::Value as Json;
use std::fmt::{self, Write};

/// How many operations are told.
const OPS: usize = 500;
/// How many bytes of JSON they may take together, and one of them alone.
const BYTES: usize = 1 << 20;
const OP_BYTES: usize = 16 << 10;
/// How much of a stretch is looked at for its preview.
const STRETCH: usize = 200;

/// One operation.
#[derive(Debug, Serialize)]
pub(super) struct ToldOp {
    op: &'static str,
    path: String,
    old: Option<String>,
    new: Option<String>,
    text: String,
}

/// Some operations, and whether there are more.
#[derive(Debug, Serialize)]
pub(super) struct ToldPatch {
    pub(super) patch: Vec<ToldOp>,
    pub(super) more: bool,
}

/// Tells of a patch of what is at `place`, which is `base` before it. O(operations told * log n).
pub(super) fn told(base: &Value, patch: &Patch, place: &Path) -> ToldPatch {
    let (mut told, mut bytes, mut state) = (Vec::new(), 0, Some(base.clone()));
    for op in patch.iter().take(OPS) {
        let old = state.as_ref().and_then(|state| before(state, op));
        // What does not fit is told all the same, without what it would have done.
        state = state.and_then(|state| apply(&state, &vec![op.clone()].into()).ok()).map(|done| done.state);
        let new = state.as_ref().and_then(|state| after(state, op));
        let path = place.join(&op.path);
        let text = text(op, &path);
        bytes += text.len();
        told.push(ToldOp { op: op.action.name(), path: path.to_string(), old, new, text });
        if bytes >= BYTES {
            break;
        }
    }
    let more = told.len() < patch.len();
    ToldPatch { patch: told, more }
}

/// The operations of a patch as JSON texts. As many as are told of one.
pub(super) fn texts(patch: &Patch) -> Vec<String> {
    patch.iter().take(OPS).map(|op| text(op, &op.path)).collect()
}

fn before(state: &Value, op: &Op) -> Option<String> {
    match &op.action {
        // What is at this place of a list only moves on.
        Action::Add(_) if matches!(op.path.last(), Some(Segment::Index(_))) => None,
        Action::Splice { at, del, .. } => stretch(state.at_path(&op.path)?, *at, *del),
        _ => state.at_path(&op.path).map(preview),
    }
}

fn after(state: &Value, op: &Op) -> Option<String> {
    match &op.action {
        Action::Remove => None,
        Action::Splice { at, ins, .. } => stretch(state.at_path(&op.path)?, *at, ins.len()),
        _ => state.at_path(&op.path).map(preview),
    }
}

/// Some elements of a list, or some of a text. Nothing if there are none.
fn stretch(value: &Value, at: usize, count: usize) -> Option<String> {
    let few = count.min(STRETCH);
    match value {
        _ if count == 0 => None,
        Value::List(list) => {
            let items = list.items();
            let some: List = items.range(at.min(items.len())..(at + few).min(items.len())).cloned().collect();
            Some(preview(&Value::List(some)))
        }
        Value::Str(text) => {
            let some: String = text.chars().skip(at).take(few).collect();
            Some(preview(&some.into()))
        }
        _ => None,
    }
}

/// The operation as JSON; one that is too long is cut, and ends as no JSON does.
pub(super) fn text(op: &Op, path: &Path) -> String {
    let mut text = Cut(String::new());
    match write_op(&mut text, op, path) {
        Ok(()) => text.0,
        Err(_) => text.0 + "…",
    }
}

fn write_op(out: &mut Cut, op: &Op, path: &Path) -> fmt::Result {
    let (name, path) = (op.action.name(), Json::from(path.to_string()));
    write!(out, "{{\"op\":\"{name}\",\"path\":{path}")?;
    match &op.action {
        Action::Add(value) | Action::Replace(value) => write!(out, ",\"value\":{value}")?,
        Action::Remove => {}
        Action::Inc(by) => write!(out, ",\"by\":{by}")?,
        Action::Splice { at, del, ins } => {
            write!(out, ",\"at\":{at},\"del\":{del},\"ins\":")?;
            write_insert(out, ins)?;
        }
    }
    out.write_char('}')
}

fn write_insert(out: &mut Cut, ins: &Insert) -> fmt::Result {
    match ins {
        Insert::Text(text) => write!(out, "{}", Json::from(text.as_str())),
        Insert::Items(items) => {
            out.write_char('[')?;
            for (index, item) in items.iter().enumerate() {
                write!(out, "{}{item}", if index == 0 { "" } else { "," })?;
            }
            out.write_char(']')
        }
    }
}

/// A text that takes so much and no more.
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = OP_BYTES - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(fmt::Error)
    }
}

/// A note for people, in a line.
pub(super) fn note(text: impl fmt::Display) -> String {
    clipped(&text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Key;
    use crate::{diff, value};

    #[test]
    fn what_was_and_what_is_are_told_of_each_operation_as_it_takes_its_turn() {
        let old = value!({ "n": 1, "l": [1, 2, 3], "gone": "x" });
        let new = value!({ "n": 2, "l": [1, 9, 9, 3], "new": null });
        let (patch, _) = diff(&old, &new).unwrap();
        let ToldPatch { patch: told, more } = told(&old, &patch, &Path::root().child("at"));
        assert!(!more);
        let mut seen: Vec<_> =
            told.iter().map(|op| (op.path.as_str(), op.old.as_deref(), op.new.as_deref())).collect();
        seen.sort_unstable();
        let expected = [
            ("/at/gone", Some("\"x\""), None),
            ("/at/l", Some("[2]"), Some("[9, 9]")),
            ("/at/n", Some("1"), Some("2")),
            ("/at/new", None, Some("null")),
        ];
        assert_eq!(seen, expected);
        for op in &told {
            let json: Json = serde_json::from_str(&op.text).unwrap();
            assert_eq!((json["op"].as_str(), json["path"].as_str()), (Some(op.op), Some(op.path.as_str())));
        }
    }

    #[test]
    fn however_much_a_patch_holds_little_is_told() {
        let base = value!({});
        let long = Op::new(Path::root().child("a"), Action::Add("é".repeat(1 << 20).into()));
        let text = text(&long, &long.path);
        assert!(text.len() <= OP_BYTES + 3 && text.ends_with('…'));
        let many: Patch = (0..10_000)
            .map(|n: i64| Op::new(Path::root().child(Key::from(n)), Action::Add(n.into())))
            .collect();
        let ToldPatch { patch, more } = told(&base, &many, &Path::root());
        assert!(more && patch.len() == OPS);
        let large: Patch = std::iter::repeat_n(long, 400).collect();
        let ToldPatch { patch, more } = told(&base, &large, &Path::root());
        assert!(more && patch.len() < 100, "{}", patch.len());
    }
}
