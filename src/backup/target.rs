//! The directory of a backup: whether it may be one, what is in it, and what goes from it.
//!
//! Always: nothing is changed in a directory that holds anything but an earlier backup of the same store, or the beginning of
//! one; it is looked at under its lock.

use super::{Backup, Copied, Source, Span};
use crate::error::{Error, IoContext, Occupant, Result, Role};
use crate::exchange;
use crate::io::{Disk, Env, Lock};
use crate::layout::{StoreId, edition_of};
use crate::log;
use crate::log::directory::{self, occupant, remove_unfinished};
use crate::segment::format::Header;
use crate::segment::reader::SegmentReader;
use crate::segment::{bases_in, path_of, recovery};
use crate::snapshot;
use std::path::Path;

/// The newest segment of a backup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) header: Header,
    /// The offset and the chain after its last record.
    pub(super) head: u64,
    pub(super) chain: u32,
}

/// A directory that is this run's own.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) env: &'a Env,
    pub(super) dir: &'a Path,
    /// Where the segments begin, ascending.
    pub(super) bases: Vec<u64>,
    pub(super) tail: Option<Tail>,
    pub(super) copied: Copied,
    _lock: Box<dyn Lock>,
}

impl<'a> Target<'a> {
    /// Takes the directory, if it is missing, empty, or holds a backup of `store` or what is left of the beginning of one.
    pub(super) fn claim(env: &'a Env, dir: &'a Path, store: StoreId) -> Result<Target<'a>> {
        let disk = &*env.disk;
        // Before a lock is put anywhere.
        admit(disk, dir, store)?;
        disk.create_dir(dir).during("create directory", dir)?;
        let lock = directory::lock(disk, dir)?;
        let bases = admit(disk, dir, store)?;
        let tail = tail_of(disk, dir, &bases, store)?;
        remove_unfinished(disk, dir, &disk.list(dir).during("list", dir)?)?;
        exchange::sweep(disk, dir);
        let target = Target { env, dir, bases, tail, copied: Copied::default(), _lock: lock };
        target.finish_a_roll()?;
        Ok(target)
    }

    pub(super) fn disk(&self) -> &'a dyn Disk {
        &*self.env.disk
    }

    /// The oldest version that the backup has.
    pub(super) fn oldest(&self) -> u64 {
        self.tail.map_or(0, |tail| tail.header.origin)
    }

    /// How often the history had been made anew by the time of the backup, if there is one.
    pub(super) fn edition(&self) -> Option<u32> {
        self.tail.map(|tail| edition_of(tail.header.epoch))
    }

    /// The names of all segments and snapshots.
    pub(super) fn files(&self) -> Result<Vec<String>> {
        let mut names = self.disk().list(self.dir).during("list", self.dir)?;
        names.retain(|name| {
            let alone = std::slice::from_ref(name);
            !bases_in(alone).is_empty() || !snapshot::versions_in(alone).is_empty()
        });
        Ok(names)
    }

    /// Refuses a source with another history. What a backup has and its source has given up is not in question.
    pub(super) fn must_agree_with(&self, source: &Source<'_>, span: &Span) -> Result<()> {
        let Span { oldest, head, .. } = *span;
        let Some(tail) = self.tail.filter(|tail| tail.head >= oldest) else { return Ok(()) };
        let common = tail.head.min(head);
        if tail.head <= head && source.view.chain_at(common)? == tail.chain {
            return Ok(());
        }
        let own = log::Reader::in_env(self.env, self.dir, None)?;
        let agreed_from = oldest.max(self.oldest());
        let offset = own
            .first_difference(|offset| source.view.chain_at(offset), agreed_from, common)?
            .unwrap_or(common);
        Err(Error::Diverged { offset, source_head: head, replica_head: tail.head })
    }

    /// Makes the names in the directory durable.
    pub(super) fn sync(&self) -> Result<()> {
        self.disk().sync_dir(self.dir).during("sync directory", self.dir)
    }

    /// Removes the segments and snapshots before the oldest version, one after the other as a log does.
    pub(super) fn remove_what_was_given_up(&mut self) -> Result<()> {
        let oldest = self.oldest();
        let gone: Vec<u64> = self.bases.iter().copied().filter(|&base| base < oldest).collect();
        for base in gone {
            let path = path_of(self.dir, base);
            self.disk().remove(&path).during("remove segment", &path)?;
            self.sync()?;
            self.bases.retain(|&known| known != base);
        }
        let names = self.disk().list(self.dir).during("list", self.dir)?;
        self.remove_snapshots(snapshot::versions_in(&names).into_iter().filter(|&version| version < oldest))
    }

    pub(super) fn remove_snapshots(&self, versions: impl Iterator<Item = u64>) -> Result<()> {
        let mut removed = 0;
        for version in versions {
            let path = snapshot::path_of(self.dir, version);
            self.disk().remove(&path).during("remove snapshot", &path)?;
            removed += 1;
        }
        if removed > 0 { self.sync() } else { Ok(()) }
    }

    /// What this run came to.
    pub(super) fn report(&self) -> Result<Backup> {
        let names = self.disk().list(self.dir).during("list", self.dir)?;
        let (segments, snapshots) = (bases_in(&names).len(), snapshot::versions_in(&names).len());
        let Copied { segments: new_segments, snapshots: new_snapshots, bytes, passed_over } = &self.copied;
        let segments_copied = new_segments.range(self.oldest()..).count();
        let snapshots_copied = new_snapshots.range(self.oldest()..).count();
        Ok(Backup {
            version: self.tail.map_or(0, |tail| tail.head),
            oldest: self.oldest(),
            copied_bytes: *bytes,
            segments_copied,
            segments_kept: segments.saturating_sub(segments_copied),
            snapshots_copied,
            snapshots_kept: snapshots.saturating_sub(snapshots_copied),
            passed_over: passed_over.clone(),
        })
    }
}

