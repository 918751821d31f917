//! What no writer writes about schemas is damage with its place, though every checksum is good.
#![cfg(feature = "derive")]

use crate::common::boards::{First, Second, Third};
use crate::common::{check, dir, options, segment_path, snapshot_path};
use redraft::io::MemoryDisk;
use redraft::{Defect, Error, Store, Value};

/// Schema 1, then 2, then 3, in one segment that was not closed.
fn written() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store: Store<First> = options(&disk).create(true).open(dir()).unwrap();
    store.produce(|board| board.title = "plan".into()).unwrap();
    store.close().unwrap();
    drop(options(&disk).open::<Second>(dir()).unwrap());
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    assert_eq!(store.version(), 3);
    store.snapshot().unwrap();
    disk.process_kill()
}

fn checksum(seed: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(bytes);
    hasher.finalize()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The third record says another schema, with a good checksum, and nothing stands behind it.
fn forged(schema: u8) -> MemoryDisk {
    let disk = written();
    let mut bytes = disk.bytes(&segment_path(0)).unwrap();
    let (mut at, mut chain) = (64, word(&bytes, 60));
    for _ in 0..2 {
        let length = word(&bytes, at) as usize;
        chain = checksum(chain, &bytes[at..at + 4 + length]);
        at += 8 + length;
    }
    let (length, body) = (word(&bytes, at) as usize, at + 4);
    // Fields, clock, more, and the label with its length.
    let said = body + 10 + 1 + usize::from(bytes[body + 10]);
    assert_eq!(bytes[said], 3, "where the schema is said");
    bytes[said] = schema;
    let end = body + length;
    let check = !checksum(chain, &bytes[at..end]);
    bytes[end..end + 4].copy_from_slice(&check.to_le_bytes());
    bytes[end + 4..].fill(0);
    disk.put(&segment_path(0), bytes);
    redraft::io::Disk::remove(&disk, &snapshot_path(3)).unwrap();
    disk
}

#[test]
fn a_change_that_does_not_raise_the_schema_is_damage() {
    assert!(options(&forged(3)).open::<Value>(dir()).is_ok(), "the forger knows how to");
    assert_eq!(options(&forged(7)).open::<Value>(dir()).unwrap().schema(), 7);
    for schema in [2, 1, 0] {
        let disk = forged(schema);
        let answers =
            [options(&disk).open::<Value>(dir()).map(drop), options(&disk).open::<Third>(dir()).map(drop)];
        for answer in answers {
            let Err(Error::Damaged(damage)) = answer else { panic!("{schema}: {answer:?}") };
            assert!(matches!(damage.defect, Defect::Undecodable { part: "a record", .. }), "{damage}");
            assert_eq!((damage.path.as_path(), damage.intact), (segment_path(0).as_path(), Some(2)));
        }
        let report = check(&disk).unwrap();
        assert_eq!((report.intact, report.damage.len()), (2, 1), "{report:?}");
    }
}

#[test]
fn a_snapshot_of_another_schema_than_the_log_is_damage() {
    let disk = written();
    assert!(check(&disk).unwrap().is_sound());
    let mut bytes = disk.bytes(&snapshot_path(3)).unwrap();
    assert_eq!((bytes[11], word(&bytes, 48)), (1, 3));
    bytes[48] = 2;
    let check_of = |bytes: &[u8]| checksum(checksum(0, &bytes[..56]), &bytes[60..64]);
    let header_check = check_of(&bytes).to_le_bytes();
    bytes[56..60].copy_from_slice(&header_check);
    disk.put(&snapshot_path(3), bytes.clone());
    let report = check(&disk).unwrap();
    assert!(
        matches!(report.damage[..], [ref damage] if damage.defect == Defect::SnapshotDiffers { version: 3 }),
        "{report:?}"
    );
    // A flag that nobody knows is of the future.
    bytes[11] = 8;
    let header_check = check_of(&bytes).to_le_bytes();
    bytes[56..60].copy_from_slice(&header_check);
    disk.put(&snapshot_path(3), bytes);
    assert!(matches!(options(&disk).open::<Value>(dir()), Err(Error::Newer { .. })));
}
