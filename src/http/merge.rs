//! `POST /v1/submissions`: changes that were made elsewhere, on versions their writers knew, as a replica sends them.
//!
//! Leaves merging to the store and what is answered for each to `receipt`. Always: all of a body is read before anything of it is
//! merged; what is told is acknowledged.

use super::problem::{Answer, Problem};
use super::receipt::ToldReceipt;
use super::source::Served;
use super::submit::{body_of, must_be};
use super::{App, json};
use crate::layout::u32_at;
use crate::merge::Submission;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

/// What a body of submissions is called.
pub(super) const SUBMISSIONS: &str = "application/vnd.redraft.submissions";
/// Each has its length in front.
const LENGTH_BYTES: usize = 4;

#[derive(Serialize)]
struct Merged {
    receipts: Vec<ToldReceipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Box<RawValue>>,
}

/// `POST /v1/submissions`.
pub(super) async fn merge(State(app): State<App>, request: Request) -> Answer {
    super::query::Query::of(request.uri(), &[])?;
    must_be(SUBMISSIONS, request.headers())?;
    let body = body_of(&app, request.into_body()).await?;
    app.writing_answer(move |source| carry_out(source, &submissions(&body)?)).await
}

fn carry_out(source: &Served, submissions: &[Submission]) -> Answer<Response> {
    let Some(merged) = source.merge(submissions) else { return Err(super::submit::only_read()) };
    let (receipts, failed) = merged.map_err(|error| Problem::of(&error, source))?;
    let failed = match failed.map(|error| Problem::of(&error, source)) {
        // It is not about what was sent.
        Some(problem) if receipts.is_empty() && problem.is_ours() => return Err(problem),
        other => other,
    };
    let internal = |error: serde_json::Error| Problem::internal(error.to_string());
    let receipts = receipts.iter().map(ToldReceipt::of).collect();
    let failed =
        failed.map(|problem| RawValue::from_string(problem.to_text())).transpose().map_err(internal)?;
    Ok(json(serde_json::to_string(&Merged { receipts, failed }).map_err(internal)?))
}

/// All that are in a body.
fn submissions(body: &[u8]) -> Answer<Vec<Submission>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let flaw = |reason: &str| {
            let detail = format!("submission {} at byte {at}: {reason}", found.len());
            Problem::malformed(detail).with("index", found.len()).with("byte", at)
        };
        let begin = at + LENGTH_BYTES;
        let rest = body.get(begin..).ok_or_else(|| flaw("its length is cut off"))?;
        let bytes = rest.get(..u32_at(body, at) as usize).ok_or_else(|| flaw("it is cut off"))?;
        let submission = Submission::from_bytes(bytes).map_err(|error| flaw(&error.to_string()))?;
        at = begin + bytes.len();
        found.push(submission);
    }
    Ok(found)
}

/// A submission as it stands in a body.
pub(super) fn framed(submission: &Submission) -> Vec<u8> {
    let bytes = submission.to_bytes();
    // One that is longer than a length can say is longer than any server takes, which answers so.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], &bytes].concat()
}
