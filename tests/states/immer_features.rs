//! What Immer offers, row by row of the table in the guide (docs/guide/src/immer.md): each row is a test here.

use std::sync::{Arc, Mutex};

use redraft::collections::{Map, Set};
use redraft::io::{Env, MemoryDisk};
use redraft::{Draft, Error, Options, State, Store, Value, apply, draft, producer, value};

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Board {
    title: String,
    cards: Map<u64, Card>,
    labels: Set<String>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Card {
    text: String,
    done: bool,
}

fn board() -> Board {
    let card = Card { text: "ship it".into(), done: false };
    Board {
        title: "plan".into(),
        cards: [(7, card)].into(),
        labels: ["urgent".to_owned(), "small".to_owned()].into(),
    }
}

fn document() -> Value {
    value!({ "title": "plan", "cards": [{ "text": "ship it", "done": false }], "meta": { "owner": "ada" } })
}

fn store() -> Store<Value> {
    Options::new().env(Env::simulated(MemoryDisk::new(), 1)).open("a").unwrap()
}

#[test]
fn produce_makes_the_next_state_and_leaves_the_base_alone() {
    let base = board();
    let next = draft(&base, |board| board.cards.get_mut(&7).unwrap().done = true).unwrap().state;
    assert!(next.cards[&7].done);
    assert_eq!(base, board());
}

#[test]
fn produce_with_patches_is_the_same_call() {
    let base = board();
    let drafted = draft(&base, |board| board.title = "launch".into()).unwrap();
    assert_eq!(drafted.patch.len(), 1);
    assert_eq!(apply(&base, &drafted.patch).unwrap().state, drafted.state);
    assert_eq!(apply(&drafted.state, &drafted.inverse).unwrap().state, base);
}

#[test]
fn a_curried_recipe_takes_its_arguments_later() {
    let set_done = producer(|board: &mut Board, (id, done): (u64, bool)| {
        board.cards.get_mut(&id).map(|card| card.done = done).ok_or("no such card")
    });
    assert!(set_done(&board(), (7, true)).unwrap().state.cards[&7].done);
    assert!(set_done(&board(), (8, true)).is_err());
}

#[test]
fn a_draft_is_begun_and_finished_by_hand() {
    let mut draft = Draft::new(board());
    draft.title = "launch".into();
    draft.labels.insert("big".into());
    let drafted = draft.finish().unwrap();
    assert_eq!(drafted.patch.len(), 2);
    assert_eq!(apply(&board(), &drafted.patch).unwrap().state, drafted.state);
}

#[test]
fn a_draft_of_a_store_is_recorded_unless_the_store_has_gone_on() {
    let store = store();
    let (mut first, mut second) = (store.draft(), store.draft());
    first["n"] = 1.into();
    second["n"] = 2.into();
    assert_eq!(store.commit(first).unwrap().version(), 1);
    assert!(matches!(store.commit(second), Err(Error::Outdated { base: Some(0), head: 1 })));
    assert_eq!(*store.state(), value!({ "n": 1 }));
    assert_eq!(store.commit(store.draft()).unwrap().version(), 1, "nothing was changed, nothing is recorded");
}

#[test]
fn a_draft_can_be_carried_across_threads_and_awaits() {
    fn sendable<T: Send + 'static>(value: T) -> T {
        value
    }
    let mut draft = sendable(Draft::new(board()));
    let edited = std::thread::spawn(move || {
        draft.title = "launch".into();
        draft
    });
    assert_eq!(edited.join().unwrap().finish().unwrap().patch.len(), 1);
}

#[test]
fn original_is_the_state_before_the_draft() {
    let base = Arc::new(board());
    let mut draft = Draft::from(Arc::clone(&base));
    draft.title.clear();
    assert!(Arc::ptr_eq(draft.original(), &base));
    assert_eq!(draft.original().title, "plan");
}

#[test]
fn current_is_a_copy_that_later_edits_do_not_touch() {
    let mut draft = Draft::new(document());
    draft["title"] = "one".into();
    let current = draft.current();
    draft["title"] = "two".into();
    assert_eq!(current["title"].as_str(), Some("one"));
    assert!(same_place(&current["cards"], &draft.original()["cards"]), "what was not edited is still shared");
}

#[test]
fn patches_are_applied_all_or_nothing() {
    let patch = draft(&document(), |doc| doc["meta"]["owner"] = "eve".into()).unwrap().patch;
    assert_eq!(apply(&document(), &patch).unwrap().state["meta"]["owner"].as_str(), Some("eve"));
    let error = apply(&value!({ "meta": 1 }), &patch).unwrap_err();
    assert_eq!((error.op_index, error.path.to_string()), (0, "/meta/owner".to_owned()));
}

