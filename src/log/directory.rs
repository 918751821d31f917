//! The directory of a log: what is in it, who may write it.
//!
//! Always: looking changes nothing; the lock ends with the process.

use crate::error::{Error, IoContext, Result};
use crate::io::{Disk, Lock, LockAttempt};
use crate::segment::{UNFINISHED, bases_in};
use std::path::Path;

const LOCK_NAME: &str = "LOCK";

/// What is in the place of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupant {
    Missing,
    /// An empty directory, or what an interrupted creation left.
    Nothing,
    /// A log, perhaps that of a store.
    Store,
    Other(&'static str),
}

pub(crate) fn occupant(disk: &dyn Disk, path: &Path) -> Result<Occupant> {
    let names = match disk.list(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Occupant::Missing),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Ok(Occupant::Other("it is a file; a store is a directory"));
        }
        answer => answer.during("list", path)?,
    };
    let leftover = |name: &String| name == LOCK_NAME || is_unfinished(name);
    Ok(match () {
        () if has_segments(&names) => Occupant::Store,
        () if names.iter().all(leftover) && disk.is_vacant(path).during("list", path)? => Occupant::Nothing,
        () => Occupant::Other("it holds other files and no segment"),
    })
}

pub(crate) fn has_segments(names: &[String]) -> bool {
    !bases_in(names).is_empty()
}

fn is_unfinished(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == UNFINISHED)
}

pub(crate) fn not_a_store(path: &Path, why: &'static str) -> Error {
    Error::NotAStore { path: path.to_owned(), why }
}

/// Takes the lock that makes this process the only writer.
pub(crate) fn lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn Lock>> {
    let path = dir.join(LOCK_NAME);
    match disk.try_lock(&path).during("lock", &path)? {
        LockAttempt::Taken(lock) => Ok(lock),
        LockAttempt::Held(holder) => Err(Error::Locked { path: dir.to_owned(), holder }),
    }
}

/// Refuses a directory that holds anything.
pub(crate) fn must_be_free(disk: &dyn Disk, path: &Path) -> Result<()> {
    match occupant(disk, path)? {
        Occupant::Missing | Occupant::Nothing => Ok(()),
        Occupant::Store | Occupant::Other(_) => Err(Error::Exists { path: path.to_owned() }),
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
