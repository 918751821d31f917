//! A replica: the same records under the same chain, in a directory of its own.
//!
//! Catches up from its own head by reading the source's segments in place, however its own segments are cut. (Over a
//! network the same will be done with bytes that arrive; this is the local half.) Leaves reading the replica to
//! [`Reader`](crate::Reader).
//!
//! Always: a record is appended only if it continues the replica's chain, so source and replica agree on every byte of
//! history up to the replica's head. When they do not, both are left as they are.

use crate::error::{Error, Result, Role};
use crate::exchange;
use crate::history::{base_missing, begin_at, files_of, open_view, proven_by_snapshot};
use crate::io::Env;
use crate::layout::edition_of;
use crate::log::directory::{self, must_be_free, not_a_store, occupant};
use crate::log::{self, Birth, Codec, Found, Log, Options, Records};
use crate::snapshot::{self, Snapshot};
use crate::store;
use std::path::{Path, PathBuf};

/// How much is copied before it is synced, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// A copy of a store that follows it.
#[derive(Debug)]
pub struct Replica {
    source: log::Reader,
    source_dir: PathBuf,
    log: Log,
    /// Where the last call stopped reading, so that the next one need not look for the place again.
    place: Option<Records>,
    /// The source's version when it was last looked at.
    seen: u64,
}

/// How far a replica has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The replica's version, durable.
    pub version: u64,
    /// Changes copied by this call so far.
    pub copied: u64,
    /// The source's version when it was last looked at.
    pub source_version: u64,
}

impl store::Options {
    /// [`Replica::open`], with these options for the replica: the machine, which is also the source's, the size of its
    /// segments, and whether it may be started where there is nothing.
    ///
    /// # Errors
    /// As `Replica::open`.
    pub fn open_replica(&self, source: impl AsRef<Path>, replica: impl AsRef<Path>) -> Result<Replica> {
        Replica::open_in(&self.log, source.as_ref(), replica.as_ref())
    }
}

impl Replica {
    /// Opens the replica in the directory `replica` of the store in the directory `source`, or starts one there if it does
    /// not exist or is empty. The source is only read; its writer may be at work. Costs opening both as logs, and a few looks
    /// into either; starting one costs its first snapshot, if there is one, and a handful of syncs. Where something was
    /// [redacted](crate::Redaction) in the source since, everything is fetched anew, and takes the place of what is there once it is
    /// complete.
    ///
    /// # Errors
    /// [`Error::Foreign`] when the replica follows another store, [`Error::Diverged`] when their histories differ or the
    /// replica has more, [`Error::Role`] when it is no replica; otherwise as opening a store.
    pub fn open(source: impl AsRef<Path>, replica: impl AsRef<Path>) -> Result<Replica> {
        store::Options::new().open_replica(source, replica)
    }

    fn open_in(options: &Options, source_dir: &Path, dir: &Path) -> Result<Replica> {
        let span = tracing::info_span!("follow", source = %source_dir.display(), replica = %dir.display());
        let _entered = span.enter();
        let source = open_view(&options.env, source_dir)?;
        let log = match occupant(&*options.env.disk, dir)? {
            None => reopen(options, &source, source_dir, dir)?,
            Some(found) if !options.create => return Err(not_a_store(dir, found)),
            Some(_) => bootstrap(options, &source, source_dir, dir)?,
        };
        let source_dir = source_dir.to_owned();
        let mut replica = Replica { source, source_dir, log, place: None, seen: 0 };
        replica.seen = replica.agrees()?;
        Ok(replica)
    }

    /// The replica's version: how many changes it holds durably. O(1).
    pub fn version(&self) -> u64 {
        self.log.head()
    }

    /// The directory of the replica. O(1).
    pub fn path(&self) -> &Path {
        self.log.path()
    }

    /// The directory of the source. O(1).
    pub fn source(&self) -> &Path {
        &self.source_dir
    }

    /// Copies what the source has and the replica has not; durable on return. Returns how far it came. Costs what is copied,
    /// one sync per MiB; next to nothing when there is nothing new.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a record does not continue the replica's chain; [`Error::Damaged`] when the source is;
    /// [`Error::Compacted`] when the source has given up what comes next; [`Error::Poisoned`] when the replica cannot be
    /// written; [`Error::Io`]. What was copied before stays.
    pub fn catch_up(&mut self) -> Result<Progress> {
        self.catch_up_with(|_| ())
    }

