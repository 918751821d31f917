//! What keeps the index on the disk: one tree of sled, in a directory of its own. All calls of sled are here.
//!
//! Knows entries and a sum over them, not what they mean. An error of sled, or a panic in it, means that the index is
//! [`Lost`]: nothing is tried again, and whoever asked makes a new one or goes without.
//!
//! Always: what [`open`](Tree::open) accepts is what was written in some batch, whole: the mark that a batch ends with holds
//! the sum of all entries, and sled's recovery is not believed without it.

use super::chunk;
use super::tails::Chunks;
use super::watermark::{self, Watermark};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// The lists that are asked for are few; the rest need not be in memory.
const CACHE_BYTES: u64 = 8 << 20;
/// sled's files grow by segments, and are freed by them: smaller ones leave a third less that is of no use any more.
const SEGMENT_BYTES: usize = 64 << 10;
/// A tree that was dropped a moment ago holds its lock until sled's threads are done with it.
const ATTEMPTS: u32 = 10;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);

/// The index cannot be used any more, and why.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) String);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug)]
pub(super) struct Tree {
    /// Always there; taken where it must not be dropped.
    db: Option<sled::Db>,
    process: u32,
}

/// Entries that take effect together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: sled::Batch,
    bytes: usize,
    /// Of all entries in the tree, these included.
    pub(super) sum: u64,
}

impl Chunks for Batch {
    fn put(&mut self, key: &[u8], value: Vec<u8>, before: Option<u64>) -> u64 {
        let adds = share(key, &value);
        self.sum = self.sum.wrapping_sub(before.unwrap_or(0)).wrapping_add(adds);
        self.bytes += key.len() + value.len();
        self.entries.insert(key, value);
        adds
    }
}

impl Batch {
    pub(super) fn new(sum: u64) -> Batch {
        Batch { sum, ..Batch::default() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What an entry adds to the sum. Never nothing, so that no entry can be missing unnoticed.
fn share(key: &[u8], value: &[u8]) -> u64 {
    u64::from(crate::layout::checksum(0, &[key, value])) + 1
}

/// Runs something of sled's.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Lost> {
    // Nothing of ours is in there that a panic could leave half done: what is lost is made anew from the log.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(answer) => answer.map_err(|error| Lost(error.to_string())),
        Err(_) => Err(Lost("sled panicked".into())),
    }
}

impl Tree {
    /// Opens or makes the tree in a directory. Costs reading all of it: `load` is given every chunk, in order of keys.
    pub(super) fn open(
        dir: &Path,
        mut load: impl FnMut(u16, u64, &[u8], u64),
    ) -> Result<(Tree, Option<Watermark>), Lost> {
        let tree = Tree { db: Some(open_db(dir)?), process: std::process::id() };
        let (mut mark, mut sum) = (None, 0_u64);
        guarded(|| {
            for entry in tree.db()?.iter() {
                let (key, value) = entry?;
                match chunk::parse_key(&key) {
                    Some((list, first)) => {
                        let adds = share(&key, &value);
                        sum = sum.wrapping_add(adds);
                        load(list, first, &value, adds);
                    }
                    None => mark = Some(Watermark::decode(&value)),
                }
            }
            Ok(())
        })?;
        match mark {
            None if sum == 0 => Ok((tree, None)),
            Some(Some(mark)) if mark.sum == sum => Ok((tree, Some(mark))),
            _ => Err(Lost("its entries do not add up".into())),
        }
    }

    fn db(&self) -> sled::Result<&sled::Db> {
        self.db.as_ref().ok_or_else(|| sled::Error::Unsupported("the index is closed".into()))
    }

    /// Makes a batch and the mark that belongs to it part of the tree: both or neither, also after a crash.
    pub(super) fn write(&self, batch: Batch, mark: &Watermark) -> Result<(), Lost> {
        let Batch { mut entries, .. } = batch;
        entries.insert(&watermark::KEY, &mark.encode()[..]);
        guarded(|| self.db()?.apply_batch(entries))
    }

    /// Hands what was written to the system. No promise that it survives a crash: what does not is made again.
    pub(super) fn flush(&self) -> Result<(), Lost> {
        guarded(|| self.db()?.flush().map(drop))
    }

    /// The last chunk of a list that begins before `end`.
    pub(super) fn chunk_before(&self, list: u16, end: u64) -> Result<Option<(u64, sled::IVec)>, Lost> {
        let keys = chunk::key(list, 0)..chunk::key(list, end);
        let found = guarded(|| self.db()?.range(keys).next_back().transpose())?;
        Ok(found.and_then(|(key, value)| Some((chunk::parse_key(&key)?.1, value))))
    }

    /// What it takes on the disk, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.db().and_then(sled::Db::size_on_disk).unwrap_or(0)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let db = self.db.take();
        if std::process::id() != self.process {
            // In a forked process: sled would write to the file of the process it came from.
            return std::mem::forget(db);
        }
        let dropped = guarded(|| {
            drop(db);
            Ok(())
        });
        if let Err(lost) = dropped {
            tracing::warn!(%lost, "closing the index");
        }
    }
}

fn open_db(dir: &Path) -> Result<sled::Db, Lost> {
    // No thread of sled's own: what is written is flushed when we say so.
    let config = sled::Config::new()
        .path(dir)
        .mode(sled::Mode::LowSpace)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None);
    for _ in 1..ATTEMPTS {
        match guarded(|| Ok(config.open())) {
            Ok(Err(sled::Error::Io(_))) => thread::sleep(BETWEEN_ATTEMPTS),
            Ok(answer) => return answer.map_err(|error| Lost(error.to_string())),
            Err(lost) => return Err(lost),
        }
    }
    guarded(|| config.open())
}
