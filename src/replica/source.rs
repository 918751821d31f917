//! [`Source`]: what a replica needs of the store it follows, whatever lies between them.
//!
//! [`Directory`] is a store on the same machine; over a network the feature `http` has one, and a program may bring its own. Always:
//! a source is asked and never told what to do, but for the cursor that holds its history back; what it answers is
//! verified by who asked.

use super::arrival::Carrier;
use super::feed::Feed;
use super::rouse::Rouse;
use crate::error::{IoContext, Result};
use crate::history::open_view;
use crate::io::{Access, Disk, Env, File};
use crate::layout::StoreId;
use crate::log;
use crate::snapshot;
use std::fmt::Debug;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a source is, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Identifies the store and its replicas.
    pub store: StoreId,
    /// How often a replica took its place, and in the upper 16 bits how often its history was made anew.
    pub epoch: u32,
    /// The oldest version that it can give.
    pub oldest: u64,
    /// The newest version that is durable there.
    pub head: u64,
}

impl Status {
    /// What a source says of itself.
    pub fn new(store: StoreId, epoch: u32, oldest: u64, head: u64) -> Status {
        Status { store, epoch, oldest, head }
    }

    pub(crate) fn of(log: &log::Reader) -> Result<Status> {
        let epoch = log.header()?.epoch;
        Ok(Status { store: log.id(), epoch, oldest: log.oldest()?, head: log.head()? })
    }
}

/// A store to be followed.
///
/// A call that fails with an error of the kind [`Unreachable`](crate::ErrorKind::Unreachable) or
/// [`Environment`](crate::ErrorKind::Environment) is made again later by who [goes on following](crate::Replica::follow); any other
/// ends that.
pub trait Source: Debug + Send + Sync {
    /// What to call it in messages. Nothing secret is in it.
    fn name(&self) -> String;

    /// What it is now.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn status(&self) -> Result<Status>;

    /// The checksum that identifies its history before `offset`.
    ///
    /// # Errors
    /// [`Error::BeyondHead`](crate::Error::BeyondHead), [`Error::Compacted`](crate::Error::Compacted), or when it cannot be asked.
    fn chain_at(&self, offset: u64) -> Result<u32>;

    /// The versions of which it has a snapshot, ascending.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn snapshots(&self) -> Result<Vec<u64>>;

    /// The bytes of the file of one of them.
    ///
    /// # Errors
    /// When it is not there, or it cannot be asked.
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>>;

    /// How many bytes have to be fetched for one of them: its file, and those that it continues. A source that does not know, which is
    /// the default, says nothing.
    ///
    /// # Errors
    /// As [`snapshot`](Source::snapshot).
    fn snapshot_bytes(&self, version: u64) -> Result<Option<u64>> {
        let _ = version;
        Ok(None)
    }

    /// The bytes of a [`Feed`] from offset `from` on; one that goes on for ever if it `lives`.
    ///
    /// # Errors
    /// [`Error::BeyondHead`](crate::Error::BeyondHead), [`Error::Compacted`](crate::Error::Compacted), or when it cannot be asked.
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>>;

    /// Has those who wait look up, for what they wait for may not be wanted any longer: who reads a [`feed`](Source::feed) of this reads a mark
    /// soon, and nobody who asked something goes on waiting for an answer that takes longer than two seconds. Whoever wants to end does so
    /// again and again: one who asked just now is not concerned. A source that cannot do so, which is the default, leaves them to the mark that comes every second, and to its
    /// own patience.
    fn rouse(&self) {}

    /// How many bytes of a [`Feed`] the changes from `offset` on take, so that a follower can tell how far it is behind. A source that
    /// does not know, which is the default, says nothing.
    ///
    /// # Errors
    /// As [`chain_at`](Source::chain_at).
    fn bytes_since(&self, offset: u64) -> Result<Option<u64>> {
        let _ = offset;
        Ok(None)
    }

