//! Which changes are about a path: with the help of the index where there is one, else by reading them all.
//!
//! The index only names candidates; each is read, and judged by `patch`, the same way a scan judges. Always: the same versions
//! come out either way.

use super::reader::wanted;
use super::{Reader, Store};
use crate::error::{Error, Result};
use crate::history::decode;
#[cfg(feature = "index")]
use crate::index::{self, Candidates};
use crate::log::{self, Backward};
use crate::patch::touches;
use crate::record::{Change, WriterId};
use crate::state::State;
use crate::value::Path;
use std::ops::{Range, RangeBounds};

/// How a question about the history is answered. Only the cost differs, never the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// With the index, by reading only what it names.
    Index,
    /// The same, but the index had to be made anew from the log first.
    Remade {
        /// What was wrong with the one that was there.
        why: String,
    },
    /// By reading all changes of the range.
    Scan {
        /// Why not with the index.
        why: NoIndex,
    },
}

/// Why a question is answered without the index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoIndex {
    /// Nobody wants one: it is switched off in the options, or by the crate's feature `index`.
    #[error("the index is switched off")]
    Off,
    /// It is for a reader, which writes nothing, and an index is written while it is read.
    #[error("only who has the store open for writing has an index")]
    Reader,
    /// The store is not on the operating system's file system, as the index must be.
    #[error("the store is on a disk that has no index")]
    Disk,
    /// Everything is about the root, so there is nothing to look up.
    #[error("every change is about the root")]
    Root,
    /// There is one, but it cannot be used.
    #[error("the index cannot be used: {why}")]
    Failed {
        /// What happened.
        why: String,
    },
}

/// The versions whose changes touch a path, newest first: made by [`Store::versions_touching`] and
/// [`Reader::versions_touching`].
#[derive(Debug)]
pub struct Touching {
    view: log::Reader,
    path: Path,
    /// The offsets that are still to be looked at.
    offsets: Range<u64>,
    source: Source,
    lookup: Lookup,
    buffer: Vec<u8>,
    failed: bool,
}

/// Where the next change to look at comes from.
#[derive(Debug)]
enum Source {
    #[cfg(feature = "index")]
    Index(Candidates),
    Scan(Backward),
}

impl<S: State + Default> Store<S> {
    /// The versions in `range` whose changes touch `path`, the newest first: those after which what is at the path, or
    /// whether something is there, can be another than before. These are changes of the place itself and of what is beneath it,
    /// of containers that were put in or taken away above it, and, where the path leads through a list, insertions and
    /// removals in front of it. A list is counted as it is at each version: `/cards/3` is whatever is fourth then.
    ///
    /// With the index, which catches up first, costs what the log has grown by since the last question, and reading the
    /// changes that come out, with a few others; the first question of a session also reads the index. Without, it costs
    /// reading all changes of the range. [`Touching::lookup`] tells which it is. One sync if something acknowledged is not on
    /// the disk yet.
    ///
    /// # Errors
    /// As [`changes`](Store::changes). Trouble with the index is none.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{Store, Value, value, value::Path};
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// store.produce(|doc| doc["cards"] = value!({ "a": { "text": "plan" }, "b": {} }))?;
    /// store.produce(|doc| doc["cards"]["a"]["done"] = true.into())?;
    /// store.produce(|doc| doc["cards"]["b"]["done"] = true.into())?;
    /// let card = Path::root().child("cards").child("a");
    /// let versions: Vec<u64> = store.versions_touching(&card, ..)?.collect::<Result<_, _>>()?;
    /// assert_eq!(versions, [2, 1]);
    /// # Ok(()) }
    /// ```
    pub fn versions_touching(&self, path: &Path, range: impl RangeBounds<u64>) -> Result<Touching> {
        let head = self.version();
        self.on_disk(head)?;
        let view = &self.history.view;
        let offsets = offsets(view, &range, head)?;
        #[cfg(feature = "index")]
        let why = match &self.index {
            _ if path.is_root() => NoIndex::Root,
            Err(why) => why.clone(),
            Ok(index) => match index.find(view, &index::of_path(path.as_slice()), offsets.clone()) {
                Ok(found) => {
                    let lookup = found.remade.map_or(Lookup::Index, |why| Lookup::Remade { why });
                    let source = Source::Index(found.candidates);
                    return Ok(Touching::new(view, path, offsets, source, lookup));
                }
                Err(why) => NoIndex::Failed { why },
            },
        };
        #[cfg(not(feature = "index"))]
        let why = NoIndex::Off;
        Touching::scanning(view, path, offsets, why)
    }
}

