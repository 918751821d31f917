//! A store written by one version of a type opens in a later one, and its history stays readable at every version: by the later
//! type, by the one that wrote it, and as documents.
#![cfg(feature = "derive")]

use crate::common::boards::{Card, First, Second, Third};
use crate::common::{check, contents, dir, options};
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::{
    Change, Error, ErrorKind, Retention, SnapshotPolicy, State, Store, UndoRefusal, Value, value, verify,
};
use std::path::Path;

const BEFORE: u64 = 30;

/// A store of schema 1 with several segments and a snapshot; its states, from version 0.
fn written(seed: u64) -> (MemoryDisk, Vec<First>) {
    let (disk, dice) = (MemoryDisk::new(), SeededEntropy::new(seed));
    let store: Store<First> = options(&disk).create(true).open(dir()).unwrap();
    let mut states = vec![First::default()];
    while store.version() < BEFORE {
        store.produce(|board| edit(board, &dice)).unwrap();
        if store.version() == states.len() as u64 {
            states.push(store.state().as_ref().clone());
        }
        if store.version() == 11 {
            store.snapshot().unwrap();
        }
    }
    store.close().unwrap();
    assert!(disk.files().iter().filter(|file| file.extension().is_some_and(|e| e == "seg")).count() > 2);
    (disk, states)
}

fn edit(board: &mut First, dice: &SeededEntropy) {
    match dice.below(3) {
        0 => board.title = format!("plan {}", dice.below(1000)),
        1 => board.moves += 1 + dice.below(5) as i64,
        _ => board.cards.push_str(&format!("card {}\n", "x".repeat(dice.below(60)))),
    }
}

fn thirds(states: &[First]) -> Vec<Third> {
    states.iter().map(|first| first.second().third()).collect()
}

/// All versions, as documents and as the third type reads them. Version 0 is what a type begins with.
fn reads(disk: &MemoryDisk, documents: &[Value], thirds: &[Third]) {
    let typed = options(disk).open_read_only::<Third>(dir()).unwrap();
    let plain = options(disk).open_read_only::<Value>(dir()).unwrap();
    let orders: [Vec<usize>; 2] = [(0..documents.len()).collect(), (0..documents.len()).rev().collect()];
    for version in orders.into_iter().flatten() {
        let (number, expected) = (version as u64, &thirds[version]);
        let read = typed.at(number).unwrap_or_else(|error| panic!("{version}: {error}"));
        assert_eq!(&*read, expected, "{version}");
        assert_eq!(*plain.at(number).unwrap(), documents[version], "{version}");
    }
    assert!(check(disk).unwrap().is_sound(), "{:?}", check(disk));
}

fn documents(states: &[First]) -> Vec<Value> {
    let shown = states.iter().skip(1).map(State::to_value);
    std::iter::once(Value::default()).chain(shown).collect()
}

#[test]
fn what_version_1_of_a_type_wrote_opens_in_version_3_and_every_version_stays_readable() {
    for seed in 0..10 {
        let (disk, states) = written(seed);
        let (mut documents, mut thirds) = (documents(&states), thirds(&states));
        reads(&disk, &documents, &thirds);

        let store: Store<Third> = options(&disk).open(dir()).unwrap();
        assert_eq!((store.version(), store.opened().migrated_from), (BEFORE + 1, Some(1)));
        assert_eq!((&*store.state(), store.schema()), (&thirds[BEFORE as usize], 3));
        thirds.push(store.state().as_ref().clone());
        for n in 0..5 {
            let card = Card { text: format!("late {n}"), done: true };
            store.produce(|board| drop(board.cards.insert(100 + n, card.clone()))).unwrap();
            store.produce(|board| board.tags.push("x".repeat(20))).unwrap();
        }
        let later = (BEFORE + 2..=store.version()).map(|version| store.at(version).unwrap().as_ref().clone());
        thirds.extend(later);
        documents.extend(thirds[BEFORE as usize + 1..].iter().map(State::to_value));
        reads(&disk, &documents, &thirds);
        store.snapshot().unwrap();
        store.close().unwrap();
        reads(&disk, &documents, &thirds);

        let again: Store<Third> = options(&disk).open(dir()).unwrap();
        assert_eq!((again.opened().migrated_from, again.version()), (None, BEFORE + 11));
    }
}