    /// Notes that the follower of this name holds everything up to `version`, durably, so that what comes next is kept for it.
    /// A source that cannot be told, which is the default, keeps what it keeps.
    ///
    /// # Errors
    /// When it cannot be told.
    fn acknowledge(&self, follower: &str, version: u64) -> Result<()> {
        let _ = (follower, version);
        Ok(())
    }
}

/// A store, or replica, in a directory; its writer may be at work in another process.
#[derive(Debug)]
pub struct Directory {
    env: Env,
    dir: PathBuf,
    view: log::Reader,
    /// A feed that came to its end, and can go on from there without looking for the place again.
    resting: Arc<Mutex<Option<Feed>>>,
    roused: Rouse,
}

impl Directory {
    /// Opens it for reading. Costs what opening its log costs.
    ///
    /// # Errors
    /// As [`Reader::open`](crate::Reader::open).
    pub fn open(path: impl AsRef<Path>) -> Result<Directory> {
        Directory::open_in(&Env::real(), path)
    }

    /// The same on another machine: see [`Env`].
    ///
    /// # Errors
    /// As [`open`](Directory::open).
    pub fn open_in(env: &Env, path: impl AsRef<Path>) -> Result<Directory> {
        let dir = path.as_ref().to_owned();
        let view = open_view(env, &dir)?;
        Ok(Directory { env: env.clone(), dir, view, resting: Arc::default(), roused: Rouse::default() })
    }
}

impl Source for Directory {
    fn name(&self) -> String {
        self.dir.display().to_string()
    }

    fn status(&self) -> Result<Status> {
        Status::of(&self.view)
    }

    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.view.chain_at(offset)
    }

    fn bytes_since(&self, offset: u64) -> Result<Option<u64>> {
        self.view.bytes_since(offset).map(Some)
    }

    fn rouse(&self) {
        self.roused.rouse();
    }

    fn snapshots(&self) -> Result<Vec<u64>> {
        let names = self.env.disk.list(&self.dir).during("list store", &self.dir)?;
        Ok(snapshot::versions_in(&names))
    }

    fn snapshot(&self, version: u64) -> Result<Carrier> {
        snapshot_file(&*self.env.disk, &self.dir, version)
    }

    fn snapshot_bytes(&self, version: u64) -> Result<Option<u64>> {
        snapshot_bytes(&*self.env.disk, &self.dir, version).map(Some)
    }

    fn feed(&self, from: u64, lives: bool) -> Result<Carrier> {
        let rested = ignore_poison(&self.resting).take().filter(|feed| feed.offset() == from);
        let feed = match rested {
            Some(feed) => feed.again(),
            None => Feed::from_log(&self.view, from)?,
        };
        let feed = Some(if lives { feed.live_and_roused_by(&self.roused) } else { feed });
        Ok(Box::new(Lent { feed, home: Arc::clone(&self.resting) }))
    }
}

/// A feed that goes to rest when nobody reads it any longer.
struct Lent {
    feed: Option<Feed>,
    home: Arc<Mutex<Option<Feed>>>,
}

impl Read for Lent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.feed.as_mut().map_or(Ok(0), |feed| feed.read(buffer))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *ignore_poison(&self.home) = self.feed.take().filter(Feed::is_over);
    }
}

fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of the snapshot of `version`.
pub(crate) fn snapshot_file(disk: &dyn Disk, dir: &Path, version: u64) -> Result<Carrier> {
    let path = snapshot::path_of(dir, version);
    let file = disk.open(&path, Access::Read).during("open snapshot", &path)?;
    Ok(Box::new(Sequential { file, at: 0 }))
}

/// How many bytes the files of the snapshot of `version` have, with those that it continues. Reads the header of each.
pub(crate) fn snapshot_bytes(disk: &dyn Disk, dir: &Path, version: u64) -> Result<u64> {
    let (mut next, mut bytes) = (Some(version), 0);
    while let Some(version) = next {
        let path = snapshot::path_of(dir, version);
        bytes += snapshot::length(disk, &path)?;
        next = snapshot::read_header(disk, &path, version)?.parent;
    }
    Ok(bytes)
}

/// A file, read from its beginning to its end.
struct Sequential {
    file: Arc<dyn File>,
    at: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
