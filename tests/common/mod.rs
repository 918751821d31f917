//! What the fault tests share: stores on disks in memory, a model of what they must hold, and the judge that holds a
//! damaged image against it.
#![allow(dead_code, reason = "every test program uses another part")]

pub(crate) mod boards;
pub(crate) mod documents;
pub(crate) mod logs;
pub(crate) mod ops;
pub(crate) mod power;
pub(crate) mod typing;
pub(crate) mod vectors;
pub(crate) mod waiting;
pub(crate) mod watched;

use redraft::io::{Disk, Env, MemoryDisk, SeededEntropy};
use redraft::{Damage, Error, Options, Reader, Report, Store, Value};
use std::path::{Path, PathBuf};

/// A number from the environment, for runs that are longer than usual, or other ones.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The seed of a workload. REDRAFT_SEED moves all of them, so that a long run is not the everyday run again and again.
pub(crate) fn seed(usual: u64) -> u64 {
    usual.wrapping_add(setting("REDRAFT_SEED", 0))
}

/// Tells how much was done; `tools/soak` adds it up.
#[allow(clippy::print_stderr, reason = "how much was done belongs into the log of a test run")]
pub(crate) fn counted(count: u64, what: &str) {
    eprintln!("counted {count} {what}");
}

/// The directory of the store under test.
pub(crate) fn dir() -> &'static Path {
    Path::new("/store")
}

pub(crate) fn segment_path(base: u64) -> PathBuf {
    dir().join(format!("{base:020}.seg"))
}

pub(crate) fn snapshot_path(version: u64) -> PathBuf {
    dir().join(format!("{version:020}.snap"))
}