#[test]
fn the_migration_is_one_change_that_says_what_it_is() {
    let (disk, states) = written(3);
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    let changes: Vec<Change> = store.changes(..).unwrap().map(Result::unwrap).collect();
    let (migration, before) = changes.split_last().unwrap();
    assert!(before.iter().all(|change| change.schema.is_none() && !change.is_migration()));
    assert_eq!((migration.version, migration.schema), (BEFORE + 1, Some(3)));
    assert!(migration.is_migration());
    assert_eq!(migration.meta.label.as_deref(), Some("migrated from schema 1 to 3"));
    let (old, new) = (states[BEFORE as usize].to_value(), store.state().to_value());
    assert_eq!(redraft::apply(&old, &migration.patch).unwrap().state, new);
}

#[test]
fn each_program_in_turn_takes_over_from_the_one_before() {
    let (disk, states) = written(4);
    let store: Store<Second> = options(&disk).open(dir()).unwrap();
    assert_eq!((&*store.state(), store.version()), (&states[BEFORE as usize].second(), BEFORE + 1));
    store.produce(|board| board.cards.push("from the second".into())).unwrap();
    let second = store.state();
    drop(store);
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    assert_eq!((store.opened().migrated_from, store.version()), (Some(2), BEFORE + 3));
    assert_eq!(*store.state(), second.third());
    for (version, state) in states.iter().enumerate().skip(1) {
        assert_eq!(*store.at(version as u64).unwrap(), state.second().third());
    }
    assert_eq!(*store.at(BEFORE + 2).unwrap(), second.third());
}

/// Nothing is there to be migrated, and the first change says what it is of.
#[test]
fn a_new_store_begins_with_the_schema_of_its_type() {
    let disk = MemoryDisk::new();
    let open = || options(&disk).create(true).open::<Third>(dir()).unwrap();
    drop(open());
    let store = open();
    assert_eq!((store.version(), store.opened().migrated_from), (0, None));
    store.produce(|board| board.moves = 1).unwrap();
    store.produce(|board| board.moves = 2).unwrap();
    let schemas: Vec<_> = store.changes(..).unwrap().map(|change| change.unwrap().schema).collect();
    assert_eq!((schemas, store.schema()), (vec![Some(3), None], 3));
    assert!(!store.changes(..).unwrap().any(|change| change.unwrap().is_migration()));
    store.undo(2).unwrap();
    assert_eq!((store.at(0).unwrap().moves, store.at(1).unwrap().moves, store.state().moves), (0, 1, 1));
    drop(store);
    let store = open();
    assert_eq!((store.version(), store.opened().migrated_from), (3, None));
    assert_eq!((0..=3).map(|v| store.at(v).unwrap().moves).collect::<Vec<_>>(), [0, 1, 2, 1]);
}

