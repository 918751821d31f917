//! `POST /v1/changes`: one change from somebody else, on the version that they know.
//!
//! Leaves what it says to `sent`, merging to the store and the answer to `since`. Always: it takes effect as the rules say, or not at
//! all; who sends the same again after a lost answer learns that it was done.

use super::App;
use super::problem::{Answer, Problem};
use super::sent::Sent;
use super::since::{LOOKED_AT, answer, done, done_before, too_late};
use super::source::Served;
use crate::error::Error;
use crate::merge::Submission;
use crate::patch::Patch;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;

/// `POST /v1/changes`.
pub(super) async fn submit(State(app): State<App>, request: Request) -> Answer {
    super::query::Query::of(request.uri(), &[])?;
    must_be("application/json", request.headers())?;
    let body = body_of(&app, request.into_body()).await?;
    app.writing_answer(move |source| carry_out(source, &body)).await
}

/// Forms of pages can be sent anywhere without asking, but not as any of these.
pub(crate) fn must_be(wanted: &str, headers: &HeaderMap) -> Answer<()> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|told| told.to_str().ok()).unwrap_or_default();
    let essence = told.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let detail = format!("a submission is sent here as {wanted}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "malformed", detail))
}

/// To who wants to change what is not changed here.
pub(super) fn only_read() -> Problem {
    Problem::forbidden("another process writes this store; here it can only be read")
}

/// All of a body, if it is not too long and does not take too long.
pub(crate) async fn body_of(app: &App, body: Body) -> Answer<Vec<u8>> {
    let late = |_| {
        let detail = "the body of the request did not come in time";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "malformed", detail)
    };
    let limits = app.limits();
    tokio::time::timeout(limits.request, gathered(body, limits.body_bytes)).await.map_err(late)?
}

async fn gathered(body: Body, most: usize) -> Answer<Vec<u8>> {
    let too_long = || {
        let detail = format!("the body of a request may have {most} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "refused", detail).with("limit", most)
    };
    // What it says of its own length is believed if that alone is too much.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    let (mut all, mut pieces) = (Vec::new(), body.into_data_stream());
    while let Some(piece) = pieces.next().await {
        let piece =
            piece.map_err(|_| Problem::malformed("the body of the request does not come to its end"))?;
        if all.len() + piece.len() > most {
            return Err(too_long());
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

fn carry_out(source: &Served, body: &[u8]) -> Answer<Response> {
    let sent = Sent::read(body)?;
    may_be_sent(source, &sent)?;
    let by = sent.by()?;
    let known = |(writer, sequence)| source.sequence_of(writer).map(|last| (1..=last).contains(&sequence));
    if by.map(known).transpose().map_err(|error| Problem::of(&error, source))?.unwrap_or(false) {
        // What it says was read the first time.
        return merged(source, &sent, &sent.submission(Patch::default())?);
    }
    if by.is_none() && sent.base < source.version() && (sent.is_exact() || is_far_back(source, &sent)) {
        return too_late(source, &sent);
    }
    let document = match source.document_seen(sent.base, by.map(|(writer, _)| writer)) {
        Err(Error::Compacted { .. } | Error::TooOld { .. }) => return too_late(source, &sent),
        found => found.map_err(|error| Problem::of(&error, source))?,
    };
    let patch = sent.patch(&document)?.map_err(|error| Problem::of(&error.into(), source))?;
    // Where the way to the order is long, many take it together.
    let decides = sent.is_exact() || source.decides();
    if sent.is_plain() && sent.base == source.version() && decides {
        return on_the_newest(source, &sent, patch);
    }
    merged(source, &sent, &sent.submission(patch)?)
}

/// Whether it is for this store, and for a version of it that is there.
fn may_be_sent(source: &Served, sent: &Sent<'_>) -> Answer<()> {
    let id = source.id().to_string();
    if sent.store.as_ref().is_some_and(|meant| *meant != id) {
        let detail = "it was made for another store than the one that is served here now";
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "diverged", detail).with("store", id));
    }
    if sent.base > source.version() {
        source.await_version(sent.base);
    }
    if sent.base > source.version() {
        let beyond = Problem::of(&source.beyond(sent.base), source);
        return Err(beyond.status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    if source.is_written_here() { Ok(()) } else { Err(only_read()) }
}

/// Whether it cannot be told any more if it was done before.
fn is_far_back(source: &Served, sent: &Sent<'_>) -> bool {
    sent.id.is_some() && source.version() - sent.base > LOOKED_AT
}

/// Nothing came since, as far as anybody knows: a patch that does not fit is refused with the operation that does not.
fn on_the_newest(source: &Served, sent: &Sent<'_>, patch: Patch) -> Answer<Response> {
    match source.apply_on(sent.base, sent.meta(), &patch) {
        Some(Ok(version)) => done(version, version > sent.base),
        Some(Err(Error::Outdated { .. })) if sent.is_exact() => too_late(source, sent),
        Some(Err(Error::Outdated { .. })) => merged(source, sent, &sent.submission(patch)?),
        Some(Err(error)) => Err(Problem::of(&error, source)),
        None => Err(only_read()),
    }
}

/// Led past what came since. One that has a name is, if nobody else was faster than looking for it.
fn merged(source: &Served, sent: &Sent<'_>, submission: &Submission) -> Answer<Response> {
    let is_named = sent.id.is_some() && submission.by.is_none();
    let looked = source.version();
    if is_named && let Some(before) = done_before(source, sent)? {
        return Ok(before);
    }
    let merged = if sent.is_exact() {
        source.merge_on(sent.base, submission)
    } else if is_named {
        source.merge_unless(looked, &|change| sent.made(change), submission)
    } else {
        source.merge_one(submission)
    };
    match merged {
        Some(Ok(receipt)) => answer(source, sent, &receipt),
        Some(Err(Error::Outdated { .. } | Error::TooOld { .. })) => too_late(source, sent),
        Some(Err(error)) => Err(Problem::of(&error, source)),
        None => Err(only_read()),
    }
}
