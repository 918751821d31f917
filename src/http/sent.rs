//! [`Sent`]: a change that somebody made, as they send it.
//!
//! Leaves patches to `patch`. Always: what is not known is refused, rather than left out.

use super::problem::{Answer, Problem};
use super::told::Format;
use crate::draft::diff;
use crate::merge::{Guard, Submission};
use crate::patch::json::PatchJsonError;
use crate::patch::{self, ApplyError, Patch};
use crate::record::{Change, Meta, Stamp, WriterId};
use crate::value::{Pointer, Value};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The tag that keeps the name a client gave its submission.
const SUBMISSION: &str = "submission";
const NAME_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent<'a> {
    pub(super) base: u64,
    #[serde(default)]
    pub(super) format: Form,
    #[serde(borrow)]
    patch: &'a RawValue,
    label: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    pub(super) id: Option<String>,
    /// Which store it was made for, if whoever sends it wants to be sure.
    pub(super) store: Option<String>,
    /// Who made it, and the how manieth of theirs it is.
    writer: Option<String>,
    sequence: Option<u64>,
    /// When it was made, by their clock.
    written: Option<String>,
    #[serde(default)]
    all_or_nothing: bool,
    #[serde(default)]
    guards: Vec<SentGuard<'a>>,
    #[serde(default)]
    stale: Stale,
}

/// What is done where its version is not the newest any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stale {
    #[default]
    Merge,
    Refuse,
}

/// `{"test": PLACE, "value": VALUE}` or `{"unchanged": PLACE}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentGuard<'a> {
    test: Option<String>,
    #[serde(default, borrow, deserialize_with = "whatever_it_is")]
    value: Option<&'a RawValue>,
    unchanged: Option<String>,
}

/// A null that is there is not nothing.
fn whatever_it_is<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// A JSON form in which patches come in.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    #[default]
    Native,
    JsonPatch,
    MergePatch,
    Immer,
}

impl Form {
    fn read(self, text: &str, document: &Value) -> Result<Patch, PatchJsonError> {
        match self {
            Form::Native => Patch::from_native(text.as_bytes(), document),
            Form::JsonPatch => Patch::from_json_patch(text.as_bytes(), document),
            Form::MergePatch => Patch::from_merge_patch(text.as_bytes(), document),
            Form::Immer => Patch::from_immer(text.as_bytes(), document),
        }
    }

    /// The form in which whoever sends this one reads what others did.
    pub(super) fn out(self) -> (Format, &'static str) {
        match self {
            Form::Native => (Format::Native, "native"),
            Form::JsonPatch | Form::MergePatch => (Format::JsonPatch, "json-patch"),
            Form::Immer => (Format::Immer, "immer"),
        }
    }
}

impl<'a> Sent<'a> {
    pub(super) fn read(body: &'a [u8]) -> Answer<Sent<'a>> {
        let sent: Sent<'_> = serde_json::from_slice(body).map_err(|error| {
            let problem = match error.classify() {
                Category::Data => refused(&error),
                _ => Problem::malformed(format!("the body is not JSON: {error}")),
            };
            problem.with("line", error.line()).with("column", error.column())
        })?;
        let names_fit = sent.id.as_ref().is_none_or(|id| (1..=NAME_BYTES_MAX).contains(&id.len()));
        if !names_fit || sent.tags.contains_key(SUBMISSION) {
            let detail =
                "\"id\" has 1 to 128 bytes, and \"tags\" no \"submission\", which is where it is kept";
            return Err(refused(&detail));
        }
        Ok(sent)
    }

    /// Whether it is to be refused where its version is not the newest any more.
    pub(super) fn is_exact(&self) -> bool {
        self.stale == Stale::Refuse
    }

    /// Whether it says nothing that is of use only where changes meet.
    pub(super) fn is_plain(&self) -> bool {
        self.writer.is_none() && self.guards.is_empty() && self.written.is_none()
    }

    pub(super) fn meta(&self) -> Meta {
        let meta = Meta { label: self.label.clone(), at_ms: None, tags: self.tags.clone() };
        match &self.id {
            Some(id) => meta.tag(SUBMISSION, id),
            None => meta,
        }
    }

    /// Whether it has a name, and a change has that.
    pub(super) fn made(&self, change: &Change) -> bool {
        self.id.is_some() && change.meta.tags.get(SUBMISSION) == self.id.as_ref()
    }

    /// Who made it, and its number, if it says so.
    pub(super) fn by(&self) -> Answer<Option<(WriterId, u64)>> {
        match (&self.writer, self.sequence) {
            (None, None) => Ok(None),
            (Some(writer), Some(sequence)) => {
                let writer =
                    writer.parse().map_err(|_| refused(&"\"writer\" has up to 16 hexadecimal digits"))?;
                Ok(Some((writer, sequence)))
            }
            _ => Err(refused(&"\"writer\" and \"sequence\" go together")),
        }
    }

    /// Its patch, on the document that its writer saw; and an error of its own if it does not fit that.
    pub(super) fn patch(&self, document: &Value) -> Answer<Result<Patch, ApplyError>> {
        let patch = self.format.read(self.patch.get(), document).map_err(|error| unfit(&error))?;
        Ok(patch::apply(document, &patch).map(|applied| match self.format {
            Form::Native | Form::JsonPatch => patch,
            // An element that was put into a list reads as if all behind it had been overwritten, and that meets everything there.
            Form::MergePatch | Form::Immer => {
                diff(document, &applied.state).map_or(patch, |(shortest, _)| shortest)
            }
        }))
    }

    /// The same for who merges.
    pub(super) fn submission(&self, patch: Patch) -> Answer<Submission> {
        let written = self.written.as_deref().map(stamp).transpose()?;
        let guards = self.guards.iter().map(SentGuard::guard).collect::<Answer<_>>()?;
        let plain = Submission::new(self.base, patch).meta(self.meta());
        Ok(Submission { by: self.by()?, written, guards, all_or_nothing: self.all_or_nothing, ..plain })
    }
}

impl SentGuard<'_> {
    fn guard(&self) -> Answer<Guard> {
        match (&self.test, self.value, &self.unchanged) {
            (Some(place), Some(value), None) => {
                let value = Value::from_json(value.get().as_bytes()).map_err(|error| refused(&error))?;
                Ok(Guard::test(pointer(place)?, value))
            }
            (None, None, Some(place)) => Ok(Guard::unchanged(pointer(place)?)),
            _ => Err(refused(&"a guard is {\"test\": PLACE, \"value\": VALUE} or {\"unchanged\": PLACE}")),
        }
    }
}

fn pointer(text: &str) -> Answer<Pointer> {
    Pointer::parse(text)
        .map_err(|error| refused(&format!("the place of a guard is no JSON Pointer: {error}")))
}

fn stamp(text: &str) -> Answer<Stamp> {
    let time = text.parse::<jiff::Timestamp>().ok();
    let ms = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    ms.map(Stamp::of_ms)
        .ok_or_else(|| refused(&"\"written\" is a time like 2026-01-31T12:00:00Z, since 1970"))
}

fn refused(detail: &dyn fmt::Display) -> Problem {
    Problem::malformed(detail.to_string()).status(StatusCode::UNPROCESSABLE_ENTITY)
}

fn unfit(error: &PatchJsonError) -> Problem {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", error.to_string());
    match error {
        PatchJsonError::Syntax(error) => problem.with("line", error.line).with("column", error.column),
        PatchJsonError::Op { op_index, op, path, .. } => {
            problem.with("op_index", *op_index).with("op", op.as_str()).with("path", path.as_str())
        }
        PatchJsonError::NotAList { .. } => problem,
    }
}
