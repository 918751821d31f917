//! Documents and patches as JSON on stdout: for people in lines, with `--json` in one.

use crate::apply::Format;
use crate::output::Output;
use anyhow::{Context, Result};
use redraft::{Patch, Value};
use serde_json::Value as Json;
use serde_json::value::RawValue;

pub(super) fn print_document(doc: &Value, output: &mut Output) -> Result<()> {
    if !output.is_json() {
        return output.human(format_args!("{doc:#}"));
    }
    let json =
        RawValue::from_string(doc.to_json_string()).context("the document cannot be written as JSON")?;
    output.json_line(&json)
}

/// Prints a patch for `before`.
pub(super) fn print_patch(patch: &Patch, before: &Value, format: Format, output: &mut Output) -> Result<()> {
    let json = written(patch, before, format)?;
    let lines = lines(&json)?;
    output.tell(&json, lines)
}

fn written(patch: &Patch, before: &Value, format: Format) -> Result<Json> {
    Ok(match format {
        Format::JsonPatch => patch.to_json_patch(before)?,
        Format::Immer => patch.to_immer(before)?,
        Format::Native => patch.to_native()?,
        Format::MergePatch => patch.to_merge_patch(before)?,
    })
}

/// One operation a line, so that two patches can be compared line by line; a merge patch as the document it resembles.
fn lines(json: &Json) -> Result<String> {
    match json {
        Json::Array(ops) if !ops.is_empty() && ops.iter().all(Json::is_object) => {
            let ops: Vec<String> = ops.iter().map(|op| format!("  {op}")).collect();
            Ok(format!("[\n{}\n]", ops.join(",\n")))
        }
        other => Ok(serde_json::to_string_pretty(other)?),
    }
}
