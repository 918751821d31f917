//! [`Line`]: the connection to the servers, and each question that is asked over it.
//!
//! What `look`, `carry` and `objects` ask goes through here; what the answers mean is theirs. Always: a question is answered within its
//! time, or is an error; what the client itself says of an error has no secret in it.

use super::message::{Found, Message};
use super::refusals::Refusals;
use super::settings::{JetStream, Secret};
use crate::error::{Error, Result};
use crate::layout::StoreId;
use crate::replica::Patience;
use crate::trust;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Info, RawMessageErrorKind, Stream};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{Client, ConnectErrorKind, ConnectOptions};
use bytes::Bytes;
use std::error::Error as StdError;
use std::future::{Future, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often a connection that is silent is tried.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long to wait before a message is published again that nobody listened for, each time.
const UNTIL_IT_LISTENS: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(80), Duration::from_millis(300)];

/// Cheap to clone: every task has one.
#[derive(Clone)]
pub(super) struct Line {
    /// What to call it in messages.
    pub(super) name: Arc<str>,
    pub(super) stream: Arc<str>,
    pub(super) subject: Arc<str>,
    pub(super) client: Client,
    pub(super) context: Context,
    handle: Arc<Stream<()>>,
    pub(super) refusals: Refusals,
    pub(super) patience: Patience,
    #[cfg(feature = "http")]
    pub(super) monitors: Arc<[String]>,
}

/// What became of a message that was to be the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// It is the message of this sequence.
    As(u64),
    /// The server says it had it before, as this one.
    Before(u64),
    /// Another one is.
    Overtaken,
}

impl Line {
    /// Connects to any of the servers.
    pub(super) async fn connect(settings: &JetStream, patience: Patience) -> Result<Line> {
        let name: Arc<str> = settings.name().into();
        let failed = |source| Error::Unreachable { from: name.to_string(), operation: "connect", source };
        let tls = trust::client(settings.ca.as_deref(), settings.identity.as_ref()).map_err(failed)?;
        let refusals = Refusals::default();
        let hears = refusals.clone();
        let options = ConnectOptions::new()
            .name("redraft")
            .event_callback(move |event| {
                hears.hear(&event);
                ready(())
            })
            .tls_client_config(tls)
            .connection_timeout(settings.timeout)
            .request_timeout(Some(settings.timeout))
            .ping_interval(PING_EVERY);
        let options = shown(options, &settings.secret, &name)?;
        let connecting = options.connect(settings.servers.clone());
        let client = patience.with(connecting).await.map_err(failed)?;
        let client = client.map_err(|error| failed(unconnected(&error)))?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(settings.timeout);
        let handle = context.get_stream_no_info(&settings.stream).await.map_err(|e| failed(other(e)))?;
        let (stream, subject) = (settings.stream.as_str().into(), subject_of(&settings.stream).into());
        Ok(Line {
            name,
            stream,
            subject,
            client,
            context,
            handle: Arc::new(handle),
            refusals,
            patience,
            #[cfg(feature = "http")]
            monitors: settings.monitors.as_slice().into(),
        })
    }

    pub(super) fn unreachable(&self, operation: &'static str, source: io::Error) -> Error {
        Error::Unreachable { from: self.name.to_string(), operation, source }
    }

    pub(super) fn failed(
        &self,
        operation: &'static str,
        error: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Error {
        self.unreachable(operation, other(error))
    }

    /// What a question is answered in time that is asked on subjects with these in them, if it may be.
    pub(super) async fn within<T>(
        &self,
        operation: &'static str,
        of: &[&str],
        question: impl Future<Output = T>,
    ) -> Result<T> {
        let answer = self.patience.with(self.refusals.unless(of, question)).await;
        answer.flatten().map_err(|error| self.unreachable(operation, error))
    }

    /// What the server says of the stream; nothing if there is none.
    pub(super) async fn info(&self) -> Result<Option<Info>> {
        let subject = format!("STREAM.INFO.{}", self.stream);
        match self.within("ask", &[&subject.clone()], self.context.request(subject, &())).await? {
            Ok(Response::Ok(info)) => Ok(Some(info)),
            Ok(Response::Err { error }) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            Ok(Response::Err { error }) => Err(self.failed("ask", error)),
            Err(error) => Err(self.failed("ask", error)),
        }
    }

    /// A message of the stream, from its leader; nothing if it is not there.
    pub(super) async fn message(&self, sequence: u64, store: Option<StoreId>) -> Result<Option<Message>> {
        let subject = format!("STREAM.MSG.GET.{}", self.stream);
        match self.within("read", &[&subject], self.handle.get_raw_message(sequence)).await? {
            Ok(raw) => Message::decode(raw.payload, &self.found(sequence), store).map(Some),
            Err(error) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                RawMessageErrorKind::JetStream(told) if told.error_code() == ErrorCode::NO_MESSAGE_FOUND => {
                    Ok(None)
                }
                _ => Err(self.failed("read", error)),
            },
        }
    }

