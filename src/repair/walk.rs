//! Goes through the good part of a log: from where it begins, over every record, from segment to segment, until there is
//! no further record that the chain leads to.
//!
//! Finds a segment by what its header says rather than by its name, and one whose header is damaged by its name, if the
//! records in it continue the chain. Always: what was passed was verified against the chain from the beginning on.

use super::files::{Files, Piece, Start, fine};
use crate::error::{Damage, Result};
use crate::io::Disk;
use crate::layout::Chain;
use crate::segment::footer::Table;
use crate::segment::format::{Codec, HEADER_BYTES, Header, Item};
use crate::segment::reader::SegmentReader;
use std::collections::BTreeMap;

/// The good records of one segment file.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// The number in the file's name.
    pub(super) named: u64,
    /// The header that belongs before these records.
    pub(super) header: Header,
    /// The one that is there, if it is good.
    pub(super) there: Option<Header>,
    /// The first of their bytes in the file, and the byte after the last.
    pub(super) from: u64,
    pub(super) end: u64,
    pub(super) count: u32,
    pub(super) chain: Chain,
    /// Where each of them starts, once they stand behind their header.
    pub(super) table: Table,
    /// What stands in the place of the next record, if that is no way to end.
    pub(super) stop: Option<Damage>,
}

/// The good part of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    pub(super) stretches: Vec<Stretch>,
    /// The chain at every version that has a snapshot.
    pub(super) chains: BTreeMap<u64, Chain>,
}

impl Stretch {
    pub(super) fn head(&self) -> u64 {
        self.header.base + u64::from(self.count)
    }

    /// Whether the records stand where they are behind the header they need.
    pub(super) fn begins_well(&self) -> bool {
        self.there == Some(self.header) && self.from == HEADER_BYTES as u64
    }
}

/// A place where a log can begin.
struct Beginning<'a> {
    piece: &'a Piece,
    header: Header,
    offset: u64,
}

/// What is walked over.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    disk: &'a dyn Disk,
    files: &'a Files,
}

impl<'a> Walker<'a> {
    pub(super) fn new(disk: &'a dyn Disk, files: &'a Files) -> Self {
        Walker { disk, files }
    }

    /// The good part of the log; nothing if there is nowhere to begin.
    pub(super) fn walk(&self) -> Result<Option<Walk>> {
        let behind_a_gap = self.behind_a_gap();
        let walk = self.walk_from(self.beginning()?.as_ref())?;
        match (behind_a_gap, &walk) {
            (Some(beginning), Some(before)) if before.versions().end < beginning.offset => {
                Ok(self.walk_from(Some(&beginning))?.or(walk))
            }
            _ => Ok(walk),
        }
    }

    fn walk_from(&self, beginning: Option<&Beginning<'a>>) -> Result<Option<Walk>> {
        let Some(&Beginning { piece, header, offset }) = beginning else { return Ok(None) };
        let mut walk = Walk::default();
        let mut next = self.stretch(piece, header, offset, &mut walk.chains)?;
        while let Some(stretch) = next {
            let (head, chain) = (stretch.head(), stretch.chain);
            let seen = head == stretch.header.base;
            walk.stretches.push(stretch);
            next = match self.at(head, chain) {
                Some((piece, header)) if !seen => self.stretch(piece, header, head, &mut walk.chains)?,
                _ => None,
            };
        }
        Ok((!walk.stretches.is_empty()).then_some(walk))
    }

