//! What grew apart is merged: what either has is in both then, once, however often and in whichever direction they are merged.

use crate::common::{dir, env, options};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::{OnDeleted, Outcome, Policy, Resolution, Rules};
use redraft::{Error, Meta, Reader, Retention, Reunion, Store, Value, value};
use std::path::Path;

/// A store with rules under which the order does not matter, and a fork of it.
struct Pair {
    disk: MemoryDisk,
    one: Store<Value>,
    other: Store<Value>,
}

fn other_dir() -> &'static Path {
    Path::new("/other")
}

fn rules() -> Rules {
    Rules::new()
        .with("/votes".parse().unwrap(), Policy::Counter)
        .with("/best".parse().unwrap(), Policy::Max)
        .with("/tags".parse().unwrap(), Policy::AddWins)
        .with("/title".parse().unwrap(), Policy::LastWritten)
        .on_deleted("/cards/*".parse().unwrap(), OnDeleted::Drop)
}

fn begun() -> Value {
    value!({
        "title": "plan", "votes": 10, "best": 3, "list": ["a", "b", "c"],
        "tags": { "red": true }, "cards": { "1": { "text": "ship" }, "2": { "text": "test" } },
    })
}

impl Pair {
    fn new() -> Pair {
        let disk = MemoryDisk::new();
        let one: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
        one.produce(|doc| *doc = begun()).unwrap();
        one.set_rules(rules()).unwrap();
        one.fork(one.version(), other_dir()).unwrap();
        let other = options(&disk).env(Env::simulated(disk.clone(), 8)).open(other_dir()).unwrap();
        Pair { disk, one, other }
    }

    fn reader(&self, path: &Path) -> Reader<Value> {
        options(&self.disk).open_read_only(path).unwrap()
    }

    /// What the fork has, taken into the store.
    fn in_one(&self) -> redraft::Result<Reunion> {
        self.other.sync().unwrap();
        self.one.reunite(&self.reader(other_dir()))
    }

    fn in_other(&self) -> redraft::Result<Reunion> {
        self.one.sync().unwrap();
        self.other.reunite(&self.reader(dir()))
    }

    fn are_sound(&self) {
        for path in [dir(), other_dir()] {
            let report = options(&self.disk).verify(path).unwrap();
            assert!(report.is_sound(), "{report:?}");
        }
    }
}

#[test]
fn what_either_has_is_in_both_once_they_are_merged_both_ways() {
    let pair = Pair::new();
    let Pair { one, other, .. } = &pair;
    one.produce(|doc| doc["votes"] = 13.into()).unwrap();
    one.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "x")).unwrap();
    one.produce(|doc| doc["tags"]["blue"] = true.into()).unwrap();
    one.produce(|doc| doc["cards"]["3"] = value!({ "text": "new" })).unwrap();
    other.produce(|doc| doc["votes"] = 11.into()).unwrap();
    other.produce(|doc| doc["best"] = 9.into()).unwrap();
    other.produce(|doc| doc["list"].as_list_mut().unwrap().push("d")).unwrap();
    other.produce(|doc| doc["tags"]["green"] = true.into()).unwrap();
    other.produce(|doc| doc["cards"]["1"]["text"] = "ship it".into()).unwrap();
    let merged = pair.in_one().unwrap();
    assert_eq!((merged.base, merged.taken.len()), (2, 6));
    pair.in_other().unwrap();
    let expected = value!({
        "title": "plan", "votes": 14, "best": 9, "list": ["x", "a", "b", "c", "d"],
        "tags": { "red": true, "blue": true, "green": true },
        "cards": { "1": { "text": "ship it" }, "2": { "text": "test" }, "3": { "text": "new" } },
    });
    assert_eq!((&*one.state(), &*other.state()), (&expected, &expected));
    pair.are_sound();
}

#[test]
fn merging_again_takes_nothing_and_later_only_what_is_new() {
    let pair = Pair::new();
    for round in 1..5 {
        pair.one.produce(|doc| doc["votes"] = (doc["votes"].as_i64().unwrap() + 1).into()).unwrap();
        pair.other.produce(|doc| doc["votes"] = (doc["votes"].as_i64().unwrap() + 10).into()).unwrap();
        assert!(!pair.in_one().unwrap().taken.is_empty());
        let version = pair.one.version();
        assert!(pair.in_one().unwrap().taken.is_empty() && pair.one.version() == version);
        pair.in_other().unwrap();
        let votes = |store: &Store<Value>| store.state()["votes"].as_i64();
        assert_eq!((votes(&pair.one), votes(&pair.other)), (Some(10 + 11 * round), Some(10 + 11 * round)));
    }
    pair.are_sound();
}

