//! [`Core`]: what is known of the stream, and where in it an offset is.
//!
//! Leaves the requests to `line`. Always: what was seen once is held against all that is seen later, so a stream that was made anew, or has
//! become shorter, is an error and not an end; an offset is found in a number of questions that grows with the logarithm of the messages.

use super::line::Line;
use super::message::Message;
use super::objects::Objects;
use crate::error::{Error, Result};
use crate::layout::{Chain, StoreId};
use async_nats::jetstream::stream::Info;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many of the newest places are remembered.
const PLACES_MAX: usize = 4096;
/// How long to wait until a cluster that seems to have lost something is asked again: its new leader may not have come that far yet.
const SECOND_LOOK: Duration = Duration::from_millis(250);
/// A cluster that has gone on seeming so for this long has. A server that was cut off goes on answering as a leader for up to twenty
/// seconds, and one that comes back may have to fetch what it missed.
const LOST_AFTER: Duration = Duration::from_secs(60);

/// A message that was seen: which offsets it has, and the chain behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) sequence: u64,
    pub(super) base: u64,
    pub(super) offset: u64,
    pub(super) chain: Chain,
    pub(super) epoch: u32,
}

impl Reached {
    pub(super) fn by(sequence: u64, message: &Message) -> Reached {
        let header = &message.header;
        Reached {
            sequence,
            base: header.base,
            offset: header.end(),
            chain: header.end_chain,
            epoch: header.epoch,
        }
    }
}

/// Where an offset is.
pub(super) struct Located {
    /// The message that holds it, or the last one before it.
    pub(super) sequence: u64,
    /// Nothing if the offset is the end.
    pub(super) message: Option<Message>,
    pub(super) chain: Chain,
    pub(super) last: Reached,
}

/// What is known of one stream, by whoever talks to it in this process.
pub(super) struct Core {
    pub(super) line: Line,
    pub(super) store: StoreId,
    /// How long a message may be.
    pub(super) message_bytes: usize,
    pub(super) objects: Objects,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When the stream was made, in nanoseconds.
    created: Option<i128>,
    /// Messages that were seen, ascending; the last is the newest.
    places: VecDeque<Reached>,
    /// The oldest message, and the oldest version that can be had.
    oldest: Option<(u64, u64)>,
    /// Since when the servers answer with less than was seen.
    shorter_since: Option<Instant>,
}

