//! The laws of patches as an algebra: composing, squashing, inverting; held over small documents, in which operations
//! meet all the time, and over a derived type.

use crate::common::documents::{Picks, at, fitting_op, run_of_picks, small_value};
use proptest::prelude::*;
use redraft::patch::{Action, Insert, Op, Patch, compose, invert, squash, squash_stateless};
use redraft::value::{List, Path};
use redraft::{State, Value, apply, value};

/// How many cases each law is held to; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1000)
}

/// A state after a run of changes, one operation each.
struct Run<S> {
    before: S,
    after: S,
    changes: Vec<Patch>,
}

/// Carries out what is picked, as far as the type takes it.
fn run<S: State>(before: &S, picks: &[Picks]) -> Run<S> {
    let mut after = before.clone();
    let mut changes = Vec::new();
    for pick in picks {
        let change = Patch::from(vec![fitting_op(&after.to_value(), pick)]);
        if let Ok(applied) = apply(&after, &change) {
            after = applied.state;
            changes.push(change);
        }
    }
    Run { before: before.clone(), after, changes }
}

impl<S: State> Run<S> {
    fn patch(&self) -> Patch {
        self.changes.iter().flatten().cloned().collect()
    }

    #[track_caller]
    fn leads_to_the_end(&self, patch: &Patch) {
        let end = apply(&self.before, patch).expect("what was squashed fits").state;
        assert!(end.same(&self.after), "{:?} became {patch:?}", self.changes);
    }

    fn squash_keeps_the_effect_and_never_grows(&self) {
        let known = squash(&self.before, &self.changes).unwrap();
        self.leads_to_the_end(&known);
        assert!(known.len() <= self.changes.len());
        let unknown = squash_stateless(&self.changes);
        self.leads_to_the_end(&unknown);
        // Knowing more must never say more: it would if a result that did not hold had been given up.
        assert!(known.len() <= unknown.len(), "{:?} became {known:?}, unseen {unknown:?}", self.changes);
    }

    fn squash_is_idempotent(&self) {
        let once = squash(&self.before, &self.changes).unwrap();
        assert_eq!(squash(&self.before, [&once]).unwrap(), once);
        let once = squash_stateless(&self.changes);
        assert_eq!(squash_stateless([&once]), once);
    }

    fn squashing_in_parts_has_the_same_effect(&self, at: usize) {
        let (first, second) = self.changes.split_at(at % (self.changes.len() + 1));
        let part = squash(&self.before, first).unwrap();
        let middle = apply(&self.before, &part).unwrap().state;
        let rest = squash(&middle, second).unwrap();
        self.leads_to_the_end(&compose(&part, &rest));
        self.leads_to_the_end(&squash(&self.before, [&part, &rest]).unwrap());
        self.leads_to_the_end(&squash_stateless([&squash_stateless(first), &squash_stateless(second)]));
    }

    fn inverses_are_squashed_alike(&self) {
        let back = invert(&self.before, &self.patch()).unwrap();
        let of_squash = invert(&self.before, &squash(&self.before, &self.changes).unwrap()).unwrap();
        for inverse in [squash(&self.after, [&back]).unwrap(), squash_stateless([&back]), of_squash, back] {
            let start = apply(&self.after, &inverse).expect("an inverse fits").state;
            assert!(start.same(&self.before), "{inverse:?}");
        }
    }

    fn a_batch_split_anywhere_gives_the_same_state(&self, at: usize) {
        let (first, second) = self.changes.split_at(at % (self.changes.len() + 1));
        let one = |part: &[Patch]| part.iter().fold(Patch::new(), |all, next| compose(&all, next));
        let (first, second) = (one(first), one(second));
        assert_eq!(compose(&first, &second), self.patch());
        let middle = apply(&self.before, &first).unwrap().state;
        assert!(apply(&middle, &second).unwrap().state.same(&self.after));
    }

    fn all_laws(&self, at: usize) {
        self.squash_keeps_the_effect_and_never_grows();
        self.squash_is_idempotent();
        self.squashing_in_parts_has_the_same_effect(at);
        self.inverses_are_squashed_alike();
        self.a_batch_split_anywhere_gives_the_same_state(at);
    }
}

#[cfg(feature = "derive")]
mod typed {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[derive(Clone, Debug, Default, State)]
    struct Board {
        title: String,
        hits: u8,
        cards: Vec<Card>,
        by_key: BTreeMap<String, Card>,
        tags: BTreeSet<String>,
        numbers: Vec<i64>,
        size: (i8, i8),
        stage: Stage,
        note: Option<Box<Card>>,
        any: Value,
        #[state(skip)]
        cache: u8,
    }

