//! A change as JSON, with its patch in the format that was asked for.
//!
//! Leaves the formats to `patch`. Always: what is not native is told with the help of the document before the change, which is
//! carried along from one change to the next.

use super::problem::{Answer, Problem};
use super::source::Served;
use crate::patch::{self, Patch};
use crate::record::Change;
use crate::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A JSON form in which patches go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Native,
    JsonPatch,
    Immer,
}

pub(super) const FORMATS: &str = "native, json-patch or immer";

impl FromStr for Format {
    type Err = ();

    fn from_str(text: &str) -> Result<Format, ()> {
        match text {
            "native" => Ok(Format::Native),
            "json-patch" => Ok(Format::JsonPatch),
            "immer" => Ok(Format::Immer),
            _ => Err(()),
        }
    }
}

/// Tells of changes, one after the other.
#[derive(Debug)]
pub(super) struct Teller {
    source: Served,
    format: Format,
    /// The newest document that was needed, and its version.
    before: Option<(u64, Value)>,
}

#[derive(Serialize)]
struct Told<'a> {
    version: u64,
    time: String,
    recorded: String,
    writer: String,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
    patch: serde_json::Value,
}

impl Teller {
    pub(super) fn new(source: &Served, format: Format) -> Teller {
        Teller { source: source.clone(), format, before: None }
    }

    /// One line of JSON. O(change); for the first one in another than the native format what its document costs.
    pub(super) fn tell(&mut self, change: &Change) -> Answer<String> {
        let told = Told {
            version: change.version,
            time: time(change.time_ms()),
            recorded: time(change.stamp.at_ms()),
            writer: change.writer.to_string(),
            sequence: change.sequence,
            label: change.meta.label.as_deref(),
            tags: &change.meta.tags,
            undoes: change.undoes,
            schema: change.schema,
            patch: self.patch(change)?,
        };
        serde_json::to_string(&told).map_err(|error| Problem::internal(error.to_string()))
    }

    fn patch(&mut self, change: &Change) -> Answer<serde_json::Value> {
        let written = match self.format {
            Format::Native => change.patch.to_native(),
            format => {
                let before = self.document_before(change)?;
                let written = match format {
                    Format::Immer => change.patch.to_immer(&before),
                    _ => change.patch.to_json_patch(&before),
                };
                self.before = after(&before, &change.patch).map(|after| (change.version, after));
                written
            }
        };
        written.map_err(|error| Problem::internal(format!("change {}: {error}", change.version)))
    }

    fn document_before(&mut self, change: &Change) -> Answer<Value> {
        let wanted = change.offset();
        match self.before.take() {
            Some((version, document)) if version == wanted => Ok(document),
            _ => self.source.document(wanted).map_err(|error| Problem::of(&error, &self.source)),
        }
    }
}

/// Nothing if the patch does not fit, which whoever writes it out is told.
fn after(before: &Value, patch: &Patch) -> Option<Value> {
    patch::apply(before, patch).ok().map(|applied| applied.state)
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| format!("{at_ms} ms"), |time| time.to_string())
}
