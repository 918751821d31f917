//! [`Changes`]: the changes of a range of versions, all of them or those that a filter wants, in either direction.
//!
//! Leaves finding records to the log, through one function that yields candidates. Always: an error is the last item, for
//! what follows a damaged record is not handed out as if nothing were missing.

use super::filter::Filter;
use crate::error::{Error, Result};
use crate::history::{change_at, decode_if};
use crate::log::{self, Backward, Records};
use crate::record::{Change, WriterId};
use std::ops::{Bound, RangeBounds};

/// The changes of a range of versions, oldest first unless asked for otherwise. Those of a store end with the newest durable
/// one, and go on from there when asked again; those of a reader end with the version it showed.
///
/// An iterator: `take` gives the first few.
#[derive(Debug)]
pub struct Changes {
    view: log::Reader,
    candidates: Candidates,
    filter: Filter,
    /// The first version wanted.
    first: u64,
    /// The last version wanted.
    last: u64,
    /// The newest version there was.
    head: u64,
    failed: bool,
}

/// Where the next change that could be wanted comes from.
#[derive(Debug)]
enum Candidates {
    Forward(Records),
    Backward(Backward),
    /// Backward from this offset on, once somebody asks.
    FromEnd(u64),
}

impl Changes {
    pub(super) fn in_range(view: &log::Reader, range: &impl RangeBounds<u64>, head: u64) -> Result<Changes> {
        let oldest = view.oldest()?;
        let first = match range.start_bound() {
            Bound::Included(&version) => version,
            Bound::Excluded(&version) => version.saturating_add(1),
            Bound::Unbounded => oldest + 1,
        };
        let last = match range.end_bound() {
            Bound::Included(&version) => version,
            Bound::Excluded(&version) => version.saturating_sub(1),
            Bound::Unbounded => u64::MAX,
        };
        // Version 0 is the beginning: nobody made it.
        let first = first.max(1);
        if first <= oldest {
            return Err(Error::Compacted { version: first, oldest: oldest + 1 });
        }
        if first - 1 > head {
            return Err(Error::BeyondHead { version: first, head });
        }
        let candidates = Candidates::Forward(view.records(first - 1).map_err(of_versions)?);
        let (view, filter) = (view.clone(), Filter::new());
        Ok(Changes { view, candidates, filter, first, last, head, failed: false })
    }

    /// The same, ending with the newest version there was when it was made.
    pub(super) fn up_to_head(self) -> Changes {
        Changes { last: self.last.min(self.head), ..self }
    }

    /// Only those that the filter wants; it takes the place of one given before. Every change of the range is read all the
    /// same, but the patches only of those that everything else about them speaks for.
    ///
    /// See [`Filter`] for an example.
    #[must_use]
    pub fn matching(self, filter: Filter) -> Changes {
        Changes { filter, ..self }
    }

    /// The newest one first, beginning with the newest version that there was when the history was asked for; ends with the
    /// oldest of the range. Costs what is read, and as much memory as sixteen records, or 512 KiB.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// for number in 0..10 {
    ///     store.produce(|doc| doc["n"] = number.into())?;
    /// }
    /// let last = store.changes(..)?.newest_first().take(2).map(|change| Ok(change?.version));
    /// assert_eq!(last.collect::<redraft::Result<Vec<u64>>>()?, [10, 9]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn newest_first(self) -> Changes {
        let end = self.last.min(self.head).max(self.first - 1);
        Changes { candidates: Candidates::FromEnd(end), ..self }
    }

    fn next_match(&mut self) -> Result<Option<Change>> {
        loop {
            match self.next_candidate()? {
                None => return Ok(None),
                Some(Some(change)) if self.filter.admits_patch(&change.patch) => return Ok(Some(change)),
                Some(_) => {}
            }
        }
    }

    /// The next change of the range that could be one of those wanted, or nothing in its place if it surely is not. An index
    /// that knows more of where they are would have to be asked here.
    fn next_candidate(&mut self) -> Result<Option<Option<Change>>> {
        let wanted = |change: &Change| self.filter.admits_all_but_patch(change);
        if let Candidates::FromEnd(end) = self.candidates {
            self.candidates = Candidates::Backward(self.view.backward(end)?);
        }
        match &mut self.candidates {
            Candidates::Forward(records) if records.offset() < self.last => {
                let record = records.next_record()?;
                record.map(|record| decode_if(&record, wanted)).transpose()
            }
            Candidates::Backward(records) if records.offset() >= self.first => {
                let Some(record) = records.next_record()? else { return Ok(None) };
                let (home, offset) = (WriterId::of(self.view.id()), record.offset());
                match Change::decode_if(home, offset, record.payload(), wanted) {
                    Ok(change) => Ok(Some(change)),
                    Err(_) => change_at(&self.view, offset).map(Some).map(Some),
                }
            }
            _ => Ok(None),
        }
    }
}

/// The log names offsets, and the record that made a version has the offset before it: the caller asked for versions.
fn of_versions(error: Error) -> Error {
    match error {
        Error::BeyondHead { version: offset, head } => Error::BeyondHead { version: offset + 1, head },
        Error::Compacted { version: offset, oldest } => {
            Error::Compacted { version: offset + 1, oldest: oldest + 1 }
        }
        other => other,
    }
}

impl Iterator for Changes {
    type Item = Result<Change>;

    /// An error is the last item.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.next_match().map_err(of_versions).transpose()?;
        self.failed = item.is_err();
        Some(item)
    }
}
