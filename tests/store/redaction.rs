//! What was redacted is gone from every version and every file, and nothing else is.

use crate::common::watched::{Call, Watched};
use crate::common::{check, contents, dir, env, options};
use proptest::prelude::*;
use redraft::io::MemoryDisk;
use redraft::value::Pointer;
use redraft::{Error, ErrorKind, Meta, Mirror, Options, Redacted, Retention, Store, Value, value};
use std::path::Path;

const SECRET: &str = "ann@example.org";

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

fn store(disk: &MemoryDisk) -> Store<Value> {
    options(disk).create(true).open(dir()).unwrap()
}

fn redact(disk: &MemoryDisk, places: &[&str]) -> Redacted {
    options(disk).plan_redaction(dir(), places.iter().copied().map(pointer)).unwrap().carry_out().unwrap()
}

fn states(disk: &MemoryDisk) -> Vec<Value> {
    let reader = options(disk).open_read_only::<Value>(dir()).unwrap();
    (reader.oldest().unwrap()..=reader.version())
        .map(|version| (*reader.at(version).unwrap()).clone())
        .collect()
}

/// In no file, as bytes, and in no version, as what it prints as.
fn is_nowhere(secret: &str, disk: &MemoryDisk) {
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    for (path, bytes) in contents(disk) {
        assert!(!holds(&bytes), "{secret} is in {}", path.display());
    }
    for (version, state) in states(disk).iter().enumerate() {
        assert!(!state.to_string().contains(secret), "{secret} is in version {version}");
    }
}

/// The place with null where something is.
fn without(state: &Value, place: &str) -> Value {
    let Ok(path) = pointer(place).resolve(state) else { return state.clone() };
    if state.at_path(&path).is_none() {
        return state.clone();
    }
    let text = format!(r#"[{{"op": "replace", "path": "{place}", "value": null}}]"#);
    let patch = redraft::Patch::from_json_patch(text.as_bytes(), state);
    redraft::apply(state, &patch.unwrap()).unwrap().state
}

fn edit(doc: &mut Value, kind: usize, key: usize, serial: u64) {
    let key = ["a", "b", "c"][key];
    match kind {
        0 => doc["people"][key]["mail"] = format!("{key}{serial}@example.org").into(),
        1 => doc["people"][key]["votes"] = serial.into(),
        2 => doc["people"][key] = value!({ "mail": format!("{key}{serial}@example.org"), "votes": 0 }),
        3 => drop(doc["people"].as_map_mut().and_then(|people| people.remove(key))),
        4 => doc["people"][key]["mail"] = value!({ "home": serial, "work": [serial] }),
        5 => doc["title"] = format!("round {serial}").into(),
        _ => doc["people"] = value!({ "a": { "mail": format!("all{serial}@example.org") } }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::common::setting("PROPTEST_CASES", 64) as u32))]

    /// For a place that is reached through maps, "what was there" needs no following.
    #[test]
    fn every_version_is_what_it_was_but_for_the_place(
        edits in prop::collection::vec((0..7_usize, 0..3_usize), 1..60),
        place in prop::sample::select(vec!["/people/a/mail", "/people/a", "/people/b/mail/work/0", "/people", "/title", "/nobody"]),
        snapshots in prop::collection::vec(0..60_usize, 0..3),
    ) {
        let disk = MemoryDisk::new();
        let writer = store(&disk);
        writer.produce(|doc| *doc = value!({ "people": {} })).unwrap();
        for (serial, (kind, key)) in edits.iter().enumerate() {
            writer.produce_with(Meta::label(format!("edit {serial}")), |doc| edit(doc, *kind, *key, serial as u64)).unwrap();
            if snapshots.contains(&serial) {
                writer.snapshot().unwrap();
            }
        }
        writer.close().unwrap();
        let before = states(&disk);
        let labels = |disk: &MemoryDisk| {
            let reader = options(disk).open_read_only::<Value>(dir()).unwrap();
            let told = |change: redraft::Change| (change.version, change.stamp, change.writer, change.sequence, change.meta.label);
            reader.changes(..).unwrap().map(|change| told(change.unwrap())).collect::<Vec<_>>()
        };
        let labelled = labels(&disk);
        let plan = options(&disk).plan_redaction(dir(), [pointer(place)]).unwrap();
        let held = before.iter().filter(|state| pointer(place).resolve(state).is_ok_and(|path| state.at_path(&path).is_some()));
        prop_assert_eq!(plan.versions(), held.count() as u64);
        let (versions, changes) = (plan.versions(), plan.changes());
        let done = plan.carry_out().unwrap();
        let after = states(&disk);
        let happened = usize::from(versions > 0);
        prop_assert_eq!((done.version as usize, after.len()), (before.len() - 1 + happened, before.len() + happened));
        prop_assert!(versions == 0 || done.changes == changes);
        for (version, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert_eq!(&without(before, place), after, "version {}", version);
        }
        prop_assert_eq!(&labels(&disk)[..labelled.len()], &labelled[..]);
        prop_assert!(check(&disk).unwrap().is_sound());
        // It goes on like any other.
        let writer = store(&disk);
        writer.produce(|doc| doc["more"] = 1.into()).unwrap();
        prop_assert!(writer.opened().cut.is_none());
    }
}

