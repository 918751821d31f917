//! JSON Merge Patch, RFC 7396: in, and out where it can say what is meant.
//!
//! It cannot set a member to null, which is how it removes one. Always: what it cannot say is an error, never another
//! change.

use super::{OpFault, PatchJsonError, Working, set, to_json};
use crate::patch::{Action, ApplyError, ApplyErrorKind, Patch, apply};
use crate::value::{DEPTH_MAX, Map, Path, Value, json, key_in};

/// Why a patch has no form as a JSON Merge Patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergePatchError {
    /// The patch does not fit the state it was said to be for.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A member would have to become null.
    #[error("a merge patch cannot set {path:?} to null: there, null means to remove", path = .path.to_string())]
    Null {
        /// The member.
        path: Path,
    },
    /// What is to be written is nested deeper than anything a store takes.
    #[error("{0}")]
    Limit(ApplyErrorKind),
}

impl Patch {
    /// Writes a JSON Merge Patch (RFC 7396): what turns `before` into what this patch turns it into.
    ///
    /// Lists are written whole, since a merge patch knows nothing smaller. O(size of the maps on the way to what changes).
    ///
    /// # Errors
    /// [`MergePatchError::Null`] naming the first member that becomes null, for which the format has no words;
    /// [`MergePatchError::Apply`] if the patch does not fit `before`.
    ///
    /// ```
    /// use redraft::{Patch, value};
    ///
    /// let before = value!({ "a": { "x": 1, "y": 2 }, "b": 3 });
    /// let patch = Patch::from_json_patch(br#"[{"op": "remove", "path": "/a/x"}]"#, &before).unwrap();
    /// assert_eq!(patch.to_merge_patch(&before).unwrap().to_string(), r#"{"a":{"x":null}}"#);
    /// ```
    pub fn to_merge_patch(&self, before: &Value) -> Result<serde_json::Value, MergePatchError> {
        write(before, &apply(before, self)?.state, &Path::root())
    }

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

fn write(before: &Value, after: &Value, at: &Path) -> Result<serde_json::Value, MergePatchError> {
    match (before, after) {
        (Value::Map(before), Value::Map(after)) => write_maps(before, after, at),
        _ => match null_member(after, at) {
            Some(path) => Err(MergePatchError::Null { path }),
            None => to_json(after).map_err(MergePatchError::Limit),
        },
    }
}

fn write_maps(before: &Map, after: &Map, at: &Path) -> Result<serde_json::Value, MergePatchError> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let mut members: serde_json::Map<_, _> =
        gone.map(|key| (key.to_string(), serde_json::Value::Null)).collect();
    for (key, new) in after {
        match before.get(key) {
            Some(old) if old == new => {}
            _ if new.is_null() => return Err(MergePatchError::Null { path: at.child(key) }),
            old => drop(
                members.insert(key.to_string(), write(old.unwrap_or(&Value::Null), new, &at.child(key))?),
            ),
        }
    }
    Ok(members.into())
}

/// The first null that is a member of a map; in lists, which are taken as they are, null is a value like any other.
fn null_member(value: &Value, at: &Path) -> Option<Path> {
    value.as_map()?.iter().find_map(|(key, inside)| {
        let place = at.child(key);
        if inside.is_null() { Some(place) } else { null_member(inside, &place) }
    })
}

fn run(work: &mut Working, at: &Path, action: Action) -> Result<(), PatchJsonError> {
    let (op_index, op) = (work.ops.len(), action.name().to_owned());
    let named = |fault: OpFault| PatchJsonError::Op { op_index, op, path: at.to_string(), fault };
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
