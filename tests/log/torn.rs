//! A torn write is cut whatever its bytes look like: found by reading, when a record of small integers with a -1 among them
//! was taken for the mark of a later batch, and one of equal small integers for too many candidates to tell. After a
//! power cut such a log could not be opened, though all that had been acknowledged was there.

use crate::common::{contents, dir, segment_path};
use redraft::io::MemoryDisk;
use redraft::log::{Log, Options};
use redraft::{Defect, Error, Result};

const BEFORE: u64 = 100;

fn options(disk: &MemoryDisk) -> Options {
    crate::common::logs::options(disk).segment_bytes(1 << 20)
}

fn words(words: impl IntoIterator<Item = i32>) -> Vec<u8> {
    words.into_iter().flat_map(i32::to_le_bytes).collect()
}

/// A log of some records, killed while it wrote a last one: its first byte is wrong and no mark stands behind it. Where it
/// begins.
fn torn(body: &[u8]) -> (MemoryDisk, usize) {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).open(dir()).unwrap();
    log.append_all((0..BEFORE).map(|n| n.to_le_bytes())).unwrap();
    let start = end_of_records(&disk);
    log.append(body).unwrap();
    let image = disk.process_kill();
    let mut bytes = image.bytes(&segment_path(0)).unwrap();
    bytes[start + 4] ^= 1;
    bytes[start + 8 + body.len()..].fill(0);
    image.put(&segment_path(0), bytes);
    (image, start)
}

/// Where the mark stands, and the next record will.
fn end_of_records(disk: &MemoryDisk) -> usize {
    let bytes = disk.bytes(&segment_path(0)).unwrap();
    bytes.iter().rposition(|&byte| byte != 0).unwrap() - 19
}

fn is_cut(body: &[u8]) {
    let (image, start) = torn(body);
    let log = options(&image).open(dir()).unwrap();
    assert_eq!(log.head(), BEFORE);
    let cut = log.cut().unwrap();
    assert_eq!((cut.byte, cut.head), (start as u64, BEFORE));
    drop(log);
    assert_eq!(options(&image).open(dir()).unwrap().append(body).unwrap(), BEFORE, "and it goes on");
}

#[test]
fn numbers_that_look_like_a_mark_are_no_proof() {
    is_cut(&words((0..2000).flat_map(|n| [-1, n, 0, 7])));
    is_cut(&words([-1, 500, 0]));
    let longs: Vec<u8> = (0..300_i64).flat_map(|n| [-1, n].map(i64::to_le_bytes).concat()).collect();
    is_cut(&longs);
}

#[test]
fn equal_numbers_that_lead_from_one_to_the_next_are_no_proof() {
    for (value, bytes) in [(1024, 16 << 10), (4096, 64 << 10), (9, 64 << 10), (4096, 512 << 10)] {
        is_cut(&words(std::iter::repeat_n(value, bytes / 4)));
    }
}

/// Found by the images of the power-cut tests once their records held small integers: a length that the four bytes before it
/// equal, and zeros behind it, had the checksum of a batch's first record.
#[test]
fn equal_numbers_before_zeros_are_no_proof() {
    for number in [1, 2, 9, 35, 200] {
        is_cut(&words([7, number, number].into_iter().chain([0; 100])));
    }
}

/// What the log held when this record was torn: a mark stood behind the last record then, and it proves.
#[test]
fn a_mark_behind_numbers_that_look_like_one_is_proof_all_the_same() {
    let disk = MemoryDisk::new();
    let log = options(&disk).create(true).open(dir()).unwrap();
    log.append(&words((0..2000).flat_map(|n| [-1, n, 0, 7]))).unwrap();
    let image = disk.process_kill();
    let mut bytes = image.bytes(&segment_path(0)).unwrap();
    bytes[64 + 4] ^= 1;
    image.put(&segment_path(0), bytes);
    let before = contents(&image);
    let answer: Result<Log> = options(&image).open(dir());
    let damage = answer.as_ref().err().and_then(Error::damage).unwrap();
    assert!(matches!(damage.defect, Defect::Checksum { part: "a record", .. }), "{damage}");
    assert_eq!(damage.byte, 64);
    assert_eq!(contents(&image), before);
}

/// Found by reading what mutants of the search outlived: only what leads on to whole records was taken for proof. Where the power
/// cut that lost a sector of one write also tore a later one, what had been acknowledged between them was cut.
#[test]
fn a_record_before_a_torn_write_proves_what_is_damaged_before_it() {
    for kept in [4, 5, 100, 512, 2900] {
        let disk = MemoryDisk::new();
        let log = options(&disk).create(true).open(dir()).unwrap();
        log.append_all((0..BEFORE).map(|n| n.to_le_bytes())).unwrap();
        let damaged = end_of_records(&disk);
        log.append(b"acknowledged").unwrap();
        log.append(b"so is this").unwrap();
        let torn = end_of_records(&disk);
        log.append(&[0xee; 3000]).unwrap();
        let image = disk.process_kill();
        let mut bytes = image.bytes(&segment_path(0)).unwrap();
        bytes[damaged + 4] ^= 1;
        bytes[torn + kept..].fill(0);
        image.put(&segment_path(0), bytes);
        let before = contents(&image);
        let answer = options(&image).open(dir());
        let damage = answer.as_ref().err().and_then(Error::damage).expect("it was not cut");
        assert_eq!((damage.byte, damage.intact), (damaged as u64, Some(BEFORE)), "{kept} bytes are left");
        assert_eq!(contents(&image), before);
    }
}
