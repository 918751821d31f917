//! Opens a directory in every way there is, and holds what comes out against what is promised for any bytes whatever.
//!
//! The promises: no panic; readers, replicas and verification change no file; every error is of a kind that damaged files
//! may lead to; what a writer refuses as damage verification reports, and what verification finds sound everybody opens,
//! with the same version and the state that the changes add up to; a writer that closes finds, when it opens again, what
//! it left. The raw log has a part of its own, [`logs`].

use super::bounded::Bounded;
use super::logs;
use super::worlds::{self, Files, dir};
use redraft::io::{Env, MemoryDisk};
use redraft::{Change, Cut, Damage, Error, Options, Reader, Report, Store, Value, apply};
use std::path::Path;
use std::sync::Arc;

/// How far an input came: tells whether a run of the fuzzer looked at anything worth looking at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Changes that were read.
    pub(crate) changes: u64,
    /// Whether a reader opened it.
    pub(crate) read: bool,
    /// Whether a writer opened it.
    pub(crate) written: bool,
    /// Whether damage was found.
    pub(crate) damaged: bool,
    /// Patches that were read from the input by itself.
    pub(crate) patches: u64,
}

/// Where a replica of the store is made.
fn copy_dir() -> &'static Path {
    Path::new("/replica")
}

/// How many past versions are looked at, besides what replaying them all gives.
const VERSIONS_MAX: u64 = 8;

fn env(disk: &MemoryDisk) -> Env {
    Env::simulated(Bounded(disk.clone()), 7)
}

fn options(disk: &MemoryDisk) -> Options {
    Options::new().env(env(disk)).segment_bytes(512).create(false)
}

fn open(disk: &MemoryDisk) -> Result<Store<Value>, Error> {
    options(disk).open(dir())
}

/// Judges what the files of a store's directory lead to.
pub(crate) fn judge(files: &Files) -> Result<Seen, String> {
    let disk = worlds::disk(files);
    let before = worlds::files(&disk);
    let report = allowed(options(&disk).verify(dir()))?;
    let mut seen = Seen { damaged: !is_sound(&report), ..Seen::default() };
    let reader = allowed(options(&disk).open_read_only::<Value>(dir()))?;
    if let Ok(reader) = &reader {
        read(reader, &report, &mut seen)?;
    }
    logs::read(&env(&disk), is_sound(&report))?;
    unchanged(&before, &worlds::files(&disk), "reading or verifying")?;
    logs::write(&env(&worlds::disk(files)))?;
    follow(files, &reader)?;
    let store = allowed(open(&disk))?;
    agree(&report, &reader, &store)?;
    match store {
        Ok(store) => write(&disk, store, &report, &mut seen)?,
        // Where a header asks for more space than there is, mending may have begun.
        Err(error) if is_machine(&error) => {}
        Err(error) => refused(&error, &before, &report, &disk)?,
    }
    Ok(seen)
}

fn is_sound(report: &Result<Report, Error>) -> bool {
    report.as_ref().is_ok_and(Report::is_sound)
}

pub(super) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// An answer, unless it is an error that no files may lead to.
pub(super) fn allowed<T>(answer: Result<T, Error>) -> Result<Result<T, Error>, String> {
    match answer {
        Err(error) if !is_allowed(&error) => Err(format!("an error of the wrong kind: {error:?}")),
        answer => Ok(answer),
    }
}

/// Damage is in a file of the store. A header may ask for more space than there is.
fn is_allowed(error: &Error) -> bool {
    match error {
        Error::Damaged(Damage { path, .. }) => path.starts_with(dir()),
        Error::NotAStore { .. } | Error::Newer { .. } | Error::Role { .. } => true,
        Error::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
        Error::Poisoned { source, .. } => is_allowed(source),
        _ => false,
    }
}

/// Whether the machine, not the files, is why it did not work.
fn is_machine(error: &Error) -> bool {
    matches!(error, Error::Io { .. } | Error::Poisoned { .. })
}

fn unchanged(before: &Files, after: &Files, who: &str) -> Result<(), String> {
    ensure(before == after, || format!("{who} changed a file: {}", difference(before, after)))
}

fn difference(before: &Files, after: &Files) -> String {
    let names = |files: &Files| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    let changed = before.iter().filter(|file| !after.contains(file)).map(|(path, _)| path);
    format!(
        "{:?} became {:?}; changed or gone {:?}",
        names(before),
        names(after),
        changed.collect::<Vec<_>>()
    )
}

