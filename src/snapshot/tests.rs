//! Snapshots of more than a block, and blocks that nobody should have written.

use super::{Delta, FLAG_MORE, Header, Snapshot, path_of};
use crate::error::{Defect, Error};
use crate::io::{Access, Disk, MemoryDisk, read_full_at};
use crate::layout::{StoreId, checksum, u32_at};
use crate::op::{Action, Op, Patch};
use crate::record::{Ledger, Stamp, WriterId};
use crate::rules::{Policy, Rules};
use crate::segment::format::{HEADER_BYTES, header_check};
use crate::value::{Path as Place, Value};
use std::path::Path;

fn dir() -> &'static Path {
    Path::new("/store")
}

fn ledger(sequence: u64) -> Ledger {
    Ledger { sequences: [(WriterId(1), sequence)].into(), ..Ledger::default() }
}

fn snapshot(state: Value) -> Snapshot {
    let header = Header {
        store: StoreId([7; 16]),
        epoch: 1,
        version: 3,
        chain: 99,
        stamp: Stamp(5),
        parent: None,
        schema: 1,
        more: false,
    };
    Snapshot { header, ledger: ledger(3), state }
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
    super::read(disk, dir(), 3)
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
        assert_eq!((back.header, back.ledger), (snapshot(Value::Null).header, snapshot(Value::Null).ledger));
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

/// Sets "n" in the map that the parent is.
fn delta(version: u64, parent: u64, parent_chain: u32, to: u64) -> Delta {
    let header =
        Header { version, parent: Some(parent), chain: 100 + version as u32, ..snapshot(Value::Null).header };
    let patch = Patch::from(vec![Op::new(Place::root().child("n"), Action::Add(to.into()))]);
    Delta { header, parent_chain, ledger: ledger(version), patch }
}

fn defect(answer: Result<Snapshot, Error>) -> (Defect, u64) {
    match answer {
        Err(Error::Damaged(damage)) => (damage.defect, damage.byte),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_of_deltas_comes_back_as_the_state_it_ends_with() {
    let (disk, _) = written(crate::value!({ "text": "whole" }));
    let rows = [delta(4, 3, 99, 1), delta(7, 4, 104, 2), delta(9, 7, 107, 3)];
    for row in &rows {
        let bytes = row.write(&disk, dir()).unwrap();
        assert_eq!(disk.bytes(&path_of(dir(), row.header.version)).unwrap().len() as u64, bytes);
    }
    for (row, n) in rows.iter().zip(1..) {
        let back = super::read(&disk, dir(), row.header.version).unwrap();
        assert_eq!(back.state, crate::value!({ "text": "whole", "n": n }));
        assert_eq!((back.header, &back.ledger), (row.header, &row.ledger));
    }
    let lineage: Vec<u64> = super::lineage(&disk, dir(), 9).unwrap().iter().map(|one| one.version).collect();
    assert_eq!(lineage, [9, 7, 4, 3]);
}

#[test]
fn a_delta_of_many_blocks_comes_back() {
    let (disk, _) = written(Value::default());
    let mut long = delta(4, 3, 99, 1);
    let list = (0..200_000_u64).map(|n| Value::from(format!("item {n}"))).collect();
    long.patch.push(Op::new(Place::root().child("rows"), Action::Add(Value::List(list))));
    long.write(&disk, dir()).unwrap();
    let back = super::read(&disk, dir(), 4).unwrap();
    assert_eq!(back.state["rows"].as_list().map(crate::value::List::len), Some(200_000));
}

#[test]
fn a_delta_is_put_onto_no_other_parent_than_its_own() {
    let (disk, _) = written(Value::default());
    delta(4, 3, 98, 1).write(&disk, dir()).unwrap();
    assert_eq!(defect(super::read(&disk, dir(), 4)), (Defect::ParentUnusable { parent: 3 }, 52));
    delta(5, 2, 99, 1).write(&disk, dir()).unwrap();
    assert_eq!(defect(super::read(&disk, dir(), 5)), (Defect::ParentUnusable { parent: 2 }, 52));
    let mut foreign = delta(6, 3, 99, 1);
    foreign.header.store = StoreId([8; 16]);
    foreign.write(&disk, dir()).unwrap();
    assert_eq!(defect(super::read(&disk, dir(), 6)), (Defect::ParentUnusable { parent: 3 }, 52));
}

#[test]
fn a_delta_that_does_not_apply_to_its_parent_is_damage() {
    let (disk, _) = written(Value::Bool(true));
    delta(4, 3, 99, 1).write(&disk, dir()).unwrap();
    let (defect, _) = defect(super::read(&disk, dir(), 4));
    assert!(matches!(defect, Defect::Undecodable { part: "the snapshot's content", .. }), "{defect:?}");
}

/// Writes other bytes into a header, with a good check.
fn with_header(disk: &MemoryDisk, at: usize, bytes: &[u8]) -> Result<Snapshot, Error> {
    let mut file = disk.bytes(&path_of(dir(), 3)).unwrap();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    let check = header_check(&file);
    file[56..60].copy_from_slice(&check.to_le_bytes());
    disk.put(&path_of(dir(), 3), file);
    read(disk)
}

/// As whoever does not know deltas refuses them.
#[test]
fn a_flag_of_the_future_is_refused_as_newer() {
    let (disk, _) = written(Value::Null);
    let answer = with_header(&disk, 11, &[8]);
    assert!(matches!(answer, Err(Error::Newer { what: "flags", found: 8, .. })), "{answer:?}");
}

#[test]
fn a_row_that_would_never_end_is_damage() {
    let (disk, _) = written(Value::Null);
    for back in [0_u32, 4, u32::MAX] {
        with_header(&disk, 52, &back.to_le_bytes()).unwrap();
        let (defect, byte) = defect(with_header(&disk, 11, &[2]));
        assert!(matches!(defect, Defect::Undecodable { part: "the header", .. }), "{defect:?}");
        assert_eq!(byte, 52);
        with_header(&disk, 11, &[0]).unwrap();
    }
}

#[test]
fn who_is_at_home_and_which_rules_hold_are_in_every_snapshot() {
    let rules = Rules::new().with("/votes/*".parse().unwrap(), Policy::Counter);
    let more = Ledger { home: Some(WriterId(9)), rules: rules.into(), ..ledger(3) };
    let (disk, _) = written(Value::Null);
    let whole = Snapshot { ledger: more.clone(), ..snapshot(Value::Null) };
    whole.write(&disk, dir()).unwrap();
    let header = Header { version: 5, parent: Some(3), ..whole.header };
    let delta = Delta { header, parent_chain: whole.header.chain, ledger: more.clone(), patch: Patch::new() };
    delta.write(&disk, dir()).unwrap();
    for version in [3, 5] {
        assert_eq!(super::read(&disk, dir(), version).unwrap().ledger, more);
    }
    // Who knows of no such thing must not take it for one that has nothing of it.
    let file = disk.open(&path_of(dir(), 3), Access::Read).unwrap();
    let mut header = [0; HEADER_BYTES];
    read_full_at(&*file, &mut header, 0).unwrap();
    assert_eq!(header[11] & FLAG_MORE, FLAG_MORE);
}