    /// [`catch_up`](Replica::catch_up), telling `progress` after each durable piece, and once in the end.
    ///
    /// # Errors
    /// As `catch_up`.
    pub fn catch_up_with(&mut self, mut progress: impl FnMut(Progress)) -> Result<Progress> {
        let mut records = match self.place.take() {
            Some(place) => place,
            None => {
                // A call that was interrupted by an error of the source may have left something queued.
                self.log.sync()?;
                self.source.records(self.log.head())?
            }
        };
        // Before anything is queued, for what is queued will be written: records that start from the same chain and are
        // verified against it lead to the same chain.
        let (offset, chain) = self.log.end_and_chain();
        if (records.offset(), records.chain()) != (offset, chain) {
            return Err(self.diverged_at(offset));
        }
        let (mut copied, mut unsynced) = (0, 0);
        while let Some(record) = records.next_record()? {
            let (end, chain) = self.log.enqueue(&[record.payload()])?;
            debug_assert_eq!((end, chain), (record.offset() + 1, record.chain()), "both sides chain alike");
            (copied, unsynced) = (copied + 1, unsynced + record.payload().len());
            if unsynced >= BATCH_BYTES {
                self.log.make_durable(end)?;
                unsynced = 0;
                let version = self.log.head();
                progress(Progress { version, copied, source_version: self.seen.max(version) });
            }
        }
        let end = records.offset();
        self.log.make_durable(end)?;
        (self.place, self.seen) = (Some(records), end);
        let done = Progress { version: self.log.head(), copied, source_version: end };
        tracing::debug!(version = done.version, copied, "caught up");
        progress(done);
        Ok(done)
    }

    fn diverged_at(&self, offset: u64) -> Error {
        let source_head = self.source.head().unwrap_or(0);
        Error::Diverged { offset, source_head, replica_head: self.log.head() }
    }

    /// Ends the replica's session cleanly, as [`Store::close`](crate::Store::close) does. At most two syncs.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; what was copied before is there all the same.
    pub fn close(self) -> Result<()> {
        self.log.close()
    }

    /// Refuses unless source and replica share all of the replica's history; returns the source's version.
    fn agrees(&self) -> Result<u64> {
        let (expected, found) = (self.log.id(), self.source.id());
        if expected != found {
            return Err(Error::Foreign { expected, found });
        }
        let own = self.log.reader();
        let (replica_head, source_head) = (self.log.head(), self.source.head()?);
        let common = replica_head.min(source_head);
        let agreed_from = own.oldest()?.max(self.source.oldest()?);
        match own.first_difference(&self.source, agreed_from, common)? {
            Some(offset) => Err(Error::Diverged { offset, source_head, replica_head }),
            None if replica_head > source_head => {
                Err(Error::Diverged { offset: source_head, source_head, replica_head })
            }
            None => Ok(source_head),
        }
    }
}

fn reopen(options: &Options, source: &log::Reader, source_dir: &Path, dir: &Path) -> Result<Log> {
    let log = open_log(options, dir)?;
    let is_older = edition_of(log.epoch()) < edition_of(source.header()?.epoch);
    if !is_older || log.id() != source.id() {
        return Ok(log);
    }
    log.close()?;
    refetch(options, source, source_dir, dir)?;
    open_log(options, dir)
}

fn open_log(options: &Options, dir: &Path) -> Result<Log> {
    let disk = &*options.env.disk;
    let lock = directory::lock(disk, dir)?;
    let proven = proven_by_snapshot(disk, dir)?;
    Found::look(options, dir, Role::Replica, proven.as_ref(), lock)?.mend().map(|(log, _)| log)
}

/// The source's history was made anew, so the copy of the old one has to go. Until the new one is complete, the old one stays.
fn refetch(options: &Options, source: &log::Reader, source_dir: &Path, dir: &Path) -> Result<()> {
    tracing::info!("the history of the source was made anew; fetching all of it");
    let disk = &*options.env.disk;
    let _lock = directory::lock(disk, dir)?;
    let stage = exchange::prepare(disk, dir)?;
    let log = bootstrap(options, source, source_dir, &stage)?;
    let (source, source_dir) = (source.clone(), source_dir.to_owned());
    let mut fresh = Replica { source, source_dir, log, place: None, seen: 0 };
    fresh.catch_up()?;
    fresh.close()?;
    exchange::decide(disk, dir, &files_of(disk, &stage)?, &files_of(disk, dir)?)?;
    exchange::finish(disk, dir)
}

/// Starts where the source's history starts: at the beginning, or with a copy of the snapshot its log begins at.
fn bootstrap(options: &Options, source: &log::Reader, source_dir: &Path, dir: &Path) -> Result<Log> {
    let env = &options.env;
    must_be_free(&*env.disk, dir)?;
    let oldest = source.oldest()?;
    let header = source.header()?;
    if oldest > 0 {
        let snapshot = first_snapshot(env, source_dir, oldest)?;
        return begin_at(options, dir, &snapshot, true);
    }
    let lock = directory::claim(&*env.disk, dir)?;
    let (store, epoch) = (header.store, header.epoch);
    let birth = Birth { codec: Codec::Change, store, replica: true, epoch, base: 0, chain: store.genesis() };
    Log::create(options, dir, birth, lock)
}

/// The snapshot that a log without its beginning starts from.
fn first_snapshot(env: &Env, dir: &Path, oldest: u64) -> Result<Snapshot> {
    match snapshot::read(&*env.disk, dir, oldest) {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(base_missing(dir, oldest))
        }
        answer => answer,
    }
}
