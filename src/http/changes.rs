//! `GET /v1/changes`: a page of the history, and the address of the next one.
//!
//! Leaves finding changes to the store. Always: a page is bounded by changes, by bytes and by how much of the history is looked at
//! for it, whatever is asked for; who goes on with `next` sees every change once.

use super::problem::{Answer, Problem};
use super::query::Query;
use super::source::Served;
use super::told::{FORMATS, Format, Teller};
use super::{App, json, state, typed};
use crate::record::WriterId;
use crate::store::Filter;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;
/// A page that has come to so many bytes takes no more changes.
const PAGE_BYTES: usize = 1 << 20;
/// How many versions are looked at for one page: most may be of no interest to who asks.
const LOOKED_AT_MAX: u64 = 100_000;

/// Which changes are wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) filter: Filter,
    pub(super) limit: usize,
    pub(super) bytes: usize,
}

/// Some of them, each one line of JSON, and the version to go on from if these are not all.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) lines: Vec<String>,
    pub(super) next: Option<u64>,
}

/// `GET /v1/changes?from=&to=&path=&label=&writer=&limit=&format=`.
pub(super) async fn changes(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Answer {
    let known = ["from", "to", "path", "label", "writer", "limit", "format"];
    let query = Query::of(&uri, &known)?;
    let lines = as_lines(&headers)?;
    let (filter, format) = (filter(&query)?, query.get("format", FORMATS)?.unwrap_or_default());
    let (first, last) = (query.version("from")?, query.version("to")?.unwrap_or(u64::MAX));
    let limit = query.get("limit", "a whole number from 1 to 1000")?.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::malformed("the parameter \"limit\" is a whole number from 1 to 1000"));
    }
    let page = app.blocking_answer(move |source| {
        let failed = |error| Problem::of(&error, source);
        source.refresh().map_err(failed)?;
        let first =
            first.map_or_else(|| source.oldest().map(|oldest| oldest + 1), Ok).map_err(failed)?.max(1);
        page(source, format, &Wanted { first, last, filter, limit, bytes: PAGE_BYTES })
    });
    let Page { lines: told, next } = page.await?;
    let mut answer = match lines {
        true => typed("application/x-ndjson", told.into_iter().map(|line| line + "\n").collect::<String>()),
        false => json(format!("[{}]", told.join(","))),
    };
    if let Some(next) = next {
        // Relative, for nobody here knows where this is mounted.
        let link = format!("<{}>; rel=\"next\"", query.replaced("from", &next.to_string()));
        let link = HeaderValue::from_str(&link).map_err(|error| Problem::internal(error.to_string()))?;
        answer.headers_mut().insert(header::LINK, link);
    }
    Ok(answer)
}

fn filter(query: &Query) -> Answer<Filter> {
    let mut filter = Filter::new();
    if let Some(path) = query.text("path") {
        filter = filter.touching(state::pointer(path)?);
    }
    if let Some(writer) = query.get::<WriterId>("writer", "16 hexadecimal digits")? {
        filter = filter.by(writer);
    }
    Ok(match query.text("label") {
        Some(label) => filter.labelled(label),
        None => filter,
    })
}

/// Whether one change a line is wanted, and not one list of all.
fn as_lines(headers: &HeaderMap) -> Answer<bool> {
    let Some(accepted) = headers.get(header::ACCEPT) else { return Ok(false) };
    let accepted = accepted.to_str().unwrap_or_default().to_ascii_lowercase();
    let types: Vec<&str> =
        accepted.split(',').map(|one| one.split(';').next().unwrap_or_default().trim()).collect();
    if types.contains(&"application/x-ndjson") {
        return Ok(true);
    }
    if ["*/*", "application/*", "application/json"].iter().any(|known| types.contains(known)) {
        return Ok(false);
    }
    let detail = "changes come as application/json or application/x-ndjson";
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "malformed", detail))
}

/// Reads as many of them as fit on a page. Costs what is looked at.
pub(super) fn page(source: &Served, format: Format, wanted: &Wanted) -> Answer<Page> {
    let failed = |error| Problem::of(&error, source);
    let (mut lines, mut bytes) = (Vec::new(), 0);
    let end = wanted.last.min(source.version());
    let last = end.min(wanted.first.saturating_add(LOOKED_AT_MAX - 1));
    let changes = source.changes(wanted.first, last).map_err(failed)?.matching(wanted.filter.clone());
    let mut teller = Teller::new(source, format);
    for change in changes {
        let change = change.map_err(failed)?;
        let line = teller.tell(&change)?;
        bytes += line.len();
        lines.push(line);
        if lines.len() == wanted.limit || bytes >= wanted.bytes {
            return Ok(Page { lines, next: (change.version < end).then_some(change.version + 1) });
        }
    }
    Ok(Page { lines, next: (last < end).then_some(last + 1) })
}
