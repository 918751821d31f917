//! The laws of changes made at the same time: whichever comes first, both ways end in the same state.

use crate::common::documents::{Picks, fitting_op, run_of_picks, small_value};
use proptest::prelude::*;
use redraft::patch::{
    Action, DropReason, Dropped, Insert, Op, Patch, Side, Transformed, compose, transform, transform_both,
};
use redraft::value::{Key, Path, Segment};
use redraft::{State, Value, apply, value};

/// How many cases each law is held to; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1000)
}

fn after<S: State>(state: &S, patch: &Patch) -> S {
    apply(state, patch).unwrap_or_else(|error| panic!("{patch:?}: {error}")).state
}

/// Goes both ways, which must end alike; returns the end and what was left of both sides.
#[track_caller]
fn both_ways<S: State>(base: &S, earlier: &Patch, later: &Patch) -> (S, Transformed, Transformed) {
    let (one, other) = transform_both(earlier, later);
    assert_eq!(transform(earlier, later, Side::Earlier), one);
    assert_eq!(transform(later, earlier, Side::Later), other);
    let end = after(&after(base, earlier), &other.patch);
    let other_end = after(&after(base, later), &one.patch);
    assert!(
        end.same(&other_end),
        "{earlier:?} then {:?}, and {later:?} then {:?}: {:?} and {:?}",
        other.patch,
        one.patch,
        end.to_value(),
        other_end.to_value()
    );
    (end, one, other)
}

/// All operations of a small alphabet that fit a document.
fn all_ops(doc: &Value) -> Vec<Op> {
    let mut ops = Vec::new();
    collect(doc, &Path::root(), &mut ops);
    ops.retain(|op| apply(doc, &vec![op.clone()].into()).is_ok());
    ops
}

fn collect(here: &Value, path: &Path, ops: &mut Vec<Op>) {
    let mut tell = |path: Path, action| ops.push(Op::new(path, action));
    let values = || [Value::from(7), value!({ "a": 1 })];
    values().into_iter().for_each(|new| tell(path.clone(), Action::Replace(new)));
    tell(path.clone(), Action::Remove);
    tell(path.clone(), Action::Inc(3));
    match here {
        Value::Str(text) => {
            let texts = ["", "x", "yz"].map(|text| Insert::Text(text.into()));
            splices(text.chars().count(), &texts).for_each(|splice| tell(path.clone(), splice));
        }
        Value::List(list) => {
            let items = [vec![], vec![8.into()], vec![9.into(), "q".into()]].map(Insert::Items);
            splices(list.len(), &items).for_each(|splice| tell(path.clone(), splice));
            (0..=list.len()).for_each(|at| tell(path.child(at), Action::Add(5.into())));
            list.iter().enumerate().for_each(|(at, item)| collect(item, &path.child(at), ops));
        }
        Value::Map(map) => {
            for key in ["a", "b"].map(Key::from) {
                values().into_iter().for_each(|new| tell(path.child(&key), Action::Add(new)));
            }
            map.iter().for_each(|(key, value)| collect(value, &path.child(key), ops));
        }
        _ => {}
    }
}

fn splices(len: usize, ins: &[Insert]) -> impl Iterator<Item = Action> {
    let stretches = (0..=len).flat_map(move |at| (0..=len - at).map(move |del| (at, del)));
    stretches.flat_map(|(at, del)| ins.iter().map(move |ins| Action::Splice { at, del, ins: ins.clone() }))
}

#[test]
fn every_pair_of_operations_on_small_documents_ends_alike() {
    let documents = [
        value!([1, 2, 3]),
        value!(["ab", { "a": 1 }]),
        value!([[1, 2], []]),
        value!({ "a": 1, "b": "xyz" }),
        value!({ "a": { "b": 1 } }),
        value!({ "a": [1, { "b": 2 }] }),
        value!([[[1]]]),
        value!("abc"),
        value!(5),
    ];
    for doc in documents {
        let ops = all_ops(&doc);
        for (a, b) in ops.iter().flat_map(|a| ops.iter().map(move |b| (a, b))) {
            both_ways(&doc, &vec![a.clone()].into(), &vec![b.clone()].into());
        }
    }
}