fn people(disk: &MemoryDisk) -> Store<Value> {
    let store = store(disk);
    store.produce(|doc| *doc = value!({ "list": [{ "mail": SECRET }, { "mail": "ben" }], "n": 0 })).unwrap();
    store.produce(|doc| doc["list"].as_list_mut().unwrap().insert(0, value!({ "mail": "cid" }))).unwrap();
    store.produce(|doc| doc["list"][1]["votes"] = 3.into()).unwrap();
    store
}

#[test]
fn an_element_is_followed_to_where_it_came_from() {
    let disk = MemoryDisk::new();
    people(&disk).close().unwrap();
    let done = redact(&disk, &["/list/1/mail"]);
    is_nowhere(SECRET, &disk);
    assert_eq!((done.version, done.changes), (4, 2));
    let after = states(&disk);
    assert_eq!(after[1], value!({ "list": [{ "mail": null }, { "mail": "ben" }], "n": 0 }));
    assert_eq!(
        after[3]["list"],
        value!([{ "mail": "cid" }, { "mail": null, "votes": 3 }, { "mail": "ben" }])
    );
}

#[test]
fn what_was_moved_is_followed_and_what_replaced_it_stays() {
    let disk = MemoryDisk::new();
    let writer = store(&disk);
    writer.produce(|doc| *doc = value!({ "old": SECRET })).unwrap();
    writer
        .produce(|doc| {
            let moved = doc.as_map_mut().unwrap().remove("old").unwrap();
            doc["new"] = moved;
        })
        .unwrap();
    writer.produce(|doc| doc["n"] = 1.into()).unwrap();
    writer.close().unwrap();
    redact(&disk, &["/new"]);
    is_nowhere(SECRET, &disk);
    let after = states(&disk);
    assert_eq!(after[1], value!({ "old": null }));
    assert_eq!(after[3], value!({ "new": null, "n": 1 }));
}

#[test]
fn what_is_gone_already_can_be_redacted_and_a_text_typed_letter_by_letter() {
    let disk = MemoryDisk::new();
    let writer = store(&disk);
    for end in 1..=SECRET.len() {
        writer.produce(|doc| doc["mail"] = SECRET[..end].into()).unwrap();
    }
    writer.produce(|doc| drop(doc.as_map_mut().unwrap().remove("mail"))).unwrap();
    writer.close().unwrap();
    redact(&disk, &["/mail"]);
    is_nowhere(&SECRET[..5], &disk);
    assert_eq!(states(&disk)[3], value!({ "mail": null }));
}

#[test]
fn something_else_can_stand_there_instead() {
    let disk = MemoryDisk::new();
    people(&disk).close().unwrap();
    let plan = options(&disk).plan_redaction(dir(), [pointer("/list/1/mail")]).unwrap();
    plan.with("erased".into()).carry_out().unwrap();
    is_nowhere(SECRET, &disk);
    assert_eq!(states(&disk)[1]["list"][0]["mail"], value!("erased"));
}

#[test]
fn nothing_is_written_where_nothing_ever_was() {
    let disk = MemoryDisk::new();
    people(&disk).close().unwrap();
    let before = contents(&disk);
    assert_eq!(redact(&disk, &["/nobody"]).changes, 0);
    assert_eq!(contents(&disk), before);
}

