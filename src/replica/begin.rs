//! How a replica's directory begins: with the source's first record, with a snapshot of it, or with what it holds already.
//!
//! Leaves moving records to `link`. Always: what is fetched is verified before it counts; a beginning that was interrupted is
//! begun anew; what a directory holds is replaced only where the source cannot go on from it, and then in one step, once all
//! of the new is there.

use super::Beginning;
use super::ahead::{newest_snapshot, worth_skipping_to};
use super::arrival::{Carrier, unreachable};
use super::link::Link;
use super::source::{Source, Status};
use crate::error::{Error, IoContext, Result, Role};
use crate::exchange;
use crate::history::{base_missing, files_of, proven_by_snapshot};
use crate::io::{Access, Disk, File, write_all_at};
use crate::layout::{edition_of, unfinished};
use crate::log::directory::{self, must_be_free, not_a_store, occupant};
use crate::log::{Birth, Codec, Found, Log, Options};
use crate::segment::copy::fresh;
use crate::snapshot::{self, Snapshot};
use crate::store;
use std::path::Path;
use std::sync::Arc;

/// Says that the snapshots beside it are those of a beginning that is not over. By its ending it is nobody's file.
const BEGUN: &str = "replica-begun.tmp";
/// So much is fetched of a snapshot at a time.
const PIECE_BYTES: usize = 1 << 20;

/// The log in `dir` of a replica of the source, which it can go on from.
pub(super) fn log_of(
    asked: &store::Options,
    source: &Arc<dyn Source>,
    dir: &Path,
    begin: Beginning,
) -> Result<Log> {
    let options = &asked.log;
    let disk = &*options.env.disk;
    sweep(disk, dir)?;
    match occupant(disk, dir)? {
        None => reopen(asked, source, dir, begin),
        Some(found) if !options.create => Err(not_a_store(dir, found)),
        Some(_) => {
            must_be_free(disk, dir)?;
            bootstrap(options, &**source, dir, begin)
        }
    }
}

/// Whether there is a replica in a directory that can be opened without its source.
pub(super) fn has_begun(disk: &dyn Disk, dir: &Path) -> Result<bool> {
    Ok(disk.open(&dir.join(BEGUN), Access::Read).is_err() && occupant(disk, dir)?.is_none())
}

fn reopen(asked: &store::Options, source: &Arc<dyn Source>, dir: &Path, begin: Beginning) -> Result<Log> {
    let options = &asked.log;
    let (log, status) = (open_log(options, dir, Role::Replica)?, source.status()?);
    if log.id() != status.store {
        return Err(Error::Foreign { expected: log.id(), found: status.store });
    }
    let is_older = edition_of(log.epoch()) < edition_of(status.epoch);
    // Nothing is taken from a source that was replaced, or made anew since, whatever it gave up: who compares them refuses it.
    if status.epoch < log.epoch() {
        return Ok(log);
    }
    if !is_older && log.head() >= status.oldest {
        return if asked.skips_ahead { skipping_ahead(log, options, source, dir, &status) } else { Ok(log) };
    }
    tracing::warn!(
        head = log.head(),
        oldest = status.oldest,
        is_older,
        "the source cannot go on from here; fetching anew"
    );
    log.close()?;
    refetch(options, source, dir, begin)?;
    open_log(options, dir, Role::Replica)
}

/// The same log, or one that begins where what it lacks is not worth copying.
fn skipping_ahead(
    log: Log,
    options: &Options,
    source: &Arc<dyn Source>,
    dir: &Path,
    status: &Status,
) -> Result<Log> {
    let Some(version) = worth_skipping_to(&log, &**source, status)? else { return Ok(log) };
    tracing::warn!(head = log.head(), version, "far behind; giving up history for a snapshot");
    log.close()?;
    refetch(options, source, dir, Beginning::NewestSnapshot)?;
    open_log(options, dir, Role::Replica)
}

/// Opens the log in `dir`, which is that of a `role`.
pub(super) fn open_log(options: &Options, dir: &Path, role: Role) -> Result<Log> {
    let disk = &*options.env.disk;
    let lock = directory::lock(disk, dir)?;
    let proven = proven_by_snapshot(disk, dir)?;
    Found::look(options, dir, role, proven.as_ref(), lock)?.mend().map(|(log, _)| log)
}