/// Positions in what came from the other side mean what their writer saw.
#[test]
fn two_that_are_merged_to_and_fro_come_to_rest() {
    let pair = Pair::new();
    for round in 0..3 {
        pair.one.produce(|doc| doc["list"].as_list_mut().unwrap().push(round)).unwrap();
        pair.other.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, 10 + round)).unwrap();
        (0..2).for_each(|_| drop((pair.in_one().unwrap(), pair.in_other().unwrap())));
        let versions = (pair.one.version(), pair.other.version());
        assert!(pair.in_one().unwrap().taken.is_empty() && pair.in_other().unwrap().taken.is_empty());
        assert_eq!((pair.one.version(), pair.other.version()), versions, "nothing comes of nothing");
        assert_eq!(pair.one.state(), pair.other.state());
    }
    pair.are_sound();
}

/// What came otherwise of a change has to be known where it was made, or it is held against what its maker does next.
#[test]
fn who_lost_and_knows_it_goes_on_from_what_won() {
    let pair = Pair::new();
    let rules = rules()
        .with("/first".parse().unwrap(), Policy::FirstWins)
        .on_deleted("/list".parse().unwrap(), OnDeleted::Restore);
    pair.one.set_rules(rules.clone()).unwrap();
    pair.other.set_rules(rules).unwrap();
    let items = |store: &Store<Value>| {
        store.produce(|doc| doc["list"] = value!([{ "f": 0 }, { "f": 1 }, { "f": 2 }])).unwrap();
    };
    items(&pair.one);
    drop((pair.in_other().unwrap(), pair.in_one().unwrap()));
    pair.one.produce(|doc| drop(doc["list"].as_list_mut().unwrap().remove(0))).unwrap();
    pair.one.produce(|doc| doc["first"] = 1.into()).unwrap();
    pair.other.produce(|doc| doc["list"][0]["f"] = 10.into()).unwrap();
    pair.other.produce(|doc| doc["first"] = 2.into()).unwrap();
    (0..2).for_each(|_| drop((pair.in_one().unwrap(), pair.in_other().unwrap())));
    pair.other.produce(|doc| doc["list"][1]["f"] = 11.into()).unwrap();
    pair.other.produce(|doc| doc["first"] = 3.into()).unwrap();
    pair.in_one().unwrap();
    let state = pair.one.state();
    assert_eq!(
        (&state["list"], &state["first"]),
        (&value!([{ "f": 10 }, { "f": 11 }, { "f": 2 }]), &3.into())
    );
    pair.are_sound();
}

#[test]
fn what_is_edited_after_a_merge_lands_where_its_writer_saw_it() {
    let pair = Pair::new();
    let list = |store: &Store<Value>| store.state()["list"].clone();
    pair.one.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, "x")).unwrap();
    pair.in_other().unwrap();
    assert_eq!(list(&pair.other), value!(["x", "a", "b", "c"]));
    pair.other.produce(|doc| doc["list"].as_list_mut().unwrap().insert(2, "after a")).unwrap();
    pair.one.produce(|doc| doc["list"].as_list_mut().unwrap().push("d")).unwrap();
    pair.in_one().unwrap();
    pair.in_other().unwrap();
    let expected = value!(["x", "a", "after a", "b", "c", "d"]);
    assert_eq!((list(&pair.one), list(&pair.other)), (expected.clone(), expected));
}

#[test]
fn by_chance_both_ends_are_equal_where_the_rules_promise_it() {
    for seed in 0..60 {
        let (pair, dice, mut votes) = (Pair::new(), SeededEntropy::new(seed), 10);
        for serial in 0..40 {
            let store = if dice.below(2) == 0 { &pair.one } else { &pair.other };
            let side = if std::ptr::eq(store, &raw const pair.one) { "one" } else { "other" };
            let (unit, key) = (if side == "one" { 1 } else { 100 }, format!("{side} {}", dice.below(6)));
            let kind = dice.below(4);
            votes += if kind == 0 { unit } else { 0 };
            store
                .produce(|doc| match kind {
                    0 => doc["votes"] = (doc["votes"].as_i64().unwrap() + unit).into(),
                    1 => doc["best"] = doc["best"].as_i64().unwrap().max(serial).into(),
                    2 => doc["tags"][key.as_str()] = serial.into(),
                    _ => doc["cards"][key.as_str()] = value!({ "text": serial }),
                })
                .unwrap();
            match dice.below(9) {
                0 => drop(pair.in_one().unwrap()),
                1 => drop(pair.in_other().unwrap()),
                _ => {}
            }
        }
        pair.in_one().unwrap();
        pair.in_other().unwrap();
        pair.in_one().unwrap();
        assert_eq!(*pair.one.state(), *pair.other.state(), "seed {seed}");
        assert_eq!(pair.one.state()["votes"].as_i64(), Some(votes), "seed {seed}");
        pair.are_sound();
    }
}

