//! What a replica asks for: the log as it lies, the snapshots as they lie, and a cursor that holds history back for it.
//!
//! The bytes are made by `replica`, piece after piece once the one before has been taken, so that a slow follower costs one piece
//! of memory. Always: only what is durable is sent; a stream that cannot go on is cut, and not ended, so that nobody takes
//! what came for all there was.

use super::problem::{Answer, Problem};
use super::query::Query;
use super::source::LOOK;
use super::submit::body_of;
use super::{App, json, query, typed};
use crate::error::{Error, Result};
use crate::replica::{Feed, PULSE};
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use futures_util::future::select;
use futures_util::stream;
use serde_json::json;
use std::io::Read;
use std::pin::pin;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

const BYTES: &str = "application/octet-stream";
/// So much of a file is sent at a time.
const PIECE_BYTES: u64 = 256 << 10;
/// The longest name of a follower.
const NAME_BYTES_MAX: usize = 200;

/// `GET /v1/log?from=&to=&follow=`.
pub(super) async fn log(State(app): State<App>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["from", "to", "follow"])?;
    let (from, to) = (query.version("from")?.unwrap_or(0), query.version("to")?);
    let follows = query.get("follow", "true or false")?.unwrap_or(false);
    if follows && to.is_some() {
        return Err(Problem::malformed("a stream that ends, with \"to\", cannot be followed"));
    }
    let permit = app.stream()?;
    let begun = app.blocking(move |source| {
        source.refresh()?;
        let (head, oldest) = (source.durable(), source.oldest()?);
        if from < oldest {
            return Err(Error::Compacted { version: from, oldest });
        }
        match to.filter(|&to| to > head || to < from).or((from > head).then_some(from)) {
            Some(version) => Err(Error::BeyondHead { version, head }),
            None => Feed::from_log(&source.view(), from),
        }
    });
    let feed = begun.await?;
    let feed = to.into_iter().fold(feed, Feed::until);
    let _client = app.0.metrics.client();
    let stopping = app.0.stopping.subscribe();
    let sent = Sent {
        app,
        feed: Some(feed),
        follows,
        more: true,
        last: Instant::now(),
        stopping,
        _permit: permit,
        _client,
    };
    let pieces = stream::try_unfold(sent, |mut sent| async {
        Ok::<_, Error>(sent.piece().await?.map(|piece| (piece, sent)))
    });
    Ok(typed(BYTES, Body::from_stream(pieces)))
}

/// A feed on its way to one client.
struct Sent {
    app: App,
    /// Away while something is read.
    feed: Option<Feed>,
    follows: bool,
    /// Whether there may be more to send at once.
    more: bool,
    last: Instant,
    stopping: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
    _client: super::metrics::Client,
}

impl Sent {
    /// What comes next, once there is something, or it is time to say that there is nothing.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        if !self.more {
            if !self.follows || *self.stopping.borrow() {
                return Ok(None);
            }
            self.wait().await;
        }
        let Some(mut feed) = self.feed.take() else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let more = feed.fill(&mut bytes);
            more.map(|more| (feed, bytes, more))
        });
        let read = read.await.unwrap_or_else(|panic| Err(mistaken(panic)));
        let (feed, bytes, more) = read.inspect_err(|error| tracing::warn!(%error, "a feed is cut"))?;
        (self.feed, self.more, self.last) = (Some(feed), more, Instant::now());
        Ok(Some(bytes.into()))
    }

    /// Until something becomes durable, or for as long as a feed may be silent.
    async fn wait(&mut self) {
        let (until, known) = (self.last + PULSE, self.feed.as_ref().map_or(0, Feed::offset));
        let view = self.app.source().view();
        let stopped = self.stopping.wait_for(|stopping| *stopping);
        let grown = async {
            if !view.grows_beyond(known).await {
                // Its writer is in another process: look.
                sleep_until((Instant::now() + LOOK / 10).min(until)).await;
            }
        };
        drop(
            timeout_at(until, async {
                select(pin!(grown), pin!(stopped)).await;
            })
            .await,
        );
    }
}

fn mistaken(panic: tokio::task::JoinError) -> Error {
    Error::Unreachable { from: "the log".into(), operation: "read", source: std::io::Error::other(panic) }
}

/// `GET /v1/snapshots`.
pub(super) async fn snapshots(State(app): State<App>, uri: Uri) -> Answer {
    Query::of(&uri, &[])?;
    let told = app.blocking(|source| {
        let versions = source.snapshots()?;
        // One that cannot be measured may be gone by now; who asks for it is told.
        let bytes: Vec<_> = versions.iter().map(|version| source.snapshot_bytes(*version).ok()).collect();
        Ok(json!({ "snapshots": versions, "bytes": bytes }))
    });
    Ok(json(told.await?.to_string()))
}

/// `GET /v1/snapshots/{version}`.
pub(super) async fn snapshot(
    State(app): State<App>,
    version: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Answer {
    Query::of(&uri, &[])?;
    let version = query::version(&part(version)?)?;
    let permit = app.stream()?;
    let opened = app.blocking_answer(move |source| match source.snapshot(version) {
        Err(Error::Io { source: error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Problem::new(
                StatusCode::NOT_FOUND,
                "not-found",
                format!("there is no snapshot of version {version}"),
            ))
        }
        answer => answer.map_err(|error| Problem::of(&error, source)),
    });
    let file = opened.await?;
    let pieces = stream::try_unfold((file, permit), |(mut file, permit)| async {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::new();
            let read = Read::by_ref(&mut file).take(PIECE_BYTES).read_to_end(&mut piece);
            read.map(|_| (file, piece))
        });
        let (file, piece) = read.await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)))?;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((Bytes::from(piece), (file, permit))))
    });
    Ok(typed(BYTES, Body::from_stream(pieces)))
}

/// `PUT /v1/cursors/{name}`.
pub(super) async fn acknowledge(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    request: Request,
) -> Answer {
    Query::of(&uri, &[])?;
    let name = part(name)?;
    let body = body_of(&app, request.into_body()).await?;
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Problem::malformed(format!("a follower's name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    let wanted = || Problem::malformed("the body is {\"version\": VERSION}");
    let told: serde_json::Value = serde_json::from_slice(&body).map_err(|_| wanted())?;
    let members = told.as_object().filter(|members| members.len() == 1).ok_or_else(wanted)?;
    let version = members.get("version").and_then(serde_json::Value::as_u64).ok_or_else(wanted)?;
    let noted = app.blocking(move |source| source.set_cursor(&name, version).transpose());
    match noted.await? {
        Some(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        None => {
            Err(Problem::forbidden("this server only lets read: the store is written by another process"))
        }
    }
}

fn part(part: Result<Path<String>, PathRejection>) -> Answer<String> {
    let Path(part) =
        part.map_err(|_| Problem::malformed("the address has an escape that is none, or is not UTF-8"))?;
    Ok(part)
}
