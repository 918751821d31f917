//! A page to look into a store with: its whole history as a timeline, the state at any version, and what each change did (feature
//! `inspect`).
//!
//! [`Inspector`] makes a router for an axum app, or serves the page on a socket of its own. Stands on `http` for who may ask, how much,
//! and how connections are held, and on `store` and `history` for all answers; each address is one file. What is held in memory besides
//! what the store holds is a row of 17 bytes for every change (`table`). Always: no thread that others wait for blocks on a disk; a
//! request does a bounded amount of work, or what the history takes for one version; what is in a store leaves it as JSON and as nothing
//! else, so that no page can take it for its own; nothing is changed unless whoever started it let it.

mod assets;
mod change;
mod compare;
mod condition;
mod documents;
mod events;
mod fill;
mod health;
mod life;
mod node;
mod preview;
mod rows;
mod search;
mod source;
mod table;
mod timeline;
mod told;
mod touched;
mod write;

pub use condition::{Condition, ConditionError};
pub use source::Inspected;

use crate::error::{Damage, Error, Result};
use crate::http::shared::{self, Answer, App, Problem};
use crate::http::{Access, Bound, Limits, ServeError, Tls};
use crate::record::Change;
use crate::value::Value;
use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{MethodRouter, any, get, post};
use documents::Documents;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use table::Table;
use touched::Touched;

/// How long a store is let be that could not be looked at anew.
const PAUSE: Duration = Duration::from_secs(2);
/// How many changes are kept with what they touched: the page asks for one of them again and again.
const STUDIED: usize = 4;
/// How many places of damage are told.
const TROUBLES: usize = 100;

/// Every address below `api`, and who answers there.
fn routes() -> Vec<(&'static str, MethodRouter<Desk>)> {
    vec![
        ("/store", get(health::store)),
        ("/health", get(health::health)),
        ("/events", get(events::events)),
        ("/timeline", get(timeline::timeline)),
        ("/changes", get(rows::changes)),
        ("/change/{version}", get(change::change)),
        ("/node", get(node::node)),
        ("/value", get(node::value)),
        ("/search", get(search::search)),
        ("/life", get(life::life)),
        ("/blame", get(life::blame)),
        ("/compare", get(compare::compare)),
        ("/bisect", get(compare::bisect)),
        ("/time", get(compare::time)),
        ("/undo", post(write::undo)),
        ("/restore", post(write::restore)),
    ]
}

/// A page to look into a store with: the history as a timeline, the state at every version, what each change did, and live what
/// comes. For an axum app of one's own it is a [router](Inspector::router); [bound](Inspector::bind) to an address it serves itself.
/// The page loads nothing from elsewhere.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::inspect::Inspector;
/// use redraft::{Store, Value};
/// use std::sync::Arc;
///
/// let store = Arc::new(Store::<Value>::open(dir.path())?);
/// let inspector = Inspector::new(Arc::clone(&store)).name("board");
/// // The page is at /inspect/ then: the last slash counts, for all that the page asks for is beside it.
/// let app = axum::Router::<()>::new().nest("/inspect/", inspector.router());
/// # drop(app);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Inspector {
    source: Inspected,
    access: Access,
    limits: Limits,
    tls: Option<Tls>,
    writes: bool,
    name: Option<String>,
}

impl Inspector {
    /// An inspector of this store or reader, as open as [`Access::new`], which changes nothing. O(1).
    pub fn new(source: impl Into<Inspected>) -> Inspector {
        let (access, limits) = (Access::new(), Limits::new());
        Inspector { source: source.into(), access, limits, tls: None, writes: false, name: None }
    }

    /// Who may ask. The page itself needs no token, for there is nothing of the store in it; it asks for one.
    #[must_use]
    pub fn access(mut self, access: Access) -> Inspector {
        self.access = access;
        self
    }