/// A migration that has nothing to do is recorded all the same: from then on the older program is to be refused.
#[test]
fn a_migration_that_changes_nothing_is_recorded() {
    #[derive(Clone, Debug, Default, State)]
    #[state(schema = 2, migrate = "nothing")]
    struct Same {
        n: i64,
    }
    fn nothing(_: u32, _: &mut Value) {}
    let disk = MemoryDisk::new();
    let store: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
    store.produce(|doc| doc["n"] = 5.into()).unwrap();
    drop(store);
    let store: Store<Same> = options(&disk).open(dir()).unwrap();
    assert_eq!((store.version(), store.schema(), store.state().n), (2, 2, 5));
    assert!(store.changes(2..).unwrap().next().unwrap().unwrap().patch.is_empty());
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn a_document_store_reads_every_schema_and_leaves_the_number_as_it_is() {
    let (disk, _) = written(5);
    drop(options(&disk).open::<Third>(dir()).unwrap());
    let store: Store<Value> = options(&disk).open(dir()).unwrap();
    assert_eq!((store.schema(), store.version()), (3, BEFORE + 1));
    store.produce(|board| board["name"] = "by a tool".into()).unwrap();
    store.snapshot().unwrap();
    drop(store);
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    assert_eq!((store.opened().migrated_from, store.state().name.as_str()), (None, "by a tool"));
}

#[test]
fn what_was_changed_before_a_migration_is_not_undone_and_the_migration_neither() {
    let (disk, _) = written(6);
    let refused = |answer: Result<_, Error>| match answer {
        Err(Error::UndoState { why: UndoRefusal::Migrated { by }, .. }) => assert_eq!(by, BEFORE + 1),
        other => panic!("{:?}", other.map(drop::<u64>)),
    };
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    for version in [1, 7, BEFORE, BEFORE + 1] {
        refused(store.undo(version).map(|commit| commit.version()));
    }
    let done = store.produce(|board| board.moves += 1).unwrap().version();
    let moves = store.state().moves;
    store.undo(done).unwrap();
    assert_eq!(store.state().moves, moves - 1);
    store.redo(done).unwrap();
    assert_eq!(store.state().moves, moves);
    drop(store);
    let tool: Store<Value> = options(&disk).open(dir()).unwrap();
    refused(tool.undo(BEFORE).map(|commit| commit.version()));
}

#[test]
fn a_replica_follows_across_a_migration() {
    let (disk, states) = written(7);
    let copy = Path::new("/copy");
    let mut replica = options(&disk).create(true).open_mirror(dir(), copy).unwrap();
    replica.catch_up().unwrap();
    let reader = options(&disk).open_read_only::<Third>(copy).unwrap();
    assert_eq!((reader.schema(), &*reader.state()), (1, &states[BEFORE as usize].second().third()));
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    store.produce(|board| board.moves += 1).unwrap();
    replica.catch_up().unwrap();
    assert_eq!(reader.refresh().unwrap(), BEFORE + 2);
    assert_eq!((reader.schema(), reader.state()), (3, store.state()));
    store.produce(|board| board.moves += 1).unwrap();
    replica.catch_up().unwrap();
    assert_eq!((reader.refresh().unwrap(), reader.state()), (BEFORE + 3, store.state()));
}

#[test]
fn a_restored_store_is_of_the_schema_that_its_version_was_recorded_in() {
    let (disk, states) = written(8);
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    store.restore(20, Path::new("/old")).unwrap();
    store.restore(BEFORE + 1, Path::new("/new")).unwrap();
    let open = |path: &str| options(&disk).open::<Third>(Path::new(path)).unwrap();
    let old = open("/old");
    assert_eq!((old.opened().migrated_from, old.version(), old.oldest()), (Some(1), 21, 20));
    assert_eq!(*old.state(), states[20].second().third());
    let new = open("/new");
    assert_eq!((new.opened().migrated_from, new.schema(), new.version()), (None, 3, BEFORE + 1));
    assert_eq!(new.state(), store.state());
    drop(new);
    for path in ["/old", "/new"] {
        assert!(options(&disk).verify(Path::new(path)).unwrap().is_sound());
    }
    let first = options(&disk).open::<First>(Path::new("/new"));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::NewerSchema);
}

