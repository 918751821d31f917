//! Patches as JSON: the native form, RFC 6902 JSON Patch, RFC 7396 merge patch and Immer's format (feature `json`).
//!
//! At the edge: what comes in is resolved against the document it is for, so that a [`Patch`] is strict and typed
//! whatever it was written in; what goes out is lowered with the help of the state before. Always holds: an import
//! has been applied once, to a copy, before it is returned; no `test`, `move` or `copy` survives into a patch.

mod immer;
mod javascript;
mod lower;
mod members;
mod merge_patch;
mod native;
mod numeric;
mod rfc6902;

use crate::patch::{Action, ApplyError, ApplyErrorKind, Op, Patch, apply_op};
use crate::value::{DEPTH_MAX, JsonError, Key, Map, Path, PointerError, Segment, Value, json};
use members::Members;

pub use merge_patch::MergePatchError;

/// Why a JSON text is not a patch for the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchJsonError {
    /// The text is not JSON.
    #[error("the patch is not JSON: {0}")]
    Syntax(JsonError),
    /// The text is JSON, but no list of operations.
    #[error("a patch is a list of operations, found {found}")]
    NotAList {
        /// What it is.
        found: &'static str,
    },
    /// One operation is malformed or does not fit the document.
    #[error("op {op_index}{} at {path:?}: {fault}", in_brackets(.op))]
    Op {
        /// The operation, counted from 0.
        op_index: usize,
        /// Its name as it was written; empty if it has none. The operations of a merge patch have the names of ours.
        op: String,
        /// Its path as it was written; empty if it has none.
        path: String,
        /// What is wrong with it.
        fault: OpFault,
    },
}

impl From<JsonError> for PatchJsonError {
    fn from(error: JsonError) -> Self {
        Self::Syntax(error)
    }
}

fn in_brackets(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" ({name})") }
}