impl Core {
    pub(super) fn new(line: Line, store: StoreId, message_bytes: usize, objects: Objects) -> Core {
        Core { line, store, message_bytes, objects, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest message that was seen.
    pub(super) fn newest(&self) -> Option<Reached> {
        self.known().places.back().copied()
    }

    /// Remembers a message that was seen, or written.
    pub(super) fn note(&self, reached: Reached) {
        let mut known = self.known();
        if known.places.back().is_none_or(|newest| newest.sequence < reached.sequence) {
            if known.places.len() == PLACES_MAX {
                known.places.pop_front();
            }
            known.places.push_back(reached);
        }
    }

    /// What the server says of the stream, if that goes on with what it said before.
    pub(super) async fn info(&self) -> Result<Info> {
        let until = Instant::now() + self.line.patience.longest;
        loop {
            // What is seen while the answer is under way may be newer than that.
            let seen = self.newest().map_or(0, |newest| newest.sequence);
            let info = self.line.info().await?;
            let is_alone = info.as_ref().is_some_and(|info| info.config.num_replicas < 2);
            match self.judge(info, seen) {
                Err(error) if is_alone => return Err(error),
                Err(error) if Instant::now() >= until => return Err(self.lost(error)),
                // Nobody wants to know any longer, perhaps.
                Err(error) if self.line.patience.is_roused_within(SECOND_LOOK).await => {
                    return Err(self.lost(error));
                }
                Err(_) => {}
                answer => return answer,
            }
        }
    }

    /// What is to be told of a cluster that seems to have lost something: that whoever can tell does not answer, at first.
    fn lost(&self, error: Error) -> Error {
        match self.known().shorter_since {
            Some(since) if since.elapsed() < LOST_AFTER => self.line.failed("ask", error),
            _ => error,
        }
    }

    /// Whether it goes on with the message that was seen before it was asked.
    fn judge(&self, info: Option<Info>, seen: u64) -> Result<Info> {
        let mut known = self.known();
        let altered = |expected: String, found: String| self.line.found(seen).altered(expected, found);
        let Some(info) = info else { return Err(altered("a stream".into(), "none".into())) };
        let made = info.created.unix_timestamp_nanos();
        let created = *known.created.get_or_insert(made);
        if created != made {
            return Err(altered("the stream that was there".into(), "one that was made since".into()));
        }
        let state = &info.state;
        let is_shorter = state.last_sequence < seen;
        known.shorter_since = is_shorter.then(|| known.shorter_since.unwrap_or_else(Instant::now));
        if is_shorter {
            return Err(altered("that message".into(), format!("an end at message {}", state.last_sequence)));
        }
        if state.messages == 0 {
            let found = format!("nothing, after {} messages", state.last_sequence);
            return Err(altered("the last message".into(), found));
        }
        Ok(info)
    }

    /// The message of a sequence, which has to be there.
    pub(super) async fn message(&self, sequence: u64) -> Result<Message> {
        match self.line.message(sequence, Some(self.store)).await? {
            Some(message) => Ok(message),
            None => Err(self.missing(sequence).await?),
        }
    }

    /// Why a message is not there: given up meanwhile, or taken out.
    async fn missing(&self, sequence: u64) -> Result<Error> {
        let info = self.info().await?;
        if info.state.first_sequence > sequence {
            let given_up = format!("message {sequence} was given up while it was looked for");
            return Ok(self.line.failed("read", given_up));
        }
        Ok(self.line.found(sequence).altered("a message", "none"))
    }

    /// The end of the stream that `info` told of.
    pub(super) async fn last(&self, info: &Info) -> Result<Reached> {
        let sequence = info.state.last_sequence;
        match self.newest() {
            // It has gone on since it was asked: what was seen is newer.
            Some(newest) if newest.sequence >= sequence => Ok(newest),
            newest => {
                let message = self.message(sequence).await?;
                self.continues(sequence, &message, newest, info.state.first_sequence).await?;
                let reached = Reached::by(sequence, &message);
                self.note(reached);
                Ok(reached)
            }
        }
    }

    /// That the last message goes on with the one before it. An older one that was published again would look like the end of a
    /// stream that is shorter.
    async fn continues(
        &self,
        sequence: u64,
        last: &Message,
        newest: Option<Reached>,
        first: u64,
    ) -> Result<()> {
        if sequence == first {
            return Ok(());
        }
        let before = match newest.filter(|newest| newest.sequence + 1 == sequence) {
            Some(newest) => newest,
            None => Reached::by(sequence - 1, &self.message(sequence - 1).await?),
        };
        self.line.found(sequence).follows((before.offset, before.chain), last)
    }

    /// The oldest version that can be had: of a stream that was trimmed, the snapshot that it was trimmed to.
    pub(super) async fn oldest(&self, info: &Info) -> Result<u64> {
        let first = info.state.first_sequence;
        if let Some((sequence, oldest)) = self.known().oldest
            && sequence == first
        {
            return Ok(oldest);
        }
        let base = self.message(first).await?.header.base;
        let snapshots = if first == 1 { Vec::new() } else { self.snapshots().await? };
        let oldest = snapshots.into_iter().find(|version| *version >= base).unwrap_or(base);
        self.known().oldest = Some((first, oldest));
        Ok(oldest)
    }

    /// Where the offset is that a feed is to begin with.
    pub(super) async fn locate(&self, offset: u64) -> Result<Located> {
        let info = self.info().await?;
        let last = self.last(&info).await?;
        if offset > last.offset {
            return Err(Error::BeyondHead { version: offset, head: last.offset });
        }
        if offset == last.offset {
            return Ok(Located { sequence: last.sequence, message: None, chain: last.chain, last });
        }
        let (mut low, mut high) = self.bounds(offset, info.state.first_sequence, last.sequence);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let message = self.message(middle).await?;
            if message.header.base <= offset { low = middle } else { high = middle - 1 }
        }
        let message = self.message(low).await?;
        if !(message.header.base..message.header.end()).contains(&offset) {
            return Err(self.not_in(&message, low, offset, &info));
        }
        let (_, chain) = message.frames_from(offset);
        Ok(Located { sequence: low, message: Some(message), chain, last })
    }

    /// Between which messages an offset is, for what is known.
    fn bounds(&self, offset: u64, first: u64, last: u64) -> (u64, u64) {
        let known = self.known();
        let behind = known.places.partition_point(|place| place.base <= offset);
        let low = behind.checked_sub(1).map_or(first, |index| known.places[index].sequence.max(first));
        let high = known.places.get(behind).map_or(last, |place| (place.sequence - 1).max(low));
        (low, high)
    }

    /// The search ended at a message that does not hold the offset.
    fn not_in(&self, message: &Message, sequence: u64, offset: u64, info: &Info) -> Error {
        if sequence == info.state.first_sequence && offset < message.header.base {
            return Error::Compacted { version: offset, oldest: message.header.base };
        }
        let header = &message.header;
        let found = format!("offsets {} to {}", header.base, header.end());
        self.line.found(sequence).altered(format!("offset {offset}"), found)
    }
}
