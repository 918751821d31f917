//! [`Ticket`]: records that have their places in the log and are on their way to the disk.
//!
//! Always holds: a ticket that says yes is durable, and so is everything before it; dropping a ticket takes nothing back.

use super::Log;
use crate::error::Result;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Records that were appended, but may not be durable yet: to be waited for, awaited, or left to themselves.
///
/// As a future it needs no particular runtime, and it does not block.
#[derive(Debug)]
pub struct Ticket<'l> {
    log: &'l Log,
    /// The offset after the last record it stands for.
    end: u64,
}

impl<'l> Ticket<'l> {
    pub(super) fn new(log: &'l Log, end: u64) -> Self {
        Ticket { log, end }
    }

    /// The offset after the last record it stands for: the head of the log once that is durable.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether the records are durable, however the log is opened. O(1); never waits.
    pub fn is_durable(&self) -> bool {
        self.log.head() >= self.end
    }

    /// Blocks until the records are durable, however the log is opened; the offset after them. A share of one sync.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::Error::Poisoned) when the disk failed: whether the records will be there when the log is
    /// opened again is not known.
    pub fn wait(self) -> Result<u64> {
        self.log.make_durable(self.end).map_err(|error| error.pending(self.end))?;
        Ok(self.end)
    }

    /// The answer, if there is one yet.
    fn answer(&self) -> Option<Result<u64>> {
        if self.is_durable() {
            return Some(Ok(self.end));
        }
        self.log.check().err().map(|error| Err(error.pending(self.end)))
    }
}

impl Future for Ticket<'_> {
    type Output = Result<u64>;

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
