//! Walking, jumping and looking ahead in one segment, where windows and pieces of the file end in the middle.

use super::super::footer::{Ending, Footer, Table};
use super::super::format::{FOOTER_TAG, HEADER_BYTES, Item, MARK_BYTES, mark};
use super::super::reader::SegmentReader;
use super::super::recovery::survey;
use super::{NOISE, Pieces, STORE};
use crate::error::{Defect, Error};
use crate::io::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

fn body(number: usize) -> Vec<u8> {
    vec![(number % 250) as u8 + 1; 1 + number * 37 % 900]
}

/// Some hundred KiB of records, in batches of three.
fn many() -> Pieces {
    let mut segment = Pieces::from(1000, 77);
    for first in (0..600).step_by(3) {
        segment = segment.batch((first..first + 3).map(body));
    }
    segment
}

/// Bytes as a file that can change behind the back of who reads it, of a file system that has its own idea of what was written.
#[derive(Debug)]
struct Odd {
    bytes: Mutex<Vec<u8>>,
    /// What they are once they were read, and read again; the last first.
    then: Mutex<Vec<Vec<u8>>>,
    data: fn(u64) -> Option<Range<u64>>,
}

impl Odd {
    fn reader(segment: &Pieces, data: fn(u64) -> Option<Range<u64>>) -> (Arc<Odd>, SegmentReader) {
        let file = Arc::new(Odd { bytes: Mutex::new(segment.bytes.clone()), then: Mutex::default(), data });
        let reader =
            SegmentReader::over(Arc::<Odd>::clone(&file), PathBuf::from("odd"), segment.header).unwrap();
        (file, reader)
    }
}

impl File for Odd {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut bytes = self.bytes.lock().unwrap();
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        *bytes = self.then.lock().unwrap().pop().unwrap_or_else(|| std::mem::take(&mut bytes));
        Ok(count)
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }
    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn next_data(&self, at: u64) -> io::Result<Option<Range<u64>>> {
        Ok((self.data)(at))
    }
}

#[test]
fn records_are_lent_with_their_places_in_every_window() {
    let segment = many();
    let mut reader = segment.reader();
    let mut quick = 0;
    for (number, &position) in segment.positions.iter().enumerate() {
        assert_eq!((reader.at(), reader.offset()), (position.into(), 1000 + number as u64));
        let (length, first) = match reader.pass_good() {
            Some(passed) => {
                quick += 1;
                passed
            }
            None => {
                let Item::Record { body, first, chain } = reader.look().unwrap() else {
                    panic!("record {number}")
                };
                reader.pass(body, chain);
                (body, first)
            }
        };
        assert_eq!(reader.passed(length), (position.into(), &body(number)[..]));
        assert_eq!(first, number % 3 == 0);
    }
    assert_eq!((reader.at(), reader.chain()), (segment.data_end, segment.chain));
    assert!(quick > 550, "{quick} of them were in a window already");
}

#[test]
fn a_jump_to_any_record_goes_on_as_a_walk_does() {
    let segment = many();
    let (mut walked, mut jumped) = (segment.reader(), segment.reader());
    // Backward, so that no window serves twice.
    for number in (0..600).rev() {
        let offset = 1000 + number as u64;
        jumped.jump(segment.positions[number].into(), offset).unwrap();
        jumped.walk_to(offset + 1).unwrap();
        assert_eq!(jumped.passed(body(number).len()).1, body(number));
    }
    jumped.walk_to(1600).unwrap();
    walked.walk_to(1600).unwrap();
    assert_eq!((jumped.at(), jumped.chain()), (walked.at(), walked.chain()));
}

/// A table may be good and make no sense.
#[test]
fn a_jump_behind_the_end_of_the_file_finds_nothing_there() {
    let segment = many();
    for beyond in [0, 1, 3, 4, 5, 1 << 20] {
        let mut reader = segment.reader();
        reader.jump(reader.file_bytes() + beyond, 1234).unwrap();
        if beyond == 0 {
            assert_eq!(reader.chain(), segment.chain, "what stands before the end");
        }
        assert_eq!(
            (reader.look().unwrap(), reader.offset()),
            (Item::Blank, 1234),
            "{beyond} bytes behind it"
        );
        assert!(matches!(reader.walk_to(1235), Err(Error::Damaged(damage)) if damage.intact == Some(1234)));
    }
}

#[test]
fn the_end_that_a_footer_tells_is_the_one_that_walking_comes_to() {
    for segment in [many().sealed(), many().closed()] {
        let (mut walked, mut told) = (segment.reader(), segment.reader());
        walked.walk_to(1600).unwrap();
        let footer = told.footer().unwrap().unwrap();
        told.seek_end(&footer);
        let place = |reader: &SegmentReader| (reader.at(), reader.offset(), reader.chain());
        assert_eq!(place(&told), place(&walked));
    }
}

