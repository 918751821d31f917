//! Decides what becomes of each file, from what is there and what of it is good.
//!
//! Leaves doing it to `act`. Always: the same files give the same plan, so a plan can be made again and compared; and a file
//! that opening accepts as it is, is left as it is.

use super::files::{Files, Piece, fine};
use super::loss::loss;
use super::step::{Loss, Mending, Step, Why, Work};
use super::undecided;
use super::walk::{Stretch, Walk, Walker};
use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::exchange;
use crate::io::Disk;
use crate::log::StoreId;
use crate::log::directory::must_be_there;
use crate::segment::copy::Piecework;
use crate::segment::footer::{Ending, Footer};
use crate::segment::format::Header;
use crate::segment::packed;
use crate::segment::path_of;
use crate::segment::reader::SegmentReader;
use crate::segment::recovery::survey;
use crate::snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Nobody repairs one store more often.
const ASIDE_MAX: u32 = 10_000;

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) store: StoreId,
    /// The oldest and the newest version kept.
    pub(super) versions: Range<u64>,
    pub(super) loss: Loss,
    pub(super) aside: PathBuf,
    /// What is copied there, by the names it has before any step.
    pub(super) copied: Vec<PathBuf>,
    pub(super) steps: Vec<Step>,
}

pub(super) fn plan(disk: &dyn Disk, dir: &Path) -> Result<Plan> {
    match must_be_there(disk, dir) {
        Err(Error::Unfinished { path }) => match exchange::flaw(disk, dir)? {
            Some(damage) => undecided::plan(disk, dir, damage),
            None => Err(Error::Unfinished { path }),
        },
        answer => answer.and_then(|()| of_one_history(disk, dir)),
    }
}

/// A plan for a directory in which there is no doubt which history is meant.
pub(super) fn of_one_history(disk: &dyn Disk, dir: &Path) -> Result<Plan> {
    let files = Files::read(disk, dir)?;
    let walk = Walker::new(disk, &files).walk()?.ok_or_else(|| nowhere_to_begin(dir, &files))?;
    let versions = walk.versions();
    let mut draft = Draft::new(disk, dir, &files, &walk);
    draft.remove_cursors();
    draft.put_in_place();
    draft.write_segments()?;
    draft.remove_what_came_before();
    draft.remove_snapshots();
    draft.remove_what_lies_behind();
    let (copied, steps) = draft.finish();
    let loss = loss(disk, &files, &walk)?;
    Ok(Plan { store: files.store, versions, loss, aside: aside(disk, dir)?, copied, steps })
}

fn nowhere_to_begin(dir: &Path, files: &Files) -> Error {
    let oldest = files.own().next().map_or(0, Piece::base);
    let damaged = files.own().next().and_then(Piece::flaw);
    let why = damaged.unwrap_or_else(|| Damage {
        path: path_of(dir, oldest),
        byte: 0,
        defect: Defect::BaseMissing { oldest },
        intact: None,
    });
    Error::Irreparable { path: dir.to_owned(), why: Box::new(why) }
}

/// The first name that is free.
fn aside(disk: &dyn Disk, dir: &Path) -> Result<PathBuf> {
    for number in 1..ASIDE_MAX {
        let path = dir.join(format!("damaged-{number}"));
        match disk.list(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {}
            answer => drop(answer.during("list", &path)?),
        }
    }
    Err(Error::Exists { path: dir.join("damaged-1") })
}

impl Walk {
    /// The oldest and the newest version kept.
    pub(super) fn versions(&self) -> Range<u64> {
        let oldest = self.stretches.first().map_or(0, |first| first.header.base);
        oldest..self.stretches.last().map_or(oldest, Stretch::head)
    }

    fn is_a_backup(&self) -> bool {
        self.stretches.last().is_some_and(|last| last.header.backup)
    }

    /// Whether it is a backup that has gone on behind a gap: the next run removes what is before.
    fn has_given_up_what_is_before(&self) -> bool {
        let oldest = self.versions().start;
        self.is_a_backup() && self.stretches.last().is_some_and(|last| last.header.origin == oldest)
    }

    fn uses(&self, piece: &Piece) -> bool {
        self.stretches.iter().any(|stretch| stretch.named == piece.named)
    }
}

/// A plan that is being made.
struct Draft<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    files: &'a Files,
    walk: &'a Walk,
    versions: Range<u64>,
    /// Where each segment file is after the moves, by the number in its first name; those that are overwritten by one are gone.
    places: BTreeMap<u64, PathBuf>,
    /// What is in the log afterwards.
    ours: BTreeSet<PathBuf>,
    copied: BTreeSet<PathBuf>,
    steps: Vec<Step>,
}

