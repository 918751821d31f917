//! Exchanging the files of a directory for others, all of them or none.
//!
//! The new files are written to a directory inside, complete and synced. Then a file in the directory itself says what they
//! are called and which old ones go, and that is the moment from which the new ones count: whoever takes the lock next finishes
//! what was begun. Knows names, not what is in the files. Laid out in `segment/FORMAT.md`, "Exchange".
//!
//! Always: before that file has its name nothing of the old files was touched; as long as it is there nobody reads the
//! directory, for it may hold some of either; once it is gone all are new.

use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, read_full_at, write_all_at};
use crate::layout::{CHECK_BYTES, checksum, u32_at, unfinished};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the new files wait.
const STAGE: &str = "exchange";
/// Says that they count.
const NAME: &str = "EXCHANGE";
const MAGIC: [u8; 8] = *b"REDREXCH";
/// A name is some thirty bytes, and a store with more segments than this would hold has exabytes.
const BYTES_MAX: u64 = 64 << 20;

/// Where the new files are to be put.
pub(crate) fn stage(dir: &Path) -> PathBuf {
    dir.join(STAGE)
}

/// Refuses a directory in which files are being exchanged.
pub(crate) fn must_be_over(disk: &dyn Disk, dir: &Path) -> Result<()> {
    match disk.open(&dir.join(NAME), Access::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(Error::Unfinished { path: dir.to_owned() }),
        Err(error) => Err(error).during("look for an exchange", dir),
    }
}

/// What is wrong with the file that says that new files count; nothing if it is good, or not there.
pub(crate) fn flaw(disk: &dyn Disk, dir: &Path) -> Result<Option<Damage>> {
    match read(disk, &dir.join(NAME)) {
        Err(Error::Damaged(damage)) => Ok(Some(damage)),
        answer => answer.map(|_| None),
    }
}

/// Makes room for new files; what an attempt left that did not get so far goes.
pub(crate) fn prepare(disk: &dyn Disk, dir: &Path) -> Result<PathBuf> {
    let stage = stage(dir);
    disk.create_dir(&stage).during("create directory", &stage)?;
    for name in disk.list(&stage).during("list", &stage)? {
        remove(disk, &stage.join(name))?;
    }
    disk.sync_dir(&stage).during("sync directory", &stage)?;
    Ok(stage)
}

/// What comes and what goes, by name.
#[derive(Debug, PartialEq, Eq)]
struct Exchange {
    new: Vec<String>,
    /// Without those that a new one takes the place of.
    gone: Vec<String>,
}

/// From here on the new files count, which are those in the stage, and `old` ones do not. The new ones are durable, names and
/// all.
pub(crate) fn decide(disk: &dyn Disk, dir: &Path, new: &[String], old: &[String]) -> Result<()> {
    let (path, stage) = (dir.join(NAME), stage(dir));
    disk.sync_dir(&stage).during("sync directory", &stage)?;
    let gone = old.iter().filter(|name| !new.contains(name)).cloned().collect();
    let bytes = Exchange { new: new.to_vec(), gone }.encode();
    let unfinished = unfinished(&path);
    remove(disk, &unfinished)?;
    let file = disk.open(&unfinished, Access::Create).during("create", &unfinished)?;
    write_all_at(&*file, &bytes, 0).during("write", &unfinished)?;
    file.sync().during("sync", &unfinished)?;
    disk.rename(&unfinished, &path).during("rename", &path)?;
    disk.sync_dir(dir).during("sync directory", dir)
}

