//! [`Writer::push`]: bringing what waits to the [`Sequencer`](super::Sequencer), and taking in what became of it.
//!
//! Leaves what waits to `writer`. Always: what is submitted is durable here before anybody can see it; an answer settles nothing, only what comes
//! back with the history does.

use super::queue::{Queue, Waiting};
use super::writer::Writer;
use super::{Progress, ignore_poison};
use crate::error::{Error, Result};
use crate::merge::Submission;
use crate::state::State;

/// So many are submitted at a time.
const BATCH: usize = 4096;
/// More than this are made durable by another thread while they are being looked at.
const FEW: usize = 64;
/// So many times in a row something may be too old when it is looked at.
const TRIES: u32 = 16;

impl<S: State + Default> Writer<S> {
    /// Submits what waits, in order, until nothing does or something fails; how many were. What they came to shows once it comes
    /// back with the history. Costs what is sent.
    ///
    /// # Errors
    /// What the sequencer answers, or [`Error::Unreachable`]: what was not submitted goes on waiting. For the first time after opening, with something
    /// that waits, also what [`Replica::catch_up`](super::Replica::catch_up) answers: an earlier session may have brought some of it.
    pub fn push(&self) -> Result<usize> {
        self.look_first()?;
        let (mut pushed, mut is_too_old, mut tries) = (0, false, 0);
        // What has its place already need not be sent, whether or not it was taken in.
        let known = || self.replica.store.newest_sequence_of(self.id());
        let mut from = known();
        loop {
            let (batch, end) = self.batch(from, if tries > 1 { FEW } else { BATCH }, is_too_old)?;
            is_too_old = false;
            let Some(last) = batch.last().and_then(|submission| submission.by) else { return Ok(pushed) };
            if batch.len() > FEW {
                self.log.sync_soon()?;
            }
            match self.sequencer.submit_while_kept(&batch, &|| self.keep_up_to(end)) {
                Ok(_) => (pushed, from, tries) = (pushed + batch.len(), last.1, 0),
                // What was made too many versions back is submitted as it reads on the newest one here, which may be too many back itself once
                // it is looked at.
                Err(Error::TooOld { .. }) if tries < TRIES => {
                    self.replica.catch_up()?;
                    (from, is_too_old, tries) = (from.max(known()), true, tries + 1);
                }
                // What was said to be merged may have been lost since: until it is seen in the history it waits, and is submitted again.
                Err(Error::SequenceGap { .. }) if from > known() && tries < TRIES => {
                    (from, tries) = (known(), tries + 1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What an earlier session brought, and how it read then, is what the rest stands on.
    fn look_first(&self) -> Result<()> {
        if ignore_poison(&self.queue).looks_first {
            self.replica.catch_up()?;
            self.settle()?;
            self.with_queue(|inner| {
                inner.looks_first = false;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The next that wait, behind number `from`, and where the log ends that they are kept in: they have to be durable before somebody sees
    /// them, or a number could be given twice.
    fn batch(&self, from: u64, most: usize, is_too_old: bool) -> Result<(Vec<Submission>, u64)> {
        let piece = if is_too_old { u64::MAX } else { 0 };
        self.with_queue_at(
            |_| piece,
            |inner| {
                let Queue { confirmed, waiting, trail, .. } = &inner.queue;
                let (confirmed, known) =
                    (*confirmed, waiting.partition_point(|waiting| waiting.sequence <= from));
                let mut waiting = waiting.range(known..).take(most).peekable();
                // Once one is submitted as it reads on a version, so is all that was made before that.
                let is_behind = |next: &&Waiting| next.is_lost || next.submission.base < inner.read_as_of;
                if is_too_old || waiting.peek().is_some_and(is_behind) {
                    inner.read_as_of = confirmed;
                }
                let read_as_of = inner.read_as_of;
                let told = |waiting: &Waiting| match waiting.is_lost || waiting.submission.base < read_as_of {
                    true => waiting.as_it_reads_on(read_as_of.max(waiting.submission.base)),
                    false => {
                        let seen = trail.seen(waiting.sequence);
                        Submission { seen, ..waiting.submission.clone() }
                    }
                };
                Ok((waiting.map(told).collect(), self.log.end()))
            },
        )
    }

    /// [Pushes](Writer::push) what waits, takes in what is new, and does so again for what had to be made anew.
    ///
    /// # Errors
    /// As `push` and [`Replica::catch_up`](super::Replica::catch_up).
    pub fn exchange(&self) -> Result<Progress> {
        loop {
            let waited = self.front();
            self.push()?;
            let progress = self.replica.catch_up()?;
            self.view()?;
            // What was merged and does not come back yet is not durable there.
            if self.front().is_none_or(|front| Some(front) == waited) {
                return Ok(progress);
            }
        }
    }

    /// The number of the first that waits.
    pub(super) fn front(&self) -> Option<u64> {
        ignore_poison(&self.queue).queue.waiting.front().map(|waiting| waiting.sequence)
    }
}
