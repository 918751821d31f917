//! Pages in browsers: from which of them a request may come, and what their browsers are told.
//!
//! A browser says where a request comes from, and does not let a page read an answer that does not name its origin. Always: a page
//! of an origin that is not listed gets nothing, not even something it cannot read.

use super::access::Access;
use super::problem::{Answer, Problem};
use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The page that a request comes from, if it comes from one of another origin.
#[derive(Debug)]
pub(super) struct Page(Option<HeaderValue>);

/// Refuses pages that may not ask. `host` is the name by which they called this server.
pub(super) fn admit(access: &Access, headers: &HeaderMap, host: &str) -> Answer<Page> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        // Some requests of pages say nothing of their origin, such as those for images.
        let foreign = headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site");
        return if foreign { Err(refused()) } else { Ok(Page(None)) };
    };
    let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let own = [format!("http://{host}"), format!("https://{host}")].contains(&text);
    match origins.next() {
        None if own => Ok(Page(None)),
        None if access.origins.contains(&text) => Ok(Page(Some(origin.clone()))),
        _ => Err(refused()),
    }
}

fn refused() -> Problem {
    Problem::forbidden("pages of this origin may not ask here; whoever runs the server can let them")
}

impl Page {
    /// The answer to a browser that asks whether a page may ask.
    pub(super) fn preflight(&self, request: &Request) -> Option<Response> {
        let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let origin = self.0.as_ref().filter(|_| asks && request.method() == Method::OPTIONS)?;
        let mut answer = StatusCode::NO_CONTENT.into_response();
        let told = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
            (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT")),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, if-none-match, last-event-id"),
            ),
            (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
            (header::VARY, HeaderValue::from_static("origin")),
        ];
        answer.headers_mut().extend(told);
        Some(answer)
    }

    /// An answer that the page can read, and that nothing on the way gives to another, or takes for what it is not.
    pub(super) fn told(self, mut answer: Response) -> Response {
        let headers = answer.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        }
        if let Some(origin) = self.0 {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let readable = HeaderValue::from_static("etag, link, redraft-version");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        }
        answer
    }
}
