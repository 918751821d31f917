//! A to-do service: its state in a store, its own routes, and the store's routes beside them. The guide goes through it.
//!
//! ```text
//! cargo run --example service -- board.redraft 127.0.0.1:3000
//! ```

#![allow(clippy::print_stdout, reason = "tells where it listens")]

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use redraft::collections::Map;
use redraft::http::{Access, Limits, router};
use redraft::{Error, ErrorKind, Meta, State, Store};
use serde::Serialize;
use std::sync::Arc;

type Board = Arc<Store<Cards>>;

#[derive(Clone, Debug, Default, State)]
struct Cards {
    cards: Map<u64, Card>,
    next: u64,
}

#[derive(Clone, Debug, State, Serialize)]
struct Card {
    text: String,
    done: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no such card")]
struct NoSuchCard;

type Done = Result<(), Box<dyn std::error::Error>>;

fn main() -> Done {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve())
}

async fn serve() -> Done {
    let mut words = std::env::args().skip(1);
    let path = words.next().unwrap_or_else(|| "board.redraft".into());
    let address = words.next().unwrap_or_else(|| "127.0.0.1:3000".into());

    let board: Board = Arc::new(Store::open(path)?);
    let app = Router::new()
        .route("/cards", get(list).post(add))
        .route("/cards/{id}/done", post(done))
        .with_state(Arc::clone(&board))
        .nest("/store", router(Arc::clone(&board), Access::new().read_only(true), Limits::new()));

    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Reading asks nobody and waits for nobody: the state is immutable, and getting it is one atomic load.
async fn list(Shared(board): Shared<Board>) -> Json<Vec<(u64, Card)>> {
    Json(board.state().cards.iter().map(|(id, card)| (*id, card.clone())).collect())
}

/// `submit` gives a ticket; awaiting that holds no thread. Whoever else waits shares the sync.
async fn add(Shared(board): Shared<Board>, text: String) -> Result<(StatusCode, Json<u64>), Failed> {
    let ticket = board.submit_with(Meta::label("add a card"), |board: &mut Cards| {
        board.cards.insert(board.next, Card { text, done: false });
        board.next += 1;
    })?;
    let commit = ticket.await?; // it is on the disk
    Ok((StatusCode::CREATED, Json(commit.state().next - 1)))
}

async fn done(Shared(board): Shared<Board>, Path(id): Path<u64>) -> Result<StatusCode, Failed> {
    let ticket = board.submit_with(Meta::label("done"), |board: &mut Cards| {
        board.cards.get_mut(&id).ok_or(NoSuchCard)?.done = true;
        Ok::<_, NoSuchCard>(())
    })?;
    ticket.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A recipe that said no is the client's doing; all else is ours.
struct Failed(Error);

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = match self.0.kind() {
            ErrorKind::Recipe if self.0.recipe::<NoSuchCard>().is_some() => StatusCode::NOT_FOUND,
            ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, self.0.to_string()).into_response()
    }
}
