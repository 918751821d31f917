//! The one public error.
//!
//! Variants say what happened and where, with facts as fields; [`Error::kind`] answers what to do now. Nothing here is
//! a promise about message texts.

use crate::draft::DraftError;
use crate::patch::ApplyError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of any operation on a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong or does not apply to this state. Nothing changed; correct it and call again.
    Refused,
    /// What was asked for is not there: no such store, version or path.
    NotFound,
    /// Somebody else holds it. Try again later.
    Busy,
    /// The machine said no: permission, space, a failed read or write. Mend that, then open the store again.
    Environment,
    /// Bytes on disk are not what was written. Nothing was changed; take them from a replica or a backup, or see what a
    /// [`Repair`](crate::Repair) can keep.
    Damage,
    /// The files are from a newer redraft. Nothing was changed; use that one.
    Newer,
}

/// Everything that can go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("{operation} {path}: {source}", path = .path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Another writer has the store open.
    #[error("{path} is being written by {who}; a store has one writer at a time", path = .path.display(), who = holder_text(*.holder))]
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// Its process id, where it is known.
        holder: Option<u32>,
    },
    /// There is no store at this path.
    #[error("{path} is not a store: {why}", path = .path.display())]
    NotAStore {
        /// The path that was opened.
        path: PathBuf,
        /// What was found there.
        why: &'static str,
    },
    /// A new store was to be made where something is already.
    #[error("{path} already exists and is not an empty directory; nothing was written", path = .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A file was written by a newer version of redraft.
    #[error("{path} has {what} {found}, this redraft reads up to {supported}; the file was left untouched", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Which field of its header.
        what: &'static str,
        /// Its value.
        found: u32,
        /// The largest value understood.
        supported: u32,
    },
    /// Bytes on disk are not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A repair finds nothing that it could keep. Nothing was changed.
    #[error("nothing of {path} can be kept: {why}; nothing was changed", path = .path.display())]
    Irreparable {
        /// The directory.
        path: PathBuf,
        /// What stands in the way.
        why: Box<Damage>,
    },
    /// What is on the disk is not what the repair was planned for. Nothing was changed; plan it anew.
    #[error("{path} has changed since the repair was planned; nothing was changed", path = .path.display())]
    PlanOutdated {
        /// The directory.
        path: PathBuf,
    },
    /// An earlier write or sync failed, so that what is on disk is unknown until the store is opened again.
    #[error("the store stopped accepting changes after a failure and must be opened again: {cause}")]
    Poisoned {
        /// The failure.
        cause: Arc<Error>,
    },
    /// A patch does not apply; nothing changed.
    #[error("{0}")]
    Apply(#[from] ApplyError),
    /// The recipe failed, or made something that cannot be stored; nothing changed.
    #[error("{0}; nothing changed")]
    Draft(#[from] DraftError),
    /// A recipe called back into the store that was running it; nothing changed.
    #[error("a recipe tried to change the store that is running it; return from the recipe first")]
    Reentrant,
    /// A record of no bytes was to be appended to a log: a length of zero is how the log ends. Nothing was appended.
    #[error("a record must not be empty; nothing was appended")]
    EmptyRecord,
    /// A change is larger than the store accepts.
    #[error("the change takes {bytes} bytes, the limit is {limit}; nothing changed")]
    TooLarge {
        /// Its encoded size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The version lies beyond the newest one.
    #[error("version {version} does not exist: the newest is {head}")]
    BeyondHead {
        /// What was asked for.
        version: u64,
        /// The newest version.
        head: u64,
    },
    /// The version is older than what is kept.
    #[error("version {version} is no longer kept: the oldest is {oldest}")]
    Compacted {
        /// What was asked for.
        version: u64,
        /// The oldest version there is.
        oldest: u64,
    },
    /// The draft was begun on an older state; nothing changed. Begin it anew, or use
    /// [`produce`](crate::Store::produce), whose recipe always runs on the newest state.
    #[error("the draft was begun on an older state than version {head}, which is the newest now")]
    Outdated {
        /// The newest version.
        head: u64,
    },
    /// Undoing would overwrite something that was changed later; nothing changed.
    #[error(
        "change {version} cannot be undone: change {later} touched \"{path}\" since; undo that one first"
    )]
    UndoConflict {
        /// The version whose change was to be undone.
        version: u64,
        /// The later change in the way.
        later: u64,
        /// The path both touched, as a JSON Pointer.
        path: String,
    },
    /// The change is already undone, or there is no undo to take back.
    #[error("change {version} {why}")]
    UndoState {
        /// The version named.
        version: u64,
        /// What stands in the way.
        why: &'static str,
    },
    /// A replica's files are opened for changes of their own, or an ordinary store as a replica.
    #[error("{path} {why}", path = .path.display())]
    Role {
        /// The directory.
        path: PathBuf,
        /// What it is and what that forbids.
        why: &'static str,
    },
    /// The source and the replica are not the same store.
    #[error("the source is another store: the replica follows {expected}, the source is {found}")]
    Foreign {
        /// The id of the store the replica follows, in hex.
        expected: String,
        /// The id of the source, in hex.
        found: String,
    },
    /// Source and replica share a beginning and then differ. Both were left as they are.
    #[error(
        "source and replica differ from offset {offset} on (source has {source_head} changes, replica {replica_head}); both were left untouched"
    )]
    Diverged {
        /// The first offset that differs.
        offset: u64,
        /// The source's head.
        source_head: u64,
        /// The replica's head.
        replica_head: u64,
    },
    /// What is recorded is good, but does not fit the program's type.
    #[error("version {version} does not fit the type it is opened as: at \"{path}\": {reason}")]
    Misfit {
        /// The version being read: the first one that does not fit.
        version: u64,
        /// Where in the state, as a JSON Pointer.
        path: String,
        /// Why.
        reason: String,
    },
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another writer".into(), |process| format!("process {process}"))
}

