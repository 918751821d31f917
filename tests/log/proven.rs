//! Readers see what is durable and nothing that is only written: beside the writer as it says, elsewhere as far as the bytes prove
//! it. What they have once seen is owed to them.

use crate::common::logs::{HOUR, forward, options};
use crate::common::{dir, env, segment_path};
use redraft::io::{Access, Disk, Env, MemoryDisk};
use redraft::log::{Durability, Log, Reader};
use redraft::{Damage, Defect, Error, Result};

const HEADER_BYTES: u64 = 64;
const FRAME_BYTES: u64 = 8;

fn fresh(disk: &MemoryDisk) -> Log {
    options(disk).create(true).open(dir()).unwrap()
}

fn elsewhere(disk: &MemoryDisk) -> Reader {
    options(disk).open_read_only(dir()).unwrap()
}

/// Writes into a segment that readers have open.
fn write(disk: &MemoryDisk, base: u64, at: u64, bytes: &[u8]) {
    let file = disk.open(&segment_path(base), Access::Write).unwrap();
    assert_eq!(file.write_at(bytes, at).unwrap(), bytes.len());
}

fn damage<T: std::fmt::Debug>(answer: Result<T>) -> Damage {
    match answer {
        Err(Error::Damaged(damage)) => damage,
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn what_is_written_and_not_synced_is_beyond_the_head() {
    for durability in [Durability::UnsafeNoSync, Durability::Interval(HOUR)] {
        let disk = MemoryDisk::new();
        let log =
            options(&disk).create(true).segment_bytes(1 << 20).durability(durability).open(dir()).unwrap();
        log.append(b"synced").unwrap();
        log.sync().unwrap();
        // So much is written at once, whatever the durability.
        log.append_all([vec![1; 9], vec![2; 300 << 10]]).unwrap();
        for reader in [log.reader(), elsewhere(&disk)] {
            assert_eq!(reader.head().unwrap(), 1);
            assert_eq!(reader.read(0).unwrap(), b"synced");
            for offset in [1, 2] {
                let answer = reader.read(offset);
                assert!(matches!(answer, Err(Error::BeyondHead { .. })), "{offset}: {answer:?}");
            }
            assert_eq!(forward(&reader, 0).unwrap(), [b"synced"]);
            assert!(reader.records(1).unwrap().next_record().unwrap().is_none());
        }
        log.sync().unwrap();
        for reader in [log.reader(), elsewhere(&disk)] {
            assert_eq!((reader.head().unwrap(), reader.read(1).unwrap()), (3, vec![1; 9]));
        }
    }
}

/// The bytes behind the last record are all that tells whether its batch is durable.
#[test]
fn a_batch_comes_out_once_something_behind_it_proves_it() {
    let disk = MemoryDisk::new();
    let log = fresh(&disk);
    log.append(b"a").unwrap();
    log.append_all(["b", "c"]).unwrap();
    let (image, end) = (disk.process_kill(), HEADER_BYTES + 3 * (FRAME_BYTES + 1));
    let bytes = image.bytes(&segment_path(0)).unwrap();
    let mark = &bytes[end as usize..end as usize + 20];
    assert_eq!(&mark[..4], [0xff; 4]);
    write(&image, 0, end, &[0; 20]);
    let reader = elsewhere(&image);
    let mut records = reader.records(0).unwrap();
    assert_eq!(records.next_record().unwrap().unwrap().payload(), b"a", "the second batch proves it");
    for _ in 0..2 {
        assert!(records.next_record().unwrap().is_none(), "nothing proves that");
        assert!(matches!(reader.read(1), Err(Error::BeyondHead { .. })));
    }
    // A mark that is half there, and then is whole.
    write(&image, 0, end, &mark[..10]);
    assert!(records.next_record().unwrap().is_none());
    write(&image, 0, end, mark);
    assert_eq!(records.next_record().unwrap().unwrap().payload(), b"b");
    assert_eq!(records.next_record().unwrap().unwrap().payload(), b"c");
    assert!(records.next_record().unwrap().is_none());
    assert_eq!(forward(&reader, 0).unwrap(), [b"a", b"b", b"c"]);
}

/// The mark that proved it may be overwritten since, and the disk may lose what it held: memory is proof enough.
#[test]
fn what_was_seen_once_is_owed_and_its_loss_is_damage() {
    for lost in 0..3_u64 {
        let disk = MemoryDisk::new();
        let log = fresh(&disk);
        log.append_all(["a", "b", "c"]).unwrap();
        let image = disk.process_kill();
        let reader = elsewhere(&image);
        assert_eq!(forward(&reader, 0).unwrap().len(), 3);
        let at = HEADER_BYTES + lost * (FRAME_BYTES + 1);
        for with in [&[0; 200][..], &[0xee; 200]] {
            write(&image, 0, at, with);
            let mut records = reader.records(0).unwrap();
            (0..lost).for_each(|_| assert!(records.next_record().unwrap().is_some()));
            let found = damage(records.next_record().map(drop));
            assert_eq!((found.byte, found.intact), (at, Some(lost)));
            // Who has not seen it takes it for a write that was never finished.
            assert_eq!(elsewhere(&image).head().unwrap(), 0);
        }
    }
}

#[test]
fn a_writer_owes_its_readers_what_it_acknowledged() {
    let disk = MemoryDisk::new();
    let log = fresh(&disk);
    log.append_all(["a", "b", "c"]).unwrap();
    let at = HEADER_BYTES + FRAME_BYTES + 1;
    write(&disk, 0, at, &[0; 200]);
    let mut records = log.reader().records(0).unwrap();
    assert!(records.next_record().unwrap().is_some());
    let found = damage(records.next_record().map(drop));
    assert_eq!((found.byte, found.intact), (at, Some(1)));
    assert_eq!(damage(log.read(2)).byte, at + FRAME_BYTES + 1, "by its place");
}

/// Somebody exchanges the file of the next segment while the one before it is read.
#[test]
fn a_segment_that_does_not_continue_the_one_before_it_is_damage() {
    let filled = |seed, first: u8| {
        let disk = MemoryDisk::new();
        let log = options(&disk).env(Env::simulated(disk.clone(), seed)).create(true).open(dir()).unwrap();
        (0..6).for_each(|number| assert_eq!(log.append(&[first + number; 170]).unwrap(), u64::from(number)));
        log.close().unwrap();
        disk
    };
    let next = segment_path(2);
    let (other_store, other_history) =
        (filled(8, 1).bytes(&next).unwrap(), filled(7, 100).bytes(&next).unwrap());
    for (bytes, is_of_this_store) in [(other_store, false), (other_history, true)] {
        let disk = filled(7, 1);
        let reader = options(&disk).env(env(&disk)).open_read_only(dir()).unwrap();
        let mut records = reader.records(0).unwrap();
        assert!(records.next_record().unwrap().is_some());
        disk.put(&next, bytes);
        assert!(records.next_record().unwrap().is_some());
        let found = damage(records.next_record().map(drop));
        match found.defect {
            Defect::Foreign => assert!(!is_of_this_store),
            Defect::Chain { .. } => assert!(is_of_this_store),
            other => panic!("{other:?}"),
        }
        assert_eq!((found.path, found.byte, found.intact), (next.clone(), 0, Some(2)));
    }
}
