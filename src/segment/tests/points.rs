//! A record is found by its place with one look; nothing slower has to stand in, wherever groups, blocks and pieces end.

use super::super::footer::{BLOCK_POSITIONS, Ending, Footer, STRIDES, Table};
use super::super::format::{HEADER_BYTES, Header};
use super::super::path_of;
use super::super::point::PointReader;
use super::super::positions::Positions;
use super::{NOISE, Pieces, dir, disk_of};
use crate::io::{Access, Disk, MemoryDisk};
use std::sync::Arc;

const BASE: u64 = 1000;

fn body(number: usize) -> Vec<u8> {
    let length = if number % 50 == 7 { 70_000 } else { 1 + number * 37 % 400 };
    vec![(number % 250) as u8 + 1; length]
}

fn segment(count: usize) -> Pieces {
    let mut segment = Pieces::from(BASE, 77);
    for first in (0..count).step_by(3) {
        segment = segment.batch((first..count.min(first + 3)).map(body));
    }
    segment
}

/// The segment with a footer of a stride of its own.
fn with_stride(segment: &Pieces, stride: u32, ending: Ending) -> Pieces {
    let footer = Footer { stride, ..segment.as_footer(ending) };
    let known = Table { stride: 1, positions: segment.positions.clone() };
    let segment = if ending == Ending::AtRest { segment.clone().mark() } else { segment.clone() };
    let base = segment.header.chain;
    segment.raw(&footer.encode(known, base))
}

fn opened(disk: &MemoryDisk, writer: Option<Arc<Positions>>) -> Option<PointReader> {
    PointReader::open(disk, path_of(dir(), BASE), BASE, writer).unwrap()
}

/// Every record is read, and reading goes on from each, without walking there.
fn all_are_found(reader: &mut PointReader, count: usize, stride: u64) {
    let mut buffer = vec![NOISE; 9];
    for number in (0..count).rev().chain(0..count) {
        let offset = BASE + number as u64;
        assert!(reader.read(offset, &mut buffer).unwrap().is_some(), "record {number}");
        assert!(buffer == body(number), "record {number}");
        let near = reader.reader_at(offset).unwrap();
        let expected = BASE + number as u64 / stride * stride;
        assert_eq!(near.offset(), expected, "the place known for record {number}");
    }
    assert_eq!(reader.read(BASE + count as u64, &mut buffer).unwrap(), None);
    assert_eq!(reader.read(BASE - 1, &mut buffer).unwrap(), None);
}

#[test]
fn every_record_is_found_by_a_table_of_every_stride() {
    for count in
        [1, 2, 3, 4, 5, BLOCK_POSITIONS - 1, BLOCK_POSITIONS, BLOCK_POSITIONS + 1, 4 * BLOCK_POSITIONS + 3]
    {
        let segment = segment(count);
        for (stride, ending) in
            STRIDES.into_iter().flat_map(|stride| [(stride, Ending::Sealed), (stride, Ending::AtRest)])
        {
            let disk = disk_of([&with_stride(&segment, stride, ending)]);
            let mut reader = opened(&disk, None).unwrap();
            all_are_found(&mut reader, count, stride.into());
            let end = reader.reader_at(BASE + count as u64).unwrap();
            assert_eq!(
                (end.at(), end.offset(), end.chain()),
                (segment.data_end, segment.head(), segment.chain)
            );
        }
    }
}

#[test]
fn every_record_is_found_beside_the_writer() {
    for (allocated, stride) in [(1 << 20, 1), (100 << 20, 2), (1 << 30, 4)] {
        let segment = segment(150);
        let known = Table { stride: 1, positions: segment.positions.clone() };
        let disk = disk_of([&Pieces { bytes: as_allocated(&segment, allocated), ..segment.clone() }]);
        let positions = Positions::of(known, segment.data_end, allocated);
        let mut reader = opened(&disk, Some(Arc::new(positions))).unwrap();
        assert!(reader.footer().is_none());
        all_are_found(&mut reader, 150, stride);
    }
}

/// The segment as it is while it is written: the file says how long it will be.
fn as_allocated(segment: &Pieces, allocated: u64) -> Vec<u8> {
    let header = Header { allocated, ..segment.header };
    [&header.encode()[..], &segment.bytes[HEADER_BYTES..]].concat()
}

/// The checksums of a table say that it is what was written, not that this made sense.
#[test]
fn a_table_that_makes_no_sense_finds_nothing() {
    let segment = segment(6);
    let footer = Footer { stride: 1, ..segment.as_footer(Ending::Sealed) };
    let within = segment.positions[2] + 1;
    for (number, wrong) in [(0, 0), (0, 3), (0, 63), (2, within), (3, u32::MAX), (5, u32::MAX)] {
        let mut positions = segment.positions.clone();
        positions[number] = wrong;
        let table = Table { stride: 1, positions };
        let forged = segment.clone().raw(&footer.encode(table, segment.header.chain));
        let mut reader = opened(&disk_of([&forged]), None).unwrap();
        let found = reader.read(BASE + number as u64, &mut Vec::new()).unwrap();
        assert_eq!(found, None, "byte {wrong} for record {number}");
    }
}

/// What stands before a record in its group is verified too: a damaged length in it could lead to another good record.
#[test]
fn damage_before_a_record_in_its_group_is_not_passed_over() {
    let segment = with_stride(&segment(8), 4, Ending::Sealed);
    for damaged in 4..8_usize {
        let mut bytes = segment.bytes.clone();
        bytes[segment.positions[damaged] as usize + 4] ^= 1;
        let disk = disk_of([&Pieces { bytes, ..segment.clone() }]);
        let mut reader = opened(&disk, None).unwrap();
        let mut buffer = Vec::new();
        for number in 0..8 {
            let found = reader.read(BASE + number as u64, &mut buffer).unwrap();
            assert_eq!(found.is_some(), number < damaged.max(4), "record {number}, {damaged} is damaged");
        }
    }
}

#[test]
fn places_are_known_for_as_long_as_the_segment_stays_as_it_was() {
    let records = segment(5);
    let sealed = opened(&disk_of([&records.clone().sealed()]), None).unwrap();
    let disk = disk_of([&records.closed()]);
    let closed = opened(&disk, None).unwrap();
    let positions = || Arc::new(Positions::none_of(4096));
    let (mine, theirs) = (positions(), positions());
    let written = opened(&disk, Some(Arc::clone(&mine))).unwrap();
    assert!(sealed.is_current(None) && closed.is_current(None) && written.is_current(None));
    assert!(written.is_current(Some(&mine)) && !written.is_current(Some(&theirs)));
    assert!(!sealed.is_current(Some(&mine)) && !closed.is_current(Some(&mine)), "somebody writes it now");
    // Whoever goes on with it gives it its full length first.
    disk.open(&path_of(dir(), BASE), Access::Write).unwrap().allocate(100_000).unwrap();
    assert!(!closed.is_current(None));
}

#[test]
fn nobody_knows_the_places_in_a_segment_without_footer_or_records() {
    assert!(opened(&disk_of([&segment(5).mark()]), None).is_none());
    assert!(opened(&disk_of([&segment(0).closed()]), None).is_none(), "it may be replaced");
    assert!(opened(&disk_of([&segment(1).closed()]), None).is_some());
    assert!(opened(&disk_of([&segment(5).mark()]), Some(Arc::new(Positions::none_of(4096)))).is_some());
}
