//! Whoever reads what is being written, in the process that writes it, reads what was written and not what is behind it: that is space nobody
//! wrote yet, of which a file system makes pages of zeros, and more of them the more regularly it is asked.

use crate::common::dir;
use crate::common::logs::options;
use redraft::io::{FaultDisk, MemoryDisk};
use redraft::log::{Log, Records};

const ROUNDS: u64 = 400;
/// A frame takes so much on top of a body of some length, and a reader a few bytes to see where it is.
const FRAME_BYTES: u64 = 8;
const LOOKS_BYTES: u64 = 160;
const LOOKS: u64 = 12;

fn body(offset: u64) -> Vec<u8> {
    vec![(offset % 251) as u8 + 1; 20 + (offset * 37 % 280) as usize]
}

fn records_of(round: u64) -> u64 {
    1 + round * 7 % 40
}

/// Appends and reads by turns; how often, and how many bytes, a round read beside what it wrote, at most.
fn costs(log: &Log, disk: &FaultDisk, mut read: impl FnMut(u64)) -> (u64, u64) {
    let mut most = (0, 0);
    for round in 0..ROUNDS {
        let first = log.head();
        let bodies: Vec<_> = (first..first + records_of(round)).map(body).collect();
        let written: u64 = bodies.iter().map(|body| body.len() as u64 + FRAME_BYTES).sum();
        log.append_all(bodies).unwrap();
        let (calls, bytes) = (disk.calls(), disk.bytes_read());
        read(first);
        let beyond = (disk.bytes_read() - bytes).saturating_sub(written);
        most = (most.0.max(disk.calls() - calls), most.1.max(beyond));
    }
    most
}

fn reads(records: &mut Records, first: u64, head: u64) {
    for offset in first..head {
        let record = records.next_record().unwrap().unwrap();
        assert_eq!((record.offset(), record.payload()), (offset, &*body(offset)));
    }
    assert!(records.next_record().unwrap().is_none());
}

#[test]
fn a_reader_of_the_newest_records_reads_them_and_nothing_that_is_not_written() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let log = options(&disk).create(true).segment_bytes(8 << 20).open(dir()).unwrap();
    let reader = log.reader();
    let began_anew =
        costs(&log, &disk, |first| reads(&mut reader.records(first).unwrap(), first, log.head()));
    let mut records = reader.records(log.head()).unwrap();
    let went_on = costs(&log, &disk, |first| reads(&mut records, first, log.head()));
    for (which, (calls, beyond)) in [("began anew", began_anew), ("went on", went_on)] {
        assert!(
            calls <= LOOKS && beyond <= LOOKS_BYTES,
            "who {which}: {calls} calls, and {beyond} bytes beside what was written"
        );
    }
}

#[test]
fn who_follows_into_new_segments_goes_on_reading_in_large_pieces() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let log = options(&disk).create(true).segment_bytes(1 << 16).open(dir()).unwrap();
    let reader = log.reader();
    // From when the first segment was the newest one, and empty.
    let mut records = reader.records(0).unwrap();
    for _ in 0..ROUNDS {
        let first = log.head();
        log.append_all((first..first + 50).map(body)).unwrap();
    }
    let calls = disk.calls();
    reads(&mut records, 0, log.head());
    let read = disk.calls() - calls;
    assert!(read < log.head() / 10, "{read} calls for {} records", log.head());
}
