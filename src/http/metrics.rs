//! `GET /v1/metrics`: numbers in the text format that Prometheus reads.
//!
//! Counts what is answered, whatever it is; all else is asked when it is asked for. Always: the labels come from the routes and
//! statuses there are, never from what a client sends, so that their number is bounded; so is that of the followers with
//! a name.

use super::problem::Answer;
use super::query::Query;
use super::typed;
use super::{App, followers};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// By route and status.
    answers: Mutex<BTreeMap<(String, u16), u64>>,
    clients: Arc<AtomicU64>,
}

/// A client of events, counted as long as this is there.
#[derive(Debug)]
pub(super) struct Client(Arc<AtomicU64>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(super) fn client(&self) -> Client {
        self.clients.fetch_add(1, Ordering::Relaxed);
        Client(Arc::clone(&self.clients))
    }

    fn answered(&self, route: &str, status: u16) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((route.to_owned(), status)).or_default() += 1;
    }

    fn requests(&self) -> String {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "redraft_http_requests_total";
        let help = format!("# HELP {name} Requests answered.\n# TYPE {name} counter\n");
        answers.iter().fold(help, |text, ((route, status), count)| {
            text + &format!("{name}{{route=\"{route}\",status=\"{status}\"}} {count}\n")
        })
    }
}

/// Counts every answer by the route that gave it.
pub(super) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    // From `/v1` on: wherever the application has put that.
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let known = matched.as_deref().and_then(|path| path.rfind("/v1/").map(|at| &path[at..]));
    let route = known.filter(|path| !path.contains('*')).unwrap_or("none").to_owned();
    let method = request.method().clone();
    let answer = next.run(request).await;
    // The route and not the address, which may hold what is nobody's business.
    tracing::debug!(%method, route, status = answer.status().as_u16(), "answered");
    app.0.metrics.answered(&route, answer.status().as_u16());
    answer
}

/// `GET /v1/metrics`.
pub(super) async fn metrics(State(app): State<App>, uri: Uri) -> Answer {
    Query::of(&uri, &[])?;
    let gauges = app.blocking(|source| {
        source.refresh()?;
        let ((segments, bytes), (changed_ms, now_ms)) = (source.view().extent()?, source.clocks());
        let since = now_ms.saturating_sub(changed_ms) as f64 / 1000.0;
        Ok(vec![
            gauge("redraft_head_version", "The newest version.", source.version()),
            gauge(
                "redraft_durable_version",
                "The newest version that survives a power cut.",
                source.durable(),
            ),
            gauge("redraft_oldest_version", "The oldest version that is kept.", source.oldest()?),
            gauge("redraft_segments", "Segments of the log.", segments),
            gauge("redraft_segment_bytes", "Bytes of their files.", bytes),
            gauge("redraft_snapshots", "Snapshots.", source.snapshots()?.len()),
            gauge("redraft_last_change_seconds", "Seconds since the newest change was recorded.", since),
            followers::told(source)?,
        ])
    });
    let mut text = gauges.await?.concat();
    let clients = app.0.metrics.clients.load(Ordering::Relaxed);
    text += &gauge("redraft_event_clients", "Clients that follow the events.", clients);
    text += &app.0.metrics.requests();
    Ok(typed("text/plain; version=0.0.4; charset=utf-8", text))
}

pub(super) fn gauge(name: &str, help: &str, value: impl std::fmt::Display) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n")
}
