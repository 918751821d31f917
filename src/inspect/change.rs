//! `GET api/change/V`: one change with all that is known of it.
//!
//! Always: what takes it back is made from the very state that it was made for.

use super::Desk;
use super::preview::clipped;
use super::rows::Row;
use super::told::{ToldOp, ToldPatch, note, text, texts, told};
use crate::http::shared::{Answer, Problem, Query};
use crate::patch::{Patch, apply};
use crate::record::{Change, Merged};
use crate::value::Path as Place;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Serialize;
use std::collections::BTreeMap;

/// How much of what takes a change back is told.
const INVERSE: usize = 500;
const INVERSE_BYTES: usize = 1 << 20;
/// How many notes and tags are told.
const NOTES: usize = 500;

#[derive(Debug, Serialize)]
struct ToldChange {
    #[serde(flatten)]
    row: Row,
    patch: Vec<ToldOp>,
    inverse: Vec<ToldInverse>,
    more: bool,
    merged: Option<ToldMerged>,
    meta: ToldMeta,
}

#[derive(Debug, Serialize)]
struct ToldInverse {
    op: &'static str,
    path: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct ToldMerged {
    outcome: String,
    base: u64,
    original: Vec<String>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ToldMeta {
    tags: BTreeMap<String, String>,
    sequence: u64,
    recorded: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
}

/// `GET api/change/V`.
pub(super) async fn change(
    State(desk): State<Desk>,
    version: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Answer {
    Query::of(&uri, &[])?;
    let refused = || Problem::malformed("a change is asked for by its version, a whole number from 1 on");
    let version = version.ok().and_then(|Path(version)| version.parse().ok()).ok_or_else(refused)?;
    desk.answer(move |desk| desk.told(version)).await
}

impl Desk {
    fn told(&self, version: u64) -> Answer<ToldChange> {
        let studied = self.study(version)?;
        let (change, before) = (&studied.change, &studied.before);
        let ToldPatch { patch, more } = told(before, &change.patch, &Place::root());
        let undone = apply(before, &change.patch).map_err(|error| self.failed(&error.into()))?;
        Ok(ToldChange {
            row: self.row(change),
            patch,
            more,
            inverse: inverse(&undone.inverse),
            merged: change.merged.as_deref().map(|merged| merged_of(change, merged)),
            meta: meta(change),
        })
    }
}

fn inverse(patch: &Patch) -> Vec<ToldInverse> {
    let mut bytes = 0;
    let told = patch.iter().take(INVERSE).map(|op| ToldInverse {
        op: op.action.name(),
        path: op.path.to_string(),
        text: text(op, &op.path),
    });
    told.take_while(|op| {
        bytes += op.text.len();
        bytes <= INVERSE_BYTES
    })
    .collect()
}

fn merged_of(change: &Change, merged: &Merged) -> ToldMerged {
    let notes = merged.notes.iter().take(NOTES).map(|met| {
        note(format_args!(
            "operation {} met version {}: {} ({:?})",
            met.op_index, met.met, met.resolution, met.policy
        ))
    });
    ToldMerged {
        outcome: note(&merged.outcome),
        base: change.base,
        original: merged.original.as_ref().map(texts).unwrap_or_default(),
        notes: notes.collect(),
    }
}

fn meta(change: &Change) -> ToldMeta {
    let tags = change.meta.tags.iter().take(NOTES).map(|(name, text)| (clipped(name), clipped(text)));
    ToldMeta {
        tags: tags.collect(),
        sequence: change.sequence,
        recorded: change.stamp.at_ms(),
        undoes: change.undoes,
        schema: change.schema,
    }
}
