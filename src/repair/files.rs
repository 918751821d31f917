//! What a damaged directory holds: its segments, snapshots and cursors, each looked at on its own, and whose they are.
//!
//! Leaves it to `plan` what becomes of them. Always: nothing is changed, and a file of a newer format is an error, not a
//! damaged file.

use crate::cursors::Cursors;
use crate::error::{Damage, Defect, Error, IoContext, Occupant, Result};
use crate::io::{Access, Disk, read_full_at};
use crate::layout::StoreId;
use crate::log::directory::not_a_store;
use crate::segment::format::{HEADER_BYTES, Header};
use crate::segment::reader::SegmentReader;
use crate::segment::{bases_in, path_of};
use crate::snapshot::{self, Snapshot};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What stands at the beginning of a segment file.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Good(Header),
    /// The only header that differs from what is there in a single bit and passes its check.
    Corrected(Header, Damage),
    Bad(Damage),
}

/// One segment file.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    pub(super) named: u64,
    pub(super) bytes: u64,
    pub(super) start: Start,
}

/// One snapshot file: read and verified, its state put away again.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) path: PathBuf,
    pub(super) version: u64,
    pub(super) bytes: u64,
    /// The header, where that can be read: even the snapshot of a damaged state proves that its version was reached.
    pub(super) header: Option<snapshot::Header>,
    pub(super) flaw: Option<Damage>,
}

/// All that a directory holds.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) store: StoreId,
    pub(super) pieces: Vec<Piece>,
    pub(super) pictures: Vec<Picture>,
    /// What is wrong with the file of the cursors, and how long that is.
    pub(super) bad_cursors: Option<(Damage, u64)>,
}

impl Piece {
    fn read(disk: &dyn Disk, dir: &Path, named: u64) -> Result<Piece> {
        let path = path_of(dir, named);
        let file = disk.open(&path, Access::Read).during("open segment", &path)?;
        let bytes = file.len().during("measure segment", &path)?;
        let mut head = [0; HEADER_BYTES];
        let count = read_full_at(&*file, &mut head, 0).during("read segment header", &path)?;
        let start = match Header::decode(&head[..count], &path) {
            Ok(header) => Start::Good(header),
            Err(Error::Damaged(damage)) if count == HEADER_BYTES => corrected(head, damage),
            Err(Error::Damaged(damage)) => Start::Bad(damage),
            Err(error) => return Err(error),
        };
        Ok(Piece { path, named, bytes, start })
    }

    /// The header, as it is or as it must have been.
    pub(super) fn header(&self) -> Option<&Header> {
        match &self.start {
            Start::Good(header) | Start::Corrected(header, _) => Some(header),
            Start::Bad(_) => None,
        }
    }

    /// The offset it says it starts from, or else its name.
    pub(super) fn base(&self) -> u64 {
        self.header().map_or(self.named, |header| header.base)
    }

    /// What is wrong with its header, or with its name.
    pub(super) fn flaw(&self) -> Option<Damage> {
        match &self.start {
            Start::Corrected(_, damage) | Start::Bad(damage) => Some(damage.clone()),
            Start::Good(header) if header.base != self.named => {
                let defect = Defect::Misnamed { named: self.named, found: header.base };
                Some(Damage { path: self.path.clone(), byte: 32, defect, intact: None })
            }
            Start::Good(_) => None,
        }
    }

    /// Whether the file is of this store, as far as it says.
    pub(super) fn is_of(&self, store: StoreId) -> bool {
        self.header().is_none_or(|header| header.store == store)
    }

    /// Its records, read as this header says.
    pub(super) fn reader(&self, disk: &dyn Disk, header: Header) -> Result<SegmentReader> {
        let file = disk.open(&self.path, Access::Read).during("open segment", &self.path)?;
        SegmentReader::over(file, self.path.clone(), header)
    }
}

