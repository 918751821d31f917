//! `POST api/undo` and `POST api/restore`: taking a change back, and going back to a version, each shown before it is done.
//!
//! Leaves deciding to the store. Always: only where whoever started the inspector let it; what is done is what was shown, or it is refused
//! because something came in between; both are changes like any other, which can be taken back.

use super::Desk;
use super::rows::RETURNS;
use super::told::{ToldOp, ToldPatch, told};
use crate::draft::diff;
use crate::error::{Error, Result};
use crate::http::shared::{Answer, Problem, Query, body_of, json, must_be};
use crate::patch::Patch;
use crate::record::Meta;
use crate::value::Path;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};

/// What is sent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    version: u64,
    #[serde(default)]
    preview: bool,
    /// The version that it was shown for.
    #[serde(default)]
    at: Option<u64>,
}

/// What would be done, and to which version.
#[derive(Debug, Serialize)]
struct Shown {
    patch: Vec<ToldOp>,
    more: bool,
    at: u64,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Undo,
    Restore,
}

/// `POST api/undo`.
pub(super) async fn undo(State(desk): State<Desk>, request: Request) -> Answer {
    carry_out(desk, request, What::Undo).await
}

/// `POST api/restore`.
pub(super) async fn restore(State(desk): State<Desk>, request: Request) -> Answer {
    carry_out(desk, request, What::Restore).await
}

async fn carry_out(desk: Desk, request: Request, what: What) -> Answer {
    Query::of(request.uri(), &[])?;
    if !desk.0.writes {
        return Err(only_looked_at());
    }
    must_be("application/json", request.headers())?;
    let body = body_of(desk.app(), request.into_body()).await?;
    let sent: Sent = serde_json::from_slice(&body).map_err(|error| {
        Problem::malformed(format!("the body is {{\"version\": V, \"preview\": true or false}}: {error}"))
    })?;
    let text = desk.work(move |desk| match sent.preview {
        true => serde_json::to_string(&desk.shown(what, sent.version)?)
            .map_err(|error| Problem::internal(error.to_string())),
        false => Ok(format!("{{\"version\":{}}}", desk.done(what, &sent)?)),
    });
    Ok(json(text.await?))
}

fn only_looked_at() -> Problem {
    Problem::forbidden(
        "here a store is only looked at: changes are let by \"redraft inspect --write\", where no other process writes it",
    )
}

impl Desk {
    fn shown(&self, what: What, version: u64) -> Answer<Shown> {
        let (at, patch) = match what {
            What::Undo => self.changed(self.source().preview_undo(version))?,
            What::Restore => self.way_back(version)?,
        };
        let ToldPatch { patch, more } = told(&self.document(at)?, &patch, &Path::root());
        Ok(Shown { patch, more, at })
    }

    fn way_back(&self, version: u64) -> Answer<(u64, Patch)> {
        let at = self.version(None)?;
        let (now, then) = (self.document(at)?, self.document(self.version(Some(version))?)?);
        let (patch, _) = diff(&now, &then).map_err(|error| self.failed(&Error::from(error)))?;
        Ok((at, patch))
    }

    fn done(&self, what: What, sent: &Sent) -> Answer<u64> {
        self.changed(match what {
            What::Undo => self.source().undo(sent.at, sent.version),
            What::Restore => {
                let version = sent.version;
                let meta =
                    Meta::label(format!("back to version {version}")).tag(RETURNS, version.to_string());
                self.source().return_to(sent.at, meta, version)
            }
        })
    }

    fn changed<T>(&self, answer: Option<Result<T>>) -> Answer<T> {
        answer.ok_or_else(only_looked_at)?.map_err(|error| self.failed(&error))
    }
}
