//! The laws of typed state, held over a type with every kind of field.
#![cfg(feature = "derive")]
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::common::ops::{aims, is_read_back, operations_agree};
use proptest::prelude::*;
use redraft::patch::{ApplyErrorKind, Patch};
use redraft::state::{MapKey, StateErrorKind};
use redraft::value::Path;
use redraft::{State, Value, apply, diff, value};

#[derive(Clone, Debug, Default, State)]
struct World {
    flag: bool,
    small: u8,
    signed: i64,
    wide: u64,
    huge: u128,
    half: f32,
    full: f64,
    letter: char,
    text: String,
    shared: Arc<str>,
    bytes: Arc<[u8]>,
    maybe: Option<i32>,
    boxed: Option<Box<Point>>,
    arc: Arc<Point>,
    pair: (u8, String),
    three: [i32; 3],
    list: Vec<u8>,
    points: Vec<Point>,
    map: BTreeMap<Id, Point>,
    by_name: HashMap<String, Vec<u8>>,
    set: BTreeSet<Name>,
    hashed: HashSet<i16>,
    mode: Mode,
    #[state(rename = "kind/of")]
    renamed: Meters,
    #[state(atomic)]
    outside: Foreign,
    nothing: (),
    any: Value,
    range: Range,
    #[state(skip)]
    cache: u64,
}

#[derive(Clone, Debug, Default, State)]
struct Point {
    x: i32,
    label: String,
}

#[derive(Clone, Debug, Default, State)]
struct Range(u8, Option<Meters>);

#[derive(Clone, Debug, Default, State)]
struct Meters(f64);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, MapKey)]
struct Id(u64);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, MapKey)]
enum Name {
    First,
    #[state(rename = "2nd")]
    Second,
}

#[derive(Clone, Debug, Default, State)]
enum Mode {
    #[default]
    Idle,
    Waiting(Option<u8>),
    Turning(i8, bool),
    Moving {
        to: String,
        steps: Vec<i64>,
    },
    Nested(Box<Mode>),
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Foreign {
    a: u8,
    b: String,
}

fn point() -> BoxedStrategy<Point> {
    (0_i32..3, "[ab]{0,2}").prop_map(|(x, label)| Point { x, label }).boxed()
}

fn mode() -> BoxedStrategy<Mode> {
    let leaf = prop_oneof![
        Just(Mode::Idle),
        prop::option::of(0_u8..3).prop_map(Mode::Waiting),
        (0_i8..3, any::<bool>()).prop_map(|(by, fast)| Mode::Turning(by, fast)),
        ("[ab]{0,2}", prop::collection::vec(0_i64..3, 0..4))
            .prop_map(|(to, steps)| Mode::Moving { to, steps }),
    ];
    leaf.prop_recursive(3, 3, 1, |inner| inner.prop_map(|mode| Mode::Nested(Box::new(mode)))).boxed()
}

fn float() -> BoxedStrategy<f64> {
    prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), Just(0.1)].boxed()
}

fn scalars() -> BoxedStrategy<World> {
    let numbers = (0_u8..3, -1_i64..2, prop_oneof![Just(0), Just(u64::MAX)], 0_u128..2);
    let floats = (float().prop_map(|wide| wide as f32), float());
    let texts = (any::<bool>(), prop_oneof![Just('a'), Just('\u{e9}')], "[ab]{0,2}", "[ab]{0,2}");
    (numbers, floats, texts, 0_u8..2)
        .prop_map(|(numbers, floats, texts, bytes)| World {
            flag: texts.0,
            small: numbers.0,
            signed: numbers.1,
            wide: numbers.2,
            huge: numbers.3 << 100,
            half: floats.0,
            full: floats.1,
            letter: texts.1,
            text: texts.2,
            shared: texts.3.into(),
            bytes: vec![bytes; 2].into(),
            ..World::default()
        })
        .boxed()
}