impl Error {
    /// What to do now.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Error::Io { .. } => ErrorKind::Environment,
            Error::Poisoned { .. } => ErrorKind::Environment,
            Error::Locked { .. } => ErrorKind::Busy,
            Error::NotAStore { .. } | Error::BeyondHead { .. } | Error::Compacted { .. } => {
                ErrorKind::NotFound
            }
            Error::Newer { .. } => ErrorKind::Newer,
            Error::Damaged(_) | Error::Irreparable { .. } => ErrorKind::Damage,
            _ => ErrorKind::Refused,
        }
    }

    /// The damage that was found, if that is what it is about: also where it is why a store cannot be repaired, or why it
    /// stopped accepting changes.
    pub fn damage(&self) -> Option<&Damage> {
        match self {
            Error::Damaged(damage) => Some(damage),
            Error::Irreparable { why, .. } => Some(why),
            Error::Poisoned { cause } => cause.damage(),
            _ => None,
        }
    }
}

/// Adds operation and path to what the system answered.
pub(crate) trait IoContext<T> {
    fn during(self, operation: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn during(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { operation, path: path.to_owned(), source })
    }
}

/// Bytes that are not what was written: where, what, and how much before them is good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}, byte {byte}: {defect}; {intact}", path = .path.display(), intact = intact_text(*.intact))]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in the file, in bytes.
    pub byte: u64,
    /// What is wrong there.
    pub defect: Defect,
    /// How many changes of the log, counted from its beginning, are good before this place. Nothing where the damage
    /// is not in the log (in a snapshot, for instance).
    pub intact: Option<u64>,
}

fn intact_text(intact: Option<u64>) -> String {
    intact.map_or_else(
        || "the log itself is not concerned".into(),
        |head| format!("intact up to version {head}"),
    )
}

/// What is wrong with damaged bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Defect {
    /// The file does not begin as its kind does.
    #[error("not a redraft file (its first bytes are wrong)")]
    Magic,
    /// A checksum differs.
    #[error("checksum mismatch in {part}: stored {stored:08x}, computed {computed:08x}")]
    Checksum {
        /// Which part of the file.
        part: &'static str,
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// A length that cannot be.
    #[error("impossible length {found} of a {part} (at most {most} fits)")]
    Length {
        /// Which part of the file.
        part: &'static str,
        /// The length in the file.
        found: u64,
        /// The largest that fits here.
        most: u64,
    },
    /// The file ends too early.
    #[error("the file ends after {found} bytes, at least {expected} were written")]
    Short {
        /// The bytes there should be.
        expected: u64,
        /// The bytes there are.
        found: u64,
    },
    /// Zeros or rubbish where a record was acknowledged.
    #[error("no record here, though {proof} shows that one was written")]
    Hole {
        /// What shows it.
        proof: &'static str,
    },
    /// A file of another store.
    #[error("the file belongs to another store")]
    Foreign,
    /// A file whose name does not say what it holds.
    #[error("the file's name says {named}, its header {found}")]
    Misnamed {
        /// From the name.
        named: u64,
        /// From the header.
        found: u64,
    },
    /// The table that tells where a segment's records are does not. The records are good: reading goes without it.
    #[error("the table of positions is damaged; the records are not")]
    PositionTable,
    /// Segments that do not follow each other.
    #[error(
        "the segment starts at offset {found}, expected {expected}: a segment is missing, doubled or out of place"
    )]
    Gap {
        /// Where the segment before ends.
        expected: u64,
        /// Where this one starts.
        found: u64,
    },
    /// Segments whose histories differ.
    #[error("the chain of checksums breaks: expected {expected:08x}, found {found:08x}")]
    Chain {
        /// The chain after what comes before.
        expected: u32,
        /// The chain this file starts from.
        found: u32,
    },
    /// A sealed segment without the one that must follow it.
    #[error("the segment that follows, from offset {offset}, is missing")]
    SuccessorMissing {
        /// Its base offset.
        offset: u64,
    },
    /// A segment that should have been sealed is not.
    #[error("the segment has no valid footer though {successor} records follow in the next one")]
    Unsealed {
        /// How many records follow.
        successor: u64,
    },
    /// The log ends before what a snapshot proves was there.
    #[error("the log ends at version {head}, a snapshot proves version {proven}")]
    LogTooShort {
        /// Where the log ends.
        head: u64,
        /// The version of the snapshot.
        proven: u64,
    },
    /// No snapshot to start from, and the beginning of the log is not kept.
    #[error("the log starts at offset {oldest} and no snapshot at or after it is readable")]
    BaseMissing {
        /// The first offset kept.
        oldest: u64,
    },
    /// The checksum is right, but the content makes no sense.
    #[error("cannot decode {part}: {reason}")]
    Undecodable {
        /// Which part.
        part: &'static str,
        /// Why.
        reason: String,
    },
    /// A logged patch does not apply to the state it was logged for.
    #[error("the logged change does not apply: {reason}")]
    Inapplicable {
        /// Why.
        reason: String,
    },
    /// A snapshot that differs from the log's own state at its version.
    #[error("the snapshot differs from the state the log gives for version {version}")]
    SnapshotDiffers {
        /// The version.
        version: u64,
    },
}
