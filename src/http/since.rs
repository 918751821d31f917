//! What is answered to a change that was sent: what became of it, and what came since the version it was made on.
//!
//! Leaves deciding to the store. Always: what came since is bounded, and says where the rest is; who applies it has the state in which
//! the change took effect.

use super::changes::{Page, Wanted, page};
use super::json;
use super::problem::{Answer, Problem};
use super::receipt::ToldFate;
use super::sent::Sent;
use super::source::Served;
use crate::merge::Outcome;
use crate::store::{Filter, Receipt};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

/// How much of what came since is told, and looked at for a submission that was done before.
const SINCE: usize = 100;
const SINCE_BYTES: usize = 256 << 10;
pub(super) const LOOKED_AT: u64 = 10_000;

#[derive(Serialize)]
struct Done {
    version: u64,
    changed: bool,
    #[serde(flatten)]
    fate: ToldFate,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What came since a version, as JSON; null where that is not kept any more. And where the rest is.
struct Since {
    changes: String,
    next: Option<String>,
}

/// A change that met nothing and took effect as it was sent, or had nothing to change.
pub(super) fn done(version: u64, is_new: bool) -> Answer<Response> {
    let fate = ToldFate::of(&Outcome::Clean, &[]);
    told(&Done { version, changed: is_new, fate, changes: None, next: None })
}

/// What became of a change that was merged.
pub(super) fn answer(source: &Served, sent: &Sent<'_>, receipt: &Receipt) -> Answer<Response> {
    let Receipt { version, outcome, notes, is_new } = receipt;
    let changed = *is_new && !matches!(outcome, Outcome::Rejected { .. });
    let fate = ToldFate::of(outcome, notes);
    // Who sent it knows all about it.
    if changed && *outcome == Outcome::Clean && *version == sent.base + 1 {
        return told(&Done { version: *version, changed, fate, changes: None, next: None });
    }
    let Since { changes, next } = since(source, sent, *version)?;
    let internal = |error: serde_json::Error| Problem::internal(error.to_string());
    let changes = Some(RawValue::from_string(changes).map_err(internal)?);
    told(&Done { version: *version, changed, fate, changes, next })
}

/// 201, or 200 if nothing was changed now.
fn told(done: &Done) -> Answer<Response> {
    let text = serde_json::to_string(done).map_err(|error| Problem::internal(error.to_string()))?;
    let (mut answer, version) = (json(text), done.version);
    if done.changed {
        *answer.status_mut() = StatusCode::CREATED;
        let place = HeaderValue::from_str(&format!("?from={version}&to={version}"));
        let place = place.map_err(|error| Problem::internal(error.to_string()))?;
        answer.headers_mut().insert(header::LOCATION, place);
    }
    answer.headers_mut().insert("redraft-version", version.into());
    Ok(answer)
}

/// Somebody was faster, perhaps the client itself, and it cannot be merged or is not to be.
pub(super) fn too_late(source: &Served, sent: &Sent<'_>) -> Answer<Response> {
    if let Some(before) = done_before(source, sent)? {
        return Ok(before);
    }
    let (base, head) = (sent.base, source.version());
    let detail = format!("the change is for version {base}, and the newest is {head}; nothing changed");
    let problem = Problem::new(StatusCode::CONFLICT, "stale", detail).with("base", base).with("head", head);
    let Since { changes, next } = since(source, sent, head)?;
    let problem = problem.with_written("changes", changes);
    Err(match next {
        Some(next) => problem.with("next", next),
        None => problem,
    })
}

fn since(source: &Served, sent: &Sent<'_>, last: u64) -> Answer<Since> {
    let (format, name) = sent.format.out();
    let wanted =
        Wanted { first: sent.base + 1, last, filter: Filter::new(), limit: SINCE, bytes: SINCE_BYTES };
    match page(source, format, &wanted) {
        Ok(Page { lines, next }) => {
            let next = next.map(|next| format!("?from={next}&format={name}"));
            Ok(Since { changes: format!("[{}]", lines.join(",")), next })
        }
        // There is nothing to go on from but the state.
        Err(gone) if gone.is(StatusCode::GONE) => Ok(Since { changes: "null".into(), next: None }),
        Err(other) => Err(other),
    }
}

/// The answer to this very submission, if what it made is among the first that came after its version.
pub(super) fn done_before(source: &Served, sent: &Sent<'_>) -> Answer<Option<Response>> {
    if sent.id.is_none() {
        return Ok(None);
    }
    let failed = |error| Problem::of(&error, source);
    let head = source.version();
    let oldest = source.oldest().map_err(failed)?;
    let first = (sent.base + 1).max(oldest + 1);
    let last = head.min(first.saturating_add(LOOKED_AT));
    for change in source.changes(first, last).map_err(failed)? {
        let change = change.map_err(failed)?;
        if sent.made(&change) {
            return answer(source, sent, &Receipt::of_before(change)).map(Some);
        }
    }
    Ok(None)
}