    #[derive(Clone, Debug, Default, State)]
    struct Card {
        n: i64,
        #[state(default)]
        text: String,
    }

    #[derive(Clone, Debug, Default, State)]
    enum Stage {
        #[default]
        Open,
        Waiting(Option<u8>),
        Moving {
            steps: Vec<i64>,
        },
    }

    fn card() -> BoxedStrategy<Card> {
        (0_i64..3, "[ab]{0,2}").prop_map(|(n, text)| Card { n, text }).boxed()
    }

    fn stage() -> BoxedStrategy<Stage> {
        prop_oneof![
            Just(Stage::Open),
            prop::option::of(0_u8..3).prop_map(Stage::Waiting),
            prop::collection::vec(0_i64..3, 0..3).prop_map(|steps| Stage::Moving { steps }),
        ]
        .boxed()
    }

    fn board() -> BoxedStrategy<Board> {
        let lists = (prop::collection::vec(card(), 0..3), prop::collection::vec(0_i64..3, 0..4));
        let maps =
            (prop::collection::btree_map("[ab]", card(), 0..3), prop::collection::btree_set("[ab]", 0..3));
        let rest = (stage(), prop::option::of(card().prop_map(Box::new)), small_value());
        ("[ab]{0,3}", lists, maps, rest)
            .prop_map(|(title, (cards, numbers), (by_key, tags), (stage, note, any))| Board {
                title,
                cards,
                by_key,
                tags,
                numbers,
                stage,
                note,
                any,
                ..Board::default()
            })
            .boxed()
    }

    /// Values that fit somewhere in a board; one of them leaves a field to be filled in.
    fn fitting_value() -> BoxedStrategy<Value> {
        prop_oneof![
            (0_i64..3).prop_map(Value::Int),
            Just(Value::Null),
            "[ab]{0,2}".prop_map(Value::from),
            card().prop_map(|card| card.to_value()),
            Just(value!({ "n": 7 })),
            stage().prop_map(|stage| stage.to_value()),
            small_value(),
        ]
        .boxed()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases()))]

        #[test]
        fn all_laws_hold_over_a_derived_type(a in board(), picks in run_of_picks(fitting_value(), 24), at: usize) {
            run(&a, &picks).all_laws(at);
        }
    }

    #[test]
    fn an_edit_of_a_part_that_the_type_filled_in_is_kept_as_it_is() {
        let before = Board { by_key: [("a".to_owned(), Card::default())].into(), ..Board::default() };
        let card = at("/by_key/a");
        let splice = Action::Splice { at: 0, del: 0, ins: Insert::Text("x".into()) };
        let patch = Patch::from(vec![
            Op::new(card.clone(), Action::Replace(value!({ "n": 1 }))),
            Op::new(card.clone(), Action::Replace(value!({ "n": 2 }))),
            Op::new(card.child("text"), splice),
        ]);
        let short = squash(&before, [&patch]).unwrap();
        assert_eq!(short[..], patch[1..]);
        assert_eq!(squash_stateless([&patch]), short);
    }
}

/// A type of which two parts depend on each other.
#[derive(Clone, Debug)]
struct Ordered {
    low: i64,
    high: i64,
}

impl State for Ordered {
    fn diff_from(&self, old: &Self, out: &mut redraft::state::Differ) {
        self.to_value().diff_from(&old.to_value(), out);
    }

    fn apply(
        &mut self,
        path: &[redraft::value::Segment],
        action: &Action,
    ) -> Result<Action, redraft::patch::ApplyErrorKind> {
        let mut shown = self.to_value();
        let undo = shown.apply(path, action)?;
        *self = Self::from_value(shown)?;
        Ok(undo)
    }

    fn same(&self, other: &Self) -> bool {
        self.to_value() == other.to_value()
    }

    fn to_value(&self) -> Value {
        value!({ "high": (self.high), "low": (self.low) })
    }