pub(crate) fn env(disk: &(impl Disk + Clone + 'static)) -> Env {
    Env::simulated(disk.clone(), 7)
}

/// How the tests open stores: small segments, and no new store where there should be one.
pub(crate) fn options(disk: &(impl Disk + Clone + 'static)) -> Options {
    Options::new().env(env(disk)).segment_bytes(1024).create(false)
}

pub(crate) fn open(disk: &(impl Disk + Clone + 'static)) -> Result<Store<Value>, Error> {
    options(disk).open(dir())
}

pub(crate) fn reader(disk: &(impl Disk + Clone + 'static)) -> Result<Reader<Value>, Error> {
    options(disk).open_read_only(dir())
}

pub(crate) fn check(disk: &(impl Disk + Clone + 'static)) -> Result<Report, Error> {
    options(disk).verify(dir())
}

/// A copy that can be damaged without touching the original.
pub(crate) fn copy(disk: &MemoryDisk) -> MemoryDisk {
    disk.process_kill()
}

/// All files of the store with their bytes.
pub(crate) fn contents(disk: &MemoryDisk) -> Vec<(PathBuf, Vec<u8>)> {
    disk.files().into_iter().map(|path| (path.clone(), disk.bytes(&path).unwrap())).collect()
}

/// Changes the document in some way that depends on the dice; `serial` is new every time, so that no step is in vain.
pub(crate) fn edit(doc: &mut Value, dice: &SeededEntropy, serial: u64) {
    doc["serial"] = serial.into();
    match dice.below(8) {
        0 => {
            let count = dice.below(200);
            let bytes: Vec<u8> = (0..count).map(|_| dice.next() as u8).collect();
            doc["blob"] = Value::Bytes(bytes.into());
        }
        1 => doc["text"] = "redraft ".repeat(dice.below(12)).into(),
        2 => {
            if doc["list"].as_list().is_none() {
                doc["list"] = redraft::value!([]);
            }
            let list = doc["list"].as_list_mut().unwrap();
            list.insert(dice.below(list.len() + 1), dice.below(1000) as i64);
        }
        3 => {
            let key = format!("key {}", dice.below(5));
            doc["map"][key.as_str()] = (dice.next() as i64).into();
        }
        4 => {
            // Bodies full of small numbers look like lengths to whoever searches for records.
            let numbers: Vec<Value> = (0..dice.below(30)).map(|n| Value::from(n as i64)).collect();
            doc["numbers"] = Value::List(numbers.into_iter().collect());
        }
        5 => drop(doc.as_map_mut().unwrap().remove("blob")),
        _ => {}
    }
}

/// The states a store went through, and how many changes it acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// The state at each version, from 0; may go on past what was acknowledged.
    pub(crate) states: Vec<Value>,
    pub(crate) acked: u64,
    /// What was acknowledged before that: the mark behind the last batch is not synced, so until a writer has looked, that
    /// batch is unproven.
    pub(crate) proven: u64,
    /// Versions before this one may have been given up.
    pub(crate) given_up: u64,
}

impl Model {
    pub(crate) fn new() -> Self {
        Model { states: vec![Value::default()], acked: 0, proven: 0, given_up: 0 }
    }

    /// All up to `version` is acknowledged.
    pub(crate) fn acked_is(&mut self, version: u64) {
        if version > self.acked {
            (self.proven, self.acked) = (self.acked, version);
        }
    }

    /// Somebody is about to give up what is before `version`.
    pub(crate) fn may_give_up(&mut self, version: u64) {
        self.given_up = self.given_up.max(version);
    }

    /// One change through the store, noted here.
    pub(crate) fn produce(&mut self, store: &Store<Value>, dice: &SeededEntropy) -> Result<u64, Error> {
        let serial = dice.next() >> 8;
        let mut proposed = None;
        let answer = store.produce(|doc| {
            edit(doc, dice, serial);
            proposed = Some(doc.clone());
        });
        self.states.extend(proposed);
        let version = answer?.version();
        assert_eq!(version as usize + 1, self.states.len(), "every edit makes a version");
        self.acked_is(version);
        Ok(version)
    }

    pub(crate) fn newest(&self) -> u64 {
        self.states.len() as u64 - 1
    }
}

/// A store of `count` changes, with snapshots after the given versions, on a disk of its own. Not closed.
pub(crate) fn written(seed: u64, count: u64, snapshots: &[u64]) -> (MemoryDisk, Store<Value>, Model) {
    let disk = MemoryDisk::new();
    let dice = SeededEntropy::new(seed);
    let store = options(&disk).create(true).open::<Value>(dir()).unwrap();
    let mut model = Model::new();
    for _ in 0..count {
        let version = model.produce(&store, &dice).unwrap();
        if snapshots.contains(&version) {
            assert_eq!(store.snapshot().unwrap().version, version);
        }
    }
    (disk, store, model)
}

/// What must be true of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) states: &'a [Value],
    /// The least version a writer may open with.
    pub(crate) acked: u64,
    /// The least version a reader may see: after a power cut the last batch may be unproven until a writer looks.
    pub(crate) seen: u64,
    /// Versions before this one may be gone, and are said to be then.
    pub(crate) given_up: u64,
    /// Whether every version is to be looked at, or only the newest and one in the middle.
    pub(crate) thorough: bool,
}

/// How an image was judged.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The version a writer opened it with, or why it did not.
    pub(crate) writer: Result<u64, Error>,
    pub(crate) reader: Result<u64, Error>,
    pub(crate) report: Result<Report, Error>,
    /// Whether opening for writing said that something was cut or passed over.
    pub(crate) spoke: bool,
    pub(crate) cut: Option<redraft::Cut>,
    /// Whether a version between the beginning and the newest could not be read.
    pub(crate) gap: bool,
}

impl Judged {
    /// Whether anybody noticed that the image is not what was written.
    pub(crate) fn noticed(&self) -> bool {
        let report = self.report.as_ref().map_or(true, |report| !report.is_sound() || report.cut.is_some());
        self.writer.is_err() || self.reader.is_err() || self.spoke || self.gap || report
    }
}

/// Reads, verifies and finally opens an image, and holds what comes out against the rules. A broken promise is an `Err`.
pub(crate) fn judge(disk: &MemoryDisk, rules: Rules<'_>) -> Result<Judged, String> {
    let before = rules.thorough.then(|| contents(disk));
    let mut gap = false;
    let reading = judge_reader(disk, rules, &mut gap)?;
    let report = judge_report(disk)?;
    if let Some(before) = before
        && before != contents(disk)
    {
        return Err("reading or verifying changed a file".into());
    }
    let (writer, spoke, cut) = match open(disk) {
        Ok(store) => {
            let version = store.version();
            within("writer", version, rules.acked, rules.states)?;
            same("writer", version, &store.state(), rules.states)?;
            for version in some_of(version, rules.thorough) {
                past("at", version, store.at(version), rules, &mut gap)?;
            }
            let opened = store.opened();
            (Ok(version), opened.cut.is_some() || !opened.passed_over.is_empty(), opened.cut.clone())
        }
        Err(error) => (Err(typed(error)?), false, None),
    };
    agree(&writer, &report)?;
    Ok(Judged { writer, reader: reading, report, spoke, cut, gap })
}

fn judge_reader(disk: &MemoryDisk, rules: Rules<'_>, gap: &mut bool) -> Result<Result<u64, Error>, String> {
    let reader = match reader(disk) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(typed(error)?)),
    };
    let version = reader.version();
    within("reader", version, rules.seen, rules.states)?;
    same("reader", version, &reader.state(), rules.states)?;
    for version in some_of(version, rules.thorough) {
        past("reader at", version, reader.at(version), rules, gap)?;
    }
    Ok(Ok(version))
}