impl<'a> Draft<'a> {
    fn new(disk: &'a dyn Disk, dir: &'a Path, files: &'a Files, walk: &'a Walk) -> Self {
        let places = files.pieces.iter().map(|piece| (piece.named, piece.path.clone())).collect();
        let (ours, copied) = (BTreeSet::new(), BTreeSet::new());
        Draft { disk, dir, files, walk, versions: walk.versions(), places, ours, copied, steps: Vec::new() }
    }

    fn finish(self) -> (Vec<PathBuf>, Vec<Step>) {
        (self.copied.into_iter().collect(), self.steps)
    }

    fn step(&mut self, path: PathBuf, mending: Mending, why: Why, work: Work) {
        self.steps.push(Step { path, mending, why, work });
    }

    /// Whoever followed begins anew: no part of a damaged file is believed.
    fn remove_cursors(&mut self) {
        if let Some((damage, bytes)) = &self.files.bad_cursors {
            let (path, why) = (damage.path.clone(), Why::Damaged(damage.defect.clone()));
            self.remove(path.clone(), path, *bytes, why);
        }
    }

    /// Gives good segments the names that their headers say. One that is in the way of another goes to a name that is free
    /// first: it is found by its header there too.
    fn put_in_place(&mut self) {
        let walk = self.walk;
        for stretch in walk.stretches.iter().filter(|stretch| stretch.is_misnamed()) {
            let target = path_of(self.dir, stretch.header.base);
            let in_the_way = self.places.iter().find(|(_, place)| **place == target).map(|(&named, _)| named);
            if let Some(other) = in_the_way {
                match walk.stretches.iter().any(|stretch| stretch.named == other) {
                    true => self.shift(other, self.free_name()),
                    false => self.overwrite(other),
                }
            }
            self.shift(stretch.named, target);
        }
    }

    fn free_name(&self) -> PathBuf {
        let mut names = (0..u64::MAX).rev().map(|number| path_of(self.dir, number));
        names.find(|path| !self.places.values().any(|place| place == path)).unwrap_or_default()
    }

    fn shift(&mut self, named: u64, to: PathBuf) {
        let Some(from) = self.places.insert(named, to.clone()) else { return };
        let why = Why::Damaged(Defect::Misnamed { named, found: self.base_of(named) });
        self.step(from.clone(), Mending::Moved { to: to.clone() }, why, Work::Move { from, to });
    }

    fn base_of(&self, named: u64) -> u64 {
        self.files.pieces.iter().find(|piece| piece.named == named).map_or(named, Piece::base)
    }

    /// A file gives way to another one of its name.
    fn overwrite(&mut self, named: u64) {
        self.places.remove(&named);
        self.copied.insert(path_of(self.dir, named));
    }

    fn write_segments(&mut self) -> Result<()> {
        let walk = self.walk;
        let Some((last, sealed)) = walk.stretches.split_last() else { return Ok(()) };
        for (index, stretch) in sealed.iter().enumerate() {
            let before_last = index + 1 == sealed.len();
            self.ours.insert(path_of(self.dir, stretch.header.base));
            if let Some(why) = self.sealed_flaw(stretch, before_last && last.count == 0)? {
                self.write(stretch, stretch.header, Ending::Sealed, why);
            } else {
                self.make_table(stretch)?;
            }
        }
        self.end_with(last)
    }

    /// Of a packed segment in which only the table of blocks is damaged, that is made anew. Its records were all found without it.
    fn make_table(&mut self, stretch: &Stretch) -> Result<()> {
        let piece = self.files.pieces.iter().find(|piece| piece.named == stretch.named);
        let (Some(piece), Some(path)) = (piece, self.places.get(&stretch.named).cloned()) else {
            return Ok(());
        };
        if let Some(damage) = packed::table_flaw(self.disk, &piece.path)? {
            self.copied.insert(piece.path.clone());
            let why = Why::Damaged(damage.defect);
            self.step(path.clone(), Mending::TableMade, why, Work::Table(path));
        }
        Ok(())
    }

    /// A reader of a stretch's file, as its header should be.
    fn reader(&self, stretch: &Stretch) -> Result<Option<SegmentReader>> {
        let piece = self.files.pieces.iter().find(|piece| piece.named == stretch.named);
        piece.map(|piece| piece.reader(self.disk, stretch.header)).transpose()
    }

    fn header_flaw(&self, stretch: &Stretch) -> Option<Why> {
        let piece = self.files.pieces.iter().find(|piece| piece.named == stretch.named);
        let flaw = piece.and_then(Piece::flaw).filter(|_| stretch.there.is_none());
        let moved = || Why::BeginsHere { oldest: stretch.header.base };
        (!stretch.begins_well()).then(|| flaw.map_or_else(moved, |damage| Why::Damaged(damage.defect)))
    }