    fn from_value(value: Value) -> Result<Self, redraft::state::StateError> {
        match (value["low"].as_i64(), value["high"].as_i64()) {
            (Some(low), Some(high)) if low <= high => Ok(Self { low, high }),
            _ => Err(redraft::state::StateError::unfit("low <= high", &value)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn all_laws_hold_over_documents(a in small_value(), picks in run_of_picks(small_value(), 12), at: usize) {
        run(&a, &picks).all_laws(at);
    }

    #[test]
    fn all_laws_hold_over_long_runs_in_one_list(
        a in prop::collection::vec(small_value(), 0..6), picks in run_of_picks(small_value(), 60), at: usize,
    ) {
        run(&Value::from(a), &picks).all_laws(at);
    }

    #[test]
    fn all_laws_hold_over_long_runs_in_one_text(
        a in "[ab\u{e9}]{0,12}", edits in prop::collection::vec((any::<u8>(), 0_usize..4, "[xy\u{fc}]{0,3}"), 0..200),
        at: usize,
    ) {
        let mut text: Vec<char> = a.chars().collect();
        let mut changes = Vec::new();
        for (at, del, ins) in edits {
            let at = at as usize % (text.len() + 1);
            let del = del.min(text.len() - at);
            text.splice(at..at + del, ins.chars());
            let action = Action::Splice { at, del, ins: Insert::Text(ins.into()) };
            changes.push(Patch::from(vec![Op::new(Path::root(), action)]));
        }
        let after = Value::from(text.into_iter().collect::<String>());
        Run { before: Value::from(a), after, changes }.all_laws(at);
    }

    #[test]
    fn squash_without_the_base_holds_on_every_state_the_run_fits(
        a in small_value(), picks in run_of_picks(small_value(), 10), detour in run_of_picks(small_value(), 4),
    ) {
        let run = run(&a, &picks);
        let short = squash_stateless(&run.changes);
        let other = self::run(&a, &detour).after;
        if let Ok(there) = apply(&other, &run.patch()) {
            let end = apply(&other, &short).expect("what was squashed fits").state;
            prop_assert_eq!(end, there.state, "{:?} became {:?}", run.changes, short);
        }
    }

    #[test]
    fn compose_is_associative_to_the_letter(
        a in small_value(), one in run_of_picks(small_value(), 4), two in run_of_picks(small_value(), 4),
        three in run_of_picks(small_value(), 4),
    ) {
        let one = run(&a, &one);
        let two = run(&one.after, &two);
        let three = run(&two.after, &three);
        let (a, b, c) = (one.patch(), two.patch(), three.patch());
        prop_assert_eq!(compose(&compose(&a, &b), &c), compose(&a, &compose(&b, &c)));
        prop_assert_eq!(&compose(&a, &Patch::new()), &a);
        prop_assert_eq!(compose(&Patch::new(), &a), a);
    }

    #[test]
    fn a_run_that_does_not_fit_names_the_operation_in_the_whole_run(
        a in small_value(), picks in run_of_picks(small_value(), 8),
    ) {
        let mut run = run(&a, &picks);
        let nowhere = at("/no/where");
        run.changes.push(Patch::from(vec![Op::new(nowhere.clone(), Action::Remove)]));
        let error = squash(&run.before, &run.changes).expect_err("the last change does not fit");
        prop_assert_eq!((error.op_index, &error.path), (run.changes.len() - 1, &nowhere));
        prop_assert_eq!(invert(&run.before, &run.patch()).expect_err("nor for an inverse").op_index, error.op_index);
    }

    #[test]
    fn anything_at_all_can_be_squashed_without_the_base(
        a in small_value(), b in small_value(), one in run_of_picks(small_value(), 8), two in run_of_picks(small_value(), 8),
    ) {
        // Two runs that do not follow on each other: most of them fit nowhere.
        let (one, two) = (run(&a, &one).patch(), run(&b, &two).patch());
        let short = squash_stateless([&one, &two]);
        prop_assert!(short.len() <= one.len() + two.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases() / 20))]

    // Enough places for what holds them to be cut up and joined again.
    #[test]
    fn squash_keeps_the_effect_of_edits_at_many_places(seed: u64) {
        let mut dice = seed;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as usize % sides
        };
        let base: Value = (0..3000).collect();
        let mut after = base.clone();
        let mut changes = Vec::new();
        for _ in 0..roll(1500) {
            let len = after.as_list().unwrap().len();
            let (at, far) = (roll(len - 1), roll(400) == 0);
            let op = match roll(4) {
                0 => Op::new(Path::root().child(at), Action::Inc(1)),
                1 => Op::new(Path::root().child(at), Action::Replace(7.into())),
                _ => {
                    let del = if far { roll(len / 2) } else { roll(3) };
                    Op::new(Path::root(), items(at, del.min(len - at), 0..roll(3) as i64))
                }
            };
            changes.push(Patch::from(vec![op]));
            after = apply(&after, &changes[changes.len() - 1]).unwrap().state;
        }
        let run = Run { before: base, after, changes };
        run.squash_keeps_the_effect_and_never_grows();
        run.squash_is_idempotent();
    }
}

fn op(path: &str, action: Action) -> Op {
    Op::new(at(path), action)
}

fn items(at: usize, del: usize, ins: impl IntoIterator<Item = i64>) -> Action {
    Action::Splice { at, del, ins: Insert::Items(ins.into_iter().map(Value::from).collect()) }
}

fn text(at: usize, del: usize, ins: &str) -> Action {
    Action::Splice { at, del, ins: Insert::Text(ins.into()) }
}

/// The rules, one line each: what a run on the document becomes, and what it becomes if the document is not known.
#[test]
fn each_rule_says_the_least_there_is_to_say() {
    use Action::{Add, Inc, Remove, Replace};
    let doc = value!({ "n": 1, "m": { "x": 1, "l": [0] }, "l": [0, 1, 2, 3], "t": "abcd", "c": [{ "x": 1 }, { "x": 2 }] });
    let one = || Value::from(1);
    let two = || Value::from(2);
    let both = |run: &[Op], becomes: &[Op]| {
        let patch = Patch::from(run.to_vec());
        assert_eq!(squash(&doc, [&patch]).unwrap()[..], *becomes, "{patch:?}");
        assert_eq!(squash_stateless([&patch])[..], *becomes, "{patch:?}");
    };
    let known = |run: &[Op], becomes: &[Op], unknown: &[Op]| {
        let patch = Patch::from(run.to_vec());
        assert_eq!(squash(&doc, [&patch]).unwrap()[..], *becomes, "{patch:?}");
        assert_eq!(squash_stateless([&patch])[..], *unknown, "{patch:?}");
    };
    both(&[op("/k", Add(one())), op("/k", Replace(two()))], &[op("/k", Add(two()))]);
    both(&[op("/n", Replace(one())), op("/n", Replace(two()))], &[op("/n", Replace(two()))]);
    both(&[op("/n", Replace(one())), op("/n", Remove)], &[op("/n", Remove)]);
    both(&[op("/n", Remove), op("/n", Add(two()))], &[op("/n", Replace(two()))]);
    let came_and_went = [op("/k", Add(one())), op("/k", Remove)];
    known(&came_and_went, &[], &came_and_went);
    let overwritten_and_gone = [op("/n", Add(two())), op("/n", Remove)];
    known(&overwritten_and_gone, &[op("/n", Remove)], &overwritten_and_gone);
    let again = [&came_and_went[..], &[op("/k", Add(two()))]].concat();
    both(&again, &[op("/k", Add(two()))]);

    both(&[op("/n", Inc(1)), op("/n", Inc(2))], &[op("/n", Inc(3))]);
    both(&[op("/n", Inc(1)), op("/n", Inc(-1))], &[]);
    both(&[op("/n", Inc(1)), op("/n", Replace(two()))], &[op("/n", Replace(two()))]);
    both(&[op("/n", Replace(one())), op("/n", Inc(1))], &[op("/n", Replace(two()))]);
    both(&[op("/k", Add(value!({ "x": 1 }))), op("/k/x", Inc(1))], &[op("/k", Add(value!({ "x": 2 })))]);
    both(&[op("/k", Add(value!([1]))), op("/k", items(1, 0, [2]))], &[op("/k", Add(value!([1, 2])))]);
    both(&[op("/m/x", Inc(1)), op("/m/l", items(0, 1, [])), op("/m", Remove)], &[op("/m", Remove)]);
    both(&[op("/m/x", Inc(1)), op("/m", Replace(one()))], &[op("/m", Replace(one()))]);
    both(&[op("/m/x", Inc(1)), op("", Replace(one()))], &[op("", Replace(one()))]);

    both(&[op("/l", items(1, 0, [7])), op("/l", items(2, 0, [8]))], &[op("/l", items(1, 0, [7, 8]))]);
    both(&[op("/l", items(1, 0, [7, 8])), op("/l", items(2, 2, []))], &[op("/l", items(1, 1, [7]))]);
    both(&[op("/l/1", Add(one())), op("/l/1", Remove)], &[]);
    both(&[op("/l/1", Remove), op("/l/1", Remove)], &[op("/l", items(1, 2, []))]);
    both(&[op("/l/1", Add(one())), op("/l/1", Inc(6))], &[op("/l", items(1, 0, [7]))]);
    both(&[op("/l/1", Replace(one())), op("/l/1", Replace(two()))], &[op("/l/1", Replace(two()))]);
    both(
        &[op("/l/3", Inc(1)), op("/l/0", Remove), op("/l/2", Inc(1))],
        &[op("/l", items(0, 1, [])), op("/l/2", Inc(2))],
    );
    both(&[op("/c/1/x", Inc(1)), op("/c", items(0, 2, []))], &[op("/c", items(0, 2, []))]);
    both(
        &[op("/c/1/x", Inc(1)), op("/c/0", Remove), op("/c/0/x", Inc(1))],
        &[op("/c", items(0, 1, [])), op("/c/0/x", Inc(2))],
    );
    both(&[op("/t", text(1, 1, "xy")), op("/t", text(2, 2, ""))], &[op("/t", text(1, 2, "x"))]);
    both(&[op("/t", text(4, 0, "x")), op("/t", text(4, 1, ""))], &[]);
    both(&[op("/t", text(0, 0, ""))], &[]);

    // Nothing to gain: everything stays as it was, its order too.
    let apart = [op("/t", text(4, 0, "x")), op("/l/3", Add(one())), op("/l/0", Remove), op("/n", Inc(1))];
    both(&apart, &apart);
}

#[test]
fn a_sum_beyond_one_operation_takes_as_many_as_it_needs() {
    let patch = Patch::from(vec![
        op("/n", Action::Inc(i64::MAX)),
        op("/n", Action::Inc(i64::MAX)),
        op("/n", Action::Inc(-1)),
    ]);
    let short = squash(&value!({ "n": 0 }), [&patch]).unwrap();
    assert_eq!(short[..], [op("/n", Action::Inc(i64::MAX)), op("/n", Action::Inc(i64::MAX - 1))]);
}

#[test]
fn positions_beyond_all_memory_are_left_alone() {
    let far =
        [op("", items(usize::MAX, 0, [1])), op("", items(1, usize::MAX, [1])), op("/1", Action::Remove)];
    assert_eq!(squash_stateless([&Patch::from(far.to_vec())])[..], far);
}

#[test]
fn a_type_that_refuses_another_order_keeps_the_order() {
    let before = Ordered { low: 1, high: 2 };
    let set = |part: &str, to: i64| op(part, Action::Replace(to.into()));
    let down = Patch::from(vec![set("/low", -1), set("/low", -7), set("/high", -5)]);
    assert_eq!(squash(&before, [&down]).unwrap(), down);
    let up = Patch::from(vec![set("/high", 5), set("/high", 7), set("/low", 6)]);
    assert_eq!(squash(&before, [&up]).unwrap()[..], up[1..]);
}

#[test]
fn ten_thousand_keystrokes_in_a_row_are_one_splice() {
    let keys: Vec<Patch> = (0..10_000).map(|at| Patch::from(vec![op("/t", text(at, 0, "x"))])).collect();
    let short = squash_stateless(&keys);
    assert_eq!(short[..], [op("/t", text(0, 0, &"x".repeat(10_000)))]);
    let taken_back: Vec<Patch> =
        (0..10_000).rev().map(|at| Patch::from(vec![op("/t", text(at, 1, ""))])).collect();
    assert!(squash_stateless(keys.iter().chain(&taken_back)).is_empty());
    assert_eq!(squash_stateless(&taken_back)[..], [op("/t", text(0, 10_000, ""))]);
}

#[test]
fn ten_thousand_edits_all_over_a_list_are_one_operation_for_each_place() {
    let before = Value::from((0..50_000).collect::<List>());
    // Steps of a prime through the list, each twice: no two are near each other, and all come back once.
    let places = (0..10_000).map(|step| step * 7919 % 10_000 * 5);
    let edits: Vec<Patch> = places
        .clone()
        .chain(places)
        .map(|at| Patch::from(vec![Op::new(Path::root().child(at as usize), Action::Inc(1))]))
        .collect();
    let short = squash(&before, &edits).unwrap();
    assert_eq!(short.len(), 10_000);
    assert!(short.iter().all(|op| op.action == Action::Inc(2)));
    let removals: Vec<Patch> =
        (0..10_000).map(|at| Patch::from(vec![op(&format!("/{at}"), Action::Remove)])).collect();
    assert_eq!(squash(&before, &removals).unwrap().len(), 10_000);
}
