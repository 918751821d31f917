//! A way to read a log, with or without the writer in the same process. Cheap to clone; takes no lock.

use super::durable::Durable;
use super::reader::{Bound, Records, bases};
use crate::error::{Error, Result};
use crate::io::Env;
use crate::segment::format::{Chain, Header, StoreId};
use crate::segment::path_of;
use crate::segment::reader::SegmentReader;
use crate::segment::recovery::{self, Proven};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads a log.
#[derive(Clone, Debug)]
pub(crate) struct View {
    env: Env,
    dir: PathBuf,
    bound: Bound,
}

impl View {
    pub(crate) fn of_writer(env: &Env, dir: &Path, durable: Arc<Durable>) -> View {
        View { env: env.clone(), dir: dir.to_owned(), bound: Bound::Head(durable) }
    }

    /// Opens the log in `dir` for reading only; a writer may be at work in another process, or there may be none. Refuses a
    /// log that ends before what a snapshot has `proven`. Reads what opening for writing reads, changes nothing.
    pub(crate) fn open(env: &Env, dir: &Path, proven: Option<&Proven>) -> Result<View> {
        let layout = recovery::inspect_live(&*env.disk, dir)?;
        layout.reaches(proven)?;
        // A snapshot of another store, older than this log's end, proves nothing here.
        let store = layout.active.header.store;
        let known = proven.filter(|proven| proven.store == store).map_or(0, |proven| proven.version);
        let bound = Bound::Proof(Arc::new(AtomicU64::new(known)));
        Ok(View { env: env.clone(), dir: dir.to_owned(), bound })
    }

    /// The header of the newest segment: identity, epoch, role.
    pub(crate) fn header(&self) -> Result<Header> {
        let base = self.bases()?.last().copied().unwrap_or(0);
        Ok(*SegmentReader::open(&*self.env.disk, path_of(&self.dir, base), base)?.header())
    }

    pub(crate) fn store_id(&self) -> Result<StoreId> {
        self.header().map(|header| header.store)
    }

    fn bases(&self) -> Result<Vec<u64>> {
        let bases = bases(&*self.env.disk, &self.dir)?;
        if bases.is_empty() {
            return Err(Error::NotAStore { path: self.dir.clone(), why: "it has no segments" });
        }
        if let (Bound::Proof(known), Some(&newest)) = (&self.bound, bases.last()) {
            // A segment is named only after everything before it was durable.
            known.fetch_max(newest, Ordering::AcqRel);
        }
        Ok(bases)
    }

    /// The offset of the first record kept.
    pub(crate) fn oldest(&self) -> Result<u64> {
        Ok(self.bases()?.first().copied().unwrap_or(0))
    }

    /// The offset after the last durable record. O(1) beside the writer, else reads the newest segment.
    pub(crate) fn head(&self) -> Result<u64> {
        if let Bound::Head(head) = &self.bound {
            return Ok(head.head());
        }
        let newest = self.bases()?.last().copied().unwrap_or(0);
        let mut records = self.records(newest)?;
        while records.next()?.is_some() {}
        Ok(records.offset())
    }

    /// Reads from `offset` on. In a sealed segment this costs a look at its footer; in the newest one nothing where
    /// the writer is in this process, else a scan up to there.
    pub(crate) fn records(&self, offset: u64) -> Result<Records> {
        let bases = self.bases()?;
        let holding = bases.partition_point(|&base| base <= offset).checked_sub(1);
        let base = match holding.and_then(|index| bases.get(index)) {
            Some(&base) => base,
            None => return Err(Error::Compacted { version: offset, oldest: bases[0] }),
        };
        Records::start(&self.env.disk, &self.dir, self.bound.clone(), base, offset)
    }

    /// The chain before `offset`: identifies the whole history up to there.
    pub(crate) fn chain_at(&self, offset: u64) -> Result<Chain> {
        Ok(self.records(offset)?.chain())
    }
}
