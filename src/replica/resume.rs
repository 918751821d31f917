//! Taking up what waits at a writer: from what is kept of it on the disk, and the history since the first of it was made.
//!
//! Done when a writer is opened, and again where something failed in the middle of taking in what came. Always: whatever was in memory is
//! made anew; what is kept on the disk is only read.

use super::ignore_poison;
use super::queue::Queue;
use super::writer::{Inner, Writer, number};
use crate::error::{Damage, Defect, Error, Result};
use crate::log;
use crate::merge::Submission;
use crate::record::DecodeError;
use crate::state::State;
use std::sync::atomic::Ordering;

impl<S: State + Default> Writer<S> {
    /// Takes up what waited when it was open last: goes once more through the history since the first of it was made.
    pub(super) fn resume(&self, inner: &mut Inner<S>) -> Result<()> {
        let (store, writer) = (&self.replica.store, inner.queue.writer);
        // What has a number already keeps it. Where that fails nothing more is given one.
        drop(self.log.sync());
        let ((kept, kept_bytes), (version, state)) = (self.kept()?, store.newest());
        let confirmed = store.sequence_at(writer, version)?;
        inner.last = kept.iter().map(number).max().unwrap_or(0).max(confirmed);
        let clocks = kept.iter().filter_map(|submission| submission.written);
        inner.stamp = clocks.chain([store.stamp()]).max().unwrap_or_default();
        self.kept_bytes.store(kept_bytes, Ordering::Relaxed);
        inner.queue = Queue::on(writer, version, state);
        inner.given_back = self.given_back(&kept, (confirmed, version))?;
        let Some(waits) = kept.iter().find(|submission| number(submission) > confirmed) else {
            return Ok(());
        };
        inner.looks_first = true;
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

fn unreadable(record: &log::Record<'_>, flaw: &DecodeError) -> Error {
    let (path, byte) = record.place();
    let defect = Defect::Undecodable { part: "a change that waits", reason: flaw.to_string() };
    Damage { path: path.to_owned(), byte, defect, intact: Some(record.offset()) }.into()
}
