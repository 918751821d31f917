//! [`Problem`]: an answer that is no success, as RFC 9457 has it.
//!
//! Leaves what went wrong to the library's error, whose kind and facts it repeats as members. Always: it names no directory of
//! the server, and no secret.

use super::source::Served;
use crate::error::{Error, ErrorKind};
use crate::op::ApplyError;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// What went wrong with a request. In a box, for nearly every answer could be one.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    kind: String,
    detail: String,
    facts: Map<String, Json>,
    /// Members that are written as JSON already.
    written: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

pub(crate) type Answer<T = Response> = Result<T, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: impl Into<String>, detail: impl Into<String>) -> Problem {
        let (kind, detail) = (kind.into(), detail.into());
        let (facts, written, headers) = (Map::new(), Vec::new(), Vec::new());
        Problem(Box::new(Parts { status, kind, detail, facts, written, headers }))
    }

    /// The request itself makes no sense.
    pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// Whoever asks may not have this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// A mistake of ours: a thread of the server panicked, or its answer cannot be written.
    pub(crate) fn internal(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The same with a fact that a program can use.
    pub(crate) fn with(mut self, name: &str, fact: impl Into<Json>) -> Problem {
        self.0.facts.insert(name.into(), fact.into());
        self
    }

    /// The same with a member that is written as JSON already.
    pub(crate) fn with_written(mut self, name: &'static str, json: String) -> Problem {
        self.0.written.push((name, json));
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Problem {
        self.0.status = status;
        self
    }

    pub(crate) fn is(&self, status: StatusCode) -> bool {
        self.0.status == status
    }

    /// Whether it is the server's trouble, and not that of who asks.
    pub(crate) fn is_ours(&self) -> bool {
        self.0.status.is_server_error()
    }

    /// What the library said. Paths are told from the store's directory on.
    pub(crate) fn of(error: &Error, source: &Served) -> Problem {
        let detail = without(&chain_of(error), source.path());
        let problem = Problem::new(status_of(error), error.kind().to_string(), detail);
        if problem.0.status.is_server_error() {
            tracing::warn!(%error, "a request failed");
        }
        facts_of(error).into_iter().fold(problem, |problem, (name, fact)| problem.with(name, fact))
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = self.to_json().to_string();
        for (name, json) in &self.0.written {
            text.pop();
            text.push_str(&format!(",\"{name}\":{json}}}"));
        }
        text
    }

    fn to_json(&self) -> Json {
        let mut json = json!({
            "type": "about:blank",
            "title": self.0.status.canonical_reason().unwrap_or_default(),
            "status": self.0.status.as_u16(),
            "kind": self.0.kind,
            "detail": self.0.detail,
        });
        if let Json::Object(members) = &mut json {
            members.extend(self.0.facts.clone());
        }
        json
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_text()));
        *response.status_mut() = self.0.status;
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        for (name, value) in self.0.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The error and what it came from, in one line.
fn chain_of(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A text without the directory of the store, wherever it stands as a whole: it may be a word as short as a letter.
pub(crate) fn without(text: &str, dir: &Path) -> String {
    let dir = dir.display().to_string();
    let dir = dir.trim_end_matches('/');
    let is_name = |char: char| char.is_alphanumeric() || matches!(char, '/' | '.' | '-' | '_');
    let (mut told, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(dir).filter(|_| !dir.is_empty()) {
        let (before, after) = (&rest[..at], &rest[at + dir.len()..]);
        let begins = !before.chars().next_back().or(told.chars().next_back()).is_some_and(is_name);
        told.push_str(before);
        rest = match after.strip_prefix('/') {
            Some(inside) if begins => inside,
            // A name alone may be any word.
            None if begins && dir.contains('/') && !after.starts_with(is_name) => {
                told.push_str("the store");
                after
            }
            _ => {
                told.push_str(dir);
                after
            }
        };
    }
    told + rest
}

fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Compacted { .. } | Error::BeforeKept { .. } => return StatusCode::GONE,
        Error::TooLarge { .. } => return StatusCode::PAYLOAD_TOO_LARGE,
        // A replica that is served: only its source changes it.
        Error::Role { .. } => return StatusCode::FORBIDDEN,
        // Two clients under one name: no mistake of the server's.
        Error::WriterClash { .. } => return StatusCode::CONFLICT,
        // Whoever serves it has to look after that; there may be others who do better.
        Error::Ended { .. } => return StatusCode::SERVICE_UNAVAILABLE,
        // A file that is not there is our trouble, and not a version that nobody has.
        Error::Io { .. } | Error::NotAStore { .. } => return StatusCode::SERVICE_UNAVAILABLE,
        _ => {}
    }
    match error.kind() {
        ErrorKind::Refused | ErrorKind::Recipe => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Stale | ErrorKind::Diverged => StatusCode::CONFLICT,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Busy | ErrorKind::Environment | ErrorKind::Poisoned | ErrorKind::Unreachable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn facts_of(error: &Error) -> Vec<(&'static str, Json)> {
    match error {
        Error::BeyondHead { version, head } => vec![("version", (*version).into()), ("head", (*head).into())],
        Error::Compacted { version, oldest } => {
            vec![("version", (*version).into()), ("oldest", (*oldest).into())]
        }
        Error::BeforeKept { oldest, .. } => vec![("oldest", (*oldest).into())],
        Error::Outdated { head, .. } => vec![("head", (*head).into())],
        Error::Poisoned { pending: Some(version), .. } => vec![("pending", (*version).into())],
        Error::Apply(error) => place_of(error),
        Error::TooLarge { index, bytes, limit } => {
            vec![("index", (*index).into()), ("bytes", (*bytes).into()), ("limit", (*limit).into())]
        }
        Error::TooOld { base, oldest } => vec![("base", (*base).into()), ("oldest", (*oldest).into())],
        Error::SequenceGap { writer, expected, found } => vec![
            ("writer", writer.to_string().into()),
            ("expected", (*expected).into()),
            ("found", (*found).into()),
        ],
        Error::WriterClash { writer, sequence, version } => {
            let known = version.map(|version| ("version", version.into()));
            let facts = [("writer", writer.to_string().into()), ("sequence", (*sequence).into())];
            facts.into_iter().chain(known).collect()
        }
        _ => Vec::new(),
    }
}

/// Which operation of a patch does not fit, and where.
fn place_of(error: &ApplyError) -> Vec<(&'static str, Json)> {
    vec![
        ("op_index", error.op_index.into()),
        ("op", error.op.into()),
        ("path", error.path.to_string().into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_left_out_and_nothing_that_only_looks_like_it() {
        let cases = [
            ("/srv/board", "cannot read /srv/board/00.seg: no", "cannot read 00.seg: no"),
            ("/srv/board/", "/srv/board is locked", "the store is locked"),
            ("a", "what was begun on an older state", "what was begun on an older state"),
            ("a", "a is a store, a/00.seg data/1 a.b", "a is a store, 00.seg data/1 a.b"),
            ("", "anything", "anything"),
        ];
        for (dir, text, expected) in cases {
            assert_eq!(without(text, Path::new(dir)), expected, "{dir:?}");
        }
    }
}