/// A writer that refuses has lost nothing. What refuses before the log is mended leaves every file as it was; a record or
/// snapshot that no replay can use is found after that, when the end of the log has been made sure of, and perhaps a footer
/// that did not fit taken away. So is that it is no store, but a log or a replica, and
/// that a snapshot is of a newer format.
fn refused(
    error: &Error,
    before: &Files,
    report: &Result<Report, Error>,
    disk: &MemoryDisk,
) -> Result<(), String> {
    let after = worlds::files(disk);
    if ours(before) == ours(&after) {
        return Ok(());
    }
    let again = allowed(options(disk).verify(dir()))?;
    let (Ok(report), Ok(again)) = (report, &again) else {
        return unchanged(&newer(error, before), &newer(error, &after), "a writer that refuses");
    };
    let known = again.damage.iter().all(|damage| report.damage.contains(damage));
    let why = matches!(error, Error::Role { .. }) || again.is_sound() == report.is_sound();
    let same = (report.intact, report.records) == (again.intact, again.records);
    ensure(same && known && why, || format!("{error:?}, and {report:?} became {again:?}"))
}

/// The file of a newer format, which must be left untouched; what is beside it may have been mended. All files if there is
/// none.
fn newer(error: &Error, files: &Files) -> Files {
    match error {
        Error::Newer { path, .. } => files.iter().filter(|(found, _)| found == path).cloned().collect(),
        _ => ours(files),
    }
}

/// Without what a writer may do before it looks: unfinished files go, a lock file comes.
fn ours(files: &Files) -> Files {
    let theirs = |path: &Path| worlds::is(path, "tmp") || path.ends_with("LOCK");
    files.iter().filter(|(path, _)| !theirs(path)).cloned().collect()
}

/// Reads everything a reader can: the changes, the states they add up to, and past versions by themselves.
fn read(reader: &Reader, report: &Result<Report, Error>, seen: &mut Seen) -> Result<(), String> {
    let (version, state) = (reader.version(), reader.state());
    let Ok(oldest) = allowed(reader.oldest())? else { return Ok(()) };
    let at = |version| allowed(reader.at(version));
    let changes = allowed(reader.changes(..))?.map(|changes| changes.map(allowed));
    let read = match changes {
        Ok(changes) => gathered(changes)?,
        Err(error) => Err(error),
    };
    (seen.read, seen.changes) = (true, read.as_ref().map_or(0, |changes| changes.len() as u64));
    let step = (version.saturating_sub(oldest) / VERSIONS_MAX).max(1);
    let past: Vec<_> = (oldest..=version).step_by(step as usize).map(at).collect::<Result<_, _>>()?;
    if !is_sound(report) {
        return Ok(());
    }
    let broken = |error: &Error| format!("a sound store cannot be read: {error:?}");
    if let Some(error) = past.iter().find_map(|answer| answer.as_ref().err()) {
        return Err(broken(error));
    }
    adds_up(
        at(oldest)?.map_err(|error| broken(&error))?,
        &read.map_err(|error| broken(&error))?,
        version,
        &state,
    )
}

/// All changes, or the error they end with.
fn gathered(
    changes: impl Iterator<Item = Result<Result<Change, Error>, String>>,
) -> Result<Result<Vec<Change>, Error>, String> {
    changes.collect::<Result<Vec<_>, _>>().map(|changes| changes.into_iter().collect())
}

/// The changes lead, one by one, from the oldest state to the newest.
fn adds_up(oldest: Arc<Value>, changes: &[Change], version: u64, state: &Value) -> Result<(), String> {
    let mut now = Arc::unwrap_or_clone(oldest);
    for change in changes {
        let applied = apply(&now, &change.patch)
            .map_err(|error| format!("change {} is read and does not apply: {error}", change.version))?;
        let back = apply(&applied.state, &applied.inverse)
            .map_err(|error| format!("the inverse of change {} does not apply: {error}", change.version))?;
        ensure(back.state == now, || format!("the inverse of change {} leads elsewhere", change.version))?;
        now = applied.state;
    }
    let last = changes.last().map_or(version, |change| change.version);
    ensure(last == version, || format!("the changes end with {last}, the newest version is {version}"))?;
    ensure(now == *state, || format!("the changes add up to {now:?}, the reader shows {state:?}"))
}