#[test]
fn a_segment_is_at_rest_only_behind_its_own_mark() {
    let segment = many();
    let footer = segment.as_footer(Ending::AtRest);
    let has_mark = |segment: Pieces| segment.reader().has_mark(&footer, 1600).unwrap();
    assert!(has_mark(segment.clone().mark()));
    for bytes in [vec![], vec![0; 20], vec![NOISE; 20], mark(&STORE, 1599, segment.chain).to_vec()] {
        assert!(!has_mark(segment.clone().raw(&bytes)), "{bytes:?}");
    }
}

#[test]
fn a_file_that_becomes_shorter_is_short_and_the_look_at_it_ends() {
    let segment = Pieces::first().batch([[NOISE; 900], [NOISE; 900]]).mark().blank();
    let (file, mut reader) = Odd::reader(&segment, |at| Some(at..u64::MAX));
    file.bytes.lock().unwrap().truncate(500);
    let expected = Defect::Short { expected: HEADER_BYTES as u64 + 908, found: 4096 };
    assert_eq!(reader.look().unwrap(), Item::Bad(expected));
}

/// A writer elsewhere had not written it yet when the place was read, and what is behind it when that was.
#[test]
fn a_record_that_came_while_its_proof_was_looked_for_is_found() {
    let before = Pieces::first().batch([b"one"]);
    let after = before.clone().batch([b"two"]).batch([b"three"]).mark().blank();
    let mut half_written = after.clone();
    half_written.bytes[before.bytes.len() + 4] ^= 1;
    let (file, mut reader) = Odd::reader(&half_written, |at| Some(at..u64::MAX));
    // After the looks for a footer and at the records.
    *file.then.lock().unwrap() = vec![after.bytes, half_written.bytes.clone()];
    let found = survey(&mut reader).unwrap();
    assert_eq!((found.extent.count, found.torn), (3, None));
    let (_, mut reader) = Odd::reader(&half_written, |at| Some(at..u64::MAX));
    let Err(Error::Damaged(damage)) = survey(&mut reader).map(drop) else { panic!("it stays like that") };
    assert_eq!((damage.byte, damage.intact), (before.data_end, Some(1)));
}

#[test]
fn whatever_a_file_system_says_is_written_measuring_comes_to_an_end() {
    let segment = Pieces::first().batch([b"one"]).mark().blank();
    for data in [|_| Some(0..0), |at| Some(at..at), |at| Some(at..at + 1), |_| Some(9..u64::MAX), |_| None] {
        let (_, mut reader) = Odd::reader(&segment, data);
        reader.measure_written().unwrap();
        assert!(reader.solid_end().unwrap() <= 4096);
    }
}

#[test]
fn what_is_not_zero_is_found_in_every_piece_of_a_long_tail() {
    let mut segment = Pieces::first().batch([b"one"]);
    let end = segment.data_end;
    segment.bytes.resize(1 << 20, 0);
    assert_eq!(
        segment.reader().solid_end().unwrap(),
        HEADER_BYTES as u64 + 11,
        "it looks from the beginning"
    );
    let solid_end = |segment: &Pieces| {
        let mut reader = segment.reader();
        reader.walk_to(1).unwrap();
        reader.solid_end().unwrap()
    };
    assert_eq!(solid_end(&segment), end, "all that follows is zeros");
    let piece = 256 << 10;
    for at in [end, end + 1, 300, piece - 1, piece, piece + end - 1, piece + end, 3 * piece, (1 << 20) - 1] {
        let mut segment = segment.clone();
        segment.bytes[at as usize] = 5;
        assert_eq!(solid_end(&segment), at + 1);
        // Two that are equal are not nothing.
        segment.bytes[at as usize + 1..].iter_mut().take(1).for_each(|byte| *byte = 5);
        assert_eq!(solid_end(&segment), (at + 2).min(1 << 20));
    }
}

#[test]
fn what_was_written_is_looked_at_and_nothing_else() {
    let mut segment = Pieces::first().batch([b"one"]);
    segment.bytes.resize(1 << 20, 0);
    for at in [100, 5000, 8191, 300_000] {
        segment.bytes[at] = 5;
    }
    let (_, mut reader) = Odd::reader(&segment, |at| match at {
        ..64 => Some(0..64),
        64..4096 => Some(4096..8192),
        _ => None,
    });
    reader.measure_written().unwrap();
    assert_eq!(reader.solid_end().unwrap(), 8192, "the file system was asked, and believed");
    reader.refresh().unwrap();
    assert_eq!(reader.solid_end().unwrap(), 300_001, "it may have been written since");
}

