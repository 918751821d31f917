//! A log that was begun by somebody who does not know the type: at every version the type reads what is logged, filled in or
//! refused by one rule, wherever the way there began; and what it writes says all that it shows.
#![cfg(feature = "derive")]

use crate::common::{check, dir, options};
use proptest::prelude::*;
use redraft::collections::{Counter, Map, Text};
use redraft::io::MemoryDisk;
use redraft::{Error, SnapshotPolicy, State, Store, Value, value};

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Board {
    a: u64,
    b: Vec<String>,
    #[state(default)]
    text: Text,
    #[state(default = "seven")]
    left: u64,
    #[state(default)]
    cards: Map<u64, Card>,
    #[state(default)]
    moves: Counter,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Card {
    name: String,
    #[state(default = "seven")]
    weight: u64,
}

fn seven() -> u64 {
    7
}

/// A change by somebody who knows the type, or by somebody who does not.
#[derive(Clone, Debug)]
enum Edit {
    Typed(u8, u64),
    Plain(u8, u64),
    /// Whatever the store does by itself or is asked for between two changes.
    Snapshot,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        4 => (0..7_u8, 0..5_u64).prop_map(|(what, n)| Edit::Typed(what, n)),
        5 => (0..9_u8, 0..5_u64).prop_map(|(what, n)| Edit::Plain(what, n)),
        1 => Just(Edit::Snapshot),
    ];
    prop::collection::vec(edit, 1..25)
}

fn typed(board: &mut Board, what: u8, n: u64) {
    match what {
        0 => board.a += 1,
        1 => board.b.push(format!("item {n}")),
        2 => board.text.push_str("text "),
        3 => board.left = board.left.wrapping_add(n),
        4 => board.cards.entry(n).or_default().name.push('x'),
        5 => board.cards.entry(n).or_default().weight += 1,
        _ => board.moves += 1,
    }
}

fn plain(doc: &mut Value, what: u8, n: u64) {
    match what {
        0 => doc["a"] = n.into(),
        1 => doc["b"] = value!(["from outside"]),
        2 => doc["text"] = "outside".into(),
        3 => drop(doc.as_map_mut().unwrap().remove("left")),
        4 => doc["cards"] = value!({ 1: { "name": "bare" } }),
        5 => drop(doc.as_map_mut().unwrap().remove("cards")),
        6 => drop(doc.as_map_mut().unwrap().remove("moves")),
        // What no type takes, and what mends it.
        7 if n == 0 => drop(doc.as_map_mut().unwrap().remove("b")),
        _ => *doc = value!({ "a": n, "b": [] }),
    }
}

fn carry_out(disk: &MemoryDisk, edits: &[Edit]) {
    for edit in edits {
        match *edit {
            Edit::Plain(what, n) => {
                let store = options(disk).create(true).open::<Value>(dir()).unwrap();
                store.produce(|doc| plain(doc, what, n)).unwrap();
                store.close().unwrap();
            }
            Edit::Typed(what, n) => match options(disk).create(true).open::<Board>(dir()) {
                Ok(store) => {
                    let commit = store.produce(|board| typed(board, what, n)).unwrap();
                    if !commit.patch().is_empty() {
                        let plain = options(disk).open_read_only::<Value>(dir()).unwrap();
                        assert_eq!(
                            *plain.state(),
                            commit.state().to_value(),
                            "what it shows is not what it logged"
                        );
                    }
                    store.close().unwrap();
                }
                Err(error) => assert!(matches!(error, Error::Misfit { .. }), "{error:?}"),
            },
            Edit::Snapshot => {
                if let Ok(store) = options(disk).create(true).open::<Board>(dir()) {
                    store.snapshot().unwrap();
                    store.close().unwrap();
                }
            }
        }
    }
}

