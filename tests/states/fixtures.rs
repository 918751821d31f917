//! Stores in the format of today, as files under `tests/fixtures/v1`, are opened by every version of redraft from now on: what they
//! held at each version is known, one more change is made in a copy, and all of it verifies.
//!
//! The files are never made anew: they are what an earlier redraft wrote. `make` is for new ones, writes only those that are not
//! there, and only if REDRAFT_FIXTURES is set.
#![cfg(all(feature = "derive", feature = "json", feature = "zstd"))]
#![allow(clippy::disallowed_methods, reason = "tests look at files")]

use redraft::io::{Env, MemoryDisk};
use redraft::{Durability, Options, Reader, Retention, State, Store, Value, value, verify};
use std::fs;
use std::path::{Path, PathBuf};

/// What a program kept that was written against schema 1.
#[derive(Clone, Debug, Default, PartialEq, State)]
struct Board {
    title: String,
    cards: Vec<String>,
}

/// Its successor: `title` became `name`, and counts its cards.
#[derive(Clone, Debug, Default, PartialEq, State)]
#[state(schema = 2, migrate = "counted")]
struct Counted {
    name: String,
    cards: Vec<String>,
    count: i64,
}

fn counted(_: u32, board: &mut Value) -> Result<(), &'static str> {
    let count = board["cards"].as_list().ok_or("no list")?.len();
    let fields = board.as_map_mut().ok_or("no map")?;
    let title = fields.remove("title").ok_or("no title")?;
    fields.insert("name", title);
    fields.insert("count", count as i64);
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

/// A copy that may be written, and the states the store had at the versions it has.
fn copy(name: &str) -> (tempfile::TempDir, PathBuf, Vec<(u64, Value)>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::create_dir(&path).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(root().join(name)).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, path.join(from.file_name().unwrap())).unwrap();
        files += 1;
    }
    assert!(files > 0);
    let states = fs::read_to_string(root().join(format!("{name}.json"))).unwrap();
    let states: Vec<(u64, serde_json::Value)> = serde_json::from_str(&states).unwrap();
    assert!(states.len() > 3);
    let states = states.into_iter().map(|(version, state)| (version, state.to_string().parse().unwrap()));
    (dir, path, states.collect())
}

/// All that is known of the fixture still holds, before and after one more change.
fn holds(name: &str, schema: u32) {
    let (_dir, path, states) = copy(name);
    let report = verify(&path).unwrap();
    assert!(report.is_sound(), "{name}: {report:?}");
    let newest = states.last().unwrap().0;
    assert_eq!(report.intact, newest, "{name}");
    let held = |reader: &Reader<Value>| {
        assert!(reader.version() >= newest || report.cut.is_some());
        // What a crash left unproved is seen once a writer has looked.
        for (version, state) in states.iter().filter(|(version, _)| *version <= reader.version()) {
            assert_eq!(&*reader.at(*version).unwrap(), state, "{name}, version {version}");
        }
        assert_eq!(reader.oldest().unwrap(), states[0].0);
    };
    held(&Reader::open(&path).unwrap());
    let store = Store::<Value>::open(&path).unwrap();
    assert_eq!((store.version(), store.schema()), (newest, schema), "{name}");
    assert_eq!(*store.state(), states.last().unwrap().1);
    store.produce(|doc| doc["one more"] = 1.into()).unwrap();
    held(&Reader::open(&path).unwrap());
    store.snapshot().unwrap();
    store.close().unwrap();
    let report = verify(&path).unwrap();
    assert!(report.is_sound() && report.intact == newest + 1, "{name}: {report:?}");
    assert_eq!(Store::<Value>::open(&path).unwrap().state()["one more"].as_i64(), Some(1));
}

#[test]
fn a_store_of_documents_with_several_segments_and_snapshots_of_both_kinds() {
    let files = fs::read_dir(root().join("documents")).unwrap();
    let names: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let of = |ending: &str| names.iter().filter(|name| name.extension().is_some_and(|e| e == ending)).count();
    assert!(of("seg") > 2);
    // The method of the first block.
    let snapshots = names.iter().filter(|name| name.extension().is_some_and(|e| e == "snap"));
    let mut methods: Vec<u8> = snapshots.map(|name| fs::read(name).unwrap()[68]).collect();
    methods.sort_unstable();
    assert_eq!(methods, [0, 1], "one as it is, one compressed");
    holds("documents", 1);
    let (_dir, path, _) = copy("documents");
    let store = Store::<Value>::open(&path).unwrap();
    assert_eq!(store.cursors().unwrap(), [("mailer 0".into(), 0), ("mailer 30".into(), 30)].into());
    assert_eq!(store.cursor("mailer 30").unwrap(), Some(30));
}

#[test]
fn a_store_of_a_type_of_schema_1() {
    holds("typed", 1);
    let (_dir, path, states) = copy("typed");
    let store = Store::<Board>::open(&path).unwrap();
    assert_eq!(store.state().to_value(), states.last().unwrap().1);
    store.close().unwrap();
    let store = Store::<Counted>::open(&path).unwrap();
    assert_eq!(store.opened().migrated_from, Some(1));
    for (version, state) in states.iter().filter(|(version, _)| *version > 0) {
        let read = store.at(*version).unwrap();
        assert_eq!(Some(read.name.as_str()), state["title"].as_str());
        assert_eq!(read.count, state["cards"].as_list().unwrap().len() as i64);
    }
    drop(store);
    assert!(verify(&path).unwrap().is_sound());
}

