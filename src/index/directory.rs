//! Where an index is: in a numbered directory of its own inside `index`, of which the highest number counts.
//!
//! An index that is lost is not mended and not emptied, for either takes longer than making it anew: the next number is begun
//! and those before are removed. Always: removing any of these directories, at any time, loses nothing but the time to make
//! it again.

use super::tree::Lost;
use crate::io::{Disk, RealDisk};
use crate::layout::{number_in, numbered};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

pub(super) const NAME: &str = "index";
const EXTENSION: &str = "sled";

/// The directory of the newest index; what older ones left is removed.
pub(super) fn newest(dir: &Path) -> Result<PathBuf, Lost> {
    let number = numbers(dir)?.last().copied().unwrap_or(0);
    begin(dir, number)
}

/// A directory for an index that is to be made anew.
pub(super) fn next(dir: &Path) -> Result<PathBuf, Lost> {
    let number = numbers(dir)?.last().map_or(0, |newest| newest.wrapping_add(1));
    begin(dir, number)
}

/// Removes all there is of the index of a store.
pub(crate) fn remove(disk: &dyn Disk, store: &Path) {
    let Some(dir) = disk.local(&store.join(NAME)) else { return };
    match RealDisk.remove_tree(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %dir.display(), %error, "an old index stays");
        }
        _ => {}
    }
}

fn begin(dir: &Path, number: u64) -> Result<PathBuf, Lost> {
    let path = dir.join(numbered(number, EXTENSION));
    RealDisk.create_dir(&path).map_err(|error| lost(&path, &error))?;
    for older in numbers(dir)?.into_iter().filter(|&older| older != number) {
        let path = dir.join(numbered(older, EXTENSION));
        if let Err(error) = RealDisk.remove_tree(&path) {
            tracing::warn!(path = %path.display(), %error, "an old index stays");
        }
    }
    Ok(path)
}

fn numbers(dir: &Path) -> Result<Vec<u64>, Lost> {
    let names = match RealDisk.directories(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        answer => answer.map_err(|error| lost(dir, &error))?,
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_in(name, EXTENSION)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn lost(path: &Path, why: &impl Display) -> Lost {
    Lost(format!("{}: {why}", path.display()))
}
