//! A directory in which files were being exchanged, and what says so can no longer be read: which of two histories counts.
//!
//! Files of the one that was made anew are known by their edition, wherever they are. Each history is looked at alone, by the rules
//! for every other directory. Leaves doing it to `act`. Always: one that is not whole is never preferred; the file that keeps
//! everybody out goes last, so that an interrupted repair leads to the same end.

use super::plan::{Plan, of_one_history};
use super::step::{Mending, Step, Why, Work};
use crate::cursors;
use crate::error::{Damage, Error, IoContext, Result};
use crate::exchange;
use crate::io::{Access, Disk, File, LockAttempt};
use crate::layout::edition_of;
use crate::segment::format::Header;
use crate::segment::{bases_in, packed};
use crate::snapshot;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names, and where the files are.
type Named = BTreeMap<String, PathBuf>;

/// What there is of both.
struct Both {
    /// What waits to be moved.
    waiting: Named,
    /// What is in the directory, of the history that was made anew.
    moved: Named,
    /// What is in the directory besides.
    old: Named,
    /// They have no edition: those that are there are as good as any.
    cursors: Named,
}

pub(super) fn plan(disk: &dyn Disk, dir: &Path, flaw: Damage) -> Result<Plan> {
    let both = Both::read(disk, dir)?;
    if both.waiting.is_empty() && (both.moved.is_empty() || both.old.is_empty()) {
        // There is but one.
        let mut plan = of_one_history(disk, dir)?;
        both.reopen(disk, &mut plan, flaw)?;
        return Ok(plan);
    }
    let (new, old) = (both.new_alone(disk, dir)?, both.old_alone(disk, dir)?);
    let mut plan = match (new, old) {
        // One that was made to the end has all that it takes the place of, and a change more that says what happened.
        (Some(new), Some(old)) if new.versions.end <= old.versions.end || new.store != old.store => {
            both.give_up(disk, old)?
        }
        (Some(new), _) => both.take_over(disk, dir, new)?,
        (None, Some(old)) => both.give_up(disk, old)?,
        (None, None) => return Err(Error::Irreparable { path: dir.to_owned(), why: Box::new(flaw) }),
    };
    both.reopen(disk, &mut plan, flaw)?;
    Ok(plan)
}

impl Both {
    fn read(disk: &dyn Disk, dir: &Path) -> Result<Both> {
        let stage = exchange::stage(dir);
        let waiting = match disk.list(&stage) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Named::new(),
            _ => history_in(disk, &stage)?,
        };
        let (cursors, here): (Named, Named) =
            history_in(disk, dir)?.into_iter().partition(|(name, _)| name == cursors::NAME);
        let mut editions = BTreeMap::new();
        for path in waiting.values().chain(here.values()) {
            editions.insert(path.clone(), edition(disk, path)?);
        }
        let newest = editions.values().flatten().max().copied();
        let (moved, old) = here.into_iter().partition(|(_, path)| editions[path] == newest);
        Ok(Both { waiting, moved, old, cursors })
    }

    fn new_alone(&self, disk: &dyn Disk, dir: &Path) -> Result<Option<Plan>> {
        // What waits comes in the place of what has its name.
        let files = [&self.cursors, &self.moved, &self.waiting].into_iter().flatten().map(owned);
        whole(disk, dir, files.collect())
    }

    fn old_alone(&self, disk: &dyn Disk, dir: &Path) -> Result<Option<Plan>> {
        whole(disk, dir, self.cursors.iter().chain(&self.old).map(owned).collect())
    }

    /// The new history takes the place of the old one.
    fn take_over(&self, disk: &dyn Disk, dir: &Path, mut plan: Plan) -> Result<Plan> {
        let why = Why::MadeAnew { head: plan.versions.end };
        for (name, from) in &self.waiting {
            let (from, to) = (from.clone(), dir.join(name));
            let here = [&self.old, &self.moved, &self.cursors];
            plan.copied.extend(here.into_iter().find_map(|files| files.get(name)).cloned());
            let mending = Mending::Moved { to: to.clone() };
            let work = Work::Move { from: from.clone(), to };
            plan.steps.push(Step { path: from, mending, why: why.clone(), work });
        }
        let gone = self.old.iter().filter(|(name, _)| !self.waiting.contains_key(*name));
        for (_, path) in gone {
            plan.remove(disk, path, why.clone())?;
        }
        Ok(plan)
    }

    /// The old history stays. What was being made goes, its segments first: without them it will not look whole.
    fn give_up(&self, disk: &dyn Disk, mut plan: Plan) -> Result<Plan> {
        let why = Why::GivenUp { head: plan.versions.end };
        let mut gone: Vec<&PathBuf> = self.moved.values().chain(self.waiting.values()).collect();
        gone.sort_by_key(|path| bases_in(&[name_of(path)]).is_empty());
        for path in gone {
            plan.remove(disk, path, why.clone())?;
        }
        Ok(plan)
    }

    /// Last, what keeps everybody out.
    fn reopen(&self, disk: &dyn Disk, plan: &mut Plan, flaw: Damage) -> Result<()> {
        plan.remove(disk, &flaw.path, Why::Damaged(flaw.defect))
    }
}

