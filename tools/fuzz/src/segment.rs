//! The target `segment`: one file as all there is of a store.
//!
//! The first byte chooses. Even: the rest is the file. Odd: the rest is a list of edits to a good file, after which as many
//! checksums are made right as the other bits say, so that the damage gets past them.

use super::{Judged, forge, judge, worlds};

/// What the bits of the first byte mean.
mod bit {
    pub(super) const EDITS: u8 = 1;
    /// Start from a segment that was not closed.
    pub(super) const KILLED: u8 = 2;
    /// Make the checks of frames and mark right.
    pub(super) const FRAMES: u8 = 4;
    /// Leave the header's check as it is.
    pub(super) const HEADER_AS_IT_IS: u8 = 8;
    /// Name the file as its header says.
    pub(super) const RENAMED: u8 = 16;
}

/// Judges one input.
pub(crate) fn run(data: &[u8]) -> Judged {
    let (mode, rest) = data.split_first().unwrap_or((&0, &[]));
    let mut base = 0;
    let file = if mode & bit::EDITS == 0 { rest.to_vec() } else { edited(*mode, rest) };
    if mode & bit::RENAMED != 0 {
        base = forge::number(&file);
    }
    judge::judge(&vec![(worlds::dir().join(format!("{base:020}.seg")), file)])
}

fn edited(mode: u8, mut edits: &[u8]) -> Vec<u8> {
    let mut file = worlds::segment(mode & bit::KILLED == 0).to_vec();
    while let Some(rest) = edit(&mut file, edits) {
        edits = rest;
    }
    if mode & bit::HEADER_AS_IT_IS == 0 {
        forge::header(&mut file);
    }
    if mode & bit::FRAMES != 0 {
        forge::frames(&mut file);
    }
    file
}

/// An edit is two bytes for the place, one for the kind and the count, and as many bytes as that says. Returns the rest.
fn edit<'e>(file: &mut Vec<u8>, edits: &'e [u8]) -> Option<&'e [u8]> {
    let ([low, high, kind], rest) = edits.split_first_chunk()?;
    let at = usize::from(u16::from_le_bytes([*low, *high])).min(file.len());
    let (bytes, rest) = rest.split_at(rest.len().min(usize::from(kind & 0x3f)));
    match kind >> 6 {
        0 => forge::put(file, at, bytes),
        1 => drop(file.splice(at..at, bytes.iter().copied())),
        2 => drop(file.drain(at..(at + usize::from(kind & 0x3f)).min(file.len()))),
        _ => file.truncate(at),
    }
    Some(rest)
}

/// Inputs that lead deep: whole files, and edits of each kind.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let whole = |closed| [&[0][..], worlds::segment(closed)].concat();
    let named = |name: &str, bytes: Vec<u8>| (String::from(name), bytes);
    vec![
        named("closed", whole(true)),
        named("killed", whole(false)),
        named("untouched", vec![bit::EDITS]),
        named(
            "base_far_away",
            vec![bit::EDITS | bit::RENAMED | bit::FRAMES, 32, 0, 8, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        named("tag_of_a_footer_and_no_record", footer_tag()),
        named("allocated_too_much", vec![bit::EDITS, 40, 0, 8, 255, 255, 255, 255, 255, 255, 255, 127]),
        named("length_too_large", vec![bit::EDITS | bit::KILLED, 64, 0, 4, 255, 255, 255, 63]),
        named("body_changed", vec![bit::EDITS | bit::FRAMES | bit::KILLED, 80, 0, 1, 7, 120, 0, 0x41, 3]),
        named("cut_in_the_middle", vec![bit::EDITS | bit::KILLED, 200, 0, 0xc0]),
        named("bytes_taken_out", vec![bit::EDITS | bit::FRAMES, 150, 0, 0x85]),
    ]
}

/// An empty segment of which one bit was flipped: the mark's tag became a footer's.
fn footer_tag() -> Vec<u8> {
    let (_, empty) = &worlds::world(5)[0];
    let mut file =
        [&[0], empty.get(..forge::HEADER_BYTES).unwrap_or(&[]), &[0xfe, 0xff, 0xff, 0xff]].concat();
    file.resize(1 + 512, 0);
    file
}