#[test]
fn a_store_that_was_migrated_to_schema_2() {
    holds("migrated", 2);
    let (_dir, path, states) = copy("migrated");
    let refused = Store::<Board>::open(&path).unwrap_err();
    assert_eq!(refused.kind(), redraft::ErrorKind::NewerSchema);
    let store = Store::<Counted>::open(&path).unwrap();
    assert_eq!(
        (store.opened().migrated_from, store.state().to_value()),
        (None, states.last().unwrap().1.clone())
    );
    assert_eq!(store.at(2).unwrap().count, 1);
}

#[test]
fn a_store_that_begins_with_a_snapshot() {
    assert!(copy("compacted").2[0].0 > 0);
    holds("compacted", 1);
}

#[test]
fn a_store_whose_last_write_was_torn() {
    let (_dir, path, states) = copy("torn");
    assert!(verify(&path).unwrap().cut.is_some());
    let store = Store::<Value>::open(&path).unwrap();
    assert!(store.opened().cut.is_some());
    assert_eq!((store.version(), &*store.state()), (states.last().unwrap().0, &states.last().unwrap().1));
    drop(store);
    holds("torn", 1);
}

fn memory_options(disk: &MemoryDisk) -> Options {
    Options::new().env(Env::simulated(disk.clone(), 7)).segment_bytes(1024)
}

fn edit(n: u64) -> impl FnOnce(&mut Value) {
    move |doc| match n % 4 {
        0 => doc["title"] = format!("plan {n} \u{1f4d0}").into(),
        1 => {
            doc["cards"][n.to_string().as_str()] =
                value!({ "text": (format!("card {n} ").repeat(5)), "done": false });
        }
        2 => doc["weight"] = (n as f64 / 4.0).into(),
        _ => doc["list"] = (0..n).map(Value::from).collect(),
    }
}

/// The versions up to `head`, as the program saw them when it made them.
type States = Vec<(u64, Value)>;

fn documents(disk: &MemoryDisk) -> States {
    let store: Store<Value> = memory_options(disk).open("/fixture").unwrap();
    let mut states = vec![(0, Value::default())];
    for n in 0..40 {
        store
            .produce(|doc| {
                edit(n)(doc);
                doc["n"] = n.into();
            })
            .unwrap();
        states.push((store.version(), store.state().as_ref().clone()));
        if n == 0 || n == 30 {
            store.snapshot().unwrap();
            store.set_cursor(&format!("mailer {n}"), n).unwrap();
        }
    }
    store.close().unwrap();
    states
}

fn typed(disk: &MemoryDisk) -> States {
    let store: Store<Board> = memory_options(disk).open("/fixture").unwrap();
    let mut states = vec![(0, Value::default())];
    for n in 0..12 {
        store
            .produce(|board| match n % 3 {
                0 => board.title = format!("plan {n}"),
                _ => board.cards.push(format!("card {n}")),
            })
            .unwrap();
        states.push((store.version(), store.state().to_value()));
    }
    store.close().unwrap();
    states
}

fn migrated(disk: &MemoryDisk) -> States {
    let mut states = typed(disk);
    let store: Store<Counted> = memory_options(disk).open("/fixture").unwrap();
    states.push((store.version(), store.state().to_value()));
    for n in 0..4 {
        store.produce(|board| board.count = 100 + n).unwrap();
        states.push((store.version(), store.state().to_value()));
        if n == 1 {
            store.snapshot().unwrap();
        }
    }
    store.close().unwrap();
    states
}

fn compacted(disk: &MemoryDisk) -> States {
    let mut states = documents(disk);
    let store: Store<Value> = memory_options(disk).hold_for_cursors(0).open("/fixture").unwrap();
    let oldest = store.compact_to(Retention::Changes(10)).unwrap().oldest;
    store.close().unwrap();
    states.retain(|(version, _)| *version >= oldest);
    states
}

/// A disk that lost power while changes were on their way to it.
fn torn(disk: &MemoryDisk) -> States {
    for seed in 0.. {
        let memory = MemoryDisk::new();
        let store: Store<Value> = memory_options(&memory).open("/fixture").unwrap();
        let mut states = vec![(0, Value::default())];
        for n in 0..12 {
            store.produce(edit(n)).unwrap();
            states.push((store.version(), store.state().as_ref().clone()));
        }
        drop(store);
        let options = memory_options(&memory).durability(Durability::UnsafeNoSync);
        let store: Store<Value> = options.open("/fixture").unwrap();
        store.produce(|doc| doc["noise"] = "x".repeat(300).into()).unwrap();
        let image = memory.power_cut(seed);
        let report = memory_options(&image).verify("/fixture").unwrap();
        if report.cut.is_some() && report.intact == 12 {
            image.files().iter().for_each(|file| disk.put(file, image.bytes(file).unwrap()));
            return states;
        }
    }
    Vec::new()
}

#[test]
#[ignore = "makes fixtures that are not there yet; those that are stay as they are"]
fn make() {
    if std::env::var_os("REDRAFT_FIXTURES").is_none() {
        return;
    }
    type Maker = fn(&MemoryDisk) -> States;
    let makers: [(&str, Maker); 5] = [
        ("documents", documents),
        ("typed", typed),
        ("migrated", migrated),
        ("compacted", compacted),
        ("torn", torn),
    ];
    for (name, maker) in makers {
        let dir = root().join(name);
        if dir.exists() {
            continue;
        }
        let disk = MemoryDisk::new();
        let states = maker(&disk);
        fs::create_dir_all(&dir).unwrap();
        for file in disk.files().iter().filter(|file| !file.ends_with("LOCK")) {
            fs::write(dir.join(file.file_name().unwrap()), disk.bytes(file).unwrap()).unwrap();
        }
        let lines = states.iter().map(|(version, state)| format!("[{version},{}]", state.to_json_string()));
        let lines = lines.collect::<Vec<_>>().join(",\n");
        fs::write(root().join(format!("{name}.json")), format!("[\n{lines}\n]\n")).unwrap();
    }
}
