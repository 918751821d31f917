//! Immer's patch format: `{op, path: [..], value}` with `add`, `replace` and `remove`.
//!
//! Read as lax as Immer's own `applyPatches` is, because patches in the wild rely on it; what laxness meant for this
//! document is then written down as a strict patch. Immer leaves much to JavaScript, so `javascript` says what that makes
//! of a path. Where Immer would leave `undefined` or a hole in an array, for which JSON has no form, this is an error.

use super::javascript;
use super::members::Members;
use super::{OpFault, PatchJsonError, Working, import_ops, lower, parse_ops, path_array, plain_ops, set};
use crate::patch::{Action, ApplyError, ApplyErrorKind, Insert, Patch};
use crate::value::{Key, List, Map, Path, Segment, Value, key_in, parse_index};

/// The name that is not data but what an object inherits from.
const PROTO: &str = "__proto__";

/// Names that lead out of the data and into the prototype of a JavaScript object.
const RESERVED: [&str; 2] = [PROTO, "constructor"];

impl Patch {
    /// Reads a patch in Immer's format for `doc`, as lax as Immer itself: `replace` creates a missing key, `add` beyond
    /// the end of an array appends, negative indexes count from the end, removing what is not there does nothing, and
    /// replacing `length` truncates. In an array, `add` and `remove` take whatever is no number for 0; `replace` of
    /// something that begins like a number but is no index does nothing. A patch that replaces the root makes those
    /// before it void. An element of a set, which has no form of its own here but is a key whose value is null, is
    /// removed by `value`.
    ///
    /// # Errors
    /// [`PatchJsonError`] naming the operation; applying the patch to `doc` cannot fail afterwards.
    ///
    /// ```
    /// use redraft::{apply, value, Patch};
    ///
    /// let doc = value!({ "list": [1, 2, 3] });
    /// let text = br#"[{"op": "replace", "path": ["list", "length"], "value": 1}]"#;
    /// let patch = Patch::from_immer(text, &doc)?;
    /// assert_eq!(apply(&doc, &patch).unwrap().state, value!({ "list": [1] }));
    /// # Ok::<(), redraft::patch::json::PatchJsonError>(())
    /// ```
    pub fn from_immer(text: &[u8], doc: &Value) -> Result<Self, PatchJsonError> {
        let ops = parse_ops(text)?;
        // Immer starts at the last patch that replaces the root, whatever comes before it.
        let first = ops.iter().rposition(replaces_root).unwrap_or(0);
        import_ops(&ops, first, doc, read_op)
    }

    /// Writes the patch in Immer's format, with only `add`, `replace` and `remove`.
    ///
    /// `before` is the state the patch is for: splices and increments are spelled out with its help.
    ///
    /// # Errors
    /// [`ApplyError`] if the patch does not fit `before`.
    pub fn to_immer(&self, before: &Value) -> Result<serde_json::Value, ApplyError> {
        plain_ops(&lower::lower(self, before)?, path_array)
    }
}

fn replaces_root(op: &Value) -> bool {
    op["op"].as_str() == Some("replace") && op["path"].as_list().is_some_and(List::is_empty)
}

fn read_op(work: &mut Working, op: &Members<'_>) -> Result<(), OpFault> {
    let name = op.text("op")?;
    if !["add", "replace", "remove"].contains(&name) {
        return Err(OpFault::UnknownOp { name: name.to_owned() });
    }
    let mut elements = op.list("path")?.iter().map(element_text).collect::<Result<Vec<_>, _>>()?;
    if elements.is_empty() && name == "replace" {
        return work.run(Path::root(), Action::Replace(op.value("value")?.clone()));
    }
    // An empty path has no last element, which Immer does not notice: it goes on with the name `undefined`.
    let last = elements.pop().unwrap_or_else(|| "undefined".to_owned());
    let (parent, path) = descend(&elements, &work.doc)?;
    let step = match parent {
        Value::Map(map) => in_map(name, op, map, &last)?,
        Value::List(list) => in_list(name, op, list, &last)?,
        other => return Err(not_a_container(other)),
    };
    match step {
        Some((Some(segment), action)) => work.run(path.child(segment), action),
        Some((None, action)) => work.run(path, action),
        None => Ok(()),
    }
}

/// What to do, and whether to do it to the container or to one of its elements. `None` where Immer does nothing.
type Step = Option<(Option<Segment>, Action)>;

