//! Every single bit of every file, flipped: never a wrong state, nothing acknowledged lost in silence.
//!
//! After a clean close every flip is found. After a crash the last batch cannot be told from a torn write: it may be
//! cut, and opening says what was cut.

use crate::common::{Model, Rules, contents, copy, counted, judge, seed, written};
use redraft::io::MemoryDisk;
use std::path::Path;

fn flipped(disk: &MemoryDisk, path: &Path, bytes: &[u8], bit: usize) -> MemoryDisk {
    let mut damaged = bytes.to_vec();
    damaged[bit / 8] ^= 1 << (bit % 8);
    let image = copy(disk);
    image.put(path, damaged);
    image
}

/// Flips every bit before `solid` bytes of each file; returns how many.
fn flip_everywhere(disk: &MemoryDisk, model: &Model, must_be_noticed: bool, least: u64) -> usize {
    // What a writer cuts was also what proved the batch before it to a reader.
    let seen = if least < model.acked { least - 1 } else { least };
    let rules = Rules { states: &model.states, acked: least, seen, given_up: 0, thorough: false };
    let mut flips = 0;
    for (path, bytes) in contents(disk) {
        let solid = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        for bit in 0..8 * (solid + 8).min(bytes.len()) {
            let image = flipped(disk, &path, &bytes, bit);
            let place = || format!("{} byte {} bit {}", path.display(), bit / 8, bit % 8);
            let judged = judge(&image, rules).unwrap_or_else(|why| panic!("{}: {why}", place()));
            assert!(judged.noticed() || !must_be_noticed, "{} went unnoticed", place());
            if let Ok(version) = judged.writer
                && version < model.acked
            {
                let cut =
                    judged.cut.unwrap_or_else(|| panic!("{}: a change is gone and nothing is said", place()));
                assert_eq!(cut.head, version, "{}", place());
            }
            flips += 1;
        }
    }
    counted(flips as u64, "bits flipped");
    flips
}

#[test]
fn every_flipped_bit_of_a_closed_store_is_found() {
    let (disk, store, model) = written(seed(21), 45, &[]);
    store.close().unwrap();
    assert!(flip_everywhere(&disk, &model, true, model.acked) > 20_000);
}

#[test]
fn every_flipped_bit_of_a_closed_store_with_snapshots_is_found() {
    let (disk, store, model) = written(seed(22), 45, &[20, 45]);
    store.close().unwrap();
    assert!(flip_everywhere(&disk, &model, true, model.acked) > 20_000);
}

#[test]
fn after_a_crash_a_flipped_bit_costs_at_most_the_last_batch_and_opening_says_so() {
    let (disk, store, model) = written(seed(23), 45, &[20]);
    let killed = disk.process_kill();
    drop(store);
    assert!(flip_everywhere(&killed, &model, false, model.acked - 1) > 20_000);
}