/// Where the segments in the directory begin, if it may be written to as a backup of `store`.
fn admit(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<Vec<u64>> {
    if let Err(Error::Unfinished { .. }) = exchange::must_be_over(disk, dir) {
        // Taking the lock finishes it; then it is looked at again.
        return Ok(Vec::new());
    }
    match occupant(disk, dir)? {
        Some(Occupant::Missing | Occupant::Empty) => return Ok(Vec::new()),
        Some(Occupant::Remains) if is_a_beginning(disk, dir, store)? => return Ok(Vec::new()),
        Some(_) => return Err(Error::Exists { path: dir.to_owned() }),
        None => {}
    }
    let bases = bases_in(&disk.list(dir).during("list", dir)?);
    if let Some(&newest) = bases.last() {
        let newest = SegmentReader::open(disk, path_of(dir, newest), newest)?;
        Role::of(newest.header()).must_be(Role::Backup, dir)?;
    }
    Ok(bases)
}

/// What the backup of `store` ends with.
fn tail_of(disk: &dyn Disk, dir: &Path, bases: &[u64], store: StoreId) -> Result<Option<Tail>> {
    if bases.is_empty() {
        return Ok(None);
    }
    let layout = recovery::inspect(disk, dir, bases)?;
    let header = layout.active.header;
    if header.store != store {
        return Err(Error::Foreign { expected: header.store, found: store });
    }
    Ok(Some(Tail { header, head: layout.head(), chain: layout.active.chain }))
}

/// Whether there is nothing but the snapshot that a backup of this store was to begin with.
fn is_a_beginning(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<bool> {
    let names = disk.list(dir).during("list", dir)?;
    let versions = snapshot::versions_in(&names);
    let ours = |version: &u64| {
        let header = snapshot::read_header(disk, &snapshot::path_of(dir, *version), *version);
        header.is_ok_and(|header| header.store == store)
    };
    let others = names.len() - versions.len();
    let leftovers = names.iter().filter(|name| directory::is_leftover(name)).count();
    Ok(others == leftovers && versions.iter().all(ours) && disk.is_vacant(dir).during("list", dir)?)
}

/// Whether the segment that begins at `base` is sealed.
pub(super) fn is_sealed(disk: &dyn Disk, dir: &Path, base: u64) -> Result<bool> {
    Ok(SegmentReader::open(disk, path_of(dir, base), base)?.seal()?.is_some())
}
