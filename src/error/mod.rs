//! The one public error.
//!
//! Variants say what happened and where, with facts as fields; [`Error::kind`] answers what to do now. Nothing here is
//! a promise about message texts.
//!
//! Always: what an error prints it does not also return as its source, and the other way round.

mod about;
mod damage;
mod facts;
mod kind;

pub use damage::{Damage, Defect};
pub use facts::{Occupant, Role, UndoRefusal};
pub use kind::ErrorKind;

use crate::layout::StoreId;
use crate::op::{ApplyError, DraftError};
use crate::record::WriterId;
use crate::value;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of any operation on a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("{operation} {path}", path = .path.display())]
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
    /// Its files are being exchanged for others, or that was interrupted. Opening it for writing finishes that.
    #[error(
        "the files of {path} are being exchanged for others, or that was interrupted; opening it for writing finishes that",
        path = .path.display()
    )]
    Unfinished {
        /// The directory.
        path: PathBuf,
    },
    /// There is no store at this path.
    #[error("{path} is not a store: {found}", path = .path.display())]
    NotAStore {
        /// The path that was opened.
        path: PathBuf,
        /// What was found there.
        found: Occupant,
    },
    /// A new store was to be made where something is already.
    #[error("{path} already exists and is not an empty directory; nothing was written", path = .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A fork was to be made inside of a store, whose directory is its own.
    #[error("{path} lies inside of the store {store}; nothing was written", path = .path.display(), store = .store.display())]
    Inside {
        /// Where the fork was to be.
        path: PathBuf,
        /// The store's directory.
        store: PathBuf,
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
    /// A write or sync failed, so that what is on disk is unknown until the store is opened again.
    #[error("{}", poisoned_text(*.pending))]
    Poisoned {
        /// The failure, which every call is told from then on.
        source: Arc<Error>,
        /// Where to look for the change of this call, once the store is open again. Nothing if it was refused before it got
        /// a place in the log: then it is surely not done. The version it would have made, if it was on its way to the disk
        /// when that failed: then it may be there or not.
        ///
        /// Of a log, the offset after the first record of the call: that record is there if the head has come so far.
        /// `sync` and `close` add nothing of their own, and say nothing here: what was acknowledged or submitted before, and
        /// is not durable, may be there or not.
        pending: Option<u64>,
    },
    /// A patch does not apply; nothing changed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The recipe failed, or made something that cannot be stored; nothing changed.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// A recipe called back into the store that was running it; nothing changed.
    #[error("a recipe tried to change the store that is running it; return from the recipe first")]
    Reentrant,
    /// A record of no bytes was to be appended to a log: a length of zero is how the log ends. Nothing was appended.
    #[error("a record must not be empty; nothing was appended")]
    EmptyRecord {
        /// Which of the records of this call, counted from 0.
        index: usize,
    },
    /// A change or record is larger than a log accepts. Nothing was appended.
    #[error("a record of {bytes} bytes was to be appended, the limit is {limit}; nothing changed")]
    TooLarge {
        /// Which of the records of this call, counted from 0.
        index: usize,
        /// Its encoded size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The names of all cursors together are longer than their file may be. Nothing changed.
    #[error("the cursors would take {bytes} bytes, the limit is {limit}; nothing changed")]
    CursorsFull {
        /// What they would take.
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
    /// The time is before the oldest version that is kept was recorded, so that what was there then is gone.
    #[error(
        "{time_ms} ms is before what is kept: the oldest is version {oldest}, recorded at {begins_ms} ms since 1970"
    )]
    BeforeKept {
        /// What was asked for, in milliseconds since 1970.
        time_ms: i64,
        /// The oldest version there is.
        oldest: u64,
        /// When that was recorded, in milliseconds since 1970.
        begins_ms: i64,
    },
    /// The draft was begun on an older state; nothing changed. Begin it anew, or use
    /// [`produce`](crate::Store::produce), whose recipe always runs on the newest state.
    #[error("the draft was begun on an older state than version {head}, which is the newest now")]
    Outdated {
        /// The version it was begun on; nothing if it was not begun by [`Store::draft`](crate::Store::draft).
        base: Option<u64>,
        /// The newest version.
        head: u64,
    },
    /// A submission was made on a version that lies too far back to tell what it would meet; nothing changed. Load the newest state
    /// and make it anew.
    #[error(
        "a change made on version {base} cannot be merged: what came after version {oldest} is known, and no more"
    )]
    TooOld {
        /// The version it was made on.
        base: u64,
        /// The oldest version that would do.
        oldest: u64,
    },
    /// A submission has a number that is not the next one of its writer; nothing changed. Submit those before it first.
    #[error("writer {writer} submitted its change {found}, the next one is {expected}; nothing changed")]
    SequenceGap {
        /// Who submitted it.
        writer: WriterId,
        /// The number that comes next.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// A submission has the name of another one that was recorded before, or of the store itself: two programs write under one name,
    /// as after one's files were copied. Nothing changed. One of them needs a new name.
    #[error("writer {writer} has another change {sequence} recorded already{}; nothing changed", .version.map_or(String::new(), |version| format!(", as version {version}")))]
    WriterClash {
        /// The name.
        writer: WriterId,
        /// The number of the change.
        sequence: u64,
        /// The version that the other one made, where that is known.
        version: Option<u64>,
    },
    /// There is no recipe of this name; nothing changed.
    #[error("there is no recipe {name:?} here; nothing changed")]
    NoRecipe {
        /// The name.
        name: String,
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
        /// The path both touched.
        path: value::Path,
    },
    /// The change is already undone, or there is no undo to take back.
    #[error("change {version} {why}")]
    UndoState {
        /// The version named.
        version: u64,
        /// What stands in the way.
        why: UndoRefusal,
    },
    /// A store, a replica or a log is opened as another of these.
    #[error("{path} is a {found}, not a {wanted}: {}", .found.means(), path = .path.display())]
    Role {
        /// The directory.
        path: PathBuf,
        /// What it was opened as.
        wanted: Role,
        /// What it is.
        found: Role,
    },
    /// The source and its copy, a replica or backup, are not the same store.
    #[error("the source is another store: the copy is of {expected}, the source is {found}")]
    Foreign {
        /// The store that the copy is of.
        expected: StoreId,
        /// The source.
        found: StoreId,
    },
    /// Source and copy, a replica or backup, share a beginning and then differ. Both were left as they are.
    #[error(
        "source and copy differ from offset {offset} on (source has {source_head} changes, copy {replica_head}); both were left untouched"
    )]
    Diverged {
        /// The first offset that differs.
        offset: u64,
        /// The source's head.
        source_head: u64,
        /// The copy's head.
        replica_head: u64,
    },
    /// The source of a replica was replaced as the primary by one that it does not know of. Both were left as they are: follow the
    /// new one.
    #[error(
        "the source is of epoch {source_epoch}, this replica of {replica_epoch}: it was replaced as the primary since; follow the new one"
    )]
    Superseded {
        /// How often a replica had taken the primary's place when the source was one.
        source_epoch: u32,
        /// The same for the replica.
        replica_epoch: u32,
    },
    /// What a stream elsewhere holds is not what was written there: a message of somebody else's, another history, or less than there
    /// was. Nothing here was changed.
    #[error(
        "the stream {stream} is not as it was left: at message {sequence} there should be {expected}, and there is {found}; nothing here was changed"
    )]
    Altered {
        /// The stream.
        stream: String,
        /// The message of it.
        sequence: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A stream elsewhere is set up so that it could lose or reorder what is written there. Nothing was changed.
    #[error("the stream {stream} has {setting} {found}, and needs {needed}; nothing was changed")]
    StreamSetting {
        /// The stream.
        stream: String,
        /// Which of its settings, by the server's own name.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it has to be.
        needed: String,
    },
    /// Somebody else's change has the place that one was to get; nothing was appended. Take in what came, and do it again on top.
    #[error(
        "what was to be appended to {from} at offset {offset} was overtaken by somebody else's; nothing was appended"
    )]
    Overtaken {
        /// What to call it: an address.
        from: String,
        /// The place that was taken.
        offset: u64,
    },
    /// A node brings nothing into its order any longer. What it shows stays, and what waits goes on waiting.
    #[error("this node brings no more changes into its order: open it again once the reason is mended")]
    Ended {
        /// The reason, which says what can be done about it.
        source: Arc<Error>,
    },
    /// What is elsewhere cannot be reached, or stopped answering. What came before is kept.
    #[error("cannot {operation} at {from}")]
    Unreachable {
        /// What to call it: a directory, or an address.
        from: String,
        /// What was being done.
        operation: &'static str,
        /// What the system, or the other side, answered.
        source: io::Error,
    },
    /// What came is not what was sent. Nothing of it was used; what came before is kept.
    #[error("what came from {from} is not what was sent, at offset {offset}: {defect}")]
    Garbled {
        /// What to call it: a directory, or an address.
        from: String,
        /// The offset of the record that should have come.
        offset: u64,
        /// What is wrong with it.
        defect: Defect,
    },
    /// The state was migrated to a newer schema than the program's type has. Nothing was changed.
    #[error(
        "version {version} is of schema {found}, and the type it is opened as of schema {supported}: a newer program migrated it; nothing was changed"
    )]
    NewerSchema {
        /// The version being read.
        version: u64,
        /// Its schema.
        found: u32,
        /// The schema of the type, [`State::SCHEMA`](crate::State::SCHEMA).
        supported: u32,
    },
    /// The type's own [`migrate`](crate::State::migrate) failed, or panicked. Nothing was changed.
    #[error("version {version} cannot be migrated from schema {from} to {to}; nothing was changed")]
    Migration {
        /// The version being migrated.
        version: u64,
        /// The schema that this step starts from.
        from: u32,
        /// The one it leads to.
        to: u32,
        /// What the type said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is recorded is good, but does not fit the program's type.
    #[error("version {version} does not fit the type it is opened as: at \"{path}\": {reason}")]
    Misfit {
        /// The version being read: the first one that does not fit.
        version: u64,
        /// Where in the state.
        path: value::Path,
        /// Why.
        reason: String,
    },
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another writer".into(), |process| format!("process {process}"))
}

