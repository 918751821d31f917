//! A feed of the stream: its messages, verified one against the other, as the bytes of a [`Feed`](crate::replica::Feed).
//!
//! Leaves finding the beginning to `look`. The server sends ahead as much as it was told that may be on the way, and no more; a task
//! verifies it, and whoever reads takes what is ready. Always: no message is passed over; what does not follow ends the feed with an
//! error, and whoever reads begins another one; a mark says that the server was heard just now.

use super::line::{Line, other};
use super::look::{Core, Located, Reached};
use super::message::{Kind, Message};
use crate::error::{Error, Result};
use crate::layout::Chain;
use crate::replica::{PULSE, wait_here};
use crate::segment::format::{Codec, Header, mark};
use async_nats::jetstream::consumer::push;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy};
use async_nats::{StatusCode, Subscriber};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use std::io::{self, Read};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// About as much is handed on at a time.
const PIECE_BYTES: usize = 256 << 10;
/// How many pieces may wait to be read.
const PIECES: usize = 8;
/// Fewer messages than this are asked for one by one: that is less to do than to have them sent.
const FEW: u64 = 8;

/// The feed from offset `from` on. Returns once its beginning is found.
pub(super) async fn feed(core: Arc<Core>, from: u64, lives: bool) -> Result<Pieces> {
    let located = core.locate(from).await?;
    let (give, pieces) = mpsc::channel(PIECES);
    let mut course = Course::begin(core, from, &located, give).await?;
    tokio::spawn(async move {
        let ended = if lives { course.live().await } else { course.until(located.last.sequence).await };
        if let Err(Ended::By(error)) = ended {
            // What was good before it goes first. Nobody may be there to hear it.
            let _ = course.hand_on().await;
            let _ = course.give.send(Err(io::Error::other(error))).await;
        }
    });
    Ok(Pieces::new(pieces))
}

/// Why a feed is over.
enum Ended {
    /// Nobody reads it any longer.
    Unread,
    By(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::By(error)
    }
}

/// A feed on its way.
struct Course {
    core: Arc<Core>,
    /// The message it has come to, and where that ends.
    sequence: u64,
    offset: u64,
    chain: Chain,
    ready: Vec<u8>,
    give: mpsc::Sender<io::Result<Vec<u8>>>,
}

impl Course {
    async fn begin(
        core: Arc<Core>,
        from: u64,
        located: &Located,
        give: mpsc::Sender<io::Result<Vec<u8>>>,
    ) -> Result<Course> {
        let (store, epoch, chain) = (core.store, located.last.epoch, located.chain);
        let (codec, replica, backup, base) = (Codec::Change, true, false, from);
        let header = Header { codec, replica, backup, epoch, store, base, allocated: 0, origin: base, chain };
        let (ready, sequence) = (header.encode().to_vec(), located.sequence);
        let mut course = Course { core, sequence, offset: from, chain, ready, give };
        if let Some(message) = &located.message {
            course.push(message, from).await?;
        }
        Ok(course)
    }

    /// Up to the message that was the last when it began.
    async fn until(&mut self, last: u64) -> std::result::Result<(), Ended> {
        if last - self.sequence < FEW {
            while self.sequence < last {
                let (core, sequence) = (Arc::clone(&self.core), self.sequence + 1);
                self.take(sequence, core.message(sequence).await?).await?;
            }
        } else {
            let mut sent = Sent::from(&self.core, self.sequence + 1).await?;
            while self.sequence < last {
                self.next(&mut sent).await?;
            }
        }
        self.push_mark();
        self.hand_on().await
    }

    /// For ever.
    async fn live(&mut self) -> std::result::Result<(), Ended> {
        let mut sent = Sent::from(&self.core, self.sequence + 1).await?;
        if sent.pending == 0 {
            self.push_mark();
        }
        loop {
            self.hand_on().await?;
            if self.next(&mut sent).await? == 0 {
                self.push_mark();
            }
        }
    }

    /// Waits for the next message, for as long as the server is heard without one; how many are known to follow it.
    async fn next(&mut self, sent: &mut Sent) -> std::result::Result<u64, Ended> {
        let mut lagged = false;
        loop {
            let (was_roused, came) = self.heard(sent).await;
            if let Some(answer) = came {
                let (sequence, pending, payload) = answer?;
                let found = self.core.line.found(sequence);
                let message = Message::decode(payload, &found, Some(self.core.store))?;
                self.take(sequence, message).await?;
                return Ok(pending);
            }
            // Nothing came. The server is asked, and what it says has to agree with that.
            let last = self.core.info().await?.state.last_sequence;
            if last > self.sequence && lagged {
                let text = format!("message {} is there and does not come", self.sequence + 1);
                let silent = io::Error::new(io::ErrorKind::TimedOut, text);
                return Err(self.core.line.unreachable("read", silent).into());
            }
            if last <= self.sequence {
                self.push_mark();
                self.hand_on().await?;
            }
            lagged = last > self.sequence && !was_roused;
        }
    }

    /// The next message, if one comes in time; and whether somebody wanted to hear before that.
    async fn heard(&self, sent: &mut Sent) -> (bool, Option<Result<Arrival>>) {
        // It says that so much has come, now and then, which it has to be allowed.
        let line = &self.core.line;
        let flow = format!("$JS.FC.{}.", line.stream);
        let comes = async {
            let next = line.refusals.unless(&[&flow], sent.next(line)).await;
            next.unwrap_or_else(|error| Err(line.unreachable("read", error)))
        };
        let comes = pin!(comes);
        let roused = pin!(line.patience.is_roused_within(PULSE));
        match select(comes, roused).await {
            Either::Left((answer, _)) => (false, Some(answer)),
            Either::Right((was_roused, _)) => (was_roused, None),
        }
    }

