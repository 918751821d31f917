//! Every policy does what it says, and those that promise it do the same in every order.

use crate::common::{dir, env};
use redraft::collections::KeyedList;
use redraft::io::MemoryDisk;
use redraft::merge::{OnDeleted, Outcome, Policy, Rules, Submission};
use redraft::{Options, Patch, Stamp, State, Store, Value, WriterId, diff, draft, value};

fn store(base: &Value, rules: Rules) -> (Store<Value>, u64) {
    let store: Store<Value> =
        Options::new().env(env(&MemoryDisk::new())).segment_bytes(1 << 14).open(dir()).unwrap();
    store.set_rules(rules).unwrap();
    let base = base.clone();
    let version = store.produce(move |doc| *doc = base).unwrap().version();
    (store, version)
}

fn change(old: &Value, new: &Value) -> Patch {
    diff(old, new).unwrap().0
}

fn writer(number: u64) -> WriterId {
    format!("{:x}", number + 1).parse().unwrap()
}

/// What becomes of changes that were all made on `base`, coming in in this order; each was written at its own time.
fn merged(base: &Value, rules: &Rules, theirs: &[(u64, Value)]) -> Value {
    let (store, version) = store(base, rules.clone());
    for (number, new) in theirs {
        let submission = Submission::new(version, change(base, new)).by(writer(*number), 1);
        let written = Stamp::of_ms(1_000 + number);
        store.merge(&submission.written(written)).unwrap();
    }
    Value::clone(&store.state())
}

fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.len() < 2 {
        return vec![items.to_vec()];
    }
    let rest = |at: usize| [&items[..at], &items[at + 1..]].concat();
    let all = (0..items.len()).flat_map(|at| orders(&rest(at)).into_iter().map(move |order| (at, order)));
    all.map(|(at, order)| [vec![items[at].clone()], order].concat()).collect()
}

#[track_caller]
fn always(policy: &Policy, base: &Value, theirs: &[Value], expected: &Value) {
    let rules = Rules::new().with("/x".parse().unwrap(), policy.clone());
    let base = value!({ "x": base });
    let theirs: Vec<(u64, Value)> =
        (0..).zip(theirs).map(|(number, new)| (number, value!({ "x": new.clone() }))).collect();
    for order in orders(&theirs) {
        assert_eq!(merged(&base, &rules, &order), value!({ "x": expected.clone() }), "{policy}: {order:?}");
    }
}

#[test]
fn policies_that_promise_it_come_to_the_same_in_every_order() {
    always(&Policy::Counter, &value!(10), &[value!(11), value!(15), value!(9)], &value!(15));
    always(&Policy::Max, &value!(10), &[value!(11), value!(15), value!(9)], &value!(15));
    always(&Policy::Min, &value!(10), &[value!(11), value!(15), value!(9)], &value!(9));
    always(&Policy::LastWritten, &value!("a"), &[value!("b"), value!("c"), value!("d")], &value!("d"));
    let texts = [value!("one two 3"), value!("1 two three"), value!("one 2 three")];
    always(&Policy::Text, &value!("one two three"), &texts, &value!("1 2 3"));
    let (a, b) = (value!({ "k": 1, "a": 1 }), value!({ "k": 1, "b": 1 }));
    always(&Policy::Deep, &value!({ "k": 1 }), &[a, b], &value!({ "k": 1, "a": 1, "b": 1 }));
}

#[test]
fn maps_added_under_the_same_key_are_merged_if_they_are_to_be() {
    let rules = Rules::new().with("/k".parse().unwrap(), Policy::Deep);
    let theirs = [(0, value!({ "k": { "a": 1 } })), (1, value!({ "k": { "b": 2 } }))];
    assert_eq!(merged(&value!({}), &rules, &theirs), value!({ "k": { "a": 1, "b": 2 } }));
    assert_eq!(merged(&value!({}), &Rules::new(), &theirs), value!({ "k": { "b": 2 } }));
}

#[test]
fn the_first_or_the_last_wins_where_that_is_the_rule() {
    let theirs = [(0, value!({ "x": 1 })), (1, value!({ "x": 2 }))];
    let first = Rules::new().with("".parse().unwrap(), Policy::FirstWins);
    assert_eq!(merged(&value!({ "x": 0 }), &first, &theirs), value!({ "x": 1 }));
    assert_eq!(merged(&value!({ "x": 0 }), &Rules::new(), &theirs), value!({ "x": 2 }));
}