    /// Why a segment that another one follows cannot stay as it is.
    fn sealed_flaw(&self, stretch: &Stretch, before_an_empty_one: bool) -> Result<Option<Why>> {
        if let Some(why) = self.header_flaw(stretch) {
            return Ok(Some(why));
        }
        let Some(mut reader) = self.reader(stretch)? else { return Ok(None) };
        if let Some(footer) = seal_of(&mut reader, stretch)? {
            let sound = reader.table(&footer)? == Some(stretch.table.clone().thinned(footer.stride));
            return Ok((!sound).then_some(Why::Damaged(Defect::PositionTable)));
        }
        // An interrupted roll, which opening finishes.
        if before_an_empty_one && reader.seal()?.is_none() && fine(survey(&mut reader))?.is_ok() {
            return Ok(None);
        }
        Ok(Some(Why::Damaged(Defect::Unsealed { successor: stretch.head() })))
    }

    /// The last segment becomes the active one, or gets an empty one behind it if it is sealed.
    fn end_with(&mut self, last: &Stretch) -> Result<()> {
        let (head, path) = (last.head(), path_of(self.dir, last.header.base));
        self.ours.insert(path);
        let origin = last.header.origin.max(self.versions.start);
        let sealed = match self.reader(last)? {
            Some(mut reader) => seal_of(&mut reader, last)?.is_some(),
            None => false,
        };
        if sealed && last.count > 0 {
            if let Some(why) = self.sealed_flaw(last, false)? {
                self.write(last, last.header, Ending::Sealed, why);
            } else {
                self.make_table(last)?;
            }
            let header = Header { base: head, chain: last.chain, origin, ..last.header };
            self.make(header, Why::Damaged(Defect::SuccessorMissing { offset: head }));
        } else if let Some(why) = self.active_flaw(last, origin)? {
            self.write(last, Header { origin, ..last.header }, Ending::AtRest, why);
        }
        Ok(())
    }

    /// Why the last segment cannot stay as it is.
    fn active_flaw(&self, last: &Stretch, origin: u64) -> Result<Option<Why>> {
        if let Some(why) = self.header_flaw(last) {
            return Ok(Some(why));
        }
        if origin != last.header.origin {
            return Ok(Some(Why::BeginsHere { oldest: origin }));
        }
        if let Some(damage) = last.stop.clone().filter(|_| self.is_behind_proven()) {
            return Ok(Some(Why::Damaged(damage.defect)));
        }
        let Some(mut reader) = self.reader(last)? else { return Ok(None) };
        match fine(survey(&mut reader))? {
            Err(damage) => Ok(Some(Why::Damaged(damage.defect))),
            Ok(found) if found.extent.count != last.count || found.extent.end != last.end => {
                let stop = last.stop.clone().map(|damage| Why::Damaged(damage.defect));
                Ok(Some(stop.unwrap_or(Why::EndsHere { head: last.head() })))
            }
            // What no sync had made durable is for opening to cut, unless more than that was there.
            Ok(found) if found.torn.is_some() && self.is_behind_proven() => {
                Ok(Some(Why::EndsHere { head: last.head() }))
            }
            Ok(_) => Ok(None),
        }
    }

    /// Whether anything shows that changes were made behind what is good.
    fn is_behind_proven(&self) -> bool {
        let (head, store) = (self.versions.end, self.files.store);
        self.files.own().any(|piece| !self.walk.uses(piece) && piece.base() >= head)
            || !self.walk.is_a_backup()
                && self.files.pictures.iter().any(|picture| {
                    picture.header.is_some_and(|header| header.store == store && header.version > head)
                })
    }

    fn write(&mut self, stretch: &Stretch, header: Header, ending: Ending, why: Why) {
        let target = path_of(self.dir, header.base);
        let Some(source) = self.places.get(&stretch.named).cloned() else { return };
        self.give_up(&target);
        if stretch.count == 0 && ending == Ending::AtRest {
            return self.make(header, why);
        }
        let Stretch { from, end, count, chain, .. } = *stretch;
        let bytes = self.bytes_of(stretch.named);
        let (kept, table) = (from..end, stretch.table.clone());
        let mending = Mending::Rewritten { from: source.clone(), kept: kept.clone(), bytes };
        let (target_path, added) = (target.clone(), Vec::new());
        let work =
            Piecework { source, target: target_path, header, kept, added, count, chain, table, ending };
        self.step(target, mending, why, Work::Write(Box::new(work)));
    }

    fn make(&mut self, header: Header, why: Why) {
        let path = path_of(self.dir, header.base);
        self.give_up(&path);
        self.ours.insert(path.clone());
        self.step(path, Mending::Made, why, Work::Make(header));
    }

