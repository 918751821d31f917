//! [`Changes`]: the changes of a range of versions, all of them or those that a filter wants, in either direction.
//!
//! Leaves finding records to the log and the index, through one function that yields candidates. Always: an error is the last
//! item, for what follows a damaged record is not handed out as if nothing were missing; and the same changes come out
//! whoever names them.

use super::filter::Filter;
use super::lookup::{Guide, Lookup, NoIndex};
use crate::error::{Error, Result};
use crate::history::{change_at, decode_if};
#[cfg(feature = "index")]
use crate::index::{Candidates, Lost};
use crate::log::{self, Backward, Records};
use crate::record::{Change, WriterId};
use crate::value::Pointer;
use std::ops::{Bound, RangeBounds};

/// The changes of a range of versions, oldest first unless asked for otherwise. Those of a store end with the newest durable
/// one, and go on from there when asked again; those of a reader end with the version it showed.
///
/// An iterator: `take` gives the first few.
#[derive(Debug)]
pub struct Changes {
    view: log::Reader,
    guide: Guide,
    source: Source,
    filter: Filter,
    /// The first version wanted.
    first: u64,
    /// The last version wanted.
    last: u64,
    /// The newest version there was.
    head: u64,
    lookup: Option<Lookup>,
    failed: bool,
}

/// Where the next change that could be wanted comes from.
#[derive(Debug)]
enum Source {
    Forward(Records),
    Backward(Backward),
    /// Backward from this offset on, once somebody asks.
    FromEnd(u64),
    #[cfg(feature = "index")]
    Named(Named),
}

/// Backward, by what the index says.
#[cfg(feature = "index")]
#[derive(Debug)]
struct Named {
    candidates: Candidates,
    /// All from this offset on were looked at.
    end: u64,
    buffer: Vec<u8>,
}

impl Changes {
    pub(super) fn in_range(
        view: &log::Reader,
        guide: Guide,
        range: &impl RangeBounds<u64>,
        head: u64,
    ) -> Result<Changes> {
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
        let source = Source::Forward(view.records(first - 1).map_err(of_versions)?);
        let (view, filter) = (view.clone(), Filter::new());
        Ok(Changes { view, guide, source, filter, first, last, head, lookup: None, failed: false })
    }

    /// The same, ending with the newest version there was when it was made.
    pub(super) fn up_to_head(self) -> Changes {
        Changes { last: self.last.min(self.head), ..self }
    }

    /// Only those that the filter wants; it takes the place of one given before. Where the newest come first and the filter
    /// asks for places, a label or a writer, the index of a store names those that could be meant, and only these are read; it
    /// catches up with the log first, and is read by the first question of a session. In all other cases every change of
    /// the range is read, but the patches only of those that everything else about them speaks for. See
    /// [`lookup`](Changes::lookup).
    ///
    /// See [`Filter`] for an example.
    #[must_use]
    pub fn matching(self, filter: Filter) -> Changes {
        Changes { filter, ..self }
    }

