//! [`Remote`]: a store that is served over HTTP, as the source of a replica, and as who merges what that writes.
//!
//! Asks what `log` and `identity` answer, by the way that `reach` prepared; verifying is left to `replica`. It has a thread of its own
//! that talks, so that it can be used from any other, whether or not that one is part of an asynchronous runtime. Always: a token is
//! sent as a header and nowhere else, and printed nowhere; an answer that does not come in time is an error.

use super::carried::{Way, failure};
use super::reach::{RemoteOptions, invalid};
use crate::error::{Error, Result};
use crate::layout::StoreId;
use crate::replica::{Patience, Source, Status, wait_here};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde_json::{Value as Json, json};
use std::fmt;
use std::future::Future;
use std::io::{self, Read};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// How long it may take until a connection is there, until an answer begins, and between two pieces of it. A feed that has
/// nothing to say says that every second.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How many pieces of an answer may wait to be read.
const PIECES: usize = 8;
/// So much of an answer that explains itself is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A store elsewhere, to be [followed](Source), and [written through](crate::Replica::write_through) by a replica: submissions go to
/// `/v1/submissions`. What its answer says of one that cannot be merged is the same error here; whatever else goes wrong is
/// [`Error::Unreachable`].
pub struct Remote {
    url: Url,
    token: Option<HeaderValue>,
    way: Way,
    /// A connection that does not answer is timed by the way. This is for who does not want to wait for that.
    patience: Patience,
    runtime: Option<Runtime>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Waiting is not allowed where this may be dropped.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Remote {
    /// The store that is served at `url`, without a token. See [`RemoteOptions`] for more.
    ///
    /// # Errors
    /// As [`RemoteOptions::open`].
    pub fn open(url: &str) -> Result<Remote> {
        RemoteOptions::new().open(url)
    }

    pub(super) fn new(url: Url, token: Option<HeaderValue>, way: Way, runtime: Runtime) -> Remote {
        Remote { url, token, way, patience: Patience::of(Duration::MAX), runtime: Some(runtime) }
    }

    /// Runs what may wait on the thread that does.
    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let ended = || self.unreachable("ask", io::ErrorKind::BrokenPipe.into());
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        runtime.spawn(async move { drop(tell.send(work.await)) });
        wait_here(told).map_err(|_| ended())
    }

    fn unreachable(&self, operation: &'static str, source: io::Error) -> Error {
        Error::Unreachable { from: self.name(), operation, source }
    }

    fn at(&self, path: &str) -> Result<Url> {
        self.url
            .join(&format!("v1/{path}"))
            .map_err(|error| self.unreachable("ask", invalid(&error.to_string())))
    }

    /// An answer that is a success, once it begins.
    fn get(&self, path: &str) -> Result<Response> {
        self.ask(Request::new(Method::GET, self.at(path)?))
    }

    fn ask(&self, request: Request) -> Result<Response> {
        self.answered(request)?.map_err(|(status, told)| self.refused(status, &told))
    }