/// A patch of what is picked, as far as the type takes it.
fn patch<S: State>(base: &S, picks: &[Picks]) -> Patch {
    let mut state = base.clone();
    let mut patch = Patch::new();
    for pick in picks {
        let op = fitting_op(&state.to_value(), pick);
        if let Ok(applied) = apply(&state, &vec![op.clone()].into()) {
            state = applied.state;
            patch.push(op);
        }
    }
    patch
}

/// Items with a number of their own, so that one can see which of them are left.
fn edits() -> BoxedStrategy<Vec<(u8, u8, u8)>> {
    prop::collection::vec((any::<u8>(), 0_u8..3, 0_u8..3), 0..12).boxed()
}

/// Splices of a list, each item of them with a number of its own from `first` on; returns what is left of those.
fn list_edits(mut len: usize, edits: &[(u8, u8, u8)], mut first: i64) -> Patch {
    let mut patch = Patch::new();
    for (at, del, ins) in edits {
        let at = *at as usize % (len + 1);
        let del = (*del as usize).min(len - at);
        let ins: Vec<Value> = (first..).take(*ins as usize).map(Value::from).collect();
        first += ins.len() as i64;
        len = len - del + ins.len();
        patch.push(Op::new(Path::root(), Action::Splice { at, del, ins: Insert::Items(ins) }));
    }
    patch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn patches_on_documents_end_alike(
        base in small_value(), a in run_of_picks(small_value(), 8), b in run_of_picks(small_value(), 8),
    ) {
        both_ways(&base, &patch(&base, &a), &patch(&base, &b));
    }

    #[test]
    fn patches_on_one_list_end_alike(
        base in prop::collection::vec(small_value(), 0..5), a in run_of_picks(small_value(), 12),
        b in run_of_picks(small_value(), 12),
    ) {
        let base = Value::from(base);
        both_ways(&base, &patch(&base, &a), &patch(&base, &b));
    }

    #[test]
    fn edits_of_one_list_lose_nothing_that_was_inserted(len in 0_usize..6, a in edits(), b in edits()) {
        let base: Value = (0..len as i64).collect();
        let (a, b) = (list_edits(len, &a, 1000), list_edits(len, &b, 2000));
        let (end, one, other) = both_ways(&base, &a, &b);
        let left = |state: &Value, from: i64| -> Vec<Value> {
            let own = |item: &&Value| item.as_i64().is_some_and(|item| (from..from + 1000).contains(&item));
            state.as_list().unwrap().iter().filter(own).cloned().collect()
        };
        prop_assert_eq!(left(&end, 1000), left(&after(&base, &a), 1000));
        prop_assert_eq!(left(&end, 2000), left(&after(&base, &b), 2000));
        // And what either side removed is gone.
        let kept = |patch: &Patch| left(&after(&base, patch), 0);
        let both: Vec<Value> = kept(&a).into_iter().filter(|item| kept(&b).contains(item)).collect();
        prop_assert_eq!(left(&end, 0), both);
        prop_assert!(one.dropped.iter().chain(&other.dropped).all(|drop| drop.reason == DropReason::Done));
    }

    #[test]
    fn patches_transform_in_one_go_as_in_parts(
        base in small_value(), a in run_of_picks(small_value(), 6), b in run_of_picks(small_value(), 6),
        c in run_of_picks(small_value(), 6),
    ) {
        let (incoming, first) = (patch(&base, &a), patch(&base, &b));
        // Between two parts nobody remembers what stood behind something that the first one took away.
        let is_element = |op: &Op| matches!(op.path.last(), Some(Segment::Index(_)));
        let takes = |op: &Op| match &op.action {
            Action::Splice { del, .. } => *del > 0,
            Action::Remove => is_element(op),
            _ => false,
        };
        prop_assume!(!first.iter().any(takes));
        let second = patch(&after(&base, &first), &c);
        let step = transform(&incoming, &first, Side::Later);
        let parts = transform(&step.patch, &second, Side::Later);
        let whole = transform(&incoming, &compose(&first, &second), Side::Later);
        prop_assert_eq!(whole.patch, parts.patch);
    }

    #[test]
    fn what_is_dropped_is_said_and_nothing_else(
        base in small_value(), a in run_of_picks(small_value(), 6), b in run_of_picks(small_value(), 6),
    ) {
        let (earlier, later) = (patch(&base, &a), patch(&base, &b));
        let (_, one, other) = both_ways(&base, &earlier, &later);
        for (made, left, against) in [(&earlier, &one, &later), (&later, &other, &earlier)] {
            let mut indexes: Vec<usize> = left.dropped.iter().map(|drop| drop.op_index).collect();
            prop_assert!(left.dropped.iter().all(|drop| drop.op_index < made.len() && drop.because_of < against.len()));
            indexes.sort_unstable();
            indexes.dedup();
            prop_assert_eq!(indexes.len(), left.dropped.len(), "an operation is dropped once");
            prop_assert!(left.patch.len() + left.dropped.len() >= made.len(), "{:?}", left);
        }
    }

    #[test]
    fn patches_at_different_places_stay_as_they_are(
        a in small_value(), b in small_value(), one in run_of_picks(small_value(), 6), two in run_of_picks(small_value(), 6),
    ) {
        let beneath = |name: &str, patch: &Patch| -> Patch {
            patch.iter().map(|op| Op::new(Path::root().child(name).join(&op.path), op.action.clone())).collect()
        };
        let (one, two) = (beneath("one", &patch(&a, &one)), beneath("two", &patch(&b, &two)));
        let base = value!({ "one": (a), "two": (b) });
        let (_, left, right) = both_ways(&base, &one, &two);
        prop_assert_eq!((left.patch, right.patch), (one, two));
        prop_assert!(left.dropped.is_empty() && right.dropped.is_empty());
    }

    #[test]
    fn nothing_on_the_other_side_changes_nothing(base in small_value(), a in run_of_picks(small_value(), 6)) {
        let patch = patch(&base, &a);
        for side in [Side::Earlier, Side::Later] {
            let same = Transformed { patch: patch.clone(), dropped: vec![] };
            prop_assert_eq!(&transform(&patch, &Patch::new(), side), &same);
            prop_assert!(transform(&Patch::new(), &patch, side).patch.is_empty());
        }
    }
}

