//! Records come back as they were written, one change has one encoding, and no bytes do harm.

use super::*;
use crate::op::{Action, Insert, Op};
use crate::rules::{OnDeleted, Pattern, Policy};
use crate::value::{DEPTH_MAX, KEY_BYTES_MAX, Key, List, Map, Path, Segment, Value};
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

fn policy() -> impl Strategy<Value = Policy> {
    let custom = ("[a-z]{1,3}", any::<u32>()).prop_map(|(name, version)| Policy::Custom { name, version });
    prop_oneof![(0..12u8).prop_map(|tag| Policy::of_tag(tag).unwrap()), custom]
}

fn rules() -> impl Strategy<Value = Rules> {
    let pattern = proptest::collection::vec("[ab*]", 0..3).prop_map(Pattern::of_tokens);
    let rule = (pattern, policy(), proptest::option::of(0..3u8));
    proptest::collection::vec(rule, 0..4).prop_map(|all| {
        all.into_iter().fold(Rules::new(), |rules, (pattern, policy, tag)| {
            match tag.and_then(OnDeleted::of_tag) {
                Some(what) => rules.on_deleted(pattern, what),
                None => rules.with(pattern, policy),
            }
        })
    })
}

fn merged() -> impl Strategy<Value = Merged> {
    let note = (any::<usize>(), policy(), 0..5u8);
    let note = note.prop_map(|(op_index, policy, tag)| {
        let all = [
            Resolution::Won,
            Resolution::Dropped,
            Resolution::Combined,
            Resolution::Restored,
            Resolution::Layered,
        ];
        Note { op_index, met: 0, policy, resolution: all[usize::from(tag)] }
    });
    let why = prop_oneof![Just(Refusal::Conflict), Just(Refusal::Guard), Just(Refusal::Function)];
    let rejected = (why, "[a-z]{0,4}").prop_map(|(why, detail)| Outcome::Rejected { why, detail });
    let outcome = prop_oneof![Just(Outcome::Clean), Just(Outcome::Rebased), Just(Outcome::Partial), rejected];
    let original = proptest::option::of(proptest::collection::vec(op(), 0..3).prop_map(Patch::from));
    (any::<u64>(), outcome, proptest::collection::vec(note, 0..3), original, any::<bool>()).prop_map(
        |(written, outcome, notes, original, is_unseen)| {
            let behind = (0..original.as_ref().map_or(0, |patch: &Patch| patch.len())).collect();
            let is_unseen = is_unseen && matches!(outcome, Outcome::Rejected { .. });
            Merged { written: Stamp(written), outcome, notes, original, behind, is_unseen }
        },
    )
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
    let more = (proptest::option::of(rules()), proptest::option::of(merged()));
    (1..u64::MAX, any::<u64>(), who, meta, more, proptest::collection::vec(op(), 0..5))
        .prop_map(|(version, base, (writer, sequence, stamp, undoes, schema), meta, (rules, merged), ops)| {
            Change {
                version,
                base: base % version,
                writer: WriterId(writer),
                sequence: sequence.unwrap_or(version),
                stamp: Stamp(stamp),
                meta,
                undoes,
                schema,
                is_fork: version % 5 == 0,
                rules: rules.map(Arc::new),
                merged: merged.map(Box::new),
                patch: ops.into_iter().collect(),
            }
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
    let nan = |last: u8| [&[0, 0, 5][..], &[last, 0, 0, 0, 0, 0, 0xf8, 0x7f]].concat();
    assert_eq!(reason(&nan(1)), "an unusual bit pattern for \"not a number\"");
    assert_eq!(reason(&nan(0)), "nothing");
    assert_eq!(reason(&[0, 0, 9, 2, 5, 0, 5, 0]), "the keys of a map are not in order");
    // A second operation keeps more of the path than there is, or comes to more than a path may have.
    assert_eq!(reason(&[1, 4, 2, 2, 0, 2]), "an impossible length of a path");
    let long = |more: u8| {
        let (first, second) = ([&[128][..], &[4; 128], &[2]].concat(), vec![5; usize::from(more)]);
        reason(&[first, vec![127, more], second, vec![2]].concat())
    };
    assert_eq!((long(1), long(2)), ("nothing", "an impossible length of a path"));
}

/// The least integer that takes so many bytes, and the greatest that takes fewer.
#[test]
fn an_integer_takes_as_few_bytes_as_it_can() {
    let sint = |bytes: &[u8]| reason(&[&[0, 0, 4][..], bytes].concat());
    let longer = "an integer takes more bytes than it needs";
    let index = |bytes: &[u8]| reason(&[&[1, 6][..], bytes, &[2]].concat());
    assert_eq!((index(&[250]), index(&[251, 250, 0]), index(&[251, 251, 0])), ("nothing", longer, "nothing"));
    assert_eq!((index(&[252, 255, 255, 0, 0]), index(&[252, 0, 0, 1, 0])), (longer, "nothing"));
    let nine = |low: u64| [&[253][..], &low.to_le_bytes()].concat();
    assert_eq!((index(&nine(0xffff_ffff)), index(&nine(1 << 32))), (longer, "nothing"));
    assert_eq!(
        (sint(&nine(i64::MAX as u64)), sint(&nine(1 << 63))),
        ("a small integer is written as a large one", "nothing")
    );
}

#[test]
fn a_key_has_as_many_bytes_as_it_may_and_no_more() {
    let key = |len: usize| reason(&[&[0, 0, 9, 1, 3, len as u8][..], &vec![7; len], &[0]].concat());
    assert_eq!((key(KEY_BYTES_MAX), key(KEY_BYTES_MAX + 1)), ("nothing", "a key of too many bytes"));
}

/// From the seventeenth on strings are found by their hashes.
#[test]
fn a_string_written_twice_is_refused_however_many_there_are() {
    for count in [2_u8, 15, 16, 17, 40] {
        let strings: Vec<u8> = (0..count).flat_map(|n| [6, 1, b'0' + n]).collect();
        let body = |last: &[u8]| [&[0, 0, 8, count + 1][..], &strings, last].concat();
        for n in 0..count {
            assert_eq!(reason(&body(&[6, 1, b'0' + n])), "a string is written twice", "{n} of {count}");
            assert_eq!(reason(&body(&[10 + n])), "nothing");
        }
        assert_eq!(reason(&body(&[10 + count])), "a string refers to one that does not exist");
    }
}

/// What stands before the patch has one encoding too.
#[test]
fn what_need_not_be_written_is_refused_where_it_is() {
    let opening = |fields: u8, rest: &[u8]| {
        let body = [&[fields][..], &[0; 8], rest].concat();
        Change::decode(HOME, 6, &body).map(|_| "nothing").unwrap_or_else(|flaw| flaw.reason)
    };
    let (home, other) = (HOME.0.to_le_bytes(), (HOME.0 + 1).to_le_bytes());
    let needless = "a writer or sequence number that need not be written";
    assert_eq!((opening(32, &home), opening(32, &other)), (needless, "nothing"));
    assert_eq!((opening(64, &[7]), opening(64, &[6])), (needless, "nothing"));
    assert_eq!((opening(16, &[0]), opening(16, &[6])), ("a base that need not be written", "nothing"));
    assert_eq!(opening(16, &[7]), "a base before the first version");
    assert_eq!(opening(8, &[0]), "an empty list of tags");
    let tags = |names: &[u8]| {
        [&[names.len() as u8][..], &names.iter().flat_map(|name| [1, *name, 0]).collect::<Vec<u8>>()].concat()
    };
    assert_eq!(opening(8, &tags(b"ab")), "nothing");
    for disorder in [b"aa", b"ba"] {
        assert_eq!(opening(8, &tags(disorder)), "tags are not in order");
    }
}

#[test]
fn a_one_field_change_is_small() {
    let path = Path::from(vec![Segment::from("cards"), Segment::from("c0042"), Segment::from("title")]);
    let patch = [Op { path, action: Action::Replace(Value::from("ship it")) }].into_iter().collect();
    let change = Change { patch, ..Change::of(WriterId(u64::MAX), 40_000, 40_000, Stamp(u64::MAX)) };
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
    assert_eq!(decoded(&[16]), Err("unknown fields"));
    for schema in [&[0][..], &[1], &[253, 0, 0, 0, 0, 1, 0, 0, 0]] {
        let answer = decoded(&[&[1], schema].concat());
        assert_eq!(answer, Err("a schema that need not be written, or cannot be"));
    }
}
