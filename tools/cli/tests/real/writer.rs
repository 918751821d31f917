//! The process that writes while the machine fails: this very test program, started once more as the test `the_writer`.
//!
//! It goes through all that writes: creating, changing, rolling small segments, snapshots, closing. On stderr it tells its
//! process id, then each version once it is acknowledged, and how it ended.

use crate::common::numbered;
use redraft::{Options, Store, Value};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

const SNAPSHOT_EVERY: u64 = 10;
const FAILED: i32 = 9;

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) store: String,
    pub(crate) changes: u64,
    pub(crate) segment_bytes: u64,
    /// What each change carries besides its number; 0 for a little of varying length.
    pub(crate) padding_bytes: usize,
}

impl Work {
    /// A few small segments and snapshots.
    pub(crate) fn small(store: &str) -> Work {
        Work { store: store.into(), changes: 24, segment_bytes: 2048, padding_bytes: 0 }
    }

    /// The command that does it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["writer::the_writer", "--exact", "--nocapture", "--test-threads=1"]);
        command.env("REDRAFT_WRITER_STORE", &self.store);
        command.env("REDRAFT_WRITER_CHANGES", self.changes.to_string());
        command.env("REDRAFT_WRITER_SEGMENT_BYTES", self.segment_bytes.to_string());
        command.env("REDRAFT_WRITER_PADDING_BYTES", self.padding_bytes.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Does it, if this process was started for it.
    pub(crate) fn do_if_asked() {
        let Ok(store) = std::env::var("REDRAFT_WRITER_STORE") else { return };
        let number = |name: &str| crate::setting(name, 0);
        let work = Work {
            store,
            changes: number("REDRAFT_WRITER_CHANGES"),
            segment_bytes: number("REDRAFT_WRITER_SEGMENT_BYTES"),
            padding_bytes: number("REDRAFT_WRITER_PADDING_BYTES") as usize,
        };
        eprintln!("pid {}", std::process::id());
        if let Err(error) = work.run() {
            eprintln!("failed: {:?}: {}", error.kind(), with_causes(&error));
            std::process::exit(FAILED);
        }
        eprintln!("closed");
    }

    /// Two sessions, so that reading what is there and going on from it are in it.
    fn run(&self) -> redraft::Result<()> {
        let first = self.changes / 2;
        self.session(first)?;
        self.session(self.changes - first)
    }

    fn session(&self, changes: u64) -> redraft::Result<()> {
        let store: Store<Value> = Options::new().segment_bytes(self.segment_bytes).open(&self.store)?;
        for change in store.changes(store.oldest() + 1..)? {
            change?;
        }
        store.at(store.version() / 2)?;
        for _ in 0..changes {
            let version = numbered::produce(&store, self.padding_bytes)?;
            eprintln!("{version}");
            // A snapshot that cannot be written is no reason to end: the log goes on without it.
            if version.is_multiple_of(SNAPSHOT_EVERY)
                && let Err(error) = store.snapshot()
            {
                eprintln!("snapshot: {error}");
            }
        }
        store.close()
    }
}

/// What became of a writer.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) acknowledged: u64,
    pub(crate) closed: bool,
    pub(crate) said: String,
    pub(crate) status: ExitStatus,
}

impl Ran {
    /// Lets a writer run to its end, whatever that is; a panic is not an end that is allowed.
    pub(crate) fn of(mut command: Command) -> Ran {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{said}");
        let acknowledged = said.lines().filter_map(|line| line.parse().ok()).next_back().unwrap_or(0);
        let closed = said.lines().any(|line| line == "closed");
        Ran { acknowledged, closed, said, status: output.status }
    }

    /// Whether it came so far that it was this program: the system needs files too to load one.
    pub(crate) fn began(&self) -> bool {
        self.said.starts_with("pid ")
    }

    /// Whether it ended by an error of its own that is the machine's fault, or was killed.
    pub(crate) fn failed_properly(&self) -> bool {
        let told = ["Environment", "NotFound", "Poisoned"]
            .iter()
            .any(|kind| self.said.contains(&format!("failed: {kind}")));
        (self.status.code() == Some(FAILED) && told) || self.status.signal().is_some()
    }
}

/// Not a test: what the others start as a process of its own.
#[test]
fn the_writer() {
    Work::do_if_asked();
}

/// An error and what caused it, as a program prints them.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
