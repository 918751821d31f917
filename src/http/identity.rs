//! Which store this is and how far it has come, and the chain by which two of them are compared.
//!
//! Always: the chain at an offset is told only if that offset is durable, so that it never changes.

use super::problem::{Answer, Problem};
use super::{App, json, query};
use crate::error::{Error, Role};
use crate::layout::edition_of;
use crate::segment::format::{FORMAT_VERSION, Header};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value as Json, json};

/// `GET /v1/store?since=`.
pub(super) async fn store(State(app): State<App>, uri: Uri) -> Answer {
    let since = query::Query::of(&uri, &["since"])?.version("since")?;
    let told = app.blocking(move |source| {
        source.refresh()?;
        let (header, head) = (source.header()?, source.durable());
        let chain = source.view().chain_at(head)?;
        let bytes_since = since.map(|since| source.view().bytes_since(since)).transpose()?;
        let mut told = json!({
            "store": source.id().to_string(),
            "epoch": header.epoch,
            "edition": edition_of(header.epoch),
            "head": head,
            "version": source.version(),
            "oldest": source.oldest()?,
            "chain": hex(chain),
            "role": role_of(&header).to_string(),
            "schema": source.schema(),
            "format": FORMAT_VERSION,
            "writable": source.is_written_here(),
        });
        if let Some(bytes) = bytes_since {
            told["bytes_since"] = bytes.into();
        }
        Ok(told)
    });
    Ok(json(told.await?.to_string()))
}

fn role_of(header: &Header) -> Role {
    match (header.backup, header.replica) {
        (true, _) => Role::Backup,
        (false, true) => Role::Replica,
        (false, false) => Role::Store,
    }
}

/// `GET /v1/chain/{offset}`.
pub(super) async fn chain(
    State(app): State<App>,
    offset: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Answer {
    query::Query::of(&uri, &[])?;
    let Path(offset) =
        offset.map_err(|_| Problem::malformed("the address has an escape that is none, or is not UTF-8"))?;
    let offset = query::version(&offset)?;
    let told = app.blocking(move |source| {
        source.refresh()?;
        let (head, oldest) = (source.durable(), source.oldest()?);
        if offset > head {
            return Err(Error::BeyondHead { version: offset, head });
        }
        if offset < oldest {
            return Err(Error::Compacted { version: offset, oldest });
        }
        Ok(json!({ "offset": offset, "chain": hex(source.view().chain_at(offset)?) }))
    });
    Ok(json(told.await?.to_string()))
}

fn hex(chain: u32) -> Json {
    format!("{chain:08x}").into()
}

/// Where nothing is.
pub(crate) async fn nothing() -> Problem {
    Problem::new(axum::http::StatusCode::NOT_FOUND, "not-found", "there is nothing at this address")
}

/// Where something is, but not for that method.
pub(crate) async fn not_so() -> Problem {
    let detail = "this address takes other methods, which \"allow\" names";
    Problem::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "malformed", detail)
}

/// `GET /v1/openapi.json`.
pub(super) async fn openapi(uri: Uri) -> Answer<Response> {
    query::Query::of(&uri, &[])?;
    Ok(json(include_str!("openapi.json")))
}
