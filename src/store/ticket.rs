//! [`Ticket`]: a change that has its place in the order and is on its way to the disk.
//!
//! What [`Store::submit`] returns, so that one thread can keep many changes in flight. Always holds: a ticket that says yes
//! is durable and visible, and so are all changes before it; dropping a ticket takes nothing back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Commit, Store};
use crate::draft::{Outcome, draft};
use crate::error::Result;
use crate::record::Meta;
use crate::state::State;

/// A change that was made, but may not be durable yet: to be waited for, awaited, or left to itself.
///
/// As a future it needs no particular runtime, and it does not block.
#[derive(Debug)]
#[must_use = "nobody is told whether the change became durable unless it is waited for or awaited"]
pub struct Ticket<'s, S: State + Default> {
    store: &'s Store<S>,
    commit: Commit<S>,
}

impl<S: State + Default> Store<S> {
    /// Runs `recipe` on a draft of the newest state, as [`produce`](Store::produce) does, and returns without waiting for the
    /// disk: a thread of the store makes the change durable, together with all others that have come up by then.
    ///
    /// The next recipe starts from this change, but readers see it only when it is durable. Costs what changed. When more
    /// than 2 MiB are on their way, it waits until the disk has caught up.
    ///
    /// # Errors
    /// As `produce`, except that a failing disk is told by the ticket, and by every later call.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// let tickets: Vec<_> = (0..100)
    ///     .map(|n| store.submit(|doc| doc["n"] = n.into()))
    ///     .collect::<redraft::Result<_>>()?;
    /// for ticket in tickets {
    ///     ticket.wait()?; // a handful of syncs for all of them
    /// }
    /// assert_eq!(store.version(), 100);
    /// # Ok(()) }
    /// ```
    pub fn submit<R: Outcome>(&self, recipe: impl FnOnce(&mut S) -> R) -> Result<Ticket<'_, S>> {
        self.submit_with(Meta::default(), recipe)
    }

    /// [`submit`](Store::submit), with a label, a time or tags for the history.
    ///
    /// # Errors
    /// As `submit`.
    pub fn submit_with<R: Outcome>(
        &self,
        meta: Meta,
        recipe: impl FnOnce(&mut S) -> R,
    ) -> Result<Ticket<'_, S>> {
        let syncer = self.syncer()?;
        let commit = self.place(meta, |newest| Ok(draft(&*newest.state, recipe)?))?;
        syncer.ring();
        Ok(Ticket { store: self, commit })
    }
}

impl<S: State + Default> Ticket<'_, S> {
    /// The change as it was made. What it says of the version and the state is not durable before the ticket says so. O(1).
    pub fn commit(&self) -> &Commit<S> {
        &self.commit
    }

    /// Whether the change is durable. O(1); never waits.
    pub fn is_durable(&self) -> bool {
        self.store.log.head() >= self.commit.version
    }

    /// Blocks until the change is durable and visible, however the store is opened. A share of one sync.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::Error::Poisoned) when the disk failed: whether the change is there will be known when the
    /// store is open again, and `pending` says which version to look for.
    pub fn wait(self) -> Result<Commit<S>> {
        let version = self.commit.version;
        self.store.log.make_durable(version).map_err(|error| error.pending(version))?;
        self.store.published.up_to(self.store.log.head());
        Ok(self.commit)
    }

    /// The answer, if there is one yet.
    fn answer(&self) -> Option<Result<Commit<S>>> {
        if self.is_durable() {
            self.store.published.up_to(self.store.log.head());
            return Some(Ok(self.commit.clone()));
        }
        self.store.log.check().err().map(|error| Err(error.pending(self.commit.version)))
    }
}

impl<S: State + Default> Future for Ticket<'_, S> {
    type Output = Result<Commit<S>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(answer) = self.answer() {
            return Poll::Ready(answer);
        }
        match self.store.syncer() {
            Ok(syncer) => syncer.ring(),
            Err(error) => return Poll::Ready(Err(error)),
        }
        self.store.log.wake_when_durable(context.waker());
        // It may have become durable just before the waker was known.
        self.answer().map_or(Poll::Pending, Poll::Ready)
    }
}
