//! [`read_away`]: what is left of the body of a request whose answer is already known.
//!
//! A connection that is closed while bytes of its other side wait unread is reset, and with that the answer may be lost that says
//! why. So they are read before it is given. Always: neither without end nor for ever, and not where the body came too late.

use super::App;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as _, Frame, SizeHint};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// How much of a body is read away, on top of the longest that is taken.
const BYTES: usize = 16 << 20;
/// How long the rest of a body is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers once the body was read, by whom it is for or by nobody.
pub(crate) async fn read_away(State(app): State<App>, request: Request, next: Next) -> Response {
    // Who asks before sending need not send it at all.
    let asks = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = Lent(Arc::new(Mutex::new(body)));
    let answer = next.run(Request::from_parts(parts, Body::new(body.clone()))).await;
    if !asks && answer.status() != StatusCode::REQUEST_TIMEOUT {
        let rest = body.rest(app.limits().body_bytes.saturating_add(BYTES));
        drop(tokio::time::timeout(PATIENCE, rest).await);
    }
    answer
}

/// A body that is handed to who answers, and can be read on when they are done with it.
#[derive(Clone)]
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    async fn rest(self, most: usize) {
        let mut read = 0;
        while let Some(Ok(frame)) = poll_fn(|context| self.poll(context)).await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read >= most {
                return;
            }
        }
    }
}

impl hyper::body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.poll(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
