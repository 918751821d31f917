//! Who is the primary: a replica takes its place, and the one that was makes way.
//!
//! Each time the epoch is one higher, which the headers of segments say from there on. Always: of two that were written apart, the
//! one of the lower epoch is refused as a source by all that know of the higher; what it alone has is handed out before it
//! becomes a replica, and only then replaced.

use super::Beginning;
use super::begin;
use super::link::Link;
use super::source::Source;
use crate::error::{Error, Result, Role};
use crate::history::change_at;
use crate::log::{Log, Options};
use crate::record::Change;
use crate::store;
use std::path::Path;
use std::sync::Arc;

/// A primary that is to make way, looked at and locked: what it alone has, before anything is changed.
///
/// Made by [`Options::plan_rejoin`](crate::Options::plan_rejoin). Dropping it leaves the store as it is.
#[derive(Debug)]
pub struct Rejoin {
    options: Options,
    source: Arc<dyn Source>,
    log: Log,
    common: u64,
}

impl Rejoin {
    /// The newest version that it has in common with the one that took its place. O(1).
    pub fn common(&self) -> u64 {
        self.common
    }

    /// How many changes it alone has. O(1).
    pub fn extra(&self) -> u64 {
        self.log.head() - self.common
    }

    /// The changes that it alone has, oldest first. Keep them somewhere, durably, before it is [carried out](Rejoin::carry_out).
    pub fn changes(&self) -> impl Iterator<Item = Result<Change>> {
        let view = self.log.reader();
        (self.common..self.log.head()).map(move |offset| change_at(&view, offset))
    }

    /// Fetches the history of the source, which takes the place of what is here once it is complete. Costs copying the source.
    ///
    /// # Errors
    /// What the source answers, and as opening a replica; the store is as it was then.
    pub fn carry_out(self) -> Result<()> {
        let dir = self.log.path().to_owned();
        self.log.close()?;
        begin::refetch(&self.options, &self.source, &dir, Beginning::Oldest)
    }
}

impl store::Options {
    /// Makes a store of the replica in the directory `path`: it follows nobody any longer and can be changed. Its epoch is the next
    /// one, so that those who follow it, or come to know it, refuse the one that was the primary before. Make sure that nobody
    /// writes that one any more: what is written there from now on is not here. Durable on return, with all that the
    /// replica has; a handful of syncs. The new epoch.
    ///
    /// # Errors
    /// [`Error::Role`] when it is no replica; otherwise as opening one.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (primary, copy) = (dir.path().join("primary"), dir.path().join("copy"));
    /// use redraft::{Mirror, Options, Store, Value};
    ///
    /// let store = Store::<Value>::open(&primary)?;
    /// store.produce(|doc| doc["title"] = "plan".into())?;
    /// let mut mirror = Mirror::open(&primary, &copy)?;
    /// mirror.catch_up()?;
    /// mirror.close()?;
    /// assert_eq!(Options::new().promote(&copy)?, 2);
    /// let store = Store::<Value>::open(&copy)?; // the primary now
    /// store.produce(|doc| doc["title"] = "another plan".into())?;
    /// # Ok(()) }
    /// ```
    pub fn promote(&self, path: impl AsRef<Path>) -> Result<u32> {
        let epoch = begin::open_log(&self.log, path.as_ref(), Role::Replica)?.end_as_a_store()?;
        tracing::info!(path = %path.as_ref().display(), epoch, "a replica took the primary's place");
        Ok(epoch)
    }

    /// Looks at the store in the directory `path`, which was the primary until `source` took its place, and is to become a replica of
    /// that. Nothing is changed yet; the store is locked. Costs opening the log, and a few questions.
    ///
    /// # Errors
    /// [`Error::Superseded`] when the source is of an older epoch; [`Error::Role`] when it is of the same, so that it did not take
    /// this one's place; [`Error::Foreign`] when it is another store; [`Error::Compacted`] when what they have in common was given
    /// up, so that nobody can tell what is extra; what the source answers.
    pub fn plan_rejoin(&self, source: Arc<dyn Source>, path: impl AsRef<Path>) -> Result<Rejoin> {
        let dir = path.as_ref();
        let log = begin::open_log(&self.log, dir, Role::Store)?;
        let (status, own) = (source.status()?, log.epoch());
        if status.store != log.id() {
            return Err(Error::Foreign { expected: log.id(), found: status.store });
        }
        if status.epoch == own {
            return Err(Error::Role { path: dir.to_owned(), wanted: Role::Replica, found: Role::Store });
        }
        let (head, oldest) = (log.head(), log.oldest().max(status.oldest));
        if oldest > head.min(status.head) {
            return Err(Error::Compacted { version: head, oldest });
        }
        let common = match Link::new(Arc::clone(&source), None).agrees(&log) {
            Ok(_) => head,
            // They part before the oldest that both have: where, nobody can tell.
            Err(Error::Diverged { .. }) if log.reader().chain_at(oldest)? != source.chain_at(oldest)? => {
                return Err(Error::Compacted { version: oldest.saturating_sub(1), oldest });
            }
            Err(Error::Diverged { offset, .. }) => offset,
            Err(error) => return Err(error),
        };
        Ok(Rejoin { options: self.log.clone(), source, log, common })
    }
}

/// The first offset at which two stores differ, wherever they are; nothing if one is the beginning of the other. Asks either a few
/// times: of two histories that differ somewhere, all that follows differs. What either has given up cannot be compared: two
/// that part before that differ at the oldest offset that both have.
///
/// # Errors
/// [`Error::Foreign`] when they are different stores, [`Error::Compacted`] when what they could have in common was given up, and what
/// either answers.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let (primary, copy) = (dir.path().join("primary"), dir.path().join("copy"));
/// use redraft::replica::{Directory, compare};
/// use redraft::{Mirror, Store, Value};
///
/// let store = Store::<Value>::open(&primary)?;
/// store.produce(|doc| doc["title"] = "plan".into())?;
/// Mirror::open(&primary, &copy)?.catch_up()?;
/// assert_eq!(compare(&Directory::open(&primary)?, &Directory::open(&copy)?)?, None);
/// # Ok(()) }
/// ```
pub fn compare(one: &dyn Source, other: &dyn Source) -> Result<Option<u64>> {
    let (left, right) = (one.status()?, other.status()?);
    if left.store != right.store {
        return Err(Error::Foreign { expected: left.store, found: right.store });
    }
    let (agreed, common) = (left.oldest.max(right.oldest), left.head.min(right.head));
    if agreed > common {
        return Err(Error::Compacted { version: common, oldest: agreed });
    }
    crate::log::first_difference(
        |offset| one.chain_at(offset),
        |offset| other.chain_at(offset),
        agreed,
        common,
    )
}
