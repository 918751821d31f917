//! Good stores, as the real writer leaves them: what the fuzzers damage. Made once a process, and always the same.

use redraft::io::{Env, MemoryDisk};
use redraft::{Meta, Options, Store, Value, log, value};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The directory of the store.
pub(crate) fn dir() -> &'static Path {
    Path::new("/store")
}

/// Files and what is in them.
pub(crate) type Files = Vec<(PathBuf, Vec<u8>)>;

pub(crate) fn files(disk: &MemoryDisk) -> Files {
    disk.files().into_iter().filter_map(|path| Some((path.clone(), disk.bytes(&path)?))).collect()
}

/// A disk that holds these files.
pub(crate) fn disk(files: &Files) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let made = redraft::io::Disk::create_dir(&disk, dir());
    assert!(made.is_ok(), "a disk in memory takes a directory");
    files.iter().for_each(|(path, bytes)| disk.put(path, bytes.clone()));
    disk
}

/// How the stores are written.
#[derive(Clone, Copy)]
struct Plan {
    identity: u64,
    changes: u64,
    segment_bytes: u64,
    snapshots: &'static [u64],
    /// Whether the session ends cleanly, or the process is killed.
    closes: bool,
}

const USUAL: Plan = Plan { identity: 7, changes: 24, segment_bytes: 512, snapshots: &[9, 20], closes: true };

/// The stores to start from: several segments and snapshots, closed; the same, killed; another identity; a single
/// segment, closed; the same, killed; nothing but an empty segment; a raw log of several segments.
static WORLDS: LazyLock<[Files; 7]> = LazyLock::new(|| {
    [
        written(USUAL),
        written(Plan { closes: false, ..USUAL }),
        written(Plan { identity: 99, ..USUAL }),
        written(Plan { changes: 20, segment_bytes: 4096, snapshots: &[], ..USUAL }),
        written(Plan { changes: 20, segment_bytes: 4096, snapshots: &[], closes: false, ..USUAL }),
        written(Plan { changes: 0, snapshots: &[], ..USUAL }),
        raw_log().unwrap_or_else(|error| panic!("a good log cannot be written: {error}")),
    ]
});

/// One of the stores; any number chooses.
pub(crate) fn world(choice: usize) -> &'static Files {
    &WORLDS[choice % WORLDS.len()]
}

/// One of the stores of a single segment: that segment.
pub(crate) fn segment(closed: bool) -> &'static [u8] {
    let segment = world(if closed { 3 } else { 4 }).iter().find(|(path, _)| is(path, "seg"));
    segment.map_or(&[], |(_, bytes)| bytes)
}

/// Whether a path has this extension.
pub(crate) fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn written(plan: Plan) -> Files {
    try_written(plan).unwrap_or_else(|error| panic!("a good store cannot be written: {error}"))
}

fn try_written(plan: Plan) -> redraft::Result<Files> {
    let disk = MemoryDisk::new();
    let env = Env::simulated(disk.clone(), plan.identity);
    let store: Store<Value> = Options::new().env(env).segment_bytes(plan.segment_bytes).open(dir())?;
    for number in 0..plan.changes {
        step(&store, number)?;
        if plan.snapshots.contains(&store.version()) {
            store.snapshot()?;
        }
    }
    let killed = disk.process_kill();
    store.close()?;
    Ok(files(if plan.closes { &disk } else { &killed }))
}

/// Records of all lengths up to fifty, one and several at a time.
fn raw_log() -> redraft::Result<Files> {
    let disk = MemoryDisk::new();
    let options = log::Options::new().env(Env::simulated(disk.clone(), USUAL.identity));
    let log = options.segment_bytes(USUAL.segment_bytes).open(dir())?;
    for length in 1..25_u8 {
        log.append(&vec![length; length.into()])?;
    }
    log.append_all((25..50_u8).map(|length| vec![length; length.into()]))?;
    log.close()?;
    Ok(files(&disk))
}

/// One change; the first twenty do everything that a record can say.
fn step(store: &Store<Value>, number: u64) -> redraft::Result<()> {
    if number % 11 == 10 {
        return store.undo(number - 2).map(drop);
    }
    let tags = [("step".into(), number.to_string())].into();
    let meta = match number % 3 {
        0 => Meta { label: Some(format!("change {number}")), at_ms: Some(-5), tags },
        _ => Meta::default(),
    };
    store.produce_with(meta, |doc| edit(doc, number)).map(drop)
}

fn edit(doc: &mut Value, number: u64) {
    match number % 6 {
        0 => doc["list"] = value!([1, -2, "three", null, [true, 4.5], { "six": 6 }]),
        1 => doc["text"] = format!("a line of text\nand another, {number}\n").into(),
        2 => {
            doc["map"][number.to_string().as_str()] = Value::Bytes(number.to_le_bytes()[..].into());
        }
        3 => doc["list"][1] = u64::MAX.into(),
        4 => doc["text"] = format!("a line of text\ninserted\nand another, {number}\n").into(),
        _ => doc["last"] = (number as i64).into(),
    }
}
