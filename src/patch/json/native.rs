//! The native JSON form: every operation as it is, with the path as an array.
//!
//! Always: what is written here and read again is the same patch, but for bytes, which become text. One spelling for
//! each patch.

use super::members::Members;
use super::{OpFault, PatchJsonError, Working, import, object, path_array, plain_op, to_json};
use crate::patch::{Action, ApplyError, ApplyErrorKind, Insert, Op, Patch};
use crate::value::{Key, List, Path, Segment, Value};

impl Patch {
    /// Reads the native form for `doc`: `{op, path: [..], value}`, `{op: "splice", path, at, del, ins}` with an array
    /// or a string to insert, and `{op: "inc", path, by}`.
    ///
    /// In a path, a string is a string key; a number is an index where a list is, an integer key where a map is; a
    /// truth value is a key.
    ///
    /// # Errors
    /// [`PatchJsonError`] naming the operation; applying the patch to `doc` cannot fail afterwards.
    ///
    /// ```
    /// use redraft::{apply, value, Patch};
    ///
    /// let doc = value!({ "list": [1, 2, 3] });
    /// let text = br#"[{"op": "splice", "path": ["list"], "at": 1, "del": 1, "ins": [8, 9]}]"#;
    /// let patch = Patch::from_native(text, &doc)?;
    /// assert_eq!(apply(&doc, &patch).unwrap().state, value!({ "list": [1, 8, 9, 3] }));
    /// assert_eq!(Patch::from_native(patch.to_native().unwrap().to_string().as_bytes(), &doc)?, patch);
    /// # Ok::<(), redraft::patch::json::PatchJsonError>(())
    /// ```
    pub fn from_native(text: &[u8], doc: &Value) -> Result<Self, PatchJsonError> {
        import(text, doc, read_op)
    }

    /// Writes the native form. Needs no state, since nothing is lowered; bytes become text, which is a one-way loss.
    ///
    /// # Errors
    /// [`ApplyError`] of kind [`Depth`](ApplyErrorKind::Depth) for a patch that no state would take.
    pub fn to_native(&self) -> Result<serde_json::Value, ApplyError> {
        self.iter()
            .enumerate()
            .map(|(op_index, op)| write_op(op).map_err(|kind| failed(op_index, op, kind)))
            .collect()
    }
}

fn failed(op_index: usize, op: &Op, kind: ApplyErrorKind) -> ApplyError {
    ApplyError { op_index, op: op.action.name(), path: op.path.clone(), kind }
}

fn write_op(op: &Op) -> Result<serde_json::Value, ApplyErrorKind> {
    let path = path_array(&op.path);
    match &op.action {
        Action::Splice { at, del, ins } => Ok(object([
            ("op", "splice".into()),
            ("path", path),
            ("at", (*at).into()),
            ("del", (*del).into()),
            ("ins", write_insert(ins)?),
        ])),
        Action::Inc(by) => Ok(object([("op", "inc".into()), ("path", path), ("by", (*by).into())])),
        _ => plain_op(op, path),
    }
}

fn write_insert(ins: &Insert) -> Result<serde_json::Value, ApplyErrorKind> {
    match ins {
        Insert::Text(text) => Ok((&**text).into()),
        Insert::Items(items) => items.iter().map(to_json).collect(),
    }
}

fn read_op(work: &mut Working, op: &Members<'_>) -> Result<(), OpFault> {
    let name = op.text("op")?;
    let path = resolve(op.list("path")?, &work.doc)?;
    let action = match name {
        "add" => Action::Add(op.value("value")?.clone()),
        "replace" => Action::Replace(op.value("value")?.clone()),
        "remove" => Action::Remove,
        "inc" => Action::Inc(op.integer("by")?),
        "splice" => read_splice(op)?,
        unknown => return Err(OpFault::UnknownOp { name: unknown.to_owned() }),
    };
    work.run(path, action)
}

fn read_splice(op: &Members<'_>) -> Result<Action, OpFault> {
    let ins = match op.value("ins")? {
        Value::Str(text) => Insert::Text(text.clone()),
        Value::List(items) => Insert::Items(items.iter().cloned().collect()),
        other => {
            return Err(OpFault::Member {
                member: "ins",
                expected: "an array or a string",
                found: other.kind(),
            });
        }
    };
    Ok(Action::Splice { at: op.position("at")?, del: op.position("del")?, ins })
}

/// Gives every element of the path the type that the document has there.
fn resolve(elements: &List, doc: &Value) -> Result<Path, OpFault> {
    let mut here = Some(doc);
    let mut segments = Vec::with_capacity(elements.len());
    for element in elements.iter() {
        let segment = segment(element, here.ok_or(ApplyErrorKind::NotFound)?)?;
        here = here.and_then(|value| value.get(&segment));
        segments.push(segment);
    }
    Ok(segments.into())
}

fn segment(element: &Value, at: &Value) -> Result<Segment, OpFault> {
    let index = || element.as_u64().and_then(|number| usize::try_from(number).ok()).map(Segment::Index);
    match (element, at) {
        (_, Value::List(_)) => index().ok_or_else(|| OpFault::NoIndex { element: element.to_string() }),
        (Value::Str(text), _) => Ok(Segment::Key(Key::Str(text.clone()))),
        (Value::Int(number), _) => Ok(Segment::Key(Key::Int(*number))),
        (Value::Uint(number), _) => Ok(Segment::Key(Key::Uint(*number))),
        (Value::Bool(flag), _) => Ok(Segment::Key(Key::Bool(*flag))),
        (other, _) => Err(OpFault::Member {
            member: "path",
            expected: "an array of strings, integers and truth values",
            found: other.kind(),
        }),
    }
}
