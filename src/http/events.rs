//! `GET /v1/events`: changes as server-sent events, from any version on and as they come.
//!
//! Pulled from the log when the client has taken what came before, so that a slow reader costs one piece of memory and nothing
//! else. Always: the id of an event is its version; versions come without gaps; whatever ends a stream is told in it, and not
//! left to look like a lost connection.

use super::problem::{Answer, Problem};
use super::query::Query;
use super::source::{LOOK, Served};
use super::told::{FORMATS, Format, Teller};
use super::{App, query, typed};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use futures_util::future::{Either, select};
use futures_util::stream;
use std::convert::Infallible;
use std::pin::pin;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

/// So much is read at a time.
const PIECE_CHANGES: u64 = 64;
const PIECE_BYTES: usize = 64 << 10;
/// How long a browser waits before it comes back, in milliseconds.
const BEGIN: &str = "retry: 1000\n\n";
const STILL_HERE: &str = ":\n\n";

/// What one client is told.
struct Feed {
    app: App,
    /// Away while something is read.
    teller: Option<Teller>,
    /// The version that comes next.
    next: u64,
    newer: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    has_begun: bool,
    has_ended: bool,
    _permit: OwnedSemaphorePermit,
    _client: super::metrics::Client,
}

/// `GET /v1/events?from=&format=`.
pub(super) async fn events(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["from", "format"])?;
    let format: Format = query.get("format", FORMATS)?.unwrap_or_default();
    let from = query.version("from")?;
    let from = last_seen(&headers)?.map(|seen| seen.saturating_add(1)).or(from);
    let permit = app.stream()?;
    let next = app.blocking(move |source| {
        source.refresh()?;
        let first = from.unwrap_or_else(|| source.version() + 1).max(1);
        source.changes(first, first).map(|_| first)
    });
    let next = next.await.map_err(|problem| match problem.is(StatusCode::GONE) {
        true => problem.with("state", "state"),
        false => problem,
    })?;
    let feed = Feed {
        teller: Some(Teller::new(app.source(), format)),
        next,
        newer: app.source().newer(),
        stopping: app.0.stopping.subscribe(),
        has_begun: false,
        has_ended: false,
        _permit: permit,
        _client: app.0.metrics.client(),
        app,
    };
    let pieces =
        stream::unfold(feed, |mut feed| async { Some((Ok::<_, Infallible>(feed.piece().await?), feed)) });
    Ok(typed("text/event-stream", Body::from_stream(pieces)))
}

/// The version a browser saw last, which it tells when it comes back.
fn last_seen(headers: &HeaderMap) -> Answer<Option<u64>> {
    let told = headers.get("last-event-id").filter(|told| !told.is_empty());
    told.map(|told| query::version(told.to_str().unwrap_or("?"))).transpose()
}

impl Feed {
    /// What comes next, once there is something.
    async fn piece(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Some(BEGIN.into());
        }
        let patience = Instant::now() + self.app.limits().keep_alive;
        while !self.has_ended {
            // Before reading: what comes while that is under way is news.
            self.newer.mark_unchanged();
            let read = self.read().await;
            if !read.is_empty() {
                return Some(read.into());
            }
            if !self.wait(patience).await {
                return Some(STILL_HERE.into());
            }
        }
        None
    }

    /// Waits until it is worth reading again. False if nothing happened for so long that the client should be told.
    async fn wait(&mut self, patience: Instant) -> bool {
        let look = Instant::now() + LOOK;
        let is_told = self.app.source().is_written_here();
        let until = if is_told { patience } else { patience.min(look) };
        let (newer, stop) = (pin!(self.newer.changed()), pin!(self.stopping.wait_for(|stopping| *stopping)));
        match tokio::time::timeout_at(until, select(newer, stop)).await {
            Err(_) => until < patience,
            Ok(Either::Left((Ok(()), _))) => true,
            // The server stops, or the store is gone.
            Ok(_) => {
                self.has_ended = true;
                true
            }
        }
    }

    /// The next changes as events; nothing if there are none yet. What is in the way becomes the last one.
    async fn read(&mut self) -> String {
        let Some(teller) = self.teller.take() else { return String::new() };
        let next = self.next;
        let read = self.app.blocking_answer(move |source| {
            let mut batch = Batch { text: String::new(), next, teller };
            let end = batch.fill(source);
            Ok((batch, end))
        });
        let (text, end) = match read.await {
            Ok((batch, end)) => {
                (self.next, self.teller) = (batch.next, Some(batch.teller));
                (batch.text, end)
            }
            Err(problem) => (String::new(), Err(problem)),
        };
        let Err(problem) = end else { return text };
        self.has_ended = true;
        text + &last_event(problem)
    }
}

/// Some events, and where to go on.
struct Batch {
    text: String,
    next: u64,
    teller: Teller,
}

impl Batch {
    fn fill(&mut self, source: &Served) -> Answer<()> {
        let failed = |error| Problem::of(&error, source);
        source.refresh().map_err(failed)?;
        // A change may be in the log a moment before it is anybody's to see.
        let last = source.version().min(self.next + PIECE_CHANGES - 1);
        if self.next > last {
            return Ok(());
        }
        for change in source.changes(self.next, last).map_err(failed)? {
            let change = change.map_err(failed)?;
            let data = self.teller.tell(&change)?;
            self.text.push_str(&format!("id: {}\ndata: {data}\n\n", change.version));
            self.next = change.version + 1;
            if self.text.len() >= PIECE_BYTES {
                break;
            }
        }
        Ok(())
    }
}

/// Says why there will be no more. A version that is gone has a name of its own: who hears that begins with the state.
fn last_event(problem: Problem) -> String {
    let (name, problem) = match problem.is(StatusCode::GONE) {
        true => ("compacted", problem.with("state", "state")),
        false => ("failed", problem),
    };
    format!("event: {name}\ndata: {}\n\n", problem.to_text())
}