/// The copy that is there cannot go on. Until the new one is complete, it stays.
pub(super) fn refetch(
    options: &Options,
    source: &Arc<dyn Source>,
    dir: &Path,
    begin: Beginning,
) -> Result<()> {
    let disk = &*options.env.disk;
    let _lock = directory::lock(disk, dir)?;
    let stage = exchange::prepare(disk, dir)?;
    let log = bootstrap(options, &**source, &stage, begin)?;
    Link::new(Arc::clone(source), None).catch_up(&log, &mut |_| ())?;
    log.close()?;
    exchange::decide(disk, dir, &files_of(disk, &stage)?, &files_of(disk, dir)?)?;
    exchange::finish(disk, dir)
}

/// Begins where the source's history does, or at its newest snapshot.
fn bootstrap(options: &Options, source: &dyn Source, dir: &Path, begin: Beginning) -> Result<Log> {
    let disk = &*options.env.disk;
    let status = source.status()?;
    let lock = directory::claim(disk, dir)?;
    let base = match begin {
        Beginning::Oldest => status.oldest,
        Beginning::NewestSnapshot => newest_snapshot(source, &status)?.unwrap_or(status.oldest),
    };
    let chain = if base == 0 {
        status.store.genesis()
    } else {
        begun(disk, dir)?;
        let snapshot = fetch_snapshot(disk, source, &status, base, dir)?;
        snapshot.header.chain
    };
    let (store, epoch) = (status.store, status.epoch);
    let birth = Birth { codec: Codec::Change, store, replica: true, epoch, base, chain };
    let log = Log::create(options, dir, birth, lock)?;
    over(disk, dir)?;
    Ok(log)
}

/// The snapshot of a version, whole, as the first file of a replica.
fn fetch_snapshot(
    disk: &dyn Disk,
    source: &dyn Source,
    status: &Status,
    version: u64,
    dir: &Path,
) -> Result<Snapshot> {
    let mut next = Some(version);
    let mut fetched = Vec::new();
    while let Some(wanted) = next {
        fetch(disk, source, wanted, dir)?;
        fetched.push(wanted);
        next = snapshot::read_header(disk, &snapshot::path_of(dir, wanted), wanted)?.parent;
    }
    let snapshot = snapshot::read(disk, dir, version)?;
    if snapshot.header.store != status.store {
        return Err(Error::Foreign { expected: status.store, found: snapshot.header.store });
    }
    if fetched.len() > 1 {
        snapshot.write(disk, dir)?;
        for parent in fetched.drain(1..) {
            let path = snapshot::path_of(dir, parent);
            disk.remove(&path).during("remove snapshot", &path)?;
        }
    }
    disk.sync_dir(dir).during("sync directory", dir)?;
    Ok(snapshot)
}

fn fetch(disk: &dyn Disk, source: &dyn Source, version: u64, dir: &Path) -> Result<()> {
    let path = snapshot::path_of(dir, version);
    let carrier = match source.snapshot(version) {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(base_missing(dir, version));
        }
        answer => answer?,
    };
    let unfinished = unfinished(&path);
    let file = fresh(disk, &unfinished)?;
    receive(&*file, carrier, &source.name(), &unfinished)?;
    file.sync().during("sync snapshot", &unfinished)?;
    disk.rename(&unfinished, &path).during("rename snapshot", &path)
}

fn receive(file: &dyn File, mut carrier: Carrier, from: &str, path: &Path) -> Result<()> {
    let (mut piece, mut at) = (vec![0; PIECE_BYTES], 0);
    loop {
        let count = match carrier.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreachable(from, error)),
        };
        write_all_at(file, &piece[..count], at).during("write snapshot", path)?;
        at += count as u64;
    }
}

fn begun(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let path = dir.join(BEGUN);
    fresh(disk, &path)?.sync().during("sync", &path)?;
    disk.sync_dir(dir).during("sync directory", dir)
}

fn over(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let path = dir.join(BEGUN);
    match disk.remove(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        answer => answer.during("remove", &path),
    }
}

/// Removes what an interrupted beginning left.
fn sweep(disk: &dyn Disk, dir: &Path) -> Result<()> {
    if disk.open(&dir.join(BEGUN), Access::Read).is_err() {
        return Ok(());
    }
    let _lock = directory::lock(disk, dir)?;
    let names = disk.list(dir).during("list", dir)?;
    if crate::segment::bases_in(&names).is_empty() {
        for version in snapshot::versions_in(&names) {
            let path = snapshot::path_of(dir, version);
            disk.remove(&path).during("remove snapshot", &path)?;
        }
        disk.sync_dir(dir).during("sync directory", dir)?;
    }
    over(disk, dir)
}
