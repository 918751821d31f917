//! Following the log: reads the changes after the watermark, and posts each under its terms.
//!
//! Decides whether an index that is there can be gone on with. Always: postings and watermark are written together, so a
//! change is posted once or not yet; the log is only read.

use super::candidates::Candidates;
use super::directory;
use super::tails::Tails;
use super::term::{Term, terms_of};
use super::tree::{Batch, Lost, Tree};
use super::watermark::Watermark;
use crate::error::Error;
use crate::history::decode;
use crate::log;
use crate::record::WriterId;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// So much is collected before it is written. Each time the last chunks of all lists that were touched are written again.
const BATCH_CHANGES: u64 = 1 << 17;
/// sled frees what a batch replaces only when all of the batch is done.
const BATCH_BYTES: usize = 1 << 20;
/// After so many changes since the last time it is worth a flush, so that a crash does not cost them.
const FLUSH_CHANGES: u64 = 1 << 14;

/// Why there is no answer from the index.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The index is of no use any more.
    Lost(Lost),
    /// The log cannot be read where the index has to follow it.
    Log(Error),
}

impl From<Lost> for Trouble {
    fn from(lost: Lost) -> Self {
        Trouble::Lost(lost)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Log(error)
    }
}

/// An index that is open and follows a log.
#[derive(Debug)]
pub(super) struct Follower {
    tree: Arc<Tree>,
    tails: Tails,
    mark: Watermark,
    /// Where the last flush was.
    flushed: u64,
}

impl Follower {
    /// Opens the newest index in `dir`. One that does not fit the log is lost.
    pub(super) fn open(dir: &Path, view: &log::Reader) -> Result<Follower, Trouble> {
        let mut tails = Tails::new();
        let place = directory::newest(dir)?;
        let (tree, mark) =
            Tree::open(&place, |list, first, value, adds| tails.load(list, first, value, adds))?;
        let mark = match mark {
            Some(mark) => fitting(mark, view)?,
            None => beginning(view)?,
        };
        Ok(Follower { tree: Arc::new(tree), tails, mark, flushed: mark.offset })
    }

    /// Reads what the log has and the index has not. Costs those changes.
    pub(super) fn catch_up(&mut self, view: &log::Reader) -> Result<(), Trouble> {
        let mut records = match view.records(self.mark.offset) {
            Err(Error::Compacted { oldest, .. }) => {
                return Err(Lost(format!("the log begins at offset {oldest}, which it did not reach")).into());
            }
            answer => answer?,
        };
        while self.next_batch(&mut records)? {}
        if self.mark.offset - self.flushed >= FLUSH_CHANGES {
            self.tree.flush()?;
            self.flushed = self.mark.offset;
        }
        Ok(())
    }

    /// Follows up to a batch of changes; false once there are no more.
    fn next_batch(&mut self, records: &mut log::Records) -> Result<bool, Trouble> {
        let (mut terms, mut batch) = (Vec::new(), Batch::new(self.mark.sum));
        let home = WriterId::of(self.mark.store);
        let begin = self.mark.offset;
        let answer = loop {
            if self.mark.offset - begin >= BATCH_CHANGES || batch.bytes() >= BATCH_BYTES {
                break Ok(true);
            }
            match next(records) {
                Ok(Some((change, chain))) => {
                    terms_of(&change, home, &mut terms);
                    for &term in &terms {
                        self.tails.post(term, self.mark.offset, &mut batch);
                    }
                    (self.mark.offset, self.mark.chain) = (self.mark.offset + 1, chain);
                }
                Ok(None) => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        // Also after an error: what was posted before it is in the tails, and must not be posted twice.
        if self.mark.offset > begin {
            self.tails.write(&mut batch);
            self.mark.sum = batch.sum;
            self.tree.write(batch, &self.mark)?;
        }
        Ok(answer?)
    }

    /// The offsets of changes that may have one of these terms, the newest first.
    pub(super) fn candidates(&self, terms: &[Term], offsets: Range<u64>) -> Candidates {
        Candidates::new(&self.tree, terms, offsets.start..offsets.end.min(self.mark.offset))
    }
}

#[cfg(test)]
impl Follower {
    /// What it takes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.tree.bytes()
    }
}

fn next(records: &mut log::Records) -> Result<Option<(crate::record::Change, u32)>, Error> {
    let Some(record) = records.next_record()? else { return Ok(None) };
    Ok(Some((decode(&record)?, record.chain())))
}

/// The mark of an index in which nothing is.
fn beginning(view: &log::Reader) -> Result<Watermark, Error> {
    let begin = view.oldest()?;
    Ok(Watermark { store: view.id(), begin, offset: begin, chain: view.chain_at(begin)?, sum: 0 })
}

/// The mark, if the log is the one that was followed up to it.
fn fitting(mark: Watermark, view: &log::Reader) -> Result<Watermark, Trouble> {
    if mark.store != view.id() {
        return Err(Lost(format!("it is of store {}", mark.store)).into());
    }
    match view.chain_at(mark.offset) {
        Ok(chain) if chain == mark.chain => {}
        Ok(_) => return Err(Lost("it followed another history".into()).into()),
        Err(Error::BeyondHead { head, .. }) => {
            return Err(Lost(format!("it is ahead of the log, which ends at offset {head}")).into());
        }
        Err(Error::Compacted { oldest, .. }) => {
            return Err(Lost(format!("the log begins at offset {oldest}, which it did not reach")).into());
        }
        Err(error) => return Err(error.into()),
    }
    let oldest = view.oldest()?;
    if oldest.saturating_sub(mark.begin) > mark.offset - oldest.min(mark.offset) {
        return Err(Lost("most of what it found is no longer kept".into()).into());
    }
    Ok(mark)
}