#[cfg(feature = "derive")]
mod typed {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, Default, State)]
    struct Board {
        title: String,
        hits: i64,
        cards: Vec<Card>,
        by_key: BTreeMap<String, Card>,
        stage: Option<String>,
    }

    #[derive(Clone, Debug, Default, State)]
    struct Card {
        n: i64,
        text: String,
    }

    fn card() -> BoxedStrategy<Card> {
        (0_i64..3, "[ab]{0,2}").prop_map(|(n, text)| Card { n, text }).boxed()
    }

    fn board() -> BoxedStrategy<Board> {
        let cards = (prop::collection::vec(card(), 0..4), prop::collection::btree_map("[ab]", card(), 0..3));
        ("[ab]{0,3}", cards, prop::option::of("[ab]"))
            .prop_map(|(title, (cards, by_key), stage)| Board { title, hits: 0, cards, by_key, stage })
            .boxed()
    }

    fn fitting_value() -> BoxedStrategy<Value> {
        prop_oneof![
            (0_i64..3).prop_map(Value::Int),
            Just(Value::Null),
            "[ab]{0,2}".prop_map(Value::from),
            card().prop_map(|card| card.to_value()),
        ]
        .boxed()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases()))]

        #[test]
        fn patches_on_a_derived_type_end_alike(
            base in board(), a in run_of_picks(fitting_value(), 12), b in run_of_picks(fitting_value(), 12),
        ) {
            both_ways(&base, &patch(&base, &a), &patch(&base, &b));
        }
    }
}

fn at(path: &str) -> Path {
    path.split('/')
        .skip(1)
        .map(|token| token.parse::<usize>().map_or_else(|_| Segment::from(token), Segment::from))
        .collect()
}

fn op(path: &str, action: Action) -> Op {
    Op::new(at(path), action)
}

fn items(at: usize, del: usize, ins: &[i64]) -> Action {
    Action::Splice { at, del, ins: Insert::Items(ins.iter().copied().map(Value::from).collect()) }
}