    /// The newest one first, beginning with the newest version that there was when the history was asked for; ends with the
    /// oldest of the range. Costs what is read, and as much memory as sixteen records, or 512 KiB; see
    /// [`matching`](Changes::matching) for what need not be read.
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
        Changes { source: Source::FromEnd(end), ..self }
    }

    /// How these changes are found. It is decided when the first is asked for, and nothing before; if the index fails on
    /// the way, the rest is found by a scan, and this says so from then on. O(1).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Filter, Lookup, Store, Value, value::Pointer};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce(|doc| doc["title"] = "garden".into())?;
    /// let titles = Filter::new().touching(Pointer::parse("/title")?);
    /// let mut changes = store.changes(..)?.matching(titles).newest_first();
    /// assert_eq!(changes.next().transpose()?.map(|change| change.version), Some(1));
    /// # #[cfg(feature = "index")]
    /// assert_eq!(changes.lookup(), Some(&Lookup::Index));
    /// # Ok(()) }
    /// ```
    pub fn lookup(&self) -> Option<&Lookup> {
        self.lookup.as_ref()
    }

    /// Goes on with the changes of another place, and no other condition.
    pub(super) fn follow(&mut self, place: Pointer) {
        self.filter = Filter::new().touching(place);
        #[cfg(feature = "index")]
        if let Source::Named(Named { end, .. }) = self.source {
            self.source = Source::FromEnd(end);
        }
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

    /// The next change of the range that could be one of those wanted, or nothing in its place if it surely is not.
    fn next_candidate(&mut self) -> Result<Option<Option<Change>>> {
        self.decide()?;
        let wanted = |change: &Change| self.filter.admits_all_but_patch(change);
        match &mut self.source {
            Source::Forward(records) if records.offset() < self.last => {
                let record = records.next_record()?;
                record.map(|record| decode_if(&record, wanted)).transpose()
            }
            Source::Backward(records) if records.offset() >= self.first => {
                let Some(record) = records.next_record()? else { return Ok(None) };
                change_in(&self.view, record.offset(), record.payload(), wanted).map(Some)
            }
            #[cfg(feature = "index")]
            Source::Named(named) => match named.next(&self.view)? {
                Ok(Some(offset)) => change_in(&self.view, offset, &named.buffer, wanted).map(Some),
                Ok(None) => Ok(None),
                Err(lost) => {
                    tracing::warn!(%lost, "going on without the index");
                    self.scan(NoIndex::Failed { why: lost.to_string() })?;
                    Ok(Some(None))
                }
            },
            _ => Ok(None),
        }
    }

    /// Finds out who names the candidates, once there is a question.
    fn decide(&mut self) -> Result<()> {
        match self.source {
            Source::FromEnd(end) => self.ask(end),
            Source::Forward(_) if self.lookup.is_none() => {
                self.lookup = Some(Lookup::Scan { why: NoIndex::OldestFirst });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[cfg(feature = "index")]
    fn ask(&mut self, end: u64) -> Result<()> {
        let terms = self.filter.terms(WriterId::of(self.view.id()));
        match self.guide.find(&self.view, terms, self.first - 1..end) {
            Ok(found) => {
                // Once it was made anew, that is what there is to say.
                let remade = found.remade.map(|why| Lookup::Remade { why });
                self.lookup = remade.or(self.lookup.take()).or(Some(Lookup::Index));
                self.source = Source::Named(Named { candidates: found.candidates, end, buffer: Vec::new() });
                Ok(())
            }
            Err(why) => self.scan(why),
        }
    }

    #[cfg(not(feature = "index"))]
    fn ask(&mut self, _end: u64) -> Result<()> {
        let Guide::None(why) = self.guide.clone();
        self.scan(why)
    }

    /// Reads all changes from here on.
    fn scan(&mut self, why: NoIndex) -> Result<()> {
        let end = match self.source {
            Source::FromEnd(end) => end,
            #[cfg(feature = "index")]
            Source::Named(Named { end, .. }) => end,
            Source::Forward(_) | Source::Backward(_) => return Ok(()),
        };
        self.source = Source::Backward(self.view.backward(end)?);
        self.lookup = Some(Lookup::Scan { why });
        Ok(())
    }
}

#[cfg(feature = "index")]
impl Named {
    /// Reads the next one. The inner error is why there is no asking the index any more.
    fn next(&mut self, view: &log::Reader) -> Result<std::result::Result<Option<u64>, Lost>> {
        let offset = match self.candidates.next_offset() {
            Ok(Some(offset)) if offset >= view.oldest()? => offset,
            // Given up meanwhile.
            Ok(_) => return Ok(Ok(None)),
            Err(lost) => return Ok(Err(lost)),
        };
        self.end = offset;
        view.read_into(offset, &mut self.buffer)?;
        Ok(Ok(Some(offset)))
    }
}

/// The change in a record that was read, if it is wanted.
fn change_in(
    view: &log::Reader,
    offset: u64,
    payload: &[u8],
    wanted: impl FnOnce(&Change) -> bool,
) -> Result<Option<Change>> {
    match Change::decode_if(WriterId::of(view.id()), offset, payload, wanted) {
        Ok(change) => Ok(change),
        // The long way, which knows the place of what is wrong.
        Err(_) => change_at(view, offset).map(Some),
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