fn world() -> BoxedStrategy<World> {
    let options = (prop::option::of(0_i32..2), prop::option::of(point().prop_map(Box::new)), point());
    let fixed = ((0_u8..2, "[ab]?"), [0_i32..2, 0..2, 0..2], (0_u8..2, prop::option::of(float())));
    let lists = (prop::collection::vec(0_u8..3, 0..8), prop::collection::vec(point(), 0..5));
    let maps = (
        prop::collection::btree_map((0_u64..4).prop_map(Id), point(), 0..4),
        prop::collection::hash_map("[abc]", prop::collection::vec(0_u8..3, 0..3), 0..3),
        prop::collection::btree_set(prop_oneof![Just(Name::First), Just(Name::Second)], 0..3),
        prop::collection::hash_set(-2_i16..2, 0..4),
    );
    let rest = (mode(), float(), (0_u8..2, "[ab]?"), 0_i64..2);
    (scalars(), options, fixed, lists, maps, rest)
        .prop_map(
            |(
                scalars,
                (maybe, boxed, arc),
                (pair, three, range),
                (list, points),
                maps,
                (mode, renamed, foreign, any),
            )| World {
                maybe,
                boxed,
                arc: Arc::new(arc),
                pair,
                three,
                list,
                points,
                map: maps.0,
                by_name: maps.1,
                set: maps.2,
                hashed: maps.3,
                mode,
                renamed: Meters(renamed),
                outside: Foreign { a: foreign.0, b: foreign.1 },
                any: value!([any]),
                range: Range(range.0, range.1.map(Meters)),
                ..scalars
            },
        )
        .boxed()
}

/// How many cases each law is held to; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_diff_leads_there_and_back(a in world(), b in world()) {
        let (patch, inverse) = diff(&a, &b).unwrap();
        let there = apply(&a, &patch).unwrap();
        prop_assert!(there.state.same(&b), "{:?}", patch);
        prop_assert!(apply(&b, &inverse).unwrap().state.same(&a), "{:?}", inverse);
        prop_assert!(apply(&there.state, &there.inverse).unwrap().state.same(&a), "{:?}", there.inverse);
        prop_assert_eq!(a.same(&b), patch.is_empty());
        prop_assert_eq!(a.same(&b), a.to_value() == b.to_value());
    }

    #[test]
    fn the_document_goes_the_same_way(a in world(), b in world()) {
        let (patch, inverse) = diff(&a, &b).unwrap();
        let there = apply(&a.to_value(), &patch).unwrap();
        prop_assert_eq!(&there.state, &b.to_value(), "{:?}", patch);
        prop_assert_eq!(apply(&there.state, &inverse).unwrap().state, a.to_value(), "{:?}", inverse);
    }

    #[test]
    fn what_is_shown_is_read_back(a in world()) {
        is_read_back(&a)?;
    }

    #[test]
    fn any_operation_does_to_the_document_what_it_does_to_the_state(a in world(), aims in aims()) {
        operations_agree(a, &aims)?;
    }

    #[test]
    fn what_serde_writes_it_reads(a in 0_u8..9, b in ".{0,3}", pairs in prop::collection::btree_map(any::<i8>(), any::<bool>(), 0..3)) {
        let whole = (Foreign { a, b }, pairs, 'x', Some(1.5_f32), Err::<u8, (u64, String)>((u64::MAX, "e".into())));
        let shown = Value::from_serialize(&whole).unwrap();
        type Whole = (Foreign, BTreeMap<i8, bool>, char, Option<f32>, Result<u8, (u64, String)>);
        prop_assert_eq!(shown.deserialize_into::<Whole>().unwrap(), whole);
    }
}

fn kind(state: &impl State, path: &Path, action: redraft::patch::Action) -> ApplyErrorKind {
    let patch = Patch::from(vec![redraft::patch::Op::new(path.clone(), action)]);
    apply(state, &patch).map(drop).expect_err("must not fit").kind
}

#[test]
fn what_a_type_cannot_be_is_a_typed_error() {
    use redraft::patch::Action::{Add, Inc, Remove, Replace};
    let world = World { small: 200, mode: Mode::Turning(1, true), ..World::default() };
    let at = |name: &str| Path::root().child(name);
    assert_eq!(kind(&world, &at("small"), Remove), ApplyErrorKind::Required);
    assert_eq!(kind(&world, &at("nowhere"), Add(1.into())), ApplyErrorKind::UnknownField);
    assert_eq!(kind(&world, &at("cache"), Replace(1.into())), ApplyErrorKind::UnknownField);
    assert_eq!(kind(&world, &at("mode").child("Moving").child("to"), Remove), ApplyErrorKind::Variant);
    assert_eq!(kind(&world, &at("map").child("x"), Add(1.into())), ApplyErrorKind::BadKey);
    assert_eq!(kind(&world, &at("points").child(0), Remove), ApplyErrorKind::Bounds { index: 0, len: 0 });
    let ApplyErrorKind::Unfit(error) = kind(&world, &at("small"), Inc(100)) else { panic!("another kind") };
    assert_eq!(error.to_string(), "at \"\": expected an integer from 0 to 255, found integer 300");
    let point = value!({ "x": "far", "label": "" });
    let ApplyErrorKind::Unfit(error) = kind(&world, &at("points").child(0), Add(point)) else {
        panic!("another kind")
    };
    assert_eq!(error.path.to_string(), "/x");
}