impl Plan {
    fn remove(&mut self, disk: &dyn Disk, path: &Path, why: Why) -> Result<()> {
        let path = path.to_owned();
        let file = disk.open(&path, Access::Read).during("open", &path)?;
        let mending = Mending::Removed { bytes: file.len().during("measure", &path)? };
        self.copied.push(path.clone());
        self.steps.push(Step { path: path.clone(), mending, why, work: Work::Remove(path) });
        Ok(())
    }
}

fn owned((name, path): (&String, &PathBuf)) -> (String, PathBuf) {
    (name.clone(), path.clone())
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The files in a directory that a history is made of.
fn history_in(disk: &dyn Disk, dir: &Path) -> Result<Named> {
    let names = disk.list(dir).during("list", dir)?.into_iter().filter(|name| {
        let alone = std::slice::from_ref(name);
        name == cursors::NAME || !bases_in(alone).is_empty() || !snapshot::versions_in(alone).is_empty()
    });
    Ok(names.map(|name| (name.clone(), dir.join(name))).collect())
}

/// How often the history had been made anew that a file says it is of; nothing where it does not say.
fn edition(disk: &dyn Disk, path: &Path) -> Result<Option<u32>> {
    let name = [name_of(path)];
    let epoch = match (bases_in(&name).first(), snapshot::versions_in(&name).first()) {
        (Some(_), _) => {
            let opened = packed::open(disk, path)?;
            Header::decode(&opened.head[..opened.count], path).map(|header| header.epoch)
        }
        (None, Some(&version)) => snapshot::read_header(disk, path, version).map(|header| header.epoch),
        (None, None) => return Ok(None),
    };
    match epoch {
        Ok(epoch) => Ok(Some(edition_of(epoch))),
        Err(Error::Damaged(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The plan for these files alone, if there is nothing to be done to them.
fn whole(disk: &dyn Disk, dir: &Path, files: Named) -> Result<Option<Plan>> {
    match of_one_history(&Alone { disk, dir, files }, dir) {
        Ok(plan) => Ok(Some(plan).filter(|plan| plan.steps.is_empty())),
        Err(Error::Irreparable { .. } | Error::NotAStore { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A directory as if it held only some files, which may be elsewhere. Only for reading.
#[derive(Debug)]
struct Alone<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    files: Named,
}

impl Disk for Alone<'_> {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if dir == self.dir { Ok(self.files.keys().cloned().collect()) } else { self.disk.list(dir) }
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        self.disk.is_vacant(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        if access != Access::Read {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if path.parent() != Some(self.dir) {
            return self.disk.open(path, access);
        }
        let elsewhere = self.files.get(&name_of(path)).ok_or(io::ErrorKind::NotFound)?;
        self.disk.open(elsewhere, access)
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn try_lock(&self, _path: &Path) -> io::Result<LockAttempt> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}