fn proof(segment: &Pieces) -> Option<&'static str> {
    let mut reader = segment.reader();
    reader.walk_to(segment.head()).unwrap();
    reader.proof().unwrap()
}

#[test]
fn proof_is_looked_for_from_the_very_next_byte_to_the_last() {
    let segment = Pieces::first().batch([b"one"]);
    let later = mark(&STORE, 2, 99);
    assert_eq!(proof(&segment.clone().raw(&later).blank()), None, "the place itself");
    for noise in 1..300 {
        let segment = segment.clone().raw(&vec![NOISE; noise]).raw(&later);
        assert_eq!(proof(&segment), Some("a later mark"), "{noise} bytes on, where the file ends");
        assert_eq!(proof(&segment.blank()), Some("a later mark"), "{noise} bytes on");
    }
}

#[test]
fn a_later_record_that_ends_with_zeros_is_proof() {
    let ending_with = |zeros: usize| {
        let torn = Pieces::first().batch([b"one"]).batch([[NOISE; 30]]);
        (0..u32::MAX).find_map(|number| {
            let later = torn.clone().batch([number.to_le_bytes()]);
            later.bytes.ends_with(&vec![0; zeros]).then_some(later)
        })
    };
    for zeros in 0..3 {
        let mut later = ending_with(zeros).unwrap();
        later.bytes[later.positions[1] as usize + 9] ^= 1;
        let mut reader = later.blank().reader();
        reader.walk_to(1).unwrap();
        assert_eq!(reader.proof().unwrap(), Some("a later record"), "its check ends with {zeros} zeros");
    }
}

/// The place up to which a segment is known to be durable.
fn proven(segment: &Pieces) -> u64 {
    segment.reader().proven_until().unwrap()
}

#[test]
fn a_batch_is_proven_by_what_was_written_behind_its_sync() {
    let (start, one) = (HEADER_BYTES as u64, Pieces::first().batch(["a", "b"]));
    let end = one.data_end;
    assert_eq!(proven(&one), start, "nothing");
    assert_eq!(proven(&one.clone().blank()), start, "zeros");
    assert_eq!(proven(&one.clone().raw(&[NOISE; 50])), start, "something else");
    assert_eq!(proven(&one.clone().mark()), end, "a mark");
    assert_eq!(proven(&one.clone().batch(["c"])), end, "the next batch, which is not proven itself");
    assert_eq!(proven(&one.clone().batch(["c"]).mark()), end, "as far as one looks");
    assert_eq!(proven(&one.clone().record(b"c", false)), start, "more of the same batch");
    assert_eq!(proven(&one.clone().sealed()), end, "a footer");
    assert_eq!(proven(&one.sealed().blank()), end, "which need not be the end yet");
}

#[test]
fn the_tag_of_a_footer_alone_proves_nothing() {
    let (start, one) = (HEADER_BYTES as u64, Pieces::first().batch(["a", "b"]));
    assert_eq!(proven(&one.clone().raw(&FOOTER_TAG.to_le_bytes()).blank()), start);
    // A good footer, of another kind or of other records.
    assert_eq!(proven(&one.clone().footer(Ending::AtRest).blank()), start);
    let other = Pieces::first().batch(["a", "b", "c"]).sealed();
    let footer = &other.bytes[other.data_end as usize..];
    assert_eq!(proven(&one.clone().raw(footer).blank()), start);
    // One that would begin here is at rest; one that ends where the right one would begins elsewhere.
    let (right, base) = (one.as_footer(Ending::Sealed), one.header.chain);
    let here = Footer { ending: Ending::AtRest, data_end: one.data_end - MARK_BYTES as u64, ..right };
    let bytes = here.encode(Table { stride: 1, positions: one.positions.clone() }, base);
    assert_eq!(proven(&one.clone().raw(&bytes).blank()), start);
    let less = Footer { count: 1, stride: 1, data_end: one.data_end + 4, ..right };
    let bytes = less.encode(Table { stride: 1, positions: vec![64] }, base);
    let places = Footer::bytes_for(2, 1) - Footer::bytes_for(1, 1);
    assert_eq!(places, 4);
    assert_eq!(proven(&one.clone().raw(&FOOTER_TAG.to_le_bytes()).raw(&bytes).blank()), start);
    for torn in 4..one.clone().sealed().bytes.len() - one.bytes.len() {
        let sealed = one.clone().sealed();
        let cut = &sealed.bytes[..one.bytes.len() + torn];
        assert_eq!(
            proven(&Pieces { bytes: cut.to_vec(), ..one.clone() }.blank()),
            start,
            "{torn} bytes of it"
        );
    }
}