/// A replica copies what a reader sees, or says what is wrong with the source.
fn follow(files: &Files, reader: &Result<Reader, Error>) -> Result<(), String> {
    let disk = worlds::disk(files);
    let Ok(mut replica) = allowed(options(&disk).create(true).open_mirror(dir(), copy_dir()))? else {
        return Ok(());
    };
    let Ok(progress) = allowed(replica.catch_up())? else { return Ok(()) };
    drop(replica);
    let unchanged_source = |path: &Path| path.starts_with(dir());
    let after: Files = worlds::files(&disk).into_iter().filter(|(path, _)| unchanged_source(path)).collect();
    unchanged(&sorted(files), &after, "a replica that follows")?;
    let (Ok(reader), Ok(copy)) = (reader, options(&disk).open_read_only::<Value>(copy_dir())) else {
        return Ok(());
    };
    ensure(progress.version == reader.version(), || {
        format!("a replica has {progress:?}, a reader {}", reader.version())
    })?;
    ensure(copy.state() == reader.state(), || "a replica shows another state than its source".into())
}

fn sorted(files: &Files) -> Files {
    worlds::files(&worlds::disk(files))
}

/// What verification, reader and writer say of the same files.
fn agree(
    report: &Result<Report, Error>,
    reader: &Result<Reader, Error>,
    store: &Result<Store<Value>, Error>,
) -> Result<(), String> {
    let (Ok(report), true) = (report, is_sound(report)) else { return Ok(()) };
    if let Err(error) = reader
        && !matches!(error, Error::Role { .. })
    {
        return Err(format!("a reader refuses what verify calls sound: {error:?}"));
    }
    match store {
        Err(Error::Role { .. }) => Ok(()),
        Err(error) if is_machine(error) => Ok(()),
        Err(error) => Err(format!("a writer refuses what verify calls sound: {error:?}")),
        Ok(store) => {
            let version = store.version();
            ensure(report.intact == version, || {
                format!("verify counts {}, a writer {version}", report.intact)
            })?;
            same_cut(report.cut.as_ref(), store.opened().cut.as_ref())
        }
    }
}

fn same_cut(expected: Option<&Cut>, found: Option<&Cut>) -> Result<(), String> {
    ensure(expected == found, || format!("verify expects {expected:?} to be cut, a writer cut {found:?}"))
}

/// A writer closes, opens again, goes on, and opens again: nothing is lost on the way, and nothing comes back.
fn write(
    disk: &MemoryDisk,
    store: Store<Value>,
    report: &Result<Report, Error>,
    seen: &mut Seen,
) -> Result<(), String> {
    seen.written = true;
    let (version, state) = store.newest();
    allowed(store.at(store.oldest().midpoint(version)))?.ok();
    if allowed(store.close())?.is_err() {
        return Ok(());
    }
    let Some(store) = reopened(disk, version, &state)? else { return Ok(()) };
    let Ok(commit) = allowed(store.produce(|doc| *doc = Value::from("gone on")))? else { return Ok(()) };
    let (next, state) = (commit.version(), Arc::clone(commit.state()));
    ensure(next == version + u64::from(*state != *store_state(&store, version)?), || {
        format!("{version} is followed by {next}")
    })?;
    if allowed(store.close())?.is_err() {
        return Ok(());
    }
    drop(reopened(disk, next, &state)?);
    let after = allowed(options(disk).verify(dir()))?;
    ensure(is_sound(&after) || !is_sound(report), || {
        format!("a sound store was written to and is not: {after:?}")
    })
}

fn store_state(store: &Store<Value>, version: u64) -> Result<Arc<Value>, String> {
    Ok(store.at(version).unwrap_or_else(|_| store.state()))
}

/// The store, opened again: what was closed cleanly is all there and nothing has to be cut.
fn reopened(disk: &MemoryDisk, version: u64, state: &Value) -> Result<Option<Store<Value>>, String> {
    let store = match allowed(open(disk))? {
        Ok(store) => store,
        Err(error) if is_machine(&error) => return Ok(None),
        Err(error) => return Err(format!("a store that was closed cannot be opened: {error:?}")),
    };
    ensure(store.version() == version, || format!("closed at {version}, opened at {}", store.version()))?;
    ensure(*store.state() == *state, || format!("closed as {state:?}, opened as {:?}", store.state()))?;
    same_cut(None, store.opened().cut.as_ref())?;
    Ok(Some(store))
}
