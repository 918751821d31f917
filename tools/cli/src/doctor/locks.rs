//! Who holds the lock of a store, found out without touching it.
//!
//! Trying to take it would keep a writer out that begins just then, so the system is asked who has it. Always: nothing is locked or
//! written; who cannot be seen from here (another machine, another container) is not claimed to be absent.

use crate::files;
use std::path::Path;

const NAME: &str = "LOCK";
/// What the system tells of all locks of files, where it is Linux.
const TABLE: &str = "/proc/locks";

/// What is known of a store's writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Nobody ever wrote here, or the file cannot be looked at.
    None,
    /// This process writes.
    Held(u32),
    /// No process that can be seen from here writes; this one did last.
    Free(Option<u32>),
    /// This process wrote last, and may still; the system does not tell.
    Unknown(Option<u32>),
}

impl Lock {
    /// The process, if one surely writes.
    pub(super) fn holder(self) -> Option<u32> {
        match self {
            Lock::Held(process) => Some(process),
            _ => None,
        }
    }
}

/// Whether there is such a process.
pub(super) fn runs(process: u32) -> bool {
    files::exists(Path::new(&format!("/proc/{process}")))
}

pub(super) fn of(store: &Path) -> Lock {
    let path = store.join(NAME);
    let Ok(content) = files::beginning(&path, 20) else { return Lock::None };
    let noted: Option<u32> = String::from_utf8_lossy(&content).trim().parse().ok();
    if let Some(process) = noted.filter(|&process| has_open(process, &path)) {
        return Lock::Held(process);
    }
    let Ok(table) = files::beginning(Path::new(TABLE), 16 << 20) else { return Lock::Unknown(noted) };
    let held = files::identity(&path).and_then(|file| holder(&String::from_utf8_lossy(&table), file));
    held.map_or(Lock::Free(noted), Lock::Held)
}

/// Whether a process has this very file open, which only a writer has.
fn has_open(process: u32, path: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else { return false };
    let wanted = files::identity(&path);
    let opened = files::links_in(Path::new(&format!("/proc/{process}/fd")));
    opened.iter().any(|link| link.ends_with(NAME) && wanted.is_some() && files::identity(link) == wanted)
}

/// Who has locked a file, by the table: `1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234 0 EOF`.
fn holder(table: &str, (device, number): (u64, u64)) -> Option<u32> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let wanted = format!("{major:02x}:{minor:02x}:{number}");
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1).filter(|word| *word != "->");
        let (kind, process) = (words.next()?, words.nth(2)?);
        (kind == "FLOCK" && words.next()? == wanted).then(|| process.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_by_device_and_number() {
        let device = rustix::fs::makedev(0xfd, 1);
        let table = "1: POSIX  ADVISORY  WRITE 11 fd:01:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 22 fd:01:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 33 fd:01:78 0 EOF\n";
        assert_eq!(holder(table, (device, 77)), Some(22));
        assert_eq!(holder(table, (device, 78)), Some(33));
        assert_eq!(holder(table, (device, 79)), None);
        assert_eq!(holder("nonsense\n\n5: FLOCK", (device, 77)), None);
    }
}