/// The log then begins with a snapshot of an older schema, or of the newer one.
#[test]
fn compaction_keeps_the_schema_of_the_version_it_begins_with() {
    for (keep, schema) in [(15, 1), (0, 3)] {
        let (disk, states) = written(9);
        let store: Store<Third> = options(&disk).segment_bytes(512).open(dir()).unwrap();
        for n in 0..8 {
            store.produce(|board| board.tags.push(format!("{n}{}", "x".repeat(150)))).unwrap();
        }
        let oldest = store.compact_to(Retention::Changes(keep)).unwrap().oldest;
        drop(store);
        assert!(check(&disk).unwrap().is_sound(), "{:?}", check(&disk));
        let tool = options(&disk).open_read_only_at::<Value>(dir(), oldest).unwrap();
        assert_eq!(tool.schema(), schema, "version {oldest}");
        let reader = options(&disk).open_read_only::<Third>(dir()).unwrap();
        for version in oldest..=BEFORE {
            assert_eq!(*reader.at(version).unwrap(), states[version as usize].second().third());
        }
        assert_eq!(reader.state().tags.len(), 8);
        assert_eq!(options(&disk).open::<Third>(dir()).unwrap().opened().migrated_from, None);
    }
}

#[test]
fn snapshots_taken_by_themselves_tell_the_schema() {
    let (disk, _) = written(10);
    let options = options(&disk).snapshots(SnapshotPolicy::on_demand().every_changes(2));
    let store: Store<Third> = options.open(dir()).unwrap();
    for n in 0..20 {
        store.produce(|board| board.tags.push(format!("{n}{}", "x".repeat(50)))).unwrap();
    }
    store.close().unwrap();
    let store: Store<Third> = options.open(dir()).unwrap();
    assert!(store.opened().from_snapshot.is_some_and(|version| version > BEFORE), "{:?}", store.opened());
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn a_migration_that_fails_or_panics_leaves_the_store_as_it_was_and_says_at_which_step() {
    #[derive(Clone, Debug, Default, State)]
    #[state(schema = 3, migrate = "stumbles")]
    struct Stumbling {
        n: i64,
    }
    fn stumbles(from: u32, doc: &mut Value) -> Result<(), String> {
        match (from, doc["how"].as_str()) {
            (2, Some("panic")) => panic!("stumbled"),
            (2, _) => Err("no way on".into()),
            _ => Ok(()),
        }
    }
    for (how, said) in [("panic", "it panicked: stumbled"), ("fail", "no way on")] {
        let disk = MemoryDisk::new();
        let store: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
        store.produce(|doc| *doc = value!({ "how": how, "n": 1 })).unwrap();
        // Not closed: what opening mends is not mended either.
        let disk = disk.process_kill();
        drop(store);
        let before = contents(&disk);
        let refused = options(&disk).open::<Stumbling>(dir()).unwrap_err();
        let Error::Migration { version: 1, from: 2, to: 3, ref source } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((source.to_string().as_str(), refused.kind()), (said, ErrorKind::Misfit));
        assert_eq!(contents(&disk), before);
        assert!(options(&disk).open::<Value>(dir()).is_ok());
    }
}

/// What a migration leaves must fit the type.
#[test]
fn a_migration_that_leads_elsewhere_is_a_misfit_and_leaves_the_store_as_it_was() {
    #[derive(Clone, Debug, Default, State)]
    #[state(schema = 2, migrate = "elsewhere")]
    struct Other {
        n: i64,
    }
    fn elsewhere(_: u32, doc: &mut Value) {
        doc["m"] = 1.into();
    }
    let disk = MemoryDisk::new();
    let store: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    store.close().unwrap();
    let before = contents(&disk);
    let refused = options(&disk).open::<Other>(dir()).unwrap_err();
    assert!(
        matches!(&refused, Error::Misfit { version: 1, path, .. } if path.to_string() == "/m"),
        "{refused}"
    );
    assert_eq!(contents(&disk), before);
}

/// The pointer types that show as what is inside are of its schema, and so are structs of one unnamed field.
#[test]
fn what_shows_as_another_type_is_of_its_schema() {
    #[derive(Clone, Debug, Default, State)]
    struct Wrapped(Third);
    #[derive(Clone, Debug, State)]
    #[state(schema = 2, migrate = "raised")]
    enum Choice {
        Only(i64),
    }
    fn raised(_: u32, _: &mut Value) {}
    assert_eq!(<std::sync::Arc<Wrapped> as State>::SCHEMA, 3);
    assert_eq!(<redraft::collections::Shared<Third> as State>::SCHEMA, 3);
    assert_eq!((Box::<Value>::SCHEMA, String::SCHEMA, Choice::SCHEMA, First::SCHEMA), (0, 1, 2, 1));
    let (disk, states) = written(11);
    let store: Store<redraft::collections::Shared<Wrapped>> = options(&disk).open(dir()).unwrap();
    assert_eq!(store.state().0, states[BEFORE as usize].second().third());
}

#[test]
fn what_was_redacted_is_gone_under_every_schema_and_the_schemas_stay() {
    let (disk, _) = written(12);
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    store.produce(|board| board.tags.push("late".into())).unwrap();
    store.snapshot().unwrap();
    store.close().unwrap();
    let place = redraft::value::Pointer::parse("/title").unwrap();
    let done =
        options(&disk).plan_redaction(dir(), [place]).unwrap().with("gone".into()).carry_out().unwrap();
    assert_eq!(done.version, BEFORE + 3);
    assert!(check(&disk).unwrap().is_sound(), "{:?}", check(&disk));
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    assert_eq!((store.opened().migrated_from, store.schema(), store.state().tags.len()), (None, 3, 1));
    assert_eq!(store.at(BEFORE).unwrap().name, "gone");
    assert!(store.changes(BEFORE + 1..).unwrap().next().unwrap().unwrap().is_migration());
}

/// The type that reads has seen the beginning only, which is of no schema yet.
#[test]
fn who_opened_an_empty_store_follows_an_older_program() {
    let disk = MemoryDisk::new();
    let store: Store<First> = options(&disk).create(true).open(dir()).unwrap();
    let reader = options(&disk).open_read_only::<Third>(dir()).unwrap();
    assert_eq!((reader.version(), &*reader.state()), (0, &Third::default()));
    for moves in 1..=5 {
        store.produce(|board| board.moves = moves).unwrap();
    }
    assert_eq!((reader.refresh().unwrap(), reader.state().moves, reader.schema()), (5, 5, 1));
    assert_eq!(
        (0..=5).map(|version| reader.at(version).unwrap().moves).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5]
    );
    store.produce(|board| board.cards = "late".into()).unwrap();
    assert_eq!((reader.refresh().unwrap(), reader.state().cards.len()), (6, 1));
}