/// What is wrong with one operation of a JSON patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpFault {
    /// An operation is an object.
    #[error("an operation is an object, found {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A member the operation needs is not there.
    #[error("member {member:?} is missing")]
    Missing {
        /// Its name.
        member: &'static str,
    },
    /// A member is of the wrong type.
    #[error("member {member:?} must be {expected}, found {found}")]
    Member {
        /// Its name.
        member: &'static str,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The format has no such operation.
    #[error("unknown operation {name:?}")]
    UnknownOp {
        /// The name found.
        name: String,
    },
    /// A list was addressed by something that is no index.
    #[error("{element:?} is no index of a list")]
    NoIndex {
        /// The path element.
        element: String,
    },
    /// Immer refuses this name in a path, since it would reach into the prototype of a JavaScript object.
    #[error("{name:?} is reserved")]
    Reserved {
        /// The name found.
        name: String,
    },
    /// A JSON Pointer is malformed or leads nowhere.
    #[error(transparent)]
    Pointer(#[from] PointerError),
    /// The operation cannot be applied to the document.
    #[error(transparent)]
    Apply(#[from] ApplyErrorKind),
}

/// How many values all copies of one patch may come to: far more than anybody copies within a document, and few enough
/// to be walked in a moment.
const COPIES_MAX: usize = 1 << 24;

/// What is left of `room` when every value in this one takes its place; `None` if there is too little. O(size), or
/// O(room) if that is less.
fn room_beside(value: &Value, room: usize) -> Option<usize> {
    let (mut pending, mut room) = (vec![value], room);
    while let Some(value) = pending.pop() {
        room = room.checked_sub(1)?;
        match value {
            Value::List(list) => pending.extend(list),
            Value::Map(map) => pending.extend(map.values()),
            _ => {}
        }
    }
    Some(room)
}

/// A copy of the document on which an import carries out what it reads.
struct Working {
    doc: Value,
    ops: Vec<Op>,
    /// How many more values may be copied within the document: what is shared costs nothing here, but has to be written.
    copies_left: usize,
}

impl Working {
    fn new(doc: &Value) -> Self {
        Self { doc: doc.clone(), ops: Vec::new(), copies_left: COPIES_MAX }
    }

    /// Copies something that is in the document already. Every other value was spelled out in the patch; a copy was
    /// not, so a few copies of what holds earlier copies would make a document without end.
    fn copy_to(&mut self, path: Path, value: Value) -> Result<(), OpFault> {
        self.copies_left = room_beside(&value, self.copies_left).ok_or(ApplyErrorKind::Limit)?;
        self.run(path, Action::Add(value))
    }

    fn run(&mut self, path: Path, action: Action) -> Result<(), OpFault> {
        let op = Op::new(path, action);
        apply_op(&mut self.doc, &op)?;
        self.ops.push(op);
        Ok(())
    }
}

/// Reads a list of operations and carries out each in turn on a copy of `doc`.
fn import(
    text: &[u8],
    doc: &Value,
    each: impl Fn(&mut Working, &Members<'_>) -> Result<(), OpFault>,
) -> Result<Patch, PatchJsonError> {
    import_ops(&parse_ops(text)?, 0, doc, each)
}

/// The same for operations that are parsed already, from number `first` on.
fn import_ops(
    ops: &[Value],
    first: usize,
    doc: &Value,
    each: impl Fn(&mut Working, &Members<'_>) -> Result<(), OpFault>,
) -> Result<Patch, PatchJsonError> {
    let mut work = Working::new(doc);
    for (op_index, op) in ops.iter().enumerate().skip(first) {
        Members::of(op).and_then(|members| each(&mut work, &members)).map_err(|fault| {
            PatchJsonError::Op { op_index, op: members::name_text(op), path: members::path_text(op), fault }
        })?;
    }
    Ok(work.ops.into())
}

/// The operations stand two levels below the text: without room for these, a value of full depth could not be sent.
fn parse_ops(text: &[u8]) -> Result<Vec<Value>, PatchJsonError> {
    match json::parse(text, DEPTH_MAX + 2)? {
        Value::List(ops) => Ok(ops.iter().cloned().collect()),
        other => Err(PatchJsonError::NotAList { found: other.kind() }),
    }
}

/// One operation as a JSON object.
fn object<const N: usize>(members: [(&str, serde_json::Value); N]) -> serde_json::Value {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A value as JSON. Only depth can stand in the way.
fn to_json(value: &Value) -> Result<serde_json::Value, ApplyErrorKind> {
    serde_json::to_value(value).map_err(|_| ApplyErrorKind::Depth)
}

/// The operations of a lowered patch as JSON, with paths written by `write_path`.
fn plain_ops(
    ops: &[Op],
    write_path: impl Fn(&Path) -> serde_json::Value,
) -> Result<serde_json::Value, ApplyError> {
    let plain = |(op_index, op): (usize, &Op)| {
        plain_op(op, write_path(&op.path)).map_err(|kind| ApplyError {
            op_index,
            op: op.action.name(),
            path: op.path.clone(),
            kind,
        })
    };
    ops.iter().enumerate().map(plain).collect()
}

fn plain_op(op: &Op, path: serde_json::Value) -> Result<serde_json::Value, ApplyErrorKind> {
    let name = serde_json::Value::from(op.action.name());
    match &op.action {
        Action::Add(value) | Action::Replace(value) => {
            Ok(object([("op", name), ("path", path), ("value", to_json(value)?)]))
        }
        _ => Ok(object([("op", name), ("path", path)])),
    }
}

/// A path as an array: positions and integer keys as numbers, truth values as such, everything else as text.
fn path_array(path: &Path) -> serde_json::Value {
    path.iter().map(path_element).collect()
}

fn path_element(segment: &Segment) -> serde_json::Value {
    match segment {
        Segment::Index(index) => (*index).into(),
        Segment::Key(Key::Int(number)) => (*number).into(),
        Segment::Key(Key::Uint(number)) => (*number).into(),
        Segment::Key(Key::Bool(flag)) => (*flag).into(),
        Segment::Key(other) => other.to_string().into(),
    }
}

/// Sets a key of a map, in the way that has the smaller inverse.
fn set(map: &Map, key: &Key, value: Value) -> Action {
    if map.contains_key(key) { Action::Replace(value) } else { Action::Add(value) }
}
