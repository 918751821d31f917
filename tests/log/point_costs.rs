//! A look-up by offset reads one piece of the file, wherever the record is; walking there would find it too, at the cost of all
//! before it. So what is counted here is the only thing that tells the two apart.

use crate::common::dir;
use crate::common::logs::options;
use redraft::io::{FaultDisk, MemoryDisk};
use redraft::log::{Log, Reader};

const RECORDS: u64 = 4000;

fn body(offset: u64) -> Vec<u8> {
    vec![(offset % 251) as u8 + 1; 20 + (offset * 37 % 280) as usize]
}

fn written(disk: &FaultDisk) -> Log {
    let log = options(disk).create(true).segment_bytes(1 << 20).open(dir()).unwrap();
    for first in (0..RECORDS).step_by(50) {
        log.append_all((first..first + 50).map(body)).unwrap();
    }
    log
}

/// Reads records all over the log, in no order; the calls to the disk and the bytes read, for each.
fn cost(disk: &FaultDisk, reader: &Reader) -> (f64, f64) {
    let (calls, bytes, mut buffer) = (disk.calls(), disk.bytes_read(), Vec::new());
    for number in 0..RECORDS {
        let offset = number * 1009 % RECORDS;
        reader.read_into(offset, &mut buffer).unwrap();
        assert_eq!(buffer, body(offset));
    }
    let each = |before: u64, now: u64| (now - before) as f64 / RECORDS as f64;
    (each(calls, disk.calls()), each(bytes, disk.bytes_read()))
}

#[test]
fn a_record_is_read_with_one_read_and_little_more_than_itself() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let log = written(&disk);
    let beside = cost(&disk, &log.reader());
    log.close().unwrap();
    let closed = cost(&disk, &options(&disk).open_read_only(dir()).unwrap());
    // In a closed log also a look at the directory and at the length: somebody may go on writing it.
    for (place, most, (calls, bytes)) in
        [("beside the writer", 1.2, beside), ("in a closed log", 3.2, closed)]
    {
        assert!(calls < most && bytes < 700.0, "{place}: {calls} calls and {bytes} bytes a record");
    }
}
