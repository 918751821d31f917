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

/// What of that which waits was made on too old a version, as far as was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TooOld {
    Nothing,
    /// That of which nothing shows: its writer does not know that version either.
    Lost,
    All,
}

impl<S: State + Default> Writer<S> {
    /// Submits what waits, in order, until nothing does or something fails; how many were. What they came to shows once it comes
    /// back with the history. Costs what is sent.
    ///
    /// # Errors
    /// What the sequencer answers, or [`Error::Unreachable`]: what was not submitted goes on waiting. For the first time after opening, with something
    /// that waits, also what [`Replica::catch_up`](super::Replica::catch_up) answers: an earlier session may have brought some of it.
    pub fn push(&self) -> Result<usize> {
        self.look_first()?;
        let (mut pushed, mut too_old, mut tries) = (0, TooOld::Nothing, 0);
        // What has its place already need not be sent, whether or not it was taken in.
        let known = || self.replica.store.newest_sequence_of(self.id());
        let mut from = known();
        loop {
            let (batch, is_lost, end) = self.batch(from, if tries > 1 { FEW } else { BATCH }, too_old)?;
            let Some(last) = batch.last().and_then(|submission| submission.by) else { return Ok(pushed) };
            if batch.len() > FEW {
                self.log.sync_soon()?;
            }
            match self.sequencer.submit_while_kept(&batch, &|| self.keep_up_to(end)) {
                Ok(_) => {
                    (pushed, from, tries, too_old) =
                        (pushed + batch.len(), last.1, 0, too_old.min(TooOld::Lost));
                    if is_lost {
                        self.replica.catch_up()?;
                        self.settle()?;
                    }
                }
                // What was made too many versions back is submitted as it reads on the newest one here, which may be too many back itself once
                // it is looked at.
                Err(Error::TooOld { .. }) if tries < TRIES => {
                    self.replica.catch_up()?;
                    let found =
                        if is_lost && too_old == TooOld::Nothing { TooOld::Lost } else { TooOld::All };
                    (from, too_old, tries) = (from.max(known()), found, tries + 1);
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

    /// The next that wait, behind number `from`; whether they show nothing; and where the log ends that they are kept in: they have to be durable
    /// before somebody sees them, or a number could be given twice.
    ///
    /// Those that show nothing are submitted by themselves, as they were made, for somebody may know what they met; what is behind them
    /// waits until they are back, and is submitted as it reads then.
    fn batch(&self, from: u64, most: usize, too_old: TooOld) -> Result<(Vec<Submission>, bool, u64)> {
        let piece = if too_old == TooOld::All { u64::MAX } else { 0 };
        self.with_queue_at(
            |_| piece,
            |inner| {
                let Queue { confirmed, waiting, trail, .. } = &inner.queue;
                let (confirmed, known) =
                    (*confirmed, waiting.partition_point(|waiting| waiting.sequence <= from));
                let gives_up = too_old >= TooOld::Lost;
                let mut next = waiting.range(known..).take(most).peekable();
                let is_lost = next.peek().is_some_and(|next| next.is_lost);
                if !gives_up && !is_lost && waiting.range(..known).any(|waiting| waiting.is_lost) {
                    return Ok((Vec::new(), false, self.log.end()));
                }
                // Once one is submitted as it reads on a version, so is all that was made before that.
                let is_behind = |next: &&Waiting| next.submission.base < inner.read_as_of;
                if too_old == TooOld::All || !is_lost && next.peek().is_some_and(is_behind) {
                    inner.read_as_of = confirmed;
                }
                let read_as_of = inner.read_as_of;
                // What is given up takes part in nothing; what is behind it need not be given up for that.
                let beside = waiting.range(known..).find(|waiting| !waiting.is_lost);
                let beside = beside.map_or(confirmed, |waiting| waiting.submission.base).max(read_as_of);
                let told = |waiting: &Waiting| match waiting.is_lost {
                    true if gives_up => waiting.as_it_reads_on(beside.max(waiting.submission.base)),
                    false if waiting.submission.base < read_as_of => waiting.as_it_reads_on(read_as_of),
                    _ => {
                        let seen = trail.seen(waiting.sequence);
                        Submission { seen, ..waiting.submission.clone() }
                    }
                };
                let batch = next.take_while(|waiting| waiting.is_lost == is_lost).map(told).collect();
                Ok((batch, is_lost, self.log.end()))
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