    pub(super) fn found(&self, sequence: u64) -> Found<'_> {
        Found { stream: &self.stream, sequence }
    }

    /// Publishes what is to be the message behind `last`. Where nobody listens for it, it reached nobody: a stream that was made this moment,
    /// or moves to another server, is heard of before it listens.
    pub(super) async fn publish(&self, payload: Vec<u8>, last: u64) -> Result<Published> {
        let (payload, mut pauses) = (Bytes::from(payload), UNTIL_IT_LISTENS.iter());
        loop {
            let answer = self.published(payload.clone(), last).await?;
            let nobody = answer.as_ref().is_err_and(|error| error.kind() == PublishErrorKind::StreamNotFound);
            match pauses.next().filter(|_| nobody) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return self.told(answer),
            }
        }
    }

    async fn published(&self, payload: Bytes, last: u64) -> Result<Result<PublishAck, PublishError>> {
        let message = PublishMessage::build()
            .payload(payload)
            .expected_stream(&self.stream)
            .expected_last_sequence(last);
        let publishing = async {
            let acknowledged = self.context.send_publish(self.subject.to_string(), message).await?;
            acknowledged.await
        };
        self.within("append", &[&self.subject], publishing).await
    }

    fn told(&self, answer: Result<PublishAck, PublishError>) -> Result<Published> {
        match answer {
            Ok(told) if told.duplicate => Ok(Published::Before(told.sequence)),
            Ok(told) => Ok(Published::As(told.sequence)),
            Err(error) => match error.kind() {
                PublishErrorKind::WrongLastSequence => Ok(Published::Overtaken),
                PublishErrorKind::TimedOut => Err(self.unreachable("append", io::ErrorKind::TimedOut.into())),
                _ => Err(self.failed("append", error)),
            },
        }
    }

    /// Gives up all messages before this one.
    pub(super) async fn purge_before(&self, sequence: u64) -> Result<()> {
        let subject = format!("STREAM.PURGE.{}", self.stream);
        let purge = async { self.handle.purge().sequence(sequence).await };
        let purged = self.within("trim", &[&subject], purge).await?;
        purged.map(drop).map_err(|error| self.failed("trim", error))
    }

    pub(super) fn handle(&self) -> &Stream<()> {
        &self.handle
    }
}

/// The one subject of a stream.
pub(super) fn subject_of(stream: &str) -> String {
    format!("redraft.{stream}")
}

pub(super) fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}

fn shown(options: ConnectOptions, secret: &Secret, name: &str) -> Result<ConnectOptions> {
    Ok(match secret {
        Secret::None => options,
        Secret::Token(token) => options.token(token.clone()),
        Secret::TokenFile(path) => options.token(Secret::from_file(path)?),
        Secret::Password(user, password) => options.user_and_password(user.clone(), password.clone()),
        Secret::Credentials(path) => {
            // What is wrong with them is told by their place, as the rest of it is secret.
            let text = format!("{} holds no credentials", path.display());
            let unusable = |_| io::Error::new(io::ErrorKind::InvalidInput, text);
            let failed = |source| Error::Unreachable { from: name.to_owned(), operation: "connect", source };
            options.credentials(&Secret::from_file(path)?).map_err(unusable).map_err(failed)?
        }
    })
}

fn unconnected(error: &async_nats::ConnectError) -> io::Error {
    let kind = match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            io::ErrorKind::PermissionDenied
        }
        ConnectErrorKind::TimedOut => io::ErrorKind::TimedOut,
        ConnectErrorKind::Io => io::ErrorKind::ConnectionRefused,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error.to_string())
}