/// A past version is the right state, or lies behind damage that is named.
fn past(
    who: &str,
    version: u64,
    answer: Result<std::sync::Arc<Value>, Error>,
    rules: Rules<'_>,
    gap: &mut bool,
) -> Result<(), String> {
    match answer {
        Ok(state) => same(who, version, &state, rules.states),
        Err(Error::Compacted { version: gone, oldest })
            if gone == version && version < oldest && oldest <= rules.given_up =>
        {
            Ok(())
        }
        Err(error) => typed(error).map(|_| *gap = true),
    }
}

fn judge_report(disk: &MemoryDisk) -> Result<Result<Report, Error>, String> {
    match check(disk) {
        Ok(report) => Ok(Ok(report)),
        Err(error) => Ok(Err(typed(error)?)),
    }
}

/// What a writer refuses as damage, verification must report; what it finds sound, a writer must open.
fn agree(writer: &Result<u64, Error>, report: &Result<Report, Error>) -> Result<(), String> {
    match (writer, report) {
        (Err(error), Ok(report)) if report.is_sound() => {
            Err(format!("a writer refuses what verify calls sound: {error}"))
        }
        (Ok(version), Ok(report)) if report.is_sound() && report.intact != *version => {
            Err(format!("verify counts {} good changes, the writer {version}", report.intact))
        }
        _ => Ok(()),
    }
}

fn some_of(version: u64, all: bool) -> Vec<u64> {
    if all { (0..=version).collect() } else { vec![version / 2] }
}

fn within(who: &str, version: u64, least: u64, states: &[Value]) -> Result<(), String> {
    let most = states.len() as u64 - 1;
    match version {
        _ if version < least => {
            Err(format!("{who} sees version {version}, but {least} was acknowledged: a change is lost"))
        }
        _ if version > most => Err(format!("{who} sees version {version}, only {most} were ever written")),
        _ => Ok(()),
    }
}

fn same(who: &str, version: u64, state: &Value, states: &[Value]) -> Result<(), String> {
    match states.get(version as usize) {
        Some(expected) if expected == state => Ok(()),
        expected => {
            Err(format!("{who} shows a wrong state at version {version}: {state:?}, expected {expected:?}"))
        }
    }
}

/// Errors that damaged files may lead to; any other one is a broken promise.
fn typed(error: Error) -> Result<Error, String> {
    match error {
        Error::Damaged(Damage { ref path, .. }) if path.starts_with(dir()) => Ok(error),
        Error::NotAStore { .. } | Error::Newer { .. } => Ok(error),
        other => Err(format!("an error of the wrong kind: {other:?}")),
    }
}

/// Says where a test was, should it panic.
#[derive(Debug)]
pub(crate) struct Saying(pub(crate) String);

impl Drop for Saying {
    #[allow(clippy::print_stderr, reason = "the test harness shows it beside the panic")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while checking {}", self.0);
        }
    }
}
