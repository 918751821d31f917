//! Snapshots of more than a block, and blocks that nobody should have written.

use super::{Header, Snapshot, path_of};
use crate::error::{Defect, Error};
use crate::io::{Disk, MemoryDisk};
use crate::layout::{StoreId, checksum, u32_at};
use crate::record::Stamp;
use crate::segment::format::HEADER_BYTES;
use crate::value::Value;
use std::path::Path;

fn dir() -> &'static Path {
    Path::new("/store")
}

fn snapshot(state: Value) -> Snapshot {
    let header =
        Header { store: StoreId([7; 16]), epoch: 1, version: 3, chain: 99, stamp: Stamp(5), schema: 1 };
    Snapshot { header, writers: [(crate::record::WriterId(1), 3)].into(), state }
}

fn written(state: Value) -> (MemoryDisk, Vec<u8>) {
    let disk = MemoryDisk::new();
    disk.create_dir(dir()).unwrap();
    let bytes = snapshot(state).write(&disk, dir()).unwrap();
    let file = disk.bytes(&path_of(dir(), 3)).unwrap();
    assert_eq!(file.len() as u64, bytes);
    (disk, file)
}

fn read(disk: &MemoryDisk) -> Result<Snapshot, Error> {
    Snapshot::read(disk, &path_of(dir(), 3), 3)
}

/// Bytes that cannot be compressed.
fn noise(count: usize) -> Vec<u8> {
    let mut word = 1_u64;
    let next = || {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[test]
fn a_state_of_many_blocks_comes_back() {
    let items = (0..200_000_u64).map(|n| Value::from(format!("item {n}"))).collect();
    let noise = Value::Bytes(noise(1 << 20).into());
    for state in [Value::List(items), noise, Value::Bytes(vec![0; 3 << 20].into()), Value::default()] {
        let (disk, _) = written(state.clone());
        let back = read(&disk).unwrap();
        assert_eq!(back.state, state);
        assert_eq!(
            (back.header, back.writers),
            (snapshot(Value::Null).header, snapshot(Value::Null).writers)
        );
    }
}

#[test]
fn what_cannot_be_compressed_takes_a_byte_a_block_more() {
    let (_, file) = written(Value::Bytes(noise(1 << 20).into()));
    // Four blocks and one that ends them, with length, method and check each, header and end.
    assert!(file.len() < (1 << 20) + HEADER_BYTES + 16 + 5 * 9 + 64, "{}", file.len());
}

#[cfg(feature = "zstd")]
#[test]
fn what_can_be_compressed_is() {
    let (_, file) = written(Value::Bytes(vec![5; 1 << 20].into()));
    assert!(file.len() < 1000, "{}", file.len());
}

/// Puts another block into the place of the only one, with good checks.
fn forged(state: Value, block: &[u8], total: u64) -> Result<Snapshot, Error> {
    let (disk, file) = written(state);
    let framed = [&(block.len() as u32).to_le_bytes()[..], block].concat();
    let check = checksum(checksum(u32_at(&file, 60), &[b"REDRSNAP"]), &[&framed]);
    let total = total.to_le_bytes();
    let end = [&[0; 4][..], &total, &checksum(check, &[&total]).to_le_bytes()].concat();
    disk.put(&path_of(dir(), 3), [&file[..HEADER_BYTES], &framed, &check.to_le_bytes(), &end].concat());
    read(&disk)
}

#[test]
fn a_method_of_the_future_is_refused_as_newer() {
    let answer = forged(Value::Null, &[2, 1, 2, 3], 3);
    assert!(matches!(answer, Err(Error::Newer { what: "compression method", found: 2, .. })), "{answer:?}");
}

#[cfg(feature = "zstd")]
#[test]
fn a_block_that_would_unpack_to_more_than_a_block_is_damage() {
    let bomb = zstd::bulk::compress(&vec![0; 1 << 28], 1).unwrap();
    for block in [&bomb[..], b"no frame"] {
        let answer = forged(Value::Null, &[&[1], block].concat(), 1 << 28);
        let Err(Error::Damaged(damage)) = answer else { panic!("{answer:?}") };
        assert!(matches!(damage.defect, Defect::Undecodable { part: "a block", .. }), "{damage:?}");
        assert_eq!(damage.byte, HEADER_BYTES as u64);
    }
}

#[test]
fn a_plain_block_is_read_whatever_was_built() {
    // No writers, then the value `false`.
    let back = forged(Value::Null, &[0, 0, 1], 2).unwrap();
    assert_eq!(back.state, Value::Bool(false));
}
