//! [`Stage`]: the directory of a fork under the name of what is unfinished, beside the one that it will be.
//!
//! Knows files and names, not what is in them. Always: a directory that somebody else made is left as it is; the target has its name
//! only once all in it is durable.

use crate::error::{Error, IoContext, Occupant, Result};
use crate::io::{Disk, Lock};
use crate::layout::unfinished;
use crate::log::directory::{is_leftover, lock_as_it_is, must_be_free, occupant};
use crate::segment::bases_in;
use crate::segment::copy::{copy_file, fresh};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Says that what is beside it is a fork that is not finished. By its ending it is nobody's file.
const BEGUN: &str = "fork-begun.tmp";

/// A directory that is this fork's own. Dropped before it has become the target, it goes.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) dir: PathBuf,
    target: PathBuf,
    is_over: bool,
    _lock: Box<dyn Lock>,
}

impl<'a> Stage<'a> {
    /// Makes the directory, or takes the one of a fork to this target that was interrupted, and empties it.
    pub(super) fn claim(disk: &'a dyn Disk, target: &Path) -> Result<Stage<'a>> {
        // Without a slash at its end, behind which a longer name would be in another directory.
        let target: PathBuf = target.components().collect();
        if target.file_name().is_none() {
            return Err(io::Error::from(ErrorKind::InvalidInput)).during("give a fork the name", &target);
        }
        let dir = unfinished(&target);
        disk.create_dir(&dir).during("create directory", &dir)?;
        let lock = lock_as_it_is(disk, &dir)?;
        must_be_ours(disk, &dir)?;
        let stage = Stage { disk, dir, target, is_over: false, _lock: lock };
        stage.clear()?;
        fresh(disk, &stage.dir.join(BEGUN)).map(drop)?;
        stage.sync()?;
        Ok(stage)
    }

    /// Gives a file its name here too; where the file system cannot, a copy, and tells how long that is.
    pub(super) fn share(&self, from: &Path) -> Result<Option<u64>> {
        let to = self.dir.join(from.file_name().unwrap_or_default());
        match self.disk.link(from, &to) {
            Ok(()) => Ok(None),
            Err(error) if has_no_links(&error) => copy_file(self.disk, from, &to).map(Some),
            Err(error) => Err(error).during("link", from),
        }
    }

    /// Where the segments begin.
    pub(super) fn bases(&self) -> Result<Vec<u64>> {
        Ok(bases_in(&self.disk.list(&self.dir).during("list", &self.dir)?))
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.disk.sync_dir(&self.dir).during("sync directory", &self.dir)
    }

    /// Removes what an attempt left.
    pub(super) fn clear(&self) -> Result<()> {
        for name in self.disk.list(&self.dir).during("list", &self.dir)? {
            if !is_leftover(&name) {
                let path = self.dir.join(name);
                self.disk.remove(&path).during("remove", &path)?;
            }
        }
        Ok(())
    }

    /// Gives all of it, which is durable, its name in one step.
    pub(super) fn become_the_target(mut self) -> Result<()> {
        let target = self.target.clone();
        self.vacate()?;
        match self.disk.rename(&self.dir, &target) {
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
                return Err(Error::Exists { path: target });
            }
            answer => answer.during("rename directory", &self.dir)?,
        }
        self.is_over = true;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        self.disk.sync_dir(parent).during("sync directory", parent)?;
        self.remove(&target.join(BEGUN));
        Ok(())
    }

    /// A directory takes the place of an empty one only. What interrupted beginnings left there goes.
    fn vacate(&self) -> Result<()> {
        let (disk, target) = (self.disk, &self.target);
        if let Some(Occupant::Missing) = occupant(disk, target)? {
            return Ok(());
        }
        let _lock = lock_as_it_is(disk, target)?;
        must_be_free(disk, target)?;
        for name in disk.list(target).during("list", target)? {
            self.remove(&target.join(name));
        }
        Ok(())
    }

    /// Removes what is in nobody's way.
    fn remove(&self, path: &Path) {
        if let Err(error) = self.disk.remove(path) {
            tracing::debug!(path = %path.display(), %error, "a file that is of no use any more stays");
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // What says whose it is goes last, also for a power cut.
        if let Err(error) = self.clear().and_then(|()| self.sync()) {
            tracing::debug!(%error, "what is left of a fork stays");
            return;
        }
        for name in self.disk.list(&self.dir).unwrap_or_default() {
            self.remove(&self.dir.join(name));
        }
        if let Err(error) = self.disk.remove_dir(&self.dir) {
            tracing::debug!(dir = %self.dir.display(), %error, "what is left of a fork stays");
        }
    }
}

/// Refuses a directory that holds anything but what a fork left that was interrupted.
fn must_be_ours(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let names = disk.list(dir).during("list", dir)?;
    let is_ours = names.iter().any(|name| name == BEGUN) || names.iter().all(|name| is_leftover(name));
    match is_ours && disk.is_vacant(dir).during("list", dir)? {
        true => Ok(()),
        false => Err(Error::Exists { path: dir.to_owned() }),
    }
}

/// What a file system answers that has no links at all, none from another one, or no more of this file.
fn has_no_links(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), Unsupported | CrossesDevices | TooManyLinks | PermissionDenied)
}
