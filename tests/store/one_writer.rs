//! One process writes, whoever comes second is told who does; readers work meanwhile and see durable changes only, in
//! order. Death frees the lock.

use redraft::{Error, Options, Reader, Store, Value};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Where a process that this test starts finds the store it is to write.
const STORE_VARIABLE: &str = "REDRAFT_TEST_WRITER";
const PATIENCE: Duration = Duration::from_secs(30);

fn options() -> Options {
    Options::new().segment_bytes(4096)
}

/// The state at a version: the count says which, and the list grows and shrinks so that changes differ in size.
fn step(doc: &mut Value) {
    let n = doc["n"].as_i64().unwrap_or(0) + 1;
    doc["n"] = n.into();
    doc["text"] = "x".repeat(n as usize % 50).into();
}

fn is_right(version: u64, state: &Value) -> bool {
    let n = state["n"].as_u64().unwrap_or(0);
    n == version && (version == 0 || state["text"].as_str().map(str::len) == Some(n as usize % 50))
}

/// Another process that writes until it is killed, and says each version once it is acknowledged.
struct Writer {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Writer {
    fn start(store: &Path) -> Writer {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_writer::the_other_process", "--nocapture", "--test-threads=1"])
            .env(STORE_VARIABLE, store)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Writer { child, said }
    }

    /// The next version it says is durable.
    fn acknowledged(&mut self) -> Option<u64> {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if let Some(version) = line.trim().strip_prefix("durable ") {
                return version.parse().ok();
            }
            line.clear();
        }
        None
    }

    /// Kills it and returns the last version it managed to say.
    fn kill(mut self) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.acknowledged()).last().unwrap_or(0)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Not a test: what the process started by the others does. Started by the test harness itself it does nothing.
#[test]
fn the_other_process() {
    let Some(path) = std::env::var_os(STORE_VARIABLE).map(PathBuf::from) else { return };
    let store = options().open::<Value>(path).unwrap();
    let mut out = std::io::stdout();
    // It is killed long before; the limit is for when nobody does.
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let version = store.produce(step).unwrap().version();
        // One write per line: a line that arrived is whole.
        if out.write_all(format!("\ndurable {version}\n").as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_second_writer_in_the_same_process_is_told_that_this_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = options().open::<Value>(&path).unwrap();
    let error = options().open::<Value>(&path).unwrap_err();
    assert!(
        matches!(&error, Error::Locked { holder: Some(holder), .. } if *holder == std::process::id()),
        "{error:?}"
    );
    store.produce(step).unwrap();
    store.close().unwrap();
    assert_eq!(options().open::<Value>(&path).unwrap().version(), 1);
}

#[test]
fn a_second_process_is_told_who_writes_and_death_frees_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    for _ in 0..3 {
        let mut writer = Writer::start(&path);
        writer.acknowledged().unwrap();
        let error = options().open::<Value>(&path).unwrap_err();
        let Error::Locked { holder, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*holder, Some(writer.child.id()));
        for _ in 0..100 {
            writer.acknowledged().unwrap();
        }
        let acknowledged = writer.kill();
        let store = options().open::<Value>(&path).unwrap();
        assert!(
            store.version() >= acknowledged,
            "{acknowledged} was acknowledged, {} is there",
            store.version()
        );
        assert!(is_right(store.version(), &store.state()));
    }
}

#[test]
fn a_reader_beside_a_writer_in_another_process_sees_durable_changes_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut writer = Writer::start(&path);
    writer.acknowledged().unwrap();
    let reader = Reader::<Value>::open(&path).unwrap();
    let mut seen = reader.version();
    for _ in 0..300 {
        let version = reader.refresh().unwrap();
        assert!(version >= seen, "went back from {seen} to {version}");
        assert!(is_right(version, &reader.state()));
        seen = version;
        let fresh = Reader::<Value>::open(&path).unwrap();
        assert!(is_right(fresh.version(), &fresh.state()));
        let past = fresh.version() / 2;
        assert!(is_right(past, &fresh.at(past).unwrap()));
    }
    let acknowledged = writer.kill();
    // What the reader saw was durable: it is still there.
    let store = Store::<Value>::open(&path).unwrap();
    assert!(store.version() >= seen.max(acknowledged));
}
