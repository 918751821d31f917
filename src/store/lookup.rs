//! [`Lookup`]: how a question about the history is answered, and whom the store can ask.
//!
//! The index only names candidates; whoever asks reads each and judges it. Always: only the cost differs, never the answer.

#[cfg(feature = "index")]
use crate::index::{Found, Index, Term};
#[cfg(feature = "index")]
use crate::log;
#[cfg(feature = "index")]
use std::ops::Range;
#[cfg(feature = "index")]
use std::sync::Weak;

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
    /// It is for a reader that has none: it writes nothing into the store, and an index is written while it is read. See
    /// [`Reader::with_index`](super::Reader::with_index).
    #[error("only who has the store open for writing has an index, or a reader with one of its own")]
    Reader,
    /// The store is not on the operating system's file system, as the index must be.
    #[error("the store is on a disk that has no index")]
    Disk,
    /// The store was closed since the question was asked.
    #[error("the store is closed")]
    Closed,
    /// There is nothing to look up: every change is wanted, as far as the index could tell.
    #[error("every change may be wanted")]
    All,
    /// The oldest are to come first: the index tells the newest first.
    #[error("the oldest changes come first")]
    OldestFirst,
    /// There is one, but it cannot be used.
    #[error("the index cannot be used: {why}")]
    Failed {
        /// What happened.
        why: String,
    },
}

/// Whom to ask. An answer that is still being read keeps no index open.
#[derive(Clone, Debug)]
pub(super) enum Guide {
    #[cfg(feature = "index")]
    Index(Weak<Index>),
    None(NoIndex),
}

#[cfg(feature = "index")]
impl Guide {
    /// The candidates among the changes at these offsets; catches up with the log first.
    pub(super) fn find(
        &self,
        view: &log::Reader,
        terms: Option<Vec<Term>>,
        offsets: Range<u64>,
    ) -> Result<Found, NoIndex> {
        let index = match self {
            Guide::None(why) => return Err(why.clone()),
            Guide::Index(index) => index.upgrade().ok_or(NoIndex::Closed)?,
        };
        let terms = terms.ok_or(NoIndex::All)?;
        index.find(view, &terms, offsets).map_err(|why| NoIndex::Failed { why })
    }
}
