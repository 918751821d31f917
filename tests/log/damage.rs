//! Every bit of a closed log flipped, and every file of it cut at every byte: never a wrong record, whichever way it is read,
//! and nothing goes unnoticed. What only helps to find records costs none.

use crate::common::logs::{DURABILITIES, backward, chains, forward, options};
use crate::common::{contents, copy, dir, segment_path};
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::log::{Log, Reader};
use redraft::{Defect, Error, Occupant, Report, Result};
use std::fmt::Debug;
use std::path::Path;

/// The mark, and what follows the table in a footer: FORMAT.md.
const MARK_BYTES: usize = 20;
const TAIL_BYTES: usize = 28;
const TAG_BYTES: usize = 4;

/// A closed log, each segment of it with more records than a footer's table has one entry for.
pub(crate) struct Closed {
    pub(crate) disk: MemoryDisk,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) chains: Vec<u32>,
}

impl Closed {
    fn new(segment_bytes: u64) -> Closed {
        let (disk, dice, mut records) = (MemoryDisk::new(), SeededEntropy::new(5), Vec::new());
        let log = options(&disk).segment_bytes(segment_bytes).create(true).open(dir()).unwrap();
        while log.head() < 80 {
            let batch: Vec<Vec<u8>> = (0..1 + dice.below(3))
                .map(|_| (0..1 + dice.below(12)).map(|_| dice.next() as u8).collect())
                .collect();
            log.append_all(&batch).unwrap();
            records.extend(batch);
        }
        let chains = chains(log.id(), &records, Vec::new());
        log.close().unwrap();
        Closed { disk, records, chains }
    }

    pub(crate) fn end(&self) -> u64 {
        self.records.len() as u64
    }

    pub(crate) fn segments(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let is_segment = |path: &Path| path.extension().is_some_and(|ending| ending == "seg");
        contents(&self.disk).into_iter().filter(|(path, _)| is_segment(path)).collect()
    }

    fn of_three_segments() -> Closed {
        let log = Closed::new(512);
        assert!(log.segments().len() >= 3, "{} segments", log.segments().len());
        log
    }

    pub(crate) fn with(&self, path: &Path, bytes: Vec<u8>) -> MemoryDisk {
        let image = copy(&self.disk);
        image.put(path, bytes);
        image
    }
}

pub(crate) fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    damaged[bit / 8] ^= 1 << (bit % 8);
    damaged
}

fn report(image: &MemoryDisk) -> Result<Report> {
    crate::common::check(image)
}

/// The error, if it is one that damage leads to.
fn damaged<T: Debug>(answer: Result<T>) -> bool {
    match answer {
        Ok(_) => false,
        Err(Error::Damaged(_) | Error::Newer { .. } | Error::NotAStore { .. }) => true,
        Err(error) => panic!("an error of the wrong kind: {error:?}"),
    }
}

/// Reads all of it in every way; whether damage was met. What is read is right, and what is damaged stays so.
pub(crate) fn read_every_way(log: &Closed, reader: &Reader, dice: &SeededEntropy) -> bool {
    let mut met = damaged(read_forward(log, reader, 0));
    met |= damaged(read_forward(log, reader, dice.below(log.records.len()) as u64));
    met |= damaged(read_backward(log, reader, log.end()));
    met |= damaged(read_backward(log, reader, dice.below(log.records.len()) as u64));
    let mut offsets: Vec<usize> = (0..log.records.len()).collect();
    for last in (1..offsets.len()).rev() {
        offsets.swap(last, dice.below(last + 1));
    }
    let mut buffer = Vec::new();
    for offset in offsets {
        match reader.read_into(offset as u64, &mut buffer) {
            Ok(chain) => assert_eq!((&buffer, chain), (&log.records[offset], log.chains[offset + 1])),
            answer => met |= damaged(answer),
        }
        match reader.chain_at(offset as u64) {
            Ok(chain) => assert_eq!(chain, log.chains[offset], "the chain at {offset}"),
            answer => met |= damaged(answer),
        }
    }
    met
}

fn read_forward(log: &Closed, reader: &Reader, from: u64) -> Result<()> {
    let mut records = reader.records(from)?;
    for offset in from.. {
        match records.next_record() {
            Ok(Some(record)) => {
                assert_eq!((record.offset(), record.payload()), (offset, &log.records[offset as usize][..]));
                assert_eq!(record.chain(), log.chains[offset as usize + 1]);
            }
            Ok(None) => return if offset == log.end() { Ok(()) } else { Err(missing()) },
            Err(error) => {
                let again = records.next_record().map(drop).unwrap_err();
                assert_eq!(format!("{again:?}"), format!("{error:?}"), "asked again");
                return Err(error);
            }
        }
    }
    Ok(())
}

