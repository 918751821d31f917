//! What an [`Error`] is about: the program's own error, the system's answer, a path, damage.
//!
//! Always: an error that others were told of again is about the same.

use super::{Damage, Error};
use crate::op::DraftError;
use std::io;
use std::path::Path;

impl Error {
    /// The program's own error, if its recipe said no with one of this type.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::{ErrorKind, Store, Value};
    /// use std::num::ParseIntError;
    ///
    /// let store = Store::<Value>::open(dir.path())?;
    /// let set = |doc: &mut Value| Ok::<(), ParseIntError>(doc["n"] = "ten".parse::<i64>()?.into());
    /// let refused = store.produce(set).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Recipe);
    /// assert!(refused.recipe::<ParseIntError>().is_some());
    /// # Ok(()) }
    /// ```
    pub fn recipe<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Error::Draft(DraftError::Recipe(error)) => error.downcast_ref(),
            _ => None,
        }
    }

    /// What the operating system answered, if that is the reason: also where it is why the store stopped accepting changes.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Error::Io { source, .. } | Error::Unreachable { source, .. } => Some(source),
            Error::Poisoned { source, .. } | Error::Ended { source } => source.io(),
            _ => None,
        }
    }

    /// The file or directory it is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Error::Io { path, .. }
            | Error::Locked { path, .. }
            | Error::NotAStore { path, .. }
            | Error::Exists { path }
            | Error::Inside { path, .. }
            | Error::Unfinished { path }
            | Error::Newer { path, .. }
            | Error::Damaged(Damage { path, .. })
            | Error::Irreparable { path, .. }
            | Error::PlanOutdated { path }
            | Error::Role { path, .. } => Some(path),
            Error::Poisoned { source, .. } | Error::Ended { source } => source.path(),
            _ => None,
        }
    }

    /// The damage that was found, if that is what it is about: also where it is why a store cannot be repaired, or why it
    /// stopped accepting changes.
    pub fn damage(&self) -> Option<&Damage> {
        match self {
            Error::Damaged(damage) => Some(damage),
            Error::Irreparable { why, .. } => Some(why),
            Error::Poisoned { source, .. } | Error::Ended { source } => source.damage(),
            _ => None,
        }
    }
}
