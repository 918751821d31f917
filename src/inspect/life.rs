//! `GET api/life` and `GET api/blame`: what was done to a place, and who set it last.
//!
//! Leaves following a place through lists and moves to the store. Always: answered for a place that is not there any more too.

use super::Desk;
use super::preview::preview;
use super::rows::{Row, limit};
use crate::error::Error;
use crate::http::shared::{Answer, Query, pointer};
use crate::store::Touch;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use std::time::{Duration, Instant};

const TOUCHES: usize = 50;
const TOUCHES_MAX: usize = 500;
/// After this long those are told that were found, and who wants more asks again from there.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize)]
struct ToldTouch {
    #[serde(flatten)]
    row: Row,
    path: String,
    old: Option<String>,
    new: Option<String>,
}

#[derive(Debug, Serialize)]
struct Life {
    changes: Vec<ToldTouch>,
    more: bool,
}

#[derive(Debug, Serialize)]
struct Blame {
    change: Option<Row>,
    old: Option<String>,
    new: Option<String>,
}

/// `GET api/life?path=&at=&limit=`.
pub(super) async fn life(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["path", "at", "limit"])?;
    let (place, at) = (pointer(query.text("path").unwrap_or_default())?, query.version("at")?);
    let limit = limit(&query, TOUCHES, TOUCHES_MAX)?;
    desk.answer(move |desk| {
        let (begun, version) = (Instant::now(), desk.version(at)?);
        let life = desk.source().life(&place, version).map_err(|error| desk.failed(&error))?;
        let mut changes: Vec<ToldTouch> = Vec::new();
        for touch in life {
            if changes.len() == limit || !changes.is_empty() && begun.elapsed() > PATIENCE {
                return Ok(Life { changes, more: true });
            }
            match touch {
                Ok(touch) => changes.push(desk.told_touch(&touch)),
                Err(error) if changes.is_empty() => return Err(desk.failed(&error)),
                // What was found is told; health tells what is in the way.
                Err(error) => {
                    drop(desk.failed(&error));
                    return Ok(Life { changes, more: true });
                }
            }
        }
        Ok(Life { changes, more: false })
    })
    .await
}

/// `GET api/blame?path=&at=`.
pub(super) async fn blame(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["path", "at"])?;
    let (place, at) = (pointer(query.text("path").unwrap_or_default())?, query.version("at")?);
    desk.answer(move |desk| {
        let version = desk.version(at)?;
        let last = desk.source().life(&place, version).and_then(|life| life.last_set());
        match last {
            Ok(Some(touch)) => {
                let ToldTouch { row, old, new, .. } = desk.told_touch(&touch);
                Ok(Blame { change: Some(row), old, new })
            }
            // It was there before what is kept, and nobody knows any more who set it.
            Ok(None) | Err(Error::Compacted { .. }) => Ok(Blame { change: None, old: None, new: None }),
            Err(error) => Err(desk.failed(&error)),
        }
    })
    .await
}

impl Desk {
    fn told_touch(&self, touch: &Touch) -> ToldTouch {
        ToldTouch {
            row: self.row(&touch.change),
            path: touch.place.to_string(),
            old: touch.old.as_ref().map(preview),
            new: touch.new.as_ref().map(preview),
        }
    }
}
