//! What is known of a store's health: looked at here, judged in `judge`.
//!
//! Always: nothing is written and no lock is taken; what cannot be looked at is missing, or an error that was kept, and no reason to
//! stop looking at the rest.

use super::locks::{self, Lock};
use crate::files::{self, Entry};
use redraft::replica::{Directory, Source};
use redraft::{Change, Damage, Error, Merged, Occupant, Options, Reader, Report, Role, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// So many of the newest changes tell the present rate, and who writes.
const RECENT_CHANGES: u64 = 1_000;
/// Or those that take so much, where that is less.
const RECENT_BYTES: u64 = 64 << 20;
/// Directories of a store: its index, what is to take the place of its files, and what repairs put aside.
const INDEX: &str = "index";
pub(super) const STAGE: &str = "exchange";
pub(super) const ASIDE: &str = "damaged-";
/// What a segment begins with; the number of its format follows.
const PREAMBLE: &[u8] = b"REDRAFT\x1a";

/// All that was looked at.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) place: PathBuf,
    pub(super) entries: Result<Vec<Entry>, std::io::Error>,
    /// What a merge on trial left beside the store.
    pub(super) trials: Vec<PathBuf>,
    /// What is left on the disk, and how large that is.
    pub(super) room: Option<(u64, u64)>,
    /// The format that the newest segment says it is of.
    pub(super) format: Option<u16>,
    pub(super) owner: Option<u32>,
    pub(super) lock: Lock,
    pub(super) opened: Result<Opened, Error>,
    /// What reading everything found, if it was asked for.
    pub(super) deep: Option<Result<Report, Error>>,
    pub(super) now_ms: i64,
}

/// What a store that can be opened says.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) role: Role,
    pub(super) schema: u32,
    pub(super) oldest: u64,
    pub(super) version: u64,
    pub(super) open_ms: u64,
    pub(super) snapshot: Option<u64>,
    pub(super) passed_over: Vec<Damage>,
    pub(super) cursors: Result<Vec<Cursor>, Error>,
    pub(super) recent: Result<Recent, Error>,
}

/// How far a follower has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) name: String,
    pub(super) version: u64,
    /// What is in the log behind it.
    pub(super) bytes: u64,
    /// How long ago the first change was recorded that it lacks.
    pub(super) age_ms: u64,
}

/// The newest changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recent {
    pub(super) changes: u64,
    pub(super) bytes: u64,
    /// When the first and the last of them were recorded.
    pub(super) stamps_ms: Option<(i64, i64)>,
    /// By writer: how many changes, and how many of them were refused.
    pub(super) writers: BTreeMap<String, (u64, u64)>,
}

impl Recent {
    fn note(&mut self, change: &Change) {
        let stamp_ms = i64::try_from(change.stamp.millis()).unwrap_or(i64::MAX);
        self.changes += 1;
        self.bytes += change.patch.to_bytes().len() as u64;
        self.stamps_ms = Some((stamp_ms, self.stamps_ms.map_or(stamp_ms, |(_, last)| last)));
        let (made, refused) = self.writers.entry(change.writer.to_string()).or_default();
        *made += 1;
        *refused += u64::from(change.merged.as_deref().is_some_and(is_refused));
    }
}

fn is_refused(merged: &Merged) -> bool {
    matches!(merged.outcome, redraft::merge::Outcome::Rejected { .. })
}

impl Facts {
    /// Looks at whatever is at `place`; at every byte of it if `deep`.
    pub(super) fn of(place: &Path, deep: bool) -> Facts {
        let entries = files::entries(place).map(|entries| measured(place, entries));
        let names = entries.as_deref().unwrap_or_default();
        Facts {
            place: place.to_owned(),
            trials: trials(place),
            room: files::room(place),
            format: format(place, names),
            owner: files::owner(place),
            lock: locks::of(place),
            opened: Opened::of(place),
            deep: deep.then(|| redraft::verify(place)),
            now_ms: jiff::Timestamp::now().as_millisecond(),
            entries,
        }
    }

