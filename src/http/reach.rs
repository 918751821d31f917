//! [`RemoteOptions`]: by which way a served store is reached, with which token and which certificates.
//!
//! Leaves asking to `remote`. Always: a secret is in no address and is printed nowhere; what cannot be used is refused before
//! anybody is asked.

use super::carried::Way;
use super::remote::{PATIENCE, Remote};
use crate::error::{Error, Result};
use crate::trust::client;
use reqwest::header::HeaderValue;
use reqwest::{Client, Url};
use std::fmt;
use std::io;
use std::path::PathBuf;
use tokio::runtime::Builder;

/// How a served store is reached.
///
/// ```no_run
/// use redraft::http::RemoteOptions;
/// use redraft::{Options, Replica, Value, replica::Beginning};
/// use std::sync::Arc;
///
/// let token = std::env::var("REDRAFT_READ_TOKEN").unwrap_or_default();
/// let primary = RemoteOptions::new().token(token).ca("ca.pem").open("https://primary.example:7878")?;
/// let replica: Replica<Value> = Options::new().replica_of(Arc::new(primary), "copy", Beginning::Oldest)?;
/// # Ok::<(), redraft::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct RemoteOptions {
    token: Option<String>,
    ca: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions").field("ca", &self.ca).finish_non_exhaustive()
    }
}

impl RemoteOptions {
    /// Without a token, and trusting the certificates that the system trusts.
    pub fn new() -> Self {
        RemoteOptions::default()
    }

    /// Shows this token. An empty one is none.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into()).filter(|token| !token.is_empty());
        self
    }

    /// Trusts servers whose certificate is signed by one of those in this PEM file, and no others.
    #[must_use]
    pub fn ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca = Some(path.into());
        self
    }

    /// Shows the certificate in one PEM file, whose key is in another.
    #[must_use]
    pub fn identity(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// The store that is served at `url`, the part before `/v1`. Starts a thread; nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when that is no address, a file cannot be used, or there is no thread to be had.
    pub fn open(&self, url: &str) -> Result<Remote> {
        let url = address(url)?;
        let tls = client(self.ca.as_deref(), self.identity.as_ref()).map_err(failed(&url, "prepare TLS"))?;
        let client = Client::builder()
            .use_preconfigured_tls(tls)
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            // A connection that rested through a silent cut looks alive.
            .pool_idle_timeout(PATIENCE)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| failed(&url, "prepare a client")(io::Error::other(error)))?;
        self.by(Way::Network(client), url)
    }

    pub(super) fn by(&self, way: Way, url: Url) -> Result<Remote> {
        let token = self.token.as_deref().map(shown).transpose().map_err(failed(&url, "send a token"))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("redraft-remote")
            .enable_all()
            .build()
            .map_err(failed(&url, "start a thread to read"))?;
        Ok(Remote::new(url, token, way, runtime))
    }
}

/// The header that shows a token.
fn shown(token: &str) -> io::Result<HeaderValue> {
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut value = value.map_err(|_| invalid("it holds what a header cannot"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn failed(url: &Url, operation: &'static str) -> impl FnOnce(io::Error) -> Error {
    let from = url.to_string();
    move |source| Error::Unreachable { from, operation, source }
}

/// An address that ends where `v1` begins, without anything secret.
pub(super) fn address(text: &str) -> Result<Url> {
    let refused = |why: &str| Error::Unreachable {
        from: "an address".into(),
        operation: "make sense of it and read",
        source: invalid(why),
    };
    let mut url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("it begins with neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refused("a secret does not belong in an address, which is logged on the way"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

pub(super) fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}