/// Tries every bit: a checksum of 32 bits over 64 bytes leaves but one header that is a single flip away.
fn corrected(mut head: [u8; HEADER_BYTES], damage: Damage) -> Start {
    for bit in 0..8 * HEADER_BYTES {
        head[bit / 8] ^= 1 << (bit % 8);
        if let Ok(header) = Header::decode(&head, &damage.path) {
            return Start::Corrected(header, damage);
        }
        head[bit / 8] ^= 1 << (bit % 8);
    }
    Start::Bad(damage)
}

impl Picture {
    fn read(disk: &dyn Disk, dir: &Path, version: u64) -> Result<Picture> {
        let path = snapshot::path_of(dir, version);
        let file = disk.open(&path, Access::Read).during("open snapshot", &path)?;
        let bytes = file.len().during("measure snapshot", &path)?;
        let header = fine(snapshot::read_header(disk, &path, version))?.ok();
        let flaw = fine(Snapshot::read(disk, &path, version))?.err();
        Ok(Picture { path, version, bytes, header, flaw })
    }

    /// The header, if all of the snapshot is good and of this store.
    pub(super) fn good(&self, store: StoreId) -> Option<&snapshot::Header> {
        self.header.as_ref().filter(|header| self.flaw.is_none() && header.store == store)
    }
}

/// Tells damage, which is what is looked for, from everything that keeps us from looking.
pub(super) fn fine<T>(answer: Result<T>) -> Result<Result<T, Damage>> {
    match answer {
        Ok(good) => Ok(Ok(good)),
        Err(Error::Damaged(damage)) => Ok(Err(damage)),
        Err(error) => Err(error),
    }
}

impl Files {
    /// Looks at all segments and snapshots of `dir`. O(snapshots), and as much memory as the largest of them takes.
    pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Files> {
        let names = disk.list(dir).during("list store", dir)?;
        let segments = bases_in(&names).into_iter().map(|base| Piece::read(disk, dir, base));
        let pieces: Vec<Piece> = segments.collect::<Result<_>>()?;
        let snapshots = snapshot::versions_in(&names).into_iter();
        let pictures: Vec<Picture> =
            snapshots.map(|version| Picture::read(disk, dir, version)).collect::<Result<_>>()?;
        let store = owner(&pieces, &pictures).ok_or_else(|| unreadable(dir, &pieces))?;
        let bad_cursors = bad_cursors(disk, dir, store)?;
        Ok(Files { store, pieces, pictures, bad_cursors })
    }

    /// The segments of this store, as far as they say, by the offset they start from.
    pub(super) fn own(&self) -> impl DoubleEndedIterator<Item = &Piece> {
        let mut own: Vec<&Piece> = self.pieces.iter().filter(|piece| piece.is_of(self.store)).collect();
        own.sort_by_key(|piece| piece.base());
        own.into_iter()
    }
}

fn bad_cursors(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<Option<(Damage, u64)>> {
    let Err(damage) = fine(Cursors::read(disk, dir, store))? else { return Ok(None) };
    let file = disk.open(&damage.path, Access::Read).during("open cursors", &damage.path)?;
    let bytes = file.len().during("measure cursors", &damage.path)?;
    Ok(Some((damage, bytes)))
}

/// Whose directory it is: the store that most files name, and of several the one of the first segment.
fn owner(pieces: &[Piece], pictures: &[Picture]) -> Option<StoreId> {
    let segments = pieces.iter().filter_map(Piece::header).map(|header| header.store);
    let first = segments.clone().next()?;
    let mut votes: BTreeMap<[u8; 16], usize> = BTreeMap::new();
    for store in segments.chain(pictures.iter().filter_map(|picture| Some(picture.header?.store))) {
        *votes.entry(store.0).or_default() += 1;
    }
    let (store, _) = votes.into_iter().max_by_key(|(store, count)| (*count, *store == first.0))?;
    Some(StoreId(store))
}

fn unreadable(dir: &Path, pieces: &[Piece]) -> Error {
    match pieces.first().and_then(Piece::flaw) {
        Some(why) => Error::Irreparable { path: dir.to_owned(), why: Box::new(why) },
        None => not_a_store(dir, Occupant::Empty),
    }
}
