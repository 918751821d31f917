//! Records come back as they were written, one change has one encoding, and no bytes do harm.

use super::*;
use crate::op::{Action, Insert, Op};
use crate::value::{DEPTH_MAX, Key, List, Map, Path, Segment, Value};
use proptest::prelude::*;
use std::sync::Arc;

fn key() -> BoxedStrategy<Key> {
    prop_oneof![
        "[ab]{0,2}".prop_map(Key::from),
        any::<i64>().prop_map(Key::from),
        any::<u64>().prop_map(Key::from),
        any::<bool>().prop_map(Key::from),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Key::Bytes(Arc::from(bytes))),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::Float),
        "[abc ]{0,6}".prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytes(Arc::from(bytes))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| Value::List(List::from_iter(items))),
            proptest::collection::vec((key(), inner), 0..4)
                .prop_map(|entries| Value::Map(Map::from_iter(entries))),
        ]
    })
    .boxed()
}

fn op() -> BoxedStrategy<Op> {
    let segment = prop_oneof![key().prop_map(Segment::Key), (0..300usize).prop_map(Segment::Index)];
    let insert = prop_oneof![
        proptest::collection::vec(value(), 0..3).prop_map(Insert::Items),
        "[ab]{0,3}".prop_map(|text| Insert::Text(text.into())),
    ];
    let action = prop_oneof![
        value().prop_map(Action::Add),
        value().prop_map(Action::Replace),
        Just(Action::Remove),
        any::<i64>().prop_map(Action::Inc),
        (any::<usize>(), 0..300usize, insert).prop_map(|(at, del, ins)| Action::Splice { at, del, ins }),
    ];
    (proptest::collection::vec(segment, 0..4), action)
        .prop_map(|(path, action)| Op { path: Path::from(path), action })
        .boxed()
}

fn change() -> BoxedStrategy<Change> {
    let meta = (
        proptest::option::of("[a-z]{0,5}"),
        proptest::option::of(any::<i64>()),
        proptest::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3),
    )
        .prop_map(|(label, at_ms, tags)| Meta { label, at_ms, tags });
    let writer = prop_oneof![Just(HOME.0), any::<u64>()];
    let sequence = proptest::option::of(any::<u64>());
    let schema = proptest::option::of(2..=u32::MAX);
    let who = (writer, sequence, any::<u64>(), proptest::option::of(any::<u64>()), schema);
    (1..u64::MAX, any::<u64>(), who, meta, proptest::collection::vec(op(), 0..5))
        .prop_map(|(version, base, (writer, sequence, stamp, undoes, schema), meta, ops)| Change {
            version,
            base: base % version,
            writer: WriterId(writer),
            sequence: sequence.unwrap_or(version),
            stamp: Stamp(stamp),
            meta,
            undoes,
            schema,
            patch: ops.into_iter().collect(),
        })
        .boxed()
}

fn encoded(change: &Change) -> Vec<u8> {
    let mut out = Vec::new();
    change.encode(HOME, &mut out);
    out
}

/// The writer of half of the changes here.
const HOME: WriterId = WriterId(7);

