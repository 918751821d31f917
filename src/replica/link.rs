//! [`Link`]: moves what a source has and a log has not.
//!
//! Leaves beginning a replica to `begin`, and what becomes of the changes to who owns the log. Always: a record is queued only if
//! it continues the log's chain, whoever sent it; when histories differ, both are left as they are.

use super::Progress;
use super::arrival::Arrivals;
use super::source::{Source, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::edition_of;
use crate::log::Log;
use crate::segment::format::FRAME_BYTES;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is copied before it is synced, in bytes.
const BATCH_BYTES: usize = 1 << 20;
/// How often a source is told how far its follower has come.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(5);

/// A source, and how far it is known.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) source: Arc<dyn Source>,
    /// The source's version when it was last looked at.
    pub(super) seen: u64,
    /// How many bytes it had then, as far as it told, that have not arrived.
    pub(super) awaited_bytes: u64,
    /// How many bytes have arrived.
    pub(super) arrived_bytes: u64,
    /// By which name the source is told how far this one has come.
    pub(super) follower: Option<String>,
    acknowledged: Option<(Instant, u64)>,
}

/// What came of a piece of a feed.
pub(super) enum Pulled {
    /// Records that have their place in the log.
    Some { count: u64, bytes: usize },
    /// Nothing: the source has no more for now.
    None,
    /// The feed is over.
    End,
}

impl Link {
    pub(super) fn new(source: Arc<dyn Source>, follower: Option<String>) -> Link {
        Link { source, seen: 0, awaited_bytes: 0, arrived_bytes: 0, follower, acknowledged: None }
    }

    /// A feed of what comes after the log's end.
    pub(super) fn begin(&mut self, log: &Log, lives: bool) -> Result<Arrivals> {
        // Something may be queued still from a call that was interrupted by an error of the source.
        let (offset, chain) = log.end_and_chain();
        let carrier = match self.source.feed(offset, lives) {
            Err(error @ Error::BeyondHead { .. }) => return Err(self.difference(log)?.unwrap_or(error)),
            answer => answer?,
        };
        let arrivals = Arrivals::begin(self.source.name(), carrier)?;
        let header = arrivals.header();
        let mut new_epoch = None;
        if header.store != log.id() {
            return Err(Error::Foreign { expected: log.id(), found: header.store });
        }
        not_superseded(header.epoch, log)?;
        if header.epoch > log.epoch() && edition_of(header.epoch) == edition_of(log.epoch()) {
            new_epoch = Some(header.epoch);
        }
        // Records that start from the same chain and are verified against it lead to the same chain.
        if arrivals.place() != (offset, chain) {
            return Err(self.difference(log)?.unwrap_or(Error::Diverged {
                offset,
                source_head: self.seen,
                replica_head: log.head(),
            }));
        }
        // Another primary goes on with the same history: whoever follows this one must know.
        new_epoch.map_or(Ok(()), |epoch| log.begin_epoch(epoch))?;
        Ok(arrivals)
    }

    /// Takes the next piece, and queues it: nothing of it is durable yet.
    pub(super) fn pull(&mut self, arrivals: &mut Arrivals, log: &Log) -> Result<Pulled> {
        let Some(batch) = arrivals.next_batch()? else { return Ok(Pulled::End) };
        if batch.is_all {
            (self.seen, self.awaited_bytes) = (batch.end, 0);
        }
        if batch.bodies.is_empty() {
            return Ok(Pulled::None);
        }
        let (count, bytes) = (batch.bodies.len(), batch.bodies.iter().map(|body| body.len()).sum());
        let place = log.enqueue(&batch.bodies)?;
        debug_assert_eq!(place, (batch.end, batch.chain), "both sides chain alike");
        self.seen = self.seen.max(batch.end);
        let arrived = (bytes + count * FRAME_BYTES) as u64;
        self.arrived_bytes += arrived;
        self.awaited_bytes = self.awaited_bytes.saturating_sub(arrived);
        Ok(Pulled::Some { count: count as u64, bytes })
    }

