//! Who set a place, when, from what to what: what comparing all states with their neighbours says, also for elements of lists
//! whose numbers change and for what was moved.

use crate::common::{dir, options, reader};
use proptest::prelude::*;
use redraft::io::MemoryDisk;
use redraft::patch::{Action, Op};
use redraft::value::{Path, Pointer};
use redraft::{Error, ErrorKind, Meta, Patch, Store, Touch, Value, value};

fn fresh(disk: &MemoryDisk) -> Store<Value> {
    options(disk).create(true).open(dir()).unwrap()
}

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

/// What is at the place in every version.
fn values(store: &Store<Value>, place: &str) -> Vec<Option<Value>> {
    let at = |version| {
        let state = store.at(version).unwrap();
        let path = pointer(place).resolve(&state).ok()?;
        state.at_path(&path).cloned()
    };
    (0..=store.version()).map(at).collect()
}

type Told = (u64, Option<Value>, Option<Value>);

fn told(touch: redraft::Result<Touch>) -> Told {
    let touch = touch.unwrap();
    (touch.change.version, touch.old, touch.new)
}

/// The oracle where nothing moves: every version whose value differs from the one before.
fn differences(values: &[Option<Value>]) -> Vec<Told> {
    let pairs = (1_u64..).zip(values.windows(2));
    let changed = pairs.filter(|(_, pair)| pair[0] != pair[1]);
    let mut told: Vec<Told> = changed.map(|(v, pair)| (v, pair[0].clone(), pair[1].clone())).collect();
    told.reverse();
    told
}

/// What is done to a map of maps; values are new every time, so that nothing looks like a move.
fn edit_map(doc: &mut Value, kind: usize, key: usize, serial: u64) {
    let key = ["x", "y"][key];
    match kind {
        0 => doc["m"] = value!({ "x": serial, "same": 7 }),
        1 => doc["m"][key] = value!({ "deep": serial }),
        2 => doc["m"][key] = serial.into(),
        3 => drop(doc.as_map_mut().unwrap().remove("m")),
        _ => doc["other"] = serial.into(),
    }
}

/// A patch of operations on single elements of `/l`.
fn single(numbers: std::ops::Range<u64>, op: impl Fn(u64) -> (usize, Action)) -> Patch {
    let list = Path::root().child("l");
    numbers.map(op).map(|(index, action)| Op::new(list.child(index), action)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::common::setting("PROPTEST_CASES", 96) as u32))]

    #[test]
    fn the_life_of_a_place_is_every_change_of_what_is_there(
        edits in prop::collection::vec((0..5_usize, 0..2_usize), 1..30),
    ) {
        let disk = MemoryDisk::new();
        let store = fresh(&disk);
        for (serial, (kind, key)) in (1000..).zip(edits) {
            store.produce(|doc| edit_map(doc, kind, key, serial)).unwrap();
        }
        for place in ["/m", "/m/x", "/m/x/deep", "/m/y/deep", "/m/same", "/other", "/never"] {
            let expected = differences(&values(&store, place));
            let life: Vec<Told> = store.life(&pointer(place)).unwrap().map(told).collect();
            prop_assert_eq!(&life, &expected, "{}", place);
            let last = store.blame(&pointer(place)).unwrap().map(|touch| told(Ok(touch)));
            prop_assert_eq!(last.as_ref(), expected.first(), "{}", place);
        }
    }

    /// Every element has a name of its own, by which the oracle knows it again. Half of the changes are drafted, which makes
    /// splices; half are operations on single elements, several in one patch.
    #[test]
    fn an_element_is_followed_however_its_number_changes(
        edits in prop::collection::vec((0..6_usize, 0..100_usize, 1..4_u64), 1..40),
    ) {
        let disk = MemoryDisk::new();
        let store = fresh(&disk);
        store.produce(|doc| doc["l"] = value!([])).unwrap();
        for (serial, (kind, at, count)) in (1_u64..).zip(edits) {
            let element = |n: u64| value!({ "name": (serial * 10 + n), "v": 0 });
            let length = store.state()["l"].as_list().unwrap().len();
            let made = match kind {
                0 => store.produce(|doc| (0..count).for_each(|n| {
                    let list = doc["l"].as_list_mut().unwrap();
                    list.insert((at + n as usize * 2) % (list.len() + 1), element(n));
                })),
                1 => store.apply(&single(0..count, |n| {
                    ((at + n as usize * 2) % (length + n as usize + 1), Action::Add(element(n)))
                })),
                _ if length < 3 => continue,
                2 => store.produce(|doc| drop(doc["l"].as_list_mut().unwrap().remove(at % length))),
                3 => store.apply(&single(0..count, |n| (at % (length - n as usize), Action::Remove))),
                4 => store.apply(&single(0..2, |n| match n {
                    0 => (at % length, Action::Remove),
                    _ => (count as usize % length, Action::Add(element(n))),
                })),
                _ => store.produce(|doc| doc["l"][at % length]["v"] = serial.into()),
            };
            made.unwrap();
        }
        let named = |version: u64, name: &Value| -> Option<Value> {
            let state = store.at(version).unwrap();
            state["l"].as_list()?.iter().find(|item| item["name"] == *name).cloned()
        };
        let newest = store.state();
        for (index, item) in newest["l"].as_list().unwrap().iter().enumerate() {
            let all: Vec<_> = (0..=store.version()).map(|version| named(version, &item["name"])).collect();
            let life: Vec<Told> = store.life(&pointer(&format!("/l/{index}"))).unwrap().map(told).collect();
            prop_assert_eq!(life, differences(&all), "{:?}", item);
        }
    }
}