    /// How much a client may ask for.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Inspector {
        self.limits = limits;
        self
    }

    /// Encrypts all connections, where it is [bound](Inspector::bind) to an address.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Inspector {
        self.tls = Some(tls);
        self
    }

    /// Whether changes may be undone, and the state may be made what it was. Nothing can be changed unless this says so, the
    /// [access](Access::read_only) lets, and it is a store that this program writes.
    #[must_use]
    pub fn writes(mut self, writes: bool) -> Inspector {
        self.writes = writes;
        self
    }

    /// What the store is called on the page; the name of its directory otherwise.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Inspector {
        self.name = Some(name.into());
        self
    }

    /// The routes of the page, to be nested in an axum app under a name that ends with a slash. They need a tokio runtime with timers. A
    /// thread begins to read the history, for the timeline; it ends once the routes are dropped.
    pub fn router(self) -> Router {
        let Inspector { source, access, limits, writes, name, .. } = self;
        let app = App::new(source.served().clone(), access, limits);
        Desk::new(app, source, writes, name).router()
    }

    /// Takes the address; port 0 is any that is free. In a tokio runtime with sockets and timers. Reads the history as
    /// [`router`](Inspector::router) does.
    ///
    /// # Errors
    /// As [`Server::bind`](crate::http::Server::bind): it is not opened to other machines without tokens or certificates.
    ///
    /// ```no_run
    /// # async fn run(store: redraft::Store) -> Result<(), redraft::http::ServeError> {
    /// use redraft::inspect::Inspector;
    ///
    /// let bound = Inspector::new(store).bind(([127, 0, 0, 1], 0).into()).await?;
    /// println!("http://{}/", bound.address());
    /// bound.run(std::future::pending()).await;
    /// # Ok(()) }
    /// ```
    pub async fn bind(self, address: SocketAddr) -> Result<Bound, ServeError> {
        let Inspector { source, access, limits, tls, writes, name } = self;
        let make = |access| {
            let app = App::new(source.served().clone(), access, limits);
            (app.clone(), Desk::new(app, source, writes, name).router())
        };
        shared::bind(address, access, limits, tls, make).await
    }
}

/// What all handlers share.
#[derive(Clone)]
struct Desk(Arc<Parts>);

struct Parts {
    app: App,
    source: Inspected,
    documents: Documents,
    table: RwLock<Table>,
    studied: Mutex<VecDeque<Arc<Studied>>>,
    troubles: Mutex<Vec<Trouble>>,
    /// When the store could not be looked at anew.
    failed_at: Mutex<Option<Instant>>,
    writes: bool,
    name: String,
}

/// A change, and what it touched.
struct Studied {
    change: Change,
    before: Value,
    touched: Touched,
}

/// Something that is wrong with the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Trouble {
    place: String,
    detail: String,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("source", &self.0.source).finish_non_exhaustive()
    }
}

fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    fn new(app: App, source: Inspected, writes: bool, name: Option<String>) -> Desk {
        let served = source.served();
        let writes = writes && served.is_written_here() && !app.access().is_read_only();
        let directory = || served.path().file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.or_else(directory).unwrap_or_default();
        let table = RwLock::new(Table::from(served.oldest().unwrap_or(0) + 1));
        let documents = Documents::of(&source);
        let (studied, troubles, failed_at) = (Mutex::default(), Mutex::default(), Mutex::default());
        let parts = Parts { app, source, documents, table, studied, troubles, failed_at, writes, name };
        let desk = Desk(Arc::new(parts));
        fill::begin(&desk);
        desk
    }

    fn router(self) -> Router {
        let app = self.0.app.clone();
        let api = routes().into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route));
        let api = api
            .route("/", any(shared::nothing))
            .route("/{*rest}", any(shared::nothing))
            .method_not_allowed_fallback(shared::not_so)
            .layer(from_fn_with_state(app.clone(), shared::guard))
            .layer(from_fn_with_state(app.clone(), shared::read_away))
            .layer(map_response(assets::not_stored))
            .with_state(self);
        let page = assets::router().layer(from_fn_with_state(app, shared::guard_page));
        Router::new().nest("/api", api).merge(page).layer(map_response(assets::enclosed))
    }

    fn app(&self) -> &App {
        &self.0.app
    }

    fn source(&self) -> &Inspected {
        &self.0.source
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        *self.app().stopping().borrow()
    }

    /// Runs what may block where it may, on what is there now.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let desk = self.clone();
        let work = move |_: &_| {
            desk.look();
            work(&desk)
        };
        self.app().blocking_answer(work).await
    }

    /// The same, told as JSON.
    async fn answer<T: Serialize>(&self, work: impl FnOnce(&Desk) -> Answer<T> + Send + 'static) -> Answer {
        let text = self.work(|desk| {
            serde_json::to_string(&work(desk)?).map_err(|error| Problem::internal(error.to_string()))
        });
        Ok(shared::json(text.await?))
    }

    /// Looks what another process has written since. If that cannot be read, what was there before still can.
    fn look(&self) {
        let mut failed_at = ignore_poison(&self.0.failed_at);
        if failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        *failed_at = match self.source().served().refresh() {
            Ok(()) => None,
            Err(error) => {
                self.note(&error);
                Some(Instant::now())
            }
        };
    }

    /// What to answer to an error. Damage is kept in mind.
    fn failed(&self, error: &Error) -> Problem {
        if error.damage().is_some() {
            self.note(error);
        }
        Problem::of(error, self.source().served())
    }

    /// Keeps in mind that something is wrong with the store.
    fn note(&self, error: &Error) {
        match error.damage() {
            Some(damage) => self.note_damage(damage),
            None => self.note_text("the store", &error.to_string()),
        }
    }

    fn note_damage(&self, damage: &Damage) {
        let name = damage.path.file_name().unwrap_or_default().to_string_lossy();
        self.note_text(&format!("{name}, byte {}", damage.byte), &damage.to_string());
    }

    fn note_text(&self, place: &str, detail: &str) {
        let detail = shared::without(detail, self.source().served().path());
        let trouble = Trouble { place: place.to_owned(), detail };
        let mut troubles = ignore_poison(&self.0.troubles);
        if troubles.len() < TROUBLES && !troubles.contains(&trouble) {
            troubles.push(trouble);
        }
    }

    fn troubles(&self) -> Vec<Trouble> {
        ignore_poison(&self.0.troubles).clone()
    }

    fn document(&self, version: u64) -> Answer<Value> {
        self.0.documents.at(self.source(), version).map_err(|error| self.failed(&error))
    }

    /// The version that is asked about; the newest if none is said.
    fn version(&self, asked: Option<u64>) -> Answer<u64> {
        let served = self.source().served();
        match asked {
            Some(version) if version > served.version() => Err(self.failed(&served.beyond(version))),
            Some(version) => Ok(version),
            None => Ok(served.version()),
        }
    }

    /// The change that made a version.
    fn change(&self, version: u64) -> Answer<Change> {
        let served = self.source().served();
        let head = served.version();
        let beyond = || Error::BeyondHead { version, head };
        if version == 0 || version > head {
            let nothing = "version 0 is the beginning: no change made it";
            return Err(match version {
                0 => Problem::new(axum::http::StatusCode::NOT_FOUND, "not-found", nothing),
                _ => self.failed(&beyond()),
            });
        }
        let found = served
            .changes(version, version)
            .and_then(|mut changes| changes.next().unwrap_or_else(|| Err(beyond())));
        found.map_err(|error| self.failed(&error))
    }

    /// The change that made a version, and what it touched. O(change), and for a version that nobody is near what that costs.
    fn study(&self, version: u64) -> Answer<Arc<Studied>> {
        let known = |studied: &VecDeque<Arc<Studied>>| {
            studied.iter().find(|studied| studied.change.version == version).cloned()
        };
        if let Some(known) = known(&ignore_poison(&self.0.studied)) {
            return Ok(known);
        }
        let change = self.change(version)?;
        let before = self.document(version - 1)?;
        let touched = Touched::by(&before, &change.patch).map_err(|error| self.failed(&error))?;
        let found = Arc::new(Studied { change, before, touched });
        let mut studied = ignore_poison(&self.0.studied);
        studied.push_back(Arc::clone(&found));
        if studied.len() > STUDIED {
            studied.pop_front();
        }
        Ok(found)
    }
}
