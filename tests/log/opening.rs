//! Opening a log costs what was written since it was last closed, not what its newest segment may hold.

use crate::common::watched::{Call, Watched};
use redraft::io::{Access, Disk, Env, RealDisk};
use redraft::log::Options;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const SEGMENT_BYTES: u64 = 64 << 20;

/// Makes a log look as a killed process leaves it: a mark behind the last record, then what was allocated and never
/// written, to the full length. Whether the file system can tell the one from the other.
fn undo_the_close(segment: &Path) -> bool {
    let bytes = std::fs::read(segment).unwrap();
    let data_end = u64::from_le_bytes(*bytes[bytes.len() - 20..].first_chunk().unwrap());
    let file = RealDisk.open(segment, Access::Write).unwrap();
    file.set_len(data_end + 16).unwrap();
    file.allocate(SEGMENT_BYTES).unwrap();
    file.next_data(SEGMENT_BYTES / 2).unwrap().is_none()
}

#[test]
fn opening_after_a_kill_does_not_read_what_was_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = Options::new().create(true).segment_bytes(SEGMENT_BYTES).open(dir.path()).unwrap();
    log.append_all((0..1000).map(|n: u32| n.to_le_bytes())).unwrap();
    log.close().unwrap();
    let segment = dir.path().join("00000000000000000000.seg");
    if !undo_the_close(&segment) {
        eprintln!("SKIPPED: this file system does not tell what was never written");
        return;
    }
    let (reads, others) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (theirs, rest) = (Arc::clone(&reads), Arc::clone(&others));
    let watched = Watched::new(RealDisk, move |call| {
        let counter = if matches!(call, Call::Read(..)) { &theirs } else { &rest };
        counter.fetch_add(1, SeqCst);
    });
    // Twice: the first time must leave nothing in the page cache that looks as if it had been written.
    for _ in 0..2 {
        let before = reads.load(SeqCst);
        let log = Options::new().env(Env::simulated(watched.clone(), 7)).open(dir.path()).unwrap();
        assert_eq!(log.head(), 1000);
        let count = reads.load(SeqCst) - before;
        assert!(count < 20, "{count} reads, where the whole file takes over 250");
        drop(log);
        undo_the_close(&segment);
    }
    assert!(others.load(SeqCst) > 10, "the disk was watched");
}