/// A store with one change for each of these JSON Patches, labelled by their numbers.
fn patched(disk: &MemoryDisk, patches: &[&str]) -> Store<Value> {
    let store = fresh(disk);
    for (number, patch) in (1..).zip(patches) {
        let patch = Patch::from_json_patch(patch.as_bytes(), &store.state()).unwrap();
        store.apply_with(Meta::label(format!("{number}")), &patch).unwrap();
    }
    store
}

#[test]
fn a_move_is_followed_to_where_the_value_was_set() {
    let disk = MemoryDisk::new();
    let store = patched(
        &disk,
        &[
            r#"[{"op":"add","path":"/a","value":{"deep":[1,2,3]}},{"op":"add","path":"/other","value":0}]"#,
            r#"[{"op":"replace","path":"/a/deep/1","value":20}]"#,
            r#"[{"op":"move","from":"/a","path":"/b"}]"#,
            r#"[{"op":"replace","path":"/other","value":1}]"#,
            r#"[{"op":"add","path":"/home","value":{}},{"op":"move","from":"/b/deep","path":"/home/list"}]"#,
            r#"[{"op":"add","path":"/home/list/0","value":0}]"#,
        ],
    );
    let place = pointer("/home/list/2");
    let last = store.blame(&place).unwrap().unwrap();
    assert_eq!((last.change.version, last.place.to_string()), (2, "/a/deep/1".into()));
    assert_eq!((last.old, last.new), (Some(2.into()), Some(20.into())));
    assert_eq!(last.change.meta.label.as_deref(), Some("2"));
    let life: Vec<_> = store.life(&place).unwrap().map(Result::unwrap).collect();
    let told: Vec<_> = life.iter().map(|touch| (touch.change.version, touch.place.to_string())).collect();
    let expected = [(5, "/home/list/1"), (3, "/b/deep/1"), (2, "/a/deep/1"), (1, "/a/deep/1")];
    assert_eq!(told, expected.map(|(version, place)| (version, place.to_owned())));
    let from = |touch: &Touch| touch.from.as_ref().map(ToString::to_string);
    assert_eq!(
        life.iter().map(from).collect::<Vec<_>>(),
        [Some("/b/deep/1".into()), Some("/a/deep/1".into()), None, None]
    );
}

#[test]
fn what_is_gone_was_taken_away_by_somebody_and_what_never_was_by_nobody() {
    let disk = MemoryDisk::new();
    let store = patched(
        &disk,
        &[
            r#"[{"op":"add","path":"/a","value":{"b":1}},{"op":"add","path":"/l","value":[1,2]}]"#,
            r#"[{"op":"remove","path":"/a"}]"#,
            r#"[{"op":"remove","path":"/l/0"}]"#,
        ],
    );
    let gone = store.blame(&pointer("/a/b")).unwrap().unwrap();
    assert_eq!((gone.change.version, gone.old, gone.new), (2, Some(1.into()), None));
    let shorter = store.blame(&pointer("/l/1")).unwrap().unwrap();
    assert_eq!((shorter.change.version, shorter.new), (3, None));
    assert!(store.blame(&pointer("/a/c")).unwrap().is_none());
    assert!(store.blame(&pointer("/l/7")).unwrap().is_none());
    assert_eq!(store.life(&pointer("/never")).unwrap().count(), 0);
}

#[test]
fn what_was_set_before_the_first_change_kept_is_said_to_be_gone() {
    let disk = MemoryDisk::new();
    let store = patched(
        &disk,
        &[r#"[{"op":"add","path":"/a","value":1}]"#, r#"[{"op":"add","path":"/b","value":2}]"#],
    );
    let target = std::path::Path::new("/second");
    store.restore(2, target).unwrap();
    let second: Store<Value> = options(&disk).open(target).unwrap();
    second.produce(|doc| doc["c"] = 3.into()).unwrap();
    let refused = second.blame(&pointer("/a")).unwrap_err();
    assert!(matches!(refused, Error::Compacted { version: 2, oldest: 3 }), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert_eq!(second.blame(&pointer("/c")).unwrap().unwrap().change.version, 3);
    assert!(second.blame(&pointer("/never")).unwrap().is_none());
}

#[test]
fn a_reader_blames_up_to_the_version_it_shows() {
    let disk = MemoryDisk::new();
    patched(&disk, &[r#"[{"op":"add","path":"/a","value":1}]"#]).close().unwrap();
    let reader = reader(&disk).unwrap();
    let store: Store<Value> = options(&disk).open(dir()).unwrap();
    store.produce(|doc| doc["a"] = 2.into()).unwrap();
    store.close().unwrap();
    let version = || reader.blame(&pointer("/a")).unwrap().unwrap().change.version;
    assert_eq!(version(), 1);
    reader.refresh().unwrap();
    assert_eq!(version(), 2);
}

#[test]
fn a_typed_store_is_blamed_as_the_document_it_shows_as() {
    let disk = MemoryDisk::new();
    let store: Store<redraft::collections::Map<String, i64>> =
        options(&disk).create(true).open(dir()).unwrap();
    for number in 1..=3 {
        store
            .produce(|map| {
                map.insert("a".into(), number);
            })
            .unwrap();
        store
            .produce(|map| {
                map.insert("b".into(), -number);
            })
            .unwrap();
    }
    let life: Vec<Told> = store.life(&pointer("/a")).unwrap().map(told).collect();
    assert_eq!(
        life,
        [(5, Some(2.into()), Some(3.into())), (3, Some(1.into()), Some(2.into())), (1, None, Some(1.into()))]
    );
}
