//! A record may be of any size: smaller than anything read at once, as large as that to the byte, or larger than its segment.

use crate::common::logs::{backward, forward, options};
use crate::common::{dir, segment_path};
use redraft::io::MemoryDisk;
use redraft::log::Options;
use redraft::{Error, RECORD_BYTES_MAX};

fn body(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 + bytes) as u8).collect()
}

fn read_as_written(options: &Options, sizes: impl IntoIterator<Item = usize>) {
    let records: Vec<_> = sizes.into_iter().map(body).collect();
    let log = options.clone().create(true).open(dir()).unwrap();
    for record in &records {
        log.append(record).unwrap();
    }
    let looks_right = |reader: &redraft::log::Reader| {
        assert_eq!(forward(reader, 0).unwrap(), records);
        assert_eq!(backward(reader, records.len() as u64).unwrap(), records);
        for (offset, record) in records.iter().enumerate() {
            assert_eq!(reader.read(offset as u64).unwrap(), *record);
        }
    };
    looks_right(&log.reader());
    looks_right(&options.open_read_only(dir()).unwrap());
    log.close().unwrap();
    looks_right(&options.open(dir()).unwrap().reader());
}

/// The smallest segment holds 512 bytes: here its last record ends at every distance from its end.
#[test]
fn every_size_around_that_of_a_segment() {
    for first in 1..=520 {
        read_as_written(&options(&MemoryDisk::new()), [first, 3, 40]);
    }
}

/// Readers look at 8 KiB first and at 256 KiB later.
#[test]
fn every_size_around_that_of_what_is_read_at_once() {
    for read in [8 << 10, 256 << 10] {
        let sizes = (0..24).map(|less| read - 12 - less);
        read_as_written(&options(&MemoryDisk::new()).segment_bytes(1 << 20), sizes);
        read_as_written(
            &options(&MemoryDisk::new()).segment_bytes(1 << 20),
            [read / 2 - 50, 100, read, 1, 2 * read],
        );
    }
}

#[test]
fn a_hundred_thousand_records_in_a_thousand_segments() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).segment_bytes(2048).open(dir()).unwrap();
    let all: Vec<_> = (0..100_000_u32).map(|n| n.to_le_bytes()).collect();
    for batch in all.chunks(1000) {
        log.append_all(batch).unwrap();
    }
    log.close().unwrap();
    let log = options(&disk).open(dir()).unwrap();
    assert_eq!(forward(&log.reader(), 0).unwrap(), all);
    for offset in (0..100_000).step_by(997) {
        assert_eq!(log.read(offset).unwrap(), (offset as u32).to_le_bytes());
    }
}

/// Whatever else is written with it: its segment is no larger than it needs to be.
#[test]
fn a_record_that_is_larger_than_a_segment_gets_one_of_its_own_size() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).open(dir()).unwrap();
    log.append_all([body(3000), body(9), body(5000), body(7000)]).unwrap();
    let allocated = |base| {
        let bytes = disk.bytes(&segment_path(base)).unwrap();
        u64::from_le_bytes(*bytes[40..].first_chunk().unwrap())
    };
    // Header, frame, mark, and a footer with one position.
    let around = 64 + 8 + 20 + 4 + 4 + 4 + 28;
    assert_eq!([0, 1, 2, 3].map(allocated), [3000 + around, 512, 5000 + around, 7000 + around]);
}

/// The limit is looked at before anything is copied, and what is refused takes nothing else with it.
#[test]
fn a_record_beyond_the_limit_is_refused_and_the_log_goes_on() {
    let log = options(&MemoryDisk::new()).create(true).open(dir()).unwrap();
    // Zeros that nobody touches take no memory.
    let large = vec![0; RECORD_BYTES_MAX as usize + 1];
    let batch = [&b"before"[..], &large, b"after"];
    let refused = log.append_all(batch);
    let Err(Error::TooLarge { index, bytes, limit }) = refused else { panic!("not refused: {refused:?}") };
    assert_eq!((index, bytes, limit), (1, large.len() as u64, RECORD_BYTES_MAX.into()));
    assert_eq!(log.append(b"and on").unwrap(), 0, "none of them has a place");
    assert_eq!(forward(&log.reader(), 0).unwrap(), [b"and on"]);
}
