//! A replica takes the primary's place: those who know of it refuse the old one, and what that alone had is handed out.

use crate::common::{dir, env, options, written};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::replica::{Beginning, Directory, compare};
use redraft::{Change, Error, Mirror, Role, Store, Value};
use std::sync::Arc;

fn source(disk: &MemoryDisk) -> Arc<Directory> {
    Arc::new(Directory::open_in(&env(disk), dir()).unwrap())
}

fn mirror(of: &MemoryDisk, copy: &MemoryDisk) -> redraft::Result<Mirror> {
    options(copy).create(true).mirror_of(source(of), dir(), Beginning::Oldest)
}

fn copied(of: &MemoryDisk, copy: &MemoryDisk) -> redraft::Result<u64> {
    let mut mirror = mirror(of, copy)?;
    let version = mirror.catch_up()?.version;
    mirror.close()?;
    Ok(version)
}

/// An old primary with changes of its own, a replica that took its place and went on, and another that followed the old one.
fn parted() -> (MemoryDisk, MemoryDisk, MemoryDisk) {
    let (old, store, _) = written(1, 30, &[]);
    let (new, third) = (MemoryDisk::new(), MemoryDisk::new());
    assert_eq!((copied(&old, &new).unwrap(), copied(&old, &third).unwrap()), (30, 30));
    for n in 0..5 {
        store.produce(|doc| doc["late"] = n.into()).unwrap();
    }
    store.close().unwrap();
    assert_eq!(options(&new).promote(dir()).unwrap(), 2);
    let store: Store<Value> = options(&new).open(dir()).unwrap();
    for n in 0..7 {
        store.produce(|doc| doc["new"] = n.into()).unwrap();
    }
    store.close().unwrap();
    (old, new, third)
}

#[test]
fn who_follows_the_new_primary_refuses_the_old_one() {
    let (old, new, third) = parted();
    assert_eq!(copied(&new, &third).unwrap(), 37);
    for _ in 0..2 {
        match copied(&old, &third) {
            Err(Error::Superseded { source_epoch: 1, replica_epoch: 2 }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(copied(&new, &third).unwrap(), 37);
    assert_eq!(compare(&*source(&new), &*source(&third)).unwrap(), None);
    assert_eq!(compare(&*source(&new), &*source(&old)).unwrap(), Some(30));
    let report = options(&third).verify(dir()).unwrap();
    assert!(report.is_sound() && report.intact == 37, "{report:?}");
}

/// What a replica has of the new primary was replaced by what the old one has, once that had given up its beginning.
#[test]
fn an_old_primary_that_gave_up_its_beginning_is_refused_and_costs_nothing() {
    let (old, new, third) = parted();
    assert_eq!(copied(&new, &third).unwrap(), 37);
    let store: Store<Value> = options(&old).open(dir()).unwrap();
    for n in 0..80 {
        store.produce(|doc| doc["late"] = n.into()).unwrap();
    }
    assert!(store.compact_to(redraft::Retention::Changes(5)).unwrap().oldest > 37);
    let before = third.files();
    let refused = copied(&old, &third);
    assert!(matches!(refused, Err(Error::Superseded { source_epoch: 1, replica_epoch: 2 })), "{refused:?}");
    assert_eq!((third.files(), copied(&new, &third).unwrap()), (before, 37));
}

#[test]
fn only_a_replica_is_promoted_and_only_once() {
    let (old, new, _) = parted();
    for disk in [&old, &new] {
        let refused = options(disk).promote(dir());
        assert!(
            matches!(refused, Err(Error::Role { wanted: Role::Replica, found: Role::Store, .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_the_old_primary_alone_has_is_handed_out_before_it_follows() {
    let (old, new, _) = parted();
    let plan = options(&old).plan_rejoin(source(&new), dir()).unwrap();
    assert_eq!((plan.common(), plan.extra()), (30, 5));
    let extra: Vec<Change> = plan.changes().collect::<redraft::Result<_>>().unwrap();
    assert_eq!(extra.iter().map(|change| change.version).collect::<Vec<_>>(), [31, 32, 33, 34, 35]);
    assert!(extra.iter().all(|change| change.patch[0].path.to_string() == "/late"));
    drop(plan);
    let store: Store<Value> = options(&old).open(dir()).unwrap();
    assert_eq!(store.version(), 35, "a plan alone changes nothing");
    store.close().unwrap();
    options(&old).plan_rejoin(source(&new), dir()).unwrap().carry_out().unwrap();
    assert_eq!(copied(&new, &old).unwrap(), 37);
    assert_eq!(compare(&*source(&new), &*source(&old)).unwrap(), None);
}

#[test]
fn one_that_was_not_replaced_makes_way_for_nobody() {
    let (old, new, third) = parted();
    let refused = options(&new).plan_rejoin(source(&old), dir()).map(drop);
    assert!(matches!(refused, Err(Error::Superseded { source_epoch: 1, replica_epoch: 2 })), "{refused:?}");
    let refused = options(&old).plan_rejoin(source(&third), dir()).map(drop);
    assert!(matches!(refused, Err(Error::Role { .. })), "{refused:?}");
}

/// Found in world 16 of `succession`: what was handed out began at the oldest version that both had, and what came before was lost.
#[test]
fn an_old_primary_that_parted_before_what_is_kept_is_not_replaced() {
    let (old, new, _) = parted();
    for (disk, count) in [(&old, 200), (&new, 80)] {
        let store: Store<Value> = options(disk).open(dir()).unwrap();
        for n in 0..count {
            store.produce(|doc| doc["on"] = n.into()).unwrap();
        }
        store.close().unwrap();
    }
    let store: Store<Value> = options(&new).open(dir()).unwrap();
    let kept = store.compact_to(redraft::Retention::Changes(40)).unwrap().oldest;
    assert!((31..117).contains(&kept), "{kept}");
    store.close().unwrap();
    let before = old.files();
    match options(&old).plan_rejoin(source(&new), dir()) {
        Err(Error::Compacted { version, oldest }) => assert_eq!((version, oldest), (kept - 1, kept)),
        other => panic!("{other:?}"),
    }
    assert_eq!(old.files(), before);
    assert_eq!(compare(&*source(&new), &*source(&old)).unwrap(), Some(kept));
}

/// Wherever a promotion is interrupted, there is a replica or a store, with all of the history, and it can be done again.
#[test]
fn an_interrupted_promotion_leaves_a_replica_or_a_store() {
    let (old, store, model) = written(2, 20, &[]);
    let copy = MemoryDisk::new();
    copied(&old, &copy).unwrap();
    drop(store);
    let mut call = 0;
    loop {
        let disk = copy.process_kill();
        let dies = FaultPlan { call, failure: Failure::Medium, forever: true };
        let fault = FaultDisk::new(disk.clone(), Some(dies));
        let done = options(&fault).promote(dir()).is_ok();
        for image in [disk.process_kill(), disk.power_cut(call)] {
            match options(&image).promote(dir()) {
                Ok(2) | Err(Error::Role { found: Role::Store, .. }) => {}
                other => panic!("after call {call}: {other:?}"),
            }
            let store: Store<Value> = options(&image).open(dir()).unwrap();
            assert_eq!((store.version(), &*store.state()), (20, &model.states[20]));
            store.produce(|doc| doc["on"] = true.into()).unwrap();
        }
        if done {
            assert!(call > 5, "{call} calls");
            return;
        }
        call += 1;
    }
}
