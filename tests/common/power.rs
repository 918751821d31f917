//! Power cuts by the thousand: sessions that die, disks that lie, images that lose power again, and runs until there are
//! enough of them.
//!
//! `REDRAFT_IMAGES` sets how many images at least, `REDRAFT_SEED` where the seeds start.

use super::{Saying, copy, counted, setting};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk, SeededEntropy};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const IMAGES: u64 = 20_000;

/// Which promise of the disk is a lie in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    Syncs,
    DirSyncs,
}

/// From some call on, nothing works any more.
fn death(call: usize) -> FaultPlan {
    FaultPlan { call: call as u64, failure: Failure::Medium, forever: true }
}

/// The disk of one session: dies at a random call or never, and may lie.
pub(crate) fn mortal(memory: &MemoryDisk, lie: Lie, dice: &SeededEntropy) -> FaultDisk {
    let dies = dice.below(3) == 0;
    let plan = death(dice.below(if dies { 250 } else { 1 }));
    let disk = FaultDisk::new(memory.clone(), dies.then_some(plan));
    match lie {
        Lie::None => {}
        Lie::Syncs => disk.lie_about_syncs(),
        Lie::DirSyncs => disk.lie_about_dir_syncs(),
    }
    disk
}

/// Recovers on a copy of the image until some call, where the power fails again.
pub(crate) fn interrupted<T>(
    image: &MemoryDisk,
    dice: &SeededEntropy,
    open: impl FnOnce(&FaultDisk) -> T,
) -> MemoryDisk {
    let copy = copy(image);
    drop(open(&FaultDisk::new(copy.clone(), Some(death(dice.below(40))))));
    copy.power_cut(dice.next())
}

/// Plays runs, each with a seed of its own, in two threads, until enough images were drawn. A run says how many it drew.
pub(crate) fn play(run: impl Fn(u64) -> Result<u64, String> + Sync) {
    let (wanted, images) = (setting("REDRAFT_IMAGES", IMAGES), AtomicU64::new(0));
    let next = AtomicU64::new(setting("REDRAFT_SEED", 1));
    let player = || {
        while images.load(Relaxed) < wanted {
            let seed = next.fetch_add(1, Relaxed);
            let _saying = Saying(format!("run {seed}"));
            images.fetch_add(run(seed).unwrap_or_else(|why| panic!("{why}")), Relaxed);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(player);
        scope.spawn(player);
    });
    counted(images.load(Relaxed), "disk images");
    assert!(images.load(Relaxed) >= wanted);
}

/// The harness must be able to find what it looks for: a disk that does not keep its word loses something, and that is seen.
pub(crate) fn catches_lies(run: impl Fn(u64, Lie) -> Result<u64, String>) {
    let caught = |lie| (1..200).any(|seed| run(seed, lie).is_err());
    assert!(caught(Lie::Syncs), "what was never synced survived every power cut");
    assert!(caught(Lie::DirSyncs), "names that were never synced survived every power cut");
}