#[test]
fn on_a_real_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::<First>::open(dir.path()).unwrap();
    store.produce(|board| board.cards = "a\nb".into()).unwrap();
    store.close().unwrap();
    let store = Store::<Third>::open(dir.path()).unwrap();
    assert_eq!(store.state().cards.len(), 2);
    store.close().unwrap();
    assert!(verify(dir.path()).unwrap().is_sound());
}

/// Whoever opens it next need not replay what is of the older schema.
#[test]
fn a_migration_is_followed_by_a_whole_snapshot_which_the_next_opening_begins_with() {
    let (disk, states) = written(9);
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    assert_eq!(store.opened().migrated_from, Some(1));
    store.close().unwrap();
    let reader = options(&disk).open_read_only::<Value>(dir()).unwrap();
    assert_eq!(reader.snapshots().unwrap().last(), Some(&(BEFORE + 1)));
    let store: Store<Third> = options(&disk).open(dir()).unwrap();
    assert_eq!((store.opened().from_snapshot, store.opened().replayed), (Some(BEFORE + 1), 0));
    assert_eq!(*store.state(), states[BEFORE as usize].second().third());
    store.close().unwrap();
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn where_snapshots_are_taken_on_demand_only_a_migration_takes_none() {
    let (disk, _) = written(9);
    let on_demand = options(&disk).snapshots(SnapshotPolicy::on_demand());
    on_demand.open::<Third>(dir()).unwrap().close().unwrap();
    assert_eq!(on_demand.open::<Third>(dir()).unwrap().opened().from_snapshot, Some(11));
}
