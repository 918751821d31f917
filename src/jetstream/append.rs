//! Appending: records become one message, which gets its place or does not.
//!
//! Leaves doing it again to who appends. Always: what is appended follows what was the end for who appends it, because the server takes the
//! message only behind the one that was last then; a record that is too large for a message is in the object store before its message is
//! published.

use super::line::Published;
use super::look::{Core, Reached};
use super::message::{Framed, HEADER_BYTES, Message};
use crate::error::{Error, Result};
use crate::layout::Chain;
use crate::replica::Place;
use crate::segment::format::{FRAME_BYTES, RECORD_BYTES_MAX};

impl Core {
    /// How many bytes of records fit into one message.
    pub(super) fn batch_bytes(&self) -> usize {
        self.message_bytes.saturating_sub(HEADER_BYTES)
    }

    /// As [`Order::append`](crate::replica::Order::append).
    pub(super) async fn append(&self, place: Place, records: Framed) -> Result<()> {
        if records.count() == 0 {
            return Ok(());
        }
        let last = self.end_at(place).await?;
        let offset = last.offset + u64::from(records.count());
        let (payload, chain) = self.payload(&last, records).await?;
        let sequence = last.sequence + 1;
        let appended = Reached { sequence, base: last.offset, offset, chain, epoch: last.epoch };
        match self.line.publish(payload, last.sequence).await? {
            Published::As(found) if found == sequence => {
                self.note(appended);
                Ok(())
            }
            Published::As(found) => {
                Err(self.line.found(sequence).altered("the message just written", format!("it as {found}")))
            }
            Published::Before(found) => self.was_there_before(found, place, chain).await,
            Published::Overtaken => Err(self.overtaken(place)),
        }
    }

    fn overtaken(&self, place: Place) -> Error {
        Error::Overtaken { from: self.line.name.to_string(), offset: place.offset }
    }

    /// The last message, if the history ends where somebody thinks that it does.
    async fn end_at(&self, place: Place) -> Result<Reached> {
        let is_it = |last: &Reached| (last.offset, last.chain) == (place.offset, place.chain);
        if let Some(newest) = self.newest().filter(is_it) {
            return Ok(newest);
        }
        let last = self.last(&self.info().await?).await?;
        match last.offset {
            _ if is_it(&last) => Ok(last),
            head if head < place.offset => Err(Error::BeyondHead { version: place.offset, head }),
            head if head > place.offset => Err(self.overtaken(place)),
            offset => Err(Error::Diverged { offset, source_head: offset, replica_head: offset }),
        }
    }

    /// The message, and the chain behind it.
    async fn payload(&self, last: &Reached, records: Framed) -> Result<(Vec<u8>, Chain)> {
        let (store, epoch, base, chain) = (self.store, last.epoch, last.offset, last.chain);
        match records.alone() {
            Some(record) if record.len() + FRAME_BYTES > self.batch_bytes() => {
                let (payload, chain) = Message::reference(store, epoch, base, chain, record);
                let name =
                    Message::decode(payload.clone().into(), &self.line.found(0), Some(store))?.object().0;
                self.objects.put(&self.line, &name, record).await?;
                Ok((payload, chain))
            }
            _ => Ok(records.into_message(store, epoch, base)),
        }
    }

    /// The server had a message already that it takes this one for. It is ours only if it holds the same.
    async fn was_there_before(&self, sequence: u64, place: Place, end: Chain) -> Result<()> {
        let message = self.message(sequence).await?;
        let header = &message.header;
        if (header.base, header.chain, header.end_chain) != (place.offset, place.chain, end) {
            return Err(self.overtaken(place));
        }
        self.note(Reached::by(sequence, &message));
        Ok(())
    }
}

/// Whether records fit into a message of which so many bytes are theirs, or one of them beside it.
pub(super) fn must_fit(records: &[&[u8]], most_bytes: usize) -> Result<()> {
    if let Some(index) = records.iter().position(|record| record.is_empty()) {
        return Err(Error::EmptyRecord { index });
    }
    let (limit, around) = match records.len() {
        1 => (u64::from(RECORD_BYTES_MAX), 0),
        _ => (most_bytes as u64, FRAME_BYTES),
    };
    let mut bytes = 0;
    for (index, record) in records.iter().enumerate() {
        bytes += (record.len() + around) as u64;
        if bytes > limit {
            return Err(Error::TooLarge { index, bytes, limit });
        }
    }
    Ok(())
}