#[test]
fn a_store_that_is_being_written_is_left_alone() {
    let disk = MemoryDisk::new();
    let writer = people(&disk);
    let plan = options(&disk).plan_redaction(dir(), [pointer("/n")]).unwrap();
    assert!(matches!(plan.carry_out(), Err(Error::Locked { .. })));
    writer.close().unwrap();
}

#[test]
fn a_store_that_begins_with_a_snapshot_still_does() {
    let disk = MemoryDisk::new();
    let writer = people(&disk);
    for n in 0..400 {
        writer.produce(|doc| doc["n"] = n.into()).unwrap();
    }
    let oldest = writer.compact_to(Retention::Changes(10)).unwrap().oldest;
    writer.close().unwrap();
    assert!(oldest > 3);
    let before = states(&disk);
    redact(&disk, &["/list/1/mail"]);
    is_nowhere(SECRET, &disk);
    let after = states(&disk);
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().zip(&after).all(|(before, after)| &without(before, "/list/1/mail") == after));
    assert!(check(&disk).unwrap().is_sound());
}

#[test]
fn cursors_stay_where_they_are() {
    let disk = MemoryDisk::new();
    let writer = people(&disk);
    for (name, version) in [("none", 0), ("some", 2), ("all", 3)] {
        writer.set_cursor(name, version).unwrap();
    }
    writer.close().unwrap();
    redact(&disk, &["/list/1/mail"]);
    let writer = store(&disk);
    let at = |name| writer.cursor(name).unwrap();
    assert_eq!((at("none"), at("some"), at("all")), (Some(0), Some(2), Some(3)));
}

#[test]
fn a_replica_fetches_everything_anew() {
    let disk = MemoryDisk::new();
    let replica_dir = Path::new("/replica");
    let follow = || -> redraft::Result<Mirror> {
        Options::new().env(env(&disk)).create(true).open_mirror(dir(), replica_dir)
    };
    people(&disk).close().unwrap();
    let mut replica = follow().unwrap();
    replica.catch_up().unwrap();
    replica.close().unwrap();
    redact(&disk, &["/list/1/mail"]);
    assert!(contents(&disk).iter().any(|(path, bytes)| {
        path.starts_with(replica_dir) && bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    }));
    let mut replica = follow().unwrap();
    assert_eq!(replica.version(), 4);
    replica.catch_up().unwrap();
    replica.close().unwrap();
    is_nowhere(SECRET, &disk);
    let reader = options(&disk).open_read_only::<Value>(replica_dir).unwrap();
    let copied: Vec<Value> = (0..=4).map(|version| (*reader.at(version).unwrap()).clone()).collect();
    assert_eq!(copied, states(&disk));
    // And it follows on.
    let writer = store(&disk);
    writer.produce(|doc| doc["n"] = 7.into()).unwrap();
    writer.close().unwrap();
    let mut replica = follow().unwrap();
    assert_eq!(replica.catch_up().unwrap().version, 5);
    replica.close().unwrap();
    // It is of this edition now, so nothing is exchanged again.
    let renames =
        |call: &Call| matches!(call, Call::Rename(..)).then_some(std::io::ErrorKind::PermissionDenied);
    let watched = Watched::refusing(disk.clone(), renames);
    assert_eq!(Options::new().env(env(&watched)).open_mirror(dir(), replica_dir).unwrap().version(), 5);
}

/// An older copy of the source cannot take a redacted replica back.
#[test]
fn a_replica_of_a_later_edition_does_not_follow_an_older_one() {
    let disk = MemoryDisk::new();
    people(&disk).close().unwrap();
    let older = contents(&disk);
    redact(&disk, &["/list/1/mail"]);
    let options = Options::new().env(env(&disk)).create(true);
    options.open_mirror(dir(), "/replica").unwrap().catch_up().unwrap();
    for (path, _) in contents(&disk).iter().filter(|(path, _)| path.starts_with(dir())) {
        redraft::io::Disk::remove(&disk, path).unwrap();
    }
    older.into_iter().for_each(|(path, bytes)| disk.put(&path, bytes));
    let refused = options.open_mirror(dir(), "/replica").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Diverged, "{refused}");
}
