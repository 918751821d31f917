//! [`Way`]: what carries a question to a server, and its answer back.
//!
//! The network, or in tests (feature `faults`) whatever a program puts in its place. Always: who asks sees no difference.

use reqwest::{Client, Request, Response};
use std::io;

/// Who carries.
#[derive(Clone)]
pub(super) enum Way {
    Network(Client),
    #[cfg(feature = "faults")]
    Given(given::Given),
}

impl Way {
    pub(super) async fn carry(&self, request: Request) -> io::Result<Response> {
        match self {
            Way::Network(client) => client.execute(request).await.map_err(failure),
            #[cfg(feature = "faults")]
            Way::Given(given) => given::carry(given, request).await,
        }
    }
}

/// What a request failed with, without the address, which is told beside it.
pub(super) fn failure(error: reqwest::Error) -> io::Error {
    let kind = if error.is_timeout() { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
    io::Error::new(kind, error.without_url())
}

#[cfg(feature = "faults")]
mod given {
    use super::Way;
    use super::failure;
    use crate::error::Result;
    use crate::http::reach::{RemoteOptions, address};
    use crate::http::remote::Remote;
    use axum::body::Body;
    use axum::http::header::HOST;
    use axum::http::{HeaderValue, Request, Response};
    use futures_util::future::BoxFuture;
    use std::future::Future;
    use std::io;
    use std::sync::Arc;

    type Answer = io::Result<Response<Body>>;
    pub(in crate::http) type Given = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Answer> + Send + Sync>;

    impl RemoteOptions {
        /// The store that is served at `url`, reached by way of `carry`, which has the answer to a request or says why there is
        /// none: for tests of what becomes of replicas when answers are late, cut off or garbled, without a network. It is called on
        /// a thread of a tokio runtime; nothing limits how long it takes. Certificates are not looked at.
        ///
        /// # Errors
        /// [`Error::Unreachable`](crate::Error::Unreachable) when that is no address, or there is no thread to be had.
        ///
        /// ```
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # let dir = tempfile::tempdir()?;
        /// use redraft::http::{Access, Limits, RemoteOptions, router};
        /// use redraft::{Mirror, Options, Store, Value, replica::Beginning};
        /// use std::sync::Arc;
        /// use tower::ServiceExt;
        ///
        /// let store = Arc::new(Store::<Value>::open(dir.path().join("store"))?);
        /// store.produce(|doc| doc["title"] = "plan".into())?;
        /// let app = router(store, Access::new(), Limits::new());
        /// let remote = RemoteOptions::new().open_through("http://localhost", move |request| {
        ///     let answer = app.clone().oneshot(request);
        ///     async { answer.await.map_err(|never| match never {}) }
        /// })?;
        /// let mut mirror = Options::new().mirror_of(Arc::new(remote), dir.path().join("copy"), Beginning::Oldest)?;
        /// assert_eq!(mirror.catch_up()?.version, 1);
        /// # Ok(()) }
        /// ```
        pub fn open_through<F>(
            &self,
            url: &str,
            carry: impl Fn(Request<Body>) -> F + Send + Sync + 'static,
        ) -> Result<Remote>
        where
            F: Future<Output = io::Result<Response<Body>>> + Send + 'static,
        {
            let given: Given = Arc::new(move |request| Box::pin(carry(request)));
            self.by(Way::Given(given), address(url)?)
        }
    }

    pub(super) async fn carry(given: &Given, request: reqwest::Request) -> io::Result<reqwest::Response> {
        let host = request.url().authority().to_owned();
        let mut request = Request::try_from(request).map_err(failure)?.map(Body::new);
        let host = HeaderValue::try_from(host).map_err(io::Error::other)?;
        request.headers_mut().insert(HOST, host);
        let answer = given(request).await?;
        Ok(answer.map(|body| reqwest::Body::wrap_stream(body.into_data_stream())).into())
    }
}
