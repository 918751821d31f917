//! JSON Patch, RFC 6902: in strictly, out lowered.
//!
//! Always: `test`, `copy` and `move` are resolved against the document here and do not survive; what is read applies
//! as a whole or is an error that names the operation.

use super::members::Members;
use super::{OpFault, PatchJsonError, Working, import, lower, numeric, plain_ops};
use crate::patch::{Action, ApplyError, ApplyErrorKind, Patch};
use crate::value::{DEPTH_MAX, Path, Pointer, Value};

impl Patch {
    /// Reads a JSON Patch (RFC 6902) for `doc`.
    ///
    /// `-`, `test`, `copy` and `move` are resolved here: a `test` that fails is an error, a `copy` becomes an `add`, a
    /// `move` a `remove` and an `add`. Strict as the RFC wants it, but members it does not define are ignored. An
    /// object key means the string key, or else an integer or boolean key that prints like it.
    ///
    /// # Errors
    /// [`PatchJsonError`] naming the operation; applying the patch to `doc` cannot fail afterwards.
    ///
    /// ```
    /// use redraft::{apply, value, Patch};
    ///
    /// let doc = value!({ "list": [1] });
    /// let patch = Patch::from_json_patch(br#"[{"op": "add", "path": "/list/-", "value": 2}]"#, &doc)?;
    /// assert_eq!(apply(&doc, &patch).unwrap().state, value!({ "list": [1, 2] }));
    /// # Ok::<(), redraft::patch::json::PatchJsonError>(())
    /// ```
    pub fn from_json_patch(text: &[u8], doc: &Value) -> Result<Self, PatchJsonError> {
        import(text, doc, read_op)
    }

    /// Writes a JSON Patch (RFC 6902) with only `add`, `replace` and `remove`.
    ///
    /// `before` is the state the patch is for: splices and increments are spelled out with its help. Keys that are not
    /// strings are written as text, which is a one-way loss.
    ///
    /// # Errors
    /// [`ApplyError`] if the patch does not fit `before`.
    pub fn to_json_patch(&self, before: &Value) -> Result<serde_json::Value, ApplyError> {
        plain_ops(&lower::lower(self, before)?, |path| path.to_string().into())
    }
}

fn read_op(work: &mut Working, op: &Members<'_>) -> Result<(), OpFault> {
    let name = op.text("op")?;
    let path = Pointer::parse(op.text("path")?)?;
    match name {
        "add" => work.at(&path, Action::Add(op.value("value")?.clone())),
        "replace" => work.at(&path, Action::Replace(op.value("value")?.clone())),
        "remove" => work.at(&path, Action::Remove),
        "test" => work.test(&path, op.value("value")?),
        "copy" => work.copy(&Pointer::parse(op.text("from")?)?, &path),
        "move" => work.relocate(&Pointer::parse(op.text("from")?)?, &path),
        unknown => Err(OpFault::UnknownOp { name: unknown.to_owned() }),
    }
}

impl Working {
    fn at(&mut self, path: &Pointer, action: Action) -> Result<(), OpFault> {
        let path = path.resolve(&self.doc)?;
        self.run(path, action)
    }

    fn test(&self, path: &Pointer, expected: &Value) -> Result<(), OpFault> {
        let (_, found) = self.found(path)?;
        if numeric::equal(&found, expected, DEPTH_MAX) {
            Ok(())
        } else {
            Err(ApplyErrorKind::TestFailed.into())
        }
    }

    fn copy(&mut self, from: &Pointer, path: &Pointer) -> Result<(), OpFault> {
        let (_, value) = self.found(from)?;
        let path = path.resolve(&self.doc)?;
        self.copy_to(path, value)
    }

    fn relocate(&mut self, from: &Pointer, path: &Pointer) -> Result<(), OpFault> {
        let (place, value) = self.found(from)?;
        if from == path {
            return Ok(());
        }
        if path.tokens().starts_with(from.tokens()) {
            return Err(ApplyErrorKind::MoveIntoSelf.into());
        }
        self.run(place, Action::Remove)?;
        self.at(path, Action::Add(value))
    }

    fn found(&self, pointer: &Pointer) -> Result<(Path, Value), OpFault> {
        let path = pointer.resolve(&self.doc)?;
        let value = self.doc.at_path(&path).cloned().ok_or(ApplyErrorKind::NotFound)?;
        Ok((path, value))
    }
}