#[test]
fn newer_edits_are_done_again_on_top_of_what_is_older_in_both_orders() {
    let rules = Rules::new().with("".parse().unwrap(), Policy::LastWritten);
    let base = value!({ "card": { "title": "a", "done": false } });
    // The older one exchanges the whole card, the newer one ticks it off.
    let theirs = [
        (0, value!({ "card": ["another", "kind"] })),
        (1, value!({ "card": { "title": "a", "done": true } })),
    ];
    for order in orders(&theirs) {
        assert_eq!(merged(&base, &rules, &order), value!({ "card": ["another", "kind"] }), "it does not fit");
    }
    let (store, version) = store(&base, rules);
    let replaced = Patch::from(vec![redraft::patch::Op::new(
        redraft::value::Path::root().child("card"),
        redraft::patch::Action::Replace(value!({ "title": "b", "done": false })),
    )]);
    let ticked = change(&base, &theirs[1].1);
    let by = |number: u64, patch: &Patch| {
        Submission::new(version, patch.clone()).by(writer(number), 1).written(Stamp::of_ms(1_000 + number))
    };
    store.merge(&by(1, &ticked)).unwrap();
    store.merge(&by(0, &replaced)).unwrap();
    assert_eq!(*store.state(), value!({ "card": { "title": "b", "done": true } }));
}

#[test]
fn who_takes_away_wins_unless_it_is_to_be_restored() {
    let base = value!({ "cards": { 7: { "title": "a", "by": "ann" } } });
    let gone = (0, value!({ "cards": {} }));
    let edited = (1, value!({ "cards": { 7: { "title": "b", "by": "ann" } } }));
    for order in orders(&[gone.clone(), edited.clone()]) {
        assert_eq!(merged(&base, &Rules::new(), &order), gone.1, "{order:?}");
        let restore = Rules::new().on_deleted("/cards".parse().unwrap(), OnDeleted::Restore);
        assert_eq!(merged(&base, &restore, &order), edited.1, "{order:?}");
        let reject = Rules::new().on_deleted("/cards".parse().unwrap(), OnDeleted::Reject);
        assert_eq!(merged(&base, &reject, &order), order[0].1, "the second one is refused");
    }
}

#[test]
fn who_adds_or_who_removes_wins_where_that_is_the_rule() {
    let base = value!({ "tags": { "a": () } });
    let path = redraft::value::Path::root().child("tags").child("a");
    let op = |action| Patch::from(vec![redraft::patch::Op::new(path.clone(), action)]);
    let (adds, removes) = (op(redraft::patch::Action::Add(Value::Null)), op(redraft::patch::Action::Remove));
    for (policy, is_there) in [(Policy::AddWins, true), (Policy::RemoveWins, false)] {
        for order in orders(&[(0, adds.clone()), (1, removes.clone())]) {
            let (store, version) = store(&base, Rules::new().with("/tags".parse().unwrap(), policy.clone()));
            for (number, patch) in order {
                store.merge(&Submission::new(version, patch).by(writer(number), 1)).unwrap();
            }
            assert_eq!(store.state()["tags"].get("a").is_some(), is_there, "{policy}");
        }
    }
}

#[test]
fn a_recipe_is_run_again_where_it_is_known_and_given_back_where_not() {
    let rules = Rules::new().with("/x".parse().unwrap(), Policy::Rebase);
    let base = value!({ "x": 10 });
    let (store, version) = store(&base, rules);
    store.recipe("double", |doc: &mut Value, _: &Value| {
        let x = doc["x"].as_i64().ok_or("no number")?;
        doc["x"] = (2 * x).into();
        Ok::<(), &'static str>(())
    });
    store.produce(|doc| doc["x"] = 7.into()).unwrap();
    let doubled = || Submission::new(version, change(&base, &value!({ "x": 20 })));
    let given_back = store.merge(&doubled().by(writer(1), 1)).unwrap();
    assert!(matches!(given_back.outcome, Outcome::Rejected { why: redraft::merge::Refusal::Rerun, .. }));
    store.merge(&doubled().by(writer(1), 2).call("double", ())).unwrap();
    assert_eq!(*store.state(), value!({ "x": 14 }));
}

/// A type that says itself what is to be done, through all that it is made of.
#[derive(Clone, Debug, Default, State)]
struct Board {
    #[merge(first_wins)]
    title: String,
    #[merge(on_deleted = "restore")]
    cards: KeyedList<u64, Card>,
    under: Option<Box<Board>>,
}

#[derive(Clone, Debug, State)]
struct Card {
    #[merge(counter)]
    votes: i64,
    stage: Stage,
}

#[derive(Clone, Debug, State)]
enum Stage {
    Open,
    Done {
        #[merge(custom = "later", version = 3)]
        when: u64,
    },
}

#[test]
fn a_type_says_what_is_to_be_done_with_its_parts() {
    let said = Rules::of::<Board>().to_string();
    let lines: Vec<&str> = said.lines().collect();
    let expected = [
        "/cards on-deleted=restore",
        "/title first-wins",
        "/cards/items/*/votes counter",
        "/cards/items/*/stage/Done/when custom:later:3",
    ];
    assert_eq!(lines, expected, "a type that holds itself is asked once");
}

#[test]
fn a_typed_store_merges_by_what_its_type_says() {
    let store: Store<Board> =
        Options::new().env(env(&MemoryDisk::new())).segment_bytes(1 << 14).open(dir()).unwrap();
    store.set_rules(Rules::of::<Board>()).unwrap();
    let card = Card { votes: 1, stage: Stage::Open };
    let base = store
        .produce(move |board| {
            board.cards.push(7, card);
        })
        .unwrap();
    let voted = draft(&**base.state(), |board| board.cards.get_mut(&7).unwrap().votes += 2).unwrap();
    store.produce(|board| board.cards.get_mut(&7).unwrap().votes += 5).unwrap();
    let receipt = store.merge(&Submission::new(base.version(), voted.patch).by(writer(1), 1)).unwrap();
    assert_eq!((store.state().cards.get(&7).unwrap().votes, receipt.outcome), (8, Outcome::Partial));
}

