//! A repair that is interrupted: whatever call it got to, what it leaves is damaged still or done, and a second one comes to the
//! same. What repairs keep and lose is in `repair`.

use super::repair::{bases, closed, edit, holds, nothing_is_gone, planned, remove, swap};
use crate::common::{Model, Saying, check, contents, copy, dir, options, segment_path, snapshot_path};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::{ErrorKind, Repair};

/// Damage of every kind that takes more than one step to mend.
fn laborious() -> Vec<(&'static str, MemoryDisk, Model)> {
    let (disk, model) = closed(&[25, 40, 60]);
    let bases = bases(&disk);
    let with = |damage: &dyn Fn(&MemoryDisk)| {
        let image = copy(&disk);
        damage(&image);
        image
    };
    let images = [
        ("in the middle", with(&|disk| edit(disk, &segment_path(bases[2]), |bytes| bytes[100] ^= 1))),
        (
            "in the middle, twice",
            with(&|disk| {
                edit(disk, &segment_path(bases[1]), |bytes| bytes.truncate(300));
                edit(disk, &segment_path(bases[3]), |bytes| bytes[100] ^= 1);
            }),
        ),
        ("first gone", with(&|disk| remove(disk, &segment_path(0)))),
        ("second gone", with(&|disk| remove(disk, &segment_path(bases[1])))),
        ("last gone", with(&|disk| remove(disk, &segment_path(bases[bases.len() - 1])))),
        ("swapped", with(&|disk| swap(disk, &segment_path(bases[1]), &segment_path(bases[3])))),
        (
            "headers",
            with(&|disk| {
                edit(disk, &segment_path(bases[0]), |bytes| bytes[20] ^= 1);
                edit(disk, &segment_path(bases[2]), |bytes| bytes[..64].fill(7));
            }),
        ),
        (
            "the end and a snapshot",
            with(&|disk| {
                edit(disk, &segment_path(bases[bases.len() - 1]), |bytes| bytes[70] ^= 1);
                edit(disk, &snapshot_path(60), |bytes| bytes[70] ^= 1);
            }),
        ),
    ];
    images.into_iter().map(|(name, image)| (name, image, model.clone())).collect()
}

/// Repairs until some call, then sees that what is left is damaged or done, and that a second repair comes to the same.
fn interrupted(name: &str, damaged: &MemoryDisk, model: &Model, plan: FaultPlan) -> bool {
    let first = planned(damaged).unwrap();
    let (oldest, head, before) = (first.oldest(), first.head(), contents(damaged));
    let image = copy(damaged);
    let disk = FaultDisk::new(image.clone(), Some(plan));
    let outcome = options(&disk).plan_repair(dir()).and_then(Repair::carry_out);
    let met = disk.calls() > plan.call;
    if let Err(error) = outcome {
        assert!(matches!(error.kind(), ErrorKind::Environment | ErrorKind::NotFound), "{error:?}");
    }
    let cuts = (0..4).map(|seed| image.power_cut(seed * 1_000 + plan.call));
    for (number, left) in std::iter::once(image.process_kill()).chain(cuts).enumerate() {
        let _saying = Saying(format!("{name}, {plan:?}, image {number}"));
        nothing_is_gone(&before, &left);
        let again = planned(&left).unwrap();
        assert_eq!((again.oldest(), again.head()), (oldest, head));
        match again.is_needed() {
            // Nothing is copied where nothing is lost.
            false if head < model.acked => {
                assert!(
                    left.files().iter().any(|path| path.ends_with("repair.txt")),
                    "cut, not copied aside"
                );
            }
            false => {}
            true => assert!(!check(&left).unwrap().is_sound(), "sound, though something is left to do"),
        }
        again.carry_out().unwrap();
        nothing_is_gone(&before, &left);
        if number < 2 {
            holds(&left, model, oldest, head);
        }
    }
    met
}

#[test]
fn a_repair_interrupted_at_any_call_leaves_what_a_second_one_finishes() {
    for (name, image, model) in laborious() {
        let needed = planned(&image).unwrap().is_needed();
        assert!(needed, "{name}");
        let mut call = 0;
        while interrupted(name, &image, &model, FaultPlan { call, failure: Failure::Medium, forever: true }) {
            call += 1;
        }
        assert!(call > 30, "{name}: only {call} calls were made");
        for call in (0..call).step_by(5) {
            interrupted(name, &image, &model, FaultPlan { call, failure: Failure::NoSpace, forever: false });
        }
    }
}
