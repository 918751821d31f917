//! A server that is asked without a socket: the routes as they are, the client as it is, and between them what the dice want.
//!
//! What becomes of an answer is decided when it is whole, by the dice alone, so that the same seed is the same trouble again.

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use futures_util::stream::{self, StreamExt};
use redraft::Result;
use redraft::http::{Access, Limits, Remote, RemoteOptions, Served, router};
use redraft::io::SeededEntropy;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// A piece of an answer on its way, or the end that the way itself makes.
type Piece = io::Result<Bytes>;

/// The store as it is heard over a way with this `trouble`.
pub(crate) fn reached(served: Served, trouble: usize, dice: SeededEntropy) -> Result<Remote> {
    let (app, dice) = (router(served, Access::new(), Limits::new()), Arc::new(dice));
    RemoteOptions::new().open_through("http://localhost/", move |request: Request<Body>| {
        let (app, dice) = (app.clone(), Arc::clone(&dice));
        async move {
            let is_raw =
                ["/v1/log", "/v1/snapshots/"].iter().any(|raw| request.uri().path().starts_with(raw));
            let answer = app.oneshot(request).await.map_err(io::Error::other)?;
            tamper(whole(answer).await?, trouble, is_raw, &dice)
        }
    })
}

/// All of an answer, in the pieces it was sent in; one that the server breaks off is broken off.
async fn whole(answer: Response<Body>) -> io::Result<Response<VecDeque<Piece>>> {
    let (head, body) = answer.into_parts();
    let pieces = body.into_data_stream().map(|piece| piece.map_err(io::Error::other)).collect().await;
    Ok(Response::from_parts(head, pieces))
}

/// What the dice make of an answer: none, another one, or its pieces late, cut, garbled or twice.
fn tamper(
    answer: Response<VecDeque<Piece>>,
    trouble: usize,
    is_raw: bool,
    dice: &SeededEntropy,
) -> io::Result<Response<Body>> {
    let (head, pieces) = answer.into_parts();
    // Most answers come as they are, or no replica would get anywhere.
    let trouble = if trouble < 6 && dice.below(3) == 0 { trouble } else { 6 };
    let mut pieces = torn(pieces, dice);
    let at = dice.below(pieces.len().max(1));
    match trouble {
        0 => return Err(io::ErrorKind::ConnectionReset.into()),
        1 => pieces.truncate(at),
        2 => {
            pieces.truncate(at);
            pieces.push_back(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // JSON has no checksum of ours; what a bit is worth there is for TLS to see to.
        3 if is_raw => pieces.get_mut(at).into_iter().for_each(|piece| flip(piece, dice)),
        4 => {
            let again = pieces.get(at).and_then(|piece| piece.as_ref().ok().cloned());
            again.into_iter().for_each(|piece| pieces.insert(at, Ok(piece)));
        }
        5 => return Ok(somebody_else(dice)),
        _ => {}
    }
    let is_slow = dice.below(4) == 0;
    let on_the_way = stream::unfold(pieces, move |mut pieces| async move {
        if is_slow {
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        pieces.pop_front().map(|piece| (piece, pieces))
    });
    Ok(Response::from_parts(head, Body::from_stream(on_the_way)))
}

/// A network cuts where it likes.
fn torn(pieces: VecDeque<Piece>, dice: &SeededEntropy) -> VecDeque<Piece> {
    let mut torn = VecDeque::new();
    for piece in pieces {
        match piece {
            Ok(mut bytes) => {
                while bytes.len() > 1 && dice.below(4) != 0 {
                    torn.push_back(Ok(bytes.split_to(1 + dice.below(bytes.len() - 1))));
                }
                torn.push_back(Ok(bytes));
            }
            broken => torn.push_back(broken),
        }
    }
    torn
}

fn flip(piece: &mut Piece, dice: &SeededEntropy) {
    if let Ok(bytes) = piece
        && !bytes.is_empty()
    {
        let mut garbled = bytes.to_vec();
        let at = dice.below(garbled.len());
        garbled[at] ^= 1 << dice.below(8);
        *bytes = garbled.into();
    }
}

/// Something between the two answers in the server's place.
fn somebody_else(dice: &SeededEntropy) -> Response<Body> {
    let statuses = [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK];
    let mut answer = Response::new(Body::from("<html>please log in</html>"));
    *answer.status_mut() = statuses[dice.below(3)];
    answer
}
