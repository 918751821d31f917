//! Snapshots that hold what changed since the one before: a state opened from them is what it was, a row of them is short, and
//! whatever of it is damaged or gone is passed over.

use crate::common::waiting::until;
use crate::common::{Model, Saying, check, contents, copy, dir, open, options, seed, snapshot_path};
use redraft::io::{Disk, MemoryDisk, SeededEntropy};
use redraft::{Defect, Error, Retention, SnapshotPolicy, Store, Value};

/// Bytes that cannot be packed: a state with them is not so small that it is always written whole.
fn ballast(count: usize) -> Value {
    let dice = SeededEntropy::new(1);
    Value::Bytes((0..count).map(|_| dice.next() as u8).collect::<Vec<_>>().into())
}

fn store(disk: &MemoryDisk, policy: SnapshotPolicy) -> Store<Value> {
    let store = options(disk).create(true).snapshots(policy).open::<Value>(dir()).unwrap();
    store.produce(|doc| doc["ballast"] = ballast(20_000)).unwrap();
    store
}

fn set(store: &Store<Value>, n: i64) {
    store.produce(|doc| doc["n"] = n.into()).unwrap();
}

/// A whole snapshot at 2, what changed since at 3 and 4, and one more change.
fn row() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand());
    let parents: Vec<Option<u64>> = (2..5)
        .map(|n| {
            set(&store, n);
            store.snapshot().unwrap().parent
        })
        .collect();
    assert_eq!(parents, [None, Some(2), Some(3)]);
    set(&store, 5);
    store.close().unwrap();
    disk
}

#[test]
fn a_snapshot_after_few_changes_is_as_long_as_what_changed() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand());
    let whole = store.snapshot().unwrap();
    // The same place again and again is said once.
    (0..200).for_each(|n| set(&store, n));
    let delta = store.snapshot().unwrap();
    assert_eq!((whole.parent, delta.parent), (None, Some(1)));
    assert!(whole.bytes > 20_000 && delta.bytes < 200, "{whole:?} {delta:?}");
    assert_eq!(disk.bytes(&snapshot_path(delta.version)).unwrap().len() as u64, delta.bytes);
    store.close().unwrap();
    let opened = open(&disk).unwrap();
    assert_eq!((opened.opened().from_snapshot, opened.opened().replayed), (Some(201), 0));
    assert_eq!(opened.state()["n"].as_i64(), Some(199));
    assert_eq!(opened.state()["ballast"], ballast(20_000));
}

#[test]
fn after_eight_that_continue_it_the_whole_state_is_written_again() {
    let disk = MemoryDisk::new();
    let mut opened = store(&disk, SnapshotPolicy::on_demand());
    let mut parents = Vec::new();
    for n in 2..22 {
        set(&opened, n);
        parents.push(opened.snapshot().unwrap().parent);
        if n % 3 == 0 {
            drop(opened);
            opened = options(&disk).snapshots(SnapshotPolicy::on_demand()).open(dir()).unwrap();
        }
    }
    let is_whole: Vec<usize> = (0..parents.len()).filter(|&index| parents[index].is_none()).collect();
    assert_eq!(is_whole, [0, 9, 18], "also when the store was opened again meanwhile");
    assert!(check(&disk).unwrap().is_sound());
}

/// What was asked for fills the row; the thread of the store writes the whole state into the place of the last of it.
#[test]
fn a_store_that_takes_snapshots_by_itself_merges_a_full_row() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand().every_bytes(1 << 30));
    let taken: Vec<_> = (2..=10)
        .map(|n| {
            set(&store, n);
            store.snapshot().unwrap()
        })
        .collect();
    assert_eq!(taken[8].parent, Some(9));
    until(|| disk.bytes(&snapshot_path(10)).unwrap().len() > 20_000);
    store.close().unwrap();
    for version in 2..10 {
        disk.remove(&snapshot_path(version)).unwrap();
    }
    let opened = open(&disk).unwrap();
    assert_eq!((opened.opened().from_snapshot, opened.opened().passed_over.len()), (Some(10), 0));
}

/// Against the states as they were, whatever a change was and wherever the snapshots are.
#[test]
fn every_version_is_what_it_was_whatever_the_snapshots_continue() {
    let mut deltas = 0;
    for round in 0..30 {
        let _saying = Saying(format!("round {round}"));
        let (disk, dice) = (MemoryDisk::new(), SeededEntropy::new(seed(900 + round)));
        let store = store(&disk, SnapshotPolicy::on_demand());
        let mut model = Model { states: vec![Value::default(), (*store.state()).clone()], ..Model::new() };
        for _ in 0..60 {
            model.produce(&store, &dice).unwrap();
            if dice.below(6) == 0 {
                deltas += usize::from(store.snapshot().unwrap().parent.is_some());
            }
        }
        store.close().unwrap();
        let opened = open(&disk).unwrap();
        assert!(opened.opened().passed_over.is_empty());
        for version in (0..=model.newest()).rev() {
            assert_eq!(*opened.at(version).unwrap(), model.states[version as usize], "version {version}");
        }
        let report = check(&disk).unwrap();
        assert!(report.is_sound() && report.intact == model.newest(), "{report:?}");
    }
    assert!(deltas > 100, "{deltas} continued another one");
}

