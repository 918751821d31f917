//! Lowering: a patch with only `add`, `replace` and `remove`, for formats that know nothing else.
//!
//! `inc` and `splice` say less than a format of plain operations needs, so the state before is walked along.

use crate::patch::{Action, ApplyError, Insert, Op, Patch, apply_op};
use crate::value::{Path, Value};

/// The same change in plain operations. O(operations), plus one operation per element spliced.
pub(super) fn lower(patch: &Patch, before: &Value) -> Result<Vec<Op>, ApplyError> {
    let mut doc = before.clone();
    let mut plain = Vec::with_capacity(patch.len());
    for (op_index, op) in patch.iter().enumerate() {
        apply_op(&mut doc, op).map_err(|kind| ApplyError {
            op_index,
            op: op.action.name(),
            path: op.path.clone(),
            kind,
        })?;
        lower_op(op, &doc, &mut plain);
    }
    Ok(plain)
}

fn lower_op(op: &Op, after: &Value, plain: &mut Vec<Op>) {
    match &op.action {
        Action::Splice { at, del, ins: Insert::Items(items) } => {
            lower_items(&op.path, *at, *del, items, plain);
        }
        Action::Inc(_) | Action::Splice { .. } => plain.push(replace_by_result(op, after)),
        Action::Add(_) if op.path.is_root() => plain.push(replace_by_result(op, after)),
        Action::Add(_) | Action::Replace(_) | Action::Remove => plain.push(op.clone()),
    }
}

fn replace_by_result(op: &Op, after: &Value) -> Op {
    let result = after.at_path(&op.path).cloned().unwrap_or(Value::Null);
    Op::new(op.path.clone(), Action::Replace(result))
}

/// Overwrites what both stretches have room for, then adds the rest in order or removes the rest from the end, so that
/// no operation shifts what a later one addresses.
fn lower_items(path: &Path, at: usize, del: usize, items: &[Value], plain: &mut Vec<Op>) {
    let mut push = |index: usize, action: Action| plain.push(Op::new(path.child(index), action));
    let both = del.min(items.len());
    for (offset, item) in items.iter().enumerate() {
        let item = item.clone();
        push(at + offset, if offset < both { Action::Replace(item) } else { Action::Add(item) });
    }
    for offset in (both..del).rev() {
        push(at + offset, Action::Remove);
    }
}
