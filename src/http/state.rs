//! `GET /v1/state`: a document, or a part of it, at any version or time.
//!
//! Leaves how a version comes about to the store. Always: what is larger than two pieces is written piece by piece as its reader
//! takes it; an answer that could not be finished ends as a broken one, and not as a shorter document.

use super::problem::{Answer, Problem};
use super::query::{self, Query};
use super::source::Served;
use super::{App, json};
use crate::value::{Pointer, Value};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::IntoResponse;
use futures_util::stream::{self, StreamExt};
use std::fmt::{self, Write};
use std::io;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};

const PIECE_BYTES: usize = 64 << 10;

/// A version, or the one that was the newest at a time.
#[derive(Clone, Copy, Debug)]
enum At {
    Newest,
    Version(u64),
    TimeMs(i64),
}

/// What was found, unless the client has it already.
struct Found {
    version: u64,
    tag: String,
    value: Option<Value>,
}

/// `GET /v1/state?at=&path=`.
pub(super) async fn state(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["at", "path"])?;
    let (at, place) = (at(&query)?, pointer(query.text("path").unwrap_or_default())?);
    let found = app.blocking_answer(move |source| find(source, at, &place, &headers)).await?;
    let mut answer = match found.value {
        None => StatusCode::NOT_MODIFIED.into_response(),
        Some(value) => json(written(&app, value).await?),
    };
    let text = |text: &str| HeaderValue::from_str(text).map_err(|error| Problem::internal(error.to_string()));
    answer.headers_mut().insert(header::ETAG, text(&found.tag)?);
    answer.headers_mut().insert("redraft-version", found.version.into());
    Ok(answer)
}

fn at(query: &Query) -> Answer<At> {
    let Some(text) = query.text("at") else { return Ok(At::Newest) };
    if let Ok(version) = query::version(text) {
        return Ok(At::Version(version));
    }
    let refused = |_| {
        let forms = "a version, which is a whole number from 0 on, nor a time like 2026-05-04T10:00:00Z";
        Problem::malformed(format!("the parameter \"at\" is neither {forms}; found {text:?}"))
    };
    text.parse().map(|time: jiff::Timestamp| At::TimeMs(time.as_millisecond())).map_err(refused)
}

/// Reads a place in a document.
pub(crate) fn pointer(text: &str) -> Answer<Pointer> {
    let refused = |error| Problem::malformed(format!("the parameter \"path\" is no JSON Pointer: {error}"));
    Pointer::parse(text).map_err(refused)
}

fn find(source: &Served, at: At, place: &Pointer, headers: &HeaderMap) -> Answer<Found> {
    let failed = |error| Problem::of(&error, source);
    source.refresh().map_err(failed)?;
    let version = match at {
        At::Newest => source.version(),
        At::Version(version) => version,
        At::TimeMs(time_ms) => source.version_at(time_ms).map_err(failed)?,
    };
    if version > source.version() {
        return Err(failed(source.beyond(version)));
    }
    // Another epoch is another history, in which a version may be another state.
    let epoch = source.header().map_err(failed)?.epoch;
    let tag = format!("\"{}-{epoch}-{version}\"", source.id());
    if is_known(headers, &tag) {
        return Ok(Found { version, tag, value: None });
    }
    let document = source.document(version).map_err(failed)?;
    let value = place.find(&document).cloned().ok_or_else(|| nowhere(version, place))?;
    Ok(Found { version, tag, value: Some(value) })
}

fn nowhere(version: u64, place: &Pointer) -> Problem {
    let place = place.to_string();
    let detail = format!("there is nothing at {place:?} in version {version}");
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail).with("version", version).with("path", place)
}

/// Whether the client says that it has this.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let known = lists.flat_map(|list| list.split(',')).map(str::trim);
    known.into_iter().any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// What comes from the thread that writes.
enum Piece {
    More(Bytes),
    End,
}

/// A value as the body of an answer.
async fn written(app: &App, value: Value) -> Answer<Body> {
    let (sender, mut pieces) = channel(1);
    let patience = app.limits().idle;
    let runtime = Handle::current();
    drop(tokio::task::spawn_blocking(move || Pieces::new(sender, runtime, patience).write_all(&value)));
    let mut begin = Vec::new();
    for _ in 0..2 {
        match pieces.recv().await {
            Some(Piece::More(piece)) => begin.extend_from_slice(&piece),
            Some(Piece::End) => return Ok(begin.into()),
            None => return Err(Problem::internal("the state cannot be written")),
        }
    }
    let open = (pieces, app.stream()?);
    let begin = stream::once(std::future::ready(Ok(Bytes::from(begin))));
    let rest = stream::unfold(Some(open), |open| async {
        let (mut pieces, permit) = open?;
        match pieces.recv().await {
            Some(Piece::More(piece)) => Some((Ok(piece), Some((pieces, permit)))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the state was not written to its end")), None)),
        }
    });
    Ok(Body::from_stream(begin.chain(rest)))
}

/// Writes text in pieces, each once there is room for it.
struct Pieces {
    sender: Sender<Piece>,
    runtime: Handle,
    /// How long a reader may take for one.
    patience: Duration,
    text: String,
}

impl Pieces {
    fn new(sender: Sender<Piece>, runtime: Handle, patience: Duration) -> Pieces {
        Pieces { sender, runtime, patience, text: String::with_capacity(PIECE_BYTES) }
    }

    fn write_all(mut self, value: &Value) -> fmt::Result {
        write!(self, "{value}")?;
        self.flush()?;
        self.send(Piece::End)
    }

    fn flush(&mut self) -> fmt::Result {
        let piece = std::mem::replace(&mut self.text, String::with_capacity(PIECE_BYTES));
        self.send(Piece::More(piece.into()))
    }

    /// An error says that nobody reads any longer.
    fn send(&self, piece: Piece) -> fmt::Result {
        // Made inside of the runtime, whose timer it needs.
        let sent = async { tokio::time::timeout(self.patience, self.sender.send(piece)).await };
        self.runtime.block_on(sent).map_err(|_| fmt::Error)?.map_err(|_| fmt::Error)
    }
}

impl Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.text.len() < PIECE_BYTES { Ok(()) } else { self.flush() }
    }
}