/// The rules, one line each, which makes a long function and a table that can be read: what is left of the first patch after the second, as the earlier and as the later side.
#[test]
fn each_rule_holds_on_both_sides() {
    use Action::{Add, Inc, Remove, Replace};
    use DropReason::{Done, Gone, Overwritten};
    let base = value!({ "l": [0, 1, 2, { "x": 1 }], "n": 1, "m": { "x": 1 } });
    let left = |incoming: Op, logged: Op, side| {
        let (incoming, logged) = (Patch::from(vec![incoming]), Patch::from(vec![logged]));
        both_ways(&base, &incoming, &logged);
        let mut left = transform(&incoming, &logged, side);
        (left.patch.clone().into_ops(), left.dropped.pop().map(|drop| drop.reason))
    };
    let on_both = |incoming: Op, logged: Op, ops: &[Op], lost| {
        for side in [Side::Earlier, Side::Later] {
            assert_eq!(
                left(incoming.clone(), logged.clone(), side),
                (ops.to_vec(), lost),
                "{incoming:?} {logged:?}"
            );
        }
    };
    let on_sides = |incoming: Op, logged: Op, earlier: (&[Op], _), later: (&[Op], _)| {
        assert_eq!(left(incoming.clone(), logged.clone(), Side::Earlier), (earlier.0.to_vec(), earlier.1));
        assert_eq!(left(incoming, logged, Side::Later), (later.0.to_vec(), later.1));
    };
    let one = || Value::from(1);
    let two = || Value::from(2);
    // Positions move.
    on_both(op("/l/3/x", Inc(1)), op("/l", items(1, 1, &[7, 8])), &[op("/l/4/x", Inc(1))], None);
    on_both(op("/l/2", Replace(one())), op("/l/0", Remove), &[op("/l/1", Replace(one()))], None);
    on_both(op("/l/3", Remove), op("/l/0", Add(one())), &[op("/l/4", Remove)], None);
    on_both(op("/l/0", Remove), op("/l/3", Add(one())), &[op("/l/0", Remove)], None);
    // Insertions at one place stand in the order of the sides.
    let insert = |at, mark: i64| op("/l", items(at, 0, &[mark]));
    on_sides(insert(1, 7), insert(1, 8), (&[insert(1, 7)], None), (&[insert(2, 7)], None));
    on_sides(
        op("/l/1", Add(one())),
        insert(1, 8),
        (&[op("/l/1", Add(one()))], None),
        (&[op("/l/2", Add(one()))], None),
    );
    // What both delete is deleted once, and not what came in between.
    on_both(op("/l", items(0, 3, &[])), op("/l", items(1, 3, &[])), &[op("/l", items(0, 1, &[]))], None);
    on_both(op("/l/1", Remove), op("/l", items(0, 2, &[])), &[], Some(Done));
    let around = [op("/l", items(0, 1, &[9])), op("/l", items(2, 2, &[]))];
    on_both(op("/l", items(0, 3, &[9])), insert(1, 8), &around, None);
    // Nothing is left to do beneath what went.
    on_both(op("/l/3/x", Inc(1)), op("/l/3", Remove), &[], Some(Gone));
    on_both(op("/l/2", Replace(one())), op("/l", items(1, 2, &[5, 6])), &[], Some(Gone));
    on_both(op("/m/x", Replace(two())), op("/m", Remove), &[], Some(Gone));
    on_both(op("/m/x", Replace(two())), op("/m", Replace(one())), &[], Some(Gone));
    on_both(op("/l", items(0, 0, &[1])), op("/l", Replace(one())), &[], Some(Overwritten));
    on_both(op("/m", Remove), op("/m/x", Replace(two())), &[op("/m", Remove)], None);
    // Who writes to the same place later wins.
    let set = |to| op("/n", Replace(to));
    on_sides(set(one()), set(two()), (&[], Some(Overwritten)), (&[set(one())], None));
    on_sides(
        op("/k", Add(one())),
        op("/k", Add(two())),
        (&[], Some(Overwritten)),
        (&[op("/k", Add(one()))], None),
    );
    on_sides(set(two()), op("/n", Remove), (&[], Some(Overwritten)), (&[op("/n", Add(two()))], None));
    on_sides(op("/n", Remove), set(two()), (&[], Some(Overwritten)), (&[op("/n", Remove)], None));
    on_both(set(two()), set(two()), &[], Some(Done));
    on_both(op("/n", Remove), op("/n", Remove), &[], Some(Done));
    // Sums add up, and go on from what was written before.
    on_both(op("/n", Inc(2)), op("/n", Inc(3)), &[op("/n", Inc(2))], None);
    on_sides(op("/n", Inc(2)), set(7.into()), (&[], Some(Overwritten)), (&[op("/n", Inc(2))], None));
    on_sides(set(7.into()), op("/n", Inc(2)), (&[set(9.into())], None), (&[set(7.into())], None));
    on_sides(op("/n", Inc(2)), set("x".into()), (&[], Some(Overwritten)), (&[], Some(Overwritten)));
    on_both(op("/n", Inc(2)), op("", Replace(one())), &[], Some(Gone));
}