impl<S: State + Default> Reader<S> {
    /// The versions in `range`, up to the one this reader shows, whose changes touch `path`, the newest first. Costs reading
    /// all changes of the range: a reader has no index. See [`Store::versions_touching`].
    ///
    /// # Errors
    /// As [`changes`](Reader::changes).
    pub fn versions_touching(&self, path: &Path, range: impl RangeBounds<u64>) -> Result<Touching> {
        let view = &self.history.view;
        Touching::scanning(view, path, offsets(view, &range, self.version())?, NoIndex::Reader)
    }
}

/// The offsets of the changes that made the versions of a range.
fn offsets(view: &log::Reader, range: &impl RangeBounds<u64>, head: u64) -> Result<Range<u64>> {
    let versions = wanted(range, view.oldest()?, head)?;
    let first = versions.start() - 1;
    Ok(first..(*versions.end()).clamp(first, head))
}

impl Touching {
    fn new(view: &log::Reader, path: &Path, offsets: Range<u64>, source: Source, lookup: Lookup) -> Touching {
        let (view, path) = (view.clone(), path.clone());
        Touching { view, path, offsets, source, lookup, buffer: Vec::new(), failed: false }
    }

    fn scanning(view: &log::Reader, path: &Path, offsets: Range<u64>, why: NoIndex) -> Result<Touching> {
        let source = Source::Scan(view.backward(offsets.end)?);
        Ok(Touching::new(view, path, offsets, source, Lookup::Scan { why }))
    }

    /// How the question is answered. O(1). If the index fails on the way, the rest is scanned, and this says so from then on.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    fn find(&mut self) -> Result<Option<u64>> {
        while !self.offsets.is_empty() {
            let found = match &mut self.source {
                #[cfg(feature = "index")]
                Source::Index(candidates) => match candidates.next_offset() {
                    Ok(Some(offset)) if offset < self.view.oldest()? => None,
                    Ok(Some(offset)) => {
                        self.view.read_into(offset, &mut self.buffer)?;
                        Some(offset)
                    }
                    Ok(None) => None,
                    Err(lost) => {
                        tracing::warn!(%lost, "going on without the index");
                        self.lookup = Lookup::Scan { why: NoIndex::Failed { why: lost.to_string() } };
                        self.source = Source::Scan(self.view.backward(self.offsets.end)?);
                        continue;
                    }
                },
                Source::Scan(records) => match records.next_record()? {
                    Some(record) => {
                        self.buffer.clear();
                        self.buffer.extend_from_slice(record.payload());
                        Some(record.offset())
                    }
                    None => None,
                },
            };
            // Nothing more, or given up meanwhile.
            let Some(offset) = found else { return Ok(None) };
            self.offsets.end = offset;
            if touches(&change_in(&self.view, offset, &self.buffer)?.patch, &self.path) {
                return Ok(Some(offset + 1));
            }
        }
        Ok(None)
    }
}

/// The change in a record that was read.
fn change_in(view: &log::Reader, offset: u64, body: &[u8]) -> Result<Change> {
    if let Ok(change) = Change::decode(WriterId::of(view.id()), offset, body) {
        return Ok(change);
    }
    // The long way, which knows the place of what is wrong.
    match view.records(offset)?.next_record()? {
        Some(record) => decode(&record),
        None => Err(Error::BeyondHead { version: offset, head: offset }),
    }
}

impl Iterator for Touching {
    type Item = Result<u64>;

    /// An error is the last item: what lies behind a damaged record is not handed out as if nothing were missing.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let found = self.find().transpose();
        self.failed = !matches!(found, Some(Ok(_)));
        found
    }
}