#[test]
fn reading_says_where_and_why() {
    let mut shown = World::default().to_value();
    shown["points"] = value!([{ "x": 1, "label": "a" }, { "x": 1 }]);
    let error = World::from_value(shown.clone()).unwrap_err();
    assert_eq!(
        (error.path.to_string().as_str(), error.kind),
        ("/points/1/label", StateErrorKind::MissingField)
    );
    shown["points"] = value!([{ "x": 1, "label": "a", "y": 2 }]);
    let error = World::from_value(shown.clone()).unwrap_err();
    assert_eq!((error.path.to_string().as_str(), error.kind), ("/points/0/y", StateErrorKind::UnknownField));
    shown["points"] = value!([]);
    shown["mode"] = value!({ "Nested": { "Waiting": 900 } });
    assert_eq!(World::from_value(shown.clone()).unwrap_err().path.to_string(), "/mode/Nested/Waiting");
    shown["mode"] = "Flying".into();
    let error = World::from_value(shown.clone()).unwrap_err();
    assert_eq!(
        (error.path.to_string().as_str(), error.kind),
        ("/mode/Flying", StateErrorKind::UnknownVariant)
    );
    shown["mode"] = "Idle".into();
    shown["outside"]["b"] = 1.into();
    assert_eq!(World::from_value(shown).unwrap_err().path.to_string(), "/outside/b");
}

#[test]
fn what_is_skipped_stays_under_operations_and_is_not_shown() {
    let world = World { cache: 7, ..World::default() };
    let (patch, _) = diff(&world, &World { flag: true, cache: 8, ..World::default() }).unwrap();
    assert_eq!(patch.len(), 1);
    assert_eq!(apply(&world, &patch).unwrap().state.cache, 7);
    let whole = Patch::from(vec![redraft::patch::Op::new(
        Path::root(),
        redraft::patch::Action::Replace(world.to_value()),
    )]);
    assert_eq!(apply(&world, &whole).unwrap().state.cache, 7);
    assert_eq!(World::from_value(world.to_value()).unwrap().cache, 0);
}

#[test]
fn changes_in_lists_are_told_in_few_words() {
    let old = World { list: (0..100).collect(), ..World::default() };
    let told = |edit: fn(&mut Vec<u8>)| {
        let mut new = old.clone();
        edit(&mut new.list);
        diff(&old, &new)
            .unwrap()
            .0
            .iter()
            .map(|op| format!("{} {}", op.action.name(), op.path))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(|list| list.insert(0, 9)), ["splice /list"]);
    assert_eq!(told(|list| list[7] = 0), ["replace /list/7"]);
    assert_eq!(told(|list| list[7..10].fill(0)), ["splice /list"]);
    assert_eq!(told(|list| drop(list.drain(5..20))), ["splice /list"]);
}

#[derive(Clone, Debug, State)]
struct Tree<T> {
    value: T,
    maybe: Option<T>,
    children: Vec<Tree<T>>,
    #[state(skip)]
    seen: Vec<T>,
}

#[test]
fn generic_and_recursive_types_derive() {
    let leaf = Tree { value: 1_u8, maybe: None, children: vec![], seen: vec![3] };
    let tree = Tree { value: 2, maybe: Some(1), children: vec![leaf], seen: vec![] };
    let mut other = tree.clone();
    other.children[0].value = 9;
    let (patch, _) = diff(&tree, &other).unwrap();
    assert_eq!(patch[0].path.to_string(), "/children/0/value");
    assert_eq!(apply(&tree, &patch).unwrap().state.children[0].seen, [3]);
}

#[test]
fn keys_are_read_back_exactly() {
    fn holds<K: MapKey + PartialEq + std::fmt::Debug>(key: impl Into<Option<K>>) {
        let key: Option<K> = key.into();
        assert_eq!(key.as_ref().and_then(|key| K::from_key(&key.to_key())), key);
    }
    holds(u64::MAX);
    holds(i64::MIN);
    holds(true);
    holds([7_u8; 32]);
    holds('\u{e9}');
    holds("a/b".to_owned());
    holds(Id(3));
    holds(Name::Second);
    assert_eq!(u8::from_key(&300_i64.into()), None);
    assert_eq!(Name::from_key(&"Second".into()), None);
}
