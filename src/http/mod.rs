//! A store over HTTP: its state and history as JSON, changes as they come, and submissions (feature `http`).
//!
//! [`router`] is for an application that has an axum app of its own, [`Server`] for everybody else. Stands on `store` and leaves
//! meaning and durability to it; each route is one file. Always: no thread that others wait for blocks on a disk; what a slow or
//! hostile client can hold is bounded by [`Limits`]; what may not be asked for is refused before anything is looked at.

mod access;
mod browser;
mod carried;
mod changes;
mod events;
mod followers;
mod health;
mod identity;
mod idle;
mod limits;
mod listen;
mod log;
mod merge;
mod metrics;
mod problem;
mod query;
mod reach;
mod receipt;
mod remote;
mod sent;
mod sequencer;
mod since;
mod source;
mod state;
mod submit;
mod tls;
mod tokens;
mod told;
mod unread;

pub use access::Access;
pub use limits::Limits;
pub use listen::{Bound, ServeError, Server};
pub use reach::RemoteOptions;
pub use remote::Remote;
pub use source::Served;
pub use tls::Tls;
pub use tokens::{Scope, Tokens, TokensError};

use crate::error::Result;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, post, put};
use metrics::Metrics;
use problem::{Answer, Problem};
use std::fmt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How many requests are at the store at once. More of them would not be faster, and each may hold a state of its own.
const AT_ONCE: usize = 64;
/// So many of them may be changes, which can take long where the order of them is kept elsewhere.
const CHANGES_AT_ONCE: usize = 48;

/// Every address below `/v1`, and who answers there. One more is one more line, and its lines in `openapi.json`.
fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/store", get(identity::store)),
        ("/chain/{offset}", get(identity::chain)),
        ("/state", get(state::state)),
        ("/changes", get(changes::changes).post(submit::submit)),
        ("/submissions", post(merge::merge)),
        ("/events", get(events::events)),
        ("/log", get(log::log)),
        ("/snapshots", get(log::snapshots)),
        ("/snapshots/{version}", get(log::snapshot)),
        ("/cursors/{name}", put(log::acknowledge)),
        ("/health", get(health::health)),
        ("/metrics", get(metrics::metrics)),
        ("/openapi.json", get(identity::openapi)),
    ]
}

/// The routes of a store, all below `/v1`, to be mounted anywhere in an axum app: merged, or nested under a name. Everything that
/// is not below `/v1` is left to the app. It needs a tokio runtime with timers.
///
/// Addresses and answers are in the OpenAPI file that is served at `/v1/openapi.json`. Costs of a request are those of the call of
/// [`Store`](crate::Store) that it stands for; through a [`Node`](crate::replica::Node), a change also waits for its place in the order.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::http::{Access, Limits, router};
/// use redraft::{Store, Value};
/// use std::sync::Arc;
///
/// let store = Arc::new(Store::<Value>::open(dir.path())?);
/// let app = axum::Router::<()>::new().nest("/board", router(Arc::clone(&store), Access::new(), Limits::new()));
/// // The program goes on using the store.
/// store.produce(|board| board["title"] = "plan".into())?;
/// # let _ = app;
/// # Ok(()) }
/// ```
pub fn router(source: impl Into<Served>, access: Access, limits: Limits) -> Router {
    App::new(source.into(), access, limits).router()
}

/// What the inspector is made with: it is served as a store is.
#[cfg(feature = "inspect")]
pub(crate) mod shared {
    pub(crate) use super::access::{guard, guard_page};
    pub(crate) use super::identity::{not_so, nothing};
    pub(crate) use super::listen::bind;
    pub(crate) use super::problem::{Answer, Problem, without};
    pub(crate) use super::query::Query;
    pub(crate) use super::source::LOOK;
    pub(crate) use super::state::pointer;
    pub(crate) use super::submit::{body_of, must_be};
    pub(crate) use super::unread::read_away;
    pub(crate) use super::{App, json, typed};
}

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    source: Served,
    access: Access,
    limits: Limits,
    metrics: Metrics,
    streams: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    changes: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("source", &self.0.source).finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(source: Served, access: Access, limits: Limits) -> App {
        let (metrics, streams) = (Metrics::default(), Arc::new(Semaphore::new(limits.streams)));
        let [turns, changes] = [AT_ONCE, CHANGES_AT_ONCE].map(|most| Arc::new(Semaphore::new(most)));
        let stopping = watch::channel(false).0;
        App(Arc::new(Shared { source, access, limits, metrics, streams, turns, changes, stopping }))
    }

    fn router(self) -> Router {
        let routes =
            routes().into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route));
        let guarded = routes
            // As a route, for a fallback is lost where a router is mounted in one that is mounted.
            .route("/", any(identity::nothing))
            .route("/{*rest}", any(identity::nothing))
            .method_not_allowed_fallback(identity::not_so)
            .layer(from_fn_with_state(self.clone(), access::guard))
            .layer(from_fn_with_state(self.clone(), metrics::count))
            .layer(from_fn_with_state(self.clone(), unread::read_away));
        // Whatever the application does with addresses that are not ours is its own business.
        Router::new().nest("/v1", guarded.with_state(self))
    }

    pub(crate) fn access(&self) -> &Access {
        &self.0.access
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn source(&self) -> &Served {
        &self.0.source
    }

    /// Runs what may block where it may.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Served) -> Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.blocking_answer(move |source| work(source).map_err(|error| Problem::of(&error, source))).await
    }

    /// The same for what knows its own problems.
    pub(crate) async fn blocking_answer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Served) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let source = self.source().clone();
        // Never closed, so there is always a turn to wait for. It ends with the work, also where the client has gone meanwhile.
        let turn = Arc::clone(&self.0.turns).acquire_owned().await;
        let work = move || {
            let _turn = turn;
            work(&source)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err(Problem::internal("the server made a mistake, which its log tells")))
    }

    /// The same for changes, beside which others can always read.
    async fn writing_answer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Served) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let turn = Arc::clone(&self.0.changes).acquire_owned().await;
        self.blocking_answer(move |source| {
            let _turn = turn;
            work(source)
        })
        .await
    }

    /// Tells when the server stops.
    #[cfg(feature = "inspect")]
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    /// Leave to answer for as long as the reader takes.
    pub(crate) fn stream(&self) -> Answer<OwnedSemaphorePermit> {
        let full = |_| {
            let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            let detail = "as many streams are open as this server allows; come back later";
            Problem::new(status, "busy", detail).header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        };
        Arc::clone(&self.0.streams).try_acquire_owned().map_err(full)
    }
}

/// An answer of JSON.
pub(crate) fn json(text: impl Into<Body>) -> Response {
    typed("application/json", text)
}

pub(crate) fn typed(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