    /// All that there is; durable on return.
    pub(super) fn catch_up(&mut self, log: &Log, progress: &mut dyn FnMut(Progress)) -> Result<Progress> {
        let mut arrivals = self.begin(log, false)?;
        let (mut copied, mut unsynced) = (0, 0);
        loop {
            match self.pull(&mut arrivals, log)? {
                Pulled::Some { count, bytes } => (copied, unsynced) = (copied + count, unsynced + bytes),
                Pulled::None => {}
                Pulled::End => break,
            }
            if unsynced >= BATCH_BYTES {
                unsynced = 0;
                let version = log.sync()?;
                progress(self.progress(version, copied));
            }
        }
        let version = log.sync()?;
        let done = self.progress(version, copied);
        tracing::debug!(version, copied, "caught up");
        self.acknowledge(version, true)?;
        progress(done);
        Ok(done)
    }

    /// How far it has come, for all that is known, from a source that is heard.
    pub(super) fn progress(&self, version: u64, copied: u64) -> Progress {
        let (source_version, behind_bytes) = (self.seen.max(version), self.awaited_bytes);
        Progress { version, copied, source_version, behind_bytes, connected: true }
    }

    /// Tells the source what is durable here, now and then or `now`.
    pub(super) fn acknowledge(&mut self, version: u64, now: bool) -> Result<()> {
        let Some(follower) = &self.follower else { return Ok(()) };
        let is_due = self.acknowledged.is_none_or(|(when, _)| now || when.elapsed() >= ACKNOWLEDGE_EVERY);
        if !is_due || self.acknowledged.is_some_and(|(_, known)| known == version) {
            return Ok(());
        }
        let answer = self.source.acknowledge(follower, version);
        // What could not be told is told the next time that it is due, not at once.
        let told = if answer.is_ok() { version } else { self.acknowledged.map_or(0, |(_, known)| known) };
        self.acknowledged = Some((Instant::now(), told));
        answer
    }

    /// Refuses unless source and log share all of the log's history; notes the source's version.
    pub(super) fn agrees(&mut self, log: &Log) -> Result<Status> {
        let status = self.source.status()?;
        let (expected, found) = (log.id(), status.store);
        if expected != found {
            return Err(Error::Foreign { expected, found });
        }
        not_superseded(status.epoch, log)?;
        self.seen = status.head;
        if let Some(difference) = self.difference_to(log, &status)? {
            return Err(difference);
        }
        let is_behind = (status.oldest..status.head).contains(&log.end());
        // A figure for people. What is wrong with the source is told where it matters.
        let bytes = if is_behind { self.source.bytes_since(log.end()).ok().flatten() } else { None };
        self.awaited_bytes = bytes.unwrap_or(0);
        Ok(status)
    }

    /// Where the histories differ, as an error; nothing if they do not.
    fn difference(&mut self, log: &Log) -> Result<Option<Error>> {
        let status = self.source.status()?;
        self.seen = status.head;
        self.difference_to(log, &status)
    }

    fn difference_to(&self, log: &Log, status: &Status) -> Result<Option<Error>> {
        let (own, source_head, replica_head) = (log.reader(), status.head, log.head());
        let (agreed, common) = (log.oldest().max(status.oldest), replica_head.min(source_head));
        if common < agreed {
            return Ok(None);
        }
        let differs = own.first_difference(|offset| self.source.chain_at(offset), agreed, common)?;
        let differs = differs.or((replica_head > source_head).then_some(source_head));
        Ok(differs.map(|offset| Error::Diverged { offset, source_head, replica_head }))
    }
}

/// A source that was replaced as the primary, and does not know it yet, has nothing to say.
fn not_superseded(source_epoch: u32, log: &Log) -> Result<()> {
    let replica_epoch = log.epoch();
    let same_edition = edition_of(source_epoch) == edition_of(replica_epoch);
    if same_edition && source_epoch < replica_epoch {
        return Err(Error::Superseded { source_epoch, replica_epoch });
    }
    Ok(())
}

/// Whether the same call may succeed later.
pub(super) fn is_passing(error: &Error) -> bool {
    let is_refused = error.io().is_some_and(|answer| answer.kind() == io::ErrorKind::PermissionDenied);
    !is_refused && matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Environment | ErrorKind::Busy)
}
