//! The directory of a log: what is in it, who may write it.
//!
//! Always: looking changes nothing; the lock ends with the process.

use crate::error::{Error, IoContext, Occupant, Result};
use crate::exchange;
use crate::io::{Disk, Lock, LockAttempt};
use crate::layout::{SNAPSHOT, UNFINISHED, number_in};
use crate::segment::bases_in;
use std::path::Path;

const LOCK_NAME: &str = "LOCK";

/// What is in the place of a log, perhaps that of a store; nothing if such a log is there.
pub(crate) fn occupant(disk: &dyn Disk, path: &Path) -> Result<Option<Occupant>> {
    let names = match disk.list(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(Occupant::Missing)),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Some(Occupant::File)),
        answer => answer.during("list", path)?,
    };
    Ok(match () {
        () if has_segments(&names) => None,
        () if names.iter().all(|name| is_leftover(name)) && disk.is_vacant(path).during("list", path)? => {
            Some(Occupant::Empty)
        }
        () if names.iter().any(|name| number_in(name, SNAPSHOT).is_some()) => Some(Occupant::Remains),
        () => Some(Occupant::Other),
    })
}

/// Refuses a directory without a log, or with one whose files are being exchanged.
pub(crate) fn must_be_there(disk: &dyn Disk, path: &Path) -> Result<()> {
    occupant(disk, path)?.map_or(Ok(()), |found| Err(not_a_store(path, found)))?;
    exchange::must_be_over(disk, path)
}

/// Refuses a directory that holds anything.
pub(crate) fn must_be_free(disk: &dyn Disk, path: &Path) -> Result<()> {
    match occupant(disk, path)? {
        Some(Occupant::Missing | Occupant::Empty) => Ok(()),
        _ => Err(Error::Exists { path: path.to_owned() }),
    }
}

fn has_segments(names: &[String]) -> bool {
    !bases_in(names).is_empty()
}

/// Whether a name is one that an interrupted beginning may leave.
pub(crate) fn is_leftover(name: &str) -> bool {
    name == LOCK_NAME || is_unfinished(name)
}

fn is_unfinished(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == UNFINISHED)
}

pub(crate) fn not_a_store(path: &Path, found: Occupant) -> Error {
    Error::NotAStore { path: path.to_owned(), found }
}

/// Takes the lock that makes this process the only writer, and finishes an exchange of files that was interrupted.
pub(crate) fn lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn Lock>> {
    let lock = lock_as_it_is(disk, dir)?;
    exchange::finish(disk, dir).map(|()| lock)
}

/// Takes the lock and does nothing else.
pub(crate) fn lock_as_it_is(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn Lock>> {
    let path = dir.join(LOCK_NAME);
    match disk.try_lock(&path).during("lock", &path)? {
        LockAttempt::Taken(lock) => Ok(lock),
        LockAttempt::Held(holder) => Err(Error::Locked { path: dir.to_owned(), holder }),
    }
}

/// Makes a directory this process's own, for a new log. Somebody may have been faster between an earlier look at it and the
/// lock, so what counts is the look that is taken under the lock.
pub(crate) fn claim(disk: &dyn Disk, path: &Path) -> Result<Box<dyn Lock>> {
    disk.create_dir(path).during("create directory", path)?;
    let lock = lock(disk, path)?;
    must_be_free(disk, path)?;
    remove_unfinished(disk, path, &disk.list(path).during("list", path)?)?;
    Ok(lock)
}

/// Removes what an interrupted creation of a segment or snapshot left behind.
pub(crate) fn remove_unfinished(disk: &dyn Disk, dir: &Path, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|name| is_unfinished(name)) {
        let path = dir.join(name);
        tracing::info!(path = %path.display(), "removing an unfinished file");
        disk.remove(&path).during("remove unfinished file", &path)?;
    }
    Ok(())
}