/// Finishes an exchange that was decided, if there is one. Called under the lock; doing it again comes to the same end.
pub(crate) fn finish(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let (path, stage) = (dir.join(NAME), stage(dir));
    let Some(Exchange { new, gone }) = read(disk, &path)? else { return Ok(()) };
    tracing::info!(dir = %dir.display(), "finishing an exchange of files");
    for name in &new {
        let (from, to) = (stage.join(name), dir.join(name));
        match disk.rename(&from, &to) {
            // It was moved before an interruption.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            answer => answer.during("rename", &from)?,
        }
    }
    // Where the names come to first: at no time are they in neither.
    disk.sync_dir(dir).during("sync directory", dir)?;
    match disk.sync_dir(&stage) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        answer => answer.during("sync directory", &stage)?,
    }
    for name in &gone {
        remove(disk, &dir.join(name))?;
    }
    disk.sync_dir(dir).during("sync directory", dir)?;
    clear(disk, &stage);
    disk.remove(&path).during("remove", &path)?;
    disk.sync_dir(dir).during("sync directory", dir)
}

/// Removes what an attempt left that was never decided: it may be as large as all the rest. Called under the lock, once the
/// directory may be changed.
pub(crate) fn sweep(disk: &dyn Disk, dir: &Path) {
    let stage = stage(dir);
    if disk.list(&stage).is_ok() {
        tracing::info!(stage = %stage.display(), "removing files that were not exchanged");
        clear(disk, &stage);
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        answer => answer.during("remove", path),
    }
}

/// What is left of the stage is of no use, and in nobody's way.
fn clear(disk: &dyn Disk, stage: &Path) {
    for name in disk.list(stage).unwrap_or_default() {
        let path = stage.join(name);
        if let Err(error) = disk.remove(&path) {
            tracing::warn!(path = %path.display(), %error, "a file that is of no use any more stays");
        }
    }
    if let Err(error) = disk.remove_dir(stage) {
        tracing::debug!(path = %stage.display(), %error, "an empty directory stays");
    }
}

impl Exchange {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (sign, names) in [(b'+', &self.new), (b'-', &self.gone)] {
            for name in names {
                bytes.push(sign);
                bytes.extend(name.bytes());
                bytes.push(b'\n');
            }
        }
        let check = checksum(0, &[&bytes]);
        bytes.extend(check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> std::result::Result<Exchange, (usize, Defect)> {
        let undecodable =
            |byte, reason: &str| (byte, Defect::Undecodable { part: "the exchange", reason: reason.into() });
        let end = bytes.len().checked_sub(CHECK_BYTES).ok_or_else(|| undecodable(0, "it is too short"))?;
        let (stored, computed) = (u32_at(bytes, end), checksum(0, &[&bytes[..end]]));
        if stored != computed {
            return Err((end, Defect::Checksum { part: "the exchange", stored, computed }));
        }
        let lines =
            bytes[..end].strip_prefix(&MAGIC).ok_or_else(|| undecodable(0, "it is something else"))?;
        let lines = std::str::from_utf8(lines).map_err(|_| undecodable(MAGIC.len(), "it is no text"))?;
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        for line in lines.lines() {
            let names = if line.starts_with('+') { &mut new } else { &mut gone };
            let name = line.strip_prefix(['+', '-']).filter(|name| is_plain(name));
            names.push(
                name.ok_or_else(|| undecodable(MAGIC.len(), "a name that leads elsewhere"))?.to_owned(),
            );
        }
        Ok(Exchange { new, gone })
    }
}

/// Whoever wrote it, nothing leads out of the directory.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|last| last == name)
}

/// What was decided; nothing if nothing was.
fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Exchange>> {
    let file = match disk.open(path, Access::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        answer => answer.during("open", path)?,
    };
    let len = file.len().during("measure", path)?;
    if len > BYTES_MAX {
        return Err(damage(path, BYTES_MAX, Defect::Length { part: "file", found: len, most: BYTES_MAX }));
    }
    let mut bytes = vec![0; len as usize];
    let count = read_full_at(&*file, &mut bytes, 0).during("read", path)?;
    bytes.truncate(count);
    Exchange::decode(&bytes).map(Some).map_err(|(byte, defect)| damage(path, byte as u64, defect))
}

fn damage(path: &Path, byte: u64, defect: Defect) -> Error {
    Damage { path: path.to_owned(), byte, defect, intact: None }.into()
}