#[test]
fn a_parent_that_is_gone_or_damaged_costs_what_continues_it_and_nothing_else() {
    for (lost, from) in [(2, None), (3, Some(2)), (4, Some(3))] {
        for cut in [None, Some(70), Some(40)] {
            let disk = row();
            let path = snapshot_path(lost);
            match cut {
                Some(length) => disk.put(&path, disk.bytes(&path).unwrap()[..length].to_vec()),
                None => disk.remove(&path).unwrap(),
            }
            let report = check(&disk).unwrap();
            let orphaned: Vec<u64> = report
                .damage
                .iter()
                .filter_map(|damage| match damage.defect {
                    Defect::ParentUnusable { parent } => Some(parent),
                    _ => None,
                })
                .collect();
            assert_eq!(orphaned, (lost..4).collect::<Vec<_>>(), "{report:?}");
            assert_eq!(report.is_sound(), cut.is_none() && lost == 4);
            let opened = open(&disk).unwrap();
            assert_eq!((opened.version(), opened.opened().from_snapshot), (5, from), "{lost} {cut:?}");
            let told = opened.opened().passed_over.len() as u64;
            assert_eq!(told, 4 - lost + u64::from(cut.is_some()));
            // The next one continues what is good, if anything is.
            let report = opened.snapshot().unwrap();
            assert_eq!(report.parent, from);
        }
    }
}

/// A file of the same version and store, but of another history: a store that was copied and went on by itself.
#[test]
fn a_parent_from_another_history_is_not_continued() {
    let (disk, other) = (row(), MemoryDisk::new());
    let twin = store(&other, SnapshotPolicy::on_demand());
    set(&twin, 77);
    twin.snapshot().unwrap();
    assert_eq!(twin.id(), open(&disk).unwrap().id());
    disk.put(&snapshot_path(2), other.bytes(&snapshot_path(2)).unwrap());
    let opened = open(&disk).unwrap();
    assert_eq!((opened.opened().from_snapshot, opened.opened().passed_over.len()), (None, 3));
    assert_eq!(opened.state()["n"].as_i64(), Some(5));
    let damage: Vec<Defect> = check(&disk).unwrap().damage.into_iter().map(|damage| damage.defect).collect();
    assert!(damage.contains(&Defect::ParentUnusable { parent: 2 }), "{damage:?}");
}

#[test]
fn thinning_leaves_what_the_newest_continues() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand().every_changes(10).keep_last(1));
    let snapshots = || options(&disk).open_read_only::<Value>(dir()).unwrap().snapshots().unwrap();
    let mut longest = 0;
    for n in 0..3000 {
        store.produce(|doc| doc["text"] = format!("{n}").repeat(30).into()).unwrap();
        if n % 10 == 0 {
            let image = copy(&disk);
            let opened = open(&image).unwrap();
            assert!(opened.opened().passed_over.is_empty(), "{:?}", opened.opened());
            longest = longest.max(snapshots().len());
        }
    }
    store.close().unwrap();
    let opened = open(&disk).unwrap();
    assert!(opened.opened().passed_over.is_empty() && opened.opened().from_snapshot.unwrap() > 2000);
    assert!((2..=10).contains(&longest), "{longest} at a time");
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn history_is_given_up_to_a_whole_snapshot_and_what_later_ones_continue_stays_until_they_go() {
    let disk = MemoryDisk::new();
    let store = store(&disk, SnapshotPolicy::on_demand());
    let mut bases = Vec::new();
    for n in 2..60 {
        store.produce(|doc| doc["text"] = format!("{n:04}").repeat(20).into()).unwrap();
        if n % 12 == 0 {
            bases.push((store.version(), store.snapshot().unwrap().parent));
        }
    }
    assert_eq!(bases, [(12, None), (24, Some(12)), (36, Some(24)), (48, Some(36))]);
    let done = store.compact_to(Retention::Changes(20)).unwrap();
    assert!(done.oldest > 24 && done.oldest < 40 && done.segments > 0, "{done:?}");
    assert!(disk.bytes(&snapshot_path(done.oldest)).unwrap().len() > 20_000, "the beginning is whole");
    assert!(matches!(store.at(done.oldest - 1), Err(Error::Compacted { .. })));
    drop(store);
    let opened = open(&disk).unwrap();
    assert_eq!((opened.opened().from_snapshot, opened.opened().passed_over.len()), (Some(48), 0));
    assert!(check(&disk).unwrap().is_sound());
    // Whole again, since eight more would follow; then nothing needs the old ones.
    let again = opened.compact_to(Retention::Changes(1)).unwrap();
    let left: Vec<u64> =
        opened.changes(again.oldest + 1..).unwrap().map(|change| change.unwrap().version).collect();
    assert_eq!(left.last(), Some(&59));
    if again.oldest > 48 {
        let files = contents(&disk);
        let snapshots = files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "snap"));
        assert_eq!(snapshots.count(), 1);
    }
}

#[test]
fn a_typed_store_is_opened_from_them_too() {
    use redraft::State;
    use redraft::collections::Map;
    #[derive(Clone, Debug, Default, PartialEq, State)]
    struct Board {
        cards: Map<u64, String>,
        moves: u64,
    }
    let disk = MemoryDisk::new();
    let opening = options(&disk).create(true);
    let store: Store<Board> = opening.open(dir()).unwrap();
    let dice = SeededEntropy::new(5);
    store.produce(|board| board.cards.extend((0..500).map(|n| (n, format!("{:x}", dice.next()))))).unwrap();
    assert_eq!(store.snapshot().unwrap().parent, None);
    store.produce(|board| board.moves += 1).unwrap();
    store.produce(|board| drop(board.cards.remove(&7))).unwrap();
    assert_eq!(store.snapshot().unwrap().parent, Some(1));
    let state = store.state();
    store.close().unwrap();
    let opened: Store<Board> = opening.open(dir()).unwrap();
    assert_eq!((opened.opened().from_snapshot, &*opened.state()), (Some(3), &*state));
}
