//! The laws of typed state, held over a type made of the persistent collections, nested in each other.
#![cfg(feature = "derive")]
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::common::ops::{aims, is_read_back, op_at, operations_agree};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use redraft::collections::{Counter, KeyedList, List, Map, Set, Shared};
use redraft::patch::{Action, ApplyErrorKind, Insert, Op, Patch};
use redraft::state::{MapKey, StateErrorKind};
use redraft::value::{Key, Path};
use redraft::{State, Value, apply, diff, draft, value};

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Board {
    title: String,
    cards: Map<u64, Card>,
    by_rank: Map<Backwards, i32>,
    log: List<u8>,
    columns: KeyedList<String, Column>,
    tags: Set<Name>,
    hits: Counter,
    votes: List<Counter>,
    look: Shared<Look>,
    maybe: Option<Map<String, List<i32>>>,
    any: List<Value>,
    stage: Stage,
    pair: Pair<Set<u8>, Counter>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Card {
    text: String,
    notes: List<Shared<Look>>,
    seen: Counter,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Look {
    x: i32,
    label: String,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Column {
    width: u8,
    cards: KeyedList<u64, i32>,
}

#[derive(Clone, Debug, Default, PartialEq, State)]
enum Stage {
    #[default]
    Idle,
    Counting(Counter),
    Moving {
        to: List<String>,
    },
    Planned(KeyedList<i64, u8>),
}

#[derive(Clone, Debug, Default, PartialEq, State)]
struct Pair<A, B> {
    a: A,
    b: Option<B>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, MapKey)]
enum Name {
    Last,
    First,
}

/// A key whose order in the program is not the one of its keys outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Backwards(Reverse<u8>);

impl MapKey for Backwards {
    fn to_key(&self) -> Key {
        self.0.0.to_key()
    }

    fn from_key(key: &Key) -> Option<Self> {
        u8::from_key(key).map(|rank| Self(Reverse(rank)))
    }
}

fn list<T: Clone + std::fmt::Debug + 'static>(
    of: impl Strategy<Value = T> + 'static,
    most: usize,
) -> BoxedStrategy<List<T>> {
    vec(of, 0..most).prop_map(List::from).boxed()
}

fn keyed<K: Ord + Clone + std::fmt::Debug + 'static, T: Clone + std::fmt::Debug + 'static>(
    keys: impl Strategy<Value = K> + 'static,
    of: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<KeyedList<K, T>> {
    vec((keys, of), 0..4).prop_map(|pairs| pairs.into_iter().collect()).boxed()
}

fn look() -> BoxedStrategy<Shared<Look>> {
    (0_i32..2, "[ab]?").prop_map(|(x, label)| Shared::new(Look { x, label })).boxed()
}

fn card() -> BoxedStrategy<Card> {
    ("[ab]{0,2}", list(look(), 4), 0_i64..3)
        .prop_map(|(text, notes, seen)| Card { text, notes, seen: seen.into() })
        .boxed()
}

fn column() -> BoxedStrategy<Column> {
    (0_u8..2, keyed(0_u64..3, 0_i32..2)).prop_map(|(width, cards)| Column { width, cards }).boxed()
}

fn count() -> BoxedStrategy<Counter> {
    prop_oneof![4 => 0_i64..3, 1 => Just(i64::MIN), 1 => Just(i64::MAX)].prop_map(Counter::from).boxed()
}

fn stage() -> BoxedStrategy<Stage> {
    prop_oneof![
        Just(Stage::Idle),
        count().prop_map(Stage::Counting),
        list("[ab]?", 4).prop_map(|to| Stage::Moving { to }),
        keyed(0_i64..3, 0_u8..2).prop_map(Stage::Planned),
    ]
    .boxed()
}

fn board() -> BoxedStrategy<Board> {
    let maps = (
        btree_map(0_u64..40, card(), 0..30),
        btree_map(0_u8..4, 0_i32..2, 0..4),
        prop::option::of(btree_map("[ab]", list(0_i32..2, 3), 0..3)),
    );
    let lists = (list(0_u8..3, 80), list(count(), 5), list((0_i64..2).prop_map(Value::from), 3));
    let others = (keyed("[ab]", column()), any::<[bool; 2]>(), count(), look(), stage());
    let pair = (vec(0_u8..3, 0..3), prop::option::of(count()));
    (("[ab]?", maps), lists, others, pair)
        .prop_map(|((title, maps), lists, others, pair)| Board {
            title,
            cards: maps.0.into(),
            by_rank: maps.1.into_iter().map(|(rank, item)| (Backwards(Reverse(rank)), item)).collect(),
            maybe: maps.2.map(Map::from),
            log: lists.0,
            votes: lists.1,
            any: lists.2,
            columns: others.0,
            tags: [Name::First, Name::Last]
                .into_iter()
                .zip(others.1)
                .filter(|tag| tag.1)
                .map(|tag| tag.0)
                .collect(),
            hits: others.2,
            look: others.3,
            stage: others.4,
            pair: Pair { a: pair.0.into_iter().collect(), b: pair.1 },
        })
        .boxed()
}

/// What a program does to a board. Unlike two boards made apart, the old and the new one share what it leaves alone.
#[derive(Clone, Debug)]
enum Edit {
    Card(u64, Card),
    Text(Index, String),
    Note(Index, Index, i32),
    Drop(Index),
    Log(Index, usize, Vec<u8>),
    Column(usize, String, Column),
    MoveColumn(Index, Index),
    DropColumn(Index),
    CardInColumn(Index, u64, i32),
    Count(i64),
    Tag(bool),
    Look(i32),
    Stage(Stage),
}

fn edit() -> BoxedStrategy<Edit> {
    let at = any::<Index>;
    prop_oneof![
        (0_u64..40, card()).prop_map(|(key, card)| Edit::Card(key, card)),
        (at(), "[ab]?").prop_map(|(at, text)| Edit::Text(at, text)),
        (at(), at(), 0_i32..3).prop_map(|(card, note, x)| Edit::Note(card, note, x)),
        at().prop_map(Edit::Drop),
        (at(), 0_usize..5, vec(0_u8..3, 0..5)).prop_map(|(at, del, ins)| Edit::Log(at, del, ins)),
        (0_usize..3, "[abc]", column()).prop_map(|(at, key, column)| Edit::Column(at, key, column)),
        (at(), at()).prop_map(|(key, to)| Edit::MoveColumn(key, to)),
        at().prop_map(Edit::DropColumn),
        (at(), 0_u64..3, 0_i32..2).prop_map(|(column, key, card)| Edit::CardInColumn(column, key, card)),
        (-2_i64..3).prop_map(Edit::Count),
        any::<bool>().prop_map(Edit::Tag),
        (0_i32..3).prop_map(Edit::Look),
        stage().prop_map(Edit::Stage),
    ]
    .boxed()
}

fn nth<T: Clone>(mut keys: impl ExactSizeIterator<Item = T>, at: Index) -> Option<T> {
    if keys.len() == 0 { None } else { keys.nth(at.index(keys.len())) }
}

impl Board {
    fn edit(&mut self, edit: &Edit) {
        match edit.clone() {
            Edit::Card(key, card) => drop(self.cards.insert(key, card)),
            Edit::Text(at, text) => {
                if let Some(key) = nth(self.cards.keys(), at).copied() {
                    self.cards.entry(key).and_modify(|card| card.text = text).or_default();
                }
            }
            Edit::Note(card, note, x) => {
                if let Some(key) = nth(self.cards.keys(), card).copied()
                    && let Some(card) = self.cards.get_mut(&key)
                    && !card.notes.is_empty()
                {
                    let at = note.index(card.notes.len());
                    card.notes[at].x = x;
                }
            }
            Edit::Drop(at) => {
                let key = nth(self.cards.keys(), at).copied();
                key.and_then(|key| self.cards.remove(&key));
            }
            Edit::Log(at, del, ins) => {
                let at = at.index(self.log.len() + 1);
                self.log.splice(at..(at + del).min(self.log.len()), ins);
            }
            Edit::Column(at, key, column) => {
                let room = self.columns.len() - usize::from(self.columns.contains_key(&key));
                self.columns.insert_at(at.min(room), key, column);
            }
            Edit::MoveColumn(key, to) => {
                if let Some(key) = nth(self.columns.keys(), key).cloned() {
                    assert!(self.columns.move_to(&key, to.index(self.columns.len())));
                }
            }
            Edit::DropColumn(key) => {
                let key = nth(self.columns.keys(), key).cloned();
                key.and_then(|key| self.columns.remove(&key));
            }
            Edit::CardInColumn(column, key, card) => {
                if let Some(name) = nth(self.columns.keys(), column).cloned() {
                    self.columns[&name].cards.push(key, card);
                }
            }
            Edit::Count(by) => self.hits = self.hits.checked_add(by).unwrap_or_default(),
            Edit::Tag(first) => {
                let tag = if first { Name::First } else { Name::Last };
                if !self.tags.insert(tag.clone()) {
                    self.tags.remove(&tag);
                }
            }
            Edit::Look(x) => self.look.x = x,
            Edit::Stage(stage) => self.stage = stage,
        }
    }
}

/// How many cases each law is held to; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

fn leads_there_and_back(a: &Board, b: &Board) -> Result<Patch, TestCaseError> {
    let (patch, inverse) = diff(a, b).unwrap();
    let there = apply(a, &patch).unwrap();
    prop_assert!(there.state.same(b), "{:?}", patch);
    prop_assert!(apply(b, &inverse).unwrap().state.same(a), "{:?}", inverse);
    prop_assert!(apply(&there.state, &there.inverse).unwrap().state.same(a), "{:?}", there.inverse);
    prop_assert_eq!(a.same(b), patch.is_empty());
    prop_assert_eq!(a.same(b), a.to_value() == b.to_value());
    let there = apply(&a.to_value(), &patch).unwrap();
    prop_assert_eq!(&there.state, &b.to_value(), "{:?}", patch);
    prop_assert_eq!(apply(&there.state, &inverse).unwrap().state, a.to_value(), "{:?}", inverse);
    Ok(patch)
}

/// Whether the paths of sibling operations are in the order of their keys.
fn in_order(patch: &Patch, under: &Path) -> bool {
    let keys = patch
        .iter()
        .filter(|op| op.path.starts_with(under))
        .map(|op| op.path.as_slice().get(under.len()).cloned());
    keys.is_sorted()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn boards_made_apart_lead_there_and_back(a in board(), b in board()) {
        let patch = leads_there_and_back(&a, &b)?;
        prop_assert!(in_order(&patch, &Path::root().child("by_rank")), "{:?}", patch);
        prop_assert!(in_order(&patch, &Path::root().child("tags")), "{:?}", patch);
    }

    #[test]
    fn edited_boards_lead_there_and_back(a in board(), edits in vec(edit(), 0..6)) {
        let mut b = a.clone();
        edits.iter().for_each(|edit| b.edit(edit));
        leads_there_and_back(&a, &b)?;
        leads_there_and_back(&b, &a)?;
    }

    #[test]
    fn what_is_shared_is_told_like_what_is_equal(a in board(), edits in vec(edit(), 0..6)) {
        let mut b = a.clone();
        edits.iter().for_each(|edit| b.edit(edit));
        // Read back, nothing is shared any more; what differs is the same, if not always told by the same operations.
        let apart = Board::from_value(b.to_value()).unwrap();
        prop_assert!(apart.same(&b) && b.same(&apart) && apart == b);
        prop_assert!(diff(&b, &apart).unwrap().0.is_empty());
        leads_there_and_back(&a, &apart)?;
    }

    #[test]
    fn what_is_shown_is_read_back(a in board()) {
        is_read_back(&a)?;
    }

    #[test]
    fn any_operation_does_to_the_document_what_it_does_to_the_state(a in board(), aims in aims()) {
        operations_agree(a, &aims)?;
    }

    #[test]
    fn a_patch_of_any_operations_leaves_a_state_that_can_be_read(a in board(), aims in aims()) {
        let shown = a.to_value();
        let patch: Patch = aims.iter().map(|aim| op_at(&shown, aim)).collect();
        if let Ok(done) = apply(&a, &patch) {
            let document = apply(&shown, &patch).unwrap().state;
            prop_assert_eq!(&done.state.to_value(), &document, "{:?}", patch);
            prop_assert!(Board::from_value(document).is_ok(), "{:?}", patch);
        }
    }
}

fn told<S: State>(old: &S, recipe: impl FnOnce(&mut S)) -> Vec<String> {
    let drafted = draft(old, recipe).unwrap();
    assert!(apply(old, &drafted.patch).unwrap().state.same(&drafted.state));
    drafted.patch.iter().map(|op| format!("{} {}", op.action.name(), op.path)).collect()
}

fn columns(names: &[&str]) -> Board {
    let column = |(width, name): (u8, &&str)| ((*name).to_owned(), Column { width, ..Column::default() });
    Board { columns: (0..).zip(names).map(column).collect(), ..Board::default() }
}

#[test]
fn changes_are_told_as_what_they_mean() {
    let mut board = columns(&["a", "b", "c", "d"]);
    board.cards = (0..100).map(|id| (id, Card::default())).collect();
    board.votes = [Counter::new(); 10].into();
    assert_eq!(
        told(&board, |board| board.cards.get_mut(&50).unwrap().text.push('x')),
        ["replace /cards/50/text"]
    );
    assert_eq!(told(&board, |board| board.hits += 3), ["inc /hits"]);
    assert_eq!(
        told(&board, |board| board.votes.iter_mut().take(2).for_each(|votes| *votes += 1)),
        ["inc /votes/0", "inc /votes/1"]
    );
    assert_eq!(told(&board, |board| _ = board.tags.insert(Name::First)), ["add /tags/First"]);
    assert_eq!(told(&board, |board| board.look.x = 1), ["replace /look/x"]);
    assert_eq!(told(&board, |board| board.columns["c"].width = 9), ["replace /columns/items/c/width"]);
    assert_eq!(
        told(&board, |board| _ = board.columns.push("e".into(), Column::default())),
        ["add /columns/items/e", "splice /columns/order"]
    );
    assert_eq!(
        told(&board, |board| _ = board.columns.move_to("d", 0)),
        ["splice /columns/order", "splice /columns/order"]
    );
    assert!(told(&board, |board| _ = board.cards.get_mut(&50)).is_empty());
}

#[test]
fn a_counter_that_no_difference_leads_back_from_is_replaced() {
    let told = |from: i64, to: i64| told(&Counter::from(from), |counter| counter.set(to));
    assert_eq!(told(1, -1), ["inc "]);
    assert_eq!(told(-1, i64::MAX), ["replace "]);
    assert_eq!(told(0, i64::MIN), ["replace "]);
    assert!(told(7, 7).is_empty());
    let over = Patch::from(vec![Op::new(Path::root(), Action::Inc(1))]);
    assert_eq!(apply(&Counter::from(i64::MAX), &over).unwrap_err().kind, ApplyErrorKind::Overflow);
}

#[test]
fn a_recipe_that_overflows_a_counter_changes_nothing() {
    let full = Counter::from(i64::MAX);
    assert!(std::panic::catch_unwind(|| draft(&full, |counter| *counter += 1)).is_err());
    assert_eq!(full.checked_add(1), None);
}

/// Why a patch of these operations does not fit.
fn refused(board: &Board, ops: Vec<Op>) -> (usize, ApplyErrorKind) {
    let error = apply(board, &Patch::from(ops)).map(drop).unwrap_err();
    (error.op_index, error.kind)
}

#[test]
fn patches_that_leave_items_and_order_disagreeing_are_refused() {
    let board = columns(&["a", "b", "c"]);
    let items = Path::root().child("columns").child("items");
    let order = Path::root().child("columns").child("order");
    let cut = |at| Op::new(order.clone(), Action::Splice { at, del: 1, ins: Insert::Items(vec![]) });
    let drop_a = Op::new(items.child("a"), Action::Remove);
    let add_z = Op::new(items.child("z"), Action::Add(Column::default().to_value()));
    let twice = Op::new(order.child(0), Action::Add("a".into()));
    let unrelated = Op::new(Path::root().child("title"), Action::Replace("x".into()));
    for ops in [vec![drop_a.clone()], vec![add_z], vec![twice], vec![drop_a.clone(), cut(1)], vec![cut(2)]] {
        let last = ops.len() - 1;
        let with_more = ops.iter().cloned().chain([unrelated.clone()]).collect();
        for (at, kind) in [refused(&board, ops), refused(&board, with_more)] {
            assert_eq!(at, last, "the last operation on the list is blamed");
            assert!(matches!(kind, ApplyErrorKind::Unfit(error) if error.kind == StateErrorKind::Order));
        }
    }
    let done = apply(&board, &Patch::from(vec![cut(0), drop_a])).unwrap();
    assert!(done.state.columns.keys().eq(["b", "c"]));
}

#[test]
fn what_comes_in_and_is_spoilt_by_the_same_patch_is_refused() {
    let board = columns(&["a"]);
    let inside = columns(&["x", "y"]);
    let column = Path::root().child("columns").child("items").child("n");
    let mut spoilt = Column::default();
    spoilt.cards.push(1, 1);
    let ops = vec![
        Op::new(column.clone(), Action::Add(spoilt.to_value())),
        Op::new(Path::root().child("columns").child("order").child(0), Action::Add("n".into())),
        Op::new(column.child("cards").child("items").child(Key::from(1)), Action::Remove),
    ];
    assert!(matches!(refused(&board, ops).1, ApplyErrorKind::Unfit(_)));
    let planned = Stage::Planned([(1, 1)].into());
    let ops = vec![
        Op::new(Path::root().child("stage"), Action::Replace(planned.to_value())),
        Op::new(Path::root().child("stage").child("Planned").child("order").child(0), Action::Remove),
    ];
    assert!(matches!(refused(&inside, ops).1, ApplyErrorKind::Unfit(_)));
}

#[test]
fn a_document_whose_order_names_other_keys_than_its_items_is_not_read() {
    let shown = columns(&["a", "b"]).to_value();
    for order in [value!(["a"]), value!(["a", "b", "b"]), value!(["a", "c"]), value!(["a", "a"]), value!([])]
    {
        let mut shown = shown.clone();
        shown["columns"]["order"] = order;
        let error = Board::from_value(shown).unwrap_err();
        assert_eq!((error.path.to_string().as_str(), error.kind), ("/columns", StateErrorKind::Order));
    }
}

#[test]
fn keys_of_every_kind_stand_in_an_order() {
    fn holds<K: MapKey + Ord + std::fmt::Debug>(keys: impl IntoIterator<Item = K>) {
        let list: KeyedList<K, u8> = keys.into_iter().map(|key| (key, 0)).collect();
        let read = KeyedList::<K, u8>::from_value(list.to_value()).unwrap();
        assert!(read.len() == 2 && read.same(&list) && read == list);
    }
    holds([true, false]);
    holds([u64::MAX, 1]);
    holds([-1_i8, 1]);
    holds(["b".to_owned(), "a".to_owned()]);
    holds([[1_u8; 16], [0; 16]]);
    holds([Name::First, Name::Last]);
}

#[test]
fn typed_collections_and_those_of_the_standard_library_show_alike() {
    let pairs = [(1_u64, "a".to_owned()), (2, "b".to_owned())];
    assert_eq!(Map::from(pairs.clone()).to_value(), BTreeMap::from(pairs.clone()).to_value());
    assert_eq!(List::from([1_u8, 2]).to_value(), vec![1_u8, 2].to_value());
    let shown = value!({ "items": { 1: "a", 2: "b" }, "order": [1, 2] });
    assert_eq!(KeyedList::from(pairs).to_value(), shown);
}