fn read_backward(log: &Closed, reader: &Reader, end: u64) -> Result<()> {
    let mut records = reader.backward(end)?;
    for offset in (0..end).rev() {
        match records.next_record() {
            Ok(Some(found)) => {
                assert_eq!(
                    (found.offset(), found.payload()),
                    (offset, &log.records[offset as usize][..]),
                    "backward"
                );
            }
            Ok(None) => return Err(missing()),
            Err(error) => {
                let again = records.next_record().map(drop).unwrap_err();
                assert_eq!(format!("{again:?}"), format!("{error:?}"), "asked again, backward");
                return Err(error);
            }
        }
    }
    assert!(records.next_record().unwrap().is_none());
    Ok(())
}

/// Less than there was counts as noticed: it is what a reader is told.
fn missing() -> Error {
    Error::NotAStore { path: dir().to_owned(), found: Occupant::Other }
}

/// Verifies, reads, opens and reads again; whether anybody noticed.
pub(crate) fn noticed(log: &Closed, image: &MemoryDisk, dice: &SeededEntropy) -> bool {
    let before = contents(image);
    let mut noticed = match report(image) {
        Ok(report) => !report.is_sound() || report.cut.is_some() || report.intact < log.end(),
        answer => damaged(answer),
    };
    match options(image).open_read_only(dir()) {
        Ok(reader) => noticed |= read_every_way(log, &reader, dice),
        answer => noticed |= damaged(answer),
    }
    assert_eq!(before, contents(image), "reading and verifying change nothing");
    match options(image).open(dir()) {
        Ok(opened) => {
            assert_eq!(opened.head(), log.end(), "a clean close proves all of it");
            noticed |= opened.cut().is_some() | read_every_way(log, &opened.reader(), dice);
        }
        answer => noticed |= damaged(answer),
    }
    noticed
}

#[test]
fn every_flipped_bit_of_a_closed_log_is_noticed_and_never_shows_a_wrong_record() {
    let (log, dice, mut flips) = (Closed::of_three_segments(), SeededEntropy::new(1), 0);
    for (path, bytes) in log.segments() {
        for bit in 0..8 * bytes.len() {
            let _saying =
                crate::common::Saying(format!("{} byte {} bit {}", path.display(), bit / 8, bit % 8));
            assert!(noticed(&log, &log.with(&path, flipped(&bytes, bit)), &dice), "went unnoticed");
            flips += 1;
        }
    }
    assert!(flips > 10_000, "{flips} flips");
}

#[test]
fn every_cut_of_a_closed_log_is_noticed_and_never_shows_a_wrong_record() {
    let (log, dice, mut cuts) = (Closed::of_three_segments(), SeededEntropy::new(2), 0);
    for (path, bytes) in log.segments() {
        for cut in 0..bytes.len() {
            let _saying = crate::common::Saying(format!("{} cut at {cut}", path.display()));
            let image = log.with(&path, bytes[..cut].to_vec());
            // Cut right behind its mark, the last segment has lost nothing but the footer, which it can do without.
            let whole = cut > 0 && forward_all(&log, &image);
            assert!(noticed(&log, &image, &dice) || whole, "went unnoticed");
            cuts += 1;
        }
    }
    assert!(cuts > 1_200, "{cuts} cuts");
}

fn forward_all(log: &Closed, image: &MemoryDisk) -> bool {
    let reader = options(image).open_read_only(dir());
    reader.is_ok_and(|reader| forward(&reader, 0).is_ok_and(|found| found == log.records))
}

/// All is read, and verification says that it is the table and nothing else. That of a segment at rest may be torn by a
/// power cut, so it is reported and cut as that.
fn only_the_table(log: &Closed, image: &MemoryDisk, rests: bool) {
    let reader = options(image).open_read_only(dir()).unwrap();
    assert!(!read_every_way(log, &reader, &SeededEntropy::new(3)), "a record is lost");
    let report = report(image).unwrap();
    let named: Vec<_> = report.damage.iter().map(|damage| &damage.defect).collect();
    assert_eq!(named, if rests { vec![] } else { vec![&Defect::PositionTable] });
    assert_eq!(report.cut.is_some(), rests);
    let opened = options(image).open(dir()).unwrap();
    assert!(!read_every_way(log, &opened.reader(), &SeededEntropy::new(4)), "a record is lost");
    assert_eq!(opened.cut().is_some(), rests);
}

#[test]
fn a_damaged_position_table_costs_no_record_and_verification_names_it() {
    let (log, mut flips) = (Closed::of_three_segments(), 0);
    let segments = log.segments();
    for (index, (path, bytes)) in segments.iter().enumerate() {
        let rests = index + 1 == segments.len();
        let (start, end) = (footer_start(bytes, rests), bytes.len() - TAIL_BYTES);
        // Of a segment at rest, the tag is not what leads anywhere either.
        for bit in 8 * (start + if rests { 0 } else { TAG_BYTES })..8 * end {
            let _saying =
                crate::common::Saying(format!("{} byte {} bit {}", path.display(), bit / 8, bit % 8));
            only_the_table(&log, &log.with(path, flipped(bytes, bit)), rests);
            flips += 1;
        }
    }
    assert!(flips > 250, "{flips} flips");
}