#[test]
fn who_made_a_change_and_where_is_kept_and_conflicts_are_told() {
    let pair = Pair::new();
    pair.one.produce(|doc| doc["title"] = "ours".into()).unwrap();
    let theirs =
        pair.other.produce_with(Meta::label("rename").tag("by", "ann"), |doc| doc["title"] = "theirs".into());
    let version = theirs.unwrap().version();
    let merged = pair.in_one().unwrap();
    let (_, receipt) = merged.taken.iter().find(|(there, _)| *there == version).unwrap();
    assert!(receipt.is_new && !receipt.notes.is_empty(), "{receipt:?}");
    assert!(matches!(receipt.notes[0].resolution, Resolution::Won | Resolution::Dropped));
    let change = pair.one.changes(receipt.version..=receipt.version).unwrap().next().unwrap().unwrap();
    let there = pair.other.changes(version..=version).unwrap().next().unwrap().unwrap();
    assert_eq!(change.meta.label.as_deref(), Some("rename"));
    assert_eq!(change.meta.tags["by"], "ann");
    assert_eq!(change.meta.tags["from.writer"], there.writer.to_string());
    assert_eq!(change.meta.tags["from.version"], version.to_string());
    assert_eq!(change.merged.unwrap().notes, receipt.notes);
}

/// Nobody said that it was one, so both go on by the same writer. Their first own changes tell them apart.
#[test]
fn a_copy_that_was_never_forked_is_merged_too() {
    let disk = MemoryDisk::new();
    let one: Store<Value> = options(&disk).create(true).open(dir()).unwrap();
    one.produce(|doc| *doc = begun()).unwrap();
    one.set_rules(rules()).unwrap();
    one.close().unwrap();
    for path in disk.files().into_iter().filter(|path| path.starts_with(dir())) {
        for copy in ["/copy", "/third"] {
            redraft::io::Disk::create_dir(&disk, Path::new(copy)).unwrap();
            disk.put(&Path::new(copy).join(path.file_name().unwrap()), disk.bytes(&path).unwrap());
        }
    }
    let one: Store<Value> = options(&disk).open(dir()).unwrap();
    one.produce(|doc| doc["votes"] = 11.into()).unwrap();
    for (copy, votes) in [("/copy", 20), ("/third", 30)] {
        let copy: Store<Value> = options(&disk).open(copy).unwrap();
        copy.produce(|doc| doc["votes"] = votes.into()).unwrap();
    }
    for _ in 0..2 {
        for copy in ["/copy", "/third"] {
            one.reunite(&options(&disk).open_read_only::<Value>(copy).unwrap()).unwrap();
        }
        assert_eq!(one.state()["votes"].as_i64(), Some(10 + 1 + 10 + 20));
    }
}

/// What two forks took from each other, and a third from both, counts once.
#[test]
fn what_came_by_another_way_already_is_not_taken_twice() {
    let pair = Pair::new();
    pair.one.fork(pair.one.version(), "/third").unwrap();
    let third: Store<Value> =
        options(&pair.disk).env(Env::simulated(pair.disk.clone(), 9)).open("/third").unwrap();
    third.produce(|doc| doc["votes"] = 15.into()).unwrap();
    let third = pair.reader(Path::new("/third"));
    pair.one.reunite(&third).unwrap();
    pair.other.reunite(&third).unwrap();
    pair.in_one().unwrap();
    pair.in_other().unwrap();
    let votes = |store: &Store<Value>| store.state()["votes"].as_i64();
    assert_eq!((votes(&pair.one), votes(&pair.other)), (Some(15), Some(15)));
}

#[test]
fn what_cannot_be_merged_is_refused_and_changes_nothing() {
    let pair = Pair::new();
    let stranger = MemoryDisk::new();
    let store: Store<Value> =
        options(&stranger).env(Env::simulated(stranger.clone(), 5)).create(true).open(dir()).unwrap();
    store.produce(|doc| doc["a"] = 1.into()).unwrap();
    let (version, reader) = (pair.one.version(), options(&stranger).open_read_only::<Value>(dir()).unwrap());
    assert!(matches!(pair.one.reunite(&reader), Err(Error::Foreign { .. })));
    for n in 0..60 {
        pair.other.produce(|doc| doc["serial"] = n.into()).unwrap();
    }
    assert!(pair.other.compact_to(Retention::Changes(5)).unwrap().oldest > version);
    assert!(matches!(pair.in_one(), Err(Error::Compacted { .. })));
    assert_eq!(pair.one.version(), version);
    let redacted = Pair::new();
    redacted.other.produce(|doc| doc["mail"] = "ann".into()).unwrap();
    let Pair { disk, one, other } = redacted;
    other.close().unwrap();
    let place = redraft::value::Pointer::parse("/mail").unwrap();
    options(&disk).plan_redaction(other_dir(), [place]).unwrap().carry_out().unwrap();
    let reader: Reader<Value> = options(&disk).open_read_only(other_dir()).unwrap();
    assert!(matches!(one.reunite(&reader), Err(Error::Diverged { .. })));
    let _ = (env(&disk), Outcome::Clean);
}
