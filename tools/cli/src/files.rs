//! The user's own files: what is read in, and how large things on disk are. Stores are the library's.
//!
//! The one place of the command that uses std::fs. Always: an error names the file.

#![expect(clippy::disallowed_methods, reason = "these are the user's files, not a store's")]

use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Whether the name stands for stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// How a source is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "stdin".into() } else { path.display().to_string() }
}

/// All of a file, or of stdin for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", name(path)))?;
    Ok(bytes)
}

/// A file, or stdin for `-`, to be read piece by piece.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if is_stdin(path) {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// Writes a file that does not exist yet: whatever `fill` writes, durably.
pub(crate) fn write_new(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let file = File::create_new(path).with_context(cannot)?;
    let mut out = BufWriter::new(file);
    fill(&mut out).with_context(cannot)?;
    let file = out.into_inner().map_err(|error| error.into_error()).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}

/// The size of a plain file, where that can be known.
pub(crate) fn size(path: &Path) -> Option<u64> {
    let about = std::fs::metadata(path).ok()?;
    about.is_file().then_some(about.len())
}

/// Whether there is something at this path.
pub(crate) fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Whether there is a directory with something in it, or a file: whatever a new store could not take the place of.
pub(crate) fn is_taken(path: &Path) -> bool {
    std::fs::read_dir(path).map_or_else(|_| exists(path), |mut entries| entries.next().is_some())
}

/// The bytes of the files in a directory, without its subdirectories.
pub(crate) fn directory_bytes(path: &Path) -> Result<u64> {
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
    let mut total = 0;
    for entry in entries {
        let about = entry?.metadata()?;
        total += if about.is_file() { about.len() } else { 0 };
    }
    Ok(total)
}

/// Something in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Nothing of a directory.
    pub(crate) bytes: u64,
    pub(crate) is_directory: bool,
}

/// What is in a directory, by name. What goes while it is looked at is left out.
pub(crate) fn entries(path: &Path) -> std::io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let Ok(about) = entry.metadata() else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_directory = about.is_dir();
        found.push(Entry { name, bytes: if is_directory { 0 } else { about.len() }, is_directory });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The bytes of the files in a directory and below it, as far as they can be looked at.
pub(crate) fn tree_bytes(path: &Path) -> u64 {
    let entries = entries(path).unwrap_or_default();
    let bytes = |entry: &Entry| match entry.is_directory {
        true => tree_bytes(&path.join(&entry.name)),
        false => entry.bytes,
    };
    entries.iter().map(bytes).sum()
}

/// The first bytes of a file, at most so many.
pub(crate) fn beginning(path: &Path, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    File::open(path)?.take(bytes).read_to_end(&mut read)?;
    Ok(read)
}

/// Device and number of a file: what it is, whatever it is called.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

/// Whose a file or directory is.
pub(crate) fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::symlink_metadata(path).ok().map(|about| about.uid())
}

/// Whether something of that name is there, whatever it is.
pub(crate) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Where symbolic links in a directory lead, as far as that can be looked at.
pub(crate) fn links_in(path: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect()
}

/// How much room the file system has where this is: what is left for programs, and all of it, in bytes.
pub(crate) fn room(path: &Path) -> Option<(u64, u64)> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some((told.f_bavail.saturating_mul(told.f_frsize), told.f_blocks.saturating_mul(told.f_frsize)))
}

/// Writes a file, in the place of one that may be there.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a directory that must not exist or be empty.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    anyhow::ensure!(!is_taken(path), "{} already exists and is not an empty directory", path.display());
    std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Makes a directory, and those above it, where they are not there yet.
pub(crate) fn make_if_missing(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Makes a directory that nobody else can look into, and those above it, where they are not there yet.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("cannot create {}", path.display()))
}
