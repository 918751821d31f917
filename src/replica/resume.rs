//! Taking up what waits at a writer: from what is kept of it on the disk, and the history since the first of it was made.
//!
//! Done when a writer is opened, and again where something failed in the middle of taking in what came. Always: whatever was in memory is
//! made anew; what is kept on the disk is only read.

use super::ignore_poison;
use super::queue::Queue;
use super::writer::{Inner, RERUN_OF_TAG, Writer, number};
use crate::error::{Damage, Defect, Error, Result};
use crate::log;
use crate::merge::{Outcome, Refusal, Submission};
use crate::record::{DecodeError, Merged};
use crate::state::State;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

impl<S: State + Default> Writer<S> {
    /// Takes up what waited when it was open last: goes once more through the history since the first of it was made.
    pub(super) fn resume(&self, inner: &mut Inner<S>) -> Result<()> {
        let (store, writer) = (&self.replica.store, inner.queue.writer);
        let ((kept, kept_bytes), (version, state)) = (self.kept()?, store.newest());
        let confirmed = store.sequence_at(writer, version)?;
        inner.last = kept.iter().map(number).max().unwrap_or(0).max(confirmed);
        let clocks = kept.iter().filter_map(|submission| submission.written);
        inner.stamp = clocks.chain([store.stamp()]).max().unwrap_or_default();
        self.kept_bytes.store(kept_bytes, Ordering::Relaxed);
        inner.queue = Queue::on(writer, version, state);
        let made_anew: BTreeSet<u64> = kept.iter().filter_map(made_anew_for).collect();
        let is_to_be_known = |submission: &&Submission| {
            (1..=confirmed).contains(&number(submission)) && submission.call.is_some()
        };
        let may_be_given_back = kept.iter().filter(is_to_be_known);
        let may_be_given_back = may_be_given_back.filter(|made| !made_anew.contains(&number(made)));
        inner.given_back = self.given_back(&may_be_given_back.collect::<Vec<_>>(), version)?;
        let Some(waits) = kept.iter().find(|submission| number(submission) > confirmed) else {
            return Ok(());
        };
        let (from, settled) = self.beginning(&kept, waits.base)?;
        inner.queue = Queue::on(writer, from, store.at(from)?);
        for submission in kept.into_iter().filter(|submission| number(submission) > settled) {
            self.take_up_to(inner, submission.base)?;
            inner.queue.push(number(&submission), submission);
        }
        self.take_up_to(inner, version)?;
        inner.queue.rebuild(&*store.at(version)?);
        Ok(())
    }

    /// Which of those that are settled were given back to be run again.
    fn given_back(&self, made: &[&Submission], version: u64) -> Result<Vec<Submission>> {
        let mut given_back = Vec::new();
        let Some(base) = made.iter().map(|submission| submission.base).min() else { return Ok(given_back) };
        let store = &self.replica.store;
        store.changes_between(base.max(store.oldest()), version, |change| {
            let is_rejected =
                |merged: &Merged| matches!(merged.outcome, Outcome::Rejected { why: Refusal::Rerun, .. });
            if change.writer == self.id() && change.merged.as_deref().is_some_and(is_rejected) {
                let it = made.iter().find(|submission| number(submission) == change.sequence);
                given_back.extend(it.map(|submission| (*submission).clone()));
            }
            Ok(())
        })?;
        Ok(given_back)
    }

    /// All that is kept of what was made here, and how many bytes that is. None of it goes meanwhile.
    fn kept(&self) -> Result<(Vec<Submission>, u64)> {
        let _whole = ignore_poison(&self.beginning);
        let (mut kept, reader, oldest) = (Vec::new(), self.log.reader(), self.log.oldest());
        let bytes = reader.bytes_since(oldest)?;
        let mut records = reader.records(oldest)?;
        while let Some(record) = records.next_record()? {
            kept.push(Submission::from_bytes(record.payload()).map_err(|flaw| unreadable(&record, &flaw))?);
        }
        Ok((kept, bytes))
    }

    /// The version to begin with, so that whatever something stands on that waits is there, as far as the history goes back; and the newest number
    /// that was settled by then.
    fn beginning(&self, kept: &[Submission], base: u64) -> Result<(u64, u64)> {
        let store = &self.replica.store;
        let mut from = base;
        loop {
            from = from.max(store.oldest());
            let settled = store.sequence_at(self.id(), from)?;
            let first = kept.iter().find(|submission| number(submission) > settled);
            let earlier = first.map(|submission| submission.base.max(store.oldest()));
            match earlier.filter(|base| *base < from) {
                Some(earlier) => from = earlier,
                None => return Ok((from, settled)),
            }
        }
    }

    fn take_up_to(&self, inner: &mut Inner<S>, version: u64) -> Result<()> {
        self.each_up_to(inner, version, |inner, change| {
            if let Some((settled, _)) = self.take_one(inner, change)? {
                inner.settle(settled);
            }
            Ok(())
        })
    }
}

/// The number of the change that one was made anew for.
fn made_anew_for(submission: &Submission) -> Option<u64> {
    submission.meta.tags.get(RERUN_OF_TAG)?.parse().ok()
}

fn unreadable(record: &log::Record<'_>, flaw: &DecodeError) -> Error {
    let (path, byte) = record.place();
    let defect = Defect::Undecodable { part: "a change that waits", reason: flaw.to_string() };
    Damage { path: path.to_owned(), byte, defect, intact: Some(record.offset()) }.into()
}
