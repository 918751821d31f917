//! Running the command as its users do: as a process.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests look at files and may fail loudly")]

pub(crate) mod nats;
pub(crate) mod numbered;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// The output of a run that must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// The same as JSON, one value.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// The same as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(self) -> Vec<serde_json::Value> {
        self.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The message of a run that must have been refused with this code, saying nothing on stdout.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        self.err
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redraft"));
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) fn redraft(args: &[&str]) -> Done {
    done(command(args))
}

pub(crate) fn done(mut command: Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the command with this text on stdin.
pub(crate) fn redraft_fed(args: &[&str], input: &[u8]) -> Done {
    let mut child =
        command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A command that refuses early does not read what it is given.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A directory for one test, and names in it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.path().join(name), content).unwrap();
        self.at(name)
    }

    /// A store with the versions 1 to `head`, in which `/n` is the version.
    pub(crate) fn store(&self, name: &str, head: u64) -> String {
        let path = self.at(name);
        redraft(&["init", &path]).ok();
        let lines: String =
            (1..=head).map(|n| format!("[{{\"op\":\"add\",\"path\":\"/n\",\"value\":{n}}}]\n")).collect();
        redraft_fed(&["apply", &path, "--lines"], lines.as_bytes()).ok();
        path
    }
}

/// Everything in a directory; not the lock, which says who wrote last.
pub(crate) fn content(dir: impl AsRef<Path>) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut content = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            content.append(&mut self::content(&path));
        } else if path.file_name().unwrap() != "LOCK" {
            let bytes = std::fs::read(&path).unwrap();
            content.insert(path, bytes);
        }
    }
    content
}

/// The history and the state, as JSON: what must not change when something is refused.
pub(crate) fn told(store: &str) -> String {
    redraft(&["log", store, "--json"]).ok() + &redraft(&["show", store, "--json"]).ok()
}

pub(crate) fn segment(store: &str) -> PathBuf {
    Path::new(store).join("00000000000000000000.seg")
}

/// Overwrites bytes of a file in place.
pub(crate) fn overwrite(path: &Path, at: usize, bytes: &[u8]) {
    let mut content = std::fs::read(path).unwrap();
    content[at..at + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, content).unwrap();
}
