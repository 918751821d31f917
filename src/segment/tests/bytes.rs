//! What stands at a place is told to the byte: where a window, a file or a limit ends exactly there.

use super::super::footer::{Ending, Footer, TAIL_BYTES, Table};
use super::super::format::{
    FRAME_BYTES, Header, Item, MARK_BYTES, RECORD_BYTES_MAX, mark, mark_first, parse, push_frame, record_at,
};
use super::{NOISE, Pieces, STORE};
use crate::error::{Defect, Error};
use crate::layout::CHECK_BYTES;
use std::path::Path;

const CHAIN: u32 = 0x1234_5678;

fn look(window: &[u8], rest: u64) -> Item {
    parse(window, rest, CHAIN, &STORE)
}

fn frame(body: &[u8], first: bool) -> (Vec<u8>, u32) {
    let mut frame = Vec::new();
    let chain = push_frame(&mut frame, body, CHAIN);
    if first {
        mark_first(&mut frame);
    }
    (frame, chain)
}

#[test]
fn a_file_ends_in_zeros_or_is_cut_short() {
    for bytes in 0..4 {
        assert_eq!(look(&[0; 3][..bytes], bytes as u64), Item::Blank);
    }
    for bytes in 1..4 {
        let found = Item::Bad(Defect::Short { expected: 4, found: bytes as u64 });
        assert_eq!(look(&[1; 3][..bytes], bytes as u64), found);
    }
    assert_eq!(look(&[0; 4], 4), Item::Blank);
    let length = |found, most| Item::Bad(Defect::Length { part: "record", found, most });
    assert_eq!(look(&[1, 0, 0, 0], 4), length(1, 0), "four bytes are a length, of more than is there");
    assert_eq!(look(&[1, 0, 0, 0], 8), length(1, 0));
    assert_eq!(look(&[2, 0, 0, 0], 9), length(2, 1));
}

#[test]
fn a_window_that_ends_too_early_says_how_much_is_needed() {
    for bytes in 0..4 {
        assert_eq!(look(&[NOISE; 3][..bytes.min(3)], 100), Item::More(4), "{bytes} bytes");
    }
    let (frame, chain) = frame(b"a body", false);
    for bytes in 4..frame.len() {
        assert_eq!(look(&frame[..bytes], 100), Item::More(frame.len()), "{bytes} bytes");
        assert_eq!(record_at(&frame[..bytes], CHAIN), None);
    }
    assert_eq!(look(&frame, 100), Item::Record { body: 6, first: false, chain });
    let mark = mark(&STORE, 9, CHAIN);
    for bytes in 4..MARK_BYTES {
        assert_eq!(look(&mark[..bytes], 100), Item::More(MARK_BYTES), "{bytes} bytes");
    }
    assert_eq!(look(&mark, 100), Item::Mark { head: 9 });
}

#[test]
fn a_record_may_end_where_the_file_ends_and_not_a_byte_later() {
    for body in [&[7][..], b"a body", &[NOISE; 300]] {
        for first in [false, true] {
            let (frame, chain) = frame(body, first);
            let (length, rest) = (body.len(), frame.len() as u64);
            assert_eq!(look(&frame, rest), Item::Record { body: length, first, chain });
            assert_eq!(record_at(&frame, CHAIN), Some((length, chain, first)));
            let (found, most) = (length as u64, length as u64 - 1);
            assert_eq!(look(&frame, rest - 1), Item::Bad(Defect::Length { part: "record", found, most }));
        }
    }
}

#[test]
fn a_mark_may_end_where_the_file_ends_and_not_a_byte_later() {
    let (mark, bytes) = (mark(&STORE, 9, CHAIN), MARK_BYTES as u64);
    assert_eq!(look(&mark, bytes), Item::Mark { head: 9 });
    let defect = Defect::Length { part: "mark", found: bytes, most: bytes - 1 };
    assert_eq!(look(&mark, bytes - 1), Item::Bad(defect));
}

