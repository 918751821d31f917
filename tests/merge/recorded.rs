//! Two people typed into one text at the same time, and that was recorded: each transaction, submitted with the version its writer
//! really had seen, ends in the text they ended with.
//!
//! Held where the recording is at hand, and over one made up.

use crate::common::typing::{Recording, bases, recording};
use crate::common::{counted, dir, env};
use redraft::collections::Text;
use redraft::io::MemoryDisk;
use redraft::merge::{Outcome, Submission};
use redraft::{Durability, Options, Store, WriterId};

fn store(disk: &MemoryDisk) -> Store<Text> {
    Options::new().env(env(disk)).durability(Durability::UnsafeNoSync).open(dir()).unwrap()
}

fn writer(number: usize) -> WriterId {
    format!("{:x}", number + 1).parse().unwrap()
}

#[test]
fn what_two_people_typed_at_the_same_time_ends_in_the_text_they_ended_with() {
    let Some(Recording { typed, end }) = recording() else { return };
    let disk = MemoryDisk::new();
    let merging = store(&disk);
    let mut sequences = [0; 2];
    let mut rebased = 0;
    for (one, base) in typed.iter().zip(bases(&typed)) {
        let sequence = &mut sequences[one.writer];
        *sequence += 1;
        let submission = Submission::new(base, one.patch()).by(writer(one.writer), *sequence);
        let receipt = merging.merge(&submission).unwrap();
        assert!(receipt.notes.is_empty() && receipt.is_new, "{receipt:?}");
        rebased += u64::from(receipt.outcome == Outcome::Rebased);
    }
    assert!(*merging.state() == *end, "another text");
    counted(typed.len() as u64, "recorded transactions merged");
    counted(rebased, "of them over something that their writer had not seen");
    merging.close().unwrap();
    assert!(*store(&disk).state() == *end, "another text after opening");
}
