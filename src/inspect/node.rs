//! `GET api/node` and `GET api/value`: a place in the state at a version, with its elements a page at a time, or as JSON.
//!
//! Always: only what is asked for is looked at and told, never the whole state; what the version's own change did to it is told with it.

use super::Desk;
use super::preview::{kind, preview, size};
use super::rows::limit;
use super::touched::{Look, Touch};
use crate::http::shared::{Answer, Problem, Query, json, pointer};
use crate::value::{Key, Path, Pointer, Segment, Value, key_in, parse_index};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde::Serialize;
use std::fmt::{self, Write};

const CHILDREN: usize = 100;
const CHILDREN_MAX: usize = 1000;
/// How many of those that are gone are told.
const REMOVED: usize = 100;
/// The longest JSON that is given out as a whole.
const VALUE_BYTES: usize = 1 << 20;

#[derive(Debug, Serialize)]
struct Node {
    path: String,
    kind: &'static str,
    size: usize,
    preview: String,
    touched: Option<&'static str>,
    offset: usize,
    children: Vec<Child>,
    removed: Vec<Removed>,
    more: bool,
}

#[derive(Debug, Serialize)]
struct Child {
    key: String,
    path: String,
    kind: &'static str,
    size: usize,
    preview: String,
    touched: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Removed {
    path: String,
    preview: String,
}

/// Which elements are wanted.
struct Wanted {
    offset: usize,
    limit: usize,
    /// Those around this key instead.
    around: Option<String>,
}

/// `GET api/node?at=&path=&offset=&limit=&around=`.
pub(super) async fn node(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["at", "path", "offset", "limit", "around"])?;
    let (at, place) = (query.version("at")?, pointer(query.text("path").unwrap_or_default())?);
    let offset = query.get("offset", "a whole number")?.unwrap_or(0);
    let around = query.text("around").map(str::to_owned);
    let wanted = Wanted { offset, limit: limit(&query, CHILDREN, CHILDREN_MAX)?, around };
    desk.answer(move |desk| desk.node(at, &place, &wanted)).await
}

impl Desk {
    fn node(&self, at: Option<u64>, place: &Pointer, wanted: &Wanted) -> Answer<Node> {
        let version = self.version(at)?;
        let document = self.document(version)?;
        let (path, value) = found(&document, place, version)?;
        // Of the oldest version that is kept nobody knows who made it.
        let studied = self.study(version).ok();
        let look = studied.as_ref().map_or(Look::Untouched, |studied| studied.touched.at(&path));
        let offset = wanted.begin(value);
        let children = children(value, &path, look, offset, wanted.limit);
        let removed = look
            .removed(value, REMOVED)
            .into_iter()
            .map(|(segment, old)| Removed { path: path.child(segment).to_string(), preview: preview(&old) });
        let more = elements(value).is_some_and(|count| offset + children.len() < count);
        Ok(Node {
            path: path.to_string(),
            kind: kind(value),
            size: size(value),
            preview: preview(value),
            touched: look.touch(value).map(Touch::name),
            offset,
            removed: removed.collect(),
            children,
            more,
        })
    }
}

/// What a place is at a version.
fn found<'v>(document: &'v Value, place: &Pointer, version: u64) -> Answer<(Path, &'v Value)> {
    let path = place.resolve(document).ok();
    let found = path.and_then(|path| document.at_path(&path).map(|value| (path, value)));
    found.ok_or_else(|| {
        let place = place.to_string();
        let detail = format!("there is nothing at {place:?} in version {version}");
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail).with("version", version).with("path", place)
    })
}

/// How many elements it has, if it is something that has.
fn elements(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.len()),
        Value::Map(map) => Some(map.len()),
        _ => None,
    }
}

impl Wanted {
    /// The first element that is told.
    fn begin(&self, value: &Value) -> usize {
        let Some(key) = &self.around else { return self.offset };
        let at = match value {
            Value::Map(map) => map.position_of(&key_in(map, key)),
            Value::List(list) => parse_index(key).filter(|&index| index < list.len()),
            _ => None,
        };
        at.map_or(0, |at| at - at % self.limit)
    }
}

fn children(value: &Value, path: &Path, look: Look<'_>, offset: usize, limit: usize) -> Vec<Child> {
    let child = |segment: Segment, key: String, value: &Value| Child {
        key,
        kind: kind(value),
        size: size(value),
        preview: preview(value),
        touched: look.below(&segment).touch(value).map(Touch::name),
        path: path.child(segment).to_string(),
    };
    match value {
        Value::Map(map) => {
            let entries = map.entries_from(offset).take(limit);
            entries.map(|(key, value)| child(Segment::Key(Key::clone(key)), key.to_string(), value)).collect()
        }
        Value::List(list) => {
            let begin = offset.min(list.len());
            let items = list.items().range(begin..).take(limit).zip(begin..);
            items.map(|(value, index)| child(Segment::Index(index), index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    }
}

/// `GET api/value?at=&path=`.
pub(super) async fn value(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["at", "path"])?;
    let (at, place) = (query.version("at")?, pointer(query.text("path").unwrap_or_default())?);
    let text = desk.work(move |desk| {
        let version = desk.version(at)?;
        let document = desk.document(version)?;
        pretty(found(&document, &place, version)?.1)
    });
    Ok(json(text.await?))
}

/// All of a value, if that is not too much; no more of it is written than may be.
fn pretty(value: &Value) -> Answer<String> {
    let mut text = Bounded(String::new());
    write!(text, "{value:#}").map_err(|_| {
        let detail = format!(
            "this is more than {VALUE_BYTES} bytes of JSON: look at a part of it, or use \"redraft show\""
        );
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "refused", detail).with("limit", VALUE_BYTES)
    })?;
    Ok(text.0)
}

struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > VALUE_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