#[test]
fn a_record_has_a_body_and_not_too_large_a_one() {
    // Its check is good all the same.
    let (empty, _) = frame(b"", false);
    assert_eq!(empty.len(), FRAME_BYTES);
    assert_eq!((record_at(&empty, CHAIN), look(&empty, 100)), (None, Item::Blank));
    let (large, most) = (RECORD_BYTES_MAX + 1, u64::from(RECORD_BYTES_MAX));
    let found = look(&large.to_le_bytes(), u64::MAX);
    assert_eq!(found, Item::Bad(Defect::Length { part: "record", found: most + 1, most }));
    let more = RECORD_BYTES_MAX as usize + FRAME_BYTES;
    assert_eq!(
        look(&RECORD_BYTES_MAX.to_le_bytes(), u64::MAX),
        Item::More(more),
        "as large as that it may be"
    );
}

#[test]
fn a_quick_look_finds_what_a_thorough_one_finds() {
    for first in [false, true] {
        let (frame, _) = frame(b"a body", first);
        for flipped in 0..8 * frame.len() {
            let mut bytes = frame.clone();
            bytes[flipped / 8] ^= 1 << (flipped % 8);
            assert_eq!(record_at(&bytes, CHAIN), None, "bit {flipped}");
            assert!(!matches!(look(&bytes, 100), Item::Record { .. }), "bit {flipped}");
        }
        let foreign = (record_at(&frame, CHAIN + 1), look(&frame, 100 + CHECK_BYTES as u64));
        assert!(matches!(foreign, (None, Item::Record { .. })), "the chain is the log's");
    }
}

/// Odd versions are believed without a check, for a newer format may keep that elsewhere; but not if one flipped bit explains them.
#[test]
fn a_flipped_bit_in_the_version_is_damage_and_not_a_newer_format() {
    let good = Pieces::first().header.encode();
    for bit in 0..16 {
        let mut bytes = good;
        bytes[8 + bit / 8] ^= 1 << (bit % 8);
        let found = Header::decode(&bytes, Path::new("x"));
        assert!(matches!(found, Err(Error::Damaged(_))), "bit {bit}: {found:?}");
    }
    for version in [2_u16, 4, 6, 7, 0x0102] {
        let mut bytes = good;
        bytes[8..10].copy_from_slice(&version.to_le_bytes());
        let found = Header::decode(&bytes, Path::new("x"));
        assert!(matches!(found, Err(Error::Newer { .. })), "{version}: {found:?}");
    }
}

#[test]
fn a_footer_is_good_only_where_it_says_that_it_is() {
    for ending in [Ending::Sealed, Ending::AtRest] {
        let segment = Pieces::first().batch(["one", "two", "three"]);
        let footer = segment.as_footer(ending);
        let bytes =
            footer.encode(Table { stride: 1, positions: segment.positions.clone() }, segment.header.chain);
        let end = footer.start() + bytes.len() as u64;
        let decode = |bytes: &[u8], end| Footer::decode(bytes.last_chunk().unwrap(), end);
        assert_eq!(decode(&bytes, end), Some(footer));
        for elsewhere in [0, end - 1, end + 1, end + MARK_BYTES as u64, u64::MAX] {
            assert_eq!(decode(&bytes, elsewhere), None, "{elsewhere}");
        }
        for (stride, data_end) in [(3, footer.data_end), (8, footer.data_end), (footer.stride, u64::MAX)] {
            let odd = Footer { stride, data_end, ..footer };
            let end = odd.data_end.wrapping_add(Footer::bytes_for(3, stride) as u64);
            let bytes =
                odd.encode(Table { stride: 1, positions: segment.positions.clone() }, segment.header.chain);
            assert_eq!(decode(&bytes, end), None, "{odd:?}");
        }
        for bit in 0..8 * TAIL_BYTES {
            let mut flipped = bytes.clone();
            let at = bytes.len() - TAIL_BYTES + bit / 8;
            flipped[at] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped, end), None, "bit {bit}");
        }
    }
}

/// A footer takes all the room there is rather than know fewer places.
#[test]
fn a_footer_may_end_where_its_segment_ends_and_not_a_byte_later() {
    let known = Table { stride: 1, positions: vec![64, 400, 700] };
    let over = |limit| Footer::over(Ending::Sealed, 3, 1000, 7, &known, limit);
    let end = 1000 + Footer::bytes_for(3, 1) as u64;
    assert_eq!((over(end).stride, over(end - 1).stride), (1, 2));
}