/// Where the footer starts: its tail says where the records end.
fn footer_start(bytes: &[u8], rests: bool) -> usize {
    let data_end = u64::from_le_bytes(*bytes[bytes.len() - TAIL_BYTES + 8..].first_chunk().unwrap());
    data_end as usize + if rests { MARK_BYTES } else { 0 }
}

#[test]
fn a_damaged_footer_of_a_segment_at_rest_costs_no_record_and_the_next_session_goes_on() {
    let log = Closed::of_three_segments();
    let (path, bytes) = log.segments().pop().unwrap();
    for bit in 8 * footer_start(&bytes, true)..8 * bytes.len() {
        let _saying = crate::common::Saying(format!("{} byte {} bit {}", path.display(), bit / 8, bit % 8));
        let image = log.with(&path, flipped(&bytes, bit));
        let reader = options(&image).open_read_only(dir()).unwrap();
        assert!(!read_every_way(&log, &reader, &SeededEntropy::new(3)), "a record is lost");
        assert!(report(&image).is_ok_and(|report| !report.is_sound() || report.cut.is_some()), "unnoticed");
        let opened = options(&image).open(dir()).unwrap();
        assert!(!read_every_way(&log, &opened.reader(), &SeededEntropy::new(4)), "a record is lost");
        assert_eq!(opened.append(b"on it goes").unwrap(), log.end());
        opened.close().unwrap();
        assert!(report(&image).unwrap().is_sound(), "and mends it");
    }
}

/// Reading it from both ends, what a damaged record is between is still there.
#[test]
fn what_is_good_before_and_after_damage_can_be_read() {
    let log = Closed::new(1 << 16);
    let (path, bytes) = log.segments().pop().unwrap();
    let at = (64..bytes.len()).find(|&at| bytes[at..].starts_with(&log.records[40])).unwrap();
    let image = log.with(&path, flipped(&bytes, 8 * at));
    let opened = options(&image).open(dir()).unwrap();
    let reader = opened.reader();
    for offset in (0..40).chain(48..log.end()) {
        assert_eq!(reader.read(offset).unwrap(), log.records[offset as usize], "at {offset}");
    }
    assert!(matches!(reader.read(40), Err(Error::Damaged(damage)) if damage.intact == Some(40)));
    assert_eq!(backward(&reader, 40).unwrap(), log.records[..40]);
    assert_eq!(forward(&reader, 48).unwrap(), log.records[48..]);
    let intact = report(&image).unwrap().intact;
    assert_eq!(intact, 40, "and verification says how far it is good");
}

/// An empty segment is followed by none: what looks like its footer leads nowhere, and above all not in a circle.
#[test]
fn a_flipped_bit_of_an_empty_log_does_no_harm() {
    let disk = MemoryDisk::new();
    drop(options(&disk).create(true).open(dir()).unwrap());
    for image in [disk.process_kill(), killed_while_new()] {
        let path = segment_path(0);
        let bytes = image.bytes(&path).unwrap();
        for bit in 0..8 * bytes.len().min(128) {
            let _saying = crate::common::Saying(format!("byte {} bit {}", bit / 8, bit % 8));
            let damaged_image = copy(&image);
            damaged_image.put(&path, flipped(&bytes, bit));
            match options(&damaged_image).open_read_only(dir()).and_then(|reader| reader.head()) {
                Ok(head) => assert_eq!(head, 0),
                answer => assert!(damaged(answer)),
            }
            match options(&damaged_image).open(dir()) {
                Ok(log) => assert_eq!((log.head(), log.append(b"first").unwrap()), (0, 0)),
                answer => assert!(damaged(answer)),
            }
        }
    }
}

fn killed_while_new() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let _log: Log = options(&disk).create(true).open(dir()).unwrap();
    disk.process_kill()
}

/// A log may hold pieces of logs. A damaged length leads into one of them, where everything looks like records.
#[test]
fn records_within_records_are_never_taken_for_records() {
    for durability in DURABILITIES {
        let disk = MemoryDisk::new();
        let inner = Closed::new(1 << 16).segments().pop().unwrap().1;
        let options = options(&disk).segment_bytes(1 << 16).durability(durability).create(true);
        let log = options.open(dir()).unwrap();
        let records: Vec<Vec<u8>> =
            (0..16).map(|start| inner[64 + start..64 + start + 600].to_vec()).collect();
        log.append_all(&records).unwrap();
        log.sync().unwrap();
        let path = segment_path(0);
        let bytes = disk.bytes(&path).unwrap();
        for (offset, bit) in (0..16).flat_map(|offset| (0..16).map(move |bit| (offset, bit))) {
            // Each record takes as many bytes; its length comes first.
            let damaged_bytes = flipped(&bytes, 8 * (64 + offset * 608) + bit);
            let image = copy(&disk);
            image.put(&path, damaged_bytes.clone());
            disk.put(&path, damaged_bytes);
            let reader = log.reader();
            for at in 0..16 {
                if let Ok(found) = reader.read(at) {
                    assert_eq!(
                        found, records[at as usize],
                        "record {at}, bit {bit} of the length of {offset}"
                    );
                }
            }
            disk.put(&path, bytes.clone());
        }
    }
}
