//! Whether a log is what it is opened as.

use crate::error::{Error, Result, Role};
use crate::segment::format::{Codec, Header};
use std::path::Path;

impl Role {
    pub(crate) fn of(header: &Header) -> Role {
        match header.codec {
            Codec::Opaque => Role::Log,
            Codec::Change if header.backup => Role::Backup,
            Codec::Change if header.replica => Role::Replica,
            Codec::Change => Role::Store,
        }
    }

    /// Refuses to use one for another.
    pub(crate) fn must_be(self, wanted: Role, dir: &Path) -> Result<()> {
        if self == wanted {
            return Ok(());
        }
        Err(Error::Role { path: dir.to_owned(), wanted, found: self })
    }

    /// Refuses what does not hold the changes of a state, whoever makes them.
    pub(crate) fn must_have_a_state(self, dir: &Path) -> Result<()> {
        self.must_be(if self == Role::Log { Role::Store } else { self }, dir)
    }
}