/// Every version is what the type reads from the document, or refused if it cannot, however one gets there.
fn agrees(disk: &MemoryDisk) {
    let plain = options(disk).open_read_only::<Value>(dir()).unwrap();
    let read = |version| {
        let document = plain.at(version).unwrap();
        // An empty map says nothing of the state, and is what the type begins with if it cannot read it.
        let begun = (*document == value!({})).then(Board::default);
        Board::from_value((*document).clone()).ok().or(begun)
    };
    let mut expected: Vec<Option<Board>> = (0..=plain.version()).map(read).collect();
    expected[0] = Some(Board::default());
    let newest = options(disk).open_read_only::<Board>(dir());
    assert_eq!(newest.is_ok(), expected.last().unwrap().is_some(), "{newest:?}");
    let Some(fits) = expected.iter().rposition(Option::is_some) else { return };
    let orders: [Vec<usize>; 2] = [(0..=fits).collect(), (0..=fits).rev().collect()];
    for order in orders {
        let typed = options(disk).open_read_only_at::<Board>(dir(), fits as u64).unwrap();
        for version in order {
            match (typed.at(version as u64), &expected[version]) {
                (Ok(state), Some(expected)) => assert_eq!(&*state, expected, "version {version}"),
                (Err(Error::Misfit { .. }), None) => {}
                (answer, _) => panic!("version {version}: {answer:?}"),
            }
        }
    }
    let report = check(disk).unwrap();
    assert!(report.is_sound(), "{report:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_every_version_the_type_reads_what_is_logged(edits in edits()) {
        let disk = MemoryDisk::new();
        options(&disk).create(true).open::<Value>(dir()).unwrap().close().unwrap();
        carry_out(&disk, &edits);
        agrees(&disk);
    }
}

/// What a type begins with is not in a log that somebody else began. Found by asking what happens then: a change to such a field was
/// recorded without the field, and nobody but the type could read the log.
#[test]
fn a_field_that_was_never_logged_is_filled_in_where_the_type_says_so_and_refused_where_not() {
    let disk = MemoryDisk::new();
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    store.produce(|doc| doc["a"] = 5.into()).unwrap();
    store.produce(|doc| doc["b"] = value!([])).unwrap();
    store.close().unwrap();
    let store = options(&disk).open::<Board>(dir()).unwrap();
    assert_eq!((store.state().left, store.state().a), (7, 5));
    assert!(matches!(store.at(1), Err(Error::Misfit { version: 1, .. })), "there is no b in version 1");
    assert_eq!(*store.at(0).unwrap(), Board::default());
    let commit = store.produce(|board| board.text.push_str("on")).unwrap();
    let logged = value!({ "a": 5, "b": [], "text": "on", "left": 7, "cards": {}, "moves": 0 });
    assert_eq!(commit.state().to_value(), logged);
    store.close().unwrap();
    assert_eq!(*options(&disk).open_read_only::<Value>(dir()).unwrap().state(), logged);
    agrees(&disk);
}

#[test]
fn a_reader_that_was_there_before_the_first_change_reads_it_as_one_that_comes_later() {
    let disk = MemoryDisk::new();
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    let early = options(&disk).open_read_only::<Board>(dir()).unwrap();
    store.produce(|doc| *doc = value!({ "a": 1, "b": [] })).unwrap();
    assert_eq!((early.refresh().unwrap(), early.state().left), (1, 7));
    store.produce(|doc| doc["a"] = 2.into()).unwrap();
    assert_eq!(early.refresh().unwrap(), 2);
    assert_eq!(early.state(), options(&disk).open_read_only::<Board>(dir()).unwrap().state());
}

#[test]
fn snapshots_of_such_a_state_hold_what_is_logged() {
    let disk = MemoryDisk::new();
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    store.produce(|doc| *doc = value!({ "a": 1, "b": [] })).unwrap();
    store.close().unwrap();
    let policy = SnapshotPolicy::on_demand();
    let store: Store<Board> = options(&disk).snapshots(policy).open(dir()).unwrap();
    store.snapshot().unwrap();
    store.close().unwrap();
    agrees(&disk);
    assert_eq!(options(&disk).open::<Board>(dir()).unwrap().opened().from_snapshot, Some(1));
}

#[test]
fn what_a_type_begins_with_in_the_middle_is_not_built_on_by_what_somebody_else_writes() {
    // The cards come and go, and what is left says nothing; what comes then says too little, and in the end enough.
    let edits = [Edit::Plain(4, 0), Edit::Plain(5, 0), Edit::Plain(1, 0), Edit::Plain(0, 0)];
    let disk = MemoryDisk::new();
    carry_out(&disk, &edits);
    agrees(&disk);
}