    /// Where a backup begins that has gone on behind a gap: what is before that was given up, and is whole all the same.
    fn behind_a_gap(&self) -> Option<Beginning<'a>> {
        let newest = self.files.own().next_back()?.header().filter(|header| header.backup)?;
        let good = self.files.pictures.iter().filter_map(|picture| picture.good(self.files.store));
        let snapshot = good.into_iter().find(|snapshot| snapshot.version == newest.origin)?;
        let (piece, header) = self.at(snapshot.version, snapshot.chain)?;
        Some(Beginning { piece, header, offset: snapshot.version })
    }

    /// At the beginning of all; where that is gone, at the first snapshot that the records lead on from.
    fn beginning(&self) -> Result<Option<Beginning<'a>>> {
        let first = self.at(0, self.files.store.genesis());
        let first = first.map(|(piece, header)| Beginning { piece, header, offset: 0 });
        if let Some(beginning) = &first
            && self.holds_any(beginning)?
        {
            return Ok(first);
        }
        let later = match self.codec() {
            Codec::Change => self.at_a_snapshot()?,
            Codec::Opaque => self.at_a_header(),
        };
        // A file of no records and no header of its own shows nothing that could be kept.
        Ok(later.or(first.filter(|beginning| beginning.piece.header().is_some())))
    }

    fn codec(&self) -> Codec {
        self.files.own().find_map(Piece::header).map_or(Codec::Change, |header| header.codec)
    }

    fn holds_any(&self, beginning: &Beginning<'_>) -> Result<bool> {
        let mut reader = beginning.piece.reader(self.disk, beginning.header)?;
        Ok(matches!(reader.look()?, Item::Record { .. }))
    }

    /// A log of opaque records needs nothing to begin with.
    fn at_a_header(&self) -> Option<Beginning<'a>> {
        let (piece, header) = self.files.own().find_map(|piece| Some((piece, *piece.header()?)))?;
        Some(Beginning { piece, header, offset: header.base })
    }

    fn at_a_snapshot(&self) -> Result<Option<Beginning<'a>>> {
        // At version 0 a log begins with its genesis, as opening demands, whatever a snapshot says.
        let good = self.files.pictures.iter().filter_map(|picture| picture.good(self.files.store));
        for snapshot in good.filter(|snapshot| snapshot.version > 0) {
            if let Some((piece, header)) = self.at(snapshot.version, snapshot.chain) {
                return Ok(Some(Beginning { piece, header, offset: snapshot.version }));
            }
            if let Some((piece, header)) = self.around(snapshot.version, snapshot.chain)? {
                return Ok(Some(Beginning { piece, header, offset: snapshot.version }));
            }
        }
        Ok(None)
    }

    /// The segment in the middle of which the chain has this value at this offset.
    fn around(&self, offset: u64, chain: Chain) -> Result<Option<(&'a Piece, Header)>> {
        for piece in self.files.own().rev() {
            let Some(header) = piece.header().filter(|header| header.base < offset) else { continue };
            let mut reader = piece.reader(self.disk, *header)?;
            if fine(reader.walk_to(offset))?.is_ok() && reader.chain() == chain {
                return Ok(Some((piece, *header)));
            }
        }
        Ok(None)
    }

    /// The segment that starts at this offset and continues this chain, and the header that belongs to it.
    fn at(&self, offset: u64, chain: Chain) -> Option<(&'a Piece, Header)> {
        let fits = |header: &Header| header.base == offset && header.chain == chain;
        let mut saying_so: Vec<(&Piece, &Header)> = self
            .files
            .own()
            .filter_map(|piece| Some((piece, piece.header().filter(|header| fits(header))?)))
            .collect();
        saying_so.sort_by_key(|(piece, _)| piece.named != offset);
        if let Some((piece, header)) = saying_so.first() {
            return Some((piece, **header));
        }
        let named = self.files.pieces.iter().find(|piece| piece.named == offset)?;
        matches!(named.start, Start::Bad(_)).then(|| Some((named, self.rebuilt(offset, chain)?)))?
    }

    /// The header of a segment of this log from what its neighbours say.
    fn rebuilt(&self, base: u64, chain: Chain) -> Option<Header> {
        let neighbour = |piece: &&Piece| piece.header().is_some();
        let before = self.files.own().filter(|piece| piece.base() <= base).rfind(neighbour);
        let header = before.or_else(|| self.files.own().find(neighbour))?.header()?;
        Some(Header { base, chain, origin: header.origin.min(base), ..*header })
    }

    /// The good records of a segment from `offset` on; nothing if they do not even reach there.
    fn stretch(
        &self,
        piece: &Piece,
        header: Header,
        offset: u64,
        chains: &mut BTreeMap<u64, Chain>,
    ) -> Result<Option<Stretch>> {
        let mut reader = piece.reader(self.disk, header)?;
        if fine(reader.walk_to(offset))?.is_err() {
            return Ok(None);
        }
        let (from, chain) = (reader.at(), reader.chain());
        // A log that begins later than it did has nothing older.
        let origin = if offset == header.base { header.origin } else { offset };
        let header = Header { base: offset, chain, origin, ..header };
        let table = Table { stride: 1, positions: self.pass_all(&mut reader, from, chains)? };
        let stop = match reader.look()? {
            item @ Item::Bad(_) => reader.damage(item).damage().cloned(),
            _ => None,
        };
        let there = match piece.start {
            Start::Good(header) => Some(header),
            _ => None,
        };
        let (end, chain, count) = (reader.at(), reader.chain(), (reader.offset() - offset) as u32);
        Ok(Some(Stretch { named: piece.named, header, there, from, end, count, chain, table, stop }))
    }

    fn pass_all(
        &self,
        reader: &mut SegmentReader,
        from: u64,
        chains: &mut BTreeMap<u64, Chain>,
    ) -> Result<Vec<u32>> {
        let mut positions = Vec::new();
        let wanted = |version| self.files.pictures.iter().any(|picture| picture.version == version);
        loop {
            if wanted(reader.offset()) {
                chains.insert(reader.offset(), reader.chain());
            }
            let at = reader.at();
            if reader.pass_good().is_none() {
                let Item::Record { body, chain, .. } = reader.look()? else { return Ok(positions) };
                reader.pass(body, chain);
            }
            positions.push((at - from + HEADER_BYTES as u64) as u32);
        }
    }
}