    /// An answer that is a success, or the status of one that is none, with what it says.
    fn answered(&self, mut request: Request) -> Result<Result<Response, (StatusCode, Json)>> {
        self.token.iter().for_each(|token| drop(request.headers_mut().insert(AUTHORIZATION, token.clone())));
        let (way, patience) = (self.way.clone(), self.patience.clone());
        let answer = self.wait(async move { patience.with(way.carry(request)).await.flatten() })?;
        let answer = answer.map_err(|error| self.unreachable("ask", error))?;
        if answer.status().is_success() {
            return Ok(Ok(answer));
        }
        let status = answer.status();
        let told = self.wait(limited(answer, ANSWER_BYTES_MAX, self.patience.clone()))?.ok();
        let told = told.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Err((status, told.unwrap_or(Json::Null))))
    }

    /// What the other side said no with.
    fn refused(&self, status: StatusCode, told: &Json) -> Error {
        let number = |name: &str| told.get(name).and_then(Json::as_u64);
        let detail = told.get("detail").and_then(Json::as_str).unwrap_or("it does not say why");
        match (status, number("version"), number("oldest"), number("head")) {
            (StatusCode::GONE, Some(version), Some(oldest), _) => Error::Compacted { version, oldest },
            (StatusCode::NOT_FOUND, Some(version), _, Some(head)) => Error::BeyondHead { version, head },
            _ => {
                let kind = match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => {
                        io::ErrorKind::PermissionDenied
                    }
                    StatusCode::NOT_FOUND => io::ErrorKind::NotFound,
                    _ => io::ErrorKind::Other,
                };
                self.unreachable("ask", io::Error::new(kind, format!("{status}: {detail}")))
            }
        }
    }

    fn json(&self, path: &str) -> Result<Json> {
        self.json_of(self.get(path)?, ANSWER_BYTES_MAX)
    }

    fn json_of(&self, answer: Response, most: usize) -> Result<Json> {
        let bytes = self
            .wait(limited(answer, most, self.patience.clone()))?
            .map_err(|error| self.unreachable("ask", error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreachable("ask", io::Error::other(error)))
    }

    /// What is answered to a body of this type, at most so many bytes.
    pub(super) fn post(&self, path: &str, kind: &'static str, body: Vec<u8>, most: usize) -> Result<Json> {
        let bytes = body.len() as u64;
        let mut request = Request::new(Method::POST, self.at(path)?);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        *request.body_mut() = Some(body.into());
        match self.answered(request)? {
            Ok(answer) => self.json_of(answer, most),
            Err((StatusCode::PAYLOAD_TOO_LARGE, told)) => {
                let limit = told.get("limit").and_then(Json::as_u64).unwrap_or(0);
                Err(Error::TooLarge { index: 0, bytes, limit })
            }
            Err((status, told)) => Err(self.refused(status, &told)),
        }
    }

    /// A problem that is told inside of an answer.
    pub(super) fn told_no(&self, problem: &Json) -> Error {
        let status =
            problem.get("status").and_then(Json::as_u64).and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        self.refused(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), problem)
    }

    pub(super) fn strange(&self, what: &str) -> Error {
        self.unreachable(
            "ask",
            io::Error::other(format!("what it answers has no {what}: is it a redraft server?")),
        )
    }

    /// The body of an answer, received while it is read.
    fn stream(&self, mut answer: Response) -> Result<Box<dyn Read + Send>> {
        let (give, pieces) = mpsc::channel(PIECES);
        let ended = || self.unreachable("ask", io::ErrorKind::BrokenPipe.into());
        let patience = self.patience.clone();
        self.runtime.as_ref().ok_or_else(ended)?.spawn(async move {
            loop {
                let Some(piece) = next_of(&mut answer, &patience).await.transpose() else { return };
                let is_last = piece.is_err();
                // Nobody reads any longer: the connection is closed with this.
                if give.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Box::new(Body { pieces, piece: bytes::Bytes::new() }))
    }
}

impl Source for Remote {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn status(&self) -> Result<Status> {
        let told = self.json("store")?;
        let number = |name: &str| told.get(name).and_then(Json::as_u64).ok_or_else(|| self.strange(name));
        let store = told.get("store").and_then(Json::as_str).and_then(StoreId::parse);
        let store = store.ok_or_else(|| self.strange("store"))?;
        let epoch = u32::try_from(number("epoch")?).map_err(|_| self.strange("epoch"))?;
        Ok(Status::new(store, epoch, number("oldest")?, number("head")?))
    }

    fn chain_at(&self, offset: u64) -> Result<u32> {
        let told = self.json(&format!("chain/{offset}"))?;
        let chain =
            told.get("chain").and_then(Json::as_str).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        chain.ok_or_else(|| self.strange("chain"))
    }

    fn bytes_since(&self, offset: u64) -> Result<Option<u64>> {
        let told = self.json(&format!("store?since={offset}"))?;
        told.get("bytes_since").and_then(Json::as_u64).map(Some).ok_or_else(|| self.strange("bytes_since"))
    }

    fn snapshots(&self) -> Result<Vec<u64>> {
        let told = self.json("snapshots")?;
        let versions = told.get("snapshots").and_then(Json::as_array);
        let versions: Option<Vec<u64>> = versions.and_then(|all| all.iter().map(Json::as_u64).collect());
        versions.ok_or_else(|| self.strange("snapshots"))
    }

    fn snapshot_bytes(&self, version: u64) -> Result<Option<u64>> {
        let told = self.json("snapshots")?;
        let all = |name| told.get(name).and_then(Json::as_array).ok_or_else(|| self.strange(name));
        let mut both = all("snapshots")?.iter().zip(all("bytes")?);
        let found = both.find(|(of, _)| of.as_u64() == Some(version));
        Ok(found.and_then(|(_, bytes)| bytes.as_u64()))
    }

    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.stream(self.get(&format!("snapshots/{version}"))?)
    }

    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        self.stream(self.get(&format!("log?from={from}&follow={lives}"))?)
    }

    fn rouse(&self) {
        self.patience.rouse();
    }

    fn acknowledge(&self, follower: &str, version: u64) -> Result<()> {
        let mut url = self.at("cursors/")?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(follower);
        }
        let body = json!({ "version": version }).to_string();
        let mut request = Request::new(Method::PUT, url);
        *request.body_mut() = Some(body.into());
        match self.ask(request) {
            // It cannot be told: a token that only reads, or a store that another process writes.
            Err(Error::Unreachable { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
                Ok(())
            }
            answer => answer.map(drop),
        }
    }
}

/// The next piece of a body.
async fn next_of(answer: &mut Response, patience: &Patience) -> io::Result<Option<bytes::Bytes>> {
    patience.with(answer.chunk()).await?.map_err(failure)
}

/// A body that is short.
async fn limited(mut answer: Response, most: usize, patience: Patience) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_of(&mut answer, &patience).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > most {
            return Err(io::Error::other("the answer does not end where it should"));
        }
    }
    Ok(bytes)
}

struct Body {
    pieces: mpsc::Receiver<io::Result<bytes::Bytes>>,
    piece: bytes::Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match wait_here(self.pieces.recv()) {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
