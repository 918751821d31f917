//! How much a repair loses, as far as what is left tells: from footers, marks, lengths and snapshots.
//!
//! Always: what is told as the least was there. The most is right unless the newest file was damaged in several places.

use super::files::{Files, Piece, fine};
use super::step::Loss;
use super::walk::Walk;
use crate::error::Result;
use crate::io::Disk;
use crate::segment::footer::Ending;
use crate::segment::format::FRAME_BYTES;
use crate::segment::recovery::survey;
use std::ops::Range;

/// How far the log ever came, as the newest segment and the snapshots tell.
pub(super) fn loss(disk: &dyn Disk, files: &Files, walk: &Walk) -> Result<Loss> {
    let Range { start: oldest, end: head } = walk.versions();
    let (least, most) = match files.own().next_back() {
        Some(newest) => reach(disk, newest)?,
        None => (head, None),
    };
    let own = |header: &&crate::snapshot::Header| header.store == files.store;
    let shown = files.pictures.iter().filter_map(|picture| picture.header.as_ref()).filter(own);
    let least = shown.map(|header| header.version).fold(least.max(head), u64::max);
    let before = files.own().next().map_or(oldest, Piece::base);
    let at_most = most.map(|most| most.max(least) - head);
    Ok(Loss { at_least: least - head, at_most, earlier: oldest.saturating_sub(before) })
}

/// The least and the most that the log's end can be, if this is its newest segment.
fn reach(disk: &dyn Disk, piece: &Piece) -> Result<(u64, Option<u64>)> {
    let Some(header) = piece.header().copied() else { return Ok((piece.base(), None)) };
    let mut reader = piece.reader(disk, header)?;
    if let Some(footer) = reader.footer()? {
        let end = header.base + u64::from(footer.count);
        return Ok((end, (footer.ending == Ending::AtRest).then_some(end)));
    }
    Ok(match fine(survey(&mut reader))? {
        Ok(found) => {
            let end = header.base + u64::from(found.extent.count);
            let torn = found.torn.map_or(0, |cut| records_in(cut.bytes) + 1);
            (end, Some(end + torn))
        }
        Err(_) => (reader.offset(), Some(header.base + records_in(header.allocated.max(piece.bytes)))),
    })
}

/// The most records that so many bytes can hold.
fn records_in(bytes: u64) -> u64 {
    bytes / (FRAME_BYTES as u64 + 1)
}
