//! `GET api/compare`, `GET api/bisect` and `GET api/time`: between versions, and which one it was.
//!
//! Leaves states to the history. Always: what is told of a difference is bounded.

use super::Desk;
use super::condition::Condition;
use super::told::{ToldPatch, told};
use crate::draft::diff;
use crate::error::Error;
use crate::http::shared::{Answer, Problem, Query, pointer};
use crate::store::bisect as first_that;
use crate::value::{Path, Value};
use axum::extract::State;
use axum::http::Uri;
use serde_json::json;
use std::sync::Arc;

/// `GET api/compare?a=&b=&path=`. O(what differs), where both versions are near each other; else up to O(state).
pub(super) async fn compare(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["a", "b", "path"])?;
    let (a, b) = (query.version("a")?, query.version("b")?);
    let place = pointer(query.text("path").unwrap_or_default())?;
    desk.answer(move |desk| {
        let (a, b) = (desk.document(desk.version(a)?)?, desk.document(desk.version(b)?)?);
        let resolved = [&b, &a].into_iter().find_map(|document| {
            let path = place.resolve(document).ok()?;
            document.at_path(&path).is_some().then_some(path)
        });
        let path = resolved.ok_or_else(|| {
            let detail = format!("there is nothing at {:?} in either of the two", place.to_string());
            Problem::new(axum::http::StatusCode::NOT_FOUND, "not-found", detail)
        })?;
        difference(desk, &a, &b, &path)
    })
    .await
}

/// Between what is at a place in both; or what comes or goes there, told where it is.
fn difference(desk: &Desk, a: &Value, b: &Value, path: &Path) -> Answer<ToldPatch> {
    let (old, new, path) = match (a.at_path(path), b.at_path(path)) {
        (Some(old), Some(new)) => (old.clone(), new.clone(), path.clone()),
        (old, new) => {
            let only = |value: Option<&Value>| {
                let entry = path.last().zip(value).map(|(last, value)| (last.to_string(), value.clone()));
                Value::Map(entry.into_iter().collect())
            };
            let text = |segment: &crate::value::Segment| segment.to_string();
            let parent = path.parent().unwrap_or_default();
            let parent: Path =
                parent.iter().map(|segment| crate::value::Segment::from(text(segment))).collect();
            (only(old), only(new), parent)
        }
    };
    let (patch, _) = diff(&old, &new).map_err(|error| desk.failed(&Error::from(error)))?;
    Ok(told(&old, &patch, &path))
}

/// `GET api/bisect?good=&bad=&where=`.
pub(super) async fn bisect(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["good", "bad", "where"])?;
    let (good, bad) = (query.version("good")?, query.version("bad")?);
    let condition: Condition = query
        .text("where")
        .ok_or_else(|| Problem::malformed("the parameter \"where\" says what to look for"))?
        .parse()
        .map_err(|error: super::ConditionError| Problem::malformed(error.to_string()))?;
    desk.answer(move |desk| {
        let oldest = desk.source().served().oldest().map_err(|error| desk.failed(&error))?;
        let (good, bad) = (good.map_or(Ok(oldest), |good| desk.version(Some(good)))?, desk.version(bad)?);
        if good > bad {
            return Err(Problem::malformed("\"good\" is the older of the two versions"));
        }
        let at = |version| desk.0.documents.at(desk.source(), version).map(Arc::new);
        let found = first_that(Some((good, bad)), at, |state: &Value| condition.holds(state));
        let found = found.map_err(|error| desk.failed(&error))?;
        Ok(json!({ "version": found.first, "steps": found.looked_at }))
    })
    .await
}

/// `GET api/time?ms=`.
pub(super) async fn time(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["ms"])?;
    let time_ms = query.get::<i64>("ms", "a time in milliseconds since 1970")?;
    let time_ms = time_ms.ok_or_else(|| Problem::malformed("the parameter \"ms\" says which time"))?;
    desk.answer(move |desk| {
        let version = desk.source().served().version_at(time_ms).map_err(|error| desk.failed(&error))?;
        Ok(json!({ "version": version }))
    })
    .await
}