proptest! {
    #[test]
    fn a_change_comes_back_as_it_was_written(change in change()) {
        prop_assert_eq!(Change::decode(HOME, change.offset(), &encoded(&change)), Ok(change));
    }

    #[test]
    fn whatever_can_be_decoded_is_the_one_encoding_of_that_change(change in change(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = encoded(&change);
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(other) = Change::decode(HOME, change.offset(), &bytes) {
            prop_assert_eq!(encoded(&other), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_canonical(bytes in proptest::collection::vec(prop_oneof![0u8..12, any::<u8>()], 0..200)) {
        if let Ok(change) = Change::decode(HOME, u64::MAX - 1, &bytes) {
            prop_assert_eq!(encoded(&change), bytes);
        }
    }

    /// The frame tells how long a body is; cut between two ops it is a shorter change, elsewhere nothing.
    #[test]
    fn a_body_cut_short_is_refused_or_has_the_first_ops(change in change(), at in any::<prop::sample::Index>()) {
        let bytes = encoded(&change);
        let cut = &bytes[..at.index(bytes.len())];
        if let Ok(shorter) = Change::decode(HOME, change.offset(), cut) {
            prop_assert!(shorter.patch.len() < change.patch.len());
            prop_assert_eq!(&shorter.patch[..], &change.patch[..shorter.patch.len()]);
            prop_assert_eq!(shorter.meta, change.meta);
        }
    }
}

fn patch_only(patch: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 9];
    out.extend(patch);
    out
}

fn reason(patch: &[u8]) -> &'static str {
    Change::decode(HOME, 0, &patch_only(patch)).map(|_| "nothing").unwrap_or_else(|flaw| flaw.reason)
}

#[test]
fn a_value_nested_beyond_the_limit_is_refused_without_using_up_the_stack() {
    // At the root, add, then lists of one list each.
    let mut nested = vec![0, 0];
    nested.extend([8, 1].repeat(100_000));
    nested.push(0);
    assert_eq!(reason(&nested), "a value is nested too deep");
}

#[test]
fn a_count_larger_than_what_follows_is_refused_before_anything_is_allocated() {
    let huge = [253, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let too_large = "a count is larger than the bytes that follow";
    assert_eq!(reason(&huge), too_large);
    for kind in [6u8, 7, 8, 9] {
        let mut bytes = vec![0, 0, kind];
        bytes.extend(huge);
        assert_eq!(reason(&bytes), too_large, "kind {kind}");
    }
}

#[test]
fn what_an_encoder_would_not_write_is_refused() {
    assert_eq!(reason(&[0, 0, 4, 5]), "a small integer is written as a large one");
    assert_eq!(reason(&[0, 0, 3, 251, 2, 0]), "an integer takes more bytes than it needs");
    assert_eq!(reason(&[0, 0, 9, 2, 5, 0, 4, 0]), "the keys of a map are not in order");
    assert_eq!(reason(&[0, 0, 8, 2, 6, 1, 97, 6, 1, 97]), "a string is written twice");
    assert_eq!(reason(&[0, 0, 13]), "a string refers to one that does not exist");
    assert_eq!(reason(&[1, 4, 2, 0, 1, 4, 2]), "a path repeats what it could share");
    assert_eq!(reason(&[0, 0, 9, 1, 6, 0, 0]), "a list index where a key must be");
    assert_eq!(reason(&[]), "nothing");
}

#[test]
fn a_one_field_change_is_small() {
    let path = Path::from(vec![Segment::from("cards"), Segment::from("c0042"), Segment::from("title")]);
    let patch = [Op { path, action: Action::Replace(Value::from("ship it")) }].into_iter().collect();
    let change = Change {
        version: 40_000,
        base: 39_999,
        writer: WriterId(u64::MAX),
        sequence: 40_000,
        stamp: Stamp(u64::MAX),
        meta: Meta::default(),
        undoes: None,
        schema: None,
        patch,
    };
    let bytes = encoded(&change).len() + crate::segment::format::FRAME_BYTES;
    assert!(bytes <= 64, "{bytes} bytes on disk");
}

#[test]
fn a_clock_that_runs_backwards_does_not_turn_the_stamps_back() {
    let first = Stamp::default().next(1_000);
    assert_eq!((first.millis(), first.counter()), (1_000, 0));
    let second = first.next(0);
    assert_eq!((second.millis(), second.counter()), (1_000, 1));
    assert_eq!(second.next(2_000).millis(), 2_000);
    assert_eq!(Stamp(u64::MAX).next(u64::MAX), Stamp(u64::MAX));
}

/// Found by reading: the levels of the path were not counted, and a state made too deep by it could be logged but not be
/// written into a snapshot that could be read.
#[test]
fn what_would_be_too_deep_where_it_is_put_is_refused() {
    let nested =
        |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::List([inner].into_iter().collect()));
    let path = |length: usize| -> Path { (0..length).map(|_| Segment::Index(0)).collect() };
    let decoded = |op: Op| Patch::from_bytes(&Patch::from_iter([op]).to_bytes()).is_ok();
    for above in [0, 1, 64, 127, 128] {
        let room = DEPTH_MAX - above;
        for (levels, fits) in [(room, true), (room + 1, false)] {
            assert_eq!(decoded(Op::new(path(above), Action::Add(nested(levels)))), fits);
            assert_eq!(decoded(Op::new(path(above), Action::Replace(nested(levels)))), fits);
        }
        let item = |levels| Insert::Items([nested(levels)].into_iter().collect());
        let splice = |levels| Op::new(path(above), Action::Splice { at: 0, del: 0, ins: item(levels) });
        assert_eq!(room > 0 && decoded(splice(room - 1)), room > 0);
        assert!(!decoded(splice(room)));
    }
}

/// Behind the clock stands which further fields there are, and behind those the schema.
#[test]
fn a_schema_is_written_only_where_it_says_something() {
    let body = |more: &[u8]| [&[128][..], &[0; 8], more].concat();
    let decoded = |more: &[u8]| Change::decode(HOME, 0, &body(more)).map_err(|flaw| flaw.reason);
    let change = decoded(&[1, 2]).unwrap();
    assert_eq!((change.schema, change.is_migration()), (Some(2), false), "the first change is no migration");
    assert_eq!(encoded(&change), body(&[1, 2]));
    assert!(Change::decode(HOME, 1, &body(&[1, 2])).unwrap().is_migration());
    assert_eq!(decoded(&[0]), Err("a second byte of fields that need not be written"));
    assert_eq!(decoded(&[2]), Err("unknown fields"));
    for schema in [&[0][..], &[1], &[253, 0, 0, 0, 0, 1, 0, 0, 0]] {
        let answer = decoded(&[&[1], schema].concat());
        assert_eq!(answer, Err("a schema that need not be written, or cannot be"));
    }
}
