//! What to do about an error: one line that follows it.
//!
//! Leaves what happened to the error itself. Always: nothing is told where there is nothing better to say than the error did.

use crate::{files, places, text};
use redraft::{Error, Occupant, Role};
use std::io::ErrorKind;
use std::path::Path;

/// How many letters of a name may be wrong.
const TYPOS_MAX: usize = 2;

pub(crate) fn step(error: &anyhow::Error) -> Option<String> {
    // Of all that an error says, the library's own words are about the store.
    error.chain().find_map(|cause| cause.downcast_ref::<Error>()).and_then(of)
}

fn of(error: &Error) -> Option<String> {
    let at = error.path().map(|path| text::quoted(&path.display().to_string())).unwrap_or_default();
    Some(match error {
        Error::NotAStore { path, found } => not_a_store(path, *found),
        Error::Locked { .. } => {
            format!("wait until it ends, or only read: verbs that read work beside it; redraft doctor {at}")
        }
        Error::Unfinished { .. } => {
            format!("echo '[]' | redraft apply {at} finishes it; redraft doctor {at} tells who is at it")
        }
        Error::Damaged(_) | Error::Irreparable { .. } => damaged(error),
        Error::Compacted { oldest, .. } | Error::BeforeKept { oldest, .. } => {
            format!(
                "ask for version {oldest} or a later one; a backup that was made before may have older ones"
            )
        }
        Error::BeyondHead { head, .. } => {
            format!("ask for version {head} or an earlier one; redraft log STORE -n 1 shows the newest")
        }
        Error::Foreign { .. } => {
            "they never were one store: see whether both paths are right; a copy of another store begins in another directory".into()
        }
        Error::Diverged { .. } => {
            "redraft compare tells where two histories part; begin the copy anew in another directory".into()
        }
        Error::Altered { .. } => {
            "what the stream lost, redraft mirror COPY STREAM puts back; otherwise move a copy into a new stream".into()
        }
        Error::Superseded { .. } => {
            "follow the new primary; redraft rejoin makes a replica of the old one".into()
        }
        Error::Newer { .. } => "install the newer redraft: cargo install redraft-cli".into(),
        Error::NewerSchema { .. } => {
            "run the newer program, or read with this command, which takes every schema".into()
        }
        Error::Role { found, .. } => role(*found, &at)?,
        Error::Exists { .. } => "take a directory that is empty or not there yet".into(),
        Error::PlanOutdated { .. } => "run the same command again".into(),
        Error::UndoConflict { later, .. } => format!("redraft undo STORE {later}, and then this one again"),
        Error::Io { path, source, .. } => io(path, source.kind(), &at)?,
        Error::Unreachable { from, source, .. } => unreachable_source(from, source.kind())?,
        Error::Poisoned { source, .. } | Error::Ended { source } => of(source)?,
        _ => return None,
    })
}

/// Where the history of a store is that has lost its segments.
pub(crate) const HISTORY_BACK: &str = "take its history back from where there is a copy: a backup, a replica, a stream, an archive (redraft archive fetch); a copy that was begun is made anew";

fn not_a_store(path: &Path, found: Occupant) -> String {
    let at = text::quoted(&path.display().to_string());
    match (found, meant(path)) {
        (Occupant::Missing, Some(meant)) => {
            format!("there is {meant}: is that meant? redraft init {at} makes a new one")
        }
        (Occupant::Missing | Occupant::Empty, _) => {
            format!("see whether the path is right; redraft init {at} makes a new store there")
        }
        (Occupant::Remains, _) => HISTORY_BACK.into(),
        _ => "give the directory that redraft init made; ls -la shows what is there".into(),
    }
}

/// A store beside the path that is called nearly so.
pub(crate) fn meant(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = files::entries(beside).ok()?;
    let near = |entry: &&files::Entry| entry.is_directory && distance(&entry.name, name) <= TYPOS_MAX;
    let is_store = |entry: &&files::Entry| {
        files::entries(&beside.join(&entry.name))
            .is_ok_and(|files| files.iter().any(|file| file.name.ends_with(".seg")))
    };
    let found = entries.iter().filter(near).find(is_store)?;
    Some(text::quoted(&path.with_file_name(&found.name).display().to_string()))
}

/// How many letters have to be put in, taken out or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], index + 1);
        for (column, theirs) in other.iter().enumerate() {
            let changed = before + usize::from(letter != *theirs);
            before = row[column + 1];
            row[column + 1] = changed.min(before + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

fn damaged(error: &Error) -> String {
    let path = error.damage().map(|damage| damage.path.as_path());
    let dir = path.map(|path| if path.extension().is_some() { path.parent().unwrap_or(path) } else { path });
    let at = dir.map_or("STORE".into(), |dir| text::quoted(&dir.display().to_string()));
    match error {
        Error::Irreparable { .. } => "take it from a backup or a replica".into(),
        _ => format!("take it from a backup or a replica, or see what can be kept: redraft repair {at}"),
    }
}

fn role(found: Role, at: &str) -> Option<String> {
    match found {
        Role::Replica => Some(format!(
            "change its source; redraft promote {at} makes a store of it, if the source is gone"
        )),
        Role::Backup => Some(format!("read it as it is, or redraft restore {at} --at now --to NEW")),
        _ => None,
    }
}

fn io(path: &Path, kind: ErrorKind, at: &str) -> Option<String> {
    match kind {
        ErrorKind::PermissionDenied => Some(match (files::owner(path), there(path)) {
            (Some(owner), _) => format!("it belongs to user {owner}: run this as that user, or ls -ld {at}"),
            (None, Some(there)) => {
                format!("ls -ld {} tells who may", text::quoted(&there.display().to_string()))
            }
            (None, None) => format!("ls -ld {at} tells who may"),
        }),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("df -h tells what is full".into()),
        ErrorKind::ReadOnlyFilesystem => {
            Some("the file system is mounted for reading only: verbs that read work".into())
        }
        _ => None,
    }
}

/// What is there of a path: itself, or what it would be in.
fn there(path: &Path) -> Option<&Path> {
    let named = |path: &'_ Path| !path.as_os_str().is_empty();
    let there = path.ancestors().find(|path| named(path) && files::is_there(path));
    there.or(path.is_relative().then_some(Path::new(".")))
}

fn unreachable_source(from: &str, kind: ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::NotFound if places::address(from.as_ref()).is_some() => {
            Some("redraft init makes a stream, and redraft mirror moves a store into one".into())
        }
        ErrorKind::ConnectionRefused => {
            Some("see whether it runs there, and whether host and port are right".into())
        }
        ErrorKind::PermissionDenied => {
            Some("see whether the token or the credentials are right, and permit this".into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (one, other, letters) in [
            ("notes", "notes", 0),
            ("notes", "note", 1),
            ("notes", "ntoes", 2),
            ("", "abc", 3),
            ("board", "cards", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (letters, letters), "{one} {other}");
        }
    }

    #[test]
    fn an_error_that_says_all_has_no_next_line() {
        assert_eq!(step(&anyhow::anyhow!("no")), None);
        let told = step(&anyhow::Error::new(Error::BeyondHead { version: 9, head: 3 }).context("and more"));
        assert!(told.unwrap().contains("version 3"));
    }
}