fn poisoned_text(pending: Option<u64>) -> String {
    const WHAT: &str = "the store stopped accepting changes after a failure and must be opened again";
    match pending {
        None => format!("{WHAT}; nothing more was done"),
        Some(version) => format!("{WHAT}; whether version {version} is there will be known then"),
    }
}

impl Error {
    /// What to do now. O(1), as all that follow.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Error::NotAStore { .. } | Error::BeyondHead { .. } => ErrorKind::NotFound,
            Error::Compacted { .. } | Error::BeforeKept { .. } => ErrorKind::NotFound,
            Error::Io { .. } => ErrorKind::Environment,
            Error::Poisoned { .. } => ErrorKind::Poisoned,
            Error::Ended { source } => source.kind(),
            Error::Locked { .. } | Error::Unfinished { .. } | Error::Overtaken { .. } => ErrorKind::Busy,
            Error::Newer { .. } => ErrorKind::Newer,
            Error::Damaged(_) | Error::Irreparable { .. } => ErrorKind::Damage,
            Error::Outdated { .. } | Error::PlanOutdated { .. } | Error::TooOld { .. } => ErrorKind::Stale,
            Error::SequenceGap { .. } => ErrorKind::Refused,
            Error::WriterClash { .. } | Error::NoRecipe { .. } => ErrorKind::Misuse,
            Error::Draft(DraftError::Recipe(_)) => ErrorKind::Recipe,
            Error::Draft(_) | Error::Apply(_) => ErrorKind::Refused,
            Error::Exists { .. } | Error::TooLarge { .. } | Error::CursorsFull { .. } => ErrorKind::Refused,
            Error::Inside { .. } => ErrorKind::Refused,
            Error::UndoConflict { .. } | Error::UndoState { .. } => ErrorKind::Refused,
            Error::Reentrant | Error::EmptyRecord { .. } | Error::Role { .. } => ErrorKind::Misuse,
            Error::Foreign { .. } | Error::Diverged { .. } | Error::Superseded { .. } => ErrorKind::Diverged,
            Error::Altered { .. } => ErrorKind::Diverged,
            Error::StreamSetting { .. } => ErrorKind::Refused,
            Error::Unreachable { .. } | Error::Garbled { .. } => ErrorKind::Unreachable,
            Error::NewerSchema { .. } => ErrorKind::NewerSchema,
            Error::Migration { .. } | Error::Misfit { .. } => ErrorKind::Misfit,
        }
    }

    /// The same failure, told to somebody whose change was on its way when it happened.
    pub(crate) fn pending(self, version: u64) -> Error {
        match self {
            Error::Poisoned { source, .. } => Error::Poisoned { source, pending: Some(version) },
            other => other,
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