    /// Takes the message that has to follow.
    async fn take(&mut self, sequence: u64, message: Message) -> std::result::Result<(), Ended> {
        let line = &self.core.line;
        if sequence != self.sequence + 1 {
            let text = format!("message {sequence} came instead of {}", self.sequence + 1);
            return Err(line.failed("read", text).into());
        }
        line.found(sequence).follows((self.offset, self.chain), &message)?;
        self.sequence = sequence;
        self.push(&message, self.offset).await?;
        self.core.note(Reached::by(sequence, &message));
        if self.ready.len() >= PIECE_BYTES { self.hand_on().await } else { Ok(()) }
    }

    /// The frames of a message from an offset on.
    async fn push(&mut self, message: &Message, from: u64) -> Result<()> {
        match message.header.kind {
            Kind::Reference => {
                let (name, length) = message.object();
                let object = self.core.objects.get(&self.core.line, &name, length).await?;
                let found = self.core.line.found(self.sequence);
                self.ready.extend_from_slice(&message.frame_of(&object, &found)?);
            }
            _ => self.ready.extend_from_slice(message.frames_from(from).0),
        }
        (self.offset, self.chain) = (message.header.end(), message.header.end_chain);
        Ok(())
    }

    fn push_mark(&mut self) {
        self.ready.extend_from_slice(&mark(&self.core.store, self.offset, self.chain));
    }

    async fn hand_on(&mut self) -> std::result::Result<(), Ended> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.ready);
        self.give.send(Ok(piece)).await.map_err(|_| Ended::Unread)
    }
}

/// The next message: its sequence, how many follow it, and what it is.
type Arrival = (u64, u64, bytes::Bytes);

/// Messages that the server sends by itself, as they are stored.
struct Sent {
    subscriber: Subscriber,
    /// How many there were when it began.
    pending: u64,
}

impl Sent {
    /// From this one on.
    async fn from(core: &Core, sequence: u64) -> Result<Sent> {
        let line = &core.line;
        let inbox = line.client.new_inbox();
        let subscriber = line.within("follow", &[&inbox], line.client.subscribe(inbox.clone())).await?;
        let subscriber = subscriber.map_err(|error| line.failed("follow", error))?;
        let config = push::Config {
            deliver_subject: inbox,
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: sequence },
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            flow_control: true,
            idle_heartbeat: PULSE,
            // It is made anew when it is lost: nothing of it is to be kept.
            memory_storage: true,
            num_replicas: 1,
            max_deliver: 1,
            ..push::Config::default()
        };
        let subject = format!("CONSUMER.CREATE.{}", line.stream);
        let consumer = line.within("follow", &[&subject], line.handle().create_consumer(config)).await?;
        let consumer = consumer.map_err(|error| line.failed("follow", error))?;
        Ok(Sent { subscriber, pending: consumer.cached_info().num_pending })
    }

    async fn next(&mut self, line: &Line) -> Result<Arrival> {
        loop {
            let Some(message) = self.subscriber.next().await else {
                return Err(line.unreachable("read", io::ErrorKind::BrokenPipe.into()));
            };
            match message.status {
                None => {
                    let place = message.reply.as_deref().and_then(place_in);
                    let (sequence, pending) =
                        place.ok_or_else(|| line.failed("read", "a message does not say which it is"))?;
                    return Ok((sequence, pending, message.payload));
                }
                // The server goes on sending once it hears that this much has come.
                Some(StatusCode::IDLE_HEARTBEAT) => {
                    let stalled = message.headers.as_ref().and_then(|all| all.get("Nats-Consumer-Stalled"));
                    let answer_to = message.reply.or_else(|| Some(stalled?.as_str().into()));
                    if let Some(subject) = answer_to {
                        let told = line.client.publish(subject, bytes::Bytes::new()).await;
                        told.map_err(|error| line.unreachable("read", other(error)))?;
                    }
                }
                Some(status) => return Err(line.failed("read", format!("the server ended it: {status}"))),
            }
        }
    }
}

/// The sequence and the number of those that follow, which a server writes into the address for acknowledgements.
fn place_in(reply: &str) -> Option<(u64, u64)> {
    let tokens: Vec<&str> = reply.split('.').collect();
    // Newer servers have the domain and the account in front.
    let (sequence, pending) = if tokens.len() == 9 { (5, 8) } else { (7, 10) };
    let number = |at: usize| tokens.get(at).and_then(|token| token.parse().ok());
    Some((number(sequence)?, number(pending)?))
}

/// What is ready of what comes, to be read.
pub(super) struct Pieces {
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    handed: usize,
}

impl Pieces {
    pub(super) fn new(pieces: mpsc::Receiver<io::Result<Vec<u8>>>) -> Pieces {
        Pieces { pieces, piece: Vec::new(), handed: 0 }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.handed == self.piece.len() {
            match wait_here(self.pieces.recv()) {
                Some(piece) => (self.piece, self.handed) = (piece?, 0),
                None => return Ok(0),
            }
        }
        let rest = &self.piece[self.handed..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.handed += count;
        Ok(count)
    }
}
