//! What the tests of the log share: small logs on disks in memory, and all that can be read of one, in either direction.

use super::env;
use redraft::io::{Disk, SeededEntropy};
use redraft::log::{Durability, Options, Reader};
use redraft::{Result, StoreId};
use std::time::Duration;

/// Longer than any test: what should happen after it does not happen by itself.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DURABILITIES: [Durability; 3] =
    [Durability::Immediate, Durability::Interval(HOUR), Durability::UnsafeNoSync];

/// How the tests open logs: the smallest segments, and no new log where there should be one.
pub(crate) fn options(disk: &(impl Disk + Clone + 'static)) -> Options {
    Options::new().env(env(disk)).segment_bytes(512).create(false)
}

/// Bytes that tell which record they are of, mostly few; now and then more than a small segment holds.
pub(crate) fn payload(dice: &SeededEntropy) -> Vec<u8> {
    let most = if dice.below(12) == 0 { 1500 } else { 40 };
    (0..1 + dice.below(most)).map(|_| dice.next() as u8).collect()
}

/// All records from an offset on.
pub(crate) fn forward(reader: &Reader, from: u64) -> Result<Vec<Vec<u8>>> {
    let mut records = reader.records(from)?;
    let mut found = Vec::new();
    while let Some(record) = records.next_record()? {
        assert_eq!(record.offset(), from + found.len() as u64, "offsets have no gaps");
        found.push(record.payload().to_vec());
    }
    assert_eq!(records.offset(), from + found.len() as u64);
    Ok(found)
}

/// All records before an offset, in the order of the log.
pub(crate) fn backward(reader: &Reader, end: u64) -> Result<Vec<Vec<u8>>> {
    let mut records = reader.backward(end)?;
    let mut found = Vec::new();
    while let Some(record) = records.next_record()? {
        found.push(record.payload().to_vec());
        assert_eq!(record.offset(), end - found.len() as u64, "offsets have no gaps");
    }
    assert_eq!(records.offset(), end - found.len() as u64);
    found.reverse();
    Ok(found)
}

/// The chains at offset 0 and after each record, by the definition in FORMAT.md; `known` are those of the first few.
pub(crate) fn chains(id: StoreId, records: &[Vec<u8>], mut known: Vec<u32>) -> Vec<u32> {
    known.truncate(records.len() + 1);
    if known.is_empty() {
        known.push(crc(0, id.as_bytes()));
    }
    for record in &records[known.len() - 1..] {
        let framed = [&(record.len() as u32).to_le_bytes()[..], record].concat();
        known.push(crc(known[known.len() - 1], &framed));
    }
    known
}

/// CRC-32 (ISO-HDLC), bit by bit: another than the one under test.
fn crc(seed: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!seed, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
