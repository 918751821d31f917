//! A store whose state is a Rust type: end to end, and what happens when type and content do not fit.
#![cfg(feature = "derive")]
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use redraft::collections::KeyedList;
use redraft::patch::{Action, Op};
use redraft::value::{Key, Path as Place};
use redraft::{Error, Patch, Reader, State, Store, Value, value, verify};

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Board {
    title: String,
    cards: BTreeMap<u64, Card>,
    moves: u32,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Card {
    text: String,
    done: bool,
}

/// A later version of the program.
#[derive(Clone, Debug, Default, PartialEq, State)]
struct NewBoard {
    title: String,
    cards: BTreeMap<u64, NewCard>,
    moves: u32,
    #[state(default)]
    tags: BTreeMap<String, u8>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct NewCard {
    text: String,
    done: bool,
    #[state(default = "someone")]
    owner: String,
    #[state(atomic, default)]
    extra: Extra,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Extra {
    note: Option<String>,
    seen: HashSet<u32>,
}

fn someone() -> String {
    "someone".into()
}

struct Directory {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Directory {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("board.redraft");
    Directory { _dir: dir, path }
}

fn card(text: &str) -> Card {
    Card { text: text.into(), done: false }
}

fn is_sound(path: &Path) {
    let report = verify(path).unwrap();
    assert!(report.is_sound(), "{report:?}");
}

fn written(path: &Path) -> Board {
    let store = Store::<Board>::open(path).unwrap();
    store.produce(|board| board.title = "Launch".into()).unwrap();
    let commit = store.produce(|board| drop(board.cards.insert(7, card("ship it")))).unwrap();
    assert_eq!((commit.version(), commit.patch().len()), (2, 1));
    store.produce(|board| board.moves += 1).unwrap();
    let state = store.state();
    store.close().unwrap();
    Board::clone(&state)
}

#[test]
fn a_board_is_kept_undone_and_read_at_any_version() {
    let place = place();
    let last = written(&place.path);
    let store = Store::<Board>::open(&place.path).unwrap();
    assert_eq!(*store.state(), last);
    assert_eq!(store.at(0).unwrap(), Board::default().into());
    assert_eq!(store.at(1).unwrap().title, "Launch");
    assert!(store.at(1).unwrap().cards.is_empty());
    assert!(store.undo(2).unwrap().state().cards.is_empty());
    assert_eq!(**store.redo(2).unwrap().state(), last);
    store.snapshot().unwrap();
    store.restore(2, place.path.with_extension("old")).unwrap();
    store.close().unwrap();
    assert_eq!(Store::<Board>::open(place.path.with_extension("old")).unwrap().state().moves, 0);
    is_sound(&place.path);
    is_sound(&place.path.with_extension("old"));
}

#[test]
fn tools_without_the_type_read_the_same_history() {
    let place = place();
    let last = written(&place.path);
    let reader = Reader::<Value>::open(&place.path).unwrap();
    assert_eq!(*reader.state(), last.to_value());
    assert_eq!(*reader.at(1).unwrap(), value!({ "title": "Launch", "cards": {}, "moves": 0 }));
    is_sound(&place.path);
}

#[test]
fn the_first_change_says_the_whole_state_and_can_be_undone() {
    let place = place();
    let store = Store::<Board>::open(&place.path).unwrap();
    let commit = store.produce(|board| board.moves = 3).unwrap();
    let shown = commit.state().to_value();
    assert_eq!(**commit.patch(), [Op::new(Place::root(), Action::Replace(shown))]);
    assert_eq!(**store.undo(1).unwrap().state(), Board::default());
    store.close().unwrap();
    is_sound(&place.path);
}

#[test]
fn a_failing_recipe_changes_nothing() {
    let place = place();
    let store = Store::<Board>::open(&place.path).unwrap();
    let failed = store.produce(|board| {
        board.moves = 3;
        Err::<(), _>("no")
    });
    assert!(failed.is_err());
    assert_eq!((store.version(), &*store.state()), (0, &Board::default()));
}

#[derive(Clone, Debug, Default, State)]
struct Numbered {
    title: String,
    cards: BTreeMap<u64, Card>,
    moves: i8,
}

#[derive(Clone, Debug, Default, State)]
struct Poorer {
    title: String,
    cards: BTreeMap<u64, Card>,
}

#[test]
fn a_type_that_does_not_fit_is_told_where_and_is_not_damage() {
    let place = place();
    written(&place.path);
    let Error::Misfit { version, path, .. } = Store::<Poorer>::open(&place.path).unwrap_err() else {
        panic!("another error")
    };
    assert_eq!((version, path.to_string().as_str()), (1, "/moves"));
    let store = Store::<Board>::open(&place.path).unwrap();
    assert_eq!(store.produce(|board| board.moves = 1000).unwrap().version(), 4);
    store.close().unwrap();
    // Fits at first, and then a logged change does not.
    let error = Store::<Numbered>::open(&place.path).unwrap_err();
    assert!(
        matches!(&error, Error::Misfit { version: 4, path, .. } if path.to_string() == "/moves"),
        "{error}"
    );
    assert!(error.damage().is_none());
    // The same from a snapshot.
    let store = Store::<Board>::open(&place.path).unwrap();
    store.snapshot().unwrap();
    store.close().unwrap();
    let error = Store::<Numbered>::open(&place.path).unwrap_err();
    assert!(
        matches!(&error, Error::Misfit { version: 4, path, .. } if path.to_string() == "/moves"),
        "{error}"
    );
    assert!(Store::<Board>::open(&place.path).is_ok());
}

#[test]
fn a_patch_that_does_not_fit_the_type_is_refused() {
    let place = place();
    written(&place.path);
    let store = Store::<Board>::open(&place.path).unwrap();
    let patch = Patch::from(vec![Op::new(Place::root().child("title"), Action::Remove)]);
    assert!(matches!(store.apply(&patch), Err(Error::Apply(_))));
    assert_eq!(store.version(), 3);
}

#[test]
fn what_a_newer_type_fills_in_is_logged_before_it_is_changed() {
    let place = place();
    written(&place.path);
    let store = Store::<NewBoard>::open(&place.path).unwrap();
    assert_eq!(store.state().cards[&7].owner, "someone");
    store.snapshot().unwrap(); // of version 3: of what the log says, not of what the type makes of it
    let commit = store
        .produce(|board| {
            board.tags.insert("late".into(), 1);
        })
        .unwrap();
    assert_eq!(**commit.inverse(), *redraft::apply(&*store.at(3).unwrap(), commit.patch()).unwrap().inverse);
    store.produce(|board| board.tags.extend([("later".to_owned(), 2)])).unwrap();
    store.undo(5).unwrap();
    assert!(store.undo(4).unwrap().state().tags.is_empty());
    let last = store.state();
    store.close().unwrap();
    is_sound(&place.path);
    assert_eq!(Reader::<NewBoard>::open(&place.path).unwrap().state(), last);
    assert_eq!(*Reader::<Value>::open(&place.path).unwrap().state(), last.to_value());
}

#[test]
fn what_a_patch_leaves_out_and_the_type_fills_in_is_logged() {
    let place = place();
    let store = Store::<NewBoard>::open(&place.path).unwrap();
    store.produce(|board| board.moves = 1).unwrap();
    let card = value!({ "text": "from outside", "done": false });
    let patch = Patch::from(vec![Op::new(
        Place::root().child("cards").child(redraft::value::Key::from(1)),
        Action::Add(card),
    )]);
    let commit = store.apply(&patch).unwrap();
    assert_eq!(commit.state().cards[&1].owner, "someone");
    store.produce(|board| board.cards.get_mut(&1).unwrap().owner = "me".into()).unwrap();
    store.close().unwrap();
    is_sound(&place.path);
    let read = Reader::<Value>::open(&place.path).unwrap().state();
    assert_eq!(read.pointer("/cards/1/owner").unwrap().as_str(), Some("me"));
}

#[test]
fn a_map_is_a_state_of_its_own() {
    let place = place();
    let store = Store::<BTreeMap<String, u8>>::open(&place.path).unwrap();
    store.produce(|map| map.extend([("a".to_owned(), 1)])).unwrap();
    store.close().unwrap();
    assert_eq!(*Reader::<Value>::open(&place.path).unwrap().state(), value!({ "a": 1 }));
}

#[test]
fn an_unordered_set_in_an_atomic_field_is_read_back_and_changed() {
    let place = place();
    for round in 0..4 {
        let store = Store::<NewBoard>::open(&place.path).unwrap();
        let seen = (0..8 * round).collect::<HashSet<u32>>();
        assert!(store.state().cards.get(&1).is_none_or(|card| card.extra.seen == seen));
        store.snapshot().unwrap();
        store
            .produce(|board| board.cards.entry(1).or_default().extra.seen.extend(8 * round..8 * (round + 1)))
            .unwrap();
        store.produce(|board| board.moves += 1).unwrap();
        store.snapshot().unwrap();
        if round > 1 {
            store.undo(store.version()).unwrap();
        }
        store.close().unwrap();
        is_sound(&place.path);
    }
}

/// Whoever knows nothing of the type, such as a command line, can log what a typed writer would have been refused.
#[test]
fn a_keyed_list_whose_parts_disagree_in_the_log_is_not_read() {
    #[derive(Clone, Debug, Default, State)]
    struct Deck {
        cards: KeyedList<u64, u8>,
    }

    let place = place();
    let store = Store::<Deck>::open(&place.path).unwrap();
    store.produce(|deck| deck.cards.extend([(1, 0), (2, 0)])).unwrap();
    store.close().unwrap();

    let dynamic = Store::<Value>::open(&place.path).unwrap();
    let items = || Place::root().child("cards").child("items").child(Key::from(1_u64));
    let take_out = Patch::from(vec![Op::new(items(), Action::Remove)]);
    dynamic.apply(&take_out).unwrap();
    dynamic.close().unwrap();
    for error in [
        Store::<Deck>::open(&place.path).map(drop).unwrap_err(),
        Reader::<Deck>::open(&place.path).map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::Misfit { version: 2, path, .. } if path.to_string() == "/cards"),
            "{error}"
        );
    }

    let dynamic = Store::<Value>::open(&place.path).unwrap();
    let put_back = Patch::from(vec![Op::new(items(), Action::Add(0.into()))]);
    dynamic.apply(&put_back).unwrap();
    dynamic.close().unwrap();
    let store = Store::<Deck>::open(&place.path).unwrap();
    assert_eq!(store.state().cards.len(), 2);
    assert!(matches!(store.at(2), Err(Error::Misfit { version: 2, .. })));
}

/// Nothing was recorded of what a type begins with, so the first change of the fork is all of it.
#[test]
fn a_fork_goes_on_from_what_the_type_shows_also_from_version_0() {
    #[derive(Clone, Debug, PartialEq, State)]
    #[state(schema = 3, migrate = "unchanged")]
    struct Counted {
        count: u8,
    }
    fn unchanged(_from: u32, _document: &mut Value) {}
    impl Default for Counted {
        fn default() -> Self {
            Counted { count: 7 }
        }
    }

    let place = place();
    let store = Store::<Counted>::open(&place.path).unwrap();
    store.produce(|state| state.count = 1).unwrap();
    for (version, count) in [(0, 7), (1, 1)] {
        let target = place.path.with_extension(version.to_string());
        store.fork(version, &target).unwrap();
        is_sound(&target);
        let fork = Store::<Counted>::open(&target).unwrap();
        assert_eq!((fork.state().count, fork.schema(), fork.opened().migrated_from), (count, 3, None));
        fork.produce(|state| state.count += 1).unwrap();
        assert_eq!(fork.at(version + 1).unwrap().count, count);
        fork.close().unwrap();
        let dynamic = Reader::<Value>::open(&target).unwrap();
        assert_eq!(*dynamic.state(), value!({ "count": count + 1 }));
        is_sound(&target);
    }
}
