//! [`move_in`]: a history goes into an order that holds the beginning of it, or nothing yet.
//!
//! Leaves beginning the order to who opens it. Always: what is appended continues what is there, checksum by checksum; histories that
//! differ are left as they are; what was interrupted goes on where the order ends.

use super::Progress;
use super::arrival::Arrivals;
use super::office::compare;
use super::order::{Order, Place};
use super::source::{Source, Status};
use crate::error::{Error, Result};
use crate::layout::checksum;
use crate::segment::format::FRAME_BYTES;

/// So many times somebody else may do the same at the same time before that is told.
const TRIES: u32 = 64;

/// Appends to `order` what `source` has and the order has not: to move a store in, or to put back what the order lost. Tells `progress`
/// after each piece; what was told is as durable as the order makes anything. An order that has more than the source is left as it
/// is. Costs what is moved, an answer of the order for each piece of [`batch_bytes`](Order::batch_bytes), and a few checksums.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use redraft::replica::{Directory, LocalOrder, move_in};
/// use redraft::{Store, Value};
///
/// drop(Store::<Value>::open(dir.path().join("store"))?);
/// let (source, order) = (Directory::open(dir.path().join("store"))?, LocalOrder::open(dir.path().join("order"))?);
/// assert!(move_in(&source, &order, |_| ()).is_err()); // an order that holds the history of somebody else
/// # Ok(()) }
/// ```
///
/// A stream of NATS JetStream takes snapshots too: `jetstream::Stream::move_in`.
///
/// # Errors
/// [`Error::Foreign`] when they are two stores; [`Error::Diverged`], with the first offset, when their histories differ;
/// [`Error::Superseded`] when a replica of one took its primary's place since; [`Error::Compacted`] when the source gave up what comes
/// next; what either answers. What was appended before stays, and the same call goes on from there.
pub fn move_in(
    source: &dyn Source,
    order: &dyn Order,
    mut progress: impl FnMut(Progress),
) -> Result<Progress> {
    let (mut copied, mut tries) = (0, 0);
    loop {
        let (from, to) = agreed(source, order)?;
        let mut course = Course { order, place: end_of(order, &to)?, copied, source_head: from.head };
        match course.bring(source, &mut progress) {
            Err(Error::Overtaken { .. }) if tries < TRIES => (copied, tries) = (course.copied, tries + 1),
            answer => return answer.map(|()| course.progress()),
        }
    }
}

/// What either is, if one continues the other.
fn agreed(source: &dyn Source, order: &dyn Order) -> Result<(Status, Status)> {
    let (from, to) = (source.status()?, order.status()?);
    if from.store != to.store {
        return Err(Error::Foreign { expected: to.store, found: from.store });
    }
    if from.epoch != to.epoch {
        let (source_epoch, replica_epoch) = (from.epoch.min(to.epoch), from.epoch.max(to.epoch));
        return Err(Error::Superseded { source_epoch, replica_epoch });
    }
    if let Some(offset) = compare(source, order)? {
        return Err(Error::Diverged { offset, source_head: from.head, replica_head: to.head });
    }
    if to.head < from.oldest {
        return Err(Error::Compacted { version: to.head, oldest: from.oldest });
    }
    Ok((from, to))
}

fn end_of(order: &dyn Order, status: &Status) -> Result<Place> {
    Ok(Place { offset: status.head, chain: order.chain_at(status.head)? })
}

/// How far it has come.
struct Course<'a> {
    order: &'a dyn Order,
    place: Place,
    copied: u64,
    source_head: u64,
}

impl Course<'_> {
    fn bring(&mut self, source: &dyn Source, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        if self.place.offset >= self.source_head {
            return Ok(());
        }
        let mut arrivals = Arrivals::begin(source.name(), source.feed(self.place.offset, false)?)?;
        if arrivals.place() != (self.place.offset, self.place.chain) {
            let Place { offset, .. } = self.place;
            return Err(Error::Diverged { offset, source_head: self.source_head, replica_head: offset });
        }
        let (mut held, mut bytes): (Vec<Vec<u8>>, usize) = (Vec::new(), 0);
        while let Some(batch) = arrivals.next_batch()? {
            for body in batch.bodies {
                let framed = body.len() + FRAME_BYTES;
                if !held.is_empty() && bytes + framed > self.order.batch_bytes() {
                    self.append(&mut held, progress)?;
                    bytes = 0;
                }
                held.push(body.to_vec());
                bytes += framed;
            }
        }
        if held.is_empty() { Ok(()) } else { self.append(&mut held, progress) }
    }

    fn append(&mut self, held: &mut Vec<Vec<u8>>, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.order.append(self.place, &held.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        for body in held.drain(..) {
            self.place.chain = checksum(self.place.chain, &[&(body.len() as u32).to_le_bytes(), &body]);
            self.place.offset += 1;
            self.copied += 1;
        }
        // It may have gone on meanwhile.
        self.source_head = self.source_head.max(self.place.offset);
        progress(self.progress());
        Ok(())
    }

    fn progress(&self) -> Progress {
        let (version, source_version) = (self.place.offset, self.source_head);
        Progress { version, copied: self.copied, source_version, behind_bytes: 0, connected: true }
    }
}