/// An element that is put back stands where it stood: behind those before it that are still there.
#[test]
fn an_element_of_a_keyed_list_that_is_restored_has_its_place_again() {
    let cards = |keys: &[u64]| {
        let card = |&key: &u64| (key, Card { votes: 0, stage: Stage::Open });
        Board { cards: keys.iter().map(card).collect(), ..Board::default() }
    };
    let voted = |keys: &[u64]| {
        let mut board = cards(&[4, 7, 2, 9]);
        keys.iter().for_each(|key| board.cards.get_mut(key).unwrap().votes += 1);
        board
    };
    let cases: [(&[u64], &[u64], &[u64]); 6] = [
        (&[4, 2, 9], &[7], &[4, 7, 2, 9]),
        (&[7, 2, 9], &[4], &[4, 7, 2, 9]),
        (&[9, 2, 5], &[7], &[7, 9, 2, 5]),
        (&[9, 4, 5], &[2, 7], &[9, 4, 7, 2, 5]),
        (&[], &[2, 9], &[2, 9]),
        (&[9, 7, 4, 2], &[2, 9], &[9, 7, 4, 2]),
    ];
    for (left, votes, expected) in cases {
        let base = cards(&[4, 7, 2, 9]);
        let options = Options::new().env(env(&MemoryDisk::new())).segment_bytes(1 << 14);
        let store: Store<Board> = options.open(dir()).unwrap();
        store.set_rules(Rules::of::<Board>()).unwrap();
        let version = store.produce(|board| *board = base.clone()).unwrap().version();
        store.produce(|board| *board = cards(left)).unwrap();
        let (patch, _) = redraft::diff(&base, &voted(votes)).unwrap();
        store.merge(&Submission::new(version, patch).by(writer(1), 1)).unwrap();
        let state = store.state();
        let keys: Vec<u64> = state.cards.keys().copied().collect();
        assert_eq!(keys, expected, "{left:?} were left, {votes:?} were voted for");
        for (key, card) in state.cards.iter() {
            assert_eq!(card.votes, i64::from(votes.contains(key)), "card {key}");
        }
    }
}

/// What looks alike and is something else is not touched.
#[test]
fn a_map_with_an_order_of_its_own_is_no_keyed_list() {
    let base = value!({ "items": { "a": { "n": 1 } }, "order": ["b"] });
    let theirs = [
        (0, value!({ "items": {}, "order": ["b"] })),
        (1, value!({ "items": { "a": { "n": 2 } }, "order": ["b"] })),
    ];
    let restore = Rules::new().on_deleted("/items".parse().unwrap(), OnDeleted::Restore);
    assert_eq!(merged(&base, &restore, &theirs), theirs[1].1);
}

/// The rules may come first, from a program that does not know the type.
#[test]
fn rules_set_before_the_first_change_are_no_hindrance_to_any_type() {
    let disk = MemoryDisk::new();
    let options = Options::new().env(env(&disk)).segment_bytes(1 << 14);
    let untyped: Store<Value> = options.open(dir()).unwrap();
    untyped.set_rules(Rules::of::<Board>()).unwrap();
    untyped.close().unwrap();
    let typed: Store<Board> = options.open(dir()).unwrap();
    typed.produce(|board| board.title = "plan".into()).unwrap();
    typed.close().unwrap();
    let typed: Store<Board> = options.open(dir()).unwrap();
    assert_eq!((typed.state().title.as_str(), typed.at(1).unwrap().title.as_str()), ("plan", ""));
    typed.close().unwrap();
    let untyped: Store<Value> = options.open(dir()).unwrap();
    assert_eq!(untyped.state()["title"].as_str(), Some("plan"));
}

#[test]
fn what_comes_in_last_is_there_also_if_somebody_had_written_the_same_before() {
    let base = value!({ "x": 0 });
    let (five, six) = (|by| (by, value!({ "x": 5 })), (1, value!({ "x": 6 })));
    assert_eq!(merged(&base, &Rules::new(), &[five(0), six, five(2)]), five(0).1);
    // What both begin alike is theirs together.
    let (store, version) = store(&value!({}), Rules::new());
    for (number, key) in [(0, "a"), (1, "b")] {
        let begun = value!({ "map": {} });
        let first = Submission::new(version, change(&value!({}), &begun)).by(writer(number), 1);
        let mut filled = begun.clone();
        filled["map"][key] = 1.into();
        let second = Submission::new(version, change(&begun, &filled)).by(writer(number), 2);
        store.merge_all([&first, &second]).unwrap();
    }
    assert_eq!(*store.state(), value!({ "map": { "a": 1, "b": 1 } }));
}
