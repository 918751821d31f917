//! [`ErrorKind`]: what to do about an error.

use std::fmt;

/// What a caller can do about an [`Error`](crate::Error), and what has become of the data.
///
/// Unless the kind says otherwise, nothing changed: not the store, and not what is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request does not fit the state, or breaks a limit. Ask for something else.
    Refused,
    /// The recipe itself said no: [`Error::recipe`](crate::Error::recipe) gives back its own error.
    Recipe,
    /// Somebody was faster: what the request was made for is no longer the newest. Look again, and ask again if it still
    /// makes sense.
    Stale,
    /// What was asked for is not there: no such store, version or file. Ask for what is, or make it.
    NotFound,
    /// Somebody else is writing. Try again when they are done.
    Busy,
    /// The machine said no: permission, space, descriptors, a call that failed. [`Error::io`](crate::Error::io) has its
    /// answer. The same call may work once that is mended; what is open stays open, and all that could be read still can.
    Environment,
    /// A write or a sync failed, now or earlier, and this session takes no more changes. Reading goes on. Drop it and open
    /// it again: that decides anew from what is on the disk, and loses nothing that was acknowledged as durable. Whether a
    /// change that got this answer is there then, its `pending` tells how to find out.
    Poisoned,
    /// Bytes on the disk are not what was written, and are left as they are: [`Error::damage`](crate::Error::damage) says
    /// where. Take the files from a replica or a backup, or see what a [`Repair`](crate::Repair) can keep.
    Damage,
    /// The files are from a newer redraft, and are left as they are. Use that one.
    Newer,
    /// What is recorded is good, and left as it is: a newer version of this program migrated it to a schema that this one does not
    /// know. Run that one, or open it as a [`Value`](crate::Value), which reads every schema. Versions from before the
    /// migration can be read with [`Reader::open_at`](crate::Reader::open_at).
    NewerSchema,
    /// What is recorded is good, but does not fit this program's type. Open it as the type that wrote it, or as a
    /// [`Value`](crate::Value), which everything fits.
    Misfit,
    /// A copy and its source are not, or no longer, the same history. Both are left as they are; start the replica or backup
    /// anew in another directory.
    Diverged,
    /// What is elsewhere cannot be reached, or what came from there did not arrive as it was sent. Nothing of that was used. Try
    /// again later; a replica goes on where it was.
    Unreachable,
    /// A mistake in the program: it calls what may not be called here, or opens one thing for another. Mend the program.
    Misuse,
}

/// The name in lower case, with `-` between words: for logs, and for programs that are told of an error as text.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::Refused => "refused",
            ErrorKind::Recipe => "recipe",
            ErrorKind::Stale => "stale",
            ErrorKind::NotFound => "not-found",
            ErrorKind::Busy => "busy",
            ErrorKind::Environment => "environment",
            ErrorKind::Poisoned => "poisoned",
            ErrorKind::Damage => "damage",
            ErrorKind::Newer => "newer",
            ErrorKind::NewerSchema => "newer-schema",
            ErrorKind::Misfit => "misfit",
            ErrorKind::Diverged => "diverged",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Misuse => "misuse",
        })
    }
}
