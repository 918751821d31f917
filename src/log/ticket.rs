//! [`Ticket`]: records that have their places in the log and are on their way to the disk.
//!
//! Always holds: a ticket that says yes is durable, and so is everything before it; dropping a ticket takes nothing back.

use super::Log;
use crate::error::{Error, Result};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Records that were appended, but may not be durable yet: to be waited for, awaited, or left to themselves.
///
/// As a future it needs no particular runtime, and it does not block.
#[derive(Debug)]
#[must_use = "nobody is told whether the records became durable unless it is waited for or awaited"]
pub struct Ticket<'l> {
    log: &'l Log,
    offsets: Range<u64>,
}

impl<'l> Ticket<'l> {
    pub(super) fn new(log: &'l Log, offsets: Range<u64>) -> Self {
        Ticket { log, offsets }
    }

    /// The offsets that the records have, durable or not. O(1).
    pub fn offsets(&self) -> Range<u64> {
        self.offsets.clone()
    }

    /// Whether the records are durable, however the log is opened. O(1); never waits.
    pub fn is_durable(&self) -> bool {
        self.log.head() >= self.offsets.end
    }

    /// Blocks until the records are durable, however the log is opened; their offsets, as
    /// [`append_all`](Log::append_all) gives them. A share of one sync.
    ///
    /// # Errors
    /// [`Error::Poisoned`] when the disk failed: its `pending` says where to look for the records when the log is open
    /// again.
    pub fn wait(self) -> Result<Range<u64>> {
        self.log.make_durable(self.offsets.end).map_err(|error| self.failed(error))?;
        Ok(self.offsets)
    }

    /// The answer, if there is one yet.
    fn answer(&self) -> Option<Result<Range<u64>>> {
        if self.is_durable() {
            return Some(Ok(self.offsets()));
        }
        self.log.check().err().map(|error| Err(self.failed(error)))
    }

    fn failed(&self, error: Error) -> Error {
        error.pending(self.offsets.start + 1)
    }
}

impl Future for Ticket<'_> {
    type Output = Result<Range<u64>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(answer) = self.answer() {
            return Poll::Ready(answer);
        }
        // However the log is opened: whoever awaits it wants it done.
        if let Err(error) = self.log.sync_soon() {
            return Poll::Ready(Err(error));
        }
        self.log.wake_when_durable(context.waker());
        // It may have become durable just before the waker was known.
        self.answer().map_or(Poll::Pending, Poll::Ready)
    }
}
