//! `GET api/events`: tells of newer versions as they become durable.
//!
//! Only which version is the newest, and not what changed: the page asks for what it shows. Always: not more often than somebody can
//! see, and the last one is always told.

use super::Desk;
use crate::http::shared::{Answer, LOOK, Query, typed};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Uri;
use futures_util::future::{Either, select};
use futures_util::stream;
use std::convert::Infallible;
use std::pin::pin;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{sleep, timeout};

const STILL_HERE: &str = ":\n\n";

struct Feed {
    desk: Desk,
    /// What was told last.
    told: Option<u64>,
    newer: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

/// `GET api/events`.
pub(super) async fn events(State(desk): State<Desk>, uri: Uri) -> Answer {
    Query::of(&uri, &[])?;
    let permit = desk.app().stream()?;
    let (newer, stopping) = (desk.source().served().newer(), desk.app().stopping());
    let feed = Feed { desk, told: None, newer, stopping, _permit: permit };
    let pieces =
        stream::unfold(feed, |mut feed| async { Some((Ok::<_, Infallible>(feed.piece().await?), feed)) });
    Ok(typed("text/event-stream", Body::from_stream(pieces)))
}

impl Feed {
    /// What comes next, once there is something; nothing once the server stops.
    async fn piece(&mut self) -> Option<Bytes> {
        if self.told.is_some() {
            sleep(LOOK).await;
        }
        loop {
            if *self.stopping.borrow() {
                return None;
            }
            self.newer.mark_unchanged();
            let version = self.desk.source().served().version();
            if self.told != Some(version) {
                self.told = Some(version);
                return Some(format!("event: version\ndata: {{\"version\":{version}}}\n\n").into());
            }
            let patience = self.desk.app().limits().keep_alive;
            let (newer, stop) =
                (pin!(self.newer.changed()), pin!(self.stopping.wait_for(|stopping| *stopping)));
            match timeout(patience, select(newer, stop)).await {
                Err(_) => return Some(STILL_HERE.into()),
                Ok(Either::Left((Ok(()), _))) => {}
                Ok(_) => return None,
            }
        }
    }
}
