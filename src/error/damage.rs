//! [`Damage`]: bytes that are not what was written. Facts as fields; what a repair or a report decides by.

use crate::op::ApplyError;
use std::path::PathBuf;

/// Bytes that are not what was written: where, what, and how much before them is good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}, byte {byte}: {defect}; {intact}", path = .path.display(), intact = intact_text(*.intact))]
#[non_exhaustive]
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
    /// A snapshot that says what changed since another one, which cannot be had.
    #[error("it continues the snapshot of version {parent}, which is missing, damaged or another one")]
    ParentUnusable {
        /// The version of the other one.
        parent: u64,
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
    #[error("the logged change does not apply: {error}")]
    Inapplicable {
        /// Which operation, and why.
        error: Box<ApplyError>,
    },
    /// A snapshot that differs from the log's own state at its version.
    #[error("the snapshot differs from the state the log gives for version {version}")]
    SnapshotDiffers {
        /// The version.
        version: u64,
    },
}