fn typed(at: usize, del: usize, ins: &str) -> Op {
    Op::new(Path::root(), Action::Splice { at, del, ins: Insert::Text(ins.into()) })
}

#[test]
fn what_was_typed_behind_something_stays_behind_what_came_in_its_place() {
    // The one types behind "b"; the other takes "b" away, and then types where it was.
    let behind = || Patch::from(vec![typed(2, 0, "y")]);
    let instead = || Patch::from(vec![typed(1, 1, ""), typed(1, 0, "x")]);
    let (end, ..) = both_ways(&value!("abc"), &behind(), &instead());
    assert_eq!(end, value!("axyc"));
    let (end, ..) = both_ways(&value!("abc"), &instead(), &behind());
    assert_eq!(end, value!("axyc"));
}

#[test]
fn one_splice_and_two_on_three_letters_end_alike_whichever_come_first() {
    let all = |len: usize, ins: &[&str]| -> Vec<Op> {
        let stretches = (0..=len).flat_map(|at| (0..=len - at).map(move |del| (at, del)));
        stretches.flat_map(|(at, del)| ins.iter().map(move |ins| typed(at, del, ins))).collect()
    };
    let base = value!("abc");
    for one in all(3, &["", "y"]) {
        for first in all(3, &["", "x"]) {
            let first = Patch::from(vec![first]);
            let len = after(&base, &first).as_str().map_or(0, str::len);
            for second in all(len, &["", "z"]) {
                let (one, two) = (Patch::from(vec![one.clone()]), compose(&first, &vec![second].into()));
                both_ways(&base, &one, &two);
                both_ways(&base, &two, &one);
            }
        }
    }
}

#[test]
fn a_later_operation_of_a_patch_stands_on_what_is_left_of_the_first() {
    let base = value!({ "cards": [] });
    let card = |text: &str| value!({ "text": (text), "n": 0 });
    let mine = Patch::from(vec![
        op("/cards/0", Action::Add(card("mine"))),
        op("/cards/0/n", Action::Inc(1)),
        op("/cards/0/text", Action::Replace("mine, edited".into())),
    ]);
    let theirs =
        Patch::from(vec![op("/cards/0", Action::Add(card("theirs"))), op("/cards/0/n", Action::Inc(5))]);
    let (end, ..) = both_ways(&base, &theirs, &mine);
    let expected = value!([{ "text": "theirs", "n": 5 }, { "text": "mine, edited", "n": 1 }]);
    assert_eq!(end["cards"], expected);
}

#[test]
fn edits_of_an_entry_that_lost_are_dropped_with_it() {
    let base = value!({});
    let mine = Patch::from(vec![op("/k", Action::Add(value!({ "x": 1 }))), op("/k/x", Action::Inc(1))]);
    let theirs =
        Patch::from(vec![op("/other", Action::Add(1.into())), op("/k", Action::Add(value!({ "y": 1 })))]);
    let (end, lost, _) = both_ways(&base, &mine, &theirs);
    assert_eq!(end["k"], value!({ "y": 1 }));
    assert_eq!(
        lost.dropped,
        [
            Dropped { op_index: 0, reason: DropReason::Overwritten, because_of: 1 },
            Dropped { op_index: 1, reason: DropReason::Gone, because_of: 1 },
        ]
    );
}

#[test]
fn positions_beyond_all_memory_do_no_harm() {
    let far = [(usize::MAX, usize::MAX), (usize::MAX, 0), (0, usize::MAX), (1, 1)];
    for (one, other) in far.iter().flat_map(|one| far.iter().map(move |other| (one, other))) {
        let patch = |(at, del): &(usize, usize)| Patch::from(vec![op("", items(*at, *del, &[1, 2]))]);
        let (left, right) = transform_both(&patch(one), &patch(other));
        assert!(left.patch.len() <= 2 && right.patch.len() <= 2);
    }
}
