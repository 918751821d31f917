//! JSON Merge Patch, RFC 7396: in only. Out would be lossy, since it cannot say null.

use super::{OpFault, PatchJsonError, Working, set};
use crate::patch::{Action, Patch};
use crate::value::{DEPTH_MAX, Map, Path, Value, json, key_in};

impl Patch {
    /// Reads a JSON Merge Patch (RFC 7396) for `doc`: objects merge, null removes, everything else replaces.
    ///
    /// What the merge would leave as it is produces no operation.
    ///
    /// # Errors
    /// [`PatchJsonError::Syntax`], or [`PatchJsonError::Op`] if the result would be nested too deep.
    ///
    /// ```
    /// use redraft::{apply, value, Patch};
    ///
    /// let doc = value!({ "a": 1, "b": 2 });
    /// let patch = Patch::from_merge_patch(br#"{"a": null, "b": 2, "c": 3}"#, &doc)?;
    /// assert_eq!(patch.len(), 2);
    /// assert_eq!(apply(&doc, &patch).unwrap().state, value!({ "b": 2, "c": 3 }));
    /// # Ok::<(), redraft::patch::json::PatchJsonError>(())
    /// ```
    pub fn from_merge_patch(text: &[u8], doc: &Value) -> Result<Self, PatchJsonError> {
        let patch = json::parse(text, DEPTH_MAX)?;
        let mut work = Working::new(doc);
        merge(&patch, doc, &Path::root(), &mut work)?;
        Ok(work.ops.into())
    }
}

fn merge(patch: &Value, target: &Value, at: &Path, work: &mut Working) -> Result<(), PatchJsonError> {
    match (patch, target) {
        (Value::Map(patch), Value::Map(target)) => merge_maps(patch, target, at, work),
        _ => {
            let merged = without_nulls(patch);
            if merged == *target { Ok(()) } else { run(work, at, Action::Replace(merged)) }
        }
    }
}

fn merge_maps(patch: &Map, target: &Map, at: &Path, work: &mut Working) -> Result<(), PatchJsonError> {
    for (name, new) in patch {
        let key = name.as_str().map_or_else(|| name.clone(), |name| key_in(target, name));
        let place = at.child(&key);
        match (target.get(&key), new) {
            (Some(_), Value::Null) => run(work, &place, Action::Remove)?,
            (None, Value::Null) => {}
            (Some(old), new) => merge(new, old, &place, work)?,
            (None, new) => run(work, &place, set(target, &key, without_nulls(new)))?,
        }
    }
    Ok(())
}

fn run(work: &mut Working, at: &Path, action: Action) -> Result<(), PatchJsonError> {
    let op_index = work.ops.len();
    let named = |fault: OpFault| PatchJsonError::Op { op_index, path: at.to_string(), fault };
    work.run(at.clone(), action).map_err(named)
}

/// What merging into nothing gives: in maps, null means absent; in lists it is a value like any other.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Map(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        other => other.clone(),
    }
}
