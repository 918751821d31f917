//! [`Server`]: a router on a socket of its own, for programs that have no web server.
//!
//! Leaves requests to the router; here are connections: how many, how long, encrypted or not, and how they end. Always: a server
//! that others than this machine can reach asks them who they are, or does not start.

use super::idle::Patient;
use super::tls::Tls;
use super::{Access, App, Limits, Served};
use axum::Router;
use futures_util::future::{Either, select};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long to wait where no connection can be taken, for want of descriptors say.
const BREATH: Duration = Duration::from_millis(100);
/// How much of the head of a request is kept until the rest comes, in bytes. A head may have this and what one read adds to it.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It would let in everybody on the network.
    #[error(
        "{address} can be reached from other machines, and nobody would have to say who they are: give it tokens, or a CA whose certificates clients must show, or listen on 127.0.0.1"
    )]
    Open {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("cannot use {path} for TLS", path = .path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A store with a socket of its own.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::http::Server;
/// use redraft::{Store, Value};
///
/// let store = Store::<Value>::open(dir.path())?;
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// runtime.block_on(async {
///     let server = Server::new(store).bind("127.0.0.1:0".parse()?).await?;
///     println!("http://{}/v1/state", server.address());
///     let stop = async {}; // when this is done, it ends
///     server.run(stop).await;
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    source: Served,
    access: Access,
    limits: Limits,
    tls: Option<Tls>,
}

impl Server {
    /// A server of this store or reader, as open as [`Access::new`] and without TLS. O(1).
    pub fn new(source: impl Into<Served>) -> Server {
        Server { source: source.into(), access: Access::new(), limits: Limits::new(), tls: None }
    }

    /// Who may ask for what.
    #[must_use]
    pub fn access(mut self, access: Access) -> Server {
        self.access = access;
        self
    }

    /// How much a client may ask for.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Server {
        self.limits = limits;
        self
    }

    /// Encrypts all connections.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Server {
        self.tls = Some(tls);
        self
    }

    /// Takes the address; port 0 is any that is free. Requests may name it by that address. In a tokio runtime with sockets and
    /// timers.
    ///
    /// # Errors
    /// [`ServeError::Open`] if other machines can reach it and neither tokens nor certificates of clients are asked for,
    /// [`ServeError::Bind`].
    pub async fn bind(self, address: SocketAddr) -> Result<Bound, ServeError> {
        let Server { source, access, limits, tls } = self;
        bind(address, access, limits, tls, |access| {
            let app = App::new(source, access, limits);
            (app.clone(), app.router())
        })
        .await
    }
}

/// Takes the address for what `make` makes: what all handlers share, and the routes. It gets the names that requests may use.
pub(crate) async fn bind(
    address: SocketAddr,
    access: Access,
    limits: Limits,
    tls: Option<Tls>,
    make: impl FnOnce(Access) -> (App, Router),
) -> Result<Bound, ServeError> {
    let asks = access.needs_token() || tls.as_ref().is_some_and(Tls::asks_clients);
    if !address.ip().to_canonical().is_loopback() {
        if !asks {
            return Err(ServeError::Open { address });
        }
        if tls.is_none() {
            tracing::warn!(%address, "without TLS: whoever is on the way can read the tokens");
        }
    }
    let failed = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    // The address of every interface is none that anybody should call it by, though browsers let pages do so.
    let access = if address.ip().is_unspecified() { access } else { access.host(name_of(address)) };
    let (app, router) = make(access);
    let stopping = app.0.stopping.clone();
    Ok(Bound { listener, address, tls, limits, stopping, router })
}

/// How a request names an address, without the port.
fn name_of(address: SocketAddr) -> String {
    if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() }
}

/// A server that has its address. Connections wait until it [runs](Bound::run).
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    limits: Limits,
    stopping: watch::Sender<bool>,
    router: Router,
}

impl Bound {
    /// Where it listens. O(1).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done. Then takes no more connections, ends the streams of events, lets what is under way come to
    /// its end for as long as a request [may take](Limits::request), and drops the store.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let acceptor = self.tls.as_ref().map(|tls| TlsAcceptor::from(tls.config()));
        let Bound { listener, stopping, router, limits, .. } = self;
        let connection = Connection { router, acceptor, limits, stopping: stopping.subscribe() };
        let mut connections = JoinSet::new();
        {
            let accepting = accept(&listener, &connection, &mut connections);
            select(pin!(accepting), pin!(stop)).await;
        }
        drop(listener);
        stopping.send_replace(true);
        drop((stopping, connection));
        let ended = async { while connections.join_next().await.is_some() {} };
        // Those that are left are dropped, and with that closed.
        drop(tokio::time::timeout(limits.request, ended).await);
        connections.shutdown().await;
    }
}

/// Takes connections for ever.
async fn accept(listener: &TcpListener, connection: &Connection, connections: &mut JoinSet<()>) {
    let room = Arc::new(Semaphore::new(connection.limits.connections));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection.clone();
                connections.spawn(async move {
                    connection.serve(stream).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Connection {
    router: Router,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Small answers would wait for one another.
        drop(stream.set_nodelay(true));
        let stream = Patient::new(stream, self.limits.idle);
        match self.acceptor.clone() {
            None => self.speak(stream).await,
            Some(acceptor) => {
                match tokio::time::timeout(self.limits.request, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => self.speak(stream).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS connection came about"),
                    Err(_) => tracing::debug!("a TLS connection took too long to come about"),
                }
            }
        }
    }

    async fn speak(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let spoken = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.request)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router));
        let mut spoken = pin!(spoken);
        // What it answers holds a lock, which nobody may carry along.
        let stopped = pin!(async { drop(self.stopping.wait_for(|stopping| *stopping).await) });
        let ended = match select(spoken.as_mut(), stopped).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => {
                spoken.as_mut().graceful_shutdown();
                spoken.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
