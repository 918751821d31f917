//! `GET /v1/health`: whether the server is there, and whether it can do its work.
//!
//! For whoever starts and stops servers, who has no token; so it tells nothing else.

use super::problem::Answer;
use super::query::Query;
use super::{App, json};
use axum::extract::State;
use axum::http::{StatusCode, Uri};

/// `GET /v1/health`. 503 once the store takes no more changes, or cannot be read.
pub(super) async fn health(State(app): State<App>, uri: Uri) -> Answer {
    Query::of(&uri, &[])?;
    let sound = app.blocking(|source| source.check().and_then(|()| source.header().map(drop)));
    let ready = sound.await.is_ok();
    let mut answer = json(serde_json::json!({ "live": true, "ready": ready }).to_string());
    if !ready {
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(answer)
}
