//! [`Refusals`]: what the servers do not permit this user.
//!
//! They say so beside the question, on the connection, and never answer that. Leaves asking to `line`. Always: who waits for such an answer
//! hears at once that it will not come, and why; whoever asked something else goes on waiting.

use async_nats::{Event, ServerError};
use futures_util::future::{Either, select};
use std::future::{Future, pending};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

/// So many are there at once for who has not heard them yet.
const UNHEARD_MAX: usize = 64;

/// Cheap to clone: all clones hear the same.
#[derive(Clone)]
pub(super) struct Refusals(Sender<Arc<Refusal>>);

/// What was refused.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// Publishing, or subscribing.
    is_to_publish: bool,
    subject: String,
}

impl Default for Refusals {
    fn default() -> Self {
        Refusals(Sender::new(UNHEARD_MAX))
    }
}

impl Refusals {
    /// Takes note of it, if that is what happened.
    pub(super) fn hear(&self, event: &Event) {
        let Event::ServerError(ServerError::Other(text)) = event else { return };
        if let Some(refusal) = Refusal::told_by(text) {
            tracing::warn!(%text, "refused by the server");
            // Perhaps nobody waits for an answer.
            drop(self.0.send(Arc::new(refusal)));
        }
    }

    /// The answer to a question, unless the server refuses to be asked on a subject with one of these in it.
    pub(super) async fn unless<T>(&self, of: &[&str], question: impl Future<Output = T>) -> io::Result<T> {
        let heard = self.0.subscribe();
        match select(pin!(question), pin!(refused(heard, of))).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right((refusal, _)) => Err((&*refusal).into()),
        }
    }
}

async fn refused(mut heard: Receiver<Arc<Refusal>>, of: &[&str]) -> Arc<Refusal> {
    loop {
        match heard.recv().await {
            Ok(refusal) if refusal.concerns(of) => return refusal,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => pending().await,
        }
    }
}

impl Refusal {
    /// As servers word it: `Permissions Violation for Publish to "redraft.board"`.
    fn told_by(text: &str) -> Option<Refusal> {
        let (_, what) = text.split_once("ermissions Violation for ")?;
        let subject = what.split('"').nth(1)?.to_owned();
        Some(Refusal { is_to_publish: what.starts_with("Publish"), subject })
    }

    /// Without an inbox nobody hears any answer.
    fn concerns(&self, of: &[&str]) -> bool {
        of.iter().any(|part| self.subject.contains(part))
            || (!self.is_to_publish && self.subject.starts_with("_INBOX."))
    }
}

impl From<&Refusal> for io::Error {
    fn from(refusal: &Refusal) -> io::Error {
        let verb = if refusal.is_to_publish { "publish" } else { "subscribe" };
        let text = format!("the server does not permit this user to {verb} to {}", refusal.subject);
        io::Error::new(io::ErrorKind::PermissionDenied, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_to_who_asked_and_to_nobody_else() {
        let refusal =
            Refusal::told_by(r#"Permissions Violation for Publish to "$JS.API.STREAM.PURGE.board""#).unwrap();
        assert!(refusal.is_to_publish && refusal.concerns(&["STREAM.PURGE.board"]));
        assert!(!refusal.concerns(&["STREAM.INFO.board"]) && !refusal.concerns(&["redraft.board"]));
        let writes =
            Refusal::told_by(r#"Permissions Violation for Publish to "$O.redraft-board.C.x""#).unwrap();
        assert!(writes.concerns(&["redraft-board"]) && !writes.concerns(&["STREAM.INFO.OBJ_redraft-board"]));
        let deaf = Refusal::told_by(r#"Permissions Violation for Subscription to "_INBOX.x.*""#).unwrap();
        assert!(deaf.concerns(&["STREAM.INFO.board"]) && deaf.concerns(&["redraft.board"]));
        let other =
            Refusal::told_by(r#"Permissions Violation for Subscription to "board" using queue "q""#).unwrap();
        assert_eq!((other.is_to_publish, &*other.subject), (false, "board"));
        for odd in [
            "",
            "Permissions Violation for",
            "Permissions Violation for Publish to ",
            "Authorization Violation",
        ] {
            assert_eq!(Refusal::told_by(odd), None, "{odd}");
        }
    }
}