    /// What is there instead of a store.
    pub(super) fn occupant(&self) -> Option<Occupant> {
        match &self.opened {
            Err(Error::NotAStore { found, .. }) => Some(*found),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Bytes {
        let mut bytes = Bytes::default();
        for entry in self.entries.iter().flatten() {
            match entry.name.rsplit_once('.') {
                Some((_, "seg")) => {
                    bytes.segments += entry.bytes;
                    bytes.segment_count += 1;
                }
                Some((_, "snap")) => {
                    bytes.snapshots += entry.bytes;
                    bytes.snapshot_count += 1;
                }
                _ if entry.is_directory && entry.name == INDEX => bytes.index += entry.bytes,
                _ => bytes.other += entry.bytes,
            }
        }
        bytes
    }

    /// What there is of a kind.
    pub(super) fn of_kind(&self, is_meant: impl Fn(&Entry) -> bool) -> Vec<&Entry> {
        self.entries.iter().flatten().filter(|entry| is_meant(entry)).collect()
    }
}

/// What the files of a store take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) segments: u64,
    pub(super) segment_count: usize,
    pub(super) snapshots: u64,
    pub(super) snapshot_count: usize,
    pub(super) index: u64,
    pub(super) other: u64,
}

impl Opened {
    fn of(place: &Path) -> Result<Opened, Error> {
        let begun = Instant::now();
        let reader: Reader<Value> = Options::new().open_read_only(place)?;
        let open_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Opened {
            id: reader.id().to_string(),
            role: reader.role()?,
            schema: reader.schema(),
            oldest: reader.oldest()?,
            version: reader.version(),
            open_ms,
            snapshot: reader.snapshots()?.into_iter().rfind(|&version| version <= reader.version()),
            cursors: cursors(&reader, place),
            recent: recent(&reader, place),
            passed_over: reader.passed_over(),
        })
    }
}

fn cursors(reader: &Reader<Value>, place: &Path) -> Result<Vec<Cursor>, Error> {
    let noted = reader.cursors()?;
    if noted.is_empty() {
        return Ok(Vec::new());
    }
    let (log, oldest, newest) = (Directory::open(place)?, reader.oldest()?, reader.version());
    let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    noted
        .into_iter()
        .map(|(name, version)| {
            let known = version.clamp(oldest, newest.max(oldest));
            let bytes = log.bytes_since(known)?.unwrap_or(0);
            let lacking = (known < newest).then(|| reader.changes(known + 1..=known + 1)).transpose()?;
            let lacking = lacking.and_then(|mut changes| changes.next()).transpose()?;
            let age_ms = lacking.map_or(0, |change| now_ms.saturating_sub(change.stamp.millis()));
            Ok(Cursor { name, version, bytes, age_ms })
        })
        .collect()
}

fn recent(reader: &Reader<Value>, place: &Path) -> Result<Recent, Error> {
    let (oldest, newest) = (reader.oldest()?, reader.version());
    let mut recent = Recent::default();
    let first = newest.saturating_sub(RECENT_CHANGES).max(oldest) + 1;
    if first > newest {
        return Ok(recent);
    }
    for change in reader.changes(first..=newest)?.newest_first() {
        recent.note(&change?);
        if recent.bytes > RECENT_BYTES {
            break;
        }
    }
    // What they take in the log is more than their patches.
    if let Some(bytes) = Directory::open(place)?.bytes_since(newest - recent.changes)? {
        recent.bytes = bytes;
    }
    Ok(recent)
}

/// Those of a store's own directories as large as what is in them; of others nobody asked.
fn measured(place: &Path, mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in entries.iter_mut().filter(|entry| entry.is_directory) {
        if [INDEX, STAGE].contains(&&*entry.name) || entry.name.starts_with(ASIDE) {
            entry.bytes = files::tree_bytes(&place.join(&entry.name));
        }
    }
    entries
}

/// The format that the newest segment names, whether this redraft knows it or not.
fn format(place: &Path, entries: &[Entry]) -> Option<u16> {
    let newest = entries.iter().rfind(|entry| entry.name.ends_with(".seg"))?;
    let bytes = files::beginning(&place.join(&newest.name), 10).ok()?;
    let version = bytes.strip_prefix(PREAMBLE)?;
    Some(u16::from_le_bytes([*version.first()?, *version.get(1)?]))
}

/// What dry runs of `merge` leave beside a store when they are killed.
fn trials(place: &Path) -> Vec<PathBuf> {
    let beside = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = place.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let prefix = format!("{name}.trial-");
    let found = files::entries(beside).unwrap_or_default();
    let is_left = |entry: &&Entry| {
        let process = entry.name.strip_prefix(&prefix).and_then(|process| process.parse().ok());
        process.is_some_and(|process| !locks::runs(process))
    };
    found.iter().filter(is_left).map(|entry| beside.join(&entry.name)).collect()
}