    /// What stands at a path is going to be replaced.
    fn give_up(&mut self, path: &Path) {
        let there = self.places.iter().find(|(_, place)| place.as_path() == path);
        if let Some((&named, _)) = there {
            self.copied.insert(path_of(self.dir, named));
        }
    }

    fn bytes_of(&self, named: u64) -> u64 {
        self.files.pieces.iter().find(|piece| piece.named == named).map_or(0, |piece| piece.bytes)
    }

    /// Segments that do not belong to the log, with the place each is at by then.
    fn others(&self) -> Vec<(&'a Piece, PathBuf)> {
        let place = |piece: &'a Piece| Some((piece, self.places.get(&piece.named)?.clone()));
        let placed = self.files.pieces.iter().filter_map(place);
        placed.filter(|(_, place)| !self.ours.contains(place)).collect()
    }

    fn remove_what_came_before(&mut self) {
        let oldest = self.versions.start;
        if self.walk.has_given_up_what_is_before() {
            return;
        }
        let before = |(piece, _): &(&Piece, PathBuf)| piece.base() < oldest;
        for (piece, place) in self.others().into_iter().filter(before) {
            self.remove(piece.path.clone(), place, piece.bytes, Why::Before { oldest });
        }
    }

    /// None of them continues the good part, so that the log is damaged until the last is gone. The newest stays longest: it
    /// tells how much is lost.
    fn remove_what_lies_behind(&mut self) {
        let Range { start: oldest, end: head } = self.versions;
        let behind = |(piece, _): &(&Piece, PathBuf)| piece.base() >= oldest;
        for (piece, place) in self.others().into_iter().filter(behind) {
            let why = match piece.flaw() {
                _ if !piece.is_of(self.files.store) => Why::Damaged(Defect::Foreign),
                _ if piece.base() >= head && piece.header().is_some() => Why::Behind { head },
                Some(damage) => Why::Damaged(damage.defect),
                None => Why::OutOfPlace,
            };
            self.remove(piece.path.clone(), place, piece.bytes, why);
        }
    }

    /// Those that prove nothing go first.
    fn remove_snapshots(&mut self) {
        let files = self.files;
        let (proofs, others): (Vec<_>, Vec<_>) =
            files.pictures.iter().partition(|picture| picture.good(files.store).is_some());
        for picture in others.into_iter().chain(proofs) {
            if let Some(why) = self.snapshot_flaw(picture) {
                self.remove(picture.path.clone(), picture.path.clone(), picture.bytes, why);
            }
        }
    }

    fn snapshot_flaw(&self, picture: &super::files::Picture) -> Option<Why> {
        if let Some(damage) = &picture.flaw {
            return Some(Why::Damaged(damage.defect.clone()));
        }
        let Range { start: oldest, end: head } = self.versions;
        let header = picture.header.as_ref()?;
        if header.store != self.files.store {
            return Some(Why::Damaged(Defect::Foreign));
        }
        match self.walk.chains.get(&picture.version) {
            Some(&expected) if expected == header.chain => None,
            Some(&expected) => Some(Why::Damaged(Defect::Chain { expected, found: header.chain })),
            None if self.bears_another(picture.version) => None,
            None if picture.version < oldest && self.walk.has_given_up_what_is_before() => None,
            None if picture.version < oldest => Some(Why::Before { oldest }),
            // It may be what the backup is yet to begin with.
            None if self.walk.is_a_backup() => None,
            None => Some(Why::Behind { head }),
        }
    }

    /// Whether a snapshot that stays continues this one, which is from before the log begins.
    fn bears_another(&self, version: u64) -> bool {
        let stays = |header: &&snapshot::Header| self.walk.chains.get(&header.version) == Some(&header.chain);
        let good = || self.files.pictures.iter().filter_map(|picture| picture.good(self.files.store));
        let parent_of = |version| good().find(|header| header.version == version)?.parent;
        let mut rows = good()
            .filter(stays)
            .map(|header| std::iter::successors(header.parent, |&parent| parent_of(parent)));
        version < self.versions.start && rows.any(|mut row| row.any(|older| older == version))
    }

    fn remove(&mut self, path: PathBuf, place: PathBuf, bytes: u64, why: Why) {
        self.copied.insert(path);
        self.step(place.clone(), Mending::Removed { bytes }, why, Work::Remove(place));
    }
}

impl Stretch {
    /// Whether it is whole but for the name of its file.
    fn is_misnamed(&self) -> bool {
        self.named != self.header.base && self.begins_well()
    }
}

/// The footer of a segment that is sealed behind just these records.
fn seal_of(reader: &mut SegmentReader, stretch: &Stretch) -> Result<Option<Footer>> {
    let Stretch { count, end, chain, .. } = *stretch;
    let fits = |footer: &Footer| (footer.count, footer.data_end, footer.chain) == (count, end, chain);
    Ok(reader.seal()?.filter(fits))
}
