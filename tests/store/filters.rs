//! Narrowing a history: what comes out is what a look at every change would have picked, in either direction.

use crate::common::{dir, options, reader};
use proptest::prelude::*;
use redraft::io::{FaultDisk, MemoryDisk};
use redraft::value::Pointer;
use redraft::{Change, Error, Filter, Meta, Store, Value, value};

/// One change: where, under which label, at which time if its maker says one.
type Made = (usize, usize, Option<i64>);

const PLACES: [&str; 4] = ["/a", "/a/b", "/l/0", "/l"];
const LABELS: [&str; 3] = ["plan", "planned", ""];

fn written(disk: &MemoryDisk, made: &[Made]) -> Store<Value> {
    let store: Store<Value> = options(disk).create(true).open(dir()).unwrap();
    store.produce(|doc| *doc = value!({ "a": { "b": 0, "c": 0 }, "l": [0, [0]] })).unwrap();
    for (serial, &(place, label, at_ms)) in (1_i64..).zip(made) {
        let label = Some(LABELS[label].to_owned()).filter(|label| !label.is_empty());
        let meta = Meta { label, at_ms, ..Meta::default() };
        let edit = |doc: &mut Value| match PLACES[place] {
            "/a" => doc["a"] = value!({ "b": serial, "c": 0 }),
            "/a/b" => doc["a"]["b"] = serial.into(),
            "/l/0" => doc["l"][0] = serial.into(),
            _ => doc["l"].as_list_mut().unwrap().push(serial),
        };
        store.produce_with(meta, edit).unwrap();
    }
    store
}

/// What must come out: after the change something else is at the place.
fn differs(store: &Store<Value>, change: &Change, place: &str) -> bool {
    let there = |version| {
        let state = store.at(version).unwrap();
        Pointer::parse(place).unwrap().resolve(&state).ok().and_then(|path| state.at_path(&path).cloned())
    };
    there(change.version - 1) != there(change.version)
}

/// What may come out: the places meet, by the texts of their pointers.
fn meets(change: &Change, place: &str) -> bool {
    let slashed = |text: &str| format!("{text}/");
    change.patch.iter().any(|op| {
        let (op, place) = (slashed(&op.path.to_string()), slashed(place));
        op.starts_with(&place) || place.starts_with(&op)
    })
}

fn versions(changes: impl Iterator<Item = redraft::Result<Change>>) -> Vec<u64> {
    changes.map(|change| change.unwrap().version).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_filter_gives_what_a_look_at_every_change_would_pick(
        made in prop::collection::vec((0..4_usize, 0..3_usize, prop::option::of(-3..3_i64)), 0..40),
        place in prop::option::of(prop::sample::select(vec!["", "/a", "/a/b", "/a/b/x", "/a/c", "/l/0", "/l/1/0", "/z"])),
        label in prop::option::of(0..2_usize),
        since in prop::option::of(-3..3_i64),
        until in prop::option::of(-3..3_i64),
        (first, last) in (1..20_u64, 0..45_u64),
    ) {
        let disk = MemoryDisk::new();
        let store = written(&disk, &made);
        let (first, head) = (first.min(store.version()), store.version());
        let mut filter = Filter::new();
        filter = place.map_or(filter.clone(), |place| filter.touching(Pointer::parse(place).unwrap()));
        filter = label.map_or(filter.clone(), |label| filter.labelled(LABELS[label]));
        filter = since.map_or(filter.clone(), |since| filter.since(since));
        filter = until.map_or(filter.clone(), |until| filter.until(until));
        let wanted = |change: &Change| {
            label.is_none_or(|label| change.meta.label.as_deref() == Some(LABELS[label]))
                && since.is_none_or(|since| change.time_ms() >= since)
                && until.is_none_or(|until| change.time_ms() <= until)
        };
        let all: Vec<Change> = store.changes(first..=last).unwrap().map(Result::unwrap).filter(wanted).collect();
        let found = versions(store.changes(first..=last).unwrap().matching(filter.clone()));
        for change in &all {
            let is_found = found.contains(&change.version);
            prop_assert!(is_found || place.is_some_and(|place| !differs(&store, change, place)), "{}", change.version);
            prop_assert!(!is_found || place.is_none_or(|place| meets(change, place)), "{}", change.version);
        }
        prop_assert!(found.iter().all(|version| all.iter().any(|change| change.version == *version)));
        let backward: Vec<u64> = found.iter().rev().copied().collect();
        let found = store.changes(first..=last).unwrap().matching(filter.clone()).newest_first();
        prop_assert_eq!(&versions(found), &backward);
        store.close().unwrap();
        let reader = reader(&disk).unwrap();
        prop_assert_eq!(reader.version(), head);
        let found = reader.changes(first..=last).unwrap().newest_first().matching(filter);
        prop_assert_eq!(&versions(found), &backward);
    }
}

#[test]
fn a_writer_that_made_nothing_has_no_changes_and_the_one_that_did_has_all() {
    let disk = MemoryDisk::new();
    let store = written(&disk, &[(0, 0, None), (1, 1, None)]);
    let writer = store.changes(..).unwrap().next().unwrap().unwrap().writer;
    let by = |writer| versions(store.changes(..).unwrap().matching(Filter::new().by(writer)));
    assert_eq!(by(writer), [1, 2, 3]);
    assert_eq!(by("0000000000000007".parse().unwrap()), [0; 0]);
    assert_eq!(writer.to_string().parse(), Ok(writer));
}

#[test]
fn the_newest_changes_come_without_reading_those_before() {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store: Store<Value> = options(&disk).segment_bytes(8 << 10).create(true).open(dir()).unwrap();
    for number in 0..3_000 {
        drop(store.submit(|doc| doc["n"] = number.into()).unwrap());
    }
    store.sync().unwrap();
    let before = disk.bytes_read();
    let newest = store.changes(..).unwrap().newest_first().take(3);
    assert_eq!(versions(newest), [3_000, 2_999, 2_998]);
    let (here, before) = (disk.bytes_read() - before, disk.bytes_read());
    assert_eq!(store.changes(..).unwrap().newest_first().count(), 3_000);
    let all = disk.bytes_read() - before;
    assert!(here * 3 < all, "{here} bytes for three changes, {all} for all");
}

#[test]
fn damage_ends_a_history_that_is_read_backward_and_says_where_it_is() {
    let disk = MemoryDisk::new();
    written(&disk, &[(1, 0, None); 60]).close().unwrap();
    let reader = reader(&disk).unwrap();
    let path = crate::common::segment_path(0);
    let mut bytes = disk.bytes(&path).unwrap();
    // Behind the header, among the first few records.
    bytes[300] ^= 1;
    disk.put(&path, bytes);
    let mut seen = Vec::new();
    let mut failure = None;
    for change in reader.changes(..).unwrap().newest_first() {
        match change {
            Ok(change) => seen.push(change.version),
            Err(error) => failure = Some(error),
        }
    }
    let damage = failure.as_ref().and_then(Error::damage).unwrap();
    assert_eq!(damage.path, path);
    assert!(seen.len() > 20 && seen.windows(2).all(|pair| pair[0] == pair[1] + 1), "{seen:?}");
}