fn in_map(name: &str, op: &Members<'_>, map: &Map, last: &str) -> Result<Step, OpFault> {
    let key = key_in(map, last);
    if name != "remove" {
        let value = op.value("value")?.clone();
        return if last == PROTO {
            Err(OpFault::Reserved { name: last.to_owned() })
        } else {
            Ok(Some((Some((&key).into()), set(map, &key, value))))
        };
    }
    let there = if map.contains_key(&key) { Some(key) } else { set_element(map, op) };
    Ok(there.map(|key| (Some(key.into()), Action::Remove)))
}

/// The key that stands for an element of a set: Immer's path has only its position, which says nothing here.
fn set_element(map: &Map, op: &Members<'_>) -> Option<Key> {
    let key = match op.value("value").ok()? {
        Value::Str(text) => Key::Str(text.clone()),
        Value::Int(number) => Key::Int(*number),
        Value::Uint(number) => Key::Uint(*number),
        Value::Bool(flag) => Key::Bool(*flag),
        _ => return None,
    };
    map.get(&key).is_some_and(Value::is_null).then_some(key)
}

fn in_list(name: &str, op: &Members<'_>, list: &List, last: &str) -> Result<Step, OpFault> {
    match name {
        "remove" => {
            let index = javascript::position(last, list.len());
            Ok((index < list.len()).then_some((Some(index.into()), Action::Remove)))
        }
        "add" => {
            let index = if last == "-" { list.len() } else { javascript::position(last, list.len()) };
            Ok(Some((Some(index.into()), Action::Add(op.value("value")?.clone()))))
        }
        _ if last == "length" => set_length(list, op.value("value")?),
        _ => set_index(list, last, op.value("value")?.clone()),
    }
}

/// Assigning to `length` cuts an array off. Making it longer would leave holes.
fn set_length(list: &List, value: &Value) -> Result<Step, OpFault> {
    let at = javascript::length(value).ok_or(OpFault::Member {
        member: "value",
        expected: "a whole number",
        found: value.kind(),
    })?;
    let len = list.len();
    match len.checked_sub(at) {
        Some(0) => Ok(None),
        Some(del) => Ok(Some((None, Action::Splice { at, del, ins: Insert::Items(Vec::new()) }))),
        None => Err(ApplyErrorKind::Bounds { index: at, len }.into()),
    }
}

/// Assigning to an index overwrites or, just past the end, appends. Farther on it would leave holes. What is no index
/// but passes for one with Immer becomes a property of the array, which is not among its elements.
fn set_index(list: &List, last: &str, value: Value) -> Result<Step, OpFault> {
    let Some(index) = parse_index(last) else {
        let passes = javascript::begins_like_a_number(last);
        return if passes { Ok(None) } else { Err(OpFault::NoIndex { element: last.to_owned() }) };
    };
    let action = if index < list.len() { Action::Replace(value) } else { Action::Add(value) };
    Ok(Some((Some(index.into()), action)))
}

/// Walks to the container the last element of the path belongs to.
fn descend<'d>(elements: &[String], doc: &'d Value) -> Result<(&'d Value, Path), OpFault> {
    let mut here = doc;
    let mut segments = Vec::with_capacity(elements.len() + 1);
    for name in elements {
        if RESERVED.contains(&name.as_str()) {
            return Err(OpFault::Reserved { name: name.clone() });
        }
        let segment = match here {
            Value::Map(map) => Segment::Key(key_in(map, name)),
            Value::List(_) => Segment::Index(parse_index(name).ok_or(ApplyErrorKind::NotFound)?),
            other => return Err(not_a_container(other)),
        };
        here = here.get(&segment).ok_or(ApplyErrorKind::NotFound)?;
        segments.push(segment);
    }
    Ok((here, segments.into()))
}

fn not_a_container(found: &Value) -> OpFault {
    ApplyErrorKind::Type { expected: "map or list", found: found.kind() }.into()
}

/// Whatever is no text addresses what its text addresses, as in JavaScript.
fn element_text(element: &Value) -> Result<String, OpFault> {
    match element {
        Value::Str(text) => Ok(text.to_string()),
        Value::Float(number) => Ok(javascript::text(*number)),
        Value::Null | Value::Int(_) | Value::Uint(_) | Value::Bool(_) => Ok(element.to_string()),
        other => Err(OpFault::Member {
            member: "path",
            expected: "an array of strings and numbers",
            found: other.kind(),
        }),
    }
}