#[test]
fn a_recipe_that_changes_nothing_gives_the_same_state_and_records_nothing() {
    let store = store();
    store.produce(|doc| *doc = document()).unwrap();
    let before = store.state();
    let commit = store
        .produce(|doc| {
            doc["title"] = "other".into();
            doc["title"] = "plan".into();
        })
        .unwrap();
    assert_eq!((commit.version(), commit.patch().is_empty()), (1, true));
    assert!(Arc::ptr_eq(commit.state(), &before));
    assert_eq!(store.changes(..).unwrap().count(), 1);
}

#[test]
fn a_recipe_may_run_recipes_on_parts_of_its_draft() {
    let drafted = draft(&document(), |doc| {
        let cards = draft(&doc["cards"], |cards| cards[0]["done"] = true.into())?;
        doc["cards"] = cards.state;
        Ok::<(), redraft::DraftError>(())
    })
    .unwrap();
    let [op] = &drafted.patch[..] else { panic!("one operation, not {:?}", drafted.patch) };
    assert_eq!(op.path.to_string(), "/cards/0/done");
}

#[test]
fn a_recipe_cannot_wait_for_the_store_it_runs_in() {
    let store = Arc::new(store());
    let inner = Arc::clone(&store);
    let error = store.produce(move |_| inner.produce(|doc| doc["n"] = 1.into()).map(drop)).unwrap_err();
    assert!(error.to_string().contains("recipe"), "{error}");
    assert_eq!(store.version(), 0);
}

#[test]
fn what_did_not_change_is_shared() {
    let base = document();
    let next = draft(&base, |doc| doc["title"] = "launch".into()).unwrap().state;
    assert!(same_place(&base["cards"], &next["cards"]));
    assert!(same_place(&base["meta"], &next["meta"]));
}

#[test]
fn maps_and_sets_are_drafted_with_their_own_methods() {
    let drafted = draft(&board(), |board| {
        board.cards.entry(8).or_default().text = "test it".into();
        board.cards.remove(&7);
        board.labels.remove("small");
        board.labels.insert("big".into());
    })
    .unwrap();
    let told: Vec<String> =
        drafted.patch.iter().map(|op| format!("{} {}", op.action.name(), op.path)).collect();
    assert_eq!(told, ["remove /cards/7", "add /cards/8", "add /labels/big", "remove /labels/small"]);
    assert_eq!(apply(&drafted.state, &drafted.inverse).unwrap().state, board());
}

#[test]
fn the_whole_state_can_be_replaced() {
    let drafted = draft(&document(), |doc| *doc = value!([1, 2])).unwrap();
    assert_eq!(drafted.state, value!([1, 2]));
    assert!(drafted.patch[0].path.is_root());
    assert_eq!(apply(&drafted.state, &drafted.inverse).unwrap().state, document());
    let typed = draft(&board(), |board| *board = Board::default()).unwrap();
    assert_eq!(apply(&board(), &typed.patch).unwrap().state, Board::default());
}

#[test]
fn a_listener_hears_patches_and_inverses_in_order_for_as_long_as_it_is_kept() {
    let store = store();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let listening = store.listen(move |commit| {
        ear.lock().unwrap().push((commit.version(), commit.patch().clone(), commit.inverse().clone()));
    });
    let first = store.produce(|doc| doc["n"] = 1.into()).unwrap();
    store.produce(|_| ()).unwrap();
    let undone = store.undo(1).unwrap();
    drop(listening);
    store.produce(|doc| doc["n"] = 3.into()).unwrap();
    let expected = [&first, &undone].map(|c| (c.version(), c.patch().clone(), c.inverse().clone()));
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn a_recipe_that_fails_or_panics_changes_nothing() {
    let store = store();
    assert!(
        store
            .produce(|doc| {
                doc["n"] = 1.into();
                Err("no")
            })
            .is_err()
    );
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.produce(|doc| {
            doc["n"] = 1.into();
            if true {
                panic!("no")
            }
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((store.version(), &*store.state()), (0, &value!({})));
    assert_eq!(store.produce(|doc| doc["n"] = 2.into()).unwrap().version(), 1);
}

#[test]
fn nothing_and_missing_are_values_of_their_own() {
    let next = draft(&document(), |doc| {
        doc["title"] = Value::Null;
        doc.as_map_mut().unwrap().remove("meta");
    });
    let next = next.unwrap().state;
    assert!(next["title"].is_null() && next.as_map().unwrap().contains_key("title"));
    assert!(!next.as_map().unwrap().contains_key("meta"));
}

/// Whether two containers are one in memory.
fn same_place(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => a.ptr_eq(b),
        (Value::List(a), Value::List(b)) => a.ptr_eq(b),
        _ => false,
    }
}
