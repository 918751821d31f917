//! Snapshots may be taken while the log rolls, and by several threads: nobody takes another's unfinished file.

use crate::common::watched::{Call, Watched};
use crate::common::{Model, check, dir, open, options};
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::{Store, Value};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

/// A roll at version n makes segment n; in the middle of it, a snapshot of version n is taken.
#[test]
fn a_snapshot_of_the_version_a_segment_begins_at_leaves_the_segment_alone() {
    let memory = MemoryDisk::new();
    let store: Arc<OnceLock<Store<Value>>> = Arc::default();
    let (inside, rolls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let watcher = {
        let (store, inside, rolls) = (Arc::clone(&store), Arc::clone(&inside), Arc::clone(&rolls));
        move |call: &Call| {
            let Call::Rename(_, to) = call else { return };
            if to.extension().is_some_and(|ending| ending == "seg")
                && let Some(store) = store.get()
                && !inside.swap(true, SeqCst)
            {
                store.snapshot().unwrap();
                rolls.fetch_add(1, SeqCst);
                inside.store(false, SeqCst);
            }
        }
    };
    let watched = Watched::new(memory.clone(), watcher);
    store.set(options(&watched).create(true).open(dir()).unwrap()).unwrap();
    let (dice, mut model) = (SeededEntropy::new(5), Model::new());
    for _ in 0..60 {
        model.produce(store.get().unwrap(), &dice).unwrap();
    }
    assert!(rolls.load(SeqCst) >= 3);
    let image = memory.process_kill();
    let reopened = open(&image).unwrap();
    assert_eq!(reopened.version(), 60);
    assert_eq!(Some(&*reopened.state()), model.states.last());
    assert!(check(&image).unwrap().is_sound());
}

#[test]
fn threads_that_snapshot_at_once_all_succeed() {
    let (disk, store, _) = crate::common::written(1, 20, &[]);
    std::thread::scope(|scope| {
        let tasks: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..50).try_for_each(|_| store.snapshot().map(drop)))).collect();
        for task in tasks {
            task.join().unwrap().unwrap();
        }
    });
    drop(store);
    let report = check(&disk).unwrap();
    assert!(report.is_sound());
    assert_eq!(report.snapshots, 1);
}
